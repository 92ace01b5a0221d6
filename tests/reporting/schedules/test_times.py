from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.schedules import Times

WEEKDAYS = Times.read("every weekday at 06:00 Europe/Berlin")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "every day at 06:00 UTC",
        "every weekday at 18:30 Europe/Berlin",
        "every monday and thursday at 00:05 Asia/Kolkata",
        "every month on the 1st at 07:00 UTC",
        "every month on the 22nd at 07:00 America/New_York",
        "every hour at :15 UTC",
    ],
)
def test_a_sentence_is_read_and_said_again(text):
    assert str(Times.read(text)) == text


def test_the_zone_is_utc_and_the_day_of_the_month_the_first_unless_said():
    assert str(Times.read("every day at 6:00")) == "every day at 06:00 UTC"
    assert str(Times.read("every month at 07:00")) == "every month on the 1st at 07:00 UTC"
    assert Times.read("every monday, wednesday and friday at 6:00").cron() == "0 6 * * 1,3,5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at six", "names no time"),
        ("every day at 25:00", "no such time of day"),
        ("every day at 06:61", "no such time of day"),
        ("every day at :15", "takes minutes alone"),
        ("every hour at 06:15", "takes minutes alone"),
        ("every day at 06:00 Berlin", "'Berlin' is no time zone"),
        ("every month on the 31st at 06:00", "not every month has a day 31"),
        ("every month on the 0th at 06:00", "not every month has a day 0"),
        ("every day on the 3rd at 06:00", "goes with 'every month'"),
        ("every fryday at 06:00", "'fryday' is no day"),
    ],
)
def test_a_sentence_that_names_no_time_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        Times.read(text)


def test_due_on_weekdays_by_the_clocks_of_the_zone():
    friday, monday = utc("2026-11-27T05:00"), utc("2026-11-30T05:00")  # 06:00 in Berlin
    assert WEEKDAYS.last(friday) == friday  # the very instant counts
    assert WEEKDAYS.last(friday - timedelta(seconds=1)) == utc("2026-11-26T05:00")
    assert WEEKDAYS.next(friday) == monday
    assert WEEKDAYS.last(monday - timedelta(seconds=1)) == friday


def test_summer_and_winter_differ_by_an_hour():
    daily = Times.read("every day at 06:00 Europe/Berlin")
    assert daily.last(utc("2026-03-28T12:00")) == utc("2026-03-28T05:00")
    assert daily.last(utc("2026-03-29T12:00")) == utc("2026-03-29T04:00")
    assert daily.last(utc("2026-10-25T12:00")) == utc("2026-10-25T05:00")


def test_a_time_that_the_clock_change_leaves_out_is_due_when_the_clocks_have_moved():
    night = Times.read("every day at 02:30 Europe/Berlin")
    assert night.next(utc("2026-03-28T12:00")) == utc("2026-03-29T01:00")  # 03:00, the first moment after 01:59
    assert night.next(utc("2026-03-29T01:00")) == utc("2026-03-30T00:30")


def test_a_time_that_comes_twice_is_due_once_at_its_first():
    night = Times.read("every day at 02:30 Europe/Berlin")
    assert night.next(utc("2026-10-24T12:00")) == utc("2026-10-25T00:30")
    assert night.next(utc("2026-10-25T00:30")) == utc("2026-10-26T01:30")


def test_every_hour_and_every_month():
    hourly, monthly = Times.read("every hour at :15"), Times.read("every month on the 1st at 07:00 UTC")
    assert hourly.last(utc("2026-11-28T10:14")) == utc("2026-11-28T09:15")
    assert hourly.next(utc("2026-11-28T10:15")) == utc("2026-11-28T11:15")
    assert monthly.last(utc("2026-12-01T06:59")) == utc("2026-11-01T07:00")
    assert monthly.next(utc("2026-12-01T07:00")) == utc("2027-01-01T07:00")
    assert Times.read("every hour at :15 Asia/Kolkata").last(utc("2026-11-28T10:00")) == utc("2026-11-28T09:45")


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    days=st.sets(st.integers(0, 6), min_size=1),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    at=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),
)
@settings(max_examples=50, deadline=None)
def test_last_and_next_meet_and_follow_each_other(hour, minute, days, zone, at):
    times = Times(minute, hour, tuple(sorted(days)), None, zone)
    at = at.replace(tzinfo=UTC)
    last, following = times.last(at), times.next(at)
    assert last <= at < following
    assert times.last(following) == following
    assert times.next(last) == following
    assert last.astimezone(ZoneInfo(zone)).weekday() in days


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])
def test_some_line_on_other_clocks_comes_at_every_due_time(zone):
    times = Times.read(f"every monday and friday at 00:30 {zone}")
    lines = [line.fields.split() for line in times.cron_on("UTC")]
    at = utc("2026-01-01T00:00")
    for _ in range(104):
        at = times.next(at)
        found = [
            minute == str(at.minute) and hour == str(at.hour) and str((at.weekday() + 1) % 7) in days
            for minute, hour, _, _, days in lines
        ]
        assert any(found)


def test_the_day_of_the_month_cannot_move_to_another_one():
    with pytest.raises(ValueError, match="another day of the month"):
        Times.read("every month on the 1st at 00:30 Europe/Berlin").cron_on("UTC")
    assert Times.read("every month on the 1st at 06:00 Europe/Berlin").cron_on("Europe/Berlin")[0].fields == "0 6 1 * *"


def test_systemd_is_told_the_zone():
    assert WEEKDAYS.calendar() == "Mon,Tue,Wed,Thu,Fri *-*-* 06:00:00 Europe/Berlin"
    assert Times.read("every hour at :15").calendar() == "*-*-* *:15:00 UTC"
    assert Times.read("every month on the 3rd at 07:00").calendar() == "*-*-03 07:00:00 UTC"
