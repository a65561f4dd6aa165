"""Untagged instances in the whole loop: whoever launched one is told, reminded, and operations after that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Resource
from simulator.services.event_fanout import Mail
from tests.organization.loop_world import NAMES, PLACE, REGION, Loop, deployed, interrupted
from tests.simulator.launchers import entered, user

TAGGED = catalog()["EC2.38"]
KEY = "CostCenter"
DAY = timedelta(days=1)
# CloudTrail is late, and a sweep comes every five minutes.
KNOWN = timedelta(minutes=22)
IMAGE = "ami-12345678"
# Messages of one kind within a minute become a digest: these come one by one.
APART = timedelta(minutes=6)


def _controls(usual: dict[str, Any]) -> dict[str, Any]:
    parameters = {"required_keys": [KEY], "reminder_days": 1, "escalation_days": 2}
    return {**usual, TAGGED.id: {"mode": "automatic", "liftCeiling": True, "parameters": parameters}}


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed(controls=_controls) as opened:
        yield opened


def launch(session: boto3.Session, **tags: str) -> Resource:
    """Launch an instance with these tags."""
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    more: Any = {"TagSpecifications": [{"ResourceType": "instance", "Tags": listed}]} if tags else {}
    answer = session.client("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, **more)
    return TAGGED.resource(PLACE, answer["Instances"][0]["InstanceId"])


def by_group(loop: Loop) -> Resource:
    """What an Auto Scaling group launches."""
    ec2, scaling = loop.member().client("ec2"), loop.member().client("autoscaling")
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": IMAGE})
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=1,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateName": "web"},
        VPCZoneIdentifier=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        Tags=[{"Key": "Owner", "Value": "team-web", "PropagateAtLaunch": True}],
    )
    (launched,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["Instances"]
    return TAGGED.resource(PLACE, launched["InstanceId"])


def by_stack(loop: Loop) -> Resource:
    """What a CloudFormation stack launches."""
    template = {"Resources": {"Web": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": IMAGE}}}}
    deployer = entered(loop.member(), "pipeline", "build-12")
    deployer.client("cloudformation").create_stack(StackName="shop", TemplateBody=json.dumps(template))
    filters: Any = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["shop"]}]
    found = loop.member().client("ec2").describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]
    return TAGGED.resource(PLACE, found["InstanceId"])


def tag(loop: Loop, resource: Resource) -> None:
    tags: Any = [{"Key": KEY, "Value": "7"}]
    loop.member().client("ec2").create_tags(Resources=[resource.id], Tags=tags)
    loop.rest()


def told(loop: Loop, resource: Resource, after: timedelta = timedelta(0)) -> list[Mail]:
    """The messages about an instance once this time has passed."""
    loop.rest()
    loop.organization.advance(after)
    return loop.mails(resource)


def addressee(mail: Mail) -> tuple[str, str]:
    return mail.attributes["creator"], mail.attributes["audience"]


def steps(mails: list[Mail]) -> list[str]:
    """What the subjects of messages begin with."""
    return [mail.subject.partition(" ")[0] for mail in mails]


def test_a_person_is_told_once_cloudtrail_knows_who_it_was_and_the_finding_says_so_before(loop: Loop) -> None:
    ann = user(loop.member(), "ann")
    resource = launch(ann, Name="web")
    assert told(loop, resource) == []
    finding = loop.finding(resource, TAGGED)
    assert "CloudTrail shows a launch up to 15 minutes later; people are told then" in finding["Note"]["Text"]
    (mail,) = told(loop, resource, KNOWN)
    assert addressee(mail) == ("ann", "creator")
    assert "Launched by ann (IAMUser)." in mail.message
    assert f"aws ec2 create-tags --region {REGION} --resources {resource.id}" in mail.message
    assert "It lacks the tag CostCenter" in loop.finding(resource, TAGGED)["Description"]
    tag(loop, resource)


@pytest.mark.parametrize(
    ("role", "session", "creator", "audience"),
    [
        ("AWSReservedSSO_Developer_0123456789abcdef", "bob@example.com", "bob@example.com", "creator"),
        ("people", "carol@example.com", "carol@example.com", "creator"),
        ("builds", "build-12", "build-12", "creator,operations"),
        ("profile", "i-0123456789abcdef0", "role profile", "creator,operations"),
    ],
)
def test_the_person_or_role_behind_a_session_is_told(
    loop: Loop, role: str, session: str, creator: str, audience: str
) -> None:
    resource = launch(entered(loop.member(), role, session))
    (mail,) = told(loop, resource, KNOWN)
    assert addressee(mail) == (creator, audience)
    tag(loop, resource)


def test_what_a_group_launched_goes_to_the_group_and_its_owner_at_once(loop: Loop) -> None:
    resource = by_group(loop)
    (mail,) = told(loop, resource)
    assert addressee(mail) == ("Auto Scaling group web", "creator,owner")
    assert mail.attributes["owner"] == "team-web"
    tag(loop, resource)


def test_what_a_stack_launched_goes_to_the_stack_and_to_operations_where_no_tag_names_an_owner(loop: Loop) -> None:
    resource = by_stack(loop)
    (mail,) = told(loop, resource)
    assert addressee(mail) == ("CloudFormation stack shop", "creator,operations")
    assert "Managed by: CloudFormation (stack shop)" in mail.message
    tag(loop, resource)


def test_an_instance_whose_launch_nobody_knows_goes_to_its_owner(loop: Loop) -> None:
    history: Any = loop.organization.world.services["cloudtrail"]
    resource = launch(loop.member(), Owner="team-a")
    loop.organization.do(history._events.clear)
    (mail,) = told(loop, resource, 2 * KNOWN)
    assert (mail.attributes["audience"], mail.attributes["owner"]) == ("owner", "team-a")
    assert "creator" not in mail.attributes
    assert "CloudTrail's event history has no launch of it" in mail.message
    tag(loop, resource)


@pytest.fixture
def rarely(loop: Loop) -> Iterator[None]:
    """Let the sweep come when a test wants it, and not 288 times a day."""
    events = loop.hub.client("events")
    (rule,) = [one["Name"] for one in events.list_rules()["Rules"] if one["Name"] == NAMES.sweep_function]
    events.disable_rule(Name=rule)
    yield
    loop.hub.client("events").enable_rule(Name=rule)


def swept(loop: Loop, resource: Resource, after: timedelta) -> list[str]:
    """What the messages about an instance are after some time and a sweep."""
    told(loop, resource, after)
    loop.hub.client("lambda").invoke(FunctionName=NAMES.sweep_function, Payload=b"{}")
    return steps(told(loop, resource))


@pytest.mark.usefixtures("rarely")
def test_the_creator_is_reminded_once_and_operations_are_told_once_and_then_there_is_peace(loop: Loop) -> None:
    resource, mended = launch(loop.member()), launch(loop.member())
    assert swept(loop, resource, KNOWN) == ["[notified]"]
    (first,) = loop.mails(resource)
    assert f"It is told again on {_date(loop, DAY)}" in first.message
    tag(loop, mended)
    assert swept(loop, resource, DAY - APART) == ["[notified]"], "not a minute before"
    assert swept(loop, resource, APART) == ["[notified]", "[reminder]"]
    assert swept(loop, resource, APART) == ["[notified]", "[reminder]"]
    reminder = loop.mails(resource)[1]
    assert "reminder 1: it still fails 1 day after it was first told" in reminder.message
    assert reminder.attributes["audience"] == "creator,operations"
    assert swept(loop, resource, DAY) == ["[notified]", "[reminder]", "[escalation]"]
    last = loop.mails(resource)[2]
    assert "told to operations: it still fails 2 days after it was first told" in last.message
    assert "operations" in last.attributes["audience"].split(",")
    assert len(swept(loop, resource, 3 * DAY)) == 3
    assert steps(loop.mails(mended)) == ["[notified]"], "it was tagged"
    tag(loop, resource)


@pytest.mark.usefixtures("rarely")
def test_an_instance_that_loses_its_tag_again_begins_anew(loop: Loop) -> None:
    resource = launch(loop.member())
    assert swept(loop, resource, KNOWN) == ["[notified]"]
    tag(loop, resource)
    loop.organization.advance(DAY / 2)
    loop.member().client("ec2").delete_tags(Resources=[resource.id], Tags=[{"Key": KEY}])
    assert swept(loop, resource, DAY * 3 / 4) == ["[notified]", "[notified]"], "a day counts from the second"
    assert swept(loop, resource, DAY / 2) == ["[notified]", "[notified]", "[reminder]"]
    tag(loop, resource)


@pytest.mark.usefixtures("rarely")
def test_a_sweep_that_is_killed_reminds_once_all_the_same(loop: Loop) -> None:
    resource = launch(loop.member())
    assert swept(loop, resource, KNOWN) == ["[notified]"]

    def asks(called: tuple[str, str], number: int) -> bool:
        return called == ("securityhub", "BatchUpdateFindings")

    with interrupted(loop.organization, asks, after=False, function=NAMES.sweep_function) as struck:
        assert swept(loop, resource, DAY) == ["[notified]"]
    assert struck
    assert swept(loop, resource, timedelta(hours=2)) == ["[notified]", "[reminder]"]
    assert swept(loop, resource, DAY) == ["[notified]", "[reminder]", "[escalation]"]
    tag(loop, resource)


def _date(loop: Loop, ahead: timedelta) -> str:
    now: datetime = loop.organization.do(loop.organization.world.agenda.now)
    return f"{now + ahead:%Y-%m-%d}"
