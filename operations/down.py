"""`palisade down`: takes the program out of the organisation of `palisade up`, and ends it."""

from __future__ import annotations

import os
import signal
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations import standing
from operations.engine import EngineMissingError
from operations.serve_environment import UNSET
from operations.standing import Standing
from operations.up import UpError, pulumi

PATIENCE = 60  # seconds


def down() -> None:
    """Destroy, then end the process; raises UpError where none runs, or where something stays."""
    there = standing.read()
    if there is None:
        raise UpError("no `palisade up` runs from this checkout; start one by `palisade up`")
    if not there.alive():
        standing.forget(there.process)
        raise UpError(
            f"no `palisade up` runs any more: process {there.process} does not serve port {there.port}, and what it "
            f"left in {standing.FILE.relative_to(standing.FILE.parents[1])} is removed"
        )
    if not there.ready:
        raise UpError(f"the `pulumi up` of process {there.process} is under way; wait for it, or end that by Ctrl-C")
    _give_up_evidence(there)
    try:
        code = pulumi(there, "state", "unprotect", "--all") or pulumi(there, "destroy")
    except EngineMissingError as error:
        raise UpError(str(error)) from error
    if code:
        raise UpError(
            f"`pulumi` ended with exit code {code}; the organisation still runs on port {there.port} "
            f"(process {there.process}), and Ctrl-C in its shell ends it"
        )
    _end(there)


def _give_up_evidence(there: Standing) -> None:
    """Lift the tables' protection and empty the buckets of code, which a real deployment keeps (docs/deploy.md)."""
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.update(there.variables)  # as a second shell
    try:
        hub = boto3.Session(profile_name=there.hub)
        tables = hub.client("dynamodb")
        for table in tables.list_tables()["TableNames"]:
            tables.update_table(TableName=table, DeletionProtectionEnabled=False)
        for region, bucket in there.buckets.items():
            hub.resource("s3", region_name=region).Bucket(bucket).object_versions.delete()
    except (BotoCoreError, ClientError) as error:
        raise UpError(f"the hub's tables and buckets cannot be given up: {error}") from error


def _end(there: Standing) -> None:
    os.kill(there.process, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    # Its file goes last; a killed process leaves it, and one whose parent does not look stays in the list.
    while there.running() and (left := standing.read()) is not None and left.process == there.process:
        if time.monotonic() > end:
            raise UpError(f"process {there.process} does not end; the program is taken out of its organisation")
        time.sleep(0.1)
