"""How are the customers? Sentences and feet of scores and alerts, and of how well these find who leaves."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.estimates import Estimate, Sentence, none
from metrics.display.kinds import group_of, groups_of, setting
from metrics.display.numbers import count, counted, percent, plain, signed, with_unit
from metrics.display.worked import level, quotient

HEADS = {
    "playbook": "What to do",
    "mrr_at_risk": "MRR at risk",
    "tenure_days": "With us",
    "mrr": "MRR",
    "invoices_overdue": "Overdue",
    "days_to_renewal": "Renewal in, days",
    "flags": "To heed",
    "mrr_change_90d": "In 90 days, %",
    "nps_band": "Said last",
}
MONEY = ("mrr", "mrr_at_risk")


def lift_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many times as many left at the top as of all."""
    if not len(table):
        return none("there are no scores to judge.")
    row = table.iloc[0]
    if numbers.is_missing(row["lift"]):
        return none("nobody left, so that no score can be judged." if row["rows"] else "there are no scores to judge.")
    text = f"times as many left of the {count(row['selected'])} with the {_end(table)} scores as of all "
    text += f"{count(row['rows'])}: "
    return Sentence(numbers.ratio(row["lift"]), f"{text}{_rate(row['rate'])} against {_rate(row['base_rate'])}.")


def quality_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many of the alerted left, how many of those who left were alerted, and how far that is from a lot."""
    if not len(table):
        return none("there was no alert.")
    row, of = _judged(table)
    which = f" {'at' if 'cutoff' in table else 'of'} {of}" if of else ""
    if numbers.is_missing(row["precision"]):
        return none(f"there was no alert; {count(row['churned'])} of {counted(row['customers'], 'customer')} left.")
    right = Estimate.of(row, "precision")
    text = f"of {counted(row['alerted'], 'customer')} with an alert{which} left {right.limits()}, of all "
    text += _rate(row["base_rate"])
    if numbers.is_missing(row["recall"]):
        return Sentence(right.number(), f"{text}.", "%", [right.limits()])
    found = Estimate.of(row, "recall")
    text += f"; of {count(row['churned'])} who left {with_unit(found.number())} had one {found.limits()}."
    if of and "rule" in table and len(table) > 1:
        text = f"{text.removesuffix('.')}. Of {count(len(table))} rules it is the most often right."
    return Sentence(right.number(), text, "%", [right.limits(), found.limits()])


def _judged(table: pd.DataFrame) -> tuple["pd.Series[Any]", str]:
    """The row that the sentence tells of, and what it is of: of rules the most often right, of moments the last."""
    known = table[table["precision"].notna()]
    by = next(iter(groups_of(table)), None)
    if by is None or not len(known):
        return table.iloc[0], ""
    row = known.iloc[-1] if by == "cutoff" else known.iloc[int(known["precision"].argmax())]
    return row, numbers.moment(row[by]) if by == "cutoff" else _words(row[by])


def score_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many customers are red, and what costs them the most points."""
    by = setting(table, "by")
    when = ""
    if by in table and by != "group" and table["customer_id"].duplicated().any():  # a customer counts once: at the last
        table = table[table[by] == table[by].max()]
        last = table[by].max()
        when = f" at {numbers.moment(last) if isinstance(last, pd.Timestamp) else last}"
    known = table[table["score"].notna()]
    if not len(known):
        return none("of no customer is enough known for a score.")
    if "group" in table:
        means = known.groupby("group", sort=False)["score"].mean()
        worst = str(means.idxmin())
        text = f"is the mean score of {worst}, the lowest of {counted(len(means), 'group')}."
        return Sentence(plain(means[worst], 0), text)
    red = known[known["band"] == "red"]
    text = f"of {counted(len(known), 'customer')} with a score {'is' if len(red) == 1 else 'are'} red{when}"
    reasons = red["top_reason"].value_counts()
    if len(reasons):
        most = sorted(reasons[reasons == reasons.max()].index)[0]
        text += f"; what costs them most is {most} ({count(reasons.max())})"
    unknown = len(table) - len(known)
    if unknown:
        text += f"; of {count(unknown)} more too little is known"
    return Sentence(count(len(red)), f"{text}.")


def lift_foot(table: pd.DataFrame) -> list[str]:
    """Rate over rate."""
    lines = [f"Lift = share of those with the {_end(table)} scores who left / share of all who left."]
    if not len(table):
        return lines
    row = table.iloc[0]
    if not numbers.is_missing(row["lift"]):
        lines.append(f"{_rate(row['rate'])} / {_rate(row['base_rate'])} = {plain(row['lift'], 2)}.")
    unscored = setting(table, "unscored", 0)
    return [*lines, f"Left out: {count(unscored)} without a score." if unscored else ""]


def _end(table: pd.DataFrame) -> str:
    return "lowest" if setting(table, "lowest") else "highest"


def quality_foot(table: pd.DataFrame) -> list[str]:
    """Precision and recall with their figures, of the row that the sentence tells of."""
    lines = [
        "Precision = alerted who left / alerted; recall = alerted who left / all who left; lift = precision / base."
    ]
    if not len(table):
        return lines
    row, of = _judged(table)
    if not numbers.is_missing(row["precision"]):
        hit = round(row["precision"] * row["alerted"])
        recall = f"; {quotient(hit, row['churned'])}" if row["churned"] else ""
        lines.append(
            f"{quotient(hit, row['alerted'])}{recall}{f', {of}' if of else ''}. {level(table)} Wilson intervals."
        )
    return lines


def score_foot(table: pd.DataFrame) -> list[str]:
    """The weights, and the first score that there is."""
    low, high = setting(table, "bands", [40, 70])
    lines = [f"Score = Σ weight × measure / Σ weight; red below {plain(low)}, green from {plain(high)}."]
    weights = setting(table, "weights")
    if weights:
        lines.append(f"Weights: {', '.join(weights)}.")
    low_coverage = int(table["score"].isna().sum())
    if low_coverage:
        least = with_unit(percent(float(setting(table, "min_coverage", 0.5)), 0))
        lines.append(
            f"No score for {count(low_coverage)} of whom less than {least} of the weight, or nothing, is known."
        )
    return lines


def _rate(value: float) -> str:
    return with_unit(percent(value)) if not numbers.is_missing(value) else numbers.MISSING


def changes_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """By how much the number moved at the change with which it moved most, and with what it cannot be told apart."""
    known = table[table["difference"].notna()]
    if not len(known):
        return none("no change has been watched for long enough." if len(table) else "nothing was changed.")
    row = known.iloc[int(known["difference"].abs().argmax())]
    scale = 100 if is_share(table) else 1
    moved = Estimate.of(row, "difference", scale)
    limits = f"({signed(moved.low, moved.decimals)} to {signed(moved.high, moved.decimals)})"
    name = str(setting(table, "value", "the number")).replace("_", " ")
    name = name if name.startswith("the ") else f"the {name}"
    group = group_of(table, row)
    name += f" of {group}" if group else ""
    was, then = (plain(scale * row[side], moved.decimals) for side in ("before", "after"))
    alpha = 1 - float(setting(table, "confidence", 0.95))
    unsure = moved.low <= 0 <= moved.high or row.get("p_adjusted", 0) >= alpha  # the largest of several by chance
    chance = ", which may be chance" if unsure else ""
    if setting(table, "trend") == "linear":  # the step is not the difference of the two means
        told = f"{row['change_id']}, beyond its trend {limits}{chance}; the mean was {was} before and {then} after"
    else:
        told = f"{row['change_id']} {limits}, from {was} to {then}{chance}"
    text = f"{'points ' * (scale > 1)}is how {name} moved with {told}"
    if not numbers.is_missing(row["confounded_with"]):
        text += f"; it cannot be told apart from {row['confounded_with']}"
    return Sentence(signed(moved.value, moved.decimals), f"{text}. No proof of cause.", "", [limits])


def is_share(table: pd.DataFrame) -> bool:
    """Whether the number that changes are set beside is a rate of 0 to 1."""
    return str(setting(table, "value", "")).endswith("_rate")


def changes_foot(table: pd.DataFrame) -> list[str]:
    """Mean after minus mean before, of the last change that has both."""
    window = setting(table, "window", "the window")
    lines = [f"Difference = mean over {window} from the change on {numbers.MINUS} mean over {window} before it."]
    if setting(table, "trend") == "linear":
        lines = [f"Difference = step in a straight line through {window} before the change and {window} from it on."]
    known = table[table["difference"].notna()]
    if len(known) and setting(table, "trend") != "linear":
        row, scale = known.iloc[-1], 100 if is_share(table) else 1
        was = plain(scale * row["before"], 2)
        worked = f"{plain(scale * row['after'], 2)} {numbers.MINUS} {f'({was})' if row['before'] < 0 else was}"
        told = ", ".join(filter(None, (str(row["change_id"]), group_of(table, row))))
        moved = f"{signed(scale * row['difference'], 2)}{' points' * (scale > 1)}, {told}"
        lines.append(f"{worked} = {moved}. {level(table)} Welch interval.")
    if setting(table, "trend") == "linear":
        lines.append(f"{level(table)} interval by Student's t. Before and after are means, with the line in them.")
    tested = int(known["p_adjusted"].notna().sum()) if "p_adjusted" in known else 0
    if tested > 1:
        what = "comparisons, all changes in all groups" if groups_of(table) else "changes"
        lines.append(f"p: allowed for {count(tested)} {what}, one of which may well move by chance alone.")
    return lines


def alerts_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many customers show a sign of leaving, which signs, and with what money."""
    fired = table[table["alert"].astype(bool)]
    if not len(fired):
        return none("no customer shows a sign of leaving.")
    customers = fired.drop_duplicates("customer_id")
    signs = fired["rule"].value_counts(sort=False)
    one = len(customers) == 1
    text = f"customer{'' if one else 's'} show{'s' if one else ''} a sign of leaving: "
    text += ", ".join(f"{_words(rule)} {count(n)}" for rule, n in signs.items())
    currency = setting(table, "currency")
    if currency and customers["mrr_at_risk"].notna().all():  # amounts of two currencies are never added
        text += f"; they pay {currency} {plain(customers['mrr_at_risk'].sum(), 0)} a month"
    return Sentence(count(len(customers)), f"{text}.")


def alerts_foot(table: pd.DataFrame) -> list[str]:
    """What counts as a fall of use, and who is not named."""
    lines = []
    rules = setting(table, "rules", [])
    if "usage_drop" in rules:
        least = with_unit(percent(float(setting(table, "min_drop", 0.5)), 0))
        lines.append(
            f"Usage drop = 1 {numbers.MINUS} events of the last 7 days / mean week of the {setting(table, 'baseline')} "
            f"before, told from {least} on."
        )
    skipped, outside = setting(table, "skipped", 0), setting(table, "outside", 0)
    if skipped:
        lines.append(f"Silent on {count(skipped)}: paused, too new, too little use to judge, or told of lately.")
    if outside:
        lines.append(f"Left out: {count(outside)} of customers without a running subscription.")
    return [*lines, "A sign, and no forecast."]


def status_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Of how many customers something is to be heeded, and what most often."""
    flagged = table["flags"].dropna().str.split(", ")
    if not len(table):
        return none("there is no customer.")
    if len(table) == 1:
        return _one_said(table)
    text = f"of {counted(len(table), 'customer')} {'has' if len(flagged) == 1 else 'have'} "
    kinds = flagged.explode().value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if not len(kinds):
        return Sentence(count(0), f"{text}something to heed.")
    text += "something to heed: " + ", ".join(f"{_words(flag)} {count(n)}" for flag, n in kinds.items())
    return Sentence(count(len(flagged)), f"{text}.")


def _one_said(table: pd.DataFrame) -> Sentence:
    """How long one customer has been here, for how much, how active, and what is to be heeded."""
    row, currency = table.iloc[0], setting(table, "currency")
    said = []
    if not numbers.is_missing(row["mrr"]):
        said.append(f"paying {currency + ' ' if currency else ''}{plain(row['mrr'], 0)} a month")
    if not numbers.is_missing(row["days_since_active"]):
        days = row["days_since_active"]
        said.append(f"last active {counted(days, 'day')} ago")
    if not numbers.is_missing(row["nps_band"]):
        said.append(f"a {row['nps_band']} by the last answer")
    heed = "" if numbers.is_missing(row["flags"]) else ", ".join(_words(f) for f in str(row["flags"]).split(", "))
    text = f"days is {row['customer_id']} with us{''.join(f', {part}' for part in said)}"
    tenure = numbers.MISSING if numbers.is_missing(row["tenure_days"]) else count(row["tenure_days"])
    return Sentence(tenure, f"{text}; {'to heed: ' + heed if heed else 'nothing to heed'}.")


def status_foot(table: pd.DataFrame) -> list[str]:
    """From when to when, and what belongs to nobody in the table."""
    lines = [f"As it stood just before {setting(table, 'as_of', 'the last instant')}; days from date to date."]
    outside = setting(table, "outside", 0)
    if outside:
        lines.append(
            f"Left out: {counted(outside, 'row')} of use, answers, tickets and invoices without a customer here."
        )
    return lines


def _words(code: object) -> str:
    return str(code).replace("_", " ")
