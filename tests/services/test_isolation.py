"""The steps of an isolation: evidence first, everything for a moment, nothing in the end."""

from __future__ import annotations

from typing import Any

from lambdas.controls import catalog
from lambdas.controls.model import Change, Place, Ref
from lambdas.services import isolation

PLACE = Place("aws-cn", "111122223333", "cn-north-1")
INSTANCE = catalog()["Palisade.GuardDuty.2"].resource(PLACE, "i-1")
SETTINGS: dict[str, Any] = {
    "Vpc": "vpc-1",
    "Interfaces": [{"Id": "eni-1", "Groups": ["sg-1"]}],
    "Volumes": ["vol-1", "vol-2"],
    "Snapshots": [],
    "Groups": {},
}
BOTH = {isolation.OPEN: {"Id": "sg-8", "Rules": 1}, isolation.CLOSED: {"Id": "sg-9", "Rules": 0}}


def made(**settings: Any) -> dict[str, Change]:
    return {one.name: one for one in isolation.changes(INSTANCE, {**SETTINGS, **settings})}


def test_groups_are_made_and_found_by_name_where_the_vpc_has_none() -> None:
    steps = made()
    assert list(steps) == [
        "take-snapshots",
        "create-palisade-all-access",
        "find-palisade-all-access",
        "open",
        "open-ipv6",
        "open-eni-1",
        "create-palisade-isolation",
        "find-palisade-isolation",
        "empty",
        "empty-ipv6",
        "isolate-eni-1",
        "close",
        "close-ipv6",
    ]
    # The answer to the making may be lost: the one to the finding comes again.
    assert steps["open-eni-1"].parameters["Groups"] == [Ref("find-palisade-all-access", "SecurityGroups[0].GroupId")]


def test_groups_that_are_there_are_taken_and_no_undo_deletes_them() -> None:
    steps = made(Groups=BOTH)
    assert not any(name.startswith(("create-", "find-")) for name in steps)
    assert steps["isolate-eni-1"].parameters["Groups"] == ["sg-9"]
    undone = [one.inverse.operation for one in steps.values() if one.inverse is not None]
    assert "delete_security_group" not in undone
    assert len(undone) == len(steps)


def test_the_permission_for_evidence_names_instance_and_volumes_in_their_partition() -> None:
    (grant, _) = made()["take-snapshots"].grants
    prefix = "arn:aws-cn:ec2:cn-north-1:111122223333"
    assert grant.resources[:3] == (f"{prefix}:instance/i-1", f"{prefix}:volume/vol-1", f"{prefix}:volume/vol-2")


def test_every_interface_must_have_the_group_without_rules_alone() -> None:
    alone, beside = [{"Id": "eni-1", "Groups": ["sg-9"]}], [{"Id": "eni-1", "Groups": ["sg-1", "sg-9"]}]
    assert isolation.isolated({"Groups": BOTH, "Interfaces": alone})
    assert not isolation.isolated({"Groups": BOTH, "Interfaces": beside})
    assert not isolation.isolated({"Groups": {}, "Interfaces": alone})
