"""SSM Automation: documents of an account, interpreted step by step on the simulated clock.

Every call of a step goes through the front door, as the role of the document (`assumeRole`) or as who started it.
Source: AWS Systems Manager API Reference, StartAutomationExecution, GetAutomationExecution, StopAutomationExecution,
DescribeAutomationStepExecutions; User Guide, "Systems Manager Automation actions reference" and "Configure a service
role access for automations".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.session import get_session
from moto.backends import get_backend
from moto.ssm.exceptions import InvalidDocument, InvalidDocumentVersion

from simulator.call import Call, Caller, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.ssm_automation_document import (
    OF_AWS,
    Document,
    Step,
    branch,
    filled,
    parse,
    resolved,
    seconds,
    selected,
)

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

PRINCIPAL = "ssm.amazonaws.com"
STEP_SECONDS = 1.0
POLL_SECONDS = 10.0
WAIT_SECONDS = 3600.0  # how long a wait lasts where its step names no timeout
OPEN = ("Pending", "InProgress")
UNSUPPORTED = ("Targets", "TargetMaps", "TargetLocations", "TargetParameterName", "AlarmConfiguration")
OWN = ("Service", "Api", "PropertySelector", "DesiredValues")
ID_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://docs.aws.amazon.com/systems-manager/automation")


@dataclass
class StepRun:
    """One step as it ran."""

    step: Step
    started: datetime
    inputs: dict[str, str] = field(default_factory=dict)
    status: str = "InProgress"
    attempts: int = 0
    ended: datetime | None = None
    outputs: dict[str, list[str]] = field(default_factory=dict)
    failure: str | None = None

    def shown(self) -> dict[str, Any]:
        """The step as AWS describes it."""
        found = {
            "StepName": self.step.name,
            "Action": self.step.action,
            "StepStatus": self.status,
            "ExecutionStartTime": self.started,
            "ExecutionEndTime": self.ended,
            "Inputs": self.inputs,
            "Outputs": self.outputs,
            "OnFailure": self.step.on_failure,
            "IsCritical": self.step.critical,
            "FailureMessage": self.failure,
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass
class Execution:
    """One execution of a document."""

    id: str
    document: Document
    account: str
    region: str
    caller: Caller
    asked: Mapping[str, Any]
    values: dict[str, Any]
    started: datetime
    status: str = "InProgress"
    ended: datetime | None = None
    steps: list[StepRun] = field(default_factory=list)
    failure: str | None = None

    def shown(self) -> dict[str, Any]:
        """The execution as GetAutomationExecution returns it."""
        current = self.steps[-1] if self.steps and self.status in OPEN else None
        found = {
            "AutomationExecutionId": self.id,
            "DocumentName": self.document.name,
            "DocumentVersion": self.document.version,
            "AutomationExecutionStatus": self.status,
            "ExecutionStartTime": self.started,
            "ExecutionEndTime": self.ended,
            "StepExecutions": [one.shown() for one in self.steps],
            "StepExecutionsTruncated": False,
            "Parameters": dict(self.asked.get("Parameters") or {}),
            "Outputs": {name: _texts(self.values.get(name)) for name in self.document.outputs if name in self.values},
            "ExecutedBy": self.caller.arn,
            "Mode": "Auto",
            "CurrentStepName": current.step.name if current else None,
            "CurrentAction": current.step.action if current else None,
            "FailureMessage": self.failure,
        }
        return {name: value for name, value in found.items() if value is not None}


class SsmAutomation(Service):
    """Executions of Automation documents; documents and everything else of Systems Manager are moto's."""

    name = "ssm"

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world)
        self._identities = identities
        self._executions: dict[tuple[str, str, str], Execution] = {}

    # Operations.
    def start_automation_execution(self, call: Call) -> dict[str, Any]:
        """Start a document of the account, once per client token."""
        asked = call.parameters
        unsupported = [name for name in UNSUPPORTED if asked.get(name)]
        if unsupported or asked.get("Mode", "Auto") != "Auto":
            raise not_simulated(", ".join(unsupported) or "the interactive mode")
        token = asked.get("ClientToken") or call.request_id
        identifier = str(uuid.uuid5(ID_SPACE, f"{call.account}/{call.region}/{token}"))
        known = self._executions.get((call.account, call.region, identifier))
        if known is not None:
            if known.asked != asked:
                raise ServiceError("IdempotentParameterMismatch", "The client token was used with other parameters")
            return {"AutomationExecutionId": identifier}
        document = self._document(call)
        values = resolved(document, asked.get("Parameters") or {})
        values |= {
            "automation:EXECUTION_ID": identifier,
            "global:ACCOUNT_ID": call.account,
            "global:REGION": call.region,
            "global:AWS_PARTITION": call.partition,
        }
        execution = Execution(
            id=identifier, document=document, account=call.account, region=call.region, caller=call.caller,
            asked=asked, values=values, started=self.world.agenda.now(),
        )  # fmt: skip
        self._executions[call.account, call.region, identifier] = execution
        self._soon(execution, next(iter(document.steps.values())))
        return {"AutomationExecutionId": identifier}

    def get_automation_execution(self, call: Call) -> dict[str, Any]:
        """Describe an execution."""
        return {"AutomationExecution": self._execution(call).shown()}

    def describe_automation_step_executions(self, call: Call) -> dict[str, Any]:
        """List the steps of an execution, all on one page."""
        if call.parameters.get("Filters"):
            raise not_simulated("a filter of steps")
        steps = [one.shown() for one in self._execution(call).steps]
        return {"StepExecutions": list(reversed(steps)) if call.parameters.get("ReverseOrder") else steps}

    def stop_automation_execution(self, call: Call) -> dict[str, Any]:
        """Stop an execution before its next step: what was done stays done."""
        execution = self._execution(call)
        if execution.status not in OPEN:
            raise ServiceError(
                "InvalidAutomationStatusUpdateException", f"The execution is {execution.status} already."
            )
        self._end(execution, "Cancelled")
        return {}

    def _execution(self, call: Call) -> Execution:
        identifier = call.parameters["AutomationExecutionId"]
        found = self._executions.get((call.account, call.region, identifier))
        if found is None:
            raise ServiceError("AutomationExecutionNotFoundException", f"There is no execution {identifier}.")
        return found

    def _document(self, call: Call) -> Document:
        name, version = str(call.parameters["DocumentName"]), call.parameters.get("DocumentVersion")
        if OF_AWS.fullmatch(name.rpartition("/")[2]):
            raise ServiceError(
                "AutomationDefinitionNotFoundException",
                f"{name} is owned by AWS; such documents are not available in the local organisation",
            )
        if name.startswith("arn:"):
            raise not_simulated("a document by its ARN")
        try:
            found = get_backend("ssm")[call.account][call.region].get_document(
                name, "" if version in (None, "$DEFAULT") else version, "", ""
            )
        except InvalidDocument as error:
            raise ServiceError("AutomationDefinitionNotFoundException", f"There is no document {name}.") from error
        except InvalidDocumentVersion as error:
            raise ServiceError("AutomationDefinitionVersionNotFoundException", f"{name} has no {version}.") from error
        if found["DocumentType"] != "Automation":
            raise ServiceError("AutomationDefinitionNotFoundException", f"{name} is no Automation document.")
        return parse(name, str(found["DocumentVersion"]), str(found["Content"]))

    # Steps.
    def _soon(self, execution: Execution, step: Step) -> None:
        self.world.agenda.soon(
            partial(self._begin, execution, step), f"automation {execution.id}: {step.name}", seconds=STEP_SECONDS
        )

    def _begin(self, execution: Execution, step: Step) -> None:
        if execution.status in OPEN:
            run = StepRun(step, self.world.agenda.now())
            execution.steps.append(run)
            self._go(execution, run)

    def _go(self, execution: Execution, run: StepRun) -> None:
        """Make one attempt at a step; what fails is tried again as often as the step says."""
        if execution.status not in OPEN:
            return
        try:
            inputs = (
                filled(dict(run.step.inputs), execution.values) if run.step.action != "aws:branch" else run.step.inputs
            )
            run.inputs = {name: str(value) for name, value in inputs.items()}
            run.attempts += 1
            self._act(execution, run, inputs)
        except ServiceError as error:
            self._failed(execution, run, f"{error.code}: {error.message}")
        except KeyError as error:
            self._failed(execution, run, f"nothing has brought {error.args[0]}")

    def _act(self, execution: Execution, run: StepRun, inputs: Mapping[str, Any]) -> None:
        action = run.step.action.removeprefix("aws:")
        if action == "sleep":
            self._again(
                execution, run, seconds(inputs), partial(self._done, execution, run, execution.document.after(run.step))
            )
            return
        if action == "branch":
            chosen = branch(inputs, execution.values)
            self._done(execution, run, execution.document.steps[chosen] if chosen else None)
            return
        answer = self._ask(execution, inputs)
        if action == "executeAwsApi":
            for output in run.step.outputs:
                name, value = str(output["Name"]), selected(str(output["Selector"]), answer)
                execution.values[f"{run.step.name}.{name}"] = value
                run.outputs[name] = _texts(value)
        else:
            found = selected(str(inputs["PropertySelector"]), answer)
            if str(found) not in [str(one) for one in inputs["DesiredValues"]]:
                self._undesired(execution, run, found, waits=action == "waitForAwsResourceProperty")
                return
        self._done(execution, run, execution.document.after(run.step))

    def _undesired(self, execution: Execution, run: StepRun, found: Any, *, waits: bool) -> None:
        if not waits:
            self._failed(execution, run, f"{run.step.inputs['PropertySelector']} is {found}")
            return
        over = run.started + timedelta(seconds=run.step.timeout or WAIT_SECONDS)
        if self.world.agenda.now() >= over:
            run.attempts = run.step.attempts
            self._failed(execution, run, f"{run.step.inputs['PropertySelector']} is still {found}", status="TimedOut")
            return
        run.attempts -= 1
        self._again(execution, run, POLL_SECONDS, partial(self._go, execution, run))

    def _again(self, execution: Execution, run: StepRun, after: float, then: Any) -> None:
        self.world.agenda.soon(then, f"automation {execution.id}: {run.step.name}", seconds=after)

    def _ask(self, execution: Execution, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Make the call of a step through the front door."""
        service = str(inputs["Service"])
        operation = _operation(service, str(inputs["Api"]))
        parameters = {name: value for name, value in inputs.items() if name not in OWN}
        caller = self._caller(execution)
        return self.world.call(
            caller, service, operation, parameters, region=execution.region, account=execution.account
        )

    def _caller(self, execution: Execution) -> Caller:
        """Who makes the calls: the document's role, else who started it."""
        role = filled(execution.document.assume_role, execution.values)
        if not role:
            return execution.caller
        arn = (
            f"arn:{self.world.partition}:ssm:{execution.region}:{execution.account}:automation-execution/{execution.id}"
        )
        service = self.world.as_service(PRINCIPAL, account=execution.account, arn=arn)
        asked = {"RoleArn": role, "RoleSessionName": f"Automation-{execution.id}"}
        answer = self.world.call(
            service, "sts", "AssumeRole", asked, region=execution.region, account=execution.account
        )
        return self._identities.caller(answer["Credentials"]["AccessKeyId"])

    def _failed(self, execution: Execution, run: StepRun, why: str, *, status: str = "Failed") -> None:
        if run.attempts < run.step.attempts:
            self._again(execution, run, STEP_SECONDS, partial(self._go, execution, run))
            return
        run.status, run.failure, run.ended = status, why, self.world.agenda.now()
        then = run.step.on_failure
        if then.startswith("step:"):
            self._soon(execution, execution.document.steps[then.removeprefix("step:")])
        elif then == "Continue" and (following := execution.document.after(run.step)) is not None:
            self._soon(execution, following)
        else:
            self._finish(execution)

    def _done(self, execution: Execution, run: StepRun, following: Step | None) -> None:
        if execution.status not in OPEN:
            return
        run.status, run.ended = "Success", self.world.agenda.now()
        if following is None or (run.step.last and run.step.action != "aws:branch"):
            self._finish(execution)
        else:
            self._soon(execution, following)

    def _finish(self, execution: Execution) -> None:
        """End: as the first critical step that failed, else with success."""
        failed = next((one for one in execution.steps if one.failure and one.step.critical), None)
        if failed is not None:
            execution.failure = f"Step {failed.step.name} ({failed.step.action}) failed: {failed.failure}"
        self._end(execution, "Success" if failed is None else failed.status)

    def _end(self, execution: Execution, status: str) -> None:
        execution.status, execution.ended = status, self.world.agenda.now()


def _operation(service: str, api: str) -> str:
    """The operation that an `Api` names, as its service spells it or as Python's SDK does."""
    wanted = api.replace("_", "").lower()
    for name in get_session().get_service_model(service).operation_names:
        if name.lower() == wanted:
            return str(name)
    raise ServiceError("InvalidDocumentContent", f"{service} has no operation {api}")


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]
