"""Does help, a source or a discount go with customers who stay? Sentences and feet."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words, whose_reason
from metrics.display.comparisons import groups_said
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import group_of, groups_of, setting
from metrics.display.numbers import count, counted, signed, with_unit
from metrics.display.worked import level, quotient, whose


def assisted_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many trials with help convert, and how that differs from the others; of kinds the one that most had."""
    known = table[table["difference"].notna()]
    if not len(known):
        why = reason_in_words(table["reason"].iloc[0]) if len(table) else "there are no trials"
        return none(f"whether trials with help convert more often is not known: {why}.")
    row = known.iloc[int(known["assisted"].argmax())]
    helped, others = Estimate.of(row, "assisted_rate"), Estimate.of(row, "unassisted_rate")
    group = group_of(table, row)
    text = f"of {counted(row['assisted'], 'trial')}{f' of {group}' if group else ''} with {_help(row)} became customers"
    said, limits = change(helped, others, f"of {count(row['unassisted'])} without, {with_unit(others.number())}")
    return Sentence(
        helped.number(), f"{text} {helped.limits()}: {said}. An association, not an effect.", "%",
        [helped.limits(), *limits],
    )  # fmt: skip


def _help(row: pd.Series) -> str:
    named = {"any": "help", "contact": "a contact", "support": "support", "training": "training"}
    return named.get(str(row["help"]), f"help ({row['help']})")


def assisted_foot(table: pd.DataFrame) -> list[str]:
    """Rate minus rate, of the row that the sentence tells, and who is in neither."""
    within = setting(table, "within")
    when = f"within {within} of a trial's start" if within else "while a trial runs"
    lines = [f"Help counts {when}. Converted = followed by an active row of the customer with MRR."]
    known = table[table["difference"].notna()]
    running, sooner = int(table["still_in_trial"].max()), setting(table, "ended_sooner", 0)
    left = f" In neither: {count(running)} that still run." if running else ""
    left += f" Left out: {count(sooner)} that were over sooner." if sooner else ""
    if not len(known):
        return [*lines, f"Too few on a side, so that no difference exists.{left}"]
    row = known.iloc[int(known["assisted"].argmax())]
    worked = f"{quotient(row['assisted_converted'], row['assisted'])} {numbers.MINUS} "
    worked += quotient(row["unassisted_converted"], row["unassisted"])
    worked += f" = {signed(100 * row['difference'], 1)} points, {row['help']}{whose(table, row, None)}"
    return [*lines, f"{worked}. {level(table)} Wilson and Newcombe intervals.{left}"]


def leads_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many leads become customers and customers loyal ones; of several groups who goes furthest."""
    first, second = (_part(table, stage) for stage in ("lead", "customer"))
    if groups_of(table) and len(first) > 1:
        rows = first.assign(group=_groups(first))
        return groups_said(rows, "conversion_rate", f"became customers within {setting(table, 'within', 'the time')}")
    known = first[first["conversion_rate"].notna()]
    if not len(known):
        why = reason_in_words(first["reason"].iloc[0]) if len(first) else "there are no leads"
        return none(f"how many leads become customers is not known: {why}.")
    row = known.iloc[0]
    rate = Estimate.of(row, "conversion_rate")
    text = f"of {counted(row['followed'], 'lead')} became customers within {setting(table, 'within', 'the time')}"
    text, limits = f"{text} {rate.limits()}", [rate.limits()]
    loyal = second[second["conversion_rate"].notna()]
    if len(loyal):
        stayed = Estimate.of(loyal.iloc[0], "conversion_rate")
        many = counted(loyal.iloc[0]["followed"], "customer")
        text += f"; of {many}, {with_unit(stayed.number())} became loyal ones {stayed.limits()}"
        limits.append(stayed.limits())
    return Sentence(rate.number(), f"{text}.", "%", limits)


def _part(table: pd.DataFrame, stage: str) -> pd.DataFrame:
    to = "customer" if stage == "lead" else "loyal customer"
    part = table[(table["from_stage"] == stage) & (table["to_stage"] == to)]
    part.attrs = table.attrs
    return part


def _groups(table: pd.DataFrame) -> list[str]:
    """``leads with source ads``, of each row."""
    keys = groups_of(table)
    named = [
        ", ".join(f"{key} {'(missing)' if numbers.is_missing(row[key]) else row[key]}" for key in keys)
        for _, row in table.iterrows()
    ]
    return [f"leads with {name}" for name in named]


def leads_foot(table: pd.DataFrame) -> list[str]:
    """What a loyal customer is, a rate worked out, and who is left out."""
    within, loyal = setting(table, "within", "the time"), setting(table, "loyal", "what is asked for")
    follow = setting(table, "loyal_within")
    how = f"{loyal} within {follow} of the first" if follow else f"still with MRR {loyal} after the first payment"
    lines = [f"Customer = bought within {within} of becoming a lead; loyal = {how}. Rate = got there / watched."]
    known = table[table["conversion_rate"].notna()]
    if len(known):
        row = known.iloc[0]
        worked = f"{quotient(row['reached'], row['followed'])}, {row['from_stage']} to {row['to_stage']}"
        lines.append(f"{worked}{whose(table, row, None)}. {level(table)} Wilson intervals.")
    else:
        lines.append("Too few had their time, so that no rate exists.")
    old, late = setting(table, "customers_before", 0), setting(table, "too_late", 0)
    left = f"Customers before they were leads, left out: {count(old)}. " if old else ""
    left += f"Bought later than within {within}: {count(late)}." if late else ""
    return [*lines, left.strip()]


def discounts_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many of the discounted stay, beside those at the full price; of groups the one with most of them."""
    known, _ = _discounted(table)
    if not len(known):
        why = table.loc[table["first_purchase"] == "discounted", "reason"]
        said = whose_reason(why.iloc[0], "difference") if len(why) else ""
        if not said and len(table):
            lacks = "those whom a discount brought" if not len(why) else "those at the full price"
            said = f"the table is not whole, it lacks {lacks}"
        said = said or "nobody bought"
        return none(f"whether a discount brings customers who stay is not known: {said}.")
    row, full = _largest(table)
    less, others = Estimate.of(row, "retention_rate"), Estimate.of(full, "retention_rate")
    group = group_of(table, row, without="currency")
    group = f" of {group}" if group else ""
    if len(table["currency"].drop_duplicates()) > 1:  # those who pay in another are not among them
        code = row["currency"]
        group += " whose currency is not told" if numbers.is_missing(code) else f" who pay in {code}"
    follow = setting(table, "follow_up", "the time")
    orders = setting(table, "of", "orders") == "orders"
    stayed = f"bought again within {follow}" if orders else f"still paid {follow} later"
    text = f"of {counted(row['customers'], 'customer')}{group} whom a discount brought {stayed} {less.limits()}"
    said, limits = change(
        less, others, f"of {count(full['customers'])} at the full price, {with_unit(others.number())}"
    )
    return Sentence(
        less.number(), f"{text}: {said}. An association, not an effect.", "%", [less.limits(), *limits]
    )  # fmt: skip


def _discounted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the discounted that can be told, and for each that of the same group at the full price.

    By their keys, for a table may have been sorted, cut or put together.
    """
    group = groups_of(table)
    pairs = table[(table["first_purchase"] == "discounted") & table["difference"].notna()]
    full = table[table["first_purchase"] == "full_price"].drop_duplicates(group)
    both = pairs[group].merge(full, on=group, how="left")
    there = both["customers"].notna().to_numpy()
    return pairs[there], both[there]


def _largest(table: pd.DataFrame) -> "tuple[pd.Series[Any], pd.Series[Any]]":
    """The group with most of the discounted: their row, and that of those at the full price."""
    known, full = _discounted(table)
    place = int(known["customers"].argmax())
    return known.iloc[place], full.iloc[place]


def discounts_foot(table: pd.DataFrame) -> list[str]:
    """What is kept and what value is, the difference worked out, and who still has time."""
    follow = setting(table, "follow_up", "the time")
    orders = setting(table, "of", "orders") == "orders"
    kept = f"bought again within {follow} of the first" if orders else f"with MRR {follow} after the first payment"
    value = (
        f"net of the orders of these {follow}, the first one in it and refunds off" if orders else "MRR at that time"
    )
    lines = [f"Stayed = {kept}. Value = {value}."]
    recent = int(table["too_recent"].sum())
    left = f" Left out: {count(recent)} who still have time." if recent else ""
    if not len(_discounted(table)[0]):
        return [*lines, f"Too few on a side, so that no difference exists.{left}"]
    row, full = _largest(table)
    worked = f"{quotient(row['retained'], row['customers'])} {numbers.MINUS} "
    worked += quotient(full["retained"], full["customers"])
    of = "" if setting(table, "currency") and len(groups_of(table)) == 1 else whose(table, row, None)
    worked += f" = {signed(100 * row['difference'], 1)} points{of}"
    return [*lines, f"{worked}. {level(table)} Wilson, Newcombe and Welch intervals.{left}"]


SAID = {
    "assisted_trial_conversion": assisted_said,
    "lead_conversion": leads_said,
    "discount_retention": discounts_said,
}
FEET = {
    "assisted_trial_conversion": assisted_foot,
    "lead_conversion": leads_foot,
    "discount_retention": discounts_foot,
}
