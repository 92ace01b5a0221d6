"""What holds for every history of subscribers: against a reckoning by hand, day by day."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import expansion_split, mrr_movements, mrr_rollforward, revenue_retention, subscription_churn
from tests.metrics.subscriptions_by_hand import AS_OF, DAYS, FIRST, lives, movements, whole_days

KINDS = ["new", "reactivation", "expansion", "contraction", "churn", "pause", "resume"]
SEEDS = st.integers(0, 10_000)
few = settings(deadline=None, max_examples=3)
RANGE = {"since": "2026-01-01", "as_of": AS_OF, "past_due_grace": None}


def month_ends():
    days = pd.date_range(FIRST, periods=DAYS, freq="D")
    return [k for k in range(DAYS) if k == DAYS - 1 or days[k + 1].day == 1]


def summed(found, keys=("period", "who", "kind")):
    table = pd.DataFrame(found, columns=["period", "who", "kind", "amount"])
    sums = table.groupby(list(keys))["amount"].sum()
    return sums[sums.abs() > 1e-6].sort_index()


@few
@given(seed=SEEDS)
def test_movements_by_day_are_those_reckoned_by_hand(seed):
    rows = lives(seed)
    table = mrr_movements(rows, period="day", **RANGE)
    told = table.assign(period=(table["date"] - FIRST.tz_localize(None)).dt.days, who=table["customer_id"])
    by_hand = summed(movements(*whole_days(rows), range(DAYS)))
    pd.testing.assert_series_equal(summed(told[["period", "who", "kind", "amount"]].to_numpy().tolist()), by_hand)


@few
@given(seed=SEEDS)
def test_movements_between_the_edges_of_months_are_those_reckoned_by_hand(seed):
    rows = lives(seed)
    table = mrr_movements(rows, basis="snapshot", **RANGE)
    told = table.assign(period=table["period_start"].dt.month - 1, who=table["customer_id"])
    by_hand = summed(movements(*whole_days(rows), month_ends()))
    pd.testing.assert_series_equal(summed(told[["period", "who", "kind", "amount"]].to_numpy().tolist()), by_hand)


@few
@given(seed=SEEDS, basis=st.sampled_from(["event", "snapshot"]))
def test_opening_and_movements_are_the_closing_and_heads_add_up_too(seed, basis):
    table = mrr_rollforward(lives(seed), basis=basis, **RANGE)
    moved = table[[*KINDS, "fx"]].sum(axis=1)
    assert (table["opening"] + moved - table["closing"]).abs().max() < 0.005
    assert table["opening"].iloc[1:].tolist() == table["closing"].iloc[:-1].tolist()
    heads = (
        table["customers_start"] + table["customers_new"] + table["customers_reactivated"] + table["customers_resumed"]
        - table["customers_churned"] - table["customers_paused"]
    )  # fmt: skip
    assert heads.tolist() == table["customers_end"].tolist()
    live, _ = whole_days(lives(seed))
    for closing, end, day in zip(table["closing"], table["customers_end"], month_ends(), strict=True):
        assert closing == pytest.approx(sum(days[day] for days in live.values()))
        assert end == sum(days[day] > 0 for days in live.values())


@few
@given(seed=SEEDS, policy=st.sampled_from(["separate", "churn", "include"]), grace=st.sampled_from([None, "15 days"]))
def test_both_bases_net_to_the_same_under_every_policy(seed, policy, grace):
    options = {**RANGE, "paused": policy, "past_due_grace": grace, "by": "plan"}
    event, snapshot = (mrr_rollforward(lives(seed), basis=basis, **options) for basis in ("event", "snapshot"))
    same = ["period_start", "plan", "opening", "closing", "customers_start", "customers_end", "at_risk", "arpa"]
    pd.testing.assert_frame_equal(event[same], snapshot[same], check_like=True)
    net = [table[[*KINDS, "fx"]].sum(axis=1).round(6).tolist() for table in (event, snapshot)]
    assert net[0] == net[1]


@few
@given(seed=SEEDS)
def test_segments_add_up_to_the_whole(seed):
    rows = lives(seed)
    whole, parts = mrr_rollforward(rows, **RANGE), mrr_rollforward(rows, by="plan", **RANGE)
    for name in ("opening", "new", "reactivation", "churn", "closing"):
        sums = parts.groupby("period_start")[name].sum()
        np.testing.assert_allclose(sums, whole.set_index("period_start")[name], atol=1e-6)
    kept, of_plans = revenue_retention(rows, min_n=1, **RANGE), revenue_retention(rows, by="plan", min_n=1, **RANGE)
    money = (of_plans["grr"] * of_plans["opening"]).groupby(of_plans["period_start"]).sum()
    np.testing.assert_allclose(money, (kept["grr"] * kept["opening"]).fillna(0), atol=1e-6)


@few
@given(seed=SEEDS)
def test_a_plan_that_goes_on_under_another_id_changes_no_number_of_customers(seed):
    rows = lives(seed)
    rows = rows[rows["status"] != "paused"]  # the length of a pause is that of one subscription
    split = rows.assign(subscription_id=[f"s{k}" for k in range(len(rows))])
    for metric in (mrr_rollforward, mrr_movements, subscription_churn, revenue_retention, expansion_split):
        pd.testing.assert_frame_equal(metric(rows, **RANGE), metric(split, **RANGE))


@few
@given(seed=SEEDS, order=st.integers(0, 99))
def test_the_order_of_the_rows_and_the_names_of_the_customers_never_matter(seed, order):
    rows = lives(seed)
    other = rows.sample(frac=1, random_state=order).assign(customer_id=lambda t: "x" + t["customer_id"].str[::-1])
    for metric in (mrr_rollforward, subscription_churn, revenue_retention, expansion_split):
        pd.testing.assert_frame_equal(metric(rows, by="plan", **RANGE), metric(other, by="plan", **RANGE))


@few
@given(seed=SEEDS)
def test_gross_retention_never_passes_one_and_never_net_retention(seed):
    table = revenue_retention(lives(seed), min_n=1, **RANGE)
    assert table["grr"].dropna().between(0, 1).all()
    assert (table["grr"] <= table["nrr"] + 1e-12).to_numpy()[table["grr"].notna()].all()
    assert (table["grr_low"] <= table["grr"])[table["grr_low"].notna()].all()


@few
@given(seed=SEEDS)
def test_the_four_ways_to_grow_or_shrink_add_up_to_expansion_and_contraction(seed):
    rows = lives(seed).assign(product_family=lambda t: t["plan"])
    table = expansion_split(rows, **RANGE)
    four = table[["upsell", "cross_sell", "downsell", "term_extension"]].sum(axis=1)
    np.testing.assert_allclose(four, table["expansion"] + table["contraction"], atol=1e-6)


@few
@given(seed=SEEDS)
def test_churned_customers_are_those_of_the_opening_who_are_gone_at_the_end(seed):
    rows = lives(seed)
    live, held = whole_days(rows)
    table = subscription_churn(rows, min_n=1, **RANGE)
    for place, day in enumerate(month_ends()[1:], start=1):
        before = month_ends()[place - 1]
        there = [who for who, days in live.items() if days[before] > 0]
        gone = [who for who in there if live[who][day] == 0 and held[who][day] == 0]
        row = table.iloc[place]
        assert (row["customers_start"], row["customers_churned"]) == (len(there), len(gone))
        assert row["mrr_churned"] == pytest.approx(sum(live[who][before] for who in gone))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, customers=st.integers(200, 900))
def test_in_many_histories_of_hundreds_the_identity_holds_and_both_bases_meet(seed, customers):
    rows = lives(seed, customers)
    event, snapshot = (mrr_rollforward(rows, basis=basis, **RANGE) for basis in ("event", "snapshot"))
    for table in (event, snapshot):
        assert (table["opening"] + table[[*KINDS, "fx"]].sum(axis=1) - table["closing"]).abs().max() < 0.005
    same = ["opening", "closing", "customers_start", "customers_end", "at_risk", "arpa"]
    pd.testing.assert_frame_equal(event[same], snapshot[same])
    by_hand = summed(movements(*whole_days(rows), range(DAYS)), keys=("kind",))
    told = mrr_movements(rows, period="day", **RANGE).groupby("kind")["amount"].sum()
    pd.testing.assert_series_equal(told[told.abs() > 1e-6].sort_index(), by_hand, check_names=False)
    pd.testing.assert_frame_equal(event, mrr_rollforward(rows.sample(frac=1, random_state=1), **RANGE))
