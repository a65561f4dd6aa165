"""The detect function of one account and Region.

Three roads lead here: AWS Config invokes a custom rule (the answer is evaluations), a rule's
compliance changed (the answer is a finding), and the schedule that finds what events missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.controls.model import Place
from lambdas.detection import config_rule
from lambdas.detection.detector import Detector
from lambdas.environment import Environment
from lambdas.sessions import KeptClients

logger = Logger()
# Findings live for 90 days after their last update; a month leaves room for failed runs.
STALE_AFTER = timedelta(days=30)


class UnknownEventError(Exception):
    """The function was invoked with an event that none of its three roads produces."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event; an error goes back to Lambda, which retries and then keeps the event for people."""
    detector = _detector(context.invoked_function_arn)
    if "invokingEvent" in event:
        evaluations = config_rule.answer(event, detector)
        logger.info("evaluated", extra={"rule": event["configRuleName"], "evaluations": evaluations})
        return {"evaluations": evaluations}
    if event.get("detail-type") == "Config Rules Compliance Change":
        detail = event["detail"]
        control = detector.control_of(detail["configRuleName"])
        detector.report(control, control.resource(detector.place, detail["resourceId"]))
        logger.info("reported", extra={"control": control.id, "resource": detail["resourceId"]})
        return {"findings": 1}
    if event.get("palisade") == "reconcile":
        return {"findings": _reconcile(detector)}
    raise UnknownEventError(f"an event with the keys {', '.join(sorted(event))} is none that detection knows")


def _reconcile(detector: Detector) -> int:
    changed = 0
    failures = []
    for control in detector.controls():
        try:
            changed += detector.reconcile(control, datetime.now(UTC) - STALE_AFTER)
        except Exception as error:
            logger.exception("reconciliation failed", extra={"control": control.id})
            failures.append(error)
    if failures:
        raise ExceptionGroup("reconciliation failed for some controls", failures)
    logger.info("reconciled", extra={"findings": changed})
    return changed


@cache
def _detector(function_arn: str) -> Detector:
    """Keep one detector per container: settings and clients are fetched once."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    return Detector(KeptClients(), Environment.read(), Place(partition, account, region))
