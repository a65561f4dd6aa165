"""Paths, payload templates, intrinsic functions and choice rules of the Amazon States Language."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from simulator.services import states_choice, states_intrinsics, states_path
from simulator.services.states_data import Scope
from simulator.services.states_errors import Retries, StatesError, matches

DATA: dict[str, Any] = {
    "name": "one",
    "number": 7,
    "nothing": None,
    "yes": True,
    "when": "2026-03-02T12:00:00Z",
    "with space": 1,
    "list": [1, 2, 3, 4],
    "rows": [{"id": "a", "n": 1}, {"id": "b", "n": 5}, {"id": "c"}],
    "deep": {"rows": {"n": 9}},
}
CONTEXT = {"State": {"Name": "S"}, "Map": {"Item": {"Index": 2}}}


def chance() -> Random:
    return Random(1)  # noqa: S311 - drawn numbers that repeat


def scope() -> Scope:
    return Scope("S", CONTEXT, chance())


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DATA),
        ("$.name", "one"),
        ("$['with space']", 1),
        ('$["name"]', "one"),
        ("$.nothing", None),
        ("$.list[0]", 1),
        ("$.list[-1]", 4),
        ("$.list[1:3]", [2, 3]),
        ("$.list[-2:]", [3, 4]),
        ("$.list[0,2]", [1, 3]),
        ("$.list[*]", [1, 2, 3, 4]),
        ("$.rows[*].n", [1, 5]),
        ("$.rows[*].missing", []),
        ("$.rows.*.id", ["a", "b", "c"]),
        ("$..n", [1, 5, 9]),
        ("$['name','number']", ["one", 7]),
        ("$.rows[?(@.n > 1)].id", ["b"]),
        ("$.rows[?(@.id == 'a')].n", [1]),
        ("$.rows[?(@.n)].id", ["a", "b"]),
        ("$.rows[?(@.n == 1 || @.id == 'c')].id", ["a", "c"]),
        ("$.rows[?(@.n > 0 && @.id != 'a')].id", ["b"]),
    ],
)
def test_a_path_finds_what_jayway_finds(path: str, found: Any) -> None:
    assert states_path.read(path, DATA) == found


@pytest.mark.parametrize("path", ["$.missing", "$.list[9]", "$.name.more", "name", "$.a b", "$[", "$.", "$.rows[?(x)]"])
def test_a_path_that_is_none_or_finds_nothing_is_an_error(path: str) -> None:
    with pytest.raises(states_path.PathError):
        states_path.read(path, DATA)


@pytest.mark.parametrize(
    ("path", "document", "written"),
    [
        ("$", {"a": 1}, "x"),
        ("$.b", {"a": 1}, {"a": 1, "b": "x"}),
        ("$.a", {"a": 1}, {"a": "x"}),
        ("$.a.b.c", {"a": 1}, {"a": {"b": {"c": "x"}}}),
        ("$.a[1]", {"a": [1, 2]}, {"a": [1, "x"]}),
        ("$['a b']", {}, {"a b": "x"}),
    ],
)
def test_a_reference_path_names_where_a_result_goes(path: str, document: Any, written: Any) -> None:
    assert states_path.write(path, document, "x") == written


@pytest.mark.parametrize(
    ("path", "document"), [("$.a", "text"), ("$.a[3]", {"a": [1]}), ("$.a[*]", {"a": [1]}), ("$..a", {"a": 1})]
)
def test_a_result_goes_nowhere_else(path: str, document: Any) -> None:
    with pytest.raises(states_path.PathError):
        states_path.write(path, document, "x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Format('{} is {}', $.name, $.number)", "one is 7"),
        ("States.Format('{}', $.list)", "[1,2,3,4]"),
        ("States.Format('{} {} {}', null, true, 1.5)", "null true 1.5"),
        (r"States.Format('\{\} it\'s {}', 'so')", "{} it's so"),
        ("States.Format('none')", "none"),
        ("States.Format('{}', $$.State.Name)", "S"),
        ("States.StringToJson('{\"a\": [1]}')", {"a": [1]}),
        ("States.JsonToString($.rows[0])", '{"id":"a","n":1}'),
        ("States.Array()", []),
        ("States.Array(1, 'a', $.nothing)", [1, "a", None]),
        ("States.ArrayPartition($.list, 3)", [[1, 2, 3], [4]]),
        ("States.ArrayContains($.list, 3)", True),
        ("States.ArrayContains($.list, '3')", False),
        ("States.ArrayContains(States.Array(true), 1)", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.list, 2)", 3),
        ("States.ArrayLength($.rows[?(@.n > 0)])", 2),
        ("States.ArrayUnique(States.Array(1, 2, 1, 'a', true))", [1, 2, "a", True]),
        ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Decode('RGVjb2RlZCBkYXRh')", "Decoded data"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.Hash('', 'MD5')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("States.Hash('', 'SHA-256')", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("States.ArrayLength(States.Array(States.Hash('', 'SHA-384'), States.Hash('', 'SHA-512')))", 2),
        ("States.JsonMerge($.deep, $.rows[0], false)", {"rows": {"n": 9}, "id": "a", "n": 1}),
        ("States.MathAdd($.number, -1)", 6),
        ("States.StringSplit('1,2,3', ',')", ["1", "2", "3"]),
        ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
        ("States.MathRandom(5, 6)", 5),
        ("States.MathAdd(States.ArrayLength(States.StringSplit('a-b', '-')), 1)", 3),
    ],
)
def test_an_intrinsic_function_answers(text: str, value: Any) -> None:
    assert scope().evaluate(text, DATA, "x") == value


def test_chance_is_seeded() -> None:
    uuids = {scope().evaluate("States.UUID()", DATA, "x") for _ in range(3)}
    assert len(uuids) == 1
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuids.pop())
    one = scope()
    drawn = [one.evaluate("States.MathRandom(1, 1000)", DATA, "x") for _ in range(5)]
    assert len(set(drawn)) > 1
    assert all(1 <= number < 1000 for number in drawn)
    same = [one.evaluate("States.MathRandom(1, 1000, 42)", DATA, "x") for _ in range(3)]
    assert len(set(same)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "States.Format('{}')",
        "States.Format('none', 1)",
        "States.Format('{', 1)",
        "States.Format(1)",
        "States.StringToJson('{')",
        "States.ArrayPartition($.list, 0)",
        "States.ArrayRange(1, 9, 0)",
        "States.ArrayRange(1, 2000, 1)",
        "States.ArrayGetItem($.list, 4)",
        "States.ArrayLength($.name)",
        "States.Base64Decode('%')",
        "States.Hash('a', 'SHA-3')",
        "States.JsonMerge($.deep, $.deep, true)",
        "States.JsonMerge($.deep, $.list, false)",
        "States.MathAdd(1, 'a')",
        "States.MathAdd(1, true)",
        "States.MathRandom(2, 1)",
        "States.StringSplit($.list, ',')",
    ],
)
def test_a_function_that_does_not_fit_its_arguments_is_an_intrinsic_failure(text: str) -> None:
    with pytest.raises(StatesError) as caught:
        scope().evaluate(text, DATA, "x")
    assert caught.value.name == "States.IntrinsicFailure"


@pytest.mark.parametrize(
    "text",
    [
        "States.Nothing()",
        "States.UUID(",
        "States.UUID(1)",
        "States.Hash('a')",
        "Format('a')",
        "States.UUID() more",
        "States.Format('{}', $.[)",
        "States.Array(" * 11 + ")" * 11,
    ],
)
def test_what_is_no_function_is_refused(text: str) -> None:
    with pytest.raises(states_intrinsics.IntrinsicError):
        states_intrinsics.read(text)


def test_a_template_is_filled_where_names_end_in_a_path_s_sign() -> None:
    template = {
        "plain": "$.name",
        "path.$": "$.name",
        "context.$": "$$.Map.Item.Index",
        "function.$": "States.MathAdd(1, 1)",
        "nested": {"deep.$": "$.deep.rows.n", "list": [{"in.$": "$.number"}, "$.name"]},
    }
    assert scope().template(template, DATA, "Parameters") == {
        "plain": "$.name",
        "path": "one",
        "context": 2,
        "function": 2,
        "nested": {"deep": 9, "list": [{"in": 7}, "$.name"]},
    }


def test_a_template_s_path_that_finds_nothing_ends_the_execution() -> None:
    with pytest.raises(StatesError, match=r"'\$.missing' specified for the field 'a.\$' could not be found") as caught:
        scope().template({"a.$": "$.missing"}, DATA, "Parameters")
    assert caught.value.name == "States.Runtime"


HOLDING: list[tuple[dict[str, Any], bool]] = [
    ({"Variable": "$.name", "StringEquals": "one"}, True),
    ({"Variable": "$.number", "StringEquals": "7"}, False),
    ({"Variable": "$.name", "StringLessThan": "two"}, True),
    ({"Variable": "$.name", "StringGreaterThan": "two"}, False),
    ({"Variable": "$.name", "StringLessThanEquals": "one"}, True),
    ({"Variable": "$.name", "StringGreaterThanEquals": "one"}, True),
    ({"Variable": "$.name", "StringEqualsPath": "$.name"}, True),
    ({"Variable": "$.name", "StringMatches": "o*e"}, True),
    ({"Variable": "$.name", "StringMatches": "*"}, True),
    ({"Variable": "$.name", "StringMatches": "o?e"}, False),
    ({"Variable": "$.name", "StringMatches": r"o\*e"}, False),
    ({"Variable": "$.number", "StringMatches": "*"}, False),
    ({"Variable": "$.number", "NumericEquals": 7.0}, True),
    ({"Variable": "$.number", "NumericLessThan": 7}, False),
    ({"Variable": "$.number", "NumericGreaterThan": 6.5}, True),
    ({"Variable": "$.number", "NumericLessThanEquals": 7}, True),
    ({"Variable": "$.number", "NumericGreaterThanEquals": 8}, False),
    ({"Variable": "$.number", "NumericGreaterThanPath": "$.list[0]"}, True),
    ({"Variable": "$.yes", "NumericEquals": 1}, False),
    ({"Variable": "$.yes", "BooleanEquals": True}, True),
    ({"Variable": "$.yes", "BooleanEqualsPath": "$.yes"}, True),
    ({"Variable": "$.number", "BooleanEquals": True}, False),
    ({"Variable": "$.when", "TimestampEquals": "2026-03-02T13:00:00+01:00"}, True),
    ({"Variable": "$.when", "TimestampLessThan": "2026-03-02T12:00:00.5Z"}, True),
    ({"Variable": "$.when", "TimestampGreaterThan": "2026-03-02T12:00:00Z"}, False),
    ({"Variable": "$.when", "TimestampLessThanEquals": "2026-03-02T12:00:00Z"}, True),
    ({"Variable": "$.when", "TimestampGreaterThanEquals": "2026-03-02T12:00:01Z"}, False),
    ({"Variable": "$.name", "TimestampEquals": "2026-03-02T12:00:00Z"}, False),
    ({"Variable": "$.nothing", "IsNull": True}, True),
    ({"Variable": "$.name", "IsNull": False}, True),
    ({"Variable": "$.missing", "IsPresent": False}, True),
    ({"Variable": "$.nothing", "IsPresent": True}, True),
    ({"Variable": "$.number", "IsNumeric": True}, True),
    ({"Variable": "$.yes", "IsNumeric": True}, False),
    ({"Variable": "$.name", "IsString": True}, True),
    ({"Variable": "$.yes", "IsBoolean": True}, True),
    ({"Variable": "$.when", "IsTimestamp": True}, True),
    ({"Variable": "$.name", "IsTimestamp": True}, False),
    ({"And": [{"Variable": "$.yes", "BooleanEquals": True}, {"Variable": "$.number", "NumericEquals": 7}]}, True),
    ({"And": [{"Variable": "$.yes", "BooleanEquals": True}, {"Variable": "$.number", "NumericEquals": 8}]}, False),
    ({"Or": [{"Variable": "$.yes", "BooleanEquals": False}, {"Variable": "$.number", "NumericEquals": 7}]}, True),
    ({"Not": {"Variable": "$.yes", "BooleanEquals": True}}, False),
    ({"And": [{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "NumericEquals": 1}]}, False),
    ({"Variable": "$$.State.Name", "StringEquals": "S"}, True),
]


@pytest.mark.parametrize(("rule", "holds"), HOLDING)
def test_a_choice_rule_holds_or_does_not(rule: dict[str, Any], holds: bool) -> None:
    assert states_choice.holds(rule, DATA, scope()) is holds


def test_every_comparison_operator_is_in_the_table() -> None:
    shown = {name for rule, _ in HOLDING for name in rule}
    by_value = {name for name in states_choice.OPERATORS if not name.endswith("Path")}
    assert by_value - shown == set()


def test_a_choice_on_what_is_not_there_ends_the_execution() -> None:
    with pytest.raises(StatesError, match="Invalid path") as caught:
        states_choice.holds({"Variable": "$.missing", "IsNull": True}, DATA, scope())
    assert caught.value.name == "States.Runtime"


@pytest.mark.parametrize(
    ("names", "error", "taken"),
    [
        (["States.ALL"], "Anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "Anything", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["Other", "Mine"], "Mine", True),
        (["Other"], "Mine", False),
    ],
)
def test_an_error_is_taken_by_its_name_or_a_wildcard(names: list[str], error: str, taken: bool) -> None:
    assert matches(names, error) is taken


@pytest.mark.parametrize(
    ("retrier", "pauses"),
    [
        ({}, [1, 2, 4, None]),
        ({"MaxAttempts": 0}, [None]),
        ({"BackoffRate": 1e300}, [1, 31_536_000, 31_536_000, None]),
        ({"IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 2}, [3, 4.5, None]),
        ({"IntervalSeconds": 10, "BackoffRate": 3, "MaxDelaySeconds": 20}, [10, 20, 20, None]),
    ],
)
def test_pauses_between_attempts_grow_and_end(retrier: dict[str, Any], pauses: list[float | None]) -> None:
    retries = Retries([{"ErrorEquals": ["States.ALL"], **retrier}], chance())
    assert [retries.pause("E") for _ in pauses] == pauses


def test_each_retrier_counts_its_own_attempts() -> None:
    retries = Retries([{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
                      chance())  # fmt: skip
    assert [retries.pause(error) for error in ("A", "B", "A", "B")] == [1, 1, None, None]


def test_full_jitter_lies_within_the_pause() -> None:
    retries = Retries([{"ErrorEquals": ["A"], "JitterStrategy": "FULL", "IntervalSeconds": 100}], chance())
    first = retries.pause("A")
    assert first is not None
    assert 0 <= first < 100
