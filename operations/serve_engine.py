"""`palisade serve --bare`: what a shell needs so that `pulumi up -s local` deploys into the organisation, as typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from operations import local_estate
from operations.engine import Engine, EngineMissingError, Workspace
from simulator.engine.server import ProviderServer
from simulator.local import LocalOrganization

STACK = "local"


@dataclass(frozen=True, slots=True)
class ByHand:
    """A folder to run `pulumi` in, and the variables of its shell; without a folder `missing` says why."""

    folder: Path | None
    variables: dict[str, str]
    path: tuple[str, ...] = ()
    missing: str = ""

    def lines(self) -> tuple[str, ...]:
        """What to type before a command of the engine."""
        return (
            f"  cd {self.folder}",
            f"  export PATH={':'.join((*self.path, '$PATH'))}",
            *(f"  export {name}={value}" for name, value in sorted(self.variables.items())),
        )

    def for_people(self) -> str:
        """How to run the program by hand."""
        if self.folder is None:
            return f"Nothing is deployed, and `pulumi up` by hand cannot be: {self.missing}"
        return "\n".join(
            (
                "Nothing is deployed. In another shell:",
                *self.lines(),
                f"  pulumi up -s {STACK} --yes",
            )
        )


@contextmanager
def by_hand(organization: LocalOrganization, folder: Path) -> Iterator[ByHand]:
    """Serve the stand-in provider to an engine, and lay out a workspace with a stack for this organisation."""
    try:
        engine = Engine.find()
    except EngineMissingError as error:
        yield ByHand(None, {}, missing=str(error))
        return
    pipeline = (local_estate.HUB, local_estate.pipeline_role(organization))
    with ProviderServer(organization, pipeline) as server:
        workspace = Workspace.make(engine, folder, server.port)
        workspace.stack(STACK, local_estate.stack_config(organization, STACK))
        yield ByHand(workspace.folder, engine.variables(folder, server.port), engine.path)
