"""Paths around a step of a funnel: who dropped and who went on, counted by eye and by plain Python."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import event_log
from metrics.funnel import funnel_users
from metrics.paths import drop_off_paths
from metrics.steps import Step
from tests.metrics.test_paths import NOON, ROWS, edge, edges, table_of, thorough

TRIAL = event_log("""
    2026-01-01 10:00  ann   sign_up
    2026-01-01 10:01  ann   invite
    2026-01-01 10:05  ann   buy
    2026-01-01 10:06  ann   help       # after buying: no part of the way there
    2026-01-02 09:00  ben   sign_up
    2026-01-02 09:02  ben   help
    2026-01-09 09:00  ben   help       # at the last instant of the window
    2026-01-09 09:01  ben   cancel     # beyond it
    2026-01-03 09:00  cat   help       # before signing up
    2026-01-03 09:10  cat   sign_up    # then nothing
    2026-01-29 09:00  open  sign_up
    2026-01-29 09:05  open  help
""")


def drops(log=TRIAL, steps=("sign_up", "buy"), **options):
    table = drop_off_paths(log, list(steps), window="7 days", as_of="2026-02-01", **options)
    return {outcome: edges(part) for outcome, part in table.groupby("outcome")}, table


def test_those_who_dropped_are_followed_to_the_end_of_their_window():
    found, table = drops()
    assert found["dropped"] == {
        (1, "sign_up", "help"): 1, (1, "sign_up", "(exit)"): 1, (2, "help", "help"): 1, (3, "help", "(exit)"): 1,
    }  # fmt: skip
    assert table[table["outcome"] == "dropped"]["share"].tolist() == [0.5, 0.5, 1, 1]


def test_those_who_went_on_are_followed_to_the_next_step():
    found, _ = drops()
    assert found["converted"] == {(1, "sign_up", "invite"): 1, (2, "invite", "buy"): 1}


def test_who_still_has_time_is_left_out_and_counted():
    settings = drops()[1].attrs["settings"]
    assert {key: value for key, value in settings.items() if key.endswith("_users")} == {
        "dropped_users": 2, "converted_users": 1, "open_users": 1, "excluded_users": 0,
    }  # fmt: skip


def test_void_attempts_are_left_out_and_counted():
    found, table = drops(exclude=[("help", 1, 2)])
    assert found["dropped"] == {(1, "sign_up", "(exit)"): 1}
    assert table.attrs["settings"]["excluded_users"] == 2  # ben and open asked for help on the way


def test_without_after_it_is_the_step_after_which_most_dropped():
    log = event_log("""
        2026-01-01  ann  a
        2026-01-02  ann  b
        2026-01-01  ben  a
        2026-01-02  ben  b
        2026-01-01  cat  a
    """)
    with pytest.warns(UserWarning, match="counts as never done"):
        _, table = drops(log, ("a", "b", "c"))
    assert table.attrs["settings"]["after"] == 2
    with pytest.warns(UserWarning, match="counts as never done"):
        _, table = drops(log, ("a", "b", "c"), after=1)
    assert edges(table) == {(1, "a", "(exit)"): 1, (1, "a", "b"): 2}


def test_the_difference_is_of_the_shares_of_both_outcomes_with_newcombes_limits():
    dropped = "\n".join(f"2026-01-01 10:00 d{k} a\n2026-01-01 10:01 d{k} {'help' if k < 9 else 'x'}" for k in range(10))
    converted = "\n".join(
        f"2026-01-01 10:00 c{k} a\n2026-01-01 10:01 c{k} {'help' if k < 3 else 'x'}\n2026-01-01 10:02 c{k} b"
        for k in range(10)
    )
    _, table = drops(event_log(f"{dropped}\n{converted}"), ("a", "b"))
    for _, row in table[(table["source"] == "a") & (table["target"] == "help")].iterrows():
        limits = row[["difference", "difference_low", "difference_high"]].astype(float)
        assert limits.round(4).tolist() == [0.6, 0.1705, 0.809]  # Newcombe (1998), 9 of 10 against 3 of 10
    made = table[table["target"].isin(["b", "(exit)"])]
    assert made["difference"].isna().all()  # these edges are what the outcome means


def test_a_silence_ends_a_path_and_then_both_outcomes_may_exit():
    log = event_log("""
        2026-01-01 10:00  ann  a
        2026-01-01 10:20  ann  help
        2026-01-02 10:00  ann  b
        2026-01-01 10:00  ben  a
        2026-01-01 10:31  ben  help
    """)
    found, table = drops(log, ("a", "b"), session_gap="30 minutes")
    assert found["converted"] == {(1, "a", "help"): 1, (2, "help", "(exit)"): 1}
    assert found["dropped"] == {(1, "a", "(exit)"): 1}
    assert edge(table, 1, "a", "(exit)")["difference"] == 1  # 1 of 1 against 0 of 1


def test_what_is_done_at_the_instant_of_the_step_belongs_to_it():
    log = event_log("2026-01-01 10:00 ann a\n2026-01-01 10:00 ann help\n2026-01-01 10:00 ben a\n2026-01-02 ben b")
    assert drops(log, ("a", "b"))[0] == {"dropped": {(1, "a", "(exit)"): 1}, "converted": {(1, "a", "b"): 1}}


def test_repeats_of_the_step_itself_collapse_too():
    log = event_log("""
        2026-01-01 10:00  ann  a  plan=pro
        2026-01-01 10:01  ann  a  plan=pro
        2026-01-01 10:02  ann  x
        2026-01-01 10:00  ben  b
    """)
    steps = (Step("a", where={"plan": "pro"}), "b")
    assert drops(log, steps, reentry="first", repeats="collapse")[0] == {
        "dropped": {(1, "a (plan = pro)", "x"): 1, (2, "x", "(exit)"): 1}
    }


def test_ignored_events_are_no_steps_but_the_funnel_sees_them():
    found, _ = drops(ignore=["help", "buy"])
    assert found == {
        "dropped": {(1, "sign_up", "(exit)"): 2},
        "converted": {(1, "sign_up", "invite"): 1, (2, "invite", "buy"): 1},
    }


def test_a_step_that_may_be_left_out_is_passed_by():
    log = event_log("""
        2026-01-01  ann  a
        2026-01-02  ann  b
        2026-01-03  ann  c
        2026-01-01  ben  a
        2026-01-03  ben  c
    """)
    found, _ = drops(log, ("a", Step("b", optional=True), "c"), after=1)
    assert found == {"converted": {(1, "a", "b"): 1, (2, "b", "c"): 1, (1, "a", "c"): 1}}
    with pytest.raises(ValueError, match="after: 2 is no step that leads to another"):
        drops(log, ("a", Step("b", optional=True), "c"), after=2)


def test_no_paths_around_a_funnel_that_nobody_entered():
    table = drop_off_paths(TRIAL[:0], ["sign_up", "buy"], as_of="2026-02-01")
    assert len(table) == 0
    assert table.columns[0] == "outcome"
    assert table.attrs["settings"]["after"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "plan"}, "by: 'plan' is not used by drop_off_paths"),
        ({"counting": "attempts"}, "counting: 'attempts' is not used by drop_off_paths"),
        ({"order": "unordered"}, "order: 'unordered' has no step"),
        ({"after": 2}, r"after: 2 is no step that leads to another. Use one of \[1\]"),
        ({"steps": ("buy",)}, "steps: 1 step has none after it"),
        ({"max_steps": 0}, "max_steps: 0 is not a number of steps"),
        ({"repeats": "no"}, "repeats: 'no' is not known"),
    ],
)
def test_wrong_arguments_around_a_funnel_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        drops(**options)


@pytest.mark.slow
@thorough
@given(rows=ROWS, after=st.sampled_from([1, 2]), collapse=st.booleans(), window=st.sampled_from([4, 9, 25]))
def test_paths_around_a_step_are_those_of_plain_python(rows, after, collapse, window):
    events, rows = table_of(rows)
    options = {"window": f"{window} minutes", "as_of": "2026-01-01 12:50"}
    table = drop_off_paths(
        events, ["a", "b", "c"], after=after, max_steps=4, repeats="collapse" if collapse else "keep", **options
    )
    expected = defaultdict(set)
    users = funnel_users(events, ["a", "b", "c"], **options)
    for user, step, outcome, times in zip(
        users["user_id"], users["step"], users["outcome"], users["step_times"], strict=True
    ):
        minutes = [(time - NOON).total_seconds() / 60 for time in times]
        if step > after:
            last, end, goal, name = minutes[after], "(goal)", [(minutes[after], "bc"[after - 1])], "converted"
        elif step == after and outcome == "dropped":
            last, end, goal, name = minutes[0] + window + 0.5, "(exit)", [], "dropped"
        else:
            continue
        between = sorted((m, e) for who, e, m in rows if who == user and minutes[after - 1] < m < last)
        path = [(minutes[after - 1], "ab"[after - 1]), *between, *goal]
        if collapse:
            path = [one for k, one in enumerate(path) if k == 0 or one[1] != path[k - 1][1]]
        names = [event for _, event in path] + ([end] if end == "(exit)" else [])
        for k in range(min(3, len(names) - 1)):
            expected[name, k + 1, names[k], names[k + 1]].add(user)
    found = {
        (outcome, *key): users
        for outcome, part in table.groupby("outcome")
        for key, users in edges(part).items()
    }  # fmt: skip
    assert found == {key: len(who) for key, who in expected.items()}
