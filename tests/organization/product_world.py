"""Findings of other products, as the hub sees them once they have arrived."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3

from lambdas.controls.model import Control, Resource
from lambdas.remediation.request import InvalidRequestError, subject

# They reach Security Hub within this time.
ARRIVAL = timedelta(minutes=5)
# The product has looked again at what was remediated within this time.
SEEN = timedelta(hours=1)


def of_product(hub: boto3.Session, control: Control, resource: Resource) -> Iterator[dict[str, Any]]:
    """The findings that a control takes about a resource; what else the product finds is not asked for here."""
    asked: Any = {"ResourceType": [{"Value": control.asff_type, "Comparison": "EQUALS"}]}
    for page in hub.client("securityhub").get_paginator("get_findings").paginate(Filters=asked):
        for one in page["Findings"]:
            try:
                about = subject(one, resource.partition)
            except InvalidRequestError:
                continue
            if about == (control, resource):
                yield dict(one)
