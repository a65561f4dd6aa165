"""Strands: what an execution does by itself, one step at a time, on the agenda of the organisation.

A strand is a generator that yields what it waits for. No thread waits: time passes on the agenda alone, and
several strands of one execution (branches, items) take turns in the order in which they become due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from simulator.agenda import Agenda, Due
from simulator.services.states_errors import HEARTBEAT, TIMEOUT, StatesError
from simulator.services.states_history import HistoryFullError


class Wish(Protocol):
    """What a strand waits for."""

    def begin(self, strand: Strand) -> None:
        """Arrange that the strand goes on."""
        ...

    def end(self) -> None:
        """Forget it, for the strand goes on or has ended."""
        ...


Steps = Generator["Wish", Any, Any]


@dataclass(slots=True)
class Strand:
    """One line of an execution. `finished` gets its result or its error; `broken` what is no error of a state."""

    agenda: Agenda
    label: str
    steps: Steps
    finished: Callable[[Any, StatesError | None], None]
    broken: Callable[[Exception], None]
    ended: bool = False
    running: bool = False
    wish: Wish | None = None

    def go(self, value: Any = None, error: StatesError | None = None) -> None:
        """Go on until something has to be waited for."""
        if self.ended:
            return
        if self.wish is not None:
            self.wish.end()
            self.wish = None
        self.running = True
        try:
            wish = self.steps.send(value) if error is None else self.steps.throw(error)
        except StopIteration as done:
            self._end(done.value, None)
            return
        except StatesError as failed:
            self._end(None, failed)
            return
        except Exception as failure:
            self.ended = True
            self.broken(failure)
            return
        finally:
            self.running = False
        if self.ended:  # what it did has ended it
            self.steps.close()
            return
        self.wish = wish
        wish.begin(self)

    def abort(self) -> None:
        """End it where it is."""
        if self.ended:
            return
        self.ended = True
        if self.wish is not None:
            self.wish.end()
            self.wish = None
        if not self.running:
            self.steps.close()

    def _end(self, value: Any, error: StatesError | None) -> None:
        if self.ended:
            return
        self.ended = True
        try:
            self.finished(value, error)
        except HistoryFullError as full:  # what its end stops has no place left to be told in
            self.broken(full)


@dataclass(slots=True)
class Until:
    """Wait until a moment."""

    moment: datetime
    _due: Due | None = None

    def begin(self, strand: Strand) -> None:
        """Enter the moment."""
        self._due = strand.agenda.at(self.moment, strand.go, strand.label)

    def end(self) -> None:
        """Strike it out."""
        if self._due is not None:
            self._due.cancelled = True


@dataclass(slots=True)
class Ticket:
    """Wait until somebody answers by a task's token, or until its time or its heartbeat's is over."""

    token: str
    timeout: float | None
    heartbeat: float | None
    answer: tuple[Any, StatesError | None] | None = None
    _strand: Strand | None = None
    _dues: dict[str, Due] = field(default_factory=dict)

    def begin(self, strand: Strand) -> None:
        """Go on with an answer that is there already, else watch the time."""
        self._strand = strand
        if self.answer is not None:
            self._resume(*self.answer)
            return
        self._watch(TIMEOUT, self.timeout)
        self._watch(HEARTBEAT, self.heartbeat)

    def reply(self, value: Any, error: StatesError | None) -> None:
        """Answer."""
        self.answer = (value, error)
        if self._strand is not None:
            self._resume(value, error)

    def beat(self) -> None:
        """Begin the heartbeat's time anew."""
        if self._strand is not None:
            self._watch(HEARTBEAT, self.heartbeat)

    def end(self) -> None:
        """Watch no more."""
        for due in self._dues.values():
            due.cancelled = True

    def _resume(self, value: Any, error: StatesError | None) -> None:
        strand = self._strand
        assert strand is not None  # noqa: S101 - asked by the callers
        self.end()
        strand.agenda.soon(lambda: strand.go(value, error), strand.label)

    def _watch(self, name: str, seconds: float | None) -> None:
        if name in self._dues:
            self._dues[name].cancelled = True
        strand = self._strand
        if seconds is not None and strand is not None:
            self._dues[name] = strand.agenda.soon(
                lambda: strand.go(error=StatesError(name)), strand.label, seconds=seconds
            )


@dataclass(slots=True)
class Join:
    """Wait for several strands, so many at a time, until all are done or more failed than may.

    Goes on with a list in their order: what each returned, or its StatesError.
    """

    lines: Sequence[Callable[[], Steps]]
    limit: int  # 0: as many as there are
    tolerates: Callable[[int], bool]  # whether so many failures are tolerated
    stopped: Callable[[int], None] = lambda number: None  # what was under way when another failed
    _strands: dict[int, Strand] = field(default_factory=dict)
    _results: list[Any] = field(default_factory=list)
    _failures: int = 0

    def begin(self, strand: Strand) -> None:
        """Start the first of them."""
        self._results = [None] * len(self.lines)
        waiting = deque(range(len(self.lines)))
        first = [waiting.popleft() for _ in range(min(len(waiting), self.limit or len(waiting)))]
        if not first:
            strand.agenda.soon(lambda: strand.go([]), strand.label)
        for number in first:
            self._start(strand, number, waiting)

    def end(self) -> None:
        """End those that are under way."""
        for one in self._strands.values():
            one.abort()

    def _start(self, parent: Strand, number: int, waiting: deque[int]) -> None:
        def finished(value: Any, error: StatesError | None) -> None:
            del self._strands[number]
            self._results[number] = value if error is None else error
            self._failures += error is not None
            if error is not None and not self.tolerates(self._failures):
                for other in self._strands:
                    self.stopped(other)
                parent.go(error=error)
            elif waiting:
                self._start(parent, waiting.popleft(), waiting)
            elif not self._strands:
                parent.go(self._results)

        child = Strand(parent.agenda, parent.label, self.lines[number](), finished, parent.broken)
        self._strands[number] = child
        parent.agenda.soon(child.go, child.label)


def pause(agenda: Agenda, seconds: float) -> Until:
    """Wait some seconds."""
    return Until(agenda.now() + timedelta(seconds=seconds))
