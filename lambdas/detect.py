"""The detect function of one account and Region.

Three roads lead here: AWS Config invokes a custom rule (the answer is evaluations), a rule's
compliance changed (the answer is a finding), and the schedule that finds what events missed. The
deployment takes a fourth: its last event before the function goes archives the findings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.controls.model import Place
from lambdas.detection import config_rule, farewell
from lambdas.detection.detector import Detector
from lambdas.environment import Environment
from lambdas.sessions import KeptClients

logger = Logger()
# Findings live for 90 days after their last update; a month leaves room for failed runs.
STALE_AFTER = timedelta(days=30)


class UnknownEventError(Exception):
    """The function was invoked with an event that none of its roads produces."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one event; an error goes back to Lambda, which retries and then keeps the event for people."""
    if event.get("palisade") == "lifecycle":
        return _lifecycle(event["tf"]["action"], context)
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


def _lifecycle(action: str, context: Any) -> dict[str, Any]:
    """Answer the deployment: only the end of detection here asks for work; it needs no settings.

    Source: Terraform AWS provider, `aws_lambda_invocation`, "CRUD Lifecycle Management": `create`, `update`
    and `delete` under the key `tf`.
    """
    if action in ("create", "update"):
        return {"archived": 0}
    if action != "delete":
        raise UnknownEventError(f"the deployment's action {action!r} is none that detection knows")
    place = _place(context.invoked_function_arn)
    archived = farewell.archive(KeptClients().client("securityhub"), place, context.get_remaining_time_in_millis)
    logger.info("archived", extra={"findings": archived})
    return {"archived": archived}


def _place(function_arn: str) -> Place:
    _, partition, _, region, account, *_ = function_arn.split(":")
    return Place(partition, account, region)


@cache
def _detector(function_arn: str) -> Detector:
    """Keep one detector per container: settings and clients are fetched once."""
    return Detector(KeptClients(), Environment.read(), _place(function_arn))
