"""What a password policy lacks, and what replaces it."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.services.password_policies import CLASSES, lacking, strengthened, whole

WANTED = {"MinimumPasswordLength": 14, "PasswordReusePrevention": 24, "MaxPasswordAge": 90}
STRONG: dict[str, Any] = {**dict.fromkeys(CLASSES, True), **WANTED}


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({}, []),
        ({"MinimumPasswordLength": 15, "MaxPasswordAge": 1}, []),
        ({"MinimumPasswordLength": 13}, ["MinimumPasswordLength"]),
        ({"PasswordReusePrevention": None}, ["PasswordReusePrevention"]),
        ({"MaxPasswordAge": 91}, ["MaxPasswordAge"]),
        ({"MaxPasswordAge": 0}, ["MaxPasswordAge"]),
        ({"RequireSymbols": False}, ["RequireSymbols"]),
    ],
)
def test_weaker_values_are_lacking_and_stronger_ones_are_not(changes: dict[str, Any], lacks: list[str]) -> None:
    assert list(lacking({**STRONG, **changes}, WANTED)) == lacks


def test_numbers_that_are_not_judged_lack_nothing() -> None:
    assert lacking(dict.fromkeys(CLASSES, True), dict.fromkeys(WANTED, None)) == {}


def test_only_what_lacks_is_changed() -> None:
    policy = {**STRONG, "RequireNumbers": False, "MinimumPasswordLength": 20, "AllowUsersToChangePassword": True}
    assert strengthened(policy, WANTED) == {**policy, "RequireNumbers": True}


def test_the_call_names_every_switch_and_no_number_that_is_not_set() -> None:
    assert whole({"ExpirePasswords": False, "MaxPasswordAge": 0, "MinimumPasswordLength": 6}) == {
        **dict.fromkeys(CLASSES, False),
        "AllowUsersToChangePassword": False,
        "HardExpiry": False,
        "MinimumPasswordLength": 6,
    }
