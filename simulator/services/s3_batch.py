"""S3 Batch Operations: jobs that re-encrypt the objects of a bucket in place.

Source: Amazon S3 User Guide, "Managing S3 Batch Operations jobs", "Granting permissions for Batch Operations"
and "Update object encryption"; API reference, CreateJob and DescribeJob of Amazon S3 Control.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.call import Call, Caller, ServiceError, not_simulated
from simulator.service import Service
from simulator.services.s3 import existing_bucket

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.world import World

PRINCIPAL = "batchoperations.s3.amazonaws.com"
OPERATION = "S3UpdateObjectEncryption"
PREPARING, RUNNING = 30.0, 60.0  # seconds until the list is made, and until its objects are done
FILTERS = {"SSES3": "AES256", "SSEKMS": "aws:kms", "DSSEKMS": "aws:kms:dsse"}
# A job whose first 1,000 tasks fail for more than half ends as failed.
TOLERATED = 0.5
UNSUPPORTED = ("Manifest", "Tags")


@dataclass(slots=True)
class Job:
    """One job: as it was asked for, and how far it is."""

    id: str
    account: str
    region: str
    arn: str
    parameters: Mapping[str, Any]
    created: datetime
    status: str = "New"
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    ended: datetime | None = None
    reasons: list[dict[str, str]] = field(default_factory=list)

    def response(self) -> dict[str, Any]:
        """Return the job as DescribeJob shows it."""
        shown = ("Operation", "ManifestGenerator", "Description", "Priority", "RoleArn", "Report")
        described = {
            "JobId": self.id,
            "JobArn": self.arn,
            "ConfirmationRequired": False,
            "Status": self.status,
            "CreationTime": self.created,
            "ProgressSummary": {
                "TotalNumberOfTasks": self.total,
                "NumberOfTasksSucceeded": self.succeeded,
                "NumberOfTasksFailed": self.failed,
            },
            **{name: self.parameters[name] for name in shown if name in self.parameters},
        }
        if self.reasons:
            described["FailureReasons"] = self.reasons
        return {**described, "TerminationDate": self.ended} if self.ended else described


class S3Control(Service):
    """The jobs of S3 Control; the account's public access block is moto's."""

    name = "s3control"

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world)
        self._identities = identities
        self._jobs: dict[tuple[str, str, str], Job] = {}

    def owner(self, call: Call) -> str:
        """The account that the request names; S3 Control refuses another's."""
        named = str(call.parameters.get("AccountId") or call.caller.account)
        if named != call.caller.account:
            raise ServiceError("AccessDenied", "Access Denied", 403)
        return named

    def create_job(self, call: Call) -> dict[str, Any]:
        """Create a job, once per client token; it begins by itself."""
        parameters = call.parameters
        unsupported = [name for name in UNSUPPORTED if parameters.get(name)]
        operations = sorted(name for name, value in parameters["Operation"].items() if value is not None)
        if operations != [OPERATION] or unsupported or parameters.get("ConfirmationRequired", True):
            what = ", ".join([*operations, *unsupported])
            raise not_simulated(f"jobs of {what}", several=True)
        token = f"{call.account}:{call.region}:{parameters['ClientRequestToken']}"
        digest = hashlib.sha256(token.encode()).hexdigest()
        identifier = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
        known = self._jobs.get((call.account, call.region, identifier))
        if known is not None:
            if known.parameters != parameters:
                raise ServiceError("IdempotencyException", "The client token was used with other parameters")
            return {"JobId": identifier}
        job = Job(
            id=identifier,
            account=call.account,
            region=call.region,
            arn=f"arn:{call.partition}:s3:{call.region}:{call.account}:job/{identifier}",
            parameters=parameters,
            created=self.world.agenda.now(),
        )
        self._jobs[call.account, call.region, identifier] = job
        self.world.agenda.soon(partial(self._prepare, job), f"s3 job {identifier}", seconds=PREPARING)
        return {"JobId": identifier}

    def describe_job(self, call: Call) -> dict[str, Any]:
        """Describe a job."""
        job = self._jobs.get((call.account, call.region, call.parameters["JobId"]))
        if job is None:
            raise ServiceError("NoSuchJob", "The specified job does not exist", 404)
        return {"Job": job.response()}

    def _prepare(self, job: Job) -> None:
        """Make the list of objects, with the permissions of the job's role."""
        job.status = "Preparing"
        generator = job.parameters["ManifestGenerator"]["S3JobManifestGenerator"]
        name = generator["SourceBucket"].rsplit(":", 1)[-1]
        try:
            role = self._role(job)
            # S3 lists by an inventory of its own, for which it asks for this permission.
            listing = {"Bucket": name, "ExpectedBucketOwner": generator.get("ExpectedBucketOwner")}
            self._allowed(job, role, "PutBucketInventoryConfiguration", listing)
            bucket = existing_bucket(name)
        except ServiceError as error:
            self._end(job, "Failed", error)
            return
        wanted = _encryptions(generator.get("Filter") or {})
        keys = [
            (key.name, None if key.version_id == "null" else key.version_id)
            for key in _versions(bucket)
            if wanted is None or key.encryption in wanted
        ]
        job.total, job.status = len(keys), "Active"
        self.world.agenda.soon(partial(self._perform, job, name, keys), f"s3 job {job.id}", seconds=RUNNING)

    def _perform(self, job: Job, bucket: str, keys: list[tuple[str, str | None]]) -> None:
        target = job.parameters["Operation"][OPERATION]["ObjectEncryption"]
        for key, version in keys:
            asked: dict[str, Any] = {"Bucket": bucket, "Key": key, "ObjectEncryption": target}
            if version is not None:
                asked["VersionId"] = version
            try:
                self.world.call(self._role(job), "s3", "UpdateObjectEncryption", asked, region=job.region)
            except ServiceError as error:
                job.failed += 1
                job.reasons = [{"FailureCode": error.code, "FailureReason": error.message}]
            else:
                job.succeeded += 1
        failed = job.total > 0 and job.failed / job.total > TOLERATED
        self._end(job, "Failed" if failed else "Complete")

    def _role(self, job: Job) -> Caller:
        service = self.world.as_service(PRINCIPAL, account=job.account, arn=job.arn)
        asked = {"RoleArn": job.parameters["RoleArn"], "RoleSessionName": f"s3-batch-{job.id}"}
        answer = self.world.call(service, "sts", "AssumeRole", asked, region=job.region, account=job.account)
        return self._identities.caller(answer["Credentials"]["AccessKeyId"])

    def _allowed(self, job: Job, role: Caller, operation: str, parameters: dict[str, Any]) -> None:
        """Ask for a permission that S3 needs from the role without a call of its own."""
        self.world.door.authorize(
            Call("s3", operation, parameters, job.region, self.world.partition, "", role, request_id=job.id)
        )

    def _end(self, job: Job, status: str, error: ServiceError | None = None) -> None:
        job.status, job.ended = status, self.world.agenda.now()
        if error is not None:
            job.reasons = [{"FailureCode": error.code, "FailureReason": error.message}]


def _encryptions(wanted: Mapping[str, Any]) -> set[str] | None:
    """The encryptions that a filter admits; None where it does not filter by them."""
    named = wanted.get("MatchAnyObjectEncryption")
    if not named:
        return None
    return {FILTERS[kind] for one in named for kind, value in one.items() if value is not None and kind in FILTERS}


def _versions(bucket: Any) -> Iterator[Any]:
    """Every version of every object, by name; delete markers are no objects."""
    for _, versions in sorted(bucket.keys.lists()):
        for version in versions:
            if hasattr(version, "encryption"):
                yield version
