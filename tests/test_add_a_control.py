"""The guide "Add a control": its two files, added to a copy of the repository, keep every law."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "add-a-control.md"
FILE = re.compile(r"<!-- file: (?P<path>\S+) -->\n```python\n(?P<text>.*?)```\n", re.DOTALL)
COPIED = (
    "lambdas",
    "components",
    "operations",
    "simulator",
    "stacks",
    "tests",
    "docs",
    "pyproject.toml",
    "__main__.py",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    for found in FILE.finditer(GUIDE.read_text(encoding="utf-8")):
        (root / found["path"]).write_text(found["text"], encoding="utf-8")
    return root


def run(copy: Path, *arguments: str) -> str:
    """Run Python in the copy; its own modules come before the installed ones."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and files
        [sys.executable, *arguments], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


def test_the_guide_s_files_pass_their_test_and_the_laws_and_the_linter(copy: Path) -> None:
    tests = ("tests/controls/test_s3_bucket_versioned.py", "tests/test_catalog.py", "tests/test_catalog_plans.py")
    said = run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "S3.14 or versioned or unique or one_file"
    )
    assert re.search(r"\b\d+ passed", said)
    run(copy, "-m", "ruff", "check", "--no-cache", "lambdas/controls", "tests/controls")
    run(copy, "-m", "ruff", "format", "--no-cache", "--check", "lambdas/controls", "tests/controls")


def test_the_page_is_generated_without_a_further_file(copy: Path) -> None:
    run(copy, "-m", "operations.control_pages")
    page = (copy / "docs" / "controls" / "s3-bucket-versioned.md").read_text(encoding="utf-8")
    assert page.count("s3:PutBucketVersioning") == 1
