"""What the simulation breaks: the cases that the test modules of the controls offer.

A case builds a broken resource and its compliant neighbour by plain boto3. The laws over the catalog
use the same cases, so a control that has passed its tests takes part here unasked (docs/decisions/0003).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from boto3 import Session

from lambdas.controls.model import Control, Place, Resource

ROOT = Path(__file__).resolve().parent.parent


class ScenarioError(Exception):
    """A control offers no cases to break."""


@dataclass(slots=True)
class Broken:
    """One resource that was broken, its neighbour (an account has none), and what became of them."""

    control: Control
    case: str
    resource: Resource
    neighbour: Resource | None
    state: Callable[[Session, Place, str], object]
    neighbour_before: object
    outcome: str | None = None
    reason: str = ""
    remediation: str = ""
    left: bool = True
    neighbour_changed: bool = False


def cases(control: Control) -> list[Any]:
    """Load the cases of a control from its test module; raises ScenarioError where it offers none."""
    module = control.slug.replace("-", "_")
    path = ROOT / "tests" / "controls" / f"test_{module}.py"
    if not path.exists():
        raise ScenarioError(f"{control.id} has no test module {path.relative_to(ROOT)}")
    # An installed command does not have the checkout on its path, and the test modules import each other.
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    offered = list(getattr(import_module(f"tests.controls.test_{module}"), "CASES", ()))
    if not offered:
        raise ScenarioError(f"{path.relative_to(ROOT)} offers no CASES")
    return offered
