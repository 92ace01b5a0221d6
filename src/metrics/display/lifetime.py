"""What do the tables of lifetime value say? Each in a sentence, and the formula at its foot with its figures."""

from typing import Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import MODELS, reason_in_words
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import group_of, groups_of, parts, setting
from metrics.display.numbers import count, counted, percent, plain, signed, with_unit

_PURCHASES = "cumulative_purchases"


def model_in_words(name: object) -> str:
    """``bgnbd`` as BG/NBD."""
    return MODELS.get(str(name), str(name).replace("_", " "))


def value_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The mean forecast value with its limits, where it comes from, and how far off such a forecast was."""
    value = table["clv"].dropna().sort_values(ascending=False)
    if not len(table):
        return none("nobody has bought.")
    if not len(value):
        why = reason_in_words(next((r for r in table["reason"] if not numbers.is_missing(r)), None))
        return none(f"no value can be forecast{': ' + why if why else ''}.")
    mean, total, top = float(value.mean()), float(value.sum()), max(1, round(len(value) / 10))
    low, high = setting(table, "mean_low"), setting(table, "mean_high")
    digits = numbers.money_decimals([mean]) if low is None else numbers.decimals_for([high - low])
    limits = "" if low is None else f"({plain(low, digits)} to {plain(high, digits)})"
    basis = str(table["basis"].iloc[0])
    ahead = setting(table, "horizon")
    text = f"of {basis} is what a customer is expected to bring {'from now on,' if ahead is None else f'in {ahead}'}"
    text += f" on average{' ' + limits if limits else ''}: {plain(total, 0)} from {counted(len(value), 'customer')}"
    if total > 0 and len(value) >= 10:
        text += f", {with_unit(percent(float(value.iloc[:top].sum()) / total, 0))} of it from the best tenth"
    model = setting(table, "model")
    text += f" ({model_in_words(model)})." if model else "."
    error = table["holdout_error"].iloc[0] if "holdout_error" in table else np.nan
    if not numbers.is_missing(error):
        text += " Fitted to the first half of the time, the same model missed the purchases of the second half by "
        text += f"{with_unit(signed(100 * float(error), 1))}."
    return Sentence(plain(mean, digits), text, str(setting(table, "currency", "")), [limits] if limits else [])


def value_foot(table: pd.DataFrame) -> list[str]:
    """The formula with the best customer's figures, what was left out, and what the limits mean."""
    known = table[table["clv"].notna()]
    if not len(known):
        return ["Lifetime value = margin × mean value of a purchase × expected purchases, discounted."]
    row, margin = known.iloc[0], setting(table, "margin")
    kept = "" if margin is None else f"{with_unit(percent(margin, 0))} × "
    words = "mean value of a purchase × expected purchases, discounted"
    lines = [
        f"Lifetime value = {'margin × ' if kept else ''}{words}: {kept}{plain(row['expected_value'], 2)} × "
        f"{plain(row['discounted_purchases'], 2)} = {plain(row['clv'], 2)}."
        + ("" if kept else " No margin was given: it is revenue.")
    ]
    if "clv_low" in table:
        lines.append(f"Limits hold what a single customer brings in {_level(table)} of cases.")
    left = {"no_repeat": "bought once", "not_positive": "spent nothing after refunds"}
    out = [f"{count(n)} {words}" for name, words in left.items() if (n := setting(table, name))]
    if out:
        lines.append(f"Left out of the model of spend, and given the mean of all: {', '.join(out)}.")
    merged = setting(table, "merged_orders", 0)
    if merged:
        lines.append(f"{counted(merged, 'order')} were merged into another of the same day.")
    refunds = setting(table, "refunds", 0)
    if isinstance(refunds, int) and refunds:
        lines.append(f"{counted(refunds, 'refund')} were taken off the value of their day.")
    rank = setting(table, "spearman")
    if rank is not None and abs(rank) > 0.3:
        lines.append(
            f"Spend goes with frequency (rank correlation {plain(rank, 2)}), which the model takes not to be so."
        )
    return lines


def total_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """All purchases expected until the horizon."""
    if not len(table) or numbers.is_missing(table["cumulative_purchases"].iloc[-1]):
        return none("no purchases can be forecast.")
    if groups_of(table):
        return _total_by_group(table)
    row = table.iloc[-1]
    limits = _limits(row, "cumulative_purchases")
    who = f" of {counted(setting(table, 'customers'), 'customer')}" if setting(table, "customers") else ""
    number = plain(row["cumulative_purchases"], 0)
    are = "purchase is" if number == "1" else "purchases are"
    text = f"{are} expected{who} in {setting(table, 'horizon', 'all periods')}"
    return Sentence(number, f"{text} {limits}.".replace(" .", "."), "", [limits])


def _total_by_group(table: pd.DataFrame) -> Sentence:
    """What a customer is expected to bring until the horizon in the group with most, and in that with least."""
    money = _has_revenue(table)
    whole, unit = ("cumulative_revenue", str(setting(table, "currency") or "")) if money else (_PURCHASES, "purchases")
    last = pd.DataFrame([part.iloc[-1].to_dict() | {"group": name} for name, part in parts(table)])
    for limit in ("", "_low", "_high"):
        last[f"each{limit}"] = last[f"{whole}{limit}"] / last["customers"] if f"{whole}{limit}" in last else np.nan
    known = last[last["each"].notna()]
    best = known.iloc[int(known["each"].argmax())]
    worst = known.iloc[::-1].iloc[int(known["each"][::-1].argmin())]  # of equals the last, for the best is the first
    top, bottom = Estimate.of(best, "each", 1), Estimate.of(worst, "each", 1)
    limits = f" {top.limits()}" if top.limits() else ""
    text = f"{'is' if money else 'are'} expected of a customer of {best['group']} in "
    text += f"{setting(table, 'horizon', 'all periods')}{limits}"
    apart: list[str] = []
    if len(known) > 1:
        than = f"of {worst['group']} at {plain(bottom.value, bottom.decimals)}"
        gap, apart = change(top, bottom, than, unit)
        text += f", the most of {len(known)} groups: {' '.join(gap.split(' ' * 2))}"
    return Sentence(plain(top.value, top.decimals), f"{text}.", unit, [limits.strip(), *apart] if limits else [])


def _has_revenue(table: pd.DataFrame) -> bool:
    return "cumulative_revenue" in table and bool(table["cumulative_revenue"].notna().any())


def total_foot(table: pd.DataFrame) -> list[str]:
    """What the sums hold, and of groups what a customer brings."""
    lines = _summed()
    if groups_of(table) and len(table):
        name = "cumulative_revenue" if _has_revenue(table) else _PURCHASES
        row = table.iloc[-1]
        worked = f"{plain(row[name], 0)} / {count(row['customers'])} = {plain(row[name] / row['customers'], 2)}"
        lines.append(f"Of a customer: sum / customers: {worked}, {group_of(table, row)}. One model of all groups.")
    return lines


def _summed() -> list[str]:
    return ["Of these customers only: new ones will come on top. Limits of a sum are not the sum of limits."]


def holdout_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How far off the first model was, and what the simple rules would have said."""
    known = table[table["error"].notna()]
    if not len(known):
        return none("no forecast can be held against what came.")
    row = known.iloc[0]
    limits = _limits(row, "predicted_purchases")
    text = (
        f"is how far off {model_in_words(row['model'])} was: it expected {plain(row['predicted_purchases'], 0)} "
        f"purchases{f' {limits}' if limits else ''}, and {count(row['actual_purchases'])} came"
    )
    rule = known["model"].isin(["rate", "aov_x_frequency"])
    for heading, rows in (("Other models", known[~rule].iloc[1:]), ("Simple rules", known[rule])):
        if len(rows) and row["model"] not in ("rate", "aov_x_frequency"):
            said = [
                f"{model_in_words(r['model'])} {with_unit(signed(100 * r['error'], 0))}" for _, r in rows.iterrows()
            ]
            text += f". {heading}: {', '.join(said)}"
    return Sentence(signed(100 * row["error"], 1), f"{text}.", "%", [limits] if limits else [])


def holdout_foot(table: pd.DataFrame) -> list[str]:
    """The error worked out, and what ranks customers best."""
    lines = [
        f"Fitted up to {setting(table, 'split', 'the split')}, and held against the purchases after it, up to "
        f"{setting(table, 'end', 'the end')}."
    ]
    known = table[table["error"].notna()]
    if len(known):
        row = known.iloc[0]
        digits = 1 if row["predicted_purchases"] < 20 else 0
        worked = f"{plain(row['predicted_purchases'], digits)} / {count(row['actual_purchases'])} − 1"
        lines.append(f"Error = predicted / actual − 1: {worked} = {with_unit(signed(100 * row['error'], 1))}.")
    lines.append("AUC: chance that who buys is ranked above who does not; one half is blind. Brier: 0 is perfect.")
    return lines


def frequency_foot(table: pd.DataFrame) -> list[str]:
    """What the groups are."""
    return ["Customers by their repeat purchases until the split; 7 stands for 7 and more."]


def tracking_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How far the first model stands from what came, at the end."""
    if not len(table):
        return none("there is no model to track.")
    name = table["model"].iloc[0]
    row = table[table["model"] == name].iloc[-1]
    if numbers.is_missing(row["cumulative_expected"]) or not row["cumulative_actual"]:
        return none("no purchases can be tracked.")
    error = row["cumulative_expected"] / row["cumulative_actual"] - 1
    text = (
        f"is how far {model_in_words(name)} is off by {setting(table, 'unit', 'period')} {count(row['period'])}: "
        f"it expects {plain(row['cumulative_expected'], 0)} repeat purchases, and {count(row['cumulative_actual'])} "
        "came."
    )
    return Sentence(signed(100 * error, 1), text, "%")


def tracking_foot(table: pd.DataFrame) -> list[str]:
    """What a model knows of the customers here."""
    return [
        f"Fitted up to {setting(table, 'split', 'the split')}; of each customer only the day of the first purchase is "
        "used."
    ]


def parameters_foot(table: pd.DataFrame) -> list[str]:
    """Which model, in which unit, and what its edge means."""
    name, unit, reason = (setting(table, key) for key in ("model", "unit", "reason"))
    if name is None:
        return []
    lines = [f"{model_in_words(name)}{f', in {unit}s' if unit else ''}, by maximum likelihood."]
    if "low" in table and table["low"].notna().any():
        lines.append(
            f"Limits ({_level(table)}) hold all values with which what happened is not significantly less likely."
        )
    if reason is not None:
        lines.append(
            f"The likelihood is highest at an edge, where a parameter has no limits: {reason_in_words(reason)}."
        )
    return lines


def economics_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Value against cost: of one row, or the lowest of several."""
    known = table[table["ltv_cac"].notna()]
    if not len(known):
        return none("no value can be set against a cost.")
    row = known.iloc[int(known["ltv_cac"].argmin())]
    others = [name for name in table.columns if name not in _ECONOMICS]
    whose = f" of {'(missing)' if pd.isna(row[others[0]]) else row[others[0]]}" if others and len(table) > 1 else ""
    lowest = ", the lowest of all" if len(known) > 1 else ""
    text = f"times its cost is what a customer{whose} is worth{lowest}: {plain(row['ltv'], 2)} / {plain(row['cac'], 2)}"
    if not numbers.is_missing(row["payback_months"]):
        text += f"; paid back after {plain(row['payback_months'], 1)} months if nobody left"
    return Sentence(plain(row["ltv_cac"], 1), f"{text}.")


def economics_foot(table: pd.DataFrame) -> list[str]:
    """The formulas."""
    lines = [
        "Value / cost = value of a customer / cost of winning one. Payback = cost / margin a month, if nobody left."
    ]
    if table["payback_months_survival"].notna().any():
        lines.append("With survival: monthly payments, the first at once, of those still there.")
    return lines


_ECONOMICS = ("ltv", "cac", "ltv_cac", "payback_months", "payback_months_survival", "reason")


def _limits(row: "pd.Series[Any]", name: str) -> str:
    low, high = row.get(f"{name}_low", np.nan), row.get(f"{name}_high", np.nan)
    if numbers.is_missing(low) or numbers.is_missing(high):
        return ""
    return f"({plain(low, 0)} to {plain(high, 0)})"


def _level(table: pd.DataFrame) -> str:
    return with_unit(plain(100 * float(setting(table, "confidence", 0.8)), 0))
