"""What every component is told about the deployment: partition, accounts, Regions, names, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lambdas.names import Names

# Suffixes of the regional service principals and endpoints. Source: AWS General Reference, "Partitions".
DNS_SUFFIXES: Mapping[str, str] = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-eusc": "amazonaws.eu",
}


@dataclass(frozen=True, slots=True)
class Estate:
    """The organization that a stack deploys into; the same for each of its stacks."""

    partition: str
    organization: str
    management: str
    hub: str
    home_region: str
    regions: tuple[str, ...]
    names: Names
    tags: Mapping[str, str] = field(default_factory=dict)
    log_retention_days: int = 365

    def arn(self, service: str, resource: str, *, region: str = "", account: str = "") -> str:
        """Build an ARN of this partition."""
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    def role(self, account: str, name: str) -> str:
        """The ARN of a role."""
        return self.arn("iam", f"role/{name}", account=account)

    def endpoint(self, service: str, region: str) -> str:
        """The name of a service's endpoint in a Region: what kms:ViaService holds."""
        return f"{service}.{region}.{DNS_SUFFIXES[self.partition]}"

    def queue_url(self, name: str, region: str, account: str) -> str:
        """The URL of a queue as SQS answers it. Source: SQS Developer Guide, "Queue and message identifiers"."""
        return f"https://{self.endpoint('sqs', region)}/{account}/{name}"

    def code_bucket(self, region: str) -> str:
        """The name of the hub's bucket of code and settings in a Region."""
        return self.names.code_bucket(self.hub, region)

    @property
    def ledger_bucket(self) -> str:
        """The name of the bucket of the ledger's large entries."""
        return self.names.ledger_bucket(self.hub, self.home_region)

    def hub_queue(self, name: str) -> str:
        """The ARN of a queue of the hub."""
        return self.arn("sqs", name, region=self.home_region, account=self.hub)

    def hub_table(self, name: str) -> str:
        """The ARN of a table of the hub."""
        return self.arn("dynamodb", f"table/{name}", region=self.home_region, account=self.hub)

    @property
    def topic(self) -> str:
        """The ARN of the topic of outcome messages."""
        return self.arn("sns", self.names.topic, region=self.home_region, account=self.hub)
