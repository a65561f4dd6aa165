"""`palisade rollout`: `pulumi up` of stacks in order, and accounts that a stack has to forget.

The user's own `pulumi` and environment are used: its backend, its credentials. Stacks run one after the other in the
order given, as operations of CloudFormation StackSets with one account at a time and a failure tolerance (user guide,
"StackSets operation options"): when more have failed than are tolerated, the rest is not begun.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operations.account_access import FAILURES, AccessError, open_access, said
from operations.engine import ROOT
from operations.rollout_state import Forgotten, forget
from operations.stack_settings import StackError, management, read_organization, read_stack
from stacks.settings import Settings
from stacks.settings_model import known_regions
from stacks.targets import Organization

UP = ("up", "--yes", "--skip-preview")
Say = Callable[[str], None]


class RolloutError(Exception):
    """A rollout that is refused, or that pulumi refuses; the message is for people."""


@dataclass(frozen=True, slots=True)
class Pulumi:
    """The `pulumi` that works on the stacks of a folder, in an environment."""

    program: str
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @classmethod
    def find(cls) -> Pulumi:
        """Take the shell's own, else that of `make engine` with its language host; raises RolloutError."""
        if found := shutil.which("pulumi"):
            return cls(found)
        folders = (ROOT / ".venv" / "bin", ROOT / ".engine" / "bin")
        path = os.pathsep.join((*map(str, folders), os.environ.get("PATH", "")))
        if found := shutil.which("pulumi", path=path):
            return cls(found, environment={**os.environ, "PATH": path})
        raise RolloutError("there is no pulumi on the PATH: install it, or run `make engine`")

    def up(self, stack: str, *options: str) -> int:
        """Deploy a stack, its output where ours goes; returns the exit code."""
        return self._run((*UP, *options), stack, capture=False).returncode

    def export(self, stack: str) -> dict[str, Any]:
        """The state of a stack, its secrets as they are stored; raises RolloutError."""
        found: dict[str, Any] = json.loads(self._told(("stack", "export"), stack))
        return found

    def restore(self, stack: str, document: Mapping[str, Any]) -> None:
        """Put a state in the place of the stack's own; raises RolloutError."""
        self._told(("stack", "import"), stack, json.dumps(document))

    def _told(self, command: Sequence[str], stack: str, given: str | None = None) -> str:
        done = self._run(command, stack, given)
        if done.returncode:
            raise RolloutError(f"pulumi {' '.join(command)} --stack {stack} failed: {done.stderr.strip()}")
        return str(done.stdout)

    def _run(
        self, command: Sequence[str], stack: str, given: str | None = None, *, capture: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - pulumi of the user's own, with arguments of ours
            [self.program, *command, "--stack", stack, "--non-interactive"],
            cwd=self.folder,
            env=dict(self.environment),
            input=given,
            capture_output=capture,
            text=True,
            check=False,
        )


def run_stacks(pulumi: Pulumi, stacks: Sequence[str], options: Sequence[str], tolerance: int, say: Say) -> bool:
    """Deploy stacks in their order until more than `tolerance` have failed; returns whether all came through."""
    failed: list[str] = []
    for number, stack in enumerate(stacks):
        if len(failed) > tolerance:
            say(f"not begun: {', '.join(stacks[number:])} ({len(failed)} failed, {tolerance} tolerated)")
            break
        code = pulumi.up(stack, *options)
        say(f"{stack}: {'deployed' if code == 0 else f'failed with exit code {code}'}")
        if code:
            failed.append(stack)
    return not failed


def forget_accounts(
    pulumi: Pulumi, stack: str, accounts: Sequence[str], *, even_if_active: bool, say: Say
) -> tuple[Forgotten, ...]:
    """Take accounts out of a stack's state; again, it changes nothing. Raises RolloutError and StackError.

    An account that can still be entered is refused: `pulumi up` deletes its resources, and this leaves them behind.
    """
    settings = read_stack(stack)
    if settings.management_account in accounts:
        raise RolloutError(f"--forget: {settings.management_account} is the management account, which is no member")
    if not even_if_active:
        _refuse_active(stack, accounts, _organization(settings))
    document, told = pulumi.export(stack), []
    for account in dict.fromkeys(accounts):
        told.append(forget(document, account))
        document = told[-1].document
    if any(one.urns for one in told):
        pulumi.restore(stack, document)
    for account, one in zip(dict.fromkeys(accounts), told, strict=True):
        say(_report(stack, account, one))
    return tuple(told)


def _refuse_active(stack: str, accounts: Sequence[str], organization: Organization) -> None:
    known = organization.accounts
    if active := [one for one in accounts if one in known and known[one].state == "ACTIVE"]:
        raise RolloutError(
            f"--forget: {', '.join(active)} {'is' if len(active) == 1 else 'are'} ACTIVE: take it out of the targets "
            f"of stack {stack} and run `pulumi up`, which deletes what stands there; where its role cannot be assumed "
            "all the same, add --even-if-active: its resources stay behind, and a target is deployed to anew"
        )


def _organization(settings: Settings) -> Organization:
    region = settings.home_region
    try:
        access = open_access(region, known_regions()[region], "rollout")
        return read_organization(management(access, settings).client("organizations"))
    except AccessError as error:
        raise StackError(str(error)) from error
    except FAILURES as error:
        raise StackError(
            f"the organization cannot be read: {said(error)}; whether an account is ACTIVE is not known, so none is "
            "forgotten without --even-if-active"
        ) from error


def _report(stack: str, account: str, forgotten: Forgotten) -> str:
    if not forgotten.urns:
        return f"{account}: nothing of it is in the state of stack {stack}"
    listed = "\n".join(f"  {urn.split('::')[2].split('$')[-1]} {urn.split('::')[3]}" for urn in forgotten.urns)
    return (
        f"{account}: forgotten by stack {stack}; what of it still stands in the account stays there:\n{listed}\n"
        "the next `pulumi up` deletes what the hub holds of the account"
    )
