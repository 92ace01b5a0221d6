"""What customers ask for and when it comes, and what is made for one of them and read by others."""

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, Parameters
from metrics.samples.fieldnote.people import awake, choose, to_utc

DAY_MS = 86_400_000
AREAS = (("editor", 0.34), ("search", 0.22), ("phone", 0.26), ("sharing", 0.18))
KINDS = (("template", 0.6), ("guide", 0.4))
READ_WITHIN = 60  # days after it was made, in which others read a content


def requests(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """request_id, customer_id, requested_at, released_at (NA: not yet), area; released after an exponential time."""
    who = users.loc[np.repeat(np.arange(len(users)), rng.poisson(p.requests_per_user, len(users)))]
    size = len(who)
    asked = awake(who["sign_up"].to_numpy() + _days(rng.exponential(35, size)))
    requested = to_utc(asked).set_axis(who.index)
    released = requested + pd.to_timedelta(rng.exponential(p.release_days, size) * DAY_MS // 1, unit="ms").as_unit("us")
    table = pd.DataFrame({
        "customer_id": who["user_id"], "requested_at": requested, "released_at": released.where(released < AS_OF),
        "area": choose(rng, AREAS, size),
    })  # fmt: skip
    return _named(table[table["requested_at"] < AS_OF], "requested_at", "request_id", "q")


def contents(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables contents (content_id, customer_id, made_at, kind) and content_views (user_id, timestamp, content_id)."""
    who = users[rng.random(len(users)) < p.contents_per_user]
    made = to_utc(awake(who["sign_up"].to_numpy() + _days(rng.exponential(20, len(who)))))
    table = pd.DataFrame({"customer_id": who["user_id"].to_numpy(), "made_at": made})
    table["kind"] = choose(rng, KINDS, len(table))
    table = _named(table[table["made_at"] < AS_OF], "made_at", "content_id", "k")
    views = [table[["content_id", "customer_id", "made_at"]].rename(columns={"customer_id": "user_id"})]
    others = np.where(rng.random(len(table)) < p.reused, 1 + rng.poisson(1.5, len(table)), 0)
    again = table.loc[np.repeat(np.arange(len(table)), others), ["content_id", "customer_id", "made_at"]]
    reader = users["user_id"].to_numpy()[rng.integers(0, len(users), len(again))]
    again = again.assign(user_id=reader)[reader != again["customer_id"].to_numpy()]
    views.append(again.drop(columns="customer_id"))
    seen = pd.concat(views, ignore_index=True)
    after = (rng.uniform(0.01, READ_WITHIN, len(seen)) * DAY_MS).astype("int64")
    seen["timestamp"] = seen["made_at"] + pd.to_timedelta(after, unit="ms").as_unit("us")
    seen = seen.loc[seen["timestamp"] < AS_OF, ["user_id", "timestamp", "content_id"]]
    return table, seen.sort_values(["timestamp", "user_id"], kind="stable").reset_index(drop=True)


def _days(days: np.ndarray) -> np.ndarray:
    return (days * DAY_MS).astype("timedelta64[ms]")


def _named(table: pd.DataFrame, time: str, name: str, letter: str) -> pd.DataFrame:
    """The rows in order of time, each with a name."""
    table = table.sort_values([time, "customer_id"], kind="stable").reset_index(drop=True)
    table.insert(0, name, [f"{letter}{k + 1:04d}" for k in range(len(table))])
    return table
