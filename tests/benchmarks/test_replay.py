"""The flat program of the benchmark declares what the real one does: the same types, inputs and places."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT

# Fresh processes, as in the benchmark: a recording is declared once in a process.
SCRIPT = """
import json, sys
import benchmarks.program as program
program.ACCOUNTS = 2
print(json.dumps(program._measure(*sys.argv[1:])))
"""


def measured(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-c", SCRIPT, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_a_replay_registers_what_was_recorded(tmp_path: Path) -> None:
    recording = str(tmp_path / "recording.json")
    real, flat = measured("record", recording), measured("flat", recording)
    assert real["resources"] > 100
    assert (flat["resources"], flat["digest"]) == (real["resources"], real["digest"])
