"""What an account's Region will cost a month, as far as it can be known before anything runs.

List prices of US East in US dollars, other Regions differ: AWS Config evaluation 0.001 (the first 100,000 of a month),
recorded change 0.003; Security Hub check 0.001 and imported finding 0.00003 after 10,000 a month; a customer managed
key 1.00. What changes, and how often, nobody knows beforehand: that part is named, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.controls.model import Control, CustomRule, Frequency

if TYPE_CHECKING:
    from boto3.session import Session

HOURS = 730
EVERY_HOURS = {
    Frequency.ONE_HOUR: 1,
    Frequency.THREE_HOURS: 3,
    Frequency.SIX_HOURS: 6,
    Frequency.TWELVE_HOURS: 12,
    Frequency.DAILY: 24,
}
EVALUATION = 0.001
KEY = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """The known part of a month's cost in US dollars, what it is made of, and what is unknown."""

    account: str
    region: str
    dollars: float
    made_of: tuple[str, ...]
    unknown: tuple[str, ...]

    def line(self) -> dict[str, Any]:
        """The estimate as JSON."""
        return {
            "estimate": "month",
            "account": self.account,
            "region": self.region,
            "us_dollars_at_least": round(self.dollars, 2),
            "made_of": list(self.made_of),
            "unknown": list(self.unknown),
        }


def recorded(session: Session) -> dict[str, int]:
    """How many resources of each type AWS Config has recorded in a Region; raises what the client raises."""
    # botocore has no paginator for it.
    config = session.client("config")
    counts: dict[str, int] = {}
    token: dict[str, Any] = {}
    while True:
        answer: Any = config.get_discovered_resource_counts(**token)
        counts |= {one["resourceType"]: one["count"] for one in answer["resourceCounts"]}
        if not answer.get("nextToken"):
            return counts
        token = {"nextToken": answer["nextToken"]}


def estimate(
    account: str,
    region: str,
    *,
    controls: Iterable[Control],
    counts: Mapping[str, int] | None,
    recorder: bool,
    standards: int,
    key: bool,
) -> Estimate:
    """Estimate one Region of an account. `counts` is None where they are unread; `key`: the hub's key stands here.

    `standards` is the number of them that central configuration switches on, 0 where it changes nothing.
    """
    dollars, made_of = 0.0, []
    unknown = ["evaluations of changed resources ($0.001 each)", "runs of the detect function, logs, S3 and SNS"]
    for control in controls:
        schedule = control.detection.schedule if isinstance(control.detection, CustomRule) else None
        if schedule is None:
            continue
        if counts is None:
            unknown.append(f"scheduled evaluations of {control.id}: the number of resources could not be read")
            continue
        number, runs = counts.get(control.resource_type, 0), HOURS / EVERY_HOURS[schedule]
        dollars += number * runs * EVALUATION
        made_of.append(f"{control.id}: {number} resources, {runs:.0f} evaluations each")
    if recorder:
        unknown.append("recorded changes ($0.003 each) of the recorder that the stack makes")
    if standards:
        unknown.append(f"checks of {standards} standards where they are not enabled today ($0.001 each)")
    if key:
        dollars += KEY
        made_of.append("the hub's key")
        unknown.append("requests of tables, queues and the key; alarms and dashboard")
    return Estimate(account, region, dollars, tuple(made_of), tuple(unknown))
