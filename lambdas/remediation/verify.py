"""Proof: the resource is read and evaluated again after the change, with patience."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Evaluation, Verdict

if TYPE_CHECKING:
    from boto3 import Session

    from lambdas.remediation.request import Request

# Most services show a change at once; some reads lag for some seconds.
WAITS = (1, 2, 4, 8, 15)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the resource is like after a change, and the verdict on it."""

    settings: Mapping[str, Any]
    evaluation: Evaluation


def prove(session: Session, request: Request, parameters: Mapping[str, Any]) -> Proof | None:
    """Return the evaluation after the change: COMPLIANT, or what it still is when patience ends; None if it is gone."""
    proof = _judge(session, request, parameters)
    for wait in WAITS:
        if proof is None or proof.evaluation.verdict is not Verdict.NON_COMPLIANT:
            break
        time.sleep(wait)
        proof = _judge(session, request, parameters)
    return proof


def _judge(session: Session, request: Request, parameters: Mapping[str, Any]) -> Proof | None:
    settings = request.control.read(session, request.resource, request.finding)
    return None if settings is None else Proof(settings, request.control.evaluate(settings, parameters))
