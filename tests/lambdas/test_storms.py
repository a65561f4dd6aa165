"""Digests instead of storms: what is told by itself, what is left to the digest, and what a digest says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from lambdas.remediation.outcome import Outcome, Result
from lambdas.remediation.storms import NAMED, REASON, SINGLY, Storms, digest, kinds, untold
from tests.lambdas.remediation_requests import OTHER, S3, request

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
REMEDIATED, FAILED = Result(Outcome.REMEDIATED, "closed"), Result(Outcome.FAILED, "refused")


def test_the_first_of_a_kind_within_a_minute_are_told_singly() -> None:
    with time_machine.travel(START, tick=False) as traveller:
        storms = Storms()
        told = [storms.singly(request(f"sg-{number:017x}"), REMEDIATED) for number in range(SINGLY + 2)]
        assert told == [True] * SINGLY + [False, False]
        traveller.move_to(START + timedelta(seconds=61), tick=False)
        assert storms.singly(request(), REMEDIATED)


def test_kinds_are_told_apart_by_control_and_outcome() -> None:
    storms = Storms()
    for _ in range(SINGLY):
        assert storms.singly(request(), REMEDIATED)
    assert not storms.singly(request(), REMEDIATED)
    assert storms.singly(request(), FAILED)
    assert storms.singly(request("a-bucket", control=S3), REMEDIATED)


def item(number: int = 0, **more: Any) -> dict[str, str]:
    """What the sweep reads of a message that was left untold."""
    statement = untold("state", request(f"sg-{number:017x}"), Result(Outcome.REMEDIATED, "r" * 500), "production")
    assert statement["Statement"].startswith("INSERT INTO \"state\" VALUE {'key': ?")
    names = [part.split("'")[1] for part in statement["Statement"].split("{")[1].split(",")]
    values = [next(iter(value.values())) for value in statement["Parameters"]]
    return {**dict(zip(names, values, strict=True)), **more}


def digests(items: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The digests of items as the table gives them."""
    given = [{name: {"S": value} for name, value in one.items()} for one in items]
    return [digest(those) for those in kinds(given)]


def test_a_message_left_untold_says_what_a_digest_needs_and_is_due_at_once() -> None:
    with time_machine.travel(START, tick=False):
        one = item()
    assert (one["control"], one["outcome"], one["environment"]) == ("EC2.13", "remediated", "production")
    assert (len(one["reason"]), one["due"]) == (REASON, str(int(START.timestamp())))
    assert int(one["expires"]) > int(one["due"])


def test_a_digest_tells_of_all_that_have_control_outcome_and_environment_in_common() -> None:
    told = digests([item(1), item(2, account=OTHER), item(3, environment="staging"), item(4, outcome="failed")])
    assert [one["subject"] for one in told] == [
        "[failed] EC2.13: 1 resources in 1 accounts",
        "[remediated] EC2.13: 2 resources in 2 accounts",
        "[remediated] EC2.13: 1 resources in 1 accounts",
    ]
    assert [one["attributes"]["environment"] for one in told] == ["production", "production", "staging"]
    assert "sg-00000000000000001" in "\n".join(told[1]["lines"])


def test_a_digest_names_so_many_and_says_how_many_more() -> None:
    (told,) = digests(item(number) for number in range(NAMED + 7))
    assert "\n".join(told["lines"]).count("security-group/") == NAMED
    assert "\n".join(told["lines"]).endswith("and 7 more; the ledger has them all")


def test_nothing_untold_is_no_digest() -> None:
    assert digests([]) == []
