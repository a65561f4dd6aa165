"""Who holds which access key: account roots, users, and the sessions that STS issued."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import Caller, ServiceError

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

    from simulator.world import World

# Set-up acts through a role that every account has before anything is deployed.
ADMINISTRATOR_SESSION = "set-up"
# So long after its end a session is told that it has expired; later its key is as unknown as any.
REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Temporary or long-term credentials as AWS hands them out; `expiration` is None for long-term ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None
    expiration: datetime | None


class Identities:
    """The access keys of the organisation and who calls with them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._callers: dict[str, Caller] = {}
        self._tokens: dict[str, str | None] = {}
        self._secrets: dict[str, str] = {}
        self._ends: deque[tuple[datetime, str]] = deque()
        self._issued: Counter[str] = Counter()

    def issue(self, caller: Caller, expires: datetime) -> Credentials:
        """Issue the credentials of a session; their ids follow from the session and how often it was issued."""
        seed = f"{caller.arn}|{caller.unique_id}"
        self._issued[seed] += 1
        credentials = _credentials(f"{seed}#{self._issued[seed]}", "ASIA", expires)
        now = self.world.agenda.now()
        self._callers[credentials.access_key_id] = replace(caller, issued=now, expires=expires)
        self._tokens[credentials.access_key_id] = credentials.session_token
        self._secrets[credentials.access_key_id] = credentials.secret_access_key
        self._ends.append((expires, credentials.access_key_id))
        while self._ends[0][0] < now - REMEMBERED:
            _, forgotten = self._ends.popleft()
            del self._callers[forgotten], self._tokens[forgotten], self._secrets[forgotten]
        return credentials

    def credentials(self, answer: Mapping[str, Any]) -> Credentials:
        """Return the credentials of an AssumeRole answer in the form that this module issues."""
        return Credentials(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"], answer["Expiration"]
        )

    def root(self, account: str) -> Credentials:
        """Return long-term credentials of an account's root."""
        arn = f"arn:{self.world.partition}:iam::{account}:root"
        return self._lasting(Caller(arn=arn, account=account, kind="root", unique_id=account))

    def administrator(self, account: str, role: str = "Administrator") -> Credentials:
        """Return lasting credentials of a session of one of the account's roles, for set-up.

        The role must exist in IAM by the time of the first call; its policies decide as for anyone.
        """
        partition = self.world.partition
        return self._lasting(
            Caller(
                arn=f"arn:{partition}:sts::{account}:assumed-role/{role}/{ADMINISTRATOR_SESSION}",
                account=account,
                kind="session",
                role=f"arn:{partition}:iam::{account}:role/{role}",
                session_name=ADMINISTRATOR_SESSION,
                unique_id=f"{self._role_id(account, role)}:{ADMINISTRATOR_SESSION}",
            )
        )

    def caller(self, access_key: str) -> Caller:
        """Return who calls with an access key; raises ServiceError for unknown and expired ones.

        Those of a closed account are as unknown as any.
        """
        known = self._callers.get(access_key)
        if known is None:
            known = self._user(access_key)
        if known is None or self.world.is_closed(known.account):
            raise ServiceError(
                "InvalidClientTokenId", "The security token included in the request is invalid.", status=403
            )
        if known.expires is not None and known.expires <= self.world.agenda.now():
            raise ServiceError("ExpiredToken", "The security token included in the request is expired", status=403)
        return known

    def check_token(self, access_key: str, token: str | None) -> None:
        """Refuse temporary credentials without the token that they came with; raises ServiceError."""
        if access_key in self._tokens and self._tokens[access_key] != token:
            raise ServiceError(
                "InvalidClientTokenId", "The security token included in the request is invalid.", status=403
            )

    def secret(self, access_key: str) -> str:
        """The secret of a key that `caller` knows, for those who check signatures."""
        if access_key in self._secrets:
            return self._secrets[access_key]
        keys = (self._iam(account).access_keys.get(access_key) for account in self.world.known_accounts())
        return next(str(key.secret_access_key) for key in keys if key is not None)

    def _lasting(self, caller: Caller) -> Credentials:
        credentials = _credentials(f"{caller.arn}|lasting", "AKIA", None)
        self._callers[credentials.access_key_id] = caller
        self._secrets[credentials.access_key_id] = credentials.secret_access_key
        return credentials

    def _role_id(self, account: str, name: str) -> str:
        role = next((role for role in self._iam(account).roles.values() if role.name == name), None)
        return "" if role is None else str(role.id)

    def _user(self, access_key: str) -> Caller | None:
        """Find an IAM user's access key. It is looked up at every call: keys are deactivated and deleted."""
        for account in self.world.known_accounts():
            key = self._iam(account).access_keys.get(access_key)
            if key is None or key.status != "Active" or key.user_name is None:
                continue
            user = self._iam(account).users.get(key.user_name)
            if user is not None:
                tags = {tag["Key"]: tag["Value"] for tag in user.tags or ()}
                return Caller(arn=user.arn, account=account, kind="user", unique_id=user.id, session_tags=tags)
        return None

    def _iam(self, account: str) -> IAMBackend:
        backend: IAMBackend = get_backend("iam")[account][self.world.partition]
        return backend


def _credentials(seed: str, prefix: str, expires: datetime | None) -> Credentials:
    digest = hashlib.blake2b(seed.encode(), digest_size=64).digest()
    return Credentials(
        access_key_id=prefix + base64.b32encode(digest[:10]).decode(),
        secret_access_key=base64.b64encode(digest[10:40]).decode(),
        session_token=None if expires is None else base64.b64encode(digest[40:] * 4).decode(),
        expiration=expires,
    )
