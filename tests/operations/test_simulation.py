"""`palisade simulate` as `make demo` runs it: everything broken ends well, and every scene holds."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from lambdas.controls import catalog
from operations import scenes
from operations.scenes import Scene, Stage
from operations.simulation import run


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out, said = tmp_path_factory.mktemp("demo"), StringIO()
    held = run(3, ("eu-west-1", "us-east-1"), 1, out, Console(file=said, width=300))
    assert held, said.getvalue()
    return out, said.getvalue()


def test_nothing_is_left_broken_and_no_neighbour_is_changed(played: tuple[Path, str]) -> None:
    summary = json.loads((played[0] / "summary.json").read_text())
    assert (summary["left_broken"], summary["neighbours_changed"]) == (0, 0)
    assert summary["broken"] == 2 * len(catalog())


def test_every_scene_holds_and_is_told_on_the_page_and_at_the_shell(played: tuple[Path, str]) -> None:
    out, said = played
    summary, page = json.loads((out / "summary.json").read_text()), (out / "report.html").read_text()
    assert len(summary["scenes"]) == 5
    assert set(summary["scenes"].values()) == {"held"}
    for title in summary["scenes"]:
        assert title in page
        assert title in said


def test_a_scene_that_does_not_hold_says_so() -> None:
    scene = Scene("A title")
    scene.say("as it should be")
    scene.say("as it should not be", held=False)
    scene.say("as it should be again")
    assert not scene.held
    assert scene.lines[1] == "NOT AS PROMISED: as it should not be"


def test_a_scene_without_anything_to_play_with_says_what_is_missing() -> None:
    stage = Stage.__new__(Stage)
    stage.broken = []
    with pytest.raises(scenes.SceneError, match="waits for a person's approval"):
        scenes.approval(stage, Scene("An approval"))
