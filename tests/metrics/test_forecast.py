"""Who will leave: the fit against other libraries, the trial against counting by hand, and no look at the future."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import binom, norm

from metrics import EventTableError, backtest_churn, churn_by_band, forecast_churn
from metrics.display import headline, numbers, show
from metrics.display.footnotes import footnotes
from metrics.health.backtest import _area, _clustered, _limits
from metrics.health.logistic import expit, fit_logistic, unpulled
from metrics.plots import plot_churn_calibration

MONTHS = pd.date_range("2026-01-01", periods=8, freq="30D", tz="UTC")
SIGNALS = ["days_since_active", "open_tickets"]


def panel(seed=0, customers=120, months=6, strength=1.5):
    """Snapshots in which who was silent longer leaves more often; tickets say nothing."""
    rng = np.random.default_rng(seed)
    n = customers * months
    silent, tickets = rng.gamma(2, 5, n), rng.poisson(0.5, n).astype(float)
    left = rng.random(n) < expit(-2.5 + strength * (silent - 10) / 7)
    place = np.repeat(np.arange(months), customers)
    return pd.DataFrame({
        "cutoff": MONTHS[place], "until": MONTHS[place + 1], "customer_id": [f"c{k % customers}" for k in range(n)],
        "days_since_active": silent, "open_tickets": tickets, "mrr": 10.0, "churned": left,
    })  # fmt: skip


PAST = panel()


def now(*silent, **columns):
    table = pd.DataFrame({"customer_id": [f"n{k}" for k in range(len(silent))], "days_since_active": list(silent)})
    return table.assign(cutoff=MONTHS[-1], open_tickets=0.0, mrr=20.0, **columns)


@pytest.mark.slow
def test_the_regression_is_that_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    columns, left = PAST[SIGNALS].to_numpy(float), PAST["churned"].to_numpy(float)
    for ridge in (0.1, 1.0, 30.0):
        ours = fit_logistic(columns, left, ridge=ridge)
        theirs = LogisticRegression(C=1 / ridge, tol=1e-10, max_iter=1000).fit(ours.standard(columns), left)
        np.testing.assert_allclose(ours.weights, [theirs.intercept_[0], *theirs.coef_[0]], atol=1e-6)
        np.testing.assert_allclose(
            expit(ours.log_odds(columns)), theirs.predict_proba(ours.standard(columns))[:, 1], atol=1e-7
        )


@pytest.mark.slow
def test_almost_without_a_pull_estimate_and_limits_are_those_of_statsmodels():
    import statsmodels.api as sm

    past = panel(customers=3000)
    columns, left = past[SIGNALS].to_numpy(float), past["churned"].to_numpy(float)
    ours = fit_logistic(columns, left, ridge=1e-9)
    theirs = sm.Logit(left, sm.add_constant(columns)).fit(disp=False)
    asked = np.array([[2.0, 0.0], [30.0, 3.0]])
    design = sm.add_constant(asked, has_constant="add")
    score = design @ theirs.params
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, theirs.cov_params(), design))
    np.testing.assert_allclose(ours.log_odds(asked), score, atol=1e-6)
    low, high = unpulled(ours, columns, left).limits(asked, 1.96)
    np.testing.assert_allclose(low, score - 1.96 * error, atol=0.01)  # of so many, what Firth adds is little
    np.testing.assert_allclose(high, score + 1.96 * error, atol=0.01)


def test_limits_of_two_groups_are_those_of_half_a_customer_more_on_each_side():
    """Firth's fit of one signal that is there or not has a closed form, also where nobody of a group left."""
    for (gone, stayed), (gone_too, stayed_too) in (((3, 40), (6, 9)), ((0, 30), (5, 5))):
        columns = np.repeat([[0.0], [1.0]], [gone + stayed, gone_too + stayed_too], axis=0)
        left = np.repeat([1.0, 0, 1, 0], [gone, stayed, gone_too, stayed_too])
        free = unpulled(fit_logistic(columns, left, ridge=1e-3), columns, left)
        n = np.array([gone + stayed, gone_too + stayed_too])
        chance = (np.array([gone, gone_too]) + 0.5) / (n + 1)
        half = 1.96 / np.sqrt(n * chance * (1 - chance))
        low, high = free.limits(np.array([[0.0], [1.0]]), 1.96)
        np.testing.assert_allclose(low[1], (np.log(chance / (1 - chance)) - half)[1], atol=1e-6)
        np.testing.assert_allclose(high, np.log(chance / (1 - chance)) + half, atol=1e-6)


def test_the_fit_without_the_ridge_is_the_maximum_of_firths_likelihood():
    columns, left = PAST[SIGNALS].to_numpy(float)[:200], PAST["churned"].to_numpy(float)[:200]
    fit = fit_logistic(columns, left, ridge=5.0)
    free, design = unpulled(fit, columns, left), np.column_stack([np.ones(200), fit.standard(columns)])

    def loss(weights):
        score = design @ weights
        chance = expit(score)
        information = design.T @ (design * (chance * (1 - chance))[:, None])
        return np.logaddexp(0, score).sum() - left @ score - np.linalg.slogdet(information)[1] / 2

    best = minimize(loss, np.zeros(3), tol=1e-12)
    np.testing.assert_allclose(free.basis @ free.weights, best.x, atol=1e-4)


def test_limits_hold_a_strong_signal_that_the_ridge_pulls_to_the_mean():
    """The limits of the ridge itself held the two chances in 18 and 51 of these worlds."""
    odds, held, asked = np.array([-4.5, 0.5]), [], np.array([[0.0], [2.0]])
    for seed in range(100):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=(720, 1))
        left = (rng.random(720) < expit(-4.5 + 2.5 * signal[:, 0])).astype(float)
        fit = fit_logistic(signal, left, ridge=5.0)
        low, high = unpulled(fit, signal, left).limits(asked, 1.96)
        assert ((low <= fit.log_odds(asked)) & (fit.log_odds(asked) <= high)).all()
        held.append((low <= odds) & (odds <= high))
    assert (np.mean(held, axis=0) >= binom.ppf(0.001, 100, 0.95) / 100).all()


def test_signals_that_the_past_cannot_tell_apart_have_limits_that_are_wider_where_they_part():
    columns, left = PAST[SIGNALS[:1]].to_numpy(float), PAST["churned"].to_numpy(float)
    twins = np.column_stack([columns, columns, np.ones(len(columns))])
    free = unpulled(fit_logistic(twins, left, ridge=5.0), twins, left)
    (low, other), (high, wide) = free.limits(np.array([[20.0, 20.0, 1.0], [30.0, 10.0, 1.0]]), 1.96)
    alone = unpulled(fit_logistic(columns, left, ridge=2.5), columns, left)  # a ridge of 5 on each of two halves
    np.testing.assert_allclose([[low], [high]], alone.limits(np.array([[20.0]]), 1.96), atol=1e-6)
    assert other < low < high < wide


def test_separated_outcomes_and_columns_that_say_nothing_have_a_fit():
    columns = np.array([[0.0, 1.0, np.nan]] * 10 + [[1.0, 1.0, np.nan]] * 10)
    fit = fit_logistic(columns, np.repeat([0.0, 1.0], 10), ridge=1.0)
    assert np.isfinite(fit.weights).all()
    assert fit.weights[2:].tolist() == [0, 0]
    assert np.isfinite(unpulled(fit, columns, np.repeat([0.0, 1.0], 10)).limits(columns, 1.96)).all()
    assert np.isfinite(fit_logistic(columns * 1e6, np.repeat([0.0, 1.0], 10), ridge=1e-6).weights).all()


def test_the_most_likely_to_leave_stands_first_with_its_loss_and_reason():
    table = forecast_churn(PAST, now=now(1.0, 30.0, 12.0), ridge=1.0)
    assert table["customer_id"].tolist() == ["n1", "n2", "n0"]
    row = table.iloc[0]
    assert row["churn_probability_low"] < row["churn_probability"] < row["churn_probability_high"]
    assert row["expected_loss"] == pytest.approx(20 * row["churn_probability"])
    assert row["top_reason"] == "days_since_active"
    assert pd.isna(forecast_churn(PAST, now=now(0.0), signals=["days_since_active"])["top_reason"].item())


def test_a_missing_signal_is_as_the_mean_and_equals_stand_by_name():
    holes = PAST.assign(days_since_active=PAST["days_since_active"].where(PAST["days_since_active"] > 2))
    mean = float(holes["days_since_active"].mean())
    table = forecast_churn(holes, now=now(mean, None)).set_index("customer_id")["churn_probability"]
    assert table["n0"] == pytest.approx(table["n1"])
    assert forecast_churn(PAST, now=now(5.0, 5.0)[::-1])["customer_id"].tolist() == ["n0", "n1"]


def test_with_too_few_who_left_or_stayed_there_is_no_forecast():
    few = PAST.assign(churned=[True] * 19 + [False] * (len(PAST) - 19))
    for past in (few, few.assign(churned=~few["churned"])):
        table = forecast_churn(past, now=now(1.0))
        assert table["reason"].tolist() == ["too_few_churned"]
        assert table[["churn_probability", "churn_probability_low", "expected_loss"]].isna().all(axis=None)
    assert forecast_churn(few, now=now(1.0), min_churned=19)["reason"].isna().all()
    assert headline(table) == "– too few have left so far to learn from."
    assert headline(forecast_churn(PAST, now=now())) == "– there is no customer to ask about."


def test_nothing_that_was_not_known_at_the_cut_off_of_now_may_be_learnt_from():
    with pytest.raises(ValueError, match="after the cut-off of now"):
        forecast_churn(PAST, now=now(1.0).assign(cutoff=PAST["until"].max() - pd.Timedelta(microseconds=1)))
    forecast_churn(PAST, now=now(1.0).assign(cutoff=PAST["until"].max()))
    undecided = PAST.assign(churned=PAST["churned"].astype("boolean").mask(PAST["until"] == PAST["until"].max()))
    table = forecast_churn(undecided, now=now(1.0).assign(cutoff=PAST["cutoff"].max()))
    assert table.attrs["settings"]["undecided"] == 120


@pytest.mark.parametrize(
    ("past", "asked", "more", "error", "match"),
    [
        (PAST.drop(columns="until"), now(1.0), {}, ValueError, "'until' is not a column of past"),
        (PAST, now(1.0), {"signals": ["opn_tickets"]}, ValueError, "Did you mean 'open_tickets'"),
        (PAST, now(1.0), {"signals": []}, ValueError, "none is left"),
        (PAST, now(1.0), {"ridge": 0}, ValueError, "ridge: 0 is not above 0"),
        (PAST, now(1.0), {"min_churned": 0}, ValueError, "is not a count"),
        (PAST, pd.concat([now(1.0), now(1.0).assign(cutoff=MONTHS[-2])]), {}, ValueError, "now has 2 cut-offs"),
        (PAST, now(1.0, 2.0).assign(customer_id="x"), {}, EventTableError, "now: 1 row has no cut-off"),
        (pd.concat([PAST, PAST[:1]]), now(1.0), {}, EventTableError, "past: 1 row has no cut-off"),
        (PAST.assign(churned=2), now(1.0), {}, EventTableError, "neither true nor false"),
        (PAST.assign(open_tickets="many"), now(1.0), {}, EventTableError, "open_tickets is no number in 720 of 720"),
        (PAST, now(np.inf), {}, EventTableError, "days_since_active is no number in 1 of 1"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(past, asked, more, error, match):
    with pytest.raises(error, match=match):
        forecast_churn(past, now=asked, **more)


# -- the trial ---------------------------------------------------------------------------------------------------------


def test_the_past_of_a_cut_off_alone_decides_what_is_told_at_it():
    """Turning all outcomes after a cut-off round changes nothing of what was told up to it."""
    whole = backtest_churn(PAST, by="cutoff").set_index(["model", "cutoff"])
    turned = PAST.assign(churned=PAST["churned"] ^ (PAST["until"] > MONTHS[4]))
    other = backtest_churn(turned, by="cutoff").set_index(["model", "cutoff"])
    early = [at for at in whole.index if at[1] <= MONTHS[3]]
    assert len(early) == 9
    pd.testing.assert_frame_equal(whole.loc[early], other.loc[early], check_flags=False)
    same = [("logistic", MONTHS[4])]  # learnt from the same outcomes, but asked about others
    assert (whole.loc[same, "predicted_rate"] == other.loc[same, "predicted_rate"]).all()
    assert (whole.loc[same, "auc"] != other.loc[same, "auc"]).all()
    late = [("logistic", MONTHS[5])]
    assert (whole.loc[late, "predicted_rate"] != other.loc[late, "predicted_rate"]).all()


def test_an_outcome_is_learnt_from_when_it_is_known_and_not_before():
    longer = PAST.assign(until=PAST["until"] + pd.Timedelta(days=30))
    assert backtest_churn(longer, by="cutoff")["cutoff"].min() == MONTHS[2]
    assert backtest_churn(PAST, by="cutoff")["cutoff"].min() == MONTHS[1]
    assert backtest_churn(PAST).attrs["settings"]["not_asked"] == 1


def test_the_area_is_counted_by_pairs_of_one_cut_off_with_ties_half():
    told = np.array([0.9, 0.5, 0.5, 0.1, 0.2, 0.8])
    left = np.array([True, True, False, False, True, False])
    cutoff = pd.Series([1, 1, 1, 1, 2, 2])
    area, _ = _area(told, left, cutoff)
    assert area == pytest.approx((1 + 1 + 0.5 + 1 + 0) / 5)
    assert np.isnan(_area(told, np.ones(6, bool), cutoff)[0])


def test_of_one_cut_off_the_limits_are_those_of_delong():
    """DeLong's variance by its own formula, with every pair written down."""
    rng = np.random.default_rng(1)
    left = np.arange(60) < 20
    told = np.round(rng.random(60) + 0.3 * left, 1)
    area, influence = _area(told, left, pd.Series(np.zeros(60)))
    wins = (told[left][:, None] > told[~left]) + 0.5 * (told[left][:, None] == told[~left])
    variance = wins.mean(axis=1).var(ddof=1) / 20 + wins.mean(axis=0).var(ddof=1) / 40
    assert area == pytest.approx(wins.mean())
    assert (influence**2).sum() == pytest.approx(variance, rel=0.06)  # n in place of n - 1 of each side
    assert _clustered(influence, np.arange(60)) == pytest.approx((influence**2).sum() * 60 / 59)


def test_a_customer_who_stands_many_times_is_no_more_certain_than_once():
    once = PAST[PAST["cutoff"] <= MONTHS[1]]
    copies = [
        once.assign(customer_id=once["customer_id"], cutoff=once["cutoff"] + pd.Timedelta(seconds=k)) for k in range(3)
    ]
    few, many = backtest_churn(once).iloc[0], backtest_churn(pd.concat(copies)).iloc[0]
    assert many["customers"] == 3 * few["customers"]
    width = (few["auc_high"] - few["auc_low"], many["auc_high"] - many["auc_low"])
    assert width[1] == pytest.approx(width[0], rel=0.15)


def test_a_ranking_without_a_fault_is_as_uncertain_as_those_who_left_are_few():
    """Newcombe's limit of an area of 1, solved by hand; for one pair it is Wilson's of 1 out of 1."""

    def least(left, stayed):
        z = norm.ppf(0.975)

        def off(area):
            spread = 1 + ((left + stayed) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
            return 1 - area - z**2 * area * spread / (left * stayed)

        return brentq(off, 0, 1)

    assert least(1, 1) == pytest.approx(1 / (1 + norm.ppf(0.975) ** 2))
    rows = [
        (MONTHS[k], MONTHS[k + 1], f"c{n}", 9 * (n > 11) + n / 100, 9 * (n > 11) - n / 100, n > 11)
        for k in range(3)
        for n in range(15)
    ]
    names = ["cutoff", "until", "customer_id", "days_since_active", "open_tickets", "churned"]
    sure = pd.DataFrame(rows, columns=names).assign(double=lambda t: 2 * t["days_since_active"])
    row = backtest_churn(sure, signals=["days_since_active", "double"], min_churned=1).iloc[0]
    assert (row["auc"], row["auc_high"]) == (1.0, 1.0)
    assert row["auc_low"] == pytest.approx(least(3, 12))  # the same customers at two moments
    assert (row["auc_difference_low"], row["auc_difference_high"]) == (0, 0)  # the same order as that of the rule
    both = backtest_churn(sure, signals=["open_tickets"], min_churned=1).iloc[0]
    assert both["auc_difference"] == 0
    assert both["auc_difference_high"] == pytest.approx(1 - least(3, 12))
    assert both["auc_difference_low"] == pytest.approx(least(3, 12) - 1)
    left, at = np.arange(15) > 11, pd.Series(np.zeros(15))
    assert limits_of(-1.0 * left, left, at) == pytest.approx((0, 1 - least(3, 12)), abs=1e-12)  # none ranked right
    assert limits_of(np.ones(15), left, at) == (0.5, 0.5)  # all alike: no better than a lot by itself


def limits_of(told, left, at, who=None):
    area, influence = _area(told, left, at)
    return _limits(area, influence, left, at, np.arange(len(left)) if who is None else who, norm.ppf(0.975))


def test_an_area_below_1_has_newcombe_s_limits_too():
    """Of 4 who left and 6 who stayed three pairs are ranked wrong: an area of 21 / 24, solved by hand."""
    told, left = np.array([9, 8, 7, 3, 6, 5, 4, 2, 1, 0]), np.arange(10) < 4

    def off(area):
        spread = 1 + 4 * ((1 - area) / (2 - area) + area / (1 + area))
        return (21 / 24 - area) ** 2 - norm.ppf(0.975) ** 2 * area * (1 - area) * spread / 24

    expected = brentq(off, 0.1, 21 / 24), brentq(off, 21 / 24, 1 - 1e-9)
    assert limits_of(told, left, pd.Series(np.zeros(10))) == pytest.approx(expected)


def test_moments_without_a_pair_and_more_moments_of_others_are_what_they_are():
    rng = np.random.default_rng(3)
    left, told = np.arange(60) < 20, rng.random(60)
    told[left] += 0.3
    once = limits_of(told, left, pd.Series(np.zeros(60)))
    nobody = limits_of(np.r_[told, 5.0], np.r_[left, False], pd.Series(np.r_[np.zeros(60), 1]))
    assert nobody == pytest.approx(once, abs=0.002)  # one more who has nobody to be compared with
    twice = np.r_[told, told], np.r_[left, left], pd.Series(np.r_[np.zeros(60), np.ones(60)])
    others, same = limits_of(*twice), limits_of(*twice, who=np.r_[np.arange(60), np.arange(60)])
    assert np.diff(others)[0] == pytest.approx(np.diff(once)[0] / np.sqrt(2), rel=0.05)
    assert same == pytest.approx(once, abs=0.005)


@pytest.mark.parametrize(("area", "left", "stayed"), [(0.7, 5, 40), (0.95, 10, 60), (0.99, 10, 60), (0.95, 30, 200)])
def test_limits_hold_an_area_near_1_however_few_left(area, left, stayed):
    """DeLong's own hold 0.95 of ten who left in 82 of 100 samples."""
    rng, held, gone = np.random.default_rng(1), 0, np.arange(left + stayed) < left
    for _ in range(400):
        told = rng.normal(size=left + stayed) + gone * np.sqrt(2) * norm.ppf(area)
        low, high = limits_of(told, gone, pd.Series(np.zeros(left + stayed)))
        held += low <= area <= high
    assert held >= binom.ppf(0.001, 400, 0.95)


@pytest.mark.slow
def test_the_scores_are_those_of_scikit_learn():
    from sklearn.metrics import brier_score_loss, roc_auc_score

    asked = PAST[PAST["cutoff"] == MONTHS[1]]
    learnt = PAST[PAST["cutoff"] == MONTHS[0]]
    fit = fit_logistic(learnt[SIGNALS].to_numpy(float), learnt["churned"].to_numpy(float), ridge=5.0)
    told = expit(fit.log_odds(asked[SIGNALS].to_numpy(float)))
    row = backtest_churn(PAST[PAST["cutoff"] <= MONTHS[1]], signals=SIGNALS).iloc[0]
    assert row["auc"] == pytest.approx(roc_auc_score(asked["churned"], told))
    assert row["brier"] == pytest.approx(brier_score_loss(asked["churned"], told))
    error = (told - asked["churned"]) ** 2
    half = norm.ppf(0.975) * error.std(ddof=1) / np.sqrt(len(error))
    assert row["brier_high"] - row["brier"] == pytest.approx(half)


def test_by_fifth_the_most_likely_stand_first_and_equals_together():
    table = backtest_churn(PAST, by="fifth")
    own = table[table["model"] == "logistic"]
    assert own["fifth"].tolist() == [1, 2, 3, 4, 5]
    assert own["predicted_rate"].is_monotonic_decreasing
    assert own["customers"].tolist() == [120] * 5
    assert own["churned"].sum() == backtest_churn(PAST)["churned"].iloc[0]
    alike = table[table["model"] == "base_rate"]
    assert alike["customers"].tolist() == [120] * 5  # five cut-offs, each with a share of its own


def test_nothing_to_ask_about_has_a_reason_and_a_figure():
    table = backtest_churn(PAST[:0])
    assert table["reason"].tolist() == ["too_few_churned"] * 3
    assert headline(table).startswith("– too few left")
    fifths = backtest_churn(PAST[:0], by="fifth")
    assert len(fifths) == 0
    assert "Too few left" in plot_churn_calibration(fifths).texts[0].get_text()


def test_the_trial_is_told_beside_the_rule():
    table = backtest_churn(PAST)
    assert table["model"].tolist() == ["logistic", "days_since_active", "base_rate"]
    assert table.loc[2, "auc"] == 0.5
    assert table.loc[1, "reason"] == "auc_difference: control"
    assert headline(table).startswith("0.83 is the chance")
    assert "which may be chance" in headline(table)
    each = backtest_churn(PAST, by="cutoff")
    last = each[each["model"] == "logistic"].iloc[-1]
    when = numbers.moment(last["cutoff"])
    assert headline(each).startswith(f"{last['auc']:.2f} is the chance that the forecast at {when} ranked")
    assert f"{last['churned']} of {last['customers']} at {when} left" in footnotes(each)[1]
    calm = each.assign(auc=each["auc"].mask(each["cutoff"] == last["cutoff"]))  # nobody left at the last one
    assert "is the chance that the forecast at" in headline(calm)
    assert "Days since active alone" in show(table, "x").html
    assert footnotes(table)[-1] == "Learnt from only: 1 cut-offs, before which fewer than 20 had left."
    assert "Predicted" in show(backtest_churn(PAST, by="fifth"), "x").html
    with pytest.raises(ValueError, match="rule: 'silence' is not a column of past"):
        backtest_churn(PAST, rule="silence")


# -- many worlds -------------------------------------------------------------------------------------------------------


def world(seed, planted, customers=300, months=8):
    """Each customer has a habit of being silent, and stays until they leave: alike, or more often after silence."""
    rng = np.random.default_rng(seed)
    silent = np.exp(2 + 0.8 * rng.normal(size=(customers, 1)) + 0.6 * rng.normal(size=(customers, months)))
    tickets = rng.poisson(0.4, (customers, months)).astype(float)
    chance = np.where(silent > 10, 0.15, 0.03) if planted else np.full(silent.shape, 0.07)
    left = rng.random((customers, months)) < chance
    here = np.cumsum(left, axis=1) - left == 0
    who, month = np.nonzero(here)
    months_of = pd.date_range("2026-01-01", periods=months + 1, freq="30D", tz="UTC")
    return pd.DataFrame({
        "cutoff": months_of[month], "until": months_of[month + 1], "customer_id": who.astype(str),
        "days_since_active": silent[here], "open_tickets": tickets[here], "churned": left[here],
    })  # fmt: skip


def found(seed, planted):
    """Whether limits leave out what is true of nothing, and whether bands and forecast find who leaves."""
    past = world(seed, planted)
    row = backtest_churn(past).iloc[0]
    red = np.where(past["days_since_active"] > 10, "red", "green")
    bands = churn_by_band(past[["cutoff", "customer_id"]].assign(band=red), outcomes=past).set_index("band")
    worst, truth = bands.loc["red"], 0.15 if planted else 0.07
    return {
        "forecast above a lot": row["auc_low"] > 0.5,
        "forecast off a lot": row["auc_low"] > 0.5 or row["auc_high"] < 0.5,
        "forecast off the rule": row["auc_difference_low"] > 0 or row["auc_difference_high"] < 0,
        "red above green": worst["churn_rate_low"] > bands.loc["green", "churn_rate_high"],
        "rate of red missed": not worst["churn_rate_low"] <= truth <= worst["churn_rate_high"],
    }


@pytest.mark.slow
def test_in_200_worlds_what_is_planted_is_found_and_false_alarms_are_as_rare_as_stated():
    nothing = pd.DataFrame([found(seed, planted=False) for seed in range(200)]).sum()
    planted = pd.DataFrame([found(seed, planted=True) for seed in range(200)]).sum()
    most = binom.ppf(0.999, 200, 0.05)  # 21 of 200 at a rate of 5 %
    for alarm in ("forecast off a lot", "forecast off the rule", "rate of red missed"):
        assert nothing[alarm] <= most, nothing
    assert nothing["red above green"] <= most
    assert planted["rate of red missed"] <= most
    assert planted["forecast above a lot"] >= 190, planted
    assert planted["red above green"] >= 190
