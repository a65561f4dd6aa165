"""`palisade serve --bare`: what it prints is enough to run `pulumi up` by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from operations.engine import ROOT, Engine

SERVE = "from operations.cli import main; main()"


@pytest.fixture(scope="module")
def printed(engine: Engine) -> Iterator[list[str]]:
    """The lines that a bare server prints, from the first that says what to type."""
    options = ("serve", "--bare", "--port", "0", "--accounts", "1", "--regions", "eu-west-1")
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SERVE, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith("  pulumi up"):
                break
        yield lines
        process.send_signal(signal.SIGTERM)
        said, complained = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, ""), complained


def test_what_is_printed_deploys_the_program_and_a_second_time_changes_nothing(printed: list[str]) -> None:
    typed = [line for line in printed if line.startswith(("export", "unset", "cd", "pulumi"))]
    script = "\n".join(["set -e", *typed, "pulumi preview -s local --expect-no-changes"])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert '"300000000001"' in done.stdout
