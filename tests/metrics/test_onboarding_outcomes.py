"""The onboarded against all others, sorted at one moment and watched from then on, with somebody on every edge."""

import numpy as np
import pandas as pd
import pytest

from metrics import event_log, headline, onboarding_outcomes, plot_onboarding_outcomes, show
from metrics.display.footnotes import footnotes
from metrics.intervals import newcombe
from metrics.plots.style import DRAWN

LOG = event_log("""
    2026-01-01 09:00         ann  sign_up
    2026-01-08 08:59:59.999  ann  guide
    2026-01-08 09:00         ann  search
    2026-01-09 09:00         ann  visit
    2026-01-22 08:59:59.999  ann  visit
    2026-01-01 09:00         ben  sign_up
    2026-01-08 09:00         ben  guide     # a moment too late
    2026-01-15 08:59:59.999  ben  visit     # before the last week
    2026-01-22 09:00         ben  search    # after it
    2026-01-01 09:00         cat  sign_up
    2026-01-01 09:00         cat  guide     # in the instant of the start
    2026-01-15 09:00         cat  visit     # the last week begins
    2025-12-31 09:00         dan  guide     # before the start
    2026-01-01 09:00         dan  sign_up
    2026-01-20 09:00         eve  sign_up
    2026-01-20 10:00         eve  guide
    2026-01-20 10:00         fay  guide     # never began
""")

PLANS = event_log("""
    2026-01-01 09:00         ann  sign_up  plan=pro   # she stays pro
    2026-01-08 08:59:59.999  ann  guide    plan=free
    2026-01-20 09:00         ann  visit    plan=free
    2026-01-01 09:00         ben  sign_up  plan=pro
    2026-01-09 09:00         ben  visit
    2026-01-01 09:00         cat  sign_up  plan=free  # nobody of free is onboarded
    2026-01-20 09:00         cat  visit
    2026-01-01 09:00         fay  sign_up  plan=pro   # two plans in one instant: the first by name
    2026-01-01 09:00         fay  sign_up  plan=free
    2026-01-01 08:00         dan  visit    plan=pro
    2026-01-01 09:00         dan  sign_up             # no plan in the row that began
    2026-01-02 09:00         dan  guide    plan=pro
    2026-01-20 09:00         eve  sign_up  plan=team  # still watched, all of her group
    2026-01-20 10:00         eve  guide    plan=team
""")


def outcomes(log=LOG, as_of="2026-02-03", **options):
    given = {"onboarded": "guide", "start_event": "sign_up", "within": "7 days", "follow_up": "14 days", "min_n": 1}
    return onboarding_outcomes(log, as_of=as_of, **{**given, "active_days": 3, "features": ["search"], **options})


def test_users_are_sorted_within_the_time_and_watched_after_it():
    table = outcomes().set_index("outcome")
    assert table["onboarded"].tolist() == [2, 2, 2]  # ann, cat; eve is watched until 10 February
    assert table["others"].tolist() == [2, 2, 2]  # ben, dan
    assert table["onboarded_met"].to_dict() == {"engagement": 1, "adoption": 1, "retention": 2}
    assert table["others_met"].to_dict() == {"engagement": 0, "adoption": 0, "retention": 0}
    assert table.attrs["settings"]["too_recent"] == 1
    low, high = newcombe(np.array([2.0]), np.array([2.0]), np.array([0.0]), np.array([2.0]), 0.95)
    assert table.loc["retention", ["difference_low", "difference_high"]].tolist() == [low[0], high[0]]
    assert set(table["label"]) == {"association"}


def test_the_last_moment_of_the_follow_up_must_be_observed():
    assert outcomes(as_of="2026-02-10T09:00")["onboarded"].tolist() == [3, 3, 3]
    assert outcomes(as_of="2026-02-10T08:59:59.999")["onboarded"].tolist() == [2, 2, 2]


def test_of_several_events_it_takes_all_and_without_features_there_is_no_adoption():
    table = outcomes(onboarded=["guide", "sign_up"], features=[])
    assert table["outcome"].tolist() == ["engagement", "retention"]
    assert table["onboarded"].tolist() == [2, 2]
    assert outcomes(onboarded=["guide", "search"])["onboarded"].tolist() == [0, 0, 0]


def test_the_last_usable_answer_of_the_follow_up_counts():
    answers = pd.DataFrame(
        [("ann", "2026-01-08T09:00", "2"), ("ann", "2026-01-22T08:59", "5"), ("ann", "2026-01-22T09:00", "1"),
         ("ben", "2026-01-08T08:59", "7"), ("cat", "2026-01-10T09:00", "4"), ("dan", "2026-01-10T09:00", "n/a")],
        columns=["respondent_id", "answered_at", "score"],
    )  # fmt: skip
    row = outcomes(responses=answers).set_index("outcome").loc["satisfaction"]
    assert row[["onboarded", "onboarded_met", "others"]].tolist() == [2, 1, 0]  # ann's 5, cat's 4; nobody of the others
    assert row["reason"] == "others_rate: zero_denominator; difference: zero_denominator"
    both = answers.assign(question_type=["nps", *["ces"] * 5])
    with pytest.raises(ValueError, match="different scales"):
        outcomes(responses=both)
    assert outcomes(responses=both, question="ces").set_index("outcome").loc["satisfaction", "onboarded"] == 2
    with pytest.raises(ValueError, match="'csat'"):
        outcomes(responses=both, question="csat")
    with pytest.raises(ValueError, match="'score'"):
        outcomes(responses=answers.drop(columns="score"))


def test_a_rate_over_few_is_held_back_and_its_counts_stand():
    table = outcomes(min_n=3)
    assert table["onboarded_rate"].isna().all()
    assert table["onboarded"].tolist() == [2, 2, 2]
    assert "below_min_n" in table.loc[0, "reason"]
    assert "too few users" in headline(table)


def by_plan(log=PLANS, **options):
    return outcomes(log, **{"by": "plan", "active_days": 1, "features": [], **options})


def test_the_onboarded_of_a_group_are_set_against_the_others_of_it():
    table = by_plan()
    assert list(table)[:2] == ["plan", "outcome"]
    assert table["outcome"].tolist() == ["engagement", "retention"] * 4
    assert [str(plan) for plan in table["plan"][::2]] == ["free", "pro", "team", "nan"]
    counts = table[["onboarded", "onboarded_met", "others", "others_met"]].to_numpy().tolist()
    assert counts == [
        [0, 0, 2, 1], [0, 0, 2, 1],  # free: cat came on 20 January, fay never
        [1, 1, 1, 1], [1, 1, 1, 0],  # pro: ann; ben came before the last week
        [0, 0, 0, 0], [0, 0, 0, 0],  # team: eve
        [1, 0, 0, 0], [1, 0, 0, 0],  # dan
    ]  # fmt: skip
    assert table["difference"].tolist()[2:4] == [0, 1]
    assert table.loc[0, "reason"] == "onboarded_rate: zero_denominator; difference: zero_denominator"
    assert table.loc[0, "others_rate"] == 0.5
    assert table.loc[6, "reason"] == "others_rate: zero_denominator; difference: zero_denominator"
    assert table.attrs["settings"]["too_recent"] == 1
    assert table.attrs["settings"]["by"] == ["plan"]


def test_the_groups_add_up_to_all_also_where_answers_are_asked():
    answers = pd.DataFrame({
        "respondent_id": ["ann", "ben", "cat", "dan"], "answered_at": "2026-01-15T09:00", "score": [5, 4, 6, 2],
    })  # fmt: skip
    table, whole = (by_plan(responses=answers, by=by) for by in (["plan", "event"], None))
    counts = ["onboarded", "onboarded_met", "others", "others_met"]
    sums = table.groupby("outcome", sort=False)[counts].sum()
    pd.testing.assert_frame_equal(sums, whole.set_index("outcome")[counts])
    assert sums.loc["satisfaction"].tolist() == [2, 1, 2, 1]


def test_one_group_has_the_numbers_of_all_and_nobody_has_no_group():
    one, none = by_plan(PLANS.assign(plan="pro")), by_plan(since="2026-06-01")
    assert one.drop(columns="plan").equals(by_plan(by=None))
    assert list(none) == list(one)
    assert len(none) == 0
    assert "too few users" in headline(none)
    assert "No rows" in show(none).html


def test_a_group_is_a_column_of_the_events_and_none_of_the_result():
    with pytest.raises(ValueError, match="by: 'plam' is not a column"):
        by_plan(by="plam")
    with pytest.raises(ValueError, match="by: 'label' is a column of the result"):
        by_plan(PLANS.assign(label="x"), by="label")


def test_the_group_with_the_most_onboarded_is_told_and_all_are_drawn_outcome_by_outcome():
    table = by_plan()
    assert headline(table).startswith("100\u202f% of 1 onboarded of pro were seen in the last 7 days")
    assert footnotes(table)[1].startswith(
        "1 / 1 = 100.0\u202f% \u2212 0 / 1 = 0.0\u202f% = +100.0 points, retention, pro."
    )
    axes = plot_onboarding_outcomes(table)
    names = [text.get_text() for text in axes.texts if text.get_text().startswith(("Engagement", "Retention"))]
    plans = ["free", "pro", "team", "(missing)"]
    assert names == [f"{outcome}, {plan}" for outcome in ("Engagement", "Retention") for plan in plans]
    assert "Retention, free: nobody to count, 0 onboarded." in DRAWN[axes].plot.alt(DRAWN[axes].table)
    both = by_plan(PLANS.assign(plan=PLANS["user_id"].isin(["ann", "ben", "eve"]).map({True: "pro", False: "free"})))
    assert "of 1 onboarded of free, the most of 2 groups, were seen" in headline(both)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="seen_in '30 days' is longer"):
        outcomes(seen_in="30 days")
    with pytest.raises(ValueError, match="onboarded"):
        outcomes(onboarded=[])
    with pytest.raises(ValueError, match="'gide'"):
        outcomes(onboarded="gide")


def test_it_is_said_to_be_an_association_with_both_rates():
    table = outcomes()
    assert headline(table).startswith("100\u202f% of 2 onboarded were seen in the last 7 days")
    assert headline(table).endswith("An association, not an effect.")
    assert footnotes(table)[1].startswith("2 / 2 = 100.0\u202f% \u2212 0 / 2 = 0.0\u202f% = +100.0 points, retention.")
    assert footnotes(table)[2] == "Left out: 1 user who is still watched."
    assert "Retention" in [text.get_text() for text in plot_onboarding_outcomes(table).texts]
    assert "Of others, %" in show(table).html
    assert "An association" in DRAWN[plot_onboarding_outcomes(table)].plot.legend(table)


def test_staying_is_not_its_own_reason():
    """Who stays has more time to see the guide; counted from the start, it would seem to keep users."""
    rng = np.random.default_rng(3)
    rows = []
    for k in range(1500):
        weeks = rng.geometric(0.3)
        rows += [(f"u{k}", "sign_up", 0.0)] + [(f"u{k}", "visit", 7.0 * week + 1) for week in range(1, weeks)]
        rows += [(f"u{k}", "guide", 7.0 * week + 1) for week in range(weeks) if rng.random() < 0.15]
    log = pd.DataFrame(rows, columns=["user_id", "event", "day"])
    log["timestamp"] = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(log.pop("day"), unit="D")
    log = log.astype({"user_id": "str", "event": "str", "timestamp": "datetime64[us, UTC]"})
    log = log.sort_values("timestamp", ignore_index=True)
    row = outcomes(log, as_of="2026-06-01", features=[]).set_index("outcome").loc["retention"]
    assert row["difference_low"] < 0 < row["difference_high"]
