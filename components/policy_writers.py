"""One role of the hub per environment: its deployer writes that environment's policy items, no other's."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from components.deployment_policies import organization_reads
from components.documents import document
from components.estate import Estate
from components.hub_policies import pipeline_trust, policy_writer_policy


class PolicyWriters(pulumi.ComponentResource):
    """The roles by which member stacks reach the hub. `pipelines` maps environments to their pipeline's role."""

    def __init__(
        self, name: str, estate: Estate, *, pipelines: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("palisade:index:PolicyWriters", name, None, opts)
        self.policies: list[aws.iam.RolePolicy] = []
        for environment, pipeline in pipelines.items():
            role = aws.iam.Role(
                f"{name}-{environment}",
                name=estate.names.policy_role(environment),
                description=f"Palisade: writes the account policies of {environment}.",
                assume_role_policy=pipeline_trust(estate, pipeline),
                max_session_duration=3600,
                tags=dict(estate.tags),
                opts=pulumi.ResourceOptions(parent=self),
            )
            writes = aws.iam.RolePolicy(
                f"{name}-{environment}",
                name="policies",
                role=role.name,
                policy=policy_writer_policy(estate, environment),
                opts=pulumi.ResourceOptions(parent=self),
            )
            # A member stack finds its targets here: the hub is a delegated administrator.
            reads = aws.iam.RolePolicy(
                f"{name}-{environment}-organization",
                name="organization",
                role=role.name,
                policy=document(*organization_reads(estate)),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.policies += [writes, reads]
        self.register_outputs({})
