"""An encrypted copy in the place of an unencrypted DB instance: the changes of the plan, each with what takes it back.

Until its last change nobody can connect to either of the two, so that nothing is written that a return to the original
would lose. The original is renamed, closed and stopped, never deleted; an undo keeps the copy in the same manner, for
it holds what was written since.
Source: RDS User Guide, "Encrypting Amazon RDS resources", "Renaming a DB instance", "AWS KMS key management", "Setting
up permissions for Enhanced Monitoring"; Service Authorization Reference, Amazon RDS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lambdas.controls.model import Ago, Change, Grant, Probe, Ref, Resource
from lambdas.services import rds_carried as carried
from lambdas.services import rds_instances as instances

HOUR = 3600
# An operation that was asked for again while the first one is under way is refused for the state of the instance.
BUSY = "InvalidDBInstanceState"
IN_USE = f"contains(`{json.dumps(instances.RUNNING)}`, DBInstanceStatus)"
STOPPED = ("DBInstanceStatus", instances.STOPPED)
GROUPS = "sort(VpcSecurityGroups[?Status=='active'].VpcSecurityGroupId)"
FIND_GROUP = "find-quarantine-group"
# What is passed to which service, and how RDS uses keys in its caller's name.
MONITORING = {"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}}
FEATURES = {"StringEquals": {"iam:PassedToService": "rds.amazonaws.com"}}
BY_RDS = {"StringLike": {"kms:ViaService": ["rds.*.amazonaws.com", "rds.*.amazonaws.com.cn"]}}
KEY_USES = ("kms:CreateGrant", "kms:DescribeKey")
SECRET_USES = ("secretsmanager:CreateSecret", "secretsmanager:TagResource")


@dataclass(frozen=True, slots=True)
class Replacement:
    """One instance to replace: the key of the copy, and the group that admits nobody, if it is there already."""

    resource: Resource
    settings: Mapping[str, Any]
    key: str
    group_name: str
    group_id: str | None

    @property
    def name(self) -> str:
        """What the instance is called, and its copy in the end."""
        return self.resource.id

    @property
    def aside(self) -> str:
        """What the original is called in the end."""
        return instances.set_aside(self.name, self.settings)

    @property
    def copy(self) -> str:
        """What the copy is called before the swap."""
        return instances.copied(self.name, self.settings)

    @property
    def snapshots(self) -> tuple[str, str]:
        """The snapshot and its encrypted copy."""
        return instances.snapshots(self.name, self.settings)

    def changes(self) -> Iterator[Change]:
        """All changes in order; the order is what makes the way back safe."""
        yield from self._quarantine_group()
        yield self._close()
        yield self._reboot()
        yield self._mark()
        yield from self._encrypted_snapshot()
        yield self._restore()
        yield self._adjust()
        yield from self._roles()
        yield from self._swap()
        yield self._stop()
        yield self._open()

    def _quarantine_group(self) -> Iterator[Change]:
        """The group stays when all is taken back: it is empty, costs nothing, and others may use it by then."""
        if self.group_id is not None:
            return
        vpc = self.settings["DBSubnetGroup"]["VpcId"]
        made = self._arn("security-group/*", service="ec2")
        yield Change(
            name="make-quarantine-group",
            service="ec2",
            operation="create_security_group",
            parameters={
                "GroupName": self.group_name,
                "Description": "Admits nobody: databases that Palisade replaces",
                "VpcId": vpc,
            },
            grants=(Grant("ec2:CreateSecurityGroup", (made, self._arn(f"vpc/{vpc}", service="ec2"))),),
            settled=("InvalidGroup.Duplicate",),
            inverse=self._reopen("make-quarantine-group"),
        )
        filters = [{"Name": "group-name", "Values": [self.group_name]}, {"Name": "vpc-id", "Values": [vpc]}]
        # Its id comes from here: whoever makes the group twice is not told the id.
        yield Change(
            name=FIND_GROUP,
            service="ec2",
            operation="describe_security_groups",
            parameters={"Filters": filters},
            grants=(Grant("ec2:DescribeSecurityGroups", ("*",)),),
            inverse=self._reopen(FIND_GROUP),
        )

    def _close(self) -> Change:
        former = json.dumps(self._groups)
        closed = (
            f"[{IN_USE}, VpcSecurityGroups[].Status, contains(`{former}`, VpcSecurityGroups[0].VpcSecurityGroupId)]"
        )
        return replace(
            self._put_groups("close-original", self.name, [self._group]),
            effect=self._original(closed, [True, ["active"], False]),
            inverse=self._reopen("close-original"),
        )

    def _reopen(self, of: str) -> Change:
        """Give the original its groups back; what only prepares the quarantine or follows from it ends so, too."""
        opened = self._original(f"[{IN_USE}, {GROUPS}]", [True, sorted(self._groups)])
        return _undo(of, replace(self._put_groups(of, self.name, self._groups), effect=opened))

    def _reboot(self) -> Change:
        """End the connections that the former groups have let in: a group that is taken away does not end them."""
        return Change(
            name="end-connections",
            service="rds",
            operation="reboot_db_instance",
            parameters={"DBInstanceIdentifier": self.name},
            grants=(Grant("rds:RebootDBInstance", (self._db(self.name),)),),
            settled=(BUSY,),
            inverse=self._reopen("end-connections"),
            effect=self._original(IN_USE, True),
        )

    def _mark(self) -> Change:
        """Say on the original what becomes of it; the snapshot comes only when nobody has been connected for minutes.

        Tagging leaves the state of the instance as it is, so that the snapshot can follow at once.
        """
        parameters = {"ResourceName": self._db(self.name)}
        tags = [{"Key": instances.SUPERSEDED, "Value": self.name}]
        idle = Probe(
            service="cloudwatch",
            operation="get_metric_statistics",
            parameters={
                "Namespace": "AWS/RDS",
                "MetricName": "DatabaseConnections",
                "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": self.name}],
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
        change = Change(
            name="mark-original",
            service="rds",
            operation="add_tags_to_resource",
            parameters={**parameters, "Tags": tags},
            grants=(Grant("rds:AddTagsToResource", (self._db(self.name),)),),
            effect=idle,
        )
        unmark = Change(
            name="",
            service="rds",
            operation="remove_tags_from_resource",
            parameters={**parameters, "TagKeys": [instances.SUPERSEDED]},
            grants=(Grant("rds:RemoveTagsFromResource", (self._db(self.name),)),),
        )
        return replace(change, inverse=_undo("mark-original", unmark))

    def _encrypted_snapshot(self) -> Iterator[Change]:
        taken, encrypted = self.snapshots
        yield Change(
            name="take-snapshot",
            service="rds",
            operation="create_db_snapshot",
            parameters={"DBInstanceIdentifier": self.name, "DBSnapshotIdentifier": taken},
            grants=(Grant("rds:CreateDBSnapshot", (self._db(self.name), self._arn(f"snapshot:{taken}"))),),
            # No snapshot had this name when the plan was made: it is this plan's own.
            settled=("DBSnapshotAlreadyExists",),
            inverse=self._delete_snapshot("take-snapshot", taken),
            effect=_snapshot(taken, "DbiResourceId", self.settings["DbiResourceId"]),
        )
        both = (self._arn(f"snapshot:{taken}"), self._arn(f"snapshot:{encrypted}"))
        yield Change(
            name="encrypt-snapshot",
            service="rds",
            operation="copy_db_snapshot",
            parameters={
                "SourceDBSnapshotIdentifier": taken,
                "TargetDBSnapshotIdentifier": encrypted,
                "KmsKeyId": self.key,
            },
            grants=(Grant("rds:CopyDBSnapshot", both), *_uses(self.key)),
            settled=("DBSnapshotAlreadyExists",),
            inverse=self._delete_snapshot("encrypt-snapshot", encrypted),
            effect=_snapshot(encrypted, "KmsKeyId", self.key),
        )

    def _delete_snapshot(self, of: str, snapshot: str) -> Change:
        change = Change(
            name="",
            service="rds",
            operation="delete_db_snapshot",
            parameters={"DBSnapshotIdentifier": snapshot},
            grants=(Grant("rds:DeleteDBSnapshot", (self._arn(f"snapshot:{snapshot}"),)),),
            settled=("DBSnapshotNotFound",),
        )
        return _undo(of, change)

    def _restore(self) -> Change:
        given = carried.restore(self.settings)
        # Without any tag RDS would give the copy those of the original, which is marked by now.
        tags = [one for one in self.settings["Tags"] if not one["Key"].startswith("aws:")]
        tags = [*tags, {"Key": instances.SOURCE, "Value": self.settings["DbiResourceId"]}]
        around = (
            self._db(self.copy),
            self._arn(f"snapshot:{self.snapshots[1]}"),
            self._arn(f"og:{given['OptionGroupName']}"),
            self._arn(f"pg:{given['DBParameterGroupName']}"),
            self._arn(f"subgrp:{given['DBSubnetGroupName']}"),
        )
        grants = [
            Grant("rds:RestoreDBInstanceFromDBSnapshot", around),
            Grant("rds:AddTagsToResource", (self._db(self.copy),)),
            *_uses(self.key),
            *self._secret(given),
        ]
        if "DomainIAMRoleName" in given:
            grants.append(Grant("iam:PassRole", (self._role(given["DomainIAMRoleName"]),), FEATURES))
        return Change(
            name="restore-copy",
            service="rds",
            operation="restore_db_instance_from_db_snapshot",
            parameters={
                "DBInstanceIdentifier": self.copy,
                "DBSnapshotIdentifier": self.snapshots[1],
                "VpcSecurityGroupIds": [self._group],
                "Tags": tags,
                **given,
            },
            grants=tuple(grants),
            # No instance had this name when the plan was made.
            settled=("DBInstanceAlreadyExists",),
            inverse=_undo("restore-copy", _stop(self._db(self.copy), _named(self.copy, *STOPPED))),
            effect=replace(
                _named(self.copy, "DBInstanceStatus", *instances.RUNNING),
                failed=instances.BROKEN,
                interval=60,
                timeout=24 * HOUR,
            ),
        )

    def _adjust(self) -> Change:
        """Set what the restore cannot, and see that everything is as it was before anything is swapped."""
        given = carried.modify(self.settings)
        grants = [Grant("rds:ModifyDBInstance", (self._db(self.copy),)), *self._secret(given)]
        if "MonitoringRoleArn" in given:
            grants.append(Grant("iam:PassRole", (given["MonitoringRoleArn"],), MONITORING))
        if "PerformanceInsightsKMSKeyId" in given:
            grants.extend(_uses(given["PerformanceInsightsKMSKeyId"]))
        path, values = carried.taken_over(self.settings)
        whole = f"[{IN_USE}, KmsKeyId, {path}]"
        return Change(
            name="adjust-copy",
            service="rds",
            operation="modify_db_instance",
            # Nothing else waits on an instance that is new.
            parameters={"DBInstanceIdentifier": self.copy, "ApplyImmediately": True, **given},
            grants=tuple(grants),
            settled=(BUSY,),
            # What is set costs nothing while the copy is stopped; it stays closed.
            inverse=self._keep_closed("adjust-copy", self.copy),
            effect=replace(_named(self.copy, whole, [True, self.key, values]), timeout=2 * HOUR),
        )

    def _roles(self) -> Iterator[Change]:
        for number, role in enumerate(self.settings.get("AssociatedRoles") or (), 1):
            name = f"give-role-{number}"
            of_role = {"RoleArn": role["RoleArn"], "FeatureName": role["FeatureName"]}
            same = f"RoleArn=='{role['RoleArn']}' && FeatureName=='{role['FeatureName']}'"
            active = f"[{IN_USE}, AssociatedRoles[?{same}].Status]"
            change = Change(
                name=name,
                service="rds",
                operation="add_role_to_db_instance",
                parameters={"DBInstanceIdentifier": self.copy, **of_role},
                grants=(
                    Grant("rds:AddRoleToDBInstance", (self._db(self.copy),)),
                    Grant("iam:PassRole", (role["RoleArn"],), FEATURES),
                ),
                settled=("DBInstanceRoleAlreadyExists",),
                effect=_named(self.copy, active, [True, ["ACTIVE"]]),
            )
            remove = replace(
                change,
                operation="remove_role_from_db_instance",
                grants=(Grant("rds:RemoveRoleFromDBInstance", (self._db(self.copy),)),),
                settled=("DBInstanceRoleNotFound",),
                effect=_named(self.copy, active, [True, []]),
            )
            yield replace(change, inverse=_undo(name, remove))

    def _swap(self) -> Iterator[Change]:
        """Rename the original, then the copy; a name that is not there any more has been changed already."""

        def renamed(name: str, old: str, new: str, effect: Probe) -> Change:
            return Change(
                name=name,
                service="rds",
                operation="modify_db_instance",
                # Otherwise it waits for the maintenance window. A plan is refused while other changes do.
                parameters={"DBInstanceIdentifier": old, "NewDBInstanceIdentifier": new, "ApplyImmediately": True},
                grants=(Grant("rds:ModifyDBInstance", (self._db(old), self._db(new))),),
                settled=("DBInstanceNotFound", BUSY),
                effect=effect,
            )

        called = f"[DBInstanceIdentifier, {IN_USE}]"
        encrypted = f"[DBInstanceIdentifier, {IN_USE}, KmsKeyId]"
        aside = renamed("set-original-aside", self.name, self.aside, self._original(called, [self.aside, True]))
        back = renamed("", self.aside, self.name, self._original(called, [self.name, True]))
        yield replace(aside, inverse=_undo(aside.name, back))
        effect = _named(self.name, encrypted, [self.name, True, self.key])
        taken = renamed("give-copy-the-name", self.copy, self.name, effect)
        left = renamed("", self.name, self.copy, _named(self.copy, encrypted, [self.copy, True, self.key]))
        yield replace(taken, inverse=_undo(taken.name, left))

    def _stop(self) -> Change:
        """Stop the original before anybody writes to the copy: where that fails, nothing is lost by going back."""
        return _stopped("stop-original", self._db(self.aside), self.settings)

    def _open(self) -> Change:
        """Give the copy the groups of the original: from here on people write to it."""
        change = self._put_groups("open-copy", self.name, self._groups)
        opened = _named(self.name, f"[{IN_USE}, {GROUPS}]", [True, sorted(self._groups)])
        return replace(change, effect=opened, inverse=self._keep_closed("open-copy", self.name))

    def _keep_closed(self, of: str, instance: str) -> Change:
        closed = _named(instance, f"[{IN_USE}, VpcSecurityGroups[].Status]", [True, ["active"]])
        return _undo(of, replace(self._put_groups(of, instance, [self._group]), effect=closed))

    def _put_groups(self, name: str, instance: str, groups: Sequence[str | Ref]) -> Change:
        # Groups change at once whatever else waits: without ApplyImmediately nothing else does.
        return Change(
            name=name,
            service="rds",
            operation="modify_db_instance",
            parameters={"DBInstanceIdentifier": instance, "VpcSecurityGroupIds": list(groups)},
            grants=(Grant("rds:ModifyDBInstance", (self._db(instance),)),),
        )

    @property
    def _group(self) -> str | Ref:
        return self.group_id or Ref(FIND_GROUP, "SecurityGroups[0].GroupId")

    @property
    def _groups(self) -> list[str]:
        return [one["VpcSecurityGroupId"] for one in self.settings["VpcSecurityGroups"]]

    def _original(self, path: str, *expected: Any) -> Probe:
        return _by_id(self.settings, path, *expected)

    def _secret(self, given: Mapping[str, Any]) -> list[Grant]:
        """What the caller needs for a master user's secret of RDS's own making."""
        if "ManageMasterUserPassword" not in given:
            return []
        made, key = self._arn("secret:rds!*", service="secretsmanager"), given.get("MasterUserSecretKmsKeyId")
        return [*(Grant(action, (made,)) for action in SECRET_USES), *(_uses(key) if key else ())]

    def _db(self, name: str) -> str:
        return self._arn(f"db:{name}")

    def _role(self, name: str) -> str:
        return f"arn:{self.resource.partition}:iam::{self.resource.account}:role/{name}"

    def _arn(self, tail: str, service: str = "rds") -> str:
        return f"arn:{self.resource.partition}:{service}:{self.resource.region}:{self.resource.account}:{tail}"


def stop_superseded(resource: Resource, settings: Mapping[str, Any]) -> Change:
    """Stop an original again that RDS has started."""
    return _stopped("stop-superseded", resource.arn, settings)


def _stopped(name: str, arn: str, settings: Mapping[str, Any]) -> Change:
    """Stop an original, and start it to take that back."""
    start = Change(
        name=f"undo-{name}",
        service="rds",
        operation="start_db_instance",
        parameters={"DBInstanceIdentifier": _name_of(arn)},
        grants=(Grant("rds:StartDBInstance", (arn,)),),
        settled=(BUSY,),
        irreversible="it is an undo",
        effect=replace(_by_id(settings, IN_USE, True), timeout=6 * HOUR),
    )
    return replace(_stop(arn, _by_id(settings, *STOPPED)), name=name, inverse=start)


def _stop(arn: str, effect: Probe) -> Change:
    return Change(
        name="",
        service="rds",
        operation="stop_db_instance",
        parameters={"DBInstanceIdentifier": _name_of(arn)},
        grants=(Grant("rds:StopDBInstance", (arn,)),),
        settled=(BUSY,),
        effect=replace(effect, timeout=2 * HOUR),
    )


def _name_of(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


def _undo(of: str, change: Change) -> Change:
    return replace(change, name=f"undo-{of}", inverse=None, irreversible="it is an undo")


def _uses(key: str) -> tuple[Grant, ...]:
    """What RDS does with a key in its caller's name."""
    return tuple(Grant(action, (key,), BY_RDS) for action in KEY_USES)


def _snapshot(name: str, shows: str, value: str) -> Probe:
    """A snapshot is there, whole, and the right one."""
    return Probe(
        service="rds",
        operation="describe_db_snapshots",
        parameters={"DBSnapshotIdentifier": name},
        path=f"DBSnapshots[0].[Status, {shows}]",
        expected=([instances.AVAILABLE, value],),
        failed=(["failed", value], ["copy-failed", value]),
        interval=60,
        timeout=24 * HOUR,
    )


def _by_id(settings: Mapping[str, Any], path: str, *expected: Any) -> Probe:
    """Ask for an instance by the id that stays when it is renamed."""
    return _described("dbi-resource-id", settings["DbiResourceId"], path, expected)


def _named(name: str, path: str, *expected: Any) -> Probe:
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
