"""Calls of RDS as changes of a plan, how to see that they have taken, and what they need of other services.

An instance is asked for by filters, which find none while it is renamed; by its name that would be an error.
Source: RDS API reference; RDS User Guide, "Viewing Amazon RDS DB instance status", "AWS KMS key management", "Password
management with Amazon RDS and AWS Secrets Manager" (permissions), "Amazon CloudWatch metrics for Amazon RDS"; AWS KMS
Developer Guide, "kms:ViaService" and "kms:GrantIsForAWSResource".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lambdas.controls.model import Ago, Change, Grant, Probe, Ref
from lambdas.services import rds_instances as instances

HOUR = 3600
# An operation that was asked for again while the first one is under way is refused for the state of the instance.
BUSY = "InvalidDBInstanceState"
IN_USE = f"contains(`{json.dumps(instances.RUNNING)}`, DBInstanceStatus)"
STOPPED = ("DBInstanceStatus", instances.STOPPED)
GROUPS = "sort(VpcSecurityGroups[?Status=='active'].VpcSecurityGroupId)"
# To which service of RDS roles are passed.
MONITORING = {"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}}
FEATURES = {"StringEquals": {"iam:PassedToService": "rds.amazonaws.com"}}


def _via(*services: str) -> dict[str, dict[str, Any]]:
    ends = ("amazonaws.com", "amazonaws.com.cn")
    return {"StringLike": {"kms:ViaService": [f"{service}.*.{end}" for service in services for end in ends]}}


# What RDS and Secrets Manager do with keys in their caller's name: action and conditions.
OF_STORAGE: tuple[tuple[str, Mapping[str, Mapping[str, Any]]], ...] = (
    ("kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": "true"}, **_via("rds")}),
    ("kms:DescribeKey", {}),
)
OF_SECRET: tuple[tuple[str, Mapping[str, Mapping[str, Any]]], ...] = (
    ("kms:Decrypt", _via("rds", "secretsmanager")),
    ("kms:GenerateDataKey", _via("rds", "secretsmanager")),
)
SECRET_USES = ("secretsmanager:CreateSecret", "secretsmanager:TagResource")


def uses(key: str) -> tuple[Grant, ...]:
    """What RDS does with a key of storage or of Performance Insights in its caller's name."""
    return tuple(Grant(action, (key,), conditions) for action, conditions in OF_STORAGE)


def uses_for_secret(key: str) -> tuple[Grant, ...]:
    """What is done with the key of a master user's secret."""
    return (*uses(key), *(Grant(action, (key,), conditions) for action, conditions in OF_SECRET))


def undo(of: str, change: Change) -> Change:
    """Make a change the one that takes back another."""
    return replace(change, name=f"undo-{of}", inverse=None, irreversible="it is an undo")


def put_groups(name: str, arn: str, groups: Sequence[str | Ref]) -> Change:
    """Swap the security groups of an instance, which counts at once; without ApplyImmediately nothing else does."""
    return Change(
        name=name,
        service="rds",
        operation="modify_db_instance",
        parameters={"DBInstanceIdentifier": _name_of(arn), "VpcSecurityGroupIds": list(groups)},
        grants=(Grant("rds:ModifyDBInstance", (arn,)),),
    )


def rename(name: str, old: str, new: str, effect: Probe) -> Change:
    """Rename an instance, given by its ARNs; under its old name it is not there any more once that is done."""
    identifiers = {"DBInstanceIdentifier": _name_of(old), "NewDBInstanceIdentifier": _name_of(new)}
    return Change(
        name=name,
        service="rds",
        operation="modify_db_instance",
        # Otherwise it waits for the maintenance window. Nothing else that waits is there when a plan is made.
        parameters={**identifiers, "ApplyImmediately": True},
        grants=(Grant("rds:ModifyDBInstance", (old, new)),),
        # The new name may be on its way, too. What has come of it says the effect.
        settled=("DBInstanceNotFound", "DBInstanceAlreadyExists", BUSY),
        effect=effect,
    )


def idle(name: str) -> Probe:
    """Nobody is connected to an instance, and was not for three minutes that were measured."""
    return Probe(
        service="cloudwatch",
        operation="get_metric_statistics",
        parameters={
            "Namespace": "AWS/RDS",
            "MetricName": "DatabaseConnections",
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": name}],
            "StartTime": Ago(300),
            "EndTime": Ago(0),
            "Period": 60,
            "Statistics": ["Maximum"],
        },
        path="[length(Datapoints) >= `3`, max(Datapoints[].Maximum)]",
        expected=([True, 0.0],),
        interval=60,
        timeout=HOUR,
    )


def stop_original(name: str, arn: str, settings: Mapping[str, Any]) -> Change:
    """Stop an original, and start it to take that back."""
    start = Change(
        name=f"undo-{name}",
        service="rds",
        operation="start_db_instance",
        parameters={"DBInstanceIdentifier": _name_of(arn)},
        grants=(Grant("rds:StartDBInstance", (arn,)),),
        settled=(BUSY,),
        irreversible="it is an undo",
        effect=replace(by_id(settings, IN_USE, True), interval=60, timeout=6 * HOUR),
    )
    stopped = replace(by_id(settings, *STOPPED), interval=60, timeout=2 * HOUR)
    return replace(stop(arn), name=name, effect=stopped, inverse=start)


def stop(arn: str) -> Change:
    """Stop an instance."""
    return Change(
        name="",
        service="rds",
        operation="stop_db_instance",
        parameters={"DBInstanceIdentifier": _name_of(arn)},
        grants=(Grant("rds:StopDBInstance", (arn,)),),
        settled=(BUSY,),
    )


def _name_of(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


def snapshot(name: str, shows: str, value: str) -> Probe:
    """A snapshot is there, whole, and the right one; where there is none the call was refused for another's work."""
    return Probe(
        service="rds",
        operation="describe_db_snapshots",
        parameters={"Filters": [{"Name": "db-snapshot-id", "Values": [name]}]},
        path=f"DBSnapshots[0].[Status, {shows}]",
        expected=([instances.AVAILABLE, value],),
        failed=(None, ["failed", value], ["copy-failed", value]),
        interval=60,
        timeout=24 * HOUR,
    )


def by_id(settings: Mapping[str, Any], path: str, *expected: Any) -> Probe:
    """Ask for an instance by the id that stays when it is renamed."""
    return _described("dbi-resource-id", settings["DbiResourceId"], path, expected)


def named(name: str, path: str, *expected: Any) -> Probe:
    """Ask for an instance by its name: none is there while it is renamed, which by a filter is no error."""
    return _described("db-instance-id", name, path, expected)


def _described(filtered: str, value: str, path: str, expected: tuple[Any, ...]) -> Probe:
    return Probe(
        service="rds",
        operation="describe_db_instances",
        parameters={"Filters": [{"Name": filtered, "Values": [value]}]},
        path=f"DBInstances[0] | {path}",
        expected=expected,
        interval=30,
        timeout=HOUR,
    )
