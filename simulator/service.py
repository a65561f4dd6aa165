"""The base of the services that we bring ourselves, where moto has none or is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from botocore import xform_name

from simulator.call import Call

if TYPE_CHECKING:
    from simulator.metrics import MetricSource
    from simulator.world import World

Operation = Callable[[Call], dict[str, Any]]


class Emits(Protocol):
    """The part of EventBridge that services use: events of theirs on an account's default bus."""

    def emit(
        self,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: tuple[str, ...] = (),
    ) -> None:
        """Put one event on the default bus of an account and Region."""
        ...


class Service:
    """One AWS service of ours.

    A method named as boto3 names the operation (`batch_import_findings`) takes the `Call` and
    returns the response in boto3's shape, or raises `ServiceError`. An operation without a method
    goes to moto. A subclass with `whole = True` lets nothing through to moto: an operation it
    lacks is an error that names it.
    """

    name: ClassVar[str]
    whole: ClassVar[bool] = False

    def __init__(self, world: World) -> None:
        self.world = world
        # What the service reports to CloudWatch by itself, if anything.
        self.metrics: MetricSource | None = None

    def operation(self, name: str) -> Operation | None:
        """Find the method that answers an operation, by its name in the service model."""
        return getattr(self, xform_name(name), None)

    def owner(self, call: Call) -> str:
        """The account whose resources the call addresses; a service with resource ARNs or URLs overrides this."""
        return call.caller.account

    def resource_policy(self, arn: str) -> Mapping[str, Any] | None:
        """The resource policy of one of this service's resources, as a parsed document."""
        return None

    def after(self, call: Call, response: Mapping[str, Any]) -> None:
        """Called after a successful call that moto answered."""
