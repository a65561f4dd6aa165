"""The password policy of an account's IAM users is strong.

The call replaces the whole policy, and what it does not name falls back to its default: what is there is read, merged
and written back. A stronger value stays; a maximum age is judged and set only where a parameter asks for one; hard
expiry, which locks people out, is never set. An account without a policy has AWS's default, which is not enough.
Source: Security Hub IAM.7; IAM API Reference, UpdateAccountPasswordPolicy; IAM User Guide, "Set an account password
policy for IAM users". The managed rule IAM_PASSWORD_POLICY has other defaults (14, 24, 90), so the rule is our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambdas.answers import absent
from lambdas.controls import model
from lambdas.controls.model import Change, Evaluation, Grant, Place, Plan, Refusal, Resource
from lambdas.services import password_policies

if TYPE_CHECKING:
    from boto3 import Session

PARAMETERS = {
    "MinimumPasswordLength": "minimum_length",
    "PasswordReusePrevention": "reuse_prevention",
    "MaxPasswordAge": "maximum_age",
}


def read(session: Session, resource: Resource, finding: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Read the policy; None in it where the account has AWS's default."""
    with absent("NoSuchEntity"):
        return {"PasswordPolicy": dict(session.client("iam").get_account_password_policy()["PasswordPolicy"])}
    return {"PasswordPolicy": None}


def evaluate(settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Evaluation:
    """Judge every part of the policy."""
    policy = settings["PasswordPolicy"]
    if policy is None:
        return model.non_compliant("The account has no password policy of its own.")
    asked = password_policies.lacking(policy, _wanted(parameters))
    if not asked:
        return model.compliant("The password policy is strong.")
    return model.non_compliant(f"The password policy does not ask for {', '.join(asked.values())}"[:255] + ".")


def _wanted(parameters: Mapping[str, Any]) -> dict[str, int | None]:
    return {field: parameters[name] for field, name in PARAMETERS.items()}


def discover(session: Session, place: Place) -> Iterator[Resource]:
    """The one account."""
    yield CONTROL.resource(place, place.account)


def plan(
    resource: Resource, settings: Mapping[str, Any], parameters: Mapping[str, Any], facts: Mapping[str, Any]
) -> Plan | Refusal:
    """Write the policy back with what it lacks; a first policy is deleted by the undo."""
    before = settings["PasswordPolicy"]
    policy, wanted = before or {}, _wanted(parameters)
    asked = password_policies.lacking(policy, wanted)
    expires = "MaxPasswordAge" in asked
    if expires and policy.get("HardExpiry"):
        return Refusal(
            "hard expiry is on: people whose passwords are older than the maximum age would be locked out at once, "
            "until an administrator resets them"
        )
    strong = password_policies.strengthened(policy, wanted)
    inverse = _delete() if before is None else _put("restore-password-policy", before)
    return Plan(
        changes=(_put("strengthen-password-policy", strong, inverse),),
        tell=(model.Audience.OWNER, model.Audience.OPERATIONS),
        leaves=("Passwords that are there stay valid; the policy applies to the next one.",) if not expires else (),
        ceiling=model.Ceiling(
            model.Mode.APPROVE, f"passwords older than {parameters['maximum_age']} days expire at once"
        )
        if expires
        else None,
        message=f"The password policy of account {resource.id} does not ask for {', '.join(asked.values())}.",
    )


def _put(name: str, policy: Mapping[str, Any], inverse: Change | None = None) -> Change:
    return Change(
        name=name,
        service="iam",
        operation="update_account_password_policy",
        parameters=password_policies.whole(policy),
        grants=(Grant("iam:UpdateAccountPasswordPolicy", ("*",)),),
        inverse=inverse,
        irreversible=None if inverse else "it is an undo",
    )


def _delete() -> Change:
    return Change(
        name="delete-password-policy",
        service="iam",
        operation="delete_account_password_policy",
        parameters={},
        grants=(Grant("iam:DeleteAccountPasswordPolicy", ("*",)),),
        irreversible="it is an undo",
        settled=("NoSuchEntity",),
    )


CONTROL = model.Control(
    id="IAM.7",
    slug="account-password-policy-strong",
    title="The password policy of IAM users is strong",
    severity=model.Severity.MEDIUM,
    resource_type=model.ACCOUNT,
    asff_type="AwsAccount",
    arn=model.ACCOUNT_NAME,
    scope=model.Scope.GLOBAL,
    detection=model.CustomRule(on_change=False, schedule=model.Frequency.DAILY),
    parameters={
        "minimum_length": model.Parameter("integer", "how many characters a password needs", 8, 8, 128),
        "reuse_prevention": model.Parameter(
            "integer", "how many former passwords are refused; without it this is not judged", None, 1, 24
        ),
        "maximum_age": model.Parameter(
            "integer", "after how many days a password expires; without it this is not judged", None, 1, 1095
        ),
    },
    # No resource type narrows the settings of an account.
    read_grants=(Grant("iam:GetAccountPasswordPolicy", ("*",)),),
    grants=(Grant("iam:UpdateAccountPasswordPolicy", ("*",)), Grant("iam:DeleteAccountPasswordPolicy", ("*",))),
    requirements=("FSBP IAM.7", "NIST.800-53.r5 AC-2(1)", "NIST.800-53.r5 AC-3(15)", "NIST.800-53.r5 IA-5(1)"),
    impact="The next password of every IAM user must meet the policy. With `maximum_age`, passwords that are older "
    "expire at once, and an undo brings back the policy, not the old passwords.",
    remediation="Strengthen the account's password policy: four classes of characters, and the minimum length.",
    ceiling=model.Ceiling(model.Mode.AUTOMATIC, "no ceiling"),
    read=read,
    evaluate=evaluate,
    plan=plan,
    discover=discover,
)
