import sys

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_rossi
from statsmodels.duration.hazard_regression import PHReg

from metrics import EventTableError, cox_regression, headline, show

ROSSI = load_rossi()
NUMBERS = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def test_the_recidivism_study_of_rossi():
    # Fox & Weisberg (2019), R's coxph: fin 0.684 (0.470 to 0.996), age 0.944, prio 1.096.
    table = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[NUMBERS]).set_index("covariate")
    assert table.loc["fin", ["hazard_ratio", "hazard_ratio_low", "hazard_ratio_high"]].tolist() == pytest.approx(
        [0.684, 0.470, 0.996], abs=6e-4
    )
    assert table.loc[["age", "prio"], "hazard_ratio"].tolist() == pytest.approx([0.944, 1.096], abs=6e-4)
    assert table.loc["fin", ["customers", "churned"]].tolist() == [432, 114]
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert table.loc["age", "proportional_p_value"] < 0.01  # R's cox.zph finds age alone to change with time


def test_statsmodels_has_the_same_ratios_with_late_entry():
    # Half weeks: at whole ones statsmodels takes who enters at a time to be at risk at it.
    entry = np.minimum(ROSSI["age"] % 5, ROSSI["week"] - 1) + 0.5
    ours = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[["fin", "prio"]], entry=entry)
    theirs = PHReg(ROSSI["week"], ROSSI[["fin", "prio"]], status=ROSSI["arrest"], entry=entry, ties="efron").fit()
    np.testing.assert_allclose(np.log(ours["hazard_ratio"]), theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours["p_value"], theirs.pvalues, rtol=1e-9)


def test_statsmodels_has_the_same_ratios_and_limits_of_all_columns():
    ours = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[NUMBERS], confidence=0.9)
    theirs = PHReg(ROSSI["week"], ROSSI[NUMBERS], status=ROSSI["arrest"], ties="efron").fit()
    np.testing.assert_allclose(np.log(ours["hazard_ratio"]), theirs.params, rtol=1e-9)
    limits = np.log(ours[["hazard_ratio_low", "hazard_ratio_high"]].to_numpy())
    np.testing.assert_allclose(limits, theirs.conf_int(alpha=0.1), rtol=1e-9)
    np.testing.assert_allclose(ours["p_value"], theirs.pvalues, rtol=1e-9)


def test_columns_far_from_one_in_size_are_fitted_as_well():
    scaled = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[["age", "prio"]] * [1e-4, 1e4])
    plain = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[["age", "prio"]])
    slopes = np.log(scaled["hazard_ratio"]) * [1e-4, 1e4]
    np.testing.assert_allclose(slopes, np.log(plain["hazard_ratio"]), rtol=1e-9)


def test_names_are_set_against_the_most_frequent_one():
    plan = pd.Series(["free"] * 200 + ["pro"] * 132 + ["team"] * 100)
    known = pd.DataFrame({"plan": plan, "old": plan == "pro"})
    table = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=known)
    assert table["covariate"].tolist() == ["plan[pro]", "plan[team]", "old"]
    assert table["reference"].iloc[:2].tolist() == ["free", "free"]
    assert table["reason"].eq("not_estimable").all()  # two columns say the same


def test_what_cannot_be_told_has_a_reason_and_no_number():
    table = cox_regression(
        ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[["fin"]].assign(same=1, country="DE")
    ).set_index("covariate")
    assert table.loc[["same", "country[DE]"], "reason"].tolist() == ["constant", "constant"]
    assert table.loc["fin", "hazard_ratio"] < 1
    nobody = cox_regression([1, 2, 3], [0, 0, 0], covariates=pd.DataFrame({"a": [1, 2, 3]}))
    assert nobody["reason"].tolist() == ["not_estimable"]
    told = cox_regression(np.arange(1, 41), [1] * 20 + [0] * 20, covariates=pd.DataFrame({"a": [1] * 20 + [0] * 20}))
    assert told["reason"].tolist() == ["not_estimable"]  # all with it left, and none without
    assert told["hazard_ratio"].isna().all()


def test_missing_covariates_and_other_lengths_are_refused():
    with pytest.raises(EventTableError, match=r"values are missing: \{'a': 1\}"):
        cox_regression([1, 2], [1, 0], covariates=pd.DataFrame({"a": [1, None]}))
    with pytest.raises(ValueError, match="covariates has 1 row "):
        cox_regression([1, 2], [1, 0], covariates=pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="no table with columns"):
        cox_regression([1, 2], [1, 0], covariates=pd.DataFrame(index=[0, 1]))


def test_without_lifelines_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "lifelines", None)
    with pytest.raises(ImportError, match=r'pip install "customer-metrics\[survival\]"'):
        cox_regression([1, 2], [1, 0], covariates=pd.DataFrame({"a": [1, 2]}))


def test_it_is_told_by_what_goes_most_surely_with_leaving():
    table = cox_regression(ROSSI["week"], ROSSI["arrest"], covariates=ROSSI[NUMBERS])
    said = headline(table).replace("\u202f", " ")
    assert said.startswith("1.10 times as many leave at any time with each unit more of prio (1.04 to 1.16)")
    foot = show(table, "What goes with leaving").html
    assert "An association, not an effect" in foot
