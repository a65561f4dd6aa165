"""The hub's functions beside remediation: long plans step by step, the endpoint for people, the sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from components.archive import Archive
from components.documents import service_trust
from components.estate import Estate
from components.function import ArchivedFunction
from components.people_policies import endpoint_policy, steps_policy, sweep_policy

STEP_SECONDS = 300
# An execution has at most 25,000 events of history, and a turn takes eleven. The sweep starts the next execution.
# Source: Step Functions Developer Guide, "Quotas related to state machine executions".
TURNS = 2000
# The finding's custom actions: id (at most 20 letters and digits), name (20 characters), what it says in the console.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "PalisadeRemediate": ("Palisade remediate", "Request that Palisade remediates this; policy and guards decide"),
    "PalisadeUndo": ("Palisade undo", "Request that Palisade's last remediation is undone; an approver decides"),
    "PalisadeExempt": ("Palisade exempt", "Request an exemption; the platform team adds it to the settings"),
}


class HubRole(pulumi.ComponentResource):
    """A role of a service in the hub with one policy of its own."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        role: str,
        principal: str,
        text: str,
        policy: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:HubRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        made = aws.iam.Role(
            name,
            name=role,
            description=text,
            assume_role_policy=service_trust(principal, estate.hub),
            tags=dict(estate.tags),
            opts=child,
        )
        self.policy = aws.iam.RolePolicy(name, name="palisade", role=made.name, policy=policy, opts=child)
        self.arn = made.arn
        self.register_outputs({})


def _function(
    name: str,
    estate: Estate,
    function: str,
    handler: str,
    *,
    text: str,
    policy: str,
    archive: Archive,
    settings: str,
    timeout: int,
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> ArchivedFunction:
    """Make a small function of the hub in the home Region, with a role of its own that is named as it is."""
    role = HubRole(f"{name}-role", estate, role=function, principal="lambda", text=text, policy=policy, opts=opts)
    return ArchivedFunction(
        f"{name}-function",
        estate,
        estate.home_region,
        function=function,
        handler=handler,
        role=role.arn,
        archive=archive,
        settings=settings,
        timeout=timeout,
        memory=256,
        after=[role.policy, *after],
        opts=opts,
    )


class Steps(pulumi.ComponentResource):
    """One state machine for every long plan: it invokes the advance function until the remediation has its outcome."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        role: pulumi.Input[str],
        archive: Archive,
        settings: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:Steps", name, None, opts)
        names, home, child = estate.names, estate.home_region, pulumi.ResourceOptions(parent=self)
        function = ArchivedFunction(
            f"{name}-function",
            estate,
            home,
            function=names.advance_function,
            handler="lambdas.advance.handler",
            role=role,
            archive=archive,
            settings=settings,
            timeout=STEP_SECONDS,
            memory=512,
            after=after,
            opts=child,
        )
        runs = HubRole(
            f"{name}-role",
            estate,
            # The execution role of the function is the central one; this one only invokes it.
            role=f"{names.advance_machine}-machine",
            principal="states",
            text="Palisade: the state machine of long plans invokes their function.",
            policy=steps_policy(estate),
            opts=child,
        )
        self.machine = aws.sfn.StateMachine(
            name,
            name=names.advance_machine,
            role_arn=runs.arn,
            definition=function.arn.apply(lambda arn: steps_definition(estate.partition, arn)),
            type="STANDARD",
            region=home,
            tags=dict(estate.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[runs.policy]),
        )
        self.register_outputs({})


def steps_definition(partition: str, function: str) -> str:
    """The state machine: make a step, wait as long as it says, until it is done, or the history is nearly full.

    Errors of a step are tried again for some hours: the ledger holds how far it is. Then the execution fails, the
    alarm tells, and the sweep starts another. Source: Amazon States Language, "Errors"; Lambda's `States.ALL`.
    """
    step = {
        "Type": "Task",
        "Resource": f"arn:{partition}:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": function,
            "Payload": {"remediation.$": "$.remediation", "execution.$": "$$.Execution.Name"},
        },
        "ResultSelector": {"done.$": "$.Payload.done", "wait.$": "$.Payload.wait"},
        "ResultPath": "$.step",
        "Retry": [
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": 5,
                "BackoffRate": 2,
                "MaxDelaySeconds": 600,
                "MaxAttempts": 20,
            }
        ],
        "Next": "Done?",
    }
    states = {
        "Step": step,
        "Done?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.step.done", "BooleanEquals": True, "Next": "Ended"},
                {"Variable": "$.turns", "NumericGreaterThan": TURNS, "Next": "Ended"},
            ],
            "Default": "Wait",
        },
        "Wait": {"Type": "Wait", "SecondsPath": "$.step.wait", "Next": "Count"},
        "Count": {
            "Type": "Pass",
            "Parameters": {"remediation.$": "$.remediation", "turns.$": "States.MathAdd($.turns, 1)"},
            "Next": "Step",
        },
        "Ended": {"Type": "Succeed"},
    }
    return json.dumps({"Comment": "Drives the plans of Palisade that take time.", "StartAt": "Step", "States": states})


class Endpoint(pulumi.ComponentResource):
    """The function behind a URL with AWS_IAM: people of the hub account answer questions there, undo and stop."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        archive: Archive,
        settings: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:Endpoint", name, None, opts)
        names, home, child = estate.names, estate.home_region, pulumi.ResourceOptions(parent=self)
        function = _function(
            name,
            estate,
            names.approve_function,
            "lambdas.approve.handler",
            text="Palisade: writes what approvers answer.",
            policy=endpoint_policy(estate),
            archive=archive,
            settings=settings,
            timeout=30,
            after=after,
            opts=child,
        )
        self.url = aws.lambda_.FunctionUrl(
            name,
            function_name=function.function.name,
            authorization_type="AWS_IAM",
            region=home,
            opts=child,
        )
        self.register_outputs({})


class SweepSchedule(pulumi.ComponentResource):
    """The sweep: a function every five minutes."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        dead_letters: pulumi.Input[str],
        archive: Archive,
        settings: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:SweepSchedule", name, None, opts)
        names, home, child = estate.names, estate.home_region, pulumi.ResourceOptions(parent=self)
        function = _function(
            name,
            estate,
            names.sweep_function,
            "lambdas.sweep.handler",
            text="Palisade: takes up what is due.",
            policy=sweep_policy(estate),
            archive=archive,
            settings=settings,
            timeout=STEP_SECONDS,
            after=after,
            opts=child,
        )
        rule = aws.cloudwatch.EventRule(
            name,
            name=names.sweep_function,
            description="Takes up what is due.",
            schedule_expression="rate(5 minutes)",
            region=home,
            tags=dict(estate.tags),
            opts=child,
        )
        admitted = aws.lambda_.Permission(
            name,
            statement_id="schedule",
            function=function.function.name,
            action="lambda:InvokeFunction",
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            source_account=estate.hub,
            region=home,
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            target_id="sweep",
            arn=function.arn,
            dead_letter_config={"arn": dead_letters},
            region=home,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[admitted]),
        )
        self.register_outputs({})


class CustomActions(pulumi.ComponentResource):
    """Security Hub's custom actions: people request by them, and nothing more, for such an event names nobody."""

    def __init__(
        self,
        name: str,
        estate: Estate,
        *,
        queue: pulumi.Input[str],
        dead_letters: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("palisade:index:CustomActions", name, None, opts)
        home, child = estate.home_region, pulumi.ResourceOptions(parent=self)
        for identifier, (title, text) in ACTIONS.items():
            aws.securityhub.ActionTarget(
                f"{name}-{identifier}",
                identifier=identifier,
                name=title,
                description=text,
                region=home,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            )
        arns = [estate.arn("securityhub", f"action/custom/{one}", region=home, account=estate.hub) for one in ACTIONS]
        rule = aws.cloudwatch.EventRule(
            name,
            name=estate.names.actions_rule,
            description="What people request by the custom actions of Palisade.",
            event_pattern=json.dumps(
                {
                    "source": ["aws.securityhub"],
                    "detail-type": ["Security Hub Findings - Custom Action"],
                    "resources": arns,
                }
            ),
            region=home,
            tags=dict(estate.tags),
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            target_id="queue",
            arn=queue,
            dead_letter_config={"arn": dead_letters},
            region=home,
            opts=child,
        )
        self.register_outputs({})
