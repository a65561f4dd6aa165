"""Which patterns EventBridge refuses, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.call import ServiceError
from simulator.services.event_pattern import LENGTH, check


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        pytest.param({}, "Empty objects are not allowed", id="empty pattern"),
        pytest.param({"detail": {}}, "Empty objects are not allowed (at detail)", id="empty object"),
        pytest.param({"source": []}, "Empty arrays are not allowed (at source)", id="empty array"),
        pytest.param({"source": "aws.ec2"}, '"source" must be an object or an array', id="a bare value"),
        pytest.param({"source": 1}, '"source" must be an object or an array', id="a bare number"),
        pytest.param(
            {"source": [["x"]]}, "Match value must be String, number, true, false, or null", id="array in array"
        ),
        pytest.param({"source": [{}]}, "Match expression name not found", id="no operator"),
        pytest.param({"source": [{"regex": "x"}]}, "Unrecognized match type regex", id="unknown operator"),
        pytest.param({"source": [{"prefix": "a", "suffix": "b"}]}, "Only one key allowed", id="two operators"),
        pytest.param({"source": [{"prefix": 1}]}, "prefix match pattern must be a string", id="prefix of a number"),
        pytest.param(
            {"source": [{"prefix": {"wildcard": "a*"}}]}, "Unsupported prefix pattern: wildcard", id="prefix of"
        ),
        pytest.param({"source": [{"suffix": None}]}, "suffix match pattern must be a string", id="suffix of null"),
        pytest.param({"source": [{"suffix": {"prefix": "a"}}]}, "Unsupported suffix pattern: prefix", id="suffix of"),
        pytest.param({"source": [{"exactly": 1}]}, "exact match pattern must be a string", id="exactly a number"),
        pytest.param({"source": [{"equals-ignore-case": 1}]}, "equals-ignore-case match pattern", id="any case of 1"),
        pytest.param({"source": [{"wildcard": 1}]}, "wildcard match pattern must be a string", id="wildcard of 1"),
        pytest.param({"source": [{"wildcard": "a**"}]}, "Consecutive wildcard characters at pos 1", id="two stars"),
        pytest.param({"source": [{"wildcard": "a\\b"}]}, "Invalid escape character at pos 1", id="escape of b"),
        pytest.param({"source": [{"wildcard": "a\\"}]}, "Invalid escape character at pos 1", id="escape of nothing"),
        pytest.param(
            {"source": [{"exists": "true"}]}, "exists match pattern must be either true or false", id="exists"
        ),
        pytest.param({"source": [{"exists": 0}]}, "exists match pattern must be either true or false", id="exists 0"),
        pytest.param({"ip": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required", id="address without mask"),
        pytest.param({"ip": [{"cidr": "10.0.0.0/33"}]}, "Malformed CIDR", id="mask too long"),
        pytest.param({"ip": [{"cidr": 10}]}, "must be a string", id="cidr of a number"),
        pytest.param({"n": [{"numeric": 1}]}, "Value of numeric must be an array.", id="numeric of a number"),
        pytest.param({"n": [{"numeric": []}]}, "Invalid member in numeric match: ]", id="numeric of nothing"),
        pytest.param({"n": [{"numeric": [1]}]}, "Invalid member in numeric match: 1", id="numeric without operator"),
        pytest.param(
            {"n": [{"numeric": ["!=", 1]}]}, "Unrecognized numeric range operator: !=", id="unknown comparison"
        ),
        pytest.param({"n": [{"numeric": ["=", "1"]}]}, "Value of equals must be numeric", id="equality with a text"),
        pytest.param({"n": [{"numeric": ["<", True]}]}, "Value of < must be numeric", id="less than true"),
        pytest.param({"n": [{"numeric": ["<"]}]}, "Value of < must be numeric", id="less than nothing"),
        pytest.param({"n": [{"numeric": ["<", 1, ">", 0]}]}, "Too many elements in numeric expression", id="top first"),
        pytest.param({"n": [{"numeric": [">", 1, ">", 2]}]}, "Bad numeric range operator: >", id="two bottoms"),
        pytest.param({"n": [{"numeric": [">", 1, "<", "2"]}]}, "Value of < must be numeric", id="top of text"),
        pytest.param({"n": [{"numeric": [">", 5, "<", 5]}]}, "Bottom must be less than top", id="empty range"),
        pytest.param(
            {"n": [{"numeric": [">", 1, "<", 2, "<"]}]}, "Too many terms in numeric range", id="too many terms"
        ),
        pytest.param({"n": [{"numeric": [">", 6e9]}]}, "Value must be between -5.0E9 and 5.0E9", id="beyond the bound"),
        pytest.param({"a": [{"anything-but": True}]}, "Value of anything-but must be an array", id="but true"),
        pytest.param({"a": [{"anything-but": ["x", 1]}]}, "mixed type is not supported", id="but text and number"),
        pytest.param({"a": [{"anything-but": []}]}, "mixed type is not supported", id="but nothing"),
        pytest.param({"a": [{"anything-but": [None]}]}, "start|null|boolean is not supported", id="but null"),
        pytest.param({"a": [{"anything-but": {}}]}, "Anything-But expression name not found", id="but an empty object"),
        pytest.param(
            {"a": [{"anything-but": {"numeric": ["<", 1]}}]}, "Unsupported anything-but pattern", id="but less"
        ),
        pytest.param(
            {"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed", id="but empty prefix"
        ),
        pytest.param({"a": [{"anything-but": {"suffix": [1]}}]}, "must be an array of strings", id="but suffix of 1"),
        pytest.param({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or", id="$or of one"),
        pytest.param({"$or": [{"a": [1]}, "b"]}, "Only JSON object is allowed in array of $or", id="$or of a text"),
        pytest.param(
            {"$or": [{"prefix": ["a"]}, {"b": [1]}]}, "prefix is Ruler reserved fieldName", id="reserved in $or"
        ),
        pytest.param(
            {"detail": {"a": {"b": [1]}, "a.b": [2]}},
            "Path `detail.a.b` cannot be allowed multiple times",
            id="one path twice",
        ),
        pytest.param(
            {f"f{number}": {"$or": [{"a": [1]}, {"b": [1]}]} for number in range(10)},
            "Rule combinations of $or are more than 1000",
            id="1,024 combinations",
        ),
    ],
)
def test_a_wrong_pattern_is_refused_with_its_reason(pattern: dict[str, Any], reason: str) -> None:
    with pytest.raises(ServiceError) as caught:
        check(pattern)

    assert caught.value.code == "InvalidEventPatternException"
    assert caught.value.message.startswith("Event pattern is not valid. Reason: ")
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("{", "Expecting property name", id="no JSON"),
        pytest.param("[]", "Filter is not an object", id="an array"),
        pytest.param(json.dumps({"a": ["x" * LENGTH]}), "longer than 2048 characters", id="too long"),
    ],
)
def test_a_text_that_is_no_pattern_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ServiceError, match=reason) as caught:
        check(text)

    assert caught.value.code == "InvalidEventPatternException"
