"""The archive: the same bytes wherever it is built, and all that the functions need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.archive import Archive, build, service_models

ROOT = Path(__file__).resolve().parents[2]
MODELS = "botocore/data/"
LIMIT = 20 * 1024 * 1024

# Runs in an interpreter that has the standard library and the archive, nothing else.
PROBE = """
import importlib, json, os, sys

sys.path.insert(0, sys.argv[1])
os.environ.update(AWS_DEFAULT_REGION="eu-west-1", AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="secret")
modules = [importlib.import_module(name) for name in ("lambdas.detect", "lambdas.remediate")]
import boto3
clients = [boto3.client(name).meta.service_model.service_name for name in sys.argv[2:]]
outside = [
    name for name, module in sys.modules.items()
    if "site-packages" in (getattr(module, "__file__", None) or "")
]
print(json.dumps({"handlers": [callable(one.handler) for one in modules], "clients": clients, "outside": outside}))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return build(ROOT, tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def names(archive: Archive) -> list[str]:
    with zipfile.ZipFile(archive.path) as opened:
        return opened.namelist()


def program(root: Path, source: str) -> Path:
    """Write a program with one function module."""
    (root / "lambdas").mkdir(parents=True, exist_ok=True)
    (root / "lambdas" / "__init__.py").write_text("", encoding="utf-8")
    (root / "lambdas" / "detect.py").write_text(source, encoding="utf-8")
    return root


def test_nothing_is_compressed_for_machines_do_not_compress_alike(archive: Archive) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        assert {entry.compress_type for entry in opened.infolist()} == {zipfile.ZIP_STORED}


def test_two_builds_give_the_same_bytes(archive: Archive, tmp_path: Path) -> None:
    again = build(ROOT, tmp_path)
    assert again.digest == archive.digest
    assert again.path.read_bytes() == archive.path.read_bytes()


def test_another_working_directory_and_hash_seed_give_the_same_bytes(archive: Archive, tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from components.archive import build\n"
    script += "print(build(Path(sys.argv[1]), Path('out')).digest)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "4711"}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, str(ROOT)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == archive.digest


def test_an_archive_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    root, out = program(tmp_path / "root", "def handler(event, context): ..."), tmp_path / "out"
    first = build(root, out)
    written = first.path.stat().st_mtime_ns
    assert build(root, out) == first
    assert first.path.stat().st_mtime_ns == written
    assert [path.name for path in out.iterdir()] == [first.path.name]


def test_changed_code_is_another_archive(tmp_path: Path) -> None:
    root, out = program(tmp_path / "root", "answer = 1"), tmp_path / "out"
    first = build(root, out)
    program(root, "answer = 2")
    second = build(root, out)
    assert second.digest != first.digest
    assert second.path != first.path


def test_when_a_file_was_written_does_not_matter(tmp_path: Path) -> None:
    first = build(program(tmp_path / "first", "answer = 1"), tmp_path / "one")
    root = program(tmp_path / "second", "answer = 1")
    for path in (root / "lambdas").iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    assert build(root, tmp_path / "two").digest == first.digest


def test_a_clean_interpreter_needs_nothing_but_the_archive(archive: Archive, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        opened.extractall(tmp_path)
    models = service_models(ROOT)
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-S", "-c", PROBE, str(tmp_path), *models],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"handlers": [True, True], "clients": list(models), "outside": []}


def test_it_holds_the_models_of_the_services_in_use_and_no_other(names: list[str]) -> None:
    held = {
        name.removeprefix(MODELS).split("/")[0] for name in names if name.startswith(MODELS) and name.count("/") > 2
    }
    assert held == set(service_models(ROOT))
    assert {"sts", "securityhub", "config"} <= held


def test_it_holds_no_more_than_it_needs(archive: Archive, names: list[str]) -> None:
    assert archive.path.stat().st_size < LIMIT
    assert [
        name for name in names if name.endswith((".pyc", ".so")) or ".dist-info" in name or "__pycache__" in name
    ] == []
    ours = {name.split("/")[0] for name in names}
    assert ours & {"components", "stacks", "simulator", "operations", "tests", "pulumi", "moto"} == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('session.client("s3")', "s3", id="a client"),
        pytest.param('session.client("kms", config=retries)', "kms", id="a client with options"),
        pytest.param('Change(service="ec2", operation="Stop")', "ec2", id="a change of a control"),
    ],
)
def test_a_service_in_use_is_found_in_the_source(tmp_path: Path, source: str, expected: str) -> None:
    assert service_models(program(tmp_path, source)) == tuple(sorted({expected, "sts"}))
