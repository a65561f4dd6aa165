"""Tags of instances and snapshots, and IAM roles that instances use for a feature.

Source: RDS API reference, AddTagsToResource, RemoveTagsFromResource, ListTagsForResource, AddRoleToDBInstance and
RemoveRoleFromDBInstance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError
from simulator.services import rds_durations as durations
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services.rds_identifiers import invalid
from simulator.services.rds_quotas import ROLES
from simulator.services.rds_records import Instance, Records, must_be_ready, tag_list, tag_map

if TYPE_CHECKING:
    from simulator.services.rds_progress import Progress
    from simulator.world import World

MOST_TAGS = 50


class Tags:
    """The tag operations; what is neither instance nor snapshot has its tags in moto."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, arn: str) -> dict[str, str] | None:
        """The tags of an instance or snapshot by its ARN; None where it is none of these, or not there."""
        _, _, _, region, account, kind, name = arn.split(":", 6)
        if kind == "db":
            instance = self._records.instance(account, region, name)
            return None if instance is None else instance.tags
        snapshot = self._records.snapshot(account, region, name) if kind == "snapshot" else None
        return None if snapshot is None else snapshot.tags

    def _need(self, call: Call) -> dict[str, str] | None:
        arn = call.parameters["ResourceName"]
        parts = arn.split(":", 6)
        if len(parts) != 7 or parts[:5] != ["arn", call.partition, "rds", call.region, call.account]:
            raise invalid(f"Invalid resource name: {arn}")
        found = self.find(arn)
        if found is None and parts[5] == "db":
            raise ServiceError("DBInstanceNotFound", f"DBInstance {parts[6]} not found.", 404)
        if found is None and parts[5] == "snapshot":
            raise ServiceError("DBSnapshotNotFound", f"DBSnapshot not found: {parts[6]}", 404)
        return found

    def add_tags_to_resource(self, call: Call) -> dict[str, Any]:
        """Set tags; they do not need an instance to be available."""
        tags, added = self._need(call), call.parameters["Tags"]
        if tags is None:
            get_backend("rds")[call.account][call.region].add_tags_to_resource(call.parameters["ResourceName"], added)
            return {}
        wanted = {**tags, **tag_map(added)}
        if len(wanted) > MOST_TAGS:
            raise invalid(f"A resource has at most {MOST_TAGS} tags.")
        if any(name.lower().startswith("aws:") for name in tag_map(added)):
            raise invalid("Tag keys must not start with aws:")
        tags.update(wanted)
        return {}

    def remove_tags_from_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags; those that are not there are no error."""
        tags, removed = self._need(call), call.parameters["TagKeys"]
        if tags is None:
            state = get_backend("rds")[call.account][call.region]
            state.remove_tags_from_resource(call.parameters["ResourceName"], removed)
            return {}
        for name in removed:
            tags.pop(name, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """List tags."""
        tags = self._need(call)
        if tags is None:
            state = get_backend("rds")[call.account][call.region]
            return {"TagList": list(state.list_tags_for_resource(call.parameters["ResourceName"]))}
        return {"TagList": tag_list(tags)}


class Roles:
    """The operations on roles of instances: one role for each feature."""

    def __init__(self, world: World, records: Records, progress: Progress) -> None:
        self.world = world
        self._records = records
        self._progress = progress

    def add_role_to_db_instance(self, call: Call) -> dict[str, Any]:
        """Let an instance use a role for a feature; it is active after a while."""
        given = call.parameters
        instance = self._records.need(call)
        must_be_ready(instance)
        feature, arn = given["FeatureName"], places.role(call, given["RoleArn"])
        if feature not in engines.ENGINES[instance.shown["Engine"]].features:
            raise invalid(
                f"The feature-name parameter value {feature} is not supported for {instance.shown['Engine']}."
            )
        held = instance.shown["AssociatedRoles"]
        if any(one["FeatureName"] == feature or one["RoleArn"] == arn for one in held):
            raise ServiceError("DBInstanceRoleAlreadyExists", f"A role is already associated for {feature}.")
        if len(held) >= ROLES:
            raise ServiceError("DBInstanceRoleQuotaExceeded", f"An instance has at most {ROLES} roles.")
        role = {"RoleArn": arn, "FeatureName": feature, "Status": "PENDING"}
        held.append(role)

        def active() -> None:
            role["Status"] = "ACTIVE"
            self._progress.record(instance)

        self._later(instance, active)
        return {}

    def remove_role_from_db_instance(self, call: Call) -> dict[str, Any]:
        """Take a role from an instance."""
        given = call.parameters
        instance = self._records.need(call)
        must_be_ready(instance)
        held = instance.shown["AssociatedRoles"]
        wanted = (given["RoleArn"], given["FeatureName"])
        role = next((one for one in held if (one["RoleArn"], one["FeatureName"]) == wanted), None)
        if role is None:
            raise ServiceError("DBInstanceRoleNotFound", f"{given['RoleArn']} is not associated.", 404)

        def removed() -> None:
            if role in held:  # it may be asked for twice before it is done
                held.remove(role)
            self._progress.record(instance)

        self._later(instance, removed)
        return {}

    def _later(self, instance: Instance, action: Any) -> None:
        self.world.agenda.soon(action, f"rds: roles of {instance.identifier}", seconds=durations.JOINING)
