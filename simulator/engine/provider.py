"""The provider protocol, served by the provisioners: check, diff, create, read, update, delete, invoke.

Source: Pulumi, sdk/proto/provider.proto. The engine keeps one connection per provider resource,
and no request after Configure names its provider: the connection's peer stands for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as messages

from simulator.engine import wire
from simulator.engine.configuration import configuration_faults
from simulator.engine.difference import difference
from simulator.engine.schema import UnknownTypeError, faults, schema
from simulator.owner import OrganizationClosed
from simulator.provisioners import registry
from simulator.provisioners.comparison import differing
from simulator.provisioners.entrance import Entered, Entrance, EntranceError
from simulator.provisioners.lambda_invocations import InvocationError
from simulator.provisioners.model import Edit, Known, Site, UnservedPropertyError
from simulator.provisioners.registry import UnservedTypeError

REFUSALS = (
    BotoCoreError, ClientError, EntranceError, InvocationError, LookupError, NotImplementedError, OrganizationClosed,
    OSError,
    TimeoutError, UnknownTypeError, UnservedPropertyError, UnservedTypeError, ValueError,
)  # fmt: skip


class CancelledError(Exception):
    """The engine has been told to stop while something was waited for."""


@dataclass(slots=True)
class _Connection:
    """One provider of a run: what it entered, and whether the engine cancels it."""

    entered: Entered
    cancelled: threading.Event = field(default_factory=threading.Event)


class StandInProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves every provider of every run; `version` is that of the SDK that it stands in for."""

    def __init__(self, entrance: Entrance, version: str) -> None:
        self._entrance = entrance
        self._version = version
        self._connections: dict[str, _Connection] = {}

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> messages.ProviderHandshakeResponse:
        """Agree on the form of requests: the engine keeps secrets and outputs to itself."""
        return messages.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:
        """Accept the engine that dialled."""
        return Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> messages.CheckResponse:
        """Refuse arguments of the provider that would be ignored here."""
        news = wire.read(request.news)
        failures = [
            messages.CheckFailure(property=one.property, reason=one.reason) for one in configuration_faults(news)
        ]
        return messages.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> messages.DiffResponse:
        """Compare a provider's arguments: it is only ever updated, its resources stay."""
        old, new = wire.read(request.old_inputs or request.olds), wire.read(request.news)
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        changes = messages.DiffResponse.DIFF_SOME if changed else messages.DiffResponse.DIFF_NONE
        return messages.DiffResponse(changes=changes, diffs=changed)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> messages.ConfigureResponse:
        """Enter the provider's account; refused here, nothing of the account is touched."""
        with self._answering(context, "provider"):
            arguments = wire.read(request.args)
            name = request.name or "aws"
            self._connections[context.peer()] = _Connection(self._entrance.enter(name, arguments))
        return messages.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(self, request: Any, context: grpc.ServicerContext) -> messages.CheckResponse:
        """Refuse unknown, missing and malformed inputs before anything is made."""
        with self._answering(context, request.urn):
            found = list(faults(registry.find(request.type), wire.read(request.news)))
        failures = [messages.CheckFailure(property=one.property, reason=one.reason) for one in found]
        return messages.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> messages.DiffResponse:
        """Compare old inputs with new ones; the outputs among the olds say nothing of the program."""
        with self._answering(context, request.urn):
            return difference(
                registry.find(request.type),
                wire.read(request.old_inputs),
                wire.read(request.news),
                request.ignoreChanges,
            )

    def Create(self, request: Any, context: grpc.ServicerContext) -> messages.CreateResponse:
        """Create a resource; a preview makes nothing and says which outputs are not known yet."""
        inputs = wire.read(request.properties)
        if request.preview:
            pending = dict.fromkeys(schema(request.type).outputs - set(inputs) - _inputs(request.type), wire.UNKNOWN)
            return messages.CreateResponse(id="", properties=wire.write({**pending, **inputs}))
        with self._answering(context, request.urn), self._site(context, inputs) as site:
            made = registry.create(request.type, site, inputs)
        return messages.CreateResponse(id=made.id, properties=wire.write({**inputs, **made.outputs}))

    def Read(self, request: Any, context: grpc.ServicerContext) -> messages.ReadResponse:
        """Read a resource for a refresh, or for an import, which knows only an id (and a Region: `id@region`)."""
        inputs, identifier = wire.read(request.inputs), request.id
        imported = not inputs
        if imported and "@" in identifier:
            identifier, _, region = identifier.rpartition("@")
            inputs = {"region": region}
        before = {name: value for name, value in wire.read(request.properties).items() if name not in inputs}
        known = Known(identifier, {} if imported else inputs, before)
        with self._answering(context, request.urn), self._site(context, inputs) as site:
            standing = registry.read(request.type, site, known)
        if standing is None:
            return messages.ReadResponse()
        live = {
            **standing.inputs,
            **({"region": site.region} if imported and "region" in _inputs(request.type) else {}),
        }
        properties = wire.write({**live, **standing.outputs})
        return messages.ReadResponse(id=standing.id, inputs=wire.write(live), properties=properties)

    def Update(self, request: Any, context: grpc.ServicerContext) -> messages.UpdateResponse:
        """Change a resource in place."""
        old, new = wire.read(request.old_inputs), wire.read(request.news)
        kept = {name: value for name, value in wire.read(request.olds).items() if name not in _inputs(request.type)}
        if request.preview:
            return messages.UpdateResponse(properties=wire.write({**kept, **new}))
        with self._answering(context, request.urn), self._site(context, new) as site:
            changed = differing(registry.find(request.type), old, new)
            outputs = registry.update(request.type, site, Edit(request.id, old, new, changed))
        return messages.UpdateResponse(properties=wire.write({**kept, **new, **outputs}))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Empty:
        """Delete a resource, where its old inputs say that it stands."""
        inputs = wire.read(request.old_inputs)
        with self._answering(context, request.urn), self._site(context, inputs) as site:
            registry.delete(request.type, site, Known(request.id, inputs))
        return Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> messages.InvokeResponse:
        """Answer a data source."""
        arguments = wire.read(request.args)
        with self._answering(context, request.tok), self._site(context, arguments) as site:
            answer = registry.invoke(request.tok, site, arguments)
        return messages.InvokeResponse(**{"return": wire.write(answer)})

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Empty:
        """End what this provider waits for; calls that are under way end by themselves."""
        if connection := self._connections.get(context.peer()):
            connection.cancelled.set()
        return Empty()

    @contextmanager
    def _site(self, context: grpc.ServicerContext, inputs: Mapping[str, Any]) -> Iterator[Site]:
        connection = self._connections.get(context.peer())
        if connection is None:
            raise EntranceError("this provider was never configured: a Region, a role or an account is not known yet")

        def pause(seconds: float) -> None:
            if connection.cancelled.is_set():
                raise CancelledError("cancelled")
            self._entrance.pause(seconds)

        entered = connection.entered
        with self._entrance.site(entered, str(inputs.get("region") or entered.region), pause) as site:
            try:
                yield site
            except (ClientError, TimeoutError) as error:
                raise EntranceError(f"account {site.account}, {site.region}: {error}") from error

    @contextmanager
    def _answering(self, context: grpc.ServicerContext, what: str) -> Iterator[None]:
        """Turn what is refused into the protocol's error; a defect of ours shows as one, with its traceback."""
        try:
            yield
        except CancelledError:
            _abort(context, grpc.StatusCode.CANCELLED, f"{what}: cancelled")
        except REFUSALS as error:
            _abort(context, grpc.StatusCode.UNKNOWN, f"{what}: {error}")


def _abort(context: grpc.ServicerContext, status: grpc.StatusCode, text: str) -> NoReturn:
    context.abort(status, text)
    raise AssertionError("abort returns never")


def _inputs(token: str) -> frozenset[str]:
    return frozenset(schema(token).inputs.kinds)
