"""The `palisade` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def root() -> None:
    """Detect and remediate security misconfigurations over an AWS organisation."""


@app.command()
def simulate(
    accounts: Annotated[int, typer.Option(min=1, max=400, help="Member accounts beside management and hub.")] = 6,
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

    try:
        clean = run(accounts, tuple(one.strip() for one in regions.split(",") if one.strip()), seed, out)
    except SimulationError as error:
        typer.echo(f"palisade: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if clean else 1)


def main() -> None:
    """Run the command."""
    app()
