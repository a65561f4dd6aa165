"""The sweep in the whole loop: what it takes up again, when, and what it leaves at rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from lambdas.controls.model import Resource
from simulator.services.sns import Topics
from tests.organization.loop_world import (
    NAMES,
    NOTIFIED,
    SSH,
    TEAM,
    WORLD_OPEN,
    ingress,
    interrupted,
    open_group,
)
from tests.organization.people_world import People, peopled
from tests.organization.sweep_world import (
    HOUR,
    SWEPT,
    close_breaker,
    elapsed,
    ended,
    hasten,
    leave_untold,
    mails,
    now,
    open_more,
    outcomes,
    policy,
    set_by_hand,
    status,
    sweep,
    swept,
    unwritable,
    used_up,
    window,
)

OPEN = [("tcp", 22, 22, "0.0.0.0/0")]
APPROVE = {SSH.id: "approve"}


@pytest.fixture(scope="module")
def loop() -> Iterator[People]:
    told = [{"accounts": [NOTIFIED], "controls": {SSH.id: {"mode": "notify"}}}]
    with peopled(overrides=told) as opened:
        yield opened


def made(loop: People, account: str = TEAM, **tags: str) -> Resource:
    """A group that fails, and was handled."""
    group = open_group(loop.member(account), **tags)
    loop.rest()
    return group


def test_a_sweep_that_is_killed_at_any_call_loses_nothing_and_tells_twice_only_what_was_just_told(loop: People) -> None:
    """Each time there are digests of two kinds to send, what failed to try again, and an unanswered question."""
    struck = list[str]()
    with policy(loop, NOTIFIED, modes=APPROVE):
        while killed := swept_and_killed(loop, len(struck)):
            struck += killed
    assert {"dynamodb:BatchWriteItem", "sns:Publish", "securityhub:BatchUpdateFindings", "sqs:SendMessage"} <= {*struck}


def swept_and_killed(loop: People, number: int) -> list[str]:
    """Kill a sweep before its call of this number, and see that the next one ends everything; the call, if any."""
    mailbox = loop.organization.world.service(Topics).mailbox
    close_breaker(loop)
    with unwritable(loop):
        failed = made(loop)
    asked = made(loop, NOTIFIED)
    for group in (failed, asked):
        hasten(loop, group)
    for outcome in ("notified", "refused"):
        leave_untold(loop, failed, outcome)
    before = len(mailbox)
    with interrupted(
        loop.organization, lambda _, call: call == number, after=False, function=NAMES.sweep_function
    ) as at:
        assert sweep(loop) != bool(at)
    loop.rest()
    for group in (failed, asked):
        if "due" in loop.case(group.arn):
            # What is due in some minutes or an hour.
            hasten(loop, group)
    assert sweep(loop)
    loop.rest()
    assert outcomes(loop, failed) == ["failed", "remediated"], at
    assert outcomes(loop, asked) == ["awaiting-approval", "approval-expired"], at
    digests = [mail.subject[:10] for mail in mailbox[before:] if mail.attributes.get("digest")]
    # What was sent just before the end is sent again, and nothing else: no topic can do better.
    assert sorted(set(digests)) == ["[notified]", "[refused] "], at
    assert len(digests) == 2 + (at == ["dynamodb:BatchWriteItem"]), at
    return list(at)


def test_what_fails_is_tried_again_after_1_4_and_24_hours_and_then_no_more_and_says_so(loop: People) -> None:
    with unwritable(loop):
        group = made(loop)
        elapsed(loop, 1 + 4 + 24)
        elapsed(loop, 1)
    tries = ended(loop, group)
    assert [outcome for _, outcome, _ in tries] == ["failed"] * 4
    times = [datetime.fromisoformat(at) for at, _, _ in tries]
    waits = [(later - earlier).total_seconds() / HOUR for earlier, later in pairwise(times)]
    assert waits == pytest.approx([1, 4, 24], abs=0.2)
    assert [reason.rpartition("; ")[2] for _, _, reason in tries] == [
        "tried again in 1 hour",
        "tried again in 4 hours",
        "tried again in 24 hours",
        "it failed 4 times and is not tried again by itself",
    ]
    assert "due" not in loop.case(group.arn), "nothing is to come"
    assert status(loop, group) == "NOTIFIED"


def test_what_succeeds_at_the_second_try_ends_remediated(loop: People) -> None:
    with unwritable(loop):
        group = made(loop)
    elapsed(loop, 1)
    assert outcomes(loop, group) == ["failed", "remediated"]
    assert (ingress(loop.member(), group), status(loop, group)) == ([], "RESOLVED")
    assert (loop.case(group.arn)["attempts"], "due" in loop.case(group.arn)) == ("0", False)


def test_what_was_mended_by_hand_meanwhile_is_left_at_rest(loop: People) -> None:
    with unwritable(loop):
        group = made(loop)
    loop.member().client("ec2").revoke_security_group_ingress(GroupId=group.id, IpPermissions=WORLD_OPEN)
    loop.rest()
    elapsed(loop, 1)
    assert outcomes(loop, group) == ["failed"]
    assert "due" not in loop.case(group.arn)
    assert loop.finding(group)["Compliance"]["Status"] == "PASSED"


def test_what_the_hourly_limit_has_stopped_is_taken_up_in_the_first_hour_that_has_room(loop: People) -> None:
    with used_up(loop, hours=2):
        group = made(loop)
        elapsed(loop, 1)
        assert (outcomes(loop, group), status(loop, group)) == (["limited"], "NOTIFIED"), "limited again, and told once"
        elapsed(loop, 1)
    assert outcomes(loop, group) == ["limited", "remediated"]
    assert [mail.attributes["outcome"] for mail in loop.mails(group)] == ["limited", "remediated"]


def test_an_automatic_change_waits_until_the_window_opens(loop: People) -> None:
    opens = now(loop) + timedelta(minutes=40)
    with policy(loop, windows=[window(opens)]):
        group = made(loop)
        loop.organization.advance(timedelta(minutes=30))
        assert (outcomes(loop, group), ingress(loop.member(), group)) == (["limited"], OPEN)
        assert f"opens at {opens:%Y-%m-%d %H:%M} UTC" in ended(loop, group)[0][2]
        loop.organization.advance(timedelta(minutes=10) + SWEPT)
    assert (outcomes(loop, group), ingress(loop.member(), group)) == (["limited", "remediated"], [])


def test_an_approved_change_waits_until_the_window_opens_and_is_approved_once(loop: People) -> None:
    opens = now(loop) + timedelta(minutes=40)
    with policy(loop, windows=[window(opens)], modes=APPROVE):
        group = made(loop)
        (asked,) = loop.named(group.arn, "awaiting-approval")
        assert loop.asks(loop.person("alice"), "approve", asked)[0] == 200
        loop.rest()
        loop.organization.advance(timedelta(minutes=30))
        assert (outcomes(loop, group), ingress(loop.member(), group)) == (["awaiting-approval", "limited"], OPEN)
        assert loop.case(group.arn)["approval"] == "approved"
        loop.organization.advance(timedelta(minutes=10) + SWEPT)
    assert outcomes(loop, group) == ["awaiting-approval", "limited", "remediated"]
    assert "due" not in loop.case(group.arn)


def test_what_was_approved_and_is_done_by_half_goes_on_outside_the_window(loop: People) -> None:
    with policy(loop, modes=APPROVE):
        group = made(loop)
        (asked,) = loop.named(group.arn, "awaiting-approval")
        assert loop.asks(loop.person("alice"), "approve", asked)[0] == 200
        with interrupted(loop.organization, lambda call, _: call[1].startswith("Revoke"), after=True) as at:
            loop.organization.advance(timedelta(seconds=30))
        assert at == ["ec2:RevokeSecurityGroupIngress"]
        with policy(loop, windows=[window(now(loop) + timedelta(hours=12))], modes=APPROVE):
            elapsed(loop, 2)
    assert outcomes(loop, group) == ["awaiting-approval", "remediated"]
    assert ingress(loop.member(), group) == []


def test_a_case_that_cannot_be_read_hinders_no_other_and_is_told(loop: People) -> None:
    with unwritable(loop):
        failed = made(loop)
    hasten(loop, failed)
    values = {"key": {"S": "case#broken"}, "shard": {"S": "cases"}, "due": {"N": "1"}}
    item: Any = {**values, "next": {"S": "dance"}}
    dynamodb = loop.hub.client("dynamodb")
    dynamodb.put_item(TableName=NAMES.state_table, Item=item)
    try:
        assert not sweep(loop), "its error is the function's, which has an alarm"
    finally:
        dynamodb.delete_item(TableName=NAMES.state_table, Key={"key": values["key"]})
    loop.rest()
    assert outcomes(loop, failed) == ["failed", "remediated"]
    assert sweep(loop)


def test_the_end_of_an_exemption_is_told_a_week_before_and_at_the_end_the_finding_is_asked_again(loop: People) -> None:
    today = now(loop).date()
    exemption = {"control": SSH.id, "reason": "a fair", "owner": "sales"}
    ending = {**exemption, "expires": str(today), "tag": "use=ending"}
    lasting = {**exemption, "expires": str(today + timedelta(days=7)), "tag": "use=lasting"}
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
    with policy(loop, exemptions=[ending, lasting]):
        over, warned = made(loop, use="ending"), made(loop, use="lasting")
        loop.organization.advance(midnight - now(loop) - SWEPT)
        for group in (over, warned):
            assert (outcomes(loop, group), status(loop, group)) == (["exempted"], "SUPPRESSED")
            assert loop.mails(group) == []
        loop.organization.advance(2 * SWEPT)
    (warning,) = loop.mails(warned)
    assert warning.attributes["outcome"] == "exemption-ends"
    assert f"a fair (sales, until {lasting['expires']})" in warning.message
    assert (outcomes(loop, warned), status(loop, warned)) == (["exempted"], "SUPPRESSED")
    case = loop.case(warned.arn)
    assert (case["next"], int(case["due"])) == ("again", int((midnight + timedelta(days=7)).timestamp()))
    assert outcomes(loop, over) == ["exempted", "remediated"]
    identifier: Any = {name: loop.finding(over)[name] for name in ("Id", "ProductArn")}
    records = loop.hub.client("securityhub").get_finding_history(FindingIdentifier=identifier)["Records"]
    changes = [str(one.get("NewValue")) for record in reversed(records) for one in record.get("Updates", ())]
    statuses = [word for one in changes for word in ("SUPPRESSED", "NEW", "RESOLVED") if word in one]
    assert statuses == ["SUPPRESSED", "NEW", "RESOLVED"]


def test_an_exemption_that_leaves_the_settings_or_is_shortened_ends_within_the_hour(loop: People) -> None:
    fair = {"control": SSH.id, "reason": "a fair", "owner": "sales"}
    long, short = ({**fair, "expires": str(now(loop).date() + timedelta(days=days))} for days in (60, 30))
    uses = ("gone", "kept", "shortened", "begun")
    with policy(loop, exemptions=[{**long, "tag": f"use={use}"} for use in uses]):
        gone, kept, shortened, begun = (made(loop, use=use) for use in uses)
        loop.organization.advance(timedelta(hours=1))
        for group in (gone, kept, shortened, begun):
            assert (outcomes(loop, group), status(loop, group)) == (["exempted"], "SUPPRESSED")
    # A run has begun on one of them: what is to be done then is that run's.
    loop.hub.client("dynamodb").update_item(
        TableName=NAMES.state_table,
        Key={"key": {"S": loop.case(begun.arn)["key"]}},
        UpdateExpression="SET #next = :stuck",
        ExpressionAttributeNames={"#next": "next"},
        ExpressionAttributeValues={":stuck": {"S": "stuck"}},
    )
    # The same words exempt another group still.
    with policy(loop, exemptions=[{**long, "tag": "use=kept"}, {**short, "tag": "use=shortened"}]):
        loop.organization.advance(timedelta(hours=1) + 2 * SWEPT)
        assert outcomes(loop, gone) == ["exempted", "remediated"]
        assert (outcomes(loop, shortened), status(loop, shortened)) == (["exempted", "exempted"], "SUPPRESSED")
        loop.organization.advance(timedelta(hours=2))
        assert outcomes(loop, shortened) == ["exempted", "exempted"]
        assert outcomes(loop, kept) == outcomes(loop, begun) == ["exempted"]


def test_a_policy_that_cannot_be_read_hinders_the_end_of_no_other_exemption(loop: People) -> None:
    expires = str(now(loop).date() + timedelta(days=60))
    show = {"control": SSH.id, "reason": "a show", "owner": "sales", "tag": "use=show", "expires": expires}
    dynamodb: Any = loop.hub.client("dynamodb")
    with policy(loop, exemptions=[show]), policy(loop, NOTIFIED, exemptions=[show]):
        gone, other = made(loop, use="show"), made(loop, NOTIFIED, use="show")
        key = {"environment": {"S": "local"}, "account": {"S": NOTIFIED}}
        item = dynamodb.get_item(TableName=NAMES.policies_table, Key=key)["Item"]
        dynamodb.put_item(TableName=NAMES.policies_table, Item={**item, "schema": {"N": "9"}})
        with policy(loop, exemptions=[]):
            loop.organization.advance(timedelta(hours=1) + 2 * SWEPT)
    assert outcomes(loop, gone) == ["exempted", "remediated"]
    assert outcomes(loop, other) == ["exempted"]


def test_a_status_that_somebody_else_has_set_is_reported_once_per_change(loop: People) -> None:
    group = made(loop, NOTIFIED)
    exempted = made(loop, access="bastion")

    def reported() -> list[str]:
        elapsed(loop, 1)
        return [mail.message.splitlines()[0] for mail in mails(loop, "foreign-status") if group.arn in mail.message]

    said = {
        word: f"{group.arn} fails, and somebody else has set its finding to {word}"
        for word in ("RESOLVED", "SUPPRESSED")
    }
    set_by_hand(loop, group, "RESOLVED")
    assert reported() == [said["RESOLVED"]]
    assert reported() == [said["RESOLVED"]]
    set_by_hand(loop, group, "SUPPRESSED")
    assert reported() == [said["RESOLVED"], said["SUPPRESSED"]]
    set_by_hand(loop, group, "NEW")
    loop.rest()
    assert (outcomes(loop, group), status(loop, group)) == (["notified", "notified"], "NOTIFIED")
    set_by_hand(loop, group, "SUPPRESSED")
    assert reported() == [said["RESOLVED"], said["SUPPRESSED"], said["SUPPRESSED"]]
    assert status(loop, exempted) == "SUPPRESSED"
    assert loop.mails(exempted) == []


def test_what_was_broken_again_before_detection_saw_it_mended_is_asked_again_after_a_day(loop: People) -> None:
    with policy(loop, modes=APPROVE):
        group = made(loop)
        (asked,) = loop.named(group.arn, "awaiting-approval")
        # The event that the group passes is lost, and by the next reconciliation it is open again.
        loop.organization.faults.drop_config_events(1.0)
        assert loop.asks(loop.person("alice"), "approve", asked)[0] == 200
        loop.rest()
        open_more(loop, group)
        assert (status(loop, group), outcomes(loop, group)) == ("RESOLVED", ["awaiting-approval", "remediated"])
        assert loop.finding(group)["Compliance"]["Status"] == "FAILED"
        elapsed(loop, 25)
        loop.organization.faults.drop_config_events(0)
    assert outcomes(loop, group) == ["awaiting-approval", "remediated", "awaiting-approval"]
    assert status(loop, group) == "NOTIFIED"


def test_a_status_that_was_right_after_the_outcome_before_is_reported_too(loop: People) -> None:
    """What was remediated was RESOLVED by us; then it failed again, and a guard has stopped us: it is not any more."""
    group = made(loop)
    with used_up(loop, hours=2):
        loop.member().client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=WORLD_OPEN)
        loop.rest()
        assert outcomes(loop, group) == ["remediated", "limited"]
        assert loop.asks(loop.person("alice"), "stop", reason="nothing else is to come")[0] == 200
        set_by_hand(loop, group, "RESOLVED")
        elapsed(loop, 1)
        assert [one.message.splitlines()[0] for one in mails(loop, "foreign-status") if group.arn in one.message] == [
            f"{group.arn} fails, and somebody else has set its finding to RESOLVED"
        ]
        assert loop.asks(loop.person("alice"), "resume")[0] == 200


def test_an_answer_that_was_acted_upon_is_not_sent_for_ever(loop: People) -> None:
    group = made(loop)
    hasten(loop, group, then="run")
    loop.organization.advance(SWEPT)
    assert "due" not in loop.case(group.arn)
    assert outcomes(loop, group) == ["remediated"]


@pytest.mark.parametrize("noted", [False, True], ids=["without a note", "and noted upon by a person"])
def test_a_finding_that_was_answered_and_then_changed_is_asked_again(loop: People, noted: bool) -> None:
    group = made(loop, NOTIFIED)
    loop.organization.advance(SWEPT)
    open_more(loop, group)
    if noted:
        set_by_hand(loop, group, note="we are looking into it")
    loop.organization.advance(SWEPT)
    assert outcomes(loop, group) == ["notified", "notified"]
    loop.organization.advance(2 * SWEPT)
    assert outcomes(loop, group) == ["notified", "notified"]


def test_a_note_of_a_person_is_no_change(loop: People) -> None:
    group = made(loop, NOTIFIED)
    set_by_hand(loop, group, note="we are looking into it")
    loop.organization.advance(2 * SWEPT)
    assert outcomes(loop, group) == ["notified"]
    assert loop.finding(group)["Note"]["Text"] == "we are looking into it"


def test_while_the_emergency_stop_is_on_nothing_is_asked_again_and_after_it_everything_is(loop: People) -> None:
    changed = made(loop, NOTIFIED)
    with unwritable(loop):
        failed = made(loop)
    alice = loop.person("alice")
    assert loop.asks(alice, "stop", reason="an incident")[0] == 200
    held = made(loop)
    open_more(loop, changed)
    elapsed(loop, 3)
    assert [outcomes(loop, one) for one in (changed, failed, held)] == [["notified"], ["failed"], ["limited"]]
    assert {status(loop, one) for one in (changed, failed, held)} == {"NOTIFIED"}
    assert loop.asks(loop.person("alice"), "resume")[0] == 200
    elapsed(loop, 1)
    assert outcomes(loop, changed) == ["notified", "notified"]
    assert [outcomes(loop, one)[-1] for one in (failed, held)] == ["remediated", "remediated"]


def test_a_storm_becomes_a_few_messages_and_one_digest_that_names_all(loop: People) -> None:
    topics = loop.organization.world.service(Topics)
    swept(loop)
    before = len(topics.mailbox)
    groups = [open_group(loop.member(NOTIFIED)) for _ in range(40)]
    loop.rest()
    loop.organization.advance(3 * SWEPT)
    *singly, digest = topics.mailbox[before:]
    assert len(singly) <= 6
    assert digest.subject == f"[notified] {SSH.id}: {40 - len(singly)} resources in 1 accounts"
    text = "\n".join([digest.message, *(mail.message for mail in singly)])
    assert [group.arn for group in groups if group.arn not in text] == []
    assert [one for one in loop.state() if one["key"]["S"].startswith("untold#")] == []
