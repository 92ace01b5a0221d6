"""What users do: sessions by the law of retention, funnel steps and notes inside the sessions.

Weeks are drawn first, so that the weekly law holds exactly; every event then falls into a session.
In each calendar week after the one of sign-up a user leaves for good with `leaves_for_good`;
who is still there comes in that week with `active_if_alive`.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import AS_OF, DEVICES, FASTER_SEARCH, STEPS, Parameters, step_probabilities
from metrics.samples.fieldnote.people import COUNTRIES, SOURCES, WEEKDAYS, arrivals, choose, time_of_day, to_utc

HOUR = np.timedelta64(3_600_000, "ms")
DAY = 24 * HOUR
END = np.datetime64(AS_OF.tz_localize(None), "ms")
FASTER = np.datetime64(FASTER_SEARCH.tz_localize(None), "ms")
EXPORTS = 0.10  # of everyday work; the rest after searches and the guide is editing
STAYS_IN_SESSION = {"confirm_email": 0.92, "create_project": 0.70, "invite_teammate": 0.20, "share_project": 0.50}
AGAIN = {"create_project": 0.12, "invite_teammate": 0.06, "share_project": 0.18}  # per later session


@dataclass
class Session:
    """One sitting of one user: it starts, events follow within the hour."""

    start: np.datetime64  # local
    names: list[str] = field(default_factory=list)


def activity(rng: np.random.Generator, users: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """Events of signed-up users: user, event, timestamp, device, anonymous (before sign-up)."""
    rows: list[tuple[int, str, np.datetime64, str, bool]] = []
    chances = step_probabilities(p)
    invited = users["inviter"].notna()
    joined = users["sign_up"].to_numpy("datetime64[ms]")
    for number, (sign_up, own, was_invited) in enumerate(zip(joined, users["device"], invited, strict=True)):
        sessions = [Session(start) for start in session_starts(rng, sign_up, p)]
        take_steps(rng, sessions, DEVICES.index(own), chances, p)
        if not was_invited and rng.random() < p.subscribes:
            eager = sessions[: 1 + rng.geometric(0.4)]
            eager[-1].names.append("upgrade")
        add_notes(rng, sessions, p)
        rows += [(number, "visit", moment, own, True) for moment in visits_before(rng, sign_up)]
        for place, session in enumerate(sessions):
            other = place > 0 and rng.random() < 0.1
            device = DEVICES[1 - DEVICES.index(own)] if other else own
            rows += [(number, name, at, device, False) for name, at in timed(rng, session)]
    table = pd.DataFrame(rows, columns=["user", "event", "local", "device", "anonymous"])
    table = table[table["local"] < END].reset_index(drop=True)
    return table.assign(timestamp=to_utc(table["local"])).drop(columns="local")


def session_starts(rng: np.random.Generator, sign_up: np.datetime64, p: Parameters) -> list[np.datetime64]:
    """The sign-up session, perhaps more in its week, then the weeks of the law."""
    day = sign_up.astype("datetime64[D]")
    monday = day - (day.astype(int) + 3) % 7  # 1970-01-01 was a Thursday
    starts = [start for start in week_sessions(rng, monday, 0.8) if start > sign_up + HOUR]
    weeks = int((END.astype("datetime64[D]") - monday).astype(int)) // 7
    alive = np.cumprod(rng.random(weeks) >= p.leaves_for_good).astype(bool)
    active = alive & (rng.random(weeks) < p.active_if_alive)
    for week in np.flatnonzero(active) + 1:
        starts += week_sessions(rng, monday + 7 * int(week), 1 + p.more_sessions)
    return [sign_up, *sorted(starts)]


def week_sessions(rng: np.random.Generator, monday: np.datetime64, mean: float) -> list[np.datetime64]:
    count = rng.poisson(mean) if mean < 1 else 1 + rng.poisson(mean - 1)
    days = rng.choice(7, size=min(count, 7), replace=False, p=WEEKDAYS / WEEKDAYS.sum())
    return list((monday + days).astype("datetime64[ms]") + time_of_day(rng, len(days)))


def take_steps(
    rng: np.random.Generator,
    sessions: list[Session],
    device: int,
    chances: dict[str, tuple[float, float]],
    p: Parameters,
) -> None:
    """Put the funnel steps into the sessions: in time with the stated probability, a few too late."""
    window = p.window_days * DAY
    sign_up = sessions[0].start
    in_time = sum(bool(session.start < sign_up + window - HOUR) for session in sessions)
    late = [i for i, session in enumerate(sessions) if session.start > sign_up + window]
    sessions[0].names.append(STEPS[0])
    place = 0
    for step, chance in chances.items():
        if rng.random() >= chance[device]:
            if late and rng.random() < p.too_late:
                sessions[int(rng.choice(late))].names.append(step)
            return
        if rng.random() >= STAYS_IN_SESSION[step]:
            place = int(rng.integers(place, in_time))
        sessions[place].names.append(step)
        for session in sessions[place + 1 :]:
            if step in AGAIN and rng.random() < AGAIN[step]:
                session.names.append(step)


def add_notes(rng: np.random.Generator, sessions: list[Session], p: Parameters) -> None:
    """Everyday work between the steps; each later session opens with a visit."""
    for place, session in enumerate(sessions):
        for name in choose(rng, notes(session.start, p, first=place == 0), int(rng.poisson(1.1))):
            session.names.insert(int(rng.integers(min(place == 0, len(session.names)), len(session.names) + 1)), name)
        if place:
            session.names.insert(0, "visit")


def notes(at: np.datetime64, p: Parameters, *, first: bool) -> tuple[tuple[str, float], ...]:
    """What everyday work is: the guide is read in the first session, and a faster search is used more."""
    search = p.searches[int(at >= FASTER)]
    guide = p.reads_guide if first else 0.0
    rest = 1 - search - EXPORTS - guide
    return (("edit_note", rest), ("search", search), ("export_note", EXPORTS), ("view_guide", guide))


def timed(rng: np.random.Generator, session: Session) -> list[tuple[str, np.datetime64]]:
    """The first event at the start, the others minutes apart, all within 50 minutes."""
    gaps = rng.lognormal(mean=4.3, sigma=1.0, size=len(session.names))  # seconds, median 74
    gaps[0] = 0
    passed = np.cumsum(gaps)
    passed *= min(1.0, 3_000 / max(passed[-1], 1))
    moments = session.start + np.maximum.accumulate((passed * 1000).astype("timedelta64[ms]"))
    return list(zip(session.names, moments, strict=True))


def visits_before(rng: np.random.Generator, sign_up: np.datetime64) -> list[np.datetime64]:
    """Anonymous visits: minutes before signing up, some already days earlier."""
    minutes = list(rng.uniform(0.5, 20, size=int(rng.integers(1, 3))))
    if rng.random() < 0.2:
        minutes.append(float(rng.integers(1, 9)) * 1440)
    begin = np.datetime64("2026-01-01T00:00", "ms")
    moments = [sign_up - np.timedelta64(int(m * 60_000), "ms") for m in minutes]
    return [moment for moment in moments if moment >= begin]


def strangers(rng: np.random.Generator, users: int, p: Parameters) -> pd.DataFrame:
    """Visitors who never sign up: anonymous_id, event, timestamp, device, country, source."""
    count = int(users * p.unknown_visitors_per_user)
    who = pd.DataFrame(
        {
            "anonymous_id": [f"v{code:06x}" for code in rng.permutation(0xFFFFF)[:count]],
            "first": arrivals(rng, count),
            "device": choose(rng, (("phone", 0.6), ("desktop", 0.4)), count),
            "country": choose(rng, COUNTRIES, count),
            "source": choose(rng, SOURCES, count),
        }
    )
    visits = who.loc[np.repeat(np.arange(count), 1 + rng.poisson(0.4, count))].reset_index(drop=True)
    again = visits.groupby("anonymous_id").cumcount().to_numpy()
    visits["local"] = visits["first"] + again * np.timedelta64(3 * 24 * 3_600_000 + 1_234_567, "ms")
    visits = visits[visits["local"] < END].reset_index(drop=True)
    return visits.assign(event="visit", timestamp=to_utc(visits["local"])).drop(columns=["first", "local"])
