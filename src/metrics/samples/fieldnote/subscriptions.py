"""Subscriptions and what is paid for them: terms, trials, pauses, failed payments, ends and returns.

A subscription lives from term to term. Within a term its owner may ask to cancel, which takes effect
at the term's end; the invoice of a term may fail and be recovered, or end the subscription.
"""

from typing import Any

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, ZONE, Parameters
from metrics.samples.fieldnote.people import choose

PRICE = {("pro", "month"): 1200, ("team", "month"): 900, ("pro", "year"): 12000, ("team", "year"): 9000}
REASONS = (("too_expensive", 0.34), ("missing_feature", 0.26), ("not_used", 0.24), ("other_tool", 0.16))
FAILURES = (("insufficient_funds", 0.5), ("expired_card", 0.3), ("do_not_honor", 0.2))
DAY = pd.Timedelta(days=1)


def subscription_tables(
    rng: np.random.Generator, users: pd.DataFrame, done: pd.DataFrame, p: Parameters
) -> dict[str, pd.DataFrame]:
    """Tables subscriptions, cancellations, invoices, payment_attempts, payment_methods; times UTC.

    `done` is what users did: user (position in `users`), event, timestamp. Who has an ``upgrade`` subscribes at it.
    """
    book = Book(rng, p)
    own = done.groupby("user")["timestamp"]
    upgrades = done[done["event"] == "upgrade"]
    for number, at in zip(upgrades["user"], upgrades["timestamp"], strict=True):
        user = users.iloc[int(number)]
        book.seen = own.get_group(number).sort_values().reset_index(drop=True)
        book.open(user["user_id"], "USD" if user["country"] == "US" else "EUR", at.tz_convert(ZONE))
    return book.tables()


class Book:
    """The rows written so far, and the rules by which a subscription goes on."""

    def __init__(self, rng: np.random.Generator, p: Parameters) -> None:
        self.rng, self.p = rng, p
        self.subscriptions: list[dict[str, Any]] = []
        self.cancellations: list[dict[str, Any]] = []
        self.invoices: list[dict[str, Any]] = []
        self.attempts: list[dict[str, Any]] = []
        self.methods: list[dict[str, Any]] = []
        self.count = 0
        self.seen = pd.Series(dtype="datetime64[us, UTC]")  # when the owner of the open subscription did something

    def happens(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def days(self, low: float, high: float) -> pd.Timedelta:
        return pd.Timedelta(milliseconds=int(self.rng.uniform(low, high) * 86_400_000))

    def open(self, customer: str, currency: str, at: pd.Timestamp) -> None:
        """A first subscription, with or without a trial before it."""
        team, annual = self.happens(self.p.team_share), self.happens(self.p.annual_share)
        self.methods.append(
            {
                "customer_id": customer,
                "payment_method_id": f"pm{len(self.methods) + 1:04d}",
                "exp_month": int(self.rng.integers(1, 13)),
                "exp_year": int(self.rng.choice([2026, 2027, 2028, 2029, 2030], p=[0.12, 0.22, 0.22, 0.22, 0.22])),
            }
        )
        state = {
            "customer_id": customer,
            "plan_id": "team" if team else "pro",
            "interval": "year" if annual else "month",
            "quantity": 2 + int(self.rng.geometric(0.35)) if team else 1,
            "currency": currency,
        }
        self.begin(state)
        if self.happens(self.p.trial_share):
            self.write(state, "trialing", at)
            at = at + pd.Timedelta(days=self.p.trial_days)
            if at >= AS_OF:
                return
            if not self.happens(self.p.trial_converts):
                self.close(at)
                return
        self.terms(state, at)

    def begin(self, state: dict[str, Any]) -> None:
        self.count += 1
        state["subscription_id"] = f"s{self.count:04d}"

    def write(self, state: dict[str, Any], status: str, at: pd.Timestamp) -> None:
        """From `at` on the subscription is in this state; the row before ends."""
        last = self.subscriptions[-1] if self.subscriptions else None
        if last is not None and last["subscription_id"] == state["subscription_id"] and last["end"] is pd.NaT:
            self.close(at)
        price = PRICE[state["plan_id"], state["interval"]]
        row = state | {"start": at, "end": pd.NaT, "status": status, "unit_amount_minor": price}
        self.subscriptions.append(row)

    def close(self, at: pd.Timestamp) -> None:
        if self.subscriptions[-1]["start"] == at:
            self.subscriptions.pop()
        else:
            self.subscriptions[-1]["end"] = at

    def terms(self, state: dict[str, Any], anchor: pd.Timestamp, again: bool = False) -> None:
        """Term after term from `anchor`, until the subscription ends or the data do."""
        months = 12 if state["interval"] == "year" else 1
        number = 0
        self.write(state, "active", anchor)
        while True:
            begins = anchor + pd.DateOffset(months=months * number)
            ends = anchor + pd.DateOffset(months=months * (number + 1))
            if begins >= AS_OF:
                return
            if number and self.change_plan(state):
                self.write(state, "active", begins)
            if not self.pay(state, begins, first=number == 0 and not again):
                self.come_back(state, begins + self.p.grace_days * DAY)
                return
            if self.happens(self.p.asks_to_cancel[self.is_silent(begins)]):
                asked = begins + self.days(8, 26)
                if asked >= AS_OF:
                    return
                outcome = str(self.rng.choice(["cancelled", "paused", "kept"], p=self.p.request_outcomes))
                self.ask(state, asked, ends, outcome)
                if outcome == "cancelled":
                    self.close(ends)
                    self.come_back(state, ends)
                    return
                if outcome == "paused":
                    self.pause(state, ends)
                    return
            number += 1

    def is_silent(self, at: pd.Timestamp) -> bool:
        """Whether the owner did nothing in the weeks before: the planted sign of leaving."""
        since = at - self.p.silent_days * DAY
        return bool(self.seen.searchsorted(since) == self.seen.searchsorted(at))

    def change_plan(self, state: dict[str, Any]) -> bool:
        if self.happens(self.p.upgrades):
            added = int(self.rng.geometric(0.5))
            state["quantity"] = state["quantity"] + added if state["plan_id"] == "team" else 2 + added
            state["plan_id"] = "team"
            return True
        if state["plan_id"] == "team" and self.happens(self.p.downgrades):
            state["plan_id"], state["quantity"] = "pro", 1
            return True
        return False

    def ask(self, state: dict[str, Any], asked: pd.Timestamp, ends: pd.Timestamp, outcome: str) -> None:
        """A request to cancel during a term, and what came of it."""
        reason = choose(self.rng, REASONS, 1)[0]
        more = {"ended_by": "customer", "outcome": outcome, "reason": reason}
        if outcome == "kept":
            withdrawn = asked + self.days(0.01, 1.9)
            more |= {"withdrawn_at": withdrawn} if withdrawn < AS_OF else {"outcome": None}
        self.cancel(state, asked, ends, **more)

    def cancel(self, state: dict[str, Any], asked: Any, ends: pd.Timestamp, **more: Any) -> None:
        row = {"customer_id": state["customer_id"], "subscription_id": state["subscription_id"]}
        self.cancellations.append(row | {"requested_at": asked, "effective_at": ends} | more)

    def pause(self, state: dict[str, Any], at: pd.Timestamp) -> None:
        if at >= AS_OF:
            return
        self.write(state, "paused", at)
        over = at + int(self.rng.choice([30, 60])) * DAY
        if over >= AS_OF:
            return
        if self.happens(self.p.resumes):
            self.terms(state, over, again=True)
        else:
            self.close(over)
            self.cancel(state, pd.NaT, over, ended_by="customer")

    def pay(self, state: dict[str, Any], due: pd.Timestamp, first: bool) -> bool:
        """Invoice one term. False: never paid, the subscription has ended."""
        price = PRICE[state["plan_id"], state["interval"]] * state["quantity"]
        invoice = {
            "customer_id": state["customer_id"],
            "subscription_id": state["subscription_id"],
            "due_at": due,
            "paid_at": due,
            "amount_due_minor": price,
            "currency": state["currency"],
            "billing_reason": "subscription_create" if first else "subscription_cycle",
        }
        self.invoices.append(invoice)
        if not self.happens(self.p.payment_fails):
            self.attempt(due, "succeeded")
            return True
        recovered = self.happens(self.p.payment_recovers)
        retries = [due + days * DAY for days in (1, 3, 5, 7)]
        tries = [due, *(retries[: int(self.rng.integers(1, 5))] if recovered else retries)]
        for at in tries[:-1]:
            self.attempt(at, "failed")
        self.attempt(tries[-1], "succeeded" if recovered else "failed")
        invoice["paid_at"] = tries[-1] if recovered and tries[-1] < AS_OF else pd.NaT
        self.write(state, "past_due", due)
        if recovered and tries[-1] < AS_OF:
            self.write(state, "active", tries[-1])
        ended = due + self.p.grace_days * DAY
        if not recovered and ended < AS_OF:
            self.close(ended)
            self.cancel(state, pd.NaT, ended, ended_by="system")
        return recovered

    def attempt(self, at: pd.Timestamp, result: str) -> None:
        if at >= AS_OF:
            return
        code = choose(self.rng, FAILURES, 1)[0] if result == "failed" else None
        method = self.methods[-1]["payment_method_id"]
        row = {"invoice": len(self.invoices) - 1, "attempted_at": at, "result": result}
        self.attempts.append(row | {"failure_code": code, "payment_method_id": method})

    def come_back(self, state: dict[str, Any], left: pd.Timestamp) -> None:
        """Some return weeks later with a new subscription and no trial."""
        at = left + self.days(14, 60)
        if self.happens(self.p.returns) and at < AS_OF:
            self.begin(state)
            self.terms(state, at)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The book as tables with fixed columns, in order of time."""
        columns = "customer_id subscription_id start end status interval interval_count unit_amount_minor quantity"
        subscriptions = frame(self.subscriptions, f"{columns} currency kind product_family plan_id", ["start", "end"])
        subscriptions = subscriptions.assign(interval_count=1, kind="recurring", product_family="notes")
        columns = "customer_id subscription_id requested_at effective_at withdrawn_at ended_by outcome reason"
        cancellations = frame(self.cancellations, columns, ["requested_at", "effective_at", "withdrawn_at"])
        columns = "customer_id subscription_id due_at paid_at amount_due_minor currency billing_reason"
        invoices = frame(self.invoices, columns, ["due_at", "paid_at"])
        attempts = frame(self.attempts, "invoice attempted_at result failure_code payment_method_id", ["attempted_at"])
        methods = frame(self.methods, "customer_id payment_method_id exp_month exp_year", [])

        order = invoices["due_at"].argsort(kind="stable")
        ids = pd.Series([f"in{i + 1:05d}" for i in range(len(invoices))], index=order, dtype="str")
        invoices.insert(0, "invoice_id", ids.sort_index())
        attempts.insert(0, "invoice_id", attempts.pop("invoice").astype("int64").map(invoices["invoice_id"]))
        first_known = cancellations["requested_at"].fillna(cancellations["effective_at"])
        return {
            "subscriptions": ordered(subscriptions, subscriptions["start"]),
            "cancellations": ordered(cancellations, first_known),
            "invoices": ordered(invoices, invoices["due_at"]),
            "payment_attempts": ordered(attempts, attempts["attempted_at"]),
            "payment_methods": methods,
        }


def contacts(rng: np.random.Generator, subscriptions: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """customer_id, at, kind: calls in a trial by day, for which who will convert asks more often."""
    trials = subscriptions[subscriptions["status"] == "trialing"].reset_index(drop=True)
    paid = set(subscriptions.loc[subscriptions["status"] != "trialing", "subscription_id"])
    keen, other = p.trial_calls
    chance = np.where(trials["subscription_id"].isin(paid), keen, other)
    undecided = trials["end"].isna() | (trials["end"] >= AS_OF)
    chance = np.where(undecided, p.trial_converts * keen + (1 - p.trial_converts) * other, chance)
    called = rng.random(len(trials)) < chance
    day = trials["start"].dt.tz_convert(ZONE).dt.normalize() + pd.to_timedelta(
        rng.integers(1, p.trial_days, len(trials)), unit="D"
    )
    at = day + pd.to_timedelta(rng.integers(9 * 60, 17 * 60, len(trials)), unit="min")
    table = pd.DataFrame({"customer_id": trials["customer_id"], "at": at.dt.tz_convert("UTC").dt.as_unit("us")})
    table = table[called & (table["at"] < AS_OF)].assign(kind="call")
    return table.sort_values(["at", "customer_id"], kind="stable").reset_index(drop=True)


def frame(rows: list[dict[str, Any]], columns: str, times: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns.split())
    for name in times:
        table[name] = pd.to_datetime(table[name], utc=True).dt.as_unit("us")
    return table


def ordered(table: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    return table.loc[by.sort_values(kind="stable").index].reset_index(drop=True)


def plan_at(subscriptions: pd.DataFrame, customer: pd.Series, at: pd.Series) -> np.ndarray:
    """Plan a customer is on at an instant: of a running, overdue or trial subscription, else free."""
    paying = subscriptions[subscriptions["status"].isin(["active", "past_due", "trialing"])]
    asked = pd.DataFrame({"customer_id": customer.astype("str").to_numpy(), "at": at.to_numpy()})
    asked["at"] = pd.to_datetime(asked["at"], utc=True).dt.as_unit("us")
    asked["place"] = range(len(asked))
    found = pd.merge_asof(
        asked.sort_values("at", kind="stable"),
        paying[["customer_id", "start", "end", "plan_id"]].astype({"customer_id": "str"}).sort_values("start"),
        left_on="at",
        right_on="start",
        by="customer_id",
    ).sort_values("place")
    running = found["plan_id"].notna() & (found["end"].isna() | (found["end"] > found["at"]))
    return found["plan_id"].where(running, "free").to_numpy(dtype=object)
