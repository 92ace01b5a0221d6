"""What is asked of a world: for each question a metric's interval, what was planted, and whether the metric found it.

A question answers once for a world, so that worlds are the independent draws over which shares are counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

import metrics
from benchmarks.planted.worlds import World
from metrics.samples.fieldnote import AS_OF, STEPS, ZONE
from metrics.samples.fieldnote.parameters import DEVICES, step_probabilities

END = "2026-07-01"
ALPHA = 0.05
FEWEST = 5  # who left, to learn from: of 800 users hardly twenty have


@dataclass(frozen=True)
class Answer:
    """An interval and what it should hold (NaN: no single number), and whether the metric says that there is a
    difference."""

    low: float
    high: float
    planted: float
    found: bool
    is_rate: bool = False  # there is nothing to be found: only whether the interval holds is asked

    @property
    def held(self) -> bool | None:
        return None if np.isnan(self.planted) else bool(self.low <= self.planted <= self.high)


def apart(row: "pd.Series", name: str, planted: float) -> Answer | None:
    """A difference is found where its interval leaves out 0; None where the metric gives no interval."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return None if pd.isna(low) else Answer(low, high, planted, bool(low > 0 or high < 0))


def of_rate(row: "pd.Series", name: str, planted: float) -> Answer | None:
    """The interval of a rate, with nothing to be found."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return None if pd.isna(low) else Answer(low, high, planted, found=False, is_rate=True)


# -- mails -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def variants(world: World) -> "pd.Series":
    test = metrics.compare_variants(metrics.variant_outcomes(world["emails"], campaign="invite-your-team"))
    return test.set_index("variant").loc["B"]


def mail_difference(world: World) -> Answer:
    a, b = world.law.email_converts
    row = variants(world)
    return Answer(row["difference_low"], row["difference_high"], b - a, row["verdict"] in ("better", "worse"))


def mail_lift(world: World) -> Answer | None:
    a, b = world.law.email_converts
    return apart(variants(world), "relative_lift", b / a - 1)


def mail_opens(world: World) -> Answer | None:
    law, row = world.law, metrics.email_performance(world["emails"], by="campaign_id").iloc[0]
    return of_rate(row, "open_rate", law.email_opens / (1 - law.email_machine_opens * (1 - law.email_opens)))


def third_mail_of_a_week(world: World) -> Answer | None:
    load = metrics.mail_frequency(world["emails"], as_of=END, most=4).set_index("mails_received")
    return of_rate(load.loc[3], "unsubscribe_rate", world.law.welcome_unsubscribes[2])


def openers_buy(world: World) -> Answer | None:
    """Who buys does not ask whether they opened: what the mail converts is another event."""
    row = metrics.open_conversion(world["emails"], conversions=orders(world), as_of=END, tz=ZONE).iloc[0]
    return apart(row, "difference", 0.0)


def orders(world: World) -> pd.DataFrame:
    return world["orders"].rename(columns={"user_id": "recipient_id", "timestamp": "at"})


# -- leaving -----------------------------------------------------------------------------------------------------------


def terms(world: World) -> pd.DataFrame:
    """Monthly terms that were paid and are over: whether silent before, and whether asked to leave in them."""
    bills, asked = world["invoices"], world["cancellations"].dropna(subset=["requested_at"])
    monthly = world["subscriptions"].groupby("subscription_id")["interval"].first()
    over = bills["paid_at"].notna() & (bills["due_at"] < AS_OF - pd.Timedelta(days=32))
    rows = bills[over & bills["subscription_id"].map(monthly).eq("month")]
    events = world["events"][["user_id", "timestamp"]].rename(columns={"user_id": "customer_id"})
    met = rows.merge(events, on="customer_id")
    since = met["due_at"] - pd.Timedelta(days=world.law.silent_days)
    seen = set(met.loc[met["timestamp"].between(since, met["due_at"], inclusive="left"), "invoice_id"])
    left = rows.merge(asked[asked["outcome"] == "cancelled"], on="subscription_id")
    gone = left["requested_at"].between(left["due_at"], left["due_at"] + pd.Timedelta(days=27))
    return pd.DataFrame({
        "customer_id": rows["invoice_id"], "silent": ~rows["invoice_id"].isin(seen),
        "churned": rows["invoice_id"].isin(set(left.loc[gone, "invoice_id"])),
    })  # fmt: skip


@lru_cache(maxsize=1)
def bands(world: World) -> pd.DataFrame:
    """Silence as a score: red after it, green without."""
    known = terms(world)
    scores = known[["customer_id"]].assign(band=np.where(known["silent"], "red", "green"))
    return metrics.churn_by_band(scores, outcomes=known[["customer_id", "churned"]]).set_index("band")


def silent_leave(world: World) -> Answer | None:
    return of_rate(bands(world).loc["red"], "churn_rate", leaving(world)[1])


def seen_leave(world: World) -> Answer | None:
    return of_rate(bands(world).loc["green"], "churn_rate", leaving(world)[0])


def silence_matters(world: World) -> Answer | None:
    table, (seen, silent) = bands(world), leaving(world)
    return apart(gap(table.loc["red"], table.loc["green"]), "difference", silent - seen)


def leaving(world: World) -> tuple[float, float]:
    seen, silent = (world.law.request_outcomes[0] * chance for chance in world.law.asks_to_cancel)
    return seen, silent


@lru_cache(maxsize=1)
def snapshots(world: World) -> pd.DataFrame:
    """Without pauses and unpaid invoices, which end subscriptions also where use says nothing."""
    past = metrics.customer_snapshots(
        paying(world), as_of=END, horizon="60 days", tz=ZONE, events=world["events"], invoices=world["invoices"]
    )
    kept = past[(past["paused"] == 0) & (past["invoices_overdue"] == 0)]
    kept.attrs = past.attrs
    return kept


@lru_cache(maxsize=1)
def paying(world: World) -> pd.DataFrame:
    return metrics.mrr_lines(world["subscriptions"])


def red_leave(world: World) -> Answer | None:
    """The score of use as it stood at moments of the past: do more of the red leave than of the green?"""
    past = snapshots(world)
    measures = metrics.health_measures(past).query("measure == 'usage'")
    scores = metrics.health_score(measures, weights={"usage": 1}, by="cutoff")
    table = metrics.churn_by_band(scores, outcomes=past).set_index("band")
    return apart(gap(table.loc["red"], table.loc["green"]), "difference", np.nan)


def gap(one: "pd.Series", other: "pd.Series") -> "pd.Series":
    """How much more of the one band left than of the other."""
    return metrics.difference_interval(
        successes_a=one["churned"], n_a=one["customers"], successes_b=other["churned"], n_b=other["customers"]
    ).iloc[0]


def alerts_are_right(world: World) -> Answer | None:
    """Falls in use as they would have been told: do more of those alerted leave than of all others?"""
    past = snapshots(world)
    told = metrics.replay_alerts(
        past, rules=["usage_drop"], events=world["events"], subscriptions=paying(world), min_baseline=2, tz=ZONE
    )
    row = metrics.alert_quality(told, outcomes=past).iloc[0]
    if not row["alerted"]:
        return None
    hit = round(row["precision"] * row["alerted"])
    alerted = pd.Series({"churned": hit, "customers": row["alerted"]})
    others = pd.Series({"churned": row["churned"] - hit, "customers": row["customers"] - row["alerted"]})
    return apart(gap(alerted, others), "difference", np.nan)


def use_foretells(world: World) -> Answer | None:
    """Forecasts from use alone, each learnt from the months before it: do they rank those who leave above the others?

    Of customers who pay by the month: who pays by the year stays whatever they do, and would be known by their use.
    """
    past = metrics.customer_snapshots(
        paying(world), as_of=END, horizon="30 days", tz=ZONE, events=world["events"], invoices=world["invoices"]
    )
    monthly = past["customer_id"].isin(world["subscriptions"].query("interval == 'month'")["customer_id"])
    past = past[monthly & (past["paused"] == 0) & (past["invoices_overdue"] == 0)]
    row = metrics.backtest_churn(past, signals=["days_since_active", "active_weeks"], min_churned=FEWEST).iloc[0]
    return apart(row[["auc_low", "auc_high"]] - 0.5, "auc", np.nan)


@lru_cache(maxsize=1)
def foretold(world: World) -> pd.DataFrame:
    """The chance to leave in a term after silence and without, as learnt from all terms that are over."""
    past = terms(world).assign(cutoff=AS_OF - pd.Timedelta(days=1), until=AS_OF)
    now = pd.DataFrame({"customer_id": ["silent", "seen"], "silent": [1.0, 0.0], "cutoff": AS_OF})
    table = metrics.forecast_churn(past.astype({"silent": float}), now=now, signals=["silent"], min_churned=FEWEST)
    return table.set_index("customer_id")


def silent_will_leave(world: World) -> Answer | None:
    """Found where the limits of the two chances lie apart."""
    silent, seen = foretold(world).loc["silent"], foretold(world).loc["seen"]
    low, high = silent["churn_probability_low"], silent["churn_probability_high"]
    differ = low > seen["churn_probability_high"] or high < seen["churn_probability_low"]
    return None if pd.isna(low) else Answer(low, high, leaving(world)[1], bool(differ))


def seen_will_leave(world: World) -> Answer | None:
    return of_rate(foretold(world).loc["seen"], "churn_probability", leaving(world)[0])


def voice_and_leaving(world: World) -> Answer | None:
    """What a subscriber answers says nothing of whether they leave."""
    answers = world["survey_responses"].query("question_type == 'nps' and plan != 'free'")
    table = metrics.nps_by_churn(
        answers, subscriptions=world["subscriptions"], follow_up="30 days", min_n=5, as_of=END, tz=ZONE
    )
    return apart(table.set_index("band").loc["detractor"], "difference", 0.0)


def leaving_by_offer(world: World) -> Answer:
    """How long subscriptions last does not depend on what the lead was once offered: log-rank."""
    rows = world["subscriptions"]
    stays = rows.groupby("subscription_id").agg(customer=("customer_id", "first"), start=("start", "min"))
    running = rows.groupby("subscription_id")["end"].apply(lambda ends: ends.isna().any())
    end = rows.groupby("subscription_id")["end"].max().where(~running, AS_OF)
    offer = stays["customer"].map(world["customers"].set_index("customer_id")["offer"])
    days = (end - stays["start"]).dt.total_seconds() / 86_400
    p = metrics.compare_survival(days, ~running, by=offer)["p_value"].iloc[0]
    return Answer(np.nan, np.nan, 0.0, bool(p < ALPHA))


# -- help, offers, training --------------------------------------------------------------------------------------------


def calls(world: World) -> Answer | None:
    keen, other = world.law.trial_calls
    buys = world.law.trial_converts
    asked = buys * keen + (1 - buys) * other
    row = metrics.assisted_trial_conversion(
        world["subscriptions"], contacts=world["contacts"], as_of=END, tz=ZONE
    ).iloc[0]
    return apart(row, "difference", buys * keen / asked - buys * (1 - keen) / (1 - asked))


@lru_cache(maxsize=1)
def discounted(world: World) -> "pd.Series":
    kept = metrics.discount_retention(world["orders"], follow_up="60 days", as_of=END, tz=ZONE)
    return kept.set_index("first_purchase").loc["discounted"]


def discounts(world: World) -> Answer | None:
    return apart(discounted(world), "difference", 0.0)


def discounted_value(world: World) -> Answer | None:
    return apart(discounted(world), "value_difference", 0.0)


@lru_cache(maxsize=1)
def readers(world: World) -> pd.DataFrame:
    table = metrics.onboarding_outcomes(
        world["events"],
        onboarded="view_guide",
        start_event="sign_up",
        active_days=3,
        features=["search"],
        responses=world["survey_responses"],
        question="ces",
        as_of=END,
        tz=ZONE,
    )
    return table.set_index("outcome")


def training(outcome: str) -> Callable[[World], Answer | None]:
    return lambda world: apart(readers(world).loc[outcome], "difference", 0.0)


# -- funnels and answers -----------------------------------------------------------------------------------------------


def devices(world: World) -> Answer:
    table = metrics.compare_funnels(
        world["events"], list(STEPS), by="device", control="desktop", as_of=END, window="14 days", tz=ZONE
    )
    row = table[(table["group"] == "phone") & (table["event"] == STEPS[-1])].iloc[0]
    chances = list(step_probabilities(world.law).values())
    desktop, phone = (float(np.prod([pair[side] for pair in chances])) for side in range(len(DEVICES)))
    return Answer(row["difference_low"], row["difference_high"], phone - desktop, bool(row["p_adjusted"] < ALPHA))


def plans(world: World) -> Answer:
    answers = world["survey_responses"].query("question_type == 'nps'")
    free, paid = (answers[answers["plan"] == plan] for plan in ("free", "pro"))
    row = metrics.nps_change(free, after=paid, paired=False).iloc[0]
    score = [100 * (law[0] - law[2]) for law in (world.law.nps_free, world.law.nps_pro)]
    return Answer(row["difference_low"], row["difference_high"], score[1] - score[0], bool(row["p_value"] < ALPHA))


def waves(world: World) -> Answer:
    """Two waves of the same survey, of those who answered both; nothing came between that moved the answers."""
    answers = world["survey_responses"].query("question_type == 'nps'")
    first, second = (answers[answers["survey_id"] == f"nps-2026-q{quarter}"] for quarter in (1, 2))
    row = metrics.nps_change(first, after=second).iloc[0]
    return Answer(row["difference_low"], row["difference_high"], 0.0, bool(row["p_value"] < ALPHA))


# -- changes -----------------------------------------------------------------------------------------------------------


def searches(world: World) -> pd.DataFrame:
    """Share of each day's everyday work that is a search: the number that the change moves."""
    work = world["events"][world["events"]["event"].isin(["edit_note", "search", "export_note", "view_guide"])]
    day = work["timestamp"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    return (work["event"] == "search").groupby(day).mean().rename_axis("date").rename("value").reset_index()


def effects(world: World, series: pd.DataFrame, value: str = "value") -> pd.DataFrame:
    table = metrics.change_effects(
        series, change_log=world["change_log"], value=value, trend="linear", as_of=END, tz=ZONE
    )
    return table.set_index("change_id")


def change(world: World) -> Answer:
    before, after = world.law.searches
    row = effects(world, searches(world)).loc["c02"]
    return Answer(row["difference_low"], row["difference_high"], after - before, bool(row["p_adjusted"] < ALPHA))


@lru_cache(maxsize=1)
def of_the_report(world: World) -> pd.DataFrame:
    """The effects that the report draws: of the share of the active who searched."""
    daily = metrics.feature_usage(world["events"], feature="search", period="day", as_of=END, tz=ZONE)
    return effects(world, daily, "usage_rate")


def change_alone(world: World) -> Answer:
    """One change, judged by itself."""
    row = of_the_report(world).loc["c02"]
    return Answer(row["difference_low"], row["difference_high"], np.nan, bool(row["p_value"] < ALPHA))


def change_log(world: World) -> Answer:
    """Any change of the log, with the p-values taken together."""
    return Answer(np.nan, np.nan, np.nan, bool((of_the_report(world)["p_adjusted"] < ALPHA).any()))


def change_of_actives(world: World) -> Answer:
    """A number whose days are alike: who is active today is likely to be so this week."""
    daily = metrics.active_users(world["events"], as_of=END, tz=ZONE)
    row = effects(world, daily, "daily").loc["c05"]
    return Answer(row["difference_low"], row["difference_high"], 0.0, bool(row["p_value"] < ALPHA))


QUESTIONS: dict[str, Callable[[World], Answer | None]] = {
    "mail B against A: `compare_variants`, difference": mail_difference,
    "mail B against A: `compare_variants`, relative lift": mail_lift,
    "opened by a person: `email_performance`": mail_opens,
    "unsubscribed at the third mail of a week: `mail_frequency`": third_mail_of_a_week,
    "openers buy more: `open_conversion`": openers_buy,
    "silent subscribers who ask to leave: `churn_by_band`, red": silent_leave,
    "others who ask to leave: `churn_by_band`, green": seen_leave,
    "silence goes with leaving: `difference_interval`": silence_matters,
    "red customers leave: `health_score` of use, `churn_by_band`": red_leave,
    "falls in use go with leaving: `churn_alerts`, `alert_quality`": alerts_are_right,
    "use foretells who leaves: `backtest_churn`, auc": use_foretells,
    "chance that silent subscribers leave: `forecast_churn`": silent_will_leave,
    "chance that others leave: `forecast_churn`": seen_will_leave,
    "answers go with leaving: `nps_by_churn`": voice_and_leaving,
    "offers go with leaving: `compare_survival`": leaving_by_offer,
    "trials with a call: `assisted_trial_conversion`": calls,
    "customers of a discount stay: `discount_retention`": discounts,
    "customers of a discount bring more: `discount_retention`": discounted_value,
    "readers of the guide are engaged: `onboarding_outcomes`": training("engagement"),
    "readers of the guide search: `onboarding_outcomes`": training("adoption"),
    "readers of the guide are satisfied: `onboarding_outcomes`": training("satisfaction"),
    "readers of the guide stay: `onboarding_outcomes`": training("retention"),
    "phone against desktop: `compare_funnels`": devices,
    "pro against free: `nps_change`, two groups": plans,
    "two waves: `nps_change`, the same people": waves,
    "faster search, share of work: `change_effects`": change,
    "faster search, share of the active: `change_effects`": change_alone,
    "any change of the log: `change_effects`, Holm": change_log,
    "price page, users active a day: `change_effects`": change_of_actives,
}
