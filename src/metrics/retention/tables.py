"""Retention: who of those who began comes back, and when?

A unit joins the cohort of the period of its start event, cut by the local date in `tz`; period k is the k-th calendar
period after that one. A cell is observed only when its period is over at `as_of`: one that is still running is marked,
one that has not begun is absent. Neither is ever shown as 0.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from metrics import exact
from metrics.engine import Answer, Cut, Events, Reading, Rows, Span, by_user
from metrics.engine.local import Columns
from metrics.intervals import add_rate, ratio, wilson
from metrics.periods import Calendar, Period, WeekStart, When, one_of, spoken
from metrics.results import keys, result
from metrics.retention.cohorts import Cohort, in_words, marks, members
from metrics.retention.returns import Cells, Clock, Mode, count
from metrics.steps import EventChoice, Step, as_step

_RESULT = [
    "cohort", "period", "users", "retained", "retention_rate", "retention_rate_low", "retention_rate_high", "complete",
    "value_sum", "value_per_user", "value_per_active_user",
]  # fmt: skip


def cohort_retention(
    events: Events,
    *,
    as_of: When,
    start_event: EventChoice = None,
    return_event: EventChoice = None,
    period: Period = "week",
    periods: int = 12,
    cohort: Cohort = "first_time",
    mode: Mode = "on",
    clock: Clock = "calendar",
    min_occurrences: int = 1,
    brackets: Sequence[int] | None = None,
    value: str | None = None,
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
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
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
        ``"on"`` (default): back in exactly period k. ``"on_or_after"``: back in period k or a later one observed so
        far; such a cell may still rise as long as anybody may come back, and the last ones are low by construction.
    clock
        ``"calendar"`` (default): periods by the local date. ``"rolling_24h"``: period k is the k-th 24 hours (with
        ``period="week"``: 7 x 24 hours) after the unit's own start.
    min_occurrences
        Return events needed within one period.
    brackets
        Sizes of groups of periods after the first, in place of `periods`: ``[1, 2, 4]`` is period 1, 2 to 3, 4 to 7.
        `min_occurrences` still holds for a single period.
    value
        Number column to add up over the return events of the cohort: its revenue, say. A missing number adds nothing,
        an infinite one is refused; a sum beyond 1.8e308 is infinite.
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
        value_sum, value_per_user, value_per_active_user   with `value`: sum over the return events of the cell, per
                                          member, and per member who came back

    Raises
    ------
    ValueError
        An event that no row has, a mode that does not exist, an infinite `value`.
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
    for name, chosen, allowed in (("cohort", cohort, Cohort), ("mode", mode, Mode), ("clock", clock, Clock)):
        one_of(name, chosen, allowed)
    for name, number in (("periods", periods), ("min_occurrences", min_occurrences)):
        if not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(f"{name}: {number!r} is not a count. Use a whole number from 1.")
    calendar, span = Calendar(period, tz, week_start), Span.read(since=since, until=until, as_of=as_of, tz=tz)
    cells = Cells.of(calendar, clock, periods, brackets)
    start, back = as_step(start_event, "start_event"), as_step(return_event, "return_event")
    groups = keys(by, taken=_RESULT)
    reading = Reading(
        marks=marks(start, back),
        before=span.as_of,
        unit=(unit,),
        groups=tuple(groups),
        numbers=() if value is None else (value,),
    )
    by_period = clock == "calendar" and min_occurrences == 1 and value is None and not groups
    if by_period and (cohort != "first_ever" or not start.where):  # else rows of one period are not alike
        reading = replace(reading, cut=Cut(calendar))
    ranged = span if since is not None or until is not None else None
    answer = by_user(
        events, reading, _cohort_columns,
        start=start, back=back, cohort=cohort, calendar=calendar, span=ranged,
        cells=cells, mode=mode, enough=int(min_occurrences), value=value,
    )  # fmt: skip
    table = _with_empty(_added_up(answer, groups), groups, len(cells.last))
    opened, closed = cells.edges(table["cohort"].to_numpy(np.int64), table["cell"].to_numpy(np.int64))
    table = table.assign(complete=closed <= span.as_of, period=table["cell"])[opened < span.as_of]
    table["cohort"] = calendar.start(table["cohort"].to_numpy(np.int64))
    table = _sure_of_period_0(add_rate(table, "retention_rate", "retained", "users", confidence))
    columns = [*groups, *_RESULT[:8]]
    if value is not None:
        table["value_sum"] = table["value_sum"].fillna(0.0)
        table["value_per_user"] = ratio(table["value_sum"], table["users"])
        table["value_per_active_user"] = ratio(table["value_sum"], table["retained"])
        columns += _RESULT[8:]
    settings = {
        "start_event": start.label, "return_event": back.label, "period": period, "cohort": cohort, "mode": mode,
        "clock": clock, "brackets": None if brackets is None else list(brackets), "value": value,
        "min_occurrences": int(min_occurrences), "as_of": spoken(span.as_of, tz), "tz": tz, "week_start": week_start,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": keys(by) or None, "confidence": confidence,
    }  # fmt: skip
    later = "in exactly that" if mode == "on" else "in that or a later"
    times = "" if min_occurrences == 1 else f" at least {min_occurrences} times"
    counted = f"calendar {period} ({tz}) after the cohort's own"
    if clock == "rolling_24h":
        counted = f"{'24 hours' if period == 'day' else '7 x 24 hours'} after its own start"
    definition = (
        f"Each {unit} joins a cohort {in_words(cohort, start, period)}; it is retained in {period} k if it did "
        f"{back.label}{times} {later} {counted}. A {period} not over at {settings['as_of']} is unfinished."
    )
    return result(table, metric="cohort_retention", definition=definition, settings=settings, columns=columns)


def _cohort_columns(
    rows: Rows,
    start: Step,
    back: Step,
    cohort: Cohort,
    calendar: Calendar,
    span: Span | None,
    cells: Cells,
    mode: Mode,
    enough: int,
    value: str | None,
) -> Columns:
    number = rows.period(calendar)
    who = members(rows, number, start, cohort, calendar, span)
    returns = rows.meets(1)
    if back.first_time_only:
        returns = rows.first_of_unit(returns)
    return count(rows, number, returns, who, cells, mode, enough, value)


def _added_up(answer: Answer, groups: list[str]) -> pd.DataFrame:
    """The parts of the answer as one row per cell, in order, missing groups last."""
    parts = pd.DataFrame(answer.columns)
    keys = [*(f"group {name}" for name in groups), "cohort", "cell"]
    parts[keys[:-2]] = parts[keys[:-2]].where(parts[keys[:-2]] >= 0, np.iinfo(np.int64).max)
    table = parts.groupby(keys)[["users", "retained"]].sum().reset_index()
    if (parts["high"] != 0).any() or (parts["low"] != 0).any():
        table["value_sum"] = _sums(parts, keys)
    else:
        table["value_sum"] = 0.0
    for name in groups:
        codes = table.pop(f"group {name}").to_numpy(np.int64)
        table[name] = answer.value_of(name, np.where(codes == np.iinfo(np.int64).max, -1, codes)).array
    return table


def _sums(parts: pd.DataFrame, keys: list[str]) -> list[float]:
    """The value of each cell, in order: exact sums, rounded once."""
    halves = parts.groupby([*keys, "power"])[["high", "low"]].sum().reset_index("power")
    cell = halves.groupby(keys).ngroup().to_numpy()
    edges = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1], True]).tolist()
    columns = [halves[name].tolist() for name in ("power", "high", "low")]
    return [exact.join(*(column[a:b] for column in columns)) for a, b in itertools.pairwise(edges)]


def _with_empty(table: pd.DataFrame, by: list[str], cells: int) -> pd.DataFrame:
    """The table with cohorts of nobody between a group's first and last, so that a gap in time stays a gap."""
    if not len(table):
        return table
    edges = table.groupby(by, dropna=False)["cohort"].agg(["min", "max"]).reset_index() if by else None
    if edges is None:
        edges = pd.DataFrame({"min": [table["cohort"].min()], "max": [table["cohort"].max()]})
    many = int((edges["max"] - edges["min"] + 1).sum()) * cells
    if many > 2_000_000:
        raise ValueError(
            f"The table would have {many:,} cells. Use a longer period, fewer periods or groups, or since and until."
        )
    frame = edges.loc[edges.index.repeat(edges["max"] - edges["min"] + 1)]
    frame["cohort"] = frame["min"] + frame.groupby(level=0).cumcount()
    frame = frame.drop(columns=["min", "max"]).merge(pd.DataFrame({"cell": np.arange(cells)}), how="cross")
    table = frame.merge(table, on=[*by, "cohort", "cell"], how="left")
    table[["users", "retained"]] = table[["users", "retained"]].fillna(0).astype(np.int64)
    return table.sort_values([*by, "cohort", "cell"], na_position="last", kind="stable")


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
        retention_rate (…)    0 to 1  weighted: Wilson on the sums; else the mean, its limits from the cohorts' Wilson
                                      limits (square-and-add, as Newcombe 1998); both take for granted that cohorts
                                      share no units: limits are NaN with ``cohort="recurring"``

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
    low, high = wilson(cells["retained"], cells["users"], confidence)
    cells = cells.assign(cohorts=1, rate=rate, below=(rate - low) ** 2, above=(high - rate) ** 2)
    names = ["cohorts", "users", "retained", "rate", "below", "above"]
    sums = cells.groupby([*by, "period"], dropna=False)[names].sum()
    curve = _sure_of_period_0(add_rate(sums.reset_index(), "retention_rate", "retained", "users", confidence))
    limits = ["retention_rate_low", "retention_rate_high"]
    if not weighted:
        mean = curve["retention_rate"] = ratio(curve["rate"], curve["cohorts"])
        curve[limits[0]] = (mean - ratio(np.sqrt(curve["below"]), curve["cohorts"])).clip(0)
        curve[limits[1]] = (mean + ratio(np.sqrt(curve["above"]), curve["cohorts"])).clip(max=1)
    recurring = table.attrs.get("settings", {}).get("cohort") == "recurring"
    if recurring:  # the same unit stands in many cohorts, and the table cannot tell which
        curve[limits] = np.nan
    settings = dict(table.attrs.get("settings", {})) | {"weighted": weighted, "confidence": confidence}
    how = "Sum of retained / sum of users" if weighted else "Mean of the cohorts' rates"
    how += " over the cohorts whose period is over" + ("; no interval, for units stand in several" if recurring else "")
    definition = f"{how}. {table.attrs.get('definition', '')}".strip()
    return result(
        curve.drop(columns=["rate", "below", "above"]),
        metric="retention_curve",
        definition=definition,
        settings=settings,
    )


def retention_matrix(table: pd.DataFrame) -> pd.DataFrame:
    """How do cohorts compare, period by period?

    Parameters
    ----------
    table
        Result of `cohort_retention`, of one group.

    Returns
    -------
    DataFrame, cohorts (rows) x periods (columns)
        ``retention_rate``, 0 to 1; NaN where the period is not over at `as_of` or the cohort is empty.

    Raises
    ------
    ValueError
        `table` is no result of `cohort_retention`, or has several groups.

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
    if groups and len(table[groups].drop_duplicates()) > 1:
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
