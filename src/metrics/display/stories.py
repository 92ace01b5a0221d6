"""What do the tables around a funnel say? Groups, drivers, paths, one user, and the other tools, each in a sentence."""

from typing import Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import in_short, reason_in_words
from metrics.display.estimates import Estimate, Sentence, none
from metrics.display.kinds import groups_of, parts, setting
from metrics.display.numbers import count, counted, percent, plain, signed, with_unit
from metrics.intervals import wilson

SURE = 0.05  # adjusted p-values below say more than chance explains
_BEYOND = ["(exit)", "(open)"]


def groups_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The group that differs most from the control at the last step, if any does."""
    if not len(table):
        return none("nobody did the first step, so that there are no groups.")
    last = table[table["step"] == table["step"].max()]
    is_control = last["reason"].fillna("").eq("control")
    others, known = last[~is_control], last[last["difference"].notna()]
    if not len(others):
        return none("there is no second group to compare with.")
    if not len(known):
        return none(f"no group can be compared: {reason_in_words(others.iloc[0]['reason']) or 'nobody to count'}.")
    sure = known[known["p_adjusted"] < SURE]
    row = _most(sure if len(sure) else known, "difference")
    gap = Estimate.of(row, "difference")
    limits = f"({signed(gap.low, gap.decimals)} to {signed(gap.high, gap.decimals)})"
    number, less = signed(gap.value, gap.decimals), "less" if gap.value < 0 else "more"
    control = last[is_control]
    whom, rate = _name(setting(table, "control")), ""
    if len(control):
        whom = _name(control.iloc[0]["group"])
        theirs = Estimate.of(control.iloc[0], "conversion_rate")
        rate = f", of whom {with_unit(theirs.number())} do"
    if not len(sure):
        text = (
            f"no group differs from {whom} by more than chance explains. The largest difference at {row['event']}: "
            f"{_name(row['group'])}, {number} points {limits}."
        )
        return Sentence(numbers.MISSING, text, "", [limits])
    text = f"points {limits}: {_name(row['group'])} reach {row['event']} {less} often than {whom}{rate}; "
    text += f"adjusted p {_p(row['p_adjusted'])}"
    if len(others) > 1:
        differ = "differs" if len(sure) == 1 else "differ"
        text += f". {count(len(sure))} of {count(len(others))} groups {differ} by more than chance explains"
    return Sentence(number, f"{text}.", "", [limits])


def drivers_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The event whose association with conversion is the strongest."""
    known = table[table["odds_ratio"].notna()]
    if not len(known):
        return none("no event on the way was done by enough to say what goes with conversion.")
    sure = known[known["p_adjusted"] < SURE]
    if not len(sure):
        return none("no event on the way goes with conversion by more than chance explains.")
    row = sure.iloc[0]
    low, high = row["odds_ratio_low"], row["odds_ratio_high"]
    limits = f"({numbers.ratio(low)} to {numbers.ratio(high)})"
    as_soon = " in as much time" if setting(table, "exposure") == "matched" else ""
    text = (
        f"times the odds of having done {row['event']} among those who converted {limits}: "
        f"{with_unit(percent(row['converted_share'], 0))} of them did it on the way, "
        f"{with_unit(percent(row['dropped_share'], 0))} of those who dropped{as_soon}. An association, not an effect."
    )
    return Sentence(numbers.ratio(row["odds_ratio"]), text, "", [limits])


def paths_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What most do first, or last before the end, and where most stop; of groups those of the largest."""
    groups = [(name, part) for name, part in parts(table) if not part["target"].isin(_BEYOND).all()]
    if not len(groups):
        return none("nobody took two steps.")
    attrs = table.attrs
    group, table = max(groups, key=lambda one: _began(one[1]))
    of_groups = f", the largest of {len(groups)} groups that took two steps," if len(groups) > 1 else ""
    whose = f" of {group}{of_groups}" if group else ""
    table = table.copy(deep=False)
    table.attrs = attrs
    steps = table[~table["target"].isin(_BEYOND)]
    if setting(table, "end_event") and not setting(table, "start_event"):
        last = steps[steps["target_step"] == steps["target_step"].max()]
        row, n = _most(last, "users"), float(last["users"].sum())
        rate = _share_of(row, n, table)
        text = f"of {count(n)}{whose} who reached {row['target']} came there from {row['source']} {rate.limits()}."
        return Sentence(rate.number(), text, "%", [rate.limits()])
    first = steps[steps["source_step"] == steps["source_step"].min()]
    row = _most(first, "users")
    n = round(row["users"] / row["share"])
    rate = _share_of(row, n, table)
    text = f"of {count(n)}{whose} who began with {row['source']} went on to {row['target']} {rate.limits()}"
    exits = table[table["target"] == "(exit)"]
    if len(exits):
        most = _most(exits, "users")
        of = count(round(most["users"] / most["share"]))
        text += f"; most stop after {most['source']} ({count(most['users'])} of {of}, step {most['source_step']})"
    return Sentence(rate.number(), f"{text}.", "%", [rate.limits()])


def _began(table: pd.DataFrame) -> int:
    """How many stood at the first step."""
    first = table[table["source_step"] == table["source_step"].min()].drop_duplicates("source")
    return int((first["users"] / first["share"]).round().sum())


def drop_offs_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What those who dropped did next that those who went on did less; or what they did most."""
    dropped = table[(table["outcome"] == "dropped") & (table["source_step"] == 1)]
    if not len(dropped):
        return none("nobody dropped there.")
    clear = dropped[dropped["difference_low"] > 0]
    row = _most(clear, "difference") if len(clear) else _most(dropped, "users")
    n = round(row["users"] / row["share"])
    rate = _share_of(row, n, table)
    did = "did nothing more" if row["target"] == "(exit)" else f"did {row['target']} next"
    text = f"of {count(n)} who dropped after {row['source']} {did} {rate.limits()}"
    if not len(clear):
        text += "; nothing is clearly more common among them than among those who went on."
        return Sentence(rate.number(), text, "%", [rate.limits()])
    gap = Estimate.of(row, "difference")
    limits = f"({signed(gap.low, gap.decimals)} to {signed(gap.high, gap.decimals)})"
    text += f": {plain(gap.value, gap.decimals)} points more than of those who went on {limits}."
    return Sentence(rate.number(), text, "%", [rate.limits(), limits])


def one_user_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How far the attempt that counts came, and why no further; or why none counts."""
    if not len(table):
        return none("there is nobody to explain.")
    steps, unit = setting(table, "steps", []), str(setting(table, "unit", "user_id"))
    who = str(setting(table, unit, "this user"))
    held = [name for name in groups_of(table) if name != "attempt"]
    attempts = [attempt for _, attempt in table.groupby([*held, "attempt"], dropna=False, sort=False)]
    done = [int(attempt["outcome"].eq("counted").sum()) for attempt in attempts]
    chosen = max(range(len(attempts)), key=lambda k: (done[k], attempts[k]["outcome"].ne("not counted").any()))
    attempt = attempts[chosen]
    of = max(len(steps), int(table["step"].max()))
    text = f"of {counted(of, 'step')} {'counts' if done[chosen] == 1 else 'count'} for {who}"
    if len(attempts) > 1:
        many = count(len(attempts))
        text += f", in attempt {attempt['attempt'].iloc[0]} of {many}" if done[chosen] else f" in {many} attempts"
    row = _decisive(attempt)
    if row is None:
        skipped = int(attempt["outcome"].eq("skipped").sum())
        text += f"; {count(skipped)} more may be left out" if skipped else ": all of them"
        return Sentence(count(done[chosen]), f"{text}.")
    reason = in_short(str(row["reason"]))
    return Sentence(count(done[chosen]), f"{text}. {row['event']}: {reason}.")


def _decisive(attempt: pd.DataFrame) -> "pd.Series[Any] | None":
    """The row that says why an attempt came no further, or does not count."""
    if attempt["outcome"].iloc[0] in ("excluded", "not counted"):
        return attempt.iloc[0]
    ended = attempt[attempt["outcome"].isin(["dropped", "open"])]
    return ended.iloc[0] if len(ended) else None


def tools_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The tool that counts furthest from what was asked for, and the rule that does it."""
    moved = table["users_only_here"] + table["users_missing"]
    if not moved.any():
        return Sentence("0", "users are counted otherwise under the rules of any tool: all show these numbers.")
    most = table[moved == moved.max()]
    row = most.iloc[-1]
    ours = float(row["users"] - row["difference"])
    rule = str(row["rule"]).replace(" -", f" {numbers.MINUS}")
    text = (
        f"users at {row['event']} under the rules of {row['tool']}, which differs most: {count(row['users'])} in place "
        f"of {count(ours)}, because of {rule}."
    )
    return Sentence(signed(float(row["difference"])), text)


def _most(rows: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """The row whose value is furthest from 0, the first of several."""
    return rows.iloc[int(rows[name].abs().argmax())]


def _share_of(row: "pd.Series[Any]", n: float, table: pd.DataFrame) -> Estimate:
    low, high = wilson(row["users"], n, float(setting(table, "confidence", 0.95)))
    return Estimate(100 * row["users"] / n, 100 * float(low), 100 * float(high))


def _p(p: float) -> str:
    return numbers.chance(p) if p < 0.01 or np.isnan(p) else plain(p, 2)


def _name(value: object) -> str:
    return "(missing)" if numbers.is_missing(value) else str(value)
