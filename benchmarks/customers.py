"""Rows of orders to customers: how often, how recently and how much each bought; ours, and the rival's fastest form.

The rival hands out the sums over all customers alone, ours the table of customers with their names, in their order.
"""

from benchmarks.clickhouse import MICRO, TIME, TYPED, asking, source
from benchmarks.question import BEGIN
from benchmarks.worker import Answer, Ask

DAY = 86_400 * MICRO


def summary(file: str) -> Ask:
    """Customers, repeat purchases, days from first to last, ten-thousandths of the repeats' value."""
    import metrics

    def ask() -> Answer:
        table = metrics.orders_summary(metrics.open_events(file), unit="day")
        repeats = (table["monetary_value"] * table["frequency"] * 10_000).round().sum()
        return [[len(table), *map(int, (table["frequency"].sum(), table["recency"].sum(), repeats))]]

    return ask


def summary_clickhouse(file: str) -> Ask:
    """The same sums from two nested groups: of each user and day, then of each user."""
    rows = source(file, f"{TYPED}, net Float64")
    day = f"toUInt16(intDiv({TIME} - {BEGIN}, {DAY}))"
    days = f"SELECT cityHash64(user_id) AS user, {day} AS day, sum(toInt64(round(net * 10000))) AS value FROM {rows} " \
        "GROUP BY user, day"  # fmt: skip
    each = "count() - 1 AS frequency, max(day) - min(day) AS recency, sum(value) - argMin(value, day) AS repeats"
    users = f"SELECT {each} FROM ({days}) GROUP BY user"
    return asking(f"SELECT count(), sum(frequency), sum(recency), sum(repeats) FROM ({users})")
