"""Keys of encrypted queues and topics: without an enabled key nothing is sent or received.

Whether a caller may use the key is IAM's to say, at the front door.
Source: SQS API Reference, "SendMessage" (errors KMS.*); SNS API Reference, "Publish" (errors KMS*).
"""

from __future__ import annotations

from moto.backends import get_backend

from simulator.call import Call, ServiceError
from simulator.services.event_arn import Arn

MANAGED = "alias/aws/"  # AWS managed keys exist where they are used, and are always enabled


def require_enabled(call: Call, key: str | None, name: str) -> None:
    """Refuse a call on a resource whose key (id, alias or ARN) is missing, disabled or to be deleted.

    Raises ServiceError, named as the service does: `name` is "KMS.{}Exception" or "KMS{}".
    """
    if not key or key.startswith(MANAGED):
        return
    region, account, resource = call.region, call.account, key
    if key.startswith("arn:"):
        arn = Arn.parse(key)
        region, account, resource = arn.region, arn.account, arn.resource
    identifier = resource.removeprefix("key/")
    keys = get_backend("kms")[account][region].keys.values()
    found = next((item for item in keys if identifier == item.id or identifier in item.aliases), None)
    if found is None:
        raise ServiceError(name.format("NotFound"), f"Key {key} does not exist.")
    if found.key_state != "Enabled":
        reason = "Disabled" if found.key_state == "Disabled" else "InvalidState"
        raise ServiceError(name.format(reason), f"Key {key} is {found.key_state}.")
