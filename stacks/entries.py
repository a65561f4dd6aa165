"""Enters accounts before anything is made in them, and refuses all that cannot be entered in one message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


class EntryError(pulumi.RunError):
    """Accounts cannot be entered: which, by which role, AWS's reason, and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A way into an account: its provider, and the role by which that enters; None: the run's own credentials."""

    account: str
    region: str
    role: str | None
    provider: aws.Provider


def require_entered(entries: Sequence[Entry], remedy: str) -> None:
    """Ask each provider who it is, which needs no permission; raises EntryError.

    Without it the engine stops at the first resource of the first such account, with others half made.
    Source: STS API Reference, GetCallerIdentity.
    """
    refused = []
    for one in entries:
        try:
            aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=one.provider))
        except Exception as error:
            by = f"role {one.role}" if one.role else "the credentials of this run"
            refused.append(f"  - account {one.account}, {one.region}, by {by}: {reason(error)}")
    if refused:
        raise EntryError("\n".join(["cannot be entered, so nothing was changed:", *refused, remedy]))


def reason(error: Exception) -> str:
    """What a provider said; the engine's words around it name a function of the SDK."""
    return str(error).rpartition(" returned an error: ")[2] or str(error)
