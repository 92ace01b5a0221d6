"""Types of parameters: read from an annotation as syntax, and used to read and check values.

    str  int  float  bool  date  datetime  list[…]  Literal[…]  … | None  Optional[…]

Text from a command line is read by the type, so that the customer ``007`` does not become 7
and ``nan`` stays a word. A recipe may also say ``secret``.
"""

import ast
import math
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.dates import is_date, is_relative

PLAIN = ("str", "int", "float", "bool", "date", "datetime")
ALL = "str, int, float, bool, date, datetime, list[…], Literal[…]"
WORDS = {"true": True, "yes": True, "false": False, "no": False}
HINTS = {
    "int": "a whole number, such as 12",
    "float": "a number, such as 0.95",
    "bool": "true or false",
    "str": "a text",
    "date": "a date, such as 2026-07-01",
    "datetime": "a moment, such as 2026-07-01T06:30",
}


@dataclass(frozen=True)
class Type:
    """A type: its `kind`, of what its items are if it is a list, which values it has if they are few."""

    kind: str
    optional: bool = False
    item: "Type | None" = None
    choices: tuple[Any, ...] = ()
    as_text: bool = False  # a date that the notebook wants as text

    def __str__(self) -> str:
        name = "str" if self.as_text else self.kind
        if self.kind == "list":
            name = f"list[{self.item}]"
        if self.kind == "Literal":
            name = f"Literal[{', '.join(map(repr, self.choices))}]"
        return f"{name} | None" if self.optional else name

    @property
    def hint(self) -> str:
        """What to give."""
        nothing = ", or nothing" if self.optional else ""
        if self.kind == "Literal":
            return f"one of {', '.join(map(str, self.choices))}{nothing}"
        if self.kind == "list" and self.item:
            many = {"str": "texts", "int": "whole numbers", "float": "numbers", "date": "dates"}
            example = {"int": "1,2,3", "float": "0.9,0.95", "date": "2026-07-01,2026-08-01"}.get(
                self.item.kind, "a,b,c"
            )
            return f"a list of {many.get(self.item.kind, str(self.item))} (on the command line: {example}){nothing}"
        return HINTS[self.kind] + nothing

    def from_text(self, text: str) -> Any:
        """Value of a text from the command line.

        Raises
        ------
        ValueError
            The text is no value of this type.
        """
        _check_whole(text)
        if self.optional and text == "":
            return None
        if self.kind == "list" and self.item:
            item = self.item
            return [item.from_text(part) if isinstance(part, str) else item.checked(part) for part in _parts(text)]
        if self.kind == "Literal":
            for choice in self.choices:
                if text == str(choice) or (isinstance(choice, bool) and WORDS.get(text.lower()) is choice):
                    return choice
        elif self.kind == "int" and re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
            return int(text)
        elif self.kind == "float" and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", text, re.I):
            return self.checked(float(text))
        elif self.kind == "bool" and text.lower() in WORDS:
            return WORDS[text.lower()]
        elif self.kind in ("str", "date", "datetime"):
            return self.checked(text)
        raise ValueError(text)

    def checked(self, value: Any) -> Any:
        """The same value as the notebook will get it, if it is one of this type.

        A date of TOML becomes its text where text is wanted, a whole number a float where that is.

        Raises
        ------
        ValueError
            It is not.
        """
        if value is None and self.optional:
            return None
        if isinstance(value, str):
            _check_whole(value)
        if self.kind == "list" and self.item and isinstance(value, list):
            item = self.item
            return [item.checked(part) for part in value]
        if self.kind == "Literal" and any(value == choice and type(value) is type(choice) for choice in self.choices):
            return value
        if self.kind == "str" and isinstance(value, date):
            return value.isoformat()
        if self.kind in ("date", "datetime"):
            return self._date(value)
        if self.kind == "float" and isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value) if abs(value) < 1e308 else math.inf
            if math.isfinite(number):
                return number
        known = {"str": str, "int": int, "bool": bool}.get(self.kind)
        if known and isinstance(value, known) and isinstance(value, bool) == (self.kind == "bool"):
            return value
        raise ValueError(value)

    def _date(self, value: Any) -> Any:
        """A date as text, or as a date for a notebook that wants one; counted from today it waits for the day."""
        if is_relative(value):
            return value
        if not is_date(value):
            raise ValueError(value)
        if self.as_text:
            return value.isoformat() if isinstance(value, date) else value
        moment = value if isinstance(value, date) else datetime.fromisoformat(value)
        if self.kind == "datetime":
            return moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
        if isinstance(moment, datetime):
            if moment.tzinfo or moment.time() != datetime.min.time():
                raise ValueError(value)
            return moment.date()
        return moment

    def choice_hint(self, value: object) -> str:
        """Which choice may have been meant."""
        return did_you_mean(str(value), map(str, self.choices), "Its values are") if self.choices else ""


def read_type(annotation: ast.expr) -> Type:
    """Type of an annotation.

    Raises
    ------
    ValueError
        It is none that a parameter can have; the message is the annotation.
    """
    parts = _union(annotation)
    kinds = [part for part in parts if not _is_none(part)]
    if len(kinds) != 1:
        raise ValueError(ast.unparse(annotation))
    found = _one(kinds[0])
    return replace(found, optional=found.optional or len(kinds) < len(parts))


def type_named(text: str) -> Type:
    """Type of a recipe's ``type``: the same words, and ``secret``.

    >>> str(type_named("list[int] | None"))
    'list[int] | None'
    """
    if text == "secret":
        return Type("secret")
    try:
        return read_type(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        raise RefusedError(f"type {text!r} is unknown. Use one of {ALL}, or secret.") from None


def _one(node: ast.expr) -> Type:
    text = ast.unparse(node).removeprefix("datetime.") if isinstance(node, ast.Attribute) else ast.unparse(node)
    if text in PLAIN:
        return Type(text)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # an annotation in quotes
        try:
            return read_type(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            raise ValueError(text) from None
    if isinstance(node, ast.Subscript):
        outer = ast.unparse(node.value).removeprefix("typing.").removeprefix("t.")
        if outer in ("list", "List"):
            item = read_type(node.slice)
            if (item.kind in PLAIN and not item.optional) or item.kind == "Literal":
                return Type("list", item=item)
        if outer == "Optional":
            return replace(read_type(node.slice), optional=True)
        if outer == "Literal":
            return _literal(node.slice)
        if outer == "Union" and isinstance(node.slice, ast.Tuple):
            kinds = [part for part in node.slice.elts if not _is_none(part)]
            if len(kinds) == 1:
                return replace(read_type(kinds[0]), optional=len(kinds) < len(node.slice.elts))
    raise ValueError(text)


def _literal(node: ast.expr) -> Type:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    values = [ast.literal_eval(part) for part in parts]
    plain = tuple(value for value in values if isinstance(value, str | int | bool))
    if not plain or len(plain) + values.count(None) < len(values):
        raise ValueError(f"Literal[{ast.unparse(node)}]")
    return Type("Literal", optional=None in values, choices=plain)


def _union(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union(annotation.left) + _union(annotation.right)
    return [annotation]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _parts(text: str) -> list[Any]:
    """Items of a list: between commas, or those of a list as Python and JSON write it, for items that hold a comma.

    >>> _parts("visit, sign up"), _parts("['Why, and since when?=comment']")
    (['visit', 'sign up'], ['Why, and since when?=comment'])
    """
    if text.strip().startswith("["):
        with suppress(SyntaxError, ValueError, MemoryError, RecursionError):
            listed = ast.literal_eval(text.strip())
            if isinstance(listed, list):
                return listed
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_whole(text: str) -> None:
    """Refuse a text with half a sign, which no file holds: a name that is not UTF-8, an emoji that was cut in two."""
    if not text.isprintable() and any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValueError("not UTF-8")
