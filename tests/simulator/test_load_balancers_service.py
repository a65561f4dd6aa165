"""Load balancers: named by their type, deleted as AWS lets them be, targets as they are, and their traffic measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from simulator.services.load_balancers import LoadBalancers
from tests.simulator.metric_world import query, values
from tests.simulator.pipeline_world import HOME, MEMBER, document, organization, role

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ARN = f"arn:aws:elasticloadbalancing:{HOME}:{MEMBER}:loadbalancer"
NAMESPACES = {"application": "AWS/ApplicationELB", "network": "AWS/NetworkELB", "gateway": "AWS/GatewayELB"}


@pytest.fixture
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        yield one


def client(opened: LocalOrganization, service: str = "elbv2") -> Any:
    session: Any = opened.session(MEMBER)
    return session.client(service)


def network(opened: LocalOrganization) -> tuple[str, list[str]]:
    """The default VPC and two of its subnets."""
    subnets = client(opened, "ec2").describe_subnets()["Subnets"]
    return subnets[0]["VpcId"], sorted(one["SubnetId"] for one in subnets)[:2]


def made(opened: LocalOrganization, kind: str = "application", name: str = "web", **more: Any) -> dict[str, Any]:
    answer = client(opened).create_load_balancer(Name=name, Type=kind, Subnets=network(opened)[1], **more)
    return dict(answer["LoadBalancers"][0])


def classic(opened: LocalOrganization, name: str = "old", **more: Any) -> str:
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    answer = client(opened, "elb").create_load_balancer(
        LoadBalancerName=name, Listeners=[listener], Subnets=network(opened)[1], **more
    )
    return str(answer["DNSName"])


def target_group(opened: LocalOrganization, targets: tuple[str, ...] = (), balancer: str | None = None) -> str:
    """A target group with addresses as targets, behind a load balancer where one is given."""
    elb = client(opened)
    group = elb.create_target_group(
        Name="servers", Protocol="HTTP", Port=80, VpcId=network(opened)[0], TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    if targets:
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": one} for one in targets])
    if balancer:
        action = {"Type": "forward", "TargetGroupArn": group}
        elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[action])
    return str(group)


def states(opened: LocalOrganization, group: str) -> dict[str, str]:
    found = client(opened).describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}


def test_arns_and_dns_names_are_of_their_type(opened: LocalOrganization) -> None:
    found = {kind: made(opened, kind, kind) for kind in NAMESPACES}
    inside = made(opened, name="inside", Scheme="internal")
    short = {kind: one["LoadBalancerArn"].removeprefix(f"{ARN}/").rpartition("/")[0] for kind, one in found.items()}
    assert short == {"application": "app/application", "network": "net/network", "gateway": "gwy/gateway"}
    assert found["application"]["DNSName"].endswith(f".{HOME}.elb.amazonaws.com")
    assert found["network"]["DNSName"].endswith(f".elb.{HOME}.amazonaws.com")
    assert inside["DNSName"].startswith("internal-inside-")
    assert "DNSName" not in found["gateway"]
    assert classic(opened).endswith(f".{HOME}.elb.amazonaws.com")
    assert classic(opened, "inside", Scheme="internal").startswith("internal-inside-")


def test_a_load_balancer_is_created_in_the_organisations_time_and_is_active_after_a_while(
    opened: LocalOrganization,
) -> None:
    arn = made(opened, Tags=[{"Key": "Owner", "Value": "team"}])["LoadBalancerArn"]
    (found,) = client(opened).describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    assert found["CreatedTime"] == opened.do(opened.world.agenda.now)
    assert found["State"]["Code"] == "provisioning"
    opened.advance(3 * MINUTE)
    (found,) = client(opened).describe_load_balancers(Names=["web"])["LoadBalancers"]
    assert found["State"]["Code"] == "active"
    (tagged,) = client(opened).describe_tags(ResourceArns=[arn])["TagDescriptions"]
    assert tagged["Tags"] == [{"Key": "Owner", "Value": "team"}]
    classic(opened)
    (old,) = client(opened, "elb").describe_load_balancers()["LoadBalancerDescriptions"]
    assert old["CreatedTime"] == opened.do(opened.world.agenda.now)


def test_the_same_again_is_the_same_and_other_settings_are_refused(opened: LocalOrganization) -> None:
    assert made(opened)["LoadBalancerArn"] == made(opened)["LoadBalancerArn"]
    with pytest.raises(ClientError, match="DuplicateLoadBalancerName"):
        made(opened, "network")
    with pytest.raises(ClientError, match="SubnetNotFound"):
        client(opened).create_load_balancer(Name="lost", Subnets=["subnet-00000000"])


def test_load_balancers_come_in_pages_and_unknown_ones_are_an_error(opened: LocalOrganization) -> None:
    for number in range(3):
        made(opened, name=f"web-{number}")
    pages = client(opened).get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["LoadBalancers"]) for page in pages] == [2, 1]
    with pytest.raises(ClientError, match="ValidationError"):
        client(opened).describe_load_balancers(Marker="wrong")
    with pytest.raises(ClientError, match="LoadBalancerNotFound"):
        client(opened).describe_load_balancers(LoadBalancerArns=[f"{ARN}/app/other/0123456789abcdef"])


def test_a_protected_load_balancer_is_not_deleted_and_a_missing_one_is_already(opened: LocalOrganization) -> None:
    elb, arn = client(opened), made(opened)["LoadBalancerArn"]
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protection])
    with pytest.raises(ClientError, match=r"OperationNotPermitted.*deletion protection"):
        elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{**protection, "Value": "false"}])
    group = target_group(opened, balancer=arn)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"] == []
    elb.delete_target_group(TargetGroupArn=group)


def test_a_load_balancer_of_an_endpoint_service_is_in_use(opened: LocalOrganization) -> None:
    arn = made(opened, "network")["LoadBalancerArn"]
    client(opened, "ec2").create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[arn])
    with pytest.raises(ClientError, match="ResourceInUse"):
        client(opened).delete_load_balancer(LoadBalancerArn=arn)


def test_deletion_is_allowed_by_the_load_balancers_arn(opened: LocalOrganization) -> None:
    arn, other = (made(opened, name=name)["LoadBalancerArn"] for name in ("mine", "other"))
    classic(opened)
    role(opened, MEMBER, "deleter", trusted=f"arn:aws:iam::{MEMBER}:root", allowed="sts:GetCallerIdentity")
    grant = {
        "Effect": "Allow",
        "Action": "elasticloadbalancing:DeleteLoadBalancer",
        "Resource": [f"{ARN}/app/mine/*", f"{ARN}/old"],
    }
    client(opened, "iam").put_role_policy(RoleName="deleter", PolicyName="all", PolicyDocument=document(grant))
    credentials = client(opened, "sts").assume_role(
        RoleArn=f"arn:aws:iam::{MEMBER}:role/deleter", RoleSessionName="deletes"
    )["Credentials"]
    named = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
    session: Any = opened.session(MEMBER)
    deleter = session.client("elbv2", **named)
    with pytest.raises(ClientError, match="AccessDenied"):
        deleter.delete_load_balancer(LoadBalancerArn=other)
    deleter.delete_load_balancer(LoadBalancerArn=arn)
    session.client("elb", **named).delete_load_balancer(LoadBalancerName="old")
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("elb", **named).delete_load_balancer(LoadBalancerName="older")


def test_targets_without_a_listener_are_unused_and_deregistered_ones_drain(opened: LocalOrganization) -> None:
    elb, arn = client(opened), made(opened)["LoadBalancerArn"]
    group = target_group(opened, ("10.0.0.1", "10.0.0.2"))
    assert states(opened, group) == {"10.0.0.1": "unused", "10.0.0.2": "unused"}
    action = {"Type": "forward", "TargetGroupArn": group}
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    assert states(opened, group) == {"10.0.0.1": "healthy", "10.0.0.2": "healthy"}
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])
    assert states(opened, group) == {"10.0.0.2": "healthy", "10.0.0.1": "draining"}
    opened.advance(6 * MINUTE)
    assert states(opened, group) == {"10.0.0.2": "healthy"}
    named = elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])
    assert named["TargetHealthDescriptions"][0]["TargetHealth"]["State"] != "healthy"
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        states(opened, f"{group}0")


@pytest.mark.parametrize(
    ("kind", "new", "open_"),
    [
        ("application", "RequestCount", "ActiveConnectionCount"),
        ("network", "NewFlowCount", "ActiveFlowCount"),
        ("gateway", "NewFlowCount", "ActiveFlowCount"),
    ],
)
def test_traffic_is_measured_while_it_flows(opened: LocalOrganization, kind: str, new: str, open_: str) -> None:
    arn = made(opened, kind)["LoadBalancerArn"]
    dimension = arn.removeprefix(f"{ARN}/")
    begin = opened.do(opened.world.agenda.now)
    opened.advance(3 * DAY)
    traffic = opened.world.service(LoadBalancers).traffic
    traffic.carry(arn, start=begin + DAY, end=begin + DAY + 10 * MINUTE, per_minute=6, connections=2)
    space = NAMESPACES[kind]
    asked = query(new, period=86400, namespace=space, LoadBalancer=dimension)
    assert values(opened, asked, 3 * DAY) == [60]
    asked = query(open_, stat="Maximum", period=86400, namespace=space, LoadBalancer=dimension)
    # Only a network load balancer says that there was nothing.
    assert values(opened, asked, 3 * DAY) == ([0, 2, 0] if kind == "network" else [2])
    assert values(opened, query(new, period=86400, namespace="AWS/ELB", LoadBalancer=dimension), 3 * DAY) == []
    assert values(opened, query(new, period=86400, namespace=space, LoadBalancer="web"), 3 * DAY) == []
    listed = client(opened, "cloudwatch").list_metrics(Namespace=space)["Metrics"]
    assert {one["MetricName"] for one in listed} == {new, open_}


def test_requests_of_a_classic_load_balancer_are_counted_by_its_name(opened: LocalOrganization) -> None:
    classic(opened)
    traffic = opened.world.service(LoadBalancers).traffic
    traffic.carry(f"{ARN}/old", per_minute=3)
    opened.advance(30 * MINUTE)
    asked = query("RequestCount", period=300, namespace="AWS/ELB", LoadBalancerName="old")
    assert values(opened, asked, 30 * MINUTE) == [15] * 6
    assert [one["MetricName"] for one in client(opened, "cloudwatch").list_metrics()["Metrics"]] == ["RequestCount"]


def test_open_flows_are_averaged_over_the_time_without_any(opened: LocalOrganization) -> None:
    arn = made(opened, "network")["LoadBalancerArn"]
    begin = opened.do(opened.world.agenda.now)
    traffic = opened.world.service(LoadBalancers).traffic
    traffic.carry(arn, start=begin, end=begin + 30 * MINUTE, per_minute=0, connections=4)
    opened.advance(60 * MINUTE)
    asked = {"namespace": "AWS/NetworkELB", "period": 3600, "LoadBalancer": arn.removeprefix(f"{ARN}/")}
    found = [values(opened, query("ActiveFlowCount", stat=one, **asked), 60 * MINUTE) for one in STATISTICS]
    assert found == [[2], [0], [4]]
    assert values(opened, query("NewFlowCount", **asked), 60 * MINUTE) == []


STATISTICS = ("Average", "Minimum", "Maximum")


def test_config_records_both_kinds_under_their_own_ids(opened: LocalOrganization) -> None:
    recorder(opened)
    arn = made(opened)["LoadBalancerArn"]
    classic(opened, Tags=[{"Key": "Owner", "Value": "team"}])
    config = client(opened, "config")
    kinds = {"AWS::ElasticLoadBalancingV2::LoadBalancer": arn, "AWS::ElasticLoadBalancing::LoadBalancer": "old"}
    for kind, identifier in kinds.items():
        (found,) = config.list_discovered_resources(resourceType=kind)["resourceIdentifiers"]
        assert found["resourceId"] == identifier
    (item,) = config.get_resource_config_history(
        resourceType="AWS::ElasticLoadBalancing::LoadBalancer", resourceId="old"
    )["configurationItems"]
    assert item["arn"] == f"{ARN}/old"
    assert item["tags"] == {"Owner": "team"}
    assert item["resourceCreationTime"] <= datetime.now(UTC)


def recorder(opened: LocalOrganization) -> None:
    """Record every resource of the member."""
    config = client(opened, "config")
    trust = {"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "sts:AssumeRole"}
    client(opened, "iam").create_role(RoleName="recorder", AssumeRolePolicyDocument=document(trust))
    grant = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    client(opened, "iam").put_role_policy(RoleName="recorder", PolicyName="all", PolicyDocument=document(grant))
    client(opened, "s3").create_bucket(Bucket="items", CreateBucketConfiguration={"LocationConstraint": HOME})
    config.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:aws:iam::{MEMBER}:role/recorder",
            "recordingGroup": {"allSupported": True},
        }
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "items"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
