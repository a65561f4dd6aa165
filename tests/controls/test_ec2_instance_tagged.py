"""EC2.38: the required tags of instances."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.ec2_instance_tagged import CONTROL, evaluate, plan
from lambdas.controls.model import Audience, Place, Plan, Refusal, Verdict
from lambdas.remediation import describe
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, judged, member_account, planned, undo

INSTANCE = "i-0123456789abcdef0"
RESOURCE = CONTROL.resource(PLACE, INSTANCE)
REQUIRED = {
    "required_keys": ["Owner", "Environment"],
    "allowed_values": ["Environment=production", "Environment=staging"],
    "value_patterns": ["CostCenter=CC-[0-9]*", "Environment=test-?"],
}
FILLED = {**REQUIRED, "default_tags": ["Owner=platform", "Environment=staging"]}
ANN = {"name": "ann", "said": "ann (IAMUser)", "person": True}
WEB = {"name": "Auto Scaling group web", "said": "Auto Scaling group web", "person": False}
KNOWN: dict[str, Any] = {"creator": ANN, "why": "", "wait": 0, "group": {}}
UNKNOWN: dict[str, Any] = {"creator": None, "why": "CloudTrail's event history has no launch of it", "wait": 0}


def instance(session: Session, **tags: str) -> str:
    """An instance with these tags."""
    specification: Any = [
        {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    ]
    more: Any = {"TagSpecifications": specification} if tags else {}
    answer = session.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **more)
    return str(answer["Instances"][0]["InstanceId"])


def untagged(session: Session, place: Place) -> str:
    return instance(session, Name="web")


def tagged(session: Session, place: Place) -> str:
    return instance(session, Owner="ann", Environment="production")


def state(session: Session, place: Place, identifier: str) -> object:
    found = session.client("ec2").describe_instances(InstanceIds=[identifier])["Reservations"][0]["Instances"][0]
    return found["State"], sorted((tag["Key"], tag["Value"]) for tag in found.get("Tags", []))


def of_group(session: Session, place: Place) -> str:
    """An instance that an Auto Scaling group has launched; the group has a tag that the instance lacks."""
    ec2, scaling, name = session.client("ec2"), session.client("autoscaling"), f"web-{uuid.uuid4()}"
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12345678"})
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=1,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateName": name},
        VPCZoneIdentifier=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        Tags=[{"Key": "Owner", "Value": "group", "PropagateAtLaunch": False}],
    )
    groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return str(groups[0]["Instances"][0]["InstanceId"])


# What people are only told of has no change to interrupt or undo: the verdicts below and the loop's own test show it.
CASES = (
    Case("defaults of the account", FILLED, untagged, tagged, state, thorough=True),
    Case("tags of the group", {**FILLED, "tags_from_group": True}, of_group, tagged, state),
)


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def settings(tags: Mapping[str, str], **more: Any) -> dict[str, Any]:
    return {"Id": INSTANCE, "State": "running", "Operator": {}, "Tags": dict(tags), "Attached": None, **more}


def made(tags: Mapping[str, str], given: Mapping[str, Any], facts: Mapping[str, Any] = KNOWN) -> Plan:
    parameters = CONTROL.resolve(given, PLACE.region)
    found = plan(RESOURCE, settings(tags), parameters, {"group": {}, **facts})
    assert isinstance(found, Plan)
    return found


@pytest.mark.parametrize(
    ("tags", "annotation"),
    [
        ({"Owner": "a", "Environment": "staging"}, ""),
        ({"Owner": "a", "Environment": "test-1", "CostCenter": "CC-7"}, ""),
        ({}, "It lacks the tags Owner and Environment."),
        ({"owner": "a", "Environment": "staging"}, "It lacks the tag Owner."),
        ({"Owner": " ", "Environment": "staging"}, 'Owner is " ".'),
        (
            {"Owner": "a", "Environment": "prod"},
            'Environment is "prod", not production or staging or like test-?.',
        ),
        (
            {"Environment": "staging", "CostCenter": "7"},
            'It lacks the tag Owner; CostCenter is "7", not like CC-[0-9]*.',
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(tags: dict[str, str], annotation: str) -> None:
    evaluation = evaluate(settings(tags), CONTROL.resolve(REQUIRED, PLACE.region))
    assert evaluation.verdict is (Verdict.NON_COMPLIANT if annotation else Verdict.COMPLIANT)
    assert evaluation.annotation == (annotation or "The instance has the required tags.")


@pytest.mark.parametrize(
    ("tags", "verdict"),
    [
        ({}, Verdict.NON_COMPLIANT),
        ({"aws:autoscaling:groupName": "web"}, Verdict.NON_COMPLIANT),
        ({"Name": "web"}, Verdict.COMPLIANT),
    ],
)
def test_without_required_keys_any_tag_of_people_s_will_do(tags: dict[str, str], verdict: Verdict) -> None:
    evaluation = evaluate(settings(tags), CONTROL.resolve({}, PLACE.region))
    assert evaluation.verdict is verdict
    assert verdict is Verdict.COMPLIANT or evaluation.annotation == "It has no tags."


@pytest.mark.parametrize(
    "more",
    [
        {"State": "terminated"},
        {"State": "shutting-down"},
        {"Operator": {"Managed": True, "Principal": "eks.amazonaws.com"}},
        {"Operator": {"Managed": True}},
    ],
)
def test_what_has_ended_or_is_a_service_s_is_not_judged(more: dict[str, Any]) -> None:
    evaluation = evaluate(settings({}, **more), CONTROL.resolve(REQUIRED, PLACE.region))
    assert evaluation.verdict is Verdict.NOT_APPLICABLE


def test_an_instance_that_is_gone_is_not_there_and_one_that_has_ended_is_not_listed(member: Session) -> None:
    ended = instance(member)
    member.client("ec2").terminate_instances(InstanceIds=[ended])
    assert judged(member, CONTROL, CONTROL.resource(PLACE, ended)).verdict is Verdict.NOT_APPLICABLE
    assert CONTROL.discover is not None
    assert CONTROL.resource(PLACE, ended) not in list(CONTROL.discover(member, PLACE))
    assert CONTROL.read(member, RESOURCE, None) is None


def test_whoever_launched_it_is_told_what_is_missing_and_the_command_that_sets_it() -> None:
    told = made({"Name": "web", "Environment": "prod"}, REQUIRED)
    assert (told.changes, told.tell, told.creator) == ((), (Audience.CREATOR,), "ann")
    said, _, command = told.message.partition(" Set it: ")
    assert said == (
        f"Instance {INSTANCE} (web): it lacks the tag Owner; "
        'Environment is "prod", not production or staging or like test-?. Launched by ann (IAMUser).'
    )
    words = shlex.split(command)
    assert words[:-1] == [
        *["aws", "ec2", "create-tags", "--region", "eu-central-1", "--resources"],
        INSTANCE,
        "--tags",
    ]
    assert json.loads(words[-1]) == [
        {"Key": "Owner", "Value": "<value>"},
        {"Key": "Environment", "Value": "<production or staging or like test-?>"},
    ]


def test_the_command_for_an_instance_without_any_required_key_leaves_the_key_to_people() -> None:
    assert json.loads(shlex.split(made({}, {}).message)[-1]) == [{"Key": "<key>", "Value": "<value>"}]


def test_the_command_for_what_a_group_launched_goes_to_its_owner_too() -> None:
    told = made({}, REQUIRED, {**KNOWN, "creator": WEB})
    assert told.tell == (Audience.CREATOR, Audience.OWNER)
    assert "Launched by Auto Scaling group web." in told.message


def test_an_unknown_creator_is_said_with_the_reason() -> None:
    told = made({}, REQUIRED, {**UNKNOWN, "wait": 900})
    assert (told.tell, told.creator, told.wait) == ((Audience.CREATOR,), "", 900)
    assert "Who launched it is not known: CloudTrail's event history has no launch of it." in told.message


@pytest.mark.parametrize(
    ("given", "remind"),
    [
        ({}, (7, 14)),
        ({"reminder_days": 3, "escalation_days": 5}, (3, 5)),
    ],
)
def test_people_are_reminded_and_then_operations_told(given: dict[str, int], remind: tuple[int, ...]) -> None:
    assert made({}, given).remind == remind


@pytest.mark.parametrize("given", [{"reminder_days": 9, "escalation_days": 9}, {"reminder_days": 20}])
def test_days_that_would_tell_operations_before_people_are_reminded_are_refused(given: dict[str, int]) -> None:
    refused = plan(RESOURCE, settings({}), CONTROL.resolve(given, PLACE.region), {"group": {}, **KNOWN})
    assert isinstance(refused, Refusal)
    assert f"is not above reminder_days, {given['reminder_days']}: raise it, or lower reminder_days" in refused.reason


def test_missing_tags_are_filled_in_from_the_account_and_taken_back(member: Session) -> None:
    resource = CONTROL.resource(PLACE, untagged(member, PLACE))
    before = state(member, PLACE, resource.id)
    applied = apply_plan(member, planned(member, CONTROL, resource, FILLED))
    assert judged(member, CONTROL, resource, FILLED).verdict is Verdict.COMPLIANT
    assert ("Owner", "platform") in state(member, PLACE, resource.id)[1]  # type: ignore[index]
    undo(member, applied)
    assert state(member, PLACE, resource.id) == before


def test_missing_tags_are_filled_in_from_the_group_before_the_account(member: Session) -> None:
    resource = CONTROL.resource(PLACE, of_group(member, PLACE))
    given = {**FILLED, "tags_from_group": True}
    apply_plan(member, planned(member, CONTROL, resource, given))
    assert {("Owner", "group"), ("Environment", "staging")} <= set(state(member, PLACE, resource.id)[1])  # type: ignore[index]
    other = CONTROL.resource(PLACE, untagged(member, PLACE))
    found = planned(member, CONTROL, other, given)
    assert isinstance(found, Plan)
    assert found.changes[0].parameters["Tags"][0] == {"Key": "Owner", "Value": "platform"}


@pytest.mark.parametrize(
    ("tags", "given"),
    [
        ({}, {**REQUIRED, "default_tags": ["Owner=platform"]}),
        ({"Environment": "prod"}, FILLED),
        ({}, {**REQUIRED, "default_tags": ["Owner=platform", "Environment=prod"]}),
    ],
    ids=["not all are known", "a wrong value is there", "the default is not allowed"],
)
def test_nothing_is_filled_in_where_it_would_not_be_enough(tags: dict[str, str], given: dict[str, Any]) -> None:
    told = made(tags, given)
    assert told.changes == ()
    assert {"Key": "Owner", "Value": "platform"} in json.loads(shlex.split(told.message)[-1])


def test_a_change_names_the_keys_that_it_may_set_and_no_creator_in_what_is_approved() -> None:
    known, unknown = made({}, FILLED), made({}, FILLED, {**UNKNOWN, "wait": 900})
    (change,) = known.changes
    assert change.inverse is not None
    for one in (change, change.inverse):
        (grant,) = one.grants
        assert grant.conditions["ForAllValues:StringEquals"] == {"aws:TagKeys": ["Environment", "Owner"]}
        # DeleteTags without keys takes every tag.
        assert grant.conditions["Null"] == {"aws:TagKeys": "false"}
    later = made({}, FILLED, {**KNOWN, "creator": WEB})
    assert describe.digest(known, {}) == describe.digest(unknown, {}) == describe.digest(later, {})
