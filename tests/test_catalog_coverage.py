"""A law over the catalog: its own tests take every branch of what a control judges and plans by.

The tests of a control run once more in an interpreter of their own, under coverage. Looked at are `evaluate` and `plan`
and every function that they lead to, in the control's file and in those that it shares with others.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from lambdas.controls import catalog
from lambdas.controls.model import Control

ROOT = Path(__file__).resolve().parent.parent
CONTROLS = [pytest.param(control, id=control.id) for control in catalog().values()]
PURE = ("evaluate", "plan")
# The contract's own constructors, which have tests of their own.
CONTRACT = ROOT / "lambdas" / "controls" / "model.py"

Functions = set[tuple[Path, str]]


@dataclass
class Module:
    """The functions of one file, and what its names mean in others."""

    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    modules: dict[str, Path] = field(default_factory=dict)
    imported: dict[str, tuple[Path, str]] = field(default_factory=dict)


@cache
def module_of(path: Path) -> Module:
    module = Module()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            module.functions[node.name] = node
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "lambdas":
            place = ROOT.joinpath(*(node.module or "").split("."))
            for name in node.names:
                known = name.asname or name.name
                if (place / f"{name.name}.py").is_file():
                    module.modules[known] = place / f"{name.name}.py"
                elif place.with_suffix(".py").is_file():
                    module.imported[known] = (place.with_suffix(".py"), name.name)
    return module


def named(path: Path, function: str) -> Iterator[tuple[Path, str]]:
    """What a function of a file names, as far as it may be a function of ours."""
    module = module_of(path)
    for node in ast.walk(module.functions[function]):
        if isinstance(node, ast.Name):
            yield module.imported.get(node.id, (path, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in module.modules:
            yield module.modules[node.value.id], node.attr


def reached(path: Path) -> Functions:
    """The functions that `evaluate` and `plan` of a control lead to, themselves included."""
    found: Functions = set()
    waiting: list[tuple[Path, str]] = [(path, name) for name in PURE]
    while waiting:
        one = waiting.pop()
        if one not in found and one[0] != CONTRACT and one[1] in module_of(one[0]).functions:
            found.add(one)
            waiting.extend(named(*one))
    return found


def modules_about(functions: Functions) -> list[str]:
    """The test modules of the files that functions stand in: those of a control, and of what it shares with others."""
    files = {path.relative_to(ROOT / "lambdas") for path, _ in functions}
    paths = sorted(ROOT / "tests" / file.parent / f"test_{file.name}" for file in files)
    return [str(path) for path in paths if path.is_file()]


def missing(report: dict[str, Any], functions: Functions) -> list[str]:
    """The lines and branches of functions that were never taken, as people find them."""
    said = []
    for path, name in sorted(functions):
        node = module_of(path).functions[name]
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        shown = path.relative_to(ROOT)
        measured = report["files"].get(str(path))
        if measured is None:
            said.append(f"{shown}:{node.lineno} {name}: never run")
            continue
        said += [f"{shown}:{line} {name}: never run" for line in measured["missing_lines"] if line in lines]
        said += [
            f"{shown}:{first} {name}: never goes on {f'to line {then}' if then > 0 else 'to its end'}"
            for first, then in measured["missing_branches"]
            if first in lines and first not in measured["missing_lines"]
        ]
    return said


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the tests of all controls, and of what they share, run in one interpreter: by file."""
    folder = tmp_path_factory.mktemp("coverage")
    data, report = folder / "data", folder / "report.json"
    functions = {one for control in catalog().values() for one in reached(file_of(control))}
    files = sorted({str(path) for path, _ in functions})
    run = ["coverage", "run", f"--rcfile={os.devnull}", "--branch", f"--data-file={data}"]
    command = [*run, f"--include={','.join(files)}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and files
        [sys.executable, "-m", *command, *modules_about(functions)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    coverage = Coverage(data_file=str(data), config_file=False, branch=True)
    coverage.load()
    coverage.json_report(outfile=str(report))
    measurements = json.loads(report.read_text(encoding="utf-8"))
    return {"files": {str((ROOT / name).resolve()): one for name, one in measurements["files"].items()}}


def file_of(control: Control) -> Path:
    return ROOT / "lambdas" / "controls" / f"{control.slug.replace('-', '_')}.py"


@pytest.mark.parametrize("control", CONTROLS)
def test_the_tests_of_a_control_take_every_branch_of_its_verdicts_and_plans(
    control: Control, measured: dict[str, Any]
) -> None:
    assert missing(measured, reached(file_of(control))) == []


def test_a_branch_that_no_test_takes_is_named() -> None:
    path = ROOT / "lambdas" / "controls" / "security_group_ssh_restricted.py"
    node = module_of(path).functions["evaluate"]
    first, last = node.lineno, node.end_lineno or 0
    taken: dict[str, list[Any]] = {"missing_lines": [], "missing_branches": []}
    assert missing({"files": {str(path): taken}}, {(path, "evaluate")}) == []
    report = {
        "files": {str(path): {"missing_lines": [last, last + 99], "missing_branches": [[first, last], [last, 1]]}}
    }
    shown = path.relative_to(ROOT)
    assert missing(report, {(path, "evaluate")}) == [
        f"{shown}:{last} evaluate: never run",
        f"{shown}:{first} evaluate: never goes on to line {last}",
    ]
    assert missing({"files": {}}, {(path, "evaluate")}) == [f"{shown}:{first} evaluate: never run"]


def test_functions_that_a_control_shares_with_others_are_looked_at() -> None:
    found = {(path.stem, name) for path, name in reached(ROOT / "lambdas/controls/s3_bucket_customer_key_encrypted.py")}
    assert ("kms_keys", "fault") in found
    assert ("s3_bucket_customer_key_encrypted", "read") not in found
