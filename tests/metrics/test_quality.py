"""What an export holds: by day, by hour, by event, by property."""

import pandas as pd
import pytest

from metrics import arrival_hours, event_arrivals, event_dictionary, event_log, property_coverage

LOG = event_log("""
    2026-03-27 22:30  ann   visit
    2026-03-27 23:30  ann   visit
    2026-03-30 10:00  phone visit
    2026-03-30 21:59  bob   buy
""")  # 22:30 UTC is still the 27th in Berlin, 23:30 is the 28th; the clocks change on the 29th


def test_days_are_local_and_a_day_without_rows_is_a_zero():
    table = event_arrivals(LOG, as_of="2026-03-30T21:59:30Z", tz="Europe/Berlin")
    assert table["period_start"].dt.day.tolist() == [27, 28, 29, 30]
    assert table["rows"].tolist() == [1, 1, 0, 2]
    assert table["users"].tolist() == [1, 1, 0, 2]
    assert table["complete"].tolist() == [True, True, True, False]
    assert table["anonymous_share"].isna().tolist() == [False, False, True, False]
    assert table["late"].isna().all()


def test_the_first_moment_not_observed_is_out():
    assert event_arrivals(LOG, as_of="2026-03-30 21:59")["rows"].sum() == 3


def test_late_is_longer_than_allowed_and_anonymous_who_is_only_a_device():
    log = LOG.assign(
        anonymous_id=["d1", None, "phone", "d1"],
        received_at=LOG["timestamp"] + pd.to_timedelta(["24h", "25h", "0h", "0h"]),
    )
    table = event_arrivals(log, as_of="2026-03-31")
    assert table["late"].sum() == 1  # exactly a day is not late
    assert table["anonymous"].tolist() == [0, 0, 0, 1]


def test_nobody_is_an_answer():
    assert event_arrivals(LOG[:0], as_of="2026-03-31").empty
    assert arrival_hours(LOG[:0])["share"].isna().all()
    assert event_dictionary(LOG[:0]).empty
    assert property_coverage(LOG[:0]).empty


def test_hours_are_those_of_the_zone():
    hours = arrival_hours(LOG, tz="Asia/Kathmandu").set_index("hour")["rows"]
    assert hours[hours > 0].to_dict() == {3: 1, 4: 1, 5: 1, 15: 1}
    assert hours.sum() == len(LOG)


def test_the_dictionary_names_events_by_frequency_then_name():
    log = pd.concat([LOG, LOG.assign(event="also")], ignore_index=True)
    table = event_dictionary(log)
    assert table["event"].tolist() == ["also", "visit", "buy"]
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc[2, "first_seen"] == table.loc[2, "last_seen"] == LOG["timestamp"].iloc[3]


def test_coverage_counts_values_and_never_blanks():
    log = LOG.assign(plan=["pro", None, "free", "pro"], empty=None)
    table = property_coverage(log)
    assert table[["event", "property", "rows", "filled", "values", "example"]].to_numpy().tolist() == [
        ["buy", "plan", 1, 1, 1, "pro"],
        ["visit", "plan", 3, 2, 2, "free"],
    ]


@pytest.mark.parametrize("function", [arrival_hours, event_dictionary, property_coverage])
def test_the_order_of_rows_never_matters_and_the_input_stays(function):
    log = LOG.assign(plan=["pro", None, "free", "pro"])
    before = log.copy()
    pd.testing.assert_frame_equal(function(log), function(log.sample(frac=1, random_state=1)))
    pd.testing.assert_frame_equal(log, before)
