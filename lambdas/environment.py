"""What a function finds in its environment, and the settings object that the environment points to.

The settings lie in the code bucket under the hash of their own content: whoever may write there
cannot change what a function that names the hash will read.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.names import Names
from lambdas.schemas import SETTINGS_OBJECT, readable, told

if TYPE_CHECKING:
    from boto3 import Session


class SettingsError(Exception):
    """The settings object is not what the function was deployed with."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The deployed environment of a function."""

    names: Names
    hub_account: str
    home_region: str
    settings_bucket: str
    settings_key: str

    @classmethod
    def read(cls) -> Environment:
        """Read the process environment; raises KeyError naming a variable that is missing."""
        return cls(
            names=Names(os.environ["PALISADE_PREFIX"]),
            hub_account=os.environ["PALISADE_HUB_ACCOUNT"],
            home_region=os.environ["PALISADE_HOME_REGION"],
            settings_bucket=os.environ["PALISADE_SETTINGS_BUCKET"],
            settings_key=os.environ["PALISADE_SETTINGS_KEY"],
        )

    def settings(self, session: Session) -> dict[str, Any]:
        """Fetch the settings object; raises SettingsError where its bytes are not those of its name."""
        answer = session.client("s3").get_object(
            Bucket=self.settings_bucket, Key=self.settings_key, ExpectedBucketOwner=self.hub_account
        )
        document = answer["Body"].read()
        digest = hashlib.sha256(document).hexdigest()
        if self.settings_key != f"settings/{digest}.json":
            raise SettingsError(f"{self.settings_key} holds other bytes than its name says; deploy the stack again")
        settings: dict[str, Any] = json.loads(document)
        if settings.get("schema") not in readable(SETTINGS_OBJECT):
            raise SettingsError(
                f"{self.settings_key} has schema {settings.get('schema')!r}; this version reads {told(SETTINGS_OBJECT)}"
            )
        return settings


def digest_of(parameters: Any) -> str:
    """A short digest of the parameters in force, stable under the order of keys."""
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
