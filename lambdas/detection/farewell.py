"""The end of detection in an account and Region: its own findings are archived before the function goes.

Nobody else can do it: BatchImportFindings takes only findings of the calling account and Region
(Security Hub API Reference). A finding's id and generator name control and resource, not the
deployment, so everything of Palisade's in the account's default product counts as own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from lambdas import findings
from lambdas.answers import absent
from lambdas.controls.model import GENERATORS, Place

# What a page's import may last, retries included; with less time left the rest is for the next invocation.
MARGIN_MILLISECONDS = 30_000
# "Either Security Hub is not enabled for the account": then nothing of ours is shown there either.
DISABLED = "InvalidAccessException"


class NotArchivedError(Exception):
    """Findings of our own are still active, with how many and why."""


def archive(client: Any, place: Place, remaining: Callable[[], int]) -> int:
    """Archive all active findings of ours in an account and Region; return how many.

    `remaining` tells the milliseconds that the function has left. What is archived leaves the list that is
    paged through, which may shift pages, so passes follow until one shows nothing new. Raises NotArchivedError
    after everything else is archived.
    """
    seen: set[str] = set()
    refused: list[str] = []
    before = -1
    while before < len(seen):
        before = len(seen)
        for page in _active(client, place):
            fresh = [finding for finding in page if finding["Id"] not in seen]
            if fresh and remaining() < MARGIN_MILLISECONDS:
                raise NotArchivedError(
                    f"the function's time is over with {len(seen)} findings of {place.account}, {place.region}, "
                    "archived and others not: destroy again, it goes on from there"
                )
            seen |= {finding["Id"] for finding in fresh}
            try:
                findings.send(client, [findings.archived(one, datetime.now(UTC), findings.LEFT) for one in fresh])
            except findings.ImportRefusedError as error:
                refused.append(str(error))
    if refused:
        raise NotArchivedError(
            f"Security Hub refused to archive findings of {place.account}, {place.region}: {'; '.join(refused)}"
        )
    return len(seen)


def _active(client: Any, place: Place) -> Iterator[list[dict[str, Any]]]:
    wanted = {
        "ProductArn": (findings.product_arn(place), "EQUALS"),
        "GeneratorId": (GENERATORS, "PREFIX"),
        "AwsAccountId": (place.account, "EQUALS"),
        "Region": (place.region, "EQUALS"),
        "RecordState": ("ACTIVE", "EQUALS"),
    }
    filters = {name: [{"Value": value, "Comparison": how}] for name, (value, how) in wanted.items()}
    pages = client.get_paginator("get_findings").paginate(
        Filters=filters, PaginationConfig={"PageSize": findings.PER_CALL}
    )
    with absent(DISABLED):
        for page in pages:
            yield page["Findings"]
