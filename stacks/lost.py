"""Accounts that a run takes out of its stack: why each, which need a person's word, and which cannot be left at all.

One account that goes is an ordinary event. Several at once are more often a wrong unit or a failed move, and
their detection would be gone before anybody looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pulumi

from stacks.targets import Organization, Selection, Target

# One account goes each day somewhere. In a stack of 10 to 20 accounts two are a tenth and more; in a larger one
# a tenth is what a reorganisation of one team comes to.
FEW = 1
SHARE = 10
# Nobody enters an account in these states. Source: Organizations API Reference, Account `State`; user guide,
# "Monitor the state of your AWS accounts".
SHUT = frozenset({"SUSPENDED", "CLOSED"})
CLOSING = "PENDING_CLOSURE"


class LostAccountsError(pulumi.RunError):
    """Accounts that the stack has and would lose; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An account that is no target any more; `shut` where its resources cannot be deleted, `closing` where soon."""

    account: str
    reason: str
    shut: bool = False
    closing: bool = False


def lost(
    standing: Collection[str], targets: Sequence[Target], selection: Selection, organization: Organization
) -> tuple[Lost, ...]:
    """Which of the accounts that the state holds are no targets, by id, and why."""
    gone = sorted(set(standing) - {target.account for target in targets})
    return tuple(_lost(account, selection, organization) for account in gone)


def _lost(account: str, selection: Selection, organization: Organization) -> Lost:
    known = organization.accounts.get(account)
    if known is None:
        return Lost(account, "it left the organization", shut=True)
    if known.state != "ACTIVE":
        return Lost(account, f"its state is {known.state}", known.state in SHUT, known.state == CLOSING)
    if account in selection.exclude_accounts:
        return Lost(account, "targets.excludeAccounts names it")
    if selection.organizational_units and not set(known.path) & set(selection.organizational_units):
        return Lost(account, f"it stands in {known.path[-1]}, which the targets do not reach")
    return Lost(account, "the targets do not name it any more")


def refuse_lost(gone: Sequence[Lost], standing: int, confirmed: Collection[str], role: str, stack: str) -> None:
    """Refuse what must not go, or cannot: raises LostAccountsError. Warns of what may fail, and of words without use.

    `standing` is the number of accounts in the state, `role` the name of the deployment role.
    """
    if faults := [*_many(gone, standing, confirmed), *_shut([one for one in gone if one.shut], role, stack)]:
        raise LostAccountsError("\n".join(faults))
    for one in gone:
        if one.closing:
            pulumi.log.warn(
                f"account {one.account} is closing: where its role {role} cannot be assumed any more, run "
                f"`{_forget(stack, [one])}`, then `pulumi up` again"
            )
    if idle := sorted(set(confirmed) - {one.account for one in gone}):
        pulumi.log.warn(f"confirmLostAccounts: {', '.join(idle)} is not lost in this run; take it out of the settings")


def _many(gone: Sequence[Lost], standing: int, confirmed: Collection[str]) -> Iterator[str]:
    # To forget an account names it already.
    unnamed = [one.account for one in gone if not one.shut and one.account not in confirmed]
    if not unnamed or len(gone) <= FEW or len(gone) * SHARE <= standing:
        return
    names = ", ".join(f'"{one.account}"' for one in gone if not one.shut)
    yield (
        f"targets: this run takes {len(gone)} of {standing} accounts out of the stack, and deletes what stands there:\n"
        f"{_listed(gone)}\nif that is meant, set confirmLostAccounts: [{names}]; else mend the targets, or the unit "
        "that these accounts stand in"
    )


def _shut(shut: Sequence[Lost], role: str, stack: str) -> Iterator[str]:
    if shut:
        yield (
            f"targets: the stack has resources in accounts that nobody can enter by role {role}, so it cannot delete "
            f"them:\n{_listed(shut)}\nrun `{_forget(stack, shut)}`, then `pulumi up` again"
        )


def _listed(gone: Sequence[Lost]) -> str:
    return "\n".join(f"  - {one.account}: {one.reason}" for one in gone)


def _forget(stack: str, gone: Sequence[Lost]) -> str:
    return f"palisade rollout --stack {stack} " + " ".join(f"--forget {one.account}" for one in gone)
