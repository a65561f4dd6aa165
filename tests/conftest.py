"""What every run of the tests says at its end."""

from __future__ import annotations

import pytest

# Modules that take longest, so that they begin first where workers share the tests: none is left with one at the end.
LONGEST = ("tests/organization/test_loop_interrupted", "tests/organization/", "tests/engine/", "tests/operations/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the modules for workers; whoever runs tests alone has the fast ones first."""
    if hasattr(config, "workerinput"):
        ranks = {start: rank for rank, start in enumerate(LONGEST)}
        items.sort(
            key=lambda item: min((ranks[one] for one in LONGEST if item.nodeid.startswith(one)), default=len(ranks))
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the tests of the real Pulumi engine did not run: a green run without them shows less."""
    skipped = [one for one in terminalreporter.getreports("skipped") if one.nodeid.startswith("tests/engine/")]
    if skipped:
        terminalreporter.section("THE REAL PULUMI ENGINE WAS NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(skipped)} tests in tests/engine were skipped: run `make engine` (needs pulumi or Go)"
        )
