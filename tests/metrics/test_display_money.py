import pandas as pd
import pytest

from metrics import (
    churn_reasons,
    headline,
    kpi_sheet,
    mrr_rollforward,
    payment_recovery,
    quick_ratio,
    renewal_churn,
    revenue_retention,
    show,
    subscription_churn,
    trial_conversion,
)
from tests.metrics.test_churn_contracts import ATTEMPTS, ENDS, MARCH, TEN, TRIALS, UNPAID
from tests.metrics.test_revenue import BOOK, MONTHS, log


def said(table):
    return str(headline(table)).replace("\u202f", " ")


def foot(table):
    return show(table, "x").html.split('class="foot">')[1].replace("\u202f", " ")


def test_revenue_is_told_with_what_moved_it_and_the_foot_adds_up():
    table = mrr_rollforward(BOOK, **MONTHS)
    assert said(table) == (
        "840.00 EUR of MRR from 5 customers at the end of April 2026, 40.00 more than at its start (+60.00 from who "
        "came back, −20.00 contraction)."
    )
    assert "800.00 + 60.00 − 20.00 = 840.00, EUR, April 2026" in foot(table)


def test_a_second_currency_is_said_beside_and_never_added():
    rows = pd.concat([BOOK, log("ula u1 2026-01-10 - 70 currency=USD")], ignore_index=True)
    assert said(mrr_rollforward(rows, **MONTHS)).endswith("; 70.00 USD.")


def test_money_whose_currency_is_not_told_is_said_without_one():
    none = BOOK.assign(currency=None)
    assert said(mrr_rollforward(none, **MONTHS)).startswith("840.00 of MRR from 5 customers")
    assert said(quick_ratio(mrr_rollforward(none, **MONTHS))).startswith("0 of MRR was won")
    plans = mrr_rollforward(none.assign(plan=["pro", "free", *["pro"] * (len(none) - 2)]), by="plan", **MONTHS)
    assert said(plans).endswith("; 0.00 of free.")
    assert "of MRR of pro was won" in said(quick_ratio(plans))
    some = pd.concat([BOOK, log("ula u1 2026-01-10 - 70").assign(currency=None)], ignore_index=True)
    assert said(mrr_rollforward(some, **MONTHS)).endswith("; 70.00 without a currency.")
    kept = said(revenue_retention(some, min_n=1, **MONTHS))
    assert kept.startswith("98 % in EUR, of the MRR")
    assert kept.endswith("; 100.0 % without a currency.")


def test_the_foot_works_out_the_currency_that_the_sentence_tells_of():
    rows = pd.concat([BOOK, log("ula u1 2026-01-10 - 70 currency=USD")], ignore_index=True)
    assert "= 840.00, EUR, April 2026" in foot(mrr_rollforward(rows, **MONTHS))
    assert "780.00 / 800.00 = 97.5 % GRR" in foot(revenue_retention(rows, min_n=1, **MONTHS))


def test_a_month_that_was_told_otherwise_is_named():
    rows = log("ann a1 2026-01-05 2026-02-20 10 recorded_at=2026-03-10\nann a1 2026-01-05 - 10 recorded_at=2026-01-05")
    assert "Told otherwise when it closed: Feb 2026." in foot(mrr_rollforward(rows, as_of="2026-04-01"))


def test_retention_says_both_rates_and_divides_in_the_foot():
    table = revenue_retention(BOOK, min_n=1, **MONTHS)
    assert said(table).startswith("98 % of the MRR of 4 customers was kept in April 2026 (35 to 100): ")
    assert said(table).endswith("; with growth 98 % (35 to 104).")
    assert "780.00 / 800.00 = 97.5 % GRR" in foot(table)


def test_net_retention_of_one_customer_says_why_it_has_no_limits():
    table = revenue_retention(log("ann a1 2026-01-05 - 10"), min_n=1, since="2026-02-01", as_of="2026-03-01")
    cells = show(table, "x").html
    assert '<td>100 <small class="interval">21 to 100</small></td>' in cells
    assert '<td>100.0 <small class="interval reason">one user alone has no limits</small></td>' in cells
    sheet = kpi_sheet(
        subscriptions=log("ann a1 2026-01-05 - 10"),
        kpis=["nrr", "grr"],
        min_n=1,
        since="2026-02-01",
        as_of="2026-03-01",
    )
    assert sheet["reason"].isna().all()  # both have a value


def test_churn_of_contracts_names_its_denominator():
    table = subscription_churn(TEN, **MARCH)
    assert said(table) == "20 % of 10 customers at the start of March 2026 left (6 to 51)."
    assert "customers who left / customers at the start: 2 / 10 = 20.0 %" in foot(table)
    assert "customers at the start and new ones" in foot(
        subscription_churn(TEN, denominator="opening_plus_new", **MARCH)
    )


@pytest.mark.parametrize(("more", "text", "formula"), [
    ({"counting": "events"}, "40.0 % as many ends as customers at the start of March 2026: 4 to 10.",
     "Churn = ends / customers at the start: 4 / 10 = 40.0 %, March 2026. It is no share, and has no interval."),
    ({"denominator": "average"}, "21.1 % of 9.5 customers on average in March 2026 left.",
     "/ mean of customers at start and end: 2 / 9.5 = 21.1 %, March 2026. It is no share, and has no interval."),
    ({"denominator": "opening_plus_new"},
     "17 % of 12 customers at the start of March 2026 and new ones left (5 to 45).",
     "2 / 12 = 16.7 %, March 2026. 95 % Wilson intervals."),
    ({"level": "subscription"}, "30 % of 10 subscriptions at the start of March 2026 ended (11 to 60).",
     "Churn = subscriptions that ended / subscriptions at the start: 3 / 10 = 30.0 %"),
    ({"period": None, "counting": "events"}, "40.0 % as many ends as customers: 4 to 10.", "Churn = ends / customers"),
])  # fmt: skip
def test_churn_is_told_by_what_was_counted_and_over_whom(more, text, formula):
    table = subscription_churn(TEN, **{**MARCH, "min_n": 1, **more})
    assert said(table) == text
    assert formula in foot(table)


def test_the_others_have_their_sentence_too():
    reasons = churn_reasons(ENDS, invoices=UNPAID, as_of="2026-05-01")
    assert said(reasons).startswith("33 % of 6 who left went by choice, 17 % because a payment failed")
    trials = trial_conversion(TRIALS, since="2026-05-01", as_of="2026-06-05", min_n=1)
    assert said(trials).startswith("50 % of 2 trials of May 2026 that ended became customers")
    paid = payment_recovery(ATTEMPTS, period=None, as_of="2026-06-01", min_n=1)
    assert said(paid).startswith("67 % of 3 invoices that failed at first (75 % of all) were paid after all")
    due = renewal_churn(log("ann a1 2026-01-10 - 10 billing_months=1"), as_of="2026-03-01", min_n=1)
    assert said(due).startswith("0 % of 1 term that ended in February 2026 were not renewed")


@pytest.mark.parametrize(
    "table", [mrr_rollforward(BOOK, as_of="2025-12-20"), revenue_retention(BOOK, as_of="2025-12-20")]
)
def test_what_is_not_over_is_not_told_as_final(table):
    assert said(table).startswith("–")


DOLLARS = log("\n".join(f"u{k} s{k} 2026-01-10 {'2026-04-10' if k < 2 else '-'} 70 currency=USD" for k in range(3)))
TWO = pd.concat([BOOK, DOLLARS], ignore_index=True)


def test_of_several_currencies_the_largest_is_told_and_the_others_beside_it():
    kept = revenue_retention(TWO, min_n=1, **MONTHS)
    assert said(kept).startswith("98 % in EUR, of the MRR of 4 customers was kept in April 2026 (35 to 100): ")
    assert said(kept).endswith("; with growth 98 % (35 to 104); 33.3 % in USD.")
    left = subscription_churn(TWO, min_n=1, **MONTHS)
    assert said(left).startswith("0 % in EUR, of 4 customers at the start of April 2026 left (0 to 49)")
    assert said(left).endswith("; 66.7 % in USD.")


def test_a_currency_whose_customers_left_long_ago_is_not_set_beside_the_last_month():
    gone = DOLLARS.assign(end=pd.Timestamp("2026-02-20", tz="UTC"))
    left = subscription_churn(pd.concat([BOOK, gone], ignore_index=True), min_n=1, **MONTHS)
    assert said(left).startswith("0 % in EUR, of 4 customers at the start of April 2026 left (0 to 49)")
    assert "USD" not in said(left)  # all three left in February


def test_money_of_a_roll_forward_is_written_with_as_many_digits_in_every_column():
    large = mrr_rollforward(pd.concat([BOOK, log("zoe z1 2026-01-10 - 1000")]), **MONTHS)
    assert "720.00" not in show(large, "x").html.split('class="foot"')[0]
    small = show(mrr_rollforward(BOOK, **MONTHS), "x").html.split('class="foot"')[0]
    assert "840.00" in small


def test_a_span_as_long_as_its_period_needs_no_column():
    assert "Followed from" not in show(revenue_retention(BOOK, min_n=1, **MONTHS), "x").html
    assert "Followed from" in show(revenue_retention(BOOK, span="2 months", min_n=1, **MONTHS), "x").html


def test_reasons_that_nobody_had_have_no_column():
    table = churn_reasons(ENDS, invoices=UNPAID, as_of="2026-05-01")
    html = show(table, "x").html
    assert "Voluntary" in html
    some = table.assign(dispute=0, not_churn=0)
    some.attrs = table.attrs
    assert "Dispute" not in show(some, "x").html.split('class="foot"')[0]


def test_the_share_of_all_who_were_there_has_a_column_where_somebody_was():
    rows = log("ann a1 2026-01-10 2026-02-10 10 billing_months=1")
    whole, months = (renewal_churn(rows, period=period, as_of="2026-03-01", min_n=1) for period in (None, "month"))
    assert "Of due, %" in show(whole, "x").html
    assert "Of all, %" not in show(whole, "x").html
    assert "Of all, %" in show(months, "x").html
