"""What a control's test offers to the laws over the catalog and to the simulation (docs/decisions/0003)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from boto3 import Session

from lambdas.controls.model import Control, Place


@dataclass(frozen=True)
class Case:
    """One way to break a resource, and a compliant neighbour that must stay as it was.

    `broken` and `neighbour` build one resource each by plain boto3 and return its id as Config names it;
    `parameters` are the control's parameters for the laws, as settings give them; `state` shows one
    resource as it is, for comparison. Every call of a builder makes a resource of its own. The one case that is
    `thorough`, else the first, is the control's whole of interruptions: it should have the most changes.
    """

    name: str
    parameters: Mapping[str, Any]
    broken: Callable[[Session, Place], str]
    neighbour: Callable[[Session, Place], str]
    state: Callable[[Session, Place, str], object]
    thorough: bool = False
    # Where a service takes its time: goes on with what a builder has begun, and says how long to wait before it is
    # asked again; None when the resource is what the case says.
    settle: Callable[[Session, Place, str], timedelta | None] | None = None


def settled(
    case: Case, session: Callable[[], Session], place: Place, identifier: str, passes: Callable[[timedelta], None]
) -> str:
    """Let time pass until what a builder has made is there; returns its id."""
    while case.settle is not None and (wait := case.settle(session(), place, identifier)):
        passes(wait)
    return identifier


def assigned_anew(control: Control) -> Mapping[str, str]:
    """The fields that the service assigns anew when an undo makes something again, each with the reason.

    The one place of a control for them is `ASSIGNED_ANEW` beside the cases of its test module; by the name of the
    field. Whatever else differs after an undo is a fault.
    """
    module = import_module(f"tests.controls.test_{control.slug.replace('-', '_')}")
    named: Mapping[str, str] = getattr(module, "ASSIGNED_ANEW", {})
    return named
