"""RDS.3: verdicts and refusals, on descriptions that are made up."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.controls.model import Plan, Refusal, Verdict
from lambdas.controls.rds_instance_storage_encrypted import CONTROL, evaluate, plan
from lambdas.services import rds_carried as carried
from lambdas.services import rds_instances as instances
from tests.controls.round_trip import PLACE

REGION, ACCOUNT = PLACE.region, PLACE.account
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
DESCRIBED: dict[str, Any] = {
    "AllocatedStorage": 100,
    "AssociatedRoles": [],
    "AvailabilityZone": f"{REGION}a",
    "DBInstanceArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders",
    "DBInstanceClass": "db.m6g.large",
    "DBInstanceIdentifier": "orders",
    "DBInstanceStatus": "available",
    "DBParameterGroups": [{"DBParameterGroupName": "tuned", "ParameterApplyStatus": "in-sync"}],
    "DBSubnetGroup": {"DBSubnetGroupName": "inner", "VpcId": "vpc-1", "Subnets": []},
    "DbiResourceId": "db-ORIGINAL",
    "Endpoint": {"Port": 5432},
    "Engine": "postgres",
    "EngineVersion": "17.6",
    "InstanceCreateTime": datetime(2025, 3, 9, 8, 7, tzinfo=UTC),
    "MultiAZ": False,
    "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-17"}],
    "PendingModifiedValues": {},
    "PreferredBackupWindow": "01:00-01:30",
    "StorageEncryptionType": "none",
    "StorageType": "gp3",
    "TagList": [{"Key": "Owner", "Value": "team"}, {"Key": "aws:cloudformation:stack-name", "Value": "orders"}],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
}
FACTS: dict[str, Any] = {
    "Key": {"Name": "alias/data", "Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled",
            "KeySpec": "SYMMETRIC_DEFAULT"},
    "SecretKey": None,
    "Group": {"Id": "sg-9", "Admits": False},
    "Taken": [],
    "Encryptable": True,
    "Left": {"DBInstances": 1, "AllocatedStorage": 100, "ManualSnapshots": 2},
    "Addresses": {"subnet-1": [f"{REGION}a", 1], "subnet-2": [f"{REGION}b", 1]},
}  # fmt: skip
GIVEN = CONTROL.resolve({"key": {REGION: "alias/data"}}, REGION)
SECRET = {"SecretArn": "arn:aws:secretsmanager:secret", "KmsKeyId": KEY}
SUPERSEDED = {
    "DBInstanceIdentifier": "orders-unencrypted-20250309",
    "TagList": [{"Key": instances.SUPERSEDED, "Value": "orders"}],
}
SUCCESSOR = {"DBInstanceIdentifier": "orders", "StorageEncryptionType": "sse-kms"}


def settings(successor: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found = instances.settings_of(copy.deepcopy({**DESCRIBED, **more}))
    return {**found, "Successor": successor, "Original": None}


def planned(
    facts: dict[str, Any] | None = None, successor: dict[str, Any] | None = None, given: Any = GIVEN, **more: Any
) -> Plan | Refusal:
    shown = settings(successor, **more)
    resource = CONTROL.resource(PLACE, shown["DBInstanceIdentifier"])
    return plan(resource, shown, given, {**FACTS, **(facts or {})})


@pytest.mark.parametrize(
    ("more", "verdict", "said"),
    [
        pytest.param({}, Verdict.NON_COMPLIANT, "not encrypted", id="none"),
        pytest.param({"StorageEncryptionType": "sse-kms"}, Verdict.COMPLIANT, "sse-kms", id="KMS"),
        pytest.param(
            {"StorageEncryptionType": "sse-rds", "StorageEncrypted": False}, Verdict.COMPLIANT, "sse-rds",
            id="a key that AWS owns",
        ),
        pytest.param({"Engine": "neptune"}, Verdict.NOT_APPLICABLE, "Neptune", id="Neptune"),
        pytest.param({"Engine": "docdb"}, Verdict.NOT_APPLICABLE, "DocumentDB", id="DocumentDB"),
        pytest.param({"Engine": "aurora-mysql"}, Verdict.NOT_APPLICABLE, "cluster", id="Aurora"),
        pytest.param(
            {"DBClusterIdentifier": "trio"}, Verdict.NOT_APPLICABLE, "its cluster, trio", id="a Multi-AZ DB cluster"
        ),
        pytest.param({"Engine": "custom-oracle-ee"}, Verdict.NON_COMPLIANT, "not encrypted", id="RDS Custom"),
    ],
)  # fmt: skip
def test_the_type_of_encryption_decides(more: dict[str, Any], verdict: Verdict, said: str) -> None:
    evaluation = evaluate(settings(**more), GIVEN)
    assert evaluation.verdict is verdict
    assert said in evaluation.annotation
    assert len(evaluation.annotation) <= 256


def test_where_the_type_is_not_shown_the_old_attribute_counts() -> None:
    old = {name: value for name, value in DESCRIBED.items() if name != "StorageEncryptionType"}
    found = [instances.settings_of({**old, "StorageEncrypted": value}) for value in (True, False)]
    assert [instances.is_encrypted(one) for one in found] == [True, False]


@pytest.mark.parametrize(
    ("status", "successor", "more", "verdict"),
    [
        pytest.param("stopped", SUCCESSOR, {}, Verdict.NOT_APPLICABLE, id="stopped"),
        pytest.param("stopping", SUCCESSOR, {}, Verdict.NOT_APPLICABLE, id="about to be"),
        pytest.param("available", SUCCESSOR, {}, Verdict.NON_COMPLIANT, id="started by RDS"),
        pytest.param("starting", SUCCESSOR, {}, Verdict.NON_COMPLIANT, id="being started"),
        pytest.param(
            "stopped", {**SUCCESSOR, "StorageEncryptionType": "none"}, {}, Verdict.NON_COMPLIANT, id="by no better one"
        ),
        pytest.param(
            "stopped", {"DBInstanceIdentifier": None, "StorageEncryptionType": None}, {}, Verdict.NON_COMPLIANT,
            id="the other is gone",
        ),
        pytest.param(
            "stopped", SUCCESSOR, {"DBInstanceIdentifier": "secrets"}, Verdict.NON_COMPLIANT, id="only tagged so"
        ),
        pytest.param("stopped", None, {"TagList": []}, Verdict.NON_COMPLIANT, id="only called so"),
    ],
)  # fmt: skip
def test_an_original_is_superseded_by_an_encrypted_instance_and_not_by_a_tag(
    status: str, successor: dict[str, Any] | None, more: dict[str, Any], verdict: Verdict
) -> None:
    shown = settings(successor, **{**SUPERSEDED, **more, "DBInstanceStatus": status})
    assert evaluate(shown, GIVEN).verdict is verdict


@pytest.mark.parametrize("name", ["orders", "o" * 63, "orders-" * 8 + "eu", "a-" * 20 + "b"])
def test_names_fit_whatever_the_instance_is_called(name: str) -> None:
    shown = settings()
    for made in (instances.set_aside(name, shown), instances.copied(name, shown)):
        assert len(made) <= 63
        assert "--" not in made
        assert made.endswith("encrypted-20250309")
    assert all(len(one) <= 255 for one in instances.snapshots(name, shown))


def test_names_do_not_change_with_the_day_so_that_an_approval_holds() -> None:
    assert instances.set_aside("orders", settings()) == "orders-unencrypted-20250309"
    assert planned() == planned()


def tags_of_its_own(number: int) -> list[dict[str, str]]:
    return [{"Key": f"tag-{one}", "Value": "any"} for one in range(number)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({"DBInstanceStatus": "modifying"}, "is modifying", id="busy"),
        pytest.param({"DBInstanceStatus": "stopped"}, "is stopped", id="stopped"),
        pytest.param({"PendingModifiedValues": {"Port": 1}}, "(Port)", id="pending changes"),
        pytest.param({"ReadReplicaDBInstanceIdentifiers": ["reader"]}, "(reader)", id="has a replica"),
        pytest.param({"ReadReplicaDBClusterIdentifiers": ["aurora"]}, "(aurora)", id="has an Aurora replica"),
        pytest.param({"ReadReplicaSourceDBInstanceIdentifier": "main"}, "replica of main", id="is a replica"),
        pytest.param({"ReadReplicaSourceDBClusterIdentifier": "trio"}, "replica of trio", id="of a cluster"),
        pytest.param({"Engine": "custom-sqlserver-se"}, "RDS Custom", id="RDS Custom"),
        pytest.param({"Engine": "sqlserver-ex"}, "Express", id="Express"),
        pytest.param({"Engine": "sqlserver-se", "MultiAZ": True}, "Multi-AZ", id="cannot be stopped"),
        pytest.param({"TdeCredentialArn": "arn"}, "TDE", id="TDE"),
        pytest.param({"ActivityStreamStatus": "started"}, "activity stream", id="activity stream"),
        pytest.param({"TagList": tags_of_its_own(50)}, "has 50 tags", id="no room for a tag"),
    ],
)
def test_what_the_instance_forbids_is_refused_before_anything_is_touched(more: dict[str, Any], said: str) -> None:
    refusal = planned(**more)
    assert isinstance(refusal, Refusal)
    assert said in refusal.reason


def test_an_instance_with_room_for_one_tag_is_replaced_whatever_aws_has_tagged() -> None:
    of_aws = [{"Key": f"aws:any:{one}", "Value": "any"} for one in range(3)]
    made = planned(TagList=[*of_aws, *tags_of_its_own(49)])
    assert isinstance(made, Plan), made
    given = next(change.parameters["Tags"] for change in made.changes if change.name == "restore-copy")
    assert len(given) == 50


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({"Name": "alias/data"}, "does not exist"),
        ({"KeyState": "Disabled"}, "is disabled"),
        ({"KeyState": "Updating"}, "cannot be used in its state Updating"),
        ({"KeyManager": "AWS"}, "is managed by AWS"),
        ({"KeySpec": "RSA_2048"}, "is not a symmetric encryption key"),
        ({"Name": KEY.replace(ACCOUNT, "210987654321")}, "belongs to account 210987654321"),
        ({"Name": KEY.replace(REGION, "eu-west-3")}, "lies in eu-west-3"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(key: dict[str, Any], said: str) -> None:
    refusal = planned({"Key": key if key == {"Name": "alias/data"} else {**FACTS["Key"], **key}})
    assert isinstance(refusal, Refusal)
    assert said in refusal.reason
    assert isinstance(planned({"Key": {**FACTS["Key"], "Name": KEY}}), Plan)


@pytest.mark.parametrize(
    ("facts", "more", "said"),
    [
        pytest.param({"Encryptable": False}, {}, "db.m6g.large has no encryption", id="the class"),
        pytest.param({"Taken": ["orders-encrypted-20250309"]}, {}, "orders-encrypted-20250309", id="a name is taken"),
        pytest.param({"Left": {**FACTS["Left"], "DBInstances": 0}}, {}, "DBInstances has 0 left", id="instances"),
        pytest.param({"Left": {"AllocatedStorage": 99}}, {}, "AllocatedStorage has 99 left of the 100", id="storage"),
        pytest.param({"Left": {"ManualSnapshots": 1}}, {}, "ManualSnapshots has 1 left of the 2", id="snapshots"),
        pytest.param(
            {"Addresses": {"subnet-1": [f"{REGION}a", 0], "subnet-2": [f"{REGION}b", 9]}}, {},
            f"no free address in {REGION}a", id="no address",
        ),
        pytest.param(
            {"Addresses": {"subnet-1": [f"{REGION}a", 9]}}, {"MultiAZ": True}, "fewer than two", id="no second zone"
        ),
        pytest.param({"Group": {"Id": "sg-9", "Admits": True}}, {}, "has inbound rules", id="the group admits"),
        pytest.param({"Group": {"Id": "sg-1", "Admits": False}}, {}, "in the quarantine group", id="closed already"),
    ],
)  # fmt: skip
def test_what_is_missing_around_the_instance_is_refused(facts: dict[str, Any], more: dict[str, Any], said: str) -> None:
    refusal = planned(facts, **more)
    assert isinstance(refusal, Refusal)
    assert said in refusal.reason


def test_without_a_key_nothing_is_looked_at_or_touched() -> None:
    given = CONTROL.resolve({}, REGION)
    assert CONTROL.inspect is not None
    nobody: Any = None
    resource = CONTROL.resource(PLACE, "orders")
    assert CONTROL.inspect(nobody, resource, settings(), given) == {}
    refusal = plan(resource, settings(), given, {})
    assert isinstance(refusal, Refusal)
    assert "set the parameter `key`" in refusal.reason


def test_an_instance_that_is_only_said_to_be_replaced_is_for_people() -> None:
    lost = {"DBInstanceIdentifier": None, "StorageEncryptionType": None}
    refusal = planned({}, lost, **SUPERSEDED)
    assert isinstance(refusal, Refusal)
    assert "somebody must look" in refusal.reason


@pytest.mark.parametrize("status", ["starting", "modifying"])
def test_a_superseded_original_is_stopped_only_when_it_can_be(status: str) -> None:
    refusal = planned({}, SUCCESSOR, **SUPERSEDED, DBInstanceStatus=status)
    assert isinstance(refusal, Refusal)
    assert status in refusal.reason
    stopping = planned({}, SUCCESSOR, **SUPERSEDED, MultiAZ=True)
    assert isinstance(stopping, Plan)
    assert "23.00 US dollars a month" in stopping.message
    assert "twice for Multi-AZ" in stopping.message
    unknown = planned({}, SUCCESSOR, **SUPERSEDED, StorageType="io9")
    assert isinstance(unknown, Plan)
    assert "io9 storage are billed" in unknown.message


def change(made: Plan | Refusal, name: str) -> dict[str, Any]:
    assert isinstance(made, Plan), made
    return dict(next(one.parameters for one in made.changes if one.name == name))


def test_the_quarantine_group_is_made_only_where_there_is_none() -> None:
    there, missing = planned(), planned({"Group": None})
    assert isinstance(there, Plan)
    assert isinstance(missing, Plan)
    assert [one.name for one in missing.changes] == [
        "make-quarantine-group", "find-quarantine-group", *(one.name for one in there.changes),
    ]  # fmt: skip
    assert change(there, "close-original")["VpcSecurityGroupIds"] == ["sg-9"]


def test_every_change_has_a_way_back() -> None:
    made = planned({"Group": None}, AssociatedRoles=[{"RoleArn": "arn:aws:iam::1:role/a", "FeatureName": "s3Import"}])
    assert isinstance(made, Plan)
    assert all(one.inverse is not None for one in made.changes)
    assert not any(
        "delete_db_instance" in (one.operation, one.inverse and one.inverse.operation) for one in made.changes
    )


def test_tags_of_aws_are_not_given_and_an_instance_without_tags_gets_one() -> None:
    source = {"Key": instances.SOURCE, "Value": "db-ORIGINAL"}
    assert change(planned(), "restore-copy")["Tags"] == [{"Key": "Owner", "Value": "team"}, source]
    assert change(planned(TagList=[]), "restore-copy")["Tags"] == [source]


@pytest.mark.parametrize(
    ("manager", "named"), [("CUSTOMER", True), ("AWS", False)], ids=["the team's own key", "a key of AWS"]
)
def test_the_key_of_a_secret_is_named_only_where_it_is_no_default(manager: str, named: bool) -> None:
    made = planned({"SecretKey": {"Name": KEY, "KeyManager": manager}}, MasterUserSecret=SECRET)
    assert change(made, "adjust-copy")["ManageMasterUserPassword"] is True
    assert ("MasterUserSecretKmsKeyId" in change(made, "adjust-copy")) is named


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"MasterUserSecret": SECRET}, "arn:aws:secretsmanager:secret"),
        ({"IAMDatabaseAuthenticationEnabled": True}, "which they must name too"),
        ({"DBInstanceAutomatedBackupsReplications": [{}]}, "another Region"),
        (
            {"DBParameterGroups": [{"DBParameterGroupName": "tuned", "ParameterApplyStatus": "pending-reboot"}]},
            "Parameters of tuned that wait for a restart",
        ),
    ],
)
def test_people_are_told_what_does_not_follow_the_name(more: dict[str, Any], said: str) -> None:
    with_it, without = planned(**more), planned()
    assert isinstance(with_it, Plan)
    assert isinstance(without, Plan)
    assert said in " ".join(with_it.leaves)
    assert said not in " ".join(without.leaves)


@pytest.mark.parametrize(
    ("more", "given", "missing"),
    [
        ({"Engine": "postgres", "DBName": "orders"}, {}, {"DBName"}),
        ({"Engine": "oracle-se2", "DBName": "ORDERS"}, {"DBName": "ORDERS"}, set()),
        ({"Engine": "sqlserver-se"}, {}, {"AllocatedStorage"}),
        ({"MultiAZ": True}, {"MultiAZ": True}, {"AvailabilityZone"}),
        ({"AllocatedStorage": 399, "Iops": 3000, "StorageThroughput": 125}, {}, {"Iops", "StorageThroughput"}),
        ({"AllocatedStorage": 400, "Iops": 12000}, {"Iops": 12000}, set()),
        ({"Engine": "oracle-ee", "AllocatedStorage": 200, "Iops": 12000}, {"Iops": 12000}, set()),
        ({"Engine": "sqlserver-se", "AllocatedStorage": 20, "Iops": 3000}, {"Iops": 3000}, set()),
        ({"Engine": "oracle-ee", "MasterUserSecret": SECRET}, {"ManageMasterUserPassword": True}, set()),
        ({"DeletionProtection": False}, {}, {"DeletionProtection"}),
        ({"DomainMemberships": [{"Domain": "d-1", "IAMRoleName": "r"}]}, {"Domain": "d-1"}, {"DomainFqdn"}),
        (
            {"AdditionalStorageVolumes": [{"VolumeName": "rdsdbdata2", "AllocatedStorage": 5, "IOPS": None}]},
            {"AdditionalStorageVolumes": [{"VolumeName": "rdsdbdata2", "AllocatedStorage": 5}]},
            set(),
        ),
    ],
)
def test_the_restore_is_given_what_the_engine_and_the_storage_take(
    more: dict[str, Any], given: dict[str, Any], missing: set[str]
) -> None:
    made = carried.restore(settings(**more))
    assert given.items() <= made.items()
    assert missing & set(made) == set()


def test_monitoring_and_insights_that_are_off_take_nothing_along() -> None:
    off: dict[str, Any] = {"MonitoringInterval": 0, "MonitoringRoleArn": "arn", "PerformanceInsightsKMSKeyId": KEY}
    assert set(carried.modify(settings(**off))) == {"PreferredBackupWindow"}
