"""DB instances for the tests of controls, by plain boto3: each in a network of its own, with what stands around it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from boto3 import Session

from lambdas.controls.model import Place

# Left by earlier runs, once nobody looks at them any more: an account has room for forty.
MANY, OLD = 28, 12
PLAIN: dict[str, Any] = {
    "DBInstanceClass": "db.m6g.large",
    "Engine": "postgres",
    "AllocatedStorage": 50,
    "MasterUsername": "owner",
    "PreferredBackupWindow": "01:00-01:45",
    "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
}
TRUSTED = ("monitoring.rds.amazonaws.com", "rds.amazonaws.com")


def role(session: Session, place: Place, name: str) -> str:
    """A role that RDS may take, made where the account has none of this name; returns its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": list(TRUSTED)}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = session.client("iam")
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return f"arn:{place.partition}:iam::{place.account}:role/{name}"


def network(session: Session, place: Place, name: str, *, port: int = 5432) -> dict[str, Any]:
    """A VPC with a subnet in two zones each, their group, and a security group that admits the VPC: parameters."""
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{place.region}{zone}")
        for number, zone in enumerate("ab")
    ]
    session.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name,
        DBSubnetGroupDescription="inner",
        SubnetIds=[one["Subnet"]["SubnetId"] for one in subnets],
    )
    group = ec2.create_security_group(GroupName="database", Description="database", VpcId=vpc)["GroupId"]
    admits: Any = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=admits)
    return {"DBSubnetGroupName": name, "VpcSecurityGroupIds": [group], "PubliclyAccessible": False}


def vpc_of(session: Session, name: str) -> str:
    """The VPC of a subnet group."""
    groups = session.client("rds").describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
    return str(groups[0]["VpcId"])


def free_name(session: Session) -> str:
    """A name that no instance of the place has, nor one that came of it."""
    held = session.client("rds").describe_db_instances()["DBInstances"]
    _tidy(session, held)
    numbers = [int(one["DBInstanceIdentifier"].split("-")[1]) for one in held if _ours(one)]
    return f"orders-{max(numbers, default=0) + 1}"


def make(session: Session, place: Place, **more: Any) -> str:
    """Ask for an instance, which is there some minutes later; returns its name."""
    name = more.pop("DBInstanceIdentifier", None) or free_name(session)
    given = {**PLAIN, "AvailabilityZone": f"{place.region}a", **more}
    if given.get("MultiAZ"):
        del given["AvailabilityZone"]
    if "DBSubnetGroupName" not in given:
        given |= network(session, place, f"net-{name}")
    if not given.get("ManageMasterUserPassword"):
        given["MasterUserPassword"] = "not-told-here"
    session.client("rds").create_db_instance(DBInstanceIdentifier=name, **given)
    return name


def described(session: Session, name: str) -> dict[str, Any]:
    """An instance as RDS shows it."""
    found = session.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return dict(found[0])


def names(session: Session, of: str) -> list[str]:
    """The names of an instance and of all that came of it."""
    held = session.client("rds").describe_db_instances()["DBInstances"]
    return [one["DBInstanceIdentifier"] for one in held if one["DBInstanceIdentifier"].startswith(of)]


def _ours(instance: Any) -> bool:
    first, _, rest = str(instance["DBInstanceIdentifier"]).partition("-")
    return first == "orders" and rest.split("-")[0].isdigit()


def _tidy(session: Session, held: Any) -> None:
    """Delete the oldest instances where there are many, and the snapshots that came of any."""
    rds = session.client("rds")
    ours = [one for one in held if _ours(one) and one["DBInstanceStatus"] in ("available", "stopped")]
    if len(held) < MANY:
        return
    ours = [one for one in ours if not one["DeletionProtection"]]
    for one in sorted(ours, key=lambda one: int(one["DBInstanceIdentifier"].split("-")[1]))[:OLD]:
        rds.delete_db_instance(DBInstanceIdentifier=one["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    for snapshot in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]:
        if snapshot["Status"] == "available":
            rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])
