"""The accounts in a stack's own state: which they are, and that nothing is done where they cannot be read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from stacks import standing
from stacks.standing import StateError, standing_accounts

OURS = "urn:pulumi:s::palisade::palisade:index:MemberIdentity::identity-300000000001"
OTHERS = (
    "urn:pulumi:s::palisade::pulumi:pulumi:Stack::palisade-s",
    "urn:pulumi:s::palisade::pulumi:providers:aws::account-100000000001",
    "urn:pulumi:s::palisade::palisade:index:MemberIdentity$aws:iam/role:Role::identity-300000000002-detect",
)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr("stacks.standing.time.sleep", waited.append)
    return waited


def answering(monkeypatch: pytest.MonkeyPatch, *failures: str) -> None:
    """Let the engine answer after some failures, and forget what it was asked."""
    left = list(failures)

    def invoke(token: str, arguments: dict[str, Any]) -> Any:
        assert token == standing.READ_STATE
        if left:
            raise RuntimeError(left.pop(0))
        return SimpleNamespace(value={"outputs": {urn: {} for urn in (OURS, *OTHERS)}})

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)


def test_members_are_the_accounts_that_have_an_identity(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    answering(monkeypatch)
    assert standing_accounts() == {"300000000001"}
    assert pauses == []


def test_a_state_that_is_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    answering(monkeypatch, "failed to load checkpoint: EOF", "failed to load checkpoint: EOF")
    assert standing_accounts() == {"300000000001"}
    assert len(pauses) == 2


def test_a_state_that_cannot_be_read_ends_the_run_with_its_name_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    answering(monkeypatch, *["access denied"] * standing.TRIES)
    with pytest.raises(StateError, match=r"the state of .* cannot be read: access denied"):
        standing_accounts()
