"""The steps of an isolation: evidence first, both groups, everything for a moment, nothing in the end."""

from __future__ import annotations

from collections.abc import Collection
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
    "Groups": {},
}
ALL_ACCESS = "palisade-all-access-i-1"
BOTH = {
    ALL_ACCESS: {"Id": "sg-8", "Ours": True, "Rules": 1},
    isolation.CLOSED: {"Id": "sg-9", "Ours": True, "Rules": 0},
}


def made(evidence: Collection[str] = (), **settings: Any) -> dict[str, Change]:
    return {one.name: one for one in isolation.changes(INSTANCE, {**SETTINGS, **settings}, evidence)}


def test_groups_are_made_and_found_by_name_where_the_vpc_has_none() -> None:
    steps = made()
    assert list(steps) == [
        "take-snapshots",
        f"create-{ALL_ACCESS}",
        f"find-{ALL_ACCESS}",
        "create-palisade-isolation",
        "find-palisade-isolation",
        "empty",
        "empty-ipv6",
        "open",
        "open-ipv6",
        "open-eni-1",
        "isolate-eni-1",
        "close",
        "close-ipv6",
    ]
    # The answer to the making may be lost: the one to the finding comes again.
    assert steps["open-eni-1"].parameters["Groups"] == [Ref(f"find-{ALL_ACCESS}", "SecurityGroups[0].GroupId")]


def test_an_interface_that_gets_everything_loses_it_by_the_next_call() -> None:
    interfaces = [{"Id": f"eni-{number}", "Groups": ["sg-1"]} for number in (1, 2, 3)]
    names = list(made(Interfaces=interfaces))
    opened = [name for name in names if name.startswith("open-eni-")]
    assert opened == ["open-eni-1", "open-eni-2", "open-eni-3"]
    for name in opened:
        assert names[names.index(name) + 1] == name.replace("open", "isolate")


def test_rules_that_somebody_gave_the_closed_group_are_taken_before_any_interface_moves() -> None:
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ruled = {"Id": "sg-9", "Ours": True, "Rules": 2, "More": {"ingress": [ssh], "egress": []}}
    steps = made(Groups={**BOTH, isolation.CLOSED: ruled})
    names = list(steps)
    assert names.index("empty-ingress-1") < names.index("open-eni-1")
    assert steps["empty-ingress-1"].parameters == {"GroupId": "sg-9", "IpPermissions": [ssh]}
    undo = steps["empty-ingress-1"].inverse
    assert undo is not None
    assert undo.operation == "revoke_security_group_ingress", "others may be isolated by the group"


def test_an_interface_that_is_isolated_is_not_opened_again() -> None:
    interfaces = [{"Id": "eni-1", "Groups": ["sg-9"]}, {"Id": "eni-2", "Groups": ["sg-8"]}]
    names = made(Interfaces=interfaces, Groups=BOTH)
    assert not {"open-eni-1", "isolate-eni-1"} & set(names)
    assert {"open-eni-2", "isolate-eni-2"} <= set(names)
    ruled = {**BOTH, isolation.CLOSED: {**BOTH[isolation.CLOSED], "Rules": 1}}
    assert "open-eni-1" in made(Interfaces=interfaces, Groups=ruled)


def test_the_end_of_another_isolation_takes_no_rule_of_this_one() -> None:
    other = catalog()["Palisade.GuardDuty.2"].resource(PLACE, "i-2")
    groups = {isolation.open_group(one): {"Id": f"sg-of-{one}", "Ours": True, "Rules": 1} for one in ("i-1", "i-2")}
    closing = [one for one in isolation.changes(other, {**SETTINGS, "Groups": groups}, ()) if "close" in one.name]
    assert [one.parameters["GroupId"] for one in closing] == ["sg-of-i-2", "sg-of-i-2"]
    assert made(Groups=groups)["open-eni-1"].parameters["Groups"] == ["sg-of-i-1"]


def test_evidence_is_taken_while_a_volume_lacks_it_and_its_own_snapshots_are_waited_for() -> None:
    assert "take-snapshots" not in made(evidence=["vol-2", "vol-1"])
    taken = made(evidence=["vol-1"])["take-snapshots"]
    # A failed snapshot of an earlier incident is no part of the answer.
    assert taken.effect is not None
    asked = Ref("take-snapshots", "Snapshots[].SnapshotId")
    assert taken.effect.parameters == {"Filters": [{"Name": "snapshot-id", "Values": asked}]}


def test_the_undo_takes_the_tag_that_marks_evidence_and_may_take_no_other() -> None:
    undo = made()["take-snapshots"].inverse
    assert undo is not None
    assert (undo.operation, undo.parameters["Tags"]) == (
        "delete_tags", [{"Key": isolation.EVIDENCE_TAG, "Value": "i-1"}],
    )  # fmt: skip
    (grant,) = undo.grants
    # Without keys, the call takes all tags.
    assert grant.conditions["Null"] == {"aws:TagKeys": "false"}
    assert grant.conditions["ForAllValues:StringEquals"] == {"aws:TagKeys": [isolation.EVIDENCE_TAG]}


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
    others = {isolation.CLOSED: {**BOTH[isolation.CLOSED], "Ours": False}}
    assert not isolation.isolated({"Groups": others, "Interfaces": alone}), "whoever made it gives it rules"
