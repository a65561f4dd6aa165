"""AWS Lambda of the local organisation: functions that run, with permissions, retries and event sources.

Source: Lambda API Reference and Developer Guide. Versions, aliases and layers are not simulated and say so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.call import Call, Caller, ServiceError
from simulator.iam.gathering import bucket_of
from simulator.service import Operation, Service
from simulator.services.lambda_invocations import Invocations
from simulator.services.lambda_sources import Sources, event_payload
from simulator.services.lambda_state import (
    NAME,
    Code,
    Function,
    checked_settings,
    function_account,
    function_name,
    invalid,
    not_found,
    permission_statement,
)
from simulator.services.lambda_urls import Urls

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World


class LambdaFunctions(Service):
    """Functions of all accounts and Regions."""

    name: ClassVar[str] = "lambda"
    whole: ClassVar[bool] = True

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world)
        self.functions: dict[tuple[str, str, str], Function] = {}
        self._codes: dict[bytes, Code] = {}
        self.invocations = Invocations(world, identities)
        self.sources = Sources(world, self.invocations)
        self.urls = Urls(world, self.invocations)

    def operation(self, name: str) -> Operation | None:
        """Find the method that answers an operation; `invoke_async` is what other services call, not InvokeAsync."""
        return None if name == "InvokeAsync" else super().operation(name)

    def owner(self, call: Call) -> str:
        """The account in the function's ARN, else the caller's."""
        return function_account(call)

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The policy of a function."""
        function = self._by_arn(arn)
        if function is None or not function.statements:
            return None
        return {"Version": "2012-10-17", "Id": "default", "Statement": function.statements}

    def invoke_async(self, function_arn: str, payload: bytes, caller: Caller) -> None:
        """Queue an event from another service; raises ServiceError without permission or function."""
        _, _, _, region, account, _ = function_arn.split(":", 5)
        parameters = {"FunctionName": function_arn, "InvocationType": "Event", "Payload": payload}
        self.world.call(caller, "lambda", "Invoke", parameters, region=region, account=account)

    # Functions.
    def create_function(self, call: Call) -> dict[str, Any]:
        """Create a function; its code is read with the caller's permissions, its role must admit Lambda."""
        parameters, name = call.parameters, function_name(call)
        if not NAME.match(name):
            raise invalid(f"{name!r} is not a function name")
        key = (call.account, call.region, name)
        if key in self.functions:
            raise ServiceError("ResourceConflictException", f"Function already exist: {name}", 409)
        for required in ("Handler", "Runtime"):
            if not parameters.get(required):
                raise invalid(f"{required} is required for functions of package type Zip")
        function = Function(
            account=call.account,
            region=call.region,
            arn=f"arn:{call.partition}:lambda:{call.region}:{call.account}:function:{name}",
            name=name,
            code=self._kept(self._code(call, parameters["Code"])),
            settings=checked_settings(parameters),
            modified=self.world.agenda.now(),
            tags=dict(parameters.get("Tags") or {}),
        )
        self.invocations.session(function)
        self.functions[key] = function
        return function.configuration()

    def get_function(self, call: Call) -> dict[str, Any]:
        """Return a function's configuration, tags and where its code is."""
        function = self._function(call)
        location = f"https://prod-{call.region}-starport.s3.{call.region}.amazonaws.com/{function.digest}"
        answer: dict[str, Any] = {
            "Configuration": function.configuration(),
            "Code": {"RepositoryType": "S3", "Location": location},
            "Tags": dict(function.tags),
        }
        if function.concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.concurrency}
        return answer

    def get_function_configuration(self, call: Call) -> dict[str, Any]:
        """Return a function's configuration."""
        return self._function(call).configuration()

    def list_functions(self, call: Call) -> dict[str, Any]:
        """List the functions of the caller's account in the Region."""
        mine = [one for key, one in sorted(self.functions.items()) if key[:2] == (call.account, call.region)]
        return {"Functions": [one.configuration() for one in mine]}

    def update_function_code(self, call: Call) -> dict[str, Any]:
        """Replace the code; containers of the old one end."""
        function = self._function(call)
        function.code, function.container = self._kept(self._code(call, call.parameters)), None
        function.modified = self.world.agenda.now()
        return function.configuration()

    def update_function_configuration(self, call: Call) -> dict[str, Any]:
        """Change settings; containers of the old ones end."""
        function = self._function(call)
        settings = checked_settings({**function.settings, **call.parameters})
        before = function.settings
        function.settings = settings
        if settings["Role"] != before["Role"]:
            try:
                self.invocations.session(function)
            except ServiceError:
                function.settings = before
                raise
        function.container, function.modified = None, self.world.agenda.now()
        return function.configuration()

    def delete_function(self, call: Call) -> dict[str, Any]:
        """Delete a function and its event sources."""
        function = self._function(call)
        self.sources.forget(function)
        self.urls.forget(function)
        del self.functions[function.account, function.region, function.name]
        return {}

    # Permissions.
    def add_permission(self, call: Call) -> dict[str, Any]:
        """Add a statement to the function's policy."""
        function = self._function(call)
        if any(one["Sid"] == call.parameters["StatementId"] for one in function.statements):
            raise ServiceError(
                "ResourceConflictException", f"The statement id ({call.parameters['StatementId']}) exists already.", 409
            )
        statement = permission_statement(call.parameters, function.arn, call.partition)
        function.statements.append(statement)
        return {"Statement": json.dumps(statement)}

    def remove_permission(self, call: Call) -> dict[str, Any]:
        """Take a statement out of the function's policy."""
        function = self._function(call)
        kept = [one for one in function.statements if one["Sid"] != call.parameters["StatementId"]]
        if len(kept) == len(function.statements):
            raise ServiceError(
                "ResourceNotFoundException", f"Statement {call.parameters['StatementId']} is not found.", 404
            )
        function.statements = kept
        return {}

    def get_policy(self, call: Call) -> dict[str, Any]:
        """Return the function's policy."""
        policy = self.resource_policy(self._function(call).arn)
        if policy is None:
            raise ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return {"Policy": json.dumps(policy)}

    # Invocation.
    def invoke(self, call: Call) -> dict[str, Any]:
        """Run a function, queue an event for it, or only ask whether one might."""
        function = self._function(call)
        kind = call.parameters.get("InvocationType") or "RequestResponse"
        if kind == "DryRun":
            return {"StatusCode": 204}
        payload = event_payload(call.parameters.get("Payload"))
        if kind == "Event":
            self.invocations.accept(function, payload, call.request_id)
            return {"StatusCode": 202}
        outcome = self.invocations.run(function, payload, call.request_id)
        answer: dict[str, Any] = {
            "StatusCode": 200,
            "Payload": json.dumps(outcome.payload).encode(),
            "ExecutedVersion": "$LATEST",
        }
        if call.parameters.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode("\n".join(outcome.lines).encode()[-4096:]).decode()
        return {**answer, "FunctionError": "Unhandled"} if outcome.failed else answer

    def put_function_event_invoke_config(self, call: Call) -> dict[str, Any]:
        """Set retries and destinations of asynchronous invocation."""
        function = self._function(call)
        kept = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
        function.asynchronous = {key: call.parameters[key] for key in kept if call.parameters.get(key) is not None}
        return self._asynchronous(function)

    def get_function_event_invoke_config(self, call: Call) -> dict[str, Any]:
        """Return retries and destinations of asynchronous invocation."""
        function = self._function(call)
        if function.asynchronous is None:
            raise ServiceError(
                "ResourceNotFoundException",
                f"The function {function.arn}:$LATEST doesn't have an EventInvokeConfig",
                404,
            )
        return self._asynchronous(function)

    def delete_function_event_invoke_config(self, call: Call) -> dict[str, Any]:
        """Set asynchronous invocation back to Lambda's defaults."""
        self._function(call).asynchronous = None
        return {}

    def put_function_concurrency(self, call: Call) -> dict[str, Any]:
        """Reserve concurrency."""
        function = self._function(call)
        function.concurrency = call.parameters["ReservedConcurrentExecutions"]
        return {"ReservedConcurrentExecutions": function.concurrency}

    def delete_function_concurrency(self, call: Call) -> dict[str, Any]:
        """Give reserved concurrency back."""
        self._function(call).concurrency = None
        return {}

    # Function URLs.
    def create_function_url_config(self, call: Call) -> dict[str, Any]:
        """Give a function a URL."""
        return self.urls.create(call, self._function(call))

    def get_function_url_config(self, call: Call) -> dict[str, Any]:
        """Return the URL of a function."""
        return self.urls.of(call, self._function(call)).configuration()

    def update_function_url_config(self, call: Call) -> dict[str, Any]:
        """Change who may call a function's URL, or from which origins."""
        return self.urls.update(call, self._function(call))

    def delete_function_url_config(self, call: Call) -> dict[str, Any]:
        """Take the URL of a function away."""
        return self.urls.delete(call, self._function(call))

    def list_function_url_configs(self, call: Call) -> dict[str, Any]:
        """List the URLs of a function."""
        return {"FunctionUrlConfigs": self.urls.configurations(self._function(call))}

    def invoke_function_url(self, call: Call) -> dict[str, Any]:
        """Run a function for a request to its URL; the front door comes here, no client's operation."""
        return self.urls.invoke(call)

    # Event sources.
    def create_event_source_mapping(self, call: Call) -> dict[str, Any]:
        """Map a queue to a function."""
        return self.sources.create(call, self._function(call))

    def get_event_source_mapping(self, call: Call) -> dict[str, Any]:
        """Return one mapping."""
        return self.sources.find(call.parameters["UUID"]).response()

    def list_event_source_mappings(self, call: Call) -> dict[str, Any]:
        """List mappings, all of the account and Region or those of a function or source."""
        name = function_name(call) if call.parameters.get("FunctionName") else None
        source = call.parameters.get("EventSourceArn")
        found = [
            one.response()
            for one in self.sources.mappings.values()
            if (one.function.account, one.function.region) == (call.account, call.region)
            and name in (None, one.function.name)
            and source in (None, str(one.source))
        ]
        return {"EventSourceMappings": found}

    def update_event_source_mapping(self, call: Call) -> dict[str, Any]:
        """Change a mapping."""
        return self.sources.update(call)

    def delete_event_source_mapping(self, call: Call) -> dict[str, Any]:
        """End a mapping."""
        return self.sources.delete(call.parameters["UUID"])

    # Tags and settings that clients ask for.
    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a function."""
        function = self._by_arn(arn)
        return {} if function is None else function.tags

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Tag a function."""
        self._tagged(call).update(call.parameters["Tags"])
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Take tags off a function."""
        tags = self._tagged(call)
        for key in call.parameters["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags(self, call: Call) -> dict[str, Any]:
        """Return the tags of a function."""
        return {"Tags": dict(self._tagged(call))}

    def get_function_code_signing_config(self, call: Call) -> dict[str, Any]:
        """Say that the function has no code signing."""
        return {"CodeSigningConfigArn": "", "FunctionName": self._function(call).name}

    def list_versions_by_function(self, call: Call) -> dict[str, Any]:
        """List the one version that there is."""
        return {"Versions": [self._function(call).configuration()]}

    def _function(self, call: Call) -> Function:
        name = function_name(call)
        function = self.functions.get((call.account, call.region, name))
        if function is None:
            raise not_found(f"arn:{call.partition}:lambda:{call.region}:{call.account}:function:{name}")
        return function

    def _by_arn(self, arn: str) -> Function | None:
        parts = arn.split(":")
        if len(parts) < 7 or parts[5] != "function":
            return None
        return self.functions.get((parts[4], parts[3], parts[6]))

    def _tagged(self, call: Call) -> dict[str, str]:
        arn = call.parameters["Resource"]
        function = self._by_arn(arn)
        if function is not None:
            return function.tags
        mapping = next((one for one in self.sources.mappings.values() if one.arn == arn), None)
        if mapping is None:
            raise not_found(arn)
        return mapping.tags

    def _asynchronous(self, function: Function) -> dict[str, Any]:
        settings = function.asynchronous or {}
        return {"LastModified": function.modified, "FunctionArn": f"{function.arn}:$LATEST", **settings}

    def _kept(self, content: bytes) -> Code:
        """Keep one copy of an archive however many functions run it."""
        code = Code.of(content)
        return self._codes.setdefault(code.sha256, code)

    def _code(self, call: Call, code: Mapping[str, Any]) -> bytes:
        """Read the archive: given with the call, or from a bucket of the function's Region."""
        if code.get("ZipFile"):
            return bytes(code["ZipFile"])
        if not code.get("S3Bucket") or not code.get("S3Key"):
            raise invalid("Please provide a source for function code.")
        bucket = bucket_of(f"arn:{call.partition}:s3:::{code['S3Bucket']}", self.world.partition)
        stored = None if bucket is None else bucket.keys.get(code["S3Key"])
        if bucket is None or stored is None:
            missing = "NoSuchBucket" if bucket is None else "NoSuchKey"
            raise invalid(f"Error occurred while GetObject. S3 Error Code: {missing}. S3 Error Message: not found")
        if bucket.region_name != call.region:
            raise invalid(
                "Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in "
                f"this region: {bucket.region_name}. Please use this region to retry the request"
            )
        return bytes(stored.value)
