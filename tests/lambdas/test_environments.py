"""Settings are taken only where their bytes are those that the function was deployed with."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest

from lambdas.environment import Environment, SettingsError, digest_of

VARIABLES = {
    "PALISADE_PREFIX": "palisade",
    "PALISADE_HUB_ACCOUNT": "200000000002",
    "PALISADE_HOME_REGION": "eu-west-1",
    "PALISADE_SETTINGS_BUCKET": "bucket",
    "PALISADE_SETTINGS_KEY": "settings/x.json",
}


class Store:
    """A session whose one object a test writes; it notes what was asked for."""

    def __init__(self, body: bytes) -> None:
        self.body, self.asked = body, dict[str, Any]()

    def client(self, service: str) -> Any:
        assert service == "s3"
        return self

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"Body": io.BytesIO(self.body)}


def environment(monkeypatch: pytest.MonkeyPatch, document: bytes) -> Environment:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PALISADE_SETTINGS_KEY", f"settings/{hashlib.sha256(document).hexdigest()}.json")
    return Environment.read()


def test_the_settings_are_those_that_the_name_says(monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.dumps({"schema": 1, "controls": {}}).encode()
    store: Any = Store(document)
    assert environment(monkeypatch, document).settings(store) == {"schema": 1, "controls": {}}
    assert store.asked["ExpectedBucketOwner"] == "200000000002"


def test_other_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = Store(b'{"schema": 1, "controls": {"EC2.13": {}}}')
    with pytest.raises(SettingsError, match="holds other bytes than its name says"):
        environment(monkeypatch, b'{"schema": 1}').settings(store)


def test_another_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = Store(b'{"schema": 2}')
    with pytest.raises(SettingsError, match="schema 2; this version reads 1"):
        environment(monkeypatch, store.body).settings(store)


@pytest.mark.parametrize("missing", sorted(VARIABLES))
def test_a_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    environment(monkeypatch, b"")
    monkeypatch.delenv(missing)
    with pytest.raises(KeyError, match=missing):
        Environment.read()


def test_the_digest_of_parameters_does_not_depend_on_their_order() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
