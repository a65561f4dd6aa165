"""EventBridge patterns for the findings that the catalog remediates, generated and split to fit.

Source: Amazon EventBridge quotas (a pattern of at most 2,048 characters by default); Security Hub
User Guide, "EventBridge event formats". Findings of other products carry no compliance status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from lambdas.controls.model import Control, ProductFindings, Severity

LIMIT = 2048
PRODUCT = "Security Hub"
NEW = {"Workflow": {"Status": ["NEW"]}, "RecordState": ["ACTIVE"]}
FAILED = {"Compliance": {"Status": ["FAILED"]}}


def finding_patterns(catalog: Iterable[Control]) -> list[str]:
    """Write the patterns of the hub's rules: our own findings, Security Hub's, and other products'."""
    controls = sorted(catalog, key=lambda control: control.id)
    own = [control.generator for control in controls if control.by_rule]
    standard = [control.id for control in controls if not control.id.startswith("Palisade.")]
    # One rule for what differs by the types alone.
    products: dict[tuple[str, tuple[Severity, ...]], list[str]] = {}
    for control in controls:
        if isinstance(control.detection, ProductFindings):
            kind = (control.detection.path, control.detection.severities)
            products.setdefault(kind, []).extend(control.detection.types)
    return [
        *_split(own, lambda ids: {"GeneratorId": ids, **FAILED}),
        *_split(
            standard,
            lambda ids: {
                "ProductName": [PRODUCT],
                "Compliance": {"SecurityControlId": ids, **FAILED["Compliance"]},
            },
        ),
        *(one for kind, types in products.items() for one in _split(types, partial(_product, *kind))),
    ]


def _product(path: str, severities: Sequence[Severity], types: Sequence[str]) -> dict[str, Any]:
    return {
        # The account's own product may call itself as it likes; its ARN is not in its hands.
        "ProductArn": [{"suffix": f"::product/{path}"}],
        "Types": [{"wildcard": one} for one in types],
        "Severity": {"Label": [severity.value for severity in severities]},
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
