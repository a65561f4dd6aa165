"""Palisade.ELB.2 against the local organisation: classic load balancers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from boto3 import Session

from lambdas.controls.classic_load_balancer_used import CONTROL
from lambdas.controls.model import Place, Plan
from simulator.local import LocalOrganization
from tests.controls import load_balancers
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, member_organization, planned

DELETES = {"delete": True}


def broken(session: Session, place: Place) -> str:
    return load_balancers.old_classic(session)


def young(session: Session, place: Place) -> str:
    return load_balancers.classic(session)


CASES = (Case("classic without traffic", DELETES, broken, young, load_balancers.classic_state, thorough=True),)


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.fixture(scope="module")
def member(organization: LocalOrganization) -> Session:
    return organization.session(PLACE.account, PLACE.region)


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
    found = [one.id for one in CONTROL.discover(member, PLACE)]
    assert name in found
    assert not any("/" in identifier for identifier in found)
