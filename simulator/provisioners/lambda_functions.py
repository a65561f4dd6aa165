"""Lambda: functions, permissions, event source mappings, asynchronous invocation."""

from __future__ import annotations

from typing import Any

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, upper


def _function(site: Site, inputs: Inputs) -> Made:
    optional = given(inputs, Description="description", Architectures="architectures")
    if environment := inputs.get("environment"):
        optional["Environment"] = {"Variables": dict(environment.get("variables") or {})}
    if tags := inputs.get("tags"):
        optional["Tags"] = dict(tags)
    answer = site.client("lambda").create_function(
        FunctionName=inputs["name"],
        Runtime=inputs["runtime"],
        Handler=inputs["handler"],
        Role=inputs["role"],
        Code={"S3Bucket": inputs["s3Bucket"], "S3Key": inputs["s3Key"]},
        Timeout=int(inputs["timeout"]),
        MemorySize=int(inputs["memorySize"]),
        **optional,
    )
    arn = answer["FunctionArn"]
    invoke = f"arn:{site.partition}:apigateway:{site.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return Made(inputs["name"], {"arn": arn, "invokeArn": invoke, "version": answer["Version"]})


def _permission(site: Site, inputs: Inputs) -> Made:
    site.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=inputs["statementId"],
        Action=inputs["action"],
        Principal=inputs["principal"],
        **given(inputs, SourceArn="sourceArn", SourceAccount="sourceAccount", PrincipalOrgID="principalOrgId"),
    )
    return Made(inputs["statementId"])


def _mapping(site: Site, inputs: Inputs) -> Made:
    optional: dict[str, Any] = given(
        inputs,
        FunctionResponseTypes="functionResponseTypes",
        Enabled="enabled",
    )
    if inputs.get("batchSize") is not None:
        optional["BatchSize"] = int(inputs["batchSize"])
    if inputs.get("maximumBatchingWindowInSeconds") is not None:
        optional["MaximumBatchingWindowInSeconds"] = int(inputs["maximumBatchingWindowInSeconds"])
    if scaling := inputs.get("scalingConfig"):
        optional["ScalingConfig"] = {"MaximumConcurrency": int(scaling["maximumConcurrency"])}
    if tags := inputs.get("tags"):
        optional["Tags"] = dict(tags)
    client = site.client("lambda")
    answer = client.create_event_source_mapping(
        FunctionName=inputs["functionName"], EventSourceArn=inputs["eventSourceArn"], **optional
    )
    settled = ("Enabled", "Disabled")
    site.wait(lambda: client.get_event_source_mapping(UUID=answer["UUID"])["State"] in settled, "the event source")
    return Made(answer["UUID"], {"uuid": answer["UUID"], "arn": answer["EventSourceMappingArn"]})


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
    site.client("lambda").put_function_event_invoke_config(FunctionName=inputs["functionName"], **optional)
    return Made(inputs["functionName"])


PROVISIONERS = (
    provisioner(
        "aws:lambda/function:Function",
        "name runtime architectures handler role s3Bucket s3Key timeout memorySize environment description",
        _function,
    ),
    provisioner(
        "aws:lambda/permission:Permission",
        "statementId action function principal sourceArn sourceAccount principalOrgId",
        _permission,
    ),
    provisioner(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "functionName eventSourceArn batchSize maximumBatchingWindowInSeconds functionResponseTypes "
        "scalingConfig enabled",
        _mapping,
    ),
    provisioner(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        "functionName maximumRetryAttempts maximumEventAgeInSeconds destinationConfig",
        _asynchronous,
    ),
)
