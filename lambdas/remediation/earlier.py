"""What earlier runs of a remediation have done, read from their journal.

An intent without a response is a call of which nobody knows whether it took effect. Its undo is known where it needs
no answer of the call, and may be made in any case: an inverse restores what was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.controls.model import Change
from lambdas.remediation import written


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run of this remediation that did not end has left, by its journal.

    `results` are responses by the name of the change; `inverses` undo what stands or may stand, in the order in which
    it was begun, None where nothing can, and `irreversible` says why; `open` names changes of which nobody knows
    whether they took effect nor how to undo them, `settled` those that were done already; `undone` are the inverses
    of what does not stand any more; `order` is that in which everything was begun.
    """

    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inverses: Mapping[str, Change | None] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    irreversible: Mapping[str, str] = field(default_factory=dict)
    undone: Mapping[str, Change | None] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it changed the resource, or may have, and has not taken it back."""
        return bool(self.inverses or self.open)

    @property
    def begun(self) -> list[tuple[str, Change | None]]:
        """The inverse of everything that was done or may have been, taken back since or not, in order."""
        every = {**self.inverses, **self.undone}
        return [(name, every[name]) for name in self.order if name in every]


@dataclass
class _Reading:
    """The journal, as far as it is read."""

    order: list[str] = field(default_factory=list)
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    stands: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    doubtful: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    settled: list[str] = field(default_factory=list)
    undone: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def intent(self, name: str, entry: Mapping[str, Any]) -> None:
        if name in self.begun:
            # The run before was killed: a refusal of this call says nothing about that one.
            self.doubtful.setdefault(name, self.begun[name])
        self.begun[name] = entry
        if name not in self.order:
            self.order.append(name)

    def response(self, name: str, entry: Mapping[str, Any]) -> None:
        self.begun.pop(name, None)
        if "refused" in entry:
            return
        before = self.doubtful.pop(name, None)
        if "response" in entry:
            self.results[name] = entry["response"]
        if "settled" in entry:
            self.settled.append(name)
            if before is not None:
                self.stands.setdefault(name, before)
        else:
            # The first one changed what was there before; one that was made again found its own work.
            self.stands.setdefault(name, entry)

    def undo(self, name: str, undoes: str, entry: Mapping[str, Any]) -> None:
        if "refused" in entry:
            return
        if "response" in entry:
            self.results[name] = entry["response"]
        taken_back = self.stands.pop(undoes, None) or self.doubtful.pop(undoes, None) or self.begun.pop(undoes, None)
        if taken_back is not None:
            self.undone[undoes] = taken_back

    def earlier(self) -> Earlier:
        unknown = {**self.begun, **self.doubtful}
        known = {name: entry for name, entry in unknown.items() if entry.get("inverse")}
        standing = {**known, **self.stands}
        ordered = list(dict.fromkeys([*self.order, *standing, *self.undone]))
        return Earlier(
            results=self.results,
            inverses={name: _inverse(standing[name]) for name in ordered if name in standing},
            open=tuple(name for name in unknown if name not in standing),
            settled=tuple(self.settled),
            irreversible={name: str(one.get("irreversible") or "") for name, one in standing.items()},
            undone={name: _inverse(entry) for name, entry in self.undone.items()},
            order=tuple(ordered),
        )


def earlier(entries: Sequence[Mapping[str, Any]]) -> Earlier:
    """Read the journal of the runs before: what they did, what of it still stands, and what they may have done."""
    reading = _Reading()
    for entry in entries:
        name, undoes = entry.get("change"), entry.get("undoes")
        kind = entry["entry"].partition("-")[2]
        if name is None or kind not in ("intent", "response"):
            continue
        if undoes is not None:
            if kind == "response":
                reading.undo(name, undoes, entry)
        elif kind == "intent":
            reading.intent(name, entry)
        else:
            reading.response(name, entry)
    return reading.earlier()


def _inverse(entry: Mapping[str, Any]) -> Change | None:
    return written.change_of(entry["inverse"]) if entry.get("inverse") else None
