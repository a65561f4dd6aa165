"""The real engine over a local organisation, beside the same program against a provider that does nothing.

python -m benchmarks.engine --accounts 30 --regions eu-west-1,us-east-1
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as messages

from operations import local_estate
from operations.engine import Engine, Result, Stack, Workspace
from simulator.engine import wire
from simulator.engine.provider import StandInProvider
from simulator.engine.server import ProviderServer
from simulator.local import LocalOrganization
from simulator.provisioners import registry
from simulator.provisioners.model import Site


class NothingDone(StandInProvider):
    """Answers at once: every resource is as it was asked for. Data sources alone are the organisation's."""

    organization: ClassVar[LocalOrganization]

    def Configure(self, request: Any, context: grpc.ServicerContext) -> messages.ConfigureResponse:
        """Enter nothing: there are no roles."""
        return messages.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> messages.InvokeResponse:
        """Answer data sources of the organization as its administrator; whatever else is asked for is there."""
        arguments = wire.read(request.args)
        if not request.tok.startswith("aws:organizations/"):
            return messages.InvokeResponse(**{"return": wire.write({"id": "found", "arn": "arn", **arguments})})
        world = self.organization.world
        session: Any = self.organization.session(world.management)
        site = Site(world.management, world.home_region, world.partition, session.client)
        return messages.InvokeResponse(**{"return": wire.write(registry.invoke(request.tok, site, arguments))})

    def Check(self, request: Any, context: grpc.ServicerContext) -> messages.CheckResponse:
        """Find everything right."""
        return messages.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: grpc.ServicerContext) -> messages.CreateResponse:
        """Call a resource by its name, with an ARN that is one."""
        name = request.urn.split("::")[-1]
        inputs = wire.read(request.properties)
        arn = f"arn:aws:x:eu-west-1:{local_estate.HUB}:{name}"
        outputs = {"arn": arn, "name": name, "keyId": name, "url": f"https://{name}"}
        identifier = "" if request.preview else name
        return messages.CreateResponse(id=identifier, properties=wire.write({**outputs, **inputs}))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Empty:
        """Let a resource go."""
        return Empty()


class NothingServer(ProviderServer):
    """Serves the provider that does nothing."""

    provider = NothingDone

    def __init__(self, organization: LocalOrganization, pipeline: tuple[str, str]) -> None:
        NothingDone.organization = organization
        super().__init__(organization, pipeline)


@contextmanager
def _organization(accounts: int, regions: tuple[str, ...]) -> Iterator[LocalOrganization]:
    plan = local_estate.plan_of(accounts)
    with LocalOrganization(plan, home_region=regions[0], regions=regions) as organization:
        local_estate.prepare(organization)
        yield organization


class _Children:
    """The memory of the engine, its language host and the program, at its highest."""

    def __init__(self) -> None:
        self.highest = 0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self) -> int:
        """Stop looking; returns megabytes."""
        self._ended.set()
        return self.highest // 1024

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            self.highest = max(self.highest, sum(self._resident(child) for child in self._below(os.getpid())))

    def _below(self, process: int) -> Iterator[int]:
        for task in Path(f"/proc/{process}/task").iterdir():
            try:
                children = (task / "children").read_text().split()
            except OSError:
                continue  # it has ended
            for child in children:
                yield int(child)
                yield from self._below(int(child))

    def _resident(self, process: int) -> int:
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _timed(name: str, work: Callable[[], Result], told: dict[str, Any]) -> None:
    children = _Children()
    start, used = os.times().elapsed, resource.getrusage(resource.RUSAGE_SELF).ru_utime
    result = work()
    told[name] = {
        "seconds": round(os.times().elapsed - start, 1),
        "of_this_process": round(resource.getrusage(resource.RUSAGE_SELF).ru_utime - used, 1),
        "engine_mb": children.end(),
        "changes": dict(result.counts),
    }
    print(name, json.dumps(told[name]), flush=True)


def _run(organization: LocalOrganization, server: type[ProviderServer]) -> Mapping[str, Any]:
    """Deploy hub and members as two stacks; the members are what grows."""
    told: dict[str, Any] = {}
    pipeline = (local_estate.HUB, local_estate.pipeline_role(organization))
    config = local_estate.stack_config(organization)
    with tempfile.TemporaryDirectory() as folder, server(organization, pipeline) as served:
        workspace = Workspace.make(Engine.find(), Path(folder), served.port, checkpoints=False)

        def stack(name: str, *layers: str) -> Stack:
            return workspace.stack(name, {**config, "layers": list(layers)})

        _timed("security up", stack("security", "organization", "hub").up, told)
        members = stack("members", "members")
        _timed("members preview", members.preview, told)
        _timed("members up", members.up, told)
        _timed("members no change", lambda: members.preview("--expect-no-changes"), told)
        _timed("members destroy", members.destroy, told)
    told["organization_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print("organization_mb", told["organization_mb"], flush=True)
    return told


def main() -> None:
    """Measure one of the two, each in a process of its own, so that memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=30)
    parser.add_argument("--regions", default="eu-west-1,us-east-1")
    parser.add_argument("--nothing", action="store_true", help="against the provider that does nothing")
    given = parser.parse_args()
    with _organization(given.accounts, tuple(given.regions.split(","))) as organization:
        _run(organization, NothingServer if given.nothing else ProviderServer)


if __name__ == "__main__":
    main()
