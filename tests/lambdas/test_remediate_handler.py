"""The remediate function takes messages in batches and gives back those alone that did not end."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas import remediate
from lambdas.remediation.outcome import Outcome, Result
from tests.lambdas.remediation_requests import finding


class Pipeline:
    """Ends some findings, and fails with others by their id."""

    def __init__(self, *failing: str) -> None:
        self.failing, self.handled = failing, list[tuple[str, str]]()

    def handle(self, given: dict[str, Any], run: str) -> Result | None:
        self.handled.append((given["Id"], run))
        if given["Id"] in self.failing:
            raise RuntimeError("no outcome")
        return None if given["Id"] == "known" else Result(Outcome.REMEDIATED, "r")


def message(*ids: str, body: str | None = None, name: str | None = None) -> dict[str, Any]:
    event = {"detail": {"findings": [finding(Id=one) for one in ids]}}
    return {
        "messageId": name or ",".join(ids),
        "body": json.dumps(event) if body is None else body,
        "eventSource": "aws:sqs",
    }


def handle(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, *records: dict[str, Any], left: int = 300_000
) -> list[str]:
    """Invoke the function; return the messages that come again."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Palisade")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "palisade-remediate")
    monkeypatch.setattr(remediate, "pipeline_of", lambda arn: pipeline)
    context = SimpleNamespace(
        invoked_function_arn="arn", aws_request_id="run", get_remaining_time_in_millis=lambda: left
    )
    answer = remediate.handler({"Records": list(records)}, context)
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_a_message_that_fails_comes_again_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline("b")
    assert handle(monkeypatch, pipeline, message("a"), message("b"), message("known"), message("c")) == ["b"]
    assert pipeline.handled == [(one, "run") for one in ("a", "b", "known", "c")]


def test_a_batch_that_fails_whole_is_given_back_message_by_message(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handle(monkeypatch, Pipeline("a", "b"), message("a"), message("b")) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("no JSON", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no detail"),
        pytest.param('{"detail": []}', id="detail of another type"),
        pytest.param('{"detail": {}}', id="no findings"),
        pytest.param('{"detail": {"findings": {}}}', id="findings of another type"),
        pytest.param('{"detail": {"findings": ["x"]}}', id="a finding of another type"),
    ],
)
def test_what_is_no_event_comes_again_alone_and_is_not_handled(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    pipeline = Pipeline()
    assert handle(monkeypatch, pipeline, message(body=body, name="odd"), message("a")) == ["odd"]
    assert pipeline.handled == [("a", "run")]


def test_nothing_is_begun_that_the_function_has_no_time_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline()
    assert handle(monkeypatch, pipeline, message("a"), left=59_999) == ["a"]
    assert pipeline.handled == []


def test_an_error_is_logged_with_what_finds_the_finding_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handle(monkeypatch, Pipeline("b"), message("b"))
    (logged,) = [vars(record) for record in caplog.records if record.message == "not handled"]
    assert [logged[name] for name in ("finding", "control", "account")] == ["b", "EC2.13", finding()["AwsAccountId"]]
