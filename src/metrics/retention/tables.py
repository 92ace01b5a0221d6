"""Retention: who of those who began comes back, and when?

A unit joins the cohort of the period of its start event, cut by the local date in `tz`; period k is the k-th calendar
period after that one. A cell is observed only when its period is over at `as_of`: one that is still running is marked,
one that has not begun is absent. Neither is ever shown as 0.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from metrics import exact
from metrics.engine import Answer, Cut, Events, Reading, Rows, Span, by_user
from metrics.engine.groups import MISSING
from metrics.engine.local import Columns
from metrics.intervals import add_rate, no_denominator
from metrics.periods import Calendar, Ints, Period, WeekStart, When, one_of, spoken
from metrics.results import keys, result
from metrics.retention import facts, history, repeats, worth
from metrics.retention.cohorts import Cohort, in_words, marks, members
from metrics.retention.curve import sure_of_period_0
from metrics.retention.returns import Cells, Clock, Mode, count
from metrics.steps import EventChoice, Step, as_step

_SOON = "retained_same_period"
_RESULT = [
    "cohort", "period", "users", "retained", "retention_rate", "retention_rate_low", "retention_rate_high", "complete",
    "uncertain",
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
    same_period: bool = False,
    value: str | None = None,
    observed_from: When | None = None,
    look_back: str | None = "28 days",
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
        Length of a calendar period (``"hour"``, ``"day"``, ``"week"``, ``"month"``, ``"quarter"``, ``"year"``) and how
        many periods after the first to follow.
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
    same_period
        Also count who came back later in the period of their own start, for which the exact times are read.
    value
        Number column to add up over the return events of the cohort: its revenue, say. A missing number adds nothing,
        an infinite one is refused; a sum beyond 1.8e308 is infinite. A negative one, as of a refund, is taken off, and
        its row is a return as any other: where it should be none, give refunds an event's name of their own.
    observed_from
        First moment that the log shows, a date in `tz` or an instant. Default: the end of the period of its first row,
        which it may cut.
    look_back
        History that a cohort of firsts needs. Those that begin sooner after `observed_from` are `uncertain`: what looks
        like a first may be the return of an old user. None: the log begins with the product, and all firsts are known.
        A start that less than 1 in 100 units do in more than one period, such as a sign-up, is taken for one of once in
        a lifetime, and no cohort of it is uncertain; nor is one that does not speak of all history (``"recurring"``,
        ``"first_in_range"``).
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
        uncertain               bool      the cohort may hold units that began before the log (see `look_back`)
        reason                  text      ``zero_denominator`` in a cohort of nobody; with `value`, behind the name of
                                          the estimate, also ``unequal_periods`` in brackets, ``too_large``, and
                                          ``one_user`` where net retention has no limits

    with `same_period`

        retained_same_period    count     did the return event in period 0 after their start, at a later instant

    and with `value`, over the return events of the cell

        value_sum, value_per_user, value_per_active_user   money; all, per member, per member who came back
        value_start                money   `value_sum` of period 0
        value_kept                 money   of each member what it brought, at most what it brought in period 0
        net_value_retention (…)    from 0  value_sum / value_start
        gross_value_retention (…)  0 to 1  value_kept / value_start; Wilson, of as many members of one size as weigh
                                           the same. Net: ratio over members, at least as wide; none for one member

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
    on_the_way = ["what", "cell", "min", "max", "money", *facts.NUMBERS]
    groups = keys(by, taken=[*_RESULT, _SOON, "reason", *worth.COLUMNS, *on_the_way])
    reading = Reading(
        marks=marks(start, back),
        before=span.as_of,
        unit=(unit,),
        groups=tuple(groups),
        numbers=() if value is None else (value,),
    )
    by_period = clock == "calendar" and min_occurrences == 1 and value is None and not groups and not same_period
    if by_period and (cohort != "first_ever" or not start.where):  # else rows of one period are not alike
        reading = replace(reading, cut=Cut(calendar))
    ranged = span if since is not None or until is not None else None
    answer = by_user(
        events, reading, _cohort_columns,
        start=start, back=back, cohort=cohort, calendar=calendar, span=ranged,
        cells=cells, mode=mode, enough=int(min_occurrences), value=value, same_period=same_period, as_of=span.as_of,
        look=look_back is not None and cohort in history.FIRSTS,
    )  # fmt: skip
    found = pd.DataFrame(answer.columns)
    whole = history.whole_from(found[found["what"] == facts.SEEN], calendar, observed_from, look_back)
    added = _added_up(found[found["what"] != facts.SEEN], answer, groups)
    table = _with_empty(_counted(added, groups, value, same_period=same_period), groups, len(cells.last))
    opened, closed = cells.edges(table["cohort"].to_numpy(np.int64), table["cell"].to_numpy(np.int64))
    table = table.assign(complete=closed <= span.as_of, period=table["cell"])[opened < span.as_of]
    starts = calendar.start(table["cohort"].to_numpy(np.int64))
    table["cohort"], table["uncertain"] = starts, history.uncertain(starts, whole)
    table = sure_of_period_0(add_rate(table, "retention_rate", "retained", "users", confidence))
    table["reason"] = no_denominator(table["users"])
    columns = [*groups, *_RESULT, *([_SOON] if same_period else [])]
    if value is not None:
        table = worth.with_worth(table, [*groups, "cohort"], confidence, alike=brackets is None)
        columns += worth.COLUMNS
    settings = {
        "start_event": start.label, "return_event": back.label, "period": period, "cohort": cohort, "mode": mode,
        "clock": clock, "brackets": None if brackets is None else [int(size) for size in brackets], "value": value,
        "min_occurrences": int(min_occurrences), "as_of": spoken(span.as_of, tz), "tz": tz, "week_start": week_start,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "observed_from": None if observed_from is None else str(observed_from), "look_back": look_back,
        "unit": unit, "by": groups or None, "confidence": confidence,
    }  # fmt: skip
    later = "in exactly that" if mode == "on" else "in that or a later"
    times = "" if min_occurrences == 1 else f" at least {min_occurrences} times"
    counted = f"calendar {period} ({tz}) after the cohort's own"
    if clock == "rolling_24h":
        counted = f"{'24 hours' if period == 'day' else '7 x 24 hours'} after its own start"
    definition = (
        f"Each {unit} joins a cohort {in_words(cohort, start, period)}; it is retained in {period} k if it did "
        f"{back.label}{times} {later} {counted}. A {period} not over at {settings['as_of']} is unfinished."
        f"{history.in_words(whole)}"
    )
    table = result(
        table, metric="cohort_retention", definition=definition, settings=settings, columns=[*columns, "reason"]
    )
    if cohort == "recurring":
        table.attrs["repeats"] = repeats.told(added, groups)
    return table


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
    same_period: bool,
    as_of: int,
    look: bool,
) -> Columns:
    number = rows.period(calendar)
    who = members(rows, number, start, cohort, calendar, span)
    returns = rows.meets(1)
    if back.first_time_only:
        returns = rows.first_of_unit(returns)
    over = partial(_finished, cells=cells, as_of=as_of) if cohort == "recurring" else None
    parts = count(rows, number, returns, who, cells, mode, enough, value, over, same_period)
    return facts.joined([*parts, history.seen(rows, number, who)] if look else parts)


def _finished(cohort: Ints, cells: Cells, as_of: int) -> Ints:
    """Of each cohort how many of its first cells are over."""
    width = len(cells.last)
    numbers, place = np.unique(cohort, return_inverse=True)
    _, closed = cells.edges(np.repeat(numbers, width), np.tile(np.arange(width), len(numbers)))
    over: Ints = (closed <= as_of).reshape(-1, width).sum(axis=1)[place]
    return over


def _added_up(parts: pd.DataFrame, answer: Answer, groups: list[str]) -> pd.DataFrame:
    """The parts of the answer as one row per fact, in order, missing groups last."""
    names = [*(f"group {name}" for name in groups), "cohort", "cell", "what"]
    parts = parts.assign(**{name: parts[name].where(parts[name] >= 0, MISSING) for name in names[: len(groups)]})
    table = parts.groupby(names)[["first", "second"]].sum().reset_index()
    table["money"] = 0.0
    if len(money := parts[parts["what"].isin(facts.MONEY)]):
        table.loc[table["what"].isin(facts.MONEY), "money"] = _sums(money, names)
    for name in groups:
        codes = table.pop(f"group {name}").to_numpy(np.int64)
        table[name] = answer.value_of(name, np.where(codes == MISSING, -1, codes)).array
    return table


def _counted(added: pd.DataFrame, groups: list[str], value: str | None, *, same_period: bool) -> pd.DataFrame:
    """One row per cell, with its counts and its sums of money."""
    names = [*groups, "cohort", "cell"]
    table = added.loc[added["what"] == facts.COUNTED, [*names, "first", "second"]]
    table = table.rename(columns={"first": "users", "second": "retained"})
    if same_period:
        soon = added.loc[added["what"] == facts.SAME_PERIOD, [*names[:-1], "first"]]
        table = table.merge(soon.rename(columns={"first": _SOON}), on=names[:-1], how="left")
    for what in facts.MONEY if value is not None else ():
        sums = added.loc[added["what"] == what, [*names, "money"]].rename(columns={"money": facts.money_column(what)})
        table = table.merge(sums, on=names, how="left")
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
    counts = ["users", "retained", *([_SOON] if _SOON in table else [])]
    table[counts] = table[counts].fillna(0).astype(np.int64)
    money = [name for what in facts.MONEY if (name := facts.money_column(what)) in table]
    table[money] = table[money].fillna(0.0)
    return table.sort_values([*by, "cohort", "cell"], na_position="last", kind="stable")
