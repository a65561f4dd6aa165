"""The provisioner of Lambda invocations: what the function is told at each turn of the resource's life."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.local import LocalOrganization
from simulator.provisioners import registry
from simulator.provisioners.comparison import differing
from simulator.provisioners.lambda_invocations import InvocationError
from simulator.provisioners.model import Edit, Known, Site
from tests.simulator.pipeline_world import HOME, MEMBER, document, make, organization, site

TOKEN = "aws:lambda/invocation:Invocation"
INPUTS: dict[str, Any] = {"functionName": "echo", "input": '{"a":1}', "lifecycleScope": "CRUD"}
CODE = """
def handler(event, context):
    if event.get("broken"):
        raise ValueError("too heavy")
    return event
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as one:
        place = site(one, MEMBER)
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = make(place, "aws:iam/role:Role", name="echo", assumeRolePolicy=document(trust))
        make(place, "aws:s3/bucket:Bucket", bucket="code-of-a-test")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("echo.py", CODE)
        place.client("s3").put_object(Bucket="code-of-a-test", Key="echo.zip", Body=archive.getvalue())
        make(
            place, "aws:lambda/function:Function", name="echo", runtime="python3.13", handler="echo.handler",
            role=role.outputs["arn"], s3Bucket="code-of-a-test", s3Key="echo.zip",
        )  # fmt: skip
        yield one


@pytest.fixture
def place(opened: LocalOrganization) -> Site:
    return site(opened, MEMBER)


def test_each_turn_is_told_with_the_input_before(place: Site) -> None:
    made = registry.create(TOKEN, place, INPUTS)
    assert json.loads(made.outputs["result"]) == {"a": 1, "tf": {"action": "create", "prev_input": None}}
    new = {**INPUTS, "input": '{"a": 2}'}
    outputs = registry.update(TOKEN, place, Edit(made.id, INPUTS, new, frozenset({"input"})))
    assert json.loads(outputs["result"]) == {"a": 2, "tf": {"action": "update", "prev_input": {"a": 1}}}
    registry.delete(TOKEN, place, Known(made.id, new))


def test_without_the_whole_life_it_is_told_its_creation_alone_and_as_it_is(place: Site) -> None:
    plain = {**INPUTS, "lifecycleScope": None}
    made = registry.create(TOKEN, place, plain)
    assert json.loads(made.outputs["result"]) == {"a": 1}
    assert made.id.startswith("echo,$LATEST,")
    registry.delete(TOKEN, place, Known(made.id, {**INPUTS, "functionName": "nobody", "lifecycleScope": None}))


def test_a_refresh_reads_what_the_state_says_and_nothing_is_changed_by_writing_the_input_otherwise(place: Site) -> None:
    made = registry.create(TOKEN, place, INPUTS)
    standing = registry.read(TOKEN, place, Known(made.id, INPUTS, made.outputs))
    assert standing is not None
    assert (standing.id, standing.inputs, standing.outputs) == (made.id, INPUTS, made.outputs)
    assert differing(registry.find(TOKEN), INPUTS, {**INPUTS, "input": '{ "a" : 1 }'}) == frozenset()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"input": '{"broken":true}'}, "too heavy"), ({"functionName": "nobody"}, "nobody")],
)
def test_a_function_that_fails_or_is_not_there_fails_the_creation_by_name(
    place: Site, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvocationError, match=f"account {MEMBER}, {HOME}: .*{said}"):
        registry.create(TOKEN, place, {**INPUTS, **changes})


@pytest.mark.parametrize(
    ("changes", "said"), [({"input": '{"broken":true}'}, "too heavy"), ({"functionName": "nobody"}, "nobody")]
)
def test_it_is_not_gone_before_the_function_has_answered(place: Site, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvocationError, match=said):
        registry.delete(TOKEN, place, Known("echo,$LATEST,0", {**INPUTS, **changes}))
