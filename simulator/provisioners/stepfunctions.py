"""Step Functions: state machines of type STANDARD."""

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
    given,
    named,
    provisioner,
    retag,
    tag_map,
    unless_gone,
)

OFF = {"level": "OFF", "includeExecutionData": False}
SETTINGS = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")


def _machine(site: Site, inputs: Inputs) -> Made:
    client = site.client("stepfunctions")
    tags = [{"key": key, "value": value} for key, value in sorted((inputs.get("tags") or {}).items())]
    arn = client.create_state_machine(
        name=inputs["name"],
        type=inputs["type"],
        **_settings(inputs, SETTINGS),
        **({"tags": tags} if tags else {}),
    )["stateMachineArn"]
    return Made(arn, _outputs(client.describe_state_machine(stateMachineArn=arn)))


def _settings(inputs: Inputs, names: tuple[str, ...]) -> dict[str, Any]:
    """Return some of the inputs as the calls take them."""
    asked: dict[str, Any] = {name: inputs[name] for name in names if inputs.get(name) is not None}
    if "loggingConfiguration" in asked:
        logging = asked["loggingConfiguration"]
        asked["loggingConfiguration"] = {
            **OFF,
            **given(logging, level="level", includeExecutionData="includeExecutionData"),
        }
        if logging.get("logDestination"):
            group = {"cloudWatchLogsLogGroup": {"logGroupArn": logging["logDestination"]}}
            asked["loggingConfiguration"]["destinations"] = [group]
    return asked


def _outputs(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arn": shown["stateMachineArn"],
        "creationDate": shown["creationDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revisionId": shown.get("revisionId", ""),
        "status": shown["status"],
    }


def _read_machine(site: Site, known: Known) -> Standing | None:
    client = site.client("stepfunctions")
    shown = client.describe_state_machine(stateMachineArn=known.id)
    logging = shown["loggingConfiguration"]
    groups = [one["cloudWatchLogsLogGroup"]["logGroupArn"] for one in logging.get("destinations") or ()]
    inputs = named(
        name=shown["name"],
        type=shown["type"],
        definition=shown["definition"],
        roleArn=shown["roleArn"],
        loggingConfiguration=named(
            level=logging["level"],
            includeExecutionData=logging["includeExecutionData"],
            logDestination=groups[0] if groups else None,
        ),
        tracingConfiguration={"enabled": shown["tracingConfiguration"]["enabled"]},
        tags=tag_map(client.list_tags_for_resource(resourceArn=known.id)["tags"], "key", "value"),
    )
    return Standing(known.id, inputs, _outputs(shown))


def _update_machine(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("stepfunctions")
    changed = tuple(name for name in SETTINGS if name in edit.changed)
    if changed:
        client.update_state_machine(stateMachineArn=edit.id, **_settings(edit.new, changed))
    if "tags" in edit.changed:
        retag(
            edit,
            lambda tags: client.tag_resource(
                resourceArn=edit.id, tags=[{"key": key, "value": value} for key, value in tags.items()]
            ),
            lambda keys: client.untag_resource(resourceArn=edit.id, tagKeys=keys),
        )
    return {"revisionId": client.describe_state_machine(stateMachineArn=edit.id).get("revisionId", "")}


def _delete_machine(site: Site, known: Known) -> None:
    """Delete a state machine, and wait for its executions to end as the real provider does."""
    client = site.client("stepfunctions")
    client.delete_state_machine(stateMachineArn=known.id)
    site.wait(
        lambda: unless_gone(client.describe_state_machine, stateMachineArn=known.id) is None,
        f"the deletion of {known.id}",
    )


PROVISIONERS = (
    provisioner(
        "aws:sfn/stateMachine:StateMachine",
        create=_machine,
        read=_read_machine,
        update=_update_machine,
        delete=_delete_machine,
        replaces="name",
        source="sfn/state_machine.go",
        said={"type": "You cannot update the type of a state machine once it has been created."},
        updates="definition roleArn loggingConfiguration tracingConfiguration tags",
        needs="name",
        defaults={"type": "STANDARD"},
        # Blocks that are no longer given stay as they are.
        computed="loggingConfiguration tracingConfiguration",
        documents="definition",
        shapes={
            "name": "stepfunctions.CreateStateMachine.name",
            "definition": "stepfunctions.CreateStateMachine.definition",
            "roleArn": "stepfunctions.CreateStateMachine.roleArn",
        },
    ),
)
