"""One management event of AWS CloudTrail: kept as the call was, written as CloudTrail shows it only when asked for.

Source: CloudTrail User Guide, "CloudTrail record contents for management, data, and network activity events",
"CloudTrail userIdentity element" and "Logging data events" (what is no management event).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.call import Call, Caller
from simulator.moto_dispatch import endpoint_prefix
from simulator.services.config_snapshots import camel, stamp

VERSION = "1.11"
# CloudTrail leaves out what is longer, in characters.
ELEMENTS = 100_000
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
SECRET = ("password", "secret", "secretstring", "secretbinary", "secretaccesskey", "userdata", "sessiontoken")
# The members that name a resource, and the type that CloudTrail gives it.
TYPES = {
    "InstanceId": "AWS::EC2::Instance",
    "ImageId": "AWS::EC2::Ami",
    "SubnetId": "AWS::EC2::Subnet",
    "VpcId": "AWS::EC2::VPC",
    "GroupId": "AWS::EC2::SecurityGroup",
    "VolumeId": "AWS::EC2::Volume",
    "NetworkInterfaceId": "AWS::EC2::NetworkInterface",
    "Bucket": "AWS::S3::Bucket",
    "RoleName": "AWS::IAM::Role",
    "UserName": "AWS::IAM::User",
    "AutoScalingGroupName": "AWS::AutoScaling::AutoScalingGroup",
    "StackName": "AWS::CloudFormation::Stack",
    "DBInstanceIdentifier": "AWS::RDS::DBInstance",
    "FunctionName": "AWS::Lambda::Function",
    "TopicArn": "AWS::SNS::Topic",
    "KeyId": "AWS::KMS::Key",
}
LISTS = {"InstanceIds": "InstanceId", "SecurityGroupIds": "GroupId", "VolumeIds": "VolumeId"}
# EC2 tags resources of many types by their ids.
PREFIXES = {
    "i": "InstanceId",
    "ami": "ImageId",
    "subnet": "SubnetId",
    "vpc": "VpcId",
    "sg": "GroupId",
    "vol": "VolumeId",
}


@dataclass(slots=True)
class Event:
    """One successful call that changed something. `number` orders the events of a place."""

    number: int
    at: datetime
    service: str
    operation: str
    account: str
    region: str
    caller: Caller
    parameters: Mapping[str, Any] | None
    response: Mapping[str, Any] | None
    id: str
    _resources: tuple[tuple[str, str], ...] | None = None

    @classmethod
    def of(cls, number: int, at: datetime, call: Call, response: Mapping[str, Any], region: str) -> Event:
        """The event of a call; its id follows from the call's."""
        account = call.caller.account or call.account
        return cls(
            number, at, call.service, call.operation, account, region, call.caller, call.parameters, response,
            call.request_id,
        )  # fmt: skip

    @property
    def source(self) -> str:
        """The service as CloudTrail names it: `ec2.amazonaws.com`."""
        return f"{endpoint_prefix(self.service)}.amazonaws.com"

    @property
    def user(self) -> str:
        """The name under which LookupEvents finds whoever called; empty for services."""
        caller = self.caller
        if caller.kind == "root":
            return "root"
        return caller.session_name or (caller.arn.rpartition("/")[2] if caller.kind == "user" else "")

    @property
    def resources(self) -> tuple[tuple[str, str], ...]:
        """Type and name of what the call was about, each once."""
        if self._resources is None:
            found = [*_named(self.parameters or {}), *_named(self.response or {})]
            self._resources = tuple(dict.fromkeys(found))
        return self._resources

    def shown(self) -> dict[str, Any]:
        """The event as LookupEvents lists it."""
        listed = {
            "EventId": self.id,
            "EventName": self.operation,
            "ReadOnly": "false",
            "EventTime": self.at,
            "EventSource": self.source,
            "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in self.resources],
            "CloudTrailEvent": json.dumps(self.record(), default=str),
        }
        return {**listed, "Username": self.user} if self.user else listed

    def record(self) -> dict[str, Any]:
        """The record of the event."""
        service = self.caller.via or self.caller.service
        return {
            "eventVersion": VERSION,
            "userIdentity": identity(self.caller),
            "eventTime": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": self.source,
            "eventName": self.operation,
            "awsRegion": self.region,
            "sourceIPAddress": service or "192.0.2.1",
            "userAgent": service or "Boto3",
            "requestParameters": _elements(self.parameters),
            "responseElements": _elements(self.response),
            "requestID": self.id,
            "eventID": self.id,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        }


def identity(caller: Caller) -> dict[str, Any]:
    """Who called, as `userIdentity` says it; `invokedBy` is the service that called for somebody."""
    said: dict[str, Any] = {"type": _kind(caller)}
    if caller.kind == "service":
        return {**said, "invokedBy": caller.service}
    said |= {"principalId": caller.unique_id, "arn": caller.arn, "accountId": caller.account}
    if caller.kind == "user":
        said["userName"] = caller.arn.rpartition("/")[2]
    if caller.kind in ("session", "federated-user") and caller.role:
        said["sessionContext"] = _context(caller)
    if caller.via:
        said["invokedBy"] = caller.via
    return said


def _kind(caller: Caller) -> str:
    kinds = {
        "root": "Root",
        "user": "IAMUser",
        "session": "AssumedRole",
        "federated-user": "FederatedUser",
        "federated": "WebIdentityUser",
        "service": "AWSService",
    }
    return kinds.get(caller.kind, "Unknown")


def _context(caller: Caller) -> dict[str, Any]:
    assert caller.role is not None  # noqa: S101 - asked by the caller
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role" if caller.kind == "session" else "IAMUser",
            "principalId": caller.unique_id.partition(":")[0],
            "arn": caller.role,
            "accountId": caller.role.split(":")[4],
            "userName": caller.role.rpartition("/")[2],
        },
        "attributes": {"mfaAuthenticated": "false"},
    }
    if caller.issued is not None:
        context["attributes"]["creationDate"] = stamp(caller.issued)
    return {**context, "sourceIdentity": caller.source_identity} if caller.source_identity else context


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Every resource that parameters or an answer name, however deep."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in TYPES and isinstance(item, str):
                yield TYPES[name], item
            elif name in LISTS and isinstance(item, list):
                yield from ((TYPES[LISTS[name]], str(one)) for one in item)
            elif name == "Resources" and isinstance(item, list) and all(isinstance(one, str) for one in item):
                yield from ((TYPES[PREFIXES[kind]], one) for one in item if (kind := one.partition("-")[0]) in PREFIXES)
            else:
                yield from _named(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)


def _elements(value: Mapping[str, Any] | None) -> Any:
    """Parameters or an answer as the record holds them: without secrets, and not at all where they are too long."""
    if not value:
        return None
    shown = camel(_without_secrets(value))
    return shown if len(json.dumps(shown, default=str)) <= ELEMENTS else None


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if name.lower().endswith(SECRET) and item else _without_secrets(item)
            for name, item in value.items()
            if name != "ResponseMetadata"
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value
