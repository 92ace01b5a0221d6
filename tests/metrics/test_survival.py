import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_lung
from lifelines.utils import restricted_mean_survival_time
from statsmodels.duration.survfunc import SurvfuncRight

from metrics import EventTableError, survival_curve, survival_summary
from tests.metrics.catalogue import quick

# Weeks in remission under 6-MP (Freireich et al. 1963): nine relapsed, twelve were still well.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [True] * 9 + [False] * 12


def churned(curve):
    return curve[curve["churned"] > 0]


def test_who_leaves_and_who_is_last_seen_at_a_time_are_both_at_risk_then():
    curve = survival_curve(WEEKS, RELAPSED)
    at_6 = curve.iloc[0]
    assert (at_6["at_risk"], at_6["churned"], at_6["censored"]) == (21, 3, 1)
    assert at_6["survival"] == pytest.approx(18 / 21)
    assert curve["at_risk"].tolist() == [21, 17, 16, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2, 1]
    assert (curve["churned"] + curve["censored"]).sum() == 21


@pytest.mark.parametrize(
    ("band", "low", "high"),  # at 23 weeks; Kalbfleisch & Prentice's scale, R's default, and the textbook's
    [("log-log", 0.1881, 0.6801), ("log", 0.2488, 0.8074), ("plain", 0.1844, 0.7119)],
)
def test_each_band_has_its_own_limits(band, low, high):
    last = churned(survival_curve(WEEKS, RELAPSED, band=band)).iloc[-1]
    assert last["survival"] == pytest.approx(0.4482, abs=1e-4)
    assert [last["survival_low"], last["survival_high"]] == pytest.approx([low, high], abs=1e-4)


def test_the_median_of_the_lung_study_has_the_limits_of_r_and_of_lifelines():
    lung = load_lung()
    died = lung["status"] == 1
    for band, limits in (("log", [285, 363]), ("log-log", [284, 361])):
        summary = survival_summary(survival_curve(lung["time"], died, band=band)).iloc[0]
        assert summary[["customers", "churned", "median"]].tolist() == [228, 165, 310]
        assert summary[["median_low", "median_high"]].tolist() == limits


def test_the_first_year_of_the_telco_sample():
    # IBM's sample of 7,043 customers: those who left and those last seen at 0, 1, … 12 months; 4,857 stayed longer.
    left = [0, 380, 123, 94, 83, 64, 40, 51, 42, 46, 45, 31, 38]
    seen = [11, 233, 115, 106, 93, 69, 70, 80, 81, 73, 71, 68, 79]
    months = np.repeat([*range(13), *range(13), 13], [*left, *seen, 4857])
    curve = survival_curve(months, np.repeat([True, False], [sum(left), sum(seen) + 4857]), unit="month")
    assert curve.loc[12, "survival"] == pytest.approx(0.8432, abs=5e-5)
    assert curve.loc[0, "survival"] == 1  # eleven joined this month; nobody could have left


def test_the_band_of_hall_and_wellner_takes_all_customers_for_n():
    # statsmodels puts the number at risk where n belongs, and gets 0.2599 for the second lower limit.
    curve = churned(survival_curve(WEEKS, RELAPSED, simultaneous=True))
    low = [0.2340325224, 0.3026780152, 0.31512479, 0.2915207766, 0.2545053756, 0.1704406314, 0.09666113079]
    high = [0.9837711452, 0.962136998, 0.9326447044, 0.8944640568, 0.8532091069, 0.8045910048, 0.7590664181]
    np.testing.assert_allclose(curve["survival_low"], low, atol=1e-6)  # reckoned with the 1.3581 of the tables
    np.testing.assert_allclose(curve["survival_high"], high, atol=1e-6)


def test_who_was_there_when_the_table_begins_is_at_risk_only_from_then():
    curve = survival_curve([4, 6, 7, 5, 9, 12, 10, 12], [1, 0, 1, 1, 1, 0, 1, 0], entry=[0, 0, 2, 3, 5, 5, 6, 8])
    left = churned(curve)
    assert left["time"].tolist() == [4, 5, 7, 9, 10]
    assert left["at_risk"].tolist() == [4, 3, 4, 4, 3]  # who enters at 5 is not yet at risk at 5
    assert left["survival"].tolist() == pytest.approx([0.75, 0.5, 0.375, 0.28125, 0.1875])


def test_the_mean_of_those_who_left_is_no_mean_stay():
    summary = survival_summary(survival_curve(WEEKS, RELAPSED), until=35).iloc[0]
    assert summary["median"] == 23
    assert summary["restricted_mean"] == pytest.approx(23.28739496)  # the nine alone stayed 12.1 weeks
    assert np.mean(WEEKS[:9]) < 12.2


def test_if_more_than_half_are_there_at_the_end_there_is_no_median():
    summary = survival_summary(survival_curve([5, 6, 7], [0, 0, 0])).iloc[0]
    assert np.isnan(summary["median"])
    assert summary["reason"] == "above_half"
    assert summary["restricted_mean"] == 7


def test_exactly_half_is_a_median_although_floats_may_miss_it():
    for many in range(2, 60, 2):
        curve = survival_curve(np.arange(1, many + 1), np.ones(many))
        assert survival_summary(curve).loc[0, "median"] == many / 2


def test_a_mean_up_to_a_time_that_was_not_watched_is_missing():
    early = survival_summary(survival_curve([1, 2], [1, 0]), until=3).iloc[0]
    assert np.isnan(early["restricted_mean"])
    assert early["reason"] == "restricted_mean: immature"
    gone = survival_summary(survival_curve([1, 2], [1, 1]), until=3).iloc[0]
    assert gone["restricted_mean"] == 1.5  # nobody is left: the area is known


def test_where_the_last_one_leaves_the_limits_do_not_pretend_to_be_sure():
    curve = survival_curve([1, 2, 3], [1, 1, 1])
    assert curve["survival"].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert curve["survival_low"].iloc[-1] == 0
    assert curve["survival_high"].iloc[-1] == curve["survival_high"].iloc[-2] > 0.5
    assert np.isnan(curve["std_error"].iloc[-1])


def test_if_all_who_had_entered_left_before_the_others_came_the_summary_says_nothing():
    summary = survival_summary(survival_curve([1, 8, 9], [1, 0, 1], entry=[0, 5, 5])).iloc[0]
    assert summary["reason"] == "nobody_watched"
    assert np.isnan(summary["median"])


def test_groups_are_rows_and_the_missing_one_is_last():
    curve = survival_curve([2, 1, 3, 4], [1, 1, 0, 1], by=["pro", "free", None, "free"])
    assert curve["group"].fillna("?").tolist() == ["free", "free", "pro", "?"]
    summary = survival_summary(curve)
    assert summary["customers"].tolist() == [2, 1, 1]
    assert summary["until"].tolist() == [2, 2, 2]  # the first group's end, so that the means compare


def test_each_group_is_the_curve_of_its_own_customers():
    rng = np.random.default_rng(3)
    days, left, plan = rng.integers(0, 50, 200), rng.random(200) < 0.6, rng.choice(["a", "b"], 200)
    both = survival_curve(days, left, by=plan)
    for name, part in both.groupby("group"):
        alone = survival_curve(days[plan == name], left[plan == name])
        pd.testing.assert_frame_equal(part.drop(columns="group").reset_index(drop=True), alone, check_flags=False)


def test_timedeltas_stay_timedeltas():
    days = pd.Series(pd.to_timedelta([1, 2, 3, 4], unit="D"))
    curve = survival_curve(days, [True, False, True, False])
    assert curve["time"].tolist() == days.tolist()
    summary = survival_summary(curve, until="3 days").iloc[0]
    assert summary["median"] == pd.Timedelta(days=3)
    assert summary["restricted_mean"] == pd.Timedelta(days=2.5)
    assert summary["until"] == pd.Timedelta(days=3)


def test_somebody_who_leaves_at_once_leaves_at_0():
    assert survival_curve([0, 1], [1, 0])["survival"].tolist() == [0.5, 0.5]


def test_nobody_has_an_empty_curve_and_a_reason():
    curve = survival_curve([], [])
    assert len(curve) == 0
    assert survival_summary(curve)["reason"].tolist() == ["nobody_watched"]
    assert len(survival_summary(survival_curve([], [], by=[]))) == 0


def test_everything_wrong_is_said_at_once():
    with pytest.raises(EventTableError, match=r"1 x duration missing.*1 x duration below 0.*neither") as refused:
        survival_curve([1, None, -2], [1, 2, 0])
    assert refused.value.problems["rows"].tolist() == [1, 1, 1]
    with pytest.raises(EventTableError, match="entry not before the end: never at risk"):
        survival_curve([3, 4], [1, 0], entry=[3, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"durations": [1, 2], "observed": [1]}, "differ in length"),
        ({"durations": ["x", "y"], "observed": [1, 0]}, "Give numbers in one unit or timedeltas"),
        ({"durations": [1, 2], "observed": [1, 0], "band": "loglog"}, "band: 'loglog' is not known"),
        ({"durations": [1, 2], "observed": [1, 0], "confidence": 95}, "not between 0 and 1"),
        ({"durations": pd.to_timedelta([1, 2], unit="D"), "observed": [1, 0], "entry": [0, 1]}, "one is a timedelta"),
        ({"durations": pd.Series([1, 2]), "observed": pd.Series([1, 0], index=[1, 0])}, "same rows in another order"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        survival_curve(**arguments)


def test_a_summary_asks_for_a_curve_and_a_time():
    with pytest.raises(ValueError, match="Give the result of survival_curve"):
        survival_summary(pd.DataFrame({"time": [1]}))
    for until in (0, "a week", -1):
        with pytest.raises(ValueError, match="until"):
            survival_summary(survival_curve([1], [1]), until=until)


STAYS = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(1, 9)), min_size=1, max_size=40)


@quick
@given(stays=STAYS)
def test_lifelines_has_the_same_curve(stays):
    time, left = np.array([s[0] for s in stays]), np.array([s[1] for s in stays])
    curve = survival_curve(time, left)
    fit = KaplanMeierFitter().fit(time, left)
    theirs = fit.survival_function_at_times(curve["time"]).to_numpy()
    np.testing.assert_allclose(curve["survival"], theirs, rtol=1e-9, atol=1e-12)
    inner = curve["survival"].between(0, 1, inclusive="neither").to_numpy()
    limits = fit.confidence_interval_.reindex(curve["time"].to_numpy(float)).to_numpy()[inner]
    np.testing.assert_allclose(curve.loc[inner, ["survival_low", "survival_high"]], limits, rtol=1e-9)
    summary = survival_summary(curve).iloc[0]
    assert summary["restricted_mean"] == pytest.approx(restricted_mean_survival_time(fit, t=time.max()), abs=1e-9)


@quick
@given(stays=STAYS)
def test_statsmodels_has_the_same_curve_with_late_entry(stays):
    late = np.array([s[2] for s in stays])
    time, left = np.array([s[0] for s in stays]) + late, np.array([s[1] for s in stays])
    entry = late - 1.0
    curve = churned(survival_curve(time, left, entry=entry))
    theirs = SurvfuncRight(time, left, entry=entry)
    np.testing.assert_allclose(curve["survival"], theirs.surv_prob, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(curve["at_risk"], theirs.n_risk)
    known = (curve["survival"] > 0).to_numpy()
    np.testing.assert_allclose(curve.loc[known, "std_error"], theirs.surv_prob_se[known], rtol=1e-9, atol=1e-12)


@quick
@given(stays=STAYS, band=st.sampled_from(["log-log", "log", "plain"]), simultaneous=st.booleans())
def test_curves_fall_within_limits_that_fall(stays, band, simultaneous):
    curve = survival_curve([s[0] for s in stays], [s[1] for s in stays], band=band, simultaneous=simultaneous)
    low, middle, high = (curve[name].to_numpy() for name in ("survival_low", "survival", "survival_high"))
    assert (low <= middle + 1e-12).all()
    assert (middle <= high + 1e-12).all()
    assert ((np.r_[low, middle, high] >= 0) & (np.r_[low, middle, high] <= 1)).all()
    assert (np.diff(middle) <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("many", [50, 200])
def test_the_band_holds_whole_curves_and_limits_of_single_times_do_not(many):
    rng, held, pointwise, tries = np.random.default_rng(7), 0, 0, 1000
    for _ in range(tries):
        stay, watched = rng.exponential(10, many), rng.uniform(5, 25, many)
        time, left = np.minimum(stay, watched), stay <= watched
        for simultaneous in (True, False):
            curve = churned(survival_curve(time, left, simultaneous=simultaneous))
            curve = curve[curve["survival"] > 0]
            truth, before = np.exp(-curve["time"] / 10), np.r_[np.nan, curve["survival_low"].iloc[:-1]]
            inside = (curve["survival_low"] <= truth) & (truth <= curve["survival_high"])
            inside &= ~(truth < before)  # just before a step the curve still stands at the height of the last one
            held += bool(inside.all()) and simultaneous
            pointwise += bool(inside.all()) and not simultaneous
    assert 0.925 < held / tries < 0.985
    assert pointwise / tries < 0.6
