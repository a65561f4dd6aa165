"""Task states: what is scheduled, done, timed out and waited for by a token.

Source: Amazon States Language, "Task State"; Step Functions Developer Guide, "Discover service integration patterns in
Step Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.services.states_data import Scope, compact, within
from simulator.services.states_errors import HEARTBEAT, TIMEOUT, StatesError, runtime
from simulator.services.states_fields import LONGEST
from simulator.services.states_history import Execution
from simulator.services.states_machines import ROLE
from simulator.services.states_resources import Resource, parse
from simulator.services.states_strands import Steps, Ticket
from simulator.services.states_tasks import Tasks

if TYPE_CHECKING:
    from simulator.agenda import Agenda

Note = Callable[..., None]


class Work:
    """Does the tasks of all executions, and knows who waits for which token."""

    def __init__(self, tasks: Tasks, agenda: Agenda) -> None:
        self.tasks = tasks
        self.agenda = agenda
        self.tickets: dict[str, Ticket] = {}

    def steps(
        self, execution: Execution, state: Mapping[str, Any], arguments: Any, data: Any, scope: Scope, note: Note
    ) -> Steps:
        """Do a task; returns its result, raises StatesError. `data` is what its paths are read from."""
        partition = execution.arn.split(":")[1]
        resource = parse(state["Resource"], partition, execution.machine.region)
        timeout, heartbeat = (_seconds(scope, state, name, data) for name in ("TimeoutSeconds", "HeartbeatSeconds"))
        target = _target(scope, state, data)
        events = _Events(resource, state["Resource"], execution.machine.region, note)
        events.scheduled(arguments, timeout, heartbeat, target)
        token = str(scope.context["Task"]["Token"])
        ticket = Ticket(token, timeout, heartbeat)
        if resource.callback:
            self.tickets[token] = ticket  # the call itself may answer already
        try:
            result = self._perform(resource, arguments, execution, target, state["Resource"], timeout, events)
            if resource.callback:
                events.submitted(result)
                result = yield ticket
            within(compact(result), scope.state)
        except StatesError as error:
            events.failed(error)
            raise
        finally:
            self.tickets.pop(token, None)
        events.succeeded(result)
        return result

    def _perform(
        self,
        resource: Resource,
        arguments: Any,
        execution: Execution,
        target: str | None,
        arn: str,
        timeout: float | None,
        events: _Events,
    ) -> Any:
        began = self.agenda.now()
        events.started()
        result, failure = None, None
        try:
            result = self.tasks.perform(resource, arguments, execution, target, arn)
        except StatesError as error:
            failure = error
        # A call is one step here: that it took too long is seen when it is over.
        if timeout is not None and (self.agenda.now() - began).total_seconds() > timeout:
            raise StatesError(TIMEOUT) from failure
        if failure is not None:
            raise failure
        return result


class _Events:
    """The events of one task: a function by its ARN has names of its own."""

    def __init__(self, resource: Resource, arn: str, region: str, note: Note) -> None:
        self._function = resource.kind == "function"
        self._place = {} if self._function else {"resourceType": resource.type, "resource": resource.action}
        self._start = "LambdaFunction" if self._function else "Task"
        self._arn = arn
        self._region = region
        self._note = note

    def scheduled(self, arguments: Any, timeout: float | None, heartbeat: float | None, target: str | None) -> None:
        seconds = None if timeout is None else int(timeout)
        shared = {"timeoutInSeconds": seconds, "taskCredentials": None if target is None else {"roleArn": target}}
        if self._function:
            given = {"resource": self._arn, "input": compact(arguments), "inputDetails": {"truncated": False}}
        else:
            given = {**self._place, "region": self._region, "parameters": compact(arguments)}
            shared["heartbeatInSeconds"] = None if heartbeat is None else int(heartbeat)
        self._note(f"{self._start}Scheduled", **given, **shared)

    def started(self) -> None:
        self._note(f"{self._start}Started", **self._place)

    def submitted(self, result: Any) -> None:
        self._note("TaskSubmitted", **self._place, output=compact(result), outputDetails={"truncated": False})

    def succeeded(self, result: Any) -> None:
        shown = {"output": compact(result), "outputDetails": {"truncated": False}}
        self._note(f"{self._start}Succeeded", **self._place, **shown)

    def failed(self, error: StatesError) -> None:
        kind = "TimedOut" if error.name in (TIMEOUT, HEARTBEAT) else "Failed"
        self._note(f"{self._start}{kind}", **self._place, error=error.name, cause=error.cause or None)


def _seconds(scope: Scope, state: Mapping[str, Any], field: str, data: Any) -> float | None:
    value = scope.number(state, field, data)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST):
        raise runtime(f"The field {field} of '{scope.state}' is no positive integer: {compact(value)}")
    return value


def _target(scope: Scope, state: Mapping[str, Any], data: Any) -> str | None:
    """The role of another account that the state's Credentials name."""
    if "Credentials" not in state:
        return None
    role = scope.template(state["Credentials"], data, "Credentials")["RoleArn"]
    if not isinstance(role, str) or not ROLE.fullmatch(role):
        raise runtime(f"The RoleArn of the Credentials of '{scope.state}' is no role: {compact(role)}")
    return role
