"""Configuration recorders and delivery channels: one of each per account and Region.

Source: AWS Config API reference, PutConfigurationRecorder and RecordingGroup.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from simulator.call import Call, ServiceError
from simulator.services.config_delivery import try_bucket
from simulator.services.config_types import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.world import World

# Regions that came after February 2022 do not record the global IAM types.
WITHOUT_GLOBAL_TYPES = frozenset(
    {
        "ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-west-1", "eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1",
    }
)  # fmt: skip
STRATEGIES = {
    "all": "ALL_SUPPORTED_RESOURCE_TYPES",
    "only": "INCLUSION_BY_RESOURCE_TYPES",
    "except": "EXCLUSION_BY_RESOURCE_TYPES",
}
CONTINUOUS = {"recordingFrequency": "CONTINUOUS"}


@dataclass(slots=True)
class Recorder:
    """The customer-managed recorder of one account and Region."""

    account: str
    region: str
    name: str
    arn: str
    role: str
    group: dict[str, Any]
    mode: dict[str, Any] = field(default_factory=lambda: dict(CONTINUOUS))
    recording: bool = False
    started: datetime | None = None
    stopped: datetime | None = None
    changed: datetime | None = None

    def records(self, resource_type: str) -> bool:
        """Whether the recording group covers a type, whether or not the recorder runs."""
        kind = TYPES.get(resource_type)
        global_type = kind is not None and kind.global_type
        if global_type and self.region in WITHOUT_GLOBAL_TYPES:
            return False
        strategy = self.group["recordingStrategy"]["useOnly"]
        if strategy == STRATEGIES["only"]:
            return resource_type in self.group.get("resourceTypes", ())
        if strategy == STRATEGIES["except"]:
            return resource_type not in self.group["exclusionByResourceTypes"]["resourceTypes"]
        return not global_type or bool(self.group.get("includeGlobalResourceTypes"))

    def frequency(self, resource_type: str) -> str:
        """How often a type is recorded: CONTINUOUS or DAILY."""
        for override in self.mode.get("recordingModeOverrides", ()):
            if resource_type in override["resourceTypes"]:
                return str(override["recordingFrequency"])
        return str(self.mode["recordingFrequency"])

    def describe(self) -> dict[str, Any]:
        """The recorder as DescribeConfigurationRecorders shows it."""
        return {
            "arn": self.arn,
            "name": self.name,
            "roleARN": self.role,
            "recordingGroup": self.group,
            "recordingMode": self.mode,
            "recordingScope": "PAID",
        }

    def status(self) -> dict[str, Any]:
        """The recorder's state as DescribeConfigurationRecorderStatus shows it."""
        times = {
            "lastStartTime": self.started,
            "lastStopTime": self.stopped,
            "lastStatusChangeTime": self.changed,
        }
        return {
            "arn": self.arn,
            "name": self.name,
            "recording": self.recording,
            "lastStatus": "Success" if self.recording else "Pending",
            **{name: moment for name, moment in times.items() if moment is not None},
        }


class Recorders:
    """The operations on recorders and delivery channels."""

    def __init__(self, world: World, started: Callable[[Recorder], None]) -> None:
        self.world = world
        self._started = started
        self._recorders: dict[tuple[str, str], Recorder] = {}
        self._channels: dict[tuple[str, str], dict[str, Any]] = {}
        self.snapshots: dict[tuple[str, str], dict[str, Any]] = {}  # what became of the last of each place
        self.channel_changed: Callable[[str, str], None] = lambda account, region: None

    def find(self, account: str, region: str) -> Recorder | None:
        """The recorder of one place."""
        return self._recorders.get((account, region))

    def need(self, account: str, region: str) -> Recorder:
        """The recorder of one place; raises NoAvailableConfigurationRecorderException where there is none."""
        recorder = self.find(account, region)
        if recorder is None:
            raise ServiceError(
                "NoAvailableConfigurationRecorderException",
                "There are no configuration recorders available to provide the role needed to describe your "
                "resources. Create a configuration recorder.",
            )
        return recorder

    def running(self, account: str) -> list[Recorder]:
        """The recorders of an account that record now, by Region."""
        return [
            recorder
            for (owner, _), recorder in sorted(self._recorders.items())
            if owner == account and recorder.recording
        ]

    def put_configuration_recorder(self, call: Call) -> dict[str, Any]:
        """Create or change the recorder of an account and Region."""
        given = call.parameters["ConfigurationRecorder"]
        name = given.get("name") or "default"
        if name.startswith("AWSConfigurationRecorderFor"):
            raise ServiceError("InvalidConfigurationRecorderNameException", f"The name {name} is reserved.")
        if not given.get("roleARN"):
            raise ServiceError("InvalidRoleException", "You have provided a null or empty role ARN.")
        known = self.find(call.account, call.region)
        if known is not None and known.name != name:
            raise ServiceError(
                "MaxNumberOfConfigurationRecordersExceededException",
                f"Failed to put configuration recorder '{name}' because the maximum number of configuration "
                "recorders: 1 is reached.",
            )
        group = recording_group(given.get("recordingGroup"))
        if known is None:
            digest = hashlib.blake2b(f"{call.account}{call.region}{name}".encode(), digest_size=8).hexdigest()
            arn = f"arn:{call.partition}:config:{call.region}:{call.account}:configuration-recorder/{name}/{digest}"
            known = Recorder(call.account, call.region, name, arn, given["roleARN"], group)
            self._recorders[call.account, call.region] = known
        known.role = given["roleARN"]
        known.group = group
        known.mode = given.get("recordingMode") or dict(CONTINUOUS)
        if known.recording:
            self._started(known)  # types that are recorded from now on are discovered
        return {}

    def describe_configuration_recorders(self, call: Call) -> dict[str, Any]:
        """List the recorder of an account and Region."""
        return {"ConfigurationRecorders": [recorder.describe() for recorder in self._named(call)]}

    def describe_configuration_recorder_status(self, call: Call) -> dict[str, Any]:
        """Say whether the recorder runs."""
        return {"ConfigurationRecordersStatus": [recorder.status() for recorder in self._named(call)]}

    def _named(self, call: Call) -> list[Recorder]:
        known = self.find(call.account, call.region)
        found = [known] if known is not None else []
        if call.parameters.get("ServicePrincipal"):
            found = []  # service-linked recorders are not simulated: there are none
        for name in call.parameters.get("ConfigurationRecorderNames") or ():
            if known is None or known.name != name:
                raise _no_recorder(name)
        if (arn := call.parameters.get("Arn")) and (known is None or known.arn != arn):
            raise _no_recorder(arn)
        return found

    def _existing(self, call: Call) -> Recorder:
        name = call.parameters["ConfigurationRecorderName"]
        known = self.find(call.account, call.region)
        if known is None or known.name != name:
            raise _no_recorder(name)
        return known

    def delete_configuration_recorder(self, call: Call) -> dict[str, Any]:
        """Delete the recorder; the history stays."""
        self._existing(call).recording = False
        del self._recorders[call.account, call.region]
        return {}

    def start_configuration_recorder(self, call: Call) -> dict[str, Any]:
        """Start recording; what exists already is discovered at once."""
        recorder = self._existing(call)
        if (call.account, call.region) not in self._channels:
            raise ServiceError("NoAvailableDeliveryChannelException", "Delivery channel is not available.")
        if not recorder.recording:
            recorder.recording = True
            recorder.started = recorder.changed = self.world.agenda.now()
            self._started(recorder)
        return {}

    def stop_configuration_recorder(self, call: Call) -> dict[str, Any]:
        """Stop recording."""
        recorder = self._existing(call)
        recorder.recording = False
        recorder.stopped = recorder.changed = self.world.agenda.now()
        return {}

    def put_delivery_channel(self, call: Call) -> dict[str, Any]:
        """Create or change the delivery channel; the bucket must exist, in whichever account."""
        given = call.parameters["DeliveryChannel"]
        name = given.get("name") or "default"
        recorder = self.need(call.account, call.region)
        known = self._channels.get((call.account, call.region))
        if known is not None and known["name"] != name:
            raise ServiceError(
                "MaxNumberOfDeliveryChannelsExceededException",
                f"Failed to put delivery channel '{name}' because the maximum number of delivery channels: 1 is "
                "reached.",
            )
        bucket = given.get("s3BucketName")
        if not bucket or bucket not in get_backend("s3").bucket_accounts:
            raise ServiceError("NoSuchBucketException", f"Cannot find a S3 bucket with name {bucket!r}.")
        try_bucket(self.world, recorder, bucket)
        self._channels[call.account, call.region] = {**given, "name": name}
        self.channel_changed(call.account, call.region)
        return {}

    def bucket(self, account: str, region: str) -> str | None:
        """The bucket that the delivery channel of one place writes to."""
        channel = self._channels.get((account, region))
        return None if channel is None else str(channel["s3BucketName"])

    def channel(self, account: str, region: str, name: str) -> dict[str, Any]:
        """The delivery channel of one place by its name; raises ServiceError where there is none."""
        known = self._channels.get((account, region))
        if known is None or known["name"] != name:
            raise _no_channel(name)
        return known

    def delivery_frequency(self, account: str, region: str) -> str | None:
        """How often snapshots are delivered; None where the channel does not say."""
        channel = self._channels.get((account, region)) or {}
        frequency = (channel.get("configSnapshotDeliveryProperties") or {}).get("deliveryFrequency")
        return None if frequency is None else str(frequency)

    def describe_delivery_channels(self, call: Call) -> dict[str, Any]:
        """List the delivery channel of an account and Region."""
        return {"DeliveryChannels": self._named_channels(call)}

    def describe_delivery_channel_status(self, call: Call) -> dict[str, Any]:
        """List the delivery channel's state; of what AWS Config delivers only snapshots are simulated."""
        statuses = [
            {
                "name": channel["name"],
                "configSnapshotDeliveryInfo": self.snapshots.get(
                    (call.account, call.region), {"lastStatus": "Not_Applicable"}
                ),
                "configHistoryDeliveryInfo": {"lastStatus": "Not_Applicable"},
                "configStreamDeliveryInfo": {"lastStatus": "Not_Applicable"},
            }
            for channel in self._named_channels(call)
        ]
        return {"DeliveryChannelsStatus": statuses}

    def _named_channels(self, call: Call) -> list[dict[str, Any]]:
        known = self._channels.get((call.account, call.region))
        for name in call.parameters.get("DeliveryChannelNames") or ():
            if known is None or known["name"] != name:
                raise _no_channel(name)
        return [known] if known is not None else []

    def delete_delivery_channel(self, call: Call) -> dict[str, Any]:
        """Delete the delivery channel; refused while the recorder runs."""
        name = call.parameters["DeliveryChannelName"]
        self.channel(call.account, call.region, name)
        recorder = self.find(call.account, call.region)
        if recorder is not None and recorder.recording:
            raise ServiceError(
                "LastDeliveryChannelDeleteFailedException",
                f"Failed to delete last specified delivery channel with name '{name}', because there "
                "is a running configuration recorder.",
            )
        del self._channels[call.account, call.region]
        self.channel_changed(call.account, call.region)
        return {}


def recording_group(given: dict[str, Any] | None) -> dict[str, Any]:
    """Fill in and check a recording group; raises InvalidRecordingGroupException on a contradiction."""
    if given is None:
        given = {"allSupported": True}
    every = bool(given.get("allSupported"))
    listed = list(given.get("resourceTypes") or ())
    excluded = list((given.get("exclusionByResourceTypes") or {}).get("resourceTypes") or ())
    stated = (given.get("recordingStrategy") or {}).get("useOnly")
    strategy = stated or STRATEGIES["except" if excluded else "only" if listed else "all"]
    fitting = {
        STRATEGIES["all"]: every and not listed and not excluded,
        STRATEGIES["only"]: bool(listed) and not every and not excluded,
        STRATEGIES["except"]: bool(excluded) and not every and not listed,
    }
    if not fitting[strategy]:
        raise ServiceError(
            "InvalidRecordingGroupException",
            "The recording group provided is not valid: give allSupported, or resourceTypes, or "
            "exclusionByResourceTypes with the strategy EXCLUSION_BY_RESOURCE_TYPES, and only one of them.",
        )
    return {
        "allSupported": every,
        "includeGlobalResourceTypes": bool(given.get("includeGlobalResourceTypes")),
        "resourceTypes": listed,
        "exclusionByResourceTypes": {"resourceTypes": excluded},
        "recordingStrategy": {"useOnly": strategy},
    }


def _no_recorder(name: str) -> ServiceError:
    return ServiceError(
        "NoSuchConfigurationRecorderException", f"Cannot find configuration recorder with the specified name '{name}'."
    )


def _no_channel(name: str) -> ServiceError:
    return ServiceError("NoSuchDeliveryChannelException", f"Cannot find delivery channel with specified name '{name}'.")
