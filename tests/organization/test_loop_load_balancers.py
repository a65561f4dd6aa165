"""Unused load balancers through the whole loop: found by the schedule, told, and deleted when people approve.

The hub's sweep and the members' reconciliation rest, for a week of them takes minutes: what finds the load balancers
here is the schedule of the Config rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Place, Resource
from operations.local_estate import HUB
from simulator.services.load_balancers import LoadBalancers
from tests.controls import load_balancers
from tests.organization.loop_world import NOTIFIED, PLACE, REGION, TEAM
from tests.organization.people_world import People, peopled

CONTROL, CLASSIC = catalog()["Palisade.ELB.1"], catalog()["Palisade.ELB.2"]
DELETES = {"mode": "approve", "parameters": {"days": 7, "delete": True}}
TELLS = {"mode": "notify", "parameters": {"days": 7}}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def loop() -> Iterator[People]:
    overrides = [
        {"accounts": [TEAM], "controls": {CONTROL.id: DELETES, CLASSIC.id: DELETES}},
        {"accounts": [NOTIFIED], "controls": {CONTROL.id: TELLS}},
    ]
    with peopled(overrides=overrides) as opened:
        for account in (HUB, TEAM, NOTIFIED):
            events = opened.member(account).client("events")
            for rule in events.list_rules()["Rules"]:
                if "ScheduleExpression" in rule:
                    events.disable_rule(Name=rule["Name"])
        yield opened


def told(loop: People, resource: Resource) -> list[str]:
    return [mail.attributes["outcome"] for mail in loop.mails(resource)]


def arns(loop: People, account: str = TEAM) -> set[str]:
    found = loop.member(account).client("elbv2").describe_load_balancers()["LoadBalancers"]
    return {one["LoadBalancerArn"] for one in found}


def test_a_week_without_traffic_is_found_told_and_deleted_when_people_approve(loop: People) -> None:
    unused = CONTROL.resource(PLACE, load_balancers.made(loop.member()))
    used = CONTROL.resource(PLACE, load_balancers.made(loop.member(), "network"))
    classic = CLASSIC.resource(PLACE, load_balancers.classic(loop.member()))
    elsewhere = CONTROL.resource(Place("aws", NOTIFIED, REGION), load_balancers.made(loop.member(NOTIFIED)))
    every = (unused, used, classic, elsewhere)
    loop.organization.world.service(LoadBalancers).traffic.carry(used.arn)
    loop.organization.advance(6 * DAY)
    assert [told(loop, one) for one in every] == [[], [], [], []]
    assert loop.finding(unused, CONTROL)["Compliance"]["Status"] == "PASSED"

    loop.organization.advance(2 * DAY)
    assert [told(loop, one) for one in every] == [["awaiting-approval"], [], ["awaiting-approval"], ["notified"]]
    assert loop.finding(unused, CONTROL)["Compliance"]["Status"] == "FAILED"
    (mail,) = loop.mails(elsewhere)
    for said in ("$16.43 a month", ".elb.amazonaws.com", "team@example.com", "aws elbv2 delete-load-balancer"):
        assert said in mail.message

    for resource in (unused, classic):
        (identifier,) = loop.named(resource.arn, "awaiting-approval")
        assert loop.asks(loop.person("alice"), "approve", identifier)[0] == 200
        loop.rest()
        outcome = loop.ledger_of(identifier)["outcome"]
        assert (outcome["outcome"], outcome["reason"]) == ("remediated", "the resource no longer exists, as planned")
        assert told(loop, resource) == ["awaiting-approval", "remediated"]
    assert arns(loop) == {used.arn}
    assert arns(loop, NOTIFIED) == {elsewhere.arn}
    assert loop.member().client("elb").describe_load_balancers()["LoadBalancerDescriptions"] == []
    finding = loop.finding(unused, CONTROL)
    assert (finding["RecordState"], finding["Workflow"]["Status"]) == ("ARCHIVED", "RESOLVED")


def test_protection_that_comes_after_the_question_keeps_the_load_balancer(loop: People) -> None:
    resource = CONTROL.resource(PLACE, load_balancers.old(loop.member()))
    loop.rest()
    (identifier,) = loop.named(resource.arn, "awaiting-approval")
    loop.member().client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=resource.arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}]
    )
    assert loop.asks(loop.person("alice"), "approve", identifier)[0] == 200
    loop.rest()
    outcome = loop.ledger_of(identifier)["outcome"]
    assert outcome["outcome"] == "refused"
    assert "deletion protection is on" in outcome["reason"]
    assert resource.arn in arns(loop)
