"""What did the change do? A number before and after each change, and which changes cannot be told apart.

One change at a time: where two lie less than a window apart, the days after the one are those before or after the
other, and no sum can say which of them moved the number.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.files import EventTableError, several
from metrics.files.values import truths
from metrics.intervals import Correction, Floats, adjusted, normal_quantile
from metrics.periods import DAY, Ints, When, duration, instant, instants, local_time, microseconds, one_of, spoken
from metrics.results import blank, grouped, keys, result
from metrics.steps import unknown

Trend: TypeAlias = Literal["none", "linear"]
_DIFFERENCE = ["difference", "difference_low", "difference_high"]
_P = ["p_value", "p_adjusted"]
ROUNDING = 1e-13  # share of the largest value below which a difference is none
_RESULT = ["change_id", "at", "before", "after", *_DIFFERENCE, *_P, "confounded_with", "reason"]


def change_effects(
    series: pd.DataFrame,
    *,
    change_log: pd.DataFrame,
    value: str = "value",
    by: str | Sequence[str] | None = None,
    window: str = "28 days",
    as_of: When,
    tz: str = "UTC",
    trend: Trend = "none",
    correction: Correction = "holm",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What was the number before and after each change, and what else changed at the same time?

    Mean over `window` before the change, mean over `window` from its instant on. The difference is what followed, not
    what was caused: only an assignment by lot tells these apart.

    Parameters
    ----------
    series
        One row per date: ``date``, else ``period_start`` (on the clocks of `tz` where it has no zone), and the number.
        A missing number is no 0; it is left out, as is a period that is not ``complete``.
    change_log
        One row per change: ``change_id`` and ``at`` (UTC where it has no zone), and ``note``, which the result repeats.
    value
        Column of the number.
    by
        Column or list of `series` for a breakdown, such as ``device`` of ``feature_usage(…, by="device")``: the same
        changes in each group. Missing values are a group of their own.
    window
        Time before and after, with its unit, on the clocks of `tz`: 28 days are 28 dates, also where the clocks change.
        Take whole weeks, so that each weekday counts alike on both sides.
    as_of
        First moment not observed. Dates at or after it are not read.
    tz
        Zone of dates.
    trend
        ``"none"`` (default): the difference of the means. ``"linear"``: a straight line through both windows is taken
        off, and the difference is the step in it. A number that grew before would have grown without the change too.
    correction
        Of the p-values of several changes, of all groups together: ``"holm"`` (default), ``"benjamini_hochberg"`` or
        ``"bonferroni"``.
    confidence
        Level of the interval, of each change by itself.

    Returns
    -------
    DataFrame, one row per change (in each group), in the order of the log
        change_id
        at               instant
        note             text     where the log has it
        before           number   mean of the values in [at - window, at)
        after            number   mean of the values in [at, at + window)
        difference (…)   number   after - before, Welch's interval; with a trend the step in the line, Student's t
        p_value          0 to 1   of the same test, two-sided
        p_adjusted       0 to 1   taken together with the other changes, of all groups: of many one moves by chance
        confounded_with  text     changes less than `window` away, in the order of the log; NA if none
        reason           text     ``immature`` (the window is not over at `as_of`), ``zero_denominator`` (a side has no
                                  value), ``below_min_n`` (a side has one value) where there is no difference

    Raises
    ------
    ValueError
        A column that is missing.
    EventTableError
        A date (of a group) or a change that stands there twice, a change without time or name, a value that is no
        number.

    Notes
    -----
    Welch (1947), Biometrika 34:28; Wagner, Soumerai, Zhang & Ross-Degnan (2002), Journal of Clinical Pharmacy and
    Therapeutics 27:299 (the step in a line). Days that follow each other may be alike: the limits are too narrow then.
    A change that moved one group and left another is no difference between the two (Gelman & Stern 2006, The American
    Statistician 60:328): look how far apart their differences are, beside their intervals.

    Examples
    --------
    >>> days = pd.date_range("2026-03-01", periods=8)
    >>> series = pd.DataFrame({"date": days, "value": [4, 6, 4, 6, 9, 11, 9, 11]})
    >>> log = pd.DataFrame({"change_id": ["price"], "at": pd.to_datetime(["2026-03-05"])})
    >>> effects = change_effects(series, change_log=log, window="4 days", as_of="2026-03-09")
    >>> effects[["change_id", "before", "after", "difference"]]
      change_id  before  after  difference
    0     price     5.0   10.0         5.0
    """
    date = "period_start" if "period_start" in series and "date" not in series else "date"
    groups = keys(by, taken=[*_RESULT, "note"])
    for name, table, columns in (
        ("series", series, [date, value, *groups]),
        ("change_log", change_log, ["change_id", "at"]),
    ):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))
    normal_quantile(confidence)
    one_of("correction", correction, Correction)
    one_of("trend", trend, Trend)
    end, span = instant(as_of, tz=tz), duration(window)
    if "complete" in series:
        series = series[truths(series["complete"]) != 0]
    days, numbers = _times(series[date], date, tz), pd.to_numeric(series[value], errors="coerce").to_numpy(float)
    wrong = np.isnan(numbers) & series[value].notna().to_numpy()
    if wrong.any():
        raise EventTableError(f"{value}: {int(wrong.sum()):,} of {len(series):,} rows are no number. Mend them.")
    at = _times(change_log["at"], "at", "UTC")
    of, named = grouped(series[groups].reset_index(drop=True), groups)
    if pd.DataFrame({"group": of, "day": days}).duplicated().any():
        raise EventTableError(
            f"{date}: some rows have one that stands there twice. Give one row for each, or name their groups by `by`."
        )
    twice = change_log["change_id"]
    if twice.duplicated().any() or twice.isna().any():
        raise EventTableError("change_id: some rows have none, or one that stands there twice. Give one row for each.")
    read = ~np.isnan(numbers) & (days < end)
    # On the clocks of the zone: 28 days are 28 dates, also where the clocks change in between.
    local, changed, over = (local_time(time, tz) for time in (days, at, np.array([end])))
    names = change_log["change_id"].astype("str").tolist()
    rows = [
        row
        for k in range(len(named))
        for row in _before_and_after(
            local[read & (of == k)], numbers[read & (of == k)], changed, names, span, int(over[0]), trend, confidence
        )
    ]
    columns = ["before", "after", *_DIFFERENCE, "p_value", "confounded_with", "reason"]
    table = pd.DataFrame(rows, columns=columns).astype(
        dict.fromkeys(columns[:6], "float64") | {"confounded_with": "str", "reason": "str"}
    )
    table["p_adjusted"] = adjusted(table["p_value"], correction)
    log = np.tile(np.arange(len(at)), len(named))
    table.insert(0, "change_id", change_log["change_id"].to_numpy()[log])
    table.insert(1, "at", pd.to_datetime(at[log], unit="us", utc=True))
    # What follows a change is not told before its window is over.
    table = blank(table, table["reason"] == "immature", ["after"])
    note = ["note"] * ("note" in change_log)
    if note:
        table["note"] = change_log["note"].astype("str").to_numpy()[log]
    table = pd.concat([named.loc[np.repeat(named.index, len(at))].reset_index(drop=True), table], axis=1)
    settings = {
        "value": value, "by": groups or None, "window": window, "as_of": spoken(end, tz), "tz": tz, "trend": trend,
        "correction": correction, "confidence": confidence,
    }  # fmt: skip
    each = f" In each group of {', '.join(groups)}." if groups else ""
    definition = (
        f"Mean of {value} over {window} from a change on, minus that over {window} before it"
        f"{', the straight line through both taken off' * (trend == 'linear')}.{each} No proof of cause."
    )
    return result(
        table,
        metric="change_effects",
        definition=definition,
        settings=settings,
        columns=[*groups, *_RESULT[:2], *note, *_RESULT[2:]],
    )


def _before_and_after(
    days: Ints, numbers: Floats, at: Ints, names: Sequence[str], span: int, end: int, trend: Trend, confidence: float
) -> list[dict[str, Any]]:
    """A row for each change: the means before and after it, their difference, and what lies too near."""
    order = np.argsort(days)
    days, numbers = days[order], numbers[order]
    rows = []
    for place, time in enumerate(at):
        early, late = (days >= time - span) & (days < time), (days >= time) & (days < time + span)
        before, after = numbers[early], numbers[late]
        near = [names[k] for k in range(len(at)) if k != place and abs(int(at[k] - time)) < span]
        reason = "zero_denominator" if not len(before) or not len(after) else None
        few = min(len(before), len(after)) < 2 or (trend == "linear" and len(before) + len(after) < 5)
        reason = reason or ("below_min_n" if few else None)
        reason = "immature" if time + span > end else reason
        difference, half, p = np.nan, np.nan, np.nan
        if reason is None and trend == "none":
            difference, half, p = _welch(before, after, confidence)
        elif reason is None:
            difference, half, p = _step(days[early | late], numbers[early | late], time, confidence)
        rows.append({
            "before": before.mean() if len(before) else np.nan, "after": after.mean() if len(after) else np.nan,
            "difference": difference, "difference_low": difference - half, "difference_high": difference + half,
            "p_value": p,
            "confounded_with": ", ".join(near) or None, "reason": reason,
        })  # fmt: skip
    return rows


def _welch(before: Floats, after: Floats, confidence: float) -> tuple[float, float, float]:
    """Difference of the means, half the width of its interval, and its two-sided p-value; NaN without variance."""
    from scipy.special import stdtr, stdtrit  # slow to import, and only needed here

    parts = np.array([before.var(ddof=1) / len(before), after.var(ddof=1) / len(after)])
    difference, error = float(after.mean() - before.mean()), float(np.sqrt(parts.sum()))
    scale = float(np.abs(np.r_[before, after]).max())
    if error <= ROUNDING * scale:  # thirty times 0.1 has a mean that is a hair from 0.1, and so a variance
        return (difference if abs(difference) > ROUNDING * scale else 0.0), 0.0, np.nan
    degrees = error**4 / (parts[0] ** 2 / (len(before) - 1) + parts[1] ** 2 / (len(after) - 1))
    half = stdtrit(degrees, (1 + confidence) / 2) * error
    return difference, float(half), float(2 * stdtr(degrees, -abs(difference) / error))


def _step(days: Ints, values: Floats, time: int, confidence: float) -> tuple[float, float, float]:
    """Step at an instant in a straight line through the values: least squares, Student's t."""
    from scipy.special import stdtr, stdtrit  # slow to import, and only needed here

    line = (days - time) / DAY
    design = np.column_stack([np.ones(len(days)), line, (days >= time).astype(float)])
    inverse = np.linalg.pinv(design.T @ design)
    fitted = inverse @ design.T @ values
    degrees, left = len(values) - 3, values - design @ fitted
    error = float(np.sqrt(max(inverse[2, 2] * (left @ left) / degrees, 0.0)))
    if error <= ROUNDING * float(np.abs(values).max()):
        return float(fitted[2]), 0.0, np.nan
    p = 2 * stdtr(degrees, -abs(float(fitted[2])) / error)
    return float(fitted[2]), float(stdtrit(degrees, (1 + confidence) / 2)) * error, float(p)


def _times(column: "pd.Series", name: str, tz: str) -> Ints:
    stamps = pd.to_datetime(column)
    if stamps.isna().any():
        missing = several(int(stamps.isna().sum()), "row has", "rows have")
        raise EventTableError(f"{name}: {missing} no time. Fill it in or leave them out.")
    return microseconds(stamps) if stamps.dt.tz is not None else instants(microseconds(stamps), tz)
