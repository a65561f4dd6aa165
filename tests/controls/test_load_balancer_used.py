"""Palisade.ELB.1 against the local organisation: application, network and gateway load balancers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.load_balancer_used import CONTROL
from lambdas.controls.model import Place, Plan, Refusal, Resource, Verdict
from lambdas.services.load_balancers import UnprovenQueryError
from simulator.local import LocalOrganization
from simulator.services.load_balancers import LoadBalancers
from tests.controls import load_balancers
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, judged, member_organization, planned

DELETES = {"delete": True}
KINDS = ("application", "network", "gateway")
DAY = timedelta(days=1)


def case(kind: str, *, thorough: bool = False) -> Case:
    def broken(session: Session, place: Place) -> str:
        return load_balancers.old(session, kind)

    def young(session: Session, place: Place) -> str:
        return load_balancers.made(session, kind)

    return Case(f"{kind} without traffic", DELETES, broken, young, load_balancers.state, thorough)


CASES = (case("application", thorough=True), case("network"), case("gateway"))


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture(scope="module")
def member(organization: LocalOrganization) -> Session:
    return organization.session(PLACE.account, PLACE.region)


def resource(arn: str) -> Resource:
    return CONTROL.resource(PLACE, arn)


def traffic(organization: LocalOrganization, arn: str, *, days_ago: float = 0, lasts: float = 1, **how: float) -> None:
    """Let a load balancer carry traffic that ended some days ago."""
    end = organization.do(organization.world.agenda.now) - days_ago * DAY
    organization.world.service(LoadBalancers).traffic.carry(arn, start=end - lasts * DAY, end=end, **how)


def verdict(session: Session, arn: str) -> Verdict:
    return judged(session, CONTROL, resource(arn)).verdict


def test_the_window_is_a_parameter(organization: LocalOrganization, member: Session) -> None:
    arn = load_balancers.old(member)
    load_balancers.register(member, arn, "10.0.0.1")
    traffic(organization, arn, days_ago=10)
    for days, expected in ((30, Verdict.COMPLIANT), (7, Verdict.NON_COMPLIANT), (60, Verdict.COMPLIANT)):
        assert judged(member, CONTROL, resource(arn), {"days": days}).verdict is expected


def test_flows_that_live_on_are_use_without_any_new_ones(organization: LocalOrganization, member: Session) -> None:
    for kind in ("network", "gateway"):
        arn = load_balancers.old(member, kind)
        traffic(organization, arn, lasts=40, per_minute=0, connections=3)
        assert verdict(member, arn) is Verdict.COMPLIANT


def test_connections_that_come_to_nothing_are_no_use(organization: LocalOrganization, member: Session) -> None:
    arn = load_balancers.old(member)
    traffic(organization, arn, per_minute=0, connections=3)
    evaluation = judged(member, CONTROL, resource(arn))
    assert evaluation.verdict is Verdict.NON_COMPLIANT
    assert evaluation.annotation == "No traffic in the last 30 days; no target is registered."
    load_balancers.register(member, arn, "10.0.0.1")
    assert verdict(member, arn) is Verdict.COMPLIANT
    group = load_balancers.target_group(member, arn)
    member.client("elbv2").deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])
    assert verdict(member, arn) is Verdict.NON_COMPLIANT


def test_redirects_are_use_though_they_reach_no_target(organization: LocalOrganization, member: Session) -> None:
    arn = load_balancers.old(member, listens=False)
    traffic(organization, arn, per_minute=0, connections=3)
    assert verdict(member, arn) is Verdict.NON_COMPLIANT
    action: Any = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}
    member.client("elbv2").create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    assert verdict(member, arn) is Verdict.COMPLIANT


def test_requests_of_the_window_are_use_though_no_target_is_left(
    organization: LocalOrganization, member: Session
) -> None:
    arn = load_balancers.old(member)
    traffic(organization, arn, days_ago=3)
    assert verdict(member, arn) is Verdict.COMPLIANT


def test_traffic_of_another_load_balancer_and_dimension_is_none_of_it(
    organization: LocalOrganization, member: Session
) -> None:
    arn, other = load_balancers.old(member), load_balancers.old(member)
    traffic(organization, other)
    assert (verdict(member, arn), verdict(member, other)) == (Verdict.NON_COMPLIANT, Verdict.COMPLIANT)


def test_a_network_load_balancer_that_reports_nothing_is_an_error_and_no_verdict(
    organization: LocalOrganization, member: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = load_balancers.old(member, "network")
    monkeypatch.setattr(organization.world.service(LoadBalancers), "metrics", None)
    with pytest.raises(UnprovenQueryError, match="ActiveFlowCount"):
        verdict(member, arn)
    assert verdict(member, load_balancers.made(member, "network")) is Verdict.COMPLIANT


@pytest.mark.parametrize("one", CASES, ids=[one.name for one in CASES])
def test_a_deletion_takes_the_load_balancer_and_nothing_else(member: Session, one: Case) -> None:
    arn = one.broken(member, PLACE)
    assert one.neighbour is not None
    neighbour = one.neighbour(member, PLACE)
    beside, group = one.state(member, PLACE, neighbour), load_balancers.target_group(member, arn)
    plan = planned(member, CONTROL, resource(arn), DELETES)
    assert isinstance(plan, Plan)
    assert plan.removes
    for _ in range(2):
        apply_plan(member, plan)
        assert CONTROL.read(member, resource(arn), None) is None
    assert one.state(member, PLACE, arn) is None
    assert one.state(member, PLACE, neighbour) == beside
    assert member.client("elbv2").describe_target_groups(TargetGroupArns=[group])["TargetGroups"]


def test_by_default_people_are_told_what_it_is_what_it_costs_and_how_it_is_deleted(member: Session) -> None:
    arn = load_balancers.old(member)
    plan = planned(member, CONTROL, resource(arn))
    assert isinstance(plan, Plan)
    assert plan.changes == ()
    settings = CONTROL.read(member, resource(arn), None)
    assert settings is not None
    assert settings["DNSName"] in plan.message
    assert "$16.43 a month" in plan.message
    assert f"--load-balancer-arn {arn}" in plan.leaves[0]
    assert {"Key": "Owner", "Value": "team@example.com"} in settings["Tags"]


def test_deletion_protection_is_respected_by_name(member: Session) -> None:
    arn = load_balancers.old(member)
    protection: Any = {"Key": "deletion_protection.enabled", "Value": "true"}
    member.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protection])
    refusal = planned(member, CONTROL, resource(arn), DELETES)
    assert isinstance(refusal, Refusal)
    assert "deletion protection" in refusal.reason
    assert isinstance(planned(member, CONTROL, resource(arn)), Plan)


def other_ids() -> list[Callable[[Session], str]]:
    return [load_balancers.classic, lambda session: "app/web/0123456789abcdef", lambda session: "app/web/other/kind"]


@pytest.mark.parametrize("other", other_ids())
def test_what_is_not_there_has_no_settings(member: Session, other: Callable[[Session], str]) -> None:
    assert CONTROL.read(member, resource(other(member)), None) is None


def test_the_load_balancers_of_the_region_are_discovered_by_their_ids(member: Session) -> None:
    assert CONTROL.discover is not None
    arns = [load_balancers.made(member, kind) for kind in KINDS]
    load_balancers.classic(member)
    found = {one.arn: one.id for one in CONTROL.discover(member, PLACE)}
    assert [found[arn].partition("/")[0] for arn in arns] == ["app", "net", "gwy"]
    assert all("/" in identifier for identifier in found.values())
