"""A member account of a few resources, with the services that detection speaks to."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas import detect
from lambdas.controls.model import Control, CustomRule, Evaluation, Place, Resource, Verdict
from lambdas.detection.detector import Detector
from lambdas.environment import Environment
from lambdas.names import Names
from tests.lambdas.remediation_requests import PLACE, SSH

RULE = "palisade-security-group-ssh-restricted"
FUNCTION = f"arn:aws:lambda:{PLACE.region}:{PLACE.account}:function:palisade-detect"
Judged = Verdict | Exception | None


@dataclass
class Member:
    """The account: its resources with their verdicts (an exception: it cannot be read), findings and evaluations."""

    resources: dict[str, Judged] = field(default_factory=dict)
    hidden: dict[str, Judged] = field(default_factory=dict)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    evaluated: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    imports: list[int] = field(default_factory=list)
    puts: list[list[dict[str, Any]]] = field(default_factory=list)
    invoked: list[dict[str, Any]] = field(default_factory=list)
    # Resources that are judged before the time of a run ends.
    patience: int = 10**6
    judged_count: int = 0

    def client(self, service: str, **_: Any) -> Any:
        return self

    # AWS Lambda
    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> None:
        assert (FunctionName, InvocationType) == (FUNCTION, "Event")
        self.invoked.append(json.loads(Payload))

    def judged(self, identifier: str) -> Judged:
        return self.resources.get(identifier, self.hidden.get(identifier))

    # Security Hub
    def batch_import_findings(self, *, Findings: list[dict[str, Any]]) -> dict[str, Any]:
        self.imports.append(len(Findings))
        failed = []
        for finding in copy.deepcopy(Findings):
            if finding["Id"] in self.refused:
                failed.append({"Id": finding["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "m"})
                continue
            known = self.kept.get(finding["Id"])
            if known is None or finding["UpdatedAt"] > known["UpdatedAt"]:
                fields = finding.setdefault("ProductFields", {})
                fields["aws/securityhub/FindingId"] = finding["Id"]
                self.kept[finding["Id"]] = finding
        return {"FailedFindings": failed}

    # AWS Config
    def put_evaluations(self, *, Evaluations: list[dict[str, Any]], ResultToken: str) -> dict[str, Any]:
        assert ResultToken == "token"
        assert 1 <= len(Evaluations) <= 100
        self.puts.append(Evaluations)
        return {"FailedEvaluations": [one for one in Evaluations if one["ComplianceResourceId"] in self.refused]}

    def get_paginator(self, operation: str) -> Any:
        pages: dict[str, Any] = {
            "get_findings": self._findings,
            "get_compliance_details_by_config_rule": self._evaluations,
        }
        return SimpleNamespace(paginate=pages[operation])

    def _findings(self, *, Filters: Mapping[str, Any], **_: Any) -> Iterator[dict[str, Any]]:
        wanted = [one["Value"] for one in Filters.get("Id", ())]
        yield {"Findings": [one for one in self.kept.values() if not wanted or one["Id"] in wanted]}

    def _evaluations(self, *, ConfigRuleName: str) -> Iterator[dict[str, Any]]:
        assert ConfigRuleName == RULE
        for identifier in self.evaluated:
            qualifier = {"EvaluationResultQualifier": {"ResourceId": identifier}}
            yield {"EvaluationResults": [{"EvaluationResultIdentifier": qualifier}]}

    # What a test looks at.
    def statuses(self) -> dict[str, tuple[str, str]]:
        """Status and record state of each finding, by the id of its resource."""
        return {
            finding["Resources"][0]["Id"].rsplit("/", 1)[-1]: (finding["Compliance"]["Status"], finding["RecordState"])
            for finding in self.kept.values()
        }

    def verdicts(self) -> dict[str, str]:
        """The evaluations that were put."""
        return {one["ComplianceResourceId"]: one["ComplianceType"] for put in self.puts for one in put}

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the detect function."""
        began = self.judged_count

        def left() -> int:
            return 1_000 * 900 if self.judged_count - began < self.patience else 0

        context = SimpleNamespace(invoked_function_arn=FUNCTION, get_remaining_time_in_millis=left)
        return detect.handler(event, context)

    def reconcile(self) -> list[dict[str, Any]]:
        """Invoke it as the schedule does, and as it then invokes itself; returns the answers."""
        answers, events = [], [{"palisade": "reconcile"}]
        while events:
            answers.append(self.handle(events.pop()))
            events, self.invoked = self.invoked, []
        return answers


def _read(session: Any, resource: Resource, finding: Any) -> Any:
    session.judged_count += 1
    judged = session.judged(resource.id)
    if isinstance(judged, Exception):
        raise judged
    return None if judged is None else {"Verdict": judged}


def _evaluate(settings: Mapping[str, Any], parameters: Any) -> Evaluation:
    return Evaluation(settings["Verdict"], f"it is {settings['Verdict']}" + "." * 400)


def _discover(session: Any, place: Place) -> Iterator[Resource]:
    for identifier in session.resources:
        yield SSH.resource(place, identifier)


CONTROL = replace(
    SSH, read=_read, evaluate=_evaluate, discover=_discover, inspect=None, detection=CustomRule(on_change=True)
)


def member(monkeypatch: pytest.MonkeyPatch, control: Control = CONTROL, /, **resources: Judged) -> Member:
    """Open an account in which one control is detected."""
    made = Member(resources=dict(resources))
    environment = Environment(Names("palisade"), "200000000002", PLACE.region, "bucket", "settings")
    settings: dict[str, Any] = {"controls": {CONTROL.id: {"parameters": {}, "rule": RULE}}}
    monkeypatch.setattr(Environment, "settings", lambda self, session: settings)
    monkeypatch.setattr("lambdas.detection.detector.catalog", lambda: {control.id: control})
    session: Any = made
    detector = Detector(session, environment, PLACE)
    monkeypatch.setattr("lambdas.detect._detector", lambda arn: detector)
    return made


def invocation(**invoking: Any) -> dict[str, Any]:
    """An invocation by AWS Config, whose parts are JSON in JSON."""
    left = invoking.pop("eventLeftScope", False)
    return {
        "invokingEvent": json.dumps(invoking),
        "configRuleName": RULE,
        "resultToken": "token",
        "eventLeftScope": left,
    }


def item(identifier: str, status: str = "OK") -> dict[str, Any]:
    return {
        "resourceId": identifier,
        "resourceType": CONTROL.resource_type,
        "configurationItemStatus": status,
        "configurationItemCaptureTime": "2026-01-05T09:00:00.000Z",
    }


def compliance_change(identifier: str, rule: str = RULE) -> dict[str, Any]:
    return {
        "detail-type": "Config Rules Compliance Change",
        "detail": {"configRuleName": rule, "resourceId": identifier},
    }
