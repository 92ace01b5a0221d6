"""The arguments that all funnel functions share, as types; their meaning stands in `conversion_funnel`."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TypedDict, TypeVar, cast

from metrics.funnel.choices import (
    Attribution,
    Choices,
    Counting,
    Exclusion,
    Order,
    RangeAppliesTo,
    Reentry,
    Ties,
)
from metrics.funnel.presets import Tool, filled_in
from metrics.periods import When

Function = TypeVar("Function", bound=Callable[..., object])


class FunnelOptions(TypedDict, total=False):
    """Keyword arguments of every funnel function beside `as_of`."""

    window: str
    order: Order
    reentry: Reentry
    ties: Ties
    grace: str | None
    exclude: Sequence[Exclusion]
    hold_constant: str | Sequence[str]
    by: str | Sequence[str] | None
    attribution: Attribution
    attribution_step: int | None
    since: When | None
    until: When | None
    range_applies_to: RangeAppliesTo
    mature_only: bool
    counting: Counting
    like: Tool | None
    unit: str
    tz: str
    confidence: float


def spell_out(function: Function) -> Function:
    """Show the shared arguments in the function's signature, for help, completion and the check of names.

    With ``like=`` the tool's rules stand in for the arguments that were not given; only here is it known which were.
    """
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
        for f in dataclasses.fields(Choices)
        if f.init and f.name not in signature.parameters
    ]

    @functools.wraps(function)
    def checked(*positional: object, **named: object) -> object:
        return function(*positional, **filled_in(named))

    checked.__signature__ = signature.replace(parameters=own + shared)  # type: ignore[attr-defined]
    return cast(Function, checked)
