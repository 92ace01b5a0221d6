"""The metrics find the laws that made the demo data.

Once on the data in the repository, read as a user reads them, with intervals so wide (99.9 %) that a right metric
does not fail by chance; and on many small worlds, where 95 % intervals must hold the truth about as often as they say.
"""

import json
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import metrics
from metrics.samples.fieldnote import AS_OF, STEPS, ZONE, simulate

DEMO = Path(__file__).parents[2] / "data" / "demo"
TRUTH = json.loads((DEMO / "truth.json").read_text("utf-8"))
END = "2026-07-01"
SURE = 0.999


@cache
def world() -> dict[str, pd.DataFrame]:
    """The tables of the repository; test_samples compares them with the files. Events come from the export itself."""
    return simulate() | {"events": metrics.read_events(DEMO / "events.csv.gz")}


def small_world(seed: int) -> dict[str, pd.DataFrame]:
    """Another draw of the same laws, without the copies and without the planted people, who would weigh too much."""
    tables = simulate(seed=seed, users=300)
    events = tables["events"].drop_duplicates("event_id").dropna(subset=["user_id"])
    return tables | {"events": events[~events["user_id"].str.startswith("edge-")]}


def funnel(tables, confidence=0.95, by=None, mature_only=True):
    return metrics.conversion_funnel(
        tables["events"],
        list(STEPS),
        as_of=END,
        window="14 days",
        tz=ZONE,
        by=by,
        mature_only=mature_only,
        confidence=confidence,
    )


def retention(tables, confidence=0.95):
    table = metrics.cohort_retention(tables["events"], start_event="sign_up", as_of=END, period="week", tz=ZONE)
    return metrics.retention_curve(table, confidence=confidence).set_index("period")


def nps(tables, confidence=0.95):
    answers = tables["survey_responses"]
    answers = answers[answers["question_type"] == "nps"]
    return metrics.net_promoter_score(answers, by="plan", confidence=confidence).set_index("plan")


def holds(successes: float, n: float, truth: float, confidence: float = SURE) -> bool:
    """Whether a Wilson interval holds the truth: counts where no metric is written yet."""
    table = metrics.proportion_interval(successes=int(successes), n=int(n), confidence=confidence)
    return bool(table["proportion_low"][0] <= truth <= table["proportion_high"][0])


# -- the data in the repository ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["desktop", "phone", "overall"])
def test_the_funnel_finds_the_probability_of_each_step(device):
    table = funnel(world(), SURE, by=None if device == "overall" else "device")
    if device != "overall":
        table = table[table["device"] == device]
    steps = table.set_index("event")
    for step, rate in TRUTH["funnel"]["step_conversion_rate"][device].items():
        assert steps["step_conversion_rate_low"][step] < rate < steps["step_conversion_rate_high"][step], step
    for step, rate in TRUTH["funnel"]["conversion_rate"][device].items():
        assert steps["conversion_rate_low"][step] <= rate <= steps["conversion_rate_high"][step], step


def test_most_are_lost_at_the_invitation_and_more_of_them_on_the_phone():
    table = funnel(world(), by="device").set_index(["device", "event"])["drop_off_rate"]
    for device in ("desktop", "phone"):
        assert table[device].drop("sign_up").idxmax() == TRUTH["funnel"]["largest_loss"]["step"]
    assert table["phone"]["invite_teammate"] > table["desktop"]["invite_teammate"] + 0.2


def test_a_kaplan_meier_rate_also_uses_the_windows_that_are_still_open():
    table = funnel(world(), SURE, mature_only=False).set_index("event")
    assert table["open"].sum() > 0
    for step, rate in TRUTH["funnel"]["conversion_rate"]["overall"].items():
        low, high = table.loc[step, ["censored_conversion_rate_low", "censored_conversion_rate_high"]]
        assert step == "sign_up" or low < rate < high, step


def test_the_retention_curve_follows_the_law():
    curve = retention(world(), SURE)
    for week in range(1, 13):
        rate = TRUTH["retention"]["retention_rate"][str(week)]
        assert curve["retention_rate_low"][week] < rate < curve["retention_rate_high"][week], week
    assert curve["retention_rate"][1] > 0.4
    assert curve["retention_rate"][8] < 0.3


def test_each_plan_has_the_promoter_score_that_made_its_answers():
    scores = nps(world(), SURE)
    for plan, law in TRUTH["nps"].items():
        low, high = scores.loc[plan, ["net_promoter_score_low", "net_promoter_score_high"]]
        assert low < law["net_promoter_score"] < high, plan
    assert scores["net_promoter_score"]["team"] > scores["net_promoter_score"]["free"]


def test_satisfaction_and_effort_are_those_that_made_the_answers():
    law, answers = TRUTH["satisfaction"], world()["survey_responses"]
    csat = metrics.customer_satisfaction(answers, confidence=SURE).iloc[0]
    effort = metrics.customer_effort(answers, direction="ease", confidence=SURE).iloc[0]
    assert csat["customer_satisfaction_low"] < law["customer_satisfaction"] < csat["customer_satisfaction_high"]
    assert effort["customer_effort_low"] < law["customer_effort_ease"] < effort["customer_effort_high"]


def test_surveys_are_answered_as_often_as_stated_on_each_side_of_the_plans():
    rate = metrics.response_rate(
        world()["survey_sends"], responses=world()["survey_responses"], period=None, as_of=END, tz=ZONE, confidence=SURE
    ).iloc[0]
    law = TRUTH["surveys"]["response_rate"]
    assert law["free"] < rate["response_rate_high"]
    assert rate["response_rate_low"] < law["pro"]


def test_variant_b_wins_the_test_of_its_mails():
    mails = world()["emails"]
    sent = mails[(mails["event"] == "delivered") & mails["variant"].notna()][["message_id", "variant"]]
    hit = set(mails.loc[mails["event"] == "converted", "message_id"])
    table = metrics.compare_variants(sent.assign(converted=sent["message_id"].isin(hit)), control="A").set_index(
        "variant"
    )
    assert table.loc["B", "verdict"] == "better"
    assert table.loc["B", "difference_low"] < TRUTH["emails"]["difference"] < table.loc["B", "difference_high"]


def test_invoices_fail_and_recover_as_often_as_stated():
    attempts = world()["payment_attempts"].sort_values("attempted_at", kind="stable")
    first = attempts.drop_duplicates("invoice_id").set_index("invoice_id")
    failed = first["result"] == "failed"
    assert holds(failed.sum(), len(failed), TRUTH["payments"]["failure_rate"])
    settled = failed & (first["attempted_at"] < AS_OF - pd.Timedelta(days=8))
    recovered = set(attempts.loc[attempts["result"] == "succeeded", "invoice_id"]) & set(settled[settled].index)
    assert holds(len(recovered), settled.sum(), TRUTH["payments"]["recovery_rate"])


@pytest.mark.parametrize("sign", ["seen", "silent"])
def test_subscribers_ask_to_leave_as_often_as_stated_and_more_often_after_silence(sign):
    """Terms that were paid and are over: silent where the owner did nothing in the four weeks before."""
    bills, cancelled = world()["invoices"], world()["cancellations"].dropna(subset=["requested_at"])
    monthly = world()["subscriptions"].groupby("subscription_id")["interval"].first()
    over = bills["paid_at"].notna() & (bills["due_at"] < AS_OF - pd.Timedelta(days=32))
    terms = bills[over & bills["subscription_id"].map(monthly).eq("month")][
        ["customer_id", "subscription_id", "due_at"]
    ]
    events = world()["events"][["user_id", "timestamp"]].rename(columns={"user_id": "customer_id"})
    met = terms.reset_index().merge(events, on="customer_id")
    seen = met["timestamp"].between(met["due_at"] - pd.Timedelta(days=28), met["due_at"], inclusive="left")
    terms = terms[terms.index.isin(met.loc[seen, "index"]) == (sign == "seen")]
    asked = terms.reset_index().merge(cancelled[cancelled["outcome"] == "cancelled"], on="subscription_id")
    hit = asked["requested_at"].between(asked["due_at"], asked["due_at"] + pd.Timedelta(days=27))
    assert len(terms) > 150
    assert holds(hit.sum(), len(terms), TRUTH["subscriptions"]["monthly_churn_rate_voluntary"][sign])


def test_all_who_subscribe_leave_more_often_than_those_seen_and_less_than_the_silent():
    law = TRUTH["subscriptions"]["monthly_churn_rate"]
    rows = world()["subscriptions"]
    monthly = rows[rows["interval"] == "month"]
    here, gone = 0, 0
    for month in pd.date_range("2026-02-01", "2026-06-01", freq="MS", tz=ZONE):
        opening = present(monthly, month, ["active", "past_due"])
        closing = present(rows, month + pd.DateOffset(months=1), ["active", "past_due", "paused"])
        here += len(opening)
        gone += len(opening - closing)
    assert here > 500
    assert law["seen"] < gone / here < law["silent"]


def present(rows: pd.DataFrame, at: pd.Timestamp, states: list[str]) -> set[str]:
    """Customers with a row of these states just before the instant."""
    running = (rows["start"] < at) & (rows["end"].isna() | (rows["end"] >= at))
    return set(rows.loc[running & rows["status"].isin(states), "customer_id"])


def test_trials_convert_and_requests_end_in_a_pause_as_often_as_stated():
    rows = world()["subscriptions"]
    trials = rows[(rows["status"] == "trialing") & (rows["end"] < AS_OF)]
    paid = set(rows.loc[rows["status"] != "trialing", "subscription_id"])
    law = TRUTH["subscriptions"]
    assert holds(trials["subscription_id"].isin(paid).sum(), len(trials), law["trial_conversion_rate"])
    asked = world()["cancellations"]["outcome"].dropna()
    assert holds((asked == "paused").sum(), len(asked), law["pause_take_rate"])


def test_trials_with_a_call_convert_more_often_by_the_stated_difference():
    table = metrics.assisted_trial_conversion(
        world()["subscriptions"], contacts=world()["contacts"], as_of=END, tz=ZONE, confidence=SURE
    ).iloc[0]
    law = TRUTH["trial_calls"]
    for side, rate in law["conversion_rate"].items():
        assert table[f"{side}_rate_low"] < rate < table[f"{side}_rate_high"], side
    assert 0 < table["difference_low"] < law["difference"] < table["difference_high"]


def test_requests_are_released_and_contents_reused_as_stated():
    waits = metrics.time_to_release(world()["requests"], as_of=END, tz=ZONE, confidence=SURE).iloc[0]
    law = TRUTH["requests"]
    assert waits["median_days_low"] < law["median_days"] < waits["median_days_high"]
    assert waits["released_rate_low"] < law["released_rate_in_90_days"] < waits["released_rate_high"]
    used = metrics.content_reuse(
        world()["content_views"], contents=world()["contents"], as_of=END, tz=ZONE, confidence=SURE
    ).iloc[0]
    assert used["reuse_rate_low"] < TRUTH["contents"]["reuse_rate"] < used["reuse_rate_high"]


def test_leads_buy_as_often_as_stated_and_offers_and_discounts_sell_nothing():
    leads, orders = world()["customers"], world()["orders"]
    way = {"orders": orders, "loyal": "3 orders", "within": "30 days", "as_of": END, "tz": ZONE, "confidence": SURE}
    bought = metrics.lead_conversion(leads, **way).iloc[0]
    soon = TRUTH["orders"]["buyer_share"] * (1 - np.exp(-3))  # a first order comes after ten days on average
    assert bought["conversion_rate_low"] < soon < bought["conversion_rate_high"]
    by_offer = metrics.lead_conversion(leads, by="offer", **way)
    first = by_offer[(by_offer["from_stage"] == "lead") & (by_offer["to_stage"] == "customer")]
    assert ((first["conversion_rate_low"] < soon) & (soon < first["conversion_rate_high"])).all()
    kept = metrics.discount_retention(orders, as_of=END, tz=ZONE, confidence=SURE).iloc[1]
    assert kept["difference_low"] < TRUTH["offers"]["difference"] < kept["difference_high"]


def test_variant_b_converts_better_by_the_stated_difference():
    mails = world()["emails"]
    delivered = mails[mails["event"] == "delivered"].groupby("variant")["message_id"].nunique()
    converted = mails[mails["event"] == "converted"].groupby("variant")["message_id"].nunique()
    for variant, rate in TRUTH["emails"]["conversion_rate"].items():
        assert holds(converted[variant], delivered[variant], rate), variant
    table = metrics.difference_interval(
        successes_a=int(converted["B"]),
        n_a=int(delivered["B"]),
        successes_b=int(converted["A"]),
        n_b=int(delivered["A"]),
    )
    assert table["difference_low"][0] < TRUTH["emails"]["difference"] < table["difference_high"][0]


def test_of_the_change_log_only_the_faster_search_moved_anything():
    daily = metrics.feature_usage(world()["events"], feature="search", period="day", as_of=END, tz=ZONE)
    table = metrics.change_effects(
        daily, change_log=world()["change_log"], value="usage_rate", trend="linear", as_of=END, tz=ZONE
    ).set_index("change_id")
    assert table.loc["c02", "p_adjusted"] < 0.001
    # A session has 1.1 pieces of work, so that a day with one session has a search with 1 - exp(-1.1 x share). Days of
    # visitors without a session and those before a sign-up have none, and make the step smaller.
    before, after = (
        1 - np.exp(-1.1 * TRUTH["changes"]["c02"][f"share_of_work_{side}"]) for side in ("before", "after")
    )
    assert table.loc["c02", "difference_low"] < after - before < table.loc["c02", "difference_high"]
    assert (table.drop("c02")["p_adjusted"].dropna() > 0.05).all()
    assert table.loc["c07", "reason"] == "immature"


def test_more_unsubscribe_at_a_mail_the_more_came_in_the_week():
    table = metrics.mail_frequency(world()["emails"], as_of=END, most=4, confidence=SURE).set_index("mails_received")
    for received, rate in TRUTH["emails"]["unsubscribe_rate_by_mails_in_week"].items():
        row = table.loc[int(received)]
        assert row["unsubscribe_rate_low"] < rate < row["unsubscribe_rate_high"], received


def test_orders_have_the_stated_share_of_buyers_mean_value_and_repeat_rate():
    law = TRUTH["orders"]
    orders = world()["orders"].query("net > 0")
    customers = world()["customers"].set_index("customer_id")["signup_at"]
    old = customers[customers < AS_OF - pd.Timedelta(days=60)].index  # a first order comes within weeks
    assert holds(orders.loc[orders["user_id"].isin(old), "user_id"].nunique(), len(old), law["buyer_share"])
    mean = orders.groupby("user_id")["net"].mean()
    assert abs(mean.mean() - law["mean_order_value"]) < 3.3 * mean.sem()
    first = orders.groupby("user_id")["timestamp"].min()
    repeats = orders.groupby("user_id").size() - 1
    weeks = (AS_OF - first).dt.total_seconds() / (7 * 86_400)
    noise = (repeats - law["repeat_orders_per_week"] * weeks).std() * np.sqrt(len(weeks)) / weeks.sum()
    assert abs(repeats.sum() / weeks.sum() - law["repeat_orders_per_week"]) < 3.3 * noise


# -- many small worlds -------------------------------------------------------------------------------------------------


def held(tables: dict[str, pd.DataFrame]) -> dict[str, list[bool]]:
    """For each kind of metric, whether its 95 % intervals hold the truth."""
    steps = funnel(tables, by="device").set_index(["device", "event"])
    curve = retention(tables)
    scores = nps(tables).dropna(subset="net_promoter_score")
    law = TRUTH["funnel"]["step_conversion_rate"]
    weeks = TRUTH["retention"]["retention_rate"]
    return {
        "funnel": [
            bool(
                steps.loc[(device, step), "step_conversion_rate_low"]
                <= law[device][step]
                <= steps.loc[(device, step), "step_conversion_rate_high"]
            )
            for device in ("desktop", "phone")
            for step in STEPS[1:]
        ],
        "retention": [
            bool(curve["retention_rate_low"][week] <= weeks[str(week)] <= curve["retention_rate_high"][week])
            for week in range(1, 9)
        ],
        "nps": [
            bool(
                row.net_promoter_score_low
                <= TRUTH["nps"][row.Index]["net_promoter_score"]
                <= row.net_promoter_score_high
            )
            for row in scores.itertuples()
        ],
    }


@pytest.mark.slow
def test_in_many_worlds_the_intervals_hold_the_truth_as_often_as_they_say():
    worlds = [held(small_world(seed)) for seed in range(1, 41)]
    for kind in ("funnel", "retention", "nps"):
        found = np.concatenate([one[kind] for one in worlds])
        # Intervals of one world lean on the same people: the world is the draw whose spread counts.
        spread = np.std([np.mean(one[kind]) for one in worlds]) / np.sqrt(len(worlds))
        assert abs(found.mean() - 0.95) < NormalDist().inv_cdf(SURE) * spread, (kind, round(found.mean(), 4))
