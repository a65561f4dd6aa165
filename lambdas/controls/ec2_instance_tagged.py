"""EC2 instances have the required tags.

Fails where a required key is missing or empty, or where a tag has a value that is neither allowed nor like a pattern;
without required keys, where an instance has no tags at all. Terminated instances and those that a service runs
(`Operator.Managed`) are not judged. People are told, and the instance runs on: no value is invented. Only values that
the account's settings or the Auto Scaling group's tags hold can be filled in, for keys that are missing.
Source: Security Hub EC2.38; Tagging AWS Resources. The managed rule REQUIRED_TAGS takes six keys and knows neither
patterns nor empty values nor managed instances, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambdas.controls import model
from lambdas.controls.model import Audience, Change, Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import instance_creators, instance_reads, required_tags, tag_keys

if TYPE_CHECKING:
    from boto3 import Session

INSTANCES = ("arn:{partition}:ec2:{region}:{account}:instance/*",)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the instance's tags, state and operator, and when it was first launched."""
    return instance_reads.described(session, resource.id)


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the tags of an instance that is somebody's and has not ended."""
    if settings["State"] in instance_reads.ENDED:
        return model.not_applicable("The instance is terminated.")
    if settings["Operator"].get("Managed"):
        return model.not_applicable(f"{settings['Operator'].get('Principal', 'A service')} manages the instance.")
    faults = required_tags.faults(settings["Tags"], parameters)
    if not faults:
        return model.compliant("The instance has the required tags.")
    said = "; ".join(faults)
    return model.non_compliant(f"{said[0].upper()}{said[1:]}"[:255] + ".")


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Find who launched the instance, and the tags of its Auto Scaling group where they may be filled in."""
    group = instance_reads.tags_of_group(session, settings["Tags"]) if parameters["tags_from_group"] else {}
    return {**instance_creators.find(session, settings, datetime.now(UTC)), "group": group}


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the instances of the Region that have not ended."""
    return (CONTROL.resource(place, instance) for instance in instance_reads.identifiers(session))


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Fill in what is known where that is enough; else tell who launched it what is missing and how it is set."""
    if conflict := required_tags.conflict(parameters):
        return Refusal(f"the settings do not go together: {conflict}")
    tags, creator = settings["Tags"], facts["creator"]
    fill = required_tags.filled(tags, parameters, facts["group"])
    enough = bool(fill) and not required_tags.faults({**tags, **fill}, parameters)
    named = f" ({tags['Name']})" if tags.get("Name") else ""
    message = f"Instance {resource.id}{named}: {'; '.join(required_tags.faults(tags, parameters))}."
    if not enough:
        who = f"Launched by {creator['said']}." if creator else f"Who launched it is not known: {facts['why']}."
        how = required_tags.command(resource.id, resource.region, tags, parameters, fill)
        message = f"{message} {who} Set it: {how}"
    # What is approved must not depend on whether the creator is known by then.
    alone = not enough and (creator is None or creator["person"])
    return Plan(
        changes=(_tag(resource, "create-tags", fill, _tag(resource, "delete-tags", fill)),) if enough else (),
        tell=(Audience.CREATOR,) if alone else (Audience.CREATOR, Audience.OWNER),
        leaves=("The instance is neither stopped nor terminated; tags that it has stay as they are.",),
        message=message,
        creator=creator["name"] if creator else "",
        remind=(parameters["reminder_days"], parameters["escalation_days"]),
        wait=facts["wait"],
    )


def _tag(resource: Resource, name: str, tags: Mapping[str, str], inverse: Change | None = None) -> Change:
    """Set tags, or as the undo remove them again where they still have these values."""
    operation = name.replace("-", "_")
    action = "ec2:CreateTags" if inverse else "ec2:DeleteTags"
    return Change(
        name=name,
        service="ec2",
        operation=operation,
        parameters={"Resources": [resource.id], "Tags": [{"Key": key, "Value": tags[key]} for key in tags]},
        grants=(Grant(action, (resource.arn,), tag_keys.only(sorted(tags))),),
        inverse=inverse,
        irreversible=None if inverse else "it is an undo",
    )


def _strings(description: str, pattern: str = required_tags.KEY_AND_VALUE) -> model.Parameter:
    return model.Parameter(type="strings", description=description, default=(), pattern=pattern)


def _days(description: str, default: int) -> model.Parameter:
    return model.Parameter(type="integer", description=description, default=default, minimum=1, maximum=90)


CONTROL = model.Control(
    id="EC2.38",
    slug="ec2-instance-tagged",
    title="EC2 instances have the required tags",
    severity=model.Severity.LOW,
    resource_type="AWS::EC2::Instance",
    asff_type="AwsEc2Instance",
    arn="arn:{partition}:ec2:{region}:{account}:instance/{id}",
    scope=model.Scope.REGIONAL,
    detection=model.CustomRule(on_change=True),
    parameters={
        "required_keys": _strings("the keys that every instance has; none: any tag will do", required_tags.KEY),
        "allowed_values": _strings("values that a tag may have, as `Key=value`, several of a key one by one"),
        "value_patterns": _strings("what values may look like, as `Key=pattern` with `*`, `?` and `[0-9]`"),
        "default_tags": _strings("what fills in missing tags in these accounts, as `Key=value`"),
        "tags_from_group": model.Parameter(
            type="boolean", description="fill in missing tags from those of the Auto Scaling group", default=False
        ),
        "reminder_days": _days("days after which people are reminded", 7),
        "escalation_days": _days("days after which operations are told", 14),
    },
    read_grants=(
        Grant("ec2:DescribeInstances", ("*",)),
        Grant("cloudtrail:LookupEvents", ("*",)),
        Grant("autoscaling:DescribeTags", ("*",)),
    ),
    # Required tags alone are filled in: an account that requires none gives no permission.
    grants=tuple(
        Grant(action, INSTANCES, tag_keys.only(["{parameter:required_keys}"]))
        for action in ("ec2:CreateTags", "ec2:DeleteTags")
    ),
    requirements=("AWS Resource Tagging Standard v1.0.0",),
    impact="Nothing is stopped. Tags that are filled in can decide who may use the instance and who pays for it.",
    remediation="Set the tags that are missing or wrong; the message to whoever launched the instance has the command.",
    ceiling=model.Ceiling(model.Mode.APPROVE, "tags can decide who has access and who pays"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
    conflict=required_tags.conflict,
)
