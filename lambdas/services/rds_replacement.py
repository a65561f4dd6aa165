"""An encrypted copy in the place of an unencrypted DB instance: the changes of the plan, each with what takes it back.

Until its last change nobody can connect to either of the two, so that nothing is written that a return to the original
would lose. The original is renamed, closed and stopped, never deleted; an undo keeps the copy in the same manner, for
it holds what was written since.
Source: RDS User Guide, "Encrypting Amazon RDS resources", "Renaming a DB instance", "AWS KMS key management", "Setting
up permissions for Enhanced Monitoring"; Service Authorization Reference, Amazon RDS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lambdas.controls.model import Change, Grant, Probe, Ref, Resource
from lambdas.services import rds_calls as calls
from lambdas.services import rds_carried as carried
from lambdas.services import rds_instances as instances
from lambdas.services.rds_calls import BUSY, GROUPS, HOUR, IN_USE, undo

FIND_GROUP = "find-quarantine-group"


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
        yield self._keep_closed()
        yield self._stop("stop-original")
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
            calls.put_groups("close-original", self._db(self.name), [self._group]),
            effect=self._original(closed, [True, ["active"], False]),
            inverse=self._reopen("close-original"),
        )

    def _reopen(self, of: str) -> Change:
        """Give the original its groups back; what only prepares the quarantine or follows from it ends so, too."""
        opened = self._original(f"[{IN_USE}, {GROUPS}]", [True, sorted(self._groups)])
        return undo(of, replace(calls.put_groups(of, self._db(self.name), self._groups), effect=opened))

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
        change = Change(
            name="mark-original",
            service="rds",
            operation="add_tags_to_resource",
            parameters={**parameters, "Tags": tags},
            grants=(Grant("rds:AddTagsToResource", (self._db(self.name),)),),
            effect=calls.idle(self.name),
        )
        unmark = Change(
            name="",
            service="rds",
            operation="remove_tags_from_resource",
            parameters={**parameters, "TagKeys": [instances.SUPERSEDED]},
            grants=(Grant("rds:RemoveTagsFromResource", (self._db(self.name),)),),
        )
        return replace(change, inverse=undo("mark-original", unmark))

    def _encrypted_snapshot(self) -> Iterator[Change]:
        taken, encrypted = self.snapshots
        yield Change(
            name="take-snapshot",
            service="rds",
            operation="create_db_snapshot",
            parameters={"DBInstanceIdentifier": self.name, "DBSnapshotIdentifier": taken},
            grants=(Grant("rds:CreateDBSnapshot", (self._db(self.name), self._arn(f"snapshot:{taken}"))),),
            # No snapshot had this name when the plan was made: it is this plan's own, there or on its way.
            settled=("DBSnapshotAlreadyExists", BUSY),
            inverse=self._delete_snapshot("take-snapshot", taken),
            effect=calls.snapshot(taken, "DbiResourceId", self.settings["DbiResourceId"]),
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
            grants=(Grant("rds:CopyDBSnapshot", both), *calls.uses(self.key)),
            settled=("DBSnapshotAlreadyExists",),
            inverse=self._delete_snapshot("encrypt-snapshot", encrypted),
            effect=calls.snapshot(encrypted, "KmsKeyId", self.key),
        )

    def _delete_snapshot(self, of: str, snapshot: str) -> Change:
        change = Change(
            name="",
            service="rds",
            operation="delete_db_snapshot",
            parameters={"DBSnapshotIdentifier": snapshot},
            grants=(Grant("rds:DeleteDBSnapshot", (self._arn(f"snapshot:{snapshot}"),)),),
            # One that somebody else has begun to copy or share stays.
            settled=("DBSnapshotNotFound", "InvalidDBSnapshotState"),
        )
        return undo(of, change)

    def _restore(self) -> Change:
        given = carried.restore(self.settings)
        # Without any tag RDS would give the copy those of the original, which is marked by now.
        tags = [*instances.own_tags(self.settings), {"Key": instances.SOURCE, "Value": self.settings["DbiResourceId"]}]
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
            *calls.uses(self.key),
            *self._secret(given),
        ]
        if "DomainIAMRoleName" in given:
            grants.append(Grant("iam:PassRole", (self._role(given["DomainIAMRoleName"]),), calls.FEATURES))
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
            inverse=self._stop_copy("restore-copy"),
            effect=replace(
                calls.named(self.copy, "DBInstanceStatus", *instances.RUNNING),
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
            grants.append(Grant("iam:PassRole", (given["MonitoringRoleArn"],), calls.MONITORING))
        if "PerformanceInsightsKMSKeyId" in given:
            grants.extend(calls.uses(given["PerformanceInsightsKMSKeyId"]))
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
            # What is set costs nothing while the copy is stopped, and goes when a person deletes it.
            inverse=self._stop_copy("adjust-copy"),
            effect=replace(calls.named(self.copy, whole, [True, self.key, values]), interval=60),
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
                    Grant("iam:PassRole", (role["RoleArn"],), calls.FEATURES),
                ),
                settled=("DBInstanceRoleAlreadyExists",),
                effect=calls.named(self.copy, active, [True, ["ACTIVE"]]),
            )
            remove = replace(
                change,
                operation="remove_role_from_db_instance",
                grants=(Grant("rds:RemoveRoleFromDBInstance", (self._db(self.copy),)),),
                settled=("DBInstanceRoleNotFound",),
                effect=calls.named(self.copy, active, [True, []]),
            )
            yield replace(change, inverse=undo(name, remove))

    def _swap(self) -> Iterator[Change]:
        """Rename the original, then the copy."""
        called = f"[DBInstanceIdentifier, {IN_USE}]"
        encrypted = f"[DBInstanceIdentifier, {IN_USE}, KmsKeyId]"
        aside = calls.rename(
            "set-original-aside", self._db(self.name), self._db(self.aside), self._original(called, [self.aside, True])
        )
        back = calls.rename("", self._db(self.aside), self._db(self.name), self._original(called, [self.name, True]))
        yield replace(aside, inverse=undo(aside.name, back))
        effect = calls.named(self.name, encrypted, [self.name, True, self.key])
        taken = calls.rename("give-copy-the-name", self._db(self.copy), self._db(self.name), effect)
        left = calls.rename(
            "", self._db(self.name), self._db(self.copy), calls.named(self.copy, encrypted, [self.copy, True, self.key])
        )
        yield replace(taken, inverse=undo(taken.name, left))

    def _keep_closed(self) -> Change:
        """See that the copy is closed under its new name; an undo closes it here, once the original runs again."""
        closed = calls.named(self.name, f"[{IN_USE}, VpcSecurityGroups[].Status]", [True, ["active"]])
        change = replace(calls.put_groups("keep-copy-closed", self._db(self.name), [self._group]), effect=closed)
        return replace(change, inverse=undo(change.name, change))

    def _stop(self, name: str) -> Change:
        """Stop the original before anybody writes to the copy: where that fails, nothing is lost by going back."""
        return calls.stop_original(name, self._db(self.aside), self.settings)

    def _open(self) -> Change:
        """Give the copy the groups of the original: from here on people write to it.

        An undo begins with the start of the original: where that fails the copy stays in use.
        """
        change = calls.put_groups("open-copy", self._db(self.name), self._groups)
        opened = calls.named(self.name, f"[{IN_USE}, {GROUPS}]", [True, sorted(self._groups)])
        return replace(change, effect=opened, inverse=self._stop("open-copy").inverse)

    def _stop_copy(self, of: str) -> Change:
        """Keep the copy: after an undo it holds what was written to it. Nothing waits for its end meanwhile."""
        return undo(of, calls.stop(self._db(self.copy)))

    @property
    def _group(self) -> str | Ref:
        return self.group_id or Ref(FIND_GROUP, "SecurityGroups[0].GroupId")

    @property
    def _groups(self) -> list[str]:
        return [one["VpcSecurityGroupId"] for one in self.settings["VpcSecurityGroups"]]

    def _original(self, path: str, *expected: Any) -> Probe:
        return calls.by_id(self.settings, path, *expected)

    def _secret(self, given: Mapping[str, Any]) -> list[Grant]:
        """What the caller needs for a master user's secret of RDS's own making."""
        if "ManageMasterUserPassword" not in given:
            return []
        made, key = self._arn("secret:rds!*", service="secretsmanager"), given.get("MasterUserSecretKmsKeyId")
        return [*(Grant(action, (made,)) for action in calls.SECRET_USES), *(calls.uses_for_secret(key) if key else ())]

    def _db(self, name: str) -> str:
        return self._arn(f"db:{name}")

    def _role(self, name: str) -> str:
        return f"arn:{self.resource.partition}:iam::{self.resource.account}:role/{name}"

    def _arn(self, tail: str, service: str = "rds") -> str:
        return f"arn:{self.resource.partition}:{service}:{self.resource.region}:{self.resource.account}:{tail}"


def stop_superseded(resource: Resource, settings: Mapping[str, Any]) -> Change:
    """Stop an original again that RDS has started."""
    return calls.stop_original("stop-superseded", resource.arn, settings)
