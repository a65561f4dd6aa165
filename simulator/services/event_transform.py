"""What a target gets: the event, a part of it, a constant, or a text made from it.

Source: EventBridge User Guide, "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

STEP = re.compile(r"\.(?P<name>[\w/-]+)|\[(?P<index>\d+)\]|(?P<each>\.\*|\[\*\])")
VARIABLE = re.compile(r"<(?P<name>[\w.-]+)>")
MISSING = object()
INPUTS = ("Input", "InputPath", "InputTransformer")


class InvalidInput(ValueError):
    """An input that a target cannot have, or that made no valid JSON of an event."""


def check(target: Mapping[str, Any]) -> None:
    """Raise InvalidInput where a target's input, path or transformer is not valid."""
    named = [name for name in INPUTS if target.get(name) is not None]
    if len(named) > 1:
        raise InvalidInput(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    if "Input" in named:
        try:
            json.loads(target["Input"])
        except json.JSONDecodeError as error:
            raise InvalidInput(f"JSON syntax error in input for target {target['Id']}: {error}") from error
    transformer = target.get("InputTransformer") or {}
    paths = list((transformer.get("InputPathsMap") or {}).values())
    for path in [*paths, *([target["InputPath"]] if "InputPath" in named else [])]:
        _steps(path)
    reserved = [name for name in transformer.get("InputPathsMap") or {} if name.upper().startswith("AWS")]
    if reserved:
        raise InvalidInput(f"InputPathsMap keys cannot start with AWS: {', '.join(sorted(reserved))}")


def payload(target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str, rule_name: str, now: str) -> str:
    """Return what a target gets for an event; raises InvalidInput where the template makes no valid JSON."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        found = extract(target["InputPath"], event)
        return compact(None if found is MISSING else found)
    transformer = target.get("InputTransformer")
    if transformer is None:
        return compact(event)
    values = {name: extract(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": now,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    return render(transformer["InputTemplate"], values)


def compact(value: Any) -> str:
    """Write JSON without spaces, as EventBridge does."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def extract(path: str, event: Mapping[str, Any]) -> Any:
    """Return what a JSON path names in an event, or MISSING."""
    found: list[Any] = [event]
    several = False
    for name, index, each in _steps(path):
        if each:
            several = True
            found = [item for node in found for item in _children(node)]
        elif index:
            found = [node[int(index)] for node in found if isinstance(node, list) and int(index) < len(node)]
        else:
            found = [node[name] for node in found if isinstance(node, Mapping) and name in node]
    if several:
        return found
    return found[0] if found else MISSING


def _children(node: Any) -> list[Any]:
    if isinstance(node, Mapping):
        return list(node.values())
    return list(node) if isinstance(node, list) else []


def _steps(path: str) -> list[tuple[str, str, str]]:
    if not path.startswith("$"):
        raise InvalidInput(f"Invalid JSON path {path!r}: it must begin with $")
    steps = []
    position = 1
    while position < len(path):
        step = STEP.match(path, position)
        if step is None:
            raise InvalidInput(f"Invalid JSON path {path!r}: dots, names, indices and wildcards are supported")
        steps.append((step["name"] or "", step["index"] or "", step["each"] or ""))
        position = step.end()
    return steps


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template's variables; a path that was not found leaves an empty text."""
    plain = template.strip()[:1] not in ('"', "{", "[") and VARIABLE.fullmatch(template.strip()) is None
    written = []
    position = 0
    quoted = False
    for variable in VARIABLE.finditer(template):
        literal = template[position : variable.start()]
        quoted ^= _unescaped_quotes(literal) % 2 == 1
        value = values.get(variable["name"], MISSING)
        written += [literal, _written(value, quoted=quoted, plain=plain)]
        position = variable.end()
    text = "".join([*written, template[position:]])
    if not plain:
        _require_json(text)
    return text


def _written(value: Any, *, quoted: bool, plain: bool) -> str:
    """Write a value where it stands: as JSON, inside a JSON string, or in plain text."""
    if value is MISSING:
        value = ""
    if not quoted and not plain:
        return compact(value)
    if isinstance(value, str):
        return value if plain else compact(value)[1:-1]
    # Inside a string EventBridge writes objects without their quotation marks.
    return compact(value) if plain else compact(value).replace('"', "")


def _unescaped_quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)"', text))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _require_json(text: str) -> None:
    """A template is one JSON document, or lines that are each a JSON string."""
    if _is_json(text):
        return
    lines = [line for line in text.splitlines() if line.strip()]
    if not all(line.lstrip().startswith('"') and _is_json(line) for line in lines):
        raise InvalidInput(f"The input template made no valid JSON: {text[:200]}")
