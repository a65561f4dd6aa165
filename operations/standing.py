"""What `palisade up` leaves under build/ while it runs, so that `palisade down` in another shell finds it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from operations.advance import AdvanceError, ask
from operations.engine import ROOT

FILE = ROOT / "build" / "up.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """A running `palisade up`: its process and port, the folder to run `pulumi` in, and a shell's variables.

    `hub` is the profile by which the hub is entered, `buckets` are its buckets of code by Region; `ready` says
    that the program stands in it.
    """

    process: int
    port: int
    folder: str
    hub: str
    buckets: Mapping[str, str]
    variables: Mapping[str, str]
    ready: bool = False

    def deployed(self) -> Standing:
        """The same, when the program stands in it."""
        return replace(self, ready=True)

    def write(self) -> None:
        """Write it for this user's other shells alone: the variables hold the local organisation's credentials."""
        FILE.parent.mkdir(exist_ok=True)
        FILE.touch(mode=0o600)
        FILE.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    def alive(self) -> bool:
        """Whether that process serves that port: either number alone may be somebody else's by now."""
        try:
            return bool(ask(self.port, "status")["process"] == self.process)
        except AdvanceError:
            return False

    def running(self) -> bool:
        """Whether that process is there at all."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def read() -> Standing | None:
    """Read what stands there; a file that is of no use is none."""
    try:
        return Standing(**json.loads(FILE.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def forget(process: int) -> None:
    """Remove what a process has written, and leave what another has written since."""
    found = read()
    if found is not None and found.process == process:
        FILE.unlink(missing_ok=True)
