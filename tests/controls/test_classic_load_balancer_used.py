"""Palisade.ELB.2 against the local organisation: classic load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.classic_load_balancer_used import CONTROL
from lambdas.controls.model import Place, Plan, Verdict
from simulator.local import LocalOrganization
from simulator.services.load_balancers import LoadBalancers
from tests.controls import load_balancers
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, judged, member_organization, planned

DELETES = {"delete": True}
DAY = timedelta(days=1)


def broken(session: Session, place: Place) -> str:
    return load_balancers.old_classic(session)


def young(session: Session, place: Place) -> str:
    return load_balancers.classic(session)


CASES = (Case("classic without traffic", DELETES, broken, young, load_balancers.classic_state, thorough=True),)


@pytest.fixture
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture
def member(organization: LocalOrganization) -> Session:
    return organization.session(PLACE.account, PLACE.region)


def verdict(organization: LocalOrganization, name: str) -> Verdict:
    session = organization.session(PLACE.account, PLACE.region)
    return judged(session, CONTROL, CONTROL.resource(PLACE, name)).verdict


def test_thirty_days_without_traffic_are_told_and_one_day_of_traffic_resets_them(
    organization: LocalOrganization, member: Session
) -> None:
    name = load_balancers.classic(member)
    assert verdict(organization, name) is Verdict.COMPLIANT
    organization.advance(30 * DAY)
    assert verdict(organization, name) is Verdict.NON_COMPLIANT
    begin = organization.do(organization.world.agenda.now)
    arn = CONTROL.resource(PLACE, name).arn
    organization.world.service(LoadBalancers).traffic.carry(arn, start=begin, end=begin + DAY)
    organization.advance(30 * DAY)
    assert verdict(organization, name) is Verdict.COMPLIANT
    organization.advance(2 * DAY)
    assert verdict(organization, name) is Verdict.NON_COMPLIANT


def test_traffic_of_a_former_load_balancer_of_the_name_does_not_count(
    organization: LocalOrganization, member: Session
) -> None:
    name = load_balancers.classic(member)
    traffic = organization.world.service(LoadBalancers).traffic
    traffic.carry(CONTROL.resource(PLACE, name).arn, end=organization.do(organization.world.agenda.now) + DAY)
    organization.advance(2 * DAY)
    member = organization.session(PLACE.account, PLACE.region)
    member.client("elb").delete_load_balancer(LoadBalancerName=name)
    listener: Any = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    subnet = member.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    member.client("elb").create_load_balancer(LoadBalancerName=name, Listeners=[listener], Subnets=[subnet])
    settings = CONTROL.read(member, CONTROL.resource(PLACE, name), None)
    assert settings is not None
    assert settings["LastTraffic"] == {"RequestCount": None}


def test_a_deletion_takes_the_load_balancer_and_nothing_else(member: Session) -> None:
    name, neighbour = broken(member, PLACE), young(member, PLACE)
    beside = load_balancers.classic_state(member, PLACE, neighbour)
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, name), DELETES)
    assert isinstance(plan, Plan)
    assert plan.removes
    for _ in range(2):
        apply_plan(member, plan)
        assert CONTROL.read(member, CONTROL.resource(PLACE, name), None) is None
    assert load_balancers.classic_state(member, PLACE, neighbour) == beside


def test_by_default_people_are_told_what_it_is_what_it_costs_and_how_it_is_deleted(member: Session) -> None:
    name = load_balancers.old_classic(member)
    instance = member.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    member.client("elb").register_instances_with_load_balancer(
        LoadBalancerName=name, Instances=[{"InstanceId": instance["InstanceId"]}]
    )
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, name))
    assert isinstance(plan, Plan)
    assert plan.changes == ()
    assert f"Classic Load Balancer {name} ({name}-" in plan.message
    assert "registered targets: 1. It costs about $18.25 a month" in plan.message
    assert f"--load-balancer-name {name}" in plan.leaves[0]


def test_ids_of_other_types_and_unknown_names_have_no_settings(member: Session) -> None:
    other = load_balancers.made(member)
    for identifier in (other.partition("loadbalancer/")[2], "unknown"):
        assert CONTROL.read(member, CONTROL.resource(PLACE, identifier), None) is None


def test_the_classic_load_balancers_of_the_region_are_discovered_and_no_others(member: Session) -> None:
    assert CONTROL.discover is not None
    name = load_balancers.classic(member)
    load_balancers.made(member)
    assert [one.id for one in CONTROL.discover(member, PLACE)] == [name]
