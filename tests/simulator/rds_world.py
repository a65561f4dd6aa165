"""RDS on the real front door, with keys and security groups beside it, on a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from simulator.services.cloudwatch import CloudWatch
from simulator.services.config_types_compute import db_instances
from simulator.services.ec2 import Ec2Service
from simulator.services.iam import Iam
from simulator.services.kms import KmsService
from simulator.services.rds import RdsService
from tests.simulator.correction_world import Desk, desk

PLAIN: dict[str, Any] = {
    "DBInstanceClass": "db.m5.large",
    "Engine": "postgres",
    "AllocatedStorage": 100,
    "MasterUsername": "owner",
    "MasterUserPassword": "not-told-here",
}


@dataclass
class Databases:
    """An account's databases; `recorded` holds name and state of all instances whenever AWS Config compares."""

    desk: Desk
    recorded: list[dict[str, str]] = field(default_factory=list)

    def ask(self, operation: str, **parameters: Any) -> Any:
        return self.desk.ask(operation, **parameters)

    def of(self, service: str, operation: str, **parameters: Any) -> Any:
        """Ask a neighbour."""
        return Desk(self.desk.world, service, self.desk.allowed).ask(operation, **parameters)

    def make(self, name: str = "db", **more: Any) -> dict[str, Any]:
        """Make an instance and wait until it is available."""
        self.ask("CreateDBInstance", DBInstanceIdentifier=name, **PLAIN | more)
        self.rest()
        return self.shown(name)

    def shown(self, name: str = "db") -> dict[str, Any]:
        [found] = self.ask("DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"]
        return dict(found)

    def status(self, name: str = "db") -> str:
        return str(self.shown(name)["DBInstanceStatus"])

    def states(self, name: str = "db") -> list[str]:
        """The states that an instance goes through until it rests, as AWS Config sees them."""
        del self.recorded[:]
        self.rest()
        seen = [one[name] for one in self.recorded if name in one]
        return [state for at, state in enumerate(seen) if at == 0 or seen[at - 1] != state]

    def modify(self, name: str = "db", **changes: Any) -> dict[str, Any]:
        return dict(self.ask("ModifyDBInstance", DBInstanceIdentifier=name, **changes)["DBInstance"])

    def now_modify(self, name: str = "db", **changes: Any) -> dict[str, Any]:
        """Change an instance immediately, and wait until that is done."""
        self.modify(name, ApplyImmediately=True, **changes)
        self.rest()
        return self.shown(changes.get("NewDBInstanceIdentifier", name))

    def snapshot(self, name: str = "before", of: str = "db", **more: Any) -> dict[str, Any]:
        """Take a snapshot and wait for it."""
        self.ask("CreateDBSnapshot", DBInstanceIdentifier=of, DBSnapshotIdentifier=name, **more)
        self.rest()
        [found] = self.ask("DescribeDBSnapshots", DBSnapshotIdentifier=name)["DBSnapshots"]
        return dict(found)

    def copy(self, source: str = "before", name: str = "encrypted", **more: Any) -> dict[str, Any]:
        """Copy a snapshot and wait for the copy."""
        self.ask("CopyDBSnapshot", SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=name, **more)
        self.rest()
        [found] = self.ask("DescribeDBSnapshots", DBSnapshotIdentifier=name)["DBSnapshots"]
        return dict(found)

    def restore(self, snapshot: str = "before", name: str = "restored", **more: Any) -> dict[str, Any]:
        """Restore an instance and wait until it is available."""
        asked = {"DBInstanceIdentifier": name, "DBSnapshotIdentifier": snapshot, **more}
        self.ask("RestoreDBInstanceFromDBSnapshot", **asked)
        self.rest()
        return self.shown(name)

    def key(self) -> str:
        return str(self.of("kms", "CreateKey")["KeyMetadata"]["Arn"])

    def role(self, name: str) -> str:
        trust = '{"Version": "2012-10-17", "Statement": []}'
        return str(self.of("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])

    def vpc(self) -> str:
        return next(str(one["VpcId"]) for one in self.of("ec2", "DescribeVpcs")["Vpcs"] if one["IsDefault"])

    def group(self, name: str, port: int | None = None) -> str:
        """A security group of the default VPC that lets in one port, or nobody."""
        made = self.of("ec2", "CreateSecurityGroup", GroupName=name, Description="d", VpcId=self.vpc())["GroupId"]
        if port is not None:
            rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
            self.of("ec2", "AuthorizeSecurityGroupIngress", GroupId=made, IpPermissions=[rule])
        return str(made)

    def subnet_group(self, name: str, subnets: int = 2) -> str:
        found = [one["SubnetId"] for one in self.of("ec2", "DescribeSubnets")["Subnets"]][:subnets]
        self.ask("CreateDBSubnetGroup", DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=found)
        return name

    def rest(self) -> None:
        self.desk.world.agenda.rest()

    def wait(self, **duration: float) -> None:
        self.desk.world.agenda.advance(timedelta(**duration))

    def record(self, service: str, account: str, region: str) -> None:
        """Take the recorder's place."""
        if service == "rds":
            taken = db_instances(self.desk.world, account, region)
            self.recorded.append({str(one.name): str(one.configuration["dBInstanceStatus"]) for one in taken})


@contextmanager
def databases() -> Iterator[Databases]:
    """Open RDS in one account."""
    with desk(RdsService) as opened:
        opened.world.services |= {kind.name: kind(opened.world) for kind in (CloudWatch, KmsService, Ec2Service, Iam)}
        made = Databases(opened)
        opened.world.door.recorder = made
        yield made
