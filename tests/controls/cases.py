"""What a control's test offers to the laws over the catalog and to the simulation (docs/decisions/0003)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boto3 import Session

from lambdas.controls.model import Place


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
