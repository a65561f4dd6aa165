"""EventBridge: rules and their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.provisioners.model import (
    GONE,
    Edit,
    Inputs,
    Known,
    Made,
    Site,
    Standing,
    as_list,
    given,
    lower,
    named,
    provisioner,
    retag,
    tag_list,
    tag_map,
    upper,
)


class TargetRefusedError(Exception):
    """EventBridge did not take or give up a target, with its reason."""


def _put_rule(site: Site, inputs: Inputs, **optional: Any) -> str:
    """Put a rule as a whole: what is left out is taken away."""
    parameters = given(
        inputs,
        EventPattern="eventPattern",
        ScheduleExpression="scheduleExpression",
        Description="description",
        State="state",
        EventBusName="eventBusName",
    )
    return str(site.client("events").put_rule(Name=inputs["name"], **parameters, **optional)["RuleArn"])


def _rule(site: Site, inputs: Inputs) -> Made:
    tags = tag_list(inputs)
    arn = _put_rule(site, inputs, **({"Tags": tags} if tags else {}))
    name, bus = inputs["name"], inputs["eventBusName"]
    return Made(name if bus == "default" else f"{bus}/{name}", {"arn": arn})


def _read_rule(site: Site, known: Known) -> Standing | None:
    client = site.client("events")
    bus, _, name = known.id.rpartition("/")
    found = client.describe_rule(Name=name, EventBusName=bus or "default")
    tags = tag_map(client.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])
    inputs = named(
        name=name,
        eventPattern=found.get("EventPattern"),
        scheduleExpression=found.get("ScheduleExpression"),
        description=found.get("Description"),
        state=found["State"],
        eventBusName=found["EventBusName"],
        tags=tags,
    )
    return Standing(known.id, inputs, {"arn": found["Arn"]})


def _update_rule(site: Site, edit: Edit) -> Mapping[str, Any]:
    client = site.client("events")
    if edit.changed - {"tags"}:
        _put_rule(site, edit.new)
    if "tags" in edit.changed:
        arn = client.describe_rule(Name=edit.new["name"], EventBusName=edit.new["eventBusName"])["Arn"]
        retag(
            edit,
            lambda tags: client.tag_resource(ResourceARN=arn, Tags=as_list(tags)),
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )
    return {}


def _delete_rule(site: Site, known: Known) -> None:
    bus, _, name = known.id.rpartition("/")
    site.client("events").delete_rule(Name=name, EventBusName=bus or "default")


def _put_target(site: Site, inputs: Inputs) -> None:
    target: dict[str, Any] = {
        "Id": inputs["targetId"],
        "Arn": inputs["arn"],
        **given(inputs, Input="input", RoleArn="roleArn"),
    }
    if letters := inputs.get("deadLetterConfig"):
        target["DeadLetterConfig"] = {"Arn": letters["arn"]}
    if retries := inputs.get("retryPolicy"):
        target["RetryPolicy"] = {key: int(value) for key, value in upper(retries).items()}
    _settled(site.client("events").put_targets(Rule=inputs["rule"], Targets=[target]))


def _settled(answer: Mapping[str, Any]) -> None:
    if answer["FailedEntryCount"]:
        failed = answer["FailedEntries"][0]
        raise TargetRefusedError(f"target {failed['TargetId']}: {failed['ErrorCode']} {failed['ErrorMessage']}")


def _target(site: Site, inputs: Inputs) -> Made:
    _put_target(site, inputs)
    return Made(f"{inputs['rule']}-{inputs['targetId']}")


def _place(known: Known) -> tuple[str, str]:
    """The rule and the target's id; an import names them `rule/target`."""
    if "/" in known.id:
        rule, _, target = known.id.rpartition("/")
        return rule, target
    return known.inputs["rule"], known.inputs["targetId"]


def _read_target(site: Site, known: Known) -> Standing | None:
    rule, identifier = _place(known)
    listed = site.client("events").list_targets_by_rule(Rule=rule)["Targets"]
    found = next((one for one in listed if one["Id"] == identifier), None)
    if found is None:
        return None
    inputs = named(
        rule=rule,
        targetId=identifier,
        arn=found["Arn"],
        input=found.get("Input"),
        roleArn=found.get("RoleArn"),
        deadLetterConfig=lower(found.get("DeadLetterConfig")),
        retryPolicy=lower(found.get("RetryPolicy")),
    )
    return Standing(f"{rule}-{identifier}", inputs)


def _update_target(site: Site, edit: Edit) -> Mapping[str, Any]:
    _put_target(site, edit.new)
    return {}


def _delete_target(site: Site, known: Known) -> None:
    rule, identifier = _place(known)
    answer = site.client("events").remove_targets(Rule=rule, Ids=[identifier])
    if {one["ErrorCode"] for one in answer["FailedEntries"]} - GONE:
        _settled(answer)


PROVISIONERS = (
    provisioner(
        "aws:cloudwatch/eventRule:EventRule",
        create=_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaces="name eventBusName",
        source="events/rule.go",
        updates="description eventPattern scheduleExpression state tags",
        needs="name",
        defaults={"state": "ENABLED", "eventBusName": "default"},
        documents="eventPattern",
        shapes={
            "name": "events.PutRule.Name",
            "description": "events.PutRule.Description",
            "state": "events.PutRule.State",
            "scheduleExpression": "events.PutRule.ScheduleExpression",
            "eventPattern": "events.PutRule.EventPattern",
        },
    ),
    provisioner(
        "aws:cloudwatch/eventTarget:EventTarget",
        create=_target,
        read=_read_target,
        update=_update_target,
        delete=_delete_target,
        replaces="rule targetId",
        source="events/target.go",
        updates="arn input roleArn deadLetterConfig retryPolicy",
        needs="targetId",
        documents="input",
        shapes={
            "rule": "events.PutTargets.Rule",
            "targetId": "events.PutTargets.Targets.Id",
            "arn": "events.PutTargets.Targets.Arn",
            "roleArn": "events.PutTargets.Targets.RoleArn",
            "input": "events.PutTargets.Targets.Input",
        },
    ),
)
