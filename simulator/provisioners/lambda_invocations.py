"""Lambda: invocations that follow the life of a resource.

Source: terraform-provider-aws, internal/service/lambda/invocation.go: nothing of an invocation can be read
back; one whose function is gone does not delete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from simulator.provisioners.model import Edit, Inputs, Known, Made, Site, Standing, provisioner

CREATE_ONLY, CRUD = "CREATE_ONLY", "CRUD"


class InvocationError(Exception):
    """The function could not be invoked, or it failed: what it said."""


def _invoke(site: Site, inputs: Inputs, action: str, previous: Any) -> Made:
    payload = str(inputs["input"])
    if inputs["lifecycleScope"] == CRUD:
        told = {inputs["terraformKey"]: {"action": action, "prev_input": previous}}
        payload = json.dumps({**json.loads(payload), **told}, sort_keys=True, separators=(",", ":"))
    name, qualifier = inputs["functionName"], inputs["qualifier"]
    where = f"account {site.account}, {site.region}: invoking Lambda Function ({name})"
    try:
        answer = site.client("lambda").invoke(
            FunctionName=name, InvocationType="RequestResponse", Payload=payload.encode(), Qualifier=qualifier
        )
    except ClientError as error:
        raise InvocationError(f"{where}: {error}") from error
    result = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise InvocationError(f"{where}: {result}")
    digest = hashlib.md5(payload.encode(), usedforsecurity=False).hexdigest()
    return Made(f"{name},{qualifier},{digest}", {"result": result})


def _create(site: Site, inputs: Inputs) -> Made:
    return _invoke(site, inputs, "create", None)


def _read(site: Site, known: Known) -> Standing | None:
    """Say what the state says: the real provider reads nothing."""
    if known.inputs:
        return Standing(known.id, known.inputs, known.outputs)
    name, qualifier, _ = known.id.split(",")
    return Standing(known.id, {"functionName": name, "qualifier": qualifier})


def _update(site: Site, edit: Edit) -> Mapping[str, Any]:
    return _invoke(site, edit.new, "update", json.loads(edit.old["input"])).outputs


def _delete(site: Site, known: Known) -> None:
    if known.inputs["lifecycleScope"] == CRUD:
        _invoke(site, known.inputs, "delete", json.loads(known.inputs["input"]))


PROVISIONERS = (
    provisioner(
        "aws:lambda/invocation:Invocation",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        replaces="functionName qualifier",
        source="lambda/invocation.go",
        updates="input lifecycleScope terraformKey",
        defaults={"lifecycleScope": CREATE_ONLY, "qualifier": "$LATEST", "terraformKey": "tf"},
        documents="input",
        shapes={
            "functionName": "lambda.Invoke.FunctionName",
            "qualifier": "lambda.Invoke.Qualifier",
        },
    ),
)
