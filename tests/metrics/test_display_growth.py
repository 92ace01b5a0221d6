import pandas as pd
import pytest

from metrics import (
    acquisition_cost,
    average_rate,
    expansion_split,
    mrr_churn_rate,
    mrr_movements,
    mrr_rollforward,
    quick_ratio,
    relative_change,
    roi,
    show,
    subscription_lifetime_value,
)
from tests.metrics.test_display_money import foot, said
from tests.metrics.test_revenue import BOOK, MONTHS, log

ROLL = mrr_rollforward(BOOK, **MONTHS)
DOLLARS = log("""
    usa u1  2026-01-10  -           70  currency=USD
    una u2  2026-01-10  2026-04-10  30  currency=USD
    uli u3  2026-04-11  -           45  currency=USD
""")
GROWTH = pd.concat([BOOK, DOLLARS], ignore_index=True)


def heads(table):
    return show(table, "x").html


def test_the_quick_ratio_says_what_was_won_and_lost_and_divides_in_the_foot():
    both = quick_ratio(mrr_rollforward(GROWTH, **MONTHS))
    assert said(both) == (
        "1.5 of MRR in USD was won for each unit lost in April 2026: 45.00 won, 30.00 lost; 0 of EUR."
    )
    assert "(new + expansion) / (contraction + churn), all without their signs.<br>" in foot(both)
    assert "<br>45.00 / 30.00 = 1.5, USD, April 2026." in foot(both)
    assert "Quick ratio" in heads(both)
    assert "Come for one who goes" not in heads(both)
    back = quick_ratio(ROLL, reactivation=True)
    assert said(back).startswith("3.0 of MRR in EUR was won for each unit lost in April 2026: 60.00 won, 20.00 lost")
    assert "new + expansion + back" in foot(back)


def test_where_nothing_was_lost_there_is_no_ratio_and_it_is_said_why():
    calm = quick_ratio(mrr_rollforward(log("ann a1 2026-01-05 - 10"), as_of="2026-03-01"))
    assert said(calm) == "– nothing was lost, so that there is no ratio."
    assert foot(calm).count("<br>") == 0
    unborn = quick_ratio(mrr_rollforward(log("ann a1 2026-01-05 - 10"), as_of="2026-01-20"))
    assert said(unborn) == "– no period is over that can be told."


def test_growth_of_who_stayed_is_told_by_its_four_ways_and_they_add_up():
    rows = log("""
        ann a1  2026-01-05  2026-02-10  10  product_family=notes
        ann a1  2026-02-10  -           25  product_family=notes
        ann a2  2026-02-11  -            5  product_family=calendar
        ben b1  2026-01-05  2026-02-20  90  product_family=notes
        ben b1  2026-02-20  -           60  product_family=notes
    """)
    table = expansion_split(rows, as_of="2026-03-01")
    assert said(table) == (
        "−10.00 of MRR came of customers who stayed in February 2026: +15.00 more of the same, +5.00 of something new, "
        "−30.00 less."
    )
    assert "15.00 + 5.00 − 30.00 + 0.00 = 20.00 − 30.00, February 2026." in foot(table)
    still = expansion_split(rows, since="2026-03-01", as_of="2026-04-01")
    assert said(still) == "0.00 of MRR came of customers who stayed in March 2026: nothing moved."


def test_churn_of_money_says_gross_and_net_and_the_largest_currency_first():
    table = mrr_churn_rate(mrr_rollforward(GROWTH, **MONTHS))
    assert said(table).startswith(
        "2.5 % of 800.00 of MRR in EUR was lost in April 2026; with growth it moved by −2.5 %"
    )
    assert said(table).endswith("; 30.0 % of USD.")
    assert "20.00 / 800.00 = 2.5 %, EUR, April 2026." in foot(table)


def test_movements_are_counted_and_summed_in_one_currency():
    table = mrr_movements(GROWTH, as_of="2026-05-01")
    mine = table[table["currency"] == "EUR"]
    assert said(table).startswith(
        f"{len(mine)} movements of MRR by {mine['customer_id'].nunique()} customers in EUR: +"
    )
    assert said(table).endswith("; 4 more in other currencies.")
    assert f"= {mine['amount'].sum():,.2f}, EUR, all rows." in foot(table)
    assert said(table.iloc[:0]) == "– nobody moved any MRR."
    assert said(table.iloc[:1]).startswith("1 movement of MRR by 1 customer")


def test_what_a_customer_costs_and_brings():
    cost = acquisition_cost(pd.DataFrame({"spend": [500.0, 100.0], "customers_new": [5, 0]}))
    assert said(cost) == "100.00 was spent for each of 5 new customers."
    assert "500.00 / 5 = 100.00." in foot(cost)
    plans = pd.DataFrame({"plan": ["pro", "solo"], "arpa": [100.0, 20.0], "churn_rate": [0.05, 0.1]})
    worth = subscription_lifetime_value(plans, margin=0.8)
    assert said(worth) == (
        "2,000.00 is what a customer of pro who pays 100.00 a month brings at 5.0 % churn a month; 1,600.00 of it "
        "margin; 200.00 of solo."
    )
    assert "100.00 × 20.0 payments = 2,000.00, pro." in foot(worth)
    assert said(subscription_lifetime_value(plans[:1].assign(churn_rate=0.0))).startswith("– without churn")


def test_a_return_and_a_change_are_told_in_per_cent_and_in_full():
    assert said(roi(benefit=191, cost=100, years=3)) == (
        "+91.0 % is the return: 191.00 for 100.00 over 3 years, +24.1 % a year."
    )
    assert "(191.00 − 100.00) / 100.00 = +91.0 %" in foot(roi(benefit=191, cost=100, years=3))
    assert said(roi(benefit=1, cost=0)).startswith("– nothing was spent")
    assert said(relative_change(before=100, after=230)) == "+130.0 % from 100 to 230: +130, 2.3 times as much."
    assert said(relative_change(before=0, after=5)) == "+5 from 0 to 5; from nothing there is no change in per cent."
    assert "times" not in said(relative_change(before=-10, after=5))


@pytest.mark.parametrize("weighted", [True, False])
def test_a_rate_over_several_periods_is_one_of_sums_or_says_that_it_is_not(weighted):
    months = pd.DataFrame({"customers_churned": [10, 1], "at_risk": [100, 20], "plan": ["pro", "pro"]})
    table = average_rate(months, count="customers_churned", base="at_risk", weighted=weighted)
    if weighted:
        assert said(table) == "9 % over 2 periods (5 to 16): 11 of 120."
        assert "11 / 120 = 9.2 %. 95 % Wilson intervals." in foot(table)
    else:
        assert said(table) == "7.5 % over 2 periods: 11 of 120."
        assert "each counting alike" in foot(table)
    assert "Rate, %" in heads(table)


def test_of_several_groups_the_largest_is_told_first():
    months = pd.DataFrame({"lost": [1, 9], "base": [20, 100], "plan": ["solo", "pro"]})
    table = average_rate(months, count="lost", base="base", by="plan")
    assert said(table) == "9 % of pro over 1 period (5 to 16): 9 of 100; 5.0 % of solo."
