"""What an entry of the registry is: a simulated behaviour with source and tests, or a difference from AWS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# Where the tests of the simulator stand; a test elsewhere is named by its whole path.
FOLDER = "tests/simulator"
Row = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing that the local organisation does as AWS does it.

    `id` is `<service>.<name>`; `sentence` says what; `source` is the title of the AWS document; `tests` are
    pytest's node ids without parameters.
    """

    id: str
    service: str
    sentence: str
    source: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that AWS does otherwise, or that is not simulated, and what it means for users."""

    id: str
    service: str
    what: str
    meaning: str


def behaviours(service: str, module: str, rows: Iterable[Row]) -> tuple[Behaviour, ...]:
    """Make the entries that one test module shows: name, sentence, source, tests.

    Tests are names in `module`, separated by spaces; `other::name` is one of another module of the simulator's.
    """
    return tuple(
        Behaviour(f"{service}.{name}", service, sentence, source, tuple(_node(module, test) for test in tests.split()))
        for name, sentence, source, tests in rows
    )


def differences(service: str, *rows: tuple[str, str, str]) -> tuple[Difference, ...]:
    """Make the differences of one service: name, what, meaning."""
    return tuple(Difference(f"{service}.{name}", service, what, meaning) for name, what, meaning in rows)


def _node(module: str, test: str) -> str:
    where, _, name = test.rpartition("::")
    where = where or module
    return f"{where}.py::{name}" if "/" in where else f"{FOLDER}/{where}.py::{name}"
