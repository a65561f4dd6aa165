"""EventBridge patterns for the findings that the catalog remediates, generated and split to fit.

Source: Amazon EventBridge quotas (a pattern of at most 2,048 characters by default); Security Hub
User Guide, "EventBridge event formats". Findings of other products carry no compliance status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lambdas.controls.model import Control, ProductFindings

LIMIT = 2048
PRODUCT = "Security Hub"
NEW = {"Workflow": {"Status": ["NEW"]}, "RecordState": ["ACTIVE"]}
FAILED = {"Compliance": {"Status": ["FAILED"]}}


def finding_patterns(catalog: Iterable[Control]) -> list[str]:
    """Write the patterns of the hub's rules: our own findings, Security Hub's, and other products'."""
    controls = sorted(catalog, key=lambda control: control.id)
    own = [control.generator for control in controls if control.by_rule]
    standard = [control.id for control in controls if not control.id.startswith("Palisade.")]
    products = [control.detection for control in controls if isinstance(control.detection, ProductFindings)]
    return [
        *_split(own, lambda ids: {"GeneratorId": ids, **FAILED}),
        *_split(
            standard,
            lambda ids: {
                "ProductName": [PRODUCT],
                "Compliance": {"SecurityControlId": ids, **FAILED["Compliance"]},
            },
        ),
        *(_pattern(_product(detection)) for detection in products),
    ]


def _product(detection: ProductFindings) -> dict[str, Any]:
    return {
        "ProductName": [detection.product],
        "Types": [{"prefix": detection.type_prefix}],
        "Severity": {"Label": [severity.value for severity in detection.severities]},
    }


def _split(ids: Sequence[str], finding: Callable[[list[str]], dict[str, Any]]) -> list[str]:
    """List ids in as few patterns as the limit allows, in order."""
    patterns: list[list[str]] = []
    for identifier in ids:
        if patterns and len(_pattern(finding([*patterns[-1], identifier]))) <= LIMIT:
            patterns[-1].append(identifier)
        else:
            patterns.append([identifier])
    return [_pattern(finding(part)) for part in patterns]


def _pattern(finding: dict[str, Any]) -> str:
    return json.dumps(
        {
            "source": ["aws.securityhub"],
            "detail-type": ["Security Hub Findings - Imported"],
            "detail": {"findings": {**finding, **NEW}},
        },
        separators=(",", ":"),
    )
