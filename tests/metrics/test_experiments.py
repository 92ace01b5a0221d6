"""Tests of variants: what is compared, what is withheld, and what statsmodels says of the same numbers."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportions_ztest,
    samplesize_proportions_2indep_onetail,
)
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from metrics import (
    compare_variants,
    headline,
    plot_sequential_boundaries,
    plot_variants,
    sample_ratio_check,
    sample_size,
    sequential_boundaries,
    show,
)
from metrics.display.footnotes import footnotes
from metrics.experiments.posterior import probability_better
from metrics.plots.style import DRAWN

few = settings(deadline=None, max_examples=12)


def users(**arms):
    """Users of each variant: converted, of how many."""
    rows = [(name, k < hit) for name, (hit, n) in arms.items() for k in range(n)]
    return pd.DataFrame(rows, columns=["variant", "converted"])


def compared(control="a", **arms):
    options = {key: arms.pop(key) for key in list(arms) if not isinstance(arms[key], tuple) or key == "prior"}
    return compare_variants(users(**arms), control=control, **options).set_index("variant")


# -- rates -------------------------------------------------------------------------------------------------------------


@few
@given(st.integers(5, 60), st.integers(61, 200), st.integers(5, 60), st.integers(61, 200))
def test_statsmodels_agrees_on_rates(x1, n1, x0, n0):
    row = compared(a=(x0, n0), b=(x1, n1), ratio=None, test="z_pooled").loc["b"]
    z, p = proportions_ztest([x1, x0], [n1, n0])
    assert (row["z"], row["p_value"]) == pytest.approx((z, p))
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb")
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))
    low, high = confint_proportions_2indep(x1, n1, x0, n0, compare="ratio", method="log")
    assert (row["relative_lift_low"] + 1, row["relative_lift_high"] + 1) == pytest.approx((low, high))


def test_few_expected_conversions_are_tested_exactly_and_keep_their_z():
    row = compared(a=(1, 20), b=(8, 20)).loc["b"]
    assert row["p_value"] == pytest.approx(stats.fisher_exact([[8, 12], [1, 19]]).pvalue)
    assert row["z"] == pytest.approx(proportions_ztest([8, 1], [20, 20])[0])


def test_nobody_converted_is_no_test_but_still_an_interval():
    row = compared(a=(0, 10), b=(0, 10)).loc["b"]
    assert row[["z", "p_value", "relative_lift"]].isna().all()
    assert row["reason"] == "p_value: zero_variance; relative_lift: zero_denominator"
    assert row["difference_high"] == pytest.approx(0.2775327999)
    assert row["verdict"] == "inconclusive"


def test_the_control_comes_first_and_is_compared_with_nothing():
    table = compared(control="m", a=(10, 50), m=(12, 50), z=(9, 50))
    assert list(table.index) == ["m", "a", "z"]
    assert table.loc["m", ["difference", "z", "p_value", "p_adjusted", "probability_better"]].isna().all()
    assert table.loc["m", "reason"] == table.loc["m", "verdict"] == "control"


@pytest.mark.parametrize(("method", "name"), [("holm", "holm"), ("benjamini_hochberg", "fdr_bh"), ("bonferroni",) * 2])
def test_several_variants_are_judged_together(method, name):
    table = compared(a=(60, 1000), b=(85, 1000), c=(95, 1000), d=(61, 1000), correction=method)
    raw = table["p_value"].dropna()
    assert table["p_adjusted"].dropna().tolist() == pytest.approx(multipletests(raw, method=name)[1].tolist())
    assert table["verdict"].tolist() == ["control", "better" if table["p_adjusted"]["b"] < 0.05 else "inconclusive",
                                         "better", "inconclusive"]  # fmt: skip


def test_a_lower_rate_is_worse():
    assert compared(a=(95, 1000), b=(50, 1000))["verdict"]["b"] == "worse"


# -- who was assigned --------------------------------------------------------------------------------------------------


def test_a_mismatch_of_the_split_withholds_the_comparison():
    table = compared(a=(60, 1000), b=(90, 800))
    assert table["verdict"].unique().tolist() == ["sample_ratio_mismatch"]
    assert table["reason"].unique().tolist() == ["sample_ratio_mismatch"]
    assert table[["difference", "relative_lift_high", "z", "p_adjusted", "probability_better"]].isna().all(axis=None)
    assert table["conversion_rate"].tolist() == [0.06, 0.1125]


def test_the_ratio_that_was_meant_is_in_the_order_of_the_result():
    assert compared(control="b", a=(60, 1000), b=(150, 2000), ratio=[2, 1])["verdict"]["a"] == "inconclusive"
    assert compared(control="b", a=(60, 1000), b=(150, 2000), ratio=[1, 2])["verdict"]["a"] == "sample_ratio_mismatch"
    with pytest.raises(ValueError, match=r"ratio: \[1.0\] are not 2 shares"):
        compared(a=(1, 10), b=(1, 10), ratio=[1])
    with pytest.raises(ValueError, match="ratio: 'same' is not known"):
        compared(a=(1, 10), b=(1, 10), ratio="same")


def test_groups_that_nobody_assigned_differ_by_association():
    table = compared(a=(60, 1000), b=(300, 1200), ratio=None)
    assert table["verdict"]["b"] == "association"
    assert table["difference"]["b"] == pytest.approx(0.19)
    assert "an association, not an effect" in table.attrs["definition"]


def test_the_check_of_the_split_is_a_chi_square():
    row = sample_ratio_check(pd.DataFrame({"users": [821588, 815482]})).iloc[0]
    chi = stats.chisquare([821588, 815482])
    assert (row["chi_square"], row["p_value"]) == pytest.approx((chi.statistic, chi.pvalue))
    assert row["mismatch"]
    assert row["users"] == 1637070
    for bad in ([5], [0, 0]):
        with pytest.raises(ValueError, match="A split needs two variants"):
            sample_ratio_check(pd.DataFrame({"users": bad}))


def test_the_split_of_each_group_is_that_of_its_variants_alone():
    sizes = [(None, 30, 30), ("nl", 100, 180), ("de", 180, 100), ("nl", 50, 60)]
    rows = [(where, day, n) for day, (where, *many) in enumerate(sizes) for n in many]
    table = pd.DataFrame(rows, columns=["country", "day", "n"]).set_index("day", drop=False)
    found = sample_ratio_check(table, users="n", by=["country", "day"])
    assert found["country"].fillna("-").tolist() == ["de", "nl", "nl", "-"]
    assert found["day"].tolist() == [2, 1, 3, 0]
    assert found["users"].tolist() == [280, 280, 110, 60]
    whole = stats.chisquare([100, 180])
    assert found.loc[1, ["chi_square", "p_value"]].tolist() == pytest.approx([whole.statistic, whole.pvalue])
    assert found["mismatch"].tolist() == [True, True, False, False]
    assert sample_ratio_check(table[2:6], users="n", ratio=[1, 1, 1, 1]).loc[0, "users"] == 560
    assert sample_ratio_check(table[:0], users="n", by="country").columns.tolist()[:2] == ["country", "users"]
    with pytest.raises(ValueError, match=r"variants: \[30.0\] users of de"):
        sample_ratio_check(pd.DataFrame({"c": ["nl", "nl", "de"], "users": [30, 30, 30]}), by="c")
    with pytest.raises(ValueError, match="by: 'p_value' is a column of the result"):
        sample_ratio_check(table, users="n", by="p_value")


def test_a_split_is_said_with_the_groups_where_it_is_not_as_meant():
    sizes = pd.DataFrame({"country": ["de", "de", "nl", "nl", None, None], "users": [100, 180, 50, 60, 500, 690]})

    def said(rows, by=None):
        return headline(sample_ratio_check(sizes[rows], by=by)).replace("\u202f", " ").replace("\xa0", " ")

    assert said(slice(6), "country") == (
        "2 of 3 groups are not split as they should be: (missing) (1,190 users; p < 0.001), de (280 users; p < 0.001). "
        "Whoever is missing may differ."
    )
    assert said(slice(2, 4), "country") == (
        "0 of 1 group is not split as it should be: a mismatch is below 0.001, and the least p is 0.34."
    )
    assert said(slice(2, 4)) == "110 users are split as they should be: p 0.34, and a mismatch is below 0.001."
    assert said(slice(2)) == (
        "280 users are not split as they should be (p < 0.001; a mismatch is below 0.001): "
        "whoever is missing may differ."
    )
    assert said(slice(0), "country") == "– there are no variants, so that no split is judged."


@pytest.mark.parametrize("wrong", [np.inf, np.nan, -1, "many"])
def test_users_that_are_no_number_and_shares_that_are_no_list_are_refused(wrong):
    with pytest.raises(ValueError, match=f"users: {wrong!r} is no number of users"):
        sample_ratio_check(pd.DataFrame({"users": pd.Series([10, wrong], dtype=object)}))
    for ratio in ("equal", {"a": 1, "b": 1}):
        with pytest.raises(ValueError, match="is no list of shares"):
            sample_ratio_check(pd.DataFrame({"users": [10, 10]}), ratio=ratio)


@pytest.mark.slow
def test_a_split_is_a_mismatch_only_below_the_threshold():
    uneven = pd.DataFrame({"users": [5000, 5280]})  # chi-square 7.63
    assert sample_ratio_check(uneven)["p_value"].item() == pytest.approx(stats.chi2.sf(280**2 / 10280, 1))
    assert not sample_ratio_check(uneven)["mismatch"].item()
    assert sample_ratio_check(uneven, threshold=0.01)["mismatch"].item()


def test_a_split_that_is_a_little_uneven_withholds_nothing():
    table = compared(a=(100, 1000), b=(150, 1100))  # p 0.029 of the split
    assert table["verdict"].tolist() == ["control", "better"]
    assert 0.001 < table.attrs["settings"]["split_p_value"] < 0.05


def test_the_prior_is_that_of_the_probability_and_of_nothing_else():
    flat, sharp = (compared(a=(3, 50), b=(6, 50), prior=prior).loc["b"] for prior in ((1, 1), (50, 500)))
    assert sharp["probability_better"] == pytest.approx(probability_better((6, 50), (3, 50), (50, 500)))
    assert sharp["probability_better"] < flat["probability_better"]
    assert sharp["p_value"] == flat["p_value"]


def test_a_covariate_that_is_the_same_for_everybody_explains_nothing():
    table = means(spending().assign(before=3.0), covariate="before").loc["new"]
    assert table["theta"] == 0
    assert table["adjusted_difference"] == pytest.approx(table["difference"])


@pytest.mark.slow
def test_where_nothing_was_planted_false_alarms_come_as_often_as_stated():
    rng = np.random.default_rng(9)
    found = []
    for _ in range(200):
        hits = rng.binomial(1000, 0.1, 2)
        found.append(compared(a=(int(hits[0]), 1000), b=(int(hits[1]), 1000))["verdict"]["b"] != "inconclusive")
    assert abs(np.mean(found) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 200)


# -- the second reading ------------------------------------------------------------------------------------------------


@few
@given(st.integers(0, 40), st.integers(40, 3000), st.integers(0, 40), st.integers(40, 300), st.integers(1, 3))
def test_the_probability_is_the_sum_of_the_closed_form(x1, n1, x0, n0, a):
    a1, b1, a0, b0 = a + x1, 1 + n1 - x1, a + x0, 1 + n0 - x0
    k = np.arange(a1)
    terms = special.betaln(a0 + k, b0 + b1) - np.log(b1 + k) - special.betaln(1 + k, b1) - special.betaln(a0, b0)
    assert probability_better((x1, n1), (x0, n0), (a, 1)) == pytest.approx(np.exp(terms).sum(), abs=1e-8)


def test_alike_variants_are_as_likely_better_as_worse():
    assert compared(a=(30, 500), b=(30, 500))["probability_better"]["b"] == pytest.approx(0.5, abs=1e-9)
    with pytest.raises(ValueError, match="prior: "):
        compared(a=(30, 500), b=(30, 500), prior=(0, 1))


# -- means and CUPED ---------------------------------------------------------------------------------------------------


def spending(seed=1, effect=2.0, n=80):
    rng = np.random.default_rng(seed)
    before = rng.gamma(2, 10, 2 * n)
    variant = np.repeat(["control", "new"], n)
    spent = 3 + 0.8 * before + rng.normal(0, 4, 2 * n) + effect * (variant == "new")
    return pd.DataFrame({"variant": variant, "spent": spent, "before": before})


def means(table, **options):
    return compare_variants(table, outcome="spent", control="control", **options).set_index("variant")


@few
@given(st.integers(0, 10_000))
def test_statsmodels_agrees_on_means(seed):
    table = spending(seed)
    row = means(table).loc["new"]
    new, old = (DescrStatsW(table.loc[table["variant"] == v, "spent"]) for v in ("new", "control"))
    both = CompareMeans(new, old)
    t, p, _ = both.ttest_ind(usevar="unequal")
    assert (row["z"], row["p_value"]) == pytest.approx((t, p))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(both.tconfint_diff(usevar="unequal"))
    assert (row["mean_low"], row["mean_high"]) == pytest.approx(new.tconfint_mean())


@pytest.mark.parametrize("covariate", [None, "before"])
@pytest.mark.parametrize(("control", "new"), [(4, 4), (5, 30)])
def test_few_users_find_no_more_than_many_where_there_is_nothing(control, new, covariate):
    before, noise = np.random.default_rng(7).normal(size=(300, 2, control + new)).swapaxes(0, 1).reshape(2, -1)
    trials = pd.DataFrame({"trial": np.repeat(np.arange(300), control + new), "before": before})
    trials["spent"] = before + noise
    trials["variant"] = (["control"] * control + ["new"] * new) * 300
    rows = means(trials, ratio=None, covariate=covariate, by="trial").loc["new"]
    low, high = (rows[f"{'adjusted_' * (covariate is not None)}difference_{end}"] for end in ("low", "high"))
    found = rows["p_value"] < 0.05
    assert len(rows) == 300
    assert found.equals((low > 0) | (high < 0))
    assert found.sum() <= 26  # 15 are expected; by the normal distribution 35 to 43 in three of the four


def test_the_error_of_the_slope_is_part_of_that_of_the_adjusted_difference():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {"variant": ["control"] * 20 + ["new"] * 20, "before": np.r_[np.arange(20), np.arange(20) + 15.0]}
    )
    table["spent"] = table["before"] + rng.normal(size=40)
    table.loc[20:, "spent"] = table["spent"][:20].to_numpy() + 15  # the same spread on both sides
    row = means(table, covariate="before").loc["new"]
    design = np.column_stack([np.ones(40), table["variant"] == "new", table["before"]]).astype(float)
    fit = OLS(table["spent"].to_numpy(), design).fit()
    assert (row["z"], row["p_value"]) == pytest.approx((fit.tvalues[1], fit.pvalues[1]))
    assert row[["adjusted_difference_low", "adjusted_difference_high"]].tolist() == pytest.approx(fit.conf_int()[1])


@few
@given(st.integers(0, 10_000))
def test_cuped_within_the_variants_is_regression_adjustment(seed):
    table = spending(seed)
    row = means(table, covariate="before").loc["new"]
    design = np.column_stack([np.ones(len(table)), table["variant"] == "new", table["before"]]).astype(float)
    fit = OLS(table["spent"].to_numpy(), design).fit()
    assert row["theta"] == pytest.approx(fit.params[2])
    assert row["adjusted_difference"] == pytest.approx(fit.params[1])
    assert (
        row["adjusted_difference_high"] - row["adjusted_difference_low"]
        < row["difference_high"] - row["difference_low"]
    )


def test_cuped_finds_what_the_plain_difference_misses():
    assert means(spending(seed=3))["verdict"]["new"] == "inconclusive"
    assert means(spending(seed=3), covariate="before")["verdict"]["new"] == "better"


def test_the_slope_over_all_takes_off_part_of_the_effect():
    pre, metric = [1, 2, 3, 4, 2, 3, 4, 5], [2, 3, 5, 6, 4, 5, 7, 8]
    table = pd.DataFrame({"variant": ["control"] * 4 + ["new"] * 4, "before": pre, "spent": metric})
    within, overall = (means(table, covariate="before", theta=t).loc["new"] for t in ("within", "overall"))
    assert (within["theta"], within["adjusted_difference"]) == pytest.approx((1.4, 0.6))
    assert (overall["theta"], overall["adjusted_difference"]) == pytest.approx((1.5, 0.5))


def test_means_without_variance_or_of_one_user_have_no_test():
    same = pd.DataFrame({"variant": ["control"] * 3 + ["new"] * 3, "spent": [2.5] * 6})
    assert means(same)["reason"]["new"] == "p_value: zero_variance"
    assert means(same)["difference_low"]["new"] == 0
    lone = pd.DataFrame({"variant": ["control"] * 3 + ["new"], "spent": [1.5, 2.5, 3.5, 9]})
    row = means(lone, ratio=None).loc["new"]
    assert row["reason"] == "below_min_n"
    assert row[["mean", "difference", "z"]].isna().all()


# -- by group ----------------------------------------------------------------------------------------------------------


def countries(**groups):
    """Users of each variant in each country: converted, of how many."""
    return pd.concat([users(**arms).assign(country=name) for name, arms in groups.items()], ignore_index=True)


def by_country(**groups):
    table = compare_variants(countries(**groups), control="a", by="country")
    return table.set_index(["country", "variant"])


hits = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))


@few
@given(hits, hits, hits)
def test_each_group_is_compared_alone_and_all_p_values_are_corrected_together(at, de, nl):
    groups = {name: dict(zip("abc", ((x, 50) for x in hit), strict=True)) for name, hit in zip(("AT", "DE", "NL"),
              (at, de, nl), strict=True)}  # fmt: skip
    table = by_country(**groups)
    p_values = []
    for name, arms in groups.items():
        alone = compare_variants(users(**arms), control="a").set_index("variant")
        own = table.loc[name].drop(columns=["p_adjusted", "verdict"])
        pd.testing.assert_frame_equal(own, alone.drop(columns=["p_adjusted", "verdict"]), check_exact=False, rtol=1e-12)
        (x0, n0) = arms["a"]
        for arm in "bc":
            x, n = arms[arm]
            pooled = (x + x0) / (n + n0)
            if not 0 < pooled < 1:
                continue
            exact = min(pooled, 1 - pooled) * 50 < 5
            p = (
                stats.fisher_exact([[x, n - x], [x0, n0 - x0]]).pvalue
                if exact
                else proportions_ztest([x, x0], [n, n0])[1]
            )
            p_values.append(p)
            assert table.loc[(name, arm), "p_value"] == pytest.approx(p)
            low, high = confint_proportions_2indep(x, n, x0, n0, method="newcomb")
            limits = table.loc[(name, arm), ["difference_low", "difference_high"]].tolist()
            assert limits == pytest.approx([low, high])
    holm = multipletests(p_values, method="holm")[1] if p_values else []
    assert table["p_adjusted"].dropna().tolist() == pytest.approx(list(holm))
    verdicts = table["verdict"][table["p_adjusted"].notna()]
    assert verdicts.isin(["better", "worse"]).tolist() == [p < 0.05 for p in holm]


def test_means_of_each_group_are_adjusted_by_its_own_slope():
    groups = {seed: spending(seed, effect=effect) for seed, effect in ((1, 4.0), (2, 0.0), (5, 2.0))}
    rows = pd.concat([table.assign(site=seed) for seed, table in groups.items()])
    table = compare_variants(rows, outcome="spent", control="control", covariate="before", by="site")
    assert table["site"].tolist() == [1, 1, 2, 2, 5, 5]
    found = table[table["variant"] == "new"].set_index("site")
    for seed, group in groups.items():
        design = np.column_stack([np.ones(len(group)), group["variant"] == "new", group["before"]]).astype(float)
        fit = OLS(group["spent"].to_numpy(), design).fit()
        assert found.loc[seed, ["theta", "adjusted_difference"]].tolist() == pytest.approx(
            [fit.params[2], fit.params[1]]
        )
        alone = means(group, covariate="before").loc["new"]
        assert found.loc[seed, ["z", "p_value"]].tolist() == pytest.approx(alone[["z", "p_value"]].tolist())
    assert found["p_adjusted"].tolist() == pytest.approx(multipletests(found["p_value"], method="holm")[1].tolist())
    assert found["verdict"].tolist() == ["better", "inconclusive", "better"]


def test_what_is_certain_in_one_group_alone_may_be_chance_among_many():
    one = {"a": (60, 1000), "b": (84, 1000)}
    assert by_country(DE=one)["verdict"]["DE", "b"] == "better"
    many = by_country(**{f"C{k}": one if k == 0 else {"a": (60, 1000), "b": (60, 1000)} for k in range(20)})
    assert many["p_value"]["C0", "b"] == by_country(DE=one)["p_value"]["DE", "b"]
    assert many["verdict"]["C0", "b"] == "inconclusive"


def test_a_mismatch_of_the_split_withholds_that_group_and_its_test_is_none_of_the_family():
    table = by_country(AT={"a": (60, 1000), "b": (50, 800)}, DE={"a": (60, 1000), "b": (90, 1000)})
    assert table.loc["AT", "verdict"].tolist() == table.loc["AT", "reason"].tolist() == ["sample_ratio_mismatch"] * 2
    assert table.loc["AT", ["difference", "z", "p_value", "p_adjusted", "probability_better"]].isna().all(axis=None)
    assert table.loc["AT", "conversion_rate"].tolist() == [0.06, 0.0625]
    assert table.loc["DE", "verdict"].tolist() == ["control", "better"]
    assert table["p_adjusted"]["DE", "b"] == table["p_value"]["DE", "b"]  # one test is left


def test_users_that_are_lost_in_every_group_are_missed_in_all_of_them_together():
    small = {f"C{k}": {"a": (6, 100), "b": (9, 80)} for k in range(10)}
    alone = by_country(C0=small["C0"])
    assert alone["verdict"].tolist() == ["control", "inconclusive"]  # 100 to 80 may be chance
    table = by_country(**small)  # 1,000 to 800 is none
    assert table["verdict"].unique().tolist() == ["sample_ratio_mismatch"]
    settings_ = compare_variants(countries(**small), control="a", by="country").attrs["settings"]
    assert settings_["split_p_values"] == pytest.approx([stats.chisquare([100, 80]).pvalue] * 10)
    assert settings_["split_p_value"] == pytest.approx(stats.chisquare([1000, 800]).pvalue)
    even = {"DE": {"a": (60, 1000), "b": (90, 1000)}, "AT": {"a": (60, 1000), "b": (90, 700)}}
    assert by_country(**even).loc["DE", "verdict"].tolist() == ["control", "better"]  # those lost are all of AT


def test_a_group_without_a_variant_or_without_the_control_stands_with_its_reason():
    table = by_country(
        AT={"a": (1, 4)},
        BE={"b": (1, 4), "c": (1, 3)},
        DE={"a": (5, 50), "b": (6, 50), "c": (7, 50)},
        FR={"a": (6, 60)},
    )
    assert table.index.get_level_values("country").tolist() == [*["AT"] * 3, *["BE"] * 3, *["DE"] * 3, *["FR"] * 3]
    assert table.loc["AT", "users"].tolist() == [4, 0, 0]
    assert table.loc["AT", "reason"].tolist() == ["control", "zero_denominator", "zero_denominator"]
    assert table.loc["AT", "verdict"].tolist() == ["control", "inconclusive", "inconclusive"]
    assert table.loc["BE", "reason"].tolist() == ["zero_denominator", "no_control", "no_control"]
    assert table.loc["BE", "conversion_rate"].tolist() == pytest.approx([np.nan, 1 / 4, 1 / 3], nan_ok=True)
    assert table.loc[["AT", "BE"], ["difference", "p_value", "p_adjusted", "probability_better"]].isna().all(axis=None)
    assert table.loc["DE", "difference"].notna().tolist() == [False, True, True]
    # Nobody of sixty is no chance: where a third of them were meant to be, all others were lost.
    assert table.loc["FR", "verdict"].unique().tolist() == ["sample_ratio_mismatch"]
    assert table.loc["FR", "reason"].tolist() == ["sample_ratio_mismatch", "zero_denominator", "zero_denominator"]
    money = pd.DataFrame({"variant": [*"aab", "b"], "spent": [1.5, 2, 3, 4], "country": ["AT", "AT", "AT", "BE"]})
    table = compare_variants(money, outcome="spent", by="country", ratio=None)
    assert table["reason"].tolist() == ["control", "below_min_n", "zero_denominator", "no_control"]


def test_a_missing_group_is_a_group_and_several_columns_are_groups_together():
    rows = pd.concat(
        [users(a=(5, 50), b=(9, 50)).assign(country=c, plan=p) for c, p in (("DE", 1), ("DE", 2), (None, 1))]
    )
    table = compare_variants(rows, by=["country", "plan"])
    assert table.columns[:4].tolist() == ["country", "plan", "variant", "users"]
    assert table["country"].fillna("-").tolist() == ["DE"] * 4 + ["-"] * 2
    assert table["plan"].tolist() == [1, 1, 2, 2, 1, 1]
    assert table.attrs["settings"]["by"] == ["country", "plan"]
    assert "within each group of country, plan; p-values of all groups together" in table.attrs["definition"]
    assert compare_variants(rows[:0], by=["country", "plan"]).columns.tolist() == table.columns.tolist()


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("town", "outcomes: 'town' is not a column of the outcomes"),
        ("variant", "by: 'variant' is the variant, and no group of users"),
        ("converted", "by: 'converted' is the outcome"),
        ("verdict", "by: 'verdict' is a column of the result"),
        (["country", "country"], "by: 'country' is named twice"),
    ],
)
def test_what_is_no_group_is_refused(by, words):
    rows = countries(DE={"a": (5, 50), "b": (9, 50)}).assign(verdict="x")
    with pytest.raises(ValueError, match=words):
        compare_variants(rows, by=by)


def test_what_a_join_left_as_single_objects_is_still_true_or_false_or_a_number():
    table = users(a=(30, 500), b=(55, 500))
    plain, joined = compare_variants(table), table.astype({"converted": object})
    pd.testing.assert_frame_equal(compare_variants(joined), plain)
    exact = table.assign(converted=[Decimal(int(hit)) for hit in table["converted"]])
    pd.testing.assert_frame_equal(compare_variants(exact), plain)
    bought = users(a=(30, 500)).merge(pd.DataFrame({"converted": [True], "spent": [Decimal("9.5")]}), how="left")
    bought = bought.assign(variant=["a", "b"] * 250, spent=bought["spent"].fillna(0))
    assert compare_variants(bought, outcome="spent")["mean"].tolist() == [0.57, 0.57]
    with pytest.raises(ValueError, match="converted: 'yes' is no number"):
        compare_variants(table.assign(converted="yes"))


def test_what_cannot_be_compared_is_refused():
    table = users(a=(1, 5), b=(2, 5))
    for change, message in (
        ({"control": "c"}, "control: 'c' is not a variant"),
        ({"outcome": "bought"}, "outcomes: 'bought' is not a column"),
        ({"covariate": "converted"}, "covariate adjusts means"),
    ):
        with pytest.raises(ValueError, match=message):
            compare_variants(table, **({"control": "a"} | change))
    with pytest.raises(ValueError, match="converted: 1 of 10 users have none"):
        compare_variants(table.assign(converted=[None, *[1.0] * 9]), control="a")
    with pytest.raises(ValueError, match="user_id: 1 row repeats a user"):
        compare_variants(table.assign(user_id=[*range(9), 0]), control="a")
    with pytest.raises(ValueError, match="A comparison needs a second variant"):
        compare_variants(users(a=(1, 5)), control="a")
    with pytest.raises(ValueError, match="is no number"):
        compare_variants(table.assign(converted="yes"), control="a")


# -- planning ----------------------------------------------------------------------------------------------------------


@few
@given(st.floats(0.02, 0.5), st.floats(0.02, 0.4), st.sampled_from([0.01, 0.05]), st.sampled_from([0.8, 0.9]))
def test_statsmodels_needs_as_many_users(baseline, more, alpha, power):
    found = sample_size(baseline=baseline, target=baseline + more, alpha=alpha, power=power)["users_per_variant"].item()
    wanted = samplesize_proportions_2indep_onetail(more, baseline, power, alpha=alpha)
    assert wanted <= found + 1e-6 < wanted + 1 + 1e-5
    one = sample_size(baseline=baseline, target=baseline + more, alpha=alpha, power=power, sides=1)
    assert one["users_per_variant"].item() <= found
    assert normal_sample_size_one_tail(more, power, alpha / 2, 1, 1) > 0


def test_one_direction_needs_the_users_of_twice_the_risk_in_both():
    one, both = (sample_size(baseline=0.1, target=0.12, **plan) for plan in ({"sides": 1}, {"alpha": 0.1}))
    assert one["users_per_variant"].item() == both["users_per_variant"].item()


def test_a_plan_without_a_difference_is_refused():
    with pytest.raises(ValueError, match="Nothing is a difference of 0"):
        sample_size(baseline=0.1, target=0.1)
    with pytest.raises(ValueError, match="baseline: 12 is not between 0 and 1"):
        sample_size(baseline=12, target=0.1)


@pytest.mark.parametrize(
    ("shape", "looks", "z"),
    [
        ("obrien_fleming", 1, [1.95996]),
        ("obrien_fleming", 2, [2.7965, 1.9774]),
        ("obrien_fleming", 5, [4.5617, 3.2256, 2.6337, 2.2809, 2.0401]),
        ("pocock", 2, [2.1783] * 2),
        ("pocock", 5, [2.4132] * 5),
        ("pocock", 10, [2.5551] * 10),
    ],
)
def test_the_boundaries_are_the_published_ones(shape, looks, z):
    assert sequential_boundaries(looks=looks, shape=shape)["z"].tolist() == pytest.approx(z, abs=6e-4)


def test_looks_within_the_boundaries_add_no_risk():
    rng = np.random.default_rng(4)
    walk = rng.standard_normal((200_000, 5)).cumsum(axis=1) / np.sqrt(np.arange(1, 6))
    for shape in ("obrien_fleming", "pocock"):
        z = sequential_boundaries(looks=5, shape=shape)["z"].to_numpy()
        assert (np.abs(walk) >= z).any(axis=1).mean() == pytest.approx(0.05, abs=0.0016)
    assert (np.abs(walk) >= 1.96).any(axis=1).mean() > 0.13  # what looking without them does
    with pytest.raises(ValueError, match="looks: 0 is not a number of looks"):
        sequential_boundaries(looks=0)


@pytest.mark.parametrize(
    ("shape", "looks", "factor"),  # Jennison & Turnbull (2000), tables 2.2 and 2.4: alpha 0.05, power 0.8
    [("obrien_fleming", 2, 1.008), ("obrien_fleming", 4, 1.024), ("obrien_fleming", 5, 1.028), ("pocock", 2, 1.110),
     ("pocock", 4, 1.202), ("pocock", 5, 1.229)],
)  # fmt: skip
def test_as_small_an_effect_is_seen_with_the_published_number_of_users(shape, looks, factor):
    once, often = (
        sequential_boundaries(looks=k, shape=shape, users=4 * 10**9, baseline=0.06)["smallest_effect"].iloc[-1]
        for k in (1, looks)
    )
    assert (often / once) ** 2 == pytest.approx(factor, abs=1.1e-3)


def test_one_look_sees_what_a_test_without_looks_sees():
    size = sample_size(baseline=0.06, target=0.0600001)["users_per_variant"].item()  # both rates vary alike
    row = sequential_boundaries(looks=1, users=size, baseline=0.06).iloc[0]
    assert row["smallest_effect"] == pytest.approx(1e-7, rel=1e-4)
    assert row["difference_to_stop"] == pytest.approx(1e-7 * 1.959964 / (1.959964 + 0.841621), rel=1e-4)


def test_looks_in_a_simulation_see_the_smallest_effect_as_often_as_they_say():
    plan = sequential_boundaries(looks=4, users=4000, baseline=0.06, power=0.7)
    assert plan["users"].tolist() == [1000, 2000, 3000, 4000]
    rng, users = np.random.default_rng(8), plan["users"].to_numpy()
    control = rng.binomial(1000, 0.06, (100_000, 4)).cumsum(axis=1)
    for k, effect in enumerate(plan["smallest_effect"]):
        variant = rng.binomial(1000, 0.06 + effect, (100_000, 4)).cumsum(axis=1)
        both = (control + variant) / (2 * users)
        z = (variant - control) / users / np.sqrt(2 * both * (1 - both) / users)
        ends = (np.abs(z) >= plan["z"].to_numpy())[:, : k + 1].any(axis=1)
        # So large an effect as the first look needs varies a little less than two rates at their mean.
        assert 0.7 <= ends.mean() < 0.711 if k == 0 else ends.mean() == pytest.approx(0.7, abs=0.004)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"users": 100}, "belong together"),
        ({"baseline": 0.1}, "belong together"),
        ({"users": 3, "baseline": 0.1}, "users: 3 is no number"),
        ({"users": 100, "baseline": 10}, "baseline: 10 is not between"),
        ({"users": 100, "baseline": 0.1, "power": 0.05}, "power: 0.05 is not above alpha"),
        ({"users": 1000, "baseline": 0.1, "looks": 51}, "looks: 51 are too many"),
    ],
)
def test_a_plan_of_looks_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        sequential_boundaries(**{"looks": 4, **options})


# -- how it is said and drawn ------------------------------------------------------------------------------------------


def mails(**options):
    return compare_variants(users(A=(60, 1000), B=(100, 1000)), control="A", **options)


def test_a_winner_is_said_with_both_rates():
    text = headline(mails()).replace("\u202f", " ").replace("\u00a0", " ")
    assert text.startswith("+4.0 points (+1.6 to +6.4): 10")
    assert "% of 1,000 with B, 6" in text
    foot = footnotes(mails())[0].replace("\u202f", " ").replace("\u00a0", " ")
    assert "of all who were given it. 100 / 1,000 − 60 / 1,000 = +4.00 points, B." in foot
    assert "Beta(1, 1) prior" in footnotes(mails())[1]


def test_a_withheld_result_says_why():
    table = compare_variants(users(A=(60, 1000), B=(90, 800)), control="A")
    assert headline(table).startswith(
        "– the variants are not as large as they should be (1,000 with A and 800 with B; p"
    )
    assert "withheld" in show(table, "x").html


def test_an_association_is_called_one_and_chance_too():
    assert "an association, not an effect" in headline(mails(ratio=None))
    assert headline(compare_variants(users(A=(60, 1000), B=(62, 1000)), control="A")).endswith("which may be chance.")
    assert "adjusted" in headline(compare_variants(spending(), outcome="spent", control="control", covariate="before"))


def test_the_figure_shows_what_was_too_small_to_be_seen():
    ax = plot_variants(mails())
    band = ax.collections[0].get_paths()[0].get_extents()
    error = np.sqrt(0.06 * 0.94 * 2 / 1000)
    assert band.x1 == pytest.approx(100 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * error)
    assert "too small to be seen" in show(ax, "B against A").html
    assert show(plot_variants(compare_variants(users(A=(60, 1000), B=(90, 800)), control="A")), "x").html


THREE = {
    "AT": {"a": (60, 1000), "b": (62, 1000)}, "DE": {"a": (60, 1000), "b": (110, 1000)},
    "NL": {"a": (60, 1000), "b": (90, 800)},
}  # fmt: skip


def three(**options):
    return compare_variants(countries(**THREE), by="country", **options)


def plain(text):
    return str(text).replace("\u202f", " ").replace("\u00a0", " ")


def test_of_groups_the_surest_is_said_with_how_many_are_certain_and_withheld():
    said = plain(headline(three()))
    assert said.startswith("+5.0 points (+2.6 to +7.5) in DE: 11")
    assert "of 1,000 with b, 6.0 % of 1,000 with a; p < 0.001. A difference is certain in 1 of 2 groups" in said
    assert said.endswith("all taken together; withheld, for their variants are not as large as they should be: NL.")
    assert plain(headline(three(ratio=None))).endswith("an effect. The largest difference of 3 groups.")
    worst = dict.fromkeys(("AT", "DE"), THREE["NL"])
    none = plain(headline(compare_variants(countries(**worst), by="country")))
    assert "should be in any of 2 groups (2,000 with a and 1,600 with b; p < 0.001)" in none
    alone = compare_variants(countries(AT={"a": (1, 4)}, DE={"b": (1, 4)}), by="country")
    assert headline(alone).startswith("– the variants cannot be compared: nobody has what it is compared with.")


def test_the_foot_of_groups_warns_of_comparing_what_is_certain_with_what_is_not():
    foot = [plain(line) for line in footnotes(three())]
    assert "62 / 1,000 − 60 / 1,000 = +0.20 points, AT, b." in foot[0]
    assert foot[1].startswith("p: allowed for 2 tests in this table. An effect in one group and none in another is no")
    assert foot[2].startswith("Split 3,000 : 2,800, p 0.009 that chance alone")
    assert foot[2].endswith("The split of each group is checked too.")
    page = show(three(), "x").html
    assert page.count(">DE<") == 1  # a group is named once
    assert "withheld: the variants are not as large" in page
    assert "Verdict" in page
    assert "Relative difference" not in page  # its place is the group's


def test_the_figure_has_a_row_for_each_variant_of_each_group():
    table = three()
    ax = plot_variants(table)
    names = [text.get_text() for text in ax.texts if ", b" in text.get_text()]
    assert names == ["AT, b", "DE, b", "NL, b"]
    told = plain(DRAWN[ax].plot.alt(table))
    assert told.startswith("Difference from a, 3,000 users. AT, b: +0.2 (−1.9 to +2.3), 1,000 users, effects under 3.0")
    assert "NL, b: withheld: the variants are not as large as they should be, 800 users." in told
    many = compare_variants(countries(**{f"C{k:02}": THREE["AT"] for k in range(20)}), by="country")
    assert DRAWN[plot_variants(many)].plot.legend(many).endswith("The first 14 of 20 rows.")


def test_a_figure_without_a_second_variant_says_so():
    nobody = compare_variants(pd.DataFrame({"variant": [], "converted": []}))
    assert "Nothing that can be said" in plot_variants(nobody).texts[0].get_text()


def test_without_users_there_is_nothing_to_compare_and_no_error():
    nobody = pd.DataFrame({"variant": pd.Series([], dtype="str"), "converted": pd.Series([], dtype=bool)})
    table = compare_variants(nobody, control="A")
    assert len(table) == 0
    assert {"variant", "users", "difference", "p_value", "verdict"} <= set(table.columns)


def test_a_plan_of_looks_is_told_and_drawn():
    plan = sequential_boundaries(looks=4, users=4000, baseline=0.06)
    said = headline(plan).replace("\u202f", " ").replace("\u00a0", " ")
    assert said.startswith(
        "1.6 points is the smallest difference that 4 looks at 4,000 users of each variant see in 80 of"
    )
    assert said.endswith("the first, at 1,000, ends the test from 4.3 points on.")
    assert "2.02 × √(0.1128 / 4,000) = 1.07 points." in footnotes(plan)[1].replace("\u202f", " ").replace("\u00a0", " ")
    drawn = plot_sequential_boundaries(plan)
    assert drawn.lines[-1].get_ydata()[-1] == pytest.approx(100 * plan["smallest_effect"].iloc[-1])
    assert "in 80 of 100 tests" in show(drawn, "x").html
    html = show(plan, "x").html
    assert "Ends the test, points" in html
    assert ">4.05<" in html
    plain = sequential_boundaries(looks=4)
    assert headline(plain) == "2.02 is the |z| that ends the test at the last of 4 looks, 4.05 at the first."
    assert len(footnotes(plain)) == 1
    with pytest.raises(ValueError, match="users=…"):
        plot_sequential_boundaries(plain)
    assert plot_sequential_boundaries(sequential_boundaries(looks=12, users=4000, baseline=0.06)).lines


def test_an_effect_that_no_rate_can_have_is_not_told():
    plan = sequential_boundaries(looks=5, users=200, baseline=0.95)
    seen = plan["smallest_effect"].notna()
    assert seen.tolist() == [False] * 4 + [True]
    assert (plan.loc[seen, "smallest_effect"] < 0.05).all()
    assert plan["reason"].fillna("").tolist() == ["above_one"] * 4 + [""]
    none = sequential_boundaries(looks=2, users=20, baseline=0.95)
    assert "it would have to go beyond 100" in str(headline(none))
    assert "no true rise is seen by then" in DRAWN[plot_sequential_boundaries(none)].plot.alt(none)
