"""EC2.13: what fails it, what its plan changes, and that a group comes through it and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from boto3 import Session

from lambdas.controls.model import Place, Verdict
from lambdas.controls.security_group_ssh_restricted import CONTROL
from tests.controls.cases import Case
from tests.controls.round_trip import MEMBER, PLACE, member_account

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
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission], **more)  # type: ignore[list-item]
    return group


def prefix_list(session: Session, *cidrs: str) -> str:
    entries: Any = [{"Cidr": cidr} for cidr in cidrs]
    family = "IPv6" if ":" in cidrs[0] else "IPv4"
    made = session.client("ec2").create_managed_prefix_list(
        PrefixListName="peers", Entries=entries, MaxEntries=len(cidrs), AddressFamily=family
    )
    return made["PrefixList"]["PrefixListId"]


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
    case(
        "tagged range around 22",
        lambda session: build(
            session, open_to("0.0.0.0/0", "::/0", ports=(20, 25), text="tools"), tags={"team": "platform"}
        ),
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


@pytest.fixture(scope="module")
def member() -> Iterator[Session]:
    with member_account() as session:
        yield session


def rule(number: int, source: str | None, first: int = 22, last: int = 22, protocol: str = "tcp", **more: Any) -> Any:
    """A rule as DescribeSecurityGroupRules shows it; without a source it refers to a group."""
    shown: dict[str, Any] = {
        "SecurityGroupRuleId": f"sgr-{number}",
        "IpProtocol": protocol,
        "FromPort": first,
        "ToPort": last,
        "Tags": [],
        **more,
    }
    if source is None:
        return {**shown, "ReferencedGroupInfo": {"GroupId": "sg-2"}}
    key = "PrefixListId" if source.startswith("pl-") else "CidrIpv6" if ":" in source else "CidrIpv4"
    return {**shown, key: source}


def settings(*shown: Any, lists: Mapping[str, list[str]] | None = None, owner: str = MEMBER) -> dict[str, Any]:
    return {
        "GroupId": "sg-1",
        "GroupName": "web",
        "OwnerId": owner,
        "Tags": [],
        "Rules": list(shown),
        "PrefixLists": dict(lists or {}),
    }


HALVES = [rule(1, "0.0.0.0/1"), rule(2, "128.0.0.0/1")]
AROUND_TEN = [
    rule(number, cidr)
    for number, cidr in enumerate(
        ("0.0.0.0/5", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/2", "128.0.0.0/1")
    )
]


@pytest.mark.parametrize(
    ("shown", "lists", "given", "guilty"),
    [
        pytest.param([], {}, {}, [], id="no rules"),
        pytest.param([rule(1, "0.0.0.0/0")], {}, {}, [1], id="all of IPv4"),
        pytest.param([rule(1, "::/0")], {}, {}, [1], id="all of IPv6"),
        pytest.param(
            [rule(1, "0.0.0.0/0"), rule(2, "::/0"), rule(3, "10.0.0.0/8")], {}, {}, [1, 2], id="both families"
        ),
        pytest.param([rule(1, "0.0.0.0/0", 22, 1024)], {}, {}, [1], id="22 begins the range"),
        pytest.param([rule(1, "0.0.0.0/0", 0, 22)], {}, {}, [1], id="22 ends the range"),
        pytest.param([rule(1, "0.0.0.0/0", 0, 65535)], {}, {}, [1], id="22 lies in the range"),
        pytest.param([rule(1, "0.0.0.0/0", 0, 21), rule(2, "0.0.0.0/0", 23, 80)], {}, {}, [], id="ranges beside 22"),
        pytest.param([rule(1, "0.0.0.0/0", protocol="6")], {}, {}, [1], id="TCP by its number"),
        pytest.param([rule(1, "0.0.0.0/0", -1, -1, "-1")], {}, {}, [1], id="every protocol"),
        pytest.param([rule(1, "0.0.0.0/0", -1, -1, "50")], {}, {}, [1], id="a protocol without ports opens all"),
        pytest.param([rule(1, "0.0.0.0/0", protocol="udp")], {}, {}, [], id="UDP"),
        pytest.param([rule(1, "0.0.0.0/0", protocol="17")], {}, {}, [], id="UDP by its number"),
        pytest.param([rule(1, "0.0.0.0/0", -1, -1, "icmp")], {}, {}, [], id="ICMP"),
        pytest.param([rule(1, "::/0", -1, -1, "58")], {}, {}, [], id="ICMPv6 by its number"),
        pytest.param([rule(1, "10.0.0.0/8"), rule(2, OFFICE)], {}, {}, [], id="bounded addresses"),
        pytest.param([rule(1, "0.0.0.0/1")], {}, {}, [], id="half of the internet alone"),
        pytest.param(HALVES, {}, {}, [1, 2], id="halves that add up"),
        pytest.param([rule(1, "::/1"), rule(2, "8000::/1")], {}, {}, [1, 2], id="halves of IPv6"),
        pytest.param([rule(1, "0.0.0.0/1"), rule(2, "8000::/1")], {}, {}, [], id="halves of two families"),
        pytest.param(
            [rule(1, "0.0.0.0/1", 0, 22), rule(2, "128.0.0.0/1", -1, -1, "-1")],
            {},
            {},
            [1, 2],
            id="halves, other ports",
        ),
        pytest.param([rule(1, "0.0.0.0/1"), rule(2, "128.0.0.0/1", 80, 80)], {}, {}, [], id="a half on another port"),
        pytest.param([*HALVES, rule(3, "0.0.0.0/0")], {}, {}, [1, 2, 3], id="halves under a whole"),
        pytest.param(
            [*HALVES, rule(3, OFFICE), rule(4, "8.8.8.0/24")], {}, {}, [1, 2], id="narrow rules under halves stay"
        ),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["0.0.0.0/0"]}, {}, [1], id="prefix list with the world"),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["::/0"]}, {}, [1], id="prefix list with the world of IPv6"),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["0.0.0.0/1", "128.0.0.0/1"]}, {}, [1], id="prefix list of halves"),
        pytest.param(
            [rule(1, "pl-1"), rule(2, "128.0.0.0/1")],
            {"pl-1": ["0.0.0.0/1"]},
            {},
            [1, 2],
            id="half a list, half a rule",
        ),
        pytest.param([rule(1, "pl-1")], {"pl-1": ["10.0.0.0/8"]}, {}, [], id="bounded prefix list"),
        pytest.param([rule(1, "pl-1")], {"pl-1": []}, {}, [], id="empty prefix list"),
        pytest.param([rule(1, "pl-1", 443, 443)], {}, {}, [], id="prefix list on another port is not even read"),
        pytest.param([rule(1, None), rule(2, None, -1, -1, "-1")], {}, {}, [], id="references to groups"),
        pytest.param(
            [*AROUND_TEN, rule(8, "10.0.0.0/8")], {}, {}, list(range(8)), id="private addresses are no part of it"
        ),
        pytest.param(
            [*HALVES[:1], rule(2, "128.0.0.0/2"), rule(3, "192.0.0.0/2")],
            {},
            {"allowed_sources": ["192.0.0.0/2"]},
            [1, 2],
            id="what is allowed stays",
        ),
    ],
)
def test_verdict_and_the_rules_that_it_names(
    shown: list[Any], lists: Mapping[str, list[str]], given: Mapping[str, Any], guilty: list[int]
) -> None:
    evaluation = CONTROL.evaluate(settings(*shown, lists=dict(lists)), CONTROL.resolve(given, PLACE.region))
    assert evaluation.verdict is (Verdict.NON_COMPLIANT if guilty else Verdict.COMPLIANT)
    named = [number for number in range(10) if f"sgr-{number} " in evaluation.annotation]
    assert named == guilty


def test_annotation_fits_the_limit_of_config_however_many_rules_there_are() -> None:
    many = [rule(number, "0.0.0.0/0", 22 - number, 22) for number in range(22)]
    assert len(CONTROL.evaluate(settings(*many), CONTROL.resolve({}, PLACE.region)).annotation) == 256
