"""Variants against a control: did it help, by how much, and could it be chance?

A comparison is by assignment: over all who were given a variant, never over those who opened, saw or used it. Where the
variants are not as large as they should be, users were lost on the way, and the comparison is withheld.
"""

import math
from collections.abc import Sequence
from numbers import Number
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.experiments.assignment import chi_square
from metrics.experiments.means import Theta, compare_means
from metrics.experiments.posterior import probability_better
from metrics.files import several
from metrics.intervals import (
    Correction,
    Floats,
    TwoRates,
    add_rate,
    adjusted,
    newcombe,
    ratio,
    relative_lift,
    two_rates_test,
)
from metrics.periods import one_of
from metrics.results import grouped, keys, result
from metrics.steps import unknown

RATES = [
    "users", "converted", "conversion_rate", "conversion_rate_low", "conversion_rate_high",
    "difference", "difference_low", "difference_high", "relative_lift", "relative_lift_low", "relative_lift_high",
    "z", "p_value", "p_adjusted", "probability_better", "verdict", "reason",
]  # fmt: skip
MEANS = [
    "users", "mean", "mean_low", "mean_high", "difference", "difference_low", "difference_high",
    "z", "p_value", "p_adjusted", "verdict", "reason",
]  # fmt: skip
CUPED = ["theta", "adjusted_difference", "adjusted_difference_low", "adjusted_difference_high"]
Ratio: TypeAlias = Literal["equal"] | Sequence[float] | None
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


def compare_variants(
    outcomes: pd.DataFrame,
    *,
    control: Any = None,
    variant: str = "variant",
    outcome: str = "converted",
    by: str | Sequence[str] | None = None,
    test: TwoRates = "auto",
    ratio: Ratio = "equal",
    srm_threshold: float = 0.001,
    correction: Correction = "holm",
    covariate: str | None = None,
    theta: Theta = "within",
    prior: tuple[float, float] = (1, 1),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Which variant is better than the control?

    Parameters
    ----------
    outcomes
        One row per user who was given a variant: `variant` and `outcome`. With a ``user_id`` nobody may stand in it
        twice.
    control
        Value of `variant` that the others are compared with. None (default): the first by name.
    variant
        Column that says which one a user was given.
    outcome
        Column of what became of the user: true or false (1 or 0) is a rate, any other number a mean.
    by
        Column or list of `outcomes` for a breakdown, known before the test, such as the country: each variant is
        compared with the control of its group. Missing values are a group of their own.
    test
        Of rates: ``"auto"`` (default) is the pooled z test, and Fisher's exact one where an expected count is under 5;
        or ``"z_pooled"``, ``"fisher"``.
    ratio
        ``"equal"`` (default): users were split evenly; or the shares meant, in the order of the result (control first,
        then by name); None: nobody assigned them, no check, and every verdict is ``association``.
    srm_threshold
        p-value of the split below which the comparison is withheld, as in `sample_ratio_check`: that of a group alone,
        and all of them where the users of the groups that pass are split unevenly taken together.
    correction
        Of the p-values of several variants, of all groups together: ``"holm"`` (default), ``"benjamini_hochberg"`` or
        ``"bonferroni"``.
    covariate
        Of means: column known before the test, such as the outcome in the weeks before (CUPED). Its part in the
        difference is taken off.
    theta
        Slope of the outcome on the covariate: ``"within"`` (default) the variants, or ``"overall"``, which takes off
        part of the effect too where the covariate differs between variants.
    prior
        Beta prior of every rate, for `probability_better`; (1, 1) is flat.
    confidence
        Level of the intervals; a p_adjusted below 1 - `confidence` is a verdict.

    Returns
    -------
    DataFrame, one row per variant (in each group), the control first
        variant               as in the table
        users, converted      count
        conversion_rate (…)   0 to 1   converted / users, Wilson
        difference (…)        -1 to 1  rate minus that of the control, Newcombe
        relative_lift (…)     number   rate / that of the control - 1, log limits
        z, p_value            number   two-sided
        p_adjusted            0 to 1   taken together with the other variants, of all groups
        probability_better    0 to 1   that the rate is above the control's, given `prior`: a second reading
        verdict               text     ``better`` (higher), ``worse`` (lower), ``inconclusive``, ``control``;
                                       ``sample_ratio_mismatch``, ``association``
        reason                text     ``control``, ``sample_ratio_mismatch``; ``zero_denominator`` (nobody in the group
                                       has the variant), ``no_control`` (nobody in it has the control); else by
                                       estimate: ``p_value: zero_variance``, ``relative_lift: zero_denominator``

    For means `mean` (…) in place of `converted` and `conversion_rate` (…), neither `relative_lift` nor
    `probability_better`, and limits by Student's t with the variances of both (Welch); z is the difference over its
    standard error, `p_value` that of Welch's test. With `covariate` also `theta` and `adjusted_difference` (…), to
    whose error that of theta is added; z, the p-values and the verdict are then those of the adjusted difference.

    Raises
    ------
    ValueError
        A column or control that is not there, users twice, missing outcomes, fewer than two variants. No users at all
        are no error: the table has no rows.

    Notes
    -----
    Welch (1947), Biometrika 34:28; Deng, Xu, Kohavi & Walker (2013), WSDM '13, for CUPED. Looking again and again needs
    `sequential_boundaries`.

    An effect in one group and none in another is no difference between the two (Gelman & Stern 2006, The American
    Statistician 60:328): look how far apart the differences are, beside their intervals. Of many groups one shows most
    by chance; choose them before the test, and none that the variant can change, such as who opened.

    Examples
    --------
    >>> mails = pd.DataFrame(
    ...     {"variant": ["A"] * 500 + ["B"] * 500, "converted": [1] * 30 + [0] * 470 + [1] * 55 + [0] * 445}
    ... )
    >>> compare_variants(mails, control="A")[["variant", "users", "difference", "p_value", "verdict"]].round(4)
      variant  users  difference  p_value  verdict
    0       A    500         NaN      NaN  control
    1       B    500        0.05   0.0046   better
    """
    one_of("test", test, TwoRates)
    one_of("theta", theta, Theta)
    one_of("correction", correction, Correction)
    groups = _groups(by, variant, outcome)
    rows = _checked(outcomes, variant, outcome, covariate, groups)
    if control is None and len(rows):
        control = min(rows["variant"].unique(), key=str)
    if len(rows) and not (rows["variant"] == control).any():
        raise ValueError(unknown("control", control, rows["variant"].unique(), f"a {variant}", "variants"))
    is_rate = _is_rate(rows["outcome"]) and (covariate is None or len(rows) > 0)
    columns = RATES if is_rate else MEANS[:-2] + CUPED * (covariate is not None) + MEANS[-2:]
    if not len(rows):
        return _nobody(columns, control, outcome, outcomes[groups])
    arms = [control, *sorted((a for a in rows["variant"].unique() if a != control), key=str)]
    if len(arms) < 2:
        raise ValueError(f"{variant}: all users have {control!r}. A comparison needs a second variant.")
    if covariate is not None and is_rate:
        raise ValueError("covariate adjusts means; the outcome is true or false. Leave it out, or give a number.")
    if isinstance(ratio, str) and ratio != "equal":
        raise ValueError(f"ratio: {ratio!r} is not known. Use 'equal', shares such as [2, 1], or None.")
    of, named = grouped(outcomes[groups].reset_index(drop=True), groups)
    parts = [rows[of == k] for k in range(len(named))]
    if is_rate:
        tables = [_compare_rates(part, arms, test, prior, confidence) for part in parts]
    else:
        tables = [compare_means(part, arms, covariate is not None, theta, confidence) for part in parts]
    table = pd.concat(tables, ignore_index=True)
    uneven, splits = _uneven(table["users"].to_numpy(float).reshape(len(parts), len(arms)), ratio, srm_threshold)
    table["p_value"] = table["p_value"].mask(np.repeat(uneven, len(arms)))
    table["p_adjusted"] = adjusted(table["p_value"], correction)
    table = _judged(
        table,
        columns,
        len(arms),
        uneven,
        1 - confidence,
        adjusted_for=covariate is not None,
        assigned=ratio is not None,
    )
    table.insert(0, "variant", pd.Series(arms * len(parts)))
    table = pd.concat([named.loc[np.repeat(named.index, len(arms))].reset_index(drop=True), table], axis=1)
    settings = {
        "control": str(control), "outcome": outcome, "by": groups or None, "test": test if is_rate else None,
        "correction": correction, "split_p_value": splits[-1] if splits else None,
        "split_p_values": splits[:-1] if splits and groups else None, "srm_threshold": srm_threshold,
        "covariate": covariate, "theta": theta if covariate else None, "prior": list(prior) if is_rate else None,
        "confidence": confidence,
    }  # fmt: skip
    definition = _definition(
        is_rate, control, outcome, groups, covariate, theta, prior, correction, assigned=ratio is not None
    )
    return result(
        table, metric="compare_variants", definition=definition, settings=settings,
        columns=[*groups, "variant", *columns],
    )  # fmt: skip


def _groups(by: str | Sequence[str] | None, variant: str, outcome: str) -> list[str]:
    """The columns of `by`; what was tested and what came of it are no groups."""
    for name, what in ((variant, "the variant"), (outcome, "the outcome")):
        if name in keys(by):
            raise ValueError(f"by: {name!r} is {what}, and no group of users. Group by what was known before the test.")
    return keys(by, taken=["variant", *RATES, *MEANS, *CUPED])


def _nobody(columns: list[str], control: Any, outcome: str, groups: pd.DataFrame) -> pd.DataFrame:
    """Without users nothing is compared: no rows."""
    counts, words = ("users", "converted"), ("verdict", "reason")
    kinds = {name: "int64" if name in counts else "str" if name in words else "float64" for name in columns}
    table = pd.DataFrame(
        {"variant": pd.Series([], dtype="str"), **{n: pd.Series([], dtype=k) for n, k in kinds.items()}}
    )
    table = pd.concat([groups.reset_index(drop=True), table], axis=1)
    definition = f"{outcome} of each variant against {control}; there are no users."
    settings = {"control": str(control), "by": [str(name) for name in groups.columns] or None}
    return result(table, metric="compare_variants", definition=definition, settings=settings)


def _uneven(users: Floats, ratio: Ratio, threshold: float) -> tuple[Bools, list[float]]:
    """Which groups are not split as meant, and the p-value of each split, that of all users last.

    Small groups are too small to show that users are lost in all of them: those that pass are looked at together too.
    """
    if ratio is None:
        return np.zeros(len(users), bool), []
    shares = None if isinstance(ratio, str) else ratio
    p = [chi_square(counts, shares)[1] for counts in (*users, users.sum(axis=0))]
    uneven = np.array(p[:-1]) < threshold
    if not uneven.all() and chi_square(users[~uneven].sum(axis=0), shares)[1] < threshold:
        uneven[:] = True
    return uneven, p


def _checked(
    outcomes: pd.DataFrame, variant: str, outcome: str, covariate: str | None, groups: list[str]
) -> pd.DataFrame:
    """Variant, outcome and covariate of each user; what cannot be compared is refused."""
    names = {"variant": variant, "outcome": outcome} | ({"covariate": covariate} if covariate else {})
    for column in (*names.values(), *groups):
        if column not in outcomes:
            raise ValueError(unknown("outcomes", column, outcomes.columns, "a column of the outcomes", "columns"))
    if "user_id" in outcomes and outcomes["user_id"].duplicated().any():
        again = int(outcomes["user_id"].duplicated().sum())
        found = several(again, "row repeats", "rows repeat")
        raise ValueError(f"user_id: {found} a user. Give one row per user, such as the sum of theirs.")
    rows = pd.DataFrame({name: outcomes[column].reset_index(drop=True) for name, column in names.items()})
    for name, column in names.items():
        missing = int(rows[name].isna().sum())
        if missing:
            raise ValueError(f"{column}: {missing:,} of {len(rows):,} users have none. Say what became of them first.")
        if name != "variant":
            if not _are_numbers(rows[name]):
                raise ValueError(f"{column}: {rows[name].iloc[0]!r} is no number. Use true and false, or numbers.")
            rows[name] = rows[name].astype(float)
            if np.isinf(rows[name]).any():
                raise ValueError(f"{column} has infinite numbers, which have no mean.")
    return rows


def _are_numbers(values: pd.Series) -> bool:
    """Whether there are numbers, or true and false, also where a join has left them as single objects."""
    if values.dtype == object:
        return all(isinstance(value, Number | np.bool_) for value in values)
    return bool(pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values))


def _is_rate(values: pd.Series) -> bool:
    return bool(values.isin([0.0, 1.0]).all())


def _compare_rates(
    rows: pd.DataFrame, arms: list[Any], test: TwoRates, prior: tuple[float, float], confidence: float
) -> pd.DataFrame:
    if len(prior) != 2 or not all(0 < value < math.inf for value in prior):
        raise ValueError(f"prior: {prior!r} are not two numbers above 0. Use (1, 1) for a flat one.")
    counts = rows.groupby("variant")["outcome"].agg(["size", "sum"]).reindex(arms, fill_value=0)
    table = pd.DataFrame({"users": counts["size"].to_numpy(np.int64), "converted": counts["sum"].to_numpy(np.int64)})
    table = add_rate(table, "conversion_rate", "converted", "users", confidence)
    x, n = table["converted"].to_numpy(float), table["users"].to_numpy(float)
    low, high = newcombe(x, n, x[0], n[0], confidence)
    lift, tested = relative_lift(x, n, x[0], n[0], confidence), two_rates_test(x, n, x[0], n[0], test)
    better = [
        probability_better((x[k], n[k]), (x[0], n[0]), prior) if k and n[k] and n[0] else math.nan
        for k in range(len(arms))
    ]
    return table.assign(
        difference=ratio(x, n) - ratio(x, n)[0], difference_low=low, difference_high=high,
        relative_lift=lift.value, relative_lift_low=lift.low, relative_lift_high=lift.high,
        z=tested.z, p_value=tested.p_value, probability_better=better,
    ).pipe(_without_control)  # fmt: skip


def _without_control(table: pd.DataFrame) -> pd.DataFrame:
    """The control compared with itself says nothing."""
    return table.assign(**{name: table[name].mask(table.index == 0) for name in ("z", "p_value")})


def _judged(
    table: pd.DataFrame, columns: list[str], arms: int, uneven: Bools, alpha: float, *, adjusted_for: bool,
    assigned: bool,
) -> pd.DataFrame:  # fmt: skip
    """Verdict and reasons; the comparison withheld in the controls' rows and in groups whose split is not as meant."""
    effect = table["adjusted_difference" if adjusted_for else "difference"]
    control, withheld = np.arange(len(table)) % arms == 0, np.repeat(uneven, arms)
    sure = table["p_adjusted"] < alpha
    verdict = np.select([sure & (effect > 0), sure & (effect < 0)], ["better", "worse"], "inconclusive").astype(object)
    verdict[:] = verdict if assigned else "association"
    verdict[control], verdict[withheld] = "control", "sample_ratio_mismatch"

    reason = table.get("reason", pd.Series(pd.NA, index=table.index, dtype="str")).astype("str")
    few = reason.str.contains("below_min_n", na=False).to_numpy(bool)
    for name, code in (("p_value", "zero_variance"), ("relative_lift", "zero_denominator")):
        if name in columns:
            said = [f"{old}; {name}: {code}" if isinstance(old, str) else f"{name}: {code}" for old in reason]
            reason = reason.mask(table[name].isna() & ~few, pd.Series(said, index=table.index, dtype="str"))
    nobody = table["users"].to_numpy() == 0
    reason = reason.mask(control & ~few, "control").mask(np.repeat(nobody[control], arms), "no_control")
    reason = reason.mask(withheld, "sample_ratio_mismatch").mask(nobody, "zero_denominator")

    own = ("users", "converted", "conversion_rate", "mean", "theta", "verdict", "reason")
    compared = [c for c in columns if c not in own and not c.startswith(("conversion_rate", "mean"))]
    blanked = {name: table[name].astype(float).mask(control | withheld) for name in compared}
    return table.assign(**blanked, verdict=pd.Series(verdict, index=table.index).astype("str"), reason=reason)


def _definition(
    is_rate: bool, control: Any, outcome: str, groups: list[str], covariate: str | None, theta: Theta,
    prior: tuple[float, float], correction: str, *, assigned: bool,
) -> str:  # fmt: skip
    what = f"Share of users with {outcome}" if is_rate else f"Mean {outcome} of a user"
    within = f" within each group of {', '.join(groups)}" if groups else ""
    together = "p-values of all groups together" if groups else "p-values together"
    said = f"{what}, of all who were given a variant, minus that of {control}{within}; {together} by {correction}"
    if covariate:
        said += f"; adjusted for {covariate} (CUPED, slope {theta})"
    if is_rate:
        said += f"; probability better with a Beta({prior[0]:g}, {prior[1]:g}) prior"
    return said + ("." if assigned else "; users were not assigned: an association, not an effect.")
