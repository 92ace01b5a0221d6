"""Units in several cohorts: the limits of their curve count each unit once."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from metrics import cohort_retention, event_log, retention_curve
from metrics.intervals import wilson
from metrics.retention.repeats import limits

LOG = event_log("""
    2026-01-05  ann  use
    2026-01-12  ann  use
    2026-01-19  ann  use
    2026-01-05  ben  use
    2026-01-19  cat  use
""")


def recurring(log=LOG, as_of="2026-02-02", periods=2, **options):
    return cohort_retention(log, cohort="recurring", periods=periods, as_of=as_of, **options)


def test_a_unit_is_one_observation_however_many_cohorts_it_is_in():
    curve = retention_curve(recurring())
    assert curve["users"].tolist() == [5, 5, 3]  # the second week after the last one of ann and cat is not over
    assert curve["retained"].tolist() == [5, 2, 1]
    # Week 1: ann came back 2 times of 3, ben 0 of 1, cat 0 of 1. What is more than 0.4 of each: 0.8, -0.4, -0.4.
    variance = (0.8**2 + 0.4**2 + 0.4**2) / 25 * 3 / 2
    worth = 0.4 * 0.6 / variance
    low, high = wilson(0.4 * worth, worth)
    assert worth < 5
    assert curve.loc[1, "retention_rate_low"] == pytest.approx(float(low), abs=1e-12)
    assert curve.loc[1, "retention_rate_high"] == pytest.approx(float(high), abs=1e-12)
    assert curve.loc[0, ["retention_rate_low", "retention_rate_high"]].tolist() == [1, 1]


def test_units_that_all_do_alike_are_worth_one_answer_each():
    log = event_log("2026-01-05 ann use\n2026-01-12 ann use\n2026-01-05 ben use\n2026-01-12 ben use")
    curve = retention_curve(recurring(log, as_of="2026-01-19", periods=1))
    assert curve.loc[1, "retention_rate"] == 1
    assert curve.loc[1, "retention_rate_low"] == pytest.approx(float(wilson(2, 2)[0]))


def test_some_of_the_cohorts_and_means_of_cohorts_have_no_limits():
    table = recurring()
    some = retention_curve(table[table["cohort"] < "2026-01-19"])
    assert some.loc[some["period"] == 1, "retention_rate_low"].isna().all()
    assert some.loc[some["period"] == 1, "reason"].eq("limits_unknown").all()
    assert retention_curve(table)["reason"].isna().all()
    mean = retention_curve(table, weighted=False)
    assert mean["retention_rate"].notna().all()
    assert mean[["retention_rate_low", "retention_rate_high"]].isna().all(axis=None)
    assert mean["reason"].eq("limits_unknown").all()
    assert "no limits" in mean.attrs["definition"]


def test_units_that_share_nothing_have_nearly_the_limits_of_strangers():
    rng = np.random.default_rng(5)
    log = pd.DataFrame({"user_id": [f"u{k}" for k in range(2000)], "event": "use", "timestamp": "2026-01-05"})
    back = log[rng.random(2000) < 0.3].assign(timestamp="2026-01-12")
    log = pd.concat([log, back]).assign(timestamp=lambda t: pd.to_datetime(t["timestamp"], utc=True).dt.as_unit("us"))
    first = retention_curve(cohort_retention(log[log["timestamp"] < "2026-01-12"], as_of="2026-01-19", periods=1))
    assert first.loc[1, "retained"] == 0
    strangers = retention_curve(cohort_retention(log, as_of="2026-01-19", periods=1))
    table = recurring(log, as_of="2026-01-19", periods=1)
    alike = retention_curve(table).loc[1]
    np.testing.assert_allclose(
        alike[["retention_rate_low", "retention_rate_high"]].astype(float),
        strangers.loc[1, ["retention_rate_low", "retention_rate_high"]].astype(float),
        atol=1e-4,
    )


def test_the_variance_is_that_of_statsmodels_with_units_for_clusters():
    rng = np.random.default_rng(11)
    keen = rng.beta(1, 2, 60)
    rows = [(f"u{k}", day) for k in range(60) for day in range(0, 70, 7) if rng.random() < keen[k]]
    log = pd.DataFrame(rows, columns=["user_id", "day"]).assign(event="use", plan=lambda t: t["user_id"].str[-1] < "5")
    log["timestamp"] = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(log["day"], unit="D")
    log["timestamp"] = log["timestamp"].dt.as_unit("us")
    table = recurring(log, as_of="2026-03-16", periods=3, by="plan")
    curve = retention_curve(table)
    for plan in (False, True):
        mine = log[log["plan"] == plan]
        pairs = mine[mine["day"] + 14 < 70].reset_index(drop=True)
        came = {(user, day) for user, day in zip(mine["user_id"], mine["day"], strict=True)}
        y = np.array(
            [float((user, day + 14) in came) for user, day in zip(pairs["user_id"], pairs["day"], strict=True)]
        )
        units = pairs["user_id"].nunique()
        clusters = {"groups": pd.factorize(pairs["user_id"])[0], "use_correction": False}
        error = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds=clusters).bse[0]
        worth = y.mean() * (1 - y.mean()) / (error**2 * units / (units - 1))
        row = curve[(curve["plan"] == plan) & (curve["period"] == 2)].iloc[0]
        assert worth < len(y)
        assert row["users"] == len(y)
        expected = [float(limit) for limit in wilson(y.mean() * worth, worth)]
        assert row[["retention_rate_low", "retention_rate_high"]].tolist() == pytest.approx(expected, abs=1e-9)


def test_the_limits_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    worlds, units, truth = 2000, 80, 0.3
    many = rng.integers(1, 12, (worlds, units))
    y = rng.binomial(many, rng.beta(0.6, 1.4, (worlds, units)))  # who comes once comes again
    rows = [
        ["", k, int(m.sum()), int(b.sum()), int((m * m).sum()), int((b * b).sum()), int((m * b).sum()), units]
        for k, (m, b) in enumerate(zip(many, y, strict=True))
    ]
    curve = pd.DataFrame({"period": range(worlds), "users": many.sum(axis=1), "retained": y.sum(axis=1)})
    low, high = limits(curve, [], rows, 0.95)
    strangers = wilson(curve["retained"], curve["users"])
    assert 0.93 < ((low < truth) & (truth < high)).mean() < 0.97
    assert ((strangers[0] < truth) & (truth < strangers[1])).mean() < 0.75  # what counting them as strangers would do
