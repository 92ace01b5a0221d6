"""One of several rows in a sentence: the highest of the groups, the last finished of the periods."""

from collections.abc import Callable

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length, reason_in_words
from metrics.display.estimates import Estimate, Sentence, change, compared, none
from metrics.display.numbers import plain, with_unit
from metrics.display.worked import last_complete, last_of_groups


def groups_said(rows: pd.DataFrame, name: str, does: str, unit: str = "%", scale: float = 100) -> Sentence:
    """The highest and the lowest of several groups."""
    known = rows[rows[name].notna()]
    if not len(known):
        return none("in no group are there enough to say.")
    best = known.iloc[int(known[name].argmax())]
    worst = known.iloc[::-1].iloc[int(known[name][::-1].argmin())]  # of equals the last, for the best is the first
    top, bottom = Estimate.of(best, name, scale), Estimate.of(worst, name, scale)
    if len(known) == 1:
        text = (
            f"of {best['group']} {does} {top.limits()}."
            if unit
            else f"is the {does} of {best['group']} {top.limits()}."
        )
        return Sentence(figure(top, unit), text, unit, [top.limits()])
    gap, limits = change(top, bottom, f"{worst['group']} at {with_unit(figure(bottom, unit), unit)}")
    text = f"of {best['group']} {does} {top.limits()}, the most of {len(known)} groups: {gap}."
    if not unit:
        text = f"is the {does} of {best['group']} {top.limits()}, the highest of {len(known)} groups: {gap}."
    return Sentence(figure(top, unit), text, unit, [top.limits(), *limits])


def figure(estimate: Estimate, unit: str) -> str:
    return estimate.number() if unit == "%" else plain(estimate.value, estimate.decimals)


def previous(table: pd.DataFrame, row: pd.Series, name: str) -> pd.Series | None:
    """The last finished row before `row`."""
    earlier = table[table["period_start"] < row["period_start"]] if "period_start" in table else table[:0]
    return last_complete(earlier, name) if len(earlier) else None


def than_when(table: pd.DataFrame, row: pd.Series | None) -> str:
    if row is None:
        return "before"
    return f"in {numbers.period_in_words(row['period_start'], period_length(table))}"


def periods_said(
    table: pd.DataFrame,
    before: pd.DataFrame | None,
    name: str,
    say: Callable[[pd.Series, str], str],
    *,
    unit: str = "%",
    scale: float = 100,
) -> Sentence:
    """The last finished period against the one before it, or against the last one of `before`."""
    row = last_complete(table, name)
    if row is None:
        if not len(table) and "period_start" not in table:
            return none("nobody to count.")
        why = reason_in_words(table.iloc[-1].get("reason")) if len(table) and "period_start" not in table else ""
        return none(f"{why}." if why else "no period is finished with enough to say, so that no rate exists.")
    rate = Estimate.of(row, name, scale)
    if before is not None:
        changed, limits = compared(rate, last_complete(before, name), name, "before", scale)
    else:
        other = previous(table, row, name)
        changed, limits = compared(rate, other, name, than_when(table, other), scale)
    when = numbers.period_in_words(row["period_start"], period_length(table)) if "period_start" in row else ""
    text = f"{say(row, when)} {rate.limits()}{changed}."
    return Sentence(figure(rate, unit), text, unit, [rate.limits(), *limits])


def lasts(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The groups in the last finished period in which one has this estimate, with their names."""
    rows = [row.to_dict() | {"group": group} for group, row in last_of_groups(table, name)]
    return pd.DataFrame(rows, columns=[*table.columns, "group"])


def when_told(table: pd.DataFrame, rows: pd.DataFrame, what: str = "period") -> str:
    """``the last finished period``, or which one where `rows` are of an earlier one; of one range ``the range``."""
    if "period_start" not in table:
        return "the range"
    over = table[table["complete"].astype(bool)] if "complete" in table else table
    if not len(rows) or rows["period_start"].max() == over["period_start"].max():
        return f"the last finished {what}"
    return numbers.period_in_words(rows["period_start"].max(), period_length(table))
