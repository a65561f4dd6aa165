"""DB instances as AWS has them: what they show, the states that they go through, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulator.call import ServiceError
from simulator.services.rds_engines import ENGINES
from tests.simulator.correction_world import ACCOUNT, REGION, desk
from tests.simulator.rds_world import PLAIN, Databases, databases


@pytest.fixture
def rds() -> Iterator[Databases]:
    with databases() as opened:
        yield opened


def refused(code: str) -> Any:
    return pytest.raises(ServiceError, match=rf"^{code}:")


def test_a_new_instance_takes_its_time_and_has_its_endpoint_when_it_is_made(rds: Databases) -> None:
    made = rds.ask("CreateDBInstance", DBInstanceIdentifier="Orders-DB", **PLAIN)["DBInstance"]
    assert (made["DBInstanceIdentifier"], made["DBInstanceStatus"]) == ("orders-db", "creating")
    assert "Endpoint" not in made
    assert "InstanceCreateTime" not in made
    assert rds.states("orders-db") == ["backing-up", "available"]
    shown = rds.shown("orders-db")
    assert shown["Endpoint"]["Address"].startswith("orders-db.")
    assert shown["Endpoint"]["Port"] == 5432
    assert shown["DBInstanceArn"] == f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders-db"
    assert len(shown["DbiResourceId"]) == 29


def test_moto_still_has_instances_at_once_under_one_resource_id() -> None:
    with desk("rds") as moto:
        made = [moto.ask("CreateDBInstance", DBInstanceIdentifier=name, **PLAIN)["DBInstance"] for name in ("a", "b")]
        assert made[0]["DbiResourceId"] == made[1]["DbiResourceId"]
        [found] = moto.ask("DescribeDBInstances", DBInstanceIdentifier="a")["DBInstances"]
        assert found["DBInstanceStatus"] == "available"
        assert "StorageEncryptionType" not in found


def test_what_is_not_said_gets_the_defaults_of_aws(rds: Databases) -> None:
    shown = rds.make()
    for name, value in {
        "AutoMinorVersionUpgrade": True, "BackupRetentionPeriod": 1, "BackupTarget": "region",
        "CACertificateIdentifier": "rds-ca-rsa2048-g1", "CopyTagsToSnapshot": False, "DatabaseInsightsMode": "standard",
        "DeletionProtection": False, "EngineLifecycleSupport": "open-source-rds-extended-support",
        "IAMDatabaseAuthenticationEnabled": False, "Iops": 3000, "LicenseModel": "postgresql-license",
        "MonitoringInterval": 0, "MultiAZ": False, "NetworkType": "IPV4", "PerformanceInsightsEnabled": False,
        "PubliclyAccessible": True, "StorageEncrypted": False, "StorageEncryptionType": "none",
        "StorageThroughput": 125, "StorageType": "gp3",
    }.items():  # fmt: skip
        assert shown[name] == value, name
    assert shown["DBSubnetGroup"]["DBSubnetGroupName"] == "default"
    assert shown["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres17"
    assert shown["OptionGroupMemberships"][0]["OptionGroupName"] == "default:postgres-17"
    [group] = shown["VpcSecurityGroups"]
    described = rds.of("ec2", "DescribeSecurityGroups", GroupIds=[group["VpcSecurityGroupId"]])["SecurityGroups"]
    assert described[0]["GroupName"] == "default"
    assert not {"KmsKeyId", "MaxAllocatedStorage", "MonitoringRoleArn", "MasterUserSecret"} & set(shown)


def test_attributes_are_shown_as_they_were_asked_for_in_the_shapes_of_describe(rds: Databases) -> None:
    monitoring, key, insights = rds.role("monitoring"), rds.key(), rds.key()
    same: dict[str, Any] = {
        "AutoMinorVersionUpgrade": False, "BackupRetentionPeriod": 9, "CACertificateIdentifier": "rds-ca-ecc384-g1",
        "CopyTagsToSnapshot": True, "DBName": "orders", "DatabaseInsightsMode": "advanced", "DeletionProtection": True,
        "DedicatedLogVolume": True, "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "Iops": 4000, "KmsKeyId": key, "MaxAllocatedStorage": 500, "MonitoringInterval": 15,
        "MonitoringRoleArn": monitoring, "MultiAZ": True, "NetworkType": "DUAL",
        "PerformanceInsightsKMSKeyId": insights, "PerformanceInsightsRetentionPeriod": 465,
        "PreferredBackupWindow": "01:00-01:45", "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
        "ProcessorFeatures": [{"Name": "threadsPerCore", "Value": "1"}], "PromotionTier": 3,
        "PubliclyAccessible": False, "StorageEncrypted": True, "StorageType": "io2",
    }  # fmt: skip
    groups = [rds.group("one"), rds.group("two")]
    shown = rds.make(
        **same, DBSubnetGroupName=rds.subnet_group("inner"), Domain="d-1", DomainIAMRoleName="directory",
        EnableCloudwatchLogsExports=["postgresql"], EnableIAMDatabaseAuthentication=True,
        EnablePerformanceInsights=True, ManageMasterUserPassword=True, MasterUserPassword=None, Port=6000,
        Tags=[{"Key": "owner", "Value": "me"}], VpcSecurityGroupIds=groups,
    )  # fmt: skip
    assert {name: shown[name] for name in same} == same
    assert shown["StorageEncryptionType"] == "sse-kms"
    assert shown["DBSubnetGroup"]["DBSubnetGroupName"] == "inner"
    assert shown["SecondaryAvailabilityZone"] != shown["AvailabilityZone"]
    assert shown["DomainMemberships"] == [{"Domain": "d-1", "IAMRoleName": "directory", "Status": "joined"}]
    assert shown["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert shown["IAMDatabaseAuthenticationEnabled"] is True
    assert shown["PerformanceInsightsEnabled"] is True
    assert shown["MasterUserSecret"]["SecretStatus"] == "active"
    assert shown["Endpoint"]["Port"] == 6000
    assert shown["TagList"] == [{"Key": "owner", "Value": "me"}]
    assert [one["VpcSecurityGroupId"] for one in shown["VpcSecurityGroups"]] == groups
    assert shown["EnhancedMonitoringResourceArn"].endswith(shown["DbiResourceId"])
    assert shown["CertificateDetails"]["CAIdentifier"] == "rds-ca-ecc384-g1"


@pytest.mark.parametrize(
    ("engine", "size", "asked", "expected"),
    [
        ("postgres", 399, {}, (3000, 125)),
        ("postgres", 400, {}, (12000, 500)),
        ("oracle-ee", 200, {}, (12000, 500)),
        ("sqlserver-se", 400, {}, (3000, 125)),
        ("sqlserver-se", 20, {"Iops": 4000}, (4000, 125)),
        ("mysql", 500, {"Iops": 14000, "StorageThroughput": 700}, (14000, 700)),
    ],
)
def test_gp3_storage_has_a_baseline_and_more_from_the_size_where_it_is_striped(
    rds: Databases, engine: str, size: int, asked: dict[str, Any], expected: tuple[int, int]
) -> None:
    shown = rds.make(Engine=engine, AllocatedStorage=size, StorageType="gp3", **asked)
    assert (shown["Iops"], shown["StorageThroughput"]) == expected


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_engine_has_instances_that_are_copied_and_restored(rds: Databases, engine: str) -> None:
    if engine.startswith("aurora"):
        with refused("InvalidParameterCombination"):
            rds.make(Engine=engine)
        return
    before = rds.make(Engine=engine)
    rds.snapshot()
    if engine.startswith("custom"):
        with refused("InvalidParameterCombination"):
            rds.copy()
        return
    after = rds.restore(rds.copy()["DBSnapshotIdentifier"])
    for name in ("Engine", "EngineVersion", "LicenseModel", "DBParameterGroups", "OptionGroupMemberships"):
        assert after[name] == before[name], name


@pytest.mark.parametrize("name", ["a--b", "1a", "a-", "a_b", "a" * 64, "-a", ""])
def test_names_that_are_not_valid_are_refused(rds: Databases, name: str) -> None:
    with refused("InvalidParameterValue"):
        rds.ask("CreateDBInstance", DBInstanceIdentifier=name, **PLAIN)


def test_a_name_of_63_characters_is_valid_and_taken_once_whatever_its_case(rds: Databases) -> None:
    rds.make("a" * 63)
    with refused("DBInstanceAlreadyExists"):
        rds.ask("CreateDBInstance", DBInstanceIdentifier="A" * 63, **PLAIN)
    with refused("DBInstanceNotFound"):
        rds.ask("DescribeDBInstances", DBInstanceIdentifier="b")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Engine": "oracle"}, "InvalidParameterValue"),
        ({"DBInstanceClass": "db.none"}, "InvalidParameterValue"),
        ({"StorageType": "io1"}, "InvalidParameterCombination"),
        ({"StorageType": "io1", "Iops": 10_000}, "InvalidParameterCombination"),
        ({"StorageType": "gp3", "Iops": 3000}, "InvalidParameterCombination"),
        ({"StorageType": "gp3", "StorageThroughput": 125}, "InvalidParameterCombination"),
        ({"StorageType": "gp3", "Iops": 3000, "AllocatedStorage": 400}, "InvalidParameterCombination"),
        ({"MonitoringInterval": 30}, "InvalidParameterCombination"),
        ({"MonitoringInterval": 30, "MonitoringRoleArn": "arn:aws:iam::1:role/none"}, "InvalidParameterValue"),
        ({"PreferredBackupWindow": "03:30-04:00", "PreferredMaintenanceWindow": "sun:03:00-sun:05:00"}, "Invalid.*"),
        ({"VpcSecurityGroupIds": ["sg-0123456789"]}, "InvalidParameterValue"),
        ({"DBSubnetGroupName": "none"}, "DBSubnetGroupNotFoundFault"),
        ({"DBParameterGroupName": "none"}, "DBParameterGroupNotFound"),
        ({"OptionGroupName": "none"}, "OptionGroupNotFoundFault"),
        ({"MaxAllocatedStorage": 100}, "InvalidParameterCombination"),
        ({"CACertificateIdentifier": "rds-ca-2015"}, "CertificateNotFound"),
        ({"EnableCloudwatchLogsExports": ["slowquery"]}, "InvalidParameterCombination"),
        ({"DatabaseInsightsMode": "advanced"}, "InvalidParameterCombination"),
        ({"StorageEncrypted": True, "DBInstanceClass": "db.t2.micro"}, "InvalidParameterCombination"),
        ({"KmsKeyId": "alias/aws/rds"}, "InvalidParameterCombination"),
        ({"MultiAZ": True, "AvailabilityZone": f"{REGION}a"}, "InvalidParameterCombination"),
        ({"Engine": "oracle-ee", "EnableIAMDatabaseAuthentication": True}, "InvalidParameterCombination"),
        ({"Port": 80}, "InvalidParameterValue"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_made(rds: Databases, more: dict[str, Any], code: str) -> None:
    with refused(code):
        rds.ask("CreateDBInstance", DBInstanceIdentifier="db", **PLAIN | more)
    assert rds.ask("DescribeDBInstances")["DBInstances"] == []


def test_a_public_instance_needs_an_internet_gateway(rds: Databases) -> None:
    vpc = rds.of("ec2", "CreateVpc", CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        rds.of("ec2", "CreateSubnet", VpcId=vpc, CidrBlock=f"10.8.{at}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for at, zone in enumerate("ab")
    ]
    names = [one["Subnet"]["SubnetId"] for one in subnets]
    rds.ask("CreateDBSubnetGroup", DBSubnetGroupName="own", DBSubnetGroupDescription="d", SubnetIds=names)
    with refused("InvalidVPCNetworkStateFault"):
        rds.make(DBSubnetGroupName="own", PubliclyAccessible=True)
    assert rds.make("private", DBSubnetGroupName="own")["PubliclyAccessible"] is False
    gateway = rds.of("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    rds.of("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    assert rds.make(DBSubnetGroupName="own", PubliclyAccessible=True)["PubliclyAccessible"] is True


def test_instances_come_in_pages_and_by_filters(rds: Databases) -> None:
    for number in range(25):
        rds.ask("CreateDBInstance", DBInstanceIdentifier=f"db-{number:02}", **PLAIN)
    first = rds.ask("DescribeDBInstances", MaxRecords=20)
    rest = rds.ask("DescribeDBInstances", MaxRecords=20, Marker=first["Marker"])
    names = [one["DBInstanceIdentifier"] for page in (first, rest) for one in page["DBInstances"]]
    assert names == [f"db-{number:02}" for number in range(25)]
    assert "Marker" not in rest
    one = first["DBInstances"][3]
    for name, value in (("dbi-resource-id", one["DbiResourceId"]), ("db-instance-id", one["DBInstanceArn"])):
        found = rds.ask("DescribeDBInstances", Filters=[{"Name": name, "Values": [value]}])["DBInstances"]
        assert [instance["DBInstanceIdentifier"] for instance in found] == ["db-03"]
    with refused("InvalidParameterValue"):
        rds.ask("DescribeDBInstances", Filters=[{"Name": "status", "Values": ["available"]}])
    with refused("InvalidParameterValue"):
        rds.ask("DescribeDBInstances", MaxRecords=5)


def test_an_account_has_quotas_and_shows_what_is_used(rds: Databases) -> None:
    for number in range(40):
        rds.ask("CreateDBInstance", DBInstanceIdentifier=f"db-{number}", **PLAIN)
    quotas = {one["AccountQuotaName"]: one for one in rds.ask("DescribeAccountAttributes")["AccountQuotas"]}
    assert quotas["DBInstances"] == {"AccountQuotaName": "DBInstances", "Used": 40, "Max": 40}
    assert quotas["AllocatedStorage"]["Used"] == 4000
    with refused("InstanceQuotaExceeded"):
        rds.ask("CreateDBInstance", DBInstanceIdentifier="one-more", **PLAIN)


def test_a_stopped_instance_is_started_by_aws_after_seven_days(rds: Databases) -> None:
    rds.make()
    rds.ask("StopDBInstance", DBInstanceIdentifier="db")
    assert rds.status() == "stopping"
    rds.rest()
    shown, now = rds.shown(), rds.desk.world.agenda.now()
    assert shown["DBInstanceStatus"] == "stopped"
    assert shown["AutomaticRestartTime"] == now + timedelta(days=7)
    rds.wait(days=6, hours=23)
    assert rds.status() == "stopped"
    rds.wait(hours=1)
    assert rds.status() == "starting"
    events = rds.ask("DescribeEvents", SourceType="db-instance", SourceIdentifier="db")["Events"]
    assert "exceeding the maximum allowed time being stopped" in events[-1]["Message"]
    assert rds.states() == ["available"]
    rds.wait(days=8)
    assert rds.status() == "available"
    assert "AutomaticRestartTime" not in rds.shown()


def test_an_instance_that_was_started_and_stopped_again_has_seven_days_of_its_own(rds: Databases) -> None:
    rds.make()
    for _ in range(2):
        rds.ask("StopDBInstance", DBInstanceIdentifier="db")
        rds.rest()
        rds.wait(days=4)
        with refused("InvalidDBInstanceState"):
            rds.ask("StopDBInstance", DBInstanceIdentifier="db")
        rds.ask("StartDBInstance", DBInstanceIdentifier="db")
        rds.rest()
    rds.ask("StopDBInstance", DBInstanceIdentifier="db")
    rds.rest()
    rds.wait(days=4)
    assert rds.status() == "stopped"


def test_an_instance_that_is_not_available_refuses_until_it_is(rds: Databases) -> None:
    rds.make()
    rds.ask("RebootDBInstance", DBInstanceIdentifier="db")
    assert rds.status() == "rebooting"
    asked: list[tuple[str, dict[str, Any]]] = [
        ("RebootDBInstance", {}),
        ("StopDBInstance", {}),
        ("StartDBInstance", {}),
        ("ModifyDBInstance", {"DeletionProtection": True}),
        ("CreateDBSnapshot", {"DBSnapshotIdentifier": "s"}),
        ("AddRoleToDBInstance", {"FeatureName": "s3Import", "RoleArn": rds.role("r")}),
    ]
    for operation, more in asked:
        with refused("InvalidDBInstanceState"):
            rds.ask(operation, DBInstanceIdentifier="db", **more)
    rds.rest()
    rds.ask("ModifyDBInstance", DBInstanceIdentifier="db", DeletionProtection=True)


def test_what_a_stopped_instance_allows(rds: Databases) -> None:
    rds.make()
    rds.ask("StopDBInstance", DBInstanceIdentifier="db")
    rds.rest()
    arn = rds.shown()["DBInstanceArn"]
    rds.ask("AddTagsToResource", ResourceName=arn, Tags=[{"Key": "superseded", "Value": "yes"}])
    assert rds.shown()["TagList"] == [{"Key": "superseded", "Value": "yes"}]
    for operation, more in (
        ("ModifyDBInstance", {"DeletionProtection": True}),
        ("CreateDBSnapshot", {"DBSnapshotIdentifier": "s"}),
    ):
        with refused("InvalidDBInstanceState"):
            rds.ask(operation, DBInstanceIdentifier="db", **more)


def test_replicas_are_told_of_and_neither_they_nor_their_sources_stop(rds: Databases) -> None:
    rds.make()
    rds.ask("CreateDBInstanceReadReplica", DBInstanceIdentifier="reader", SourceDBInstanceIdentifier="db")
    rds.rest()
    assert rds.shown("reader")["ReadReplicaSourceDBInstanceIdentifier"] == "db"
    assert rds.shown()["ReadReplicaDBInstanceIdentifiers"] == ["reader"]
    for name in ("db", "reader"):
        with refused("InvalidDBInstanceState"):
            rds.ask("StopDBInstance", DBInstanceIdentifier=name)
    with refused("InvalidParameterCombination"):
        rds.ask(
            "CreateDBInstanceReadReplica", DBInstanceIdentifier="x", SourceDBInstanceIdentifier="db", KmsKeyId=rds.key()
        )
    rds.now_modify(NewDBInstanceIdentifier="old")
    assert rds.shown("reader")["ReadReplicaSourceDBInstanceIdentifier"] == "old"
    rds.ask("PromoteReadReplica", DBInstanceIdentifier="reader")
    rds.rest()
    assert "ReadReplicaSourceDBInstanceIdentifier" not in rds.shown("reader")
    assert rds.shown("old")["ReadReplicaDBInstanceIdentifiers"] == []


@pytest.mark.parametrize("gone", [False, True], ids=["is called otherwise", "is deleted"])
def test_a_replica_is_promoted_though_its_source_meanwhile_is_renamed_or_deleted(rds: Databases, gone: bool) -> None:
    rds.make()
    rds.ask("CreateDBInstanceReadReplica", DBInstanceIdentifier="reader", SourceDBInstanceIdentifier="db")
    rds.rest()
    rds.ask("PromoteReadReplica", DBInstanceIdentifier="reader", BackupRetentionPeriod=3)
    if gone:
        rds.ask("DeleteDBInstance", DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    else:
        rds.now_modify(NewDBInstanceIdentifier="old")
    rds.rest()
    assert (rds.status("reader"), rds.shown("reader")["BackupRetentionPeriod"]) == ("available", 3)
    assert "ReadReplicaSourceDBInstanceIdentifier" not in rds.shown("reader")
    assert gone or rds.shown("old")["ReadReplicaDBInstanceIdentifiers"] == []


def test_a_protected_instance_is_not_deleted_and_another_goes_after_its_last_snapshot(rds: Databases) -> None:
    rds.make(DeletionProtection=True)
    with refused("InvalidParameterCombination"):
        rds.ask("DeleteDBInstance", DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    rds.modify(DeletionProtection=False)
    with refused("InvalidParameterCombination"):
        rds.ask("DeleteDBInstance", DBInstanceIdentifier="db")
    rds.ask("DeleteDBInstance", DBInstanceIdentifier="db", FinalDBSnapshotIdentifier="last")
    assert rds.status() == "deleting"
    rds.rest()
    with refused("DBInstanceNotFound"):
        rds.shown()
    assert rds.ask("DescribeDBSnapshots", DBSnapshotIdentifier="last")["DBSnapshots"][0]["Status"] == "available"


def test_an_instance_of_a_cluster_shows_it_and_takes_its_encryption(rds: Databases) -> None:
    rds.ask(
        "CreateDBCluster", DBClusterIdentifier="many", Engine="aurora-postgresql", MasterUsername="u",
        MasterUserPassword="password1",
    )  # fmt: skip
    rds.ask(
        "CreateDBInstance", DBInstanceIdentifier="one", DBClusterIdentifier="many", Engine="aurora-postgresql",
        DBInstanceClass="db.r6g.large",
    )  # fmt: skip
    rds.rest()
    shown = rds.shown("one")
    assert (shown["DBClusterIdentifier"], shown["StorageEncrypted"]) == ("many", False)
    assert shown["StorageEncryptionType"] == "sse-rds"
    with refused("InvalidParameterCombination"):
        rds.ask("StopDBInstance", DBInstanceIdentifier="one")


@pytest.mark.parametrize(
    ("engine", "instance_class", "encrypted"),
    [("postgres", "db.t2.micro", False), ("postgres", "db.m1.small", False), ("postgres", "db.t3.micro", True),
     ("sqlserver-ex", "db.t3.micro", False), ("oracle-ee", "db.m5.large", True)],
)  # fmt: skip
def test_what_can_be_ordered_says_whether_its_storage_can_be_encrypted(
    rds: Databases, engine: str, instance_class: str, encrypted: bool
) -> None:
    asked = {"Engine": engine, "DBInstanceClass": instance_class}
    options = rds.ask("DescribeOrderableDBInstanceOptions", **asked)["OrderableDBInstanceOptions"]
    assert {one["SupportsStorageEncryption"] for one in options} == {encrypted}


def test_graviton_is_not_for_every_engine_and_what_can_be_ordered_comes_in_pages(rds: Databases) -> None:
    found = rds.ask("DescribeOrderableDBInstanceOptions", Engine="oracle-ee", DBInstanceClass="db.m6g.large")
    assert found["OrderableDBInstanceOptions"] == []
    page = rds.ask("DescribeOrderableDBInstanceOptions", Engine="postgres")
    assert len(page["OrderableDBInstanceOptions"]) == 100
    assert page["Marker"]
