"""The roles of one member account: detection, reader, and, where a control may act, writer under a boundary."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.documents import INLINE_LIMIT, MANAGED_LIMIT, Statement, divided, document, service_trust
from components.estate import Estate
from components.known import known
from components.member_policies import (
    Member,
    boundary_policy,
    detect_statements,
    member_trust,
    reader_statements,
    writer_statements,
)
from lambdas.controls.model import Control

# Source: IAM and AWS STS quotas: managed policies attached to a role.
ATTACHED_LIMIT = 10


class MemberIdentity(pulumi.ComponentResource):
    """The IAM part of a member. An account whose controls only tell has no writer role at all.

    `ready` is what the roles can do nothing without. `assessment_role` is the hub's role that people run
    `palisade assess` by.
    """

    def __init__(
        self,
        name: str,
        estate: Estate,
        member: Member,
        *,
        catalog: Sequence[Control],
        deployment_role: str,
        assessment_role: str | None = None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:MemberIdentity", name, None, opts)
        self._estate, self._account = estate, member.account
        names = estate.names
        self.ready: list[pulumi.Resource] = []
        self.detect = self._role(
            f"{name}-detect",
            names.detect_role,
            "Palisade: judges this account's resources.",
            service_trust("lambda", member.account),
            detect_statements(estate, member),
        )
        self._role(
            f"{name}-reader",
            names.reader_role,
            "Palisade: lets the hub read what it plans for.",
            member_trust(estate, filter(None, [names.remediation_role, assessment_role]), identified=False),
            reader_statements(estate, member),
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
                member_trust(estate, [names.remediation_role], identified=True),
                writer_statements(estate, member),
                boundary=known(boundary, self._policy_arn(names.boundary)),
            )
        self.register_outputs({})

    def _role(
        self,
        name: str,
        physical: str,
        description: str,
        trust: str,
        statements: list[Statement],
        boundary: pulumi.Input[str] | None = None,
    ) -> aws.iam.Role:
        """Make a role; what its inline policy does not hold goes into managed ones."""
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
        inline, *more = divided(statements, INLINE_LIMIT, MANAGED_LIMIT)
        if len(more) > ATTACHED_LIMIT:
            raise ValueError(f"{physical} would need {len(more)} managed policies; a role takes {ATTACHED_LIMIT}")
        # IAM refuses a policy without statements: an account whose controls are all off has nothing to read.
        if inline:
            self.ready.append(
                aws.iam.RolePolicy(
                    name,
                    name=physical.removeprefix(f"{self._estate.names.prefix}-"),
                    role=known(role, physical),
                    policy=document(*inline),
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        for number, part in enumerate(more, 2):
            policy = aws.iam.Policy(
                f"{name}-{number}",
                name=f"{physical}-{number}",
                description=description,
                policy=document(*part),
                tags=dict(self._estate.tags),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.ready.append(
                aws.iam.RolePolicyAttachment(
                    f"{name}-{number}",
                    role=known(role, physical),
                    policy_arn=known(policy, self._policy_arn(f"{physical}-{number}")),
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        return role

    def _policy_arn(self, name: str) -> str:
        return self._estate.arn("iam", f"policy/{name}", account=self._account)
