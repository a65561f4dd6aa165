"""The names by which the engine knows what bears data: whoever changes one must add an alias.

A URN holds the types of all components above a resource, so moving it into another component renames it too.
"""

from __future__ import annotations

from tests.stacks.program import AWAY, HOME, NESTED, PLAIN, STAGED, everything, run

BUCKET = "palisade:index:PrivateBucket$aws:s3/bucket:Bucket"
FUNCTION = "palisade:index:ArchivedFunction$aws:lambda/function:Function"
LOGS = "palisade:index:ArchivedFunction$aws:cloudwatch/logGroup:LogGroup"
ROAD = "palisade:index:RemediationRoad$"
DETECTION = "palisade:index:Detection$"
EXPECTED = {
    *(f"palisade:index:HubTables$aws:dynamodb/table:Table::tables-{one}" for one in ("policies", "state", "ledger")),
    *(f"palisade:index:HubKey$aws:kms/key:Key::key-{region}" for region in (HOME, AWAY)),
    *(f"palisade:index:CodeStore${BUCKET}::code-{region}" for region in (HOME, AWAY)),
    f"palisade:index:Deliveries${BUCKET}::deliveries",
    *(f"{ROAD}aws:sqs/queue:Queue::remediation-{one}" for one in ("queue", "dlq")),
    f"{ROAD}{FUNCTION}::remediation-function",
    f"{ROAD}{LOGS}::remediation-function",
    *(
        f"palisade:index:{component}${one}::{name}-function"
        for component, name in (("Steps", "steps"), ("Endpoint", "endpoint"), ("SweepSchedule", "sweep"))
        for one in (FUNCTION, LOGS)
    ),
    "palisade:index:Notifications$aws:sns/topic:Topic::notifications",
    f"aws:dynamodb/tableItem:TableItem::policy-{PLAIN}",
    *(
        f"{DETECTION}{token}::detection-{PLAIN}-{region}-{name}"
        for region in (HOME, AWAY)
        for token, name in (
            ("aws:sqs/queue:Queue", "dlq"),
            ("aws:lambda/invocation:Invocation", "lifecycle"),
            (FUNCTION, "function"),
            (LOGS, "function"),
        )
    ),
}


def test_what_bears_data_is_known_by_these_names() -> None:
    bearing = ("Table", "TableItem", "Key", "Bucket", "Queue", "Function", "LogGroup", "Topic", "Invocation")
    found = {
        one.urn.split("::", 2)[2]
        for one in run(everything(recorder="create")).resources
        if one.token.split(":")[-1] in bearing
    }
    # Members are alike.
    assert {one for one in found if NESTED not in one and STAGED not in one} == EXPECTED
