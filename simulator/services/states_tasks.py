"""What tasks do: calls by the front door, with the credentials of the execution's role.

Source: Step Functions Developer Guide, "How Step Functions generates IAM policies for integrated services", "Invoke an
AWS Lambda function with Step Functions" and "Accessing resources in other AWS accounts".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.call import Caller, ServiceError
from simulator.faults import NoAnswer
from simulator.parameters import validate
from simulator.services.states_data import compact, within
from simulator.services.states_errors import PERMISSIONS, StatesError, runtime
from simulator.services.states_resources import Resource
from simulator.services.states_shapes import UnknownMemberError, answer, plain, request

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.services.states_history import Execution
    from simulator.world import World

# A session is replaced well before it ends.
MARGIN = timedelta(minutes=15)
UNTRUSTED = (
    "Neither the global service principal states.{suffix}, nor the regional one is authorized to assume the provided "
    "role."
)


class Tasks:
    """Makes the calls of tasks."""

    def __init__(self, world: World, identities: Identities) -> None:
        self.world = world
        self.identities = identities
        self._sessions: dict[tuple[str, str, str | None], tuple[Caller, datetime]] = {}

    def enter(self, role: str, machine: str) -> Caller:
        """Assume a state machine's role as Step Functions does; raises ServiceError AccessDeniedException."""
        _, _, _, region, account, _ = machine.split(":", 5)
        name = hashlib.blake2b(machine.encode(), digest_size=16).hexdigest()
        refused: ServiceError | None = None
        for principal in ("states.amazonaws.com", f"states.{region}.amazonaws.com"):
            service = self.world.as_service(principal, account=account, arn=machine)
            try:
                return self._assume(service, region, {"RoleArn": role, "RoleSessionName": name})
            except ServiceError as error:
                if error.code != "AccessDenied":
                    raise
                refused = error
        raise ServiceError("AccessDeniedException", UNTRUSTED.format(suffix="amazonaws.com")) from refused

    def perform(self, resource: Resource, arguments: Any, execution: Execution, target: str | None, arn: str) -> Any:
        """Do a task and return its result; raises StatesError.

        `target` is the role of the state's Credentials; `arn` the resource as the state names it.
        """
        caller = self._session(execution, target)
        given = {"FunctionName": arn, "Payload": arguments} if resource.kind == "function" else arguments
        parameters = self._request(resource, given)
        region = execution.machine.region
        try:
            validate(resource.service, resource.model.input_shape, parameters)
            answered = self.world.door.forward(
                caller, resource.service, resource.operation, parameters, region=region, client=True
            )
        except NoAnswer as silence:
            raise StatesError(f"{resource.error}.SdkClientException", f"Read timed out: {silence}") from silence
        except ServiceError as error:
            if error.code == "NotImplemented":
                raise
            raise _refused(resource, error) from error
        if resource.operation == "Invoke" and resource.kind != "sdk":
            return _invoked(resource, answered)
        return answer(answered, resource.model.output_shape, renamed=resource.kind == "sdk" or _own(resource))

    def _request(self, resource: Resource, given: Any) -> dict[str, Any]:
        if not isinstance(given, Mapping):
            raise runtime(f"The parameters of {resource.type}:{resource.action} are no object: {compact(given)}")
        try:
            written = request(given, resource.model.input_shape, renamed=resource.kind == "sdk" or _own(resource))
        except UnknownMemberError as error:
            raise runtime(str(error)) from error
        if resource.kind != "sdk" and resource.operation == "Invoke":
            written["Payload"] = compact(given.get("Payload", {})).encode()
        return dict(written)

    def _session(self, execution: Execution, target: str | None) -> Caller:
        """The role in session, of the execution or of the state's Credentials; raises States.Permissions."""
        key, now = (execution.role, execution.machine.arn, target), self.world.agenda.now()
        known = self._sessions.get(key)
        if known is not None and known[1] - now > MARGIN:
            return known[0]
        try:
            caller = self.enter(execution.role, execution.machine.arn)
            if target is not None:
                session = {
                    "RoleArn": target,
                    "RoleSessionName": str(caller.session_name),
                    "ExternalId": execution.machine.arn,
                }
                caller = self._assume(caller, execution.machine.region, session)
        except ServiceError as error:
            raise StatesError(PERMISSIONS, error.message) from error
        self._sessions[key] = (caller, caller.expires or now)
        return caller

    def _assume(self, caller: Caller, region: str, session: Mapping[str, Any]) -> Caller:
        account = str(session["RoleArn"]).split(":")[4]
        answered = self.world.call(caller, "sts", "AssumeRole", session, region=region, account=account)
        return self.identities.caller(answered["Credentials"]["AccessKeyId"])


def _own(resource: Resource) -> bool:
    """Whether an optimised integration names members as SDK integrations do: that of Step Functions itself."""
    return resource.service == "stepfunctions"


def _refused(resource: Resource, error: ServiceError) -> StatesError:
    """The error of a call that its service refused."""
    # Whatever Lambda answers with a status of its own failure is the exception that its API has for it.
    own = resource.service == "lambda" and error.status >= 500
    name = resource.error_name("ServiceException" if own else error.code)
    if resource.kind == "sdk":
        return StatesError(name, f"{error.message} (Service: {resource.error}, Status Code: {error.status})")
    service = {"lambda": "AWSLambda", "stepfunctions": "AWSStepFunctions"}.get(
        resource.service, f"Amazon{resource.error}"
    )
    return StatesError(
        name, f"{error.message} (Service: {service}; Status Code: {error.status}; Error Code: {error.code})"
    )


def _invoked(resource: Resource, answered: Mapping[str, Any]) -> Any:
    """The result of a function, or its error by its own type with what it answered as cause."""
    body = plain(answered.get("Payload") or b"")
    within(body, "lambda")
    try:
        payload = json.loads(body) if body else None
    except json.JSONDecodeError:
        payload = body
    if answered.get("FunctionError"):
        kind = str(payload.get("errorType") or "") if isinstance(payload, Mapping) else ""
        unknown = "The cause could not be determined because Lambda did not return an error type."
        raise (
            StatesError(kind, compact(payload))
            if kind
            else StatesError("Lambda.Unknown", f"{unknown} Returned payload: {compact(payload)}")
        )
    if resource.kind == "function":
        return payload
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    result: dict[str, Any] = {"StatusCode": answered["StatusCode"]}
    result |= {key: answered[key] for key in ("ExecutedVersion", "LogResult") if key in answered}
    if body:
        result["Payload"] = payload
    return {
        **result,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {key: [value] for key, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": answered["StatusCode"],
        },
    }
