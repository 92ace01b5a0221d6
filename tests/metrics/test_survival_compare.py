import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines.datasets import load_lung
from lifelines.statistics import multivariate_logrank_test
from statsmodels.duration.survfunc import survdiff

from metrics import adjust_p_values, compare_survival, compare_survival_pairs
from metrics.survival import compare
from tests.metrics.catalogue import quick
from tests.metrics.test_survival import RELAPSED, WEEKS

PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_the_leukemia_trial_of_freireich():
    table = compare_survival(WEEKS + PLACEBO, RELAPSED + [True] * 21, by=["6-MP"] * 21 + ["placebo"] * 21)
    assert table["churned"].tolist() == [9, 21]
    assert table["expected"].tolist() == pytest.approx([19.25, 10.75], abs=0.005)
    assert table["chi2"].tolist() == pytest.approx([16.7929] * 2, abs=1e-4)  # R prints 16.8
    assert table["degrees"].tolist() == [1, 1]
    assert table["expected"].sum() == pytest.approx(table["churned"].sum())


def test_the_lung_study_by_sex():
    lung = load_lung()
    table = compare_survival(lung["time"], lung["status"] == 1, by=lung["sex"])
    assert table["expected"].tolist() == pytest.approx([91.58, 73.42], abs=0.005)
    assert table.loc[0, ["chi2", "p_value"]].tolist() == pytest.approx([10.3267, 0.0013], abs=1e-4)


def test_alike_groups_do_not_differ():
    table = compare_survival([1, 2, 3, 1, 2, 3], [1, 1, 0, 1, 1, 0], by=list("aaabbb"))
    assert table["chi2"].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert table["p_value"].tolist() == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.parametrize(
    ("durations", "observed", "by", "entry", "reason"),
    [
        ([1, 2], [1, 0], ["a", "a"], None, "one_group"),
        ([1, 2], [0, 0], ["a", "b"], None, "no_churn_observed"),
        ([1, 5], [1, 1], ["a", "b"], [0, 3], "never_at_risk_together"),
    ],
)
def test_without_a_test_there_is_a_reason(durations, observed, by, entry, reason):
    table = compare_survival(durations, observed, by=by, entry=entry)
    assert table["reason"].eq(reason).all()
    assert table[["chi2", "p_value"]].isna().all(axis=None)


def test_two_worlds_that_never_meet_are_tested_each_with_two_degrees_in_all():
    time = [1, 2, 3, 4] * 5
    entry = [0] * 20
    late = [t + 100 for t in time]
    one = compare_survival(time, [1] * 20, by=list("aabb") * 5)
    both = compare_survival(time + late, [1] * 40, by=list("aabb") * 5 + list("ccdd") * 5, entry=entry + [100] * 20)
    assert both["degrees"].tolist() == [2] * 4
    assert both.loc[0, "chi2"] == pytest.approx(2 * one.loc[0, "chi2"])


def test_pairs_are_tested_alone_and_adjusted_together():
    lung = load_lung().dropna(subset=["ph.ecog"])
    died = lung["status"] == 1
    pairs = compare_survival_pairs(lung["time"], died, by=lung["ph.ecog"])
    assert list(zip(pairs["group"], pairs["other"], strict=True))[:3] == [(0, 1), (0, 2), (0, 3)]
    for _, pair in pairs.iterrows():
        two = lung["ph.ecog"].isin([pair["group"], pair["other"]])
        alone = compare_survival(lung.loc[two, "time"], died[two], by=lung.loc[two, "ph.ecog"])
        assert [pair["expected"], pair["other_expected"]] == pytest.approx(alone["expected"].tolist())
        assert pair["p_value"] == pytest.approx(alone.loc[0, "p_value"])
    assert pairs["p_adjusted"].tolist() == adjust_p_values(pairs["p_value"])["p_adjusted"].tolist()


def test_pairs_of_one_group_are_none():
    assert len(compare_survival_pairs([1, 2], [1, 0], by=["a", "a"])) == 0
    with pytest.raises(ValueError, match="correction: 'none' is not known"):
        compare_survival_pairs([1, 2], [1, 0], by=["a", "b"], correction="none")


def test_pieces_of_the_times_add_up(monkeypatch):
    rng = np.random.default_rng(5)
    time, left, group = rng.exponential(size=300), rng.random(300) < 0.7, rng.integers(0, 3, 300)
    whole = compare_survival(time, left, by=group)
    monkeypatch.setattr(compare, "_CELLS", 21)
    np.testing.assert_allclose(compare_survival(time, left, by=group)["chi2"], whole["chi2"], rtol=1e-12)


STAYS = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.sampled_from("abc"), st.integers(0, 5)), min_size=6, max_size=60
)


@quick
@given(stays=STAYS)
def test_lifelines_and_statsmodels_have_the_same_test(stays):
    stays = [*stays, (1, True, "a", 0), (2, True, "b", 0), (2, False, "c", 0), (2, True, "c", 0)]
    time, left, group, _ = (np.array(column) for column in zip(*stays, strict=True))
    table = compare_survival(time, left, by=group)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # lifelines calls pandas in an old way
        theirs = multivariate_logrank_test(time, group, left)
    assert table.loc[0, "chi2"] == pytest.approx(theirs.test_statistic, rel=1e-9, abs=1e-9)
    assert table.loc[0, "p_value"] == pytest.approx(theirs.p_value, rel=1e-9, abs=1e-9)
    assert table.loc[0, "chi2"] == pytest.approx(survdiff(time, left, group)[0], rel=1e-9, abs=1e-9)


@quick
@given(stays=STAYS)
def test_statsmodels_has_the_same_test_with_late_entry(stays):
    stays = [*stays, (9, True, "a", 0), (8, True, "b", 0), (9, False, "c", 0), (9, True, "c", 0)]
    time, left, group, late = (np.array(column) for column in zip(*stays, strict=True))
    entry = np.minimum(late, time - 1)
    ours = compare_survival(time, left, by=group, entry=entry).loc[0, "chi2"]
    assert ours == pytest.approx(survdiff(time, left, group, entry=entry)[0], rel=1e-9, abs=1e-9)
