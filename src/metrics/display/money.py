"""What do tables of recurring revenue and of churn of contracts say? Their sentences, and the figures at their feet."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.comparisons import groups_said, lasts, periods_said, when_told
from metrics.display.estimates import Estimate, Sentence, none
from metrics.display.kinds import groups_of, has_groups, parts, setting
from metrics.display.numbers import count, counted, percent, plain, share, signed, with_unit
from metrics.display.worked import last_complete, last_of_groups, last_of_largest, level, quotient, whose

_MOVES = ("new", "reactivation", "expansion", "contraction", "churn", "pause", "resume", "fx")
_NO_CURRENCY = "without a currency"
_SPOKEN = {"reactivation": "from who came back", "fx": "rates of exchange", "new": "new", "pause": "paused"}


def revenue_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """MRR at the end of the last finished period, of the largest group, and what moved it most."""
    rows = [row for _, row in last_of_groups(table, "closing")]
    if not rows:
        return none("no period is over, so that no balance is final.")
    rows.sort(key=lambda row: -float(row["closing"]))
    row, places = rows[0], numbers.money_decimals([float(row["closing"]) for row in rows])
    when = f" of {numbers.period_in_words(row['period_start'], period_length(table))}" if "period_start" in row else ""
    change = float(row["closing"] - row["opening"])
    moved = sorted(((float(row[name]), name) for name in _MOVES if row[name]), key=lambda pair: -abs(pair[0]))
    said = ", ".join(f"{signed(value, places)} {_SPOKEN.get(name, name)}" for value, name in moved[:3])
    word = "as much as" if not change else f"{plain(abs(change), places)} {'more' if change > 0 else 'less'} than"
    whom = counted(row["customers_end"], "customer")
    text = f"of MRR from {whom} at the end{when}, {word} at its start"
    text = text if numbers.is_missing(row["currency"]) else f"{row['currency']} {text}"
    text += f" ({said})" if said else ""
    for other in rows[1:3]:
        names = [str(other[name]) for name in groups_of(table) if name != "currency"]
        of = f" of {', '.join(names)}" if names else ""
        code = f" {_NO_CURRENCY if numbers.is_missing(other['currency']) else other['currency']}"
        text += f"; {plain(other['closing'], places)}{code if table['currency'].notna().any() else ''}{of}"
    return Sentence(plain(row["closing"], places), f"{text}.")


def revenue_foot(table: pd.DataFrame) -> list[str]:
    """The identity, with the figures of the last finished period."""
    lines = ["MRR, start + movements = MRR, end; losses are negative."]
    row = last_of_largest(table, "closing", "closing")
    if row is not None:
        places = numbers.money_decimals([float(row["closing"])])
        moved = "".join(
            f" {'+' if row[name] > 0 else numbers.MINUS} {plain(abs(row[name]), places)}"
            for name in _MOVES
            if row[name]
        )
        said = whose(table, row, period_length(table))
        lines.append(f"{plain(row['opening'], places)}{moved} = {plain(row['closing'], places)}{said}.")
        if row["at_risk"]:
            lines.append(f"{plain(row['at_risk'], places)} of it is past due.")
    restated = table[table["restated"].fillna(False).astype(bool)] if "restated" in table else table[:0]
    if len(restated) and "period_start" in restated:
        length = period_length(table)
        which = sorted(set(restated["period_start"]))
        lines.append(f"Told otherwise when it closed: {', '.join(numbers.period(day, length) for day in which)}.")
    return lines


def _of_currencies(
    table: pd.DataFrame,
    before: pd.DataFrame | None,
    name: str,
    size: str,
    say: Callable[[pd.DataFrame, pd.DataFrame | None], Sentence],
) -> Sentence | None:
    """The largest of several currencies, told by `say`, and the rates of the others; None unless they are the groups.

    Currencies are no rivals: the highest rate of them says little where it is that of a few customers.
    """
    if groups_of(table) != ["currency"] or len(parts(table)) < 2:
        return None
    rows = last_of_groups(table, name)
    if not rows:
        return None
    rows.sort(key=lambda pair: -float(pair[1][size]))
    code = rows[0][0]

    def of(whole: pd.DataFrame | None) -> pd.DataFrame | None:
        if whole is None or "currency" not in whole:
            return whole
        part = whole[whole["currency"].fillna("(missing)") == code].drop(columns="currency")
        part.attrs = whole.attrs
        return part

    mine = of(table)
    said = say(table if mine is None else mine, of(before))
    others = "".join(f"; {with_unit(percent(row[name]))} {_in_currency(other)}" for other, row in rows[1:3])
    return replace(said, text=f"{_in_currency(code)}, {said.text.removesuffix('.')}{others}.")


def _in_currency(code: str) -> str:
    return _NO_CURRENCY if code == "(missing)" else f"in {code}"


def kept_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """GRR of the last finished span, and NRR beside it."""
    currencies = _of_currencies(table, before, "grr", "opening", kept_said)
    if currencies is not None:
        return currencies
    if has_groups(table):
        return groups_said(lasts(table, "grr"), "grr", "keep their money")

    kept = periods_said(
        table, before, "grr",
        lambda row, when: (
            f"of the MRR of {counted(row['customers_start'], 'customer')} was kept{' in ' + when if when else ''}"
        ),
    )  # fmt: skip
    row = last_complete(table, "nrr")
    if row is None:
        return kept
    growth = Estimate.of(row, "nrr")
    text = f"{kept.text.removesuffix('.')}; with growth {with_unit(growth.number())} {growth.limits()}."
    return replace(kept, text=text, intervals=[*kept.intervals, growth.limits()])


def kept_foot(table: pd.DataFrame) -> list[str]:
    """GRR and NRR with the figures of the last finished span."""
    span = setting(table, "span", "the span")
    lines = [
        f"GRR = what the customers of {span} before still pay, each at most what it paid then / what they paid then."
    ]
    row = last_of_largest(table, "grr", "opening")
    if row is not None:
        places = numbers.money_decimals([float(row["opening"])])
        opening = plain(row["opening"], places)
        worked = " and ".join(
            f"{plain(row[name] * row['opening'], places)} / {opening} = {with_unit(percent(row[name]))} {name.upper()}"
            for name in ("grr", "nrr")
        )
        lines.append(f"{worked}{whose(table, row, period_length(table))}. {level(table)} intervals over customers.")
    return lines


def contracts_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Churn of the last finished period."""
    currencies = _of_currencies(table, before, "churn_rate", "at_risk", contracts_said)
    if currencies is not None:
        return currencies
    if has_groups(table):
        rows = lasts(table, "churn_rate")
        each = ", every end counted" if _ends(table) else ""
        return groups_said(rows, "churn_rate", f"left in {when_told(table, rows)}{each}")
    return periods_said(table, before, "churn_rate", lambda row, when: _who_left(table, row, when))


def _ends(table: pd.DataFrame) -> bool:
    """Whether ends are counted, of which one customer may have several, in place of customers."""
    return bool(setting(table, "counting") == "events")


def _who_left(table: pd.DataFrame, row: "pd.Series[Any]", when: str) -> str:
    what, over = f"{setting(table, 'level', 'customer')}s", str(setting(table, "denominator", "opening"))
    start = f" at the start{' of ' + when if when else ''}"
    there = {
        "opening": f"{what}{start if when else ''}", "average": f"{what} on average{' in ' + when if when else ''}",
    }.get(over, f"{what}{start} and new ones")  # fmt: skip
    if _ends(table):
        return f"as many ends as {there}: {count(row['customers_churned'])} to {count(row['at_risk'])}"
    return f"of {count(row['at_risk'])} {there} {'left' if what == 'customers' else 'ended'}"


def contracts_foot(table: pd.DataFrame) -> list[str]:
    """Churned of those at risk, and of the money."""
    what, over = f"{setting(table, 'level', 'customer')}s", str(setting(table, "denominator", "opening"))
    named = {"opening": f"{what} at the start", "average": f"mean of {what} at start and end"}
    gone = "ends" if _ends(table) else "customers who left" if what == "customers" else f"{what} that ended"
    formula = f"Churn = {gone} / " + named.get(over, f"{what} at the start and new ones")
    sure = not _ends(table) and over != "average"
    return _worked(table, formula, "churn_rate", "customers_churned", "at_risk", sure=sure)


def renewals_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Of the terms that ended, those not renewed."""
    if has_groups(table):
        return groups_said(lasts(table, "rate_of_due"), "rate_of_due", "were not renewed")
    return periods_said(
        table, before, "rate_of_due",
        lambda row, when: (
            f"of {counted(row['due'], 'term')} that ended{' in ' + when if when else ''} were not renewed"
        ),
    )  # fmt: skip


def renewals_foot(table: pd.DataFrame) -> list[str]:
    return _worked(table, "Rate = terms not renewed / terms that ended", "rate_of_due", "not_renewed", "due")


def lasting_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The share still there after the last period followed, of several groups the most and the least."""
    if has_groups(table):
        last = pd.DataFrame([dict(part.iloc[-1]) | {"group": name} for name, part in parts(table)])
        after = f"after {counted(last['period'].iloc[0], setting(table, 'period', 'period'))}"
        return groups_said(last, "kept_rate", f"still had their contract {after}")
    known = table[table["kept_rate"].notna()]
    if not len(known):
        return none("too few began long enough ago to say how long contracts last.")
    row, length = known.iloc[-1], setting(table, "period", "period")
    kept, number = Estimate.of(row, "kept_rate"), int(row["period"])
    text = f"of {count(row['customers'])} who began still had their contract after {counted(number, length)}"
    text += f" {kept.limits()}"
    if row["too_recent"]:
        text += f"; {count(row['too_recent'])} began too recently to be watched for so long"
    return Sentence(kept.number(), f"{text}.", "%", [kept.limits()])


def lasting_foot(table: pd.DataFrame) -> list[str]:
    """The last share worked out."""
    length, known = setting(table, "period", "period"), table[table["kept_rate"].notna()]
    lines = [f"Renewed: of those still there a {length} before. Who comes back later has left."]
    if len(known):
        row = known.iloc[-1]
        worked = quotient(row["active"], row["customers"])
        lines.insert(
            0, f"Still there / all who began: {worked}, {length} {int(row['period'])}{whose(table, row, None)}."
        )
        lines.append(f"{level(table)} Wilson intervals.")
    return lines


def reasons_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Whose choice the ends were, over the whole table."""
    churned = float(table["customers"].sum() - table["not_churn"].sum())
    if not churned:
        return none("nobody left, so that there are no reasons.")
    by_choice, failed = float(table["voluntary"].sum()), float(table["involuntary"].sum())
    text = f"of {count(churned)} who left went by choice, {share(failed, churned)} because a payment failed"
    unknown = float(table["unknown"].sum())
    text += f"; of {count(unknown)} it is not known" if unknown else ""
    return Sentence(percent(by_choice / churned, 0), f"{text}.", "%")


def reasons_foot(table: pd.DataFrame) -> list[str]:
    total = table[["customers", "voluntary", "involuntary", "dispute", "unknown", "not_churn"]].sum()
    return [
        "Who ended it decides; the system counts as involuntary only with an invoice unpaid. All = voluntary + "
        "involuntary + dispute + unknown + foreseen: "
        f"{count(total['customers'])} = {' + '.join(count(value) for value in total.iloc[1:])}."
    ]


def trials_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Of the trials that ended, those that became customers."""
    if has_groups(table):
        return groups_said(lasts(table, "conversion_rate"), "conversion_rate", "became customers")
    return periods_said(
        table, before, "conversion_rate",
        lambda row, when: (
            f"of {counted(row['ended'], 'trial')}{' of ' + when if when else ''} that ended became customers"
        ),
    )  # fmt: skip


def trials_foot(table: pd.DataFrame) -> list[str]:
    return _worked(table, "Conversion = converted / trials that ended", "conversion_rate", "converted", "ended")


def pauses_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Who paused and came back, beside who cancelled and came back."""
    row = last_complete(table, "resume_rate")
    if row is None:
        row = last_complete(table, "take_rate")
        if row is None:
            return none("too few asked to cancel, so that nothing can be said of the pause.")
        rate = Estimate.of(row, "take_rate")
        text = f"of {count(row['entered'])} who asked to cancel paused instead {rate.limits()}."
        return Sentence(rate.number(), text, "%", [rate.limits()])
    rate = Estimate.of(row, "resume_rate")
    within = setting(table, "follow_up", "the time")
    text = f"of {count(row['paused_followed'])} who paused were active again within {within} {rate.limits()}"
    limits = [rate.limits()]
    if not numbers.is_missing(row["return_rate"]):
        back = Estimate.of(row, "return_rate")
        text += f"; of {count(row['cancelled_followed'])} who cancelled, {with_unit(back.number())} {back.limits()}"
        limits.append(back.limits())
    return Sentence(rate.number(), f"{text}.", "%", limits)


def pauses_foot(table: pd.DataFrame) -> list[str]:
    within = setting(table, "follow_up", "the time")
    lines = _worked(
        table, f"Active again = within {within} of the pause / paused and watched for as long",
        "resume_rate", "resumed", "paused_followed",
    )  # fmt: skip
    return [*lines, "They chose for themselves: an association, not an effect of the offer."]


def payments_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Of the invoices that failed, those paid after all."""
    if has_groups(table):
        return groups_said(lasts(table, "recovery_rate"), "recovery_rate", "were paid after all")

    def say(row: "pd.Series[Any]", when: str) -> str:
        of = share(row["failed"], row["invoices"])
        many = f"{of} of all{', ' + when if when else ''}"
        return f"of {counted(row['failed'], 'invoice')} that failed at first ({many}) were paid after all"

    return periods_said(table, before, "recovery_rate", say)


def payments_foot(table: pd.DataFrame) -> list[str]:
    return _worked(
        table, "Recovered = failed at first and paid by a later attempt / failed at first",
        "recovery_rate", "recovered", "failed",
    )  # fmt: skip


def curve_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Of the invoices that failed, those paid by the end of the follow-up."""
    rows = [(name, part.iloc[-1]) for name, part in parts(table) if len(part)]
    if len(rows) > 1:
        ends = pd.DataFrame([{**row.to_dict(), "group": name} for name, row in rows])
        return groups_said(ends, "recovery_rate", "were paid after all")
    if not rows or numbers.is_missing(rows[0][1]["recovery_rate"]):
        return none("too few failed long enough ago, so that nothing can be said of their recovery.")
    row = rows[0][1]
    rate = Estimate.of(row, "recovery_rate")
    text = f"of {counted(row['failed'], 'invoice')} that failed at first were paid within {counted(row['days'], 'day')}"
    return Sentence(rate.number(), f"{text} {rate.limits()}.", "%", [rate.limits()])


def curve_foot(table: pd.DataFrame) -> list[str]:
    lines = [
        "Recovered = paid within so many days of the first attempt / failed at first and watched for all "
        f"{setting(table, 'follow_up', 'of the time')}. {level(table)} Wilson intervals."
    ]
    recent = sum(int(part["too_recent"].iloc[0]) for _, part in parts(table) if len(part))
    return [*lines, f"{count(recent)} that failed later are in no share."] if recent else lines


def cards_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many cards end soon, and what hangs on them; those that have ended apart."""
    many = table["state"].value_counts()
    soon = table[table["state"] == "expiring"]
    text = f"{'card ends' if len(soon) == 1 else 'cards end'} within {setting(table, 'within', 'the time')}"
    if "mrr_at_risk" in table:
        money = soon.groupby("currency", dropna=False)["mrr_at_risk"].sum()
        money = money[money > 0].sort_values(ascending=False)
        said = [
            f"{plain(value, numbers.money_decimals([float(value)]))}{'' if numbers.is_missing(code) else f' {code}'}"
            for code, value in money.items()
        ]
        text += f", with {' and '.join(said)} of MRR" if said else ""
    text += f"; {count(many['expired'])} ended before" if many.get("expired") else ""
    text += f"; of {count(many['unknown'])} the end is not known" if many.get("unknown") else ""
    return Sentence(count(len(soon)), f"{text}.")


def cards_foot(table: pd.DataFrame) -> list[str]:
    return ["A card is good to the last day of its month. Of several cards the one that ends last counts."]


def _worked(
    table: pd.DataFrame, formula: str, rate: str, part: str, whole: str, *, sure: bool = True
) -> list[str]:  # fmt: skip
    row = last_of_largest(table, rate, whole)
    if row is None:
        return [f"{formula}.", "No period is finished with enough to say."]
    return [
        f"{formula}: {quotient(row[part], row[whole])}{whose(table, row, period_length(table))}."
        + (f" {level(table)} Wilson intervals." if sure else " It is no share, and has no interval.")
    ]


SAID = {
    "mrr_rollforward": revenue_said,
    "revenue_retention": kept_said,
    "subscription_churn": contracts_said,
    "renewal_churn": renewals_said,
    "contract_retention": lasting_said,
    "churn_reasons": reasons_said,
    "trial_conversion": trials_said,
    "pause_outcomes": pauses_said,
    "payment_recovery": payments_said,
    "recovery_curve": curve_said,
    "expiring_cards": cards_said,
}
FEET = {
    "mrr_rollforward": revenue_foot,
    "revenue_retention": kept_foot,
    "subscription_churn": contracts_foot,
    "renewal_churn": renewals_foot,
    "contract_retention": lasting_foot,
    "churn_reasons": reasons_foot,
    "trial_conversion": trials_foot,
    "pause_outcomes": pauses_foot,
    "payment_recovery": payments_foot,
    "recovery_curve": curve_foot,
    "expiring_cards": cards_foot,
}
