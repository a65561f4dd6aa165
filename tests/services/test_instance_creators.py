"""Who launched an instance, by AWS's tags and by what CloudTrail has of the launch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.services import instance_creators
from lambdas.services.instance_creators import by_identity, by_tags, find
from simulator.faults import Fault, Kind
from simulator.local import LocalOrganization
from tests.controls.round_trip import MEMBER, REGION, member_organization

ACCOUNT = "300000000001"


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with member_organization() as organization:
        yield organization


def launched(opened: LocalOrganization) -> dict[str, Any]:
    answer = opened.session(MEMBER, REGION).client("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)
    at = opened.do(opened.world.agenda.now)
    return {"Id": answer["Instances"][0]["InstanceId"], "Tags": {}, "Attached": at.isoformat()}


def found(opened: LocalOrganization, instance: dict[str, Any]) -> dict[str, Any]:
    return find(opened.session(MEMBER, REGION), instance, opened.do(opened.world.agenda.now))


def of_session(role: str, name: str, **more: Any) -> dict[str, Any]:
    """The identity of a role's session."""
    context = {"sessionIssuer": {"type": "Role", "userName": role}, **more.pop("context", {})}
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
    return {"type": "AssumedRole", "arn": arn, "principalId": f"AROA:{name}", "sessionContext": context, **more}


@pytest.mark.parametrize(
    ("identity", "name", "said", "person"),
    [
        ({"type": "IAMUser", "userName": "ann"}, "ann", "ann (IAMUser)", True),
        (
            of_session("AWSReservedSSO_Admin_Access_0123456789abcdef", "bob@example.com"),
            "bob@example.com",
            "bob@example.com (IAM Identity Center, permission set Admin_Access)",
            True,
        ),
        (of_session("deploy", "carol@example.com"), "carol@example.com", "carol@example.com (role deploy)", True),
        (of_session("deploy", "build-12"), "build-12", "build-12 (role deploy)", False),
        (of_session("web", "i-0123456789abcdef0"), "role web", "role web (session i-0123456789abcdef0)", False),
        (of_session("ci", "botocore-session-1767"), "role ci", "role ci (session botocore-session-1767)", False),
        (
            of_session("deploy", "build-12", context={"sourceIdentity": "dave"}),
            "dave",
            "dave (role deploy, session build-12)",
            True,
        ),
        (
            of_session("AWSServiceRoleForEC2Spot", "spot", invokedBy="spot.amazonaws.com"),
            "spot.amazonaws.com",
            "the service spot.amazonaws.com",
            False,
        ),
        (
            {"type": "AWSService", "invokedBy": "eks.amazonaws.com"},
            "eks.amazonaws.com",
            "the service eks.amazonaws.com",
            False,
        ),
        ({"type": "Root", "accountId": ACCOUNT}, "root", f"the root user of account {ACCOUNT}", False),
        (
            {"type": "FederatedUser", "principalId": f"{ACCOUNT}:erin"},
            "erin",
            "erin (FederatedUser)",
            True,
        ),
        ({"type": "Unknown"}, "unknown", "unknown (Unknown)", False),
    ],
)
def test_the_person_behind_an_identity_is_named(identity: dict[str, Any], name: str, said: str, person: bool) -> None:
    assert by_identity(identity) == {"name": name, "said": said, "person": person}


@pytest.mark.parametrize(
    ("tags", "name", "said"),
    [
        ({"aws:autoscaling:groupName": "web"}, "Auto Scaling group web", "Auto Scaling group web"),
        ({"aws:cloudformation:stack-name": "shop"}, "CloudFormation stack shop", "CloudFormation stack shop"),
        (
            {"aws:cloudformation:stack-name": "shop", "aws:autoscaling:groupName": "web", "Name": "x"},
            "Auto Scaling group web",
            "Auto Scaling group web of CloudFormation stack shop",
        ),
    ],
)
def test_what_a_service_launched_is_known_by_its_tags(tags: dict[str, str], name: str, said: str) -> None:
    assert by_tags(tags) == {"name": name, "said": said, "person": False}


def test_tags_are_enough_however_old_the_instance_and_no_trail_is_asked(opened: LocalOrganization) -> None:
    opened.faults.add(Fault(Kind.ERROR, "cloudtrail", "LookupEvents"))
    known = found(opened, {"Id": "i-1", "Tags": {"aws:autoscaling:groupName": "web"}, "Attached": None})
    assert known["creator"]["name"] == "Auto Scaling group web"


def test_a_launch_is_known_after_fifteen_minutes_and_until_then_it_is_said_so(opened: LocalOrganization) -> None:
    instance = launched(opened)
    early = found(opened, instance)
    assert (early["creator"], early["wait"]) == (None, instance_creators.WAIT)
    assert "up to 15 minutes later" in early["why"]
    opened.advance(timedelta(minutes=15))
    late = found(opened, instance)
    assert (late["creator"]["name"], late["wait"]) == ("administrator", 0)


def test_a_launch_that_the_history_does_not_have_is_not_waited_for(opened: LocalOrganization) -> None:
    missing = {"Id": "i-0123456789abcdef0", "Tags": {}, "Attached": opened.do(opened.world.agenda.now).isoformat()}
    opened.advance(timedelta(hours=1))
    assert found(opened, missing) == {
        "creator": None,
        "why": "CloudTrail's event history has no launch of it",
        "wait": 0,
    }


def test_a_tag_that_was_set_with_the_launch_is_not_taken_for_it(opened: LocalOrganization) -> None:
    instance = launched(opened)
    ec2 = opened.session(MEMBER, REGION).client("ec2")
    ec2.create_tags(Resources=[instance["Id"]], Tags=[{"Key": "Name", "Value": "web"}])
    opened.advance(timedelta(minutes=15))
    assert found(opened, instance)["creator"]["name"] == "administrator"


def test_the_limit_of_ninety_days_is_named(opened: LocalOrganization) -> None:
    instance = launched(opened)
    opened.advance(timedelta(days=91))
    known = found(opened, instance)
    assert (known["creator"], known["wait"]) == (None, 0)
    assert known["why"] == (
        "it was launched on 2026-01-05, and CloudTrail's event history ends after 90 days"
    )  # fmt: skip


def test_an_instance_without_an_interface_has_no_creator(opened: LocalOrganization) -> None:
    assert found(opened, {"Id": "i-1", "Tags": {}, "Attached": None})["why"] == "it shows no network interface"


class Refused:
    """A session whose CloudTrail answers with an error."""

    def __init__(self, code: str) -> None:
        self._code = code

    def client(self, name: str) -> Refused:
        return self

    def get_paginator(self, name: str) -> Refused:
        return self

    def paginate(self, **given: Any) -> Any:
        raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "LookupEvents")


@pytest.mark.parametrize(
    ("code", "why", "wait"),
    [
        ("ThrottlingException", "CloudTrail was asked too often for now", instance_creators.WAIT),
        ("AccessDeniedException", "CloudTrail may not be asked in this account", 0),
    ],
)
def test_a_trail_that_does_not_answer_leaves_the_creator_unknown(code: str, why: str, wait: int) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    session: Any = Refused(code)
    assert find(session, {"Id": "i-1", "Tags": {}, "Attached": now.isoformat()}, now) == {
        "creator": None,
        "why": why,
        "wait": wait,
    }


def test_any_other_error_goes_on() -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    session: Any = Refused("InternalFailure")
    with pytest.raises(ClientError):
        find(session, {"Id": "i-1", "Tags": {}, "Attached": now.isoformat()}, now)
