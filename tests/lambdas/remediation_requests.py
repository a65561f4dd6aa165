"""Requests to remediate, made up of one control and as many resources as a test wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas import findings
from lambdas.controls import catalog
from lambdas.controls.model import Control, Place, non_compliant
from lambdas.remediation.request import Request, parse

ACCOUNT, OTHER = "222222222222", "333333333333"
REGION = "eu-central-1"
PLACE = Place("aws", ACCOUNT, REGION)
SSH, S3 = catalog()["EC2.13"], catalog()["Palisade.S3.1"]


def finding(
    identifier: str = "sg-0123456789abcdef0",
    account: str = ACCOUNT,
    control: Control = SSH,
    state: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """Our finding of a resource; every `state` is a later update of it."""
    resource = control.resource(Place("aws", account, REGION), identifier)
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=state)
    return {**findings.build(control, resource, non_compliant("open"), "d", None, at), "Region": REGION, **changes}


def request(*args: Any, **kwargs: Any) -> Request:
    """The request that such a finding makes."""
    return parse(finding(*args, **kwargs), "aws")
