"""`palisade up` and `palisade down`: deploy, try, see it healed, take it down, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from operations import standing
from operations.down import down
from operations.engine import ROOT, Engine
from operations.standing import Standing
from operations.up import UpError, up

# With a file of the test's own: a person may have an organisation up in this checkout.
PALISADE = """
import pathlib, sys
from operations import standing
standing.FILE = pathlib.Path(sys.argv.pop(1))
from operations.cli import main
main()
"""
LAST = "  aws --profile team-1 ec2 describe-security-groups"


def command(file: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", PALISADE, str(file), *arguments]


def palisade(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(file, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603


def checkout() -> str:
    git = ["git", "status", "--porcelain", "--ignored=no"]
    return subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout  # noqa: S603


@dataclass
class Up:
    """A running `palisade up`: its file, its process, and what it printed until it was ready."""

    file: Path
    process: subprocess.Popen[str]
    lines: list[str]


@pytest.fixture(scope="module")
def running(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    file = tmp_path_factory.mktemp("up") / "up.json"
    options = ("up", "--port", "0", "--accounts", "1", "--regions", "eu-west-1")
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command(file, *options), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith(LAST):
                break
        yield Up(file, process, lines)
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)


def test_what_is_broken_by_the_printed_command_is_healed_and_down_leaves_nothing(running: Up) -> None:
    before = checkout()
    printed = "\n".join(running.lines)
    assert "Resources:\n    + " in printed, "the engine's own output is shown"
    tried = next(line for line in running.lines if line.endswith("opened.py team-1"))
    typed = [line for line in running.lines if line.startswith(("  export", "  unset", "  cd"))]
    preview = "pulumi preview -s local --expect-no-changes"
    script = "\n".join(["set -e", *typed, tried, preview])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lets the world in by SSH" in done.stdout
    assert "was closed after" in done.stdout

    second = palisade(running.file, "up", "--port", "0")
    assert (second.returncode, second.stderr.count("\n")) == (2, 1)
    assert f"process {running.process.pid}" in second.stderr

    ended = palisade(running.file, "down")
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr
    assert "deleted" in ended.stdout
    assert "errored" not in ended.stdout
    said, complained = running.process.communicate(timeout=60)
    assert (running.process.returncode, said) == (0, ""), complained
    assert not running.file.exists()
    assert checkout() == before

    again = palisade(running.file, "down")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "palisade: no `palisade up` runs from this checkout; start one by `palisade up`\n"


def test_an_interrupted_up_ends_its_engine_and_says_nothing_of_our_own_insides(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "up.json"
    options = ("up", "--port", "0", "--accounts", "1", "--regions", "eu-west-1")
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command(file, *options), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any(" created (" in line for line in process.stdout)
        early = palisade(file, "down")
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, file.exists()) == (0, False)
    assert "Traceback" not in said + complained
    assert (early.returncode, early.stderr.count("\n")) == (2, 1)
    assert f"the `pulumi up` of process {process.pid} is under way" in early.stderr


def left(process: int, port: int, *, ready: bool = True) -> Standing:
    return Standing(process, port, "/nowhere", "security", {}, {}, ready)


def test_what_a_killed_up_left_is_recognised_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FILE", tmp_path / "build" / "up.json")
    # This process lives, and nothing of ours answers on that port: numbers of processes come again.
    left(os.getpid(), 9).write()
    assert standing.FILE.stat().st_mode & 0o077 == 0
    with pytest.raises(UpError, match=f"process {os.getpid()} does not serve port 9"):
        down()
    assert not standing.FILE.exists()


def test_a_file_that_is_none_of_ours_counts_as_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FILE", tmp_path / "up.json")
    for text in ("", "[]", '{"process": 1}'):
        standing.FILE.write_text(text, encoding="utf-8")
        with pytest.raises(UpError, match="no `palisade up` runs from this checkout"):
            down()


def test_what_another_process_has_written_since_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FILE", tmp_path / "up.json")
    left(2, 9).write()
    standing.forget(1)
    assert standing.read() == left(2, 9)


def test_without_an_engine_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine.find.__func__, "__defaults__", (tmp_path,))  # type: ignore[attr-defined]
    with pytest.raises(UpError, match="there is no Pulumi engine: run `make engine`"):
        up(0, 1, ["eu-west-1"])


def test_regions_that_no_organization_has_are_told_in_one_line(engine: Engine, tmp_path: Path) -> None:
    done = palisade(tmp_path / "up.json", "up", "--port", "0", "--regions", "eu-west-9")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--regions names eu-west-9" in done.stderr
