"""How executions begin, go on and end.

Source: Step Functions Developer Guide, "Starting state machine executions in Step Functions"; Step Functions API
Reference, "StartExecution", "StopExecution" and "DeleteStateMachine"; Step Functions Developer Guide, "Automating Step
Functions event delivery with EventBridge".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.agenda import Due
from simulator.call import ServiceError
from simulator.services.events import Events
from simulator.services.states_data import compact
from simulator.services.states_errors import RUNTIME, StatesError
from simulator.services.states_history import (
    ABORTED,
    EVENTS,
    FAILED,
    SUCCEEDED,
    TIMED_OUT,
    Execution,
    HistoryFullError,
)
from simulator.services.states_interpreter import Interpreter, Track
from simulator.services.states_machines import StateMachine
from simulator.services.states_strands import Strand, Ticket
from simulator.services.states_tasks import Tasks
from simulator.services.states_work import Work

if TYPE_CHECKING:
    from simulator.world import World

CHANGE = "Step Functions Execution Status Change"
START = 0.05  # seconds from the answer of StartExecution to the first state


@dataclass(slots=True)
class Running:
    """An execution that runs: its outermost strand, its events so far, its time-out."""

    strand: Strand
    track: Track
    timeout: Due | None


class Executions:
    """The executions of all accounts and Regions."""

    def __init__(self, world: World, tasks: Tasks, ended: Callable[[StateMachine], None]) -> None:
        self.world = world
        self.work = Work(tasks, world.agenda)
        self._ended = ended
        self._executions: dict[str, Execution] = {}
        self._running: dict[str, Running] = {}

    def find(self, arn: str) -> Execution | None:
        """Return an execution that runs, or has ended within 90 days."""
        execution = self._executions.get(arn)
        if execution is not None and execution.forgotten(self.world.agenda.now()):
            del self._executions[arn]
            return None
        return execution

    def of(self, machine: StateMachine) -> list[Execution]:
        """The executions of a state machine in the order of their start; those of one that had its name are not."""
        now = self.world.agenda.now()
        return [one for one in self._executions.values() if one.machine is machine and not one.forgotten(now)]

    def ticket(self, token: str) -> Ticket:
        """Return what waits for a token; raises ServiceError where nothing does."""
        ticket = self.work.tickets.get(token)
        if ticket is None or ticket.answer is not None:
            raise ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        return ticket

    def start(self, execution: Execution) -> None:
        """Let an execution begin soon."""
        agenda, label = self.world.agenda, f"execution {execution.name} of {execution.machine.name}"
        self._executions[execution.arn] = execution
        track = Track()
        interpreter = Interpreter(execution, agenda, self.work, lambda: self._doomed(execution))
        interpreter.note(
            track, "ExecutionStarted", input=execution.input, inputDetails={"truncated": False}, roleArn=execution.role
        )
        strand = Strand(
            agenda,
            label,
            interpreter.run(execution.definition, json.loads(execution.input), track),
            lambda value, error: self._done(execution, value, error),
            lambda failure: self._broken(execution, failure),
        )
        limit = execution.definition.get("TimeoutSeconds")
        # What only ends what hangs does not keep the organisation busy.
        timeout = (
            None
            if limit is None
            else agenda.soon(
                lambda: self._end(execution, TIMED_OUT), f"time-out of {label}", seconds=limit, background=True
            )
        )
        self._running[execution.arn] = Running(strand, track, timeout)
        agenda.soon(strand.go, label, seconds=START)
        self._tell(execution)

    def stop(self, execution: Execution, error: str | None, cause: str | None) -> None:
        """Abort an execution; nothing happens to one that has ended."""
        if not execution.ended:
            self._end(execution, ABORTED, error=error, cause=cause)

    def _doomed(self, execution: Execution) -> bool:
        """Whether an execution is over at this transition, for its state machine is being deleted."""
        if execution.machine.deleting:
            self.stop(execution, None, None)
        return execution.ended

    def _done(self, execution: Execution, value: Any, error: StatesError | None) -> None:
        if error is None:
            self._end(execution, SUCCEEDED, output=compact(value))
        else:
            self._end(execution, FAILED, error=error.name or None, cause=error.cause or None)

    def _broken(self, execution: Execution, failure: Exception) -> None:
        """End an execution that cannot go on; what is not simulated is told to whoever runs the organisation."""
        if isinstance(failure, HistoryFullError):
            cause = f"The execution reached the maximum number of history events ({EVENTS})."
            self._end(execution, FAILED, error=RUNTIME, cause=cause)
            return
        self._end(execution, FAILED, error=type(failure).__name__, cause=str(failure))
        raise failure

    def _end(
        self,
        execution: Execution,
        status: str,
        *,
        output: str | None = None,
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        if execution.ended:
            return
        now = self.world.agenda.now()
        running = self._running.pop(execution.arn)
        execution.status, execution.stopped = status, now
        execution.output, execution.error, execution.cause = output, error, cause
        kind = {ABORTED: "ExecutionAborted", TIMED_OUT: "ExecutionTimedOut", FAILED: "ExecutionFailed"}.get(
            status, "ExecutionSucceeded"
        )
        details = None if output is None else {"truncated": False}
        execution.note(
            kind, running.track.previous, now, output=output, outputDetails=details, error=error, cause=cause
        )
        if running.timeout is not None:
            running.timeout.cancelled = True
        running.strand.abort()
        self._tell(execution)
        self._ended(execution.machine)

    def _tell(self, execution: Execution) -> None:
        """Put the change of an execution's status on the account's default bus."""
        machine = execution.machine
        self.world.service(Events).emit(
            machine.account, machine.region, "aws.states", CHANGE, execution.detail(), (execution.arn,)
        )
