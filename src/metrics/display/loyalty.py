"""Does help, a source or a discount go with customers who stay? Sentences and feet."""

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import groups_of, setting
from metrics.display.numbers import count, signed, with_unit
from metrics.display.worked import level, quotient, whose


def assisted_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many trials with help convert, and how that differs from the others; of kinds the one that most had."""
    known = table[table["difference"].notna()]
    if not len(known):
        why = reason_in_words(table["reason"].iloc[0]) if len(table) else "there are no trials"
        return none(f"whether trials with help convert more often is not known: {why}.")
    row = known.iloc[int(known["assisted"].argmax())]
    helped, others = Estimate.of(row, "assisted_rate"), Estimate.of(row, "unassisted_rate")
    group = ", ".join(str(row[key]) for key in groups_of(table))
    text = f"of {count(row['assisted'])} trials with {_help(row)}{f' ({group})' if group else ''} became customers"
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


SAID = {"assisted_trial_conversion": assisted_said}
FEET = {"assisted_trial_conversion": assisted_foot}
