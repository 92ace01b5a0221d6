"""What fieldnote is made of: every number behind the simulation, in one place.

`Parameters` is the law, `truth` states it as the quantities a metric should recover.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

ZONE = "Europe/Berlin"
BEGIN = pd.Timestamp("2026-01-01", tz=ZONE)  # the day fieldnote opened
AS_OF = pd.Timestamp("2026-07-01", tz=ZONE)  # first moment not observed
FASTER_SEARCH = pd.Timestamp("2026-02-17 11:00", tz=ZONE)  # the one change of the log that changed something
DEVICES = ("desktop", "phone")
SIGNS = ("seen", "silent")
STEPS = ("sign_up", "confirm_email", "create_project", "invite_teammate", "share_project")


@dataclass(frozen=True)
class Parameters:
    """Probabilities unless the name says otherwise. Pairs are (desktop, phone), triples (free, pro, team)."""

    # Who comes
    phone_share: float = 0.42
    invited_share: float = 0.12  # joined the account of somebody who invited them; never subscribe themselves
    unknown_visitors_per_user: float = 0.30  # visitors who never sign up, per user
    window_days: int = 14

    # Funnel: goes on to this step within `window_days` of sign_up, given the step before
    confirm_email: tuple[float, float] = (0.90, 0.86)
    create_project: tuple[float, float] = (0.80, 0.74)
    invite_teammate: tuple[float, float] = (0.62, 0.34)
    share_project: tuple[float, float] = (0.78, 0.72)
    too_late: float = 0.06  # of those who miss a step in time, do it after the window and then stop

    # Weekly life: the law of retention
    leaves_for_good: float = 0.08  # in each calendar week after the one of sign_up
    active_if_alive: float = 0.49  # comes at least once in a calendar week
    more_sessions: float = 0.8  # mean number of sessions in an active week beyond the first

    # Everyday work, of which a session has 1.1 pieces
    searches: tuple[float, float] = (0.24, 0.40)  # before and after the faster search
    reads_guide: float = 0.20  # in the first session; says nothing about what a user does later

    # Money
    subscribes: float = 0.36  # of users who were not invited, in one of their sessions
    team_share: float = 0.40
    annual_share: float = 0.12
    trial_share: float = 0.50
    trial_days: int = 14
    trial_converts: float = 0.60
    trial_calls: tuple[float, float] = (0.50, 0.20)  # who will convert asks for a call more often than who will not
    asks_to_cancel: tuple[float, float] = (0.025, 0.20)  # per term: seen in the days before it, or silent
    silent_days: int = 28  # without an event before a term: the planted sign of leaving
    request_outcomes: tuple[float, float, float] = (0.60, 0.30, 0.10)  # cancelled, paused, kept
    resumes: float = 0.70  # after a pause of 30 or 60 days; the others leave at its end
    payment_fails: float = 0.06  # first attempt of an invoice
    payment_recovers: float = 0.70  # by a later attempt, within a week
    grace_days: int = 14  # then the system ends the subscription
    upgrades: float = 0.04  # per monthly term: pro to team, team adds seats
    downgrades: float = 0.015  # per monthly term: team to pro
    returns: float = 0.25  # of those whose subscription ended

    # Add-on orders: gamma-Poisson counts, gamma-gamma money
    buys: float = 0.30  # of users, a first add-on
    repeat_orders_per_week: float = 0.09
    repeat_shape: float = 1.5
    order_mean: float = 24.0  # EUR, expected mean order of a buyer
    order_shape: float = 6.0
    buyer_shape: float = 4.0
    refunds: float = 0.025

    # Voice: promoters, passives, detractors
    nps_free: tuple[float, float, float] = (0.30, 0.35, 0.35)
    nps_pro: tuple[float, float, float] = (0.45, 0.35, 0.20)
    nps_team: tuple[float, float, float] = (0.60, 0.27, 0.13)
    survey_delivered: float = 0.97
    answers_free: float = 0.28  # of delivered
    answers_paid: float = 0.50
    answers_twice: float = 0.03
    answers_unusable: float = 0.015
    satisfied: float = 0.78  # 4 or 5 of 5
    finds_it_easy: float = 0.68  # 5 to 7 of 7

    # E-mail
    email_delivered: float = 0.97
    email_opens: float = 0.38  # a person, of delivered
    email_machine_opens: float = 0.30  # a mail client that prefetches, independent of the person
    email_clicks: float = 0.24  # of people who opened
    email_unsubscribes: float = 0.006
    email_converts: tuple[float, float] = (0.06, 0.10)  # A, B, of delivered, within 7 days
    welcome_unsubscribes: tuple[float, ...] = (0.006, 0.015, 0.03, 0.06)  # by mails in the week up to this one
    offered: float = 0.40  # of leads, a discount on the first order; says nothing about what they buy

    # Support
    tickets_per_user: float = 0.14
    complaint_share: float = 0.18
    rates_support: float = 0.45  # of those asked
    support_good: float = 0.84
    requests_per_user: float = 0.12
    release_days: float = 75.0  # mean time from a request to its release
    contents_per_user: float = 0.09  # of users, for whom a content was made
    reused: float = 0.35  # of these contents, read by another customer

    # Transport
    duplicates: float = 0.01
    late: float = 0.015  # rows received one to five days after they happened


def step_probabilities(p: Parameters) -> dict[str, tuple[float, float]]:
    return {step: getattr(p, step) for step in STEPS[1:]}


def truth(seed: int, users: int, p: Parameters | None = None) -> dict[str, Any]:
    """The parameters and what follows from them, for ``truth.json``."""
    p = p or Parameters()
    steps = step_probabilities(p)
    device = {"desktop": 1 - p.phone_share, "phone": p.phone_share}
    reached = {d: np.concatenate([[1.0], np.cumprod([steps[s][i] for s in STEPS[1:]])]) for i, d in enumerate(DEVICES)}
    overall = device["desktop"] * reached["desktop"] + device["phone"] * reached["phone"]
    lost_by_payment = p.payment_fails * (1 - p.payment_recovers)
    cancels = {name: p.request_outcomes[0] * chance for name, chance in zip(SIGNS, p.asks_to_cancel, strict=True)}
    bands = {"free": p.nps_free, "pro": p.nps_pro, "team": p.nps_team}
    return {
        "about": "Simulated. The laws that made data/demo, and the quantities metrics should recover from it.",
        "seed": seed,
        "users": users,
        "tz": ZONE,
        "first_day": f"{BEGIN:%Y-%m-%d}",
        "as_of": f"{AS_OF:%Y-%m-%d}",
        "funnel": {
            "steps": list(STEPS),
            "window": f"{p.window_days} days",
            "step_conversion_rate": {d: {s: steps[s][i] for s in STEPS[1:]} for i, d in enumerate(DEVICES)}
            | {"overall": _rounded(zip(STEPS[1:], overall[1:] / overall[:-1], strict=True))},
            "conversion_rate": {d: _rounded(zip(STEPS, reached[d], strict=True)) for d in DEVICES}
            | {"overall": _rounded(zip(STEPS, overall, strict=True))},
            "largest_loss": {"step": "invite_teammate", "device": "phone"},
        },
        "visitors": {"sign_up_rate": round(1 / (1 + p.unknown_visitors_per_user), 6)},
        "retention": {
            "law": "Week k after the calendar week of sign_up, any event: "
            "active_if_alive * (1 - leaves_for_good) ** k. Weeks begin on Monday in tz.",
            "start_event": "sign_up",
            "retention_rate": {
                str(k): round(p.active_if_alive * (1 - p.leaves_for_good) ** k, 6) for k in range(1, 26)
            },
        },
        "subscriptions": {
            "monthly_churn_rate_voluntary": _rounded(cancels.items()),
            "monthly_churn_rate_involuntary": round(lost_by_payment, 6),
            "monthly_churn_rate": _rounded((k, 1 - (1 - v) * (1 - lost_by_payment)) for k, v in cancels.items()),
            "sign_of_leaving": f"silent: no event in the {p.silent_days} days before the term; seen: one at least.",
            "note": "Per monthly term, interval = month; an unpaid term ends after grace_days.",
            "trial_conversion_rate": p.trial_converts,
            "pause_take_rate": p.request_outcomes[1],
            "resume_rate": p.resumes,
        },
        "trial_calls": _calls(p),
        "payments": {
            "failure_rate": p.payment_fails,
            "recovery_rate": p.payment_recovers,
            "note": "Per invoice; recovery takes up to a week, so leave out what fell due in the last week.",
        },
        "orders": {
            "buyer_share": p.buys,
            "repeat_orders_per_week": p.repeat_orders_per_week,
            "mean_order_value": p.order_mean,
            "refund_rate": p.refunds,
        },
        "nps": {
            plan: {
                "promoters": b[0],
                "passives": b[1],
                "detractors": b[2],
                "net_promoter_score": round(100 * (b[0] - b[2]), 6),
            }
            for plan, b in bands.items()
        },
        "satisfaction": {"customer_satisfaction": 100 * p.satisfied, "customer_effort_ease": 100 * p.finds_it_easy},
        "emails": {
            "conversion_rate": {"A": p.email_converts[0], "B": p.email_converts[1]},
            "difference": round(p.email_converts[1] - p.email_converts[0], 6),
            "open_rate": p.email_opens,
            "machine_open_rate": p.email_machine_opens,
            "unsubscribe_rate_by_mails_in_week": {str(k + 1): rate for k, rate in enumerate(p.welcome_unsubscribes)},
        },
        "changes": {
            "c02": {"event": "search", "share_of_work_before": p.searches[0], "share_of_work_after": p.searches[1]},
            "note": "Of the other changes nothing follows.",
        },
        "training": {"event": "view_guide", "difference": 0.0, "note": "Who reads it stays and buys like the others."},
        "offers": {"difference": 0.0, "note": "Who was offered a discount buys as often as the others."},
        "surveys": {"response_rate": {"free": p.answers_free, "pro": p.answers_paid, "team": p.answers_paid}},
        "support": {"good_rating_rate": p.support_good, "complaint_share": p.complaint_share},
        "requests": {
            "median_days": round(p.release_days * np.log(2), 6),
            "released_rate_in_90_days": round(1 - np.exp(-90 / p.release_days), 6),
        },
        "contents": {"reuse_rate": p.reused},
        "transport": {"duplicate_rate": p.duplicates, "late_rate": p.late},
        "parameters": asdict(p),
    }


def _calls(p: Parameters) -> dict[str, Any]:
    """How trials with a call convert, and how those without: by who asks, for the call itself changes nothing."""
    keen, other = p.trial_calls
    asked = p.trial_converts * keen + (1 - p.trial_converts) * other
    rates = p.trial_converts * keen / asked, p.trial_converts * (1 - keen) / (1 - asked)
    return {
        "call_rate": round(asked, 6),
        "conversion_rate": _rounded(zip(("assisted", "unassisted"), rates, strict=True)),
        "difference": round(rates[0] - rates[1], 6),
        "effect": 0.0,
        "note": "Who will buy asks for a call more often; nobody buys because of it.",
    }


def _rounded(pairs: Any) -> dict[str, float]:
    return {str(key): round(float(value), 6) for key, value in pairs}
