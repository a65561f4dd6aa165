"""Shapes of detection beside "on change": what an account has once, judged on a schedule in its Regions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lambdas.controls import catalog
from tests.organization.loop_world import PLACE, TEAM, Loop, deployed

EBS = catalog()["EC2.7"]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    with deployed() as opened:
        yield opened


def test_a_setting_of_an_account_is_judged_by_a_schedule_and_people_are_told(loop: Loop) -> None:
    account = EBS.resource(PLACE, TEAM)
    finding = loop.finding(account, EBS)
    assert (finding["Compliance"]["Status"], finding["Workflow"]["Status"]) == ("FAILED", "NOTIFIED")
    assert finding["Resources"][0]["Type"] == "AwsAccount"
    assert finding["Resources"][0]["Id"] == f"AWS::::Account:{TEAM}"
    assert [one["outcome"] for one in loop.outcomes(account)] == ["notified"]
