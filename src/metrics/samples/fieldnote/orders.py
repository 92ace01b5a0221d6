"""Add-on orders: who buys, how often again, for how much; and the customer list.

After a first order a buyer orders again as a Poisson process with an own rate (gamma over buyers),
each for an amount that is gamma around an own mean (inverse gamma over buyers).
"""

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, Parameters
from metrics.samples.fieldnote.people import awake, to_utc

DAY_MS = 86_400_000


def orders(rng: np.random.Generator, users: pd.DataFrame, offers: np.ndarray, p: Parameters) -> pd.DataFrame:
    """order_id, user_id, timestamp, currency, net, discount_percent; a refund is an order with a negative amount."""
    end = np.datetime64(AS_OF.tz_localize(None), "ms")
    rows: list[tuple[str, np.datetime64, float]] = []
    for user_id, sign_up in zip(users["user_id"], users["sign_up"].to_numpy("datetime64[ms]"), strict=True):
        first = sign_up + ms(rng.exponential(10) * DAY_MS)
        if rng.random() >= p.buys:
            continue
        rate = rng.gamma(p.repeat_shape, p.repeat_orders_per_week / p.repeat_shape)
        usual = p.order_mean * (p.buyer_shape - 1) / rng.gamma(p.buyer_shape, 1)
        at = first
        while at < end:
            net = max(0.5, round(float(rng.gamma(p.order_shape, usual / p.order_shape)), 2))
            rows.append((user_id, at, net))
            back = at + ms(rng.uniform(1, 10) * DAY_MS)
            if rng.random() < p.refunds and back < end:
                rows.append((user_id, back, -net))
            at = at + ms(rng.exponential(7 / rate) * DAY_MS)
    table = pd.DataFrame(rows, columns=["user_id", "local", "net"]).sort_values(["local", "user_id"], kind="stable")
    local = awake(table["local"].to_numpy())
    table = table.reset_index(drop=True).assign(timestamp=to_utc(local), currency="EUR")
    table = table.sort_values("timestamp", kind="stable").reset_index(drop=True)
    table["order_id"] = [f"o{i + 1:05d}" for i in range(len(table))]
    offered = table["user_id"].isin(users.loc[offers == "discount", "user_id"]) & ~table["user_id"].duplicated()
    table["discount_percent"] = np.where(offered, 10, 0)
    return table[["order_id", "user_id", "timestamp", "currency", "net", "discount_percent"]]


def ms(milliseconds: float) -> np.timedelta64:
    return np.timedelta64(int(milliseconds), "ms")


def offers(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> np.ndarray:
    """What each lead was offered: a discount on the first order, or nothing."""
    return np.where(rng.random(len(users)) < p.offered, "discount", "none")


def customers(rng: np.random.Generator, users: pd.DataFrame, offers: np.ndarray) -> pd.DataFrame:
    """customer_id (the user's id), signup_at, source, referrer_id, segment, country, offer."""
    segment = rng.choice(["solo", "small_team", "company"], size=len(users), p=[0.6, 0.3, 0.1])
    return pd.DataFrame(
        {
            "customer_id": users["user_id"],
            "signup_at": to_utc(users["sign_up"]),
            "source": users["source"],
            "referrer_id": users["inviter"],
            "segment": segment,
            "country": users["country"],
            "offer": offers,
        }
    )


def change_log() -> pd.DataFrame:
    """What fieldnote changed, and when; of all this only the faster search changes anything."""
    changes = [
        ("2026-01-20T09:00:00Z", "onboarding", "Shorter confirmation mail"),
        ("2026-02-17T10:00:00Z", "editor", "Faster search"),
        ("2026-03-10T09:00:00Z", "campaign", "Spring tips to all users"),
        ("2026-04-07T08:30:00Z", "invite", "New invitation dialog on desktop"),
        ("2026-04-21T08:30:00Z", "pricing", "Price page shows seats"),
        ("2026-05-12T09:00:00Z", "campaign", "Invite your team, two variants"),
        ("2026-06-09T08:00:00Z", "app", "Phone app 2.0"),
    ]
    table = pd.DataFrame(changes, columns=["at", "scope", "note"])
    table["at"] = pd.to_datetime(table["at"], utc=True).dt.as_unit("us")
    table.insert(0, "change_id", [f"c{i + 1:02d}" for i in range(len(table))])
    return table
