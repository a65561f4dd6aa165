"""The settings that make a deployment this one."""

from __future__ import annotations

import pytest

from stacks.identity import IdentityError, unchanged

NOW = {"prefix": "palisade", "hubAccount": "200000000002", "homeRegion": "eu-west-1", "organizationId": "o-a1b2c3d4e5"}


def test_the_first_run_and_the_same_settings_pass() -> None:
    unchanged({}, NOW)
    unchanged(NOW, NOW)


def test_an_identity_that_an_older_version_did_not_export_passes() -> None:
    unchanged({"prefix": "palisade"}, NOW)


def test_every_setting_that_differs_is_named_with_what_was_deployed() -> None:
    with pytest.raises(IdentityError) as refused:
        unchanged({**NOW, "prefix": "guard", "homeRegion": "eu-central-1"}, NOW)
    said = str(refused.value)
    assert "prefix: deployed as guard, the settings say palisade" in said
    assert "homeRegion: deployed as eu-central-1, the settings say eu-west-1" in said
    assert "hubAccount" not in said
