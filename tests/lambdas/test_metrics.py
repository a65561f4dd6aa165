"""The dashboard searches for what the function emits."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from components.estate import Estate
from components.watch import dashboard_body
from lambdas import remediate
from lambdas.names import Names
from lambdas.remediation.outcome import Outcome, Result
from tests.lambdas.remediation_requests import finding


def test_every_outcome_is_counted_under_the_name_and_dimensions_of_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Palisade")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "palisade-remediate")
    pipeline: Any = SimpleNamespace(handle=lambda finding, run: Result(Outcome.REFUSED, "r"))
    monkeypatch.setattr(remediate, "pipeline_of", lambda arn: pipeline)
    context = SimpleNamespace(
        invoked_function_arn="arn", aws_request_id="run", get_remaining_time_in_millis=lambda: 300_000
    )
    body = json.dumps({"detail": {"findings": [finding()]}})
    remediate.handler({"Records": [{"messageId": "m", "body": body}]}, context)
    emitted = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line)
    (metric,) = emitted["_aws"]["CloudWatchMetrics"]
    home = "eu-west-1"
    estate = Estate("aws", "o-abcdefghij", "111111111111", "222222222222", home, (home,), Names("palisade"))
    ((schema, name),) = re.findall(r"SEARCH\('\{([^}]*)\} MetricName=\\+\"(\w+)", dashboard_body(estate, 1))
    namespace, *dimensions = schema.split(",")
    assert (metric["Namespace"], sorted(metric["Dimensions"][0])) == (namespace, sorted(dimensions))
    assert [one["Name"] for one in metric["Metrics"]] == [name]
    assert (emitted["outcome"], emitted["service"]) == ("refused", "palisade-remediate")
