import numpy as np
import pandas as pd
import pytest

from metrics import (
    EventTableError,
    expansion_split,
    mrr_churn_rate,
    mrr_lines,
    mrr_movements,
    mrr_rollforward,
    revenue_retention,
    subscription_churn,
)
from metrics.intervals import wilson


def log(text):
    """Rows of subscriptions: customer, subscription, start, end (- runs), mrr, and further columns as name=value."""
    rows = []
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        customer, subscription, start, end, mrr, *more = line.split()
        rows.append({
            "customer_id": customer, "subscription_id": subscription, "start": start,
            "end": None if end == "-" else end, "mrr": float(mrr), "status": "active", "currency": "EUR",
            **dict(pair.split("=") for pair in more),
        })  # fmt: skip
    table = pd.DataFrame(rows)
    for name in ("start", "end", "recorded_at"):
        if name in table:
            table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    return table


def times(**columns):
    """A table whose columns that end in _at are instants."""
    table = pd.DataFrame(columns)
    for name in table:
        if name.endswith("_at"):
            table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    return table


def moved(table):
    return [
        f"{row.date:%m-%d} {row.customer_id} {row.kind} {row.amount:g}"
        for row in table.itertuples()
        if row.kind != "new"
    ]


def one(table, start):
    return table[table["period_start"] == start].iloc[0]


BOOK = log("""
    ann  a1  2025-12-01  -           100
    ben  b1  2025-12-10  2026-02-15   50
    ben  b2  2026-04-03  -            60   # comes back
    cat  c1  2026-01-05  2026-03-01  200
    cat  c1  2026-03-01  -           150   # on the first of a month: in that month
    dan  d1  2026-01-20  2026-01-28   80   # came and went
    eve  e1  2026-02-01  -            30
    eve  e2  2026-02-20  2026-04-10   20
    fay  f1  2026-03-31  -           500
""")
MONTHS = {"since": "2026-01-01", "as_of": "2026-05-01"}


def test_the_day_view_sees_who_came_and_went_and_the_edge_view_does_not():
    event, snapshot = (one(mrr_rollforward(BOOK, basis=b, **MONTHS), "2026-01-01") for b in ("event", "snapshot"))
    assert (event["new"], event["churn"], event["customers_new"], event["customers_churned"]) == (280, -80, 2, 1)
    assert (snapshot["new"], snapshot["churn"], snapshot["customers_new"]) == (200, 0, 1)
    assert event["closing"] == snapshot["closing"] == 350


def test_a_start_on_the_first_is_new_and_an_end_on_the_first_is_of_that_month():
    february, march = (one(mrr_rollforward(BOOK, **MONTHS), f"2026-0{k}-01") for k in (2, 3))
    assert february["customers_new"] == 1  # eve
    assert march["contraction"] == -50  # cat


def test_who_paid_before_is_back_and_not_new():
    april = one(mrr_rollforward(BOOK, **MONTHS), "2026-04-01")
    assert (april["reactivation"], april["customers_reactivated"], april["new"]) == (60, 1, 0)


def test_a_month_in_which_nothing_happened_has_its_row():
    table = mrr_rollforward(log("ann a1 2025-12-01 - 100"), since="2026-01-01", as_of="2026-04-01")
    assert table["closing"].tolist() == [100.0] * 3
    assert table[["new", "churn"]].sum().sum() == 0


def test_the_month_that_is_not_over_says_so():
    assert mrr_rollforward(BOOK, since="2026-04-01", as_of="2026-04-20")["complete"].tolist() == [False]


def test_changes_of_one_local_day_are_netted():
    rows = log("""
        ann  a1  2026-03-01  2026-03-31T21:00Z  100
        ann  a2  2026-03-31T22:30Z  -           120   # half past midnight in Berlin: the next day
    """)
    assert moved(mrr_movements(rows, as_of="2026-05-01")) == ["03-31 ann expansion 20"]
    assert moved(mrr_movements(rows, as_of="2026-05-01", tz="Europe/Berlin")) == [
        "03-31 ann churn -100", "04-01 ann reactivation 120",
    ]  # fmt: skip


def test_one_of_two_subscriptions_that_ends_is_a_contraction_of_the_customer_and_churn_of_the_subscription():
    rows = log("ann a1 2026-01-01 - 60\nann a2 2026-01-01 2026-02-10 40")
    assert moved(mrr_movements(rows, as_of="2026-03-01")) == ["02-10 ann contraction -40"]
    by_subscription = mrr_movements(rows, level="subscription", as_of="2026-03-01")
    assert by_subscription[["subscription_id", "kind"]].iloc[-1].tolist() == ["a2", "churn"]


PAUSE = log("""
    ann  a1  2026-01-01  2026-02-10  100
    ann  a1  2026-02-10  2026-03-10  100  status=paused
    ann  a1  2026-03-10  -           100
    ben  b1  2026-01-01  2026-02-10   40
    ben  b1  2026-02-10  -            40  status=paused    # still, after the 90 days of the limit
""")


def test_a_pause_is_a_movement_of_its_own_and_churn_on_the_day_of_the_limit():
    table = mrr_movements(PAUSE, as_of="2026-06-01")
    assert moved(table) == [
        "02-10 ann pause -100", "02-10 ben pause -40", "03-10 ann resume 100",
        "05-11 ben churn -40", "05-11 ben pause 40",
    ]  # fmt: skip
    may = one(mrr_rollforward(PAUSE, as_of="2026-06-01"), "2026-05-01")
    assert (may["churn"], may["pause"], may["closing"], may["customers_churned"]) == (-40, 40, 100, 1)


def test_a_pause_may_be_churn_or_stay_mrr_by_policy():
    churn = mrr_movements(PAUSE, paused="churn", as_of="2026-06-01")
    assert moved(churn) == ["02-10 ann churn -100", "02-10 ben churn -40", "03-10 ann reactivation 100"]
    assert moved(mrr_movements(PAUSE, paused="include", as_of="2026-06-01")) == ["05-11 ben churn -40"]
    assert moved(mrr_movements(PAUSE, paused="include", pause_limit=None, as_of="2026-06-01")) == []


def test_a_pause_that_goes_on_in_a_second_row_has_one_limit():
    rows = log("""
        ann  a1  2026-01-01  2026-02-10  100
        ann  a1  2026-02-10  2026-04-01  100  status=paused
        ann  a1  2026-04-01  2026-05-20  100  status=paused
        ann  a1  2026-05-20  -           120  status=paused   # begins when the limit has passed
    """)
    assert moved(mrr_movements(rows, as_of="2026-06-01"))[-2:] == ["05-11 ann churn -100", "05-11 ann pause 100"]


INVOICES = times(
    invoice_id=["i1", "i2", "i3"],
    customer_id=["ann", "ben", "cat"],
    subscription_id=["a1", "b1", "c1"],
    due_at=["2026-03-05", "2026-03-05", "2026-03-25"],
    paid_at=["2026-03-15", "2026-04-20", None],
)
THREE = log("ann a1 2025-12-05 - 100\nben b1 2025-12-05 - 100\ncat c1 2025-12-05 - 100")


def test_an_unpaid_invoice_is_at_risk_then_churn_after_its_grace_and_back_when_it_is_paid():
    table = mrr_movements(THREE, invoices=INVOICES, as_of="2026-05-01")
    assert moved(table) == ["03-20 ben churn -100", "04-09 cat churn -100", "04-20 ben reactivation 100"]
    assert table.loc[table["kind"] == "churn", "cause"].tolist() == ["involuntary"] * 2
    march = one(mrr_rollforward(THREE, invoices=INVOICES, as_of="2026-04-01"), "2026-03-01")
    assert (march["closing"], march["at_risk"]) == (200, 100)  # ben is gone, cat is late


def test_the_last_instant_of_the_grace_is_too_late_and_a_moment_before_is_not():
    for paid, gone in (("2026-03-20", False), ("2026-03-20T00:00:01Z", True)):
        invoices = INVOICES[:1].assign(
            paid_at=pd.Timestamp(paid).tz_localize("UTC") if "Z" not in paid else pd.Timestamp(paid)
        )
        table = mrr_rollforward(THREE[:1], invoices=invoices, as_of="2026-03-20T00:00:01Z", since="2026-03-01")
        assert (table["closing"].iloc[0] == 0) == gone


def test_without_invoices_the_state_past_due_says_since_when():
    rows = log("""
        ann  a1  2026-01-01  2026-02-01  100
        ann  a1  2026-02-01  2026-02-28  100  status=past_due   # longer than the grace
        ann  a1  2026-02-28  -           100
    """)
    assert moved(mrr_movements(rows, as_of="2026-04-01")) == ["02-16 ann churn -100", "02-28 ann reactivation 100"]
    assert moved(mrr_movements(rows, past_due_grace=None, as_of="2026-04-01")) == []


CANCELLATIONS = times(
    customer_id=["ann", "ben"],
    subscription_id=["a1", "b1"],
    requested_at=["2026-02-05", "2026-02-10"],
    effective_at=["2026-03-05", "2026-03-10"],
    withdrawn_at=[None, "2026-02-20"],
    ended_by=["customer", "customer"],
)


def test_churn_counts_from_the_effect_or_from_the_request():
    rows = log("ann a1 2026-01-05 2026-03-05 10\nben b1 2026-01-05 - 20")
    effective = mrr_movements(rows, cancellations=CANCELLATIONS, as_of="2026-04-01")
    assert moved(effective) == ["03-05 ann churn -10"]
    assert effective["cause"].dropna().tolist() == ["voluntary"]
    requested = mrr_movements(rows, cancellations=CANCELLATIONS, recognise="requested", as_of="2026-04-01")
    assert moved(requested) == ["02-05 ann churn -10", "02-10 ben churn -20", "02-20 ben reactivation 20"]
    with pytest.raises(ValueError, match="needs the requests"):
        mrr_movements(rows, recognise="requested", as_of="2026-04-01")


def test_an_end_that_is_planned_has_not_happened():
    rows = log("ann a1 2026-01-05 2026-03-05 10")
    assert mrr_rollforward(rows, as_of="2026-03-05")["closing"].iloc[-1] == 10
    assert mrr_rollforward(rows, as_of="2026-03-06")["closing"].iloc[-1] == 0


def test_a_closed_month_that_was_told_otherwise_is_restated():
    rows = log("""
        ann  a1  2026-01-05  -           10  recorded_at=2026-01-05
        ann  a1  2026-01-05  2026-02-20  10  recorded_at=2026-03-10   # told late
        ben  b1  2026-01-05  -           30  recorded_at=2026-01-05
    """)
    early, late = (mrr_rollforward(rows, as_of=day) for day in ("2026-03-01", "2026-04-01"))
    assert early["closing"].tolist() == [40, 40]
    assert late["closing"].tolist() == [40, 30, 30]
    assert late["restated"].tolist() == [False, True, False]  # in March it was known before the month was over
    assert mrr_rollforward(BOOK, **MONTHS)["restated"].isna().all()


def test_a_merged_customer_has_not_left():
    rows = log("old s1 2026-01-01 2026-03-10 100\nnew s2 2026-03-10 - 120")
    assert moved(mrr_movements(rows, merge={"old": "new"}, as_of="2026-04-01")) == ["03-10 new expansion 20"]
    with pytest.raises(ValueError, match="leads back to itself"):
        mrr_movements(rows, merge={"old": "new", "new": "old"}, as_of="2026-04-01")


def test_two_currencies_have_two_rows_and_one_currency_has_its_rate():
    rows = log("ann a1 2026-01-15 2026-02-15 100\nann a1 2026-02-15 - 110\nben b1 2026-01-20 - 200 currency=USD")
    table = mrr_rollforward(rows, since="2026-02-01", as_of="2026-03-01")
    assert table[["currency", "closing"]].to_numpy().tolist() == [["EUR", 110.0], ["USD", 200.0]]
    rates = pd.DataFrame({"currency": ["EUR", "EUR"], "date": ["2026-02-01", "2026-03-01"], "rate": [1.1, 1.2]})
    row = mrr_rollforward(rows, since="2026-02-01", as_of="2026-03-01", currency="USD", rates=rates).iloc[0]
    assert row[["opening", "expansion", "fx", "closing"]].astype(float).tolist() == pytest.approx([310, 11, 11, 332])
    by_customer = mrr_movements(rows, since="2026-02-01", as_of="2026-03-01", currency="USD", rates=rates)
    assert by_customer[["kind", "amount"]].to_numpy().tolist() == [
        ["expansion", pytest.approx(11)],
        ["fx", pytest.approx(11)],
    ]
    with pytest.raises(ValueError, match="none of EUR to USD is in force on 2026-02-01"):
        mrr_rollforward(rows, since="2026-02-01", as_of="2026-03-01", currency="USD", rates=rates[1:])


def test_thirds_of_a_cent_come_together_again():
    rows = pd.concat([log(f"c{k} s{k} 2026-01-05 - {100 / 12}") for k in range(1200)], ignore_index=True)
    assert mrr_rollforward(rows, as_of="2026-02-01")["closing"].item() == 10_000.0


def test_gross_retention_keeps_the_departed_and_caps_each_customer():
    table = revenue_retention(BOOK, min_n=1, **MONTHS)
    assert table["grr"].tolist() == pytest.approx([1, 300 / 350, 300 / 350, 780 / 800])
    grown = log("ann a1 2026-01-05 2026-02-05 100\nann a1 2026-02-05 - 300\nben b1 2026-01-05 2026-02-05 100")
    row = revenue_retention(grown, since="2026-02-01", as_of="2026-03-01", min_n=1).iloc[0]
    assert (row["grr"], row["nrr"]) == (0.5, 1.5)


def test_twelve_months_follow_one_cohort_and_are_no_product():
    rows = log("""
        ann  a1  2026-01-15  2026-02-15  100
        ben  b1  2026-02-10  2026-03-15  400   # not there at the start of the span
        cat  c1  2026-01-15  -           100
    """)
    one_month = revenue_retention(rows, since="2026-02-01", as_of="2026-04-01", min_n=1)
    two = revenue_retention(rows, span="2 months", since="2026-03-01", as_of="2026-04-01", min_n=1).iloc[0]
    assert two["nrr"] == 0.5
    assert one_month["nrr"].prod() == pytest.approx(0.1)
    assert str(two["span_start"].date()) == "2026-02-01"


def test_a_pause_is_no_loss_of_retention_and_a_return_counts_only_on_request():
    pause = revenue_retention(PAUSE, since="2026-02-01", as_of="2026-03-01", min_n=1).iloc[0]
    assert (pause["grr"], pause["nrr"]) == (1, 1)
    april = {"since": "2026-04-01", "as_of": "2026-05-01", "min_n": 1}
    assert revenue_retention(BOOK, **april)["nrr"].item() == pytest.approx(780 / 800)
    assert revenue_retention(BOOK, reactivation=True, **april)["nrr"].item() == pytest.approx(840 / 800)


def test_under_min_n_counts_stand_alone_and_an_unfinished_month_has_no_rate():
    table = revenue_retention(BOOK, since="2026-03-01", as_of="2026-04-20")
    assert table["reason"].tolist() == ["below_min_n", "incomplete_period"]
    assert table[["grr", "nrr", "gross_churn", "net_churn"]].isna().all(axis=None)
    assert table["customers_start"].tolist() == [3, 4]


def test_the_limits_of_net_retention_are_those_of_a_weighted_regression_and_never_narrower_than_of_gross():
    regression = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(3)
    paid = rng.choice([10.0, 20.0, 60.0], 80)
    now = np.round(paid * rng.choice([0, 0.5, 1, 1, 1, 2.5], 80), 2)
    rows = [log(f"c{k} s{k} 2026-01-05 2026-02-10 {paid[k]}\nc{k} s{k} 2026-02-10 - {now[k]}") for k in range(80)]
    row = revenue_retention(pd.concat(rows), since="2026-02-01", as_of="2026-03-01").iloc[0]
    fit = regression.WLS(now, paid, weights=1 / paid).fit(cov_type="HC1")
    assert row["nrr"] == pytest.approx(fit.params[0])
    assert [row["nrr_low"], row["nrr_high"]] == pytest.approx(fit.conf_int()[0].tolist())
    grr, alike = np.minimum(now, paid).sum() / paid.sum(), paid.sum() ** 2 / (paid**2).sum()
    assert row[["grr", "grr_low", "grr_high"]].tolist() == pytest.approx([grr, *map(float, wilson(grr * alike, alike))])
    shrunk = [log(f"c{k} s{k} 2026-01-05 2026-02-10 10\nc{k} s{k} 2026-02-10 - 9.5") for k in range(20)]
    row = revenue_retention(pd.concat(shrunk), since="2026-02-01", as_of="2026-03-01").iloc[0]
    assert row["nrr"] == row["grr"] == pytest.approx(0.95)
    assert row[["nrr_low", "nrr_high"]].tolist() == pytest.approx(row[["grr_low", "grr_high"]].tolist())


def test_more_of_the_same_is_upsell_and_something_else_beside_it_cross_sell():
    rows = log("""
        ann  a1  2026-01-05  2026-02-05  10  product_family=notes
        ann  a1  2026-02-05  -           25  product_family=notes
        ann  a2  2026-02-05  -            5  product_family=mail
        ben  b1  2026-01-05  2026-02-05  40  product_family=notes
        ben  b2  2026-02-05  -           30  product_family=mail      # swapped: expansion 0, contraction 10
    """)
    row = expansion_split(rows, since="2026-02-01", as_of="2026-03-01").iloc[0]
    assert (row["upsell"], row["cross_sell"], row["downsell"]) == (15, 35, -40)
    assert (row["expansion"], row["contraction"]) == (20, -10)


def test_who_pays_for_a_year_at_once_pays_less_a_month_and_has_not_shrunk():
    rows = log("ann a1 2026-01-05 2026-02-05 10 billing_months=1\nann a1 2026-02-05 - 8 billing_months=12")
    row = expansion_split(rows, since="2026-02-01", as_of="2026-03-01").iloc[0]
    assert (row["term_extension"], row["downsell"]) == (-2, 0)
    kept = {t: revenue_retention(rows, term_extension=t, since="2026-02-01", as_of="2026-03-01", min_n=1)["grr"].item()
            for t in ("contraction", "separate")}  # fmt: skip
    assert kept == {"contraction": 0.8, "separate": 1.0}


def test_rates_from_totals_are_not_capped_and_may_be_negative():
    totals = pd.DataFrame(
        {"opening": [1000.0, 0], "expansion": [120.0, 5], "contraction": [-20.0, 0], "churn": [-30.0, 0]}
    )
    table = mrr_churn_rate(totals)
    assert table.iloc[0][["gross_churn", "net_churn", "grr", "nrr"]].tolist() == pytest.approx(
        [0.05, -0.07, 0.95, 1.07]
    )
    assert table["reason"].iloc[1] == "zero_denominator"
    assert (
        mrr_churn_rate(mrr_rollforward(BOOK, since="2026-04-01", as_of="2026-04-20"))["reason"].item()
        == "incomplete_period"
    )


PRICES = pd.DataFrame({
    "interval": ["year", "week", "day", "month", "month", "month"],
    "interval_count": [1, 2, 30, 3, 1, 1],
    "unit_amount_minor": [12_000, 1_200, 7_300, 3_000, 500, 900],
    "quantity": [1, 1, 1, 2, 1, 0],
    "currency": ["EUR", "EUR", "EUR", "JPY", "KWD", "EUR"],
    "kind": ["recurring"] * 4 + ["metered", "recurring"],
})  # fmt: skip


def test_prices_of_any_interval_and_currency_become_money_a_month():
    table = mrr_lines(PRICES)
    expected = [10, 12 * 52 / 12 / 2, 73 * 365 / 12 / 30, 2000, 0, 0]
    assert table["mrr"].tolist() == pytest.approx(expected)
    assert table["billing_months"].tolist() == pytest.approx([12, 2 * 12 / 52, 30 * 12 / 365, 3, 1, 1])
    assert table["reason"].iloc[4:].tolist() == ["metered", "free"]
    assert mrr_lines(PRICES, weeks_per_month=4)["mrr"].iloc[1] == 24


def test_discounts_and_tax_follow_their_policy():
    row = PRICES.iloc[[3]].assign(
        currency="EUR", interval_count=1, unit_tax_minor=500, discount_percent=10, discount_duration="once"
    )
    assert mrr_lines(row)["mrr"].item() == 50
    assert mrr_lines(row, tax="include")["mrr"].item() == 60
    assert mrr_lines(row, discounts="all")["mrr"].item() == 45
    lasting = row.assign(discount_duration="forever", discount_amount_minor=99_999)
    assert mrr_lines(lasting)["mrr"].item() == 0  # never below nothing
    assert mrr_lines(lasting, discounts="none")["mrr"].item() == 50


def test_discounts_of_which_nothing_tells_how_long_they_last_are_told():
    rows = PRICES.iloc[[3, 3, 3, 3]].assign(
        currency="EUR",
        interval_count=1,
        discount_percent=[0, 10, 10, 10],
        discount_duration=[None, "ever", None, "once"],
    )
    told = r"subscriptions: 2 rows have a discount of no known discount_duration \(first: row 1, 'ever'\)"
    with pytest.warns(UserWarning, match=told):
        assert mrr_lines(rows)["mrr"].tolist() == [60, 60, 60, 60]
    with pytest.warns(UserWarning, match=r"3 rows have .* \(first: row 1, ''\)"):
        mrr_lines(rows.drop(columns="discount_duration"))
    for discounts in ("all", "none"):
        mrr_lines(rows, discounts=discounts)


def test_a_trial_needs_no_price_yet_and_brings_nothing():
    rows = PRICES.iloc[[3, 3, 0]].assign(status=["trialing", "trialing", "active"])
    rows.iloc[0, rows.columns.get_indexer(["interval", "unit_amount_minor"])] = None
    table = mrr_lines(rows)
    assert table["mrr"].tolist() == [0, 2000, 10]
    assert table["reason"].iloc[0] == "trial"
    assert table["reason"].isna().tolist() == [False, True, True]
    with pytest.raises(EventTableError, match="no unit_amount_minor"):
        mrr_lines(rows.assign(status="active", interval="month"))


@pytest.mark.parametrize(("change", "says"), [
    ({"interval": "fortnight"}, "an interval that is none of day, week, month, year"),
    ({"unit_amount_minor": None}, "no unit_amount_minor"),
    ({"currency": None}, "no currency"),
    ({"discount_percent": 120}, "discount_percent outside 0 to 100"),
    ({"discount_percent": "10 %"}, r"1 of 1 rows have a discount_percent that is no number \(first: row 0, '10 %'"),
    ({"quantity": "two"}, "a quantity that is no number"),
    ({"discount_amount_minor": -500}, r"a discount_amount_minor below 0, which would .* \(first: row 0, -500.0"),
    ({"unit_tax_minor": -190}, "a unit_tax_minor below 0 or above the price"),
    ({"unit_tax_minor": 99_999}, "a unit_tax_minor below 0 or above the price"),
])  # fmt: skip
def test_a_price_that_cannot_be_is_refused_with_its_row(change, says):
    with pytest.raises(EventTableError, match=says):
        mrr_lines(PRICES.iloc[:1].assign(**change))


def test_what_is_blank_in_a_column_of_text_is_as_if_it_were_not_there():
    told = mrr_lines(PRICES.iloc[[0, 0, 0]].assign(discount_percent=["", " ", None], unit_tax_minor=["0", None, ""]))
    assert told["mrr"].tolist() == mrr_lines(PRICES.iloc[[0, 0, 0]])["mrr"].tolist()


def test_times_with_two_offsets_of_one_zone_are_read_and_words_are_named():
    good = log("ann a1 2026-01-05 2026-04-05 10\nben b1 2026-01-05 2026-04-06 10")
    texts = good.assign(start=["2026-01-05T01:00:00+01:00", "2026-01-05T02:00:00+02:00"])
    pd.testing.assert_frame_equal(mrr_rollforward(texts, as_of="2026-05-01"), mrr_rollforward(good, as_of="2026-05-01"))
    for start, says in (
        (["2026-01-05T00:00:00Z", "soon"], r"'start' cannot be read \(first: row 1, 'soon'"),
        (["2026-01-05T00:00:00Z", "2026-01-05T00:00:00"], r"'start' cannot be read\. Write all of them"),
    ):
        with pytest.raises(EventTableError, match=says):
            mrr_rollforward(good.assign(start=start), as_of="2026-05-01")


def test_rows_that_cannot_be_are_refused():
    good = log("ann a1 2026-01-05 2026-02-05 10")
    for change, says in (
        ({"end": pd.Timestamp("2026-01-01", tz="UTC")}, "end before they start"), ({"mrr": -1.0}, "an mrr below 0"),
        ({"status": "asleep"}, "'asleep' is not known"), ({"customer_id": None}, "no customer_id"),
        ({"start": pd.Timestamp("2026-01-01")}, "have no zone"), ({"mrr": None}, "have no mrr"),
        ({"mrr": "10 EUR"}, "the mrr '10 EUR' is no number"),
    ):  # fmt: skip
        with pytest.raises(EventTableError, match=says):
            mrr_rollforward(good.assign(**change), as_of="2026-03-01")
    with pytest.raises(ValueError, match="'plan' is not a column of the table"):
        mrr_rollforward(good, by="plan", as_of="2026-03-01")
    with pytest.raises(ValueError, match="past_due_grace"):
        mrr_rollforward(good, past_due_grace=15, as_of="2026-03-01")


NOBODY = log("ann a1 2026-01-05 - 10").iloc[:0]


@pytest.mark.parametrize("metric", [mrr_rollforward, mrr_movements, revenue_retention, expansion_split])
@pytest.mark.parametrize("period", ["month", None])
def test_a_table_without_rows_is_nobody_and_no_error(metric, period):
    table = metric(NOBODY, period=period, as_of="2026-04-01")
    assert table.select_dtypes("number").fillna(0).to_numpy().sum() == 0


def test_what_a_trial_would_cost_may_be_unknown_and_what_is_paid_may_not():
    rows = log("ann a1 2026-01-05 2026-01-19 0 status=trialing\nann a1 2026-01-19 - 10")
    rows["mrr"] = rows["mrr"].mask(rows["status"] == "trialing")
    assert mrr_rollforward(rows, as_of="2026-02-01").loc[0, ["new", "closing"]].tolist() == [10, 10]
    for lost in (np.nan, np.inf):
        with pytest.raises(EventTableError, match=r"1 of 2 rows have no mrr \(first: row 1"):
            mrr_rollforward(rows.assign(mrr=[0, lost]), as_of="2026-02-01")


def test_a_row_recorded_later_needs_to_know_which_subscription_it_is_of():
    rows = log("ann a1 2026-01-05 - 10 recorded_at=2026-01-05\nben b1 2026-01-05 - 30 recorded_at=2026-01-06")
    with pytest.raises(EventTableError, match="no column subscription_id"):
        mrr_rollforward(rows.drop(columns="subscription_id"), as_of="2026-02-01")
    with pytest.raises(EventTableError, match="some rows have no subscription_id"):
        mrr_rollforward(rows.assign(subscription_id=None), as_of="2026-02-01")
    assert mrr_rollforward(rows, as_of="2026-02-01")["closing"].item() == 40
    with pytest.warns(UserWarning, match=r"1 start is told of several customers .* \(first: '1'\)"):
        assert mrr_rollforward(rows.assign(subscription_id=1.0), as_of="2026-02-01")["closing"].item() == 30
    same = mrr_rollforward(rows.assign(subscription_id="s"), merge={"ann": "ben"}, as_of="2026-02-01")
    assert same["closing"].item() == 30  # one customer, told anew


def test_ids_of_subscriptions_that_are_numbers_are_written_as_they_are_known():
    rows = log("ann a1 2026-01-05 - 10").assign(subscription_id=7.0)
    assert mrr_movements(rows, level="subscription", as_of="2026-02-01")["subscription_id"].item() == "7"


DUE = times(customer_id=["ann"], subscription_id=["a1"], due_at=["2026-01-10"], requested_at=["2026-01-10"])


@pytest.mark.parametrize(("more", "error", "says"), [
    ({"invoices": DUE.drop(columns="due_at")}, EventTableError, "invoices has no column due_at"),
    ({"invoices": DUE.drop(columns="customer_id")}, EventTableError, "has no column customer_id, but subscription_id"),
    ({"cancellations": DUE.drop(columns="customer_id")}, EventTableError, "has no column customer_id"),
    ({"cancellations": DUE.drop(columns="requested_at"), "recognise": "requested"}, ValueError, "needs requested_at"),
    ({"period": "hour"}, ValueError, "'hour' is no length in local days"),
    ({"currency": "EUR", "rates": pd.DataFrame({"currency": ["USD"], "date": ["2025-01-01"], "rate": [0.9]})},
     EventTableError, "some rows have no currency"),
])  # fmt: skip
def test_what_a_policy_needs_is_asked_for(more, error, says):
    with pytest.raises(error, match=says):
        subscription_churn(log("ann a1 2026-01-05 2026-02-01 10").assign(currency=None), as_of="2026-03-01", **more)


def test_blanks_around_a_currency_or_a_status_are_nothing():
    rows = log("ann a1 2026-01-05 - 10\nben b1 2026-01-05 - 30")
    table = mrr_rollforward(rows.assign(currency=["EUR", " eur "], status=["active ", "Active"]), as_of="2026-02-01")
    assert table["closing"].tolist() == [40]


def test_what_begins_and_ends_in_one_instant_or_one_day_was_never_there():
    rows = log("ann a1 2026-01-05 2026-01-05 10\nben b1 2026-01-05T08:00Z 2026-01-05T20:00Z 10\ncat c1 2026-01-09 - 7")
    assert mrr_movements(rows, as_of="2026-02-01")["customer_id"].tolist() == ["cat"]
    there = mrr_rollforward(rows, as_of="2026-02-01")
    assert there.loc[0, ["new", "customers_new", "churn", "closing"]].tolist() == [7, 1, 0, 7]


def test_a_day_of_the_change_of_clocks_is_one_day():
    rows = log("ann a1 2026-03-28T23:30Z 2026-03-29T22:30Z 10\nben b1 2026-03-29T21:30Z - 5")
    table = mrr_movements(rows, period="day", since="2026-03-29", tz="Europe/Berlin", as_of="2026-04-01")
    assert [f"{row.date:%d} {row.customer_id} {row.kind}" for row in table.itertuples()] == [
        "29 ann new", "29 ben new", "30 ann churn",
    ]  # fmt: skip


def test_an_argument_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(TypeError, match=r"mrr_movements\(\) has no argument 'by'. It has as_of, basis, period, "):
        mrr_movements(BOOK, by="plan", as_of="2026-05-01")
    with pytest.raises(ValueError, match="'plan' is not a column of the table") as caught:
        expansion_split(BOOK, by="plan", as_of="2026-05-01")
    assert "family" not in str(caught.value)


def test_what_ends_live_and_paused_on_one_day_is_one_churn():
    rows = log("""
        ann a1  2026-01-05  2026-03-10  10
        ann a2  2026-01-05  2026-02-01   7
        ann a2  2026-02-01  2026-03-10   7  status=paused
    """)
    table = mrr_movements(rows, since="2026-03-01", as_of="2026-04-01")
    assert table[["kind", "amount"]].values.tolist() == [["churn", -17.0], ["pause", 7.0]]
    assert mrr_rollforward(rows, since="2026-03-01", as_of="2026-04-01").loc[0, "customers_churned"] == 1


def test_a_pause_that_is_given_up_moves_its_customer_from_paused_to_churned():
    rows = log("ann a1 2026-01-05 2026-02-01 7\nann a1 2026-02-01 2026-03-10 7 status=paused")
    march = mrr_rollforward(rows, since="2026-03-01", as_of="2026-04-01").iloc[0]
    assert march[["churn", "pause", "closing"]].tolist() == [-7, 7, 0]
    heads = ["customers_start", "customers_churned", "customers_paused", "customers_end"]
    assert march[heads].tolist() == [0, 1, -1, 0]


def test_who_is_new_on_the_first_day_of_a_span_has_not_come_back():
    rows = log("ann a1 2026-01-05 - 10\nben b1 2026-02-01 - 10\ncat c1 2026-01-05 2026-01-20 5\ncat c1 2026-02-01 - 5")
    table = revenue_retention(rows, reactivation=True, min_n=1, since="2026-02-01", as_of="2026-03-01")
    assert table.loc[0, ["opening", "grr", "nrr"]].tolist() == [10, 1.0, 1.5]  # cat is back, ben is new


@pytest.mark.parametrize(("recorded", "restated"), [("2026-03-01", True), ("2026-02-28T23:59:59Z", False)])
def test_what_is_recorded_in_the_instant_a_month_ends_was_not_known_in_it(recorded, restated):
    rows = log(f"ann a1 2026-01-05 - 10 recorded_at=2026-01-05\nben b1 2026-02-10 - 10 recorded_at={recorded}")
    table = mrr_rollforward(rows, as_of="2026-04-01")
    assert table.set_index("period_start").loc["2026-02-01", "restated"] == restated


def test_who_rests_when_a_span_begins_has_not_come_back_when_the_pause_ends():
    rows = log("""
        ann a1  2026-01-05  -           10
        pam p1  2026-01-05  2026-01-20   8
        pam p1  2026-01-20  2026-02-10   8  status=paused
        pam p1  2026-02-10  -            8
    """)
    table = revenue_retention(rows, reactivation=True, min_n=1, since="2026-02-01", as_of="2026-03-01")
    assert table.loc[0, ["opening", "nrr"]].tolist() == [10, 1.0]


@pytest.mark.parametrize("row", ["ann a 2026-01-10 - 0", "ann a 2026-01-10T01:00 2026-01-10T02:00 9"])
@pytest.mark.parametrize(
    "metric", [mrr_movements, mrr_rollforward, revenue_retention, expansion_split, subscription_churn]
)
def test_where_nobody_pays_nothing_moves(metric, row):
    table = metric(log(row), since="2026-01-01", as_of="2026-02-15")
    if metric is mrr_movements:
        assert table.empty
    else:
        assert len(table) == 2
        counts = [name for name in table if name in ("closing", "customers_start", "opening", "expansion")]
        assert not table[counts].to_numpy().any()


def test_where_nobody_left_somebody_still_may():
    rows = log("\n".join(f"c{k} s{k} 2026-01-01 - 10" for k in range(20)))
    row = revenue_retention(rows, since="2026-02-01", as_of="2026-03-01").iloc[0]
    low, high = wilson(20, 20)
    assert row[["grr", "grr_low", "grr_high"]].tolist() == [1, low, high]
    assert row[["nrr", "nrr_low", "nrr_high"]].tolist() == [1, pytest.approx(low), 1]
    one = revenue_retention(rows[:1], since="2026-02-01", as_of="2026-03-01", min_n=1).iloc[0]
    assert one["grr_low"] == wilson(1, 1)[0]
    assert one[["nrr_low", "nrr_high"]].isna().all()  # of one customer nobody knows how much they differ
    assert (one["nrr"], one["reason"]) == (1, "nrr: one_user")
    two = revenue_retention(rows[:2], since="2026-02-01", as_of="2026-03-01", min_n=1).iloc[0]
    assert two[["nrr_low", "nrr_high"]].notna().all()
    assert pd.isna(two["reason"])
    few = revenue_retention(rows[:1], since="2026-02-01", as_of="2026-02-20", min_n=1)["reason"]
    assert few.tolist() == ["incomplete_period"]
    assert revenue_retention(rows[:1], since="2026-02-01", as_of="2026-03-01")["reason"].item() == "below_min_n"


@pytest.mark.parametrize(("spread", "loss"), [(0.0, 0.02), (1.0, 0.02), (1.0, 0.1)])
def test_limits_of_what_is_kept_hold_the_truth_as_often_as_they_say(spread, loss):
    rng, worlds, customers = np.random.default_rng(5), 500, 40
    n = worlds * customers
    left, grown = rng.random(n) < loss, rng.random(n) < 0.1
    rows = pd.DataFrame({
        "customer_id": [f"c{k}" for k in range(n)], "subscription_id": "s", "world": np.arange(n) // customers,
        "start": pd.Timestamp("2026-01-01", tz="UTC"), "mrr": (100 * rng.lognormal(0, spread, n)).round(2),
    })  # fmt: skip
    middle = pd.Timestamp("2026-02-10", tz="UTC")
    rows["end"] = pd.Series(middle, index=rows.index).where(left | grown)
    more = rows[grown & ~left].assign(start=middle, end=pd.NaT, mrr=lambda t: (1.5 * t["mrr"]).round(2))
    table = revenue_retention(pd.concat([rows, more]), by="world", since="2026-02-01", as_of="2026-03-01")
    for name, truth in (("grr", 1 - loss), ("nrr", (1 - loss) * 1.05)):
        assert ((table[f"{name}_low"] <= truth) & (table[f"{name}_high"] >= truth)).mean() > 0.91, name
