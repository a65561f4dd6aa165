"""Which schemas a version reads."""

from __future__ import annotations

import pytest

from lambdas.schemas import readable, told


@pytest.mark.parametrize(
    ("own", "read", "said"), [(1, (1,), "1"), (2, (1, 2), "1 and 2"), (5, (4, 5), "4 and 5")], ids=str
)
def test_a_version_reads_its_own_schema_and_the_one_before(own: int, read: tuple[int, ...], said: str) -> None:
    assert (readable(own), told(own)) == (read, said)
