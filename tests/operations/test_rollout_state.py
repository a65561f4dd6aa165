"""A state without an account: what goes, what stays, and what stays loses nothing but its links to what went."""

from __future__ import annotations

import copy
from typing import Any

from operations.rollout_state import forget

ACCOUNT, OTHER = "300000000001", "300000000002"
HUB = "urn:pulumi:s::palisade::pulumi:providers:aws::hub-policies"
STACK = "urn:pulumi:s::palisade::pulumi:pulumi:Stack::palisade-s"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:s::palisade::{kind}::{name}"


def resource(kind: str, name: str, *, custom: bool = True, provider: str = "", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"urn": urn(kind, name), "type": kind.split("$")[-1], "custom": custom, **more}
    return {**made, "provider": f"{provider}::id"} if provider else made


def member(account: str) -> list[dict[str, Any]]:
    """A member as a run leaves it: provider, components below components, and its policy item in the hub."""
    provider = urn("pulumi:providers:aws", f"account-{account}")
    detection = resource("palisade:index:Detection", f"detection-{account}", custom=False, parent=STACK)
    inner = resource("d$palisade:index:ArchivedFunction", f"f-{account}", custom=False, parent=detection["urn"])
    function = resource("f$aws:lambda/function:Function", f"f-{account}", provider=provider, parent=inner["urn"])
    return [
        resource("pulumi:providers:aws", f"account-{account}"),
        detection,
        inner,
        function,
        {**function, "delete": True},
        resource(
            "aws:dynamodb/tableItem:TableItem",
            f"policy-{account}",
            provider=HUB,
            parent=STACK,
            dependencies=[HUB, function["urn"]],
            propertyDependencies={"item": [function["urn"]], "tableName": [HUB]},
            deletedWith=function["urn"],
        ),
    ]


def document() -> dict[str, Any]:
    stack = resource(
        "pulumi:pulumi:Stack", "palisade-s", custom=False, outputs={"accounts": [ACCOUNT, OTHER], "else": "x"}
    )
    pending = {"resource": member(ACCOUNT)[3], "type": "creating"}
    resources = [stack, resource("pulumi:providers:aws", "hub-policies"), *member(ACCOUNT), *member(OTHER)]
    return {"version": 3, "deployment": {"manifest": {"a": 1}, "resources": resources, "pending_operations": [pending]}}


def test_the_account_goes_with_its_provider_and_components_and_nothing_else() -> None:
    before = document()
    kept = copy.deepcopy(before)
    after = forget(before, ACCOUNT)
    assert before == kept, "the export itself is not changed"
    assert after.urns == tuple(dict.fromkeys(one["urn"] for one in member(ACCOUNT)[:-1]))
    resources = after.document["deployment"]["resources"]
    assert [one for one in resources if OTHER in one["urn"]] == member(OTHER)
    assert [one["urn"] for one in resources if ACCOUNT in one["urn"]] == [member(ACCOUNT)[-1]["urn"]]
    assert after.document["deployment"]["manifest"] == {"a": 1}


def test_what_the_hub_holds_of_it_depends_on_nothing_that_went() -> None:
    resources = forget(document(), ACCOUNT).document["deployment"]["resources"]
    (item,) = (one for one in resources if one["urn"].endswith(f"policy-{ACCOUNT}"))
    assert item["dependencies"] == [HUB]
    assert item["propertyDependencies"] == {"item": [], "tableName": [HUB]}
    assert "deletedWith" not in item
    assert item["provider"] == f"{HUB}::id"


def test_the_outputs_and_what_was_pending_follow() -> None:
    deployment = forget(document(), ACCOUNT).document["deployment"]
    assert deployment["resources"][0]["outputs"] == {"accounts": [OTHER], "else": "x"}
    assert deployment["pending_operations"] == []


def test_a_second_time_nothing_is_left_to_forget() -> None:
    once = forget(document(), ACCOUNT)
    assert forget(once.document, ACCOUNT) == type(once)(once.document, ())
    assert forget({"version": 3, "deployment": {}}, ACCOUNT).urns == ()
