"""One side of the front door's measurement: `moto` and `door` in process, their servers, and a client of either."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

import boto3

REGION = "eu-west-1"
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
ANYBODY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}


def light_calls(session: boto3.Session) -> dict[str, Callable[[], object]]:
    """The calls that are measured, of query, REST-XML and JSON services; the last goes to moto past all of ours."""
    own = f"{os.getpid()}"
    s3, sqs, sts, ssm = (session.client(name) for name in ("s3", "sqs", "sts", "ssm"))
    ssm.put_parameter(Name=own, Value="x", Type="String")
    bucket = f"bench-{own}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    queue = sqs.create_queue(QueueName=f"bench-{own}")["QueueUrl"]
    return {
        "sts.get_caller_identity": sts.get_caller_identity,
        "s3.put_bucket_encryption": lambda: s3.put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTION
        ),
        "sqs.get_queue_attributes": lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"]),
        "ssm.get_parameter": lambda: ssm.get_parameter(Name=own),
    }


def answer_orders(session: boto3.Session) -> None:
    """Say that all is ready, and time what is ordered line by line."""
    calls = light_calls(session)
    _say({})
    for line in sys.stdin:
        taken = {}
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(int(line)):
                call()
            taken[name] = time.perf_counter() - start
        _say(taken)


def moto() -> None:
    """Moto alone in this process."""
    from moto import mock_aws

    os.environ.update(ANYBODY)
    with mock_aws():
        answer_orders(boto3.Session(region_name=REGION))


def moto_server() -> None:
    """Moto alone behind the same port, so that the door is all that differs."""
    from moto import mock_aws
    from moto.core.botocore_stubber import BotocoreStubber
    from moto.core.request import Request

    from simulator.agenda import Clock
    from simulator.clock import OffsetClock
    from simulator.owner import Owner
    from simulator.port import ControlError, Port
    from simulator.wire import Answer

    stubber, owner = BotocoreStubber(), Owner()

    class Alone:
        home_region = REGION
        clock: Clock = OffsetClock()

        def answer(self, request: Request) -> Future[Answer]:
            return owner.submit(lambda: self._answer(request))

        def control(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
            raise ControlError(404, f"moto alone has no {name}")

        def _answer(self, request: Request) -> Answer:
            status, headers, body = stubber.process_request(request)
            written = {str(name): str(value) for name, value in headers.items() if name != "status"}
            return Answer(int(status), written, body.encode() if isinstance(body, str) else bytes(body or b""))

    with mock_aws():
        port = Port(0)
        port.open(Alone())
        _say({"AWS_ENDPOINT_URL": port.endpoint, **ANYBODY})
        sys.stdin.read()
        port.close()


def door() -> None:
    """The local organisation in this process: a member account, with its recorder on."""
    with _organization() as (session, _):
        answer_orders(session)


def door_server() -> None:
    """The local organisation behind its port, as `palisade serve --bare` has it."""
    with _organization() as (session, endpoint):
        held = session.get_credentials()
        assert held is not None  # noqa: S101 - a session of keys
        keys = {"AWS_ACCESS_KEY_ID": held.access_key, "AWS_SECRET_ACCESS_KEY": held.secret_key}
        _say({"AWS_ENDPOINT_URL": endpoint, "AWS_SESSION_TOKEN": held.token or "", **keys})
        sys.stdin.read()


def client() -> None:
    """A client of one of the servers, by the environment alone."""
    answer_orders(boto3.Session(region_name=REGION))


@contextmanager
def _organization() -> Iterator[tuple[boto3.Session, str]]:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from operations import local_estate
    from operations.serve import Served
    from simulator.local import LocalOrganization
    from simulator.port import Port

    plan = local_estate.plan_of(1)
    with (
        LocalOrganization(plan, home_region=REGION, regions=(REGION,), real_time=True) as organization,
        TemporaryDirectory() as folder,
    ):
        local_estate.prepare(organization)
        organization.rates.suspend()
        port = Port(0)
        port.open(Served(organization, Path(folder) / "config"))
        try:
            yield organization.session(str(local_estate.FIRST_MEMBER), REGION), port.endpoint
        finally:
            port.close()


def _say(what: Mapping[str, object]) -> None:
    print(json.dumps(what), flush=True)


KINDS: Mapping[str, Callable[[], None]] = {
    "moto": moto,
    "moto-server": moto_server,
    "door": door,
    "door-server": door_server,
    "client": client,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]]()
