"""Who will leave, and were the warnings right? Sentences and feet of forecasts, their trial, and bands of health."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.estimates import Estimate, Sentence, none
from metrics.display.kinds import setting
from metrics.display.numbers import count, counted, percent, plain, plural, signed, with_unit
from metrics.display.of_health import SIGNALS
from metrics.display.worked import level, quotient


def forecast_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many are expected to leave, and who is most likely to."""
    known = table[table["churn_probability"].notna()]
    if not len(known):
        return none("too few have left so far to learn from." if len(table) else "there is no customer to ask about.")
    expected = known["churn_probability"].sum()
    row = known.iloc[0]
    chance = Estimate.of(row, "churn_probability")
    horizon = setting(table, "horizon")
    text = f"of {counted(len(known), 'customer')} are expected to leave{f' within {horizon}' if horizon else ''}"
    text += f"; the most likely is {row['customer_id']}, {with_unit(chance.number())} {chance.limits()}"
    if not numbers.is_missing(row["top_reason"]):
        text += f", above all for {SIGNALS.get(str(row['top_reason']), str(row['top_reason']).replace('_', ' '))}"
    return Sentence(plain(expected, 0 if expected >= 10 else 1), f"{text}.", "", [chance.limits()])


def forecast_foot(table: pd.DataFrame) -> list[str]:
    """What it was learnt from, and the first customer's loss."""
    lines = ["Will leave = 1 / (1 + e^−x), x = intercept + Σ coefficient × signal. Expected loss = that × MRR."]
    known = table[table["expected_loss"].notna()] if len(table) else table
    if len(known):
        row = known.iloc[0]
        worked = f"{with_unit(percent(row['churn_probability']))} × {plain(row['mrr'], 2)}"
        lines.append(f"{worked} = {plain(row['expected_loss'], 2)}, {row['customer_id']}.")
    learned, left = setting(table, "learned_from"), setting(table, "learned_churned")
    if learned is not None:
        lines.append(f"Learnt from {counted(learned, 'snapshot')} of the past, of which {count(left)} left.")
    return [*lines, f"{level(table)} interval of the fit."]


def backtest_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How well the regression ranked who left, and whether that beats the rule."""
    row = _of_model(table)
    if row is None or numbers.is_missing(row["auc"]):
        return none("too few left before any cut-off to try a forecast on.")
    area = Estimate.of(row, "auc", 1)
    area_words = f"({plain(area.low, 2)} to {plain(area.high, 2)})"
    text = f"is the chance that the forecast{_at(row)} ranked one who left above one who stayed "
    text += f"{area_words}; 0.5 is as good as a lot"
    lead = row["auc_difference"]
    if not numbers.is_missing(lead):
        limits = f"({signed(row['auc_difference_low'], 2)} to {signed(row['auc_difference_high'], 2)})"
        rule = SIGNALS.get(str(setting(table, "rule")), str(setting(table, "rule", "the rule")).replace("_", " "))
        sure = row["auc_difference_low"] > 0 or row["auc_difference_high"] < 0
        text += f"; against {rule} alone {signed(lead, 2)} {limits}{'' if sure else ', which may be chance'}"
    return Sentence(plain(area.value, 2), f"{text}.", "", [area_words])


def backtest_foot(table: pd.DataFrame) -> list[str]:
    """What each score is, and what was not asked."""
    lines = [
        "AUC = pairs of one who left and one who stayed at the same cut-off that were ranked right / all such pairs. "
        "Brier = mean of (forecast − outcome)², low is good."
    ]
    row = _of_model(table)
    if row is not None and row["customers"]:
        many = f"{count(row['churned'])} of {count(row['customers'])}{_at(row)}"
        lines.append(f"{many} left. {level(table)} intervals, by customer.")
    skipped = setting(table, "not_asked")
    if skipped:
        least = count(setting(table, "min_churned", 0))
        lines.append(f"Learnt from only: {count(skipped)} cut-offs, before which fewer than {least} had left.")
    return lines


def fifths_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What was predicted of the fifth most at risk, and what came."""
    rows = table[table["model"] == "logistic"]
    if not len(rows):
        return none("too few left before any cut-off to try a forecast on.")
    row = rows.iloc[0]
    rate = Estimate.of(row, "churn_rate")
    text = (
        f"of the fifth most at risk left {rate.limits()}, {with_unit(percent(row['predicted_rate']))} were predicted."
    )
    return Sentence(rate.number(), text, "%", [rate.limits()])


def fifths_foot(table: pd.DataFrame) -> list[str]:
    """Predicted and came, as means."""
    return [
        "Predicted = mean forecast of the fifth; churn = of these, left / all of these.",
        f"{level(table)} Wilson intervals. A customer is counted at each cut-off.",
    ]


def bands_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Whether more of the red left than of the green."""
    rows = {str(row["band"]): row for _, row in table.iterrows()}
    known = [name for name in ("red", "yellow", "green") if name in rows and pd.notna(rows[name]["churn_rate"])]
    if not known:
        return none("of no band enough customers were watched.")
    worst, best = rows[known[0]], rows[known[-1]]
    first = Estimate.of(worst, "churn_rate")
    text = f"of {count(worst['customers'])} {known[0]} {plural(worst['customers'], 'customer')} left {first.limits()}"
    if known[0] != known[-1]:
        other = Estimate.of(best, "churn_rate")
        text += f", of {count(best['customers'])} {known[-1]} ones {with_unit(other.number())} {other.limits()}"
        apart = worst["churn_rate_low"] > best["churn_rate_high"] or worst["churn_rate_high"] < best["churn_rate_low"]
        text += "" if apart else ", which may be chance"
    return Sentence(first.number(), f"{text}.", "%", [first.limits()])


def bands_foot(table: pd.DataFrame) -> list[str]:
    """Left over customers of the first band that has any."""
    lines = ["Churn = of the band, left / customers; lift = that / the rate of all. A customer counts at each cut-off."]
    known = table[table["churn_rate"].notna()]
    if len(known):
        row = known.iloc[0]
        lines.append(f"{quotient(row['churned'], row['customers'])}, {row['band']}. {level(table)} Wilson intervals.")
    return lines


def timeline_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How much happened."""
    who = setting(table, "customer_id", "the customer")
    marks = table[~table["kind"].isin(["mrr", "use"])]
    used = table.loc[table["kind"] == "use", "value"].sum()
    kinds = marks["kind"].value_counts()
    text = f"{plural(used, 'event')} of {who} in the {setting(table, 'last', 'time')} before"
    for kind, name in (("ticket", "ticket"), ("answer", "answer"), ("invoice", "late invoice")):
        if kind in kinds:
            text += f", {counted(kinds[kind], name)}"
    return Sentence(count(used), f"{text}.")


def _of_model(table: pd.DataFrame) -> "pd.Series[Any] | None":
    """The row of the regression; of several cut-offs the last at which its ranking can be told."""
    rows = table[table["model"] == "logistic"]
    known = rows[rows["auc"].notna()]
    rows = known if len(known) else rows
    return rows.iloc[-1] if len(rows) else None


def _at(row: "pd.Series[Any]") -> str:
    return f" at {numbers.moment(row['cutoff'])}" if "cutoff" in row else ""


SAID = {
    "forecast_churn": forecast_said,
    "backtest_churn": backtest_said,
    "backtest_by_fifth": fifths_said,
    "churn_by_band": bands_said,
    "customer_timeline": timeline_said,
}
FEET = {
    "forecast_churn": forecast_foot,
    "backtest_churn": backtest_foot,
    "backtest_by_fifth": fifths_foot,
    "churn_by_band": bands_foot,
}
