"""Where two settings differ: what undo compares, and what messages tell of a change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

# How much of a value a message shows, and of how many.
SHOWN = 240
LINES = 12


class Missing(Enum):
    """Stands for an element of a list that one side does not have."""

    MISSING = "nothing"


class Difference(NamedTuple):
    """One field with what it was and what it is; an element of a list that is gone or new is missing on one side."""

    path: str
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """The field as people read it."""
        return (
            self.path
            + (" (gone)" if self.after is Missing.MISSING else "")
            + (" (new)" if self.before is Missing.MISSING else "")
        )


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Find the fields in which two settings differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        yield from _of_lists(before, after, f"{path}[]")
    elif plain(before) != plain(after):
        yield Difference(path or "the whole", before, after)


def _of_lists(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[Difference]:
    """Compare lists without their order: what has no equal on the other side is compared with its likest."""
    rest = [plain(one) for one in after]
    alone = []
    for one in map(plain, before):
        if one in rest:
            rest.remove(one)
        else:
            alone.append(one)
    for one in alone:
        if not rest:
            yield Difference(path, one, Missing.MISSING)
            continue
        likest = min(rest, key=lambda other: len(list(differences(one, other, path))))
        rest.remove(likest)
        yield from differences(one, likest, path)
    for one in rest:
        yield Difference(path, Missing.MISSING, one)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say what a change has brought, as far as it is short."""
    found = list(differences(before, after))
    lines = [f"{one.path}: {short(one.before)} -> {short(one.after)}" for one in found[:LINES]]
    return [*lines, *([f"and {len(found) - LINES} more; the ledger has them all"] if len(found) > LINES else [])]


def state(settings: Mapping[str, Any]) -> list[str]:
    """Say what settings are, as far as they are short."""
    lines = [f"{name}: {short(value)}" for name, value in sorted(settings.items()) if value not in (None, "", [], {})]
    more = [f"and {len(lines) - LINES} more; the ledger has them all"] if len(lines) > LINES else []
    return [*lines[:LINES], *more]


def short(value: Any) -> str:
    """Write a value in little space."""
    if value is None or value is Missing.MISSING:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def plain(value: Any) -> Any:
    """As the ledger would give it back: what was written there cannot differ by its type alone."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))
