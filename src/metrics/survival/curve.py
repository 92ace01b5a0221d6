"""Survival: how long do customers stay?

Most customers of a table are still there, and how long they will stay is not known: their time so far is a lower
limit. Leaving them out, or taking them for lost, makes every stay too short. Kaplan and Meier's curve uses both: at
each time at which somebody leaves, the share that leaves is counted among those who are watched then.
"""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import Floats, normal_quantile
from metrics.periods import duration, one_of
from metrics.results import result
from metrics.survival.observations import Column, Observations, groups_of, read

Band: TypeAlias = Literal["log-log", "log", "plain"]
_COLUMNS = ["time", "at_risk", "churned", "censored", "survival", "survival_low", "survival_high", "std_error"]
_HALF = 0.5 * (1 + 1e-12)  # products of ratios miss a half by their last digit


def survival_curve(
    durations: Column,
    observed: Column,
    *,
    entry: Column | None = None,
    by: Column | None = None,
    band: Band = "log-log",
    simultaneous: bool = False,
    unit: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the customers is still there after each time?

    The Kaplan-Meier estimate. A customer is at risk at a time t if `entry` < t <= duration. Who leaves at t and who
    is last seen at t are both at risk at t: leaving comes first.

    Parameters
    ----------
    durations
        How long each customer has been watched from their start: numbers in one unit, or timedeltas.
    observed
        Whether the customer left at the end of it (true or 1); else they were still there (false or 0).
    entry
        Time after their own start from which each customer was watched, in the unit of `durations`. For tables that
        begin in the middle of a product's life: who left before is not in them, so nobody could be seen to leave
        early. Default: watched from the start. While few have entered the curve is uncertain, and where all of them
        leave it is 0 for good.
    by
        Group of each customer; a missing one is a group of its own.
    band
        Scale on which the limits are symmetric: ``"log-log"`` (default; stays within 0 and 1), ``"log"`` (the default
        of R) or ``"plain"``.
    simultaneous
        False: each limit holds for its own time. True: Hall and Wellner's band, which holds the whole curve from the
        first time at which somebody left to the last, with probability `confidence`.
    unit
        Unit of `durations` for sentences and figures: ``"month"``. Changes no number.
    confidence
        Level of the limits.

    Returns
    -------
    DataFrame, one row per distinct time (of each group)
        group              as given  only with `by`
        time               as given  a duration
        at_risk            count     watched at that time
        churned, censored  count     left at that time; last seen at that time
        survival (…)       0 to 1    share that stays beyond that time, with its limits
        std_error          0 to 1    Greenwood's; NA once the curve is 0

    Until somebody leaves curve and limits are 1. Where the curve is 0 no variance exists: the lower limit is 0, and the
    upper one stays what it was, for the curve cannot rise.

    Raises
    ------
    ValueError
        Columns of different lengths, an unknown band, times that are no numbers.
    EventTableError
        Missing or negative durations, an `observed` that is neither true nor false, an entry that is not before the
        end: all at once in `.problems`.

    Notes
    -----
    Kaplan & Meier (1958), Journal of the American Statistical Association 53:457; Greenwood (1926); Hall & Wellner
    (1980), Biometrika 67:133; Klein & Moeschberger (2003), Survival Analysis, sections 4.3, 4.4 and 4.6.

    Examples
    --------
    Four customers: one left after 1 month, one after 3; two are still there, after 2 and 4.

    >>> curve = survival_curve([1, 2, 3, 4], [True, False, True, False])
    >>> curve[["time", "at_risk", "churned", "censored", "survival"]]
       time  at_risk  churned  censored  survival
    0     1        4        1         0     0.750
    1     2        3        0         1     0.750
    2     3        2        1         0     0.375
    3     4        1        0         1     0.375
    """
    one_of("band", band, Band)
    watched = read(durations, observed, entry, by=by)
    half = _half_width(confidence, simultaneous)
    if by is None:
        table = _curve(watched, band, half, simultaneous)
    else:
        codes, groups = groups_of(by)
        pieces = [_curve(watched.of(codes == k), band, half, simultaneous) for k in range(len(groups))]
        lengths = [len(piece) for piece in pieces]
        table = pd.concat(pieces, ignore_index=True) if pieces else _curve(watched, band, half, simultaneous)
        table.insert(0, "group", pd.Series(groups.repeat(lengths)))
    limits = "Hall-Wellner band for the whole curve" if simultaneous else "limits for each time"
    definition = (
        "Share of customers who stay beyond a time (Kaplan-Meier): at each time at which somebody left, the share that "
        "left of those watched then. Who is still there counts for as long as they were watched"
        f"{', and not before they were watched' if entry is not None else ''}; {limits}, {band} scale."
    )
    settings = {"band": band, "simultaneous": simultaneous, "late_entry": entry is not None, "unit": unit,
                "confidence": confidence}  # fmt: skip
    return result(table, metric="survival_curve", definition=definition, settings=settings)


def _half_width(confidence: float, simultaneous: bool) -> float:
    """How many standard errors a limit lies off, or the limit of Hall and Wellner's process."""
    z = normal_quantile(confidence)
    if not simultaneous:
        return z
    from scipy.special import kolmogi  # slow to import, and only needed here

    return float(kolmogi(1 - confidence))


def _curve(watched: Observations, band: Band, half: float, simultaneous: bool) -> pd.DataFrame:
    time, churned, censored, at_risk = _counts(watched)
    stayed = np.cumprod((at_risk - churned) / at_risk)
    with np.errstate(divide="ignore"):
        variance = np.cumsum(churned / (at_risk * (at_risk - churned)))  # of the curve relative to itself
    over = stayed == 0
    variance[over] = np.nan
    std_error = np.sqrt(variance)
    many = len(watched.duration)
    width = half * (1 + many * variance) / np.sqrt(many) if simultaneous else half * std_error
    low, high = _limits(stayed, width, band)
    if over.any():
        start = int(over.argmax())
        low[start:], high[start:] = 0.0, high[start - 1] if start else 1.0
    return pd.DataFrame(
        dict(zip(_COLUMNS, (watched.as_given(time), at_risk, churned, censored, stayed, low, high, stayed * std_error),
                 strict=True)),
        copy=False,
    )  # fmt: skip


def _counts(watched: Observations) -> tuple[Floats, Any, Any, Any]:
    """At each distinct time: how many left, were last seen, were at risk."""
    # One sort for both columns: floats from 0 on are in the order of their bits, and the sign bit is free.
    marked = (watched.duration.view(np.uint64) << np.uint64(1)) | watched.observed
    marked.sort()
    left = (marked & np.uint64(1)).astype(np.int64)
    sorted_time = (marked >> np.uint64(1)).view(np.float64)
    first = np.flatnonzero(np.r_[True, sorted_time[1:] != sorted_time[:-1]][: len(sorted_time)])
    time, here = sorted_time[first], np.diff(np.r_[first, len(sorted_time)])
    churned = np.add.reduceat(left, first) if len(first) else here
    at_risk = len(sorted_time) - first
    if watched.entry is not None:
        at_risk = np.searchsorted(np.sort(watched.entry), time, side="left") - first
    return time, churned, here - churned, at_risk


def _limits(stayed: Floats, width: Floats, band: Band) -> tuple[Floats, Floats]:
    """Limits of a share whose logarithm has this half-width."""
    if band == "plain":
        return np.clip(stayed * (1 - width), 0, 1), np.clip(stayed * (1 + width), 0, 1)
    if band == "log":
        high = np.minimum(stayed * np.exp(width), 1)
        low = stayed * np.exp(-width)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(stayed)
            power = np.exp(width / log)  # below 1, for the logarithm is below 0
            low, high = np.exp(log / power), np.exp(log * power)
    whole = stayed == 1
    low[whole], high[whole] = 1.0, 1.0
    return low, high


def survival_summary(curve: pd.DataFrame, *, until: Any = None) -> pd.DataFrame:
    """How long do customers stay: the median, and the mean up to a time?

    The mean of those who have left is no such answer: it knows only the short stays.

    Parameters
    ----------
    curve
        Result of `survival_curve`.
    until
        Time up to which the mean is taken, in the unit of the curve; for a curve of timedeltas also as text,
        ``"90 days"``. Default: the last time of the curve, of several groups that of the one that ends first.

    Returns
    -------
    DataFrame, one row (per group)
        group            as given  only if the curve has it
        customers        count     all
        churned          count     those who left
        median (…)       time      first time at which half or fewer stay beyond it; limits: the first times at which
                                   the curve's limits are at or below half
        restricted_mean  time      mean stay, counted up to `until`: the area under the curve
        until            time      the argument
        reason           text      ``above_half``: more than half were still there at the last time, no median;
                                   ``restricted_mean: immature``: not watched until `until`;
                                   ``nobody_watched``: nobody, or all who had entered left while others came later

    A limit of the median is NA where the curve's limit never comes down to half.

    Raises
    ------
    ValueError
        `curve` is no survival curve; `until` is not above 0.

    Notes
    -----
    Brookmeyer & Crowley (1982), Biometrics 38:29 (limits of the median, by inverting those of the curve); Irwin (1949),
    Journal of Hygiene 47:188 (restricted mean).

    Examples
    --------
    >>> curve = survival_curve([1, 2, 3, 4], [True, False, True, False])
    >>> survival_summary(curve)[["customers", "churned", "median", "restricted_mean"]]
       customers  churned  median  restricted_mean
    0          4        2     3.0            2.875
    """
    missing = [name for name in _COLUMNS if name not in curve]
    if missing:
        raise ValueError(f"curve has no {missing}. Give the result of survival_curve.")
    timed = pd.api.types.is_timedelta64_dtype(curve["time"])
    time = _as_numbers(curve["time"], timed)
    grouped = "group" in curve
    codes, groups = groups_of(curve["group"]) if grouped else (np.zeros(len(curve), int), pd.Index([None]))
    rows = [np.flatnonzero(codes == k) for k in range(len(groups))]
    end = _end(until, timed, [time[row].max() for row in rows if len(row)])
    told = [_summary(curve.iloc[row], time[row], end) for row in rows]
    table = pd.DataFrame(told, columns=_SUMMARY).astype({"customers": "int64", "churned": "int64", "reason": "str"})
    for name in _SUMMARY[2:7]:
        table[name] = pd.to_timedelta(table[name].round(), unit="us") if timed else table[name].astype("float64")
    if grouped:
        table.insert(0, "group", pd.Series(groups))
    definition = (
        "Median stay: the first time beyond which half of the customers or fewer stay, by the survival curve. "
        f"Restricted mean: the mean stay, counting no stay for longer than {_spoken(end, timed)}."
    )
    given = curve.attrs.get("settings", {})
    settings = {name: given.get(name) for name in ("unit", "confidence")}
    return result(table, metric="survival_summary", definition=definition, settings=settings)


_SUMMARY = ["customers", "churned", "median", "median_low", "median_high", "restricted_mean", "until", "reason"]


def _summary(curve: pd.DataFrame, time: Floats, end: float) -> list[Any]:
    churned = int(curve["churned"].sum())
    customers = churned + int(curve["censored"].sum())
    if not customers:
        return [0, 0, *[np.nan] * 4, end, "nobody_watched"]
    stayed, low, high = (curve[name].to_numpy(float) for name in ("survival", "survival_low", "survival_high"))
    # Everybody who had entered left while others were still to come: the curve is 0, and says nothing of those.
    broken = bool((stayed[:-1] == 0).any())
    median, reasons = _first_at_half(time, stayed), []
    if broken:
        return [customers, churned, *[np.nan] * 4, end, "nobody_watched"]
    if np.isnan(median):
        reasons.append("above_half")
    mean = np.nan
    if end <= time[-1] or stayed[-1] == 0:
        steps = np.r_[0.0, np.minimum(time, end), max(end, time[-1])]
        mean = float(np.sum(np.diff(np.minimum(steps, end)) * np.r_[1.0, stayed]))
    else:
        reasons.append("restricted_mean: immature")
    limits = [_first_at_half(time, limit) if not np.isnan(median) else np.nan for limit in (low, high)]
    return [customers, churned, median, *limits, mean, end, "; ".join(reasons) or None]


def _first_at_half(time: Floats, share: Floats) -> float:
    reached = np.flatnonzero(share <= _HALF)
    return float(time[reached[0]]) if len(reached) else np.nan


def _as_numbers(times: "pd.Series[Any]", timed: bool) -> Floats:
    if not timed:
        return times.to_numpy(np.float64)
    microseconds: Floats = (times.to_numpy() / np.timedelta64(1, "us")).astype(np.float64)
    return microseconds


def _end(until: Any, timed: bool, lasts: list[float]) -> float:
    if until is None:
        return min(lasts, default=np.nan)
    if timed:
        spoken = isinstance(until, str)
        end = float(duration(until, name="until")) if spoken else pd.Timedelta(until) / pd.Timedelta("1us")
    elif isinstance(until, int | float | np.number) and not isinstance(until, bool):
        end = float(until)
    else:
        raise ValueError(f"until: {until!r} is no number. Give a time in the unit of the curve.")
    if not 0 < end < np.inf:
        raise ValueError(f"until: {until!r} is no time. Give one above 0.")
    return end


def _spoken(end: float, timed: bool) -> str:
    if np.isnan(end):
        return "the last time"
    return f"{end / 86_400e6:g} days" if timed else f"{end:g}"
