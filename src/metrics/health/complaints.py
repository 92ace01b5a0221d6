"""How often do customers complain?

Complaints are wanted: a count that falls may only say that there are fewer customers, or that they gave up.
"""

from typing import Any

import numpy as np
import pandas as pd

from metrics.files.values import truths
from metrics.intervals import no_denominator, ratio
from metrics.intervals.counts import poisson
from metrics.periods import Period, WeekStart, When, instants
from metrics.ranges import Range
from metrics.results import blank, keys, result
from metrics.steps import unknown
from metrics.support.tickets import checked_tickets

_RATE = ["complaint_rate", "complaint_rate_low", "complaint_rate_high"]
_TAKEN = ("period_start", "complaints", "customers", *_RATE, "complete", "reason")


def complaint_rate(
    tickets: pd.DataFrame,
    *,
    active: pd.DataFrame,
    as_of: When,
    by: str | list[str] | None = None,
    per: int = 100,
    period: Period | None = "month",
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many complaints come from a hundred active customers?

    Parameters
    ----------
    tickets
        One row per ticket: ``created_at`` (UTC) and ``is_complaint`` (true or false; missing is no complaint)
        [``ticket_id``, which may not stand twice; ``customer_id``, who complained].
    active
        Customers of each period: ``period_start``, as this function cuts periods, and ``customers`` (or ``users``, as
        `churn_rate` gives), whole numbers. With ``period=None`` one row.
    as_of
        First moment not observed: a date in `tz` or an instant.
    by
        Column or list that `tickets` and `active` both have: a row for each group of `active`. Complaints of a group
        that `active` does not name are counted in ``attrs["settings"]["of_no_group"]``.
    per
        Customers that the rate is told for.
    period
        ``"day"``, ``"week"``, ``"month"`` (default), … of ``created_at`` on the clocks of `tz`; None: the whole range.
    since, until
        Half-open range; a period that it touches is taken whole. Default: the first period of `active` to `as_of`.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start        local time in `tz`; absent with ``period=None``
        complaints          count   one customer may have several
        customers           count   of `active`; 0 where it has no such period
        complaint_rate (…)  number  `per` x complaints / customers, exact Poisson limits; by ``customer_id``, where
                                    there is one, wider where one complains again
        complete            bool    the period is over at `as_of`
        reason              text    ``incomplete_period`` or ``zero_denominator`` where there is no rate

    Raises
    ------
    ValueError
        A column that is missing, two rows of `active` for one period, customers that are no whole number.
    EventTableError
        A ticket twice or without a time.

    Notes
    -----
    Garwood (1936), Biometrika 28:437; of customers who complain again Fay & Feuer (1997), Statistics in Medicine
    16:791, each weighing as many complaints as are theirs. Without a ``customer_id`` every complaint is another's, and
    the limits are too narrow where few complain again and again.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-03-05", "2026-03-09", "2026-03-20"], utc=True)
    >>> tickets = pd.DataFrame({"created_at": at, "is_complaint": [True, False, True]})
    >>> active = pd.DataFrame({"period_start": [pd.Timestamp("2026-03-01")], "customers": [50]})
    >>> complaint_rate(tickets, active=active, as_of="2026-04-01")[["complaints", "customers", "complaint_rate"]]
       complaints  customers  complaint_rate
    0           2         50             4.0
    """
    if not isinstance(per, int | float | np.number) or not 0 < per < np.inf:
        raise ValueError(f"per: {per!r} is not a number of customers. Use 100 for complaints per hundred.")
    if by is not None:
        return _by_group(tickets, active, keys(by, taken=_TAKEN), {
            "as_of": as_of, "per": per, "period": period, "since": since, "until": until, "tz": tz,
            "week_start": week_start, "confidence": confidence,
        })  # fmt: skip
    span = Range.read(period=period, since=since, until=until, as_of=as_of, tz=tz, week_start=week_start)
    for name, table, columns in (
        ("tickets", tickets, ["created_at", "is_complaint"]),
        ("active", active, ["period_start"] if period else []),
    ):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))
    base = next((name for name in ("customers", "users") if name in active), None)
    if base is None:
        raise ValueError(unknown("active", "customers", active.columns, "a column of active", "columns"))
    who = ["customer_id"] * ("customer_id" in tickets)
    came = checked_tickets(tickets, ["created_at", "is_complaint", *who])
    came = came[(truths(came["is_complaint"]) == 1) & (came["_time"] < span.span.as_of)].reset_index(drop=True)
    time = came["_time"].to_numpy(np.int64)
    known, customers = _base(active, base, span, tz)
    numbers = span.numbers(known)
    counts = pd.Series(span.place(time)).value_counts()
    table = pd.DataFrame({"complaints": counts.reindex(numbers, fill_value=0).to_numpy(np.int64)})
    table["customers"] = customers.reindex(numbers, fill_value=0).to_numpy(np.int64)
    squares, most = (part.reindex(numbers, fill_value=0) for part in _again(came, span.place(time)))
    low, high = poisson(table["complaints"], confidence, squares=squares, most=most)
    table["complaint_rate"] = per * ratio(table["complaints"], table["customers"])
    table["complaint_rate_low"], table["complaint_rate_high"] = (
        per * ratio(limit, table["customers"]) for limit in (low, high)
    )
    table["complete"] = span.ends(numbers) <= span.span.as_of
    table["reason"] = no_denominator(table["customers"]).mask(~table["complete"], "incomplete_period")
    table = blank(table, table["reason"].notna(), _RATE)
    if period is not None:
        table.insert(0, "period_start", span.starts(numbers))
    settings = {**span.settings(tz), "per": per, "confidence": confidence}
    definition = f"{per:g} x tickets that are complaints / active customers of the period ({tz})."
    columns = ["period_start"] * (period is not None) + ["complaints", "customers", *_RATE, "complete", "reason"]
    return result(table, metric="complaint_rate", definition=definition, settings=settings, columns=columns)


def _by_group(tickets: pd.DataFrame, active: pd.DataFrame, by: list[str], how: dict[str, Any]) -> pd.DataFrame:
    """The rates of each group of the active, in one table."""
    for name, table in (("tickets", tickets), ("active", active)):
        for column in by:
            if column not in table:
                raise ValueError(unknown("by", column, table.columns, f"a column of {name}", "columns"))
    if how["since"] is None and how["period"] is not None and len(active):  # all groups begin together
        how = how | {"since": str(_starts(active, how["tz"]).min().date())}
    parts = []
    key: Any
    for key, base in active.groupby(by, dropna=False, sort=True):
        own = pd.Series(True, index=tickets.index)
        for column, value in zip(by, key, strict=True):
            own &= tickets[column].isna() if pd.isna(value) else tickets[column].eq(value).fillna(False)
        part = complaint_rate(tickets[own], active=base, **how)
        for place, (column, value) in enumerate(zip(by, key, strict=True)):
            part.insert(place + (how["period"] is not None), column, value)
        parts.append(part)
    whole = complaint_rate(
        tickets, active=active.drop_duplicates("period_start") if how["period"] else active[:1], **how
    )
    names = [name for name in whole if name != "period_start"]
    columns = ["period_start"] * (how["period"] is not None) + by + [str(name) for name in names]
    table = pd.concat(parts, ignore_index=True) if parts else whole.iloc[:0].assign(**dict.fromkeys(by, None))
    if how["period"] is not None:
        table = table.sort_values("period_start", kind="stable")
    nobodys = int(whole["complaints"].sum() - (table["complaints"].sum() if parts else 0))
    settings = whole.attrs["settings"] | {"by": by, "of_no_group": nobodys or None}
    definition = f"{whole.attrs['definition']} By {', '.join(by)}."
    return result(table, metric="complaint_rate", definition=definition, settings=settings, columns=columns)


def _again(came: pd.DataFrame, place: np.ndarray) -> tuple["pd.Series[int]", "pd.Series[int]"]:
    """By period, the sum of the squares of how often each customer complained, and how often one did at most."""
    who = came.get("customer_id", pd.Series(pd.NA, index=came.index))
    person = np.where(who.isna(), -1 - np.arange(len(came)), pd.factorize(who)[0])  # a complaint of nobody is one alone
    each = pd.Series(person).groupby([place, person]).size().groupby(level=0)
    return each.agg(lambda counts: int((counts**2).sum())), each.max()


def _base(active: pd.DataFrame, name: str, span: Range, tz: str) -> tuple[np.ndarray, pd.Series]:
    """First instants of the periods of `active`, and its customers by the number of the period."""
    told = pd.to_numeric(active[name], errors="coerce").astype(float)
    wrong = (told.isna() & active[name].notna()) | (told < 0) | ((told % 1 != 0) & told.notna())
    if wrong.any():
        first = active[name].astype(object)[wrong.to_numpy()].iloc[0]
        raise ValueError(
            f"{name}: {first!r} is no number of customers. Give whole numbers from 0; round a mean of several days."
        )
    customers = told.fillna(0).astype(np.int64)
    if span.calendar is None:
        if len(active) != 1:
            raise ValueError(
                f"active has {len(active)} rows. With period=None give the customers of the range: one row."
            )
        return np.zeros(0, np.int64), customers.set_axis([0])
    starts = _starts(active, tz)
    time = instants(starts.as_unit("us").asi8, tz)
    numbers = span.calendar.number(time)
    if len(set(numbers)) < len(numbers):
        raise ValueError("active has two rows for one period. Give one row for each period.")
    return time, customers.set_axis(numbers)


def _starts(active: pd.DataFrame, tz: str) -> pd.DatetimeIndex:
    """First moments of the periods, on the clocks of the zone."""
    starts = pd.DatetimeIndex(pd.to_datetime(active["period_start"]))
    return starts if starts.tz is None else starts.tz_convert(tz).tz_localize(None)
