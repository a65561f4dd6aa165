"""What AWS Config does with a new delivery channel: it takes the recorder's role and tries the bucket.

Source: AWS Config Developer Guide, "Permissions for the IAM Role Assigned to AWS Config" and "Permissions for the
Amazon S3 Bucket" (GetBucketAcl, ListBucket, and PutObject of `ConfigWritabilityCheckFile`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.backends import get_backend

from simulator.call import Caller, ServiceError

if TYPE_CHECKING:
    from simulator.services.config_recorder import Recorder
    from simulator.world import World

PRINCIPAL = "config.amazonaws.com"
CHECK_FILE = "ConfigWritabilityCheckFile"
SERVICE_LINKED = ":role/aws-service-role/"


def deliverer(world: World, recorder: Recorder) -> Caller:
    """Who delivers for a recorder: its role in session, or the service where that is the service-linked one.

    Raises ServiceError where the role does not let AWS Config in.
    """
    service = world.as_service(PRINCIPAL, account=recorder.account, arn=recorder.arn)
    if SERVICE_LINKED in recorder.role:
        return service
    session = {"RoleArn": recorder.role, "RoleSessionName": "AWSConfig-BucketConfigCheck"}
    issued = world.call(service, "sts", "AssumeRole", session, account=recorder.account, region=recorder.region)
    return world.door.identities.caller(issued["Credentials"]["AccessKeyId"])


def try_bucket(world: World, recorder: Recorder, bucket: str) -> None:
    """Write the check file into a bucket; raises ServiceError InsufficientDeliveryPolicyException.

    The service-linked role and roles that are not there are passed over: Config then comes as a service, which is
    not simulated (docs/local-organisation.md).
    """
    roles = get_backend("iam")[recorder.account][world.partition].roles.values()
    if SERVICE_LINKED in recorder.role or all(role.arn != recorder.role for role in roles):
        return
    place = {"region": recorder.region}
    try:
        caller = deliverer(world, recorder)
        world.call(caller, "s3", "GetBucketAcl", {"Bucket": bucket}, **place)
        world.call(caller, "s3", "HeadBucket", {"Bucket": bucket}, **place)
        key = f"AWSLogs/{recorder.account}/Config/{CHECK_FILE}"
        check = {"Bucket": bucket, "Key": key, "Body": b"", "ACL": "bucket-owner-full-control"}
        world.call(caller, "s3", "PutObject", check, **place)
    except ServiceError as error:
        raise ServiceError(
            "InsufficientDeliveryPolicyException",
            f"Insufficient delivery policy to s3 bucket: {bucket}, unable to write to bucket, provided s3 key prefix "
            f"is 'null', provided kms key is 'null'. ({error.message})",
        ) from error
