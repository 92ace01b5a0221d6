"""From credited attempts to the rows of a funnel table: counts, rates with their limits, times."""

import numpy as np
import pandas as pd

from metrics import periods
from metrics.funnel.attempts import Credited
from metrics.funnel.choices import Choices
from metrics.intervals import add_rate, log_log, normal_quantile, ratio, wilson
from metrics.periods import Ints
from metrics.steps import Mask

_ESTIMATES = ("conversion_rate", "step_conversion_rate", "drop_off_rate", "censored_conversion_rate")
_QUANTILES = {"median_seconds": 0.5, "p25_seconds": 0.25, "p75_seconds": 0.75, "p90_seconds": 0.9}


def finish(one: Credited, members: Ints, choices: Choices) -> pd.DataFrame:
    """Counts of the units at `members` into rates, intervals and times."""
    void = one.void[members]
    stopped_at = np.minimum(one.level[members[void]], len(choices.path) - 1)
    members = members[~void]
    reached, times, is_open = one.reached[:, members], one.times[:, members], one.open[members]
    users = reached.sum(axis=1)
    lost = np.zeros_like(reached)
    lost[1:] = reached[:-1] & ~reached[1:]
    table = pd.DataFrame({
        "step": np.arange(1, len(users) + 1),
        "event": [step.label for step in choices.path],
        "users": users,
        "dropped": (lost & ~is_open).sum(axis=1),
        "open": (lost & is_open).sum(axis=1),
        "excluded": np.bincount(stopped_at, minlength=len(users)),
        "entered": users[0],
        "before": np.r_[0, users[:-1]],
    })  # fmt: skip
    table = add_rate(table, "conversion_rate", "users", "entered", choices.confidence)
    table = add_rate(table, "step_conversion_rate", "users", "before", choices.confidence)
    if choices.counting == "attempts":
        table = _clustered(table, reached, one.cluster[members], choices.confidence)
    table["drop_off_rate"] = ratio(table["dropped"], table["before"])
    window = periods.duration(choices.window)
    watched = np.where(is_open, np.minimum(one.open_for[members], window), window)
    known = bool((times[0] + window <= choices.span.as_of).any() or choices.range_is_over)
    censored = [
        _kaplan_meier(
            np.where(reached[k], times[k] - times[0], watched), reached[k], is_open, choices.confidence, known
        )
        for k in range(len(users))
    ]
    for place, name in enumerate(("", "_low", "_high")):
        table[f"censored_conversion_rate{name}"] = [c[place] for c in censored]
    if choices.counting == "attempts":  # Greenwood's variance takes attempts for independent
        for bound in ("_low", "_high"):
            table[f"censored_conversion_rate{bound}"] = (
                np.nan if table["open"].any() else table[f"conversion_rate{bound}"]
            )
    if users[0]:  # everyone reaches step 1 by definition; that is no estimate
        first = [f"{name}{bound}" for name in (_ESTIMATES[0], _ESTIMATES[3]) for bound in ("", "_low", "_high")]
        table.loc[0, first] = 1.0
    seconds = [(times[k] - times[k - 1])[reached[k]] / periods.SECOND for k in range(1, len(users))]
    table["mean_seconds"] = [np.nan, *(s.mean() if len(s) else np.nan for s in seconds)]
    for name, q in _QUANTILES.items():
        table[name] = [np.nan, *(np.quantile(s, q) if len(s) else np.nan for s in seconds)]
    return table.drop(columns=["entered", "before"])


def _clustered(table: pd.DataFrame, reached: Mask, cluster: Ints, confidence: float) -> pd.DataFrame:
    """The table with limits that allow for several attempts of one unit being alike: a ratio over units.

    Cochran (1977), Sampling Techniques, page 155, on the units' own counts.
    """
    units, place = np.unique(cluster, return_inverse=True)
    for name, base in (("conversion_rate", reached[:1]), ("step_conversion_rate", reached[:-1])):
        for step in range(1, len(reached)):
            done, tried = reached[step], base[min(step, len(base)) - 1]
            if not tried.any():
                continue
            rate = float(done.sum() / tried.sum())
            many = len(np.unique(cluster[tried]))
            spread = np.bincount(place, done - rate * tried, minlength=len(units))
            error = float(np.sqrt(np.sum(spread**2) * many / max(many - 1, 1)) / tried.sum())
            half = normal_quantile(confidence) * error
            limits = max(rate - half, 0.0), min(rate + half, 1.0)
            if many < 2 or error == 0:  # units that do not differ are worth one attempt each
                low, high = wilson(rate * many, many, confidence)
                limits = float(low), float(high)
            table.loc[step, [f"{name}_low", f"{name}_high"]] = limits
    return table


def _kaplan_meier(
    duration: Ints, reached: Mask, is_open: Mask, confidence: float, known: bool
) -> tuple[float, float, float]:
    """Share that reaches a step within the window, open windows censored, with its limits."""
    if not len(duration):
        return np.nan, np.nan, np.nan
    if not (is_open & ~reached).any():  # nothing censored: the plain share
        done, n = float(reached.sum()), float(len(reached))
        low, high = wilson(done, n, confidence)
        return done / n, float(low), float(high)
    times, events = np.unique(duration[reached], return_counts=True)
    at_risk = len(duration) - np.searchsorted(np.sort(duration), times, side="left")
    survival = float(np.prod(1 - events / at_risk))
    if not known or not (reached | ~is_open).any():  # of nobody is the outcome known
        return np.nan, np.nan, np.nan
    if survival in (0.0, 1.0):  # the log-log scale has no width here; use those whose outcome is known
        decided = reached | ~is_open
        low, high = wilson(float(reached[decided].sum()), float(decided.sum()), confidence)
        return 1 - survival, float(low), float(high)
    std_error = survival * float(np.sqrt(np.sum(events / (at_risk * (at_risk - events)))))
    low, high = log_log(survival, std_error, confidence)
    return 1 - survival, 1 - float(high), 1 - float(low)
