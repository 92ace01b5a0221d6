"""Paths: logs that can be counted by eye, and the same counts from a few lines of plain Python."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics import event_log, headline, plot_paths
from metrics.display.footnotes import footnotes
from metrics.paths import user_paths
from metrics.steps import Step

SHOP = event_log("""
    2026-01-01 10:00  ann  visit
    2026-01-01 10:02  ann  search
    2026-01-01 10:05  ann  buy
    2026-01-02 09:00  ben  visit
    2026-01-02 09:04  ben  buy
    2026-01-03 12:00  cat  visit      # and nothing more
    2026-01-04 08:00  dan  help       # came in by another door
    2026-01-04 08:30  dan  search
""")


def edges(table):
    """{(step, source, target): users}."""
    places = zip(table["source_step"], table["source"], table["target"], strict=True)
    return dict(zip(places, table["users"], strict=True))


def edge(table, step, source, target):
    where = (table["source_step"] == step) & (table["source"] == source) & (table["target"] == target)
    return table[where].iloc[0]


# -- the counts --------------------------------------------------------------------------------------------------------


def test_an_edge_is_walked_from_the_nth_event_of_a_user_to_the_next():
    assert edges(user_paths(SHOP)) == {
        (1, "visit", "search"): 1, (1, "visit", "buy"): 1, (1, "help", "search"): 1, (2, "search", "buy"): 1,
    }  # fmt: skip
    assert (user_paths(SHOP)["target_step"] == user_paths(SHOP)["source_step"] + 1).all()


def test_the_share_is_of_those_at_the_source_and_the_mean_is_of_the_walks():
    log = event_log("""
        2026-01-01 10:00  ann  visit
        2026-01-01 10:01  ann  buy
        2026-01-01 10:00  ben  visit
        2026-01-01 10:04  ben  buy
        2026-01-01 10:00  cat  visit
    """)
    found = edge(user_paths(log), 1, "visit", "buy")
    assert found["share"] == pytest.approx(2 / 3)  # cat was there too
    assert found["mean_seconds"] == 150


def test_who_branches_off_late_is_counted_where_the_ways_part():
    """Of fifty users who take three steps every second one takes a fourth."""
    rows = [
        (f"user_{user}", step, f"2021-05-01 00:0{minute}")
        for user in range(50)
        for minute, step in enumerate(["one", "two", "three", "branch"][: 4 - user % 2])
    ]
    log = event_log("\n".join(f"{time}  {user}  {step}" for user, step, time in rows))
    table = user_paths(log, max_steps=5)
    assert edges(table) == {(1, "one", "two"): 50, (2, "two", "three"): 50, (3, "three", "branch"): 25}
    assert table["mean_seconds"].tolist() == [60, 60, 60]


def test_users_who_begin_with_different_events_begin_on_different_edges():
    log = event_log("""
        2024-01-10 12:00  one    e1
        2024-01-10 12:01  one    e3
        2024-01-10 12:00  two    e1
        2024-01-10 12:01  two    e2
        2024-01-10 12:02  two    e3
        2024-01-10 12:00  three  e2
        2024-01-10 12:01  three  e1
        2024-01-10 12:00  four   e1
        2024-01-10 12:01  four   e2
    """)
    assert edges(user_paths(log)) == {
        (1, "e1", "e2"): 2, (1, "e1", "e3"): 1, (1, "e2", "e1"): 1, (2, "e2", "e3"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(("steps", "seconds"), [(2, [60]), (4, [60, 120, 180])])
def test_a_path_is_followed_for_so_many_steps(steps, seconds):
    log = event_log("""
        2012-01-01 03:21:34  ann  /1
        2012-01-01 03:22:34  ann  /2
        2012-01-01 03:24:34  ann  /3
        2012-01-01 03:27:34  ann  /4
    """)
    table = user_paths(log, max_steps=steps)
    assert table["source"].tolist() == ["/1", "/2", "/3"][: steps - 1]
    assert table["mean_seconds"].tolist() == seconds


def test_a_mean_over_centuries_is_exact():
    log = pd.DataFrame({
        "user_id": np.repeat([f"u{k}" for k in range(3000)], 2),
        "event": ["born", "dead"] * 3000,
        "timestamp": pd.to_datetime(["0200-01-01", "2025-01-01"] * 3000, utc=True, format="ISO8601").as_unit("us"),
    })  # fmt: skip
    one = (log["timestamp"][1] - log["timestamp"][0]).total_seconds()
    assert user_paths(log).loc[0, "mean_seconds"] == one  # the sum of microseconds does not fit into 63 bits


def test_rows_of_one_instant_come_in_the_order_of_their_names():
    log = event_log("""
        2026-01-01 10:00  ann  visit
        2026-01-01 10:01  ann  save
        2026-01-01 10:01  ann  note
    """)
    assert edges(user_paths(log)) == {(1, "visit", "note"): 1, (2, "note", "save"): 1}
    assert edges(user_paths(log[::-1])) == edges(user_paths(log))


def test_a_repeated_event_is_a_step_unless_repeats_are_collapsed():
    log = event_log("""
        2026-01-01 10:00  ann  view
        2026-01-01 10:01  ann  view
        2026-01-01 10:05  ann  buy
        2026-01-01 10:06  ann  view
    """)
    assert edges(user_paths(log)) == {(1, "view", "view"): 1, (2, "view", "buy"): 1, (3, "buy", "view"): 1}
    table = user_paths(log, repeats="collapse")
    assert edges(table) == {(1, "view", "buy"): 1, (2, "buy", "view"): 1}
    assert table.loc[0, "mean_seconds"] == 300  # from the first view


def test_ignored_events_are_as_if_they_were_not_there():
    log = event_log("""
        2026-01-01 10:00  ann  visit
        2026-01-01 10:10  ann  beat
        2026-01-01 10:20  ann  buy   plan=pro
        2026-01-01 10:21  ann  buy   plan=free
    """)
    assert edges(user_paths(log, ignore=["beat", Step("buy", where={"plan": "free"})])) == {(1, "visit", "buy"): 1}
    apart = user_paths(log, ignore=["beat"], session_gap="15 minutes")  # a beat keeps no session alive
    assert edges(apart) == {(1, "buy", "buy"): 1}


# -- where a path begins and ends --------------------------------------------------------------------------------------


def test_a_path_begins_with_the_first_start_event():
    assert edges(user_paths(SHOP, start_event="search", as_of="2026-02-01")) == {
        (1, "search", "buy"): 1, (1, "search", "(exit)"): 1, (2, "buy", "(exit)"): 1,
    }  # fmt: skip


def test_a_start_may_be_a_step_with_properties():
    log = event_log("""
        2026-01-01 10:00  ann  view  page=home
        2026-01-01 10:01  ann  view  page=price
        2026-01-01 10:02  ann  buy   page=price
    """)
    table = user_paths(log, start_event=Step("view", where={"page": "price"}))
    assert edges(table) == {(1, "view", "buy"): 1}
    assert table.attrs["settings"]["start_event"] == "view (page = price)"


def test_of_those_who_reach_the_end_the_last_steps_are_followed_and_numbered_towards_it():
    table = user_paths(SHOP, end_event="buy", max_steps=3)
    assert edges(table) == {(1, "visit", "search"): 1, (2, "search", "buy"): 1, (2, "visit", "buy"): 1}
    assert table.attrs["settings"]["users"] == 2
    assert edges(user_paths(SHOP, end_event="buy", max_steps=2)) == {(1, "search", "buy"): 1, (1, "visit", "buy"): 1}


def test_between_a_start_and_an_end_the_end_must_come_after():
    log = event_log("""
        2026-01-01  ann  buy
        2026-01-02  ann  visit
        2026-01-03  ann  read
        2026-01-04  ann  buy
        2026-01-05  ann  read
        2026-01-06  ann  buy       # a second time, beyond the end
        2026-01-01  ben  buy
        2026-01-02  ben  visit     # never bought after
    """)
    table = user_paths(log, start_event="visit", end_event="buy", as_of="2026-02-01")
    assert edges(table) == {(1, "visit", "read"): 1, (2, "read", "buy"): 1}
    twice = user_paths(log, start_event="buy", end_event="buy")
    assert edges(twice) == {(1, "buy", "visit"): 1, (2, "visit", "read"): 1, (3, "read", "buy"): 1}


def test_a_session_ends_after_a_silence_longer_than_the_gap():
    log = event_log("""
        2026-01-01 10:00        edge  a
        2026-01-01 10:30        edge  b     # exactly the gap: the same session
        2026-01-01 10:00        late  a
        2026-01-01 10:30:00.000001  late  b
    """)
    table = user_paths(log, session_gap="30 minutes", as_of="2026-01-02")
    assert edges(table) == {(1, "a", "b"): 1, (1, "a", "(exit)"): 1, (1, "b", "(exit)"): 1, (2, "b", "(exit)"): 1}
    assert (table.attrs["settings"]["users"], table.attrs["settings"]["paths"]) == (2, 3)


def test_a_user_counts_once_on_an_edge_however_many_sessions_took_it():
    log = event_log("""
        2026-01-01 10:00  ann  a
        2026-01-01 10:01  ann  b
        2026-01-02 10:00  ann  a
        2026-01-02 10:03  ann  b
        2026-01-03 10:00  ann  a
        2026-01-03 10:03  ann  c
    """)
    table = user_paths(log, session_gap="1 hour")
    assert edge(table, 1, "a", "b")["users"] == 1
    assert edge(table, 1, "a", "b")["mean_seconds"] == 120  # of both walks
    assert table["share"].tolist() == [1, 1]  # more than one in all


def test_who_stops_is_known_only_up_to_a_moment():
    assert not user_paths(SHOP)["target"].str.startswith("(").any()
    table = user_paths(SHOP, as_of="2026-02-01", max_steps=3)
    assert edges(table)[1, "visit", "(exit)"] == 1  # cat
    assert edges(table)[2, "search", "(exit)"] == 1  # dan
    assert (3, "buy", "(exit)") not in edges(table)  # beyond the steps that are looked at
    assert table.groupby(["source_step", "source"])["share"].sum().tolist() == pytest.approx([1] * 4)
    assert table.loc[table["target"] == "(exit)", "mean_seconds"].isna().all()


def test_a_session_that_may_go_on_is_open_and_no_exit():
    log = event_log("2026-01-01 23:30 edge a\n2026-01-01 23:29:59 over a")
    table = user_paths(log, session_gap="30 minutes", as_of="2026-01-02")
    assert edges(table) == {(1, "a", "(open)"): 1, (1, "a", "(exit)"): 1}  # at midnight edge may still come


def test_a_collapsed_session_is_open_by_its_last_row():
    log = event_log("2026-01-01 23:10 ann a\n2026-01-01 23:35 ann a")
    table = user_paths(log, session_gap="30 minutes", as_of="2026-01-02", repeats="collapse")
    assert edges(table) == {(1, "a", "(open)"): 1}


def test_rows_from_as_of_on_are_not_read():
    table = user_paths(SHOP, as_of="2026-01-02 09:04")
    assert edges(table)[1, "visit", "(exit)"] == 1  # ben's purchase is not observed
    assert (1, "visit", "buy") not in edges(table)


def test_paths_begin_in_the_range_and_may_go_on_beyond_it():
    log = event_log("""
        2026-01-31 23:59  ann  a        # under way at the start of the range
        2026-02-01 00:00  ann  b
        2026-02-28 23:59  ben  a
        2026-03-01 00:05  ben  b        # after its end
        2026-03-01 00:00  cat  a
    """)
    february = {"since": "2026-02-01", "until": "2026-03-01", "as_of": "2026-04-01"}
    assert edges(user_paths(log, **february)) == {
        (1, "b", "(exit)"): 1, (1, "a", "b"): 1, (2, "b", "(exit)"): 1,
    }  # fmt: skip
    sessions = user_paths(log, session_gap="1 hour", **february)
    assert edges(sessions) == {(1, "a", "b"): 1, (2, "b", "(exit)"): 1}  # ann's session began before
    ends = user_paths(log, end_event="b", **february)
    assert edges(ends) == {(4, "a", "b"): 1}  # ann; ben arrived too late


def test_the_unit_may_be_another_column():
    log = event_log("""
        2026-01-01 10:00  ann  visit  team=t
        2026-01-01 10:01  ben  buy    team=t
        2026-01-01 10:02  cat  buy
    """)
    assert edges(user_paths(log, unit="team")) == {(1, "visit", "buy"): 1}


def test_nobody_and_one_user_with_one_event_are_answers():
    empty = user_paths(SHOP[:0], as_of="2026-02-01")
    assert len(empty) == 0
    assert empty.attrs["settings"]["users"] == 0
    assert list(empty) == ["source_step", "source", "target_step", "target", "users", "share", "mean_seconds"]
    alone = SHOP[SHOP["user_id"] == "cat"]
    assert len(user_paths(alone)) == 0
    assert edges(user_paths(alone, as_of="2026-02-01")) == {(1, "visit", "(exit)"): 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_event": "vist"}, "start_event: 'vist' is not in the event table"),
        ({"end_event": "sell"}, "end_event: 'sell' is not in the event table"),
        ({"max_steps": 1}, "max_steps: 1 is not a number of steps"),
        ({"session_gap": "30"}, "session_gap: '30' is not a span of time"),
        ({"repeats": "drop"}, "repeats: 'drop' is not known"),
        ({"ignore": "help"}, "ignore: 'help' is not a list of events"),
        ({"unit": "team"}, "unit: 'team' is not a column"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "since 2026-02-01 is not before until"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        user_paths(SHOP, **options)


# -- the same by hand --------------------------------------------------------------------------------------------------

NOON = pd.Timestamp("2026-01-01 12:00", tz="UTC")
ROWS = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abcd"), st.integers(0, 30)), max_size=25)
thorough = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def table_of(rows):
    """An event table with a user whose events are all there are, so that no event is unknown."""
    rows = [*rows, *(("w", event, 40) for event in "abcd")]
    users, names, minutes = zip(*rows, strict=True)
    times = (NOON + pd.to_timedelta(minutes, unit="min")).as_unit("us")
    return pd.DataFrame({"user_id": pd.array(users, dtype="str"), "event": list(names), "timestamp": times}), rows


def paths_by_hand(rows, start, end, gap, collapse):
    for user in sorted({user for user, _, _ in rows}):
        sessions = []
        for minute, event in sorted((minute, event) for who, event, minute in rows if who == user):
            if not sessions or (gap and minute - sessions[-1][-1][0] > gap):
                sessions.append([])
            sessions[-1].append((minute, event))
        for path in sessions:
            names = [event for _, event in path]
            if start and start not in names:
                continue
            path = path[names.index(start) :] if start else path
            names = [event for _, event in path]
            first = 1 if start else 0
            if end and end not in names[first:]:
                continue
            path = path[: names.index(end, first) + 1] if end else path
            is_open = bool(gap) and path[-1][0] + gap >= 50
            if collapse:
                path = [step for k, step in enumerate(path) if k == 0 or step[1] != path[k - 1][1]]
            yield user, path, is_open


def edges_by_hand(rows, start, end, gap, collapse, steps):
    users, seconds = defaultdict(set), defaultdict(list)
    for user, path, is_open in paths_by_hand(rows, start, end, gap, collapse):
        place = 1 + (steps - len(path) if end and not start else 0)
        last = (None, "(open)" if is_open else "(exit)")
        for k, (minute, event) in enumerate(path):
            following = path[k + 1] if k + 1 < len(path) else last
            if place + k < 1 or place + k >= steps or (end and following is last):
                continue
            users[place + k, event, following[1]].add(user)
            if following is not last:
                seconds[place + k, event, following[1]].append(60 * (following[0] - minute))
    return {key: (len(who), sum(seconds[key]), len(seconds[key])) for key, who in users.items()}


@thorough
@given(
    rows=ROWS,
    start=st.sampled_from([None, "a"]),
    end=st.sampled_from([None, "b"]),
    gap=st.sampled_from([None, 3, 6]),
    collapse=st.booleans(),
    steps=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_the_edges_are_those_of_a_few_lines_of_plain_python(rows, start, end, gap, collapse, steps, seed):
    events, rows = table_of(rows)
    table = user_paths(
        events.sample(frac=1, random_state=seed),
        start_event=start,
        end_event=end,
        session_gap=gap and f"{gap} minutes",
        repeats="collapse" if collapse else "keep",
        max_steps=steps,
        as_of="2026-01-01 12:50",
    )
    expected = edges_by_hand(rows, start, end, gap, collapse, steps)
    assert edges(table) == {key: users for key, (users, _, _) in expected.items()}
    for row in table.to_dict("records"):
        _, total, walks = expected[row["source_step"], row["source"], row["target"]]
        assert row["mean_seconds"] == pytest.approx(total / walks) if walks else np.isnan(row["mean_seconds"])
        assert 0 < row["share"] <= 1


def test_a_user_stays_in_the_group_of_the_first_row():
    log = event_log("""
        2026-01-01 10:00  ann  visit  plan=pro
        2026-01-01 10:05  ann  buy    plan=free  # ann is pro
        2026-01-01 10:00  ben  visit  plan=free
        2026-01-01 10:07  ben  buy    plan=pro
        2026-01-01 10:00  cat  visit
        2026-01-01 10:00  dan  visit  plan=pro
        2026-01-01 10:01  dan  buy    plan=pro
    """)
    table = user_paths(log, by="plan", as_of="2026-02-01", max_steps=2)
    assert table.columns[:2].tolist() == ["plan", "source_step"]
    edges = table.set_index("plan")[["source", "target", "users", "share", "mean_seconds"]]
    assert edges.loc["free"].tolist() == ["visit", "buy", 1, 1.0, 420.0]
    assert edges.loc["pro"].tolist() == ["visit", "buy", 2, 1.0, 180.0]
    assert edges.iloc[2, :3].tolist() == ["visit", "(exit)", 1]
    assert table["plan"].isna().tolist() == [False, False, True]
    assert table.attrs["settings"]["users"] == 4
    by_event = user_paths(log, by=["event", "plan"], start_event="buy", as_of="2026-02-01")
    assert by_event[["event", "plan", "users"]].to_numpy().tolist() == [["visit", "free", 1], ["visit", "pro", 2]]
    assert headline(table).startswith(
        "100\u202f% of 2 of pro, the largest of 2 groups that took two steps, who began with visit went"
    )
    assert "1 / 1 = 100.0\u202f%, visit to buy, free." in footnotes(table)[0]
    with pytest.raises(ValueError, match="a figure shows one"):
        plot_paths(table)
    with pytest.raises(ValueError, match="by: 'source' is a column of the result"):
        user_paths(log.assign(source="x"), by="source")
