"""How a state's input becomes its output: paths, payload templates, the context object, the payload limit.

Source: Amazon States Language, "Input and Output Processing" and "The Context Object"; Step Functions Developer Guide,
"Processing input and output in Step Functions" and "Step Functions service quotas".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from simulator.services import states_intrinsics, states_path
from simulator.services.states_errors import DATA_LIMIT, INTRINSIC, RESULT_PATH, StatesError, runtime
from simulator.services.states_intrinsics import IntrinsicError
from simulator.services.states_path import PathError

PAYLOAD = 262_144  # bytes of UTF-8
MISSING = object()


@dataclass(frozen=True, slots=True)
class Scope:
    """What the fields of one state are read in: its name, the context object, and the execution's chance."""

    state: str
    context: Mapping[str, Any]
    chance: Random

    def read(self, path: str, data: Any, field: str) -> Any:
        """Return what a path finds in the data, or with `$$` in the context; raises States.Runtime."""
        found = self.find(path, data)
        if found is MISSING:
            raise runtime(
                f"An error occurred while executing the state '{self.state}'. The JSONPath '{path}' specified for the "
                f"field '{field}' could not be found in the input '{compact(data)}'"
            )
        return found

    def find(self, path: str, data: Any) -> Any:
        """Return what a path finds, or MISSING."""
        try:
            return states_path.read(path[1:], self.context) if path.startswith("$$") else states_path.read(path, data)
        except PathError:
            return MISSING

    def input(self, state: Mapping[str, Any], data: Any) -> Any:
        """Apply InputPath."""
        return self._pathed(state, "InputPath", data)

    def output(self, state: Mapping[str, Any], data: Any) -> Any:
        """Apply OutputPath."""
        return self._pathed(state, "OutputPath", data)

    def parameters(self, state: Mapping[str, Any], field: str, data: Any) -> Any:
        """Apply a payload template; the data itself where the state has none."""
        return self.template(state[field], data, field) if field in state else data

    def template(self, template: Any, data: Any, field: str) -> Any:
        """Fill a payload template: members whose names end in `.$` are paths and intrinsic functions."""
        if isinstance(template, Mapping):
            return {
                key.removesuffix(".$"): self._member(key, value, data)
                if key.endswith(".$")
                else self.template(value, data, field)
                for key, value in template.items()
            }
        return [self.template(one, data, field) for one in template] if isinstance(template, list) else template

    def result(self, state: Mapping[str, Any], raw: Any, result: Any) -> Any:
        """Put a result into the state's input by ResultPath; raises States.ResultPathMatchFailure."""
        path = state.get("ResultPath", "$")
        if path is None:
            return raw
        try:
            return states_path.write(path, raw, result)
        except PathError as error:
            raise StatesError(RESULT_PATH, f"Unable to apply ResultPath {path} to input {compact(raw)}") from error

    def number(self, state: Mapping[str, Any], field: str, data: Any) -> Any:
        """The value of a field that may be given by a path, `<field>Path`; None where it is given by neither."""
        path = state.get(f"{field}Path")
        return state.get(field) if path is None else self.read(path, data, f"{field}Path")

    def evaluate(self, text: str, data: Any, field: str) -> Any:
        """Apply an intrinsic function; raises States.IntrinsicFailure."""
        try:
            return states_intrinsics.evaluate(text, lambda path: self.read(path, data, field), self.chance)
        except IntrinsicError as error:
            raise StatesError(INTRINSIC, f"The function '{text}' had the following error: {error}") from error

    def _member(self, key: str, value: Any, data: Any) -> Any:
        return self.read(value, data, key) if value.startswith("$") else self.evaluate(value, data, key)

    def _pathed(self, state: Mapping[str, Any], field: str, data: Any) -> Any:
        path = state.get(field, "$")
        return {} if path is None else self.read(path, data, field)


def compact(value: Any) -> str:
    """Write JSON as Step Functions does, without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def within(text: str, state: str) -> str:
    """Refuse what is larger than a payload may be; raises States.DataLimitExceeded."""
    # A character has at most four bytes: most texts need not be encoded to be measured.
    if len(text) * 4 > PAYLOAD and len(text.encode()) > PAYLOAD:
        raise StatesError(
            DATA_LIMIT,
            f"The state/task '{state}' returned a result with a size exceeding the maximum number of bytes service "
            "limit.",
        )
    return text
