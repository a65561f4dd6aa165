"""Changes of DB instances: when they count, what state shows them, and what waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.correction_world import ACCOUNT, REGION
from tests.simulator.rds_world import Databases, databases


@pytest.fixture
def rds() -> Iterator[Databases]:
    with databases() as opened:
        opened.make(PreferredMaintenanceWindow="wed:03:00-wed:04:00", PreferredBackupWindow="01:00-02:00")
        yield opened


def refused(code: str) -> Any:
    return pytest.raises(ServiceError, match=rf"^{code}:")


def names(shown: dict[str, Any]) -> dict[str, str]:
    return {one["VpcSecurityGroupId"]: one["Status"] for one in shown["VpcSecurityGroups"]}


def test_a_change_that_is_applied_immediately_is_pending_while_the_instance_still_says_available(
    rds: Databases,
) -> None:
    answer = rds.modify(DBInstanceClass="db.m5.xlarge", ApplyImmediately=True)
    assert answer["DBInstanceStatus"] == rds.status() == "available"
    assert answer["PendingModifiedValues"] == {"DBInstanceClass": "db.m5.xlarge"}
    assert answer["DBInstanceClass"] == "db.m5.large"
    with refused("InvalidDBInstanceState"):
        rds.ask("StopDBInstance", DBInstanceIdentifier="db")
    rds.wait(seconds=31)
    assert (rds.status(), rds.shown()["PendingModifiedValues"]) == ("modifying", answer["PendingModifiedValues"])
    rds.rest()
    shown = rds.shown()
    assert (shown["DBInstanceClass"], shown["PendingModifiedValues"]) == ("db.m5.xlarge", {})


def test_other_changes_wait_for_the_maintenance_window(rds: Databases) -> None:
    answer = rds.modify(DBInstanceClass="db.m5.xlarge", MultiAZ=True)
    assert answer["PendingModifiedValues"] == {"DBInstanceClass": "db.m5.xlarge", "MultiAZ": True}
    rds.wait(hours=24)  # from Sunday noon
    assert rds.shown()["DBInstanceClass"] == "db.m5.large"
    rds.wait(days=2)
    shown = rds.shown()
    assert (shown["DBInstanceClass"], shown["MultiAZ"]) == ("db.m5.xlarge", True)
    assert shown["SecondaryAvailabilityZone"] != shown["AvailabilityZone"]
    assert shown["PendingModifiedValues"] == {}


def test_applying_immediately_applies_what_waits_too(rds: Databases) -> None:
    rds.modify(DBInstanceClass="db.m5.xlarge")
    shown = rds.now_modify(MonitoringInterval=60, MonitoringRoleArn=rds.role("monitoring"))
    assert (shown["DBInstanceClass"], shown["MonitoringInterval"]) == ("db.m5.xlarge", 60)


@pytest.mark.parametrize(
    "changes",
    [
        {"DeletionProtection": True}, {"CopyTagsToSnapshot": True}, {"AutoMinorVersionUpgrade": False},
        {"MaxAllocatedStorage": 300}, {"PreferredBackupWindow": "05:00-05:30"}, {"BackupRetentionPeriod": 20},
        {"PreferredMaintenanceWindow": "sun:07:00-sun:08:00"}, {"PromotionTier": 2},
        {"EngineLifecycleSupport": "open-source-rds-extended-support-disabled"},
    ],
)  # fmt: skip
def test_what_interrupts_nothing_counts_at_once(rds: Databases, changes: dict[str, Any]) -> None:
    shown = rds.modify(**changes)
    assert {name: shown[name] for name in changes} == changes
    assert (shown["DBInstanceStatus"], shown["PendingModifiedValues"]) == ("available", {})


@pytest.mark.parametrize(
    ("changes", "states"),
    [
        ({"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["upgrade"]}}, ["configuring-log-exports"]),
        ({"EnablePerformanceInsights": True}, ["modifying"]),
        ({"DBPortNumber": 6000}, ["modifying", "rebooting"]),
        ({"PubliclyAccessible": False}, ["modifying"]),
        ({"MasterUserPassword": "another-one"}, ["resetting-master-credentials"]),
        ({"ManageMasterUserPassword": True}, ["resetting-master-credentials"]),
        ({"EnableIAMDatabaseAuthentication": True, "ApplyImmediately": True}, ["configuring-iam-database-auth"]),
        ({"CACertificateIdentifier": "rds-ca-rsa4096-g1", "ApplyImmediately": True}, ["modifying", "rebooting"]),
        ({"EngineVersion": "17.7", "ApplyImmediately": True}, ["upgrading", "rebooting"]),
        ({"BackupRetentionPeriod": 0, "ApplyImmediately": True}, ["modifying"]),
        ({"AllocatedStorage": 200, "ApplyImmediately": True}, ["modifying", "storage-optimization"]),
        ({"NewDBInstanceIdentifier": "db", "ApplyImmediately": True}, []),
    ],
)
def test_each_kind_of_change_has_its_state(rds: Databases, changes: dict[str, Any], states: list[str]) -> None:
    rds.modify(**changes)
    assert rds.states() == ([*states, "available"] if states else [])


def test_monitoring_is_configured_in_a_state_of_its_own_and_ended_with_its_role(rds: Databases) -> None:
    role = rds.role("monitoring")
    rds.modify(MonitoringInterval=30, MonitoringRoleArn=role)
    assert rds.states() == ["configuring-enhanced-monitoring", "available"]
    shown = rds.shown()
    assert (shown["MonitoringInterval"], shown["MonitoringRoleArn"]) == (30, role)
    rds.modify(MonitoringInterval=0)
    rds.rest()
    assert not {"MonitoringRoleArn", "EnhancedMonitoringResourceArn"} & set(rds.shown())


def test_performance_insights_keep_their_key_and_retention(rds: Databases) -> None:
    key = rds.key()
    rds.modify(
        EnablePerformanceInsights=True, PerformanceInsightsKMSKeyId=key, PerformanceInsightsRetentionPeriod=465,
        DatabaseInsightsMode="advanced",
    )  # fmt: skip
    rds.rest()
    shown = rds.shown()
    assert (shown["PerformanceInsightsKMSKeyId"], shown["PerformanceInsightsRetentionPeriod"]) == (key, 465)
    assert shown["DatabaseInsightsMode"] == "advanced"
    rds.modify(EnablePerformanceInsights=False, DatabaseInsightsMode="standard")
    rds.rest()
    assert not {"PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod"} & set(rds.shown())


def test_a_rename_reboots_takes_time_and_frees_the_old_name(rds: Databases) -> None:
    before = rds.shown()
    rds.modify(NewDBInstanceIdentifier="Old-DB", ApplyImmediately=True)
    with refused("DBInstanceAlreadyExists"):
        rds.ask("ModifyDBInstance", DBInstanceIdentifier="db", NewDBInstanceIdentifier="old-db")
    rds.wait(seconds=31)
    assert rds.status() == "renaming"
    rds.wait(seconds=60)
    assert rds.status("old-db") == "rebooting"
    with refused("DBInstanceNotFound"):
        rds.shown()
    rds.rest()
    after = rds.shown("old-db")
    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert after["Endpoint"]["Address"] == "old-db" + before["Endpoint"]["Address"].removeprefix("db")
    assert after["DBInstanceArn"].endswith(":db:old-db")
    rds.make("db")


def test_a_rename_without_applying_immediately_waits(rds: Databases) -> None:
    answer = rds.modify(NewDBInstanceIdentifier="later")
    assert answer["PendingModifiedValues"] == {"DBInstanceIdentifier": "later"}
    rds.rest()
    assert rds.status() == "available"
    with refused("DBInstanceAlreadyExists"):
        rds.ask("ModifyDBInstance", DBInstanceIdentifier="db", NewDBInstanceIdentifier="later")
    rds.wait(days=3)
    assert rds.status("later") == "available"


@pytest.mark.parametrize("name", ["a--b", "9", "x" * 64])
def test_a_new_name_is_checked_like_a_first_one(rds: Databases, name: str) -> None:
    with refused("InvalidParameterValue"):
        rds.modify(NewDBInstanceIdentifier=name, ApplyImmediately=True)


def test_security_groups_are_swapped_while_the_instance_is_available(rds: Databases) -> None:
    [before] = names(rds.shown())
    closed = rds.group("closed")
    answer = rds.modify(VpcSecurityGroupIds=[closed])
    assert names(answer) == {closed: "adding", before: "removing"}
    assert answer["DBInstanceStatus"] == "available"
    rds.rest()
    assert names(rds.shown()) == {closed: "active"}
    with refused("InvalidParameterValue"):
        rds.modify(VpcSecurityGroupIds=["sg-00000000"], DeletionProtection=True)
    assert rds.shown()["DeletionProtection"] is False
    other = rds.of("ec2", "CreateVpc", CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    foreign = rds.of("ec2", "CreateSecurityGroup", GroupName="g", Description="d", VpcId=other)["GroupId"]
    with refused("InvalidParameterCombination"):
        rds.modify(VpcSecurityGroupIds=[foreign])


def test_another_parameter_group_takes_effect_with_a_reboot(rds: Databases) -> None:
    rds.ask(
        "CreateDBParameterGroup", DBParameterGroupName="tuned", DBParameterGroupFamily="postgres17", Description="d"
    )
    rds.ask("CreateDBParameterGroup", DBParameterGroupName="other", DBParameterGroupFamily="mysql8.0", Description="d")
    shown = rds.modify(DBParameterGroupName="tuned")
    assert shown["DBParameterGroups"] == [{"DBParameterGroupName": "tuned", "ParameterApplyStatus": "pending-reboot"}]
    rds.ask("RebootDBInstance", DBInstanceIdentifier="db")
    rds.rest()
    assert rds.shown()["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    with refused("InvalidParameterCombination"):
        rds.modify(DBParameterGroupName="other")


def test_storage_grows_by_a_tenth_at_least_and_is_optimized_for_an_hour(rds: Databases) -> None:
    with refused("InvalidParameterCombination"):
        rds.modify(AllocatedStorage=50)
    rds.modify(AllocatedStorage=101, ApplyImmediately=True)
    rds.wait(minutes=30)
    shown = rds.shown()
    assert (shown["AllocatedStorage"], shown["DBInstanceStatus"]) == (110, "storage-optimization")
    with refused("InvalidDBInstanceState"):
        rds.modify(AllocatedStorage=200, ApplyImmediately=True)
    rds.ask("CreateDBSnapshot", DBInstanceIdentifier="db", DBSnapshotIdentifier="s")
    assert rds.status() == "backing-up"
    rds.wait(minutes=10)
    assert rds.status() == "storage-optimization"
    rds.wait(hours=1)
    assert rds.status() == "available"


def test_a_storage_type_brings_its_own_iops_and_throughput(rds: Databases) -> None:
    shown = rds.now_modify(StorageType="io2", Iops=5000)
    assert (shown["StorageType"], shown["Iops"]) == ("io2", 5000)
    assert "StorageThroughput" not in shown
    with refused("InvalidParameterCombination"):
        rds.modify(Iops=6000, ApplyImmediately=True)
    assert rds.now_modify(Iops=6000, AllocatedStorage=100)["Iops"] == 6000
    shown = rds.now_modify(StorageType="gp2")
    assert "Iops" not in shown


def test_autoscaling_of_storage_ends_where_its_limit_is_the_storage(rds: Databases) -> None:
    rds.modify(MaxAllocatedStorage=300)
    assert "MaxAllocatedStorage" not in rds.modify(MaxAllocatedStorage=100)


@pytest.mark.parametrize("leaving", [{"DisableDomain": True}, {"Domain": "none"}])
def test_an_instance_leaves_and_joins_a_domain(rds: Databases, leaving: dict[str, Any]) -> None:
    shown = rds.now_modify(Domain="d-1", DomainIAMRoleName="directory")
    assert shown["DomainMemberships"] == [{"Domain": "d-1", "IAMRoleName": "directory", "Status": "joined"}]
    assert rds.now_modify(**leaving)["DomainMemberships"] == []


def test_a_password_that_rds_manages_is_a_secret_and_not_set_by_hand(rds: Databases) -> None:
    key = rds.key()
    shown = rds.now_modify(ManageMasterUserPassword=True, MasterUserSecretKmsKeyId=key)
    secret = shown["MasterUserSecret"]
    assert (secret["KmsKeyId"], secret["SecretStatus"]) == (key, "active")
    held = rds.of("secretsmanager", "GetSecretValue", SecretId=secret["SecretArn"])
    assert held["Name"].startswith("rds!db-")
    with refused("InvalidParameterCombination"):
        rds.modify(MasterUserPassword="by-hand")
    with refused("InvalidParameterCombination"):
        rds.modify(ManageMasterUserPassword=False)
    shown = rds.now_modify(ManageMasterUserPassword=False, MasterUserPassword="by-hand")
    assert "MasterUserSecret" not in shown
    assert rds.of("secretsmanager", "ListSecrets")["SecretList"] == []


def test_a_role_serves_one_feature_and_becomes_active(rds: Databases) -> None:
    role = rds.role("importer")
    asked = {"DBInstanceIdentifier": "db", "RoleArn": role, "FeatureName": "s3Import"}
    rds.ask("AddRoleToDBInstance", **asked)
    pair = {"RoleArn": role, "FeatureName": "s3Import"}
    assert rds.shown()["AssociatedRoles"] == [{**pair, "Status": "PENDING"}]
    rds.rest()
    assert rds.shown()["AssociatedRoles"] == [{**pair, "Status": "ACTIVE"}]
    with refused("DBInstanceRoleAlreadyExists"):
        rds.ask("AddRoleToDBInstance", **asked)
    with refused("InvalidParameterValue"):
        rds.ask("AddRoleToDBInstance", **asked | {"FeatureName": "S3_INTEGRATION"})
    rds.ask("RemoveRoleFromDBInstance", **asked)
    rds.ask("RemoveRoleFromDBInstance", **asked)
    rds.rest()
    assert rds.shown()["AssociatedRoles"] == []
    with refused("DBInstanceRoleNotFound"):
        rds.ask("RemoveRoleFromDBInstance", **asked)


def test_tags_are_set_listed_and_removed_on_instances_and_on_what_moto_keeps(rds: Databases) -> None:
    group = "arn:aws:rds:eu-central-1:111122223333:subgrp:" + rds.subnet_group("inner")
    for arn in (rds.shown()["DBInstanceArn"], group):
        rds.ask("AddTagsToResource", ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        rds.ask("RemoveTagsFromResource", ResourceName=arn, TagKeys=["a", "none"])
        assert rds.ask("ListTagsForResource", ResourceName=arn)["TagList"] == [{"Key": "b", "Value": "2"}]
    with refused("DBInstanceNotFound"):
        rds.ask("ListTagsForResource", ResourceName=rds.shown()["DBInstanceArn"] + "x")
    with refused("InvalidParameterValue"):
        rds.ask("AddTagsToResource", ResourceName=rds.shown()["DBInstanceArn"], Tags=[{"Key": "aws:x", "Value": ""}])


def connected(rds: Databases, name: str = "db", minutes: int = 5) -> list[float]:
    """The highest number of connections in each of the last minutes that were measured."""
    now = rds.desk.world.agenda.now().replace(second=0)
    asked = {
        "Namespace": "AWS/RDS", "MetricName": "DatabaseConnections", "Period": 60, "Statistics": ["Maximum"],
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": name}],
        "StartTime": now - timedelta(minutes=minutes), "EndTime": now,
    }  # fmt: skip
    points = rds.of("cloudwatch", "GetMetricStatistics", **asked)["Datapoints"]
    return [one["Maximum"] for one in sorted(points, key=lambda one: one["Timestamp"])]


def test_connections_end_by_a_reboot_behind_a_group_that_lets_nobody_in(rds: Databases) -> None:
    feed = rds.desk.corrected.connections.feed
    opened, closed = rds.group("open", 5432), rds.group("closed")
    feed(ACCOUNT, REGION, "db", 12)
    rds.now_modify(VpcSecurityGroupIds=[opened])
    rds.wait(minutes=5)
    assert connected(rds) == [12.0] * 5
    rds.now_modify(VpcSecurityGroupIds=[closed])
    rds.wait(minutes=5)
    assert connected(rds) == [12.0] * 5  # what is connected stays so
    rds.ask("RebootDBInstance", DBInstanceIdentifier="db")
    rds.rest()
    rds.wait(minutes=5)
    assert connected(rds) == [0.0] * 5
    rds.now_modify(VpcSecurityGroupIds=[opened])
    rds.wait(minutes=5)
    assert connected(rds)[-4:] == [12.0] * 4


def test_metrics_follow_the_name_and_a_stopped_instance_has_none(rds: Databases) -> None:
    rds.desk.corrected.connections.feed(ACCOUNT, REGION, "db", 3)
    rds.now_modify(VpcSecurityGroupIds=[rds.group("open", 5432)], NewDBInstanceIdentifier="old")
    rds.wait(minutes=5)
    assert (connected(rds), connected(rds, "old"), connected(rds, "none")) == ([], [3.0] * 5, [])
    rds.ask("StopDBInstance", DBInstanceIdentifier="old")
    rds.rest()
    rds.wait(minutes=10)
    assert connected(rds, "old") == []
    assert listed(rds) == ["db", "old"]
    # RDS starts what was stopped after a week.
    rds.wait(days=15)
    assert listed(rds) == ["old"]


def listed(rds: Databases) -> list[str]:
    """The instances that ListMetrics names."""
    found = rds.of("cloudwatch", "ListMetrics", Namespace="AWS/RDS")["Metrics"]
    return [one["Dimensions"][0]["Value"] for one in found]
