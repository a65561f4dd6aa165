"""The Regions that settings may name."""

from __future__ import annotations

import pytest

from stacks.settings_model import known_regions


def test_regions_are_known_whatever_profile_the_shell_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-nobody")
    known_regions.cache_clear()
    known = known_regions()
    assert (known["eu-west-1"], known["cn-north-1"], known["us-gov-west-1"]) == ("aws", "aws-cn", "aws-us-gov")
