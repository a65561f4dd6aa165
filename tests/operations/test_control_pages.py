"""The pages of the controls are the catalog's, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdas.controls import catalog
from operations.control_pages import FOLDER, main, pages, stale


def test_the_pages_in_the_repository_are_up_to_date() -> None:
    assert stale(FOLDER) == [], "run `make docs`"


def test_every_control_has_a_page_that_the_index_links() -> None:
    written = pages()
    for control in catalog().values():
        assert f"({control.slug}.md)" in written["README.md"]
        page = written[f"{control.slug}.md"]
        assert control.impact in page
        assert all(f"`{grant.action}`" in page for grant in (*control.read_grants, *control.grants))
        assert all(f"`{name}`" in page for name in control.parameters)


def test_check_says_what_is_stale_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path)]) == 0
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "README.md").write_text("edited", encoding="utf-8")
    (tmp_path / "of-no-control.md").write_text("left behind", encoding="utf-8")
    capsys.readouterr()
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "README.md" in said
    assert "of-no-control.md" in said
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "edited"


def test_writing_brings_a_folder_up_to_date_and_removes_what_belongs_to_no_control(tmp_path: Path) -> None:
    (tmp_path / "of-no-control.md").write_text("left behind", encoding="utf-8")
    main(["--folder", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == set(pages())
