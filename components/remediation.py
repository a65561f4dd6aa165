"""The hub's road from a finding to its remediation: rules, queue, function, and the central role."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import pulumi
import pulumi_aws as aws

from components.archive import Archive
from components.documents import service_trust
from components.estate import Estate
from components.event_patterns import finding_patterns
from components.event_policies import queue_policy
from components.function import ArchivedFunction
from components.hub_policies import remediation_policy
from lambdas.controls.model import Control

TIMEOUT = 300
BATCH = 10
CONCURRENCY = 10
DELIVERIES = 5
TWO_WEEKS = 14 * 24 * 3600


class CentralRole(pulumi.ComponentResource):
    """The central remediation role: the only one that the members' writers admit."""

    def __init__(self, name: str, estate: Estate, *, opts: pulumi.ResourceOptions) -> None:
        super().__init__("palisade:index:CentralRole", name, None, opts)
        role = aws.iam.Role(
            name,
            name=estate.names.remediation_role,
            description="Palisade: the one role that enters member accounts to remediate.",
            assume_role_policy=service_trust("lambda", estate.hub),
            tags=dict(estate.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = aws.iam.RolePolicy(
            name,
            name="remediation",
            role=role.name,
            policy=remediation_policy(estate),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = role.arn
        self.register_outputs({})


class RemediationRoad(pulumi.ComponentResource):
    """EventBridge rules generated from the catalog, the queue with its dead letters, and the function."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        catalog: Iterable[Control],
        role: CentralRole,
        archive: Archive,
        settings: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:RemediationRoad", name, None, opts)
        self._estate = estate
        names, home, tags = estate.names, estate.home_region, dict(estate.tags)
        child = pulumi.ResourceOptions(parent=self)
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dlq",
            name=names.findings_dead_letters,
            message_retention_seconds=TWO_WEEKS,
            sqs_managed_sse_enabled=True,
            region=home,
            tags=tags,
            opts=child,
        )
        self.queue = aws.sqs.Queue(
            f"{name}-queue",
            name=names.findings_queue,
            # AWS asks for six times the function's timeout at least.
            visibility_timeout_seconds=6 * TIMEOUT,
            message_retention_seconds=TWO_WEEKS,
            sqs_managed_sse_enabled=True,
            redrive_policy=self.dead_letters.arn.apply(
                lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": DELIVERIES})
            ),
            region=home,
            tags=tags,
            opts=child,
        )
        fills = (f"{names.prefix}-findings-*", names.actions_rule)
        for queue, physical, rules in (
            (self.queue, names.findings_queue, fills),
            (self.dead_letters, names.findings_dead_letters, (*fills, names.sweep_function)),
        ):
            aws.sqs.QueuePolicy(
                f"{name}-{physical.removeprefix(names.prefix + '-')}",
                queue_url=queue.url,
                policy=queue_policy(estate, estate.hub, home, physical, *rules),
                region=home,
                opts=child,
            )
        self.function = ArchivedFunction(
            f"{name}-function",
            estate,
            home,
            function=names.remediate_function,
            handler="lambdas.remediate.handler",
            role=role.arn,
            archive=archive,
            settings=settings,
            timeout=TIMEOUT,
            memory=512,
            after=[role.policy, *after],
            opts=child,
        )
        aws.lambda_.EventSourceMapping(
            f"{name}-source",
            event_source_arn=self.queue.arn,
            function_name=self.function.arn,
            batch_size=BATCH,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": CONCURRENCY},
            region=home,
            tags=tags,
            opts=child,
        )
        patterns = finding_patterns(catalog)
        for number, pattern in enumerate(patterns, 1):
            self._rule(name, number, pattern)
        self.rules = len(patterns)
        self.register_outputs({})

    def _rule(self, name: str, number: int, pattern: str) -> None:
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule-{number}",
            name=self._estate.names.findings_rule(number),
            description="Findings of the Palisade catalog that are new and fail.",
            event_pattern=pattern,
            region=self._estate.home_region,
            tags=dict(self._estate.tags),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target-{number}",
            rule=rule.name,
            target_id="queue",
            arn=self.queue.arn,
            dead_letter_config={"arn": self.dead_letters.arn},
            region=self._estate.home_region,
            opts=child,
        )
