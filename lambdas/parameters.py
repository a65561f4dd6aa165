"""One parameter of a control: its type, default and bounds, and what is wrong with a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type, default and bounds.

    With `per_region` a setting maps Region names to values, and a Region that is not named
    has the default. `pattern` is a full match on a string (on each string of a list).
    """

    type: Literal["string", "integer", "boolean", "strings"]
    description: str
    default: Json = None
    minimum: int | None = None
    maximum: int | None = None
    allowed: tuple[str, ...] = ()
    pattern: str | None = None
    per_region: bool = False

    def fault(self, value: Json) -> str | None:
        """Say what is wrong with one value (of one Region), or None where nothing is."""
        accepted: Mapping[str, Any] = {"string": str, "integer": int, "boolean": bool, "strings": (list, tuple)}
        wrong_type = not isinstance(value, accepted[self.type]) or (self.type == "integer" and isinstance(value, bool))
        if wrong_type:
            return f"{value!r} is not of type {self.type}"
        if self.type == "integer":
            if self.minimum is not None and value < self.minimum:
                return f"{value} is below the minimum {self.minimum}"
            if self.maximum is not None and value > self.maximum:
                return f"{value} is above the maximum {self.maximum}"
        texts = [value] if self.type == "string" else value if self.type == "strings" else []
        for text in texts:
            if not isinstance(text, str):
                return f"{text!r} is not a string"
            if self.allowed and text not in self.allowed:
                return f"{text!r} is not one of {', '.join(self.allowed)}"
            if self.pattern is not None and not re.fullmatch(self.pattern, text):
                return f"{text!r} does not have the form {self.pattern}"
        return None
