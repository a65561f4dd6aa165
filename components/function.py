"""A Lambda function of the archive, with its log group: what detect and remediate have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.archive import Archive
from components.code_store import function_key
from components.estate import Estate

RUNTIME = "python3.13"
# Source: AWS Lambda quotas, "Environment variables": 4 KB in all.
ENVIRONMENT_LIMIT = 4096


class ArchivedFunction(pulumi.ComponentResource):
    """One function: code by name from the Region's code bucket, settings by the hash of their content."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        region: str,
        *,
        function: str,
        handler: str,
        role: pulumi.Input[str],
        archive: Archive,
        settings: str,
        timeout: int,
        memory: int,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:ArchivedFunction", name, None, opts)
        tags = dict(estate.tags)
        logs = aws.cloudwatch.LogGroup(
            name,
            name=estate.names.log_group(function),
            retention_in_days=estate.log_retention_days,
            region=region,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.function = aws.lambda_.Function(
            name,
            name=function,
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=handler,
            role=role,
            s3_bucket=estate.code_bucket(region),
            s3_key=function_key(archive),
            timeout=timeout,
            memory_size=memory,
            environment={"variables": environment(estate, region, function, settings)},
            region=region,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs, *after]),
        )
        self.arn = self.function.arn
        self.register_outputs({})


def environment(estate: Estate, region: str, function: str, settings: str) -> Mapping[str, str]:
    """The environment of a function in a Region; `settings` is the key of its settings object."""
    variables = {
        "PALISADE_PREFIX": estate.names.prefix,
        "PALISADE_HUB_ACCOUNT": estate.hub,
        "PALISADE_HOME_REGION": estate.home_region,
        "PALISADE_SETTINGS_BUCKET": estate.code_bucket(region),
        "PALISADE_SETTINGS_KEY": settings,
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "Palisade",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    size = len(json.dumps(variables))
    if size > ENVIRONMENT_LIMIT:
        raise ValueError(f"the environment of {function} has {size} bytes; Lambda takes {ENVIRONMENT_LIMIT}")
    return variables
