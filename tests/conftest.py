"""What every run of the tests says at its end."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the tests of the real Pulumi engine did not run: a green run without them shows less."""
    skipped = [one for one in terminalreporter.getreports("skipped") if one.nodeid.startswith("tests/engine/")]
    if skipped:
        terminalreporter.section("THE REAL PULUMI ENGINE WAS NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(skipped)} tests in tests/engine were skipped: run `make engine` (needs pulumi or Go)"
        )
