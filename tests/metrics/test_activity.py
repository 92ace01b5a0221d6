"""Actives, habits and lifecycles, each over a log that can be checked by eye."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metrics
from metrics import active_users, event_log, lifecycle, stickiness
from tests.metrics.catalogue import AS_OF, ROWS, quick, table_of

JANUARY = event_log("""
    2026-01-05 09:00  ann   visit
    2026-01-05 23:59  ben   visit
    2026-01-06 00:00  ben   buy
    2026-01-11 12:00  ann   visit
    2026-01-12 12:00  cat   visit
""")


def test_a_window_of_seven_days_ends_with_the_day_and_holds_the_six_before():
    table = active_users(JANUARY, as_of="2026-01-14")
    assert table["daily"].tolist() == [2, 1, 0, 0, 0, 0, 1, 1, 0]
    assert table["weekly"].tolist() == [
        2,
        2,
        2,
        2,
        2,
        2,
        2,
        3,
        2,
    ]  # ben's 6th counts up to the 12th
    assert table["monthly"].tolist() == [2] * 7 + [3, 3]
    assert table["stickiness_rate"].tolist() == [1, 0.5, 0, 0, 0, 0, 0.5, 1 / 3, 0]


def test_the_day_that_is_running_has_counts_and_no_rate():
    last = active_users(JANUARY, as_of="2026-01-12 18:00").iloc[-1]
    assert (last["daily"], last["complete"], last["reason"]) == (1, False, "incomplete_period")
    assert np.isnan(last["stickiness_rate"])


def test_days_before_since_are_history_for_the_windows():
    table = active_users(JANUARY, since="2026-01-07", until="2026-01-09", as_of="2026-02-01")
    assert table["date"].dt.day.tolist() == [7, 8]
    assert table["daily"].tolist() == [0, 0]
    assert table["weekly"].tolist() == [2, 2]


def test_a_day_long_after_the_last_row_has_nobody_and_says_so():
    table = active_users(JANUARY, since="2026-03-01", until="2026-03-02", as_of="2026-04-01")
    assert table["monthly"].tolist() == [0]
    assert table["reason"].tolist() == ["zero_denominator"]


def test_other_windows_have_names_of_their_own():
    table = active_users(JANUARY, windows=(1, 2, 28, 30), as_of="2026-01-14")
    assert list(table)[1:5] == ["daily", "active_2_days", "active_28_days", "active_30_days"]
    assert list(active_users(JANUARY, windows=(7, 28), as_of="2026-01-14"))[1:3] == ["weekly", "monthly"]


@pytest.mark.parametrize("wrong", [(7, 1), (1,), (1, 1), "17", (0, 7), (1, 7.5)])
def test_windows_must_grow(wrong):
    with pytest.raises(ValueError, match="windows"):
        active_users(JANUARY, windows=wrong, as_of="2026-01-14")


CLOCKS = event_log("""
    2026-03-28 22:59  ann  visit
    2026-03-28 23:01  ann  visit
    2026-03-29 21:59  ann  visit
    2026-03-29 22:01  ann  visit
""")


def test_the_day_of_a_clock_change_is_one_day_of_23_hours():
    table = active_users(CLOCKS, tz="Europe/Berlin", as_of="2026-03-31")
    assert table["date"].dt.strftime("%d.%m.").tolist() == ["28.03.", "29.03.", "30.03."]
    assert table["daily"].tolist() == [1, 1, 1]
    assert stickiness(CLOCKS, tz="Europe/Berlin")["users"].tolist() == [0, 0, 1]
    assert lifecycle(CLOCKS, period="day", tz="Europe/Berlin", as_of="2026-03-31")["returning"].tolist() == [0, 1, 1]


def test_an_autumn_day_of_25_hours_is_one_day():
    log = event_log("""
        2026-10-24 22:30  ann  visit
        2026-10-25 22:30  ann  visit
    """)
    assert active_users(log, tz="Europe/Berlin", as_of="2026-10-26")["daily"].tolist() == [1]


def test_kathmandu_cuts_days_at_a_quarter_past_six_in_the_evening_in_utc():
    log = event_log("""
        2026-01-01 18:14  ann  visit
        2026-01-01 18:15  ben  visit
    """)
    table = active_users(log, tz="Asia/Kathmandu", as_of="2026-01-03")
    assert table["daily"].tolist() == [1, 1]


def test_an_hour_of_the_half_hour_change_on_lord_howe_is_no_gap():
    # On 5 April 2026 the clocks go back from 2:00 to 1:30. The rows are at 0:45, 1:45, 2:15 and 3:15; the half hour
    # from 1:30 on comes twice, and the second one is an hour of 30 minutes.
    log = event_log("""
        2026-04-04 13:45  ann  visit
        2026-04-04 14:45  ann  visit
        2026-04-04 15:45  ann  visit
        2026-04-04 16:45  ann  visit
    """)
    table = lifecycle(log, period="hour", tz="Australia/Lord_Howe", as_of="2026-04-04T17:00Z")
    assert table["period_start"].dt.strftime("%H:%M").tolist() == ["00:00", "01:00", "01:30", "02:00", "03:00"]
    assert table["active"].tolist() == [1, 1, 0, 1, 1]
    assert table["dormant"].tolist() == [0, 0, 1, 0, 0]


def test_a_leap_day_is_a_day():
    log = event_log("""
        2028-02-28  ann  visit
        2028-02-29  ann  visit
        2028-03-01  ann  visit
    """)
    assert lifecycle(log, period="day", as_of="2028-03-02")["returning"].tolist() == [0, 1, 1]
    assert active_users(log, windows=(1, 3), as_of="2028-03-02")["active_3_days"].tolist() == [1, 1, 1]


def test_each_stage_of_a_life():
    log = event_log("""
        2026-01-05  ann  use
        2026-01-05  ben  use
        2026-01-12  ann  use
        2026-01-26  ben  use
    """)
    table = lifecycle(log, as_of="2026-02-02")
    assert table["new"].tolist() == [2, 0, 0, 0]
    assert table["returning"].tolist() == [0, 1, 0, 0]
    assert table["resurrected"].tolist() == [0, 0, 0, 1]
    assert table["dormant"].tolist() == [0, 1, 1, 0]  # each once, in the first week of silence
    assert table["active"].tolist() == [2, 1, 0, 1]
    assert table["quick_ratio"].tolist()[1:3] == [0, 0]
    assert table["reason"].tolist()[0] == table["reason"].tolist()[3] == "no_losses"


def test_the_week_that_is_running_has_no_ratio():
    last = lifecycle(JANUARY, as_of="2026-01-13").iloc[-1]
    assert (last["complete"], last["reason"], last["dormant"]) == (False, "incomplete_period", 2)


def test_rows_before_since_are_history():
    table = lifecycle(JANUARY, period="day", since="2026-01-06", until="2026-01-07", as_of="2026-02-01")
    assert table[["new", "returning", "dormant"]].to_numpy().tolist() == [[0, 1, 1]]


def test_who_was_seen_before_is_not_new_by_any():
    assert lifecycle(JANUARY, event="buy", period="day", as_of="2026-01-07")["new"].tolist() == [1]
    by_any = lifecycle(JANUARY, event="buy", new_by="any", period="day", as_of="2026-01-07")
    assert by_any[["new", "resurrected"]].to_numpy().tolist() == [[0, 1]]


@quick
@given(rows=ROWS, period=st.sampled_from(["hour", "day", "week", "month"]), new_by=st.sampled_from(["event", "any"]))
def test_the_identities_of_a_lifecycle(rows, period, new_by):
    table = lifecycle(table_of(rows), event="a", new_by=new_by, period=period, tz="Europe/Berlin", as_of=AS_OF)
    before = table["active"].shift(fill_value=0)
    assert (table["new"] + table["returning"] + table["resurrected"] == table["active"]).all()
    assert (table["returning"] + table["dormant"] == before).all()
    events = table_of(rows)
    seen = (events["event"] == "a") & (events["timestamp"] < pd.Timestamp(AS_OF, tz="Europe/Berlin"))
    people = events.loc[seen, "user_id"].nunique()
    assert table["new"].sum() <= people
    if new_by == "event":
        assert table["new"].sum() == people


@quick
@given(rows=ROWS, tz=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]))
def test_actives_are_what_pandas_counts(rows, tz):
    events = table_of(rows)
    table = active_users(events, windows=(1, 7), tz=tz, as_of=AS_OF)
    seen = events[events["timestamp"] < pd.Timestamp(AS_OF, tz=tz)]
    day = seen["timestamp"].dt.tz_convert(tz).dt.tz_localize(None).dt.normalize()
    for _, row in table.iterrows():
        within = (day <= row["date"]) & (day > row["date"] - pd.Timedelta(days=7))
        assert row["daily"] == seen.loc[day == row["date"], "user_id"].nunique()
        assert row["weekly"] == seen.loc[within, "user_id"].nunique()


def test_a_habit_is_the_number_of_days():
    table = stickiness(JANUARY, since="2026-01-05", until="2026-01-12")
    assert table["active_periods"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert table["users"].tolist() == [0, 2, 0, 0, 0, 0, 0]
    assert table["users_at_least"].tolist() == [2, 2, 0, 0, 0, 0, 0]
    assert table["share"].tolist()[:2] == [0, 1]


def test_only_rows_inside_the_range_count_in_a_period_that_it_cuts():
    table = stickiness(JANUARY, period="month", since="2026-01-11", until="2026-02-15")
    assert table["users"].tolist() == [2, 0]  # ann and cat, in one of two months


@pytest.mark.parametrize(("criterion", "users"), [
    (("at_least", 1), [1, 1]), (("at_least", 2), [2, 0]), (("at_most", 1), [1, 0]), (("exactly", 3), [1, 0]),
])  # fmt: skip
def test_a_criterion_says_how_many_rows_make_a_day_active(criterion, users):
    log = event_log("""
        2026-01-05 09:00  ann  use
        2026-01-05 10:00  ann  use
        2026-01-06 09:00  ann  use
        2026-01-06 09:00  ben  use
        2026-01-06 10:00  ben  use
        2026-01-06 11:00  ben  use
    """)
    assert stickiness(log, criterion=criterion)["users"].tolist() == users


def test_a_criterion_that_is_none_is_refused():
    for wrong in (("more", 1), ("at_least", 0), "at_least", ("at_least",)):
        with pytest.raises(ValueError, match="criterion"):
            stickiness(JANUARY, criterion=wrong)


# ---- days, read once for all

ASKED = {
    "cohort_retention": lambda e, tz: metrics.cohort_retention(e, periods=4, tz=tz, as_of=AS_OF),
    "cohort_retention by a": lambda e, tz: metrics.cohort_retention(
        e, start_event="a", period="day", cohort="recurring", tz=tz, as_of=AS_OF
    ),
    "active_users": lambda e, tz: active_users(e, tz=tz, as_of=AS_OF),
    "stickiness": lambda e, tz: stickiness(e, period="week", since="2026-01-15", until="2026-03-01", tz=tz),
    "lifecycle": lambda e, tz: lifecycle(e, period="month", tz=tz, as_of=AS_OF),
    "churn_rate": lambda e, tz: metrics.churn_rate(e, inactive_for="10 days", min_n=1, tz=tz, as_of=AS_OF),
}


@pytest.mark.slow
@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("name", ASKED)
@quick
@given(rows=ROWS)
def test_days_give_the_answers_of_their_events(name, tz, rows):
    events = table_of(rows)
    days = metrics.user_days(events, tell_apart=["a"], tz=tz, as_of=AS_OF)
    mine, theirs = ASKED[name](days, tz), ASKED[name](events, tz)
    mine.attrs, theirs.attrs = {}, {}
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def test_silence_over_a_change_of_the_clocks_is_exact_from_days_too():
    # 30 x 24 hours before midnight of 1 April in Berlin it was 23:00 on 1 March there, for a spring night has no 2:00.
    log = event_log("""
        2026-02-28 12:00  ann   use
        2026-03-01 21:59  ann   use
        2026-02-28 12:00  edge  use
        2026-03-01 22:00  edge  use
    """)
    events = {"inactive_for": "30 days", "since": "2026-03-01", "until": "2026-04-01", "as_of": "2026-04-01"}
    days = metrics.user_days(log, tz="Europe/Berlin", as_of="2026-04-01")
    for source in (log, days):
        churn = metrics.churn_rate(source, tz="Europe/Berlin", min_n=1, **events)
        assert churn[["users", "churned"]].to_numpy().tolist() == [[2, 1]]


def test_what_days_cannot_tell_is_refused_with_what_to_do():
    days = metrics.user_days(JANUARY, as_of="2026-01-14")
    for ask in (
        lambda: lifecycle(days, period="hour", as_of="2026-01-14"),
        lambda: active_users(days, tz="Asia/Kathmandu", as_of="2026-01-14"),
        lambda: active_users(days, as_of="2026-01-12 12:00"),
        lambda: stickiness(days, criterion=("at_least", 2)),
        lambda: metrics.churn_rate(days, inactive_for="36 hours", as_of="2026-01-14"),
        lambda: metrics.cohort_retention(days, min_occurrences=2, as_of="2026-01-14"),
        lambda: metrics.conversion_funnel(days, ["visit", "buy"], as_of="2026-01-14"),
    ):
        with pytest.raises(ValueError, match=r"events themselves|the events\.|told apart"):
            ask()
    with pytest.raises(ValueError, match="Read them again"):
        active_users(days, as_of="2026-01-20")
    with pytest.raises(ValueError, match=r"tell_apart=\['visit'\]"):
        lifecycle(days, event="visit", as_of="2026-01-14")
    with pytest.raises(ValueError, match="quarter of an hour"):
        metrics.user_days(JANUARY, as_of="2026-01-14 12:07")


def test_days_up_to_noon_know_the_running_day_up_to_noon():
    days = metrics.user_days(JANUARY, as_of="2026-01-12 12:30")
    asked = {"as_of": "2026-01-12 12:30"}
    pd.testing.assert_frame_equal(active_users(days, **asked), active_users(JANUARY, **asked))
    churn = {**asked, "inactive_for": "5 days", "min_n": 1}
    pd.testing.assert_frame_equal(metrics.churn_rate(days, **churn), metrics.churn_rate(JANUARY, **churn))


def test_days_up_to_an_earlier_moment_are_those_of_then():
    days = metrics.user_days(JANUARY, as_of="2026-01-14")
    then = active_users(days, as_of="2026-01-07")
    pd.testing.assert_frame_equal(then, active_users(JANUARY, as_of="2026-01-07"))


def test_days_of_nobody_are_days():
    days = metrics.user_days(JANUARY[:0], as_of="2026-01-14")
    assert (days.days, days.users) == (0, 0)
    assert len(active_users(days, as_of="2026-01-14")) == 0
    assert len(lifecycle(days, as_of="2026-01-14")) == 0


def test_cohorts_that_begin_with_an_event_that_nobody_did_are_refused_from_days_too():
    with pytest.warns(UserWarning, match="tell_apart: 'sign_up' is not in the event table"):
        days = metrics.user_days(JANUARY, tell_apart=["sign_up"], as_of="2026-01-14")
    for events in (JANUARY, days):
        with pytest.raises(ValueError, match=r"start_event: 'sign_up' is not in the event"):
            metrics.cohort_retention(events, start_event="sign_up", period="day", as_of="2026-01-14")
    back = metrics.cohort_retention(days, return_event="sign_up", period="day", as_of="2026-01-14")
    assert back.loc[back["period"] > 0, "retained"].fillna(0).eq(0).all()
