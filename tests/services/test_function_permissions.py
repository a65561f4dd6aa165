"""Statements of functions' policies: whom they let call, and how they are written again."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.controls.model import Resource
from lambdas.services.function_permissions import added, bucket_of, by_any_bucket, narrowed, parameters_of, removed

FUNCTION = Resource("aws", "111122223333", "eu-west-1", "AWS::Lambda::Function", "f", "arn:aws:lambda:eu-west-1:1:f")
BY_S3: dict[str, Any] = {
    "Sid": "s3",
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::data"}},
}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("arn:aws:s3:::data", "data"), ("arn:aws:s3:::data-*", None), ("arn:aws:s3:::data-?", None), ("*", None)],
)
def test_a_bucket_is_named_by_its_arn_and_not_by_a_pattern(pattern: str, name: str | None) -> None:
    assert bucket_of({**BY_S3, "Condition": {"ArnLike": {"AWS:SourceArn": pattern}}}) == name
    assert bucket_of({**BY_S3, "Condition": {}}) is None


@pytest.mark.parametrize(
    ("condition", "opened"),
    [
        ({}, True),
        ({"StringEquals": {"AWS:SourceAccount": "111122223333"}}, False),
        ({"StringLike": {"AWS:SourceAccount": "111122223333"}}, False),
        ({"StringEquals": {"aws:SourceAccount": ["111122223333", "444455556666"]}}, False),
        ({"StringLike": {"AWS:SourceAccount": "*"}}, True),
        ({"StringLike": {"AWS:SourceAccount": ["111122223333", "4*"]}}, True),
        ({"StringNotEquals": {"AWS:SourceAccount": "111122223333"}}, True),
        ({"StringEqualsIfExists": {"AWS:SourceAccount": "111122223333"}}, True),
        ({"ForAllValues:StringEquals": {"AWS:SourceAccount": "111122223333"}}, True),
        ({"Null": {"AWS:SourceAccount": "false"}}, True),
        ({"StringEquals": {"AWS:SourceAccount": "${aws:SourceAccount}"}}, True),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::data"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a"}}, True),
        ({"StringLike": {"AWS:SourceAccount": "*"}, "StringEquals": {"aws:SourceAccount": "111122223333"}}, False),
    ],
    ids=str,
)
def test_a_bucket_s_account_is_named_by_its_number_and_an_operator_that_must_match(
    condition: dict[str, Any], opened: bool
) -> None:
    assert by_any_bucket({**BY_S3, "Condition": condition}) is opened
    assert not by_any_bucket({**BY_S3, "Condition": condition, "Effect": "Deny"})
    assert not by_any_bucket({**BY_S3, "Condition": condition, "Principal": {"Service": "sns.amazonaws.com"}})


def test_a_statement_is_written_again_by_the_parameters_that_made_it() -> None:
    conditions = {
        "StringEquals": {"AWS:SourceAccount": "111122223333", "lambda:EventSourceToken": "t"},
        "Bool": {"lambda:InvokedViaFunctionUrl": "true"},
    }
    assert parameters_of({**BY_S3, "Principal": "*", "Condition": conditions}) == {
        "StatementId": "s3",
        "Action": "lambda:InvokeFunction",
        "Principal": "*",
        "SourceAccount": "111122223333",
        "EventSourceToken": "t",
        "InvokedViaFunctionUrl": True,
    }
    assert parameters_of({**BY_S3, "Principal": {"AWS": ["a", "b"]}}) is None


def test_a_narrowed_statement_has_a_name_of_its_own_that_fits() -> None:
    found = narrowed({**BY_S3, "Sid": "s" * 100}, FUNCTION.account)
    assert len(found["StatementId"]) == 100
    assert found["StatementId"].endswith("-of-111122223333")
    assert (found["SourceArn"], found["SourceAccount"]) == ("arn:aws:s3:::data", FUNCTION.account)


def test_adding_and_removing_take_each_other_back() -> None:
    parameters = parameters_of(BY_S3)
    assert parameters is not None
    removal = removed(FUNCTION, "s3", BY_S3)
    addition = added(FUNCTION, parameters)
    assert addition.inverse == removed(FUNCTION, "s3")
    assert removal.inverse == added(FUNCTION, parameters, undo=True)
