"""The master user's password where RDS manages it: a secret that RDS makes in its caller's name, and deletes.

Source: RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager" (permissions required); Secrets
Manager User Guide, "Secret encryption and decryption in AWS Secrets Manager" (what the caller needs of the key).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from moto.backends import get_backend

from simulator.call import Call, ServiceError
from simulator.services import rds_places as places

if TYPE_CHECKING:
    from simulator.services.rds_records import Instance
    from simulator.world import World

SERVICE = "secretsmanager"


def make_secret(world: World, call: Call, user: str) -> dict[str, str]:
    """Make the secret of a master user and return it as instances show it.

    The caller needs to create and tag secrets, and to use the key where it names one. Raises ServiceError.
    """
    key = call.parameters.get("MasterUserSecretKmsKeyId")
    arn = places.key(world, call, key) if key else places.managed_key(world, call, SERVICE)
    if key:
        _use(world, call, arn)
    password = hashlib.blake2b(call.request_id.encode(), digest_size=14).hexdigest()
    asked = {
        "Name": f"rds!db-{call.request_id}",
        "SecretString": json.dumps({"username": user, "password": password}),
        "KmsKeyId": arn,
        "Tags": [{"Key": "aws:secretsmanager:owningService", "Value": "rds"}],
    }
    made = world.call(replace(call.caller, via="rds"), SERVICE, "CreateSecret", asked, region=call.region)
    return {"SecretArn": str(made["ARN"]), "SecretStatus": "active", "KmsKeyId": arn}


def _use(world: World, call: Call, arn: str) -> None:
    """Ask for what Secrets Manager does with a key in the caller's name."""
    caller = replace(call.caller, via=SERVICE)
    for operation in ("GenerateDataKey", "Decrypt"):
        asked = Call("kms", operation, {"KeyId": arn}, call.region, call.partition, "", caller)
        try:
            world.door.authorize(asked)
        except ServiceError as error:
            raise places.inaccessible(arn) from error


def drop_secret(instance: Instance) -> None:
    """Delete the secret of an instance, if RDS manages one."""
    secret = instance.shown.get("MasterUserSecret")
    if secret is not None:
        state = get_backend(SERVICE)[instance.account][instance.region]
        state.delete_secret(secret["SecretArn"], None, True)
