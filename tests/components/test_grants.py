"""The grants of controls as the roles of one account hold them: parameters are filled in where they are named."""

from __future__ import annotations

from typing import Any

from components.documents import catalog_grants
from lambdas.controls import catalog
from lambdas.controls.model import Grant

TAGGED = catalog()["EC2.38"]


def filled(**parameters: Any) -> list[Grant]:
    given = {TAGGED.id: parameters}
    return catalog_grants([TAGGED], "aws", "111122223333", ["eu-west-1", "eu-north-1"], given, kind="grants")


def test_conditions_name_the_keys_that_the_account_s_settings_require() -> None:
    grants = filled(required_keys=["Owner", "CostCenter"])
    assert [grant.action for grant in grants] == ["ec2:CreateTags", "ec2:DeleteTags"]
    for grant in grants:
        assert len(grant.resources) == 2, "one for each Region"
        assert grant.conditions == {
            "ForAllValues:StringEquals": {"aws:TagKeys": ["Owner", "CostCenter"]},
            "Null": {"aws:TagKeys": "false"},
        }


def test_without_keys_no_permission_is_left() -> None:
    assert filled() == []
