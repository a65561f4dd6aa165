"""Parameters that are right one by one and do not go together are refused by name, with what to do."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from lambdas.controls import catalog
from stacks.settings import SettingsError, load
from tests.stacks.program import PLAIN, everything

TODAY = date(2026, 6, 1)
PLACE = "controls.EC2.38.parameters"


def days(**given: int) -> dict[str, Any]:
    return {"EC2.38": {"parameters": {f"{name}_days": number for name, number in given.items()}}}


def faults(base: dict[str, Any], override: dict[str, Any]) -> list[str]:
    overrides = [{"accounts": [PLAIN], "controls": override}] if override else []
    try:
        load(everything(controls=base, overrides=overrides), catalog(), TODAY)
    except SettingsError as error:
        return [one.removeprefix("  - ") for one in str(error).splitlines()[1:]]
    return []


@pytest.mark.parametrize(
    ("base", "override", "said"),
    [
        ({"reminder": 20}, {}, f"{PLACE}.escalation_days: 14 is not above reminder_days, 20"),
        ({"reminder": 9, "escalation": 9}, {}, f"{PLACE}.escalation_days: 9 is not above reminder_days, 9"),
        (
            {"escalation": 10},
            {"reminder": 10},
            f"overrides[0].{PLACE}.escalation_days: 10 is not above reminder_days, 10",
        ),
        ({}, {"reminder": 30}, f"overrides[0].{PLACE}.escalation_days: 14 is not above reminder_days, 30"),
    ],
)
def test_operations_are_told_after_people_are_reminded(
    base: dict[str, int], override: dict[str, int], said: str
) -> None:
    assert faults(days(**base), days(**override)) == [f"{said}: raise it, or lower reminder_days"]


def test_days_that_rise_are_accepted_and_so_is_an_override_with_both() -> None:
    assert faults(days(reminder=10, escalation=20), days(escalation=11)) == []
    assert faults(days(escalation=10), days(reminder=10, escalation=30)) == []


def test_a_value_that_is_wrong_by_itself_is_not_compared() -> None:
    wrong: dict[str, Any] = {"EC2.38": {"parameters": {"reminder_days": "soon"}}}
    assert faults(wrong, days(escalation=3)) == [f"{PLACE}.reminder_days: 'soon' is not of type integer"]


def test_a_conflict_is_told_once_where_an_override_sets_the_mode_alone() -> None:
    (fault,) = faults(days(reminder=20), {"EC2.38": {"mode": "notify"}})
    assert fault.startswith(PLACE)
