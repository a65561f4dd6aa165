"""Findings of other products on resources of a case: AWS has no API that makes them, so the local organisation is told.

Whoever builds a case has a session alone; the organisation is the one that the session's clients enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from boto3 import Session

from lambdas.controls.model import Place
from simulator.local import opened
from simulator.services.guardduty import GuardDuty
from simulator.services.inspector import Inspector
from simulator.services.macie import Macie
from simulator.services.ssm import SystemsManager
from simulator.services.ssm_hosts import Host


def guardduty_finds(
    session: Session, place: Place, kind: str, resource: Mapping[str, Any], severity: float | None = None
) -> str:
    """Let GuardDuty, switched on where it is not, find something about a resource; returns the finding's id."""
    client = session.client("guardduty")
    if not client.list_detectors()["DetectorIds"]:
        client.create_detector(Enable=True)
    organization = opened()
    service = organization.world.service(GuardDuty)
    return organization.do(partial(service.detect, place.account, place.region, kind, resource, severity))


def access_key(principal_id: str, name: str, kind: str, key: str = "AKIAIOSFODNN7EXAMPLE") -> dict[str, Any]:
    """A principal as GuardDuty shows it in a finding; `kind` is its user type."""
    details = {"AccessKeyId": key, "PrincipalId": principal_id, "UserName": name, "UserType": kind}
    return {"ResourceType": "AccessKey", "AccessKeyDetails": details}


def instance(identifier: str) -> dict[str, Any]:
    """An instance as GuardDuty shows it in a finding."""
    details = {"InstanceId": identifier, "InstanceType": "t3.micro", "ImageId": "ami-0123456789abcdef0"}
    return {"ResourceType": "Instance", "InstanceDetails": details}


def macie_on(session: Session) -> None:
    """Switch Macie on where it is not, and let it tell Security Hub of sensitive data."""
    client = session.client("macie2")
    try:
        client.get_macie_session()
    except client.exceptions.ResourceNotFoundException:
        client.enable_macie()
    hub: Any = {"publishClassificationFindings": True, "publishPolicyFindings": True}
    client.put_findings_publication_configuration(securityHubConfiguration=hub)


def macie_finds(session: Session, place: Place, bucket: str, kind: str) -> str:
    """Let Macie, switched on where it is not, find sensitive data in an object; returns the finding's id."""
    macie_on(session)
    organization = opened()
    service = organization.world.service(Macie)
    return organization.do(partial(service.discover, place.account, place.region, bucket, "people.csv", kind))


def inspector_on(session: Session) -> None:
    """Let Inspector scan instances."""
    account = session.client("sts").get_caller_identity()["Account"]
    session.client("inspector2").enable(accountIds=[account], resourceTypes=["EC2"])


def managed(session: Session, place: Place, instance: str, host: Host) -> None:
    """Let Systems Manager manage an instance, as its agent does; Inspector scans what it has installed."""
    inspector_on(session)
    organization = opened()
    service = organization.world.service(SystemsManager)
    organization.do(partial(service.manage, place.account, place.region, instance, host))


def inspector_finds(
    session: Session, place: Place, instance: str, cve: str, package: Mapping[str, str], severity: str = "HIGH"
) -> str:
    """Let Inspector, which scans from now on, find a package of an instance vulnerable; returns the finding's ARN."""
    inspector_on(session)
    organization = opened()
    service = organization.world.service(Inspector)
    return organization.do(partial(service.find, place.account, place.region, instance, cve, package, severity))
