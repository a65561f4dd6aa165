"""Filters over findings: of GetFindings and of automation rules.

Source: the Security Hub API reference (StringFilter, MapFilter, DateFilter, NumberFilter, IpFilter,
KeywordFilter, BooleanFilter): which comparisons join by OR, which by AND, and which combinations
are refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from moto.core.utils import get_service_model

from simulator.call import ServiceError
from simulator.services.security_hub_format import timestamp

MOST_ATTRIBUTES = 10
MOST_VALUES = 20
NEGATIVE = frozenset({"NOT_EQUALS", "PREFIX_NOT_EQUALS", "NOT_CONTAINS"})

# Where an attribute's name does not say its place in the finding.
PLACES = {
    "Type": "Types",
    "RecommendationText": "Remediation.Recommendation.Text",
    "ComplianceAssociatedStandardsId": "Compliance.AssociatedStandards.StandardsId",
    "ComplianceSecurityControlParametersName": "Compliance.SecurityControlParameters.Name",
    "ComplianceSecurityControlParametersValue": "Compliance.SecurityControlParameters.Value",
    "FindingProviderFieldsRelatedFindingsId": "FindingProviderFields.RelatedFindings.Id",
    "FindingProviderFieldsRelatedFindingsProductArn": "FindingProviderFields.RelatedFindings.ProductArn",
    "FindingProviderFieldsSeverityLabel": "FindingProviderFields.Severity.Label",
    "FindingProviderFieldsSeverityOriginal": "FindingProviderFields.Severity.Original",
    "ResourceDetailsOther": "Resources.Details.Other",
    "WorkflowState": "WorkflowState",
    "VerificationState": "VerificationState",
}
# Else the longest of these starts says it, and the rest of the name is the field.
STARTS = {
    "Severity": "Severity",
    "Malware": "Malware",
    "Network": "Network",
    "Process": "Process",
    "ThreatIntelIndicator": "ThreatIntelIndicators",
    "Resource": "Resources",
    "ResourceAwsEc2Instance": "Resources.Details.AwsEc2Instance",
    "ResourceAwsS3Bucket": "Resources.Details.AwsS3Bucket",
    "ResourceAwsIamAccessKey": "Resources.Details.AwsIamAccessKey",
    "ResourceAwsIamUser": "Resources.Details.AwsIamUser",
    "ResourceContainer": "Resources.Details.Container",
    "Compliance": "Compliance",
    "Workflow": "Workflow",
    "RelatedFindings": "RelatedFindings",
    "Note": "Note",
    "FindingProviderFields": "FindingProviderFields",
    "Vulnerabilities": "Vulnerabilities",
}


@cache
def kinds() -> Mapping[str, str]:
    """Return the kind of filter that each attribute takes, as the service model has it."""
    shape = get_service_model("securityhub").shape_for("AwsSecurityFindingFilters")
    return {name: member.member.name for name, member in shape.members.items()}


@cache
def place(attribute: str) -> tuple[str, ...]:
    """Return where in a finding an attribute of the filters stands."""
    if attribute in PLACES:
        return tuple(PLACES[attribute].split("."))
    starts = [start for start in STARTS if attribute.startswith(start) and attribute != start]
    if not starts:
        return (attribute,)
    start = max(starts, key=len)
    return (*STARTS[start].split("."), attribute.removeprefix(start))


def check(filters: Mapping[str, Sequence[Mapping[str, Any]]], *, rule: bool = False) -> None:
    """Refuse filters that AWS refuses, with InvalidInputException; `rule`: criteria of an automation rule."""
    if not rule and len(filters) > MOST_ATTRIBUTES:
        raise _refused(f"You can filter by up to {MOST_ATTRIBUTES} finding attributes, not {len(filters)}.")
    for attribute, conditions in filters.items():
        if not rule and len(conditions) > MOST_VALUES:
            raise _refused(f"{attribute} has {len(conditions)} filter values; up to {MOST_VALUES} are accepted.")
        kind = kinds()[attribute]
        if kind in ("StringFilter", "MapFilter"):
            _check_comparisons(attribute, {condition.get("Comparison", "EQUALS") for condition in conditions}, rule)
        if kind == "MapFilter" and not all(condition.get("Key") for condition in conditions):
            raise _refused(f"{attribute} needs a Key in every filter.")
        if kind == "DateFilter":
            for moment in (condition[end] for condition in conditions for end in ("Start", "End") if end in condition):
                if timestamp(moment) is None:
                    raise _refused(f"{attribute}: {moment!r} is not a timestamp such as 2026-01-31T12:00:00Z.")


def _check_comparisons(attribute: str, comparisons: set[str], rule: bool) -> None:
    if "CONTAINS_WORD" in comparisons or (not rule and comparisons & {"CONTAINS", "NOT_CONTAINS"}):
        raise _refused(f"{attribute}: CONTAINS and NOT_CONTAINS work with automation rules only, CONTAINS_WORD in V2.")
    for alone in ("CONTAINS", "NOT_CONTAINS"):
        if alone in comparisons and len(comparisons) > 1:
            raise _refused(f"{attribute}: {alone} filters can only be used with other {alone} filters.")
    if "EQUALS" in comparisons and comparisons & {"NOT_EQUALS", "PREFIX_NOT_EQUALS"}:
        raise _refused(f"{attribute} can't have both an EQUALS and a NOT_EQUALS or PREFIX_NOT_EQUALS filter.")


def matches(finding: Mapping[str, Any], filters: Mapping[str, Sequence[Mapping[str, Any]]], now: datetime) -> bool:
    """Whether a finding satisfies the filters on every attribute."""
    return all(_attribute(finding, name, conditions, now) for name, conditions in filters.items() if conditions)


def _attribute(
    finding: Mapping[str, Any], attribute: str, conditions: Sequence[Mapping[str, Any]], now: datetime
) -> bool:
    kind = kinds()[attribute]
    if kind == "KeywordFilter":
        return any(_mentions(finding, condition.get("Value", "")) for condition in conditions)
    values = list(_values(finding, place(attribute)))
    if kind in ("StringFilter", "MapFilter"):
        return _texts(values, conditions)
    if kind == "BooleanFilter":
        # A finding without the field is not a sample.
        return any(condition.get("Value") in (values or [False]) for condition in conditions)
    test = {"DateFilter": _date, "NumberFilter": _number, "IpFilter": _address}[kind]
    return any(test(value, condition, now) for value in values for condition in conditions)


def _texts(values: Sequence[Any], conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Positive comparisons join by OR, negative ones by AND; a missing value satisfies the negative ones."""
    positive: list[bool] = []
    negative: list[bool] = []
    for condition in conditions:
        comparison = condition.get("Comparison", "EQUALS")
        found = any(_text(value, condition.get("Value", ""), comparison) for value in _keyed(values, condition))
        (negative if comparison in NEGATIVE else positive).append(found)
    return (not positive or any(positive)) and not any(negative)


def _keyed(values: Iterable[Any], condition: Mapping[str, Any]) -> Iterator[str]:
    for value in values:
        if "Key" not in condition:
            yield str(value)
        elif isinstance(value, Mapping) and condition["Key"] in value:
            yield str(value[condition["Key"]])


def _text(value: str, wanted: str, comparison: str) -> bool:
    """Whether a value has what a comparison names, before a NOT turns it round."""
    if comparison in ("PREFIX", "PREFIX_NOT_EQUALS"):
        return value.startswith(wanted)
    if comparison in ("CONTAINS", "NOT_CONTAINS"):
        return wanted in value
    return value == wanted


def _date(value: Any, condition: Mapping[str, Any], now: datetime) -> bool:
    moment = timestamp(str(value))
    if moment is None:
        return False
    span = condition.get("DateRange")
    if span:
        edge = now - timedelta(days=span.get("Value", 0))
        return moment < edge if span.get("Comparison") == "OLDER_THAN" else edge <= moment <= now
    start, end = (timestamp(condition[name]) if name in condition else None for name in ("Start", "End"))
    return (start is None or moment >= start) and (end is None or moment <= end)


def _number(value: Any, condition: Mapping[str, Any], now: datetime) -> bool:
    tests = {
        "Gte": value >= condition.get("Gte", value),
        "Lte": value <= condition.get("Lte", value),
        "Eq": value == condition.get("Eq", value),
        "Gt": "Gt" not in condition or value > condition["Gt"],
        "Lt": "Lt" not in condition or value < condition["Lt"],
    }
    return all(tests.values())


def _address(value: Any, condition: Mapping[str, Any], now: datetime) -> bool:
    try:
        return ipaddress.ip_address(str(value)) in ipaddress.ip_network(condition.get("Cidr", ""), strict=False)
    except ValueError:
        return False


def _mentions(value: Any, keyword: str) -> bool:
    """Whether a text anywhere in a finding has the keyword; AWS does not say how it compares, so case is ignored."""
    if isinstance(value, Mapping):
        return any(_mentions(item, keyword) for item in value.values())
    if isinstance(value, list):
        return any(_mentions(item, keyword) for item in value)
    return isinstance(value, str) and keyword.lower() in value.lower()


def _values(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif not path:
        yield node
    elif isinstance(node, Mapping) and path[0] in node:
        yield from _values(node[path[0]], path[1:])


def ordered(findings: Sequence[dict[str, Any]], criteria: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Sort findings by attributes, named as in the filters; those without the attribute come last."""
    result = list(findings)
    for criterion in reversed(criteria):
        field = criterion.get("Field", "")
        if field not in kinds():
            raise _refused(f"Findings cannot be sorted by {field!r}.")
        path = place(field)
        present = [finding for finding in result if next(_values(finding, path), None) is not None]
        absent = [finding for finding in result if next(_values(finding, path), None) is None]
        present.sort(key=lambda finding: _sortable(next(_values(finding, path))), reverse=_descending(criterion))
        result = present + absent
    return result


def _descending(criterion: Mapping[str, str]) -> bool:
    return criterion.get("SortOrder", "asc") == "desc"


def _sortable(value: Any) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, (int, float)) else (0.0, str(value))


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)
