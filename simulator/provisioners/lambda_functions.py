"""Lambda: functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import Edit, Inputs, Known, Made, Site, Standing, given, named, provisioner, retag

CONFIGURATION = "runtime handler role timeout memorySize environment description"


def _configuration(inputs: Inputs) -> dict[str, Any]:
    parameters = {
        "Runtime": inputs["runtime"],
        "Handler": inputs["handler"],
        "Role": inputs["role"],
        "Timeout": int(inputs["timeout"]),
        "MemorySize": int(inputs["memorySize"]),
        **given(inputs, Description="description"),
    }
    if environment := inputs.get("environment"):
        parameters["Environment"] = {"Variables": dict(environment.get("variables") or {})}
    return parameters


def _function(site: Site, inputs: Inputs) -> Made:
    optional = given(inputs, Architectures="architectures")
    if tags := inputs.get("tags"):
        optional["Tags"] = dict(tags)
    answer = site.client("lambda").create_function(
        FunctionName=inputs["name"],
        Code={"S3Bucket": inputs["s3Bucket"], "S3Key": inputs["s3Key"]},
        **_configuration(inputs),
        **optional,
    )
    return Made(inputs["name"], _outputs(site, answer))


def _outputs(site: Site, function: Mapping[str, Any]) -> dict[str, Any]:
    arn = function["FunctionArn"]
    invoke = f"arn:{site.partition}:apigateway:{site.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return {"arn": arn, "invokeArn": invoke, "version": function["Version"]}


def _read_function(site: Site, known: Known) -> Standing | None:
    answer = site.client("lambda").get_function(FunctionName=known.id)
    found = answer["Configuration"]
    variables = (found.get("Environment") or {}).get("Variables")
    inputs = named(
        name=known.id,
        runtime=found["Runtime"],
        handler=found["Handler"],
        role=found["Role"],
        timeout=found["Timeout"],
        memorySize=found["MemorySize"],
        description=found.get("Description") or None,
        architectures=found.get("Architectures"),
        environment={"variables": variables} if variables else None,
        tags=answer.get("Tags") or None,
    )
    return Standing(known.id, inputs, _outputs(site, found))


def _update_function(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("lambda")
    if edit.touches("s3Bucket s3Key architectures"):
        client.update_function_code(
            FunctionName=edit.id,
            S3Bucket=edit.new["s3Bucket"],
            S3Key=edit.new["s3Key"],
            **given(edit.new, Architectures="architectures"),
        )
        _updated(site, edit.id)
    if edit.touches(CONFIGURATION):
        parameters = {"Description": "", "Environment": {"Variables": {}}, **_configuration(edit.new)}
        client.update_function_configuration(FunctionName=edit.id, **parameters)
        _updated(site, edit.id)
    found = client.get_function_configuration(FunctionName=edit.id)
    if "tags" in edit.changed:
        arn = found["FunctionArn"]
        retag(
            edit,
            lambda tags: client.tag_resource(Resource=arn, Tags=tags),
            lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )
    return _outputs(site, found)


def _updated(site: Site, name: str) -> None:
    client = site.client("lambda")
    site.wait(
        lambda: client.get_function_configuration(FunctionName=name).get("LastUpdateStatus") != "InProgress",
        f"the update of function {name}",
    )


def _delete_function(site: Site, known: Known) -> None:
    site.client("lambda").delete_function(FunctionName=known.id)


PROVISIONERS = (
    provisioner(
        "aws:lambda/function:Function",
        create=_function,
        read=_read_function,
        update=_update_function,
        delete=_delete_function,
        replaces="name",
        source="lambda/function.go",
        updates=f"{CONFIGURATION} architectures s3Bucket s3Key tags",
        needs="name runtime handler s3Bucket s3Key",
        defaults={"timeout": 3, "memorySize": 128},
        computed="architectures",
        sets="architectures",
        # Where the code came from is not told; its hash is (SDK docstring of `s3_key`, `source_code_hash`).
        unread="s3Bucket s3Key",
        shapes={
            "name": "lambda.CreateFunction.FunctionName",
            "runtime": "lambda.CreateFunction.Runtime",
            "handler": "lambda.CreateFunction.Handler",
            "role": "lambda.CreateFunction.Role",
            "timeout": "lambda.CreateFunction.Timeout",
            "memorySize": "lambda.CreateFunction.MemorySize",
            "description": "lambda.CreateFunction.Description",
            "s3Bucket": "lambda.CreateFunction.Code.S3Bucket",
            "s3Key": "lambda.CreateFunction.Code.S3Key",
        },
    ),
)
