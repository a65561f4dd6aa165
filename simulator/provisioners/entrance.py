"""How a provider enters its account, and one pool of AWS clients for all providers of a run.

A client belongs to a service and a Region; whose credentials it signs with is decided per call. A
client takes milliseconds and hundreds of kilobytes to make, and a run has one provider per account.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError

from simulator.provisioners.model import Site
from simulator.world import partition_of

if TYPE_CHECKING:
    from simulator.local import LocalOrganization

NOBODY = ReadOnlyCredentials("", "", "")  # of a run that makes no calls
_acting: ContextVar[ReadOnlyCredentials] = ContextVar("acting")


class EntranceError(Exception):
    """A provider cannot enter the account that it names; says which role and AWS's reason."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A provider of the program: the account that it entered, its own Region, and by what."""

    account: str
    region: str
    credentials: ReadOnlyCredentials


class _Acting(Credentials):
    """Credentials that are those of whoever acts in this context."""

    def __init__(self) -> None:
        super().__init__("acting", "acting", "acting", method="local")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the credentials that a call is signed with."""
        return _acting.get()


class _Provider:
    """What botocore asks for credentials."""

    def load_credentials(self) -> Credentials:
        """Return the credentials of a session."""
        return _Acting()


class Clients:
    """AWS clients by service and Region, for all who act."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        session.register_component("credential_provider", _Provider())
        self._session: Any = boto3.Session(botocore_session=session)  # its types know services by literal names only
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service in a Region; making one is not safe among threads, using it is."""
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = self._session.client(service, region_name=region)
            return self._made[service, region]


@contextmanager
def acting(credentials: ReadOnlyCredentials) -> Iterator[None]:
    """Sign what is called inside with these credentials."""
    token = _acting.set(credentials)
    try:
        yield
    finally:
        _acting.reset(token)


class Entrance:
    """Enters accounts from the pipeline's own credentials, as `aws.Provider` says.

    `base` gives the pipeline's credentials of now; `pause` lets seconds pass while something
    asynchronous comes about.
    """

    def __init__(
        self, clients: Clients, base: Callable[[], ReadOnlyCredentials], pause: Callable[[float], None]
    ) -> None:
        self._base = base
        self.pause = pause
        self._clients = clients

    @classmethod
    def of_pipeline(cls, organization: LocalOrganization, pipeline: tuple[str, str]) -> Entrance:
        """Enter as the role of a pipeline: an account, and the ARN of the role in it; waits are simulated time."""
        account, role = pipeline
        clients = Clients()

        def base() -> ReadOnlyCredentials:
            administrator: Any = organization.session(account).get_credentials()
            with acting(administrator.get_frozen_credentials()):
                sts = clients.client("sts", organization.world.home_region)
                return _credentials(sts.assume_role(RoleArn=role, RoleSessionName="pipeline"))

        return cls(clients, base, lambda seconds: organization.advance(timedelta(seconds=seconds)))

    def enter(self, name: str, inputs: Mapping[str, Any]) -> Entered:
        """Assume a provider's roles in turn and see where they lead; raises EntranceError."""
        region = inputs.get("region")
        if not region:
            raise EntranceError(f"provider {name} names no region")
        account, roles = target(name, inputs)
        credentials = self._base()
        for role in roles:
            credentials = self._assume(name, credentials, role, region)
        with acting(credentials):
            actual = self._clients.client("sts", region).get_caller_identity()["Account"]
        if account and actual != account:
            raise EntranceError(f"provider {name} may only enter {account}, but its credentials are of {actual}")
        return Entered(actual, region, credentials)

    def _assume(self, name: str, by: ReadOnlyCredentials, role: Mapping[str, Any], region: str) -> ReadOnlyCredentials:
        with acting(by):
            try:
                return _credentials(
                    self._clients.client("sts", region).assume_role(
                        RoleArn=role["roleArn"], RoleSessionName=role.get("sessionName") or "pulumi"
                    )
                )
            except ClientError as error:
                raise EntranceError(f"provider {name} cannot assume {role['roleArn']}: {error}") from error

    @contextmanager
    def site(self, entered: Entered, region: str, pause: Callable[[float], None] | None = None) -> Iterator[Site]:
        """Stand in an account and Region; calls made inside are its provider's."""
        with acting(entered.credentials):
            yield Site(
                entered.account,
                region,
                partition_of(region),
                lambda service: self._clients.client(service, region),
                pause or self.pause,
            )


def _credentials(answer: Mapping[str, Any]) -> ReadOnlyCredentials:
    assumed = answer["Credentials"]
    return ReadOnlyCredentials(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])


def target(name: str, inputs: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The account that a provider must enter, and the roles on the way; nested inputs are JSON texts."""
    roles = json.loads(inputs.get("assumeRoles") or "[]")
    allowed = json.loads(inputs.get("allowedAccountIds") or "[]")
    account = roles[-1]["roleArn"].split(":")[4] if roles else (allowed or [""])[0]
    if allowed and account not in allowed:
        raise EntranceError(f"provider {name} may only enter {', '.join(allowed)}, but its role is of {account}")
    return account, roles
