"""Refusal: how bad data is turned down, all problems at once, each in one clear line.

`EventTableError` is the only error for data. Its message is for reading, its
`problems` table for working through. One problem is one row: where, what, how
many rows, an example.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

PROBLEM_COLUMNS = ["file", "line", "reason", "rows", "example"]
SHOWN = 3  # problems spelled out in the message; the table has them all


class EventTableError(ValueError):
    """Data that cannot be trusted: what is wrong, where, and what to do.

    Attributes
    ----------
    problems
        DataFrame with one row per problem: file, line (NA where the whole file
        is meant), reason, rows (NA where not counted), example.

    Examples
    --------
    >>> problem = {"file": "march.csv", "line": 18, "reason": "no time", "rows": 212, "example": ""}
    >>> EventTableError("march.csv: 212 rows have no time.", [problem]).problems.loc[0, "rows"]
    np.int64(212)
    """

    def __init__(self, message: str, problems: Sequence[dict[str, Any]] | pd.DataFrame = ()) -> None:
        super().__init__(message)
        table = pd.DataFrame(problems, columns=PROBLEM_COLUMNS)
        self.problems = table.astype(
            {"file": "str", "line": "Int64", "reason": "str", "rows": "Int64", "example": "str"}
        )


def refuse(file: str, reason: str, advice: str, *, line: int | None = None, example: str = "") -> EventTableError:
    """Build the error for one file that cannot be read: a fact, what was found, what to do."""
    where = printable(file) if line is None else f"{printable(file)}, line {line}"
    problem = {"file": file, "line": line, "reason": reason, "rows": None, "example": shorten(example)}
    return EventTableError(f"{where}: {reason}. {advice}", [problem])


def refuse_all(errors: Sequence[EventTableError]) -> EventTableError:
    """One error out of many: the first few spelled out, all of them in the table."""
    if len(errors) == 1:
        return errors[0]
    lines = [str(error) for error in errors[:SHOWN]]
    if len(errors) > SHOWN:
        lines.append(f"And {len(errors) - SHOWN} more files; see .problems.")
    return EventTableError("\n".join(lines), pd.concat([error.problems for error in errors], ignore_index=True))


def several(many: int, one: str, more: str) -> str:
    """``1 row has``, ``1,204 rows have``: a number with the words that go with one, or with more."""
    return f"{many:,} {one if many == 1 else more}"


def printable(text: str) -> str:
    """A name as it is, without what would break a line or steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def shorten(text: object, width: int = 120) -> str:
    """A value as one printable line that fits into a message."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 2 * width]).split())
    return line if len(line) <= width else line[: width - 1] + "…"
