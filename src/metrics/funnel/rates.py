"""From credited attempts to the rows of a funnel table: counts, rates with their limits, times."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from metrics import periods
from metrics.engine.local import Columns
from metrics.funnel.attempts import Credited, measured_from
from metrics.funnel.choices import Choices
from metrics.intervals import add_rate, log_log, normal_quantile, ratio, wilson
from metrics.periods import Ints
from metrics.steps import Mask

_BOUNDS = ("", "_low", "_high")
_QUANTILES = {"median_seconds": 0.5, "p25_seconds": 0.25, "p75_seconds": 0.75, "p90_seconds": 0.9}
_COLUMNS = [
    "step", "event", "users", "dropped", "open", "excluded",
    *(f"{name}{bound}" for name in ("conversion_rate", "step_conversion_rate") for bound in _BOUNDS),
    "drop_off_rate",
    *(f"censored_conversion_rate{bound}" for bound in _BOUNDS),
    "mean_seconds",
    *_QUANTILES,
]  # fmt: skip
_UNKNOWN = np.full(len(_QUANTILES), np.nan)


def finish(groups: Iterable[Credited], choices: Choices) -> pd.DataFrame:
    """Counts of each group's attempts into rates, intervals and times: a row for each group and step."""
    measured = [_measured(one, choices) for one in groups]
    table = pd.DataFrame({name: np.concatenate([part[name] for part in measured]) for name in measured[0]})
    many = len(measured)
    table.insert(0, "step", np.tile(np.arange(1, len(choices.path) + 1), many))
    table.insert(1, "event", [step.label for step in choices.path] * many)
    table = add_rate(table, "conversion_rate", "users", "entered", choices.confidence)
    table = add_rate(table, "step_conversion_rate", "users", "before", choices.confidence)
    table["drop_off_rate"] = ratio(table["dropped"], table["before"])
    table.loc[[step.optional for step in choices.path] * many, "drop_off_rate"] = np.nan
    if choices.counting == "attempts":
        for name in ("conversion_rate", "step_conversion_rate"):
            for bound in ("_low", "_high"):
                known = table[f"clustered_{name}{bound}"].notna()
                table[f"{name}{bound}"] = table[f"{name}{bound}"].mask(known, table[f"clustered_{name}{bound}"])
        # Greenwood's variance takes attempts for independent.
        is_open = table["open"].gt(0).groupby(np.repeat(np.arange(many), len(choices.path))).transform("any")
        for bound in ("_low", "_high"):
            table[f"censored_conversion_rate{bound}"] = table[f"conversion_rate{bound}"].mask(is_open)
    # Everyone reaches step 1 by definition; that is no estimate.
    first = [f"{name}{bound}" for name in ("conversion_rate", "censored_conversion_rate") for bound in _BOUNDS]
    table.loc[(table["step"] == 1) & (table["users"] > 0), first] = 1.0
    return table[_COLUMNS]


def _measured(one: Credited, choices: Choices) -> Columns:
    """What is counted and measured of the attempts of a group, by step."""
    before = measured_from(choices)
    required = np.array([not step.optional for step in choices.path])
    stopped_at = np.minimum(one.level[one.void], len(before) - 1)
    one = one.only(np.flatnonzero(~one.void)) if one.void.any() else one
    reached, times, is_open = one.reached, one.times, one.open
    users = reached.sum(axis=1)
    lost = np.zeros_like(reached)
    lost[1:] = reached[before[1:]] & ~reached[1:] & required[1:, None]  # nobody is lost at a step that may be left out
    spans = [(times[k] - times[before[k]])[reached[k]] for k in range(len(users))]
    spans[0] = spans[0][:0]
    quantiles = [np.quantile(s, list(_QUANTILES.values())) if len(s) else _UNKNOWN for s in spans]
    found = {
        "users": users,
        "dropped": (lost & ~is_open).sum(axis=1),
        "open": (lost & is_open).sum(axis=1),
        "excluded": np.bincount(stopped_at, minlength=len(users)),
        "entered": np.full(len(users), users[0]),
        "before": np.r_[0, users[before[1:]]],
        # Added up as whole numbers: the same mean in whatever order the units come.
        "mean_seconds": np.array([int(s.sum()) / len(s) / periods.SECOND if len(s) else np.nan for s in spans]),
    }
    found |= dict(zip(_QUANTILES, np.array(quantiles).T / periods.SECOND, strict=True))
    censored = np.array(_censored(one, choices, required)).T
    found |= {f"censored_conversion_rate{bound}": column for bound, column in zip(_BOUNDS, censored, strict=True)}
    if choices.counting == "attempts":
        found |= _clustered(reached, one.unit, before, choices.confidence)
    return found


def _censored(one: Credited, choices: Choices, required: Mask) -> list[tuple[float, float, float]]:
    """Kaplan-Meier shares of all steps."""
    window = periods.duration(choices.window)
    began = one.times[0]
    known = bool((began + window <= choices.span.as_of).any() or choices.range_is_over)
    shares = []
    for k, reached in enumerate(one.reached):
        undecided = one.open & ~reached
        if not required[k]:  # decided once the attempt went on without it
            undecided &= ~one.reached[k + 1 :].any(axis=0)
        after, watched = (one.times[k] - began)[reached], np.minimum(one.open_for[undecided], window)
        decided = known and len(watched) < len(reached)
        shares.append(_kaplan_meier(after, watched, len(reached), choices.confidence, decided=decided))
    return shares


def _clustered(reached: Mask, cluster: Ints, before: Ints, confidence: float) -> Columns:
    """Limits that allow for several attempts of one unit being alike: a ratio over units. NaN where there are none.

    Cochran (1977), Sampling Techniques, page 155, on the units' own counts.
    """
    from scipy.special import stdtrit  # slow to import, and only needed for attempts

    normal_quantile(confidence)
    units, place = np.unique(cluster, return_inverse=True)
    found: Columns = {}
    for name, base in (("conversion_rate", np.zeros_like(before)), ("step_conversion_rate", before)):
        limits = np.full((len(reached), 2), np.nan)
        for step in range(1, len(reached)):
            done, tried = reached[step], reached[base[step]]
            if not tried.any():
                continue
            rate = float(done.sum() / tried.sum())
            many = len(np.unique(cluster[tried]))
            of_units = np.bincount(place[tried], minlength=len(units))
            spread = np.bincount(place[done], minlength=len(units)) - rate * of_units
            squares = np.sort(spread**2)  # sorted, so that the sum is the same in whatever order the units come
            error = float(np.sqrt(np.sum(squares) * many / max(many - 1, 1)) / tried.sum())
            half = (
                float(stdtrit(max(many - 1, 1), (1 + confidence) / 2)) * error
            )  # few units say little of their spread
            limits[step] = max(rate - half, 0.0), min(rate + half, 1.0)
            if many < 2 or error == 0:  # units that do not differ are worth one attempt each
                low, high = wilson(rate * many, many, confidence)
                limits[step] = float(low), float(high)
        found |= {f"clustered_{name}_low": limits[:, 0], f"clustered_{name}_high": limits[:, 1]}
    return found


def _kaplan_meier(
    after: Ints, watched: Ints, n: int, confidence: float, *, decided: bool
) -> tuple[float, float, float]:
    """Share of `n` that reaches a step within the window, with its limits.

    `after` is when it was reached, `watched` how long those were watched who may still reach it; all others had the
    whole window. `decided` says whether anybody's outcome is known at all.
    """
    if not n:
        return np.nan, np.nan, np.nan
    done = float(len(after))
    if not len(watched):  # nothing censored: the plain share
        low, high = wilson(done, n, confidence)
        return done / n, float(low), float(high)
    if not decided:
        return np.nan, np.nan, np.nan
    times, events = np.unique(after, return_counts=True)
    at_risk = n - (np.cumsum(events) - events) - np.searchsorted(np.sort(watched), times, side="left")
    survival = float(np.prod(1 - events / at_risk))
    if survival in (0.0, 1.0):  # the log-log scale has no width here; use those whose outcome is known
        low, high = wilson(done, n - len(watched), confidence)
        return 1 - survival, float(low), float(high)
    std_error = survival * float(np.sqrt(np.sum(events / (at_risk * (at_risk - events)))))
    low, high = log_log(survival, std_error, confidence)
    return 1 - survival, 1 - float(high), 1 - float(low)
