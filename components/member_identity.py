"""The roles of one member account: detection, reader, and, where a control may act, writer under a boundary."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.documents import service_trust
from components.estate import Estate
from components.member_policies import (
    Member,
    boundary_policy,
    detect_policy,
    member_trust,
    reader_policy,
    writer_policy,
)
from lambdas.controls.model import Control

# Source: IAM and AWS STS quotas: the inline policies of a role together.
INLINE_LIMIT = 10240


class MemberIdentity(pulumi.ComponentResource):
    """The IAM part of a member. An account whose controls only tell has no writer role at all."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        member: Member,
        *,
        catalog: Sequence[Control],
        deployment_role: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:MemberIdentity", name, None, opts)
        self._estate = estate
        names = estate.names
        hub_trust = member_trust(estate, [names.remediation_role])
        self.detect, self.detect_policy = self._role(
            f"{name}-detect",
            names.detect_role,
            "Palisade: judges this account's resources.",
            service_trust("lambda", member.account),
            detect_policy(estate, member),
        )
        self._role(
            f"{name}-reader",
            names.reader_role,
            "Palisade: lets the hub read what it plans for.",
            hub_trust,
            reader_policy(estate, member),
        )
        if member.acting:
            boundary = aws.iam.Policy(
                f"{name}-boundary",
                name=names.boundary,
                description="Palisade: what its writer can never do.",
                policy=boundary_policy(estate, member.account, catalog, deployment_role),
                tags=dict(estate.tags),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self._role(
                f"{name}-writer",
                names.writer_role,
                "Palisade: lets the central remediation role change what the modes of this account allow.",
                hub_trust,
                writer_policy(estate, member),
                boundary=boundary.arn,
            )
        self.register_outputs({})

    def _role(
        self,
        name: str,
        physical: str,
        description: str,
        trust: str,
        policy: str,
        boundary: pulumi.Input[str] | None = None,
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        if len(policy) > INLINE_LIMIT:
            raise ValueError(f"the policy of {physical} has {len(policy)} characters; a role takes {INLINE_LIMIT}")
        role = aws.iam.Role(
            name,
            name=physical,
            description=description,
            assume_role_policy=trust,
            permissions_boundary=boundary,
            max_session_duration=3600,
            tags=dict(self._estate.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        attached = aws.iam.RolePolicy(
            name,
            name=physical.removeprefix(f"{self._estate.names.prefix}-"),
            role=role.name,
            policy=policy,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, attached
