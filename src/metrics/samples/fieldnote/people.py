"""Who comes to fieldnote, and when: users with their sign-up, device, country and source."""

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, BEGIN, DEVICES, ZONE, Parameters

WEEKDAYS = np.array([1.15, 1.2, 1.15, 1.1, 0.95, 0.7, 0.75])  # Monday first
COUNTRIES = (("DE", 0.46), ("AT", 0.12), ("CH", 0.10), ("FR", 0.10), ("NL", 0.09), ("US", 0.08), ("GB", 0.05))
SOURCES = (("search", 0.38), ("direct", 0.26), ("newsletter", 0.14), ("partner", 0.12), ("ads", 0.10))


def people(rng: np.random.Generator, users: int, p: Parameters) -> pd.DataFrame:
    """One row per user in order of sign-up, whose time is local; `inviter` is the user who asked them in."""
    sign_up = np.sort(arrivals(rng, users))
    invited = rng.random(users) < p.invited_share
    invited[: max(1, users // 50)] = False  # the first ones had nobody to invite them
    earlier = (rng.random(users) * np.arange(users)).astype(int)
    ids = np.array([f"u{10_000 + i}" for i in range(users)])
    phone = rng.random(users) < p.phone_share
    return pd.DataFrame(
        {
            "user_id": ids,
            "sign_up": sign_up,
            "device": np.where(phone, DEVICES[1], DEVICES[0]),
            "country": choose(rng, COUNTRIES, users),
            "source": np.where(invited, "invitation", choose(rng, SOURCES, users)),
            "inviter": pd.Series(ids[earlier], dtype="str").where(invited),
            "anonymous_id": [f"d{code:06x}" for code in rng.permutation(0xFFFFF)[:users]],
        }
    )


def arrivals(rng: np.random.Generator, count: int) -> np.ndarray:
    """Local times over all days: slowly growing, fewer at weekends."""
    days = pd.date_range(BEGIN.tz_localize(None), AS_OF.tz_localize(None), inclusive="left", freq="D")
    weight = WEEKDAYS[days.day_of_week] * np.linspace(0.8, 1.2, len(days))
    day = rng.choice(len(days), size=count, p=weight / weight.sum())
    local: np.ndarray = days.to_numpy().astype("datetime64[ms]")[day] + time_of_day(rng, count)
    return local


def time_of_day(rng: np.random.Generator, count: int) -> np.ndarray:
    """Between 6:30 and 22:30, so that a session ends before midnight and never meets the missing hour."""
    hours = 6.5 + 16 * rng.beta(1.8, 2.0, count)
    return (hours * 3_600_000).astype("timedelta64[ms]")


def awake(local: np.ndarray) -> np.ndarray:
    """Move what would fall before six in the morning to twelve hours later."""
    moments = local.astype("datetime64[ms]")
    hour = (moments - moments.astype("datetime64[D]")) // np.timedelta64(3_600_000, "ms")
    return np.where(hour < 6, moments + np.timedelta64(12 * 3_600_000, "ms"), moments)


def choose(rng: np.random.Generator, shares: tuple[tuple[str, float], ...], count: int) -> np.ndarray:
    names = np.array([name for name, _ in shares])
    return rng.choice(names, size=count, p=[share for _, share in shares])


def to_utc(local: object) -> pd.Series:
    """Local wall-clock times as instants, to the millisecond."""
    stamps = pd.Series(pd.DatetimeIndex(np.asarray(local, dtype="datetime64[ms]")))
    return stamps.dt.tz_localize(ZONE).dt.tz_convert("UTC").dt.as_unit("us")
