"""Request ids: by what a call is, in bounded memory."""

from __future__ import annotations

from simulator.call_numbers import CallNumbers

PLACE = ("sqs", "SendMessage", "eu-west-1")


def test_an_id_depends_on_the_call_and_its_repetitions_alone() -> None:
    first, second = CallNumbers(), CallNumbers()
    second.identify(*PLACE, {"MessageBody": "other"})
    ids = [first.identify(*PLACE, {"MessageBody": "a"}) for _ in range(2)]
    assert [second.identify(*PLACE, {"MessageBody": "a"}) for _ in range(2)] == ids
    assert ids[0] != ids[1]


def test_bodies_are_told_apart_by_their_bytes() -> None:
    numbers = CallNumbers()
    assert numbers.identify(*PLACE, {"Body": b"a"}) != CallNumbers().identify(*PLACE, {"Body": b"b"})


def test_what_is_forgotten_does_not_come_back_with_the_same_id() -> None:
    numbers = CallNumbers(remembered=3)
    ids = [numbers.identify(*PLACE, {"MessageBody": str(number % 5)}) for number in range(100)]
    assert len(set(ids)) == 100
