"""Who may do what with databases: on which resources, by which key, and what AWS Config sees of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from simulator.local import LocalOrganization
from tests.simulator.pipeline_world import HOME, MEMBER, document, organization
from tests.simulator.rds_world import PLAIN

RDS = f"arn:aws:rds:{HOME}:{MEMBER}"


@pytest.fixture(scope="module")
def world() -> Iterator[LocalOrganization]:
    """An organisation with a database, a snapshot of it, and a key."""
    with organization() as opened:
        opened.rates.suspend()
        rds = admin(opened, "rds")
        rds.create_db_instance(DBInstanceIdentifier="db", **PLAIN, Tags=[{"Key": "team", "Value": "red"}])
        opened.rest()
        rds.create_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier="plain")
        opened.rest()
        yield opened


def admin(opened: LocalOrganization, service: str) -> Any:
    session: Any = opened.session(MEMBER)
    return session.client(service)


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def acting(opened: LocalOrganization, name: str, *statements: dict[str, Any]) -> Any:
    """An RDS client of a new role that has these statements alone."""
    iam, sts = admin(opened, "iam"), admin(opened, "sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": MEMBER}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document(*statements))
    made = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    keys = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    return boto3.Session(*keys, region_name=HOME).client("rds")


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


BY_RDS = {"StringEquals": {"kms:ViaService": f"rds.{HOME}.amazonaws.com"}}
FOR_RDS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_an_encrypted_copy_needs_the_callers_permission_to_describe_the_key_and_to_grant(
    world: LocalOrganization,
) -> None:
    key = admin(world, "kms").create_key()["KeyMetadata"]["Arn"]
    copying = allow("rds:CopyDBSnapshot", [f"{RDS}:snapshot:plain", f"{RDS}:snapshot:copy-*"])
    describing = allow("kms:DescribeKey", key, Condition=BY_RDS)
    granting = allow("kms:CreateGrant", key, Condition={**BY_RDS, **FOR_RDS})
    asked = {"SourceDBSnapshotIdentifier": "plain", "TargetDBSnapshotIdentifier": "copy-1", "KmsKeyId": key}
    for number, statements in enumerate(([copying], [copying, describing], [copying, granting])):
        with refused("KMSKeyNotAccessibleFault"):
            acting(world, f"lacking-{number}", *statements).copy_db_snapshot(**asked)
    copier = acting(world, "copier", copying, describing, granting)
    assert copier.copy_db_snapshot(**asked)["DBSnapshot"]["KmsKeyId"] == key
    with refused("AccessDenied"):
        copier.copy_db_snapshot(**asked | {"TargetDBSnapshotIdentifier": "elsewhere"})


def test_a_key_policy_that_is_silent_refuses_the_caller(world: LocalOrganization) -> None:
    kms = admin(world, "kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    administrators = admin(world, "sts").get_caller_identity()["Arn"]
    only = {"Effect": "Allow", "Principal": {"AWS": administrators}, "Action": "kms:*", "Resource": "*"}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(only))
    copier = acting(world, "outsider", allow("rds:*"), allow("kms:*"))
    with refused("KMSKeyNotAccessibleFault"):
        copier.copy_db_snapshot(SourceDBSnapshotIdentifier="plain", TargetDBSnapshotIdentifier="copy-2", KmsKeyId=key)


def test_a_restore_is_authorised_on_the_instance_the_snapshot_and_the_groups(world: LocalOrganization) -> None:
    asked = {"DBInstanceIdentifier": "restored", "DBSnapshotIdentifier": "plain", "DBSubnetGroupName": "default"}
    resources = [f"{RDS}:db:restored", f"{RDS}:snapshot:plain", f"{RDS}:subgrp:default", f"{RDS}:og:*", f"{RDS}:pg:*"]
    for number in range(len(resources)):
        lacking = acting(world, f"restorer-{number}", allow("rds:*", resources[:number] + resources[number + 1 :]))
        with refused("AccessDenied"):
            lacking.restore_db_instance_from_db_snapshot(**asked)
    acting(world, "restorer", allow("rds:*", resources)).restore_db_instance_from_db_snapshot(**asked)


def test_lists_are_authorised_on_all_instances_and_snapshots_of_the_region(world: LocalOrganization) -> None:
    lister = acting(world, "lister", allow("rds:Describe*", [f"{RDS}:db:*", f"{RDS}:snapshot:*"]))
    named = [{"Name": "db-instance-id", "Values": ["db"]}]
    assert lister.describe_db_instances()["DBInstances"]
    assert lister.describe_db_instances(Filters=named)["DBInstances"]
    assert lister.describe_db_snapshots(Filters=named)["DBSnapshots"]
    one = acting(world, "one", allow("rds:Describe*", [f"{RDS}:db:db", f"{RDS}:snapshot:plain"]))
    assert one.describe_db_instances(DBInstanceIdentifier="DB")["DBInstances"]
    assert one.describe_db_snapshots(DBSnapshotIdentifier="plain")["DBSnapshots"]
    assert one.describe_db_snapshots(DBInstanceIdentifier="db")["DBSnapshots"]
    with refused("AccessDenied"):
        one.describe_db_instances(Filters=named)


def test_tags_of_databases_are_seen_by_policies(world: LocalOrganization) -> None:
    red = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    blue = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    acting(world, "red", allow("rds:*", Condition=red)).describe_db_instances(DBInstanceIdentifier="db")
    with refused("AccessDenied"):
        acting(world, "blue", allow("rds:*", Condition=blue)).describe_db_instances(DBInstanceIdentifier="db")


def test_a_role_is_handed_to_an_instance_by_who_may_pass_it(world: LocalOrganization) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = admin(world, "iam").create_role(RoleName="importer", AssumeRolePolicyDocument=document(trust))
    asked = {"DBInstanceIdentifier": "db", "RoleArn": made["Role"]["Arn"], "FeatureName": "s3Import"}
    with refused("AccessDenied"):
        acting(world, "not-passing", allow("rds:*")).add_role_to_db_instance(**asked)
    passing = allow(
        "iam:PassRole", asked["RoleArn"], Condition={"StringEquals": {"iam:PassedToService": "rds.amazonaws.com"}}
    )
    acting(world, "passing", allow("rds:*"), passing).add_role_to_db_instance(**asked)
    world.rest()


def test_a_managed_password_needs_permissions_for_the_secret_and_its_key(world: LocalOrganization) -> None:
    key = admin(world, "kms").create_key()["KeyMetadata"]["Arn"]
    by_secrets = {"StringEquals": {"kms:ViaService": f"secretsmanager.{HOME}.amazonaws.com"}}
    secrets = f"arn:aws:secretsmanager:{HOME}:{MEMBER}:secret:rds!*"
    asked = {"DBInstanceIdentifier": "managed", **PLAIN, "ManageMasterUserPassword": True}
    asked |= {"MasterUserSecretKmsKeyId": key}
    del asked["MasterUserPassword"]
    needed = [
        allow("secretsmanager:CreateSecret", secrets),
        allow("secretsmanager:TagResource", secrets),
        allow("kms:GenerateDataKey", key, Condition=by_secrets),
        allow("kms:Decrypt", key, Condition=by_secrets),
        allow(["kms:CreateGrant", "kms:DescribeKey"], key, Condition=BY_RDS),
    ]
    for number in range(len(needed)):
        lacking = acting(world, f"secretive-{number}", allow("rds:*"), *needed[:number], *needed[number + 1 :])
        with pytest.raises(ClientError, match=r"AccessDenied|KMSKeyNotAccessibleFault"):
            lacking.create_db_instance(**asked)
    made = acting(world, "secretive", allow("rds:*"), *needed).create_db_instance(**asked)["DBInstance"]
    assert made["MasterUserSecret"]["KmsKeyId"] == key
    world.rest()
    admin(world, "rds").delete_db_instance(DBInstanceIdentifier="managed", SkipFinalSnapshot=True)
    world.rest()
    assert admin(world, "secretsmanager").list_secrets()["SecretList"] == []


def test_events_of_databases_reach_event_bridge(world: LocalOrganization) -> None:
    queue = admin(world, "sqs").create_queue(QueueName="events")["QueueUrl"]
    arn = f"arn:aws:sqs:{HOME}:{MEMBER}:events"
    let = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    admin(world, "sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document(let)})
    pattern = {"source": ["aws.rds"], "detail": {"EventID": ["RDS-EVENT-0006"]}}
    admin(world, "events").put_rule(Name="reboots", EventPattern=json.dumps(pattern))
    admin(world, "events").put_targets(Rule="reboots", Targets=[{"Id": "queue", "Arn": arn}])
    admin(world, "rds").reboot_db_instance(DBInstanceIdentifier="db")
    world.rest()
    [message] = admin(world, "sqs").receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "RDS DB Instance Event"
    assert event["detail"]["SourceIdentifier"] == "db"


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("restore_db_instance_to_point_in_time", {"TargetDBInstanceIdentifier": "x"}),
        ("describe_db_log_files", {"DBInstanceIdentifier": "db"}),
        ("describe_db_instance_automated_backups", {}),
    ],
)
def test_what_moto_would_answer_from_nothing_is_refused_by_name(
    world: LocalOrganization, operation: str, asked: dict[str, Any]
) -> None:
    with refused("NotImplemented"):
        getattr(admin(world, "rds"), operation)(**asked)
