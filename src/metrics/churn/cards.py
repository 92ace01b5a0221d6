"""Whose card is about to end? A failure that can be foreseen, and that a letter in time prevents."""

import numpy as np
import pandas as pd

from metrics.churn.estimates import joined
from metrics.files import EventTableError
from metrics.files.values import id_texts
from metrics.periods import DAY, When, duration, instant, local_time, spoken
from metrics.results import result
from metrics.revenue.book import ACTIVE, NEVER, PAST_DUE, read_book
from metrics.revenue.money import coins, from_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.steps import unknown

_STATES = {"expiring": 0, "expired": 1, "unknown": 2}


def expiring_cards(
    payment_methods: pd.DataFrame,
    *,
    as_of: When,
    within: str = "30 days",
    subscriptions: pd.DataFrame | None = None,
    tz: str = "UTC",
) -> pd.DataFrame:
    """Which customers' cards end soon, which have ended already, and how much recurring revenue hangs on them?

    A card ends with the last day of its month. Of several cards of a customer the one that ends last counts: as long as
    one is good, a payment can be taken.

    Parameters
    ----------
    payment_methods
        ``customer_id, exp_month`` (1 to 12) and ``exp_year`` (in full), one row per card.
    as_of
        The moment of asking.
    within
        How far ahead to look: cards whose last moment lies in ``[as_of, as_of + within)`` are expiring.
    subscriptions
        MRR lines, or rows with prices. Where they are given only customers who pay at `as_of` (MRR above 0, active or
        past due) are told, with what they pay.
    tz
        Zone whose midnight ends the month.

    Returns
    -------
    DataFrame, one row per customer; by state (in the order below), then by end, then by customer
        customer_id         text
        state               text  expiring; expired: ended at `as_of`; unknown: no card with a month and a year
        exp_month, exp_year whole numbers of the card that ends last
        expires_at          local time in `tz`: the first moment at which the card is no longer good
        days_left           local days until then, the day of `as_of` included; 0 and less where it has ended
        cards               count of the customer's cards
        mrr_at_risk         money of a month; only with `subscriptions`, as is
        currency            of the MRR, NA over several
        reason              text  of each value that is missing: no_expiry, mixed_currencies

    Raises
    ------
    ValueError
        A column that is missing.
    EventTableError
        A month outside 1 to 12, a year that is not written in full, a card without a customer; as `mrr_rollforward`.

    Examples
    --------
    >>> cards = pd.DataFrame({"customer_id": ["ann", "ben"], "exp_month": [2, 6], "exp_year": [2028, 2028]})
    >>> expiring_cards(cards, as_of="2028-02-10")[["customer_id", "state", "expires_at", "days_left"]]
      customer_id     state expires_at  days_left
    0         ann  expiring 2028-03-01         20
    """
    asked, length = instant(as_of, tz=tz), duration(within, name="within")
    cards = _last_cards(payment_methods)
    now = int(local_time(np.array([asked], np.int64), tz)[0])
    known = cards["exp_month"].notna()
    months = (12 * (cards["exp_year"] - 1970) + cards["exp_month"]).fillna(0).to_numpy(np.int64)
    ends = months.view("M8[M]").astype("M8[us]")
    end = ends.astype(np.int64)
    state = np.select([~known.to_numpy(), end <= now, end <= now + length], ["unknown", "expired", "expiring"], "later")
    cards["state"], cards["_place"] = state, [_STATES.get(name, -1) for name in state]
    cards["expires_at"] = pd.Series(ends, index=cards.index).where(known)
    cards["days_left"] = pd.Series((end // DAY) - (now // DAY), index=cards.index).astype("Int64").where(known)
    codes = {"days_left": pd.Series(pd.NA, index=cards.index, dtype="str").mask(~known, "no_expiry")}
    columns = ["customer_id", "state", "exp_month", "exp_year", "expires_at", "days_left", "cards"]
    if subscriptions is not None:
        paid = _paid(cards, subscriptions, Range(as_of=as_of, tz=tz))
        cards = cards.assign(**paid)
        mixed = cards["mrr_at_risk"].isna()
        codes["mrr_at_risk"] = pd.Series(pd.NA, index=cards.index, dtype="str").mask(mixed, "mixed_currencies")
        columns += ["mrr_at_risk", "currency"]
    cards["reason"] = joined(codes, cards.index)
    cards = cards[cards["_place"] >= 0]
    if subscriptions is not None:
        cards = cards[cards["mrr_at_risk"].isna() | (cards["mrr_at_risk"] > 0)]
    cards = cards.sort_values(["_place", "expires_at", "customer_id"], kind="stable")
    definition = (
        f"A card ends with the last day of its month; expiring: within {within}. Of several cards of a customer the "
        "one that ends last counts. At risk: the MRR of customers who pay with it."
    )
    settings = {"within": within, "as_of": spoken(asked, tz), "tz": tz}
    return result(
        cards, metric="expiring_cards", definition=definition, settings=settings, columns=[*columns, "reason"]
    )


def _last_cards(methods: pd.DataFrame) -> pd.DataFrame:
    """One row per customer: the card that ends last, of those whose end is known, and how many there are."""
    for name in ("customer_id", "exp_month", "exp_year"):
        if name not in methods:
            raise ValueError(unknown("payment_methods", name, methods.columns, "a column of the table", "columns"))
    if methods["customer_id"].isna().any():
        row = int(methods["customer_id"].isna().to_numpy().argmax())
        raise EventTableError(f"payment_methods: row {row} has no customer_id. Fill it in or leave it out.")
    table = pd.DataFrame({"customer_id": id_texts(methods["customer_id"]).to_numpy()})
    for name, low, high, wish in (
        ("exp_month", 1, 12, "a month is 1 to 12"), ("exp_year", 1970, 9999, "write the year in full, as 2028"),
    ):  # fmt: skip
        values = pd.to_numeric(methods[name]).astype("Float64").reset_index(drop=True)
        wrong = ((values < low) | (values > high) | (values % 1 != 0)).fillna(False).to_numpy(bool)
        if wrong.any():
            row = int(wrong.argmax())
            raise EventTableError(
                f"payment_methods: {int(wrong.sum()):,} of {len(methods):,} rows have an {name} that is none (first: "
                f"row {row}, {values[row]:g}). Mend them; {wish}."
            )
        table[name] = values.astype("Int64")
    half = table["exp_month"].isna() | table["exp_year"].isna()
    table.loc[half, ["exp_month", "exp_year"]] = pd.NA
    table = table.sort_values(["customer_id", "exp_year", "exp_month"], na_position="first", kind="stable")
    many = table.groupby("customer_id").size()
    last = table.drop_duplicates("customer_id", keep="last").reset_index(drop=True)
    return last.assign(cards=last["customer_id"].map(many).astype(np.int64))


def _paid(cards: pd.DataFrame, subscriptions: pd.DataFrame, span: Range) -> dict[str, pd.Series]:
    """What each customer pays a month at `as_of`, and in which currency; NA where there are several."""
    book = read_book(subscriptions, span=span, policies=Policies(), by=[])
    live = book.take(((book.status == ACTIVE) | (book.status == PAST_DUE)) & (book.end == NEVER) & (book.parts > 0))
    rows = pd.DataFrame({"who": live.customer, "code": live.currency, "parts": live.parts})
    sums = rows.groupby("who").agg(parts=("parts", "sum"), code=("code", "first"), kinds=("code", "nunique"))
    found = sums.reindex(book.customers_of(cards)).reset_index(drop=True)
    code = found["code"].fillna(0).to_numpy(np.int64)
    unit = coins(live.currencies)[code] if len(live.currencies) else 1
    money = pd.Series(from_parts(found["parts"].fillna(0).to_numpy(np.int64), unit), index=cards.index)
    several = (found["kinds"] > 1).set_axis(cards.index)
    names = pd.Series(live.currencies, dtype="str").reindex(code).set_axis(cards.index)
    return {"mrr_at_risk": money.mask(several), "currency": names.mask(several)}
