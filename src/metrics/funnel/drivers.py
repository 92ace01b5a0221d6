"""What goes with conversion? `funnel_drivers`.

Who converts is gone from the funnel after a minute, who drops is watched to the end of the window. In so much more time
the dropped do more of everything, and each event would seem to keep users from converting. So the dropped are looked
at for as long as the converted took.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal, TypeAlias, Unpack

import numpy as np
import pandas as pd

from metrics.engine import Events, Rows, by_user
from metrics.engine.local import Columns
from metrics.funnel.attempts import Credited, credited_of, reading_of
from metrics.funnel.choices import Choices
from metrics.funnel.compare import CORRECTIONS, check_min_users, check_units
from metrics.funnel.options import FunnelOptions, spell_out
from metrics.intervals import Correction, adjusted, no_denominator, odds_ratio, ratio, two_rates_test
from metrics.periods import Ints, When, one_of
from metrics.results import blank, result
from metrics.steps import EventChoice, Mask

Exposure: TypeAlias = Literal["matched", "window"]

_SHARES = ["converted_share", "dropped_share"]
_ODDS = ["odds_ratio", "odds_ratio_low", "odds_ratio_high"]
_COLUMNS = [
    "event", "converted", "of_converted", "dropped", "of_dropped", *_SHARES, *_ODDS, "p_value", "p_adjusted", "reason",
]  # fmt: skip
_TOTAL = -1  # stands for no event, in the row of a kernel's answer that counts users
_NEVER = np.iinfo(np.int64).max


@spell_out
def funnel_drivers(
    events: Events,
    steps: Sequence[EventChoice],
    *,
    as_of: When,
    exposure: Exposure = "matched",
    min_users: int = 30,
    smoothing: float | None = None,
    correction: Correction = "benjamini_hochberg",
    **options: Unpack[FunnelOptions],
) -> pd.DataFrame:
    """What do those who convert do on the way that those who drop do not?

    For each event that is no step of the funnel: the share of the converted who did it after they entered and before
    they completed, against the share of the dropped who did it in as much time. It is an association, not an effect:
    who means to buy looks at prices.

    Parameters
    ----------
    events, steps, as_of, **options
        As in `conversion_funnel`, without `by`. With ``reentry="best"`` who converted is looked at from the last entry
        before, who dropped from the first; where users enter often, ``"first"`` looks at all from their first. With
        `hold_constant` only rows with the held values are looked at.
    exposure
        How long the dropped are looked at. ``"matched"`` (default): as long as the converted took, one after the
        other, and the shares averaged. ``"window"``: to the end of the window, as PostHog does it; the dropped then
        have more time for every event, so that events seem to keep users from converting where most convert soon.
    min_users
        An event that fewer users did gets no estimate; its counts stand.
    smoothing
        Added to each of the four counts of the odds ratio: 1 as PostHog does it. Default: 0.5 where one of them is 0,
        nothing elsewhere.
    correction
        How p-values are adjusted over all events: ``"benjamini_hochberg"`` (default), ``"holm"`` or
        ``"bonferroni"``; see `adjust_p_values`.

    Returns
    -------
    DataFrame, one row per event that anybody did on the way, those first whose association is at least the strongest
    (by the limit nearest to 1)
        event                   name
        converted, of_converted count    users who did it before they completed; all who converted
        dropped, of_dropped     count    users who did it and dropped (``"matched"``: the number expected in the time
                                         that the converted took, no whole number); all who dropped
        converted_share         0 to 1   converted / of_converted
        dropped_share           0 to 1   dropped / of_dropped
        odds_ratio (_low/_high) number   odds of having done it among the converted over those among the dropped
        p_value                 0 to 1   two-sided; pooled z, Fisher's exact test where an expected count is under 5
        p_adjusted              0 to 1   for all events together
        reason                  text     ``zero_denominator`` (nobody converted, or nobody dropped), ``below_min_n``,
                                         ``zero_variance`` (all did it)
    Whose window is not over is left out, converted or not (others who began as late had no time to convert); so is who
    has void attempts only. How many they are stands in the settings (`left_out`, `excluded`).

    Raises
    ------
    ValueError
        As `conversion_funnel`; `by`, ``counting="attempts"``, a smoothing below 0.
    EventTableError
        `events` is no event table.

    Notes
    -----
    Suissa (2008), American Journal of Epidemiology 167:492, on time in which one group could not yet count; Woolf
    (1955), Annals of Human Genetics 19:251; Haldane (1956), the same 20:309; Benjamini & Hochberg (1995), Journal of
    the Royal Statistical Society B 57:289. With matched times the limits are a little wide: a mean over times varies
    less than they allow for.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  visit
    ...     2026-01-02  ann  invite
    ...     2026-01-03  ann  buy
    ...     2026-01-01  ben  visit
    ...     2026-01-09  ben  invite   # ann was done after two days
    ...     2026-01-01  cat  visit
    ... ''')
    >>> drivers = funnel_drivers(log, ["visit", "buy"], as_of="2026-02-01", min_users=1)
    >>> drivers[["event", "converted", "of_converted", "dropped", "of_dropped", "p_value"]].round(2)
        event  converted  of_converted  dropped  of_dropped  p_value
    0  invite          1             1      0.0           2     0.33
    """
    choices = Choices(steps=steps, as_of=as_of, **options)
    if choices.by is not None:
        raise ValueError(f"by: {choices.by!r} is not used by funnel_drivers. Filter the events, or leave it out.")
    check_units(choices.counting, "funnel_drivers")
    check_min_users(min_users)
    one_of("exposure", exposure, Exposure)
    one_of("correction", correction, Correction)
    if smoothing is not None and (not isinstance(smoothing, int | float) or not 0 <= smoothing < np.inf):
        raise ValueError(f"smoothing: {smoothing!r} cannot be added to counts. Use 1, 0.5, or leave it out.")
    took = np.zeros(0, np.int64)
    if exposure == "matched":
        took = np.sort(by_user(events, reading_of(choices), _took, choices=choices).columns["took"])
    reading = reading_of(choices, everything=True, groups=["event"])
    answer = by_user(events, reading, _did, choices=choices, took=took)
    counts = pd.DataFrame(answer.columns).groupby("event").sum()
    total = counts.reindex([_TOTAL], fill_value=0).iloc[0]
    counts = counts.drop(index=_TOTAL, errors="ignore").reset_index()
    counts["event"] = answer.value_of("event", counts["event"].to_numpy(np.int64)).astype("str")
    if exposure == "matched":
        counts["dropped"] = ratio(counts["as_soon"], int(total["converted"]))
    table = _estimated(counts, int(total["converted"]), int(total["dropped"]), min_users, smoothing, choices.confidence)
    table["p_adjusted"] = adjusted(table["p_value"].to_numpy(float), correction)
    table = _strongest_first(table)
    settings = choices.settings | {
        "exposure": exposure, "min_users": min_users, "correction": correction,
        "smoothing": "0.5 where a count is 0" if smoothing is None else smoothing,
        **{name: int(total[name]) for name in ("converted", "dropped", "left_out", "excluded")},
    }  # fmt: skip
    definition = f"{choices.definition} {_definition(exposure, correction)}"
    return result(table, metric="funnel_drivers", definition=definition, settings=settings, columns=_COLUMNS)


def _outcomes(one: Credited, choices: Choices) -> tuple[Mask, Mask, Ints]:
    """Who converted, who dropped (only of those whose window is over), and when those who converted had done so."""
    last = max(k for k, step in enumerate(choices.path) if not step.optional)
    is_over = (one.times[0] + choices.rules.window <= choices.span.as_of) | choices.range_is_over
    done: Mask = one.reached[last]
    return ~one.void & is_over & done, ~one.void & is_over & ~done & ~one.open, one.times[last]


def _took(rows: Rows, choices: Choices) -> Columns:
    """How long each of those who converted took."""
    one = credited_of(rows, choices)
    converted, _, completed = _outcomes(one, choices)
    return {"took": (completed - one.times[0])[converted]}


def _did(rows: Rows, choices: Choices, took: Ints) -> Columns:
    """For each event, how many did it on the way; and in the row `_TOTAL` how many there are.

    `as_soon` adds up, over the dropped who did it, how many of the converted took longer than that after entry.
    """
    one = credited_of(dataclasses.replace(rows, groups={}), choices)
    converted, dropped, completed = _outcomes(one, choices)
    begin, end = np.full(len(rows.ids), _NEVER), np.full(len(rows.ids), _NEVER)
    is_converted = np.zeros(len(rows.ids), bool)
    begin[one.unit[converted | dropped]] = one.times[0][converted | dropped]
    end[one.unit[converted]] = completed[converted]
    end[one.unit[dropped]] = one.times[0][dropped] + choices.rules.window + 1  # its last instant is within it
    is_converted[one.unit[converted]] = True

    is_step = np.logical_or.reduce([rows.meets(k) for k in range(len(choices.path))])
    on_the_way = (rows.time > begin[rows.unit]) & (rows.time < end[rows.unit]) & ~is_step
    at = np.flatnonzero(on_the_way)
    event, unit = rows.groups["event"][at], rows.unit[at]
    # Rows are in the order of time, so that the first index is a user's first row of the event.
    _, first = np.unique(unit * (int(event.max(initial=0)) + 1) + event, return_index=True)
    at, event, unit = at[first], event[first], unit[first]
    lost = ~is_converted[unit]
    longer = len(took) - np.searchsorted(took, rows.time[at] - begin[unit], side="right")

    seen, place = np.unique(event, return_inverse=True)
    as_soon = np.zeros(len(seen), np.int64)
    np.add.at(as_soon, place[lost], longer[lost])
    left_out = ~(converted | dropped | one.void)
    return {
        "event": np.r_[_TOTAL, seen].astype(np.int64),
        "converted": np.r_[converted.sum(), np.bincount(place[~lost], minlength=len(seen))].astype(np.int64),
        "dropped": np.r_[dropped.sum(), np.bincount(place[lost], minlength=len(seen))].astype(np.int64),
        "as_soon": np.r_[0, as_soon].astype(np.int64),
        "left_out": np.r_[left_out.sum(), 0 * seen].astype(np.int64),
        "excluded": np.r_[one.void.sum(), 0 * seen].astype(np.int64),
    }


def _estimated(
    counts: pd.DataFrame, converted: int, dropped: int, min_users: int, smoothing: float | None, confidence: float
) -> pd.DataFrame:
    """Shares, odds ratios and tests of the counts."""
    table = counts.assign(of_converted=converted, of_dropped=dropped)
    did, of, lost, of_lost = (
        table[name].to_numpy(float) for name in ("converted", "of_converted", "dropped", "of_dropped")
    )
    table["converted_share"], table["dropped_share"] = ratio(did, of), ratio(lost, of_lost)
    odds = odds_ratio(did, of, lost, of_lost, smoothing=smoothing, confidence=confidence)
    table = table.assign(**dict(zip(_ODDS, odds, strict=True)), p_value=two_rates_test(did, of, lost, of_lost).p_value)
    table["reason"] = no_denominator(of * of_lost)
    few = table["reason"].isna() & (did + lost < min_users)
    table["reason"] = table["reason"].mask(few, "below_min_n")
    table["reason"] = table["reason"].mask(table["reason"].isna() & table["p_value"].isna(), "zero_variance")
    table = blank(table, few, [*_SHARES, *_ODDS, "p_value"])
    no_odds = table["reason"].isna() & table["odds_ratio"].isna()  # with smoothing=0
    return table.assign(reason=table["reason"].mask(no_odds, "odds_ratio: zero_denominator"))


def _strongest_first(table: pd.DataFrame) -> pd.DataFrame:
    low, value, high = (np.log(table[name]) for name in ("odds_ratio_low", "odds_ratio", "odds_ratio_high"))
    at_least = np.maximum(np.maximum(low, -high), 0)
    order = pd.DataFrame({"at_least": -at_least, "value": -np.abs(value), "event": table["event"]})
    return table.loc[order.sort_values(["at_least", "value", "event"], na_position="last").index]


def _definition(exposure: Exposure, correction: Correction) -> str:
    time = "as long as the converted took, the shares averaged over their times"
    if exposure == "window":
        time = "to the end of the window, which gives them more time for every event than the converted had"
    return (
        "For each event that is no step: the share of the converted who did it after entry and before completion, "
        f"against the share of the dropped, who are looked at {time}. The odds ratio is 1 where both do it alike. "
        f"P-values are adjusted for all events together ({CORRECTIONS[correction]}). An association, not an effect. "
        "Who entered so late that the window is not over is left out."
    )
