"""Column: what a table asks of a file, one column at a time."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """One column of a table: what it holds, what others call it, whether the file must have it.

    An `id` or `text` is never blank where `required`; a `value` is left as it is; `money` is a number that may be
    written with a currency's sign.
    """

    name: str
    kind: Literal["id", "text", "time", "number", "money", "flag", "value"]
    synonyms: tuple[str, ...] = ()
    required: bool = True  # the file must have it
    filled: bool = True  # a row must have it, where the file has it
    instead: str = ""  # the column that will do for a row that has not this one; a row with neither is rejected
