import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metrics
from metrics.periods import DAY, SLOT, Calendar, duration, instant, local_time, zone

ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"]
MOMENTS = st.integers(instant("1990-01-01"), instant("2035-01-01"))


def us(*texts):
    return np.array([instant(text) for text in texts])


def test_a_date_is_the_first_moment_of_that_date_in_the_zone():
    assert instant("2026-03-29", tz="Europe/Berlin") == instant("2026-03-28T23:00Z")
    assert instant("2026-03-30", tz="Europe/Berlin") == instant("2026-03-29T22:00Z")


def test_a_date_whose_midnight_does_not_exist_begins_with_its_first_moment():
    assert instant("2018-11-04", tz="America/Sao_Paulo") == instant("2018-11-04T03:00Z")


def test_a_time_with_a_zone_keeps_it():
    assert instant(pd.Timestamp("2026-01-01", tz="Asia/Tokyo"), tz="Europe/Berlin") == instant("2025-12-31T15:00Z")


@pytest.mark.parametrize("wrong", ["yesterday", "", None, 20260101, pd.NaT, "03.04.2026", "12:00", "today"])
def test_what_is_no_instant_is_refused_with_the_argument_and_a_remedy(wrong):
    with pytest.raises(ValueError, match=r"as_of.*Use"):
        instant(wrong, name="as_of")


def test_durations_have_a_unit():
    assert duration("36 hours") == duration("1.5 days") == 1.5 * DAY
    assert duration("2 weeks") == duration("14 days")


@pytest.mark.parametrize("wrong", [14, "14", "days", "0 days", "-3 days", "2 months", "1 year", None])
def test_a_bare_number_or_a_span_without_one_length_is_refused(wrong):
    with pytest.raises(ValueError, match="window"):
        duration(wrong)


def test_an_unknown_zone_is_named_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'Europe/Berlin'"):
        zone("Europe/Berln")


@given(st.lists(MOMENTS, min_size=1), st.sampled_from(ZONES))
def test_local_time_is_the_wall_clock(moments, tz):
    wall = pd.DatetimeIndex(np.array(moments, "M8[us]"), tz="UTC").tz_convert(tz).tz_localize(None).as_unit("us")
    assert (local_time(np.array(moments), tz) == wall.asi8).all()


@given(st.lists(st.integers(instant("0001-01-02"), instant("9999-12-30")), min_size=1), st.sampled_from(ZONES))
def test_local_time_is_the_wall_clock_at_any_distance(moments, tz):
    slots = np.array(moments) // SLOT * SLOT  # before 1972 zones were off by seconds: a shift holds for its slot
    wall = pd.DatetimeIndex(slots.view("M8[us]"), tz="UTC").tz_convert(tz).tz_localize(None).as_unit("us")
    assert (local_time(np.array(moments), tz) - moments == wall.asi8 - slots).all()


def test_one_instant_far_away_costs_no_more_than_any_other():
    moments = us("0001-01-02", "2026-03-29T01:00Z", "9999-12-30")
    local_time(moments[1:2], "Europe/Berlin")  # the zone itself is read once
    tracemalloc.start()
    local_time(moments, "Europe/Berlin")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(["hour", "day", "week", "month", "quarter", "year"]))
def test_every_instant_lies_in_the_period_that_counts_it(moment, tz, period):
    calendar = Calendar(period, tz)
    number = calendar.number(np.array([moment]))
    assert calendar.begins(number)[0] <= moment < calendar.begins(number + 1)[0]
    assert (calendar.number(calendar.begins(number)) == number).all()


@pytest.mark.parametrize(
    "tz",
    [
        "America/Argentina/Cordoba", "America/Havana", "America/Sao_Paulo", "Antarctica/Casey", "Asia/Beirut",
        "Pacific/Apia", "Pacific/Fakaofo", "Pacific/Kwajalein", "Pacific/Pitcairn",
    ],
)  # fmt: skip
def test_days_follow_each_other_wherever_midnight_is_left_out(tz):
    days = Calendar("day", tz)
    number = np.arange(*days.number(us("1990-01-01", "2030-01-01")))
    begins = days.begins(number)
    assert (days.number(begins) == number).all()
    assert (days.number(begins - 1) == number - 1).all()
    dates = days.start(number)
    assert [instant(f"{date:%Y-%m-%d}", tz=tz) for date in dates] == begins.tolist()


def test_a_date_that_a_zone_never_had_is_no_day():
    days = Calendar("day", "Pacific/Apia")
    number = days.number(us("2011-12-29T12:00Z", "2011-12-31T12:00Z"))
    assert days.start(np.arange(*number)).strftime("%Y-%m-%d").tolist() == ["2011-12-29", "2011-12-31"]
    assert instant("2011-12-30", tz="Pacific/Apia") == instant("2011-12-31", tz="Pacific/Apia")
    week = Calendar("week", "Pacific/Apia")
    held = np.diff(week.begins(week.number(us("2011-12-29T12:00Z")) + np.arange(2)))[0]
    assert held == 6 * DAY


def test_a_day_that_never_was_is_no_row_and_nobody_was_away_on_it():
    how = {"tz": "Pacific/Apia", "as_of": "2012-01-02"}
    log = metrics.event_log("""
        2011-12-28 20:00  ann  visit
        2011-12-29 20:00  ann  visit
        2011-12-30 20:00  ann  visit
        2011-12-31 20:00  ann  visit
        2011-12-29 20:00  ben  visit
    """)
    dates = ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]
    active = metrics.active_users(log, windows=(1, 2), **how)
    assert active["date"].dt.strftime("%Y-%m-%d").tolist() == dates
    assert active["active_2_days"].tolist() == [1, 2, 2, 1]
    stages = metrics.lifecycle(log, period="day", **how)
    assert stages["period_start"].dt.strftime("%Y-%m-%d").tolist() == dates
    assert stages["returning"].tolist() == [0, 1, 1, 1]
    assert stages["resurrected"].tolist() == [0, 0, 0, 0]
    cohorts = metrics.cohort_retention(log, period="day", periods=2, **how)
    assert cohorts[cohorts["cohort"] == "2011-12-28"]["retained"].tolist() == [1, 1, 1]
    for table in (
        metrics.churn_rate(log, period="day", inactive_for="1 day", **how),
        metrics.feature_usage(log, feature="visit", period="day", **how),
        metrics.event_arrivals(log, **how),
        metrics.active_users(metrics.user_days(log, **how), **how),
    ):
        assert len(table) == 4
    rows = pd.DataFrame({"customer_id": ["ann"], "start": [log["timestamp"].min()], "end": [pd.NaT], "mrr": [9.0]})
    book = metrics.mrr_rollforward(rows.assign(end=pd.to_datetime(rows["end"], utc=True)), period="day", **how)
    assert book["period_start"].dt.strftime("%Y-%m-%d").tolist() == dates
    assert book["opening"].tolist() == [0, 9, 9, 9]


def test_a_store_has_the_days_that_there_were(tmp_path):
    log = metrics.event_log("""
        2011-12-29 20:00  ann  visit
        2011-12-30 10:30  ann  visit
        2011-12-31 20:00  ann  visit
    """)
    store = tmp_path / "store"
    metrics.write_events(log, store, tz="Pacific/Apia")
    assert [file.name for file in store.glob("[!.]*")] == ["2011-12-29_2012-01-01.parquet"]
    metrics.write_events(log[1:], store, append=True, replace="days")
    table = metrics.active_users(metrics.open_events(store), tz="Pacific/Apia", as_of="2012-01-02")
    assert table["daily"].tolist() == [1, 1, 1]


def test_the_day_of_the_clock_change_is_one_day_of_23_hours():
    calendar = Calendar("day", "Europe/Berlin")
    day = calendar.number(us("2026-03-29T12:00Z"))
    assert (calendar.begins(day + 1) - calendar.begins(day))[0] == 23 * DAY // 24


def test_hours_are_those_that_pass_when_the_clocks_change():
    hours = Calendar("hour", "Europe/Berlin")
    spring = hours.number(us("2026-03-28T23:00Z", "2026-03-29T22:00Z"))
    autumn = hours.number(us("2026-10-24T22:00Z", "2026-10-25T23:00Z"))
    assert np.diff(spring)[0] == 23
    assert np.diff(autumn)[0] == 25
    assert hours.start(np.arange(autumn[0], autumn[0] + 5)).hour.tolist() == [0, 1, 2, 2, 3]


def test_hours_of_kathmandu_begin_at_a_quarter_past_those_of_utc():
    hours = Calendar("hour", "Asia/Kathmandu")
    number = hours.number(us("2026-01-01T10:14Z", "2026-01-01T10:15Z"))
    assert np.diff(number)[0] == 1
    assert hours.start(number[1:])[0] == pd.Timestamp("2026-01-01 16:00")


def test_the_half_hour_of_lord_howe_makes_one_long_and_one_short_hour():
    hours = Calendar("hour", "Australia/Lord_Howe")
    autumn = np.arange(*hours.number(us("2026-04-04T13:00Z", "2026-04-04T18:00Z")))
    spring = np.arange(*hours.number(us("2026-10-03T13:30Z", "2026-10-03T18:00Z")))
    minutes = [np.diff(hours.begins(number)) // (60 * 10**6) for number in (autumn, spring)]
    assert sorted(set(minutes[0].tolist())) == [30, 60]
    assert sorted(set(minutes[1].tolist())) == [60, 90]


def test_midnight_belongs_to_the_day_it_begins():
    before, after = Calendar("day", "Europe/Berlin").number(us("2026-06-30T21:59:59.999999Z", "2026-06-30T22:00Z"))
    assert after == before + 1


@pytest.mark.parametrize(("week_start", "start"), [("monday", "2026-03-02"), ("sunday", "2026-03-01")])
def test_weeks_start_on_monday_unless_told(week_start, start):
    calendar = Calendar("week", week_start=week_start)
    assert calendar.start(calendar.number(us("2026-03-04T10:00Z")))[0] == pd.Timestamp(start)


def test_quarters_and_years_begin_with_their_first_month():
    for period, start in (("month", "2026-05-01"), ("quarter", "2026-04-01"), ("year", "2026-01-01")):
        calendar = Calendar(period)
        assert calendar.start(calendar.number(us("2026-05-31T23:59Z")))[0] == pd.Timestamp(start)


def test_an_unknown_period_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"'fortnight' is not known. Use one of 'hour', 'day', 'week'"):
        Calendar("fortnight")
