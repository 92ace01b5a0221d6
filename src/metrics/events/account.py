"""The account: what became of every row that was read."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from metrics.files import EventTableError
from metrics.files.empty import said_of
from metrics.files.refusal import shorten
from metrics.files.shaping import DOUBTFUL, NO_NUMBER, NOT_PLAIN
from metrics.files.times import IMPLAUSIBLE, NO_ZONE, UNREADABLE

STAGES = ("read", "kept", "duplicate", "system", "rejected")
ZONE = "Say in which zone these times were written, such as timezone='Europe/Berlin'."
ADVICE = {  # what more to say of what was refused
    NO_ZONE: f" {ZONE}",
    UNREADABLE: (
        " Times are read as 2026-01-31 14:05, 31.01.2026 14:05 or seconds since 1970. Tell another way by "
        "time_format='%m/%d/%Y %H:%M'; a vendor's file is exported again, not through a spreadsheet."
    ),
    IMPLAUSIBLE: (
        " Leave an end empty that is not known. Numbers near 46000 are days of a spreadsheet: make its cells times "
        "before you save it."
    ),
    NO_NUMBER: (
        " Amounts are read as 1234.50, 1.234,50 or 1.234,50 €, all of a file in one manner and one currency; where all "
        "are like 1,234, write 1234 or 1,234.00."
    ),
    NOT_PLAIN: " Numbers of this column are read as 1234.5, a share as 0.05.",
    DOUBTFUL: " Write a thousand as 1234 or 1.234,00, and one and a bit as 1,234.",
}
EXAMPLES = 3  # reasons spelled out in the message of an error


class Account(list[dict[Hashable, Any]]):
    """The lines of an account in the ``attrs`` of a table, shared by all tables made of it (see `Settings`)."""

    def __deepcopy__(self, memo: object) -> "Account":
        return self


def account_of(rows: Mapping[str, Mapping[str, int]], empty: Sequence[str] = ()) -> pd.DataFrame:
    """Table of stage, reason, rows and share; read = kept + duplicate + system + rejected.

    Files without rows have a line of their own, if there are any.

    >>> account_of({"kept": {"": 9}, "rejected": {"no event": 1}})
          stage    reason  rows  share
    0      read              10    1.0
    1      kept               9    0.9
    2  duplicate              0    0.0
    3    system               0    0.0
    4  rejected  no event     1    0.1
    """
    parts = {stage: dict(rows.get(stage, {})) or {"": 0} for stage in STAGES[1:]}
    read = sum(sum(part.values()) for part in parts.values())
    lines = [("read", "", read), *([("read", said_of(empty), 0)] if empty else [])]
    lines += [
        (stage, reason, n)
        for stage, part in parts.items()
        for reason, n in sorted(part.items(), key=lambda x: (-x[1], x[0]))
    ]
    table = pd.DataFrame(lines, columns=["stage", "reason", "rows"]).astype(
        {"stage": "str", "reason": "str", "rows": "int64"}
    )
    return table.assign(share=table["rows"] / read if read else float("nan"))


def check_share(max_refused: float) -> None:
    """Refuse what is no share."""
    if not 0 <= max_refused <= 1:
        raise ValueError(f"max_refused: {max_refused!r} is not a share. Use a number from 0 to 1, such as 0.01.")


def added(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Counts by reason, added up."""
    total: dict[str, int] = {}
    for one in counts:
        for reason, n in one.items():
            total[reason] = total.get(reason, 0) + n
    return total


def check_refused(account: pd.DataFrame, rejected: pd.DataFrame, *, max_refused: float, name: str, noun: str) -> None:
    """Raise if too many rows were rejected, or none is left."""
    rows = account.groupby("stage")["rows"].sum()
    read, refused, kept = int(rows["read"]), int(rows["rejected"]), int(rows["kept"])
    too_many = read > 0 and refused / read > max_refused
    if not too_many and kept > 0:
        return
    if read == 0:
        raise EventTableError(f"{name}: has a header but no rows. Export it again.", [_no_rows(name)])
    if not refused:
        raise EventTableError(
            f"{name}: none of {read:,} rows is one of the {noun}. Check the export.", [_no_rows(name)]
        )
    problems = problems_of(rejected)
    raise EventTableError(_message(problems, name, read, refused, kept, max_refused), problems)


def _message(problems: pd.DataFrame, name: str, read: int, refused: int, kept: int, max_refused: float) -> str:
    by_reason = problems.groupby("reason", sort=False)["rows"].sum().sort_values(ascending=False, kind="stable")
    parts = []
    for reason, n in list(by_reason.items())[:EXAMPLES]:
        first = problems[problems["reason"] == reason].iloc[0]
        where = f"line {first['line']}" if first["file"] == name else f"{first['file']}, line {first['line']}"
        count = "" if n == refused else f"{n:,} "
        parts.append(f"{count}{reason} (first: {where}{': ' if first['example'] else ''}{first['example']})")
    more = f" and {len(by_reason) - EXAMPLES} more reasons" if len(by_reason) > EXAMPLES else ""
    advice = _advice(by_reason, kept, max_refused)
    return f"{name}: {refused:,} of {read:,} rows refused: {'; '.join(parts)}{more}. {advice}"


def _advice(by_reason: pd.Series, kept: int, max_refused: float) -> str:
    reasons = [str(reason) for reason in by_reason.index[:EXAMPLES]]
    if reasons[0].endswith(NO_ZONE):
        return ZONE
    plain = "".join(advice for end, advice in ADVICE.items() if any(reason.endswith(end) for reason in reasons))
    if kept:
        return f"Fix the export or raise max_refused (now {max_refused:g}).{plain}"
    return f"Nothing is left; fix the export.{plain}"


def problems_of(rejected: pd.DataFrame) -> pd.DataFrame:
    """One row per file and reason: the first line, how many rows, an example."""
    if rejected.empty:
        return pd.DataFrame(columns=["file", "line", "reason", "rows", "example"])
    fields = [name for name in rejected.columns if name not in ("file", "line", "reason", "text")]
    first = rejected.drop_duplicates(["file", "reason"])
    size = rejected.groupby(["file", "reason"], sort=False).size()
    examples = [row["text"] if isinstance(row["text"], str) else _fields(row, fields) for _, row in first.iterrows()]
    table = first[["file", "line", "reason"]].assign(
        rows=[int(size[key]) for key in zip(first["file"], first["reason"], strict=True)],
        example=[shorten(example) for example in examples],
    )
    return table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _fields(row: pd.Series, fields: list[str]) -> str:
    return ", ".join(f"{name} {row[name]!r}" if isinstance(row[name], str) else f"{name} missing" for name in fields)


def _no_rows(name: str) -> dict[str, object]:
    return {"file": name, "line": None, "reason": "no rows", "rows": 0, "example": ""}
