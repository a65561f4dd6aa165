"""Lambda: what calls a function, and where failed invocations go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    given,
    lower,
    named,
    provisioner,
    retag,
    unless_gone,
    upper,
)

SETTLED = ("Enabled", "Disabled")


def _permission(site: Site, inputs: Inputs) -> Made:
    optional = given(
        inputs,
        SourceArn="sourceArn",
        SourceAccount="sourceAccount",
        PrincipalOrgID="principalOrgId",
        FunctionUrlAuthType="functionUrlAuthType",
    )
    if inputs.get("invokedViaFunctionUrl"):  # false is what a permission is without it
        optional["InvokedViaFunctionUrl"] = True
    site.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=inputs["statementId"],
        Action=inputs["action"],
        Principal=inputs["principal"],
        **optional,
    )
    return Made(inputs["statementId"])


def _statement(known: Known) -> tuple[str, str]:
    """The function and the statement; an import names them `function/statement`."""
    if known.inputs:
        return known.inputs["function"], known.inputs["statementId"]
    function, _, statement = known.id.rpartition("/")
    return function, statement


def _read_permission(site: Site, known: Known) -> Standing | None:
    function, identifier = _statement(known)
    policy = json.loads(site.client("lambda").get_policy(FunctionName=function)["Policy"])
    found = next((one for one in policy["Statement"] if one.get("Sid") == identifier), None)
    if found is None:
        return None
    principal = found["Principal"]
    conditions = {
        key.lower(): value for operator in (found.get("Condition") or {}).values() for key, value in operator.items()
    }
    inputs = named(
        function=function,
        statementId=identifier,
        action=found["Action"],
        principal=principal if isinstance(principal, str) else next(iter(principal.values())),
        sourceArn=conditions.get("aws:sourcearn"),
        sourceAccount=conditions.get("aws:sourceaccount"),
        principalOrgId=conditions.get("aws:principalorgid"),
        functionUrlAuthType=conditions.get("lambda:functionurlauthtype"),
        invokedViaFunctionUrl=True if conditions.get("lambda:invokedviafunctionurl") == "true" else None,
    )
    return Standing(identifier, inputs)


def _delete_permission(site: Site, known: Known) -> None:
    function, identifier = _statement(known)
    site.client("lambda").remove_permission(FunctionName=function, StatementId=identifier)


def _mapped(inputs: Inputs) -> dict[str, Any]:
    parameters: dict[str, Any] = given(inputs, FunctionResponseTypes="functionResponseTypes", Enabled="enabled")
    for theirs, ours in (
        ("BatchSize", "batchSize"),
        ("MaximumBatchingWindowInSeconds", "maximumBatchingWindowInSeconds"),
    ):
        if inputs.get(ours) is not None:
            parameters[theirs] = int(inputs[ours])
    if scaling := inputs.get("scalingConfig"):
        parameters["ScalingConfig"] = {"MaximumConcurrency": int(scaling["maximumConcurrency"])}
    return parameters


def _mapping(site: Site, inputs: Inputs) -> Made:
    optional = {"Tags": dict(inputs["tags"])} if inputs.get("tags") else {}
    answer = site.client("lambda").create_event_source_mapping(
        FunctionName=inputs["functionName"], EventSourceArn=inputs["eventSourceArn"], **_mapped(inputs), **optional
    )
    _settled(site, answer["UUID"])
    return Made(answer["UUID"], {"uuid": answer["UUID"], "arn": answer["EventSourceMappingArn"]})


def _settled(site: Site, identifier: str) -> None:
    client = site.client("lambda")
    site.wait(lambda: client.get_event_source_mapping(UUID=identifier)["State"] in SETTLED, "the event source")


def _read_mapping(site: Site, known: Known) -> Standing | None:
    client = site.client("lambda")
    found = client.get_event_source_mapping(UUID=known.id)
    arn, said = found["FunctionArn"], str(known.inputs.get("functionName", ""))
    concurrency = (found.get("ScalingConfig") or {}).get("MaximumConcurrency")
    inputs = named(
        functionName=said if said == arn.split(":")[6] else arn,
        eventSourceArn=found["EventSourceArn"],
        batchSize=found.get("BatchSize"),
        maximumBatchingWindowInSeconds=found.get("MaximumBatchingWindowInSeconds"),
        functionResponseTypes=found.get("FunctionResponseTypes") or None,
        scalingConfig={"maximumConcurrency": concurrency} if concurrency else None,
        enabled=found["State"] not in ("Disabled", "Disabling"),
        tags=client.list_tags(Resource=found["EventSourceMappingArn"]).get("Tags") or None,
    )
    return Standing(known.id, inputs, {"uuid": found["UUID"], "arn": found["EventSourceMappingArn"]})


def _update_mapping(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("lambda")
    if edit.changed - {"tags"}:
        parameters = {"FunctionResponseTypes": [], "ScalingConfig": {}, **_mapped(edit.new)}
        client.update_event_source_mapping(UUID=edit.id, FunctionName=edit.new["functionName"], **parameters)
        _settled(site, edit.id)
    if "tags" in edit.changed:
        arn = client.get_event_source_mapping(UUID=edit.id)["EventSourceMappingArn"]
        retag(
            edit,
            lambda tags: client.tag_resource(Resource=arn, Tags=tags),
            lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )
    return {}


def _delete_mapping(site: Site, known: Known) -> None:
    client = site.client("lambda")
    client.delete_event_source_mapping(UUID=known.id)
    site.wait(lambda: unless_gone(client.get_event_source_mapping, UUID=known.id) is None, "the end of event source")


def _asynchronous(site: Site, inputs: Inputs) -> Made:
    optional: dict[str, Any] = {}
    for theirs, ours in (
        ("MaximumRetryAttempts", "maximumRetryAttempts"),
        ("MaximumEventAgeInSeconds", "maximumEventAgeInSeconds"),
    ):
        if inputs.get(ours) is not None:
            optional[theirs] = int(inputs[ours])
    if destinations := inputs.get("destinationConfig"):
        optional["DestinationConfig"] = upper(destinations)
    # Put replaces the whole configuration: what is left out is taken away.
    site.client("lambda").put_function_event_invoke_config(FunctionName=inputs["functionName"], **optional)
    return Made(inputs["functionName"])


def _read_asynchronous(site: Site, known: Known) -> Standing | None:
    found = site.client("lambda").get_function_event_invoke_config(FunctionName=known.id)
    destinations = {key: value for key, value in (found.get("DestinationConfig") or {}).items() if value}
    inputs = named(
        functionName=known.id,
        maximumRetryAttempts=found.get("MaximumRetryAttempts"),
        maximumEventAgeInSeconds=found.get("MaximumEventAgeInSeconds"),
        destinationConfig=lower(destinations) or None,
    )
    return Standing(known.id, inputs)


def _update_asynchronous(site: Site, edit: Edit) -> Mapping[str, Any]:
    _asynchronous(site, edit.new)
    return {}


def _delete_asynchronous(site: Site, known: Known) -> None:
    site.client("lambda").delete_function_event_invoke_config(FunctionName=known.id)


PROVISIONERS = (
    provisioner(
        "aws:lambda/permission:Permission",
        create=_permission,
        read=_read_permission,
        delete=_delete_permission,
        replaces="statementId action function principal sourceArn sourceAccount principalOrgId functionUrlAuthType "
        "invokedViaFunctionUrl",
        source="lambda/permission.go",
        needs="statementId",
        shapes={
            "statementId": "lambda.AddPermission.StatementId",
            "action": "lambda.AddPermission.Action",
            "function": "lambda.AddPermission.FunctionName",
            "principal": "lambda.AddPermission.Principal",
            "sourceArn": "lambda.AddPermission.SourceArn",
            "sourceAccount": "lambda.AddPermission.SourceAccount",
            "principalOrgId": "lambda.AddPermission.PrincipalOrgID",
            "functionUrlAuthType": "lambda.AddPermission.FunctionUrlAuthType",
        },
    ),
    provisioner(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        create=_mapping,
        read=_read_mapping,
        update=_update_mapping,
        delete=_delete_mapping,
        replaces="eventSourceArn",
        source="lambda/event_source_mapping.go",
        updates="functionName batchSize maximumBatchingWindowInSeconds functionResponseTypes scalingConfig enabled "
        "tags",
        needs="eventSourceArn",
        defaults={"enabled": True},
        computed="batchSize maximumBatchingWindowInSeconds",
        sets="functionResponseTypes",
        shapes={
            "functionName": "lambda.CreateEventSourceMapping.FunctionName",
            "eventSourceArn": "lambda.CreateEventSourceMapping.EventSourceArn",
            "batchSize": "lambda.CreateEventSourceMapping.BatchSize",
            "maximumBatchingWindowInSeconds": "lambda.CreateEventSourceMapping.MaximumBatchingWindowInSeconds",
            "scalingConfig.maximumConcurrency": "lambda.CreateEventSourceMapping.ScalingConfig.MaximumConcurrency",
        },
    ),
    provisioner(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        create=_asynchronous,
        read=_read_asynchronous,
        update=_update_asynchronous,
        delete=_delete_asynchronous,
        replaces="functionName",
        source="lambda/function_event_invoke_config.go",
        updates="maximumRetryAttempts maximumEventAgeInSeconds destinationConfig",
        defaults={"maximumRetryAttempts": 2},
        shapes={
            "functionName": "lambda.PutFunctionEventInvokeConfig.FunctionName",
            "maximumRetryAttempts": "lambda.PutFunctionEventInvokeConfig.MaximumRetryAttempts",
            "maximumEventAgeInSeconds": "lambda.PutFunctionEventInvokeConfig.MaximumEventAgeInSeconds",
        },
    ),
)
