"""Lambda: function URLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    UnservedPropertyError,
    lower,
    named,
    provisioner,
    upper,
)


def _settings(inputs: Inputs) -> dict[str, Any]:
    if inputs["authorizationType"] == "NONE":
        # The real provider then opens the function to everybody by statements of its own.
        raise UnservedPropertyError("aws:lambda/functionUrl:FunctionUrl is not served with authorizationType NONE")
    settings = {"AuthType": inputs["authorizationType"], "InvokeMode": inputs["invokeMode"]}
    cors = dict(inputs.get("cors") or {})
    if cors.get("maxAge") is not None:
        cors["maxAge"] = int(cors["maxAge"])
    return {**settings, "Cors": upper(cors)} if cors else settings


def _url(site: Site, inputs: Inputs) -> Made:
    name = inputs["functionName"]
    answer = site.client("lambda").create_function_url_config(FunctionName=name, **_settings(inputs))
    return Made(name, _outputs(answer))


def _outputs(url: Mapping[str, Any]) -> dict[str, Any]:
    address = url["FunctionUrl"]
    identifier = address.removeprefix("https://").partition(".")[0]
    return {"functionArn": url["FunctionArn"], "functionUrl": address, "urlId": identifier}


def _read_url(site: Site, known: Known) -> Standing | None:
    found = site.client("lambda").get_function_url_config(FunctionName=known.id)
    inputs = named(
        functionName=known.id,
        authorizationType=found["AuthType"],
        invokeMode=found.get("InvokeMode"),
        cors=lower(found.get("Cors") or {}) or None,
    )
    return Standing(known.id, inputs, _outputs(found))


def _update_url(site: Site, edit: Edit) -> Mapping[str, Any]:
    # Without CORS settings the call leaves them as they are; empty ones take them away.
    parameters = {"Cors": {}, **_settings(edit.new)}
    return _outputs(site.client("lambda").update_function_url_config(FunctionName=edit.id, **parameters))


def _delete_url(site: Site, known: Known) -> None:
    site.client("lambda").delete_function_url_config(FunctionName=known.id)


PROVISIONERS = (
    provisioner(
        "aws:lambda/functionUrl:FunctionUrl",
        create=_url,
        read=_read_url,
        update=_update_url,
        delete=_delete_url,
        replaces="functionName",
        source="lambda/function_url.go",
        updates="authorizationType invokeMode cors",
        defaults={"invokeMode": "BUFFERED"},
        sets="cors.allowHeaders cors.allowMethods cors.allowOrigins cors.exposeHeaders",
        shapes={
            "functionName": "lambda.CreateFunctionUrlConfig.FunctionName",
            "authorizationType": "lambda.CreateFunctionUrlConfig.AuthType",
            "invokeMode": "lambda.CreateFunctionUrlConfig.InvokeMode",
            "cors.maxAge": "lambda.CreateFunctionUrlConfig.Cors.MaxAge",
        },
    ),
)
