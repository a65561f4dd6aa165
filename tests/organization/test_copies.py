"""Copies of an organisation see what the run has done so far, and leave it alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.local import LocalOrganization
from tests.organization.copies import Copies
from tests.simulator.pipeline_world import MEMBER, organization

QUEUES = ("first", "second", "third")


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalOrganization]:
    with organization() as founded:
        yield founded


@pytest.fixture
def sqs(opened: LocalOrganization) -> Iterator[Any]:
    session: Any = opened.session(MEMBER)
    client = session.client("sqs")
    yield client
    for url in client.list_queues().get("QueueUrls", []):
        client.delete_queue(QueueUrl=url)


def made(sqs: Any) -> list[str]:
    return [url.rpartition("/")[2] for url in sqs.list_queues().get("QueueUrls", [])]


def make(sqs: Any) -> None:
    for name in QUEUES:
        sqs.create_queue(QueueName=name)


def test_a_run_is_killed_before_each_of_its_calls_and_goes_on_itself(opened: LocalOrganization, sqs: Any) -> None:
    def ended(place: int) -> None:
        assert made(sqs) == list(QUEUES[:place])
        make(sqs)
        assert made(sqs) == list(QUEUES)

    assert Copies(opened).killed(lambda: make(sqs), ended) == len(QUEUES)
    assert made(sqs) == list(QUEUES)


def test_what_is_not_as_it_should_be_in_a_copy_fails_the_test_and_names_every_place(
    opened: LocalOrganization, sqs: Any
) -> None:
    def ended(place: int) -> None:
        assert place == 1, f"nothing after {place}"

    with pytest.raises(AssertionError, match=r"(?s)nothing after 0.*nothing after 2"):
        Copies(opened).killed(lambda: make(sqs), ended)


def test_a_run_that_takes_its_end_for_an_error_fails(opened: LocalOrganization, sqs: Any) -> None:
    def caught() -> None:
        try:
            make(sqs)
        except BaseException as error:
            raise ValueError("it saw its end") from error

    with pytest.raises(AssertionError, match="it saw its end"):
        Copies(opened).killed(caught, lambda _: None)


def test_a_run_that_goes_on_after_its_end_fails_unless_it_is_to_begin_again(
    opened: LocalOrganization, sqs: Any
) -> None:
    def again() -> None:
        try:
            make(sqs)
        except SystemExit:
            make(sqs)

    def ended(place: int) -> None:
        assert made(sqs) == list(QUEUES)

    with pytest.raises(AssertionError, match="killed before call 2, the run went on all the same"):
        Copies(opened).killed(again, ended)
    assert Copies(opened).killed(again, ended, survives=True) == len(QUEUES)


def test_only_the_named_calls_are_struck_and_a_quiet_one_is_no_call(opened: LocalOrganization, sqs: Any) -> None:
    quiet = False

    def run() -> None:
        nonlocal quiet
        quiet = True
        made(sqs)
        quiet = False
        make(sqs)

    def ended(place: int) -> None:
        assert made(sqs) == ["first"]

    assert Copies(opened, lambda: quiet).killed(run, ended, {1}) == 1


def test_a_copy_answers_and_nothing_of_it_stays(opened: LocalOrganization, sqs: Any) -> None:
    def tried() -> list[str]:
        make(sqs)
        return made(sqs)

    assert Copies(opened).outcome(tried) == list(QUEUES)
    assert made(sqs) == []
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        Copies(opened).outcome(lambda: 1 // 0)
