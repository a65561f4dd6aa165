"""The backlog of an environment: findings that fail, were answered, and would be answered otherwise by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.controls import catalog
from lambdas.controls.model import Control, Mode, ProductFindings
from lambdas.remediation.case import Approval, Case, Next, key_of
from lambdas.remediation.guard import Guard
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.policy import AccountPolicy
from lambdas.remediation.request import InvalidRequestError, Request, parse
from operations.hub import Hub, HubError

# GetFindings takes twenty values of one filter.
FILTER_VALUES = 20
PAGE = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A finding that may be handled anew: its request, the mode of by now, and how its case stands."""

    request: Request
    mode: Mode
    case: Case

    @property
    def identifier(self) -> dict[str, str]:
        """The finding as BatchUpdateFindings names it."""
        return {name: str(self.request.finding[name]) for name in ("Id", "ProductArn")}


@dataclass(frozen=True, slots=True)
class Backlog:
    """Findings in the order in which they are to be handled; `left_out` counts the others by reason."""

    waiting: tuple[Waiting, ...]
    left_out: Mapping[str, int]


def policies_of(hub: Hub, environment: str, accounts: Sequence[str]) -> dict[str, AccountPolicy]:
    """The policies that an environment's stacks have written; `accounts` narrows them. Raises HubError."""
    pages = (
        hub.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=hub.names.policies_table,
            KeyConditionExpression="environment = :environment",
            ExpressionAttributeValues={":environment": {"S": environment}},
        )
    )
    found = {item["account"]["S"]: AccountPolicy.parse(item) for page in pages for item in page["Items"]}
    if not found:
        raise HubError(f"--environment: no account has a policy of {environment!r}: no member stack has deployed it")
    if strange := [one for one in accounts if one not in found]:
        raise HubError(f"--account: {', '.join(strange)} has no policy of environment {environment}")
    return {account: policy for account, policy in found.items() if not accounts or account in accounts}


def controls_of(identifiers: Sequence[str]) -> list[Control]:
    """The controls that are named, all of the catalog where none is. Raises HubError."""
    known = catalog()
    if strange := [one for one in identifiers if one not in known]:
        raise HubError(f"--control: the catalog has no {', '.join(strange)}; it has {', '.join(sorted(known))}")
    return [known[one] for one in (identifiers or sorted(known))]


def read(hub: Hub, policies: Mapping[str, AccountPolicy], controls: Sequence[Control]) -> Backlog:
    """Find what waits: oldest first, and what has failed before at the end, for it says nothing of a promotion."""
    guard = Guard(hub.client("dynamodb"), hub.names.state_table, {})
    left_out: Counter[str] = Counter()
    requests: dict[str, Request] = {}
    asked = {control.id for control in controls}
    for finding in _findings(hub.client("securityhub"), sorted(policies), controls):
        try:
            request = parse(finding, hub.partition)
        except InvalidRequestError as error:
            left_out[str(error)] += 1
            continue
        if request.control.id not in asked:
            continue
        # One remediation answers all findings of the control on the resource; ours come first.
        requests.setdefault(key_of(request), request)
    waiting = []
    for key, request in requests.items():
        mode = policies[request.resource.account].limit(request.control)[0]
        case = guard.case(key)
        reason = _set_aside(mode, case)
        if reason is None:
            waiting.append(Waiting(request, mode, case))
        else:
            left_out[reason] += 1
    return Backlog(tuple(sorted(waiting, key=_order)), dict(sorted(left_out.items())))


def _set_aside(mode: Mode, case: Case) -> str | None:
    """Why the finding would not be answered otherwise than before; None where it may be."""
    if mode in (Mode.OFF, Mode.NOTIFY):
        return f"the mode is {mode.value}"
    if mode is Mode.APPROVE and case.approval == Approval.WAITING:
        return "people have been asked already"
    return "its remediation is under way" if case.next == Next.STUCK else None


def _order(one: Waiting) -> tuple[bool, str, str]:
    return one.case.outcome == Outcome.FAILED, str(one.request.finding["CreatedAt"]), str(one.request.finding["Id"])


def _findings(client: Any, accounts: Sequence[str], controls: Sequence[Control]) -> Iterator[Mapping[str, Any]]:
    """Our own findings, those of Security Hub's controls, and other products'."""
    standing = {"ComplianceStatus": ["FAILED"], "WorkflowStatus": ["NOTIFIED"], "RecordState": ["ACTIVE"]}
    standard = [one.id for one in controls if not one.id.startswith("Palisade.")]
    detections = [one.detection for one in controls]
    for some in _parts(accounts):
        for ids in _parts([one.generator for one in controls]):
            yield from _pages(client, {**standing, "AwsAccountId": some, "GeneratorId": ids})
        for ids in _parts(standard):
            theirs = {"ComplianceSecurityControlId": ids, "ProductName": ["Security Hub"]}
            yield from _pages(client, {**standing, "AwsAccountId": some, **theirs})
        for names in _parts(sorted({one.product for one in detections if isinstance(one, ProductFindings)})):
            # They carry no compliance status.
            noted = {name: value for name, value in standing.items() if name != "ComplianceStatus"}
            yield from _pages(client, {**noted, "AwsAccountId": some, "ProductName": names})


def _pages(client: Any, wanted: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, Any]]:
    filters = {name: [{"Value": value, "Comparison": "EQUALS"} for value in values] for name, values in wanted.items()}
    for page in client.get_paginator("get_findings").paginate(Filters=filters, PaginationConfig={"PageSize": PAGE}):
        yield from page["Findings"]


def _parts(values: Sequence[str]) -> Iterable[list[str]]:
    return (list(values[start : start + FILTER_VALUES]) for start in range(0, len(values), FILTER_VALUES))
