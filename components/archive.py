"""The archive that every function runs: our code, Powertools, and an SDK with only the service models in use.

One and the same bytes everywhere: the archive's hash is its name in the code buckets, so stacks agree
on it without reading each other's state. The SDK is ours and not the runtime's, because an older one
drops response fields that it does not know, and a read-change-write would lose them.
"""

from __future__ import annotations

import ast
import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

# What is imported at run time, by distribution. Data files come along; compiled extensions do not,
# for the archive is made on one machine and runs on another.
DISTRIBUTIONS = (
    "aws-lambda-powertools",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "typing-extensions",
    "urllib3",
)
MODELS = "botocore/data/"
# Tests, type stubs of other tools and the command's own scripts are not imported.
LEFT_OUT = ("__pycache__", ".dist-info/", ".pyc", ".so", "boto3/examples/", "/py.typed")
# Zip knows no time before 1980; a fixed one makes equal content equal bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
LIMIT = 250 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """A built archive: where it lies, and the SHA-256 of its bytes."""

    path: Path
    digest: str


def build(root: Path, out: Path) -> Archive:
    """Build the archive of the program at `root` into the folder `out`; the same content is built once."""
    files = dict(sorted((*_own(root), *_packages(service_models(root)))))
    content = hashlib.sha256(b"stored\n")
    for name, path in files.items():
        content.update(f"{name}\n".encode())
        content.update(_digest(path, path.stat().st_mtime_ns))
    target = out / f"{content.hexdigest()}.zip"
    if not target.exists():
        out.mkdir(parents=True, exist_ok=True)
        # Several stacks may build at once: each writes its own file, the last rename wins with equal bytes.
        unfinished = out / f"{target.stem}.{os.getpid()}.part"
        _write(unfinished, files)
        unfinished.replace(target)
    return Archive(target, hashlib.sha256(target.read_bytes()).hexdigest())


def service_models(root: Path) -> tuple[str, ...]:
    """The services that the functions call, found in their source: `.client("...")` and `service="..."`."""
    found = {"sts"}
    for path in sorted((root / "lambdas").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            named = [keyword.value for keyword in node.keywords if keyword.arg == "service"]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "client":
                named.extend(node.args[:1])
            found |= {one.value for one in named if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return tuple(sorted(found))


def _own(root: Path) -> Iterator[tuple[str, Path]]:
    for path in (root / "lambdas").rglob("*.py"):
        yield path.relative_to(root).as_posix(), path


def _packages(services: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    wanted = tuple(f"{MODELS}{service}/" for service in services)
    for name in DISTRIBUTIONS:
        for file in distribution(name).files or ():
            path = file.as_posix()
            if path.startswith("..") or any(part in path for part in LEFT_OUT):
                continue
            # Beside the models stand the partitions, the endpoints and the retry rules: those are small.
            if path.startswith(MODELS) and path.count("/") > MODELS.count("/") and not path.startswith(wanted):
                continue
            yield path, Path(str(file.locate()))


@cache
def _digest(path: Path, modified: int) -> bytes:
    """Hash a file; `modified` (nanoseconds) makes the memory forget what has changed since."""
    return hashlib.sha256(path.read_bytes()).digest()


def _write(target: Path, files: dict[str, Path]) -> None:
    size = 0
    # Not compressed: builds of zlib compress the same content to different bytes, and the hash is the name.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            data = path.read_bytes()
            size += len(data)
            archive.writestr(entry, data)
    if size > LIMIT:
        raise ValueError(f"the archive unpacks to {size} bytes; Lambda takes {LIMIT}")
