"""Storage of RDS DB instances is encrypted.

Judged by `StorageEncryptionType`: data under a key that AWS owns is encrypted, though `StorageEncrypted` is false.
Instances of clusters, Neptune and DocumentDB are not judged here. An instance that an encrypted one has replaced is
not judged while it is stopped; RDS starts it after seven days, and then it fails until it is stopped again or deleted.
AWS Config names DB instances by DbiResourceId, findings and people by name, and nobody can tell the name of an id once
the instance is gone: so the rule runs on a schedule and names them itself.
Source: Security Hub RDS.3; RDS User Guide, "Encrypting Amazon RDS resources". The managed rule RDS_STORAGE_ENCRYPTED
is not described for keys that AWS owns and knows nothing of what is superseded, so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import kms_keys
from lambdas.services import rds_instances as instances
from lambdas.services.rds_calls import FEATURES, MONITORING, OF_SECRET, OF_STORAGE, SECRET_USES
from lambdas.services.rds_replacement import Replacement, stop_superseded

if TYPE_CHECKING:
    from boto3 import Session

PEOPLE = (model.Audience.OWNER, model.Audience.OPERATIONS)
QUOTAS = ("DBInstances", "AllocatedStorage", "ManualSnapshots")
RDS = "arn:{partition}:rds:{region}:{account}:"
EC2 = "arn:{partition}:ec2:{region}:{account}:"
DB, SNAPSHOTS, OURS = (f"{RDS}db:*",), (f"{RDS}snapshot:*",), (f"{RDS}snapshot:palisade-*",)
ROLES = ("arn:{partition}:iam::{account}:role/*",)
SECRETS = ("arn:{partition}:secretsmanager:{region}:{account}:secret:rds!*",)


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the instance, the one that is said to have replaced it, and the one that it has replaced."""
    rds = session.client("rds")
    with absent("DBInstanceNotFound"):
        found = rds.describe_db_instances(DBInstanceIdentifier=resource.id)["DBInstances"][0]
        settings = instances.settings_of(found)
        successor, source = (instances.tag(settings, key) for key in (instances.SUPERSEDED, instances.SOURCE))
        settings["Successor"] = _other(rds, "db-instance-id", successor, "StorageEncryptionType")
        settings["Original"] = _other(rds, "dbi-resource-id", source)
        return settings
    return None


def _other(rds: Any, kind: str, value: str | None, *shown: str) -> dict[str, Any] | None:
    """Another instance that a tag names; without values where there is none."""
    if value is None:
        return None
    found = rds.describe_db_instances(Filters=[{"Name": kind, "Values": [value]}])["DBInstances"]
    names = ("DBInstanceIdentifier", *shown)
    if not found:
        return dict.fromkeys(names)
    other = instances.settings_of(found[0])
    return {name: other[name] for name in names}


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge the type of encryption, and an original that is kept by whether it is stopped."""
    elsewhere = instances.judged_elsewhere(settings)
    if elsewhere:
        return model.not_applicable(elsewhere)
    if instances.is_encrypted(settings):
        return model.compliant(f"Storage is encrypted ({settings['StorageEncryptionType']}).")
    if not instances.is_superseded(settings):
        return model.non_compliant("Storage is not encrypted.")
    successor = settings["Successor"]["DBInstanceIdentifier"]
    if settings["DBInstanceStatus"] in instances.OFF:
        return model.not_applicable(f"Superseded by the encrypted {successor}, and stopped until a person deletes it.")
    return model.non_compliant(
        f"Storage is not encrypted. Superseded by the encrypted {successor}, and no longer stopped: RDS starts an "
        "instance after seven days."
    )


def inspect(
    session: Session, resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Look at the key to use, the quarantine group, names that are taken, quotas, addresses and the class."""
    if parameters["key"] is None or settings["Successor"] is not None or any(instances.hindrances(settings)):
        return {}
    rds, ec2 = session.client("rds"), session.client("ec2")
    names = [instances.set_aside(resource.id, settings), instances.copied(resource.id, settings)]
    taken = rds.describe_db_instances(Filters=[{"Name": "db-instance-id", "Values": names}])["DBInstances"]
    ours = list(instances.snapshots(resource.id, settings))
    kept = rds.describe_db_snapshots(Filters=[{"Name": "db-snapshot-id", "Values": ours}])["DBSnapshots"]
    options = rds.describe_orderable_db_instance_options(
        Engine=settings["Engine"], EngineVersion=settings["EngineVersion"], DBInstanceClass=settings["DBInstanceClass"]
    )["OrderableDBInstanceOptions"]
    quotas = rds.describe_account_attributes()["AccountQuotas"]
    subnets = [one["SubnetIdentifier"] for one in settings["DBSubnetGroup"]["Subnets"]]
    secret = settings.get("MasterUserSecret", {}).get("KmsKeyId")
    return {
        "Key": kms_keys.describe(session, parameters["key"], resource.account, resource.region),
        "SecretKey": kms_keys.describe(session, secret, resource.account, resource.region) if secret else None,
        "Group": _group(ec2, parameters["quarantine_group"], settings["DBSubnetGroup"]["VpcId"]),
        "Taken": sorted([one["DBInstanceIdentifier"] for one in taken] + [one["DBSnapshotIdentifier"] for one in kept]),
        "Encryptable": any(one["SupportsStorageEncryption"] for one in options),
        "Left": {
            one["AccountQuotaName"]: one["Max"] - one["Used"] for one in quotas if one["AccountQuotaName"] in QUOTAS
        },
        "Addresses": {
            one["SubnetId"]: [one["AvailabilityZone"], one["AvailableIpAddressCount"]]
            for one in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        },
    }


def _group(ec2: Any, name: str, vpc: str) -> dict[str, Any] | None:
    """The quarantine group of a VPC, and whether anybody gets in by it."""
    filters = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    return {"Id": found[0]["GroupId"], "Admits": bool(found[0]["IpPermissions"])} if found else None


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """List the instances of the Region, those that are judged elsewhere too."""
    for page in session.client("rds").get_paginator("describe_db_instances").paginate():
        for instance in page["DBInstances"]:
            yield CONTROL.resource(place, instance["DBInstanceIdentifier"])


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Replace the instance by an encrypted copy, or stop an original again that was replaced."""
    if instances.is_superseded(settings):
        return _stop(resource, settings)
    reasons = list(_reasons(settings, parameters, facts))
    if reasons:
        return Refusal("; ".join(reasons))
    group = facts["Group"]
    replacement = Replacement(
        resource=resource,
        settings=_carried(settings, facts),
        key=facts["Key"]["Arn"],
        group_name=parameters["quarantine_group"],
        group_id=group["Id"] if group else None,
    )
    return Plan(
        changes=tuple(replacement.changes()),
        tell=PEOPLE,
        leaves=tuple(_leaves(replacement)),
        ceiling=model.Ceiling(model.Mode.APPROVE, _downtime(settings)),
        message=f"DB instance {resource.id} ({settings['Engine']} {settings['EngineVersion']}, "
        f"{settings['DBInstanceClass']}, {settings['AllocatedStorage']} GiB) stores its data unencrypted. The plan "
        f"puts a copy in its place that is encrypted with {replacement.key}. {_downtime(settings)} No write is lost: "
        "the copy begins with what the original holds when its last connection has ended. Until the copy is opened "
        "every failure leads back to the original; an undo after that closes the copy, brings the original back under "
        f"its name, and keeps the copy stopped as {replacement.copy}, with what was written meanwhile.",
    )


def _stop(resource: Resource, settings: Mapping[str, Any]) -> Plan | Refusal:
    if settings["DBInstanceStatus"] != instances.AVAILABLE:
        return Refusal(f"it is {settings['DBInstanceStatus']}: only an instance that is available can be stopped")
    successor = settings["Successor"]["DBInstanceIdentifier"]
    return Plan(
        changes=(stop_superseded(resource, settings),),
        tell=PEOPLE,
        leaves=(
            "The instance is kept with its data, unencrypted: a person deletes it when nobody needs it any more. "
            "Take its deletion protection away first where it has one.",
        ),
        proves=model.Verdict.NOT_APPLICABLE,
        message=f"DB instance {resource.id} was replaced by the encrypted {successor} and stopped; it runs again, for "
        f"RDS starts an instance seven days after it was stopped. Nobody can connect to it. "
        f"{instances.cost(settings)}.",
    )


def _reasons(settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Say why nothing may be touched: first what the instance itself forbids, which spares the look around."""
    if settings["Successor"] is not None:
        yield (
            f"its tag {instances.SUPERSEDED} says that it is replaced, but not by an encrypted instance under the name "
            "that it had: somebody must look at what an earlier remediation has left"
        )
    yield from instances.hindrances(settings)
    if parameters["key"] is None:
        yield "no customer managed key is set for this Region: set the parameter `key`"
    if facts:
        yield from _missing(settings, parameters, facts)


def _missing(settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """Say what around the instance is not as the plan needs it."""
    account, region = settings["DBInstanceArn"].split(":")[4], settings["DBInstanceArn"].split(":")[3]
    fault = kms_keys.fault(facts["Key"], account, region)
    if fault:
        yield f"the key {parameters['key']} {fault}"
    if not facts["Encryptable"]:
        yield f"{settings['Engine']} on {settings['DBInstanceClass']} has no encryption at rest: change the class first"
    if facts["Taken"]:
        yield f"names that the plan needs are taken, by an earlier remediation or others: {', '.join(facts['Taken'])}"
    needed = {"DBInstances": 1, "AllocatedStorage": settings["AllocatedStorage"], "ManualSnapshots": 2}
    for quota, wanted in needed.items():
        left = facts["Left"].get(quota, wanted)
        if left < wanted:
            yield f"the quota {quota} has {left} left of the {wanted} that the plan needs"
    yield from _without_address(settings, facts["Addresses"])
    group = facts["Group"]
    if group and group["Admits"]:
        yield f"the quarantine group {parameters['quarantine_group']} ({group['Id']}) has inbound rules"
    if group and group["Id"] in [one["VpcSecurityGroupId"] for one in settings["VpcSecurityGroups"]]:
        yield f"the instance is in the quarantine group {group['Id']} already: give it its own groups first"


def _without_address(settings: Mapping[str, Any], addresses: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Say where the copy finds no address: in the zone of the original, or in any two where it is Multi-AZ."""
    free = {zone for zone, count in addresses.values() if count > 0}
    group = settings["DBSubnetGroup"]["DBSubnetGroupName"]
    if settings["MultiAZ"] and len(free) < 2:
        yield f"the subnet group {group} has free addresses in fewer than two Availability Zones"
    if not settings["MultiAZ"] and settings["AvailabilityZone"] not in free:
        yield f"the subnet group {group} has no free address in {settings['AvailabilityZone']}"


def _carried(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings to carry over: AWS's own key of a secret is the default, and not ours to name."""
    if facts["SecretKey"] and facts["SecretKey"].get("KeyManager") != "CUSTOMER":
        secret = {name: value for name, value in settings["MasterUserSecret"].items() if name != "KmsKeyId"}
        return {**settings, "MasterUserSecret": secret}
    return settings


def _downtime(settings: Mapping[str, Any]) -> str:
    return (
        "Nobody can connect from the first change to the last: about an hour for a small database, many hours for a "
        f"large one, since its storage ({settings['AllocatedStorage']} GiB) is read twice; clients that keep DNS names "
        "find the copy up to ten minutes later."
    )


def _leaves(replacement: Replacement) -> Iterator[str]:
    """Say what stays, what it costs, and what does not follow the name."""
    settings, name = replacement.settings, replacement.name
    yield (
        f"The original, as {replacement.aside} (the date is the day it was made): closed, stopped, tagged, and deleted "
        f"by a person only. {instances.cost(settings)}. RDS starts it after seven days; this control then asks to stop "
        "it again."
    )
    yield f"The snapshots {' and '.join(replacement.snapshots)}: billed until a person deletes them."
    yield (
        f"IAM policies that name {settings['DbiResourceId']} (rds-db:connect): the copy has another DbiResourceId, "
        f"which they must name{' too' if settings.get('IAMDatabaseAuthenticationEnabled') else ' if there are any'}."
    )
    yield (
        "Automated backups, the points in time to restore to, Performance Insights history and targets of RDS Proxy: "
        f"they stay with the original. Metrics, events and their subscriptions follow the name {name}."
    )
    yield (
        "What the database does by itself (event schedulers, pg_cron, SQL Agent, replication that it fetches): the "
        "quarantine does not stop it, and what it writes after the snapshot stays with the original."
    )
    if settings.get("MasterUserSecret"):
        yield (
            f"Whoever reads the master user's secret {settings['MasterUserSecret']['SecretArn']}: RDS makes a new one "
            "with a new password for the copy, and they need its ARN."
        )
    if settings.get("DBInstanceAutomatedBackupsReplications"):
        yield "Backups that are replicated to another Region: they are the original's; begin that anew for the copy."
    waiting = [
        one["DBParameterGroupName"]
        for one in settings["DBParameterGroups"]
        if one["ParameterApplyStatus"] == "pending-reboot"
    ]
    if waiting:
        yield f"Parameters of {', '.join(waiting)} that wait for a restart: they take effect with it."
    yield f"The security group {replacement.group_name} in the VPC: it admits nobody and costs nothing."


CONTROL = model.Control(
    id="RDS.3",
    slug="rds-instance-storage-encrypted",
    title="Storage of RDS DB instances is encrypted",
    severity=model.Severity.MEDIUM,
    resource_type="AWS::RDS::DBInstance",
    asff_type="AwsRdsDbInstance",
    arn="arn:{partition}:rds:{region}:{account}:db:{id}",
    scope=model.Scope.REGIONAL,
    # Every evaluation is billed; findings come from the reconciliation, which runs more often.
    detection=model.CustomRule(on_change=False, schedule=model.Frequency.DAILY),
    parameters={
        "key": kms_keys.PARAMETER,
        "quarantine_group": model.Parameter(
            type="string",
            description="the name of the security group without inbound rules that databases are closed by while they "
            "are replaced; made in a VPC that has none of this name",
            default="palisade-quarantine",
            pattern=r"(?!sg-)[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}",
        ),
    },
    read_grants=(
        Grant("rds:DescribeDBInstances", DB),
        Grant("rds:DescribeDBSnapshots", (*DB, *SNAPSHOTS)),
        Grant("rds:DescribeOrderableDBInstanceOptions", ("*",)),
        Grant("rds:DescribeAccountAttributes", ("*",)),
        Grant("ec2:DescribeSecurityGroups", ("*",)),
        Grant("ec2:DescribeSubnets", ("*",)),
        Grant("kms:DescribeKey", kms_keys.KEYS),
    ),
    probe_grants=(Grant("cloudwatch:GetMetricStatistics", ("*",)),),
    grants=(
        Grant("ec2:CreateSecurityGroup", (f"{EC2}security-group/*", f"{EC2}vpc/*")),
        Grant("ec2:DescribeSecurityGroups", ("*",)),
        Grant("rds:ModifyDBInstance", DB),
        Grant("rds:RebootDBInstance", DB),
        Grant("rds:StopDBInstance", DB),
        Grant("rds:StartDBInstance", DB),
        Grant("rds:AddTagsToResource", DB),
        Grant("rds:RemoveTagsFromResource", DB),
        Grant("rds:CreateDBSnapshot", (*DB, *OURS)),
        Grant("rds:CopyDBSnapshot", OURS),
        Grant("rds:DeleteDBSnapshot", OURS),
        Grant(
            "rds:RestoreDBInstanceFromDBSnapshot",
            (*DB, *OURS, f"{RDS}og:*", f"{RDS}pg:*", f"{RDS}subgrp:*"),
        ),
        Grant("rds:AddRoleToDBInstance", DB),
        Grant("rds:RemoveRoleFromDBInstance", DB),
        *(Grant(action, kms_keys.KEYS, conditions) for action, conditions in (*OF_STORAGE, *OF_SECRET)),
        *(Grant(action, SECRETS) for action in SECRET_USES),
        Grant("iam:PassRole", ROLES, MONITORING),
        Grant("iam:PassRole", ROLES, FEATURES),
    ),
    requirements=(
        "CIS AWS Foundations v1.4.0/2.3.1",
        "CIS AWS Foundations v3.0.0/2.3.1",
        "NIST.800-53.r5 CA-9(1)",
        "NIST.800-53.r5 CM-3(6)",
        "NIST.800-53.r5 SC-13",
        "NIST.800-53.r5 SC-28",
        "NIST.800-53.r5 SC-28(1)",
        "NIST.800-53.r5 SC-7(10)",
        "NIST.800-53.r5 SI-7(6)",
    ),
    impact="The database is out of reach from the quarantine to the end: about an hour, many hours where it is large. "
    "The copy has a DbiResourceId, automated backups and, where RDS manages it, a master user's secret of its own. The "
    "original and two snapshots stay and are billed until a person deletes them. An undo takes the database out of "
    "reach again, and what was written to the copy meanwhile stays with the copy, which is kept, stopped.",
    remediation="Replace the instance by a copy that is restored from an encrypted snapshot; encryption cannot be "
    "switched on in place. Close and snapshot it, copy the snapshot with the key, restore, swap the names.",
    ceiling=model.Ceiling(
        model.Mode.APPROVE, "the database is out of reach for an hour or more, and gets a new identity", firm=True
    ),
    read=read,
    evaluate=evaluate,
    plan=plan,
    inspect=inspect,
    discover=discover,
)
