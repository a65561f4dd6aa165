"""Secrets never get into the ledger, and what would need one is not made from it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from lambdas.controls.model import Audience, Change, Grant, Plan, Probe, Ref, Verdict
from lambdas.remediation import describe, redaction, written
from lambdas.remediation.apply import RefusedError, UnresolvedError
from lambdas.remediation.earlier import earlier
from lambdas.remediation.outcome import Outcome
from lambdas.remediation.record import Ledger
from lambdas.remediation.undo import NotUndoableError, Undo, plan_of
from tests.lambdas.remediation_requests import SSH, request
from tests.lambdas.test_apply import Cloud, undo
from tests.lambdas.test_attempts import World

SECRET = "correct horse battery staple"
GRANTS = (Grant("rds:ModifyDBInstance", ("*",)),)


def password(value: Any = SECRET, **more: Any) -> Change:
    """A change that sets the password of a database; its inverse sets the former one."""
    given = {"DBInstanceIdentifier": "db", "MasterUserPassword": value, "ManageMasterUserPassword": False}
    former = Change("former", "rds", "modify_db_instance", given, GRANTS, irreversible="it is an undo")
    return Change("new", "rds", "modify_db_instance", given, GRANTS, **{"inverse": former, **more})


def test_neither_intent_nor_response_nor_inverse_holds_a_password_and_the_call_does() -> None:
    cloud = Cloud({"modify_db_instance": {"DBInstance": {"DBInstanceIdentifier": "db", "MasterUserPassword": SECRET}}})
    cloud.run().apply([password()])
    assert SECRET in cloud.calls[0]
    assert SECRET not in json.dumps(cloud.entries)
    assert cloud.entries[0]["parameters"] == {
        "DBInstanceIdentifier": "db",
        "MasterUserPassword": redaction.NOT_RECORDED,
        "ManageMasterUserPassword": False,
    }
    assert cloud.entries[1]["response"]["DBInstance"]["DBInstanceIdentifier"] == "db"


def test_an_undo_that_needs_a_secret_cannot_be_made_from_the_ledger_and_says_why() -> None:
    cloud = Cloud()
    cloud.run().apply([password()])
    response = cloud.entries[1]
    assert (response["inverse"], response["irreversible"]) == (None, redaction.UNRECORDED_UNDO)
    with pytest.raises(NotUndoableError, match="new cannot be undone: its undo needs a secret"):
        plan_of([*cloud.entries, {"entry": "outcome"}])


def test_the_run_itself_still_restores_what_it_holds_in_memory() -> None:
    cloud = Cloud()
    run = cloud.run()
    run.apply([password()])
    assert run.restore() == []
    assert SECRET in cloud.calls[-1]
    assert SECRET not in json.dumps(cloud.entries)


def test_a_secret_that_a_killed_run_has_brought_is_not_passed_on_as_its_stand_in() -> None:
    first = Cloud({"create_access_key": {"AccessKey": {"AccessKeyId": "AKIA", "SecretAccessKey": SECRET}}})
    make = Change("make", "iam", "create_access_key", {"UserName": "u"}, GRANTS, inverse=undo("drop"))
    first.run().apply([make])
    assert SECRET not in json.dumps(first.entries)
    use = Change(
        "use", "ec2", "use", {"Key": Ref("make", "AccessKey.SecretAccessKey")}, GRANTS, irreversible="gone for good"
    )
    again = Cloud()
    with pytest.raises(UnresolvedError, match="that the ledger does not record"):
        again.run(*first.entries).apply([use])
    assert earlier(first.entries).results["make"]["AccessKey"]["AccessKeyId"] == "AKIA"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ParamValidationError(report=f"Invalid type for MasterUserPassword, value: {SECRET}"), id="model"),
        pytest.param(
            ClientError({"Error": {"Code": "Invalid", "Message": f"'{SECRET}' is too short"}}, "o"), id="service"
        ),
    ],
)
def test_what_a_refusal_says_of_a_secret_is_not_told(error: Exception) -> None:
    cloud = Cloud({"modify_db_instance": error})
    with pytest.raises(RefusedError, match=r"\(not recorded\)") as refused:
        cloud.run().apply([password()])
    assert SECRET not in str(refused.value)


def test_an_undo_is_compared_without_the_secrets_that_the_ledger_does_not_have() -> None:
    """What was recorded of user data is a stand-in: it must neither hinder an undo nor pass for a difference."""
    live = {"UserData": SECRET, "Port": 22}
    control = replace(SSH, read=lambda session, resource, finding: live)
    cloud = Cloud()
    cloud.run().apply([Change("open", "ec2", "open", {}, GRANTS, inverse=undo("close"))])
    journal, recorded = list(cloud.entries), redaction.by_name(live)
    entries = [*journal, {"entry": "outcome", "before": recorded, "after": recorded}]
    session: Any = None
    ended = Undo(replace(request(), control=control), session, cloud.run(), entries, {}).make()
    assert (ended.outcome, ended.reason) == (Outcome.UNDONE, "as before, field by field")
    moved = [*journal, {"entry": "outcome", "before": recorded, "after": {**recorded, "Port": 80}}]
    ended = Undo(replace(request(), control=control), session, cloud.run(), moved, {}).make()
    assert (ended.outcome, ended.reason) == (Outcome.REFUSED, "the resource has moved on since: Port differ")


def test_a_plan_that_takes_time_and_needs_a_secret_is_refused_for_its_steps_are_made_from_the_ledger() -> None:
    effect = Probe("rds", "describe_db_instances", {}, "x", ("y",))
    world = World([Verdict.NON_COMPLIANT], Plan((password(effect=effect),), (Audience.OPERATIONS,)))
    ended = world.attempt()
    assert ended.outcome is Outcome.REFUSED
    assert "need a secret" in ended.reason
    assert SECRET not in json.dumps(ended.details, default=str)


def test_a_plan_is_told_and_approved_without_its_secrets() -> None:
    plan = Plan((password(),), (Audience.OPERATIONS,))
    assert SECRET not in "\n".join(describe.lines(plan))
    assert "undo: none: its undo needs a secret" in "\n".join(describe.lines(plan))
    other = Plan((password("another"),), (Audience.OPERATIONS,))
    assert describe.digest(plan, {"UserData": "a"}) == describe.digest(other, {"UserData": "b"})
    assert describe.digest(plan, {"Size": 1}) != describe.digest(plan, {"Size": 2})


def test_a_reference_to_an_earlier_change_is_no_secret() -> None:
    change = written.change(password(Ref("make", "Password")))
    assert redaction.change(change) == json.loads(json.dumps(change))


def test_what_waits_for_a_change_is_asked_without_secrets() -> None:
    effect = Probe("rds", "describe_db_instances", {"MasterUserPassword": SECRET}, "x", ("y",))
    assert SECRET not in json.dumps(redaction.change(written.change(password(effect=effect))))


@pytest.mark.parametrize(
    ("service", "operation", "given", "shown"),
    [
        pytest.param(
            "lambda",
            "update_function_configuration",
            {"FunctionName": "f", "Environment": {"Variables": {"A": SECRET}}},
            {"FunctionName": "f", "Environment": redaction.NOT_RECORDED},
            id="variables of a function",
        ),
        pytest.param(
            "secretsmanager",
            "put_secret_value",
            {"SecretId": "s", "SecretString": SECRET},
            {"SecretId": "s", "SecretString": redaction.NOT_RECORDED},
            id="marked by the model",
        ),
        pytest.param(
            "ec2",
            "modify_vpn_tunnel_options",
            {"VpnConnectionId": "v", "TunnelOptions": {"PreSharedKey": SECRET}},
            {"VpnConnectionId": "v", "TunnelOptions": redaction.NOT_RECORDED},
            id="a structure that is marked as a whole",
        ),
        pytest.param("nothing", "at_all", {"Password": SECRET}, {"Password": "(not recorded)"}, id="no model"),
    ],
)
def test_parameters_of_calls(service: str, operation: str, given: Any, shown: Any) -> None:
    assert redaction.parameters(service, operation, given) == shown


def test_the_id_of_a_key_opens_nothing_and_is_needed_to_restore_an_encryption() -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}
    given = {"Bucket": "b", "ServerSideEncryptionConfiguration": {"Rules": [rule]}}
    assert redaction.parameters("s3", "put_bucket_encryption", given) == given


def test_what_a_command_is_given_is_recorded_for_its_steps_are_made_from_that_but_for_what_is_named_as_a_secret() -> (
    None
):
    given = {"DocumentName": "Palisade-X", "Parameters": {"Packages": ["openssl=1.1"], "Password": [SECRET]}}
    shown = {"Packages": ["openssl=1.1"], "Password": redaction.NOT_RECORDED}
    assert redaction.parameters("ssm", "send_command", given) == {**given, "Parameters": shown}


@pytest.mark.parametrize(
    "name", ["Password", "masterUserPassword", "UserData", "user_data", "AuthToken", "SecretString", "PrivateKey"]
)
def test_names_of_secrets_are_known_wherever_they_stand(name: str) -> None:
    given = {"Things": [{name: SECRET}, {name: {"Value": SECRET}}]}
    assert SECRET not in json.dumps(redaction.by_name(given))


@pytest.mark.parametrize(
    "given",
    [
        {"NextToken": "t", "ClientToken": "t", "ContinuationToken": "t"},
        {"HttpTokens": "required", "PasswordPolicy": {"RequireSymbols": True}, "PasswordLastUsed": "never"},
        {"ManageMasterUserPassword": True, "MasterUserSecret": {"SecretArn": "arn"}, "environment": "production"},
    ],
)
def test_what_only_sounds_like_a_secret_is_recorded(given: dict[str, Any]) -> None:
    assert redaction.by_name(given) == given


def test_the_ledger_redacts_whatever_it_is_given() -> None:
    """Settings before and after, findings in a question: they have no shape of one service."""
    statements: list[Any] = []

    class Table:
        def execute_statement(self, **statement: Any) -> None:
            statements.append(statement)

    body = {"before": {"Instance": {"UserData": SECRET}}, "environment": "production"}
    Ledger(Table(), "ledger", None).write("r-1", "0001-intent", "1", body)  # type: ignore[arg-type]
    assert SECRET not in json.dumps(statements)
    assert json.loads(statements[0]["Parameters"][-1]["S"])["environment"] == "production"
