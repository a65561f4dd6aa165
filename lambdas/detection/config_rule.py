"""The answer to AWS Config when it invokes a custom rule: evaluations, and nothing else.

Source: AWS Config, "Example events for AWS Config custom rules" and PutEvaluations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from lambdas.controls.model import Control, Evaluation, Resource, Verdict
from lambdas.detection.detector import Detector

PER_CALL = 100
ANNOTATION = 256
GONE = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"})


class EvaluationRefusedError(Exception):
    """AWS Config took the call but refused evaluations in it."""


class UnknownMessageError(Exception):
    """AWS Config sent a message of a type that a custom rule does not receive."""


def answer(event: Mapping[str, Any], detector: Detector) -> int:
    """Evaluate what an invocation asks for and put the evaluations; return how many.

    A resource that cannot be judged hinders no other; raises ExceptionGroup with all errors at the end.
    """
    invoking = json.loads(event["invokingEvent"])
    control = detector.control_of(event["configRuleName"])
    kind = invoking["messageType"]
    errors: list[Exception] = []
    if kind == "ConfigurationItemChangeNotification":
        evaluations = _changed(control, detector, invoking["configurationItem"], event)
    elif kind == "OversizedConfigurationItemChangeNotification":
        evaluations = _changed(control, detector, invoking["configurationItemSummary"], event)
    elif kind == "ScheduledNotification":
        evaluations = list(_scheduled(control, detector, invoking["notificationCreationTime"], event, errors))
    else:
        raise UnknownMessageError(f"{event['configRuleName']} received a message of type {kind}")
    _put(detector.session.client("config"), event, evaluations)
    if errors:
        raise ExceptionGroup(f"{event['configRuleName']} could not evaluate some resources", errors)
    return len(evaluations)


def _put(client: Any, event: Mapping[str, Any], evaluations: Sequence[Mapping[str, Any]]) -> None:
    """Put evaluations, as many a call as AWS Config takes; raises EvaluationRefusedError naming all refused ones."""
    refused: list[Mapping[str, Any]] = []
    for start in range(0, len(evaluations), PER_CALL):
        refused += client.put_evaluations(
            Evaluations=evaluations[start : start + PER_CALL], ResultToken=event["resultToken"]
        )["FailedEvaluations"]
    if refused:
        names = ", ".join(one["ComplianceResourceId"] for one in refused)
        raise EvaluationRefusedError(f"{event['configRuleName']}: AWS Config refused the evaluations of {names}")


def _changed(
    control: Control, detector: Detector, item: Mapping[str, Any], event: Mapping[str, Any]
) -> list[dict[str, Any]]:
    resource = control.resource(detector.place, item["resourceId"])
    left = event.get("eventLeftScope", False) or item["configurationItemStatus"] in GONE
    evaluation = None if left else detector.judge(control, resource)
    return [_evaluation(control, resource, evaluation, item["configurationItemCaptureTime"])]


def _scheduled(
    control: Control, detector: Detector, created: str, event: Mapping[str, Any], errors: list[Exception]
) -> Iterator[dict[str, Any]]:
    rule = event["configRuleName"]
    if control.discover is None:
        raise UnknownMessageError(f"{rule} is evaluated on a schedule, but {control.id} discovers no resources")
    discovered = control.discover(detector.session, detector.place)
    present = {_recorded_id(control, resource): resource for resource in discovered}
    for resource in present.values():
        try:
            evaluation = detector.judge(control, resource)
        except Exception as error:
            error.add_note(f"while {resource.arn} was judged for {control.id}")
            errors.append(error)
            continue
        yield _evaluation(control, resource, evaluation, created)
    # A periodic rule must itself say that a resource has vanished.
    for identifier in _evaluated(detector, rule):
        if identifier not in present:
            yield _evaluation(control, control.resource(detector.place, identifier), None, created)


def _evaluated(detector: Detector, rule: str) -> Iterable[str]:
    pages = detector.session.client("config").get_paginator("get_compliance_details_by_config_rule")
    for page in pages.paginate(ConfigRuleName=rule):
        for result in page["EvaluationResults"]:
            yield result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"]


def _recorded_id(control: Control, resource: Resource) -> str:
    """The resource's id as AWS Config has it."""
    return resource.arn if control.named_by_arn else resource.id


def _evaluation(control: Control, resource: Resource, evaluation: Evaluation | None, ordering: str) -> dict[str, Any]:
    if evaluation is None:
        evaluation = Evaluation(
            Verdict.NOT_APPLICABLE, "The resource no longer exists, or the rule no longer judges it."
        )
    return {
        "ComplianceResourceType": resource.type,
        "ComplianceResourceId": _recorded_id(control, resource),
        "ComplianceType": evaluation.verdict.value,
        "Annotation": evaluation.annotation[:ANNOTATION],
        "OrderingTimestamp": datetime.fromisoformat(ordering),
    }
