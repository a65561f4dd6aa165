"""Children and figures of the benchmarks. Nothing here is timed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import BenchmarkError, Child, Figure, alternate, ratio, run


def child(seconds: float) -> Child:
    return Child({"seconds": seconds}, 0.0, 0.0)


@pytest.mark.parametrize(
    ("figure", "missed"),
    [
        pytest.param(Figure(1.31, "ratio", 1.3), True, id="above its bound"),
        pytest.param(Figure(1.3, "ratio", 1.3), False, id="at its bound"),
        pytest.param(Figure(99, "s"), False, id="without a bound"),
    ],
)
def test_a_figure_is_missed_only_above_its_bound(figure: Figure, missed: bool) -> None:
    assert figure.missed is missed


def test_what_is_measured_takes_turns() -> None:
    order: list[str] = []

    def measure(name: str) -> Child:
        order.append(name)
        return child(len(order))

    first, second = alternate(2, lambda: measure("a"), lambda: measure("b"))
    assert order == ["a", "b", "a", "b"]
    assert ([one.said["seconds"] for one in first], [one.said["seconds"] for one in second]) == ([1, 3], [2, 4])


def test_a_slow_round_of_the_machine_does_not_change_a_ratio() -> None:
    assert ratio([child(2), child(20), child(2)], [child(1), child(10), child(1)]) == 2


def test_a_child_says_what_it_measured_and_its_memory(tmp_path: Path) -> None:
    measured = run([sys.executable, "-c", "print('warming up'); print('{\"seconds\": 1.5}')"], tmp_path)
    assert measured.said == {"seconds": 1.5}
    assert measured.memory > 1


def test_a_child_knows_nothing_of_the_shell_s_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    script = "import json, os; print(json.dumps({'seen': 'AWS_PROFILE' in os.environ}))"
    assert run([sys.executable, "-c", script], tmp_path).said == {"seen": False}


def test_a_child_that_fails_is_no_measurement_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)
