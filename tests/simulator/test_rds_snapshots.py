"""Snapshots of DB instances: they take time, copies encrypt them, and instances are restored from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.call import ServiceError
from tests.simulator.correction_world import ACCOUNT, OTHER, REGION, desk
from tests.simulator.rds_world import PLAIN, Databases, databases

TAGS = [{"Key": "owner", "Value": "me"}]
# Far from every default.
UNUSUAL: dict[str, Any] = {
    "AutoMinorVersionUpgrade": False,
    "BackupRetentionPeriod": 9,
    "CACertificateIdentifier": "rds-ca-ecc384-g1",
    "CopyTagsToSnapshot": True,
    "DBName": "orders",
    "DedicatedLogVolume": True,
    "DeletionProtection": True,
    "Domain": "d-1",
    "DomainIAMRoleName": "directory",
    "EnableCloudwatchLogsExports": ["postgresql"],
    "EnableIAMDatabaseAuthentication": True,
    "EnablePerformanceInsights": True,
    "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
    "Iops": 5000,
    "MaxAllocatedStorage": 500,
    "MultiAZ": True,
    "NetworkType": "DUAL",
    "Port": 6000,
    "PreferredBackupWindow": "12:00-12:30",
    "PreferredMaintenanceWindow": "sun:14:00-sun:15:00",
    "ProcessorFeatures": [{"Name": "threadsPerCore", "Value": "1"}],
    "StorageType": "io2",
    "Tags": TAGS,
}


@pytest.fixture
def rds() -> Iterator[Databases]:
    with databases() as opened:
        yield opened


def refused(code: str) -> Any:
    return pytest.raises(ServiceError, match=rf"^{code}:")


def test_a_snapshot_takes_time_tells_how_far_it_is_and_backs_the_instance_up_meanwhile(rds: Databases) -> None:
    rds.make()
    answer = rds.ask("CreateDBSnapshot", DBInstanceIdentifier="db", DBSnapshotIdentifier="Before")["DBSnapshot"]
    assert (answer["DBSnapshotIdentifier"], answer["Status"], answer["PercentProgress"]) == ("before", "creating", 0)
    assert rds.status() == "backing-up"
    rds.wait(seconds=140)  # of 280: three minutes and a second for each GiB
    [found] = rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="before")["DBSnapshots"]
    assert (found["Status"], found["PercentProgress"]) == ("creating", 50)
    assert "SnapshotCreateTime" not in found
    rds.rest()
    [found] = rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="before")["DBSnapshots"]
    assert (found["Status"], found["PercentProgress"], rds.status()) == ("available", 100, "available")
    assert (found["Encrypted"], found["StorageEncryptionType"]) == (False, "none")
    assert found["DbiResourceId"] == rds.shown()["DbiResourceId"]


@pytest.mark.parametrize(("copied", "given", "expected"), [(True, [], TAGS), (False, [], []), (True, TAGS[:0], TAGS)])
def test_a_snapshot_has_the_instances_tags_where_they_are_to_be_copied(
    rds: Databases, copied: bool, given: list[dict[str, str]], expected: list[dict[str, str]]
) -> None:
    rds.make(Tags=TAGS, CopyTagsToSnapshot=copied)
    assert rds.snapshot(Tags=given)["TagList"] == expected


def test_a_copy_with_a_key_is_encrypted_and_takes_time(rds: Databases) -> None:
    rds.make()
    rds.snapshot(Tags=TAGS)
    key = rds.key()
    rds.of("kms", "CreateAlias", AliasName="alias/data", TargetKeyId=key)
    asked = {"SourceDBSnapshotIdentifier": "before", "TargetDBSnapshotIdentifier": "encrypted", "CopyTags": True}
    answer = rds.ask("CopyDBSnapshot", **asked, KmsKeyId="alias/data")["DBSnapshot"]
    assert (answer["Status"], answer["PercentProgress"]) == ("creating", 0)
    with refused("InvalidDBSnapshotState"):
        rds.ask("RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier="x", DBSnapshotIdentifier="encrypted")
    with refused("InvalidDBSnapshotState"):
        rds.copy("encrypted", "again")
    rds.rest()
    [copy] = rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="encrypted")["DBSnapshots"]
    assert (copy["Encrypted"], copy["StorageEncryptionType"], copy["KmsKeyId"]) == (True, "sse-kms", key)
    assert copy["TagList"] == TAGS
    [source] = rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="before")["DBSnapshots"]
    assert source["Encrypted"] is False
    assert copy["OriginalSnapshotCreateTime"] == source["SnapshotCreateTime"] < copy["SnapshotCreateTime"]
    [grant] = rds.of("kms", "ListGrants", KeyId=key)["Grants"]
    assert grant["GranteePrincipal"] == f"rds.{REGION}.amazonaws.com"


def test_a_copy_has_no_tags_and_no_encryption_that_were_not_asked_for(rds: Databases) -> None:
    rds.make()
    rds.snapshot(Tags=TAGS)
    copy = rds.copy()
    assert (copy["TagList"], copy["Encrypted"]) == ([], False)
    key = rds.key()
    rds.copy(name="first", KmsKeyId=key)
    assert rds.copy("first", "second")["KmsKeyId"] == key


@pytest.mark.parametrize("fault", ["missing", "disabled", "deleted", "asymmetric", "elsewhere"])
def test_a_key_that_cannot_be_used_is_refused(rds: Databases, fault: str) -> None:
    rds.make()
    rds.snapshot()
    key = rds.key()
    if fault == "missing":
        key = key[:-4] + "0000"
    elif fault == "disabled":
        rds.of("kms", "DisableKey", KeyId=key)
    elif fault == "deleted":
        rds.of("kms", "ScheduleKeyDeletion", KeyId=key)
    elif fault == "asymmetric":
        key = rds.of("kms", "CreateKey", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    else:
        key = key.replace(REGION, "eu-west-1")
    with refused("KMSKeyNotAccessibleFault"):
        rds.copy(KmsKeyId=key)
    with refused("DBSnapshotNotFound"):
        rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="encrypted")


def test_a_copy_fails_whose_key_is_disabled_meanwhile(rds: Databases) -> None:
    rds.make()
    rds.snapshot()
    key = rds.key()
    asked = {"SourceDBSnapshotIdentifier": "before", "TargetDBSnapshotIdentifier": "encrypted", "KmsKeyId": key}
    rds.ask("CopyDBSnapshot", **asked)
    rds.of("kms", "DisableKey", KeyId=key)
    rds.rest()
    [copy] = rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="encrypted")["DBSnapshots"]
    assert copy["Status"] == "failed"
    with refused("InvalidDBSnapshotState"):
        rds.restore("encrypted")
    rds.ask("DeleteDBSnapshot", DBSnapshotIdentifier="encrypted")


def test_names_of_snapshots_are_checked_and_taken_once(rds: Databases) -> None:
    rds.make()
    for name in ("a--b", "1", "s-", "s" * 256):
        with refused("InvalidParameterValue"):
            rds.snapshot(name)
    rds.snapshot()
    with refused("DBSnapshotAlreadyExists"):
        rds.snapshot("BEFORE")
    with refused("DBSnapshotAlreadyExists"):
        rds.copy("before", "before")
    with refused("DBSnapshotNotFound"):
        rds.copy("none")


def test_snapshots_are_found_by_instance_and_stay_without_it(rds: Databases) -> None:
    resource = rds.make()["DbiResourceId"]
    rds.make("other")
    rds.snapshot("one")
    rds.snapshot("two", of="other")
    for asked in ({"DBInstanceIdentifier": "db"}, {"DbiResourceId": resource}):
        assert [one["DBSnapshotIdentifier"] for one in rds.ask("DescribeDBSnapshots", **asked)["DBSnapshots"]] == [
            "one"
        ]
    rds.ask("DeleteDBInstance", DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    rds.rest()
    assert len(rds.ask("DescribeDBSnapshots", SnapshotType="manual")["DBSnapshots"]) == 2
    rds.ask("DeleteDBSnapshot", DBSnapshotIdentifier="one")
    assert len(rds.ask("DescribeDBSnapshots")["DBSnapshots"]) == 1


def test_a_snapshot_is_shared_and_restored_by_another_account(rds: Databases) -> None:
    rds.make()
    rds.snapshot()
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:before"
    asked = {"SourceDBSnapshotIdentifier": arn, "TargetDBSnapshotIdentifier": "ours"}
    with refused("DBSnapshotNotFound"):
        rds.ask("CopyDBSnapshot", by=OTHER, **asked)
    rds.ask("ModifyDBSnapshotAttribute", DBSnapshotIdentifier="before", AttributeName="restore", ValuesToAdd=[OTHER])
    shown = rds.ask("DescribeDBSnapshotAttributes", DBSnapshotIdentifier="before")["DBSnapshotAttributesResult"]
    assert shown["DBSnapshotAttributes"] == [{"AttributeName": "restore", "AttributeValues": [OTHER]}]
    assert rds.ask("CopyDBSnapshot", by=OTHER, **asked)["DBSnapshot"]["SourceDBSnapshotIdentifier"] == arn
    shared = rds.ask("DescribeDBSnapshots", by=OTHER, SnapshotType="shared", IncludeShared=True)["DBSnapshots"]
    assert arn in [one["DBSnapshotArn"] for one in shared]


def test_a_restored_instance_has_the_silent_defaults_of_aws(rds: Databases) -> None:
    rds.ask(
        "CreateDBParameterGroup", DBParameterGroupName="tuned", DBParameterGroupFamily="postgres17", Description="d"
    )
    rds.ask(
        "CreateOptionGroup", OptionGroupName="extras", EngineName="postgres", MajorEngineVersion="17",
        OptionGroupDescription="d",
    )  # fmt: skip
    before = rds.make(
        **UNUSUAL, DBParameterGroupName="tuned", OptionGroupName="extras", DBSubnetGroupName=rds.subnet_group("inner"),
        VpcSecurityGroupIds=[rds.group("mine")], MonitoringInterval=15, MonitoringRoleArn=rds.role("monitoring"),
        PubliclyAccessible=False,
    )  # fmt: skip
    rds.snapshot(Tags=[{"Key": "taken", "Value": "now"}])
    rds.copy(KmsKeyId=rds.key())
    after = rds.restore("encrypted")
    kept = ("AllocatedStorage", "BackupRetentionPeriod", "DBInstanceClass", "DBName", "Engine", "EngineVersion")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["Endpoint"]["Port"], after["ProcessorFeatures"]) == (6000, UNUSUAL["ProcessorFeatures"])
    assert (after["StorageEncrypted"], after["StorageEncryptionType"]) == (True, "sse-kms")
    for name, value in {
        "AutoMinorVersionUpgrade": True, "CACertificateIdentifier": "rds-ca-rsa2048-g1", "CopyTagsToSnapshot": False,
        "DedicatedLogVolume": False, "DeletionProtection": False, "DomainMemberships": [],
        "EngineLifecycleSupport": "open-source-rds-extended-support", "IAMDatabaseAuthenticationEnabled": False,
        "Iops": 3000, "MonitoringInterval": 0, "MultiAZ": False, "NetworkType": "IPV4",
        "PerformanceInsightsEnabled": False, "PubliclyAccessible": True, "StorageType": "gp3",
    }.items():  # fmt: skip
        assert after[name] == value, name
    assert not {"MaxAllocatedStorage", "MonitoringRoleArn", "EnabledCloudwatchLogsExports"} & set(after)
    for name in ("VpcSecurityGroups", "DBParameterGroups", "OptionGroupMemberships", "DBSubnetGroup", "DbiResourceId"):
        assert after[name] != before[name], name
    for name in ("PreferredBackupWindow", "PreferredMaintenanceWindow"):
        assert after[name] != before[name], name
    assert after["TagList"] == TAGS  # of the source instance, not of the snapshot


def test_what_is_passed_to_a_restore_counts(rds: Databases) -> None:
    rds.make(**UNUSUAL)
    rds.snapshot()
    groups, key = [rds.group("mine")], rds.key()
    rds.copy(KmsKeyId=key)
    passed = {name: value for name, value in UNUSUAL.items() if name not in ("DBName", "MaxAllocatedStorage")}
    passed = {name: value for name, value in passed.items() if not name.startswith(("EnablePer", "PreferredM"))}
    after = rds.restore(
        "encrypted", **passed | {"Tags": [{"Key": "new", "Value": "1"}]}, VpcSecurityGroupIds=groups,
        DBInstanceClass="db.r5.large", DBSubnetGroupName=rds.subnet_group("inner"),
    )  # fmt: skip
    shown = rds.shown()
    for name in (
        "AutoMinorVersionUpgrade", "BackupRetentionPeriod", "CACertificateIdentifier", "CopyTagsToSnapshot",
        "DedicatedLogVolume", "DeletionProtection", "DomainMemberships", "EnabledCloudwatchLogsExports",
        "EngineLifecycleSupport", "IAMDatabaseAuthenticationEnabled", "Iops", "MultiAZ", "NetworkType",
        "PreferredBackupWindow", "ProcessorFeatures", "StorageType",
    ):  # fmt: skip
        assert after[name] == shown[name], name
    assert (after["DBInstanceClass"], after["PubliclyAccessible"]) == ("db.r5.large", False)
    assert [one["VpcSecurityGroupId"] for one in after["VpcSecurityGroups"]] == groups
    assert after["TagList"] == [{"Key": "new", "Value": "1"}]


def test_the_same_restore_has_the_same_windows_zone_and_id_in_every_run() -> None:
    found = []
    for _ in range(2):
        with databases() as rds:
            rds.make()
            rds.snapshot()
            found.append(rds.restore())
    for name in (
        "AvailabilityZone",
        "DbiResourceId",
        "Endpoint",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
    ):
        assert found[0][name] == found[1][name], name


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"DBInstanceIdentifier": "db"}, "DBInstanceAlreadyExists"),
        ({"DBInstanceIdentifier": "a--b"}, "InvalidParameterValue"),
        ({"DBSnapshotIdentifier": "none"}, "DBSnapshotNotFound"),
        ({"DBName": "other"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.t2.micro"}, "InvalidParameterCombination"),
        ({"StorageType": "io1", "Iops": 0}, "InvalidParameterCombination"),
        ({"AllocatedStorage": 20}, "InvalidParameterCombination"),
        ({"MultiAZ": True, "AvailabilityZone": f"{REGION}a"}, "InvalidParameterCombination"),
        ({"ManageMasterUserPassword": True}, "InvalidParameterCombination"),
        ({"Engine": "mysql"}, "InvalidRestoreFault"),
        ({"DBClusterSnapshotIdentifier": "many"}, "NotImplemented"),
    ],
)
def test_a_restore_that_does_not_fit_is_refused(rds: Databases, more: dict[str, Any], code: str) -> None:
    rds.make()
    rds.snapshot()
    rds.copy(KmsKeyId=rds.key())
    asked = {"DBInstanceIdentifier": "restored", "DBSnapshotIdentifier": "encrypted", **more}
    with refused(code):
        rds.ask("RestoreDBInstanceFromDBSnapshot", **asked)
    assert len(rds.ask("DescribeDBInstances")["DBInstances"]) == 1


def test_a_key_that_was_disabled_meanwhile_stops_a_restore_and_a_start(rds: Databases) -> None:
    rds.make()
    rds.snapshot()
    key = rds.key()
    rds.copy(KmsKeyId=key)
    rds.restore("encrypted")
    rds.ask("StopDBInstance", DBInstanceIdentifier="restored")
    rds.rest()
    rds.of("kms", "DisableKey", KeyId=key)
    with refused("KMSKeyNotAccessibleFault"):
        rds.restore("encrypted", "another")
    with refused("KMSKeyNotAccessibleFault"):
        rds.ask("StartDBInstance", DBInstanceIdentifier="restored")


def test_an_option_group_with_permanent_options_stays(rds: Databases) -> None:
    rds.ask(
        "CreateOptionGroup", OptionGroupName="sealed", EngineName="oracle-ee", MajorEngineVersion="19",
        OptionGroupDescription="d",
    )  # fmt: skip
    rds.ask("ModifyOptionGroup", OptionGroupName="sealed", OptionsToInclude=[{"OptionName": "TDE"}])
    rds.make(Engine="oracle-ee", OptionGroupName="sealed")
    rds.snapshot()
    assert rds.restore()["OptionGroupMemberships"][0]["OptionGroupName"] == "sealed"


def test_sql_server_express_has_no_encryption(rds: Databases) -> None:
    rds.make(Engine="sqlserver-ex", DBInstanceClass="db.t3.micro")
    rds.snapshot()
    with refused("InvalidParameterCombination"):
        rds.copy(KmsKeyId=rds.key())


def test_twenty_copies_are_made_at_a_time_and_a_hundred_snapshots_kept(rds: Databases) -> None:
    rds.make()
    rds.snapshot()
    for number in range(20):
        rds.ask("CopyDBSnapshot", SourceDBSnapshotIdentifier="before", TargetDBSnapshotIdentifier=f"copy-{number}")
    with refused("SnapshotQuotaExceeded"):
        rds.copy()
    rds.rest()
    for number in range(20, 99):
        rds.copy(name=f"copy-{number}")
    with refused("SnapshotQuotaExceeded"):
        rds.snapshot("one-more")


def test_moto_still_copies_and_restores_at_once_and_keeps_what_aws_drops() -> None:
    with desk("rds") as moto:
        moto.ask("CreateDBInstance", DBInstanceIdentifier="db", **PLAIN, DeletionProtection=True)
        moto.ask("CreateDBSnapshot", DBInstanceIdentifier="db", DBSnapshotIdentifier="s")
        answer = moto.ask("CopyDBSnapshot", SourceDBSnapshotIdentifier="s", TargetDBSnapshotIdentifier="t")
        assert answer["DBSnapshot"]["Status"] == "available"
        made = moto.ask("RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier="new", DBSnapshotIdentifier="t")
        assert made["DBInstance"]["DeletionProtection"] is True
