"""Why somebody is counted or not: the reason in words, and always the number of the funnel itself."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import Step, conversion_funnel, event_log, explain_funnel, funnel_users
from metrics.funnel.reasons import clock, span

LOG = event_log("""
    2026-01-01 09:00         ann    visit
    2026-01-01 09:05         ann    sign_up
    2026-01-04 09:00         ann    buy

    2026-01-01               late   visit      # buys one millisecond after the window
    2026-01-02               late   sign_up
    2026-01-08 00:00:00.001  late   buy

    2026-01-10               again  visit      # fails, comes back, succeeds
    2026-01-20               again  visit
    2026-01-21               again  sign_up
    2026-01-22               again  buy

    2026-01-28               open   visit      # still has time
    2026-01-29               open   sign_up

    2026-01-05               other  sign_up    # never entered
    2026-01-06               other  buy

    2026-01-03               back   buy        # the last step before the first
    2026-01-05               back   visit
    2026-01-06               back   sign_up

    2026-01-05               out    visit      # a refund in between
    2026-01-06               out    refund
    2026-01-07               out    sign_up
""")
STEPS = ["visit", "sign_up", "buy"]


def explain(user, log=LOG, steps=STEPS, window="7 days", as_of="2026-02-01", **options):
    return explain_funnel(log, steps, user_id=user, window=window, as_of=as_of, **options)


def last(user, **options):
    """Outcome and reason of the last row."""
    return tuple(explain(user, **options)[["outcome", "reason"]].iloc[-1])


def first(user, **options):
    return tuple(explain(user, **options)[["outcome", "reason"]].iloc[0])


def log_of(*rows):
    return event_log("\n".join(rows))


def test_every_step_of_a_conversion_says_which_row_served_it():
    table = explain("ann")
    assert table.columns.tolist() == ["attempt", "step", "event", "timestamp", "outcome", "reason"]
    assert table["event"].tolist() == STEPS
    assert table["timestamp"].dt.strftime("%d %H:%M").tolist() == ["01 09:00", "01 09:05", "04 09:00"]
    assert table["outcome"].tolist() == ["counted"] * 3
    assert table["reason"].tolist() == ["enters the funnel", "5 minutes after step 1", "2 days 23 hours after step 2"]


def test_too_late_says_when_and_by_how_much():
    assert last("late") == (
        "dropped",
        "not done within 7 days of step 1 (until 2026-01-08 00:00): "
        "done 2026-01-08 00:00:00.001, 0.001 seconds after the window",
    )
    assert explain("late")["timestamp"].isna().tolist() == [False, False, True]


def test_before_the_step_it_must_follow():
    assert last("back")[1].endswith("done 2026-01-03 00:00, 3 days before step 2 and not after it")


def test_never_done_is_said_where_nothing_comes_near():
    assert last("out") == ("dropped", "not done within 7 days of step 1 (until 2026-01-12 00:00): never done")


def test_an_open_window_says_until_when():
    assert last("open") == ("open", "not yet done, the window is open until 2026-02-04 00:00")


def test_somebody_who_never_entered_is_told_what_they_did():
    table = explain("other")
    assert table["attempt"].tolist() == [0]
    assert table["timestamp"].isna().all()
    assert first("other") == ("not counted", "never done; the events of this user_id are buy (1), sign_up (1)")


def test_of_two_attempts_the_better_one_counts_and_the_other_says_so():
    table = explain("again")
    assert table["attempt"].tolist() == [1, 1, 2, 2, 2]
    assert table["outcome"].tolist() == ["not counted"] * 2 + ["counted"] * 3
    assert table["reason"][0] == "attempt 2 counts instead: it came further, to step 3"
    assert table["reason"][1].endswith("done 2026-01-21 00:00, 4 days after the window")
    assert table["reason"][2] == "enters the funnel; this attempt counts"


def test_of_attempts_that_came_as_far_the_one_completed_first_then_begun_last_counts():
    log = log_of("2026-01-01 u a", "2026-01-02 u a", "2026-01-03 u b", "2026-01-05 u a", "2026-01-06 u b")
    reasons = explain("u", log, ["a", "b"]).groupby("attempt")["reason"].first()
    assert reasons.tolist() == [
        "attempt 2 counts instead: it came as far at the same time, and began later",
        "enters the funnel; this attempt counts",
        "attempt 2 counts instead: it came as far earlier, at 2026-01-03 00:00",
    ]


def test_with_first_entries_only_a_later_one_that_converts_is_shown_and_does_not_count():
    table = explain("again", reentry="first")
    assert table["outcome"].tolist() == ["counted", "dropped", "not counted", "not counted", "not counted"]
    assert table["reason"][2] == "only the first entry counts (reentry='first')"


def test_entries_outside_the_range_are_named():
    table = explain("again", since="2026-01-15", until="2026-01-20")
    assert table["outcome"].tolist() == ["not counted"] * 2
    assert table["reason"].tolist() == [
        "does not enter: 5 days before since (2026-01-15 00:00)",
        "does not enter: not before until (2026-01-20 00:00)",
    ]


def test_steps_outside_the_range_are_named_where_all_must_lie_in_it():
    options = {"until": "2026-01-03", "range_applies_to": "all_steps"}
    assert last("ann", **options) == (
        "dropped",
        "not done within 7 days of step 1 (until 2026-01-08 09:00): "
        "done 2026-01-04 09:00, but every step must lie in the range, before 2026-01-03 00:00",
    )


def test_rows_that_are_not_read_yet_are_named():
    assert last("ann", as_of="2026-01-04") == (
        "open",
        "not yet done, the window is open until 2026-01-08 09:00: "
        "done 2026-01-04 09:00, which is not read: at or after as_of (2026-01-04 00:00)",
    )
    assert first("open", as_of="2026-01-28") == ("not counted", "not read: at or after as_of (2026-01-28 00:00)")


def test_an_exclusion_is_named_with_its_time():
    table = explain("out", exclude=[("refund", 1, 2)])
    assert table["outcome"].tolist() == ["excluded"] * 3
    assert table["reason"][0] == "void: excluded refund at 2026-01-06 00:00, between step 1 and 2"


def test_a_void_attempt_beside_a_clean_one_does_not_count():
    log = log_of("2026-01-01 u a", "2026-01-02 u x", "2026-01-03 u b", "2026-01-20 u a")
    table = explain("u", log, ["a", "b"], exclude=[("x", 1, 2)], as_of="2026-03-01")
    assert table["outcome"].tolist() == ["not counted", "not counted", "counted", "dropped"]
    assert table["reason"][0] == "void: excluded x at 2026-01-02 00:00, between step 1 and 2"


def test_strict_order_names_the_row_in_between():
    assert last("out", order="strict")[1].endswith(
        "the next event was refund at 2026-01-06 00:00, and strict order allows none between"
    )


def test_strict_order_allows_repeats_and_names_what_came_after_them():
    log = log_of("2026-01-01 u a", "2026-01-02 u a", "2026-01-03 u x", "2026-01-04 u b")
    table = explain("u", log, ["a", "b"], order="strict")
    assert table["reason"].str.contains("the next event was x at 2026-01-03 00:00").tolist() == [False, True] * 2


def test_a_step_that_is_not_the_first_of_its_kind_says_when_that_was():
    log = log_of("2026-01-01 u b", "2026-01-05 u a", "2026-01-06 u b")
    assert last("u", log=log, steps=["a", Step("b", first_time_only=True)])[1].endswith(
        "done 2026-01-06 00:00, but not for the first time, which was 2026-01-01 00:00; "
        "done 2026-01-01 00:00, 4 days before step 1 and not after it"
    )
    again = log_of("2026-01-01 u a", "2026-01-20 u a", "2026-01-21 u b")
    table = explain("u", again, [Step("a", first_time_only=True), "b"], since="2026-01-15")
    assert table["reason"].tolist() == [
        "does not enter: 14 days before since (2026-01-15 00:00)",
        "does not enter: done 2026-01-20 00:00, but not for the first time, which was 2026-01-01 00:00",
    ]


def test_another_value_of_a_held_property_is_named():
    log = log_of("2026-01-01 u a page=x", "2026-01-02 u b page=y")
    table = explain("u", log, ["a", "b"], hold_constant="page")
    assert table.columns[0] == "page"
    assert table["page"].tolist() == ["x", "x"]
    assert table["reason"][1].endswith("done 2026-01-02 00:00 with page = y, not x (hold_constant)")


def test_a_held_property_may_be_missing_and_is_then_a_value_of_its_own():
    log = log_of("2026-01-01 u a", "2026-01-02 u b page=y", "2026-01-03 u a page=y")
    table = explain("u", log, ["a", "b"], hold_constant=["page"]).set_index("attempt")
    assert table["page"].isna().groupby("attempt").all().to_dict() == {1: True, 2: False}  # in order of time
    assert table.loc[1, "reason"].iloc[1].endswith("done 2026-01-02 00:00 with page = y, not missing (hold_constant)")


def test_the_same_event_with_other_properties_is_named():
    log = log_of("2026-01-01 u a", "2026-01-02 u b plan=free", "2026-01-02 v b plan=pro")
    assert last("u", log=log, steps=["a", Step("b", where={"plan": "pro"})])[1].endswith(
        "b done 2026-01-02 00:00 with plan = free"
    )
    assert first("v", log=log, steps=[Step("b", where={"plan": "free"}), "a"])[1].startswith(
        "never done; b done 2026-01-02 00:00 with plan = pro"
    )


def test_one_row_cannot_serve_two_steps_and_ties_may_be_forbidden():
    assert last("u", log=log_of("2026-01-01 u a"), steps=["a", "a"])[1].endswith(
        "done 2026-01-01 00:00 by a row that serves another step, and one row serves one step"
    )
    tied = log_of("2026-01-01 u a", "2026-01-01 u b")
    assert last("u", log=tied, steps=["a", "b"], ties="strict_increase")[1].endswith(
        "done at the instant of step 1, and ties='strict_increase' asks for later"
    )
    assert last("u", log=tied, steps=["a", "b"]) == ("counted", "at the instant of step 1")


def test_grace_says_how_far_before_and_when_it_was_too_far():
    log = log_of("2026-01-01 00:00:08 u b", "2026-01-01 00:00:10 u a")
    assert last("u", log=log, steps=["a", "b"], grace="2 seconds") == (
        "counted",
        "2 seconds before step 1, within the grace of 2 seconds",
    )
    assert last("u", log=log, steps=["a", "b"], grace="1 second")[1].endswith(
        "2 seconds before step 1 and not after it, more than the grace of 1 second"
    )


def test_only_windows_that_are_over_count_when_mature():
    table = explain("open", mature_only=True)
    assert table["outcome"].tolist() == ["not counted"] * 3
    assert table["reason"][0].startswith("its window is open until 2026-02-04 00:00, and mature_only")


def test_somebody_may_be_open_by_a_later_attempt_than_the_one_that_counts():
    log = log_of("2026-01-01 u a", "2026-01-02 u b", "2026-01-30 u a", "2026-01-01 v c")
    table = explain("u", log, ["a", "b", "c"])
    assert table["outcome"].tolist() == ["counted", "counted", "open", "not counted", "not counted"]
    assert table["reason"][2].endswith(
        "never done; attempt 2 may still come further, its window is open until 2026-02-06 00:00"
    )


def test_attempts_that_overlap_are_told_apart():
    log = log_of("2026-01-01 u a", "2026-01-02 u a", "2026-01-03 u b", "2026-01-04 u a", "2026-01-05 u b")
    table = explain("u", log, ["a", "b"], counting="attempts")
    starts = table.groupby("attempt").first()
    assert starts["outcome"].tolist() == ["counted", "not counted", "counted"]
    assert starts["reason"][2] == "begun within attempt 1, of 2026-01-01 00:00, before that was over"


def test_without_order_the_missing_steps_are_named():
    table = explain("late", order="unordered", steps=["sign_up", "visit", "buy"])
    one = table[table["attempt"] == 1]
    assert one["event"].tolist() == ["visit", "sign_up", "buy"]
    assert one["reason"].iloc[-1].endswith("0.001 seconds after the window")
    both = explain("ann", order="unordered", steps=["visit", "refund", "buy"], window="1 day")
    assert both["event"][1] == "refund or buy"


def test_times_are_told_on_the_clocks_of_the_zone():
    reason = last("late", tz="Asia/Tokyo")[1]
    assert "(until 2026-01-08 09:00)" in reason


def test_any_column_can_be_the_unit():
    log = LOG.assign(account=LOG["user_id"].map({"ann": 7, "late": 7, "open": 8}))
    table = explain_funnel(log, STEPS, user_id=7, unit="account", window="7 days", as_of="2026-02-01")
    assert table["attempt"].tolist() == [1, 1, 1, 2, 2, 2]  # both visits are of account 7
    assert table.attrs["settings"]["account"] == 7


def test_nobody_of_that_name_is_an_error_with_the_nearest():
    with pytest.raises(ValueError, match=r"user_id: 'anne' is nobody in the event table. The nearest are \['ann'\]"):
        explain("anne")
    with pytest.raises(ValueError, match=r"nearest are \['ann'\]"):
        explain(" ANN ")
    with pytest.raises(ValueError, match=r"There are such as \['again', 'ann', 'back'\]"):
        explain("x4711")


def test_wrong_arguments_are_refused_as_everywhere():
    with pytest.raises(TypeError, match="has no argument 'windows'"):
        explain("ann", windows="7 days")
    with pytest.raises(ValueError, match="hold_constant: 'event' is a column of the result"):
        explain("ann", hold_constant=["event"])


def test_a_row_at_the_very_end_of_what_is_read_is_not_read():
    reason = last("ann", as_of="2026-01-04 09:00")[1]
    assert reason.endswith("done 2026-01-04 09:00, which is not read: at or after as_of (2026-01-04 09:00)")
    options = {"until": "2026-01-04 09:00", "range_applies_to": "all_steps"}
    assert last("ann", **options)[1].endswith("every step must lie in the range, before 2026-01-04 09:00")


def test_an_excluded_row_at_the_instant_of_a_step_does_no_harm_and_is_not_named():
    log = log_of("2026-01-01 u a", "2026-01-01 u x", "2026-01-02 u x", "2026-01-03 u b")
    assert first("u", log=log, steps=["a", "b"], exclude=[("x", 1, 2)]) == (
        "excluded",
        "void: excluded x at 2026-01-02 00:00, between step 1 and 2",
    )


def test_a_row_within_the_grace_that_serves_a_step_is_not_too_early():
    log = log_of("2026-01-01 00:00:10 u a", "2026-01-01 00:00:11 u b")
    reason = last("u", log=log, steps=["a", "b", "a"], grace="2 seconds")[1]
    assert reason.endswith("done 2026-01-01 00:00:10 by a row that serves another step, and one row serves one step")


def test_a_first_time_outside_the_range_is_not_called_a_second_one():
    log = log_of("2026-01-01 u a", "2026-01-05 u b", "2026-01-01 v b")
    options = {"until": "2026-01-04", "range_applies_to": "all_steps"}
    reason = last("u", log=log, steps=["a", Step("b", first_time_only=True)], **options)[1]
    assert reason.endswith("done 2026-01-05 00:00, but every step must lie in the range, before 2026-01-04 00:00")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (0.001, "0.001 seconds"),
        (60, "1 minute"),
        (3661, "1 hour 1 minute"),
        (86400 + 59, "1 day"),
        (2 * 86400 + 3 * 3600, "2 days 3 hours"),
        (0, "0 seconds"),
        (-90, "1 minute 30 seconds"),
    ],
)
def test_spans_are_told_in_the_largest_unit_and_the_next(seconds, words):
    assert span(round(seconds * 10**6)) == words


def test_instants_are_told_as_finely_as_they_need():
    times = [clock(round(s * 10**6), "UTC") for s in (60, 61, 61.5)]
    assert times == ["1970-01-01 00:01", "1970-01-01 00:01:01", "1970-01-01 00:01:01.5"]


def test_without_a_word_about_steps_that_others_did():
    """A unit that never did a step is the answer, not a slip of the pen; no warning, no error."""
    log = log_of("2026-01-01 u visits", "2026-01-01 v visit", "2026-01-02 v buy")
    table = explain("u", log, ["visit", "buy"])
    assert table["reason"][0] == "never done; the events of this user_id are visits (1)"


def test_an_optional_step_is_skipped_and_nobody_is_lost_by_it():
    steps = ["visit", Step("refund", optional=True), "sign_up", "buy"]
    table = explain("ann", steps=steps)
    assert table["outcome"].tolist() == ["counted", "skipped", "counted", "counted"]
    assert table["reason"].tolist()[1:3] == [
        "optional, and not done between its neighbours",
        "5 minutes after step 1",
    ]
    assert explain("out", steps=steps)["outcome"].tolist() == ["counted", "counted", "counted", "dropped"]


# -- always the funnel's own number

EVENTS = ["a", "b", "c"]
ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([*EVENTS, "x"]), st.sampled_from("uv"), st.sampled_from("pq")),
    min_size=1,
    max_size=12,
)
PATHS = st.lists(
    st.sampled_from([
        Step("a"), Step("b"), Step("c"), Step(None), Step("b", where={"k": "p"}), Step("c", first_time_only=True),
    ]),
    min_size=2,
    max_size=4,
)  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "order": st.sampled_from(["ordered", "strict", "unordered"]),
        "reentry": st.sampled_from(["best", "first"]),
        "ties": st.sampled_from(["allow", "strict_increase"]),
        "grace": st.sampled_from([None, "2 seconds"]),
        "exclude": st.sampled_from([[], [("x", 1, 2)]]),
        "hold_constant": st.sampled_from([(), ("k",)]),
        "since": st.sampled_from([None, "1970-01-01 00:00:03"]),
        "until": st.sampled_from([None, "1970-01-01 00:00:09"]),
        "range_applies_to": st.sampled_from(["entry", "all_steps"]),
        "mature_only": st.booleans(),
        "counting": st.sampled_from(["users", "attempts"]),
        "like": st.sampled_from([None, "mixpanel", "posthog"]),
    },
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(ROWS, PATHS, OPTIONS, st.integers(4, 20))
def test_the_steps_counted_are_those_of_the_funnel(rows, steps, options, as_of):
    check(rows, steps, options, as_of)


@settings(deadline=None, max_examples=40)
@given(ROWS, st.sampled_from([1, 2]), OPTIONS, st.integers(4, 20))
def test_so_they_are_with_optional_steps(rows, place, options, as_of):
    steps = ["a", "c"]
    steps.insert(place, Step("b", optional=True))
    check(rows, steps, options | {"order": "ordered", "exclude": []}, as_of)


def check(rows, steps, options, as_of):
    if options.get("order", "ordered") != "ordered":
        options.pop("grace", None)
    if options.get("order") == "unordered":
        options.pop("ties", None)
    everybody = [(-100, event, "w", value) for event in [*EVENTS, "x"] for value in "pq"]  # so that no event is unknown
    log = pd.DataFrame({
        "user_id": [user for *_, user, _ in rows + everybody],
        "event": [event for _, event, *_ in rows + everybody],
        "timestamp": pd.to_datetime([second for second, *_ in rows + everybody], unit="s", utc=True).as_unit("us"),
        "k": [value for *_, value in rows + everybody],
    })  # fmt: skip
    options = options | {"window": "4 seconds", "as_of": pd.Timestamp(as_of, unit="s", tz="UTC")}
    people = funnel_users(log, steps, **options)
    counts = conversion_funnel(log, steps, **options)
    total = [0] * len(steps)
    for user in sorted({user for *_, user, _ in rows} | {"w"}):
        table = explain_funnel(log, steps, user_id=user, **options)
        credited = people[people["user_id"] == user]
        rows_counted = table[table["outcome"] == "counted"]
        attempts = table[~table["outcome"].isin(["not counted", "skipped"])].groupby("attempt")
        assert len(attempts) == len(credited)
        assert sorted(rows_counted.groupby("attempt")["step"].max()) == sorted(credited["step"][credited["step"] > 0])
        times = [list(found) for _, found in rows_counted.groupby("attempt")["timestamp"]]
        assert sorted(times) == sorted(list(found) for found in credited["step_times"] if len(found))
        outcomes = [found.iloc[-1] for _, found in attempts["outcome"]]
        said = {"converted": "counted"}
        assert sorted(outcomes) == sorted(said.get(outcome, outcome) for outcome in credited["outcome"])
        for step in rows_counted["step"]:
            total[step - 1] += 1
        for attempt in table.loc[table["reason"].str.startswith("void"), "attempt"]:
            assert set(table.loc[table["attempt"] == attempt, "outcome"]) <= {"excluded", "not counted"}
    assert total == counts["users"].tolist()
