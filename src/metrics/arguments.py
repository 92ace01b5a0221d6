"""Calls by name: an argument that a function does not have is refused with the nearest that it has."""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any, Unpack, get_args, get_origin


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as `metrics` offers it; its signature, help and source stay its own."""
    known = _names(function)
    if known is None:
        return function

    @functools.wraps(function)
    def called(*positional: Any, **given: Any) -> Any:
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known[1:] or known or ['none'])}."
                raise TypeError(f"{function.__name__}() has no argument {name!r}. {hint}")
        return function(*positional, **given)

    called.__module__ = "metrics"  # where it is found again, by pickle too
    return called


def _names(function: Callable[..., Any]) -> list[str] | None:
    """Its arguments; None if it takes any name and checks it itself, as the options of an export's format."""
    known: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            known.append(parameter.name)
        elif get_origin(parameter.annotation) is Unpack:  # of a TypedDict that functions share
            known += get_args(parameter.annotation)[0].__annotations__
        else:
            return None
    return known
