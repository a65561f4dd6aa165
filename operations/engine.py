"""Runs the Pulumi CLI that `make engine` provides, on the real program, against a stand-in provider.

State, plugins and passphrase are of the run: nothing of the user's own Pulumi is touched.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "palisade"
# What the program consists of; a workspace links it and has configuration files of its own.
PROGRAM = ("__main__.py", "Pulumi.yaml", "components", "lambdas", "pyproject.toml")


class EngineMissingError(Exception):
    """There is no Pulumi engine, with the remedy."""


class EngineError(Exception):
    """A command of the Pulumi CLI failed; holds what it said."""

    def __init__(self, command: Sequence[str], result: Result) -> None:
        said = "\n".join(result.diagnostics) or result.output[-2000:]
        super().__init__(f"pulumi {' '.join(command[:2])} failed with exit code {result.code}:\n{said}")
        self.result = result


@dataclass(frozen=True, slots=True)
class Step:
    """One step that the engine took or planned: the operation, the resource, and the inputs that differ."""

    operation: str
    urn: str
    differs: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """The type of the resource."""
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        """The name of the resource in the program."""
        return self.urn.split("::")[3]


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did: its exit code, output, steps (unchanged resources left out) and diagnostics."""

    code: int
    output: str
    steps: tuple[Step, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    diagnostics: tuple[str, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Whether every resource stayed as it was."""
        return not any(number for operation, number in self.counts.items() if operation != "same")


@dataclass(frozen=True, slots=True)
class Engine:
    """A Pulumi CLI with its Python language host."""

    folder: Path

    @classmethod
    def find(cls, root: Path = ROOT) -> Engine:
        """Find the engine of `make engine`; raises EngineMissingError."""
        folder = root / ".engine" / "bin"
        if not (folder / "pulumi").exists() or not (folder / "pulumi-language-python").exists():
            raise EngineMissingError("there is no Pulumi engine: run `make engine` (it needs pulumi or Go)")
        return cls(folder)

    @property
    def path(self) -> tuple[str, ...]:
        """The folders that lead the path of its commands: the program's Python, and the engine."""
        return str(ROOT / ".venv" / "bin"), str(self.folder)

    def variables(self, home: Path, port: int) -> dict[str, str]:
        """The variables that its commands need: state in `home`, and the provider that serves `port`."""
        return {
            "PULUMI_HOME": str(home / "home"),
            "PULUMI_BACKEND_URL": (home / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
        }

    def environment(self, home: Path, port: int, *, checkpoints: bool = True) -> dict[str, str]:
        """The whole environment of its commands, without what the user's own shell says of AWS and Pulumi.

        Without `checkpoints` the state is written once, at the end: for tests only, for a crash
        then loses what was created (pulumi/pulumi#10768).
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
        own = {
            **self.variables(home, port),
            "PATH": os.pathsep.join((*self.path, inherited.get("PATH", ""))),
            "PULUMI_DEBUG_COMMANDS": "true",  # the log of events is behind it
        }
        if not checkpoints:
            own["PULUMI_SKIP_CHECKPOINTS"] = "true"
        return {**inherited, **own}


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder to run the program from: its files by links, the configuration of each stack beside its own copy."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def make(cls, engine: Engine, folder: Path, port: int, *, checkpoints: bool = True) -> Workspace:
        """Lay a workspace out in an empty folder."""
        project = folder / "project"
        (project / "stacks").mkdir(parents=True)
        (folder / "state").mkdir()
        for name in PROGRAM:
            (project / name).symlink_to(ROOT / name)
        for file in (ROOT / "stacks").iterdir():
            if file.suffix in (".py", ".json"):
                (project / "stacks" / file.name).symlink_to(file)
        (project / ".venv").symlink_to(ROOT / ".venv")
        return cls(project, engine.environment(folder, port, checkpoints=checkpoints))

    def stack(self, name: str, config: Mapping[str, Any]) -> Stack:
        """Make a stack with this configuration; structured values are written as they are."""
        stack = Stack(self, name)
        stack.configure(config)
        stack.run("stack", "init", name)
        return stack


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack of the program; its commands raise EngineError where they fail."""

    workspace: Workspace
    name: str

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write the stack's configuration; what the engine keeps there beside (a salt) stays."""
        kept = yaml.safe_load(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        kept["config"] = {f"{PROJECT}:{key}": value for key, value in config.items()}
        self._file.write_text(yaml.safe_dump(kept), encoding="utf-8")

    def up(self, *options: str) -> Result:
        """Deploy without a preview before."""
        return self._operate("up", "--yes", "--skip-preview", *options)

    def preview(self, *options: str) -> Result:
        """Show what a deployment would do."""
        return self._operate("preview", *options)

    def refresh(self, *options: str) -> Result:
        """Read what stands into the state."""
        return self._operate("refresh", "--yes", "--skip-preview", *options)

    def destroy(self, *options: str) -> Result:
        """Delete what the state holds."""
        return self._operate("destroy", "--yes", "--skip-preview", *options)

    def outputs(self) -> dict[str, Any]:
        """The outputs of the stack."""
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json").output)
        return found

    def run(self, *command: str, events: Path | None = None) -> Result:
        """Run a command on this stack."""
        process = subprocess.run(  # noqa: S603 - the CLI of this engine, with arguments of ours
            self._line(command),
            cwd=self.workspace.folder,
            env=dict(self.workspace.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        result = _result(process.returncode, process.stdout + process.stderr, events)
        if process.returncode:
            raise EngineError(command, result)
        return result if events is not None else Result(0, process.stdout)

    def begin(self, *command: str) -> subprocess.Popen[str]:
        """Start a command on this stack and leave it to the caller, who may interrupt it."""
        return subprocess.Popen(  # noqa: S603 - as above
            self._line(command),
            cwd=self.workspace.folder,
            env=dict(self.workspace.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _line(self, command: Sequence[str]) -> list[str]:
        options = () if command[:2] == ("stack", "init") else ("--stack", self.name)
        return [self._pulumi, *command, *options, "--non-interactive", "--color", "never"]

    def _operate(self, *command: str) -> Result:
        events = self.workspace.folder / f"{self.name}.events"
        events.unlink(missing_ok=True)
        return self.run(*command, "--event-log", str(events), events=events)

    @property
    def _file(self) -> Path:
        return self.workspace.folder / "stacks" / f"Pulumi.{self.name}.yaml"

    @property
    def _pulumi(self) -> str:
        folders = self.workspace.environment["PATH"].split(os.pathsep)
        return str(next(Path(one) / "pulumi" for one in folders if (Path(one) / "pulumi").exists()))


def _result(code: int, output: str, log: Path | None) -> Result:
    events = list(_events(log)) if log is not None and log.exists() else []
    # What came of a step stands here; of a refresh, its beginning does not tell whether anything differed.
    steps = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    summaries = [event["summaryEvent"] for event in events if "summaryEvent" in event]
    said = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
    return Result(
        code,
        output,
        tuple(_step(one) for one in steps if one["op"] not in ("same", "refresh")),
        summaries[-1].get("resourceChanges") or {} if summaries else {},
        tuple(f"{one.get('urn', '')} {one['message'].strip()}" for one in said if one["severity"] == "error"),
    )


def _step(metadata: Mapping[str, Any]) -> Step:
    differs = metadata.get("diffs") or list(metadata.get("detailedDiff") or ())
    return Step(metadata["op"], metadata["urn"], tuple(sorted(differs)))


def _events(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
