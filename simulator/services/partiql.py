"""PartiQL for DynamoDB, as far as INSERT and UPDATE go: statements become the item operations they stand for.

Source: DynamoDB Developer Guide, "PartiQL insert statements for DynamoDB" and "PartiQL update statements
for DynamoDB". An INSERT needs that the key is not there, an UPDATE that it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.call import ServiceError

TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|\"([^\"]+)\"|(\d+(?:\.\d+)?)|([A-Za-z_][\w-]*)|(<>|<=|>=|[?{}:,=+\-<>()]))")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
Keys = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Insert:
    """An item that must not be there."""

    table: str
    item: dict[str, Any]


@dataclass(slots=True)
class Update:
    """A change of an item that must be there, as UpdateItem takes it."""

    table: str
    key: dict[str, Any] = field(default_factory=dict)
    expression: str = ""
    condition: str = ""
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


def translate(statement: str, parameters: Sequence[Mapping[str, Any]], keys: Keys) -> Insert | Update:
    """Read a statement; `keys` tells the key attributes of a table. Raises ServiceError for what it cannot read."""
    reader = _Reader(statement, parameters)
    word = reader.word()
    found = reader.insert() if word == "INSERT" else reader.update(keys) if word == "UPDATE" else None
    if found is None:
        raise reader.error(f"statements that begin with {word} are not simulated here")
    reader.end()
    return found


class _Reader:
    """Reads one statement, token by token."""

    def __init__(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        self._statement = statement
        self._tokens = list(self._split())
        self._given: Iterator[Mapping[str, Any]] = iter(parameters)
        self._left = len(parameters)
        self._place = 0

    def _split(self) -> Iterator[tuple[str, str]]:
        place, text = 0, self._statement.strip()
        while place < len(text):
            match = TOKEN.match(text, place)
            if match is None:
                raise self.error(f"unexpected {text[place : place + 10]!r}")
            kinds = ("text", "name", "number", "word", "sign")
            kind = kinds[next(number for number, value in enumerate(match.groups()) if value is not None)]
            yield kind, next(value for value in match.groups() if value is not None)
            place = match.end()

    def error(self, why: str) -> ServiceError:
        return ServiceError("ValidationException", f"Statement wasn't well formed, can't be processed: {why}")

    def word(self) -> str:
        kind, value = self._next()
        if kind != "word":
            raise self.error(f"a keyword is missing before {value!r}")
        return value.upper()

    def end(self) -> None:
        if self._place != len(self._tokens):
            raise self.error(f"unexpected {self._tokens[self._place][1]!r}")
        if self._left:
            raise self.error("more parameters than placeholders")

    def insert(self) -> Insert:
        self._expect("word", "INTO")
        table = self._name()
        self._expect("word", "VALUE")
        self._expect("sign", "{")
        item: dict[str, Any] = {}
        while True:
            kind, name = self._next()
            if kind != "text":
                raise self.error(f"the attribute {name!r} stands in single quotes")
            self._expect("sign", ":")
            item[name] = self._literal()
            if not self._take("sign", ","):
                break
        self._expect("sign", "}")
        return Insert(table, item)

    def update(self, keys: Keys) -> Update:
        change = Update(self._name())
        sets: list[str] = []
        removes: list[str] = []
        while not self._take("word", "WHERE"):
            word = self.word()
            if word == "SET":
                sets.append(self._assignment(change))
                while self._take("sign", ","):
                    sets.append(self._assignment(change))
            elif word == "REMOVE":
                removes.append(self._named(change, self._name()))
            else:
                raise self.error(f"unexpected {word}")
        self._where(change, keys(change.table))
        change.expression = " ".join(
            [*(["SET " + ", ".join(sets)] if sets else []), *(["REMOVE " + ", ".join(removes)] if removes else [])]
        )
        return change

    def _where(self, change: Update, keys: tuple[str, ...]) -> None:
        conditions = [f"attribute_exists({self._named(change, keys[0])})"]
        while True:
            name = self._name()
            sign = self._next()[1]
            if sign not in COMPARISONS:
                raise self.error(f"unexpected {sign!r}")
            value = self._literal()
            if name in keys and sign == "=":
                change.key[name] = value
            else:
                conditions.append(f"{self._named(change, name)} {sign} {self._valued(change, value)}")
            if not self._take("word", "AND"):
                break
        if set(change.key) != set(keys):
            raise ServiceError(
                "ValidationException", "Where clause does not contain a mandatory equality on all key attributes"
            )
        change.condition = " AND ".join(conditions)

    def _assignment(self, change: Update) -> str:
        name = self._named(change, self._name())
        self._expect("sign", "=")
        return f"{name} = {self._expression(change)}"

    def _expression(self, change: Update) -> str:
        """An operand, or two with a sign between them."""
        text = self._operand(change)
        for sign in ("+", "-"):
            if self._take("sign", sign):
                return f"{text} {sign} {self._operand(change)}"
        return text

    def _operand(self, change: Update) -> str:
        kind, value = self._tokens[self._place] if self._place < len(self._tokens) else ("", "")
        if kind == "name" or (kind == "word" and value.upper() not in ("TRUE", "FALSE", "NULL")):
            self._place += 1
            return self._named(change, value)
        return self._valued(change, self._literal())

    def _literal(self) -> dict[str, Any]:
        kind, value = self._next()
        if (kind, value) == ("sign", "?"):
            given = next(self._given, None)
            if given is None:
                raise self.error("fewer parameters than placeholders")
            self._left -= 1
            return dict(given)
        if kind == "text":
            return {"S": value.replace("''", "'")}
        if kind == "number":
            return {"N": value}
        if kind == "word" and value.upper() in ("TRUE", "FALSE"):
            return {"BOOL": value.upper() == "TRUE"}
        raise self.error(f"{value!r} is no value")

    def _name(self) -> str:
        kind, value = self._next()
        if kind not in ("name", "word"):
            raise self.error(f"{value!r} is no name")
        return value

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise self.error("it ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, kind: str, value: str) -> bool:
        if self._place >= len(self._tokens):
            return False
        known, found = self._tokens[self._place]
        taken = known == kind and (found.upper() if kind == "word" else found) == value
        self._place += taken
        return taken

    def _expect(self, kind: str, value: str) -> None:
        if not self._take(kind, value):
            raise self.error(f"{value} is missing")

    @staticmethod
    def _named(change: Update, name: str) -> str:
        known = next((alias for alias, one in change.names.items() if one == name), None)
        alias = known or f"#n{len(change.names)}"
        change.names[alias] = name
        return alias

    @staticmethod
    def _valued(change: Update, value: dict[str, Any]) -> str:
        alias = f":v{len(change.values)}"
        change.values[alias] = value
        return alias
