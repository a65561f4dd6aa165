"""The pages of the controls under docs/controls/, written from the catalog alone.

`python -m operations.control_pages` writes them; with `--check` it writes nothing and exits 1 where a
page is missing, stale or of no control.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lambdas.controls import catalog
from lambdas.controls.model import (
    Control,
    CustomRule,
    Frequency,
    Grant,
    ManagedRule,
    Mode,
    Parameter,
    Scope,
    SecurityHubControl,
)
from operations.markdown import code, table

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "controls"
INDEX = "README.md"
GENERATED = "<!-- Written from the catalog by `make docs`; edits here are lost. -->"
STANDARD = "Where an enabled standard checks the control, Security Hub's own findings take the place of the rule."
EVERY = {
    Frequency.ONE_HOUR: "every hour",
    Frequency.THREE_HOURS: "every 3 hours",
    Frequency.SIX_HOURS: "every 6 hours",
    Frequency.TWELVE_HOURS: "every 12 hours",
    Frequency.DAILY: "every 24 hours",
}


def pages() -> dict[str, str]:
    """Write every page: its file name and its text."""
    controls = list(catalog().values())
    return {INDEX: _index(controls), **{f"{control.slug}.md": _page(control) for control in controls}}


def stale(folder: Path) -> list[str]:
    """Name the files of a folder that differ from the catalog: missing, out of date, or of no control."""
    wanted = pages()
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(folder: Path) -> list[str]:
    """Bring a folder up to date; return the names of the files that changed."""
    changed = stale(folder)
    wanted = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def _index(controls: Iterable[Control]) -> str:
    rows = [
        (
            f"[{control.id}]({control.slug}.md)",
            control.title,
            control.severity.value,
            code(control.resource_type),
            code(control.ceiling.mode.value),
        )
        for control in controls
    ]
    lines = [
        GENERATED,
        "# The controls",
        "",
        "The ceiling is the strongest mode that applies; a setting lifts it by name, unless it is firm. "
        "To add one, see [add-a-control.md](../add-a-control.md).",
        "",
        *table(("control", "compliant when", "severity", "resource", "ceiling"), rows),
    ]
    return "\n".join(lines) + "\n"


def _page(control: Control) -> str:
    lines = [
        GENERATED,
        f"# {control.id}: {control.title}",
        "",
        *table(
            ("", ""),
            (
                ("severity", control.severity.value),
                ("resource", f"{code(control.resource_type)}, {code(control.arn)}"),
                ("judged", "in each Region" if control.scope is Scope.REGIONAL else "once per account"),
                ("requirements", ", ".join(control.requirements)),
                ("file", f"[{_file(control)}](../../{_file(control)})"),
            ),
        ),
        "",
        "## How it is detected",
        "",
        _detection(control),
        "",
        "## What remediation does",
        "",
        control.remediation,
        "",
        f"**Impact.** {control.impact}",
        "",
        f"**Ceiling.** {_ceiling(control)}",
        "",
        "**Undo.** What a change replaces is read before it and goes into the ledger with the call that restores it. "
        "A failed remediation restores it at once. What no undo brings back stands under *Impact*.",
        "",
        "## Parameters",
        "",
        *(_parameters(control) or ["None."]),
        "",
        "```yaml",
        *_example(control),
        "```",
        "",
        "## Permissions",
        "",
        f"{_readers(control)} may read:",
        "",
        *_grants((*control.read_grants, *control.probe_grants)),
        "",
        "The writer role may change, where the mode is `approve` or `automatic`; each remediation is narrowed to its "
        "own resource:",
        "",
        *(_grants(control.grants) if control.grants else ["Nothing."]),
    ]
    return "\n".join(lines) + "\n"


def _file(control: Control) -> str:
    return f"lambdas/controls/{control.slug.replace('-', '_')}.py"


def _detection(control: Control) -> str:
    detection = control.detection
    rule = code(f"<prefix>-{control.slug}")
    if isinstance(detection, ManagedRule):
        given = ", ".join(f"{name} from {code(parameter)}" for name, parameter in detection.parameters.items())
        parameters = f" with {given}" if given else ""
        return (
            f"By the AWS Config rule {rule}, an AWS managed rule: {code(detection.identifier)}{parameters}. {STANDARD}"
        )
    if isinstance(detection, CustomRule):
        when = [f"on every recorded change of {code(control.resource_type)}"] if detection.on_change else []
        when += [EVERY[detection.schedule]] if detection.schedule else []
        found = " The reconciliation finds what events missed." if control.discover else ""
        return f"By the AWS Config rule {rule}, evaluated by the detect function: {' and '.join(when)}.{found}"
    if isinstance(detection, SecurityHubControl):
        return (
            f"By Security Hub's own control {control.id}, where a standard is enabled that has it: there is no rule "
            "and no finding of ours. Each finding is confirmed by reading the resource before anything is done."
        )
    severities = " or ".join(severity.value for severity in detection.severities)
    types = " or ".join(code(one) for one in detection.types)
    return (
        f"By {detection.product}'s findings of type {types} and severity {severities}. They are confirmed at "
        f"{detection.product} itself before anything is done, and closed there, by people or by itself: Palisade "
        "writes its note on the finding and sets it to NOTIFIED."
    )


def _readers(control: Control) -> str:
    return "Detection and the reader role" if control.by_rule else "The reader role"


def _ceiling(control: Control) -> str:
    ceiling = control.ceiling
    if ceiling.mode is Mode.AUTOMATIC:
        return "None: every mode applies as it is set. A single plan may still ask for approval, and says why."
    lifted = "No setting lifts it." if ceiling.firm else "`liftCeiling: true` lifts it."
    return f"{code(ceiling.mode.value)}: {ceiling.reason}. {lifted}"


def _parameters(control: Control) -> list[str]:
    rows = [
        (code(name), one.description, _type(one), _default(one), _bounds(one))
        for name, one in control.parameters.items()
    ]
    return list(table(("name", "what it sets", "type", "default", "accepted"), rows)) if rows else []


def _type(parameter: Parameter) -> str:
    name = "list of strings" if parameter.type == "strings" else parameter.type
    return f"{name}, by Region" if parameter.per_region else name


def _default(parameter: Parameter) -> str:
    return "none" if parameter.default in (None, (), []) else code(json.dumps(parameter.default))


def _bounds(parameter: Parameter) -> str:
    said = [code(one) for one in parameter.allowed]
    if parameter.minimum is not None:
        said.append(f"at least {parameter.minimum}")
    if parameter.maximum is not None:
        said.append(f"at most {parameter.maximum}")
    if parameter.pattern is not None:
        said.append(code(parameter.pattern))
    return ", ".join(said) or "any"


def _example(control: Control) -> Iterator[str]:
    yield "palisade:controls:"
    yield f"  {control.id}:"
    yield f"    mode: {control.ceiling.mode.value}"


def _grants(grants: Iterable[Grant]) -> Iterator[str]:
    rows = [
        (code(grant.action), "<br>".join(code(str(one)) for one in grant.resources), _conditions(grant))
        for grant in grants
    ]
    return table(("action", "on", "if"), rows)


def _conditions(grant: Grant) -> str:
    said = [
        f"{code(key)} {operator} {code(json.dumps(value))}"
        for operator, keys in grant.conditions.items()
        for key, value in keys.items()
    ]
    return "<br>".join(said)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with `--check` say which are not as the catalog has them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations.control_pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is stale")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages lie")
    given = parser.parse_args(arguments)
    changed = stale(given.folder) if given.check else write(given.folder)
    for name in changed:
        print(f"{'stale' if given.check else 'written'}: {given.folder / name}")
    return 1 if given.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
