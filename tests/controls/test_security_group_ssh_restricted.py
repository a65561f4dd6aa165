"""EC2.13: what fails it, what its plan changes, and that a group comes through it and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Place, Plan, Verdict
from lambdas.controls.security_group_ssh_restricted import CONTROL
from tests.controls.cases import Case
from tests.controls.round_trip import PLACE, apply_plan, judged, member_account, planned, undo

Permission = dict[str, Any]
OFFICE = "203.0.113.0/24"


def open_to(
    *sources: str, protocol: str = "tcp", ports: tuple[int, int] | None = (22, 22), text: str = ""
) -> Permission:
    """A permission for CIDRs and prefix lists, as boto3 takes it."""
    described = {"Description": text} if text else {}
    found: Permission = {"IpProtocol": protocol}
    if ports is not None:
        found |= {"FromPort": ports[0], "ToPort": ports[1]}
    for source in sources:
        if source.startswith("pl-"):
            found.setdefault("PrefixListIds", []).append({"PrefixListId": source, **described})
        elif ":" in source:
            found.setdefault("Ipv6Ranges", []).append({"CidrIpv6": source, **described})
        else:
            found.setdefault("IpRanges", []).append({"CidrIp": source, **described})
    return found


def build(session: Session, *permissions: Permission, tags: Mapping[str, str] | None = None) -> str:
    """Make a security group in a VPC of its own."""
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="web", Description="web servers", VpcId=vpc)["GroupId"]
    for permission in permissions:
        more: Any = {}
        if tags:
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            more = {"TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": listed}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission], **more)
    return str(group)


def prefix_list(session: Session, *cidrs: str) -> str:
    entries: Any = [{"Cidr": cidr} for cidr in cidrs]
    family = "IPv6" if ":" in cidrs[0] else "IPv4"
    made = session.client("ec2").create_managed_prefix_list(
        PrefixListName="peers", Entries=entries, MaxEntries=len(cidrs), AddressFamily=family
    )
    return str(made["PrefixList"]["PrefixListId"])


def state(session: Session, place: Place, group: str) -> object:
    """The group and its rules as EC2 describes them."""
    ec2 = session.client("ec2")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    return [ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0], *rules]


def rules(session: Session, group: str) -> list[tuple[Any, ...]]:
    """The inbound rules without what EC2 assigns."""
    found: Any = session.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return sorted(
        (
            rule["IpProtocol"],
            rule["FromPort"],
            rule["ToPort"],
            next((rule[key] for key in ("CidrIpv4", "CidrIpv6", "PrefixListId") if key in rule), "group"),
            rule.get("Description", ""),
            *((tag["Key"], tag["Value"]) for tag in rule["Tags"]),
        )
        for rule in found["SecurityGroupRules"]
        if not rule["IsEgress"]
    )


def compliant_group(session: Session, place: Place) -> str:
    """Everything that looks like the fault and is none."""
    return build(
        session,
        open_to("10.0.0.0/8", OFFICE, "2001:db8::/32"),
        open_to("0.0.0.0/0", "::/0", ports=(443, 443), text="website"),
        open_to("0.0.0.0/0", ports=(0, 21)),
        open_to("0.0.0.0/0", ports=(0, 65535), protocol="udp"),
        open_to(prefix_list(session, "10.0.0.0/8")),
    )


def case(
    name: str,
    broken: Callable[[Session], str],
    parameters: Mapping[str, Any] | None = None,
) -> Case:
    return Case(name, parameters or {}, lambda session, place: broken(session), compliant_group, state)


def full_group(session: Session) -> str:
    addresses = [f"10.0.{number}.0/24" for number in range(58)]
    return build(session, open_to(*addresses, ports=(443, 443)), open_to("0.0.0.0/0", ports=(20, 25)))


CASES = (
    case("SSH open to all of IPv4", lambda session: build(session, open_to("0.0.0.0/0", text="temporary"))),
    case(
        "SSH open to all of IPv6 and others",
        lambda session: build(session, open_to("::/0", "2001:db8::/32", "10.0.0.0/8")),
    ),
    replace(
        case(
            "tagged range around 22",
            lambda session: build(
                session, open_to("0.0.0.0/0", "::/0", ports=(20, 25), text="tools"), tags={"team": "platform"}
            ),
        ),
        thorough=True,
    ),
    case("every protocol", lambda session: build(session, open_to("0.0.0.0/0", protocol="-1", ports=None))),
    case(
        "prefix list that holds the world",
        lambda session: build(session, open_to(prefix_list(session, "0.0.0.0/0"), ports=(22, 23), text="peers")),
    ),
    case(
        "halves that add up",
        lambda session: build(session, open_to("0.0.0.0/1", "10.0.0.0/8"), open_to("128.0.0.0/1", ports=(0, 1024))),
    ),
    case(
        "prefix list of halves",
        lambda session: build(session, open_to(prefix_list(session, "::/1", "8000::/1"))),
    ),
    case(
        "whole rules above halves",
        lambda session: build(
            session, open_to("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"), open_to("0.0.0.0/0", ports=(21, 23))
        ),
    ),
    case(
        "an office may come instead",
        lambda session: build(session, open_to("0.0.0.0/0")),
        {"allowed_sources": [OFFICE, "2001:db8::/32"]},
    ),
    case("no room for another rule", full_group),
)


ASSIGNED_ANEW = {
    "SecurityGroupRuleId": "EC2 names a rule when it is authorised, and a revoked one cannot come back under its id",
    "SecurityGroupRuleArn": "it holds the id of the rule",
}


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


BY_NAME = {one.name: one for one in CASES}
ROUND_TRIPS = [pytest.param(one, id=one.name) for one in CASES]


@pytest.mark.parametrize("one", ROUND_TRIPS)
def test_a_broken_group_becomes_compliant_and_its_neighbour_stays_as_it_was(member: Session, one: Case) -> None:
    assert one.neighbour is not None
    neighbour = one.neighbour(member, PLACE)
    before = one.state(member, PLACE, neighbour)
    group = CONTROL.resource(PLACE, one.broken(member, PLACE))
    assert judged(member, CONTROL, group, one.parameters).verdict is Verdict.NON_COMPLIANT
    apply_plan(member, planned(member, CONTROL, group, one.parameters))
    assert judged(member, CONTROL, group, one.parameters).verdict is Verdict.COMPLIANT
    assert one.state(member, PLACE, neighbour) == before
    assert judged(member, CONTROL, CONTROL.resource(PLACE, neighbour)).verdict is Verdict.COMPLIANT


@pytest.mark.parametrize("one", ROUND_TRIPS)
def test_the_undo_restores_every_rule_with_description_and_tags(member: Session, one: Case) -> None:
    group = CONTROL.resource(PLACE, one.broken(member, PLACE))
    before = rules(member, group.id)
    applied = apply_plan(member, planned(member, CONTROL, group, one.parameters))
    assert rules(member, group.id) != before
    undo(member, applied)
    assert rules(member, group.id) == before


@pytest.mark.parametrize("one", ROUND_TRIPS)
def test_the_same_plan_made_twice_changes_nothing_the_second_time(member: Session, one: Case) -> None:
    group = CONTROL.resource(PLACE, one.broken(member, PLACE))
    plan = planned(member, CONTROL, group, one.parameters)
    apply_plan(member, plan)
    after = one.state(member, PLACE, group.id)
    assert isinstance(plan, Plan)
    assert list(apply_plan(member, plan).settled) == [change.name for change in plan.changes]
    assert one.state(member, PLACE, group.id) == after


@pytest.mark.parametrize("name", ["tagged range around 22", "an office may come instead"])
def test_a_run_killed_after_any_change_is_finished_by_the_next(member: Session, name: str) -> None:
    one = BY_NAME[name]
    whole = CONTROL.resource(PLACE, one.broken(member, PLACE))
    plan = planned(member, CONTROL, whole, one.parameters)
    assert isinstance(plan, Plan)
    apply_plan(member, plan)
    for killed_after in range(1, len(plan.changes)):
        group = CONTROL.resource(PLACE, one.broken(member, PLACE))
        apply_plan(member, planned(member, CONTROL, group, one.parameters), only=killed_after)
        assert judged(member, CONTROL, group, one.parameters).verdict is Verdict.NON_COMPLIANT
        apply_plan(member, planned(member, CONTROL, group, one.parameters))
        assert rules(member, group.id) == rules(member, whole.id)


def test_a_range_keeps_its_other_ports_with_description_and_tags(member: Session) -> None:
    one = BY_NAME["tagged range around 22"]
    group = CONTROL.resource(PLACE, one.broken(member, PLACE))
    apply_plan(member, planned(member, CONTROL, group))
    assert rules(member, group.id) == [
        ("tcp", first, last, source, "tools", ("team", "platform"))
        for first, last in ((20, 21), (23, 25))
        for source in ("0.0.0.0/0", "::/0")
    ]


def test_only_the_addresses_of_families_that_were_open_come_instead(member: Session) -> None:
    one = BY_NAME["an office may come instead"]
    group = CONTROL.resource(PLACE, one.broken(member, PLACE))
    apply_plan(member, planned(member, CONTROL, group, one.parameters))
    assert rules(member, group.id) == [("tcp", 22, 22, OFFICE, "Allowed instead of the whole internet")]


def test_a_prefix_list_is_never_edited(member: Session) -> None:
    ec2 = member.client("ec2")
    peers = prefix_list(member, "0.0.0.0/0", "10.0.0.0/8")
    group = CONTROL.resource(PLACE, build(member, open_to(peers)))
    plan = planned(member, CONTROL, group)
    apply_plan(member, plan)
    assert isinstance(plan, Plan)
    assert any(peers in left for left in plan.leaves)
    assert len(ec2.get_managed_prefix_list_entries(PrefixListId=peers)["Entries"]) == 2


def test_a_group_that_is_gone_has_no_settings(member: Session) -> None:
    assert CONTROL.read(member, CONTROL.resource(PLACE, "sg-0123456789abcdef0"), None) is None


def test_every_group_of_the_account_is_discovered(member: Session) -> None:
    assert CONTROL.discover is not None
    group = build(member)
    found = {resource.id: resource for resource in CONTROL.discover(member, PLACE)}
    assert found[group] == CONTROL.resource(PLACE, group)
    assert set(found) == {one["GroupId"] for one in member.client("ec2").describe_security_groups()["SecurityGroups"]}


def test_people_are_told_which_interfaces_they_cut_off(member: Session) -> None:
    ec2 = member.client("ec2")
    group = build(member, open_to("0.0.0.0/0"))
    vpc = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    plan = planned(member, CONTROL, CONTROL.resource(PLACE, group))
    assert isinstance(plan, Plan)
    assert interface in plan.message
