"""The package managers of a simulated instance, as far as scripts of documents use them: programs over a JSON file.

A file of each name, put into the PATH of a script, calls `main`. What is installed and what the repositories offer is
in the file that the first argument names; anything that is not simulated ends with status 64 and says so.
Source: yum(8), dnf(8), apt-get(8), dpkg(1), dpkg-query(1), zypper(8), rpm(8); RPM Reference Manual, "rpm.vercmp".
Standard library alone: an interpreter starts for every call.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from functools import cmp_to_key
from pathlib import Path
from typing import Any

# Which programs an instance has, by its package manager.
PROGRAMS = {
    "yum": ("yum", "rpm"),
    "dnf": ("dnf", "rpm"),
    "apt-get": ("apt-get", "dpkg", "dpkg-query"),
    "zypper": ("zypper", "rpm"),
}
UNKNOWN = 64
TOKENS = re.compile(r"\d+|[a-zA-Z]+|~|\^")
VERCMP = re.compile(r"%\{lua:print\(rpm\.vercmp\('([^']*)','([^']*)'\)\)\}")
IF_EPOCH = re.compile(r"%\|EPOCH\?\{(.*?)\}:\{(.*?)\}\|")
RELATIONS = {
    "ge": lambda order: order >= 0,
    "gt": lambda order: order > 0,
    "le": lambda order: order <= 0,
    "lt": lambda order: order < 0,
    "eq": lambda order: order == 0,
}


def vercmp(one: str, other: str) -> int:
    """Compare two segments of a version as RPM does: -1, 0 or 1."""
    left, right = TOKENS.findall(one), TOKENS.findall(other)
    for mine, theirs in zip(left + [""] * len(right), right + [""] * len(left), strict=True):
        if mine == theirs:
            continue
        for mark, order in (("~", -1), ("", -1), ("^", -1)):
            if mark in (mine, theirs):
                return order if mine == mark else -order
        if mine.isdigit() != theirs.isdigit():
            return 1 if mine.isdigit() else -1
        if not mine.isdigit() or int(mine) != int(theirs):
            greater = int(mine) > int(theirs) if mine.isdigit() else mine > theirs
            return 1 if greater else -1
    return 0


def split(version: str) -> tuple[str, str, str]:
    """Epoch (0 where there is none), version and release."""
    epoch, colon, rest = version.rpartition(":")
    upstream, dash, release = rest.rpartition("-")
    return (epoch if colon else "0", upstream if dash else rest, release if dash else "")


def compare(one: str, other: str) -> int:
    """Compare two whole versions."""
    return next((order for pair in zip(split(one), split(other), strict=True) if (order := vercmp(*pair))), 0)


class Packages:
    """What is installed on an instance, and what its repositories offer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    def installed(self, name: str) -> str | None:
        """The version of a package; None where it is not installed."""
        version: str | None = self._state["packages"].get(name)
        return version

    def offered(self, name: str) -> list[str]:
        """The versions that the repositories have, the newest last."""
        return sorted(self._state["repository"].get(name, ()), key=cmp_to_key(compare))

    def install(self, name: str, version: str) -> int:
        """Install a version that is newer than what is there; never an older one."""
        before = self.installed(name)
        if before is None or compare(version, before) > 0:
            self._state["packages"][name] = version
            self._path.write_text(json.dumps(self._state), encoding="utf-8")
        return 0

    def update(self, name: str) -> int:
        """Install the newest version there is of a package that is installed."""
        offered = self.offered(name)
        return self.install(name, offered[-1]) if offered and self.installed(name) is not None else 0


def plain(version: str) -> str:
    """A version without its epoch."""
    return version.rpartition(":")[2]


def rpm(packages: Packages, arguments: Sequence[str]) -> int:
    """Rpm -q [--qf FORMAT] NAME, and --eval of one comparison."""
    if arguments[:1] == ["--eval"] and (asked := VERCMP.fullmatch(arguments[1])):
        print(vercmp(*asked.groups()))
        return 0
    if arguments[:1] != ["-q"] or len(arguments) not in (2, 4):
        return unknown("rpm", arguments)
    version = packages.installed(arguments[-1])
    if version is None:
        print(f"package {arguments[-1]} is not installed")
        return 1
    epoch, upstream, release = split(version)
    text = arguments[2] if len(arguments) == 4 else "%{NAME}-%{VERSION}-%{RELEASE}\\n"
    text = IF_EPOCH.sub(lambda found: found[1] + "}" if epoch != "0" else found[2], text)
    for tag, value in (("NAME", arguments[-1]), ("EPOCH", epoch), ("VERSION", upstream), ("RELEASE", release)):
        text = text.replace(f"%{{{tag}}}", value)
    print(text.replace("\\n", "\n"), end="")
    return 0


def yum(packages: Packages, arguments: Sequence[str]) -> int:
    """Yum or dnf -q -y install NAME-VERSION-RELEASE, or update NAME."""
    words = [one for one in arguments if one not in ("-q", "-y")]
    if len(words) == 2 and words[0] == "update":
        return packages.update(words[1])
    if len(words) != 2 or words[0] != "install":
        return unknown("yum", arguments)
    parts = words[1].split("-")
    for end in range(1, len(parts)):
        name, wanted = "-".join(parts[:end]), "-".join(parts[end:])
        for version in packages.offered(name):
            if plain(version) == wanted:
                return packages.install(name, version)
    print(f"No package {words[1]} available.", file=sys.stderr)
    return 1


def apt_get(packages: Packages, arguments: Sequence[str]) -> int:
    """Apt-get update, or install [--only-upgrade] NAME[=VERSION]."""
    words = [one for one in arguments if not one.startswith("-") and not one.startswith("Dpkg::")]
    if words == ["update"]:
        return 0
    if len(words) != 2 or words[0] != "install":
        return unknown("apt-get", arguments)
    return _named(packages, words[1], lambda version: version)


def zypper(packages: Packages, arguments: Sequence[str]) -> int:
    """Zypper install NAME=VERSION, or update NAME."""
    words = [one for one in arguments if not one.startswith("-")]
    if len(words) == 2 and words[0] == "update":
        return packages.update(words[1])
    if len(words) != 2 or words[0] != "install":
        return unknown("zypper", arguments)
    return _named(packages, words[1], plain)


def _named(packages: Packages, word: str, shown: Any) -> int:
    name, chosen, wanted = word.partition("=")
    if not chosen:
        return packages.update(name)
    found = [version for version in packages.offered(name) if shown(version) == wanted]
    if found:
        return packages.install(name, found[-1])
    print(f"Version '{wanted}' for '{name}' was not found", file=sys.stderr)
    return 100


def dpkg(packages: Packages, arguments: Sequence[str]) -> int:
    """Dpkg --compare-versions ONE RELATION OTHER."""
    if len(arguments) != 4 or arguments[0] != "--compare-versions" or arguments[2] not in RELATIONS:
        return unknown("dpkg", arguments)
    return 0 if RELATIONS[arguments[2]](compare(arguments[1], arguments[3])) else 1


def dpkg_query(packages: Packages, arguments: Sequence[str]) -> int:
    """Dpkg-query -W -f FORMAT NAME."""
    if len(arguments) != 4 or list(arguments[:2]) != ["-W", "-f"]:
        return unknown("dpkg-query", arguments)
    version = packages.installed(arguments[3])
    if version is None:
        print(f"dpkg-query: no packages found matching {arguments[3]}", file=sys.stderr)
        return 1
    text = arguments[2].replace("${db:Status-Status}", "installed").replace("${Version}", version)
    print(text.replace("\\n", "\n"), end="")
    return 0


COMMANDS = {
    "rpm": rpm,
    "yum": yum,
    "dnf": yum,
    "apt-get": apt_get,
    "zypper": zypper,
    "dpkg": dpkg,
    "dpkg-query": dpkg_query,
}


def unknown(program: str, arguments: Sequence[str]) -> int:
    """Refuse what is not simulated."""
    print(f"{program} {' '.join(arguments)} is not simulated", file=sys.stderr)
    return UNKNOWN


def main(path: str, program: str) -> None:
    """Run one program over the state at `path`, with the arguments of this process.

    The scripts of packages may read what an installation is given as its input: here they read all of it.
    """
    if program in PROGRAMS:
        sys.stdin.read()
    sys.exit(COMMANDS[program](Packages(Path(path)), sys.argv[1:]))
