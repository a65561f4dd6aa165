"""Another version of the program in a workspace: its own copy, edited."""

from __future__ import annotations

import shutil
from pathlib import Path

from operations.engine import Workspace


def own_copy(workspace: Workspace) -> None:
    """Replace the links of a workspace by copies of what they lead to."""
    for link in [*workspace.folder.iterdir(), *(workspace.folder / "stacks").iterdir()]:
        if link.is_symlink() and link.name != ".venv":
            target = link.resolve()
            link.unlink()
            if target.is_dir():
                shutil.copytree(target, link, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(target, link)


def edit(workspace: Workspace, file: str, old: str, new: str) -> None:
    """Change one place of a copied file."""
    path: Path = workspace.folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} of {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")
