"""The AWS Security Finding Format: what Security Hub refuses and what it fills in.

Source: the ASFF reference (required attributes, lengths, timestamps) and BatchImportFindings
(240 KB a finding). Missing members and wrong types are refused at the front door, by the service
model; the model does not know the lengths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

LARGEST_FINDING = 240 * 1024
NAMESPACES = (
    "Software and Configuration Checks",
    "TTPs",
    "Effects",
    "Unusual Behaviors",
    "Sensitive Data Identifications",
)
LENGTHS = {"Id": 512, "GeneratorId": 512, "Title": 256, "Description": 1024, "SourceUrl": 2048}
COUNTS = {"Types": 50, "Resources": 32, "RelatedFindings": 10, "ProductFields": 50, "UserDefinedFields": 50}
PAIRS = {"ProductFields": (128, 2048), "UserDefinedFields": (128, 1024)}
MOMENTS = ("CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt")
# Security Hub accepts exactly these forms; a space for the T or a missing offset is an error.
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$")
LABELS = ((90, "CRITICAL"), (70, "HIGH"), (40, "MEDIUM"), (1, "LOW"), (0, "INFORMATIONAL"))


def timestamp(text: str) -> datetime | None:
    """Read a timestamp of a finding; None where Security Hub would not accept it."""
    if not TIMESTAMP.match(text):
        return None
    # Nanoseconds are accepted, and Python keeps six digits of them.
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None


def severity(given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a severity: a label has the lowest normalized score of its range, a score has its label."""
    result = dict(given)
    if "Label" not in result:
        score = result.get("Normalized", 0)
        result["Label"] = next(label for least, label in LABELS if score >= least)
    else:
        result["Normalized"] = next(least for least, label in LABELS if label == result["Label"])
    result.setdefault("Normalized", 0)
    return result


def faults(finding: Mapping[str, Any]) -> list[str]:
    """List what keeps a finding from being imported."""
    return list(_faults(finding))


def _faults(finding: Mapping[str, Any]) -> Iterator[str]:
    if finding["SchemaVersion"] != "2018-10-08":
        yield "data.SchemaVersion should be 2018-10-08"
    for name, most in LENGTHS.items():
        if len(finding.get(name, "")) > most:
            yield f"data.{name} should NOT be longer than {most} characters"
    for name, most in COUNTS.items():
        if len(finding.get(name, ())) > most:
            yield f"data.{name} should NOT have more than {most} items"
    if not finding["Resources"]:
        yield "data.Resources should NOT have fewer than 1 items"
    for name in MOMENTS:
        if name in finding and timestamp(finding[name]) is None:
            yield f"data.{name} should match format date-time"
    for name, (key_length, value_length) in PAIRS.items():
        for key, value in finding.get(name, {}).items():
            if len(key) > key_length or len(value) > value_length:
                yield f"data.{name}['{key[:key_length]}'] should NOT be longer than {key_length} and {value_length}"
    provider = finding.get("FindingProviderFields", {})
    yield from type_faults([*finding.get("Types", ()), *provider.get("Types", ())])
    for name in ("Confidence", "Criticality"):
        for score in (finding.get(name), provider.get(name)):
            if score is not None and not 0 <= score <= 100:
                yield f"data.{name} should be between 0 and 100"
    if len(finding.get("Remediation", {}).get("Recommendation", {}).get("Text", "")) > 512:
        yield "data.Remediation.Recommendation.Text should NOT be longer than 512 characters"
    yield from note_faults(finding.get("Note", {}))
    if size(finding) > LARGEST_FINDING:
        yield f"the finding is larger than {LARGEST_FINDING} bytes"


def type_faults(types: list[str]) -> Iterator[str]:
    """Say which finding types are not of the form namespace/category/classifier."""
    for name in types:
        parts = name.split("/")
        if parts[0] not in NAMESPACES or len(parts) > 3:
            yield f"data.Types: {name!r} should be namespace/category/classifier with a known namespace"


def note_faults(note: Mapping[str, Any]) -> Iterator[str]:
    """Say which texts of a note are too long."""
    for name in ("Text", "UpdatedBy"):
        if len(note.get(name, "")) > 512:
            yield f"data.Note.{name} should NOT be longer than 512 characters"


def size(finding: Mapping[str, Any]) -> int:
    """The size of a finding in bytes."""
    return len(json.dumps(finding, separators=(",", ":"), default=str).encode())
