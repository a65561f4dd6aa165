"""An unencrypted database by the real pipeline: approved, replaced; a week later its original is stopped again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lambdas.controls import catalog
from lambdas.controls.model import Verdict
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.request import parse
from operations import scenario
from tests.controls import databases
from tests.controls.keys import data_key
from tests.controls.round_trip import judged
from tests.organization.hand_world import Bench, bench_of
from tests.organization.loop_world import PLACE

RDS = catalog()["RDS.3"]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with bench_of() as opened:
        yield opened


def test_a_database_is_replaced_and_its_original_is_stopped_again_a_week_later(bench: Bench) -> None:
    (case,) = scenario.cases(RDS)
    bench.allow(RDS, case, "approve")
    database, finding = bench.broken(RDS, case)
    outcome = bench.brought(finding)
    assert outcome["outcome"] == Outcome.REMEDIATED, outcome["reason"]
    aside = next(name for name in databases.names(bench.team, database.id) if name != database.id)
    original = RDS.resource(PLACE, aside)
    assert judged(bench.team, RDS, original, case.parameters).verdict is Verdict.NOT_APPLICABLE
    bench.wait(timedelta(days=7, hours=1))
    bench.renew()
    assert judged(bench.team, RDS, original, case.parameters).verdict is Verdict.NON_COMPLIANT
    again = bench.reported(RDS, case, original)
    outcome = bench.brought(again)
    assert outcome["outcome"] == Outcome.REMEDIATED, outcome["reason"]
    assert "stopped until a person deletes it" in outcome["reason"]
    assert databases.described(bench.team, aside)["DBInstanceStatus"] == "stopped"
    assert databases.described(bench.team, database.id)["DBInstanceStatus"] == "available"
    assert bench.undone(again, parse(again, "aws").id)["outcome"] == Outcome.UNDONE
    assert databases.described(bench.team, aside)["DBInstanceStatus"] == "available"


def test_what_fails_half_way_leads_back_to_the_original(bench: Bench) -> None:
    (case,) = scenario.cases(RDS)
    bench.allow(RDS, case, "approve")
    database, finding = bench.broken(RDS, case)
    before = RDS.read(bench.team, database, None)
    identifier = bench.approved(finding)
    handed = bench.answered(finding, "hands over")
    assert handed is not None
    assert handed.outcome is Outcome.IN_PROGRESS
    # The key is disabled between the approval and the copy.
    key = data_key(bench.team)
    bench.team.client("kms").disable_key(KeyId=key)
    bench.stepped(identifier)
    bench.team.client("kms").enable_key(KeyId=key)
    outcome = bench.loop.ledger_of(identifier)["outcome"]
    assert outcome["outcome"] == Outcome.FAILED
    assert outcome["reason"].startswith("encrypt-snapshot: rds.copy_db_snapshot was refused")
    assert "; what was there before is restored" in outcome["reason"]
    assert RDS.read(bench.team, database, None) == before
    assert databases.names(bench.team, database.id) == [database.id]
