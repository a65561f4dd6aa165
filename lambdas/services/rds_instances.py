"""What the description of a DB instance means: whether it is judged, its states and names, what has superseded it.

Source: RDS API reference, DBInstance; RDS User Guide, "Viewing Amazon RDS DB instance status", "Stopping an Amazon RDS
DB instance temporarily", "Encrypting Amazon RDS resources", "Tagging Amazon RDS resources", "Amazon RDS pricing" (list
prices of storage).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

NONE = "none"
# The tag of an original that an encrypted instance has replaced names that instance; that of the instance, the
# original's id that stays.
SUPERSEDED, SOURCE = "palisade:superseded-by", "palisade:encrypted-from"
AVAILABLE, STOPPED = "available", "stopped"
OFF = (STOPPED, "stopping")
# In use, with storage that is still being worked on: a snapshot can be taken of it.
RUNNING = (AVAILABLE, "storage-optimization", "storage-initialization")
BROKEN = (
    "failed",
    "restore-error",
    "inaccessible-encryption-credentials",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "storage-full",
)
# What changes by itself, without anybody's work on the instance.
MOVING = frozenset(
    {
        "AutomaticRestartTime",
        "CertificateDetails",
        "LatestRestorableTime",
        "PercentProgress",
        "StatusInfos",
        "StorageOperationPercentProgress",
        "StorageOperationStatus",
        "StorageVolumeStatus",
        "TagList",
    }
)
OTHER_SERVICES = {"neptune": "Amazon Neptune", "docdb": "Amazon DocumentDB"}
LONGEST_NAME = 63
# How many tags people may give an instance; those of AWS's own do not count.
MOST_TAGS = 50
# US dollars for a GiB of storage a month, of one Availability Zone in us-east-1; gp3 and io beyond it cost more.
GIB_MONTH = {"standard": 0.10, "gp2": 0.115, "gp3": 0.115, "io1": 0.125, "io2": 0.125}


def settings_of(description: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says of an instance for good: tags as a list, times as text, states of use as one."""
    settings = {name: value for name, value in description.items() if name not in MOVING}
    if settings["DBInstanceStatus"] in RUNNING:
        settings["DBInstanceStatus"] = AVAILABLE
    if settings.get("InstanceCreateTime") is not None:
        settings["InstanceCreateTime"] = settings["InstanceCreateTime"].isoformat()
    # Regions that do not show the type yet show whether there is any.
    settings.setdefault("StorageEncryptionType", "sse-kms" if settings.get("StorageEncrypted") else NONE)
    return {**settings, "Tags": list(description.get("TagList", []))}


def tag(settings: Mapping[str, Any], key: str) -> str | None:
    """The value of a tag; None without one."""
    return next((str(one["Value"]) for one in settings["Tags"] if one["Key"] == key), None)


def own_tags(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tags that people have given: those of AWS's own are not ours to give to a copy."""
    return [one for one in settings["Tags"] if not one["Key"].startswith("aws:")]


def judged_elsewhere(settings: Mapping[str, Any]) -> str | None:
    """Say where an instance's encryption is decided if not at the instance."""
    engine = str(settings["Engine"])
    if engine in OTHER_SERVICES:
        return f"The instance belongs to {OTHER_SERVICES[engine]}, not to Amazon RDS."
    if settings.get("DBClusterIdentifier") or engine.startswith("aurora"):
        return f"The storage is encrypted with its cluster, {settings.get('DBClusterIdentifier') or 'of Aurora'}."
    return None


def is_encrypted(settings: Mapping[str, Any]) -> bool:
    """Whether data at rest is encrypted; `StorageEncrypted` is false under a key that AWS owns."""
    return str(settings["StorageEncryptionType"]) != NONE


def is_superseded(settings: Mapping[str, Any]) -> bool:
    """Whether an encrypted instance has taken the place of this one: the tag alone proves nothing."""
    successor = settings.get("Successor")
    return (
        successor is not None
        and successor["StorageEncryptionType"] not in (None, NONE)
        and settings["DBInstanceIdentifier"] == set_aside(successor["DBInstanceIdentifier"], settings)
    )


def set_aside(name: str, settings: Mapping[str, Any]) -> str:
    """The name of the unencrypted instance that was called `name`, once it is replaced."""
    return _suffixed(name, f"unencrypted-{day(settings)}")


def copied(name: str, settings: Mapping[str, Any]) -> str:
    """The name of its encrypted copy, until it takes its place and after an undo."""
    return _suffixed(name, f"encrypted-{day(settings)}")


def snapshots(name: str, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The names of the snapshot that is taken of it, and of that one's encrypted copy."""
    taken = f"palisade-{name}-{day(settings)}"
    return taken, f"{taken}-encrypted"


def day(settings: Mapping[str, Any]) -> str:
    """The day on which an instance was made: a plan that waits for its approval must not change with the date."""
    return re.sub("[^0-9]", "", str(settings["InstanceCreateTime"]))[:8]


def _suffixed(name: str, suffix: str) -> str:
    """Shorten a name so that a suffix fits; names have no two hyphens in a row and none at their end."""
    return f"{name[: LONGEST_NAME - 1 - len(suffix)].rstrip('-')}-{suffix}"


def cost(settings: Mapping[str, Any]) -> str:
    """What an instance that is kept costs, stopped and running."""
    size, kind = settings["AllocatedStorage"], settings["StorageType"]
    zones = 2 if settings.get("MultiAZ") else 1
    price = f"about {size * GIB_MONTH[kind] * zones:.2f} US dollars a month" if kind in GIB_MONTH else "billed"
    return (
        f"Its {size} GiB of {kind} storage are {price} at the list price of us-east-1, provisioned IOPS and backups "
        f"beside them, and while it runs also the hours of {settings['DBInstanceClass']}"
        f"{', twice for Multi-AZ' if zones == 2 else ''}"
    )


def hindrances(settings: Mapping[str, Any]) -> Iterator[str]:
    """Say what of an unencrypted instance itself forbids to replace it by an encrypted copy."""
    engine = str(settings["Engine"])
    status = settings["DBInstanceStatus"]
    if status != AVAILABLE:
        yield f"the instance is {status}: only one that is available can be replaced"
    if settings.get("PendingModifiedValues"):
        pending = ", ".join(sorted(settings["PendingModifiedValues"]))
        yield f"changes wait for its maintenance window ({pending}) and would be applied with the plan's own"
    replicas = [
        one
        for name in ("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBClusterIdentifiers")
        for one in settings.get(name) or ()
    ]
    if replicas:
        yield f"it has read replicas ({', '.join(replicas)}), which would stay with the unencrypted instance"
    source = settings.get("ReadReplicaSourceDBInstanceIdentifier") or settings.get(
        "ReadReplicaSourceDBClusterIdentifier"
    )
    if source:
        yield f"it is a read replica of {source}: replace the source, then make the replica anew"
    if engine.startswith("custom-"):
        yield "RDS Custom copies no snapshots with another key"
    if engine == "sqlserver-ex":
        yield "SQL Server Express Edition has no encryption at rest"
    if engine.startswith("sqlserver") and settings.get("MultiAZ"):
        yield "SQL Server cannot be stopped while it is Multi-AZ, and the original is kept stopped"
    if settings.get("TdeCredentialArn"):
        yield "its TDE key store needs a password that nobody can read"
    if settings.get("ActivityStreamStatus") not in (None, "stopped"):
        yield "its database activity stream would have a gap: stop it first"
    if len(own_tags(settings)) >= MOST_TAGS:
        yield f"it has {MOST_TAGS} tags, all that RDS takes: the plan gives the original and its copy one more"
