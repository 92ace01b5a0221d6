"""What users say: survey sends and answers, and tickets."""

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, ZONE, Parameters
from metrics.samples.fieldnote.people import awake, choose, to_utc
from metrics.samples.fieldnote.subscriptions import plan_at

WAVES = {"nps-2026-q1": "2026-03-17 10:00", "nps-2026-q2": "2026-06-02 10:00"}
BANDS = ((9, 10), (7, 8), tuple(range(7)))  # promoters, passives, detractors
BAND_WEIGHTS = ((0.45, 0.55), (0.45, 0.55), (0.04, 0.04, 0.06, 0.11, 0.15, 0.26, 0.34))
COMMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "nps": {
        "good": ("Search finds everything", "Our whole team writes here", "Simple and fast", "Just works, danke schön"),
        "bad": ("Inviting from my phone does not work", "Too expensive for what it does", "Sync is slow on the phone"),
    },
    "csat": {"good": ("Quick answer, thank you",), "bad": ("Waited two days", "Did not solve it")},
    "ces": {"good": ("Up and running in minutes",), "bad": ("Could not find where to invite people",)},
}
UNUSABLE = ("", "11", "-1", "7.5", "n/a")
TOPICS = (("billing", 0.28), ("invitations", 0.30), ("sync", 0.22), ("export", 0.12), ("other", 0.08))
HOUR_MS = 3_600_000
CLOSING = 14 * 24 * HOUR_MS  # answers come within two weeks


def surveys(
    rng: np.random.Generator, users: pd.DataFrame, subscriptions: pd.DataFrame, tickets: pd.DataFrame, p: Parameters
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables survey_sends and survey_responses."""
    sends = all_sends(rng, users, tickets, p)
    account = sends["respondent_id"].map(users.set_index("user_id")["inviter"])
    sends["account_id"] = account.fillna(sends["respondent_id"])
    sends["plan"] = plan_at(subscriptions, sends["account_id"], sends["sent_at"])
    chance = np.where(sends["plan"] == "free", p.answers_free, p.answers_paid)
    answers = sends[sends["delivered"] & (rng.random(len(sends)) < chance)].reset_index(drop=True)
    again = answers[rng.random(len(answers)) < p.answers_twice]
    answers = pd.concat([answers, again], ignore_index=True)
    delay = rng.lognormal(mean=2.3, sigma=1.3, size=len(answers)) * HOUR_MS
    delay = np.minimum(delay, CLOSING * (0.5 + 0.5 * rng.random(len(answers)))).astype("int64")
    answers["answered_at"] = answers["sent_at"] + pd.to_timedelta(delay, unit="ms").as_unit("us")
    answers["good"], answers["score"] = scores(rng, answers, p)
    answers["comment"] = comments(rng, answers)
    unusable = rng.random(len(answers)) < p.answers_unusable
    answers.loc[unusable, "score"] = rng.choice(UNUSABLE, size=int(unusable.sum()))
    answers = answers[answers["answered_at"] < AS_OF].sort_values("answered_at", kind="stable").reset_index(drop=True)
    answers["response_id"] = [f"r{i + 1:05d}" for i in range(len(answers))]
    columns = "response_id survey_id respondent_id account_id plan answered_at question_type score comment"
    sends = sends.sort_values(["sent_at", "respondent_id"], kind="stable").reset_index(drop=True)
    return sends[["survey_id", "respondent_id", "sent_at", "delivered"]], answers[columns.split()]


def all_sends(rng: np.random.Generator, users: pd.DataFrame, tickets: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Two NPS waves, effort two weeks after sign-up to every second user, satisfaction after a solved ticket."""
    joined = to_utc(users["sign_up"])
    parts = []
    for wave, moment in WAVES.items():
        at = pd.Timestamp(moment, tz=ZONE).tz_convert("UTC")
        who = users.loc[(joined < at - pd.Timedelta(days=14)).to_numpy(), "user_id"]
        parts.append(pd.DataFrame({"survey_id": wave, "question_type": "nps", "respondent_id": who, "sent_at": at}))
    half = rng.random(len(users)) < 0.5
    parts.append(
        pd.DataFrame(
            {
                "survey_id": "ces-onboarding",
                "question_type": "ces",
                "respondent_id": users.loc[half, "user_id"],
                "sent_at": joined[half] + pd.Timedelta(days=14),
            }
        )
    )
    solved = tickets[tickets["solved_at"].notna()]
    parts.append(
        pd.DataFrame(
            {
                "survey_id": "csat-support",
                "question_type": "csat",
                "respondent_id": solved["customer_id"],
                "sent_at": solved["solved_at"] + pd.Timedelta(hours=1),
            }
        )
    )
    sends = pd.concat(parts, ignore_index=True)
    sends["sent_at"] = sends["sent_at"].dt.as_unit("us")
    sends = sends[sends["sent_at"] < AS_OF].reset_index(drop=True)
    return sends.assign(delivered=rng.random(len(sends)) < p.survey_delivered)


def scores(rng: np.random.Generator, answers: pd.DataFrame, p: Parameters) -> tuple[list[bool], list[str]]:
    """Whether an answer is a happy one, and its score as text."""
    nps = {"free": p.nps_free, "pro": p.nps_pro, "team": p.nps_team}
    good: list[bool] = []
    score: list[str] = []
    for kind, plan in zip(answers["question_type"], answers["plan"], strict=True):
        if kind == "nps":
            band = int(rng.choice(3, p=nps[plan]))
            happy = band == 0
            value = int(rng.choice(BANDS[band], p=BAND_WEIGHTS[band]))
        elif kind == "csat":
            happy = bool(rng.random() < p.satisfied)
            value = int(rng.choice([4, 5] if happy else [1, 2, 3]))
        else:
            happy = bool(rng.random() < p.finds_it_easy)
            value = int(rng.choice([5, 6, 7] if happy else [1, 2, 3, 4]))
        good.append(happy)
        score.append(str(value))
    return good, score


def comments(rng: np.random.Generator, answers: pd.DataFrame) -> list[str | None]:
    """About one answer in seven says why."""
    written: list[str | None] = []
    for kind, good in zip(answers["question_type"], answers["good"], strict=True):
        said = COMMENTS[kind]["good" if good else "bad"]
        written.append(str(rng.choice(said)) if rng.random() < 0.15 else None)
    return written


def tickets(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Support tickets, with what customers thought of the answer."""
    count = rng.poisson(p.tickets_per_user, len(users))
    who = users.loc[np.repeat(np.arange(len(users)), count), ["user_id", "sign_up"]].reset_index(drop=True)
    size = len(who)
    local = who["sign_up"].to_numpy() + (rng.exponential(25 * 24 * HOUR_MS, size)).astype("timedelta64[ms]")
    created = to_utc(awake(local))
    bot = rng.random(size) < 0.35
    reply = np.where(bot, 0.02, 1.0) * rng.lognormal(1.4, 0.9, size) * HOUR_MS
    solve = reply + rng.lognormal(2.2, 1.0, size) * HOUR_MS
    asked = rng.random(size) < 0.8
    rated = np.where(rng.random(size) < p.support_good, "good", "bad")
    answered = rng.random(size) < p.rates_support
    table = pd.DataFrame(
        {
            "customer_id": who["user_id"],
            "created_at": created,
            "first_reply_at": created + pd.to_timedelta(reply.astype("int64"), unit="ms").as_unit("us"),
            "solved_at": created + pd.to_timedelta(solve.astype("int64"), unit="ms").as_unit("us"),
            "reopens": rng.poisson(0.12, size),
            "channel": choose(rng, (("chat", 0.45), ("email", 0.45), ("phone", 0.10)), size),
            "handled_by": np.where(bot, "bot", "person"),
            "topic": choose(rng, TOPICS, size),
            "is_complaint": rng.random(size) < p.complaint_share,
            "satisfaction": np.where(~asked, "unoffered", np.where(answered, rated, "offered")),
        }
    )
    table = table[table["created_at"] < AS_OF].sort_values("created_at", kind="stable").reset_index(drop=True)
    for moment in ("first_reply_at", "solved_at"):
        table[moment] = table[moment].where(table[moment] < AS_OF)
    table["satisfaction"] = table["satisfaction"].where(table["solved_at"].notna(), "unoffered")
    table["reopens"] = table["reopens"].where(table["solved_at"].notna(), 0)
    table.insert(0, "ticket_id", [f"t{i + 1:04d}" for i in range(len(table))])
    return table
