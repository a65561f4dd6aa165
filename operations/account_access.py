"""Enters the accounts of an organization with the shell's credentials, to read: `palisade doctor` and `assess`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader
from botocore.session import Session as CoreSession

from lambdas.sessions import KeptClients

# What AWS answers, and what keeps a client from asking it.
FAILURES = (ClientError, BotoCoreError)
# Sessions of roles that could change things are narrowed to AWS's own policy of reads, in every partition there.
READ_ONLY = "policy/ReadOnlyAccess"


class AccessError(Exception):
    """An account cannot be entered, or nobody is there to enter it; with account, role and reason."""


@dataclass(frozen=True, slots=True)
class Entered:
    """An account that may be read. `role` is the role's name, empty where the shell's own credentials serve."""

    account: str
    role: str
    credentials: Mapping[str, str] | None

    def session(self, region: str) -> Session:
        """Return a session in a Region of the account; each keeps its clients, so it belongs to one thread."""
        return _session(self.credentials, region)


@dataclass(frozen=True, slots=True)
class Access:
    """The shell's credentials: whose they are, and the roles that they enter."""

    account: str
    arn: str
    partition: str
    region: str
    purpose: str

    def enter(self, account: str, roles: Sequence[str], *, narrowed: bool = True) -> Entered:
        """Enter an account by the first role that admits us; in the shell's own account its credentials serve as well.

        `narrowed` keeps a session to reads whatever its role may do. Raises AccessError with what each role answered.
        """
        told = []
        for role in roles:
            try:
                return Entered(account, role, self._assume(self.role_arn(account, role), narrowed))
            except FAILURES as error:
                told.append(f"role {role} of account {account} cannot be entered by {self.arn}: {said(error)}")
        if account == self.account:
            return Entered(account, "", None)
        raise AccessError("; ".join(told))

    def try_role(self, arn: str) -> str | None:
        """Enter a role and leave it at once; return why it cannot be entered, or None."""
        try:
            self._assume(arn, narrowed=True)
        except FAILURES as error:
            return said(error)
        return None

    def enter_arn(self, arn: str) -> Entered:
        """Enter a role by its ARN; raises AccessError."""
        account, name = arn.split(":")[4], arn.split(":", 5)[5].removeprefix("role/")
        return self.enter(account, [name])

    def own(self) -> Entered:
        """The shell's own account."""
        return Entered(self.account, "", None)

    def role_arn(self, account: str, role: str) -> str:
        """The ARN of a role by its name, which may have a path."""
        return f"arn:{self.partition}:iam::{account}:role/{role}"

    def _assume(self, arn: str, narrowed: bool) -> Mapping[str, str]:
        """Assume a role by the Region's own endpoint: tokens of the global one do not work in opt-in Regions."""
        extra: Any = {"PolicyArns": [{"arn": f"arn:{self.partition}:iam::aws:{READ_ONLY}"}]} if narrowed else {}
        sts = _session(None, self.region).client("sts")
        answer = sts.assume_role(RoleArn=arn, RoleSessionName=f"palisade-{self.purpose}", **extra)
        credentials: Mapping[str, str] = answer["Credentials"]
        return credentials


def open_access(region: str, partition: str, purpose: str) -> Access:
    """Find out whose credentials the shell has; raises AccessError where it has none that AWS takes."""
    try:
        caller = _session(None, region).client("sts").get_caller_identity()
    except FAILURES as error:
        raise AccessError(
            f"these credentials do not reach AWS in {region}: {said(error)}; set AWS_PROFILE or log in"
        ) from error
    return Access(caller["Account"], caller["Arn"], partition, region, purpose)


def said(error: Exception) -> str:
    """An error of AWS or of its client as one line."""
    if isinstance(error, ClientError):
        told = error.response["Error"]
        return f"{told['Code']}: {told.get('Message') or error.operation_name}"
    return " ".join(str(error).split())


def _session(credentials: Mapping[str, str] | None, region: str) -> Session:
    core = CoreSession()
    core.register_component("data_loader", LOADER)
    core.set_default_client_config(Config(retries={"mode": "standard", "max_attempts": 8}))
    if credentials is None:
        return KeptClients(region_name=region, botocore_session=core)
    return KeptClients(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
        botocore_session=core,
    )


# Service models, read once for all accounts.
LOADER = create_loader()
