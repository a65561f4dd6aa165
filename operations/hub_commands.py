"""The commands by which people use the hub: answers, the emergency stop, the ledger, replay.

Exit codes: 0 done, 1 refused (or something failed), 2 what was asked for cannot even be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

# What these commands need is heavy, and `palisade --help` must not wait for it: it is imported where it is used.
if TYPE_CHECKING:
    from operations.hub import Hub

Remediation = Annotated[str, typer.Argument(help="Id of a remediation (r-...) or of an undo (u-...).")]
Reason = Annotated[str, typer.Option(help="Why, for the ledger; at most 500 characters.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask back.")]
Endpoint = Annotated[str | None, typer.Option("--endpoint", help="Address of the endpoint, where it is not found.")]
Profile = Annotated[str | None, typer.Option("--profile", help="Profile of the hub account, else the shell's own.")]
Region = Annotated[str | None, typer.Option("--region", help="The hub's home Region, else the shell's own.")]
Prefix = Annotated[str, typer.Option("--prefix", help="Prefix of the settings.")]
Lines = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, instead of text.")]
PREFIX = "palisade"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (approve, reject, undo, lift, stop, resume, ledger, replay):
        app.command()(command)


def approve(
    remediation: Remediation,
    reason: Reason = "",
    digest: Annotated[str, typer.Option(help="Digest of the plan; else that of the plan that is shown.")] = "",
    yes: Yes = False,
    endpoint: Endpoint = None,
    profile: Profile = None,
    region: Region = None,
    prefix: Prefix = PREFIX,
    as_json: Lines = False,
) -> None:
    """Approve what a remediation asks for, after a look at it. Exit code 1: refused."""
    body = {"action": "approve", "remediation": remediation, "reason": reason, "digest": digest}
    _ask(body, endpoint, profile, region, prefix, yes=yes, as_json=as_json)


def _about(action: str, text: str) -> Callable[..., None]:
    """Make the command of an action that takes a remediation and a reason."""

    def command(
        remediation: Remediation,
        reason: Reason = "",
        yes: Yes = False,
        endpoint: Endpoint = None,
        profile: Profile = None,
        region: Region = None,
        prefix: Prefix = PREFIX,
        as_json: Lines = False,
    ) -> None:
        body = {"action": action, "remediation": remediation, "reason": reason}
        _ask(body, endpoint, profile, region, prefix, yes=yes, as_json=as_json)

    command.__name__, command.__doc__ = action, text
    return command


reject = _about("reject", "Reject what a remediation asks for: asked again only when the resource or the plan changes.")
undo = _about(
    "undo", "Undo a remediation, or request it of an approver; its control then waits for people on that resource."
)
lift = _about("lift", "Lift the hold that an undo has placed on its resource.")


def stop(
    reason: Annotated[str, typer.Option(help="Why: every remediation that it holds up says so.")],
    endpoint: Endpoint = None,
    profile: Profile = None,
    region: Region = None,
    prefix: Prefix = PREFIX,
    as_json: Lines = False,
) -> None:
    """Emergency stop: no remediation begins any more. Nobody is asked back."""
    _ask({"action": "stop", "reason": reason}, endpoint, profile, region, prefix, yes=True, as_json=as_json)


def resume(
    reason: Reason = "",
    yes: Yes = False,
    endpoint: Endpoint = None,
    profile: Profile = None,
    region: Region = None,
    prefix: Prefix = PREFIX,
    as_json: Lines = False,
) -> None:
    """End the emergency stop; an approver of every environment may."""
    _ask({"action": "resume", "reason": reason}, endpoint, profile, region, prefix, yes=yes, as_json=as_json)


def ledger(
    remediation: Annotated[str | None, typer.Argument(help="Id of a remediation: everything of it.")] = None,
    account: Annotated[str | None, typer.Option(help="Account id: reads that account alone.")] = None,
    control: Annotated[str | None, typer.Option(help="Id of a control.")] = None,
    resource: Annotated[str | None, typer.Option(help="ARN of a resource.")] = None,
    since: Annotated[str | None, typer.Option(help="How far back: 7d, 12h, 1d12h.")] = None,
    outcome: Annotated[str | None, typer.Option(help="How it stands, such as remediated or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many are listed.")] = 50,
    profile: Profile = None,
    region: Region = None,
    prefix: Prefix = PREFIX,
    as_json: Lines = False,
) -> None:
    """What happened to a resource, newest first; with an id, everything of one remediation. Times are UTC."""
    with _told():
        from operations.hub import HubError
        from operations.ledger_report import listed, story, wanted_of

        if remediation is not None and any((account, control, resource, since, outcome)):
            raise HubError("an id names one remediation; --account, --control and the like narrow a list")
        wanted = wanted_of(account, control, resource, outcome, since)
        hub = _hub(profile, region, prefix)
        if remediation is not None:
            story(hub, remediation, as_json=as_json)
        else:
            listed(hub, wanted, limit, as_json=as_json)


def replay(
    environment: Annotated[str, typer.Option(help="Name of an environment.")],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many findings at most.")],
    control: Annotated[list[str] | None, typer.Option(help="Id of a control; may be given again.")] = None,
    account: Annotated[list[str] | None, typer.Option(help="Account id; may be given again.")] = None,
    canary: Annotated[int, typer.Option(min=0, help="How many are handled before the rest.")] = 1,
    timeout: Annotated[str, typer.Option(help="How long each part may take: 15m, 2h.")] = "15m",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what waits.")] = False,
    profile: Profile = None,
    region: Region = None,
    prefix: Prefix = PREFIX,
    as_json: Lines = False,
) -> None:
    """After a promotion: have findings handled anew that a weaker mode has answered. Exit code 1: one failed."""
    with _told():
        from operations.ledger_report import seconds_of
        from operations.replay_report import run

        done = run(
            _hub(profile, region, prefix),
            environment,
            control or [],
            account or [],
            limit=limit,
            canary=canary,
            seconds=seconds_of(timeout, "--timeout"),
            dry_run=dry_run,
            as_json=as_json,
        )
    raise typer.Exit(0 if done else 1)


def _ask(
    body: dict[str, str],
    endpoint: str | None,
    profile: str | None,
    region: str | None,
    prefix: str,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    with _told():
        from operations.answers import check, run

        check(body)
        hub = _hub(profile, region, prefix)
        run(hub, endpoint, body, confirm=None if yes else _confirm, as_json=as_json)


def _confirm(question: str) -> bool:
    """Ask back on standard error; nobody there to answer is a no."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        typer.echo("", err=True)
        return False


def _hub(profile: str | None, region: str | None, prefix: str) -> Hub:
    from operations.hub import open_hub

    return open_hub(profile, region, prefix)


@contextmanager
def _told() -> Iterator[None]:
    """Tell in one line why something is not done, and end with its exit code."""
    from operations.hub import HubError, RefusedError

    try:
        yield
    except RefusedError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(1) from error
    except HubError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error
