"""All key figures of a company and of its customers, period by period, each held against its target.

Nothing is counted here: every figure is that of its own metric, so that the sheet never differs from the report behind
it. What is added is one calendar for all, and the question whether a target was reached, which the interval answers: a
figure that may be on either side of its target is neither met nor missed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from metrics.kpis.known import COUNTED, KPIS, MONEY, unknown_kpi
from metrics.kpis.targets import Target, Targets, goals_of
from metrics.periods import Calendar, Period, When, instant, one_of, spoken
from metrics.results import result

if TYPE_CHECKING:
    from metrics.kpis.rows import Found

_TABLES = ("subscriptions", "spend", "events", "orders", "responses", "sends", "tickets")
_RESULT = [
    "side", "kpi", "period_start", "n", "value", "value_low", "value_high", "unit", "target", "direction", "status",
    "latest", "complete", "reason",
]  # fmt: skip


def kpi_sheet(
    *,
    as_of: When,
    subscriptions: pd.DataFrame | None = None,
    invoices: pd.DataFrame | None = None,
    cancellations: pd.DataFrame | None = None,
    spend: pd.DataFrame | None = None,
    events: Any = None,
    orders: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    sends: pd.DataFrame | None = None,
    tickets: pd.DataFrame | None = None,
    targets: Targets | None = None,
    kpis: Sequence[str] | None = None,
    margin: float | None = None,
    cap_months: int | None = None,
    spend_lag: int = 0,
    inactive_for: str = "30 days",
    lapses_after: str = "90 days",
    satisfaction_scale: int = 5,
    effort_direction: Literal["ease", "effort"] | None = None,
    effort_scale: int = 7,
    paused: Literal["separate", "churn", "include"] = "separate",
    pause_limit: str | None = "90 days",
    past_due_grace: str | None = "15 days",
    currency: str | None = None,
    rates: pd.DataFrame | None = None,
    period: Literal["week", "month", "quarter", "year"] = "month",
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    min_n: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How do we stand, for the company and for its customers, and which targets were reached?

    Parameters
    ----------
    as_of
        First moment not observed: a date in `tz` or an instant.
    subscriptions
        Subscriptions or MRR lines. They give ``mrr``, ``arpa``, ``nrr``, ``grr``, ``quick_ratio``, ``ltv``,
        ``trial_conversion_rate`` (if there are trials), ``churn_rate`` and ``retention_rate``.
    invoices, cancellations
        What tells when unpaid money is lost, and which ends were foreseen; as in `mrr_rollforward`.
    spend
        What was spent to win customers: ``at`` (UTC), ``spend``, and ``currency`` where there is one. With
        `subscriptions` it gives ``cac``, and with `margin` ``ltv_cac`` and ``payback_months``.
    events
        Events, as a table or on disk: ``user_churn_rate``.
    orders
        Orders: ``buyer_churn_rate``. Refunds (``net`` below 0) are no purchases.
    responses
        Answers to surveys: ``net_promoter_score``; where a ``question_type`` tells them apart, also
        ``customer_satisfaction`` and, with `effort_direction`, ``customer_effort``.
    sends
        Surveys that were sent: with `responses`, ``response_rate``.
    tickets
        Tickets: ``complaint_rate`` of the users in `events`, else of the customers in `subscriptions`;
        ``first_reply_median_hours``, ``solved_first_contact_rate``, ``support_satisfaction``; each if they tell of it.
    targets
        What is to be reached, by key figure and in its unit, shares from 0 to 1: ``{"churn_rate": 0.05}``, a table with
        ``kpi``, ``target`` and perhaps ``direction``, or texts ``["churn_rate=0.05"]``.
    kpis
        Only these, in this order, and after them those with a target. None: all for which there is a table.
    margin
        Share of revenue that is left, 0 to 1: ``ltv`` is then margin, not revenue.
    cap_months, spend_lag
        Most payments in ``ltv``, as in `subscription_lifetime_value`; periods from spending to customers, as in
        `acquisition_cost`.
    inactive_for, lapses_after
        Silence after which a user, and time without an order after which a buyer, has left.
    satisfaction_scale, effort_direction, effort_scale
        As in `customer_satisfaction` and `customer_effort`; without a direction effort is left out.
    paused, pause_limit, past_due_grace
        As in `mrr_rollforward`.
    currency, rates
        With `rates` all money is told in `currency`. Without, money is of the customers who pay in `currency` (None: in
        the currency of most), since amounts of two are never added; the others are counted among the settings.
    period, since, until, tz
        Periods on the clocks of `tz`; a period that the half-open range touches is taken whole. Default: from the
        first of all tables to `as_of`, by month; before the first subscription ``mrr`` is 0.
    min_n
        Rates and scores over fewer are NA with the reason ``below_min_n``.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per key figure and period that has begun
        side          text    ``company`` or ``customer``
        kpi           text    name of the figure, that of its column in the metric that counts it
        period_start  local time in `tz`
        n             count   customers, users, answers or tickets of which it tells
        value (…)     in `unit`; no limits where all are counted and nothing is estimated, nor for a median wait
        unit          text    a currency; ``share`` (0 to 1), ``kept`` (a share that growth takes above 1), ``percent``
                              (0 to 100), ``points`` (-100 to 100), ``ratio``, ``months``, ``hours``, ``per 100``
        target        in `unit`; NA without one
        direction     text    ``higher`` or ``lower`` is better
        status        text    ``met`` if the whole interval (the value, where there is none) is at the target or on its
                              better side, ``missed`` if it is all on the other, ``unclear`` in between, and where
                              an estimate has no interval;
                              ``no_target``; NA while the period is open or without a value
        latest        bool    the figure's last finished period with a value, or else its last finished one
        complete      bool    the period, and the time that the figure takes to be known, are over at `as_of`
        reason        text    why there is no value

    Raises
    ------
    ValueError
        A target or a figure that does not exist, a target in another unit, no table; what the metrics refuse.
    EventTableError
        What the metrics refuse.

    Notes
    -----
    A figure whose table is absent has no rows; ``left_out`` among the settings in ``attrs`` tells each with what it
    needs. Of twenty figures that are just at their targets one is outside by chance. Kaplan & Norton (1992), Harvard
    Business Review 70(1):71: what the company earns and what its customers see belong on one page.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben"],
    ...         "subscription_id": ["s1", "s2"],
    ...         "start": pd.to_datetime(["2026-01-05", "2026-01-10"], utc=True),
    ...         "end": pd.to_datetime([None, "2026-02-20"], utc=True),
    ...         "mrr": [10, 30],
    ...     }
    ... )
    >>> sheet = kpi_sheet(
    ...     subscriptions=lines, targets={"mrr": 12}, kpis=["mrr", "churn_rate"], min_n=1, as_of="2026-03-01"
    ... )
    >>> sheet[["kpi", "n", "value", "target", "status", "latest"]]
              kpi  n  value  target     status  latest
    0         mrr  2   40.0    12.0        met   False
    1         mrr  1   10.0    12.0     missed    True
    2  churn_rate  0    NaN     NaN        NaN   False
    3  churn_rate  2    0.5     NaN  no_target    True
    """
    from metrics.kpis import figures

    one_of("period", period, Literal["week", "month", "quarter", "year"])
    goals = goals_of(targets)
    wanted = _wanted(kpis, goals)
    given = {
        "subscriptions": subscriptions, "spend": spend, "events": events, "orders": orders, "responses": responses,
        "sends": sends, "tickets": tickets,
    }  # fmt: skip
    if all(table is None for table in given.values()):
        raise ValueError(f"kpi_sheet: no table is given. Give at least one of {', '.join(_TABLES)}.")
    span = _Span.of(period, since, until, as_of, tz)
    asked = figures.Asked(
        **given, invoices=invoices, cancellations=cancellations, margin=margin, cap_months=cap_months,
        spend_lag=spend_lag, inactive_for=inactive_for, lapses_after=lapses_after,
        satisfaction_scale=satisfaction_scale, effort_direction=effort_direction, effort_scale=effort_scale,
        currency=currency, rates=rates,
        policies={"paused": paused, "pause_limit": pause_limit, "past_due_grace": past_due_grace},
        range={"as_of": as_of, "period": period, "since": span.since, "until": span.until, "tz": tz},
        min_n=min_n, confidence=confidence,
    )  # fmt: skip
    found, left_out, money, others = figures.figures(asked, wanted)
    if since is None and subscriptions is not None:
        found = figures.from_the_first(found, asked)
    table = _table(found, goals, wanted, span, money or "money")
    settings = {
        "period": period, "as_of": spoken(span.end, tz), "tz": tz,
        "since": None if since is None else spoken(instant(since, tz=tz), tz),
        "until": None if until is None else spoken(instant(until, tz=tz), tz),
        "currency": money, "customers_in_other_currencies": others or None, "margin": margin, "min_n": min_n,
        "confidence": confidence, "targets": [f"{name}={goal.value:g}" for name, goal in goals.items()] or None,
        "left_out": [f"{name}: {why}" for name, why in left_out.items()] or None,
    }  # fmt: skip
    definition = (
        f"Key figures by {period}, each as its own metric defines it. A target is met if the whole interval is on its "
        "better side, missed if it is all on the other, and unclear in between."
    )
    table = result(table, metric="kpi_sheet", definition=definition, settings=settings, columns=_RESULT)
    table.attrs["parts"] = _meanings(found, wanted)
    return table


def _meanings(found: "list[Found]", wanted: list[str]) -> dict[str, str]:
    """What each figure means, by what people call it; policies that several share are told with the first."""
    said: set[str] = set()
    parts = {}
    for one in sorted(found, key=lambda one: wanted.index(one.name)):
        first, _, last = one.meaning.rpartition(". ")
        parts[KPIS[one.name].short] = f"{first}." if first and last in said else one.meaning
        said.add(last)
    return parts


class _Span:
    """The periods of the sheet, and the same range widened to whole periods for metrics that cut it to the instant."""

    def __init__(self, calendar: Calendar, since: int | None, until: int, end: int) -> None:
        self.calendar, self.first, self.last, self.end = calendar, since, until, end

    @classmethod
    def of(cls, period: Period, since: When | None, until: When | None, as_of: When, tz: str) -> "_Span":
        calendar, end = Calendar(period, tz), instant(as_of, tz=tz)
        low = None if since is None else instant(since, tz=tz, name="since")
        high = end if until is None else min(end, instant(until, tz=tz, name="until"))
        if low is not None and low >= high:
            raise ValueError(f"since {since!s} is not before until {until or as_of!s}. A span needs its start first.")
        return cls(calendar, low, high, end)

    @property
    def since(self) -> pd.Timestamp | None:
        """First instant of the period of `since`."""
        if self.first is None:
            return None
        return _stamp(int(self.calendar.begins(self.calendar.number(np.array([self.first])))[0]))

    @property
    def until(self) -> pd.Timestamp:
        """The end of the last period, or of what was observed."""
        after = int(self.calendar.begins(self.calendar.number(np.array([self.last - 1])) + 1)[0])
        return _stamp(min(after, self.end))

    def starts(self, found: "list[Found]") -> tuple[pd.DatetimeIndex, np.ndarray]:
        """First moments of all periods, from the first of which a metric tells, and whether each is over."""
        told = [one.rows["period_start"].min() for one in found if len(one.rows)]
        if self.first is None and not told:
            return pd.DatetimeIndex([], dtype="M8[us]"), np.zeros(0, bool)
        last = self.calendar.number(np.array([self.last - 1]))
        if self.first is not None:
            begin = self.calendar.number(np.array([self.first]))
        else:  # a start on the clocks of the zone is told without one
            begin = self.calendar.number(np.array([instant(min(told), tz=self.calendar.tz)]))
        numbers = np.arange(int(begin[0]), int(last[0]) + 1)
        return self.calendar.start(numbers), self.calendar.begins(numbers + 1) <= self.end


def _stamp(time: int) -> pd.Timestamp:
    return pd.Timestamp(time, unit="us", tz="UTC")


def _wanted(kpis: Sequence[str] | None, goals: dict[str, Target]) -> list[str]:
    """The figures to tell; a target is never passed over in silence."""
    if kpis is None:
        return list(KPIS)
    names = [kpis] if isinstance(kpis, str) else list(kpis)
    for name in names:
        if name not in KPIS:
            raise ValueError(unknown_kpi("kpis", name))
        if names.count(name) > 1:
            raise ValueError(f"kpis: {name!r} is named twice. Name it once.")
    return [*names, *(name for name in KPIS if name in goals and name not in names)] if names else list(KPIS)


def _table(found: "list[Found]", goals: dict[str, Target], wanted: list[str], span: _Span, money: str) -> pd.DataFrame:
    """The rows of all figures on one calendar, in the order that was asked for."""
    starts, over = span.starts(found)
    by_name = {one.name: one for one in found}
    frames = [_aligned(by_name[name], starts, over, goals.get(name), money) for name in wanted if name in by_name]
    if not frames:
        return _empty()
    return pd.concat(frames, ignore_index=True)


def _aligned(one: "Found", starts: pd.DatetimeIndex, over: np.ndarray, goal: Target | None, money: str) -> pd.DataFrame:
    """One figure on the calendar of the sheet; where its table tells nothing, nobody was counted."""
    kpi = KPIS[one.name]
    rows = one.rows.set_index("period_start").reindex(starts)
    none = "no_responses" if one.name in _SAID else "zero_denominator"
    complete = rows["complete"].astype("boolean").fillna(pd.Series(over, index=starts, dtype="boolean")).astype(bool)
    value = rows["value"].astype(float)
    table = pd.DataFrame({
        "kpi": kpi.name, "side": kpi.side, "period_start": starts,
        "n": rows["n"].fillna(0).astype(np.int64), "value": value,
        "value_low": rows["value_low"].astype(float), "value_high": rows["value_high"].astype(float),
        "unit": money if kpi.unit == MONEY else kpi.unit,
        "target": np.nan if goal is None else goal.value,
        "direction": kpi.better if goal is None else goal.better,
        "complete": complete, "reason": rows["reason"].fillna(none).mask(value.notna()).astype("str"),
    }).reset_index(drop=True)  # fmt: skip
    table["status"] = _status(table, counted=kpi.name in COUNTED)
    last = table.index[table["complete"] & table["value"].notna()]
    last = last if len(last) else table.index[table["complete"]]
    table["latest"] = table.index == (last[-1] if len(last) else -1)
    for name in ("kpi", "side", "unit", "direction"):
        table[name] = table[name].astype("str")
    return table


_SAID = ("net_promoter_score", "customer_satisfaction", "customer_effort")


def _status(table: pd.DataFrame, *, counted: bool) -> "pd.Series[Any]":
    """Whether the interval lies on the better side of the target, on the other, or on both."""
    low, high = table["value_low"], table["value_high"]
    if counted:
        low, high = table["value"], table["value"]
    target, more = table["target"], table["direction"] == "higher"
    met = (more & (low >= target)) | (~more & (high <= target))
    missed = (more & (high < target)) | (~more & (low > target))
    said = pd.Series("unclear", index=table.index, dtype="str").mask(met, "met").mask(missed, "missed")
    said = said.mask(target.isna(), "no_target")
    return said.where(table["complete"] & table["value"].notna())


def _empty() -> pd.DataFrame:
    words, numbers = ("kpi", "side", "unit", "direction", "status", "reason"), ("value", "value_low", "value_high")
    return pd.DataFrame({
        **{name: pd.Series(dtype="str") for name in words}, **{name: pd.Series(dtype=float) for name in numbers},
        "target": pd.Series(dtype=float), "n": pd.Series(dtype=np.int64), "latest": pd.Series(dtype=bool),
        "complete": pd.Series(dtype=bool), "period_start": pd.Series(dtype="M8[us]"),
    })  # fmt: skip
