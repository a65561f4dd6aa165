"""The stand-in provider on a loopback port, for an engine that attaches to it.

with ProviderServer(organization, credentials) as server:
    environment = {"PULUMI_DEBUG_PROVIDERS": f"aws:{server.port}"}
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING

import grpc
import grpc._server
import time_machine
from pulumi.runtime.proto import provider_pb2_grpc

from simulator.engine.provider import StandInProvider
from simulator.provisioners.entrance import Entrance


class _RealTime:
    """The real clock, whether or not the organisation's stands in its place: an offset begins with its first move."""

    @staticmethod
    def time() -> float:
        """Seconds since 1970."""
        hatch = time_machine.escape_hatch
        return hatch.time.time() if hatch.is_travelling() else time.time()


# The server asks the clock how long to wait: by the organisation's it would wait for ever, or not at all.
grpc._server.time = _RealTime

if TYPE_CHECKING:
    from simulator.local import LocalOrganization

LOOPBACK = "127.0.0.1"
WORKERS = 16
# Assets travel by path, but a state's outputs can be large (a CloudFormation template).
LARGEST = 64 * 1024 * 1024


class ProviderServer:
    """Serves the providers of one pipeline on a port of this machine; a context manager."""

    provider: type[StandInProvider] = StandInProvider

    def __init__(self, organization: LocalOrganization, pipeline: tuple[str, str] | Entrance, *, port: int = 0) -> None:
        """Enter accounts as `pipeline`: an account and the ARN of the role that runs `pulumi up`, or its entrance."""
        self._organization = organization
        self._pipeline = pipeline
        self._wanted = port
        self.port = 0

    def __enter__(self) -> ProviderServer:
        """Start serving; `port` is then the port."""
        pipeline = self._pipeline
        entrance = pipeline if isinstance(pipeline, Entrance) else Entrance.of_pipeline(self._organization, pipeline)
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="provider"),
            options=[("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)],
        )
        provider = self.provider(entrance, version("pulumi_aws"))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, self._server)
        self.port = self._server.add_insecure_port(f"{LOOPBACK}:{self._wanted}")
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving."""
        self._server.stop(grace=1).wait()
