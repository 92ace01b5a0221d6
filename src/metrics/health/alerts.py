"""Which customers may leave, why, and what to do? Rules over use, money and answers, each with its evidence.

A rule is simple on purpose: who reads the alert can check it. Whether the rules were right is `alert_quality`'s.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd

from metrics.files import EventTableError
from metrics.files.values import id_texts, truths
from metrics.health.signals import (
    DETRACTOR,
    customers_with_subscriptions,
    date_of,
    last_answers,
    local_days,
    need,
    of_customer,
    overdue_of,
    usage_drops,
    use_of,
)
from metrics.periods import DAY, When, duration, instant, spoken
from metrics.results import result
from metrics.revenue.book import NEVER, times
from metrics.steps import unknown

RULES = {  # the table that each rule reads, and what to do when it fires
    "usage_drop": ("events", "Ask what has changed, and offer a session on what they used before."),
    "card_expired": ("payment_methods", "Ask for a new card before the next invoice fails."),
    "card_expiring": ("payment_methods", "Remind them to renew the card."),
    "overdue_invoice": ("invoices", "Ask whether the invoice has arrived, and who pays it."),
    "nps_detractor": ("responses", "Call them, and close the loop on what they wrote."),
    "renewal_due": ("subscriptions", "Agree on the renewal: go through what they got and what comes next."),
}
_RESULT = ["customer_id", "rule", "alert", "value", "threshold", "evidence", "playbook", "mrr_at_risk", "reason"]


def churn_alerts(
    *,
    as_of: When,
    rules: Sequence[str] | None = None,
    customer_id: str | None = None,
    events: pd.DataFrame | None = None,
    subscriptions: pd.DataFrame | None = None,
    invoices: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    payment_methods: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
    baseline: str = "4 weeks",
    min_drop: float = 0.5,
    min_baseline: float = 5,
    expires_within: str = "30 days",
    renewal_within: str = "60 days",
    cooldown: str = "14 days",
    show_skipped: bool = False,
    tz: str = "UTC",
) -> pd.DataFrame:
    """Which customers show a sign of leaving, on what evidence, and how much money is at risk?

    Parameters
    ----------
    as_of
        First moment not observed: a date in `tz` or an instant.
    rules
        ``"usage_drop"`` (`events`): the last 7 days, by the clocks of `tz`, against the mean week of `baseline` before;
        ``"card_expired"``, ``"card_expiring"`` (`payment_methods`): the card that lasts longest has ended, or ends
        within `expires_within`; ``"overdue_invoice"`` (`invoices`): due before `as_of` and not paid;
        ``"nps_detractor"`` (`responses`): the last answer is 0 to 6; ``"renewal_due"`` (`subscriptions`, with
        ``renews_at``): the next renewal is within `renewal_within`. Default: all whose table is given.
    customer_id
        Only this customer.
    events
        Event table; ``user_id`` is the customer.
    subscriptions
        Subscriptions or MRR lines. Where given, only customers who are still active, past due or paused have alerts.
    invoices
        ``customer_id``, ``due_at``, ``paid_at``.
    responses
        ``score`` (0 to 10), ``answered_at`` and ``account_id`` (the customer), else ``respondent_id``.
    payment_methods
        ``customer_id``, ``exp_month``, ``exp_year``; a card ends with the last day of its month.
    previous
        Earlier alerts: ``customer_id``, ``rule``, ``at`` (the `as_of` they were told for; UTC where it has no zone)
        and, where skipped ones are among them, ``alert``. Without it there is no cool-down.
    baseline, min_drop, min_baseline
        Time before the last 7 days; share by which use must have fallen; events that a mean week must have.
    expires_within, renewal_within
        Time from `as_of`, counted in local dates; its last day is in.
    cooldown
        A rule that alerted a customer less than this ago is silent.
    show_skipped
        Whether to show, with ``alert`` false, the customers of whom a rule says nothing, and why.
    tz
        Zone of dates.

    Returns
    -------
    DataFrame, one row per customer and rule, by customer, then in the order of `rules`
        customer_id
        rule         text
        alert        bool    false only with `show_skipped`
        value        number  usage_drop: share lost; cards: days to the last day (below 0: since); overdue_invoice:
                             invoices; nps_detractor: score; renewal_due: days; NA where use is skipped
        threshold    number  the limit that `value` reaches
        evidence     text    the facts in one line; NA where use is skipped
        playbook     text    what to do; NA where skipped
        mrr_at_risk  money   MRR just before `as_of`; NA without `subscriptions`
        reason       text    ``paused`` (within the last 7 days), ``too_new`` (paying, or without `subscriptions` seen,
                             for less than `baseline` and 7 days), ``baseline_too_small``, ``cooldown``; of an alert
                             ``mrr_at_risk: mixed_currencies``

    Raises
    ------
    ValueError
        A rule that does not exist, a rule without its table, a column that is missing, a limit out of range.
    EventTableError
        Times without a zone or missing, a card without a month.

    Notes
    -----
    An alert is a sign and no forecast. Keep what was told, with its `as_of` as ``at``: it is the `previous` of the next
    run, and `alert_quality` holds it against who left.

    Examples
    --------
    >>> due = pd.to_datetime(["2026-05-27", "2026-05-20", "2026-06-01"], utc=True)
    >>> invoices = pd.DataFrame({"customer_id": ["ann", "ann", "ben"], "due_at": due, "paid_at": pd.NaT})
    >>> alerts = churn_alerts(as_of="2026-06-01", rules=["overdue_invoice"], invoices=invoices)
    >>> alerts[["customer_id", "rule", "value"]]
      customer_id             rule  value
    0         ann  overdue_invoice    2.0
    >>> alerts["evidence"].item()
    '2 invoices unpaid, the oldest due on 2026-05-20'
    """
    given = {
        "events": events, "subscriptions": subscriptions, "invoices": invoices, "responses": responses,
        "payment_methods": payment_methods,
    }  # fmt: skip
    if rules is None:
        rules = [rule for rule, (table, _) in RULES.items() if given[table] is not None]
        if subscriptions is not None and "renews_at" not in subscriptions:
            rules.remove("renewal_due")
    rules = [rules] if isinstance(rules, str) else list(dict.fromkeys(rules))
    for rule in rules:
        if rule not in RULES:
            raise ValueError(unknown("rules", rule, RULES, "a rule", "names"))
        if given[RULES[rule][0]] is None:
            raise ValueError(f"rules: {rule!r} needs {RULES[rule][0]}. Give the table, or leave the rule out.")
    if not rules:
        raise ValueError(f"rules is empty. Name some of {', '.join(RULES)}, and give their tables.")
    if not 0 < min_drop <= 1:
        raise ValueError(f"min_drop: {min_drop!r} is not a share above 0. Use 0.5 for a fall by half.")
    if not 0 < min_baseline < np.inf:
        raise ValueError(f"min_baseline: {min_baseline!r} is not above 0. Use 5 for five events in a mean week.")
    end = instant(as_of, tz=tz)
    today = int(local_days(np.array([end]), tz)[0])
    expires, renews = (
        duration(text, name=name) / DAY
        for name, text in (("expires_within", expires_within), ("renewal_within", renewal_within))
    )
    customers = None
    if subscriptions is not None:
        if customer_id is not None:
            subscriptions = of_customer(subscriptions, customer_id)
        if "renewal_due" in rules:
            need("subscriptions", subscriptions, ["renews_at"])
        customers = customers_with_subscriptions(subscriptions, as_of=as_of, tz=tz)

    def usage() -> pd.DataFrame:
        use = use_of(_table(events), as_of=end, baseline=baseline, tz=tz)
        least = {"min_drop": min_drop, "min_baseline": min_baseline}
        drops = usage_drops(use, customers, as_of=end, baseline=baseline, tz=tz, **least)
        drops = drops[drops["fired"] | drops["reason"].notna()]
        said = [
            f"{_many(last, 'event')} in the last 7 days, {mean:.4g} in a mean week of the {baseline} before"
            for last, mean in zip(drops["last_week"], drops["mean_week"], strict=True)
        ]
        found = _found(drops["drop"], min_drop, said)
        return found.assign(evidence=found["evidence"].mask(drops["reason"].notna()), reason=drops["reason"])

    @cache
    def days_left() -> pd.Series:
        return _cards(_table(payment_methods)) - today

    def cards(expired: bool) -> pd.DataFrame:
        left = days_left()
        left = left[left < 0] if expired else left[(left >= 0) & (left <= expires)]
        said = [f"the card {'ended' if expired else 'ends'} on {date_of(today + days)}" for days in left]
        return _found(left, -1 if expired else expires, said)

    def overdue() -> pd.DataFrame:
        found = overdue_of(_table(invoices), end)
        oldest = local_days(found["oldest"].to_numpy(np.int64), tz)
        said = [
            f"{_many(count, 'invoice')} unpaid, {'due' if count == 1 else 'the oldest due'} on {date_of(day)}"
            for count, day in zip(found["invoices"], oldest, strict=True)
        ]
        return _found(found["invoices"], 1, said)

    def detractors() -> pd.DataFrame:
        found = last_answers(_table(responses), end)
        found = found[found["score"] <= DETRACTOR]
        days = local_days(found["time"].to_numpy(np.int64), tz)
        said = [f"answered {score:g} on {date_of(day)}" for score, day in zip(found["score"], days, strict=True)]
        return _found(found["score"], DETRACTOR, said)

    def renewals() -> pd.DataFrame:
        known = _table(customers)
        known = known[known["renewal"] != NEVER]
        left = pd.Series(local_days(known["renewal"].to_numpy(np.int64), tz) - today, index=known.index)
        left = left[left <= renews]
        return _found(left, renews, [f"renews on {date_of(today + days)}" for days in left])

    run: dict[str, Callable[[], pd.DataFrame]] = {
        "usage_drop": usage,
        "card_expired": lambda: cards(True),
        "card_expiring": lambda: cards(False),
        "overdue_invoice": overdue,
        "nps_detractor": detractors,
        "renewal_due": renewals,
    }
    table = pd.concat({rule: run[rule]() for rule in rules}, names=["rule", "customer_id"]).reset_index()
    table["place"] = table["rule"].map(rules.index)
    table["customer_id"] = id_texts(table["customer_id"])
    outside = 0
    if customers is None:
        table["mrr_at_risk"] = np.nan
    else:
        known = table["customer_id"].isin(customers.index[customers["here"]])
        outside = int((~known).sum())
        table = table[known].assign(mrr_at_risk=lambda t: t["customer_id"].map(customers["mrr"]))
        mixed = table["mrr_at_risk"].isna() & table["reason"].isna()
        table["reason"] = table["reason"].mask(mixed, "mrr_at_risk: mixed_currencies")
    if customer_id is not None:
        table, outside = table[table["customer_id"] == str(customer_id)], 0
    skipped = table["reason"].notna() & ~table["reason"].str.startswith("mrr_at_risk").fillna(False).astype(bool)
    quiet = ~skipped & _told(table, previous, end, duration(cooldown, name="cooldown"))
    table["reason"] = table["reason"].mask(quiet, "cooldown")
    table["alert"] = (~skipped & ~quiet).astype(bool)
    table["playbook"] = table["rule"].map({rule: step for rule, (_, step) in RULES.items()}).where(table["alert"])
    held = int((~table["alert"]).sum())
    if not show_skipped:
        table = table[table["alert"]]
    table = table.sort_values(["customer_id", "place"], kind="stable").astype({
        "value": "float64", "threshold": "float64", "mrr_at_risk": "float64", "rule": "str", "evidence": "str",
        "playbook": "str", "reason": "str",
    })  # fmt: skip
    settings = {
        "rules": rules, "baseline": baseline, "min_drop": float(min_drop), "min_baseline": float(min_baseline),
        "expires_within": expires_within, "renewal_within": renewal_within, "cooldown": cooldown,
        "as_of": spoken(end, tz), "tz": tz, "skipped": held, "outside": outside,
        "currency": None if customers is None else customers.attrs["currency"],
    }  # fmt: skip
    definition = (
        f"Customers with a sign of leaving at {spoken(end, tz)} ({', '.join(rules)}), with their MRR; "
        f"{'silent for ' + cooldown + ' after an alert' if previous is not None else 'no cool-down'}."
    )
    return result(table, metric="churn_alerts", definition=definition, settings=settings, columns=_RESULT)


def _table(table: pd.DataFrame | None) -> pd.DataFrame:
    """The table of a rule, whose presence is checked before any rule runs."""
    return pd.DataFrame() if table is None else table


def _found(value: pd.Series, threshold: float, evidence: list[str]) -> pd.DataFrame:
    return pd.DataFrame({
        "value": value.astype(float), "threshold": float(threshold),
        "evidence": pd.Series(evidence, index=value.index, dtype="str"),
        "reason": pd.Series(pd.NA, index=value.index, dtype="str"),
    })  # fmt: skip


def _cards(methods: pd.DataFrame) -> pd.Series:
    """Last day of the card of each customer that lasts longest, as a number."""
    need("payment_methods", methods, ["customer_id", "exp_month", "exp_year"])
    month, year = (pd.to_numeric(methods[name], errors="coerce").to_numpy(float) for name in ("exp_month", "exp_year"))
    good = (month >= 1) & (month <= 12) & (month % 1 == 0) & (year >= 1970) & (year < 10_000) & (year % 1 == 0)
    good &= methods["customer_id"].notna().to_numpy()
    if not good.all():
        first = int(np.argmin(good))
        raise EventTableError(
            f"payment_methods: {int((~good).sum()):,} of {len(good):,} rows have no customer, month (1 to 12) or year "
            f"of four digits (first: row {first}). Mend them or leave them out."
        )
    after = ((year - 1970) * 12 + month).astype(np.int64).view("M8[M]")
    last = after.astype("M8[D]").view(np.int64) - 1
    days = pd.Series(last, index=pd.Index(id_texts(methods["customer_id"]), name="customer_id"))
    return days.groupby(level=0).max()


def _told(table: pd.DataFrame, previous: pd.DataFrame | None, end: int, cooldown: int) -> pd.Series:
    """Whether the same rule alerted the same customer less than `cooldown` before."""
    if previous is None:
        return pd.Series(False, index=table.index)
    need("previous", previous, ["customer_id", "rule", "at"])
    told = previous[truths(previous["alert"]) == 1] if "alert" in previous else previous
    at = times(told.assign(at=pd.to_datetime(told["at"], utc=True)), "at", "previous", needed=True)
    recent = told[(at > end - cooldown) & (at < end)]
    pairs = set(zip(id_texts(recent["customer_id"]), recent["rule"].astype("str"), strict=True))
    rows = zip(table["customer_id"], table["rule"], strict=True)
    return pd.Series([pair in pairs for pair in rows], index=table.index, dtype=bool)


def _many(n: float, what: str) -> str:
    return f"{int(n):,} {what}{'' if n == 1 else 's'}"
