"""The local organisation's page is the registry's, and the registry names tests that are there."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from operations.local_organisation_page import PAGE, ROOT, TITLES, main, page, stale
from simulator.behaviours import behaviours, differences
from simulator.behaviours.answered import services_of_moto, services_of_ours
from simulator.behaviours.model import Behaviour, Difference


def entries() -> list[Behaviour | Difference]:
    return [*behaviours(), *differences()]


def test_the_page_in_the_repository_is_up_to_date() -> None:
    assert not stale(PAGE), "run `make docs`"


def test_ids_are_unique_and_begin_with_their_service() -> None:
    ids = Counter(one.id for one in entries())
    assert [name for name, times in ids.items() if times > 1] == []
    for one in entries():
        assert one.id.startswith(f"{one.service}.")
        assert one.service in TITLES


def test_every_behaviour_has_a_sentence_a_source_and_a_test() -> None:
    for one in behaviours():
        assert one.sentence.endswith(".")
        assert one.source
        assert one.tests
        assert len(set(one.tests)) == len(one.tests), one.id


def test_every_difference_says_what_it_means() -> None:
    for one in differences():
        assert one.what.endswith(".")
        assert one.meaning.endswith(".")


def test_every_named_test_exists() -> None:
    known: dict[str, set[str]] = {}
    missing = []
    for one in behaviours():
        for node in one.tests:
            path, _, name = node.partition("::")
            if path not in known:
                known[path] = _tests_of(ROOT / path)
            if name not in known[path]:
                missing.append(f"{one.id}: {node}")
    assert missing == []


def test_every_service_of_ours_has_a_behaviour_and_a_difference() -> None:
    shown = {one.service for one in behaviours()}
    honest = {one.service for one in differences()}
    ours = {one.service for one in services_of_ours()}
    assert ours - shown == set()
    assert ours - honest == set()


def test_who_answers_is_read_from_the_services() -> None:
    ours = {one.service: one for one in services_of_ours()}
    assert "BatchImportFindings" in ours["securityhub"].operations
    assert ours["securityhub"].whole
    assert "AuthorizeSecurityGroupIngress" in ours["ec2"].operations
    assert "DescribeVpcs" not in ours["ec2"].operations
    assert "redshift" in services_of_moto()
    assert not {"ec2", "fms", "rds"} & set(services_of_moto())


def test_the_page_has_every_entry() -> None:
    text = page()
    for one in entries():
        assert f"`{one.id}`" in text


def test_check_says_that_the_page_is_stale_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.md"
    assert main(["--page", str(path)]) == 0
    assert main(["--check", "--page", str(path)]) == 0
    path.write_text("edited", encoding="utf-8")
    capsys.readouterr()
    assert main(["--check", "--page", str(path)]) == 1
    assert "stale" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == "edited"


def _tests_of(path: Path) -> set[str]:
    """The names of a module's tests, read without running it."""
    if not path.exists():
        return set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
