"""What is known of each customer at one instant: money, use, unpaid invoices, the last answer.

`alerts` and `status` read the same signals here, so that a page of a customer never contradicts an alert.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.intervals import Floats
from metrics.periods import DAY, Ints, When, duration, instants, local_time
from metrics.revenue.book import ACTIVE, NEVER, PAST_DUE, PAUSED, read_book, times
from metrics.revenue.money import coins, from_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.steps import unknown
from metrics.surveys.churned import answers_of_accounts

WEEK = 7 * DAY
DETRACTOR = 6


def need(name: str, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table that lacks a column."""
    for column in columns:
        if column not in table:
            raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))


def of_customer(subscriptions: pd.DataFrame, customer_id: str) -> pd.DataFrame:
    """The rows of one customer, of whom there must be some."""
    need("subscriptions", subscriptions, ["customer_id"])
    names = id_texts(subscriptions["customer_id"])
    if not names.eq(str(customer_id)).any():
        known = sorted(names.dropna().unique())
        raise ValueError(unknown("customer_id", str(customer_id), known, "a customer of subscriptions", "customers"))
    return subscriptions[names.eq(str(customer_id))]


def local_days(time: Ints, tz: str) -> Ints:
    """Number of the local day of each instant."""
    days: Ints = local_time(np.asarray(time, np.int64), tz) // DAY
    return days


def date_of(day: int) -> str:
    """``2026-03-31``."""
    return str(np.datetime64(int(day), "D"))


def of_each(how: np.ufunc, nothing: int, values: np.ndarray, who: Ints, many: int) -> Ints:
    """Sum, least or most of the values of each customer; `who` are their codes, `many` there are."""
    found = np.full(many, nothing, np.int64)
    how.at(found, who, values)
    return found


def customers_with_subscriptions(subscriptions: pd.DataFrame, *, as_of: When, tz: str) -> pd.DataFrame:
    """One row per customer who ever was active, past due or paused, by name; times in microseconds, else `NEVER`.

    ``first`` and ``last``: first start and last end while active or past due; ``here``: still active, past due or
    paused; ``paused``: in a pause within the last 7 days; ``mrr``, ``mrr_90``: just before `as_of` and 90 days earlier,
    missing over two currencies; ``change``: relative, with ``change_reason``; ``renewal``: the next one that is noted.
    """
    span = Range(as_of, tz=tz)
    book = read_book(subscriptions, span=span, policies=Policies(), by=[])
    end = span.observed
    pays, running = np.isin(book.status, (ACTIVE, PAST_DUE)), book.end == NEVER
    renews = times(book.table, "renews_at", "subscriptions")[book.row]
    codes, who = np.unique(book.customer, return_inverse=True)

    def of(how: np.ufunc, nothing: int, values: np.ndarray, rows: np.ndarray) -> Ints:
        return of_each(how, nothing, values[rows], who[rows], len(codes))

    def mrr_at(at: int) -> tuple[Floats, Ints]:
        """MRR just before `at`, missing over two currencies, and the code of its currency (-1: there is none)."""
        there = pays & (book.start < at) & (at <= book.end) & (book.parts > 0)
        currency, lowest = of(np.maximum, -1, book.currency, there), of(np.minimum, NEVER, book.currency, there)
        amount = from_parts(of(np.add, 0, book.parts, there), coins(book.currencies)[np.maximum(currency, 0)])
        return np.where((currency >= 0) & (lowest < currency), np.nan, amount), currency

    (now, currency), (before, other) = mrr_at(end), mrr_at(ago(90 * DAY, end, tz))
    mixed = np.isnan(now) | np.isnan(before) | ((currency >= 0) & (other >= 0) & (currency != other))
    reason = np.select([mixed, before == 0], ["mixed_currencies", "zero_denominator"], "")
    paused = (book.status == PAUSED) & (book.end > ago(WEEK, end, tz))
    table = pd.DataFrame({
        "first": of(np.minimum, NEVER, book.start, pays),
        "last": of(np.maximum, -NEVER, book.end, pays),
        "here": of(np.add, 0, running, running) > 0,
        "paused": of(np.add, 0, paused, paused) > 0,
        "renewal": of(np.minimum, NEVER, renews, pays & running & (renews >= end)),
        "mrr": now,
        "mrr_90": before,
        "change_reason": pd.Series(reason, dtype="str").replace("", pd.NA).array,
        "change": np.divide(now, before, where=~mixed & (before > 0), out=np.full(len(codes), np.nan)) - 1,
    }, index=pd.Index(book.customers[codes], dtype="str", name="customer_id")).sort_index()  # fmt: skip
    paid = book.currencies[np.unique(book.currency)].dropna()
    table.attrs["currency"] = str(paid[0]) if len(paid) == 1 else None
    return table


def ago(span: int, as_of: int, tz: str) -> int:
    """The instant that lies a span before `as_of` on the clocks of `tz`: 7 days are 7 dates where they change too."""
    return int(instants(local_time(np.array([as_of]), tz) - span, tz)[0])


def use_of(events: pd.DataFrame, *, as_of: int, baseline: str, tz: str) -> pd.DataFrame:
    """Per user the events of the last 7 days and of a mean week of `baseline` before, with the first and last one."""
    need("events", events, ["user_id", "timestamp"])
    span = duration(baseline, name="baseline")
    if span < WEEK:
        raise ValueError(f"baseline: {baseline!r} is shorter than a week. Use whole weeks, such as '4 weeks'.")
    time = times(events, "timestamp", "events", needed=True)
    begin, past = ago(WEEK, as_of, tz), time < as_of
    who, names = pd.factorize(id_texts(events["user_id"])[past], sort=True)
    time, who, many = time[past][who >= 0], who[who >= 0], len(names)
    before = np.bincount(who[(time >= ago(WEEK + span, as_of, tz)) & (time < begin)], minlength=many)
    return pd.DataFrame({
        "last_week": np.bincount(who[time >= begin], minlength=many),
        "before": before,
        "first": of_each(np.minimum, NEVER, time, who, many),
        "last": of_each(np.maximum, -NEVER, time, who, many),
        "mean_week": before * (WEEK / span),
    }, index=pd.Index(names, name="customer_id"))  # fmt: skip


def usage_drops(
    use: pd.DataFrame,
    customers: pd.DataFrame | None,
    *,
    as_of: int,
    baseline: str,
    min_drop: float,
    min_baseline: float,
    tz: str,
) -> pd.DataFrame:
    """Who uses it less: ``drop``, ``fired``, and the reason why nothing can be said. Without `customers`, of all users.

    Of customers only who is still here; nobody's absence from the events is left out.
    """
    if customers is None:
        table = use.assign(paused=False)
    else:
        here = customers[customers["here"]]
        table = use.drop(columns="first").reindex(here.index)
        table = table.assign(first=here["first"], paused=here["paused"])
        table[["last_week", "mean_week"]] = table[["last_week", "mean_week"]].fillna(0)
    new = table["first"] > ago(WEEK + duration(baseline, name="baseline"), as_of, tz)
    small = table["mean_week"] < min_baseline
    reason = pd.Series(pd.NA, index=table.index, dtype="str")
    reason = reason.mask(small, "baseline_too_small").mask(new, "too_new").mask(table["paused"], "paused")
    drop = (1 - table["last_week"] / table["mean_week"].where(table["mean_week"] > 0)).mask(reason.notna())
    # A hair of a binary fraction must not decide whether 9 of 10 is a drop of 0.1.
    return table.assign(drop=drop, reason=reason, fired=drop >= min_drop - 1e-9)


def overdue_of(invoices: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Per customer the invoices that were due before `as_of` and not paid by then, and when the oldest was due."""
    need("invoices", invoices, ["customer_id", "due_at", "paid_at"])
    due, paid = times(invoices, "due_at", "invoices", needed=True), times(invoices, "paid_at", "invoices")
    open_ = invoices["customer_id"].notna().to_numpy() & (due < as_of) & (paid >= as_of)
    who, names = pd.factorize(id_texts(invoices["customer_id"])[open_], sort=True)
    oldest = of_each(np.minimum, NEVER, due[open_], who, len(names))
    count = np.bincount(who, minlength=len(names))
    return pd.DataFrame({"invoices": count, "oldest": oldest}, index=pd.Index(names, name="customer_id"))


def last_answers(responses: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Per customer the last NPS answer before `as_of`, ``score`` and ``time``; of two at one instant the lower one."""
    account = "account_id" if "account_id" in responses else "respondent_id"
    need("responses", responses, ["score", "answered_at", account])
    answers = answers_of_accounts(responses, "score", account, as_of)
    order = np.lexsort((answers["_value"], -answers["_time"]))
    last = answers.iloc[order].drop_duplicates("_who").rename(columns={"_value": "score", "_time": "time"})
    return last.set_index(last["_who"].rename("customer_id"))[["score", "time"]]
