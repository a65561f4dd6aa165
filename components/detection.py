"""Detection in one Region of a member: Config rules, events, the schedule, and the detect function."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.archive import Archive
from components.estate import Estate
from components.event_policies import queue_policy
from components.function import ArchivedFunction
from components.known import known
from components.member_identity import MemberIdentity
from lambdas.controls.model import Control, CustomRule, ManagedRule, ProductFindings, Scope, SecurityHubControl

TIMEOUT = 900
TWO_WEEKS = 14 * 24 * 3600
RECONCILE = "rate(6 hours)"
RECONCILE_INPUT = {"palisade": "reconcile"}
LIFECYCLE_INPUT = {"palisade": "lifecycle"}
# Source: AWS Config quotas and PutConfigRule: InputParameters of at most 1,024 characters.
RULE_PARAMETERS_LIMIT = 1024
CHANGES = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one account gets in each Region: the controls that have a rule there, with their parameters.

    `settings` is the key of the settings object of the detect function.
    """

    account: str
    controls: Sequence[Control]
    parameters: Mapping[str, Mapping[str, Any]]
    settings: str
    archive: Archive


class Detection(pulumi.ComponentResource):
    """Everything that detects in one account and Region."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        region: str,
        stamp: Stamp,
        identity: MemberIdentity,
        *,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:Detection", name, None, opts)
        self._name, self._estate, self._region, self._account = name, estate, region, stamp.account
        names, tags = estate.names, dict(estate.tags)
        child = pulumi.ResourceOptions(parent=self)
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dlq",
            name=names.detect_dead_letters,
            message_retention_seconds=TWO_WEEKS,
            sqs_managed_sse_enabled=True,
            region=region,
            tags=tags,
            opts=child,
        )
        aws.sqs.QueuePolicy(
            f"{name}-dlq",
            queue_url=known(self.dead_letters, estate.queue_url(names.detect_dead_letters, region, stamp.account)),
            policy=queue_policy(
                estate,
                stamp.account,
                region,
                names.detect_dead_letters,
                names.compliance_rule,
                names.reconcile_rule,
            ),
            region=region,
            opts=child,
        )
        self.function = ArchivedFunction(
            f"{name}-function",
            estate,
            region,
            function=names.detect_function,
            handler="lambdas.detect.handler",
            role=known(identity.detect, estate.role(stamp.account, names.detect_role)),
            archive=stamp.archive,
            settings=stamp.settings,
            timeout=TIMEOUT,
            memory=512,
            after=[*identity.ready, *after],
            opts=child,
        ).function
        self._function_name = known(self.function, names.detect_function)
        self._function_arn = known(self.function, self._arn("lambda", f"function:{names.detect_function}"))
        self._dead_letters_arn = known(self.dead_letters, self._arn("sqs", names.detect_dead_letters))
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-failures",
            function_name=self._function_name,
            maximum_retry_attempts=2,
            destination_config={"on_failure": {"destination": self._dead_letters_arn}},
            region=region,
            opts=child,
        )
        self._farewell = self._lifecycle(identity)
        self._route(
            names.compliance_rule,
            "Compliance changes of Palisade's Config rules.",
            pattern=json.dumps(
                {
                    "source": ["aws.config"],
                    "detail-type": ["Config Rules Compliance Change"],
                    "detail": {
                        "messageType": ["ComplianceChangeNotification"],
                        "configRuleName": [{"prefix": f"{names.prefix}-"}],
                    },
                },
                separators=(",", ":"),
            ),
        )
        self._route(names.reconcile_rule, "Finds what events missed.", schedule=RECONCILE, constant=RECONCILE_INPUT)
        # AWS Config names no rule that does not exist yet, so the account is the condition.
        config = self._permission("config", "config", source_account=stamp.account)
        for control in stamp.controls:
            if control.scope is Scope.REGIONAL or region == estate.home_region:
                self._rule(control, stamp.parameters.get(control.id, {}), config)
        self.register_outputs({})

    def _arn(self, service: str, resource: str) -> str:
        return self._estate.arn(service, resource, region=self._region, account=self._account)

    def _lifecycle(self, identity: MemberIdentity) -> aws.lambda_.Invocation:
        """Have the function archive the account's own findings before it goes.

        What imports findings depends on this, so it goes first. The name is the plain one: were it an output
        of the function, a replaced function would replace this too, and archive.
        """
        return aws.lambda_.Invocation(
            f"{self._name}-lifecycle",
            function_name=self._estate.names.detect_function,
            input=json.dumps(LIFECYCLE_INPUT),
            lifecycle_scope="CRUD",
            region=self._region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.function, *identity.ready]),
        )

    def _permission(
        self,
        name: str,
        service: str,
        *,
        source_arn: pulumi.Input[str] | None = None,
        source_account: str | None = None,
    ) -> aws.lambda_.Permission:
        return aws.lambda_.Permission(
            f"{self._name}-{name}",
            statement_id=name,
            action="lambda:InvokeFunction",
            function=self._function_name,
            principal=f"{service}.amazonaws.com",
            source_arn=source_arn,
            source_account=source_account,
            region=self._region,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _route(
        self,
        physical: str,
        description: str,
        *,
        pattern: str | None = None,
        schedule: str | None = None,
        constant: dict[str, str] | None = None,
    ) -> None:
        kind = physical.removeprefix(f"{self._estate.names.prefix}-")
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-{kind}",
            name=physical,
            description=description,
            event_pattern=pattern,
            schedule_expression=schedule,
            region=self._region,
            tags=dict(self._estate.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._farewell]),
        )
        allowed = self._permission(kind, "events", source_arn=known(rule, self._arn("events", f"rule/{physical}")))
        aws.cloudwatch.EventTarget(
            f"{self._name}-{kind}",
            rule=known(rule, physical),
            target_id="detect",
            arn=self._function_arn,
            input=json.dumps(constant) if constant else None,
            dead_letter_config={"arn": self._dead_letters_arn},
            region=self._region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )

    def _rule(self, control: Control, given: Mapping[str, Any], config: aws.lambda_.Permission) -> None:
        detection = control.detection
        if isinstance(detection, ProductFindings | SecurityHubControl):
            return
        by_change = isinstance(detection, CustomRule) and detection.on_change
        aws.cfg.Rule(
            f"{self._name}-{control.slug}",
            name=self._estate.names.config_rule(control.slug),
            description=f"{control.id} {control.title}"[:256],
            source=aws.cfg.RuleSourceArgs(owner="AWS", source_identifier=detection.identifier)
            if isinstance(detection, ManagedRule)
            else aws.cfg.RuleSourceArgs(
                owner="CUSTOM_LAMBDA", source_identifier=self._function_arn, source_details=_triggers(detection)
            ),
            input_parameters=_rule_parameters(control, detection, given, self._region)
            if isinstance(detection, ManagedRule)
            else None,
            scope=aws.cfg.RuleScopeArgs(compliance_resource_types=[control.resource_type]) if by_change else None,
            region=self._region,
            tags=dict(self._estate.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config]),
        )


def _rule_parameters(control: Control, rule: ManagedRule, given: Mapping[str, Any], region: str) -> str | None:
    """The parameters of a managed rule, under its own names, from those in force in the Region."""
    ours = control.resolve(given, region)
    parameters = {theirs: _text(ours[name]) for theirs, name in rule.parameters.items() if ours[name] is not None}
    text = json.dumps(parameters, sort_keys=True)
    if len(text) > RULE_PARAMETERS_LIMIT:
        raise ValueError(f"{control.id}: the parameters of its Config rule exceed {RULE_PARAMETERS_LIMIT} characters")
    return text if parameters else None


def _triggers(detection: CustomRule) -> list[aws.cfg.RuleSourceSourceDetailArgs]:
    details = [
        aws.cfg.RuleSourceSourceDetailArgs(event_source="aws.config", message_type=change)
        for change in CHANGES
        if detection.on_change
    ]
    if detection.schedule is not None:
        details.append(
            aws.cfg.RuleSourceSourceDetailArgs(
                event_source="aws.config",
                message_type="ScheduledNotification",
                maximum_execution_frequency=detection.schedule.value,
            )
        )
    return details


def _text(value: object) -> str:
    return ",".join(str(one) for one in value) if isinstance(value, (list, tuple)) else str(value)
