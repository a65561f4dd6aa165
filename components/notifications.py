"""The topic of outcome messages and alarms."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.estate import Estate
from components.hub_policies import topic_policy


class Notifications(pulumi.ComponentResource):
    """One encrypted topic in the home Region; every address confirms its subscription by mail."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        key: pulumi.Input[str],
        addresses: Sequence[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:Notifications", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            name,
            name=estate.names.topic,
            display_name="Palisade",
            kms_master_key_id=key,
            region=estate.home_region,
            tags=dict(estate.tags),
            opts=child,
        )
        aws.sns.TopicPolicy(name, arn=topic.arn, policy=topic_policy(estate), region=estate.home_region, opts=child)
        for address in addresses:
            aws.sns.TopicSubscription(
                f"{name}-{address}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                region=estate.home_region,
                opts=child,
            )
        self.arn = topic.arn
        self.register_outputs({})
