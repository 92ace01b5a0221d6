"""Does money grow, and what does a customer cost and bring? What tables without limits say, and what they divide.

These are ratios of whole books, not of samples: they have no interval, and none is said.
"""

from collections.abc import Callable

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.estimates import Estimate, Sentence, none
from metrics.display.kinds import groups_of, setting
from metrics.display.numbers import count, counted, percent, plain, plural, signed, with_unit
from metrics.display.worked import last_complete, last_of_groups, level, quotient, whose

_SPLIT = {
    "upsell": "more of the same",
    "cross_sell": "of something new",
    "downsell": "less",
    "term_extension": "longer",
}
_OPEN = "no period is over that can be told."


def _when(table: pd.DataFrame, row: pd.Series) -> str:
    if "period_start" not in row:
        return ""
    return f" in {numbers.period_in_words(row['period_start'], period_length(table))}"


def _money(value: float) -> str:
    return plain(value, numbers.money_decimals([value]))


def _ranked(table: pd.DataFrame, name: str, size: str) -> list[tuple[str, pd.Series]]:
    """The groups with their rows of the last finished period, the largest first."""
    return sorted(last_of_groups(table, name), key=lambda pair: -float(pair[1][size]))


def _others(rows: list[tuple[str, pd.Series]], name: str, write: Callable[[float], str]) -> str:
    """What the other groups have, after semicolons."""
    return "".join(f"; {write(float(row[name]))} of {group}" for group, row in rows[1:3])


def _of(table: pd.DataFrame, group: str) -> str:
    if not group:
        return ""
    if groups_of(table) != ["currency"]:
        return f" of {group}"
    return " without a currency" if group == "(missing)" else f" in {group}"


def _worked(table: pd.DataFrame, row: pd.Series, worked: str) -> str:
    return f"{worked}{whose(table, row, period_length(table))}."


def quick_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Won for each unit lost in the last finished period, of the group that won most."""
    rows = _ranked(table, "quick_ratio", "gained")
    if not rows:
        lost = "reason" in table and (table["reason"] == "no_losses").any()
        return none("nothing was lost, so that there is no ratio." if lost else _OPEN)
    group, row = rows[0]
    text = f"of MRR{_of(table, group)} was won for each unit lost{_when(table, row)}: {_money(row['gained'])} won, "
    text += f"{_money(row['lost'])} lost"
    other = last_complete(before, "quick_ratio") if before is not None and not group else None
    text += f"; {numbers.ratio(other['quick_ratio'])} before" if other is not None else ""
    return Sentence(numbers.ratio(row["quick_ratio"]), f"{text}{_others(rows, 'quick_ratio', numbers.ratio)}.")


def quick_foot(table: pd.DataFrame) -> list[str]:
    """Gained / lost with its figures."""
    back = " + back" if setting(table, "reactivation") else ""
    lines = [f"Quick ratio = (new + expansion{back}) / (contraction + churn), all without their signs."]
    for _, row in _ranked(table, "quick_ratio", "gained")[:1]:
        worked = f"{_money(row['gained'])} / {_money(row['lost'])} = {numbers.ratio(row['quick_ratio'])}"
        lines.append(_worked(table, row, worked))
    return lines


def split_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What customers who stayed added, and how, in the group in which most moved."""
    rows = _moved_most(table)
    if not rows:
        return none(_OPEN)
    group, row = rows[0]
    net = float(row["expansion"] + row["contraction"])
    places = numbers.money_decimals([float(row[name]) for name in _SPLIT])
    said = [f"{signed(float(row[name]), places)} {words}" for name, words in _SPLIT.items() if row[name]]
    text = f"of MRR{_of(table, group)} came of customers who stayed{_when(table, row)}: "
    return Sentence(signed(net, places), f"{text}{', '.join(said) or 'nothing moved'}.")


def split_foot(table: pd.DataFrame) -> list[str]:
    """The four add up to expansion and contraction."""
    lines = ["More of what they held + something new + less + longer terms = expansion + contraction."]
    for _, row in _moved_most(table)[:1]:
        four, two = ([float(row[n]) for n in names] for names in (tuple(_SPLIT), ("expansion", "contraction")))
        lines.append(_worked(table, row, f"{_sum(four)} = {_sum(two)}"))
    return lines


def _moved_most(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    moved = table.assign(_moved=table["expansion"] - table["contraction"])
    moved.attrs = table.attrs
    return _ranked(moved, "upsell", "_moved")


def _sum(values: list[float]) -> str:
    places = numbers.money_decimals(values)
    first, *rest = values
    return plain(first, places) + "".join(
        f" {numbers.MINUS if value < 0 else '+'} {plain(abs(value), places)}" for value in rest
    )


def lost_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Gross and net churn of MRR in the last finished period, of the largest group."""
    rows = _ranked(table, "gross_churn", "opening")
    if not rows:
        return none(_OPEN)
    group, row = rows[0]
    net = with_unit(signed(-100 * float(row["net_churn"]), 1))
    text = f"of {_money(row['opening'])} of MRR{_of(table, group)} was lost{_when(table, row)}; "
    text += f"with growth it moved by {net}"
    others = _others(rows, "gross_churn", lambda value: with_unit(percent(value)))
    return Sentence(percent(row["gross_churn"]), f"{text}{others}.", "%")


def lost_foot(table: pd.DataFrame) -> list[str]:
    """Lost / opening with its figures."""
    lines = ["Gross churn = (contraction + churn) / MRR, start; net churn takes off the expansion."]
    for _, row in _ranked(table, "gross_churn", "opening")[:1]:
        places = numbers.money_decimals([float(row["opening"])])
        lost, opening = plain(row["gross_churn"] * row["opening"], places), plain(row["opening"], places)
        lines.append(_worked(table, row, f"{lost} / {opening} = {with_unit(percent(row['gross_churn']))}"))
    return lines


def moves_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many moved what, in the currency in which most moved."""
    if not len(table):
        return none("nobody moved any MRR.")
    code, mine, others = _most_moved(table)
    sums = mine.groupby("kind")["amount"].sum()
    sums = sums.reindex(sums.abs().sort_values(ascending=False, kind="stable").index)
    places = numbers.money_decimals(sums)
    said = ", ".join(f"{signed(float(value), places)} {kind}" for kind, value in sums.head(3).items())
    people = mine["customer_id"].nunique()
    who = counted(people, "customer")
    text = f"{plural(len(mine), 'movement')} of MRR by {who}{f' in {code}' if code else ''}: {said}"
    also = f"; {count(others)} more in other currencies" if others else ""
    return Sentence(count(len(mine)), f"{text}{also}.")


def _most_moved(table: pd.DataFrame) -> tuple[str, pd.DataFrame, int]:
    codes = table["currency"].fillna("")
    most = str(codes.value_counts().sort_index().idxmax())
    mine = table[codes == most]
    return most, mine, len(table) - len(mine)


def moves_foot(table: pd.DataFrame) -> list[str]:
    """All movements of one currency added up."""
    code, mine, _ = _most_moved(table)
    up, down = (float(mine.loc[some, "amount"].sum()) for some in (mine["amount"] > 0, mine["amount"] < 0))
    net = plain(up + down, numbers.money_decimals([up, down]))
    one = "what a customer changed on one day" if setting(table, "basis") == "event" else "a customer's change"
    return [
        f"A row is {one}; losses are negative.",
        f"{_sum([up, down])} = {net}{f', {code}' if code else ''}, all rows.",
    ]


def cost_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What a new customer cost, in the last row."""
    row = last_complete(table, "cac")
    if row is None:
        return none("no customer was won whose cost is known.")
    text = f"was spent for each of {count(row['customers_new'])} new customers{_when(table, row)}."
    return Sentence(_money(row["cac"]), text)


def cost_foot(table: pd.DataFrame) -> list[str]:
    lag = setting(table, "lag", 0)
    earlier = f" {counted(lag, 'period')} before" if lag else ""
    lines = [f"Cost of a customer = spending{earlier} / new customers."]
    row = last_complete(table, "cac")
    if row is None:
        return lines
    worked = f"{_money(row['spend'])} / {count(row['customers_new'])} = {_money(row['cac'])}"
    return [*lines, _worked(table, row, worked)]


def worth_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What a customer will pay at a constant churn, of the group that pays most."""
    rows = _ranked(table, "revenue", "revenue")
    if not rows:
        return none("without churn and without a cap nothing ends, so that there is no sum.")
    group, row = rows[0]
    text = f"is what a customer{_of(table, group)} who pays {_money(row['arpa'])} a month brings at "
    text += f"{with_unit(percent(row['churn_rate']))} churn a month"
    if not numbers.is_missing(row["margin_value"]):
        text += f"; {_money(row['margin_value'])} of it margin"
    return Sentence(_money(row["revenue"]), f"{text}{_others(rows, 'revenue', _money)}.")


def worth_foot(table: pd.DataFrame) -> list[str]:
    lines = ["Revenue = sum over months of what a customer pays × the share who still do, (1 − churn) to the power k."]
    for _, row in _ranked(table, "revenue", "revenue")[:1]:
        payments = float(row["revenue"] / row["arpa"]) if row["arpa"] else 0.0
        worked = f"{_money(row['arpa'])} × {plain(payments, 1)} payments = {_money(row['revenue'])}"
        lines.append(_worked(table, row, worked))
    return lines


def roi_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    row = table.iloc[0]
    if numbers.is_missing(row["roi"]):
        return none("nothing was spent, so that there is no return on it.")
    years = plain(row["years"], numbers.free_decimals([float(row["years"])]))
    a_year = f", {with_unit(signed(100 * row['roi_annualised'], 1))} a year" if row["years"] != 1 else ""
    text = f"is the return: {_money(row['benefit'])} for {_money(row['cost'])} over {years} years{a_year}."
    return Sentence(signed(100 * row["roi"], 1), text, "%")


def roi_foot(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    if numbers.is_missing(row["roi"]):
        return ["Return = (benefit − cost) / cost."]
    worked = f"({_money(row['benefit'])} − {_money(row['cost'])}) / {_money(row['cost'])}"
    return [f"Return = (benefit − cost) / cost: {worked} = {with_unit(signed(100 * row['roi'], 1))}."]


def relative_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    row = table.iloc[0]
    was, now, gap = (float(row[name]) for name in ("before", "after", "difference"))
    places = numbers.free_decimals([was, now])
    text = f"from {plain(was, places)} to {plain(now, places)}"
    if numbers.is_missing(row["relative_change"]):
        return Sentence(signed(gap, places), f"{text}; from nothing there is no change in per cent.")
    times = f", {numbers.ratio(row['multiple'])} times as much" if was > 0 and now > 0 else ""
    return Sentence(signed(100 * row["relative_change"], 1), f"{text}: {signed(gap, places)}{times}.", "%")


def relative_foot(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    if numbers.is_missing(row["relative_change"]):
        return ["Change in per cent = difference / before; before is 0."]
    places = numbers.free_decimals([float(row["before"]), float(row["difference"])])
    worked = f"{signed(row['difference'], places)} / {plain(abs(row['before']), places)}"
    change = with_unit(signed(100 * row["relative_change"], 1))
    return [f"Change in per cent = difference / before: {worked} = {change}."]


def average_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """A rate over several periods, of the largest group."""
    part, whole = _counted(table)
    rows = _ranked(table, "rate", whole or "periods")
    if not rows:
        return none("in no period is there anybody to count.")
    group, row = rows[0]
    rate = Estimate.of(row, "rate")
    text = f"{_of(table, group).lstrip()} over {counted(row['periods'], 'period')} {rate.limits()}".strip()
    text += f": {count(row[part])} of {count(row[whole])}" if part and whole else ""
    others = _others(rows, "rate", lambda value: with_unit(percent(value)))
    number = rate.number() if rate.limits() else percent(row["rate"])
    return Sentence(number, f"{text}{others}.", "%", [rate.limits()] if rate.limits() else [])


def average_foot(table: pd.DataFrame) -> list[str]:
    part, whole = _counted(table)
    if not setting(table, "weighted", True):
        return ["The mean of the periods' rates, each counting alike; it has no interval."]
    lines = ["Rate = sum of the counts / sum of the bases."]
    if not part or not whole:
        return lines
    for _, row in _ranked(table, "rate", whole)[:1]:
        worked = _worked(table, row, quotient(float(row[part]), float(row[whole])))
        lines.append(f"{worked} {level(table)} Wilson intervals.")
    return lines


def _counted(table: pd.DataFrame) -> tuple[str | None, str | None]:
    names = [setting(table, name) for name in ("count", "base")]
    part, whole = (name if name in table else None for name in names)
    return part, whole


SAID = {
    "mrr_movements": moves_said,
    "expansion_split": split_said,
    "mrr_churn_rate": lost_said,
    "quick_ratio": quick_said,
    "acquisition_cost": cost_said,
    "subscription_lifetime_value": worth_said,
    "roi": roi_said,
    "relative_change": relative_said,
    "average_rate": average_said,
}
FEET = {
    "mrr_movements": moves_foot,
    "expansion_split": split_foot,
    "mrr_churn_rate": lost_foot,
    "quick_ratio": quick_foot,
    "acquisition_cost": cost_foot,
    "subscription_lifetime_value": worth_foot,
    "roi": roi_foot,
    "relative_change": relative_foot,
    "average_rate": average_foot,
}
