"""Instances that Systems Manager manages, and the shell that runs a script on one.

A script is really run, by bash, in an empty environment: nothing is in its PATH but the instance's package managers,
which change what the simulated instance has installed. Source: AWS Systems Manager User Guide, "Working with SSM
Agent"; "aws:runShellScript".
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.services.package_managers import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
# Real seconds, far beyond what a script of package managers takes.
LONGEST = 60.0


@dataclass
class Host:
    """One managed instance: what its agent says of it, what is installed, and what its repositories offer."""

    platform: str
    system: str
    manager: str
    packages: dict[str, str] = field(default_factory=dict)
    repository: dict[str, list[str]] = field(default_factory=dict)

    def run(self, script: str) -> tuple[int, str, str]:
        """Run a script as the agent does; returns its status, output and errors."""
        bash = shutil.which("bash")
        if bash is None:
            raise FileNotFoundError("bash runs the scripts of documents, and is not here")
        with TemporaryDirectory() as folder:
            path, programs = Path(folder, "state.json"), Path(folder, "bin")
            path.write_text(json.dumps({"packages": self.packages, "repository": self.repository}), encoding="utf-8")
            programs.mkdir()
            for name in PROGRAMS.get(self.manager, ()):
                program = programs / name
                program.write_text(_program(path, name), encoding="utf-8")
                program.chmod(0o700)
            file = Path(folder, "_script.sh")
            file.write_text(script, encoding="utf-8")
            done = subprocess.run(  # noqa: S603 - the script is the document's, and its PATH has nothing else
                [bash, "--noprofile", "--norc", str(file)],
                env={"PATH": str(programs)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST,
                check=False,
            )
            state: Mapping[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
            self.packages = state["packages"]
            return done.returncode, done.stdout, done.stderr


def _program(state: Path, name: str) -> str:
    """A program of the instance: the interpreter of this process, without site packages and environment."""
    lines = (
        f"#!{sys.executable} -SE",
        "import sys",
        f"sys.path.insert(0, {str(ROOT)!r})",
        "from simulator.services.package_managers import main",
        f"main({str(state)!r}, {name!r})",
    )
    return "\n".join(lines) + "\n"
