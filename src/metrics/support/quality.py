"""How good are the answers of support?

A quick first answer is vanity where the question comes back. So it stands beside what was solved without being
reopened, and beside what customers say of it.
"""

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.files import several
from metrics.intervals import Floats, add_rate, no_denominator, wilson
from metrics.intervals.again import worth
from metrics.periods import Period, WeekStart, When
from metrics.ranges import Range, on_every
from metrics.results import beside, blank, join_reasons, keys, result, too_few
from metrics.support.tickets import checked_tickets, ticket_times
from metrics.survival import survival_curve

_HOUR = 3_600_000_000
_RATINGS = ("good", "bad", "offered", "unoffered")
_RATES = {  # of what each is a share
    "rating_rate": ("rated", "offered"),
    "customer_satisfaction": ("_good", "rated"),
    "solved_first_contact_rate": ("_solved_once", "_watched"),
    "reopened_rate": ("_reopened", "_solved"),
}
_COUNTS = ["tickets", "offered", "rated", "_good", "_solved_once", "_watched", "_reopened", "_solved"]
_RESULT = [
    "tickets", "offered", "rated", "rating_rate", "rating_rate_low", "rating_rate_high", "customer_satisfaction",
    "customer_satisfaction_low", "customer_satisfaction_high", "first_reply_median_hours", "solved_first_contact_rate",
    "solved_first_contact_rate_low", "solved_first_contact_rate_high", "reopened_rate", "reopened_rate_low",
    "reopened_rate_high", "reason",
]  # fmt: skip


def support_quality(
    tickets: pd.DataFrame,
    *,
    as_of: When,
    by: str | list[str] | None = None,
    min_n: int = 10,
    period: Period | None = "month",
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How soon is a ticket answered, is it solved at first contact, and are customers content with it?

    Parameters
    ----------
    tickets
        One row per ticket: ``created_at`` (UTC), and where known ``first_reply_at``, ``solved_at``, ``reopens``,
        ``satisfaction`` (good, bad, offered: asked and not answered, unoffered or missing: never asked),
        ``customer_id`` (whose).
    as_of
        First moment not observed: a date in `tz` or an instant. Who has no answer by then waits for one.
    by
        Column or list of `tickets`, such as ``"handled_by"`` or ``"channel"``; missing values are a group of their own.
    min_n
        An estimate over fewer is NA with the reason ``below_min_n``; its counts stand.
    period
        ``"day"``, ``"week"``, ``"month"`` (default), … of ``created_at`` on the clocks of `tz`; None: the whole range.
    since, until
        Half-open range of ``created_at``; a period that it touches is taken whole. Default: first ticket to `as_of`.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start                   local time in `tz`; absent with ``period=None``
        tickets                        count
        offered                        count     asked for a rating: rated or not
        rated                          count     good or bad
        rating_rate (…)                0 to 1    rated / offered, Wilson
        customer_satisfaction (…)      0 to 100  100 x good / rated, Wilson
        first_reply_median_hours       hours     from ``created_at``, Kaplan-Meier: who waits is watched so far; midway
                                                 where exactly half are answered between two
        solved_first_contact_rate (…)  0 to 1    solved and never reopened / tickets whose reopens are known, Wilson
        reopened_rate (…)              0 to 1    reopened / tickets solved at least once, Wilson
        reason                         text      ``<estimate>: code`` with ``incomplete_period``, ``zero_denominator``
                                                 (nobody, or the table has no such column), ``above_half`` (more than
                                                 half still wait) or ``below_min_n``

    Raises
    ------
    ValueError
        A column that is missing, times without a zone.
    EventTableError
        A ticket twice, without a time or answered before it came; a rating that is none, reopens that are no number.

    Notes
    -----
    A reopened ticket was solved before. `reopens` and `satisfaction` have no times: they are as the table tells them.
    Kaplan & Meier (1958), Journal of the American Statistical Association 53:457. Tickets of one customer are alike:
    limits of rates are those of as many tickets of strangers as would tell as much (Dean & Pagano 2015, Journal of
    Survey Statistics and Methodology 3:484; Korn & Graubard 1998, Survey Methodology 24:193).

    Examples
    --------
    >>> tickets = pd.DataFrame(
    ...     {
    ...         "created_at": pd.to_datetime(["2026-03-02T09:00", "2026-03-03T09:00", "2026-03-04T09:00"], utc=True),
    ...         "first_reply_at": pd.to_datetime(["2026-03-02T10:00", "2026-03-03T12:00", None], utc=True),
    ...         "satisfaction": ["good", "offered", "bad"],
    ...     }
    ... )
    >>> table = support_quality(tickets, period=None, as_of="2026-04-01", min_n=1)
    >>> table[["tickets", "offered", "rated", "customer_satisfaction", "first_reply_median_hours"]]
       tickets  offered  rated  customer_satisfaction  first_reply_median_hours
    0        3        3      2                   50.0                       3.0
    """
    by = keys(by, taken=["period_start", *_RESULT])
    span = Range.read(period=period, since=since, until=until, as_of=as_of, tz=tz, week_start=week_start)
    kept = _told(tickets, by, span.span.as_of)
    time = kept["_time"].to_numpy(np.int64)
    kept["_period"] = span.place(time)
    numbers = span.numbers(time)
    counts = kept.groupby(["_period", *by], dropna=False).agg(
        tickets=("_time", "size"), **{name: (name, "sum") for name in _COUNTS[1:]}
    )  # fmt: skip
    if "first_reply_at" in tickets:
        groups = kept.groupby(["_period", *by], dropna=False)  # in the order of the counts
        counts["first_reply_median_hours"] = [_median_hours(part, span.span.as_of) for _, part in groups]
    else:
        counts["first_reply_median_hours"] = np.nan
    table = on_every(counts, numbers, by, kept)
    table = table.sort_values(["_period", *by], na_position="last", kind="stable", ignore_index=True)
    table[_COUNTS] = table[_COUNTS].fillna(0).astype(np.int64)
    place = table["_period"].to_numpy(np.int64)
    over = span.ends(place) <= span.span.as_of
    reasons = {}
    for name, (part, whole) in _RATES.items():
        table = add_rate(table, name, part, whole, confidence)
        share = _worth(kept[kept[whole].astype(bool)], part, by, confidence)
        share = beside(table[["_period", *by]], share.rename("_worth").reset_index(), ["_period", *by])[
            "_worth"
        ].fillna(1)
        low, high = wilson(table[part] * share, table[whole] * share, confidence)
        table = table.assign(**{f"{name}_low": low, f"{name}_high": high})
        reasons[name] = _code(table[whole], over, min_n)
        table = blank(table, reasons[name].notna(), [name, f"{name}_low", f"{name}_high"])
    for end in ("", "_low", "_high"):
        table[f"customer_satisfaction{end}"] *= 100
    replied = table["tickets"] if "first_reply_at" in tickets else 0 * table["tickets"]
    reasons["first_reply_median_hours"] = _code(replied, over, min_n)
    median = table["first_reply_median_hours"].astype(float)
    waiting = reasons["first_reply_median_hours"].isna() & median.isna()
    reasons["first_reply_median_hours"] = reasons["first_reply_median_hours"].mask(waiting, "above_half")
    table = blank(table, reasons["first_reply_median_hours"].notna(), ["first_reply_median_hours"])
    table["reason"] = join_reasons(table, **reasons)
    if period is not None:
        table["period_start"] = span.starts(place)
    settings = {**span.settings(tz), "min_n": min_n, "by": by or None, "confidence": confidence}
    definition = (
        f"Tickets by the period in which they came ({tz}). Satisfaction = 100 x good / (good + bad); first contact = "
        "solved and never reopened / tickets; reopened / solved; median hours to the first answer by Kaplan-Meier."
    )
    columns = ["period_start"] * (period is not None) + by + _RESULT
    return result(table, metric="support_quality", definition=definition, settings=settings, columns=columns)


def _code(n: pd.Series, over: np.ndarray, min_n: int) -> pd.Series:
    """Why there is no estimate over `n`: too few, or a period that is not over."""
    return too_few(no_denominator(n).mask(~over, "incomplete_period"), n, min_n)


def _worth(asked: pd.DataFrame, part: str, by: list[str], confidence: float) -> "pd.Series[float]":
    """By period and group, how many tickets of strangers tell as much as one of these, for the share with `part`."""
    group = ["_period", *by]
    moves = asked[part] - asked.groupby(group, dropna=False)[part].transform("mean")
    return worth(asked, group, moves, confidence, person="customer_id")


def _told(tickets: pd.DataFrame, by: list[str], as_of: int) -> pd.DataFrame:
    """The tickets that came before an instant, with what is known of each by then."""
    who = ["customer_id"] * ("customer_id" in tickets)
    rows = checked_tickets(tickets, ["created_at", *by, *who]).drop(columns=["created_at"] * ("created_at" not in by))
    nothing = np.full(len(rows), np.iinfo(np.int64).min)
    reply, solved = (
        ticket_times(tickets, name) if name in tickets else nothing for name in ("first_reply_at", "solved_at")
    )
    early = (reply != nothing) & (reply < rows["_time"])
    if early.any():
        raise EventTableError(
            f"first_reply_at lies before created_at in {several(int(early.sum()), 'row', 'rows')} (first: row "
            f"{int(early.argmax())}). Correct or drop them."
        )
    rows["_reply"] = np.where((reply != nothing) & (reply < as_of), reply, nothing)
    reopens = _reopens(tickets)
    known, again = ~np.isnan(reopens), reopens > 0
    done = (solved != nothing) & (solved < as_of)
    rows["_solved_once"], rows["_watched"] = done & known & ~again, known & ("solved_at" in tickets)
    rows["_reopened"], rows["_solved"] = again, known & (done | again)
    said = tickets["satisfaction"] if "satisfaction" in tickets else pd.Series(None, index=tickets.index, dtype="str")
    words = said.astype("str").str.strip().str.lower()
    strange = said.notna() & ~words.isin(_RATINGS)
    if strange.any():
        raise EventTableError(
            f"satisfaction: {said[strange].iloc[0]!r} is no rating. Use one of {', '.join(_RATINGS)}."
        )
    rows["_good"], rows["rated"] = (words == "good").to_numpy(bool), words.isin(["good", "bad"]).to_numpy(bool)
    rows["offered"] = words.isin(["good", "bad", "offered"]).to_numpy(bool)
    return rows[rows["_time"] < as_of].reset_index(drop=True)


def _reopens(tickets: pd.DataFrame) -> Floats:
    """How often each ticket was opened again; NaN where that is not known."""
    if "reopens" not in tickets:
        return np.full(len(tickets), np.nan)
    numbers: Floats = pd.to_numeric(tickets["reopens"], errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = (np.isnan(numbers) & tickets["reopens"].notna().to_numpy(bool)) | (numbers < 0)
    if wrong.any():
        first = tickets["reopens"].astype(object).iloc[int(wrong.argmax())]
        raise EventTableError(
            f"reopens: {first!r} is no number of times. Give 0, 1, 2, …, or nothing where it is not known."
        )
    return numbers


def _median_hours(rows: pd.DataFrame, as_of: int) -> float:
    """Kaplan-Meier median of the hours to the first answer; midway to the next answer where the curve is at a half."""
    reply, time = rows["_reply"].to_numpy(np.int64), rows["_time"].to_numpy(np.int64)
    came = reply != np.iinfo(np.int64).min
    curve = survival_curve((np.where(came, reply, as_of) - time) / _HOUR, came)
    curve = curve[curve["churned"] > 0]
    at, stayed = curve["time"].to_numpy(float), curve["survival"].to_numpy(float)
    below = np.flatnonzero(stayed <= 0.5 + 1e-9)
    if not len(below):
        return np.nan
    first = int(below[0])
    half = abs(stayed[first] - 0.5) < 1e-9 and first + 1 < len(at)
    return float((at[first] + at[first + 1]) / 2 if half else at[first])
