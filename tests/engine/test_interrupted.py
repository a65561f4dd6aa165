"""An `up` that is interrupted or killed: what the next one needs, and that nothing is made twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from operations.engine import Engine, EngineError, Stack
from operations.local_estate import HUB
from simulator.provisioners import registry
from simulator.provisioners.model import Inputs, Made, Site
from tests.engine.estate import FIRST, REGION, SECOND, Estate, opened

# One at a time, so that one is under way.
UP = ("up", "--yes", "--skip-preview", "--parallel", "1")
FUNCTION, KEY = "aws:lambda/function:Function", "aws:kms/key:Key"


@pytest.fixture
def estate(engine: Engine, tmp_path: Any) -> Iterator[Estate]:
    # With checkpoints, as people have it: without them a crash loses the state.
    with opened(engine, tmp_path, checkpoints=True) as one:
        yield one


@dataclass
class Held:
    """Creations of one type whose answers are held back."""

    made: list[Made] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, token: str, *, after: bool = True) -> Iterator[Held]:
    """Hold each creation of a type back, after AWS did it or before, so that the engine can be ended meanwhile."""
    create, holding = registry.create, Held()

    def created(asked: str, site: Site, inputs: Inputs) -> Made:
        if asked != token or holding.let_go.is_set():
            return create(asked, site, inputs)
        if after:
            holding.made.append(create(asked, site, inputs))
        holding.reached.set()
        holding.let_go.wait(60)
        if not after:
            raise TimeoutError("the call never reached AWS")
        return holding.made[-1]

    with monkeypatch.context() as patched:
        patched.setattr(registry, "create", created)
        try:
            yield holding
        finally:
            holding.let_go.set()


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for a command; return what it said."""
    said, _ = process.communicate(timeout=120)
    return said


def pending(stack: Stack) -> list[dict[str, Any]]:
    """The resources whose creation the state says is under way."""
    state = json.loads(stack.run("stack", "export").output)["deployment"]
    return [one["resource"] for one in state.get("pending_operations", ())]


def settled(stack: Stack) -> None:
    """Wait until the state is written: a file is not written whole or not at all, as an object of S3 is."""
    file = next((stack.workspace.folder.parent / "state").rglob(f"stacks/*/{stack.name}.json"))
    before = b""
    for _ in range(100):
        text = file.read_bytes()
        if text == before and text.rstrip().endswith(b"}"):
            return
        before = text
        time.sleep(0.5)
    raise AssertionError("the state was written without end")


def our_keys(estate: Estate) -> list[str]:
    """The ids of the hub's keys that are Palisade's."""
    kms = estate.client(HUB, "kms")
    keys = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in kms.list_keys()["Keys"]]
    return [one["KeyId"] for one in keys if one["Description"].startswith("Palisade")]


def test_an_up_that_is_interrupted_ends_what_is_under_way_and_the_next_finishes(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.stack("security", "organization", "hub").up()
    stack = estate.stack("members", "members")
    with held(monkeypatch, FUNCTION) as holding:
        process = stack.begin(*UP)
        assert holding.reached.wait(60)
        process.send_signal(signal.SIGINT)
        threading.Timer(1, holding.let_go.set).start()
        said = ended(process)
    assert process.returncode != 0
    assert "update canceled" in said
    assert pending(stack) == []
    finished = stack.up()
    assert {one.operation for one in finished.steps if "$aws:" in one.urn} == {"create"}
    # The one function that was under way ended, and is known; the other had not begun.
    assert [one.token for one in finished.steps].count(FUNCTION) == 1
    for account in (FIRST, SECOND):
        assert estate.standing(account)["functions"] == ["palisade-detect"]
    assert stack.preview("--expect-no-changes").unchanged


@pytest.mark.parametrize("made", [True, False], ids=["made", "not made"])
def test_an_up_that_is_killed_is_unlocked_and_told_what_became_of_what_was_under_way(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    stack = estate.stack("security", "organization", "hub")
    with held(monkeypatch, KEY, after=made) as holding:
        process = stack.begin(*UP)
        assert holding.reached.wait(60)
        settled(stack)
        os.killpg(process.pid, signal.SIGKILL)
        ended(process)
    with pytest.raises(EngineError, match="pulumi cancel"):
        stack.up()
    stack.run("cancel", "--yes")
    (begun,) = pending(stack)
    assert begun["urn"].endswith(f"{KEY}::key-{REGION}")
    stack.refresh("--clear-pending-creates")
    assert pending(stack) == []
    if made:
        # `--import-pending-creates` of this CLI forgets the resource instead (v3.259.0).
        stack.run(
            "import", begun["type"], begun["urn"].split("::")[-1], f"{holding.made[0].id}@{REGION}",
            "--parent", f"above={begun['parent']}", "--provider", f"by={begun['provider'].rpartition('::')[0]}",
            "--yes", "--skip-preview", "--generate-code=false",
        )  # fmt: skip
    finished = stack.up()
    assert [one.token for one in finished.steps if one.operation == "create"].count(KEY) == (not made)
    assert len(our_keys(estate)) == 1, "no second key"
    assert stack.refresh("--expect-no-changes").unchanged
    assert stack.preview("--expect-no-changes").unchanged
