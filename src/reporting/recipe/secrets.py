"""Secrets: named in a recipe by where they are, never by what they are.

A secret parameter is given as a reference, ``env:DB_URL`` or ``file:../db_url``, and that is
all that a cell, a page or a manifest ever holds. A notebook asks for the value itself, with
`secret`. Should the value come up in an output, it is taken out before anything is written.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reporting.errors import RefusedError

MASK = "\u2588\u2588\u2588\u2588"


def secret(reference: str) -> str:
    """Value of a secret.

    Parameters
    ----------
    reference
        ``"env:NAME"``, a variable of the environment, or ``"file:PATH"``, a file that holds nothing else.

    Raises
    ------
    RefusedError
        There is no such variable or file, or the reference is none.
    """
    kind, _, where = reference.partition(":")
    if kind == "env" and where:
        value = os.environ.get(where)
        if value:
            return value
        raise RefusedError(f"{reference}: the environment has no variable {where}. Set it before the run.")
    if kind == "file" and where:
        try:
            return Path(where).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise RefusedError(f"{reference}: this file cannot be read: {error.strerror}.") from None
    raise RefusedError("A secret is given by where it is: env:NAME or file:PATH.")


@dataclass(frozen=True)
class Secrets:
    """Values that must not stand in anything that is written, by the parameters that refer to them."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def redact(self, text: str) -> str:
        """Text without them."""
        for value in self.values.values():
            text = text.replace(value, MASK)
        return text

    def found_in(self, content: bytes) -> list[str]:
        """Parameters whose values stand in a file of this content."""
        return [name for name, value in self.values.items() if value.encode() in content]


NONE = Secrets()
