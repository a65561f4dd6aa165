"""The catalog: every module here that defines `CONTROL`, in the order of their names."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from lambdas.controls.model import Control


@cache
def catalog() -> dict[str, Control]:
    """Return the controls by id. Nothing is asked of AWS."""
    controls = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        if module.name == "model":
            continue
        control: Control = import_module(f"{__name__}.{module.name}").CONTROL
        if control.id in controls:
            raise ValueError(f"two controls are called {control.id}")
        controls[control.id] = control
    return controls
