"""The finding types of GuardDuty that are simulated, and its findings in Security Hub's format.

A row is one type: as Security Hub names it, its default severity, and what it says. Source: GuardDuty User Guide,
"GuardDuty IAM finding types", "GuardDuty EC2 finding types", "Integrating with AWS Security Hub"; Security Hub User
Guide, "Resources", `AwsIamAccessKey` and `AwsEc2Instance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEVERITIES = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (1.0, "LOW"))


@dataclass(frozen=True, slots=True)
class Type:
    """One finding type; `resource` is GuardDuty's `resourceType`."""

    asff: str
    severity: float
    resource: str
    title: str


def _key(asff: str, severity: float, title: str) -> Type:
    return Type(asff, severity, "AccessKey", title)


def _instance(asff: str, severity: float, title: str) -> Type:
    return Type(asff, severity, "Instance", title)


TYPES: Mapping[str, Type] = {
    "CredentialAccess:IAMUser/AnomalousBehavior": _key(
        "TTPs/Credential Access/IAMUser-AnomalousBehavior",
        5.0,
        "The user {name} is anomalously invoking APIs commonly used in CredentialAccess tactics.",
    ),
    "Exfiltration:IAMUser/AnomalousBehavior": _key(
        "TTPs/Exfiltration/IAMUser-AnomalousBehavior",
        8.0,
        "The user {name} is anomalously invoking APIs commonly used in Exfiltration tactics.",
    ),
    "Impact:IAMUser/AnomalousBehavior": _key(
        "TTPs/Impact/IAMUser-AnomalousBehavior",
        8.0,
        "The user {name} is anomalously invoking APIs commonly used in Impact tactics.",
    ),
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS": _key(
        "Effects/Data Exfiltration/UnauthorizedAccess:IAMUser-InstanceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for the EC2 instance role {name} were used from an external IP address.",
    ),
    "UnauthorizedAccess:IAMUser/MaliciousIPCaller": _key(
        "TTPs/UnauthorizedAccess:IAMUser-MaliciousIPCaller",
        5.0,
        "APIs were invoked from a known malicious IP address by the user {name}.",
    ),
    "Backdoor:EC2/C&CActivity.B!DNS": _instance(
        "TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS",
        8.0,
        "The EC2 instance {name} is querying a command and control server domain name.",
    ),
    "CryptoCurrency:EC2/BitcoinTool.B!DNS": _instance(
        "TTPs/Command and Control/CryptoCurrency:EC2-BitcoinTool.B!DNS",
        8.0,
        "The EC2 instance {name} is querying a domain name associated with Bitcoin-related activity.",
    ),
    "Recon:EC2/PortProbeUnprotectedPort": _instance(
        "TTPs/Discovery/Recon:EC2-PortProbeUnprotectedPort",
        2.0,
        "Unprotected port on EC2 instance {name} is being probed.",
    ),
}


def subject(resource: Mapping[str, Any]) -> str:
    """The name of what a finding is about: the principal's, or the instance's id."""
    if resource["ResourceType"] == "AccessKey":
        return str(resource["AccessKeyDetails"]["UserName"])
    return str(resource["InstanceDetails"]["InstanceId"])


def finding_format(finding: Mapping[str, Any], detector: str) -> dict[str, Any]:
    """A finding as the integration sends it to Security Hub; `detector` is its detector's ARN."""
    service, kind, region = finding["Service"], TYPES[finding["Type"]], finding["Region"]
    label = next(label for least, label in SEVERITIES if finding["Severity"] >= least)
    console = f"https://{region}.console.aws.amazon.com/guardduty/home?region={region}"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding["Arn"],
        "ProductArn": f"arn:{finding['Partition']}:securityhub:{region}::product/aws/guardduty",
        "GeneratorId": detector,
        "AwsAccountId": finding["AccountId"],
        "Types": [kind.asff],
        "FirstObservedAt": service["EventFirstSeen"],
        "LastObservedAt": service["EventLastSeen"],
        "CreatedAt": finding["CreatedAt"],
        "UpdatedAt": finding["UpdatedAt"],
        "Severity": {"Product": finding["Severity"], "Label": label},
        "Title": finding["Title"],
        "Description": finding["Description"],
        "SourceUrl": f"{console}#/findings?macros=current&fId={finding['Id']}",
        "ProductFields": {
            "aws/guardduty/service/serviceName": service["ServiceName"],
            "aws/guardduty/service/detectorId": service["DetectorId"],
            "aws/guardduty/service/resourceRole": service["ResourceRole"],
            "aws/guardduty/service/count": str(service["Count"]),
            "aws/guardduty/service/archived": str(service["Archived"]).lower(),
        },
        "Resources": [{**_resource(finding), "Partition": finding["Partition"], "Region": region}],
        "RecordState": "ARCHIVED" if service["Archived"] else "ACTIVE",
    }


def _resource(finding: Mapping[str, Any]) -> dict[str, Any]:
    resource = finding["Resource"]
    if resource["ResourceType"] == "AccessKey":
        key = resource["AccessKeyDetails"]
        return {
            "Type": "AwsIamAccessKey",
            "Id": f"AWS::IAM::AccessKey:{key['AccessKeyId']}",
            "Details": {
                "AwsIamAccessKey": {
                    "PrincipalId": key["PrincipalId"],
                    "PrincipalName": key["UserName"],
                    "PrincipalType": key["UserType"],
                }
            },
        }
    instance = resource["InstanceDetails"]
    place = f"{finding['Region']}:{finding['AccountId']}"
    return {
        "Type": "AwsEc2Instance",
        "Id": f"arn:{finding['Partition']}:ec2:{place}:instance/{instance['InstanceId']}",
        "Details": {"AwsEc2Instance": {"Type": instance["InstanceType"], "ImageId": instance["ImageId"]}},
    }


def sample_resource(kind: Type) -> dict[str, Any]:
    """What the sample findings of a type are about: nothing that is there."""
    if kind.resource == "AccessKey":
        details = {
            "AccessKeyId": "GeneratedFindingAccessKeyId",
            "PrincipalId": "GeneratedFindingPrincipalId",
            "UserName": "GeneratedFindingUserName",
            "UserType": "IAMUser",
        }
        return {"ResourceType": kind.resource, "AccessKeyDetails": details}
    instance = {"InstanceId": "i-99999999", "InstanceType": "m3.xlarge", "ImageId": "ami-99999999"}
    return {"ResourceType": kind.resource, "InstanceDetails": instance}
