"""Links into the AWS console, for people who are signed in to the account that they lead to.

Source: the addresses of the consoles as the browser shows them; AWS General Reference, "Partitions" on their domains.
A partition whose console is not public has no links.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from lambdas.controls.model import ACCOUNT, Resource

CONSOLES: Mapping[str, str] = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
# Where the console of the service itself has a simple address; every other resource is shown by AWS Config.
PAGES: Mapping[str, str] = {
    "AWS::EC2::Instance": "ec2/home?region={region}#InstanceDetails:instanceId={id}",
    "AWS::EC2::SecurityGroup": "ec2/home?region={region}#SecurityGroup:groupId={id}",
    "AWS::ElasticLoadBalancing::LoadBalancer": "ec2/home?region={region}#LoadBalancers:search={id}",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "ec2/home?region={region}#LoadBalancer:loadBalancerArn={arn}",
    "AWS::EC2::Volume": "ec2/home?region={region}#VolumeDetails:volumeId={id}",
    "AWS::KMS::Key": "kms/home?region={region}#/kms/keys/{id}",
    "AWS::Lambda::Function": "lambda/home?region={region}#/functions/{id}",
    "AWS::S3::Bucket": "s3/buckets/{id}?region={region}",
}
CONFIG = "config/home?region={region}#/resources/details?resourceId={id}&resourceType={type}"


def of_resource(resource: Resource) -> str | None:
    """The page of a resource in its account; settings of an account have none, neither of their own nor in Config."""
    if resource.type == ACCOUNT:
        return None
    named = {"id": resource.id, "type": resource.type, "arn": resource.arn}
    values = {"region": resource.region, **{name: quote(value, safe="") for name, value in named.items()}}
    return _link(resource.partition, resource.region, PAGES.get(resource.type, CONFIG).format(**values))


def of_finding(partition: str, region: str, identifier: str) -> str | None:
    """The page of a finding in Security Hub of a Region: its search takes filters that are encoded twice."""
    value = quote(quote(identifier, safe=""), safe="")
    search = f"Id%3D%255Coperator%255C%253AEQUALS%255C%253A{value}"
    return _link(partition, region, f"securityhub/home?region={region}#/findings?search={search}")


def _link(partition: str, region: str, page: str) -> str | None:
    domain = CONSOLES.get(partition)
    return None if domain is None else f"https://{region}.{domain}/{page}"
