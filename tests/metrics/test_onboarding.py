"""Milestones, the time to them, and features taken up: who is still on the way is neither lost nor left out."""

import numpy as np
import pandas as pd
import pytest

from metrics import Step, event_log, feature_adoption, headline, milestones, time_to_milestone
from metrics.display.footnotes import footnotes

START = {"start_event": "sign_up", "as_of": "2026-02-01", "min_n": 1}
LOG = event_log("""
    2026-01-01  ann   sign_up  plan=pro
    2026-01-03  ann   invite
    2026-01-01  ben   sign_up  plan=free
    2026-01-09  ben   invite
    2026-01-10  cat   invite
    2026-01-10  cat   sign_up  plan=free
    2026-01-25  dan   invite
    2026-01-26  dan   sign_up  plan=pro
    2026-01-30  eve   visit
""")


def test_a_milestone_counts_from_the_start_on_and_its_very_instant_counts():
    row = milestones(LOG, milestones=["invite"], **START).iloc[0]
    assert (row["users"], row["reached"], row["not_yet"]) == (4, 3, 1)  # dan invited before he signed up
    assert row["share"] == 0.75
    assert row["median_days"] == 2  # 0, 2, 8 and more than 6: 4/4, 3/4, 2/4
    assert row["median_days_low"] == 0


def test_who_is_on_the_way_makes_the_median_longer_than_that_of_those_who_are_there():
    # Days 2, 3, 5, 8 reached, 4 and 10 still on the way: 5/6, 4/6, then of three at risk 4/9, then 2/9.
    rows = []
    for name, days, reached in [("a", 2, 1), ("b", 3, 1), ("c", 4, 0), ("d", 5, 1), ("e", 8, 1), ("f", 10, 0)]:
        begin = pd.Timestamp("2026-02-01", tz="UTC") - pd.Timedelta(days=20 if reached else days)
        rows.append((name, "sign_up", begin))
        if reached:
            rows.append((name, "onboarded", begin + pd.Timedelta(days=days)))
    log = pd.DataFrame(rows, columns=["user_id", "event", "timestamp"])
    asked = {"start_event": "sign_up", "as_of": "2026-02-01"}
    times = time_to_milestone(log, milestone="onboarded", **asked)
    assert times["days"].tolist() == [2, 3, 4, 5, 8, 10]
    assert times["at_risk"].tolist() == [6, 5, 4, 3, 2, 1]
    assert times["censored"].tolist() == [0, 0, 1, 0, 0, 1]
    np.testing.assert_allclose(times["not_yet"], [5 / 6, 4 / 6, 4 / 6, 4 / 9, 2 / 9, 2 / 9])
    row = milestones(log, milestones=["onboarded"], **asked).iloc[0]
    assert row["median_days"] == 5  # the median of those who are there is 4
    assert np.isnan(row["share"])
    assert row["reason"] == "share: below_min_n"


def test_the_first_day_is_the_first_24_hours():
    log = event_log("""
        2026-01-01 12:00  ann  sign_up
        2026-01-02 12:00  ann  invite
        2026-01-01 12:00  ben  sign_up
        2026-01-02 12:01  ben  invite
        2026-01-01 12:00  cat  sign_up
        2026-01-01 12:00  cat  invite
    """)
    times = time_to_milestone(log, start_event="sign_up", milestone="invite", as_of="2026-02-01")
    assert times[["days", "at_risk", "reached"]].to_numpy().tolist() == [[0, 3, 1], [1, 2, 1], [2, 1, 1]]


def test_a_median_that_more_than_half_have_not_reached_is_missing_and_says_why():
    row = milestones(LOG, milestones=["visit"], **START).iloc[0]
    assert (row["reached"], row["reason"]) == (0, "median_days: above_half")
    assert np.isnan(row["median_days"])


def test_groups_are_those_of_the_row_that_began():
    table = milestones(LOG, milestones=["invite"], by="plan", **START)
    assert table["plan"].tolist() == ["free", "pro"]
    assert table["users"].tolist() == [2, 2]
    assert table["reached"].tolist() == [2, 1]


def test_the_range_is_that_of_the_start():
    table = milestones(LOG, milestones=["invite"], since="2026-01-02", until="2026-01-26", **START)
    assert table["users"].tolist() == [1]


def test_a_list_of_milestones_is_asked_for():
    for wrong in ("invite", [], Step("invite")):
        with pytest.raises(ValueError, match="milestones"):
            milestones(LOG, milestones=wrong, **START)


FEATURES = event_log("""
    2026-01-01 09:00  ann   visit   plan=pro
    2026-01-02 09:00  ann   export
    2026-01-02 18:00  ann   export
    2026-01-01 09:00  ben   visit
    2026-01-11 09:00  ben   export
    2026-01-12 09:00  ben   export
    2026-01-01 09:00  edge  visit
    2026-01-31 09:00  edge  export
    2026-01-25 09:00  late  visit
    2026-01-26 09:00  late  export
""")


def test_a_feature_is_used_again_on_a_later_day():
    row = feature_adoption(FEATURES, features=["export"], as_of="2026-02-01", min_n=1).iloc[0]
    assert (row["users"], row["adopters"], row["open"]) == (4, 4, 0)
    assert row["repeat_rate"] == 0.25  # ann's second use was on the same day
    assert row["median_days"] == 1


def test_the_last_instant_of_the_window_belongs_to_it_and_open_windows_are_in_no_rate():
    asked = {"features": ["export"], "as_of": "2026-02-01", "min_n": 1}
    row = feature_adoption(FEATURES, window="30 days", **asked).iloc[0]
    assert (row["users"], row["adopters"], row["open"]) == (3, 3, 1)
    assert feature_adoption(FEATURES, window="29 days", **asked).iloc[0]["adopters"] == 2
    early = feature_adoption(FEATURES, features=["export"], window="60 days", as_of="2026-02-01").iloc[0]
    assert (early["users"], early["open"]) == (0, 4)
    assert early["reason"].startswith("adoption_rate: immature")


def test_the_repeats_of_nobody_have_no_rate():
    with pytest.warns(UserWarning, match="never done"):
        row = feature_adoption(FEATURES, features=["print"], as_of="2026-02-01", min_n=1).iloc[0]
    assert (row["adopters"], row["adoption_rate"]) == (0, 0)
    assert row["reason"] == "median_days: above_half; repeat_rate: zero_denominator"


def test_the_sentence_of_a_group_names_it():
    of_plans = milestones(LOG, milestones=["invite", "sign_up"], by="plan", **START)
    assert (
        "of 2 of pro who did sign_up have reached invite so far (9 to 91), the least of 2 milestones in 2 groups; half"
        in headline(of_plans)
    )
    assert footnotes(of_plans)[0].endswith("%, invite of free.")
    of_one = feature_adoption(LOG, features=["invite"], by="plan", as_of="2026-02-01", min_n=1)
    assert "of 2 users of free have used invite" in headline(of_one)
    assert "the most of 3 groups" in headline(of_one)
    alone = milestones(LOG, milestones=["invite"], **START)
    assert "of 4 who did sign_up have reached invite so far (30 to 95); half" in headline(alone)


def test_what_was_reached_before_1970_was_reached():
    old = event_log("1969-12-01 ann sign_up\n1969-12-03 ann invite")
    assert milestones(old, milestones=["invite"], **START)["reached"].tolist() == [1]


@pytest.mark.parametrize("name", ["repeated", "first", "median_reason"])
def test_users_may_be_grouped_by_a_property_called_as_what_is_counted_on_the_way(name):
    for metric, asked in (
        (feature_adoption, {"features": ["invite"], "as_of": "2026-02-01", "min_n": 1}),
        (milestones, {"milestones": ["invite"], **START}),
    ):
        plain, found = metric(LOG, by="plan", **asked), metric(LOG.rename(columns={"plan": name}), by=name, **asked)
        pd.testing.assert_frame_equal(found.rename(columns={name: "plan"}), plain)
