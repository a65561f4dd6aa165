"""The interpreter of the Amazon States Language: one execution, its states and its history, in simulated time.

Source: Amazon States Language; Step Functions Developer Guide, "Using Amazon States Language to define Step Functions
workflows"; Step Functions API Reference, "HistoryEvent".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.services.states_choice import holds, moment
from simulator.services.states_data import Scope, compact, within
from simulator.services.states_errors import NO_CHOICE, TOLERATED, Retries, StatesError, matches, runtime
from simulator.services.states_fields import LONGEST
from simulator.services.states_history import Execution
from simulator.services.states_shapes import timestamp
from simulator.services.states_strands import Join, Steps, Until, pause
from simulator.services.states_work import Work

if TYPE_CHECKING:
    from simulator.agenda import Agenda

# Seconds that the way from one state to the next takes here; AWS states no figure.
TRANSITION = 0.02
INLINE = 40  # items of an inline Map at a time, at most


@dataclass(slots=True)
class Track:
    """Where one line of an execution is: its last event, the item of a Map that it is about, its state."""

    previous: int = 0
    item: Mapping[str, Any] | None = None
    state: Mapping[str, Any] | None = None
    token: str | None = None


class Interpreter:
    """Runs one execution's definition."""

    def __init__(self, execution: Execution, agenda: Agenda, work: Work, doomed: Callable[[], bool]) -> None:
        self.execution = execution
        self.agenda = agenda
        self.work = work
        self.doomed = doomed
        self._entered = 0
        self._input = json.loads(execution.input)

    def note(self, track: Track, kind: str, **details: Any) -> None:
        """Write an event of a line."""
        track.previous = self.execution.note(kind, track.previous, self.agenda.now(), **details)

    def run(self, machine: Mapping[str, Any], data: Any, track: Track) -> Steps:
        """Run a machine, a branch or an item processor from its first state to an end; returns the output."""
        name: str | None = machine["StartAt"]
        while name is not None:
            if self.doomed():
                return data  # its state machine is deleted: it has been ended
            name, data = yield from self._state(name, machine["States"][name], data, track)
            if name is not None:
                yield pause(self.agenda, TRANSITION)
        return data

    def _state(self, name: str, state: Mapping[str, Any], data: Any, track: Track) -> Steps:
        """Go through one state; returns the next one's name and its input."""
        kind = state["Type"]
        now = self.agenda.now()
        track.state = {"EnteredTime": timestamp(now), "Name": name, "RetryCount": 0}
        self._entered += 1
        track.token = None
        seed = f"{self.execution.arn}#{self._entered}"
        text = within(compact(data), name)
        self.note(track, f"{kind}StateEntered", name=name, input=text, inputDetails={"truncated": False})
        retries = Retries(state.get("Retry", ()), self.execution.chance)
        while True:
            track.token = hashlib.blake2b(f"{seed}#{track.state['RetryCount']}".encode(), digest_size=32).hexdigest()
            try:
                following, output = yield from self._attempt(name, state, data, track)
                break
            except StatesError as error:
                wait = retries.pause(error.name)
                if wait is not None:
                    yield pause(self.agenda, wait)
                    track.state = {**track.state, "RetryCount": track.state["RetryCount"] + 1}
                    continue
                catcher = _catcher(state, error)
                if catcher is None:
                    raise
                following = catcher["Next"]
                output = self._scope(track).result(catcher, data, error.output())
                break
        text = within(compact(output), name)
        if kind != "Fail":
            self.note(track, f"{kind}StateExited", name=name, output=text, outputDetails={"truncated": False})
        return following, output

    def _attempt(self, name: str, state: Mapping[str, Any], data: Any, track: Track) -> Steps:
        scope, kind = self._scope(track), state["Type"]
        if kind == "Fail":
            raise StatesError(_told(scope, state, "Error", data), _told(scope, state, "Cause", data))
        taken = scope.input(state, data)
        if kind == "Choice":
            return self._choose(state, taken, scope), scope.output(state, taken)
        if kind == "Wait":
            yield Until(self._moment(state, taken, scope))
            return _next(state), scope.output(state, taken)
        if kind == "Succeed":
            return None, scope.output(state, taken)
        worked: Steps = getattr(self, f"_{kind.lower()}")(name, state, taken, track)
        result = yield from worked
        selected = scope.parameters(state, "ResultSelector", result)
        return _next(state), scope.output(state, scope.result(state, taken, selected))

    def _pass(self, name: str, state: Mapping[str, Any], data: Any, track: Track) -> Steps:
        yield from ()
        result = self._scope(track).parameters(state, "Parameters", data)
        return state.get("Result", result)

    def _choose(self, state: Mapping[str, Any], data: Any, scope: Scope) -> str:
        for rule in state["Choices"]:
            if holds(rule, data, scope):
                return str(rule["Next"])
        if "Default" not in state:
            raise StatesError(NO_CHOICE, f"No choice rule of '{scope.state}' matched, and it has no default")
        return str(state["Default"])

    def _moment(self, state: Mapping[str, Any], data: Any, scope: Scope) -> datetime:
        now = self.agenda.now()
        if "Seconds" in state or "SecondsPath" in state:
            seconds = scope.number(state, "Seconds", data)
            if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST:
                raise runtime(f"The SecondsPath parameter does not reference a valid value: {compact(seconds)}")
            return now + timedelta(seconds=seconds)
        given = scope.number(state, "Timestamp", data)
        found = moment(given)
        if found is None:
            raise runtime(f"The TimestampPath parameter does not reference a valid timestamp: {compact(given)}")
        return max(found, now)

    def _task(self, name: str, state: Mapping[str, Any], data: Any, track: Track) -> Steps:
        scope = self._scope(track)
        arguments = scope.parameters(state, "Parameters", data)
        result = yield from self.work.steps(self.execution, state, arguments, data, scope, partial(self.note, track))
        within(compact(result), name)
        return result

    def _parallel(self, name: str, state: Mapping[str, Any], data: Any, track: Track) -> Steps:
        given = self._scope(track).parameters(state, "Parameters", data)
        self.note(track, "ParallelStateStarted")
        tracks = [replace(track) for _ in state["Branches"]]
        lines = [partial(self.run, branch, given, own) for branch, own in zip(state["Branches"], tracks, strict=True)]
        try:
            results = yield Join(lines, 0, lambda failures: False)
        except StatesError:
            self.note(track, "ParallelStateFailed")
            raise
        track.previous = max(one.previous for one in tracks)
        self.note(track, "ParallelStateSucceeded")
        return results

    def _map(self, name: str, state: Mapping[str, Any], data: Any, track: Track) -> Steps:
        scope = self._scope(track)
        items = scope.read(state.get("ItemsPath", "$"), data, "ItemsPath")
        if not isinstance(items, list):
            raise runtime(f"The ItemsPath of '{name}' does not lead to an array: {compact(items)}")
        limit = _whole(scope, state, "MaxConcurrency", data) or INLINE
        self.note(track, "MapStateStarted", length=len(items))
        tracks = [replace(track, item={"Index": index, "Value": item}) for index, item in enumerate(items)]
        lines = [partial(self._item, name, state, item, data, own) for item, own in zip(items, tracks, strict=True)]
        tolerates = _tolerance(scope, state, data, len(items))
        stopped = partial(self._stopped, name, tracks)
        try:
            results = yield Join(lines, min(limit, INLINE), tolerates or (lambda failures: False), stopped)
        except StatesError as error:
            self.note(track, "MapStateFailed")
            if tolerates is None:
                raise
            raise StatesError(TOLERATED, f"More items failed than are tolerated; the last: {error}") from error
        track.previous = max((one.previous for one in tracks), default=track.previous)
        self.note(track, "MapStateSucceeded")
        return [one for one in results if not isinstance(one, StatesError)]

    def _item(self, name: str, state: Mapping[str, Any], item: Any, data: Any, track: Track) -> Steps:
        """Run the processor for one item."""
        place = {"name": name, "index": track.item["Index"] if track.item else 0}
        self.note(track, "MapIterationStarted", **place)
        try:
            field = "ItemSelector" if "ItemSelector" in state else "Parameters"
            given = self._scope(track).template(state[field], data, field) if field in state else item
            processor = state.get("ItemProcessor") or state["Iterator"]
            result = yield from self.run(processor, given, track)
        except StatesError:
            self.note(track, "MapIterationFailed", **place)
            raise
        self.note(track, "MapIterationSucceeded", **place)
        return result

    def _stopped(self, name: str, tracks: list[Track], number: int) -> None:
        self.note(tracks[number], "MapIterationAborted", name=name, index=number)

    def _scope(self, track: Track) -> Scope:
        state = track.state or {}
        return Scope(str(state.get("Name", "")), self._context(track), self.execution.chance)

    def _context(self, track: Track) -> Mapping[str, Any]:
        execution = self.execution
        context: dict[str, Any] = {
            "Execution": {
                "Id": execution.arn,
                "Input": self._input,
                "Name": execution.name,
                "RoleArn": execution.role,
                "StartTime": timestamp(execution.started),
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": execution.machine.arn, "Name": execution.machine.name},
            "State": track.state,
            "Task": {"Token": track.token},
        }
        return context if track.item is None else {**context, "Map": {"Item": track.item}}


def _next(state: Mapping[str, Any]) -> str | None:
    following = state.get("Next")
    return None if following is None else str(following)


def _told(scope: Scope, state: Mapping[str, Any], field: str, data: Any) -> str:
    """The Error or Cause of a Fail state, as it is or by a path or function."""
    path = state.get(f"{field}Path")
    if path is None:
        return str(state.get(field, ""))
    found = scope.read(path, data, f"{field}Path") if path.startswith("$") else scope.evaluate(path, data, field)
    if not isinstance(found, str):
        raise runtime(f"The {field}Path of '{scope.state}' does not lead to a string: {compact(found)}")
    return found


def _catcher(state: Mapping[str, Any], error: StatesError) -> Mapping[str, Any] | None:
    catchers: Iterator[Mapping[str, Any]] = iter(state.get("Catch", ()))
    return next((one for one in catchers if matches(one["ErrorEquals"], error.name)), None)


def _whole(scope: Scope, state: Mapping[str, Any], field: str, data: Any) -> int | None:
    value = scope.number(state, field, data)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise runtime(f"The field {field} of '{scope.state}' is no whole number: {compact(value)}")
    return value


def _tolerance(scope: Scope, state: Mapping[str, Any], data: Any, items: int) -> Callable[[int], bool] | None:
    """How many failed items are tolerated: the test of a count; None where nothing is said of it."""
    count = _whole(scope, state, "ToleratedFailureCount", data)
    share = scope.number(state, "ToleratedFailurePercentage", data)
    if count is None and share is None:
        return None
    most = (float("inf") if count is None else count, float("inf") if share is None else share * items / 100)
    return lambda failures: failures <= min(most)
