"""The rival's side of what is asked of days of users, each question in the fastest form that was found.

Bits for weeks and months, arrays for days, the calendar in whole numbers, users grouped by a hash. For all four
questions together each user's bits and days are made in one read and kept in a table in memory; a table of the
distinct (user, day) was slower.
"""

import itertools
from collections.abc import Callable
from typing import Any

from benchmarks.clickhouse import MICRO, TIME, asking, source
from benchmarks.question import AS_OF, BEGIN
from benchmarks.worker import Ask

Rows = list[list[Any]]
DAY = 86_400 * MICRO
MONTHS = [f"2026-0{month}-01" for month in range(1, 8)] + [AS_OF]

WEEKS = f"groupBitOr(bitShiftLeft(toUInt32(1), intDiv({TIME} - {BEGIN}, {7 * DAY})))"
DAYS = f"arraySort(groupUniqArray(toUInt8(intDiv({TIME} - {BEGIN}, {DAY}))))"
INSTANTS = [f"toUnixTimestamp(toDateTime('{day}', 'UTC')) * {MICRO}" for day in MONTHS]
ACTIVE = "groupBitOr({})".format(
    " + ".join(f"bitShiftLeft(toUInt8(t >= {at} - {30 * DAY} AND t < {at}), {k})" for k, at in enumerate(INSTANTS))
)


def users(file: str, **columns: str) -> str:
    """A row for each user."""
    chosen = ", ".join(f"{made} AS {name}" for name, made in columns.items())
    if columns.get("active"):
        chosen = chosen.replace(TIME, "t")
        rows = f"(SELECT cityHash64(user_id) AS user, {TIME} AS t FROM {source(file)})"
        return f"SELECT {chosen} FROM {rows} GROUP BY user"
    return f"SELECT {chosen} FROM {source(file)} GROUP BY cityHash64(user_id)"


def cohorts_of(table: str) -> str:
    """Counts of the cells of the triangle."""
    seen = f"SELECT bitPositionsToArray(weeks) AS seen FROM {table}"
    cells = f"SELECT seen[1] AS cohort, week - seen[1] AS period FROM ({seen}) ARRAY JOIN seen AS week"
    counted = f"SELECT cohort, period, count() AS retained FROM ({cells}) GROUP BY cohort, period"
    return f"SELECT toInt32(cohort), toInt32(period), retained FROM ({counted}) ORDER BY cohort, period"


def actives_of(table: str) -> str:
    """Days of users by the day and the days to the user's next one; the windows follow from these."""
    gaps = "arrayMap((day, next) -> (day, least(next - day, 30)), days, arrayPushBack(arrayPopFront(days), 255))"
    return f"SELECT day, gap, count() FROM (SELECT arrayJoin({gaps}) AS p, p.1 AS day, p.2 AS gap FROM {table}) " \
        "GROUP BY day, gap ORDER BY day, gap"  # fmt: skip


def actives_finish(rows: Rows) -> Rows:
    """Users in windows of 1, 7 and 30 days from the counts by day and gap."""
    last = max(day for day, _, _ in rows)
    found = []
    for window in (1, 7, 30):
        change = [0] * (last + 40)
        for day, gap, users_ in rows:
            change[day] += users_
            change[day + min(gap if day + gap <= last else 30, window)] -= users_
        found.append(list(itertools.accumulate(change))[: last + 1])
    return [list(day) for day in zip(*found, strict=True) if day[0]]


def lifecycle_of(table: str) -> str:
    """Users of each stage by week."""
    before = "bitShiftLeft(toUInt64(weeks), 1)"
    sets = ["bitAnd(weeks, -toInt64(weeks))", f"bitAnd(weeks, {before})", f"bitAnd({before}, bitNot(toUInt64(weeks)))",
            "toUInt64(weeks)"]  # fmt: skip
    places = ", ".join(
        f"arrayMap(week -> week * 4 + {k}, bitPositionsToArray(toUInt64({bits})))" for k, bits in enumerate(sets)
    )
    return f"SELECT arrayJoin(arrayConcat({places})) AS place, count() FROM {table} GROUP BY place ORDER BY place"


def lifecycle_finish(rows: Rows) -> Rows:
    """New, returning, resurrected and dormant by week."""
    count = dict(map(tuple, rows))
    table = [[count.get(4 * week + k, 0) for k in range(4)] for week in range(max(count) // 4 + 1)]
    return [[new, back, active - new - back, gone] for new, back, gone, active in table if active]


def churn_of(table: str) -> str:
    """Users at each month's start, and those who are not there at the next."""
    here = [f"bitTest(active, {k})" for k in range(len(MONTHS))]
    pairs = ", ".join(f"[countIf({a}), countIf({a} AND NOT {b})]" for a, b in itertools.pairwise(here))
    return f"SELECT arrayJoin([{pairs}]) AS pair FROM {table}"


def churn_finish(rows: Rows) -> Rows:
    """The pairs."""
    return [pair for (pair,) in rows]


def cohorts(file: str) -> Ask:
    """Weekly first-time cohorts, a triangle of 26 weeks."""
    return asking(cohorts_of(f"({users(file, weeks=WEEKS)})"))


def actives(file: str) -> Ask:
    """Users active on each day, in seven days and in thirty."""
    return asking(actives_of(f"({users(file, days=DAYS)})"), actives_finish)


def lifecycle(file: str) -> Ask:
    """New, returning, resurrected and dormant users by week."""
    return asking(lifecycle_of(f"({users(file, weeks=WEEKS)})"), lifecycle_finish)


def churn(file: str) -> Ask:
    """Monthly churn after thirty days of silence."""
    return asking(churn_of(f"({users(file, active=ACTIVE)})"), churn_finish)


PARTS: list[tuple[Callable[[str], str], Callable[[Rows], Rows]]] = [
    (cohorts_of, lambda rows: rows), (actives_of, actives_finish), (lifecycle_of, lifecycle_finish),
    (churn_of, churn_finish),
]  # fmt: skip


def all_four(file: str) -> Ask:
    """All of these from one read."""
    made = users(file, weeks=WEEKS, days=DAYS, active=ACTIVE)
    begin = asking(f"CREATE OR REPLACE TABLE lives ENGINE = Memory AS {made}")
    asks = [asking(query("lives"), finish) for query, finish in PARTS]

    def ask() -> Rows:
        begin()
        return [row for one in asks for row in one() or []]

    return ask


def all_four_by_day(file: str) -> Ask:
    """The same from a table of the distinct (user, day): a form that was tried."""
    day = f"toUInt8(intDiv({TIME} - {BEGIN}, {DAY}))"
    made = f"SELECT cityHash64(user_id) AS user, {day} AS day FROM {source(file)} GROUP BY user, day"
    begin = asking(f"CREATE OR REPLACE TABLE seen ENGINE = Memory AS {made}")
    at = f"(day * {DAY} + {BEGIN})"
    bits = " + ".join(
        f"bitShiftLeft(toUInt8({at} >= {a} - {30 * DAY} AND {at} < {a}), {k})" for k, a in enumerate(INSTANTS)
    )
    columns = {
        "weeks": "groupBitOr(bitShiftLeft(toUInt32(1), intDiv(day, 7)))", "days": "arraySort(groupUniqArray(day))",
        "active": f"groupBitOr({bits})",
    }  # fmt: skip
    needed = ["weeks", "days", "weeks", "active"]
    asks = [
        asking(query(f"(SELECT {columns[name]} AS {name} FROM seen GROUP BY user)"), finish)
        for name, (query, finish) in zip(needed, PARTS, strict=True)
    ]

    def ask() -> Rows:
        begin()
        return [row for one in asks for row in one() or []]

    return ask
