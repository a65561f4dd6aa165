"""AWS Step Functions of the local organisation: Standard workflows in simulated time.

moto's interpreter waits in threads and in real time. Source: Step Functions API Reference and Developer Guide. Express
workflows, versions, aliases, activities and distributed maps are not simulated and say so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.call import Call, ServiceError, not_simulated
from simulator.service import Service
from simulator.services import states_definition
from simulator.services.paging import Words, paged
from simulator.services.states_data import PAYLOAD
from simulator.services.states_errors import StatesError
from simulator.services.states_executions import Executions
from simulator.services.states_history import RUNNING, Execution, without_data
from simulator.services.states_machines import (
    ROLE,
    TAGS,
    StateMachine,
    account_of,
    check_name,
    machine_name,
    refuse_beyond,
    settings,
    tags_of,
)
from simulator.services.states_tasks import UNTRUSTED, Tasks

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

LARGEST_PAGE = 1000
PAGE = 100
WORDS = Words("nextToken", "maxResults", "nextToken", "InvalidToken")


class StepFunctions(Service):
    """State machines and executions of all accounts and Regions."""

    name: ClassVar[str] = "stepfunctions"
    whole: ClassVar[bool] = True

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world)
        self.tasks = Tasks(world, identities)
        self.machines: dict[str, StateMachine] = {}
        self.executions = Executions(world, self.tasks, self._ended)
        self._made = 0

    def owner(self, call: Call) -> str:
        """The account of the ARN that a call names, else the caller's."""
        named = (call.parameters.get(name) for name in ("stateMachineArn", "executionArn", "resourceArn"))
        return next((account for arn in named if (account := account_of(arn))), call.caller.account)

    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a state machine."""
        machine = self.machines.get(arn)
        return {} if machine is None else machine.tags

    # State machines.
    def create_state_machine(self, call: Call) -> dict[str, Any]:
        """Create a state machine; the same one again is answered as it stands."""
        parameters = call.parameters
        refuse_beyond(parameters)
        name = parameters["name"]
        check_name(name)
        logging, tracing = settings(parameters)
        definition = states_definition.read(parameters["definition"], call.partition, call.region)
        arn = f"arn:{call.partition}:states:{call.region}:{call.account}:stateMachine:{name}"
        known = self.machines.get(arn)
        if known is not None:
            return self._again(known, parameters, (logging, tracing))
        self._check_role(call, parameters["roleArn"], arn)
        now = self.world.agenda.now()
        self.machines[arn] = StateMachine(
            account=call.account,
            region=call.region,
            name=name,
            arn=arn,
            role=parameters["roleArn"],
            definition=definition,
            text=parameters["definition"],
            created=now,
            updated=now,
            revision="",
            logging=logging,
            tracing=tracing,
            tags=tags_of(parameters.get("tags")),
        )
        return {"stateMachineArn": arn, "creationDate": now}

    def update_state_machine(self, call: Call) -> dict[str, Any]:
        """Change definition, role, logging or tracing; executions that run keep what they began with."""
        machine, parameters = self._machine(call), call.parameters
        refuse_beyond(parameters)
        self._refuse_deleting(machine)
        given = [name for name in ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
                 if parameters.get(name) is not None]  # fmt: skip
        if not given:
            raise ServiceError("MissingRequiredParameter", "Either the definition, the role ARN, the "
                               "LoggingConfiguration, or the TracingConfiguration must be specified")  # fmt: skip
        definition = machine.definition
        if "definition" in given:
            definition = states_definition.read(parameters["definition"], call.partition, call.region)
        if "roleArn" in given:
            self._check_role(call, parameters["roleArn"], machine.arn)
        shown = {"loggingConfiguration": machine.logging, "tracingConfiguration": machine.tracing, **parameters}
        machine.logging, machine.tracing = settings(shown)
        machine.definition, machine.text = definition, parameters.get("definition") or machine.text
        machine.role = parameters.get("roleArn") or machine.role
        machine.updated, machine.revision = self.world.agenda.now(), self._unique(machine.arn)
        return {"updateDate": machine.updated, "revisionId": machine.revision}

    def describe_state_machine(self, call: Call) -> dict[str, Any]:
        """Describe a state machine."""
        return self._machine(call).response()

    def describe_state_machine_for_execution(self, call: Call) -> dict[str, Any]:
        """Describe the state machine as it was when an execution began."""
        execution = self._execution(call)
        machine = execution.machine
        return {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": execution.definition_text,
            "roleArn": execution.role,
            "updateDate": machine.updated,
            "loggingConfiguration": dict(machine.logging),
            "tracingConfiguration": dict(machine.tracing),
        }

    def delete_state_machine(self, call: Call) -> dict[str, Any]:
        """Delete a state machine: its executions end at their next transition, and it with the last."""
        machine_name(call.parameters["stateMachineArn"])
        machine = self.machines.get(call.parameters["stateMachineArn"])
        if machine is not None:
            machine.deleting = True
            self._ended(machine)
        return {}

    def list_state_machines(self, call: Call) -> dict[str, Any]:
        """List the state machines of an account and Region."""
        mine = [
            one.listed() for _, one in sorted(self.machines.items())
            if (one.account, one.region) == (call.account, call.region)
        ]  # fmt: skip
        return self._page("stateMachines", mine, call)

    def validate_state_machine_definition(self, call: Call) -> dict[str, Any]:
        """Say what is wrong with a definition."""
        refuse_beyond(call.parameters)
        found = states_definition.faults(call.parameters["definition"], call.partition, call.region)
        most = call.parameters.get("maxResults") or PAGE
        shown = [one.diagnostic() for one in found[:most]]
        return {"result": "FAIL" if found else "OK", "diagnostics": shown, "truncated": len(found) > most}

    # Executions.
    def start_execution(self, call: Call) -> dict[str, Any]:
        """Start an execution, once per name in 90 days; a running one of the same input is answered again."""
        machine, parameters = self._machine(call), call.parameters
        self._refuse_deleting(machine)
        name = parameters.get("name") or self._unique(machine.arn)
        check_name(name)
        text = parameters.get("input") or "{}"
        _check_input(text)
        now = self.world.agenda.now()
        arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}"
        known = self.executions.find(arn)
        if known is not None:
            if known.status == RUNNING and known.input == text:
                return {"executionArn": known.arn, "startDate": known.started}
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        chance = Random(arn)  # noqa: S311 - runs repeat
        execution = Execution(
            machine, name, arn, machine.definition, machine.text, machine.role, text, now, chance
        )  # fmt: skip
        self.executions.start(execution)
        return {"executionArn": arn, "startDate": now}

    def describe_execution(self, call: Call) -> dict[str, Any]:
        """Describe an execution."""
        return self._execution(call).response()

    def list_executions(self, call: Call) -> dict[str, Any]:
        """List the executions of a state machine, the latest first."""
        if call.parameters.get("mapRunArn"):
            raise not_simulated("map runs", several=True)
        machine, status = self._machine(call), call.parameters.get("statusFilter")
        found = [one.listed() for one in self.executions.of(machine) if status in (None, one.status)]
        return self._page("executions", found[::-1], call)

    def get_execution_history(self, call: Call) -> dict[str, Any]:
        """Return an execution's events in their order, or the latest first."""
        execution, parameters = self._execution(call), call.parameters
        events = execution.events[::-1] if parameters.get("reverseOrder") else execution.events
        data = parameters.get("includeExecutionData", True)
        return self._page("events", events if data else [without_data(event) for event in events], call)

    def stop_execution(self, call: Call) -> dict[str, Any]:
        """Stop an execution; one that has ended stays as it ended."""
        execution = self._execution(call)
        self.executions.stop(execution, call.parameters.get("error"), call.parameters.get("cause"))
        return {"stopDate": execution.stopped}

    def send_task_success(self, call: Call) -> dict[str, Any]:
        """Answer a task that waits for its token."""
        try:
            value = json.loads(call.parameters["output"])
        except json.JSONDecodeError as error:
            raise ServiceError("InvalidOutput", f"Invalid Output: {error}") from error
        return self._reply(call, value, None)

    def send_task_failure(self, call: Call) -> dict[str, Any]:
        """Fail a task that waits for its token."""
        told = call.parameters
        return self._reply(call, None, StatesError(told.get("error") or "States.TaskFailed", told.get("cause") or ""))

    def send_task_heartbeat(self, call: Call) -> dict[str, Any]:
        """Say that the work on a task goes on."""
        self.executions.ticket(call.parameters["taskToken"]).beat()
        return {}

    # Tags.
    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Tag a state machine."""
        tags = {**self._tagged(call).tags, **tags_of(call.parameters["tags"])}
        if len(tags) > TAGS:
            raise ServiceError("TooManyTags", f"A resource has at most {TAGS} tags")
        self._tagged(call).tags = tags
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Take tags off a state machine."""
        for key in call.parameters["tagKeys"]:
            self._tagged(call).tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """Return the tags of a state machine."""
        return {"tags": [{"key": key, "value": value} for key, value in sorted(self._tagged(call).tags.items())]}

    def _again(
        self, known: StateMachine, parameters: Mapping[str, Any], given: tuple[Mapping[str, Any], Mapping[str, Any]]
    ) -> dict[str, Any]:
        self._refuse_deleting(known)
        if (known.text, known.logging, known.tracing) != (parameters["definition"], *given):
            raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{known.arn}'")
        return {"stateMachineArn": known.arn, "creationDate": known.created}

    def _check_role(self, call: Call, role: str, machine: str) -> None:
        """Refuse a role that Step Functions could not assume; AWS does not tell whether it exists."""
        found = ROLE.fullmatch(role)
        if found is None:
            raise ServiceError("InvalidArn", f"Invalid Role Arn: '{role}'")
        if found[1] != call.account:
            raise ServiceError("AccessDeniedException", "Cross-account pass role is not allowed.")
        try:
            self.tasks.enter(role, machine)
        except ServiceError as error:
            if error.code != "AccessDeniedException":
                raise ServiceError("AccessDeniedException", UNTRUSTED.format(suffix="amazonaws.com")) from error
            raise

    def _machine(self, call: Call) -> StateMachine:
        arn = call.parameters["stateMachineArn"]
        machine_name(arn)
        machine = self.machines.get(arn)
        if machine is None or machine.region != call.region:
            raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def _execution(self, call: Call) -> Execution:
        arn = call.parameters["executionArn"]
        if ":execution:" not in arn:
            raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}'")
        execution = self.executions.find(arn)
        if execution is None or execution.machine.region != call.region:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution

    def _tagged(self, call: Call) -> StateMachine:
        arn = call.parameters["resourceArn"]
        if arn not in self.machines:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return self.machines[arn]

    def _refuse_deleting(self, machine: StateMachine) -> None:
        if machine.deleting:
            raise ServiceError("StateMachineDeleting", f"State Machine is being deleted: '{machine.arn}'")

    def _ended(self, machine: StateMachine) -> None:
        """Forget a state machine that is deleted, once none of its executions runs."""
        if machine.deleting and not any(one.status == RUNNING for one in self.executions.of(machine)):
            self.machines.pop(machine.arn, None)

    def _reply(self, call: Call, value: Any, error: StatesError | None) -> dict[str, Any]:
        self.executions.ticket(call.parameters["taskToken"]).reply(value, error)
        return {}

    def _unique(self, arn: str) -> str:
        """Name what AWS names itself, by what it belongs to and how many were named."""
        self._made += 1
        digest = hashlib.blake2b(f"{arn}#{self._made}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"

    def _page(self, name: str, items: list[dict[str, Any]], call: Call) -> dict[str, Any]:
        return paged(name, items, call.parameters, size=PAGE, largest=LARGEST_PAGE, words=WORDS)


def _check_input(text: str) -> None:
    """Refuse an input that is no JSON or too large; raises ServiceError."""
    if len(text.encode()) > PAYLOAD:
        raise ServiceError("InvalidExecutionInput", f"The input is larger than {PAYLOAD} bytes")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
