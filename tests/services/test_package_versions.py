"""Which version of a package is newer."""

from __future__ import annotations

import pytest

from lambdas.services.package_versions import compared, newest
from simulator.services.package_managers import compare


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0.2k-24.amzn2.0.3", "1.0.2k-24.amzn2.0.6"),
        ("1.0-9", "1.0-10"),
        ("9.9-1", "1:1.0-1"),
        ("1.0-9", "1.0.1-1"),
        ("1.0~rc1-1", "1.0-1"),
        ("1.0-1", "1.0^git1-1"),
        ("1.0^git1-1", "1.0.1-1"),
        ("1.1.1f-1ubuntu2.9", "1.1.1f-1ubuntu2.19"),
        ("1.0a-1", "1.0b-1"),
        ("1.0a-1", "1.0.1-1"),
        ("4.17.11", "4.17.21"),
    ],
)
def test_a_newer_version_is_newer_and_so_says_the_package_manager_of_the_local_organisation(
    older: str, newer: str
) -> None:
    assert compared(older, newer) < 0 < compared(newer, older)
    assert compare(older, newer) < 0 < compare(newer, older)
    assert newest([newer, older]) == newest([older, newer]) == newer


@pytest.mark.parametrize(("one", "other"), [("1.0-1", "0:1.0-1"), ("1.0", "1.0"), ("1.01-1", "1.1-1")])
def test_an_epoch_of_nought_and_noughts_before_a_number_say_nothing(one: str, other: str) -> None:
    assert compared(one, other) == compare(one, other) == 0
