"""Advice: how the parameters that an error names are set on the command line.

A notebook's error speaks as Python does, ``rename=['Kunde=user_id']``; who runs reports types ``-p``.
"""

import ast
import json
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

OF_MAIN = ("rename", "encoding", "event_name", "max_refused")  # say how the main table of a report is read, no other


def options_named(cause: str, parameters: Mapping[str, Any], main: str | None = None) -> str:
    """The options that set the parameters of a report that an error names, empty where it names none.

    Parameters
    ----------
    cause
        What the error says.
    parameters
        Values by name, those that the report had.
    main
        The one that names the main table. What sets how that one is read is no advice on another one's columns.

    Examples
    --------
    >>> options_named("ValueError: steps: 'pay' is not in the event table.", {"steps": ["sign_up", "pay"]})
    '-p steps=A,B'
    >>> options_named("Say which it is, as rename=['Kunde=user_id'].", {"rename": [], "tz": "UTC"})
    '-p rename=Kunde=user_id'
    >>> options_named("ZeroDivisionError: division by zero", {"rename": []})
    ''
    """
    found = []
    beside = _is_of_another(cause, parameters, main)
    for name, value in parameters.items():
        if beside and name in OF_MAIN:
            continue
        said = re.search(
            rf"(?:^|Error: ){name}: |(?<![\w.'\"-]){name}=(?P<advised>\[.*?\](?=[.,;:\s]|$)|'[^']*')?", cause
        )
        if said:
            text = _text(said["advised"], value)
            option = f"--as-of {text}" if name == "as_of" else f"-p {shlex.quote(f'{name}={text}')}"
            found.append((said.start(), option))
    return " ".join(option for _, option in sorted(found))


def _is_of_another(cause: str, parameters: Mapping[str, Any], main: str | None) -> bool:
    """Whether an error names the file of another table than the main one."""
    files = {name: os.path.basename(value) for name, value in parameters.items() if name.endswith("_file") and value}
    named = {name for name, file in files.items() if re.search(rf"(?<![\w.-]){re.escape(file)}(?![\w-])", cause)}
    return main in files and bool(named) and main not in named


def _text(literal: str | None, value: Any) -> str:
    """A value as it is typed: the one that the error advises, else a place for one."""
    try:
        advised = ast.literal_eval(literal or "")
    except (SyntaxError, ValueError):
        return "A,B" if isinstance(value, list) else "VALUE"
    if not isinstance(advised, list):
        return str(advised)
    has_comma = any("," in str(item) for item in advised)
    return json.dumps(advised, ensure_ascii=False) if has_comma else ",".join(map(str, advised))
