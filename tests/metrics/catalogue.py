"""Every metric with the arguments by which the laws and the engine's tests call it, and random rows to call it on.

A new metric joins with one line in METRICS. A metric here is a function of an event table; tables of answers and
orders are made from the same rows, so that one set of laws serves all.
"""

from collections.abc import Callable

import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import metrics

AS_OF = "2026-03-15"
BUYING = metrics.PurchaseModel("bgnbd", unit="week", r=0.9, alpha=2.0, a=0.8, b=2.4)
SPEND = metrics.SpendModel(p=6.0, q=3.7, gamma=4.0)


def answers(events):
    names = {"user_id": "respondent_id", "timestamp": "answered_at", "amount": "score"}
    return events.rename(columns=names).assign(account_id=events["user_id"], weight=events["amount"] + 1)


def sends(events):
    a = events[events["event"] == "a"].rename(columns={"user_id": "respondent_id", "timestamp": "sent_at"})
    return a.drop_duplicates(["respondent_id", "sent_at"]).assign(delivered=a["amount"] > 2)


def begun(events):
    """Surveys that somebody began: a row each, and as rows of the questions of one response of each user."""
    first = events.groupby("user_id")["amount"].transform("min")
    return events.assign(questions=events["amount"] + 1, completed=first > 2, response_id=events["user_id"])


def contracts(events):
    rows = events.rename(columns={"user_id": "customer_id", "timestamp": "start", "amount": "mrr"})
    return rows.assign(end=rows["start"] + pd.Timedelta(days=15), mrr=rows["mrr"] + 1)


def assigned(events):
    """Everybody in three groups, each with somebody who did it and somebody who did not."""
    both = [events.assign(amount=events["amount"] + more) for more in (0, 0.5)]
    rows = pd.concat(both).assign(hit=lambda t: t["amount"] % 2 < 1).drop(columns="user_id")
    return rows.assign(hour=rows["timestamp"].dt.hour, half=(rows["timestamp"].dt.hour // 12).astype("str"))


def sizes(events):
    """How many users of each plan have each event, none included."""
    rows = events.assign(event=pd.Categorical(events["event"], list("abc")), plan=events["plan"].fillna("-"))
    return rows.groupby(["plan", "event"], observed=False)["user_id"].nunique().rename("users").reset_index()


def tickets(events):
    names = {"user_id": "customer_id", "timestamp": "created_at"}
    rows = events.rename(columns=names).assign(is_complaint=events["event"] == "b")
    reply = rows["created_at"] + pd.to_timedelta(rows["amount"], unit="D")
    said = events["event"].map({"a": "good", "b": "bad", "c": "offered"})
    return rows.assign(first_reply_at=reply, solved_at=reply, reopens=rows["amount"] % 2, satisfaction=said)


def here(events):
    """The users of each week and plan."""
    weeks = events["timestamp"].dt.tz_localize(None).dt.to_period("W").dt.start_time
    groups = events.assign(period_start=weeks).groupby(["period_start", "plan"], dropna=False)
    return groups["user_id"].nunique().rename("customers").reset_index()


def made(events):
    """A content of each event's name, made by the first who has it."""
    first = events.sort_values(["timestamp", "user_id"], kind="stable").drop_duplicates("event")
    return pd.DataFrame({"content_id": first["event"], "customer_id": first["user_id"], "made_at": first["timestamp"]})


def mails(events):
    names = {"user_id": "recipient_id", "timestamp": "at"}
    acts = events["event"].map({"a": "delivered", "b": "opened", "c": "converted"})
    return events.rename(columns=names).assign(event=acts, machine=events["amount"] < 3)


def measures(events):
    known = events.groupby(["user_id", "event"], as_index=False)["amount"].max()
    return known.rename(columns={"user_id": "customer_id", "event": "measure"}).assign(
        score=(10 * known["amount"]).clip(upper=100)
    )


def left(events):
    users = events.groupby("user_id", as_index=False).agg(score=("amount", "max"), last=("timestamp", "max"))
    gone = users["last"] < pd.Timestamp(AS_OF, tz="UTC") - pd.Timedelta(days=20)
    return users.rename(columns={"user_id": "customer_id"}).assign(churned=gone)


def orders(events):
    return events.rename(columns={"amount": "net"})


def leads(events):
    """The first row of each user."""
    first = events.sort_values(["timestamp", "event", "plan", "amount"], kind="stable").drop_duplicates("user_id")
    return first.rename(columns={"user_id": "customer_id", "timestamp": "signup_at"})


def stays(events):
    """Of each user the days from the first row to the last, whether then silent for long, the entry, the last plan."""
    users = events.sort_values(["timestamp", "event", "plan", "amount"]).groupby("user_id")
    first, last = users["timestamp"].min(), users["timestamp"].max()
    silent = last < pd.Timestamp(AS_OF, tz="UTC") - pd.Timedelta(days=20)
    days = (last - first) / pd.Timedelta(days=1)
    return {"durations": days, "observed": silent, "entry": days / 3 - 1}, users["plan"].agg(lambda plan: plan.iloc[-1])


def survival(metric, **settings):
    def measured(events):
        columns, plan = stays(events)
        return metric(**columns, **({"by": plan} if settings.get("by") else {}))

    return measured


def subscriptions(events):
    """Three weeks from each row on, paused where `amount` is large, on trial where there is no plan."""
    status = pd.Series("active", index=events.index, dtype="str")
    return pd.DataFrame({
        "customer_id": events["user_id"], "subscription_id": events["user_id"] + "-" + events["event"],
        "start": events["timestamp"], "end": events["timestamp"] + pd.Timedelta(days=21),
        "status": status.mask(events["amount"] > 8, "paused").mask(events["plan"].isna(), "trialing"),
        "mrr": events["amount"], "billing_months": 1, "plan": events["plan"],
    })  # fmt: skip


def cancellations(events):
    ends = subscriptions(events)
    return ends.assign(
        requested_at=ends["start"] + pd.Timedelta(days=3), effective_at=ends["end"], withdrawn_at=pd.NaT,
        ended_by=events["event"].map({"a": "customer", "b": "system", "c": None}),
    ).drop(columns=["start", "end", "status", "mrr", "billing_months"])  # fmt: skip


def attempts(events):
    return pd.DataFrame({
        "invoice_id": events["user_id"] + "-" + events["event"], "attempted_at": events["timestamp"],
        "plan": events["plan"],
        "result": events["plan"].map({"pro": "succeeded"}).fillna("failed"),
    })  # fmt: skip


def invoices(events):
    due = events["timestamp"]
    paid = (due + pd.Timedelta(days=20)).where(events["event"] == "a")
    return pd.DataFrame({"customer_id": events["user_id"], "due_at": due, "paid_at": paid})


def snapshots(events):
    """Each row of a user is what was known on its day; who has an event called b has left afterwards."""
    ordered = events.sort_values(["timestamp", "event", "plan", "amount"], kind="stable")
    days = ordered.drop_duplicates(["user_id", "timestamp"]).assign(cutoff=lambda t: t["timestamp"])
    known = days.rename(columns={"user_id": "customer_id", "amount": "active_weeks"})
    return known.assign(until=known["cutoff"] + pd.Timedelta(days=2), churned=known["event"] == "b")


def asked(events):
    """The last row of each user, told after all outcomes are known."""
    return (
        snapshots(events)
        .drop_duplicates("customer_id", keep="last")
        .assign(cutoff=pd.Timestamp("2026-04-15", tz="UTC"))
    )


def scored(events):
    known = snapshots(events)
    band = known["active_weeks"].map(lambda n: "red" if n < 3 else "green")
    return known[["cutoff", "customer_id"]].assign(band=band, score=known["active_weeks"])


METRICS: dict[str, Callable[..., pd.DataFrame]] = {
    "conversion_funnel": lambda e: metrics.conversion_funnel(e, ["a", "b", "c"], window="5 days", as_of=AS_OF),
    "conversion_funnel optional": lambda e: metrics.conversion_funnel(
        e, ["a", metrics.Step("b", optional=True), metrics.Step("c", where={"plan": "pro"})], as_of=AS_OF
    ),
    "conversion_funnel attempts": lambda e: metrics.conversion_funnel(
        e, ["a", "b"], counting="attempts", window="3 days", hold_constant="plan", as_of=AS_OF
    ),
    "conversion_funnel strict": lambda e: metrics.conversion_funnel(
        e, ["a", "b"], order="strict", by=["plan", "amount"], attribution="last_touch", as_of=AS_OF
    ),
    "conversion_funnel excluded": lambda e: metrics.conversion_funnel(
        e, ["a", "b"], exclude=[("c", 1, 2)], by="plan", attribution="all_events", window="9 days", as_of=AS_OF
    ),
    "conversion_funnel by": lambda e: metrics.conversion_funnel(e, ["a", "b"], by="plan", as_of=AS_OF),
    "funnel_users": lambda e: metrics.funnel_users(e, ["a", "b", "c"], as_of=AS_OF),
    "funnel_trend": lambda e: metrics.funnel_trend(e, ["a", "b"], window="5 days", as_of=AS_OF),
    "explain_funnel": lambda e: metrics.explain_funnel(e, ["a", "b", "c"], user_id="zoe", as_of=AS_OF),
    "reconcile_funnel": lambda e: metrics.reconcile_funnel(e, ["a", "b"], window="5 days", as_of=AS_OF),
    "compare_funnels": lambda e: metrics.compare_funnels(
        e, ["a", "b", "c"], by="plan", window="5 days", min_users=1, as_of=AS_OF
    ),
    "compare_funnels by two": lambda e: metrics.compare_funnels(
        e, ["a", "b"], by=["plan", "amount"], min_users=2, mature_only=False, as_of=AS_OF
    ),
    "funnel_drivers": lambda e: metrics.funnel_drivers(e, ["a", "b"], window="5 days", min_users=1, as_of=AS_OF),
    "user_paths": lambda e: metrics.user_paths(e, session_gap="2 days", as_of=AS_OF),
    "user_paths by": lambda e: metrics.user_paths(e, by=["plan", "event"], repeats="collapse", as_of=AS_OF),
    "drop_off_paths": lambda e: metrics.drop_off_paths(e, ["a", "b"], window="5 days", as_of=AS_OF),
    "cohort_retention": lambda e: metrics.cohort_retention(e, periods=4, as_of=AS_OF),
    "cohort_retention by": lambda e: metrics.cohort_retention(e, period="month", by="plan", as_of=AS_OF),
    "cohort_retention rolling": lambda e: metrics.cohort_retention(
        e, clock="rolling_24h", same_period=True, brackets=[1, 3], cohort="recurring", value="amount", as_of=AS_OF
    ),
    "cohort_retention value": lambda e: metrics.cohort_retention(
        e, start_event="a", mode="on_or_after", value="amount", by="plan", periods=3, as_of=AS_OF
    ),
    "retention_curve recurring": lambda e: metrics.retention_curve(
        metrics.cohort_retention(e, cohort="recurring", by="plan", as_of=AS_OF)
    ),
    "retention_curve": lambda e: metrics.retention_curve(metrics.cohort_retention(e, as_of=AS_OF)),
    "milestones": lambda e: metrics.milestones(e, start_event="a", milestones=["b", "c"], min_n=1, as_of=AS_OF),
    "milestones by": lambda e: metrics.milestones(e, milestones=["b"], by=["plan", "amount"], min_n=1, as_of=AS_OF),
    "time_to_milestone": lambda e: metrics.time_to_milestone(e, start_event="a", milestone="c", by="plan", as_of=AS_OF),
    "feature_adoption": lambda e: metrics.feature_adoption(
        e, features=["b", "c"], window="20 days", by="plan", min_n=1, as_of=AS_OF
    ),
    "feature_usage": lambda e: metrics.feature_usage(e, feature="b", tz="Asia/Kathmandu", min_n=1, as_of=AS_OF),
    "feature_usage by": lambda e: metrics.feature_usage(
        e, feature="b", period="day", by=["plan", "amount"], min_n=1, as_of=AS_OF
    ),
    "onboarding_outcomes": lambda e: metrics.onboarding_outcomes(
        e, onboarded="b", start_event="a", within="9 days", follow_up="20 days", active_days=2, features=["c"],
        min_n=1, as_of=AS_OF,
    ),
    "onboarding_outcomes by": lambda e: metrics.onboarding_outcomes(
        e, onboarded="b", by=["plan", "amount"], within="9 days", follow_up="20 days", active_days=1, min_n=1,
        as_of=AS_OF,
    ),
    "onboarding_outcomes answers": lambda e: metrics.onboarding_outcomes(
        e, onboarded="b", start_event="a", within="9 days", follow_up="20 days", active_days=2, features=["c"],
        responses=answers(e), satisfied_from=4, min_n=1, as_of=AS_OF,
    ),
    "active_users": lambda e: metrics.active_users(e, windows=(1, 3, 30), tz="Asia/Kathmandu", as_of=AS_OF),
    "active_users by": lambda e: metrics.active_users(e, by="plan", as_of=AS_OF),
    "stickiness": lambda e: metrics.stickiness(e, period="week", as_of=AS_OF),
    "stickiness by": lambda e: metrics.stickiness(e, event="b", by=["plan", "amount"], as_of=AS_OF),
    "stickiness twice": lambda e: metrics.stickiness(e, criterion=("at_least", 2), as_of=AS_OF),
    "lifecycle": lambda e: metrics.lifecycle(e, as_of=AS_OF),
    "lifecycle any": lambda e: metrics.lifecycle(e, event="b", new_by="any", period="day", as_of=AS_OF),
    "lifecycle by": lambda e: metrics.lifecycle(e, event="a", new_by="any", by="plan", as_of=AS_OF),
    "churn_rate": lambda e: metrics.churn_rate(e, inactive_for="10 days", as_of=AS_OF, min_n=1),
    "churn_rate by": lambda e: metrics.churn_rate(
        e, event="a", inactive_for="10 days", period="week", by=["plan", "amount"], as_of=AS_OF, min_n=1
    ),
    "user_stays": lambda e: metrics.user_stays(e, event="a", inactive_for="10 days", as_of=AS_OF),
    "survival_curve": survival(metrics.survival_curve),
    "survival_curve by": survival(metrics.survival_curve, by=True),
    "survival_summary": lambda e: metrics.survival_summary(survival(metrics.survival_curve)(e)),
    "compare_survival": survival(metrics.compare_survival, by=True),
    "compare_survival_pairs": survival(metrics.compare_survival_pairs, by=True),
    "mrr_rollforward": lambda e: metrics.mrr_rollforward(subscriptions(e), period="week", by="plan", as_of=AS_OF),
    "mrr_rollforward snapshot": lambda e: metrics.mrr_rollforward(
        subscriptions(e), basis="snapshot", period="week", cancellations=cancellations(e), recognise="requested",
        as_of=AS_OF,
    ),
    "mrr_movements": lambda e: metrics.mrr_movements(
        subscriptions(e), period="week", cancellations=cancellations(e), as_of=AS_OF
    ),
    "revenue_retention": lambda e: metrics.revenue_retention(
        subscriptions(e), period="week", span="3 weeks", reactivation=True, as_of=AS_OF
    ),
    "expansion_split": lambda e: metrics.expansion_split(subscriptions(e), period="week", family="plan", as_of=AS_OF),
    "subscription_churn": lambda e: metrics.subscription_churn(
        subscriptions(e), period="week", by="plan", min_n=1, as_of=AS_OF
    ),
    "renewal_churn": lambda e: metrics.renewal_churn(
        subscriptions(e).assign(end=pd.NaT), period="week", min_n=1, as_of=AS_OF
    ),
    "contract_retention": lambda e: metrics.contract_retention(
        subscriptions(e), period="week", periods=2, by="plan", min_n=1, as_of=AS_OF
    ),
    "churn_reasons": lambda e: metrics.churn_reasons(
        cancellations(e), subscriptions=subscriptions(e), by="plan", period="week", as_of=AS_OF
    ),
    "trial_conversion": lambda e: metrics.trial_conversion(subscriptions(e), period="week", min_n=1, as_of=AS_OF),
    "assisted_trial_conversion": lambda e: metrics.assisted_trial_conversion(
        subscriptions(e), tickets=tickets(e), events=e, training="b", within="20 days", min_n=1, as_of=AS_OF
    ),
    "assisted_trial_conversion by": lambda e: metrics.assisted_trial_conversion(
        subscriptions(e).assign(event=e["event"]), by="event", min_n=1, as_of=AS_OF,
        contacts=e.rename(columns={"user_id": "customer_id", "timestamp": "at", "plan": "kind"}),
    ),
    "lead_conversion": lambda e: metrics.lead_conversion(
        leads(e), orders=orders(e[e["event"] == "b"]), loyal="2 orders", within="20 days", loyal_within="30 days",
        by="plan", min_n=1, as_of=AS_OF,
    ),
    "lead_conversion contracts": lambda e: metrics.lead_conversion(
        leads(e), subscriptions=subscriptions(e[e["event"] != "a"]), loyal="10 days", min_n=1, as_of=AS_OF
    ),
    "discount_retention": lambda e: metrics.discount_retention(
        orders(e).assign(discount_percent=e["amount"] - 5), follow_up="20 days", by="plan", min_n=1, as_of=AS_OF
    ),
    "discount_retention contracts": lambda e: metrics.discount_retention(
        subscriptions(e).assign(code=e["event"].where(e["event"] == "a")), discount="code", follow_up="10 days",
        min_n=1, as_of=AS_OF,
    ),
    "pause_outcomes": lambda e: metrics.pause_outcomes(
        subscriptions(e), cancellations=cancellations(e), follow_up="20 days", period="week", min_n=1, as_of=AS_OF
    ),
    "payment_recovery": lambda e: metrics.payment_recovery(attempts(e), period="week", min_n=1, as_of=AS_OF),
    "recovery_curve": lambda e: metrics.recovery_curve(
        attempts(e), follow_up="20 days", by="plan", min_n=1, as_of=AS_OF
    ),
    "net_promoter_score": lambda e: metrics.net_promoter_score(answers(e), by="plan", min_n=1),
    "net_promoter_score period": lambda e: metrics.net_promoter_score(answers(e), period="week", min_n=1),
    "net_promoter_score rolling": lambda e: metrics.net_promoter_score(
        answers(e), period="week", rolling="21 days", level="account", weight="weight", min_n=1
    ),
    "nps_change": lambda e: metrics.nps_change(
        answers(e), after=answers(e).assign(score=lambda t: 10 - t["score"]), by="plan", min_n=1
    ),
    "nps_by_churn": lambda e: metrics.nps_by_churn(
        answers(e), subscriptions=contracts(e), follow_up="20 days", as_of=AS_OF, min_n=1
    ),
    "nps_by_churn by": lambda e: metrics.nps_by_churn(
        answers(e), subscriptions=contracts(e), by="plan", follow_up="20 days", as_of=AS_OF, min_n=1
    ),
    "customer_satisfaction": lambda e: metrics.customer_satisfaction(answers(e), scale=10, by="plan", min_n=1),
    "customer_satisfaction period": lambda e: metrics.customer_satisfaction(
        answers(e), per_respondent="mean", satisfied=[4, 5], period="week", min_n=1
    ),
    "customer_effort": lambda e: metrics.customer_effort(answers(e), direction="ease", by="plan", min_n=1),
    "customer_effort net": lambda e: metrics.customer_effort(answers(e), direction="effort", method="net", min_n=1),
    "customer_effort mean": lambda e: metrics.customer_effort(answers(e), direction="ease", method="mean", min_n=1),
    "response_rate": lambda e: metrics.response_rate(
        sends(e), responses=answers(e), cutoff="9 days", period="week", as_of=AS_OF, min_n=1
    ),
    "response_rate by": lambda e: metrics.response_rate(
        sends(e), responses=answers(e), by="plan", period=None, denominator="sent", as_of=AS_OF, min_n=1
    ),
    "completion_by_length": lambda e: metrics.completion_by_length(
        begun(e).drop(columns="response_id"), by="plan", min_n=1
    ),
    "completion_by_length rows": lambda e: metrics.completion_by_length(begun(e), questions=None, min_n=1),
    "complaint_rate": lambda e: metrics.complaint_rate(
        tickets(e), active=metrics.churn_rate(e, period="week", as_of=AS_OF), period="week", as_of=AS_OF, per=0.1
    ),
    "complaint_rate by": lambda e: metrics.complaint_rate(
        tickets(e), by="plan", period="week", as_of=AS_OF, active=here(e), per=0.1
    ),
    "support_quality": lambda e: metrics.support_quality(tickets(e), period="week", min_n=1, as_of=AS_OF),
    "support_quality by": lambda e: metrics.support_quality(tickets(e), period=None, by="plan", min_n=1, as_of=AS_OF),
    "questions_after": lambda e: metrics.questions_after(
        e, event="a", tickets=tickets(e), window="9 days", min_n=1, as_of=AS_OF
    ),
    "questions_after by": lambda e: metrics.questions_after(
        e, event="b", tickets=tickets(e), by="plan", min_n=1, as_of=AS_OF
    ),
    "time_to_release": lambda e: metrics.time_to_release(
        invoices(e).set_axis(["customer_id", "requested_at", "released_at"], axis=1).assign(plan=e["plan"]),
        as_of=AS_OF, within="10 days", by="plan", min_n=1,
    ),
    "content_reuse": lambda e: metrics.content_reuse(
        e.assign(content_id=e["event"]), contents=made(e), as_of=AS_OF, window="20 days", min_n=1
    ),
    "email_performance": lambda e: metrics.email_performance(mails(e), by=None, min_n=1),
    "email_performance by": lambda e: metrics.email_performance(mails(e), opens="all", by="plan", min_n=1),
    "open_conversion": lambda e: metrics.open_conversion(
        mails(e), conversions=mails(e[e["event"] == "c"]), window="9 days", as_of=AS_OF, min_n=1
    ),
    "open_conversion by": lambda e: metrics.open_conversion(
        mails(e), conversions=mails(e[e["event"] == "c"]), opens="all", by="plan", as_of=AS_OF, min_n=1
    ),
    "mail_frequency": lambda e: metrics.mail_frequency(
        mails(e).assign(campaign_id=e["timestamp"].dt.hour), min_n=1, as_of=AS_OF
    ),
    "mail_frequency by": lambda e: metrics.mail_frequency(
        mails(e).assign(campaign_id=e["timestamp"].dt.hour.astype("str")), by=["plan", "campaign_id"], most=3, min_n=1,
        as_of=AS_OF,
    ),
    "compare_variants": lambda e: metrics.compare_variants(
        assigned(e), control="c", variant="event", outcome="hit", ratio=None
    ),
    "compare_variants by": lambda e: metrics.compare_variants(
        assigned(e), control="c", variant="event", outcome="hit", by=["plan", "half"], ratio=None
    ),
    "compare_variants mean by": lambda e: metrics.compare_variants(
        assigned(e), control="b", variant="event", outcome="amount", covariate="hour", by="plan", srm_threshold=0.4
    ),
    "compare_variants mean": lambda e: metrics.compare_variants(
        assigned(e), control="c", variant="event", outcome="amount", covariate="hour"
    ),
    "sample_ratio_check by": lambda e: metrics.sample_ratio_check(sizes(e), by="plan", ratio=[2, 1, 1]),
    "health_score": lambda e: metrics.health_score(measures(e), weights={"a": 3, "b": 2, "c": 1}),
    "health_score by": lambda e: metrics.health_score(
        measures(e).assign(group=lambda t: t["measure"].map({"a": "x", "b": "x", "c": "y"})), by="group",
        weights={"x": 3, "y": 2}, missing="zero",
    ),
    "churn_alerts": lambda e: metrics.churn_alerts(
        as_of=AS_OF, rules=["usage_drop", "nps_detractor", "overdue_invoice"], events=e, responses=answers(e),
        invoices=invoices(e), subscriptions=subscriptions(e), min_baseline=0.1, baseline="8 weeks", show_skipped=True,
    ),
    "customer_status": lambda e: metrics.customer_status(
        subscriptions(e).assign(renews_at=lambda t: t["end"] + pd.Timedelta(days=30)), as_of=AS_OF, events=e,
        invoices=invoices(e), tickets=invoices(e).set_axis(["customer_id", "created_at", "solved_at"], axis=1),
        responses=answers(e),
    ),
    "customer_timeline": lambda e: metrics.customer_timeline(
        subscriptions(e), customer_id="zoe", as_of=AS_OF, events=e, responses=answers(e), invoices=invoices(e)
    ),
    "customer_snapshots": lambda e: metrics.customer_snapshots(
        subscriptions(e), as_of=AS_OF, cutoffs=["2026-02-20"], horizon="10 days", events=e, responses=answers(e)
    ),
    "health_measures": lambda e: metrics.health_measures(snapshots(e)),
    "replay_alerts": lambda e: metrics.replay_alerts(
        snapshots(e).assign(cutoff=pd.Timestamp("2026-02-20", tz="UTC")), responses=answers(e)
    ),
    "churn_by_band": lambda e: metrics.churn_by_band(scored(e), outcomes=snapshots(e), min_n=1),
    "forecast_churn": lambda e: metrics.forecast_churn(snapshots(e), now=asked(e), min_churned=1),
    "backtest_churn": lambda e: metrics.backtest_churn(snapshots(e), rule="active_weeks", min_churned=1),
    "backtest_churn by": lambda e: metrics.backtest_churn(
        snapshots(e), rule="active_weeks", by="fifth", min_churned=1
    ),
    "alert_quality": lambda e: metrics.alert_quality(
        e[e["event"] == "b"].rename(columns={"user_id": "customer_id"}), outcomes=left(e)
    ),
    "lift": lambda e: metrics.lift(left(e), fraction=0.3),
    "kpi_sheet": lambda e: metrics.kpi_sheet(  # of metrics that are held to the laws themselves
        subscriptions=subscriptions(e), period="week", kpis=["churn_rate", "retention_rate"],
        targets={"churn_rate": 0.1}, min_n=1, as_of=AS_OF,
    ),
    "check_responses": lambda e: metrics.check_responses(answers(e)),
    "orders_summary": lambda e: metrics.orders_summary(orders(e), end="2026-03-14"),
    "customer_lifetime_value": lambda e: metrics.customer_lifetime_value(orders(e), as_of=AS_OF),
    "forecast_customers": lambda e: metrics.forecast_customers(
        metrics.orders_summary(orders(e), end="2026-03-14"), purchases=BUYING, spend=SPEND, horizon="8 weeks"
    ),
    "forecast_total": lambda e: metrics.forecast_total(
        metrics.orders_summary(orders(e), end="2026-03-14"), purchases=BUYING, spend=SPEND, horizon="3 weeks"
    ),
    "forecast_total by": lambda e: metrics.forecast_total(
        metrics.orders_summary(orders(e), end="2026-03-14").pipe(lambda s: s.assign(often=s["frequency"] > 0)),
        purchases=BUYING, spend=SPEND, horizon="3 weeks", by="often",
    ),
    "unit_economics": lambda e: metrics.unit_economics(e.rename(columns={"amount": "ltv"})[["plan", "ltv"]].assign(
        cac=5.0, margin_per_month=2.0).sort_values(["plan", "ltv"], ignore_index=True)),
}  # fmt: skip
OF_EVENTS = [name for name in METRICS if name.split()[0] in (
    "conversion_funnel", "funnel_users", "funnel_trend", "explain_funnel", "reconcile_funnel", "compare_funnels",
    "funnel_drivers", "user_paths", "drop_off_paths", "cohort_retention", "retention_curve", "active_users",
    "milestones", "time_to_milestone", "feature_adoption", "feature_usage",
    "onboarding_outcomes", "stickiness", "lifecycle", "churn_rate", "user_stays",
) and name != "onboarding_outcomes answers"]  # fmt: skip
PER_USER = {  # of single users
    "funnel_users", "orders_summary", "customer_lifetime_value", "forecast_customers", "forecast_total",
    "forecast_total by", "explain_funnel", "unit_economics", "health_score", "health_score by",
    "churn_alerts", "customer_status", "customer_timeline", "customer_snapshots", "health_measures", "replay_alerts",
    "content_reuse",  # the views of others are of the same contents
    "forecast_churn", "backtest_churn", "backtest_churn by",  # a ridge weighs less on twice the people
    "lift", "user_stays", "mrr_movements",
}  # fmt: skip
ZONED = [name for name in METRICS if name != "check_responses"]

START = pd.Timestamp("2026-01-01", tz="UTC")
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "ben", "cat", "dan"]),
        st.sampled_from("abc"),
        st.integers(0, 80 * 24).map(lambda hours: START + pd.Timedelta(hours=hours)),
        st.sampled_from(["pro", "free", None]),
        st.integers(0, 10).map(float),
    ),
    max_size=25,
)
quick = settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.too_slow])
thorough = settings(quick, max_examples=25)


def table_of(rows):
    """An event table in which every event occurs, so that no step is unknown."""
    known = [("zoe", event, START + pd.Timedelta(days=70), "pro", 9.0) for event in "cba"]
    frame = pd.DataFrame([*rows, *known], columns=["user_id", "event", "timestamp", "plan", "amount"])
    return frame.astype({"user_id": "str", "event": "str", "timestamp": "datetime64[us, UTC]", "plan": "str"})
