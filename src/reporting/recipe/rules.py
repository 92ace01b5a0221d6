"""What a recipe adds to a notebook's parameter: a narrower type, a pattern, limits, choices, a default.

    params.segment = { pattern = "S[0-9]{2}" }
    params.weeks = { type = "int", min = 1, max = 52, default = 4 }
    params.as_of = { type = "date", default = "today-1d" }
    params.db = { type = "secret", from = "env:DB_URL" }

A plain value in `params` sets the parameter; a table is a rule about it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.types import Type, type_named

KEYS = ("type", "pattern", "min", "max", "choices", "default", "from", "meaning")
ORDERED = ("int", "float", "date", "datetime")


@dataclass(frozen=True)
class Rule:
    """A rule about one parameter; what it does not say is None."""

    type: Type | None = None
    pattern: str | None = None
    min: Any = None
    max: Any = None
    choices: tuple[Any, ...] = ()
    default: Any = None
    reference: str | None = None  # where a secret is
    meaning: str | None = None


NO_RULE = Rule()


def read_rule(table: Mapping[str, Any]) -> Rule:
    """Rule of a table in `params`.

    Raises
    ------
    RefusedError
        A key is unknown, or its value makes no sense.
    """
    for key in table:
        if key not in KEYS:
            raise RefusedError(f"{key} is not a key. {did_you_mean(key, KEYS, 'The keys here are')}")
    for key in ("type", "pattern", "from", "meaning"):
        if key in table and not isinstance(table[key], str):
            raise RefusedError(f"{key} is {table[key]!r}, but it must be a text in quotes.")
    if "pattern" in table:
        try:
            re.compile(table["pattern"])
        except re.error as error:
            raise RefusedError(f"pattern {table['pattern']!r} is no regular expression: {error}.") from None
    choices = table.get("choices", [])
    if not isinstance(choices, list) or ("choices" in table and not choices):
        raise RefusedError(f"choices is {choices!r}, but it must be a list of values.")
    kind = type_named(table["type"]) if "type" in table else None
    is_secret = kind is not None and kind.kind == "secret"
    if "from" in table and not is_secret:
        raise RefusedError("from is for secrets. Add type = 'secret', or remove it.")
    if is_secret and set(table) - {"type", "from", "meaning"}:
        raise RefusedError("a secret has no other keys than type, from and meaning.")
    return Rule(
        kind,
        table.get("pattern"),
        table.get("min"),
        table.get("max"),
        tuple(choices),
        table.get("default"),
        table.get("from"),
        table.get("meaning"),
    )


def merged(declared: Type, rule: Rule) -> Type:
    """Type of a parameter that the notebook declares and a rule narrows.

    Raises
    ------
    RefusedError
        The two contradict each other, or the rule does not fit the type.
    """
    kind = declared
    if rule.type is not None:
        kind = _narrowed(declared, rule.type)
    inner = kind.item if kind.kind == "list" and kind.item else kind
    if rule.pattern is not None and inner.kind != "str":
        raise RefusedError(f"pattern is for texts, but the notebook declares {declared}. Remove one.")
    for name, limit in (("min", rule.min), ("max", rule.max)):
        if limit is None:
            continue
        if inner.kind not in ORDERED:
            raise RefusedError(f"{name} is for numbers and dates, but the notebook declares {declared}. Remove one.")
        try:
            inner.checked(limit)
        except ValueError:
            raise RefusedError(f"{name} is {limit!r}, which is no {inner.kind}. Give {inner.hint}.") from None
    if rule.min is not None and rule.max is not None and inner.kind in ("int", "float") and rule.min > rule.max:
        raise RefusedError(f"min is {rule.min!r} and max is {rule.max!r}, so no value is left.")
    for choice in rule.choices:
        try:
            inner.checked(choice)
        except ValueError:
            raise RefusedError(f"choices has {choice!r}, which is no {inner}. Give {inner.hint}.") from None
    return kind


def _narrowed(declared: Type, wanted: Type) -> Type:
    if wanted.kind == "secret" and declared.kind == "str" and not declared.optional:
        return wanted
    if wanted.kind in ("date", "datetime") and declared.kind in ("str", "date") and declared.kind != wanted.kind:
        if wanted.optional <= declared.optional and (declared.kind == "str" or declared.as_text):
            return Type(wanted.kind, wanted.optional or declared.optional, as_text=True)
    elif wanted.kind == "Literal" and wanted.optional <= declared.optional:
        try:
            for choice in wanted.choices:
                declared.checked(choice)
        except ValueError:
            pass
        else:
            return wanted
    elif wanted.kind == declared.kind and wanted.optional <= declared.optional:
        same = wanted.item is None or declared.item is None or wanted.item.kind == declared.item.kind
        if same:
            return Type(wanted.kind, wanted.optional, declared.item, declared.choices, declared.as_text)
    raise RefusedError(f"type is {str(wanted)!r}, but the notebook declares {declared}. Change one of them.")
