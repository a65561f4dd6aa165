"""Time passes over load balancers: thirty days without traffic, a day with some, and questions that wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.classic_load_balancer_used import CONTROL as CLASSIC
from lambdas.controls.load_balancer_used import CONTROL as OTHERS
from lambdas.controls.model import READ_AT, Resource, Verdict
from simulator.local import LocalOrganization
from simulator.services.load_balancers import LoadBalancers
from tests.controls import load_balancers
from tests.controls.round_trip import PLACE, judged, member_organization, planned

KINDS = ("application", "network", "gateway")
DAY = timedelta(days=1)


@pytest.fixture
def passing() -> Iterator[LocalOrganization]:
    """An organisation whose time passes."""
    with member_organization() as opened:
        yield opened


def session_of(organization: LocalOrganization) -> Session:
    """A session that time has not ended."""
    return organization.session(PLACE.account, PLACE.region)


def made(organization: LocalOrganization) -> list[Resource]:
    """A load balancer of each type, made now, with targets."""
    session = session_of(organization)
    arns = [load_balancers.made(session, kind) for kind in KINDS]
    for arn in arns:
        load_balancers.register(session, arn, "10.0.0.1")
    name = load_balancers.classic(session)
    return [CLASSIC.resource(PLACE, name), *(OTHERS.resource(PLACE, arn) for arn in arns)]


def verdict(organization: LocalOrganization, resource: Resource) -> Verdict:
    control = CLASSIC if resource.type == CLASSIC.resource_type else OTHERS
    return judged(session_of(organization), control, resource).verdict


def test_thirty_days_without_traffic_are_told_and_one_day_of_traffic_resets_them(passing: LocalOrganization) -> None:
    resources = made(passing)

    def verdicts(wait: timedelta) -> set[Verdict]:
        passing.advance(wait)
        return {verdict(passing, resource) for resource in resources}

    assert verdicts(30 * DAY - timedelta(minutes=1)) == {Verdict.COMPLIANT}
    assert verdicts(timedelta(minutes=1)) == {Verdict.NON_COMPLIANT}
    begin = passing.do(passing.world.agenda.now)
    for resource in resources:
        passing.world.service(LoadBalancers).traffic.carry(resource.arn, start=begin, end=begin + DAY)
    assert verdicts(DAY) == {Verdict.COMPLIANT}
    assert verdicts(29 * DAY) == {Verdict.COMPLIANT}
    assert verdicts(2 * DAY) == {Verdict.NON_COMPLIANT}


def test_what_people_approve_does_not_change_from_day_to_day(passing: LocalOrganization) -> None:
    resource = OTHERS.resource(PLACE, load_balancers.old(session_of(passing)))
    end = passing.do(passing.world.agenda.now) - 35 * DAY
    passing.world.service(LoadBalancers).traffic.carry(resource.arn, start=end - DAY, end=end)

    def shown() -> tuple[Any, ...]:
        settings = OTHERS.read(session_of(passing), resource, None)
        assert settings is not None
        plan = planned(session_of(passing), OTHERS, resource, {"delete": True})
        return {**settings, READ_AT: ""}, judged(session_of(passing), OTHERS, resource), plan

    before = shown()
    passing.advance(5 * DAY)
    assert shown() == before
    assert before[1].annotation == "No traffic in the last 30 days, since 2025-12-01; no target is registered."


def test_traffic_of_a_former_classic_load_balancer_of_the_name_does_not_count(passing: LocalOrganization) -> None:
    resource = CLASSIC.resource(PLACE, load_balancers.classic(session_of(passing)))
    traffic = passing.world.service(LoadBalancers).traffic
    traffic.carry(resource.arn, end=passing.do(passing.world.agenda.now) + DAY)
    passing.advance(2 * DAY)
    session = session_of(passing)
    session.client("elb").delete_load_balancer(LoadBalancerName=resource.id)
    listener: Any = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    subnet = session.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    session.client("elb").create_load_balancer(LoadBalancerName=resource.id, Listeners=[listener], Subnets=[subnet])
    settings = CLASSIC.read(session, resource, None)
    assert settings is not None
    assert settings["LastTraffic"] == {"RequestCount": None}
