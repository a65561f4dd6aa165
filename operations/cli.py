"""The `palisade` command."""

from __future__ import annotations

import gc
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from operations import hub_commands

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"palisade {metadata.version('palisade')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell it and end.")
    ] = False,
) -> None:
    """Detect and remediate security misconfigurations over an AWS organisation."""


@app.command()
def simulate(
    accounts: Annotated[int, typer.Option(min=1, max=400, help="Member accounts beside management and hub.")] = 3,
    regions: Annotated[str, typer.Option(help="Regions, the home Region first, separated by commas.")] = (
        "eu-west-1,us-east-1"
    ),
    seed: Annotated[int, typer.Option(help="Where what is broken, and how: the same seed, the same run.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of summary.json, timeline.jsonl and report.html.")] = Path(
        "build/simulation"
    ),
) -> None:
    """Deploy the program into a local organisation, break resources, and show the loop remediate them."""
    # Imported here: the simulator is heavy, and `palisade --help` must not wait for it.
    from operations.simulation import SimulationError, run

    # Service models and the organisation stay: looking through them for garbage takes a third of the time.
    gc.set_threshold(20_000, 20, 50)
    try:
        clean = run(accounts, _names(regions), seed, out)
    except SimulationError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if clean else 1)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any that is free.")] = 4599,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON instead of text.")] = False,
    bare: Annotated[bool, typer.Option(help="Deploy nothing: for `pulumi up` by hand.")] = False,
    accounts: Annotated[int, typer.Option(min=1, max=400, help="Member accounts beside management and hub.")] = 6,
    regions: Annotated[str, typer.Option(help="Regions, the home Region first, separated by commas.")] = (
        "eu-west-1,us-east-1"
    ),
) -> None:
    """Keep a local organisation alive, with an AWS endpoint on 127.0.0.1 for any client; Ctrl-C ends it."""
    from operations.serve import ServeError
    from operations.serve import serve as keep_alive

    try:
        keep_alive(port, accounts, _names(regions), bare=bare, as_json=as_json)
    except ServeError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any that is free.")] = 4599,
    accounts: Annotated[int, typer.Option(min=1, max=400, help="Member accounts beside management and hub.")] = 3,
    regions: Annotated[str, typer.Option(help="Regions, the home Region first, separated by commas.")] = (
        "eu-west-1,us-east-1"
    ),
) -> None:
    """Deploy into a local organisation by the real `pulumi up`, say what to try, and keep it alive until Ctrl-C."""
    from operations.up import UpError
    from operations.up import up as bring_up

    try:
        bring_up(port, accounts, _names(regions))
    except UpError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error


@app.command()
def down() -> None:
    """Take the program out of the organisation of `palisade up` by `pulumi destroy`, and end it."""
    from operations.down import down as take_down
    from operations.up import UpError

    try:
        take_down()
    except UpError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error


@app.command()
def advance(
    duration: Annotated[str, typer.Argument(help="How far: 31d, 12h, 90m, 30s or 1d12h.")],
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port; else this shell's, else 4599.")] = None,
) -> None:
    """Let time pass in the organisation of `palisade serve`, with everything that is due in it."""
    from operations.advance import AdvanceError
    from operations.advance import advance as let_pass

    try:
        typer.echo(let_pass(duration, port, lambda line: typer.echo(line, err=True)))
    except AdvanceError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error


Stack = Annotated[str | None, typer.Option("--stack", help="Name of a stack: its settings, accounts and Regions.")]
Accounts = Annotated[str, typer.Option("--accounts", help="Account ids, separated by commas; narrows a stack.")]
Places = Annotated[str, typer.Option("--regions", help="Regions, the home Region first; narrows a stack.")]
Lines = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, instead of tables.")]


@app.command()
def doctor(
    stack: Stack = None,
    accounts: Accounts = "",
    regions: Places = "",
    role: Annotated[str, typer.Option(help="Role of each account to read it by.")] = "OrganizationAccountAccessRole",
    as_json: Lines = False,
) -> None:
    """Look before the first up, changing nothing: what blocks it, what to do, what it costs. Exit code 1: blocked."""
    from operations.doctor_report import run
    from operations.stack_settings import StackError

    try:
        free = run(stack, _names(accounts), _names(regions), role, as_json=as_json)
    except StackError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if free else 1)


@app.command()
def assess(
    stack: Stack = None,
    accounts: Accounts = "",
    regions: Places = "",
    role: Annotated[str | None, typer.Option(help="Role of each account to read it by, else the readers'.")] = None,
    as_json: Lines = False,
) -> None:
    """Judge every resource and plan, changing nothing: what remediation would do. Exit code 1: something is unread."""
    from operations.assess_report import run
    from operations.stack_settings import StackError

    try:
        whole = run(stack, _names(accounts), _names(regions), role, as_json=as_json)
    except StackError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if whole else 1)


@app.command()
def rollout(
    stack: Annotated[list[str], typer.Option("--stack", help="Name of a stack; several are deployed in their order.")],
    forget: Annotated[
        list[str] | None, typer.Option(help="Take an account that nobody can enter out of the one stack's state.")
    ] = None,
    even_if_active: Annotated[bool, typer.Option(help="Forget accounts that are ACTIVE too.")] = False,
    failure_tolerance: Annotated[int, typer.Option(min=0, help="How many stacks may fail before the rest stays.")] = 0,
    continue_on_error: Annotated[bool, typer.Option(help="In a stack, go on with the other accounts.")] = False,
) -> None:
    """Run `pulumi up` of stacks in order, or make a stack forget closed accounts. Exit code 1: a stack failed."""
    from operations.rollout import Pulumi, RolloutError, forget_accounts, run_stacks
    from operations.stack_settings import StackError

    if forget and len(stack) > 1:
        raise typer.BadParameter("--forget works on one --stack")
    try:
        pulumi = Pulumi.find()
        if forget:
            forget_accounts(pulumi, stack[0], forget, even_if_active=even_if_active, say=typer.echo)
            return
        options = ("--continue-on-error",) if continue_on_error else ()
        whole = run_stacks(pulumi, stack, options, failure_tolerance, typer.echo)
    except (RolloutError, StackError) as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if whole else 1)


hub_commands.register(app)


def _names(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def main() -> None:
    """Run the command."""
    app()
