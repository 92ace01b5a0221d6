"""How long does a wish take until it is released? Those still open are watched so far, and are no short waits."""

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.intervals import normal_quantile
from metrics.periods import DAY, When, duration, instant, spoken
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.steps import unknown
from metrics.support.tickets import ticket_times
from metrics.survival import survival_curve, survival_summary

_SHARE = ["released_rate", "released_rate_low", "released_rate_high"]
_MEDIAN = ["median_days", "median_days_low", "median_days_high"]
_RESULT = ["requests", "released", "open", *_MEDIAN, *_SHARE, "reason"]


def time_to_release(
    requests: pd.DataFrame,
    *,
    as_of: When,
    within: str = "90 days",
    by: str | list[str] | None = None,
    min_n: int = 10,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many days pass from a request to its release, and what share is released in time?

    Parameters
    ----------
    requests
        One row per request: ``requested_at``, ``released_at`` (missing: not yet), with a zone.
    as_of
        First moment not observed: a date in `tz` or an instant. What was released at or after it is still open.
    within
        Time in which a request is released in time.
    by
        Column or list of columns of `requests`: a row for each value, missing is one too.
    min_n
        Over fewer requests the estimates are NA with the reason ``below_min_n``; the counts stand.
    tz
        Zone of a date in `as_of`.
    confidence
        Level of the limits.

    Returns
    -------
    DataFrame, one row (per group)
        requests           count   made before `as_of`
        released           count   of these, before `as_of`
        open               count   of these, not yet
        median_days (…)    days    of 24 hours until half are released, Kaplan-Meier; limits by log-log
        released_rate (…)  0 to 1  released within `within`, Kaplan-Meier: who waits for less long is watched so far
        reason             text    ``<estimate>: code`` with ``zero_denominator``, ``below_min_n``, ``above_half`` (more
                                   than half still wait) or ``immature`` (nobody was watched for so long)

    Raises
    ------
    ValueError
        A column that is missing, times without a zone, a time without a unit.
    EventTableError
        A request without a time, or released before it was made.

    Notes
    -----
    Brookmeyer & Crowley (1982), Biometrics 38:29. A mean over what is released forgets all that is not.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> requests = pd.DataFrame({"requested_at": at("2026-01-01", "2026-01-01", "2026-01-01")})
    >>> requests["released_at"] = at("2026-01-11", "2026-03-02", None)
    >>> table = time_to_release(requests, as_of="2026-07-01", min_n=1)
    >>> table[["requests", "released", "open", "median_days", "released_rate"]].round(3)
       requests  released  open  median_days  released_rate
    0         3         2     1         60.0          0.667
    """
    by = keys(by, taken=_RESULT)
    normal_quantile(confidence)
    end, limit = instant(as_of, tz=tz), duration(within, name="within") / DAY
    for column in ("requested_at", "released_at", *by):
        if column not in requests:
            raise ValueError(unknown("requests", column, requests.columns, "a column of the requests", "columns"))
    rows = requests[by].reset_index(drop=True)
    made, out = ticket_times(requests, "requested_at"), ticket_times(requests, "released_at")
    never = np.iinfo(np.int64).min
    for wrong, what in (
        (made == never, "have no requested_at"),
        ((out != never) & (out < made), "end before they begin"),
    ):
        if wrong.any():
            raise EventTableError(
                f"requests: {int(wrong.sum()):,} of {len(rows):,} rows {what} (first: row {int(wrong.argmax())}). "
                "Correct or drop them."
            )
    done = (out != never) & (out < end)
    rows = rows.assign(_done=done, _days=(np.where(done, out, end) - made) / DAY)[made < end]
    groups = [((), rows)] if not by else list(rows.groupby(by, dropna=False, sort=True))
    found = []
    for key, part in groups:
        values = key if isinstance(key, tuple) else (key,)
        found.append(dict(zip(by, values, strict=True)) | _measured(part, limit, confidence))
    table = pd.DataFrame(found, columns=[*by, *_RESULT])
    table = table.astype(dict.fromkeys(_RESULT[:3], "int64") | dict.fromkeys([*_MEDIAN, *_SHARE], "float64"))
    empty = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["requests"] == 0, "zero_denominator")
    held = too_few(empty, table["requests"], min_n)
    waits = held.mask(held.isna() & table["median_days"].isna(), "above_half")
    early = held.mask(held.isna() & table["released_rate"].isna(), "immature")
    table = blank(table, held.notna(), [*_MEDIAN, *_SHARE])
    table["reason"] = join_reasons(table, median_days=waits, released_rate=early)
    settings = {
        "as_of": spoken(end, tz), "tz": tz, "within": within, "by": by or None, "min_n": min_n,
        "confidence": confidence,
    }  # fmt: skip
    definition = f"Days from request to release, and share released within {within}, by Kaplan-Meier: open ones count."
    return result(table, metric="time_to_release", definition=definition, settings=settings, columns=[*by, *_RESULT])


def _measured(rows: pd.DataFrame, limit: float, confidence: float) -> dict[str, float]:
    counts = {"requests": len(rows), "released": int(rows["_done"].sum()), "open": int((~rows["_done"]).sum())}
    if not len(rows):
        return dict(counts)
    curve = survival_curve(rows["_days"].to_numpy(float), rows["_done"].to_numpy(bool), confidence=confidence)
    middle = survival_summary(curve).iloc[0]
    found = {name: float(middle[name.replace("_days", "")]) for name in _MEDIAN}
    # The share is known to the last wait that was watched, and after it only where nothing is open.
    if limit <= rows["_days"].max() or rows["_done"].all():
        before = curve[curve["time"] <= limit]
        last = before.iloc[-1] if len(before) else {"survival": 1.0, "survival_low": 1.0, "survival_high": 1.0}
        low, high = 1 - float(last["survival_high"]), 1 - float(last["survival_low"])
        found |= dict(zip(_SHARE, (1 - float(last["survival"]), low, high), strict=True))
    return counts | found
