"""What the benchmark of the engine makes of the two sides it has measured. Nothing here is timed."""

from __future__ import annotations

import pytest

from benchmarks.engine import PHASES, compare
from benchmarks.measure import BenchmarkError, Child


def side(seconds: float, resources: int = 2, megabytes: int = 400, functions: float = 0.0) -> Child:
    phase = {"seconds": seconds, "of_functions": functions, "of_this_process": 1.0, "engine_mb": megabytes,
             "changes": {"any": resources}}  # fmt: skip
    return Child({**dict.fromkeys(PHASES, phase), "organization_mb": 470}, 0.0, 0.0)


def test_the_bound_holds_the_whole_run_of_rounds_that_were_measured_together() -> None:
    found = compare([side(4.4), side(15.0), side(9.0)], [side(4.0), side(10.0), side(5.0)])

    assert (found["engine_ratio"].value, found["engine_ratio"].missed) == (1.5, False)


def test_a_slower_run_is_missed() -> None:
    assert compare([side(8.1)], [side(3.7)])["engine_ratio"].missed


@pytest.mark.parametrize("phase", ["up", "no_change"])
def test_up_and_preview_have_a_bound_of_their_own(phase: str) -> None:
    assert compare([side(8.1)], [side(3.7)])[f"engine_{phase}_ratio"].missed


def test_a_destroy_is_told_with_and_without_what_the_functions_of_the_product_run_for() -> None:
    found = compare([side(8.0, functions=2.0)], [side(4.0)])

    assert (found["engine_destroy_ratio"].value, found["engine_destroy_ratio"].bound) == (2.0, None)
    assert found["engine_destroy_ratio_without_functions"].value == 1.5


def test_sides_that_did_not_do_the_same_are_not_compared() -> None:
    with pytest.raises(BenchmarkError, match="members up"):
        compare([side(4.0, resources=1)], [side(4.0)])


def test_the_memory_is_the_highest_of_the_engine_and_that_of_the_organisation() -> None:
    found = compare([side(4.0, megabytes=420)], [side(4.0)])

    assert (found["engine_memory"].value, found["engine_organization_memory"].value) == (420, 470)
