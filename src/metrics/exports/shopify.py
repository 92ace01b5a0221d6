"""Shopify: the orders export as CSV.

What is odd: an order has a row for each item, and its own fields stand only in the first of them; `Created at` has the
offset of the store, which changes with summer time; e-mails come in any case; who has none is told by phone; a voided
or pending order brings no revenue, a refund is a column of the order and no row. `'` stands before numbers that a
spreadsheet would spoil. Amounts have a decimal point, and a comma where a spreadsheet wrote them anew.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.amounts import number
from metrics.files.column import Column
from metrics.files.records import NotRead, Raw, System, filled, make, read_records
from metrics.files.shaping import NO_NUMBER

WHOLE = True  # the items of an order may stand anywhere after it
REVENUE = ("paid", "partially_paid", "partially_refunded", "refunded")  # of all others no money came in
FOLDED = "further item of an order (folded into it)"


def recognise(sample: Sample) -> str | None:
    """Items of a line, and how the order is paid."""
    if {"Lineitem quantity", "Financial Status"} <= sample.names:
        return "the columns of Shopify's orders"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """One event an order."""
    return _parsed(sources, EVENTS, _event)


def orders(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """One row an order, net of what was refunded."""
    return _parsed(sources, [*columns, *EVENTS[5:]], _order)


def _parsed(sources: Sequence[Source], columns: Sequence[Column], read: Any) -> Parsed:
    files = []
    for source in sources:
        raw = read_records(source)
        files.append((source.name, raw, partial(read, _items(raw))))
    made = make(files, columns)
    return Parsed(made.rows, made.rejected, made.system)


def _items(raw: Raw) -> dict[Any, int]:
    """How many items each order of a file has."""
    items: dict[Any, int] = {}
    for row in raw.records:
        items[row.get("Name")] = items.get(row.get("Name"), 0) + _quantity(row)
    return items


def _quantity(row: dict[str, Any]) -> int:
    written = str(row.get("Lineitem quantity") or "").lstrip("'")
    return int(written) if written.isdecimal() else 0


def _is_first(row: dict[str, Any]) -> bool:
    return bool(row.get("Financial Status") or row.get("Total") or row.get("Id"))


def _buyer(row: dict[str, Any]) -> str | None:
    if row.get("Email"):
        return str(row["Email"]).strip().lower()
    for name in ("Phone", "Billing Phone", "Shipping Phone"):
        if row.get(name):
            return "phone:" + "".join(c for c in str(row[name]) if c in "+0123456789")
    return None


def _money(row: dict[str, Any]) -> dict[str, Any]:
    status = str(row.get("Financial Status") or "").lower()
    total, refunded = _amount(row, "Total"), _amount(row, "Refunded Amount")
    counts = status in REVENUE
    paid = total - _amount(row, "Outstanding Balance") if status == "partially_paid" else total
    return {
        "status": status,
        "currency": row.get("Currency"),
        "total": total,
        "refunded": refunded,
        "net": round(paid - refunded, 6) if counts else 0.0,
        "counts_as_revenue": counts,
    }


def _amount(row: dict[str, Any], name: str) -> float:
    if row.get(name) is None:
        return 0.0
    amount = number(str(row[name]).lstrip("'"))
    if amount is None:
        raise NotRead(f"{name} {NO_NUMBER}")
    return float(amount)


def _id(row: dict[str, Any]) -> str:
    """The id of an order, by which it is known in another export too; old exports have its name alone."""
    return str(row.get("Id") or row["Name"]).lstrip("'")


def _event(items: dict[Any, int], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not _is_first(row):
        yield System(FOLDED)
        return
    yield {
        "user_id": _buyer(row),
        "event": "order_placed",
        "timestamp": row["Created at"],
        "event_id": _id(row),
        KEY: _id(row),
        "properties": {
            "order": row["Name"],
            "items": items[row["Name"]],
            **_money(row),
            **filled({"discount_code": row.get("Discount Code"), "source": row.get("Source")}),
        },
    }


def _order(items: dict[Any, int], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not _is_first(row):
        yield System(FOLDED)
        return
    money = _money(row)
    if not money["counts_as_revenue"]:
        yield System(f"{money['status'] or 'unknown'}: no money came in")
        return
    yield {
        "order_id": _id(row),
        "user_id": _buyer(row),
        "timestamp": row["Created at"],
        KEY: _id(row),
        "order": row["Name"],
        "items": items[row["Name"]],
        **money,
    }
