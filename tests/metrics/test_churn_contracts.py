import pandas as pd
import pytest

from metrics import (
    EventTableError,
    average_rate,
    churn_reasons,
    difference_interval,
    pause_outcomes,
    payment_recovery,
    renewal_churn,
    subscription_churn,
    trial_conversion,
)
from tests.metrics.test_revenue import log, one, times

MARCH = {"since": "2026-03-01", "as_of": "2026-04-01"}
TEN = log("\n".join(
    [f"c{k} s{k} 2026-01-01 {end} 10" for k, end in enumerate(["2026-03-05", "2026-03-18", "2026-03-10", *"-------"])]
    + ["c2 s2b 2026-03-22 - 10", "n1 n1 2026-03-02 2026-03-28 10", "n2 n2 2026-03-12 - 10"]
))  # fmt: skip


def test_three_denominators_of_one_month_are_named_and_differ():
    of_customers = subscription_churn(TEN, **MARCH).iloc[0]
    assert of_customers[["customers_start", "customers_churned", "customers_new"]].tolist() == [10, 2, 2]
    assert of_customers[["customers_churned_new", "customers_reactivated", "customers_end"]].tolist() == [1, 1, 9]
    assert (of_customers["churn_rate"], of_customers["retention_rate"]) == (0.2, 0.8)
    events = subscription_churn(TEN, counting="events", **MARCH).iloc[0]
    assert (events["customers_churned"], events["churn_rate"]) == (4, 0.4)
    assert events[["churn_rate_low", "churn_rate_high", "retention_rate"]].isna().all()
    more = subscription_churn(TEN, counting="events", denominator="opening_plus_new", **MARCH).iloc[0]
    assert (more["at_risk"], more["churn_rate"]) == (12, pytest.approx(1 / 3))
    assert subscription_churn(TEN, denominator="average", **MARCH)["at_risk"].item() == 9.5


def test_who_is_paused_has_not_churned_and_a_foreseen_end_is_in_neither_part():
    rows = log("""
        ann  a1  2026-01-01  2026-03-10  10
        ann  a1  2026-03-10  -           10  status=paused
        ben  b1  2026-01-01  2026-03-20  30
        cat  c1  2026-01-01  -           60
    """)
    ends = times(customer_id=["ben"], subscription_id=["b1"], requested_at=[None], effective_at=["2026-03-20"],
                 withdrawn_at=[None], ended_by=["term_end"])  # fmt: skip
    row = subscription_churn(rows, min_n=1, **MARCH).iloc[0]
    assert (row["customers_paused"], row["customers_churned"], row["mrr_churn_rate"]) == (1, 1, 0.3)
    row = subscription_churn(rows, cancellations=ends, min_n=1, **MARCH).iloc[0]
    assert (row["at_risk"], row["customers_churned"], row["mrr_start"], row["churn_rate"]) == (2, 0, 70, 0)


def test_a_pause_without_return_is_told_by_its_policy_and_the_definition_says_so():
    rows = log("""
        ann  a1  2026-01-01  2026-02-10  10
        ann  a1  2026-02-10  -           10  status=paused   # 90 days later, on 11 May, it is churn
        ben  b1  2026-01-01  -           30
    """)
    said = "Customers paused at the start are in neither, also if the pause ends in churn."
    for more, gone, told in (
        ({}, [], True), ({"counting": "events"}, ["2026-05-01"], False), ({"paused": "churn"}, ["2026-02-01"], False),
        ({"paused": "include"}, ["2026-05-01"], False),
    ):  # fmt: skip
        table = subscription_churn(rows, min_n=1, as_of="2026-07-01", **more)
        assert table.loc[table["customers_churned"] > 0, "period_start"].astype("str").tolist() == gone
        assert (said in table.attrs["definition"]) == told


@pytest.mark.parametrize(("causes", "churned"), [(["term_end", "customer"], 1), (["customer", "term_end"], 0)])
def test_of_two_ends_in_a_period_the_last_says_whether_it_was_foreseen(causes, churned):
    rows = log("""
        ann  a1  2026-01-01  2026-03-05  10
        ann  a1  2026-03-10  2026-03-20  10   # came back, and left again
        ben  b1  2026-01-01  -           30
    """)
    ends = times(customer_id=["ann", "ann"], subscription_id="a1", requested_at=["2026-03-05", "2026-03-20"],
                 effective_at=["2026-03-05", "2026-03-20"], withdrawn_at=[None, None], ended_by=causes)  # fmt: skip
    row = subscription_churn(rows, cancellations=ends, min_n=1, **MARCH).iloc[0]
    assert row[["customers_churned", "at_risk", "mrr_churned"]].tolist() == [churned, 1 + churned, 10 * churned]


def test_few_customers_have_counts_and_no_rate():
    row = subscription_churn(TEN, min_n=11, **MARCH).iloc[0]
    assert (row["reason"], row["customers_churned"]) == ("below_min_n", 2)
    assert row[["churn_rate", "churn_rate_low", "retention_rate", "mrr_churn_rate"]].isna().all()


def test_churn_of_yearly_plans_is_over_those_who_could_leave():
    rows = log("""
        ann  a1  2025-06-10  -           10  billing_months=12
        ben  b1  2025-06-20  2026-06-20  10  billing_months=12
        cat  c1  2025-09-01  -           10  billing_months=12   # not due
        dan  d1  2025-06-05  2026-02-01  10  billing_months=12   # left within the term
    """)
    row = renewal_churn(rows, since="2026-06-01", as_of="2026-07-01", min_n=1).iloc[0]
    assert row[["due", "renewed", "not_renewed", "active"]].tolist() == [2, 1, 1, 3]
    assert (row["rate_of_due"], row["rate_of_active"]) == (0.5, pytest.approx(1 / 3))


def test_a_failed_payment_starts_no_new_term_and_the_31st_ends_with_a_short_month():
    rows = log("""
        ann  a1  2026-01-31  2026-02-28  10  billing_months=1
        ann  a1  2026-02-28  2026-03-03  10  billing_months=1  status=past_due
        ann  a1  2026-03-03  -           10  billing_months=1
    """)
    table = renewal_churn(rows, as_of="2026-05-01", min_n=1)
    assert table["due"].tolist() == [0, 1, 1, 1]  # 28 February, 31 March, 30 April
    assert table["not_renewed"].sum() == 0


def test_a_term_that_ends_at_as_of_is_not_due_yet():
    rows = log("ann a1 2026-01-10 - 10 billing_months=1")
    assert renewal_churn(rows, as_of="2026-02-10", min_n=1)["due"].sum() == 0
    assert renewal_churn(rows, as_of="2026-02-10T00:00:01", min_n=1)["due"].sum() == 1


ENDS = times(
    customer_id=["ann", "ben", "cat", "dan", "eve", "fay", "gus", "hal"],
    subscription_id=["a", "b", "c", "d", "e", "f", "g", "h"],
    requested_at=[None] * 8,
    effective_at=[f"2026-03-{day}" for day in (10, 12, 15, 20, 21, 25, 26, 27)],
    withdrawn_at=[None] * 6 + ["2026-03-20", None],
    ended_by=["customer", "system", "customer", "dispute", None, "term_end", "customer", "system"],
)
UNPAID = times(
    invoice_id=["i1", "i2"], customer_id=["ben", "cat"], subscription_id=["b", "c"],
    due_at=["2026-02-25", "2026-03-01"], paid_at=[None, None],
)  # fmt: skip


def test_who_ended_it_decides_also_while_a_payment_is_late():
    table = churn_reasons(ENDS, invoices=UNPAID, by="customer_id", period=None, as_of="2026-05-01")
    told = {row.customer_id: c for row in table.itertuples() for c in table.columns[2:] if getattr(row, c) == 1}
    assert told == {
        "ann": "voluntary", "ben": "involuntary", "cat": "voluntary", "dan": "dispute", "eve": "unknown",
        "fay": "not_churn", "hal": "unknown",
    }  # fmt: skip
    assert churn_reasons(ENDS, as_of="2026-04-01")["involuntary"].item() == 0
    with pytest.raises(ValueError, match="'boss' is not known"):
        churn_reasons(ENDS.assign(ended_by="boss"), as_of="2026-04-01")


def test_with_subscriptions_the_money_stands_beside_and_who_still_pays_is_left_out():
    rows = log("ann a 2026-01-01 2026-03-10 30\nben b 2026-01-01 2026-03-12 20\nben b2 2026-01-01 - 99")
    row = churn_reasons(ENDS[:2], subscriptions=rows, as_of="2026-04-01").iloc[0]
    assert row[["customers", "voluntary", "mrr_voluntary", "mrr_unknown"]].tolist() == [1, 1, 30.0, 0.0]


TRIALS = log("""
    t1  t1  2026-04-20  2026-05-04  10  status=trialing
    t1  t1  2026-05-04  -           10
    t2  t2  2026-04-25  2026-05-09  10  status=trialing
    t3  t3  2026-05-01  2026-05-15  10  status=trialing
    t3  t3  2026-05-15  -           10
    t4  t4  2026-05-10  2026-05-24  10  status=trialing
    t4  t4  2026-05-24  -            0                    # to a free plan
    t7  t7  2026-05-22  -           10  status=trialing
""")


def test_trials_are_told_by_their_start_or_by_their_end():
    cohort = one(trial_conversion(TRIALS, as_of="2026-06-05", min_n=1), "2026-05-01")
    assert cohort[["started", "ended", "converted", "still_in_trial"]].tolist() == [3, 2, 1, 1]
    assert (cohort["conversion_rate"], cohort["converted_share"], cohort["median_days"]) == (
        0.5,
        pytest.approx(1 / 3),
        14,
    )
    ended = one(trial_conversion(TRIALS, method="ended", as_of="2026-06-05", min_n=1), "2026-05-01")
    assert ended[["ended", "converted"]].tolist() == [4, 2]


def test_each_rate_that_is_missing_has_its_reason():
    rows = log("ann a1 2026-05-20 - 10 status=trialing")
    assert trial_conversion(rows, as_of="2026-06-05", min_n=1)["reason"].tolist() == [
        "conversion_rate: zero_denominator", "conversion_rate: incomplete_period; converted_share: incomplete_period",
    ]  # fmt: skip


PAUSES = log("""
    ann  a1  2026-01-01  2026-02-01  10
    ann  a1  2026-02-01  2026-03-01  10  status=paused
    ann  a1  2026-03-01  -           12                  # back, with more
    ben  b1  2026-01-01  2026-02-01  20
    ben  b1  2026-02-01  -           20  status=paused   # not back
    cat  c1  2026-01-01  2026-02-01  30
    cat  c2  2026-05-02  -           30                  # back exactly 90 days later: too late
    dan  d1  2026-01-01  -           40
    eve  e1  2026-01-01  2026-05-01  50
""")
ASKED = times(
    customer_id=["ann", "ben", "cat", "dan", "eve"], subscription_id=["a1", "b1", "c1", "d1", "e1"],
    requested_at=["2026-01-20"] * 4 + ["2026-04-20"], effective_at=["2026-02-01"] * 4 + ["2026-05-01"],
    withdrawn_at=[None, None, None, "2026-01-25", None], outcome=["paused", "paused", "cancelled", "kept", "cancelled"],
)  # fmt: skip


def test_pauses_and_cancellations_are_watched_for_as_long():
    row = pause_outcomes(PAUSES, cancellations=ASKED, period=None, as_of="2026-06-01", min_n=1).iloc[0]
    assert row[["entered", "paused", "cancelled", "kept"]].tolist() == [5, 2, 2, 1]
    assert row[["paused_followed", "resumed", "cancelled_followed", "returned"]].tolist() == [2, 1, 1, 0]
    assert (row["take_rate"], row["resume_rate"], row["difference"], row["mrr_kept"]) == (0.4, 0.5, 0.5, 12)
    limits = difference_interval(successes_a=1, n_a=2, successes_b=0, n_b=1).iloc[0]
    assert row[["difference_low", "difference_high"]].tolist() == limits[["difference_low", "difference_high"]].tolist()


def test_a_pause_of_a_later_time_makes_no_outcome_of_what_was_withdrawn_or_had_ended():
    rows = log("""
        ann  a1  2026-01-01  2026-05-10  10
        ann  a1  2026-05-10  -           10  status=paused   # two months after the request was withdrawn
        ben  b1  2026-01-01  2026-03-20  10
        ben  b2  2026-04-20  2026-05-01  10                  # came back, and paused then
        ben  b2  2026-05-01  -           10  status=paused
        cat  c1  2026-01-01  2026-03-20  10
        cat  c1  2026-03-20  -           10  status=paused   # on the day on which it was to end
    """)
    asked = times(customer_id=["ann", "ben", "cat"], requested_at=["2026-03-05"] * 3, effective_at=["2026-03-20"] * 3,
                  withdrawn_at=["2026-03-08", None, None])  # fmt: skip
    row = pause_outcomes(rows, cancellations=asked.assign(subscription_id=None), period=None, as_of="2026-06-01").iloc[
        0
    ]
    assert row[["entered", "paused", "cancelled", "kept"]].tolist() == [3, 1, 1, 1]


def test_an_outcome_that_is_not_told_is_read_from_what_happened():
    without = ASKED.drop(columns="outcome").assign(
        effective_at=ASKED["effective_at"].where(ASKED["customer_id"] > "b~")
    )
    row = pause_outcomes(PAUSES, cancellations=without, period=None, as_of="2026-06-01", min_n=1).iloc[0]
    assert row[["paused", "cancelled", "kept"]].tolist() == [2, 2, 1]


def test_whose_follow_up_is_not_over_is_in_no_rate():
    row = pause_outcomes(PAUSES, cancellations=ASKED, period=None, as_of="2026-05-01", min_n=1).iloc[0]
    assert row[["paused_followed", "cancelled_followed"]].tolist() == [0, 0]
    assert row["reason"] == "resume_rate: immature; return_rate: immature; difference: immature"


ATTEMPTS = times(
    invoice_id=["i1", "i1", "i1", "i2", "i2", "i3", "i4"],
    attempted_at=[f"2026-05-{day:02}" for day in (1, 2, 4, 1, 3, 1, 1)],
    result=["failed", "failed", "succeeded", "failed", "succeeded", "failed", "succeeded"],
)


def test_recovery_is_per_invoice_and_not_per_attempt():
    amounts = pd.DataFrame({"invoice_id": ["i1", "i2", "i3", "i4"], "amount_due_minor": [100, 50, 200, 100]})
    row = payment_recovery(ATTEMPTS, invoices=amounts, as_of="2026-06-01", min_n=1).iloc[0]
    assert row[["invoices", "failed", "recovered", "attempts"]].tolist() == [4, 3, 2, 7]
    assert (row["failure_rate"], row["recovery_rate"], row["net_loss_rate"]) == (0.75, pytest.approx(2 / 3), 0.25)
    assert (row["recovery_rate_amount"], row["attempt_failure_rate"]) == (
        pytest.approx(150 / 350),
        pytest.approx(4 / 7),
    )
    assert row["median_days"] == 2.5


def test_amounts_of_two_currencies_are_never_added():
    amounts = pd.DataFrame(
        {"invoice_id": ["i1", "i2", "i3"], "amount_due_minor": 100, "currency": ["EUR", "USD", "EUR"]}
    )
    row = payment_recovery(ATTEMPTS, invoices=amounts, as_of="2026-06-01", min_n=1).iloc[0]
    assert row["reason"] == "recovery_rate_amount: mixed_currencies"
    by_currency = payment_recovery(ATTEMPTS, invoices=amounts, by="currency", as_of="2026-06-01", min_n=1)
    assert by_currency["recovery_rate_amount"].tolist()[:2] == [0.5, 1.0]


def test_what_was_tried_after_as_of_is_not_known():
    row = payment_recovery(ATTEMPTS, as_of="2026-05-02", min_n=1).iloc[0]
    assert row[["failed", "recovered", "attempts"]].tolist() == [3, 0, 4]
    with pytest.raises(ValueError, match="'maybe' is not known"):
        payment_recovery(ATTEMPTS.assign(result="maybe"), as_of="2026-06-01")


def test_a_rate_over_months_is_a_ratio_of_sums():
    months = pd.DataFrame({"lost": [10, 1, 5], "start": [100, 20, 50], "complete": [True, True, False]})
    row = average_rate(months, count="lost", base="start").iloc[0]
    assert (row["periods"], row["lost"], row["start"], row["rate"]) == (2, 11, 120, pytest.approx(11 / 120))
    assert average_rate(months, count="lost", base="start", weighted=False)["rate"].item() == pytest.approx(0.075)
    assert average_rate(months[:0], count="lost", base="start")["reason"].item() == "zero_denominator"


def test_every_limit_of_a_rate_is_that_of_statsmodels():
    oracle = pytest.importorskip("statsmodels.stats.proportion")
    churn = subscription_churn(TEN, **MARCH).iloc[0]
    paid = payment_recovery(ATTEMPTS, as_of="2026-06-01", min_n=1).iloc[0]
    trial = one(trial_conversion(TRIALS, as_of="2026-06-05", min_n=1), "2026-05-01")
    for row, name, part, whole in (
        (churn, "churn_rate", "customers_churned", "at_risk"), (paid, "failure_rate", "failed", "invoices"),
        (paid, "recovery_rate", "recovered", "failed"), (trial, "conversion_rate", "converted", "ended"),
    ):  # fmt: skip
        limits = oracle.proportion_confint(row[part], row[whole], method="wilson")
        assert row[[f"{name}_low", f"{name}_high"]].astype(float).tolist() == pytest.approx(list(limits))
    asked = pause_outcomes(PAUSES, cancellations=ASKED, period=None, as_of="2026-06-01", min_n=1).iloc[0]
    limits = oracle.confint_proportions_2indep(1, 2, 0, 1, method="newcomb", compare="diff")
    assert asked[["difference_low", "difference_high"]].astype(float).tolist() == pytest.approx(list(limits))


def test_rows_of_nobody_are_refused_and_so_are_ends_without_a_day():
    tries = times(invoice_id=["i1", None], attempted_at=["2026-05-01", "2026-05-02"], result=["failed", "succeeded"])
    with pytest.raises(EventTableError, match=r"attempts: 1 of 2 rows have no invoice_id \(first: row 1"):
        payment_recovery(tries, as_of="2026-06-01")
    ends = times(customer_id=["ann", None, None], effective_at=["2026-05-01"] * 3, ended_by="customer")
    with pytest.raises(EventTableError, match="cancellations: 2 of 3 rows have no customer_id"):
        churn_reasons(ends, as_of="2026-06-01")
    with pytest.raises(ValueError, match="neither effective_at nor requested_at"):
        churn_reasons(ends.drop(columns="effective_at"), as_of="2026-06-01")
