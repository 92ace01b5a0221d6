"""The search against one through every attempt, and against ClickHouse in process."""

import itertools
from time import process_time

import chdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import Step, conversion_funnel, funnel_users

WINDOW = 4  # seconds
EVENTS = ["a", "b", "c"]
ROWS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(EVENTS), st.booleans()), min_size=1, max_size=9)
# Steps that overlap: any event, one event, one property.
STEPS = st.lists(
    st.sampled_from([Step("a"), Step("b"), Step(None), Step(None, where={"x": True})]), min_size=1, max_size=4
)


def table_of(rows, user="u"):
    return pd.DataFrame({
        "user_id": [user] * len(rows),
        "event": [event for _, event, _ in rows],
        "timestamp": pd.to_datetime([second for second, _, _ in rows], unit="s", utc=True).as_unit("us"),
        "x": [x for _, _, x in rows],
    })  # fmt: skip


def serves(row, step):
    return (step.event is None or row[1] == step.event) and all(row[2] == value for value in step.where.values())


def every_attempt(rows, steps, strict):
    """Times of every attempt: each step another row, not earlier than the one before, all within the window."""
    found = []
    for length in range(1, len(steps) + 1):
        for chosen in itertools.permutations(rows, length):
            times = [row[0] for row in chosen]
            in_order = all(b > a or (not strict and b == a) for a, b in itertools.pairwise(times))
            if in_order and times[-1] - times[0] <= WINDOW and all(map(serves, chosen, steps)):
                found.append(times)
    return found


@settings(deadline=None, max_examples=150)
@given(ROWS.filter(lambda rows: len(rows) <= 6), STEPS, st.booleans())
def test_the_best_attempt_is_the_best_of_all(rows, steps, strict):
    attempts = every_attempt(rows, steps, strict)
    ties = "strict_increase" if strict else "allow"
    options = {"window": f"{WINDOW} seconds", "as_of": "2026-01-01", "ties": ties}
    with_any = pd.concat([table_of(rows), table_of([(500, e, True) for e in EVENTS], user="all events exist")])
    table = funnel_users(with_any, steps, **options).set_index("user_id")
    if not attempts:
        assert "u" not in table.index
        return
    furthest = max(map(len, attempts))
    best = [times for times in attempts if len(times) == furthest]
    done = min(times[-1] for times in best)
    start = max(times[0] for times in best if times[-1] == done)
    earliest = min(times for times in best if times[0] == start)  # each step as early as it can be
    got = [int(t.timestamp()) for t in table.loc["u", "step_times"]]
    assert table.loc["u", "step"] == furthest
    assert got == earliest


@settings(deadline=None, max_examples=100)
@given(ROWS.filter(lambda rows: len(rows) <= 6), STEPS)
def test_without_order_the_level_is_the_most_different_rows_within_a_window(rows, steps):
    best = 0
    for chosen in (c for n in range(1, len(rows) + 1) for c in itertools.combinations(rows, n)):
        times = [row[0] for row in chosen]
        if len(chosen) <= len(steps) and max(times) - min(times) <= WINDOW:
            orders = itertools.permutations(steps, len(chosen))
            if any(all(map(serves, chosen, order)) for order in orders):
                best = max(best, len(chosen))
    table = funnel_users(with_every_event(rows), steps, order="unordered", **OPTIONS).set_index("user_id")
    assert table["step"].get("u", 0) == best


def test_without_order_thousands_of_rows_of_one_user_take_no_longer_than_they_must():
    rows = [(second, EVENTS[second * 5 % 3], second % 7 == 0) for second in range(2000)]
    steps = [Step("a"), Step(None), Step(None, where={"x": True}), Step(None)]
    began = process_time()
    table = funnel_users(table_of(rows), steps, order="unordered", window="1 hour", as_of="2026-01-01")
    assert process_time() - began < 3
    assert table["step"].tolist() == [4]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from("abcx"), min_size=1, max_size=12))
def test_strict_order_reads_on_from_every_start(events):
    best = 0
    for start in range(len(events)):
        reached = 0
        for event in events[start:]:
            if reached < 3 and event == "abc"[reached]:
                reached += 1
            elif not (reached and event == "abc"[reached - 1]):
                break
        best = max(best, reached)
    rows = [(second, event, False) for second, event in enumerate(events)]
    options = OPTIONS | {"window": "1 hour"}
    table = funnel_users(with_every_event(rows), ["a", "b", "c"], order="strict", **options).set_index("user_id")
    assert table["step"].get("u", 0) == best


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abx")), min_size=1, max_size=10))
def test_an_exclusion_lets_only_clean_attempts_count(rows):
    clean = []
    for start in sorted(t for t, event in rows if event == "a"):
        later = sorted(t for t, event in rows if event == "b" and start <= t <= start + WINDOW)
        end = later[0] if later else start + WINDOW + 1
        if not any(event == "x" and start < t < end for t, event in rows):
            clean.append(2 if later else 1)
    log = with_every_event([(t, event, False) for t, event in rows], also="x")
    table = funnel_users(log, ["a", "b"], exclude=[("x", 1, 2)], **OPTIONS).set_index("user_id")
    assert table["step"].get("u", 0) == max(clean, default=0)


OPTIONS = {"window": f"{WINDOW} seconds", "as_of": "2026-01-01"}


def with_every_event(rows, also=""):
    """The rows of u, and somebody else who did everything, so that no event is unknown."""
    return pd.concat([table_of(rows), table_of([(500, e, True) for e in [*EVENTS, *also]], user="other")])


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(EVENTS), st.sampled_from("uvw")), min_size=1, max_size=40)
)
def test_counts_agree_with_clickhouse(rows):
    log = pd.DataFrame({
        "user_id": [user for *_, user in rows] + ["w"] * 3,
        "event": [event for _, event, _ in rows] + EVENTS[::-1],
        "timestamp": pd.to_datetime([s for s, *_ in rows] + [100, 200, 300], unit="s", utc=True).as_unit("us"),
    })  # fmt: skip
    want = clickhouse(log)
    got = conversion_funnel(log, EVENTS, window="5 seconds", as_of="2026-01-01")["users"].tolist()
    assert got == want


def clickhouse(log):
    """Users by furthest step of windowFunnel over three events, five seconds."""
    values = ", ".join(
        f"('{user}', '{event}', {int(time.timestamp())})"
        for user, event, time in zip(log["user_id"], log["event"], log["timestamp"], strict=True)
    )
    conditions = ", ".join(f"e = '{event}'" for event in EVENTS)
    sql = (
        f"SELECT level, count() FROM (SELECT windowFunnel(5)(t, {conditions}) AS level FROM "
        f"(SELECT c1 AS u, c2 AS e, toUInt64(c3) AS t FROM values({values})) GROUP BY u) GROUP BY level FORMAT CSV"
    )
    counts = {int(level): int(n) for level, n in (line.split(",") for line in str(chdb.query(sql)).split())}
    return [sum(n for level, n in counts.items() if level >= k) for k in (1, 2, 3)]


@pytest.mark.parametrize("ties", ["allow", "strict_increase"])
def test_many_users_are_the_sum_of_each_alone(ties):
    rows = [(second * 7 % 11, EVENTS[second * 5 % 3], second % 2 == 0) for second in range(12)]
    together = pd.concat([table_of(rows[k : k + 6], user=f"u{k}") for k in range(6)])
    options = {"window": "4 seconds", "as_of": "2026-01-01", "ties": ties}
    whole = conversion_funnel(together, EVENTS, **options)["users"]
    alone = sum(
        conversion_funnel(pd.concat([table_of(rows[k : k + 6], user=f"u{k}")]), EVENTS, **options)["users"]
        for k in range(6)
    )
    assert whole.tolist() == alone.tolist()
