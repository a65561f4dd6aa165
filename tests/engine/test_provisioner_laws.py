"""Laws over the table of provisioners: the SDK has what they name, and says what they quote."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
from pulumi import _types

from simulator.engine import schema
from simulator.provisioners.model import REGION, SOURCE, Provisioner
from simulator.provisioners.registry import PROVISIONERS

EVERY = pytest.mark.parametrize("provisioner", PROVISIONERS.values(), ids=lambda one: one.token)
DOCUMENTED = SOURCE.format("")


def docstring(token: str, name: str) -> str:
    module, short = token.split(":")[1], token.split(":")[2]
    package = {"lambda": "lambda_"}.get(module.split("/")[0], module.split("/")[0])
    resource: Any = getattr(importlib.import_module(f"pulumi_aws.{package}"), short)
    arguments = getattr(sys.modules[resource.__module__], f"{short}Args")
    python = {wire: python for python, wire in _types.input_type_py_to_pulumi_names(arguments).items()}[name]
    return str(getattr(arguments, python).fget.__doc__)


@EVERY
def test_every_input_that_is_served_is_the_sdk_s(provisioner: Provisioner) -> None:
    known = set(schema.schema(provisioner.token).inputs.kinds)
    assert provisioner.accepts <= known
    assert {name.split(".")[0] for name in provisioner.shapes} <= provisioner.accepts
    named = (provisioner.documents, provisioner.sets, provisioner.unread, provisioner.computed, provisioner.defaults)
    assert {name.split(".")[0] for names in named for name in names} <= provisioner.accepts


@EVERY
def test_required_inputs_of_the_sdk_are_served(provisioner: Provisioner) -> None:
    assert schema.schema(provisioner.token).inputs.required <= provisioner.accepts
    assert set(provisioner.needs) <= provisioner.accepts


@EVERY
def test_an_input_either_updates_or_replaces(provisioner: Provisioner) -> None:
    assert provisioner.updates.isdisjoint(name for name in provisioner.replaces if "." not in name)


@EVERY
def test_every_replacement_has_a_source_and_a_quoted_docstring_says_it(provisioner: Provisioner) -> None:
    for name, source in provisioner.replaces.items():
        if source == REGION:
            assert name == "region"
        elif source.startswith(DOCUMENTED):
            assert source.removeprefix(DOCUMENTED).endswith(".go")
        else:
            assert source in docstring(provisioner.token, name)


@EVERY
def test_bounds_name_members_of_the_service_models(provisioner: Provisioner) -> None:
    for place in provisioner.shapes.values():
        assert schema._shape(place)[1].type_name


def test_a_regional_type_takes_a_region_and_no_other_does() -> None:
    for token, provisioner in PROVISIONERS.items():
        assert ("region" in provisioner.replaces) == ("region" in schema.schema(token).inputs.kinds), token
