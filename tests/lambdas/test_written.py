"""Plans in the ledger: every plan of the catalog comes back as it was written, and can be made and undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Ago, Change, Control, Grant, Probe, Ref, Refusal, Token
from lambdas.remediation import describe, session_policy, written
from operations import scenario
from simulator.local import LocalOrganization
from tests.controls.cases import Case, settled
from tests.controls.round_trip import PLACE, member_organization, planned

EVERY = [
    pytest.param(control, case, id=f"{control.id} {case.name}")
    for control in catalog().values()
    for case in scenario.cases(control)
]


@pytest.fixture(scope="module")
def organization() -> Iterator[LocalOrganization]:
    with member_organization() as opened:
        yield opened


def kept(document: Any) -> Any:
    """As the ledger gives it back."""
    return json.loads(json.dumps(document, sort_keys=True, default=str))


@pytest.mark.parametrize(("control", "case"), EVERY)
def test_every_plan_of_the_catalog_comes_back_as_it_was_written(
    organization: LocalOrganization, control: Control, case: Case
) -> None:
    member = partial(organization.session, PLACE.account, PLACE.region)
    made = case.broken(member(), PLACE)
    resource = control.resource(PLACE, settled(case, member, PLACE, made, organization.advance))
    plan = planned(member(), control, resource, case.parameters)
    if isinstance(plan, Refusal):
        return
    document = kept(written.plan(plan))
    read = written.changes_of(document)
    assert kept(written.plan(replace(plan, changes=read))) == document
    for was, now in zip(plan.changes, read, strict=True):
        for one, other in ((was, now), (was.inverse, now.inverse)):
            assert (one is None) is (other is None)
            if one is not None and other is not None:
                assert session_policy.document(one.grants) == session_policy.document(other.grants)
                assert (one.settled, one.irreversible, one.name) == (other.settled, other.irreversible, other.name)
                assert (one.effect is None) is (other.effect is None)
    assert describe.recorded(document) == describe.lines(plan)
    assert describe.digest_of(document, kept({"a": 1})) == describe.digest(plan, {"a": 1})


ASKED = {"JobId": Ref("go", "Id"), "Since": Ago(300)}
PROBE = Probe("s3control", "describe_job", ASKED, "Job.Status", ("Complete",), ("Failed",), 5, 60)
UNDO = Change("undo-go", "ec2", "stop", {"Ids": [Ref("go", "Things[].Id")]}, (), irreversible="it is an undo")
WHOLE = Change(
    name="go",
    service="ec2",
    operation="start",
    parameters={"deep": [{"id": Ref("before", "Id"), "n": 1, "flag": False, "none": None}], "token": Token("go")},
    grants=(Grant("iam:PassRole", ("arn", Ref("before", "Arn")), {"StringEquals": {"iam:PassedToService": "s3"}}),),
    inverse=replace(UNDO, effect=replace(PROBE, failed=())),
    settled=("Exists", "Gone"),
    effect=PROBE,
)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(WHOLE, id="with everything"),
        pytest.param(replace(WHOLE, inverse=None, irreversible="for good"), id="irreversible"),
        pytest.param(replace(WHOLE, effect=None, settled=(), grants=()), id="with little"),
    ],
)
def test_a_change_with_references_conditions_and_effects_is_the_same_when_read(change: Change) -> None:
    assert written.change_of(kept(written.change(change))) == change


def test_entries_of_the_first_version_are_read() -> None:
    old = {name: value for name, value in kept(written.change(UNDO)).items() if name not in ("effect", "irreversible")}
    assert written.change_of(old) == UNDO
