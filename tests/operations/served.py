"""`palisade serve` as a process of its own, for tests that come to it from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PALISADE = (sys.executable, "-c", "from operations.cli import main; main()")
ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 240


def palisade(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of `palisade` to its end."""
    return subprocess.run(  # noqa: S603 - the command under test
        [*PALISADE, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
        check=False,
    )


@dataclass
class Served:
    """A running `palisade serve` and the line that it printed."""

    process: subprocess.Popen[str]
    line: dict[str, Any]

    @property
    def port(self) -> str:
        return str(self.line["endpoint"].rpartition(":")[2])

    def member(self, number: int = 0) -> str:
        """The id of a member account."""
        return str([one["id"] for one in self.line["accounts"] if one["kind"] == "member"][number])

    def hub(self) -> str:
        """The id of the hub account."""
        return next(str(one["id"]) for one in self.line["accounts"] if one["kind"] == "hub")

    def variables(self) -> dict[str, str]:
        """The environment of a client: this process's, with what was printed."""
        return {**os.environ, **self.line["environment"]}

    def run(self, script: str) -> Any:
        """Run plain boto3 in another process; what it assigns to `answer` comes back by JSON.

        The script finds `enter(account, region)`, which assumes the account's access role.
        """
        code = f"{ENTER}\nanswer = None\n{script}\nprint(json.dumps(answer, default=str))"
        done = subprocess.run(  # noqa: S603 - a script of the test
            [sys.executable, "-c", code],
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


ENTER = """
import boto3, json, time
def enter(account, region=None):
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    held = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="tester")["Credentials"]
    keys = held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"]
    return boto3.Session(*keys, region_name=region)
"""


@contextmanager
def served(*arguments: str, temporary: Path | None = None) -> Iterator[Served]:
    """Start `palisade serve` on any free port and wait until it is ready."""
    environment = {**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})}
    with subprocess.Popen(  # noqa: S603 - the command under test
        [*PALISADE, "serve", "--port", "0", "--json", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said: list[str] = []
        assert process.stdout is not None
        assert process.stderr is not None
        listening = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
        listening.start()
        late = threading.Timer(READY_SECONDS, process.kill)
        late.start()
        try:
            line = process.stdout.readline()
            late.cancel()
            assert line, "".join(said)
            yield Served(process, json.loads(line))
        finally:
            late.cancel()
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=60)
