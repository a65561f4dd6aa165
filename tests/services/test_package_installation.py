"""The script of our document, run on instances of each kind; what it is never given."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.services.package_installation import CONTENT, NAME, PACKAGE, Ran, named, since, strange
from lambdas.services.package_script import SCRIPT
from simulator.services.ssm_hosts import Host

PATTERN: Any = CONTENT["parameters"]["Packages"]["allowedPattern"]  # type: ignore[index]


def run(host: Host, packages: str) -> tuple[int, str, str]:
    assert re.fullmatch(PATTERN, packages)
    return host.run(SCRIPT.replace("{{ Packages }}", packages))


@pytest.mark.parametrize("manager", ["yum", "dnf", "apt-get", "zypper"])
def test_only_the_named_packages_are_installed_to_the_fixed_version_or_what_has_replaced_it(manager: str) -> None:
    installed = {"openssl": "1:1.0.2k-24.0.3", "curl": "7.79.1-2", "bash": "4.2-1", "wget": "1.20-1"}
    offered = {
        "openssl": ["1:1.0.2k-24.0.6", "1:1.0.2k-24.0.9"],
        "curl": ["7.79.1-6"],
        "bash": ["4.2-9"],
        "wget": ["1.21-1"],
        "nginx": ["1.22-1"],
    }
    host = Host("Linux", "Linux", manager, installed, offered)
    # What an installation runs may read all of its input: the list of packages is not that.
    wanted = "curl=7.79.1-4,openssl=1:1.0.2k-24.0.6,wget=1.21-1"
    assert run(host, wanted)[0] == 0
    assert host.packages == {**installed, "openssl": "1:1.0.2k-24.0.6", "curl": "7.79.1-6", "wget": "1.21-1"}
    before = dict(host.packages)
    assert run(host, wanted)[0] == 0
    assert host.packages == before, "a second run changes nothing"


@pytest.mark.parametrize("manager", ["yum", "apt-get", "zypper"])
def test_what_cannot_be_brought_to_its_fixed_version_fails_and_the_rest_is_installed(manager: str) -> None:
    host = Host("Linux", "Linux", manager, {"curl": "7-1", "wget": "1-1"}, {"wget": ["1-2"], "curl": ["7-2"]})
    code, _, said = run(host, "curl=8-1,wget=1-2")
    assert code == 1
    assert "curl is still at" in said
    assert host.packages["wget"] == "1-2"


@pytest.mark.parametrize("manager", ["dnf", "apt-get"])
def test_a_package_that_is_not_installed_is_not_brought_in_and_fails_what_was_asked(manager: str) -> None:
    host = Host("Linux", "Linux", manager, {"wget": "1-1"}, {"wget": ["1-2"], "nginx": ["1.22-1"]})
    code, _, said = run(host, "nginx=1.22-1,wget=1-2")
    assert code == 1
    assert said == "nginx is not installed\n"
    assert host.packages == {"wget": "1-2"}


@pytest.mark.parametrize(("installed", "fixed", "done"), [
    ("1:1.0-1", "1.0-2", True), ("0:1.0-1", "1.0-1", True), ("1.0-1", "1.0", True), ("1.0.1-1", "1.0-9", True),
    ("1.0~rc1-1", "1.0-1", False), ("1.0-1", "1:0.1-1", False),
])  # fmt: skip
def test_epochs_versions_and_releases_are_compared_each_by_itself(installed: str, fixed: str, *, done: bool) -> None:
    host = Host("Linux", "Linux", "yum", {"one": installed})
    assert (run(host, f"one={fixed}")[0] == 0) is done


def test_an_instance_without_a_package_manager_that_is_known_fails() -> None:
    code, _, said = run(Host("Linux", "Linux", "apk", {"curl": "7-1"}), "curl=8-1")
    assert (code, said) == (1, "no package manager is known here\n")


@pytest.mark.parametrize("given", [
    "curl", "curl=", "curl=1;reboot", "curl='1'", "curl=$(reboot)", "curl=`reboot`", "curl=1\nreboot", "--root=/x",
    "curl=1,", "curl=1, wget=1", "curl=1 2", "cu rl=1", "curl=-1", "curl=1=2", "../x=1", "{{x}}=1",
])  # fmt: skip
def test_the_document_takes_nothing_that_a_shell_could_take_for_something_else(given: str) -> None:
    assert re.fullmatch(PATTERN, given) is None
    assert re.search(PATTERN, given) is None or given.endswith("\n")


def test_each_package_is_named_once_and_what_has_another_form_is_strange() -> None:
    found = [{"Name": "curl", "Fixed": "8-1"}, {"Name": "a'b", "Fixed": "1"}, {"Name": "curl", "Fixed": "8-1"}]
    assert named(found) == ["a'b=1", "curl=8-1"]
    assert strange(found) == ["a'b=1"]
    assert re.fullmatch(PACKAGE, "libstdc++6=1:12.3.0~rc1-1ubuntu1+b1")


def test_a_package_of_several_entries_is_named_with_the_newest_fixed_version() -> None:
    for versions in (("1.9-1", "1.10-1"), ("1.10-1", "1.9-1")):
        assert named({"Name": "curl", "Fixed": version} for version in versions) == ["curl=1.10-1"]


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RAN = Ran({"curl": "8-1"}, NOON, NOON + timedelta(minutes=5))
ENTRY = {"Name": "curl", "Manager": "OS", "Fixed": "8-1", "First": NOON - timedelta(days=1), "Last": NOON}


@pytest.mark.parametrize(("entry", "ran", "is_installed", "is_told"), [
    ({}, [], False, False),
    ({}, [RAN], True, True),
    ({"Last": NOON + timedelta(minutes=4)}, [RAN], True, True),
    ({"Last": NOON + timedelta(minutes=5)}, [RAN], False, True),
    ({"Fixed": "7-9"}, [RAN], True, True),
    ({"Fixed": "8-2"}, [RAN], False, True),
    ({"Name": "wget"}, [RAN], False, True),
    ({"Manager": "NPM"}, [RAN], False, True),
    ({"First": NOON + timedelta(minutes=1), "Last": NOON + timedelta(minutes=1)}, [RAN], True, False),
    ({}, [Ran({"wget": "1-2"}, NOON + timedelta(hours=1), NOON + timedelta(hours=2)), RAN], True, True),
    ({"First": NOON + timedelta(minutes=1), "Name": "wget", "Last": NOON + timedelta(minutes=1)},
     [RAN, Ran({}, NOON + timedelta(hours=1), NOON + timedelta(hours=2))], False, True),
])  # fmt: skip
def test_what_a_command_installed_counts_until_inspector_observes_it_again_and_times_are_not_told(
    entry: dict[str, Any], ran: list[Ran], *, is_installed: bool, is_told: bool
) -> None:
    (found,) = since([{**ENTRY, **entry}], ran)
    assert (found["Installed"], found["Told"]) == (is_installed, is_told)
    assert not any(isinstance(value, datetime) for value in found.values())


def test_the_document_s_name_follows_from_its_content_and_is_one_that_aws_takes() -> None:
    assert re.fullmatch(r"Palisade-InstallPackages-[0-9a-f]{12}", NAME)
    assert SCRIPT.count("{{") == 1, "nothing else is put in"
