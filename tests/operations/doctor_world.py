"""A local organisation before the first up, and the doctor run in it through the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from lambdas.controls import catalog
from operations import local_estate, stack_settings
from operations.cli import app
from simulator.local import LocalOrganization

HOME, AWAY = "eu-west-1", "us-east-1"
TEAM = "300000000001"


@dataclass
class Doctored:
    """The organisation, and where the doctor finds its stacks' settings."""

    organization: LocalOrganization
    folder: Path

    def client(self, account: str, service: str, region: str = HOME) -> Any:
        session: Any = self.organization.session(account, region)
        return session.client(service)

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(app, ["doctor", *options])

    def lines(self, *options: str) -> list[dict[str, Any]]:
        """Run over the stack called here with --json."""
        done = self.run("--json", *(options or ("--stack", "here")))
        assert done.exit_code in (0, 1), done.output
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.exit_code == int(any(line.get("level") == "blocks" for line in found))
        return found

    def checks(self, level: str, *options: str) -> list[dict[str, Any]]:
        return [line for line in self.lines(*options) if line.get("level") == level]

    def write(self, *, only: str | None = None, **settings: Any) -> None:
        """Write the settings of the stack called here; `only` is a control beside which all are off."""
        config = {**local_estate.stack_config(self.organization), **settings}
        if only:
            off = {control: {"mode": "off"} for control in catalog() if control != only}
            config["controls"] = {**config["controls"], **off}
        text = yaml.safe_dump({"config": {f"palisade:{key}": value for key, value in config.items()}})
        (self.folder / "Pulumi.here.yaml").write_text(text, encoding="utf-8")


@contextmanager
def doctored(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, regions: tuple[str, ...] = (HOME,)
) -> Iterator[Doctored]:
    """Open an organisation of one team, with a shell that has the management account's credentials."""
    with LocalOrganization(local_estate.plan_of(1), home_region=regions[0], regions=regions) as organization:
        local_estate.prepare(organization)
        yield settled(organization, folder, monkeypatch)


def settled(organization: LocalOrganization, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Doctored:
    """Point a shell at an organisation, and write the all-in-one stack called here."""
    credentials = organization.administrator()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key)
    monkeypatch.setenv("COLUMNS", "250")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(stack_settings, "STACKS", folder)
    place = Doctored(organization, folder)
    place.write()
    return place
