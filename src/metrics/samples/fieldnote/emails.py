"""Campaign mails: two variants with a known difference, and mail clients that open by themselves."""

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, ZONE, Parameters
from metrics.samples.fieldnote.people import to_utc

WELCOME = {"welcome-1": 0, "welcome-2": 1, "welcome-3": 2, "welcome-4": 5, "welcome-5": 19}  # days after sign-up
WELCOME_BEGINS = pd.Timestamp("2026-05-25", tz=ZONE)
CAMPAIGNS = {"spring-tips": "2026-03-10 10:00", "invite-your-team": "2026-05-12 10:00"}
KEPT_MS = 6.5 * 86_400_000  # everything follows within a week of delivery


def emails(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Event rows: message_id, recipient_id, campaign_id, variant, event, at, machine."""
    parts = []
    joined = to_utc(users["sign_up"])
    for number, (campaign, moment) in enumerate(CAMPAIGNS.items()):
        sent = pd.Timestamp(moment, tz=ZONE).tz_convert("UTC").as_unit("us")
        who = users.loc[(joined < sent).to_numpy(), "user_id"].reset_index(drop=True)
        parts.append(one_campaign(rng, who, campaign, sent, first_message=number * 100_000, p=p))
    return in_order(parts)


def in_order(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several mailings that were observed, in order of time."""
    table = pd.concat(parts, ignore_index=True)
    table = table[table["at"] < AS_OF]
    return table.sort_values(["at", "message_id"], kind="stable").reset_index(drop=True)


def one_campaign(
    rng: np.random.Generator, who: pd.Series, campaign: str, sent: pd.Timestamp, *, first_message: int, p: Parameters
) -> pd.DataFrame:
    """Half of the recipients get B.

    Who opens converts twice as often as who does not; together they give the variant's rate.
    """
    size = len(who)
    b = rng.permutation(size) % 2 == 1
    delivered = rng.random(size) < p.email_delivered
    opened = delivered & (rng.random(size) < p.email_opens)
    prefetched = delivered & (rng.random(size) < p.email_machine_opens)
    clicked = opened & (rng.random(size) < p.email_clicks)
    left = delivered & (rng.random(size) < p.email_unsubscribes)
    rate = np.where(b, p.email_converts[1], p.email_converts[0]) / (1 + p.email_opens)
    converted = delivered & (rng.random(size) < np.where(opened, 2 * rate, rate))
    arrival = rng.uniform(1_000, 90_000, size)
    read = arrival + np.minimum(rng.lognormal(2.2, 1.4, size) * 3_600_000, 0.5 * KEPT_MS)
    acted = read + np.minimum(rng.lognormal(1.5, 1.4, size) * 3_600_000, 0.5 * KEPT_MS)
    steps = [
        ("sent", np.ones(size, dtype=bool), np.zeros(size), False),
        ("delivered", delivered, arrival, False),
        ("bounced", ~delivered, arrival, False),
        ("opened", prefetched, arrival + rng.uniform(500, 20_000, size), True),
        ("opened", opened, read, False),
        ("clicked", clicked, read + rng.uniform(2_000, 60_000, size), False),
        ("unsubscribed", left, read + 120_000, False),
        ("converted", converted, acted, False),
    ]
    base = pd.DataFrame(
        {
            "message_id": [f"m{first_message + i:06d}" for i in range(size)],
            "recipient_id": who,
            "campaign_id": campaign,
            "variant": np.where(b, "B", "A"),
        }
    )
    parts = []
    for event, happened, after, machine in steps:
        at = sent + pd.to_timedelta(after.astype("int64"), unit="ms").as_unit("us")
        parts.append(base.assign(event=event, at=at, machine=machine)[happened])
    return pd.concat(parts, ignore_index=True)


def welcome_mails(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """A cadence after sign-up, without variants: daily at first, then in three days, then in a fortnight.

    The more mails came in the week up to one, the more recipients unsubscribe at it; then they get no more.
    """
    joined = to_utc(users["sign_up"])
    new = (joined >= WELCOME_BEGINS).to_numpy()
    who, begins = users.loc[new, "user_id"].reset_index(drop=True), joined[new].reset_index(drop=True)
    size, days = len(who), list(WELCOME.values())
    stays = np.ones(size, dtype=bool)
    parts = []
    for number, (step, day) in enumerate(WELCOME.items()):
        load = sum(0 <= day - earlier < 7 for earlier in days[: number + 1])
        leaves = rng.random(size) < p.welcome_unsubscribes[load - 1]
        opened, prefetched = rng.random(size) < p.email_opens, rng.random(size) < p.email_machine_opens
        clicked = opened & (rng.random(size) < p.email_clicks)
        sent, read = day * 24.0 + 1, rng.uniform(0.2, 10, size)  # hours
        steps = [
            ("sent", stays, np.full(size, sent), False), ("delivered", stays, np.full(size, sent + 0.01), False),
            ("opened", stays & prefetched, np.full(size, sent + 0.02), True),
            ("opened", stays & opened, sent + read, False), ("clicked", stays & clicked, sent + read + 0.01, False),
            ("unsubscribed", stays & leaves, sent + read + 0.05, False),
        ]  # fmt: skip
        ids = [f"w{number + 1}{k:05d}" for k in range(size)]
        base = pd.DataFrame({"message_id": ids, "recipient_id": who, "campaign_id": step, "variant": None})
        for event, happened, hours, machine in steps:
            at = begins + pd.to_timedelta((hours * 3_600_000).astype("int64"), unit="ms").as_unit("us")
            parts.append(base.assign(event=event, at=at, machine=machine)[happened])
        stays = stays & ~leaves
    return in_order(parts)
