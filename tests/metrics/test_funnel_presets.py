"""like= gives each tool's number on the tool's own examples; where one stands is in the name or the comment."""

import chdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import Step, conversion_funnel, event_log, funnel_trend, funnel_users
from metrics.funnel.explain import explain_funnel
from metrics.funnel.presets import PRESETS, funnel_presets


def users(log, steps, like, as_of="2030-01-01", **options):
    """Users at each step; a log is text."""
    table = conversion_funnel(event_log(log), list(steps), like=like, as_of=as_of, **options)
    return table["users"].tolist()


def people(log, steps, like, as_of="2030-01-01", **options):
    return funnel_users(event_log(log), list(steps), like=like, as_of=as_of, **options).set_index("user_id")


# -- PostHog: posthog/hogql_queries/insights/funnels/test, and issues


def test_posthog_wants_every_step_in_the_range():
    """Issue 44204: step 1 in July and the subscription in August is no conversion of July."""
    log = """
        2025-07-31 12:00  u1  trial
        2025-08-10 12:00  u1  subscribed
        2025-07-05 12:00  u2  trial
        2025-07-08 12:00  u2  subscribed
        2025-08-02 12:00  u3  trial
        2025-08-12 12:00  u3  subscribed
    """
    july = {"since": "2025-07-01", "until": "2025-08-01"}
    assert users(log, ["trial", "subscribed"], "posthog", **july) == [2, 1]
    assert users(log, ["trial", "subscribed"], None, **july) == [2, 2]


def test_posthog_lets_a_second_attempt_convert():
    """test_funnel.py::test_time_to_convert_funnel_ignores_breakdown."""
    log = """
        2024-03-22 13:10  user_1  a
        2024-03-22 13:11  user_1  b
        2024-03-22 13:01  user_2  a
        2024-03-22 13:35  user_2  a
        2024-03-22 13:41  user_2  b
        2024-03-22 13:01  user_3  a
        2024-03-22 13:35  user_3  a
        2024-03-22 13:41  user_3  a
    """
    table = conversion_funnel(event_log(log), ["a", "b"], like="posthog", window="10 minutes", as_of="2025-01-01")
    assert table["users"].tolist() == [3, 2]
    assert table["mean_seconds"][1] == 210


def test_posthog_converts_rows_of_one_instant():
    """test_funnel.py::test_funnel_with_different_actions_at_same_time_count_as_converted."""
    log = "2020-01-03 a sign_up\n2020-01-03 a pageview\n2020-01-03 b sign_up"
    assert users(log, ["sign_up", "pageview"], "posthog", since="2020-01-01", until="2020-01-08") == [2, 1]


def test_posthog_takes_the_excluded_out_of_every_step():
    """test_funnel.py::test_funnel_exclusions_full_window."""
    log = """
        2021-05-01 01:00  person1  sign_up
        2021-05-01 02:00  person1  paid
        2021-05-01 03:00  person2  sign_up
        2021-05-01 03:30  person2  x
        2021-05-01 04:00  person2  paid
        2021-05-01 05:00  person3  sign_up
        2021-05-01 06:00  person3  paid
    """
    options = {"exclude": [("x", 1, 2)], "since": "2021-05-01", "until": "2021-05-15"}
    assert users(log, ["sign_up", "paid"], "posthog", **options) == [2, 2]


def test_posthog_keeps_a_user_with_an_earlier_clean_attempt():
    """test_funnel.py::test_funnel_exclusion_multiple_possible_no_end_event2."""
    log = "2021-05-01 00:00:00 u a\n2021-05-01 00:00:31 u a\n2021-05-01 00:00:32 u x\n2021-05-01 z b"
    options = {"exclude": [("x", 1, 2)], "window": "10 seconds"}
    assert users(log, ["a", "b"], "posthog", **options) == [1, 0]


def test_posthog_has_14_days_and_counts_elapsed_seconds():
    log = "2024-01-01 in a\n2024-01-15 in b\n2024-01-01 out a\n2024-01-15 00:00:01 out b"
    assert users(log, ["a", "b"], "posthog") == [2, 1]


def test_posthog_in_strict_order_starts_again_after_another_event():
    """test_funnel_strict.py::test_basic_strict_funnel, and product notes on a b a b c."""
    log = "\n".join(f"2024-01-01 00:00:{k:02d} u {event}" for k, event in enumerate("abxabc"))
    assert people(log, "abc", "posthog", order="strict").loc["u", "step"] == 3


def test_posthog_breaks_down_by_the_first_value_on_the_steps():
    """breakdown_cases.py::test_funnel_step_breakdown_with_first_touch_attribution."""
    log = """
        2020-01-01 12:00  person1  sign_up  browser=Chrome
        2020-01-01 13:00  person1  buy
        2020-01-01 13:00  person2  sign_up
        2020-01-02 13:00  person2  buy      browser=Safari
    """
    found = people(log, ["sign_up", "buy"], "posthog", by="browser")["browser"]
    assert found.to_dict() == {"person1": "Chrome", "person2": "Safari"}


# -- Mixpanel: Funnels Advanced Concepts, Funnels FAQ


def test_mixpanel_does_not_reset_the_window_at_a_second_step_1():
    """Conversion Window: A 1:00, A 1:30, B 1:45, C 2:15 within an hour; and Optimized Re-entry on the same events."""
    log = "2024-01-01 13:00 u A\n2024-01-01 13:30 u A\n2024-01-01 13:45 u B\n2024-01-01 14:15 u C"
    assert users(log, "ABC", "mixpanel", window="1 hour") == [1, 1, 0]
    assert users(log, "ABC", "mixpanel", window="1 hour", reentry="best") == [1, 1, 1]


@pytest.mark.parametrize(("again", "done"), [("12:00", "12:30"), ("10:45", "11:30")])
def test_mixpanel_counts_a_second_entry_only_when_reentry_is_optimized(again, done):
    """Optimized Re-entry, scenarios 1 and 2."""
    log = f"2024-01-01 10:00 u A\n2024-01-01 {again} u A\n2024-01-01 {done} u B"
    assert users(log, "AB", "mixpanel", window="1 hour") == [1, 0]
    assert users(log, "AB", "mixpanel", window="1 hour", reentry="best") == [1, 1]


def test_mixpanel_takes_the_last_entry_when_reentry_is_optimized_and_the_first_by_default():
    """Optimized Re-entry, notes 3 and 4: A, A, A, B."""
    log = "2024-01-10 12:00 u A\n2024-01-10 12:01 u A\n2024-01-10 12:02 u A\n2024-01-10 12:03 u B"
    assert people(log, "AB", "mixpanel").loc["u", "entered_at"].minute == 0
    assert people(log, "AB", "mixpanel", reentry="best").loc["u", "entered_at"].minute == 2


def test_mixpanel_takes_steps_within_two_seconds_in_either_order():
    """Funnels FAQ, simultaneous events."""
    log = "2024-01-01 00:00:08 in B\n2024-01-01 00:00:10 in A\n2024-01-01 00:00:07 out B\n2024-01-01 00:00:10 out A"
    assert users(log, "AB", "mixpanel") == [2, 1]
    assert users(log, "AB", "mixpanel", grace=None) == [2, 0]


@pytest.mark.parametrize(("events", "level"), [("ABCDE", 5), ("ABFCDE", 5), ("ABDCDE", 5), ("ABCE", 3)])
def test_mixpanel_asks_for_a_specific_order_with_anything_in_between(events, level):
    """Ordering, Specific Order, examples 1 to 4."""
    log = "\n".join(f"2024-01-01 00:{k:02d} u {event}" for k, event in enumerate(events)) + "\n2024-01-01 other D"
    assert people(log, "ABCDE", "mixpanel").loc["u", "step"] == level


def test_mixpanel_counts_totals_by_attempts():
    """Counting Methods: A B A B is two conversions, and of uniques the first one counts."""
    log = "2024-01-10 12:00 u A\n2024-01-10 12:01 u B\n2024-01-10 12:02 u A\n2024-01-10 12:03 u B"
    assert users(log, "AB", "mixpanel", counting="attempts", reentry="best") == [2, 2]
    assert users(log, "AB", "mixpanel") == [1, 1]


def test_mixpanel_has_7_days():
    log = "2024-01-01 in A\n2024-01-08 in B\n2024-01-01 out A\n2024-01-08 00:00:01 out B"
    assert users(log, "AB", "mixpanel") == [2, 1]


# -- Amplitude: How Amplitude computes conversions, Interpret your funnel analysis, simultaneous events


def test_amplitude_has_one_day_of_24_hours():
    """Interpret, Set your time options; FAQ: 24-hour windows, not calendar days."""
    log = "2024-01-01 15:00 in A\n2024-01-02 15:00 in B\n2024-01-01 15:00 out A\n2024-01-02 15:00:01 out B"
    assert users(log, "AB", "amplitude") == [2, 1]


def test_amplitude_takes_events_within_one_second_in_either_order():
    """Simultaneous events."""
    log = "2024-01-01 00:00:09.500 in B\n2024-01-01 00:00:10 in A\n2024-01-01 00:00:07 out B\n2024-01-01 00:00:10 out A"
    assert users(log, "AB", "amplitude") == [2, 1]


def test_amplitude_records_one_conversion_after_four_searches():
    """How Amplitude computes funnels, Order of events."""
    log = "\n".join(f"2024-01-01 00:{k:02d} u search" for k in range(4)) + "\n2024-01-01 00:04 u add_to_cart"
    assert users(log, ["search", "add_to_cart"], "amplitude") == [1, 1]
    assert users(log, ["search", "add_to_cart"], "amplitude", counting="attempts") == [1, 1]


def test_amplitude_counts_the_longest_attempt_and_a_user_once():
    """Funnel Analysis FAQ: step 1 on the 1st, 5th and 20th, step 2 on the 2nd and 6th, over the whole range."""
    log = "\n".join(f"2024-01-{day:02d} 09:00 u one" for day in (1, 5, 20))
    log += "\n" + "\n".join(f"2024-01-{day:02d} 09:00 u two" for day in (2, 6))
    assert users(log, ["one", "two"], "amplitude", window="2 days") == [1, 1]


def test_amplitude_groups_by_the_value_at_the_entry():
    """How Amplitude computes conversions, Scenario 2: both pages seen, nobody converts before the window is over."""
    log = """
        2024-01-01 09:00  u  landing   page=A
        2024-01-01 09:05  u  register  page=B
    """
    assert people(log, ["landing", "register"], "amplitude", by="page")["page"].tolist() == ["A"]


def test_amplitude_gives_the_first_of_two_pages_the_credit_with_the_first_entry():
    """Scenario 2: landing pages A and B in one window, then the registration. Our best attempt is the later one."""
    log = "2024-01-01 09:00 u landing page=A\n2024-01-01 12:00 u landing page=B\n2024-01-01 12:05 u register"
    assert people(log, ["landing", "register"], "amplitude", by="page", reentry="first")["page"].tolist() == ["A"]
    differs = PRESETS["amplitude"].not_reproduced(["ordered", "by"])
    assert any("begun first gives times and groups" in text for text in differs)


# -- ClickHouse: tests/queries/0_stateless/00632_aggregation_window_funnel, and the function itself


def levels(log, steps, **options):
    return people(log, steps, "clickhouse", **options)["step"].to_dict()


def test_clickhouse_reaches_as_far_as_its_window():
    """funnel_test: events 1000 to 1008, one a second."""
    log = "\n".join(f"2024-01-01 00:00:{k:02d} u e{k}" for k in range(9))
    steps = [f"e{k}" for k in range(3, 8)]
    assert levels(log, steps, window="2 seconds") == {"u": 3}
    assert levels(log, steps, window="3 seconds") == {"u": 4}


def test_clickhouse_with_failures_and_success():
    """funnel_test2, with strict_once, for here one row serves one step."""
    log = """
        2024-01-01 00:01:40  u234  failure
        2024-01-01 00:03:20  u345  success
        2024-01-01 00:03:30  u345  failure
        2024-01-01 00:03:50  u345  success
        2024-01-01 00:04:10  u234  failure
        2024-01-01 00:03:00  u123  failure
        2024-01-01 00:03:40  u123  failure
        2024-01-01 00:04:10  u123  success
    """
    assert levels(log, ["failure", "failure", "success"], window="200 seconds") == {"u123": 3, "u234": 2, "u345": 1}


@pytest.mark.parametrize(("events", "level"), [("abc", 3), ("adbc", 1), ("aabbcc", 3), ("ababc", 2), ("acb", 1)])
def test_clickhouse_in_strict_order_stops_for_good(events, level):
    """funnel_test_strict_order and funnel_test_allow_reentry without allow_reentry."""
    log = "\n".join(f"2024-01-01 00:00:{k:02d} u {event}" for k, event in enumerate(events))
    log += "\n2023-01-01 z a\n2023-01-01 z b\n2023-01-01 z c"
    assert levels(log, "abc", window="1 day", order="strict")["u"] == level


def test_clickhouse_asks_for_later_rows_with_strict_increase():
    """funnel_test_strict_increase."""
    log = (
        "2024-01-01 00:00:00 u a\n"
        + "\n".join(f"2024-01-01 00:00:01 u {e}" for e in "bcd")
        + "\n2024-01-01 00:00:02 u e"
    )
    assert levels(log, "abcde", window="10000 seconds") == {"u": 5}
    assert levels(log, "abcde", window="10000 seconds", ties="strict_increase") == {"u": 2}


ROWS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from("abcx"), st.sampled_from("uvw")),
    min_size=1,
    max_size=30,
    unique_by=lambda row: (row[0], row[2]),  # one row an instant; ties have tests of their own
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["ordered", "strict"]))
def test_clickhouse_itself_gives_the_same_counts(rows, order):
    if order == "strict":  # what a repeated step 1 does there is among what differs
        window, mode = 10_000, ", 'strict_order'"
        began = {user: second for second, event, user in sorted(rows, reverse=True) if event == "a"}
        rows = [row for row in rows if row[1] != "a" or row[0] == began[row[2]]]
    else:
        window, mode = 6, ""
    rows = [*rows, *((1000 * k, event, "z") for k, event in enumerate("cba", start=1))]
    values = ", ".join(f"('{user}', '{event}', {second})" for second, event, user in rows)
    sql = (
        f"SELECT u, windowFunnel({window}{mode})(t, e = 'a', e = 'b', e = 'c') AS level FROM "
        f"(SELECT c1 AS u, c2 AS e, toUInt64(c3) AS t FROM values({values})) GROUP BY u FORMAT CSV"
    )
    want = {user.strip('"'): int(level) for user, level in (line.split(",") for line in str(chdb.query(sql)).split())}
    log = pd.DataFrame({
        "user_id": [user for *_, user in rows],
        "event": [event for _, event, _ in rows],
        "timestamp": pd.to_datetime([second for second, *_ in rows], unit="s", utc=True).as_unit("us"),
    })  # fmt: skip
    table = funnel_users(
        log, list("abc"), like="clickhouse", order=order, window=f"{window} seconds", as_of="2030-01-01"
    )
    got = dict.fromkeys(want, 0) | table.set_index("user_id")["step"].to_dict()
    assert got == want


# -- the argument itself

LOG = "2024-01-01 u a\n2024-01-09 u a\n2024-01-10 u b"


def test_what_is_given_wins_over_the_tool_even_where_it_is_the_default():
    assert users(LOG, "ab", "mixpanel") == [1, 0]
    assert users(LOG, "ab", "mixpanel", window="14 days") == [1, 1]
    assert users(LOG, "ab", "mixpanel", reentry="best") == [1, 1]


def test_every_funnel_function_knows_the_tool():
    log = event_log(LOG)
    options = {"like": "mixpanel", "as_of": "2024-03-01"}
    assert funnel_users(log, ["a", "b"], **options)["step"].tolist() == [1]
    assert funnel_trend(log, ["a", "b"], **options)["converted"].sum() == 0
    assert explain_funnel(log, ["a", "b"], user_id="u", **options)["outcome"].tolist()[:2] == ["counted", "dropped"]


def test_the_result_names_the_tool_what_was_given_otherwise_and_what_is_not_reproduced():
    table = conversion_funnel(event_log(LOG), ["a", "b"], like="mixpanel", window="2 days", as_of="2024-03-01")
    assert table.attrs["settings"]["like"] == "mixpanel"
    assert table.attrs["settings"]["reentry"] == "first"
    assert "The rules are those of Mixpanel, but for window. Not reproduced of Mixpanel:" in table.attrs["definition"]
    assert "exclusion" not in table.attrs["definition"]  # there is none
    plain = conversion_funnel(event_log(LOG), ["a", "b"], as_of="2024-03-01")
    assert "like" not in plain.attrs["settings"]
    assert "rules are those" not in plain.attrs["definition"]


def test_an_unknown_tool_is_refused():
    with pytest.raises(ValueError, match=r"like: 'heap' is not known. Use one of 'posthog', 'mixpanel'"):
        users(LOG, "ab", "heap")


def test_what_has_no_meaning_in_an_order_is_left_out():
    assert users(LOG, "ab", "mixpanel", order="strict", window="2 days") == [1, 0]  # grace is for steps in order


def test_the_presets_are_a_table_with_a_source_for_every_rule():
    table = funnel_presets()
    assert table["tool"].unique().tolist() == ["posthog", "mixpanel", "amplitude", "clickhouse"]
    rules = table[table["argument"].notna()]
    assert rules["source"].notna().all()
    assert rules["why"].str.endswith(".").all()
    assert set(rules["order"].dropna()) == {"ordered", "strict", "ordered, unordered"}
    assert rules.loc[rules["argument"] == "window", "order"].isna().all()
    assert table.loc[table["argument"].isna(), "why"].str.startswith("Not reproduced").all()


def test_every_rule_is_an_argument():
    for tool, one in PRESETS.items():
        for order in ("ordered", "strict", "unordered"):
            options = one.arguments(order) | {"window": "3 days", "order": order}
            want = conversion_funnel(event_log(LOG), [Step("a"), "b"], as_of="2024-03-01", **options)
            got = conversion_funnel(
                event_log(LOG), ["a", "b"], as_of="2024-03-01", like=tool, window="3 days", order=order
            )
            assert got["users"].tolist() == want["users"].tolist()
