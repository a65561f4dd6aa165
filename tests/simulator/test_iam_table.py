"""The table of IAM as a whole: at least two hundred cases, each with a source and a name of its own."""

from collections import Counter

from tests.simulator import (
    test_iam_table_conditions,
    test_iam_table_elements,
    test_iam_table_evaluation,
    test_iam_table_keys,
    test_iam_table_organization,
    test_iam_table_sessions,
)

PARTS = (
    test_iam_table_conditions,
    test_iam_table_elements,
    test_iam_table_evaluation,
    test_iam_table_keys,
    test_iam_table_organization,
    test_iam_table_sessions,
)
GUIDES = (
    "IAM User Guide",
    "S3 User Guide",
    "KMS Developer Guide",
    "Organizations User Guide",
    "EventBridge User Guide",
    "STS API",
)


def test_the_table_has_at_least_two_hundred_cases_of_different_names() -> None:
    names = Counter((part.__name__, row.name) for part in PARTS for row in part.ROWS)
    assert len(names) >= 200
    assert [name for name, count in names.items() if count > 1] == []


def test_every_case_names_the_page_that_it_is_from() -> None:
    assert [row.name for part in PARTS for row in part.ROWS if not row.source.startswith(GUIDES)] == []
