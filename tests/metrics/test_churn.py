import numpy as np
import pandas as pd
import pytest

from metrics import churn_rate, convert_rate, customer_churn_rate, customer_retention_rate, event_log

LOG = event_log("""
    2026-01-20  ann    use       # active on 1 February, comes again
    2026-02-20  ann    use
    2026-01-25  ben    use       # active on 1 February, never again
    2026-01-02  edge   use       # exactly 30 days before 1 February: still active
    2026-01-01 23:59:59.999  out  use    # a millisecond more: not
    2026-02-10  new    use
    2025-12-01  back   use
    2026-02-15  back   use       # was away, is back
    2026-02-03  short  use       # joined and gone within the month
    2026-03-20  late   use
""")


def monthly(log=LOG, as_of="2026-04-01", **options):
    return churn_rate(log, inactive_for="30 days", as_of=as_of, min_n=1, **options)


def row(table, start):
    return table[table["period_start"] == start].iloc[0]


def test_the_active_at_the_start_who_are_silent_at_the_end_have_churned():
    february = row(monthly(), "2026-02-01")
    assert february["users"] == 3  # ann, ben, edge
    assert february["churned"] == 2
    assert february["churn_rate"] == pytest.approx(2 / 3)


def test_new_and_returned_are_counted_apart_and_lead_to_the_next_opening():
    table = monthly()
    february, march = row(table, "2026-02-01"), row(table, "2026-03-01")
    assert (february["new"], february["reactivated"]) == (2, 1)  # new and short; back
    opening = table["users"] + table["new"] + table["reactivated"] - table["churned"]
    assert opening.iloc[:-1].tolist() == table["users"].iloc[1:].tolist()
    assert march["users"] == 4


def test_a_month_that_is_not_over_has_counts_and_no_rate():
    march = row(monthly(as_of="2026-03-25"), "2026-03-01")
    assert not march["complete"]
    assert march["reason"] == "incomplete_period"
    assert np.isnan([march["churn_rate"], march["churn_rate_low"], march["churn_rate_high"]]).all()
    assert march["users"] == 4


def test_nobody_lost_is_0_and_nobody_there_is_missing_with_a_reason():
    table = monthly()
    assert row(table, "2025-12-01")["reason"] == "zero_denominator"
    assert np.isnan(row(table, "2025-12-01")["churn_rate"])
    kept = monthly(event_log("2026-01-25 ann use\n2026-02-25 ann use"), as_of="2026-03-01")
    assert row(kept, "2026-02-01")["churn_rate"] == 0.0


def test_over_few_users_the_rate_is_held_back():
    table = churn_rate(LOG, inactive_for="30 days", as_of="2026-04-01")
    february = row(table, "2026-02-01")
    assert february["reason"] == "below_min_n"
    assert np.isnan(february["churn_rate"])
    assert february["churned"] == 2


def test_months_begin_at_local_midnight():
    log = event_log("2026-01-31 23:30 ann use", tz="Europe/Berlin")
    options = {"inactive_for": "1 day", "as_of": "2026-03-01", "min_n": 1}
    assert row(churn_rate(log, tz="Europe/Berlin", **options), "2026-02-01")["users"] == 1
    assert row(churn_rate(log, tz="Asia/Tokyo", **options), "2026-02-01")["users"] == 0


def test_one_range_may_stand_for_all():
    table = monthly(period=None, since="2026-02-01", until="2026-03-01")
    assert table[["users", "churned", "complete"]].iloc[0].tolist() == [3, 2, True]
    assert "period_start" not in table
    with pytest.raises(ValueError, match="Give both"):
        monthly(period=None)
    cut = monthly(period=None, since="2026-02-01", until="2026-05-01")
    assert cut["reason"].item() == "incomplete_period"


def test_only_the_activity_asked_for_counts():
    log = event_log("2026-01-20 ann use\n2026-02-20 ann mail\n2026-02-20 ben use")
    assert row(monthly(log, event="use"), "2026-02-01")["churned"] == 1
    assert row(monthly(log), "2026-02-01")["churned"] == 0


def test_every_period_of_the_range_has_its_row_also_without_rows():
    table = churn_rate(LOG[:0], as_of="2026-03-01", since="2026-01-01")
    assert table["period_start"].dt.month.tolist() == [1, 2]
    assert (table["users"] == 0).all()
    assert len(churn_rate(LOG[:0], as_of="2026-03-01")) == 0


def test_it_agrees_with_a_count_in_plain_pandas():
    rng = np.random.default_rng(3)
    log = pd.DataFrame({
        "user_id": rng.integers(0, 60, 500).astype(str), "event": "use",
        "timestamp": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.uniform(0, 150, 500), unit="D"),
    })  # fmt: skip
    table = churn_rate(log, inactive_for="20 days", period="week", as_of="2026-06-01", min_n=1)
    for _, got in table[table["complete"]].iterrows():
        begin = got["period_start"].tz_localize("UTC")
        end = begin + pd.Timedelta(days=7)
        active = [
            set(log[(log["timestamp"] >= t - pd.Timedelta(days=20)) & (log["timestamp"] < t)]["user_id"])
            for t in (begin, end)
        ]
        assert (got["users"], got["churned"]) == (len(active[0]), len(active[0] - active[1]))


# --- counts


def test_15_of_100_lost_is_15_per_cent_and_not_667():
    table = customer_churn_rate(customers_start=100, customers_lost=15)
    assert table["churn_rate"].item() == 0.15
    assert table["retention_rate"].item() == 0.85
    assert table["churn_rate_low"].item() == pytest.approx(0.0931, abs=1e-4)


def test_105_with_20_new_of_100_is_85_per_cent_and_not_125():
    table = customer_retention_rate(customers_start=100, customers_end=105, customers_new=20)
    assert table["retention_rate"].item() == 0.85
    assert table["churn_rate"].item() == pytest.approx(0.15)


def test_those_lost_who_had_just_joined_or_came_back_are_no_loss_of_the_opening():
    table = customer_churn_rate(customers_start=100, customers_lost=15, lost_among_new=5, lost_and_returned=2)
    assert table["churn_rate"].item() == 0.08


def test_nobody_lost_is_0_and_nobody_there_is_missing():
    assert customer_churn_rate(customers_start=25, customers_lost=0)["churn_rate"].item() == 0.0
    nobody = customer_churn_rate(customers_start=0, customers_lost=0)
    assert np.isnan(nobody["churn_rate"].item())
    assert nobody["reason"].item() == "zero_denominator"
    assert customer_retention_rate(customers_start=0, customers_end=3, customers_new=3)["reason"].item()


@pytest.mark.parametrize(
    ("function", "counts", "message"),
    [
        (customer_churn_rate, {"customers_start": 100, "customers_lost": 120}, "a rate above 1"),
        (customer_churn_rate, {"customers_start": 100, "customers_lost": -1}, "are not counts"),
        (customer_churn_rate, {"customers_start": 100, "customers_lost": 1, "lost_among_new": 2}, "parts of it"),
        (customer_retention_rate, {"customers_start": 10, "customers_end": 30, "customers_new": 5}, "a rate above 1"),
        (customer_retention_rate, {"customers_start": 10, "customers_end": 3, "customers_new": 5}, "is more than"),
        (customer_retention_rate, {"customers_start": 1.5, "customers_end": 3, "customers_new": 2}, "are not counts"),
    ],
)
def test_impossible_counts_are_refused_with_a_remedy(function, counts, message):
    with pytest.raises(ValueError, match=message):
        function(**counts)


def test_rates_compound_and_are_never_divided_by_12():
    assert convert_rate(0.15, from_period="month", to_period="year")["churn_rate"].item() == pytest.approx(0.8577582)
    a_month = convert_rate(0.85, from_period="year", to_period="month", kind="retention")
    assert a_month["churn_rate"].item() == pytest.approx(0.01345194701)
    with pytest.raises(ValueError, match=r"Write 15 % as 0\.15"):
        convert_rate(15, from_period="month", to_period="year")


def test_a_range_that_is_not_observed_yet_has_no_periods():
    assert len(monthly(since="2026-04-15", as_of="2026-03-20")) == 0
    assert len(monthly(until="2025-03-03")) == 0
    with pytest.raises(ValueError, match="nothing of the range is observed yet"):
        monthly(period=None, since="2026-04-15", until="2026-05-01", as_of="2026-03-20")


def test_a_row_from_the_year_1_does_not_fill_the_memory():
    old = pd.DataFrame({"user_id": ["x"], "event": ["use"], "timestamp": [pd.Timestamp("0001-01-01", tz="UTC")]})
    log = pd.concat([old.astype({"timestamp": "datetime64[us, UTC]"}), LOG], ignore_index=True)
    table = churn_rate(log, inactive_for="30 days", period="day", as_of="2026-04-01", min_n=1)
    assert row(table, "2026-02-01")["users"] == 3


def test_somebody_first_seen_at_the_very_start_of_a_period_is_new_in_it():
    log = event_log("2026-02-01 ann use\n2026-01-31 23:59:59.999 ben use")
    february = row(monthly(log, as_of="2026-03-01"), "2026-02-01")
    assert february[["users", "new", "reactivated"]].tolist() == [1, 1, 0]
