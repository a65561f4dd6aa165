"""What a bucket's default encryption, its policy and its key's policy mean: pure decisions.

Source: Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys", "Enabling Amazon S3 server
access logging"; Elastic Load Balancing, "Enable access logs for your Application Load Balancer"; AWS KMS
Developer Guide, "Key policies".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lambdas.services import kms_keys

SSE_S3 = "AES256"
SSE_KMS = "aws:kms"
DSSE_KMS = "aws:kms:dsse"
NAMES = {SSE_S3: "SSE-S3", SSE_KMS: "SSE-KMS", DSSE_KMS: "DSSE-KMS"}
LOG_GROUP = "http://acs.amazonaws.com/groups/s3/LogDelivery"
# What a user of the bucket needs of its key, by what they may do with objects.
USES = {"s3:PutObject": "kms:GenerateDataKey", "s3:GetObject": "kms:Decrypt"}
LOG_SERVICES = {
    "logging.s3.amazonaws.com": "server access logs",
    "logdelivery.elasticloadbalancing.amazonaws.com": "application load balancer logs",
    "logdelivery.elb.amazonaws.com": "application load balancer logs",
}
# The accounts that load balancers write from where AWS opened the Region before August 2022.
LOAD_BALANCER_ACCOUNTS = {
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ap-southeast-3": "589379963580",
    "ca-central-1": "985666609251",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
}


def default(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The algorithm and the key that S3 uses where a request names none."""
    rule: Mapping[str, Any] = settings["Encryption"]["Rules"][0]
    found: Mapping[str, Any] = rule["ApplyServerSideEncryptionByDefault"]
    return found


def by_customer_key(settings: Mapping[str, Any]) -> bool:
    """Whether new objects are encrypted under a customer managed key that can be used."""
    key = settings["Key"]
    if key is None or default(settings)["SSEAlgorithm"] not in (SSE_KMS, DSSE_KMS):
        return False
    return kms_keys.fault(key, settings["Account"], settings["Region"]) is None


def in_use(settings: Mapping[str, Any]) -> str:
    """Name what encrypts new objects, for people; an AWS managed key by name."""
    rule = default(settings)
    algorithm = NAMES.get(rule["SSEAlgorithm"], rule["SSEAlgorithm"])
    key = settings["Key"]
    if key is None:
        return (
            f"{algorithm} with the AWS managed key aws/s3" if rule["SSEAlgorithm"] in (SSE_KMS, DSSE_KMS) else algorithm
        )
    fault = kms_keys.fault(key, settings["Account"], settings["Region"])
    if fault == "is managed by AWS":
        return f"{algorithm} with the AWS managed key {key['Name']}"
    return f"{algorithm} with key {key['Name']}{f', which {fault}' if fault else ''}"


def logs_received(settings: Mapping[str, Any]) -> str | None:
    """Name the logs that AWS delivers here and can deliver under SSE-S3 only, or None.

    Network load balancers deliver through delivery.logs.amazonaws.com, which can use a customer managed key.
    """
    if settings["LogDeliveryByAcl"]:
        return "server access logs"
    load_balancers = LOAD_BALANCER_ACCOUNTS.get(settings["Region"])
    for kind, principal in granted(settings["Policy"], "s3:PutObject"):
        if kind == "Service" and principal in LOG_SERVICES:
            return LOG_SERVICES[principal]
        if kind == "AWS" and load_balancers is not None and account_of(principal) == load_balancers:
            return "application load balancer logs"
    return None


def cut_off(policy: Mapping[str, Any] | None, key_policy: Mapping[str, Any] | None, account: str) -> list[str]:
    """Name whom the bucket's policy lets write or read and the key's policy does not let use the key.

    Conditions and denials are not weighed. Without a key policy to see, nobody is known to be let in.
    """
    found = []
    for action, needed in USES.items():
        admitted = set(granted(key_policy, needed))
        if not any(_is_root(kind, principal) and account_of(principal) == account for kind, principal in admitted):
            found.append(f"principals of the account, whose IAM policies cannot give them {needed}")
        for kind, principal in sorted(set(granted(policy, action))):
            if not _admits(admitted, kind, principal):
                found.append(f"{'everyone' if principal == '*' else principal} ({action} without {needed})")
    return found


def granted(policy: Mapping[str, Any] | None, action: str) -> Iterator[tuple[str, str]]:
    """The principals, each with its kind, that the Allow statements of a resource policy name for an action."""
    for statement in _listed((policy or {}).get("Statement")):
        if statement["Effect"] != "Allow" or not _covers(statement, action):
            continue
        principals = statement.get("Principal", {})
        named = {"AWS": "*"} if principals == "*" else principals
        for kind, values in named.items():
            for value in _listed(values):
                yield kind, value


def account_of(principal: str) -> str:
    """The account of an IAM principal: of its ARN, or the principal where it is an account's id."""
    parts = principal.split(":")
    return parts[4] if len(parts) > 5 else principal


def _covers(statement: Mapping[str, Any], action: str) -> bool:
    patterns = _listed(statement.get("Action", statement.get("NotAction")))
    matched = any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
    return matched is ("Action" in statement)


def _admits(admitted: set[tuple[str, str]], kind: str, principal: str) -> bool:
    if (kind, principal) in admitted or ("AWS", "*") in admitted:
        return True
    roots = {account_of(one) for theirs, one in admitted if _is_root(theirs, one)}
    return kind == "AWS" and account_of(principal) in roots


def _is_root(kind: str, principal: str) -> bool:
    """Whether a principal is a whole account, so that its own policies may pass the permission on."""
    return kind == "AWS" and (principal == "*" or principal.endswith(":root") or principal.isdigit())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
