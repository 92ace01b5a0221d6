"""Do customers stay whom a discount brought? Those whose first purchase carried one, beside all others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.intervals import Floats, add_rate, newcombe, no_denominator, ratio
from metrics.loyalty.purchases import orders_of
from metrics.periods import Ints, When, duration, instant, spoken
from metrics.results import blank, grouped, join_reasons, keys, result, too_few
from metrics.revenue.book import ACTIVE, PAST_DUE, read_book
from metrics.revenue.money import coins, from_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.steps import unknown

FULL, LESS = "full_price", "discounted"
KNOWN = ("discount_percent", "discount_amount", "discount_amount_minor", "discount_code")
_NONE = ["", "false", "no", "none", "nan", "<na>", "null", "n/a", "-"]  # what exports write where there is none
_ZERO = r"(?:[€$£¥]|[a-z]{3} )?\s*-?0+(?:[.,]0+)?\s*(?:[%€$£¥]|[a-z]{3})?"  # an amount of nothing, such as "0,00 €"
_VALUE = ["value_per_customer", "value_per_customer_low", "value_per_customer_high"]
_GAP = ["value_difference", "value_difference_low", "value_difference_high"]
_RATE = ["retention_rate", "retention_rate_low", "retention_rate_high"]
_DIFFERENCE = ["difference", "difference_low", "difference_high"]
_RESULT = [
    "currency", "first_purchase", "customers", "retained", *_RATE, *_DIFFERENCE, *_VALUE, *_GAP, "too_recent", "label",
    "reason",
]  # fmt: skip


def discount_retention(
    purchases: pd.DataFrame,
    *,
    as_of: When,
    follow_up: str = "90 days",
    discount: str | None = None,
    by: str | Sequence[str] | None = None,
    min_n: int = 10,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Do customers whose first purchase carried a discount stay as often, and bring as much, as those without?

    Definition: retained / customers, and value / customers, of those watched for `follow_up` after their first
    purchase, by whether that carried a discount.

    Parameters
    ----------
    purchases
        Orders: ``user_id`` (the customer), ``timestamp``, ``net`` [``currency``]; the first one in the table is the
        first purchase, refunds are none. Or subscriptions: MRR lines, or rows with prices; the first purchase is the
        first active row with MRR.
    as_of
        First moment not observed: a date in `tz` or an instant.
    follow_up
        Time from the first purchase on. Who still has some is left out and counted in ``too_recent``.
    discount
        Column that says whether there was one: a number other than 0 (``"10 %"`` too, or -5 for what was taken off),
        true, or a text. None: ``discount_percent``, ``discount_amount``, ``discount_amount_minor`` and
        ``discount_code``, whichever there are.
    by
        Column or list of the first purchase's row for a breakdown; missing is a group of its own.
    min_n
        Estimates over fewer are NA with the reason ``below_min_n``; their counts stand.
    since, until
        Half-open range in which the first purchase must lie.
    tz
        Zone of dates.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, two rows (per group) and currency: first those at the full price
        currency                  text    of the first purchase
        first_purchase            text    ``full_price``, ``discounted``
        customers                 count   whose `follow_up` is over
        retained                  count   orders: bought again in it; subscriptions: with MRR at its end
        retention_rate (…)        0 to 1  retained / customers, Wilson
        difference (…)            -1 to 1 from the full price, Newcombe
        value_per_customer (…)    money   orders: net in [first, first + `follow_up`), the first order in it and refunds
                                          off; subscriptions: MRR at its end, 0 of who has left; Student's t
        value_difference (…)      money   from the full price, Welch
        too_recent                count   who still have time
        label                     text    ``association``
        reason                    text    ``<estimate>: code`` with ``control``, ``zero_denominator``, ``immature`` (all
                                          still have time) or ``below_min_n`` (of money also under two)

    Money in another currency than that of the first purchase is not counted.

    Raises
    ------
    ValueError
        No column says whether there was a discount, a column that is missing, a duration without a unit.
    EventTableError
        Orders without a customer, time or amount; as `mrr_rollforward`.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:873, method 10; Welch (1947), Biometrika 34:28. Who waits for a discount
    is another sort of customer: only discounts that were given by lot can be compared for what they do.

    Examples
    --------
    >>> orders = pd.DataFrame({"user_id": ["ann", "ann", "ben"], "net": [9.0, 10.0, 10.0]})
    >>> orders["timestamp"] = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-01-01"], utc=True)
    >>> table = discount_retention(orders.assign(discount_percent=[10, 0, 0]), as_of="2026-07-01", min_n=1)
    >>> table[["first_purchase", "customers", "retained", "retention_rate"]]
      first_purchase  customers  retained  retention_rate
    0     full_price          1         0             0.0
    1     discounted          1         1             1.0
    """
    by, follow = keys(by, taken=_RESULT), duration(follow_up, name="follow_up")
    end = instant(as_of, tz=tz, name="as_of")
    for name in by:
        if name not in purchases:
            raise ValueError(unknown("by", name, purchases.columns, "a column of the purchases", "columns"))
    named = _columns(purchases, discount)
    ordered = "net" in purchases
    found = (
        _of_orders(purchases, named, by, follow, end)
        if ordered
        else _of_contracts(purchases, named, by, follow, as_of, tz)
    )
    low = -(2**62) if since is None else instant(since, tz=tz, name="since")
    high = 2**62 if until is None else instant(until, tz=tz, name="until")
    if low >= high:
        raise ValueError(f"since {since!s} is not before until {until!s}. A span needs its start before its end.")
    found = found[(found["_first"] >= low) & (found["_first"] < high)]
    over = found["_first"] + follow <= end
    key = [*by, "currency"]
    place, groups = grouped(found, key)
    if not len(groups) and not by:
        groups = pd.DataFrame({"currency": pd.Series([pd.NA], dtype="str")})
    rows = []
    for group in range(len(groups)):
        for side in (FULL, LESS):
            mine = (place == group) & (found["_less"].to_numpy(bool) == (side == LESS))
            watched = found[mine & over.to_numpy(bool)]
            rows.append({
                "_group": group, "first_purchase": side, "customers": len(watched),
                "retained": int(watched["_retained"].sum()), "too_recent": int((mine & ~over.to_numpy(bool)).sum()),
                **_moments(watched["_value"].to_numpy(float)),
            })  # fmt: skip
    names = ["_group", "first_purchase", "customers", "retained", "too_recent", "_mean", "_error"]
    table = pd.DataFrame(rows, columns=names).astype({"first_purchase": "str"})
    table = table.astype(dict.fromkeys(["_group", "customers", "retained", "too_recent"], np.int64))
    table = table.astype(dict.fromkeys(["_mean", "_error"], float))
    table = pd.concat([groups.iloc[table["_group"]].reset_index(drop=True), table], axis=1)
    table = _told(table, min_n, confidence)
    what = "bought again in it" if ordered else "with MRR at its end"
    definition = (
        f"Customers watched for {follow_up} after their first purchase, by whether it carried a discount: retained are "
        f"those {what}; value is {'the net of their orders in it' if ordered else 'their MRR at its end'}. An "
        "association, not an effect of the discount."
    )
    settings = {
        "follow_up": follow_up, "discount": named, "by": by or None, "min_n": min_n, "confidence": confidence,
        "as_of": spoken(end, tz), "tz": tz, "since": None if since is None else spoken(low, tz),
        "until": None if until is None else spoken(high, tz), "of": "orders" if ordered else "subscriptions",
        "currency": str(groups["currency"].iloc[0]) if groups["currency"].notna().sum() == len(groups) == 1 else None,
    }  # fmt: skip
    columns = [*by, *_RESULT]
    return result(table, metric="discount_retention", definition=definition, settings=settings, columns=columns)


def _columns(purchases: pd.DataFrame, discount: str | None) -> list[str]:
    """The columns that say whether there was a discount."""
    if discount is not None and discount not in purchases:
        raise ValueError(unknown("discount", discount, purchases.columns, "a column of the purchases", "columns"))
    named = [discount] if discount is not None else [name for name in KNOWN if name in purchases]
    if not named:
        raise ValueError(
            f"purchases: no column says whether there was a discount. Looked for {', '.join(KNOWN)}. Name yours with "
            "discount=…."
        )
    return named


def _carried(rows: pd.DataFrame, named: list[str]) -> np.ndarray:
    """Whether each row carries a discount."""
    carried = np.zeros(len(rows), bool)
    for name in named:
        column = rows[name]
        words = column.astype("str").str.strip().str.lower()
        numbers = pd.to_numeric(words.str.removesuffix("%").str.strip(), errors="coerce")
        said = column.notna() & numbers.isna() & ~words.isin(_NONE) & ~words.str.fullmatch(_ZERO, na=False)
        carried |= ((numbers.notna() & (numbers != 0)) | said).to_numpy(bool, na_value=False)
    return carried


def _of_orders(orders: pd.DataFrame, named: list[str], by: list[str], follow: int, end: int) -> pd.DataFrame:
    """By customer the first order, whether it carried a discount, and what came in the time after it."""
    rows, bought = orders_of(orders, end)
    carried = _carried(rows, named)
    currency = (
        rows["currency"].astype("str").str.upper()
        if "currency" in rows
        else pd.Series(pd.NA, index=rows.index, dtype="str")
    )
    rows = rows.assign(currency=currency, _less=carried)
    # Orders of one instant are one: their least values stand, whatever the order of the file.
    ordered = rows[rows["net"] >= 0].sort_values(["_who", "_at", "currency", *by], na_position="last", kind="stable")
    first = ordered.drop_duplicates("_who")[["_who", "_at", *dict.fromkeys([*by, "currency"])]]
    first = first.rename(columns={"_at": "_first"}).reset_index(drop=True)
    who, since = first["_who"].to_numpy(np.int64), first["_first"].to_numpy(np.int64)
    again = bought.nth_from(who, since, 2)
    met = rows[["_who", "_at", "net", "currency", "_less"]].merge(
        first[["_who", "_first", "currency"]].rename(columns={"currency": "_own"}), on="_who"
    )
    at_first = met[(met["_at"] == met["_first"]) & (met["net"] >= 0)].groupby("_who")["_less"].any()
    inside = (met["_at"] >= met["_first"]) & (met["_at"] - met["_first"] < follow)
    same = (met["currency"] == met["_own"]) | (met["currency"].isna() & met["_own"].isna())
    value = met[inside & same.fillna(False)].sort_values(["_who", "net"]).groupby("_who")["net"].sum()
    return first.assign(
        _less=first["_who"].map(at_first).fillna(False).astype(bool),
        _retained=again - since < follow,
        _value=first["_who"].map(value).fillna(0.0),
    )


def _of_contracts(
    subscriptions: pd.DataFrame, named: list[str], by: list[str], follow: int, as_of: When, tz: str
) -> pd.DataFrame:
    """By customer the first row with MRR, whether it carried a discount, and the MRR when the time after it ends."""
    book = read_book(
        subscriptions, span=Range(as_of=as_of, tz=tz), policies=Policies(), by=[], statuses=(ACTIVE, PAST_DUE)
    )
    paid = book.take(np.flatnonzero(book.parts > 0))
    rows = paid.table.iloc[paid.row][by].reset_index(drop=True)
    rows = rows.assign(
        _who=paid.customer, _first=paid.start, _end=paid.end, _parts=paid.parts, _coin=paid.currency,
        _less=_carried(paid.table.iloc[paid.row], named),
    )  # fmt: skip
    ordered = rows.sort_values(["_who", "_first", "_coin", *by], na_position="last", kind="stable")
    first = ordered.drop_duplicates("_who")[["_who", "_first", "_coin", *by]].reset_index(drop=True)
    met = rows.rename(columns={"_first": "_start", "_coin": "_money"})[
        ["_who", "_start", "_end", "_parts", "_money", "_less"]
    ].merge(first[["_who", "_first", "_coin"]], on="_who")
    at_first = met[met["_start"] == met["_first"]].groupby("_who")["_less"].any()
    then = met["_first"] + follow
    live = met[(met["_start"] < then) & (met["_end"] >= then)]
    parts = live[live["_money"] == live["_coin"]].groupby("_who")["_parts"].sum()
    own = first["_who"].map(parts).fillna(0).to_numpy(np.int64)
    coin: Ints = coins(paid.currencies)
    code = first["_coin"].to_numpy(np.int64)
    return first.assign(
        currency=pd.Series(paid.currencies.to_numpy(dtype=object)[code], dtype="str"),
        _less=first["_who"].map(at_first).fillna(False).astype(bool),
        _retained=first["_who"].isin(live["_who"].unique()),
        _value=from_parts(own, coin[code]),
    )


def _moments(values: Floats) -> dict[str, float]:
    """Mean and its squared standard error; NaN where there are too few."""
    values = np.sort(values)  # so that the order of customers does not reach the last digit
    mean = float(values.mean()) if len(values) else np.nan
    spread = float(((values - mean) ** 2).sum()) if len(values) else np.nan
    many = len(values)
    return {"_mean": mean, "_error": spread / (many - 1) / many if many > 1 else np.nan}


def _told(table: pd.DataFrame, min_n: int, confidence: float) -> pd.DataFrame:
    from scipy.special import stdtrit  # slow to import, and only needed here

    n, mean, error = (table[name].to_numpy(float) for name in ("customers", "_mean", "_error"))
    table = add_rate(table, "retention_rate", "retained", "customers", confidence)
    half = stdtrit(np.maximum(n - 1, 1), (1 + confidence) / 2) * np.sqrt(error)
    base = np.arange(len(table)) // 2 * 2  # the row at the full price of each group
    table["difference"] = table["retention_rate"] - table["retention_rate"].to_numpy()[base]
    retained, customers = table["retained"].to_numpy(float), table["customers"].to_numpy(float)
    table["difference_low"], table["difference_high"] = newcombe(
        retained, customers, retained[base], customers[base], confidence
    )
    both = error + error[base]
    degrees = ratio(both**2, ratio(error**2, n - 1) + ratio(error[base] ** 2, n[base] - 1))
    wide = stdtrit(np.where(degrees > 0, degrees, 1), (1 + confidence) / 2) * np.sqrt(both)
    table = table.assign(
        value_per_customer=mean, value_per_customer_low=mean - half, value_per_customer_high=mean + half,
        value_difference=mean - mean[base], value_difference_low=mean - mean[base] - wide,
        value_difference_high=mean - mean[base] + wide,
    )  # fmt: skip
    early = (table["customers"] == 0) & (table["too_recent"] > 0)
    own = too_few(no_denominator(n).reindex(table.index).mask(early, "immature"), table["customers"], min_n)
    control = pd.Series(np.arange(len(table)) == base, index=table.index)
    against = own.fillna(pd.Series(own.to_numpy()[base], index=table.index)).mask(control, "control")
    alone = pd.Series(n < 2, index=table.index)  # one customer has no spread
    money = own.mask(own.isna() & alone, "below_min_n")
    gap = against.mask(against.isna() & (alone | alone.to_numpy()[base]), "below_min_n")
    reasons = {
        "retention_rate": own, "difference": against, "value_per_customer": money, "value_difference": gap,
    }  # fmt: skip
    for name, code in reasons.items():
        table = blank(table, code.notna(), [name, f"{name}_low", f"{name}_high"])
    table["label"] = pd.Series("association", index=table.index, dtype="str")
    return table.assign(reason=join_reasons(table, **reasons))
