"""EC2 as it is, where moto is otherwise; the tests of moto alone fail once it closes a gap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from simulator.call import Caller, ServiceError
from simulator.services.ec2 import Ec2Service
from tests.simulator.correction_world import ACCOUNT, REGION, Desk, desk


@pytest.fixture
def ec2() -> Iterator[Desk]:
    with desk(Ec2Service) as made:
        yield made


def group(ec2: Desk, vpc: str | None = None) -> str:
    place = vpc or ec2.ask("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return str(ec2.ask("CreateSecurityGroup", GroupName="web", Description="d", VpcId=place)["GroupId"])


def tcp(port: int, *cidrs: str, **more: Any) -> dict[str, Any]:
    ranges = [{"CidrIp": cidr} for cidr in cidrs]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges, **more}


def allow(ec2: Desk, identifier: str, *permissions: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = ec2.ask("AuthorizeSecurityGroupIngress", GroupId=identifier, IpPermissions=list(permissions), **more)
    return list(answer["SecurityGroupRules"])


def rules(ec2: Desk, identifier: str, **more: Any) -> list[dict[str, Any]]:
    filters = [{"Name": "group-id", "Values": [identifier]}]
    found = ec2.ask("DescribeSecurityGroupRules", Filters=filters, **more)["SecurityGroupRules"]
    return [rule for rule in found if not rule["IsEgress"]]


def prefix_list(ec2: Desk, *cidrs: str, maximum: int = 3) -> str:
    entries = [{"Cidr": cidr, "Description": "d"} for cidr in cidrs]
    made = ec2.ask(
        "CreateManagedPrefixList", PrefixListName="p", Entries=entries, MaxEntries=maximum, AddressFamily="IPv4"
    )
    return str(made["PrefixList"]["PrefixListId"])


def test_every_new_rule_is_returned_as_describe_shows_it(ec2: Desk) -> None:
    identifier, peers = group(ec2), prefix_list(ec2, "10.0.0.0/8")
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "owner", "Value": "me"}]}]
    everything = {
        "IpProtocol": "-1",
        "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "v6"}],
        "PrefixListIds": [{"PrefixListId": peers, "Description": "list"}],
        "UserIdGroupPairs": [{"GroupId": identifier, "Description": "self"}],
    }
    added = allow(ec2, identifier, tcp(22, "0.0.0.0/0", "10.1.2.3/8"), everything, TagSpecifications=tags)
    assert added == rules(ec2, identifier)
    assert len({rule["SecurityGroupRuleId"] for rule in added}) == 5
    peer = [
        rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or rule["ReferencedGroupInfo"]
        for rule in added
    ]
    assert peer == ["0.0.0.0/0", "10.0.0.0/8", "::/0", peers, {"GroupId": identifier, "UserId": ACCOUNT}]
    assert [rule.get("Description") for rule in added] == [None, None, "v6", "list", "self"]
    assert all(rule["Tags"] == [{"Key": "owner", "Value": "me"}] for rule in added)
    assert (added[0]["FromPort"], added[2]["FromPort"], added[2]["IpProtocol"]) == (22, -1, "-1")
    assert added[0]["SecurityGroupRuleArn"].startswith(f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group-rule/sgr-")


def test_moto_still_returns_one_of_several_permissions_and_keeps_host_bits() -> None:
    with desk("ec2") as moto:
        identifier = group(moto)
        added = allow(moto, identifier, tcp(22, "10.1.2.3/8"), tcp(23, "10.0.0.0/8"))
        assert len(added) == 1
        assert "10.1.2.3/8" in [rule["CidrIpv4"] for rule in rules(moto, identifier)]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(tcp(22, "0.0.0.0/0"), id="the same"),
        pytest.param({**tcp(22, "0.0.0.0/0"), "IpProtocol": "6"}, id="the protocol by number"),
        pytest.param(tcp(22, "1.2.3.4/0"), id="the same range with host bits"),
        pytest.param(tcp(23, "0.0.0.0/0", "0.0.0.0/0"), id="twice in one call"),
    ],
)
def test_a_duplicate_is_refused_and_nothing_added(ec2: Desk, again: dict[str, Any]) -> None:
    identifier = group(ec2)
    allow(ec2, identifier, tcp(22, "0.0.0.0/0"))
    with pytest.raises(ServiceError, match=r"InvalidPermission\.Duplicate"):
        allow(ec2, identifier, tcp(80, "0.0.0.0/0"), again)
    assert len(rules(ec2, identifier)) == 1


def test_a_direction_has_sixty_rules_per_address_family(ec2: Desk) -> None:
    identifier = group(ec2)
    allow(ec2, identifier, tcp(22, *(f"10.0.{number}.0/24" for number in range(60))))
    with pytest.raises(ServiceError, match="RulesPerSecurityGroupLimitExceeded"):
        allow(ec2, identifier, tcp(22, "10.1.0.0/16"))
    allow(ec2, identifier, tcp(22, Ipv6Ranges=[{"CidrIpv6": "fd00::/8"}]))


def test_a_prefix_list_counts_as_its_maximum(ec2: Desk) -> None:
    identifier, peers = group(ec2), prefix_list(ec2, "10.0.0.0/8", maximum=30)
    allow(ec2, identifier, tcp(22, *(f"10.0.{number}.0/24" for number in range(31))))
    with pytest.raises(ServiceError, match="RulesPerSecurityGroupLimitExceeded"):
        allow(ec2, identifier, tcp(22, PrefixListIds=[{"PrefixListId": peers}]))


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        pytest.param(tcp(22, "10.0.0.0"), "InvalidParameterValue", id="no mask"),
        pytest.param(tcp(22, "::/0"), "InvalidParameterValue", id="IPv6 among IPv4"),
        pytest.param(
            {"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, "InvalidParameterValue", id="no ports"
        ),
        pytest.param(tcp(22, PrefixListIds=[{"PrefixListId": "pl-1"}]), "InvalidPrefixListId.NotFound", id="no list"),
        pytest.param(tcp(22, UserIdGroupPairs=[{"GroupId": "sg-1"}]), "InvalidGroup.NotFound", id="no group"),
    ],
)
def test_wrong_permissions_are_refused(ec2: Desk, permission: dict[str, Any], code: str) -> None:
    identifier = group(ec2)
    with pytest.raises(ServiceError) as refused:
        allow(ec2, identifier, permission)
    assert refused.value.code == code


def test_a_dry_run_changes_nothing(ec2: Desk) -> None:
    identifier = group(ec2)
    with pytest.raises(ServiceError, match="DryRunOperation"):
        allow(ec2, identifier, tcp(22, "0.0.0.0/0"), DryRun=True)
    assert rules(ec2, identifier) == []


def test_rules_are_revoked_one_by_one_by_id(ec2: Desk) -> None:
    identifier = group(ec2)
    bad, good = allow(ec2, identifier, tcp(22, "0.0.0.0/0", "10.0.0.0/8"))
    named: Any = {"GroupId": identifier, "SecurityGroupRuleIds": [bad["SecurityGroupRuleId"]]}
    [revoked] = ec2.ask("RevokeSecurityGroupIngress", **named)["RevokedSecurityGroupRules"]
    assert revoked == {
        name: value for name, value in bad.items() if name not in ("Tags", "GroupOwnerId", "SecurityGroupRuleArn")
    }
    assert rules(ec2, identifier) == [good]
    with pytest.raises(ServiceError, match=r"InvalidSecurityGroupRuleId\.NotFound"):
        ec2.ask("RevokeSecurityGroupIngress", **named)
    [again] = allow(ec2, identifier, tcp(22, "0.0.0.0/0"))
    assert again["SecurityGroupRuleId"] != bad["SecurityGroupRuleId"]


def test_moto_still_does_not_say_what_it_revoked() -> None:
    with desk("ec2") as moto:
        identifier = group(moto)
        allow(moto, identifier, tcp(22, "0.0.0.0/0"))
        answer = moto.ask("RevokeSecurityGroupIngress", GroupId=identifier, IpPermissions=[tcp(22, "0.0.0.0/0")])
        assert "RevokedSecurityGroupRules" not in answer


def test_what_matches_no_rule_is_refused_and_nothing_revoked(ec2: Desk) -> None:
    identifier = group(ec2)
    allow(ec2, identifier, tcp(22, "0.0.0.0/0"))
    with pytest.raises(ServiceError, match=r"InvalidPermission\.NotFound"):
        ec2.ask(
            "RevokeSecurityGroupIngress", GroupId=identifier, IpPermissions=[tcp(22, "0.0.0.0/0"), tcp(23, "0.0.0.0/0")]
        )
    assert len(rules(ec2, identifier)) == 1


def test_in_the_default_vpc_what_matches_no_rule_is_only_reported(ec2: Desk) -> None:
    [default] = [vpc["VpcId"] for vpc in ec2.ask("DescribeVpcs")["Vpcs"] if vpc["IsDefault"]]
    identifier = group(ec2, default)
    answer = ec2.ask("RevokeSecurityGroupIngress", GroupId=identifier, IpPermissions=[tcp(23, "0.0.0.0/0")])
    assert answer["UnknownIpPermissions"] == [tcp(23, "0.0.0.0/0")]


def test_egress_has_rules_of_its_own(ec2: Desk) -> None:
    identifier = group(ec2)
    ec2.ask("AuthorizeSecurityGroupEgress", GroupId=identifier, IpPermissions=[tcp(443, "10.0.0.0/8")])
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.ask("RevokeSecurityGroupEgress", GroupId=identifier, IpPermissions=[everything])
    found = ec2.ask("DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [identifier]}])
    assert [(rule["IsEgress"], rule["FromPort"]) for rule in found["SecurityGroupRules"]] == [(True, 443)]
    assert rules(ec2, identifier) == []


def test_rules_are_found_by_tag_and_come_in_pages(ec2: Desk) -> None:
    identifier = group(ec2)
    added = allow(ec2, identifier, tcp(22, *(f"10.0.{number}.0/24" for number in range(7))))
    ec2.ask("CreateTags", Resources=[added[3]["SecurityGroupRuleId"]], Tags=[{"Key": "owner", "Value": "me"}])
    tagged = ec2.ask("DescribeSecurityGroupRules", Filters=[{"Name": "tag:owner", "Values": ["me"]}])
    assert [rule["CidrIpv4"] for rule in tagged["SecurityGroupRules"]] == ["10.0.3.0/24"]
    filters = [{"Name": "group-id", "Values": [identifier]}]
    first = ec2.ask("DescribeSecurityGroupRules", Filters=filters, MaxResults=5)
    rest = ec2.ask("DescribeSecurityGroupRules", Filters=filters, MaxResults=5, NextToken=first["NextToken"])
    assert len(first["SecurityGroupRules"]) == 5
    assert len(rest["SecurityGroupRules"]) == 3
    with pytest.raises(ServiceError, match=r"InvalidSecurityGroupRuleId\.NotFound"):
        ec2.ask("DescribeSecurityGroupRules", SecurityGroupRuleIds=["sgr-1"])


def test_describe_security_groups_shows_what_was_authorized(ec2: Desk) -> None:
    identifier = group(ec2)
    allow(ec2, identifier, tcp(22, "0.0.0.0/0"), tcp(22, Ipv6Ranges=[{"CidrIpv6": "::/0"}]))
    [found] = ec2.ask("DescribeSecurityGroups", GroupIds=[identifier])["SecurityGroups"]
    [permission] = found["IpPermissions"]
    assert (permission["IpRanges"], permission["Ipv6Ranges"]) == ([{"CidrIp": "0.0.0.0/0"}], [{"CidrIpv6": "::/0"}])


def test_entries_of_a_prefix_list_come_by_version_and_in_pages(ec2: Desk) -> None:
    cidrs = [f"10.0.{number}.0/24" for number in range(100)]
    peers = prefix_list(ec2, *cidrs, maximum=200)
    change: Any = {"PrefixListId": peers, "AddEntries": [{"Cidr": "10.1.2.3/16"}]}
    changed = ec2.ask("ModifyManagedPrefixList", CurrentVersion=1, **change)["PrefixList"]
    assert (changed["Version"], changed["State"], changed["PrefixListName"]) == (2, "modify-complete", "p")
    first = ec2.ask("GetManagedPrefixListEntries", PrefixListId=peers)
    rest = ec2.ask("GetManagedPrefixListEntries", PrefixListId=peers, NextToken=first["NextToken"])
    assert [entry["Cidr"] for entry in first["Entries"] + rest["Entries"]] == [*cidrs, "10.1.0.0/16"]
    assert len(ec2.ask("GetManagedPrefixListEntries", PrefixListId=peers, TargetVersion=1)["Entries"]) == 100
    with pytest.raises(ServiceError, match="PrefixListVersionMismatch"):
        ec2.ask("ModifyManagedPrefixList", CurrentVersion=1, **change)


def test_moto_still_ignores_versions_and_loses_names_of_prefix_lists() -> None:
    with desk("ec2") as moto:
        peers = prefix_list(moto, "10.0.0.0/8")
        for number in (1, 2):
            change: Any = {"AddEntries": [{"Cidr": f"10.{number}.0.0/16"}], "CurrentVersion": 1}
            changed = moto.ask("ModifyManagedPrefixList", PrefixListId=peers, **change)["PrefixList"]
        assert "PrefixListName" not in changed


def test_lists_of_aws_and_unknown_lists(ec2: Desk) -> None:
    name = f"com.amazonaws.{REGION}.s3"
    filters = [{"Name": "prefix-list-name", "Values": [name]}]
    [found] = ec2.ask("DescribeManagedPrefixLists", Filters=filters)["PrefixLists"]
    assert found["OwnerId"] == "AWS"
    assert ec2.ask("GetManagedPrefixListEntries", PrefixListId=found["PrefixListId"])["Entries"]
    with pytest.raises(ServiceError, match="OperationNotPermitted"):
        ec2.ask("ModifyManagedPrefixList", PrefixListId=found["PrefixListId"], PrefixListName="mine")
    for operation, named in (("GetManagedPrefixListEntries", "pl-1"), ("DescribeManagedPrefixLists", ["pl-1"])):
        key = "PrefixListId" if isinstance(named, str) else "PrefixListIds"
        with pytest.raises(ServiceError, match=r"InvalidPrefixListID\.NotFound"):
            ec2.ask(operation, **cast("Any", {key: named}))


def test_a_prefix_list_does_not_grow_past_its_maximum(ec2: Desk) -> None:
    peers = prefix_list(ec2, "10.0.0.0/8", maximum=1)
    change: Any = {"PrefixListId": peers, "CurrentVersion": 1, "AddEntries": [{"Cidr": "192.168.0.0/16"}]}
    with pytest.raises(ServiceError, match="PrefixListMaxEntriesExceeded"):
        ec2.ask("ModifyManagedPrefixList", **change)
    with pytest.raises(ServiceError, match="InvalidParameterValue"):
        ec2.ask(
            "ModifyManagedPrefixList", PrefixListId=peers, CurrentVersion=1, RemoveEntries=[{"Cidr": "192.168.0.0/16"}]
        )


def test_endpoint_services_are_refused_as_often_as_asked_and_never_half_listed(ec2: Desk) -> None:
    def outcome() -> object:
        try:
            return [one["ServiceName"] for one in ec2.ask("DescribeVpcEndpointServices")["ServiceDetails"]]
        except ServiceError as error:  # moto needs an extra to list those of API Gateway
            return error.code

    first = outcome()
    assert first == "NotImplemented" or f"com.amazonaws.{REGION}.execute-api" in str(first)
    assert outcome() == first


def test_the_key_of_ebs_is_aws_s_own_until_another_is_chosen_and_again_after_a_reset(ec2: Desk) -> None:
    assert ec2.ask("GetEbsDefaultKmsKeyId")["KmsKeyId"] == "alias/aws/ebs"
    ec2.ask("CreateVolume", AvailabilityZone=f"{REGION}a", Size=1, Encrypted=True)
    assert ec2.ask("GetEbsDefaultKmsKeyId")["KmsKeyId"] == "alias/aws/ebs"
    caller = Caller(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root")
    key = ec2.world.call(caller, "kms", "CreateKey", {}, region=REGION)["KeyMetadata"]["Arn"]
    ec2.ask("ModifyEbsDefaultKmsKeyId", KmsKeyId=key)
    assert ec2.ask("GetEbsDefaultKmsKeyId")["KmsKeyId"] == key
    assert ec2.ask("ResetEbsDefaultKmsKeyId")["KmsKeyId"] == "alias/aws/ebs"
    assert ec2.ask("GetEbsDefaultKmsKeyId")["KmsKeyId"] == "alias/aws/ebs"


def test_moto_still_has_no_default_key_of_ebs() -> None:
    with desk("ec2") as moto, pytest.raises(ServiceError):
        moto.ask("GetEbsDefaultKmsKeyId")


def flow_log(ec2: Desk, **more: Any) -> dict[str, Any]:
    asked = {
        "ResourceType": "VPC",
        "TrafficType": "REJECT",
        "LogGroupName": "group",
        "DeliverLogsPermissionArn": f"arn:aws:iam::{ACCOUNT}:role/logs",
    }
    answer: dict[str, Any] = ec2.ask("CreateFlowLogs", **{**asked, **more})
    return answer


def test_a_client_token_makes_one_flow_log(ec2: Desk) -> None:
    vpc = ec2.ask("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    tags = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "owner", "Value": "me"}]}]
    first = flow_log(ec2, ResourceIds=[vpc], ClientToken="once", TagSpecifications=tags)
    assert flow_log(ec2, ResourceIds=[vpc], ClientToken="once", TagSpecifications=tags) == first
    (found,) = ec2.ask("DescribeFlowLogs", Filter=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    assert ([found["FlowLogId"]], found["Tags"]) == (first["FlowLogIds"], tags[0]["Tags"])
    with pytest.raises(ServiceError, match="IdempotentParameterMismatch"):
        flow_log(ec2, ResourceIds=[vpc], ClientToken="once", TrafficType="ALL")


def test_a_flow_log_that_is_there_already_is_told_of_in_an_answer_that_is_no_error(ec2: Desk) -> None:
    vpc = ec2.ask("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    flow_log(ec2, ResourceIds=[vpc])
    answer = flow_log(ec2, ResourceIds=[vpc])
    assert answer["FlowLogIds"] == []
    (refused,) = answer["Unsuccessful"]
    assert (refused["ResourceId"], refused["Error"]["Code"]) == (vpc, "FlowLogAlreadyExists")


def test_moto_still_raises_for_a_flow_log_that_is_there() -> None:
    with desk("ec2") as moto:
        vpc = moto.ask("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        flow_log(moto, ResourceIds=[vpc])
        with pytest.raises(ServiceError, match="FlowLogAlreadyExists"):
            flow_log(moto, ResourceIds=[vpc])


def test_options_of_the_metadata_service_that_are_not_named_stay(ec2: Desk) -> None:
    options: Any = {"HttpPutResponseHopLimit": 2, "HttpTokens": "optional"}
    made = ec2.ask("RunInstances", ImageId="ami-12345678", MinCount=1, MaxCount=1, MetadataOptions=options)
    instance = made["Instances"][0]["InstanceId"]
    changed = ec2.ask("ModifyInstanceMetadataOptions", InstanceId=instance, HttpTokens="required")
    assert changed["InstanceMetadataOptions"]["State"] == "applied"
    (found,) = ec2.ask("DescribeInstances", InstanceIds=[instance])["Reservations"]
    shown = found["Instances"][0]["MetadataOptions"]
    assert (shown["HttpTokens"], shown["HttpPutResponseHopLimit"]) == ("required", 2)
    with pytest.raises(ServiceError, match=r"InvalidInstanceID\.NotFound"):
        ec2.ask("ModifyInstanceMetadataOptions", InstanceId="i-0123456789abcdef0", HttpTokens="required")


def test_an_interface_has_the_groups_that_it_was_given_last_and_its_instance_too(ec2: Desk) -> None:
    vpc = ec2.ask("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.ask("CreateSubnet", VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    first = group(ec2, vpc)
    second = ec2.ask("CreateSecurityGroup", GroupName="other", Description="d", VpcId=vpc)["GroupId"]
    asked = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet, "SecurityGroupIds": [first]}
    (instance,) = ec2.ask("RunInstances", **asked)["Instances"]
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.ask("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=[second])
    (shown,) = ec2.ask("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert [one["GroupId"] for one in shown["Groups"]] == [second]
    (reservation,) = ec2.ask("DescribeInstances", InstanceIds=[instance["InstanceId"]])["Reservations"]
    assert [one["GroupId"] for one in reservation["Instances"][0]["SecurityGroups"]] == [second]
