"""Do groups convert differently, or is it chance? `compare_funnels`.

Groups are compared on what is known at the first entry, among entries whose window is over, one unit once: a value met
later, an open window or a unit in two groups would make groups differ that do not.
"""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd

from metrics.engine import Events
from metrics.funnel.choices import RESULT, Attribution, Counting, Exclusion, Order, RangeAppliesTo, Reentry, Ties
from metrics.funnel.options import spell_out
from metrics.funnel.presets import Tool
from metrics.funnel.tables import conversion_funnel
from metrics.intervals import Correction, adjusted, newcombe, relative_lift, two_rates_test
from metrics.periods import When, one_of
from metrics.results import blank, keys, result
from metrics.steps import EventChoice, as_step, unknown

_COMPARED = [f"{name}{bound}" for name in ("difference", "relative_lift") for bound in ("", "_low", "_high")]
_TESTS = ["p_value", "p_adjusted"]
_RATE = ["conversion_rate", "conversion_rate_low", "conversion_rate_high"]
CORRECTIONS = {"holm": "Holm", "benjamini_hochberg": "Benjamini and Hochberg", "bonferroni": "Bonferroni"}


class ComparisonOptions(TypedDict, total=False):
    """Those of the funnel's options that do not say which groups there are."""

    window: str
    order: Order
    reentry: Reentry
    ties: Ties
    grace: str | None
    exclude: Sequence[Exclusion]
    hold_constant: str | Sequence[str]
    since: When | None
    until: When | None
    range_applies_to: RangeAppliesTo
    counting: Counting
    like: Tool | None
    unit: str
    tz: str
    confidence: float


@spell_out
def compare_funnels(
    events: Events,
    steps: Sequence[EventChoice],
    *,
    as_of: When,
    by: str | Sequence[str],
    control: object = None,
    correction: Correction = "holm",
    min_users: int = 30,
    mature_only: bool = True,
    attribution: Attribution = "entry",
    attribution_step: int | None = None,
    **options: Unpack[ComparisonOptions],
) -> pd.DataFrame:
    """Do groups convert differently, or is it chance?

    Each group's share of users who reach a step is set against that of the control. Compared are entries whose window
    is over, and a user's group is the value on the row of entry: what is met later depends on how far a user came. A
    group that chose itself differs from the others in more than its name; only groups drawn by lot show an effect.

    Parameters
    ----------
    events, steps, as_of, **options
        As in `conversion_funnel`. With ``reentry="best"`` a user whose value changes from one entry to the next
        stands in the group of the best attempt; ``"first"`` takes the first. With `hold_constant` the units of one
        user are taken for independent.
    by
        Property column, or several of them for groups of their combinations. A missing value is a group.
    control
        The group that the others are compared with: a value of `by` (``pd.NA`` for the missing one), with several
        columns a tuple of values. Default: the largest at step 1 of those without a missing value, of equals the
        first in order.
    correction
        How p-values are adjusted, over all tests in the table (groups and steps): ``"holm"`` (default),
        ``"benjamini_hochberg"`` or ``"bonferroni"``; see `adjust_p_values`.
    min_users
        With fewer users at step 1, here or in the control, nothing is compared.
    mature_only
        Default: only entries whose window is over. With False all entries count, as in `conversion_funnel`, and a
        rate that can still rise, here or in the control, is not compared.
    attribution, attribution_step
        ``"entry"`` (default): the value at the user's first entry, whichever attempt counts. ``"step"`` with step 1,
        and ``"first_touch"``, take it from the attempt that counts: right only where it never changes, for those who
        try again and convert would stand in another group than those who do not. Others are refused.

    Returns
    -------
    DataFrame, one row per group and step
        columns of `by`              only where there are several
        group                        value of `by`; with several columns, their values in words
        step, event                  1, 2, …; the step in words
        users                        count    users who reached the step
        conversion_rate (_low/_high) 0 to 1   users / users of the group at step 1, Wilson
        difference (…)               -1 to 1  conversion rate minus that of the control, Newcombe
        relative_lift (…)            number   conversion rate / that of the control, minus 1; log limits
        p_value                      0 to 1   two-sided; pooled z, Fisher's exact test where an expected count is
                                              under 5
        p_adjusted                   0 to 1   for all tests in the table together
        reason                       text     why there is no comparison: ``control``, ``first_step`` (all are there
                                              by definition), ``zero_denominator``, ``below_min_n``, ``immature``;
                                              ``p_value: zero_variance`` and ``relative_lift: zero_denominator``
                                              where all or none convert

    Raises
    ------
    ValueError
        No `by`, an unknown control, ``counting="attempts"`` (attempts of a user are alike, and no test here allows
        for that), groups that are not known at the entry.
    EventTableError
        `events` is no event table.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:873, method 10; Katz et al. (1978), Biometrics 34:469; Holm (1979),
    Scandinavian Journal of Statistics 6:65.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  visit  device=desk
    ...     2026-01-02  ann  buy    device=desk
    ...     2026-01-01  ben  visit  device=desk
    ...     2026-01-01  cat  visit  device=phone
    ... ''')
    >>> compared = compare_funnels(log, ["visit", "buy"], by="device", as_of="2026-02-01", min_users=1)
    >>> compared[["group", "event", "users", "conversion_rate", "difference", "p_value"]].round(2)
       group  event  users  conversion_rate  difference  p_value
    0   desk  visit      2              1.0         NaN      NaN
    1   desk    buy      1              0.5         NaN      NaN
    2  phone  visit      1              1.0         NaN      NaN
    3  phone    buy      0              0.0        -0.5      1.0
    """
    names = keys(by, taken=[*RESULT, "group", *_COMPARED, *_TESTS, "reason"])
    if not names:
        raise ValueError(f"by: {by!r} names no column, and without groups nothing can be compared. Name a property.")
    one_of("correction", correction, Correction)
    check_min_users(min_users)
    check_units(options.get("counting", "users"), "compare_funnels")
    attribution_step = 1 if attribution == "step" and attribution_step is None else attribution_step
    _check_known_at_entry(attribution, attribution_step)
    funnel = conversion_funnel(
        events, steps, as_of=as_of, by=names, mature_only=mature_only,
        attribution=attribution, attribution_step=attribution_step, **options,
    )  # fmt: skip
    optional = np.array([as_step(step, "steps").optional for step in steps])
    at_entry = funnel[funnel["step"] == 1].reset_index(drop=True)
    place = _place_of_control(at_entry, names, control)
    table = _compared(funnel, len(steps), place, optional & (not mature_only), min_users)
    table["p_adjusted"] = adjusted(table["p_value"].to_numpy(float), correction)
    if len(names) == 1:
        table["group"] = table[names[0]]
    else:
        table["group"] = _in_words(table[names])
    said = _in_words(at_entry[names]).iloc[place] if len(at_entry) else None
    columns = [*(names if len(names) > 1 else []), "group", "step", "event", "users", *_RATE, *_COMPARED, *_TESTS]
    return result(
        table,
        metric="compare_funnels",
        definition=f"{funnel.attrs['definition']} {_definition(names, said, control is None, correction)}",
        settings=funnel.attrs["settings"] | {"control": said, "correction": correction, "min_users": min_users},
        columns=[*columns, "reason"],
    )


def check_min_users(min_users: int) -> None:
    """Refuse what is no count."""
    if not isinstance(min_users, int | np.integer) or min_users < 1:
        raise ValueError(f"min_users: {min_users!r} is not a count. Use 30, or 1 to hold nothing back.")


def check_units(counting: str, function: str) -> None:
    """Refuse attempts: those of one unit are alike, and the tests take what they count for independent."""
    if counting != "users":
        raise ValueError(
            f"counting: {counting!r} is not used by {function}, for the attempts of a user are alike and its tests "
            "take each for a new one. Leave it out: a user counts once."
        )


def _check_known_at_entry(attribution: str, step: int | None) -> None:
    one_of("attribution", attribution, Attribution)
    if attribution == "all_events":
        raise ValueError(
            "attribution: 'all_events' puts a user into several groups, which then are not independent. "
            "Leave it out: a user stands in the group of the first entry."
        )
    if attribution == "last_touch" or (attribution == "step" and step != 1):
        said = f"{attribution!r}" if attribution == "last_touch" else f"'step' with attribution_step={step!r}"
        raise ValueError(
            f"attribution: {said} sorts users by what they did after entry, so that groups differ by how far their "
            "users came. Leave it out: a user stands in the group of the first entry."
        )


def _compared(
    funnel: pd.DataFrame, steps: int, control: int, undecided: "np.ndarray[Any, Any]", min_users: int
) -> pd.DataFrame:
    """The funnels of all groups with what sets them apart from the one at place `control`."""
    group = np.arange(len(funnel)) // steps
    step, users = funnel["step"].to_numpy() - 1, funnel["users"].to_numpy()
    mine = users[group * steps] if len(users) else users
    other, theirs = (users[control * steps + step], users[control * steps]) if len(users) else (users, users)
    theirs = np.broadcast_to(theirs, mine.shape)
    confidence = float(funnel.attrs["settings"]["confidence"])
    lift, tested = relative_lift(users, mine, other, theirs, confidence), two_rates_test(users, mine, other, theirs)
    low, high = newcombe(users, mine, other, theirs, confidence)
    theirs_rate = funnel["conversion_rate"].to_numpy()[control * steps + step]
    can_rise = (funnel.groupby(group)["open"].cumsum().to_numpy() > 0) | undecided[step]
    can_rise |= can_rise[control * steps + step]
    reason = np.select(
        [
            mine == 0, group == control, step == 0, theirs == 0, np.minimum(mine, theirs) < min_users, can_rise,
        ],
        ["zero_denominator", "control", "first_step", "zero_denominator", "below_min_n", "immature"],
        "",
    )  # fmt: skip
    table = funnel.assign(
        difference=funnel["conversion_rate"].to_numpy() - theirs_rate, difference_low=low, difference_high=high,
        relative_lift=lift.value, relative_lift_low=lift.low, relative_lift_high=lift.high, p_value=tested.p_value,
    )  # fmt: skip
    held_back = pd.Series(reason != "", index=table.index)
    table = blank(table, held_back, [*_COMPARED, "p_value"])
    for name, why in (("p_value", "zero_variance"), ("relative_lift", "zero_denominator")):
        lacks = ~held_back & table[name].isna()
        reason = np.where(lacks, [f"{said}; {name}: {why}".removeprefix("; ") for said in reason], reason)
    return table.assign(reason=pd.Series(reason, index=table.index, dtype="str").replace("", pd.NA))


def _place_of_control(groups: pd.DataFrame, names: list[str], control: object) -> int:
    """Which group is the control."""
    if not len(groups):
        return 0
    if control is None:
        known = groups[names].notna().all(axis=1)
        return int((groups["users"] + known * (groups["users"].max() + 1)).to_numpy().argmax())
    wanted = tuple(control) if isinstance(control, tuple | list) else (control,)
    if len(wanted) != len(names):
        raise ValueError(f"control: {control!r} is not one value for each of {names}. Use a tuple of them, in order.")
    same = np.ones(len(groups), bool)
    for name, value in zip(names, wanted, strict=True):
        is_it = groups[name].isna() if pd.isna(value) else groups[name] == value
        same &= is_it.to_numpy(bool, na_value=False)
    if not same.any():
        said = ", ".join(str(value) for value in wanted)
        raise ValueError(unknown("control", said, _in_words(groups[names]), "a group", "groups"))
    return int(same.argmax())


def _in_words(groups: pd.DataFrame) -> pd.Series:
    """The values of each row, one after the other."""
    rows = groups.astype(object).itertuples(index=False)
    said = [", ".join("(missing)" if pd.isna(value) else str(value) for value in row) for row in rows]
    return pd.Series(said, index=groups.index, dtype="str")


def _definition(names: list[str], control: str | None, largest: bool, correction: Correction) -> str:
    which = "which is the largest" if largest else "as chosen"
    return (
        f"Groups by {' and '.join(names)} at the entry are compared with {control}, {which}: difference = conversion "
        "rate minus that of the control, relative lift = the one over the other minus 1. P-values are two-sided "
        "(pooled z, Fisher's exact test where an expected count is under 5), and adjusted for all tests of the table "
        f"together ({CORRECTIONS[correction]}). Unless they were drawn by lot, groups differ in more than their name."
    )
