"""Retention: who of those who began comes back, and when?

A unit joins the cohort of the period of its start event, cut by the local date in `tz`; period k is the k-th calendar
period after that one. A cell is observed only when its period is over at `as_of`: one that is still running is marked,
one that has not begun is absent. Neither is ever shown as 0.
"""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.engine import Rows, Span, user_rows
from metrics.events import conform
from metrics.intervals import add_rate, normal_quantile, ratio
from metrics.periods import Calendar, Ints, Period, WeekStart, When, one_of, spoken
from metrics.results import keys, result
from metrics.steps import EventChoice, Mask, Step, as_step, meets, unknown

Cohort: TypeAlias = Literal["first_time", "recurring", "first_ever", "first_in_range"]
Mode: TypeAlias = Literal["on", "on_or_after"]

_WHOSE = {
    "first_time": "at its first {start} in all history",
    "recurring": "in every {period} with a {start}",
    "first_ever": "at its very first {event}, if that one is {start}",
    "first_in_range": "at its first {start} in the range",
}


def cohort_retention(
    events: pd.DataFrame,
    *,
    as_of: When,
    start_event: EventChoice = None,
    return_event: EventChoice = None,
    period: Period = "week",
    periods: int = 12,
    cohort: Cohort = "first_time",
    mode: Mode = "on",
    min_occurrences: int = 1,
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Who of those who began comes back in each later period?

    Parameters
    ----------
    events
        Event table, as `read_events` returns it.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    start_event, return_event
        What puts a unit into a cohort and what counts as coming back: an event's name, a `Step`, or None for any.
    period, periods
        Length of a calendar period (``"day"``, ``"week"``, ``"month"``, ``"quarter"``, ``"year"``) and how many
        periods after the first to follow.
    cohort
        ``"first_time"`` (default): the first start in all history. ``"recurring"``: every period with a start.
        ``"first_ever"``: the first row of the start's event must itself meet its filter. ``"first_in_range"``: the
        first start between `since` and `until`.
    mode
        ``"on"`` (default): back in exactly period k. ``"on_or_after"``: back in period k or a later one observed.
    min_occurrences
        Return events needed within one period.
    by
        Property column or list, read from the row that put the unit into its cohort, and from no other.
    since, until
        Half-open range of the cohorts; a period that it touches is taken whole.
    unit
        Column whose distinct values are counted.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per cohort and period that has begun (and group)
        cohort                  local time in `tz` at which the cohort's period begins
        period                  0, 1, …   periods after the cohort's own; 0 is the cohort itself
        users                   count     units in the cohort
        retained                count     of these, back in this period
        retention_rate (…)      0 to 1    retained / users, Wilson; NaN without users
        complete                bool      the cohort's period and this one are over at `as_of`

    Raises
    ------
    ValueError
        An event that no row has, a mode that does not exist.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-13 ann visit
    ...     2026-01-06 ben visit
    ... ''')
    >>> cohort_retention(log, period="week", periods=1, as_of="2026-01-19")[["period", "users", "retained"]]
       period  users  retained
    0       0      2         2
    1       1      2         1
    """
    one_of("cohort", cohort, Cohort)
    one_of("mode", mode, Mode)
    for name, value in (("periods", periods), ("min_occurrences", min_occurrences)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name}: {value!r} is not a count. Use a whole number from 1.")
    calendar, span = Calendar(period, tz, week_start), Span.read(since=since, until=until, as_of=as_of, tz=tz)
    start, back = as_step(start_event, "start_event"), as_step(return_event, "return_event")
    rows = user_rows(conform(events), unit=unit, before=span.as_of)
    number = calendar.number(rows.time)
    starts = _starts(rows, number, start, cohort, calendar, span, ranged=since is not None or until is not None)
    returns = rows.sorted(meets(rows.events, back, "return_event"))
    if back.first_time_only:
        returns = rows.first_of_unit(returns)
    members = pd.DataFrame({"unit": rows.unit[starts], "cohort": number[starts]})
    for column in keys(by):
        if column not in rows.events:
            raise ValueError(unknown("by", column, rows.events.columns, "a column of the event table", "columns"))
        members[column] = rows.column(column).to_numpy()[starts]
    # Rows of one instant may differ in their properties; the least value stands, whatever the order of the file.
    members = members.sort_values(["unit", "cohort", *keys(by)]).drop_duplicates(["unit", "cohort"])
    seen = _active(rows.unit[returns], number[returns], min_occurrences)
    table = _count(members, seen, keys(by), periods, mode)
    table = _with_empty(table, keys(by), periods)
    begins, ends = calendar.begins(table["at"].to_numpy()), calendar.begins(table["at"].to_numpy() + 1)
    table["complete"] = ends <= span.as_of
    table = table[begins < span.as_of]
    table["cohort"] = calendar.start(table["cohort"].to_numpy(np.int64))
    table = _sure_of_period_0(add_rate(table, "retention_rate", "retained", "users", confidence))
    columns = [*keys(by), "cohort", "period", "users", "retained"]
    columns += ["retention_rate", "retention_rate_low", "retention_rate_high", "complete"]
    settings = {
        "start_event": start.label, "return_event": back.label, "period": period, "cohort": cohort, "mode": mode,
        "min_occurrences": min_occurrences, "as_of": spoken(span.as_of, tz), "tz": tz, "week_start": week_start,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": keys(by) or None, "confidence": confidence,
    }  # fmt: skip
    whose = _WHOSE[cohort].format(start=_words(start), event=_words(Step(start.event)), period=period)
    later = "in exactly that" if mode == "on" else "in that or a later"
    times = "" if min_occurrences == 1 else f" at least {min_occurrences} times"
    definition = (
        f"Each {unit} joins a cohort {whose}; it is retained in {period} k if it did {back.label}{times} {later} "
        f"calendar {period} ({tz}) after the cohort's own. A {period} not over at {settings['as_of']} is unfinished."
    )
    return result(table, metric="cohort_retention", definition=definition, settings=settings, columns=columns)


def _words(step: Step) -> str:
    return "event of any kind" if step == Step(None) else step.label


def _starts(
    rows: Rows, number: Ints, start: Step, cohort: Cohort, calendar: Calendar, span: Span, *, ranged: bool
) -> Mask:
    """Rows that put their unit into a cohort."""
    found = rows.sorted(meets(rows.events, start, "start_event", needed=True))
    inside = np.ones(len(number), bool)
    if ranged and len(number):
        low, high = calendar.number(np.array([max(span.since, int(rows.time.min())), max(span.until, span.since) - 1]))
        inside = (number >= low) & (number <= high)
    if cohort == "first_in_range":
        return rows.first_of_unit(found & inside)
    if cohort == "first_ever":
        first = rows.first_of_unit(rows.sorted(meets(rows.events, Step(start.event), "start_event")))
        return first & found & inside
    if cohort == "first_time" or start.first_time_only:
        return rows.first_of_unit(found) & inside
    return found & inside


def _active(unit: Ints, number: Ints, min_occurrences: int) -> pd.DataFrame:
    """Distinct (unit, period) pairs with enough return events."""
    counts = pd.DataFrame({"unit": unit, "at": number}).value_counts(sort=False)
    return counts[counts >= min_occurrences].index.to_frame(index=False)


def _count(members: pd.DataFrame, seen: pd.DataFrame, by: list[str], periods: int, mode: Mode) -> pd.DataFrame:
    """Counts per cohort (and group) and period that has somebody in it."""
    group = [*by, "cohort"]
    sizes = members.groupby(group, dropna=False, sort=False).size().rename("users")
    back = members.merge(seen, on="unit")
    back["period"] = back["at"] - back["cohort"]
    back = back[back["period"] > 0]
    if mode == "on_or_after":  # somebody back in period j was back in or after every period up to j
        last = back.groupby([*group, "unit"], dropna=False, sort=False)["period"].max().reset_index()
        copies = last["period"].clip(upper=periods).to_numpy()
        back = last.loc[last.index.repeat(copies)]
        back["period"] = _ramp(copies)
    back = back[back["period"] <= periods]
    retained = back.groupby([*group, "period"], dropna=False, sort=False).size().rename("retained").reset_index()
    # Every cell of every cohort, then what was counted.
    cells = sizes.reset_index().merge(pd.DataFrame({"period": np.arange(periods + 1)}), how="cross")
    table = cells.merge(retained, on=[*group, "period"], how="left")
    table["retained"] = table["retained"].fillna(0).astype(np.int64).mask(table["period"] == 0, table["users"])
    return table


def _ramp(copies: Ints) -> Ints:
    """1, 2, …, n for each n in turn."""
    ends = np.cumsum(copies)
    return np.arange(1, copies.sum() + 1) - np.repeat(ends - copies, copies)


def _with_empty(table: pd.DataFrame, by: list[str], periods: int) -> pd.DataFrame:
    """The table with cohorts of nobody between the first and the last, so that a gap in time stays a gap."""
    if len(table):
        numbers = np.arange(table["cohort"].min(), table["cohort"].max() + 1)
        frame = pd.DataFrame({"cohort": numbers}).merge(pd.DataFrame({"period": np.arange(periods + 1)}), how="cross")
        if by:
            frame = table[by].drop_duplicates().merge(frame, how="cross")
        table = frame.merge(table, on=[*by, "cohort", "period"], how="left")
        table[["users", "retained"]] = table[["users", "retained"]].fillna(0).astype(np.int64)
        table = table.sort_values([*by, "cohort", "period"], na_position="last", kind="stable")
    return table.assign(at=(table["cohort"] + table["period"]).astype(np.int64))


def _sure_of_period_0(table: pd.DataFrame) -> pd.DataFrame:
    """Period 0 is the cohort itself, 1 by definition: no estimate, and no interval of any width."""
    table.loc[(table["period"] == 0) & (table["users"] > 0), "retention_rate_low"] = 1.0
    return table


def retention_curve(table: pd.DataFrame, *, weighted: bool = True, confidence: float = 0.95) -> pd.DataFrame:
    """What share comes back after k periods, over all cohorts that could be observed?

    Parameters
    ----------
    table
        Result of `cohort_retention`. Unfinished cells are left out; cohorts of nobody too.
    weighted
        True (default): sum of retained / sum of users. False: mean of the cohorts' rates, each cohort alike.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per period (and group)
        period                0, 1, …
        cohorts               count   cohorts with somebody in them whose period is over
        users, retained       count   their sums
        retention_rate (…)    0 to 1  weighted: Wilson on the sums; else the mean with a normal interval from the
                                      cohorts' binomial variances (cohorts share no users)

    Raises
    ------
    ValueError
        `table` is no result of `cohort_retention`.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-13 ann visit
    ...     2026-01-06 ben visit
    ... ''')
    >>> cells = cohort_retention(log, period="week", periods=1, as_of="2026-01-19")
    >>> retention_curve(cells)[["period", "cohorts", "users", "retained", "retention_rate"]]
       period  cohorts  users  retained  retention_rate
    0       0        1      2         2             1.0
    1       1        1      2         1             0.5
    """
    by = _groups(table)
    cells = table[table["complete"] & (table["users"] > 0)]
    rate = cells["retained"] / cells["users"]
    cells = cells.assign(cohorts=1, rate=rate, variance=rate * (1 - rate) / cells["users"])
    sums = cells.groupby([*by, "period"], dropna=False)[["cohorts", "users", "retained", "rate", "variance"]].sum()
    curve = _sure_of_period_0(add_rate(sums.reset_index(), "retention_rate", "retained", "users", confidence))
    if not weighted:
        mean = ratio(curve["rate"], curve["cohorts"])
        half = normal_quantile(confidence) * ratio(np.sqrt(curve["variance"]), curve["cohorts"])
        curve["retention_rate"] = mean
        curve["retention_rate_low"], curve["retention_rate_high"] = (mean - half).clip(0), (mean + half).clip(max=1)
    settings = dict(table.attrs.get("settings", {})) | {"weighted": weighted, "confidence": confidence}
    how = "Sum of retained / sum of users" if weighted else "Mean of the cohorts' rates"
    definition = f"{how} over the cohorts whose period is over. {table.attrs.get('definition', '')}".strip()
    return result(
        curve.drop(columns=["rate", "variance"]), metric="retention_curve", definition=definition, settings=settings
    )


def retention_matrix(table: pd.DataFrame) -> pd.DataFrame:
    """How do cohorts compare, period by period?

    Parameters
    ----------
    table
        Result of `cohort_retention` without `by`.

    Returns
    -------
    DataFrame, cohorts (rows) x periods (columns)
        ``retention_rate``, 0 to 1; NaN where the period is not over at `as_of` or the cohort is empty.

    Raises
    ------
    ValueError
        `table` is no result of `cohort_retention`, or has groups.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-13 ann visit
    ...     2026-01-06 ben visit
    ... ''')
    >>> matrix = retention_matrix(cohort_retention(log, period="week", periods=1, as_of="2026-01-19"))
    >>> matrix.loc["2026-01-05"].tolist()
    [1.0, 0.5]
    """
    groups = _groups(table)
    if groups:
        raise ValueError(f"table has the groups {groups}: a matrix shows one. Filter the table first.")
    observed = table.assign(retention_rate=table["retention_rate"].where(table["complete"]))
    matrix = observed.set_index(["cohort", "period"])["retention_rate"].unstack()  # noqa: PD010 (keeps all-NaN rows)
    matrix.attrs = {**table.attrs, "metric": "retention_matrix"}
    return matrix


def _groups(table: pd.DataFrame) -> list[str]:
    needed = {"cohort", "period", "users", "retained", "complete"}
    missing = sorted(needed - set(table.columns))
    if missing:
        raise ValueError(f"table has no {missing}; it is no result of cohort_retention. Its columns are {list(table)}.")
    return list(table.columns[: list(table.columns).index("cohort")])
