"""How long they stay, in sentences and under tables: survival curves, their comparison, and retention to come."""

from typing import Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import groups_of, parts, setting
from metrics.display.numbers import count, counted, percent, plain, with_unit

_ENOUGH = 10  # watched at a time whose share is told


def stay(table: pd.DataFrame, time: Any) -> str:
    """A time of the table in words: ``23 weeks``, ``26 h``, or the bare number where no unit was given."""
    if numbers.is_missing(time):
        return numbers.MISSING
    if isinstance(time, pd.Timedelta | np.timedelta64):
        return numbers.duration(pd.Timedelta(time).total_seconds())
    unit, text = setting(table, "unit"), plain(time, numbers.free_decimals([time]))
    return with_unit(text, f"{unit}{'' if text == '1' else 's'}" if unit else "")


def curve_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The share still there at the last time at which enough were watched, of all groups at one time."""
    groups = [(name, part) for name, part in parts(table) if len(part)]
    if not groups:
        return none("nobody was watched, so that nothing can be said.")
    at = min(_last_told(part)["time"] for _, part in groups)
    rows = [_upto(part, at) | {"group": name} for name, part in groups]
    if len(rows) > 1:
        best = max(rows, key=lambda row: float(row["survival"]))
        worst = min(reversed(rows), key=lambda row: float(row["survival"]))  # of equals the last
        top, bottom = (Estimate.of(pd.Series(row), "survival") for row in (best, worst))
        gap, limits = change(top, bottom, f"{worst['group']} at {with_unit(bottom.number())}")
        text = f"of {best['group']} stay longer than {stay(table, at)} {top.limits()}, the most of {len(rows)} groups"
        return Sentence(top.number(), f"{text}: {gap}.", "%", [top.limits(), *limits])
    part, share = groups[0][1], Estimate.of(pd.Series(rows[0]), "survival")
    many = int(part["churned"].sum() + part["censored"].sum())
    left = int(part["churned"].sum())
    text = (
        f"of {counted(many, 'customer')} {'stays' if many == 1 else 'stay'} longer than {stay(table, at)} "
        f"{share.limits()}; {count(left)} {'has' if left == 1 else 'have'} been seen to leave, and the others count "
        "for as long as they were watched."
    )
    return Sentence(share.number(), text, "%", [share.limits()])


def _last_told(part: pd.DataFrame) -> "pd.Series[Any]":
    enough = part["at_risk"].to_numpy() >= min(_ENOUGH, part["at_risk"].max())
    return part.iloc[int(np.flatnonzero(enough)[-1])]


def _upto(part: pd.DataFrame, at: Any) -> dict[str, Any]:
    """The estimate at a time: that of the last row up to it, and all before the first."""
    rows = part[part["time"] <= at]
    names = ["survival", "survival_low", "survival_high"]
    return dict.fromkeys(names, 1.0) if not len(rows) else {name: rows[name].iloc[-1] for name in names}


def summary_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The median stay, of several groups the longest and the shortest."""
    known = table[table["median"].notna()]
    if not len(known):
        why = reason_in_words(table.iloc[0]["reason"]) if len(table) else "nobody was watched"
        return none(f"there is no median stay: {why}.")
    if len(known) == 1:
        row = known.iloc[0]
        limits, whose = _limits(table, row), f" of {_name(row['group'])}" if len(groups_of(table)) else ""
        text = f"is the median stay of {counted(row['customers'], 'customer')}{whose} {limits}"
        text += f"; {count(row['churned'])} of them have left."
        return Sentence(stay(table, row["median"]), text, "", [limits])
    best, worst = (known.iloc[int(place)] for place in (known["median"].argmax(), known["median"].argmin()))
    both = [_limits(table, best), _limits(table, worst)]
    text = (
        f"is the median stay of {_name(best['group'])} {both[0]}, the longest of {len(table)} groups; "
        f"the shortest is {stay(table, worst['median'])}, of {_name(worst['group'])} {both[1]}."
    )
    longer = len(table) - len(known)
    if longer:
        text = f"{text[:-1]}. {count(longer)} more {'has' if longer == 1 else 'have'} no median yet."
    return Sentence(stay(table, best["median"]), text, "", both)


def _limits(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    low, high = (stay(table, row[f"median_{end}"]) for end in ("low", "high"))
    if numbers.MISSING in (low, high):
        return f"(at least {low})" if low != numbers.MISSING else f"(at most {high})" if high != low else ""
    value, _, unit = low.replace(numbers.NO_BREAK, numbers.NARROW).partition(numbers.NARROW)
    return f"({value if high.endswith(unit) else low} to {high})"


def compared_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Whether groups stay for different lengths of time."""
    if not len(table) or pd.isna(table.iloc[0]["p_value"]):
        why = reason_in_words(table.iloc[0]["reason"]) if len(table) else "nobody was watched"
        return none(f"the groups cannot be compared: {why}.")
    p = float(table.iloc[0]["p_value"])
    most = table.iloc[int((table["churned"] / table["expected"]).argmax())]
    if p < 0.05:
        text = (
            f"is p of the log-rank test: the {len(table)} groups stay for different lengths of time. Of "
            f"{_name(most['group'])}, {count(most['churned'])} left where {plain(most['expected'], 1)} would have "
            "if all groups were alike."
        )
    else:
        text = f"is p of the log-rank test: that the {len(table)} groups stay for different lengths may be chance."
    return Sentence(numbers.chance(p), text)


def pairs_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many pairs of groups differ."""
    known = table[table["p_adjusted"].notna()]
    if not len(known):
        return none("no two groups can be compared.")
    sure = known[known["p_adjusted"] < 0.05]
    text = f"of {count(len(known))} pairs of groups stay for different lengths of time by more than chance explains"
    if len(sure):
        row = sure.iloc[int(sure["p_adjusted"].argmin())]
        text += f", {_name(row['group'])} and {_name(row['other'])} most surely"
    return Sentence(count(len(sure)), f"{text}.")


def cox_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The property that goes most surely with leaving."""
    known = table[table["p_adjusted"].notna()]
    if not len(known):
        return none("no property can be told to go with leaving.")
    row = known.iloc[int(known["p_adjusted"].argmin())]
    ratio = Estimate.of(row, "hazard_ratio", 1)
    limits, other = f"({plain(ratio.low, 2)} to {plain(ratio.high, 2)})", row["reference"]
    whose = f"with each unit more of {row['covariate']}"
    if not numbers.is_missing(other):
        whose = f"of {row['covariate']} as of {other}"
    text = f"times as many leave at any time {whose} {limits}, all other columns alike"
    if row["p_adjusted"] >= 0.05:
        text += ", which may be chance"
    return Sentence(plain(ratio.value, 2), f"{text}.", "", [limits])


def projected_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The share still there in the last period told."""
    known = table[table["survival"].notna()]
    if not len(known):
        why = reason_in_words(table.iloc[0]["reason"]) if len(table) else "no counts"
        return none(f"nothing can be foretold: {why}.")
    last, seen = known.iloc[-1], known[known["active"].notna()]
    share = Estimate.of(last, "survival")
    text = f"of the customers are expected to be there after {stay(table, last['period'])} {share.limits()}"
    if len(seen) and len(seen) < len(known):
        row = seen.iloc[-1]
        now = with_unit(percent(row["active"] / known.iloc[0]["active"]))
        text += f"; after {stay(table, row['period'])} it was {now} of {count(known.iloc[0]['active'])}"
    return Sentence(share.number(), f"{text}.", "%", [share.limits()])


def curve_foot(table: pd.DataFrame) -> list[str]:
    """The product, and its first factor."""
    lines = ["Still there = product of (watched − left) / watched over the times at which some left (Kaplan-Meier)."]
    left = table[table["churned"] > 0]
    if len(left):
        row = left.iloc[0]
        kept = row["at_risk"] - row["churned"]
        worked = f"({count(row['at_risk'])} − {count(row['churned'])}) / {count(row['at_risk'])}"
        share = with_unit(percent(kept / row["at_risk"]))
        whose = f", {_name(row['group'])}" if "group" in table else ""
        first = f"First factor{whose}: {worked} = {share}, at {stay(table, row['time'])}."
        lines.append(f"{first} {limits_in_words(table)}")
    return lines


def limits_in_words(table: pd.DataFrame) -> str:
    """What the limits of a curve hold."""
    level = with_unit(plain(100 * float(setting(table, "confidence", 0.95)), 0))
    scale = setting(table, "band", "log-log")
    if setting(table, "simultaneous"):
        return f"{level} band of Hall and Wellner, which holds the whole curve, {scale} scale."
    return f"{level} limits for each time, {scale} scale."


def summary_foot(table: pd.DataFrame) -> list[str]:
    """What the median and the mean are."""
    lines = ["Median stay: the first time beyond which half or fewer stay, by the survival curve."]
    row = table.iloc[0]
    if not numbers.is_missing(row["restricted_mean"]):
        lines.append(f"Mean stay: the area under the curve; no stay counts for more than {stay(table, row['until'])}.")
    return lines


def compared_foot(table: pd.DataFrame) -> list[str]:
    """Expected numbers, and the test."""
    lines = ["Expected to leave: if at each time at which somebody left all groups had lost the same share."]
    row = table.iloc[0]
    if not numbers.is_missing(row["p_value"]):
        p = numbers.chance(row["p_value"])
        p = f"p {p}" if p.startswith("<") else f"p = {p}"
        degrees = f"{counted(row['degrees'], 'degree')} of freedom"
        lines.append(f"Log-rank test: χ² = {plain(row['chi2'], 2)} with {degrees}, {p}.")
    return lines


def pairs_foot(table: pd.DataFrame) -> list[str]:
    """What p is adjusted for."""
    tests = int(table["p_value"].notna().sum())
    return [compared_foot(table)[0], f"p, all tests together: log-rank, adjusted for {counted(tests, 'test')}."]


def cox_foot(table: pd.DataFrame) -> list[str]:
    """What a hazard ratio is."""
    level = with_unit(plain(100 * float(setting(table, "confidence", 0.95)), 0))
    lines = [
        "Hazard ratio: how many times as many leave at any time, all other columns alike; of a name against its "
        f"reference, of a number for one more. {level} intervals. An association, not an effect.",
    ]
    if (table["proportional_p_value"] < 0.05).any():
        lines.append("A small p for the same at all times: the ratio changes with time, and one number misleads.")
    return lines


def projected_foot(table: pd.DataFrame) -> list[str]:
    """The model, and what its limits hold."""
    model, unit = setting(table, "model"), setting(table, "unit", "period")
    names = {"sbg": "shifted-beta-geometric (sBG)", "bdw": "beta-discrete-Weibull (BdW)", "geometric": "geometric"}
    lines = [f"Still there: by the {names.get(model, model)} model, fitted to the {unit}s observed."] if model else []
    if table["survival"].notna().any() and "survival_low" in table:
        level = with_unit(plain(100 * float(setting(table, "confidence", 0.95)), 0))
        lines.append(f"{level} limits of the expected share: what the counts leave open, if the model is right.")
    return [*lines, f"Retention: share of those of the {unit} before who stay."]


def _name(value: object) -> str:
    return "(missing)" if numbers.is_missing(value) else str(value)
