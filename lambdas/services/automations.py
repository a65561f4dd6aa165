"""A change that a team's own Automation runbook makes, started once and followed to its end.

Source: AWS Systems Manager API Reference, StartAutomationExecution (`ClientToken` is a UUID: the same one starts one
execution) and AutomationExecution; Service Authorization Reference, "Actions, resources, and condition keys for AWS
Systems Manager": a start is authorised on the definition, the document and the execution.
"""

from __future__ import annotations

from collections.abc import Mapping

from lambdas.controls.model import Change, Grant, Probe, Ref, Resource, Token

# Runbooks are named so that the writer may start these and no others.
PREFIX = "Palisade-"
PASSED = {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}
FAILED = ("Failed", "TimedOut", "Cancelled", "Rejected", "CompletedWithFailure", "Exited")
OWN = "arn:{partition}:ssm:{region}:{account}:"
EXECUTIONS = f"{OWN}automation-execution/*"
# Of a control: what starts runbooks of the prefix, and what follows them.
STARTS = Grant(
    "ssm:StartAutomationExecution",
    (f"{OWN}automation-definition/{PREFIX}*", f"{OWN}document/{PREFIX}*", EXECUTIONS),
)
FOLLOWS = Grant("ssm:GetAutomationExecution", (EXECUTIONS,))
TIMEOUT = 2 * 3600


def started(
    resource: Resource,
    name: str,
    document: str,
    role: str,
    parameters: Mapping[str, str],
    irreversible: str | None = None,
) -> Change:
    """Run a document by a role of the account; the change has taken when the execution has succeeded.

    However often a remediation is run, one execution is started.
    """
    given = {**parameters, "AutomationAssumeRole": role}
    asked = {"DocumentName": document, "Parameters": {key: [one] for key, one in given.items()}}
    arns = [arn.format(partition=resource.partition, region=resource.region, account=resource.account) for arn in (
        f"{OWN}automation-definition/{document}:*", f"{OWN}document/{document}", EXECUTIONS
    )]  # fmt: skip
    return Change(
        name=name,
        service="ssm",
        operation="start_automation_execution",
        parameters={**asked, "ClientToken": Token(name)},
        grants=(Grant("ssm:StartAutomationExecution", tuple(arns)), Grant("iam:PassRole", (role,), PASSED)),
        irreversible=irreversible,
        effect=Probe(
            "ssm",
            "get_automation_execution",
            {"AutomationExecutionId": Ref(name, "AutomationExecutionId")},
            path="AutomationExecution.AutomationExecutionStatus",
            expected=("Success",),
            failed=FAILED,
            interval=30,
            timeout=TIMEOUT,
        ),
    )
