"""What the simulation breaks: the cases that the test modules of the controls offer.

A case builds a broken resource and its compliant neighbour by plain boto3. The laws over the catalog
use the same cases, so a control that has passed its tests takes part here unasked (docs/decisions/0003).
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boto3 import Session

from lambdas.controls.model import Control, Place, Resource

ROOT = Path(__file__).resolve().parent.parent


class ScenarioError(Exception):
    """A control offers no cases to break."""


@dataclass(slots=True)
class Broken:
    """One resource that was broken, its neighbour, and what became of them."""

    control: Control
    case: str
    resource: Resource
    neighbour: Resource
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
    name = f"palisade_cases_{module}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ScenarioError(f"{path.relative_to(ROOT)} cannot be loaded")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    offered = list(getattr(sys.modules[name], "CASES", ()))
    if not offered:
        raise ScenarioError(f"{path.relative_to(ROOT)} offers no CASES")
    return offered
