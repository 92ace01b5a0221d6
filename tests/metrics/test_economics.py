import numpy as np
import pandas as pd
import pytest

from metrics import acquisition_cost, quick_ratio, relative_change, roi, subscription_lifetime_value

PLANS = pd.DataFrame({"plan": ["pro", "team"], "arpa": [100.0, 40.0], "churn_rate": [0.05, 0.0]})


def test_the_worth_of_a_subscriber_is_a_sum_of_payments():
    table = subscription_lifetime_value(PLANS, margin=0.8)
    assert table.iloc[0][["expected_months", "revenue", "margin_value"]].tolist() == pytest.approx([20, 2000, 1600])
    capped = subscription_lifetime_value(PLANS, cap_months=36)
    by_hand = sum(100 * 0.95**k for k in range(36))
    assert capped["revenue"].tolist() == pytest.approx([by_hand, 36 * 40])


def test_without_churn_there_is_no_sum_without_a_cap():
    row = subscription_lifetime_value(PLANS, margin=0.8).iloc[1]
    assert row["reason"] == "no_churn_observed"
    assert row[["expected_months", "revenue", "margin_value"]].isna().all()


def test_without_a_rate_there_is_no_worth_and_no_infinite_one():
    for cap in (None, 36):
        row = subscription_lifetime_value(PLANS[:1].assign(churn_rate=np.nan), margin=0.8, cap_months=cap).iloc[0]
        assert row[["expected_months", "revenue", "margin_value"]].isna().all()
        assert row["reason"] == "zero_denominator"


def test_paid_at_the_end_is_one_payment_less_and_a_discount_compounds_by_the_year():
    monthly = 1.02**12 - 1
    start, end = (
        subscription_lifetime_value(PLANS[:1], annual_discount=monthly, payment=p)["revenue"].item()
        for p in ("start", "end")
    )
    assert (start, end) == (pytest.approx(100 * 1.02 / 0.07), pytest.approx(100 * 0.95 / 0.07))
    assert start - end == pytest.approx(100)


@pytest.mark.parametrize("discount", [-0.1, np.inf, np.nan])
def test_a_discount_that_would_make_worth_infinite_is_refused(discount):
    with pytest.raises(ValueError, match=r"annual_discount: .* is not a yearly rate from 0"):
        subscription_lifetime_value(PLANS[:1], annual_discount=discount)


@pytest.mark.parametrize("wrong", ["100 EUR", np.inf])
def test_an_amount_that_is_no_number_is_named(wrong):
    with pytest.raises(ValueError, match=r"arpa: .* is no finite number"):
        subscription_lifetime_value(PLANS[:1].assign(arpa=wrong))


def test_rates_that_cannot_be_are_refused():
    for change, says in (({"churn_rate": 5.0}, "churn_rate: 5 is not between"), ({"arpa": None}, None)):
        if says:
            with pytest.raises(ValueError, match=says):
                subscription_lifetime_value(PLANS.assign(**change))
    with pytest.raises(ValueError, match="cap_months"):
        subscription_lifetime_value(PLANS, cap_months=0)
    with pytest.raises(ValueError, match="margin"):
        subscription_lifetime_value(PLANS, margin=80)


def test_the_cost_of_a_customer_may_lag_and_nobody_won_costs_nothing_known():
    months = pd.DataFrame({
        "period_start": pd.to_datetime(["2026-02-01", "2026-01-01", "2026-03-01"] * 2),
        "channel": ["ad"] * 3 + ["fair"] * 3,
        "spend": [200.0, 100, 300, 20, 10, 30], "customers_new": [2, 4, 0, 1, 1, 1],
    })  # fmt: skip
    table = acquisition_cost(months)
    assert table["cac"].iloc[:2].tolist() == [100, 25]
    assert table["reason"].iloc[2] == "zero_denominator"
    late = acquisition_cost(months, lag=1)
    assert late["spend"].fillna(-1).tolist() == [100, -1, 200, 10, -1, 20]
    assert late["reason"].tolist()[1:3] == ["no_spend", "zero_denominator"]


def test_no_losses_are_no_infinite_ratio():
    table = pd.DataFrame({"plan": ["a", "b"], "new": [20.0, 5], "expansion": [8.0, 0], "reactivation": [4.0, 0],
                          "contraction": [-3.0, 0], "churn": [-5.0, 0]})  # fmt: skip
    ratios = quick_ratio(table)
    assert ratios["quick_ratio"].iloc[0] == 3.5
    assert np.isnan(ratios["quick_ratio"].iloc[1])
    assert ratios["reason"].iloc[1] == "no_losses"
    assert ratios["plan"].tolist() == ["a", "b"]
    open_ = quick_ratio(table.assign(complete=[False, True])).iloc[0]
    assert (open_["reason"], open_["quick_ratio"]) == ("incomplete_period", pytest.approx(np.nan, nan_ok=True))
    assert quick_ratio(table, reactivation=True)["quick_ratio"].iloc[0] == 4


def test_a_return_over_three_years_is_less_a_year():
    row = roi(benefit=191, cost=100, years=3).iloc[0]
    assert (row["roi"], row["roi_annualised"]) == (pytest.approx(0.91), pytest.approx(1.91 ** (1 / 3) - 1))
    assert roi(benefit=5, cost=0)["reason"].item() == "zero_denominator"


def test_points_per_cent_and_multiples_are_three_things():
    row = relative_change(before=0.02, after=0.03).iloc[0]
    assert row[["difference", "relative_change", "multiple"]].astype(float).tolist() == pytest.approx([0.01, 0.5, 1.5])
    assert relative_change(before=-50, after=-25).iloc[0]["relative_change"] == 0.5  # half the loss is a gain
    nothing = relative_change(before=0, after=3).iloc[0]
    assert nothing["reason"] == "zero_denominator"
    assert np.isnan(nothing["relative_change"])
    assert nothing["difference"] == 3


def test_a_cost_without_customers_or_without_spend_says_which():
    table = acquisition_cost(pd.DataFrame({"spend": [20.0, None], "customers_new": [None, 1]}))
    assert table["reason"].tolist() == ["zero_denominator", "no_spend"]


def test_customers_that_a_file_has_as_text_are_counts_beside_their_cost():
    table = acquisition_cost(pd.DataFrame({"spend": ["500", "90"], "customers_new": ["5", "3"]}))
    assert table["customers_new"].sum() == 8  # not "53"
    assert table["cac"].tolist() == [100, 30]
