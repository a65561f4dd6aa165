"""RDS.3: an encrypted copy is as its original was, however that was configured, but for what is named with a reason.

The control comes from the catalog: the law over the branches that tests take need not run these again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from boto3 import Session

from lambdas.controls import catalog
from lambdas.controls.model import Place, Plan
from lambdas.services import rds_carried as carried
from lambdas.services import rds_instances as instances
from simulator.local import LocalOrganization
from tests.controls import databases
from tests.controls.keys import ALIAS, data_key
from tests.controls.round_trip import PLACE, apply_plan, member_organization, planned
from tests.services import rds_left_out

CONTROL = catalog()["RDS.3"]
GIVEN = {"key": {PLACE.region: ALIAS}}
MODEL = boto3.session.Session(region_name=PLACE.region).client("rds").meta.service_model
INSTANCE: Any = MODEL.shape_for("DBInstance")
ORACLE = {"Engine": "oracle-se2", "LicenseModel": "bring-your-own-license", "DBInstanceClass": "db.m5.large"}
SQL_SERVER = {"Engine": "sqlserver-se", "DBInstanceClass": "db.m5.large", "LicenseModel": "license-included"}
OWN_DOMAIN = {
    "DomainFqdn": "ad.example.com", "DomainOu": "OU=db,DC=ad", "DomainDnsIps": ["10.0.0.9", "10.0.0.8"],
    "DomainAuthSecretArn": f"arn:aws:secretsmanager:{PLACE.region}:{PLACE.account}:secret:join-123456",
}  # fmt: skip
Prepare = Callable[[Session, Place], dict[str, Any]]


def groups_of_its_own(session: Session, place: Place) -> dict[str, Any]:
    rds = session.client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="tuned", DBParameterGroupFamily="mysql8.0", Description="tuned")
    rds.create_option_group(
        OptionGroupName="audited", EngineName="mysql", MajorEngineVersion="8.0", OptionGroupDescription="audited"
    )
    return {"DBParameterGroupName": "tuned", "OptionGroupName": "audited"}


def several_groups(session: Session, place: Place) -> dict[str, Any]:
    given = databases.network(session, place, "net-several")
    vpc = databases.vpc_of(session, "net-several")
    other = session.client("ec2").create_security_group(GroupName="other", Description="other", VpcId=vpc)["GroupId"]
    return {**given, "VpcSecurityGroupIds": [*given["VpcSecurityGroupIds"], other]}


def in_public(session: Session, place: Place) -> dict[str, Any]:
    given = databases.network(session, place, "net-public", port=6432)
    ec2 = session.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=databases.vpc_of(session, "net-public"))
    return {**given, "PubliclyAccessible": True}


def monitored(session: Session, place: Place) -> dict[str, Any]:
    return {"MonitoringInterval": 15, "MonitoringRoleArn": databases.role(session, place, "rds-monitoring")}


def insights(session: Session, place: Place) -> dict[str, Any]:
    key = session.client("kms").create_key(Description="insights")["KeyMetadata"]["Arn"]
    return {"PerformanceInsightsKMSKeyId": key}


def secret_key(session: Session, place: Place) -> dict[str, Any]:
    return {"MasterUserSecretKmsKeyId": data_key(session)}


def directory(session: Session, place: Place) -> dict[str, Any]:
    databases.role(session, place, "rds-directory")
    return {"Domain": "d-1234567890", "DomainIAMRoleName": "rds-directory"}


def nothing(session: Session, place: Place) -> dict[str, Any]:
    return {}


def configuration(name: str, more: dict[str, Any], prepare: Prepare = nothing, roles: tuple[str, ...] = ()) -> Any:
    return pytest.param(more, prepare, roles, id=name)


CONFIGURATIONS = [
    configuration("nothing is set", {}),
    configuration("Multi-AZ MySQL", {"Engine": "mysql", "MultiAZ": True}),
    configuration("gp2", {"Engine": "mariadb", "StorageType": "gp2"}),
    configuration("provisioned IOPS", {"StorageType": "io1", "Iops": 3000, "AllocatedStorage": 200}),
    configuration("io2", {"StorageType": "io2", "Iops": 4000, "AllocatedStorage": 200}),
    configuration(
        "large gp3", {"StorageType": "gp3", "Iops": 15000, "StorageThroughput": 600, "AllocatedStorage": 500}
    ),
    configuration("magnetic", {"StorageType": "standard", "DBInstanceClass": "db.m5.large"}),
    configuration("Oracle", {**ORACLE, "DBName": "ORDERS", "CharacterSetName": "WE8ISO8859P15"}),
    configuration("Oracle, gp3 from 200 GiB", {**ORACLE, "StorageType": "gp3", "Iops": 13000, "AllocatedStorage": 250}),
    configuration("Oracle, password by RDS", {**ORACLE, "ManageMasterUserPassword": True}, secret_key),
    configuration("SQL Server", {**SQL_SERVER, "Timezone": "UTC"}),
    configuration("SQL Server, gp3", {**SQL_SERVER, "StorageType": "gp3", "Iops": 5000, "StorageThroughput": 200}),
    configuration("no backups", {"BackupRetentionPeriod": 0}),
    configuration("long backups", {"BackupRetentionPeriod": 35, "PreferredBackupWindow": "22:10-22:50"}),
    configuration("deletion protection and logs", {
        "DeletionProtection": True, "EnableCloudwatchLogsExports": ["upgrade", "postgresql"],
    }),
    configuration("IAM authentication", {"EnableIAMDatabaseAuthentication": True, "Engine": "mysql"}),
    configuration("enhanced monitoring", {}, monitored),
    configuration("Performance Insights", {"EnablePerformanceInsights": True}),
    configuration("Database Insights", {
        "EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 465,
        "DatabaseInsightsMode": "advanced",
    }, insights),
    configuration("password by RDS", {"ManageMasterUserPassword": True}),
    configuration("another authority", {"CACertificateIdentifier": "rds-ca-ecc384-g1"}),
    configuration("a directory of AWS", {"Engine": "mysql"}, directory),
    configuration("a directory of one's own", {**SQL_SERVER, **OWN_DOMAIN}),
    configuration("processors", {**ORACLE, "ProcessorFeatures": [
        {"Name": "threadsPerCore", "Value": "1"}, {"Name": "coreCount", "Value": "1"},
    ]}),
    configuration("storage that grows", {"MaxAllocatedStorage": 500}),
    configuration("another port, in public", {"Port": 6432}, in_public),
    configuration("groups of its own", {"Engine": "mysql"}, groups_of_its_own),
    configuration("several security groups", {}, several_groups),
    configuration("roles", {}, nothing, ("s3Import", "s3Export")),
    configuration("no Extended Support, no minor upgrades", {
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled", "AutoMinorVersionUpgrade": False,
    }),
    configuration("a log volume", {"DedicatedLogVolume": True, "StorageType": "io1", "Iops": 3000,
                                   "AllocatedStorage": 200}),
    configuration("both protocols, tags on snapshots", {
        "NetworkType": "DUAL", "CopyTagsToSnapshot": True, "PromotionTier": 3,
        "Tags": [{"Key": "Owner", "Value": "team"}, {"Key": "Stage", "Value": "test"}],
    }),
    configuration("a name as long as it may be", {"DBInstanceIdentifier": "orders-900-" + "x" * 52}),
]  # fmt: skip


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


@pytest.mark.parametrize(("more", "prepare", "roles"), CONFIGURATIONS)
def test_every_attribute_of_the_copy_is_the_originals_or_is_named_with_its_reason(
    organization: LocalOrganization, more: dict[str, Any], prepare: Prepare, roles: tuple[str, ...]
) -> None:
    def session() -> Session:
        return organization.session(PLACE.account, PLACE.region)

    data_key(session())
    name = databases.make(session(), PLACE, **{**more, **prepare(session(), PLACE)})
    organization.advance(timedelta(hours=1))
    for feature in roles:
        arn = databases.role(session(), PLACE, f"rds-{feature.lower()}")
        session().client("rds").add_role_to_db_instance(DBInstanceIdentifier=name, RoleArn=arn, FeatureName=feature)
        organization.advance(timedelta(minutes=2))
    before = databases.described(session(), name)
    plan = planned(session(), CONTROL, CONTROL.resource(PLACE, name), GIVEN)
    assert isinstance(plan, Plan), plan
    apply_plan(session, plan, passes=lambda wait: organization.advance(max(wait, timedelta(minutes=5))))
    after = databases.described(session(), name)
    assert after["StorageEncryptionType"] == "sse-kms"
    assert after["DbiResourceId"] != before["DbiResourceId"]
    differing = {field for field in INSTANCE.members if before.get(field) != after.get(field)}
    assert differing - set(rds_left_out.DIFFERENT) == set()
    if not before["MultiAZ"]:
        assert after["AvailabilityZone"] == before["AvailabilityZone"]
    marked = {"Key": instances.SOURCE, "Value": before["DbiResourceId"]}
    assert after["TagList"] == [*before["TagList"], marked]
    secret = ("MasterUserSecret" in before, before.get("MasterUserSecret", {}).get("KmsKeyId"))
    assert secret == ("MasterUserSecret" in after, after.get("MasterUserSecret", {}).get("KmsKeyId"))


def test_there_are_enough_configurations_to_say_every() -> None:
    assert len(CONFIGURATIONS) >= 20


@pytest.mark.parametrize(
    ("operation", "table", "left_out"),
    [
        ("RestoreDBInstanceFromDBSnapshot", carried.RESTORED, rds_left_out.NOT_RESTORED),
        ("ModifyDBInstance", carried.MODIFIED, rds_left_out.NOT_MODIFIED),
    ],
)
def test_every_parameter_of_the_calls_is_carried_or_left_out_with_a_reason(
    operation: str, table: dict[str, str], left_out: dict[str, str]
) -> None:
    shape: Any = MODEL.operation_model(operation).input_shape
    named = set(table) | set(carried.SECRET) | set(left_out) | rds_left_out.OF_THE_PLAN
    assert set(shape.members) - named == set(), "the API has learned something: carry it, or say why not"
    assert (set(table) | set(carried.SECRET) | set(left_out)) - set(shape.members) == set()
    assert set(table) & set(left_out) == set()
    assert all(left_out.values())


@pytest.mark.parametrize("path", [*carried.RESTORED.values(), *carried.MODIFIED.values(), *carried.SECRET.values()])
def test_every_path_begins_with_something_that_is_shown(path: str) -> None:
    assert path.replace("[", ".").replace(" ", ".").split(".")[0] in INSTANCE.members


def test_what_differs_is_shown_and_has_a_reason() -> None:
    assert set(rds_left_out.DIFFERENT) <= set(INSTANCE.members)
    assert all(rds_left_out.DIFFERENT.values())


def test_everything_that_is_shown_is_carried_differs_with_a_reason_or_comes_with_the_data() -> None:
    paths = [*carried.RESTORED.values(), *carried.MODIFIED.values(), *carried.SECRET.values()]
    shown = {path.replace("[", ".").replace(" ", ".").split(".")[0] for path in paths}
    unseen = set(INSTANCE.members) - shown - set(rds_left_out.DIFFERENT)
    assert unseen == rds_left_out.WITH_THE_DATA | set(rds_left_out.REFUSED)
