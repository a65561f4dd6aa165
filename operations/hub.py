"""The hub as people reach it: its names, its ledger, its endpoint, with the shell's credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.names import Names
from lambdas.remediation.record import Ledger, Objects
from operations.account_access import said
from operations.signed_request import AddressError, send
from stacks.settings_model import known_regions


class HubError(Exception):
    """What was asked for cannot even be asked of the hub, with the reason for people."""


class RefusedError(Exception):
    """The hub, or AWS on its way, has refused what was asked for; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub account in its home Region."""

    session: Session
    region: str
    names: Names

    @property
    def partition(self) -> str:
        """The partition of the home Region."""
        return known_regions()[self.region]

    def client(self, service: str) -> Any:
        """Return a client of the home Region."""
        clients: Any = self.session.client  # the stubs know literal names only
        return clients(service)

    def ledger(self) -> Ledger:
        """The ledger, to be read, with the objects that hold its large entries."""
        account = self.client("sts").get_caller_identity()["Account"]
        objects = Objects.of(self.names, self.session, account, self.region)
        return Ledger(self.client("dynamodb"), self.names.ledger_table, objects)

    def endpoint(self) -> str:
        """The address of the endpoint for people; raises HubError where it is not to be found."""
        function = self.names.approve_function
        try:
            url: str = self.client("lambda").get_function_url_config(FunctionName=function)["FunctionUrl"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise HubError(
                    f"the endpoint is not deployed: {function} has no function URL in {self.region} of the account of "
                    "these credentials; name the hub's profile, home Region and prefix (--profile, --region, --prefix)"
                ) from error
            raise HubError(f"the endpoint cannot be looked up: {said(error)}; name it by --endpoint") from error
        except BotoCoreError as error:
            raise HubError(f"the endpoint cannot be looked up: {said(error)}") from error
        return url

    def ask(self, url: str, body: Mapping[str, str]) -> dict[str, Any]:
        """Send a request to the endpoint and return what it says; raises HubError and RefusedError."""
        try:
            status, answer = send(self.session, url, self.region, body)
        except AddressError as error:
            raise HubError(f"--endpoint: {error}") from error
        except BotoCoreError as error:
            raise HubError(
                f"no answer of the endpoint: {said(error)}; `palisade ledger` shows what was done"
            ) from error
        if status == 200 and isinstance(answer, dict):
            return answer
        if isinstance(answer, dict) and "error" in answer:
            raise RefusedError(answer["error"])
        if status == 403:
            raise RefusedError(
                "AWS does not let these credentials call the endpoint: they need lambda:InvokeFunctionUrl and "
                f"lambda:InvokeFunction on {self.names.approve_function} (docs/security.md)"
            )
        raise RefusedError(f"the endpoint answered {status}; `palisade ledger` shows what was done")


def open_hub(profile: str | None, region: str | None, prefix: str) -> Hub:
    """Find the shell's credentials and the home Region; raises HubError where there are none."""
    try:
        session = Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise HubError(f"these credentials cannot be used: {said(error)}") from error
    home = session.region_name
    if not home:
        raise HubError("no Region: name the hub's home Region by --region, or set AWS_REGION")
    if home not in known_regions():
        raise HubError(f"--region: {home!r} is not a Region of AWS; accepted are codes such as eu-west-1")
    if credentials is None:
        raise HubError("no credentials: set AWS_PROFILE, name --profile, or log in")
    return Hub(session, home, Names(prefix))


def readable(error: Exception, what: str) -> HubError:
    """Say that something of the hub cannot be read, and why."""
    return HubError(f"{what} cannot be read by these credentials: {said(error)}")
