"""One finding through the whole loop: detected, remediated, proved, recorded and told, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from operations.local_estate import HUB
from simulator.faults import Fault, Kind
from tests.organization.loop_world import (
    NAMES,
    TEAM,
    WORLD_OPEN,
    Loop,
    deployed,
    ingress,
    killed_at,
    open_group,
)

WIDE = [
    {
        "IpProtocol": "tcp",
        "FromPort": 20,
        "ToPort": 25,
        "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "tools"}],
    },
    {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
]
NARROWED = [("tcp", 20, 21, "0.0.0.0/0"), ("tcp", 23, 25, "0.0.0.0/0"), ("tcp", 443, 443, "0.0.0.0/0")]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


def test_a_broken_resource_is_remediated_and_proved_recorded_and_told_once(loop: Loop) -> None:
    neighbour = open_group(loop.member(), WIDE[1:])
    before = ingress(loop.member(), neighbour)
    group = open_group(loop.member(), WIDE)
    loop.rest()
    assert ingress(loop.member(), group) == NARROWED
    assert ingress(loop.member(), neighbour) == before
    finding = loop.finding(group)
    assert (finding["Compliance"]["Status"], finding["Workflow"]["Status"]) == ("PASSED", "RESOLVED")
    (outcome,) = loop.outcomes(group)
    assert outcome["outcome"] == "remediated"
    (mail,) = loop.mails(group)
    assert mail.attributes["outcome"] == "remediated"


def test_the_finding_failed_in_the_hub_before_anything_was_changed(loop: Loop) -> None:
    group = open_group(loop.member())
    loop.rest()
    history = loop.hub.client("securityhub").get_finding_history(
        FindingIdentifier={name: loop.finding(group)[name] for name in ("Id", "ProductArn")}
    )["Records"]
    first = history[-1]
    assert first["FindingCreated"]
    assert first["UpdateSource"]["Identity"].startswith(f"arn:aws:sts::{TEAM}:assumed-role/{NAMES.detect_role}/")
    changes = [(one["UpdatedField"], one.get("NewValue")) for record in reversed(history) for one in record["Updates"]]
    status = [value for field, value in changes if field in ("Workflow", "Compliance") and value]
    assert ["RESOLVED" in one or "PASSED" in one for one in status] == [True, True]


def test_the_ledger_holds_what_was_before_each_call_with_its_undo_and_the_outcome(loop: Loop) -> None:
    group = open_group(loop.member(), WIDE)
    before = (
        loop.member()
        .client("ec2")
        .describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group.id]}])["SecurityGroupRules"]
    )
    loop.rest()
    ledger = loop.ledger()
    ((remediation, _),) = [key for key, body in ledger.items() if body.get("resource") == group.arn]
    assert list(loop.ledger_of(remediation)) == [
        "0001-intent",
        "0002-response",
        "0003-intent",
        "0004-response",
        "outcome",
    ]
    first = ledger[remediation, "0001-intent"]
    held = [rule["SecurityGroupRuleId"] for rule in first["before"]["Rules"]]
    assert held == [rule["SecurityGroupRuleId"] for rule in before if not rule["IsEgress"]]
    for entry in ("0002-response", "0004-response"):
        response = ledger[remediation, entry]
        assert response["request_id"]
        assert response["inverse"]["parameters"]["GroupId"] == group.id
    calls = [entry for entry in loop.organization.door.log if entry.source_identity == remediation]
    assert {entry.operation for entry in calls if entry.mutating} == {
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
    }


def test_a_second_delivery_of_every_event_changes_records_and_tells_nothing(loop: Loop) -> None:
    with loop.recorded() as delivered:
        group = open_group(loop.member(), WIDE)
        loop.rest()
    after, ledger, finding = ingress(loop.member(), group), loop.ledger(), loop.finding(group)
    log, mails = len(loop.organization.door.log), loop.mails(group)
    assert delivered.events
    assert delivered.invocations
    assert loop.deliver_again(delivered) == []
    assert ingress(loop.member(), group) == after == NARROWED
    assert loop.ledger() == ledger
    assert loop.mails(group) == mails
    assert loop.finding(group) == finding
    repeated = [entry.operation for entry in loop.organization.door.log[log:] if entry.source_identity]
    assert repeated == []


@pytest.mark.parametrize(
    ("service", "operation", "after"),
    [
        pytest.param("dynamodb", "TransactWriteItems", True, id="with the lease just taken"),
        pytest.param("ec2", "AuthorizeSecurityGroupIngress", False, id="between intent and call"),
        pytest.param("ec2", "AuthorizeSecurityGroupIngress", True, id="between call and response"),
        pytest.param("ec2", "RevokeSecurityGroupIngress", True, id="with the last change just made"),
        pytest.param("securityhub", "BatchUpdateFindings", True, id="with the note just written"),
        pytest.param("sns", "Publish", False, id="before the message"),
        pytest.param("dynamodb", "ExecuteTransaction", False, id="before the outcome"),
        pytest.param("dynamodb", "ExecuteTransaction", True, id="with the outcome just written"),
    ],
)
def test_a_function_killed_anywhere_ends_the_same_when_the_message_comes_again(
    loop: Loop, service: str, operation: str, after: bool
) -> None:
    with killed_at(loop.organization, service, operation, after=after) as killed:
        group = open_group(loop.member(), WIDE)
        loop.rest()
    assert killed == [f"{service}:{operation}"]
    assert ingress(loop.member(), group) == NARROWED
    assert [one["outcome"] for one in loop.outcomes(group)] == ["remediated"]
    assert loop.finding(group)["Workflow"]["Status"] == "RESOLVED"
    # The one effect that no queue can give exactly once: a message that was sent just before the end is sent again.
    told = 2 if (service, operation, after) == ("dynamodb", "ExecuteTransaction", False) else 1
    mails = loop.mails(group)
    assert len(mails) == told
    assert len({mail.attributes["remediation"] for mail in mails}) == 1


def test_a_second_delivery_while_the_first_is_at_work_waits_and_then_does_nothing(loop: Loop) -> None:
    """Two copies of one message in two functions at once: the second must not touch what the first holds."""
    with killed_at(loop.organization, "ec2", "RevokeSecurityGroupIngress") as killed, loop.recorded() as delivered:
        group = open_group(loop.member(), WIDE)
        loop.organization.advance(timedelta(minutes=10))
    assert killed
    held = ingress(loop.member(), group)
    loop.run_again(delivered, NAMES.remediate_function)
    assert ingress(loop.member(), group) == held
    loop.rest()
    assert ingress(loop.member(), group) == NARROWED
    assert [one["outcome"] for one in loop.outcomes(group)] == ["remediated"]
    assert len(loop.mails(group)) == 1


def test_a_resource_that_is_broken_again_and_again_needs_a_person_the_fourth_time(loop: Loop) -> None:
    group = open_group(loop.member())
    loop.rest()
    for _ in range(3):
        loop.member().client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=WORLD_OPEN)
        loop.rest()
    assert [one["outcome"] for one in loop.outcomes(group)].count("remediated") == 3
    (waiting,) = [one for one in loop.outcomes(group) if one["outcome"] != "remediated"]
    assert waiting["outcome"] == "awaiting-approval"
    assert "three times within seven days" in waiting["reason"]
    assert ingress(loop.member(), group) == [("tcp", 22, 22, "0.0.0.0/0")]


def test_an_error_that_is_no_outcome_holds_nothing_up_and_is_tried_again(loop: Loop) -> None:
    """What fails again and again must not use up what the whole organisation may change in an hour."""
    faults = loop.organization.faults
    reader = f"*:assumed-role/{NAMES.reader_role}/*"
    faults.add(Fault(Kind.ERROR, "ec2", "DescribeSecurityGroupRules", principal=reader))
    group = open_group(loop.member())
    loop.organization.advance(timedelta(minutes=5))
    held = {item["key"]["S"]: item for item in loop.state() if group.arn in item["key"]["S"]}
    lock = next(item for key, item in held.items() if key.startswith("lock#"))
    history = next(item for key, item in held.items() if key.startswith("case#"))
    assert "owner" not in lock
    assert history["first"]["N"] == "0"
    assert loop.outcomes(group) == []
    faults.clear()
    loop.rest()
    assert [one["outcome"] for one in loop.outcomes(group)] == ["remediated"]


def test_the_hub_s_own_account_is_not_a_member_here(loop: Loop) -> None:
    group = open_group(loop.organization.session(HUB))
    loop.rest()
    assert loop.outcomes(group) == []
