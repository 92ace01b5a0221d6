"""What counts as recurring revenue, from when until when: the arguments that all functions of money share."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar, cast

import pandas as pd

from metrics.periods import Period, WeekStart, When, duration, one_of
from metrics.revenue.ranges import Range, RangeOptions

Level: TypeAlias = Literal["customer", "subscription"]
Paused: TypeAlias = Literal["separate", "churn", "include"]
Recognise: TypeAlias = Literal["effective", "requested"]
Function = TypeVar("Function", bound=Callable[..., object])


class RevenueOptions(RangeOptions, total=False):
    """Keyword arguments of every function of recurring revenue, beside `as_of`; `mrr_rollforward` explains them."""

    level: Level
    paused: Paused
    pause_limit: str | None
    invoices: pd.DataFrame | None
    past_due_grace: str | None
    cancellations: pd.DataFrame | None
    recognise: Recognise
    merge: Mapping[str, str] | None
    currency: str | None
    rates: pd.DataFrame | None


@dataclass(frozen=True)
class Policies:
    """The policies, checked; `limit` and `grace` in microseconds."""

    level: Level = "customer"
    paused: Paused = "separate"
    pause_limit: str | None = "90 days"
    invoices: pd.DataFrame | None = None
    past_due_grace: str | None = "15 days"
    cancellations: pd.DataFrame | None = None
    recognise: Recognise = "effective"
    merge: Mapping[str, str] | None = None
    currency: str | None = None
    rates: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        one_of("level", self.level, Level)
        one_of("paused", self.paused, Paused)
        one_of("recognise", self.recognise, Recognise)
        _ = self.limit, self.grace
        if self.recognise == "requested" and self.cancellations is None:
            raise ValueError("recognise='requested' needs the requests. Give cancellations, or use 'effective'.")
        if self.currency is not None and self.rates is None:
            raise ValueError(f"currency={self.currency!r} needs rates, a table of currency, date and rate. Give both.")

    @property
    def limit(self) -> int | None:
        return None if self.pause_limit is None else duration(self.pause_limit, name="pause_limit")

    @property
    def grace(self) -> int | None:
        return None if self.past_due_grace is None else duration(self.past_due_grace, name="past_due_grace")

    def said(self) -> dict[str, Any]:
        """The policies as settings of a result."""
        return {
            "level": self.level, "paused": self.paused, "pause_limit": self.pause_limit or "none",
            "past_due_grace": self.past_due_grace or "none", "recognise": self.recognise, "currency": self.currency,
        }  # fmt: skip

    def in_words(self) -> str:
        """What of this a reader must know, as the end of a definition."""
        limit = f", after {self.pause_limit} churn" if self.pause_limit else ""
        pauses = {
            "separate": f"a pause is apart from MRR and churn{limit}",
            "churn": "a pause is churn",
            "include": f"paused MRR still counts{limit}",
        }[self.paused]
        due = "an unpaid invoice is at risk"
        due += f", and churn {self.past_due_grace} after it was due" if self.past_due_grace else ""
        when = " Churn counts from the day of the request." if self.recognise == "requested" else ""
        return f"{pauses[0].upper()}{pauses[1:]}; {due}.{when}"


def read_options(as_of: When, options: RevenueOptions) -> tuple[Range, Policies]:
    """The range and the policies of a call."""
    given = cast(dict[str, Any], options)
    ranged = {f.name for f in dataclasses.fields(Range)}
    span = Range(as_of=as_of, **{name: value for name, value in given.items() if name in ranged})
    return span, Policies(**{name: value for name, value in given.items() if name not in ranged})


def spell_out(function: Function) -> Function:
    """Show the shared arguments in the function's signature, for help and completion."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
        for f in (*dataclasses.fields(Range)[1:], *dataclasses.fields(Policies))
        if f.name not in signature.parameters
    ]
    function.__signature__ = signature.replace(parameters=own + shared)  # type: ignore[attr-defined]
    return function


__all__ = ["Period", "Policies", "RevenueOptions", "WeekStart", "read_options", "spell_out"]
