"""Does onboarding go with success? Who was onboarded in time against who was not, on what they did afterwards.

Who stays longer has more time to finish the steps. So everybody is sorted at one moment, `within` after the start, and
only what comes later is counted: otherwise staying would be its own reason.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from metrics.engine import Events, Mark, Reading, Rows, Span, by_user, each_group, typed
from metrics.engine.local import Columns
from metrics.files import several
from metrics.files.values import id_texts
from metrics.intervals import add_rate, newcombe, no_denominator
from metrics.onboarding.firsts import NEVER, first_times, groups_at
from metrics.onboarding.progress import goals_of
from metrics.periods import Calendar, Ints, When, duration, microseconds, spoken
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.steps import EventChoice, Mask, Step, as_step, unknown

_SIDES = ("onboarded", "others")
_COUNTS = [name for side in _SIDES for name in (side, f"{side}_met")]
_COLUMNS = [
    "outcome", "onboarded", "onboarded_met", "onboarded_rate", "onboarded_rate_low", "onboarded_rate_high",
    "others", "others_met", "others_rate", "others_rate_low", "others_rate_high",
    "difference", "difference_low", "difference_high", "label", "reason",
]  # fmt: skip


def onboarding_outcomes(
    events: Events,
    *,
    onboarded: EventChoice | Sequence[EventChoice],
    as_of: When,
    start_event: EventChoice = None,
    by: str | list[str] | None = None,
    within: str = "14 days",
    follow_up: str = "28 days",
    active_days: int = 4,
    features: Sequence[EventChoice] = (),
    responses: pd.DataFrame | None = None,
    question: str | None = None,
    satisfied_from: float = 5,
    seen_in: str = "7 days",
    min_n: int = 10,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Are those who were onboarded in time more engaged, do they adopt more, are they more satisfied, do they stay?

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    onboarded
        What makes a user an onboarded one: an event, such as having seen the training, or a list of which
        it takes all.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    start_event
        What begins a user's time: an event's name, a `Step`, or None for the first row of any kind.
    by
        Property column or list, read from the row with which the user began: the onboarded of a group against all
        others of it.
    within
        Time from the start in which `onboarded` must be done: in [start, start + `within`).
    follow_up
        Time after that in which outcomes count: [start + `within`, start + `within` + `follow_up`). Users who still
        have it are left out, and counted in ``attrs["settings"]["too_recent"]``.
    active_days
        Engaged is who was active on so many local days of `follow_up` or more.
    features
        Adopted has who used any of these in `follow_up`; without, there is no such row.
    responses
        Answers (``respondent_id``, ``answered_at``, ``score``); the last one of a user in `follow_up` counts. Without,
        there is no such row.
    question
        Which ``question_type`` of `responses` is meant, such as ``"ces"``: scores of several are on different scales.
    satisfied_from
        Score from which on an answer is a satisfied one.
    seen_in
        Retained is who was seen in so much time at the end of `follow_up`.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    since, until
        Half-open range in which a user must have begun.
    tz
        Zone of dates, in which days are cut.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per outcome: engagement, adoption, satisfaction, retention (and group)
        outcome             text
        onboarded, others   count    users on each side (of satisfaction: who answered)
        onboarded_met, others_met  count   of these, met the outcome
        onboarded_rate (…), others_rate (…)  0 to 1  met / users, Wilson
        difference (…)      -1 to 1  onboarded_rate - others_rate, Newcombe
        label               text     ``association``
        reason              text     ``<estimate>: code`` with ``zero_denominator`` or ``below_min_n``

    Raises
    ------
    ValueError
        An event that no row has, answers to several questions and none named, a duration without a unit, `seen_in`
        longer than `follow_up`.
    EventTableError
        `events` is no event table.

    Notes
    -----
    A landmark analysis: Anderson, Cain & Gelber (1983), Journal of Clinical Oncology 1:710. Users were not assigned:
    who finishes the steps was keener to begin with. Newcombe (1998), Statistics in Medicine 17:873, method 10.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  sign_up
    ...     2026-01-02  ann  guide
    ...     2026-02-10  ann  visit
    ...     2026-01-01  ben  sign_up
    ... ''')
    >>> table = onboarding_outcomes(log, onboarded="guide", start_event="sign_up", as_of="2026-03-01", min_n=1)
    >>> table[["outcome", "onboarded", "onboarded_rate", "others", "others_rate"]]
          outcome  onboarded  onboarded_rate  others  others_rate
    0  engagement          1             0.0       1          0.0
    1   retention          1             1.0       1          0.0
    """
    goals = goals_of([onboarded] if isinstance(onboarded, str | Step) else list(onboarded or ()), "onboarded")
    used = goals_of(features, "features") if len(features) else []
    wait, follow, last = duration(within), duration(follow_up), duration(seen_in)
    if last > follow:
        raise ValueError(f"seen_in {seen_in!r} is longer than follow_up {follow_up!r}. It is the end of it.")
    span, start = Span.read(since=since, until=until, as_of=as_of, tz=tz), as_step(start_event, "start_event")
    marks = (
        Mark(start, "start_event", needed=True), Mark(Step(None), "events"),
        *(Mark(goal, "onboarded", needed=True) for goal in goals), *(Mark(feature, "features") for feature in used),
    )  # fmt: skip
    groups = keys(by, taken=_COLUMNS)
    answer = by_user(
        events, Reading(marks, span.as_of, ("user_id",), groups=tuple(groups)), _users_of, goals=len(goals),
        features=len(used), wait=wait, follow=follow, last=last, days=Calendar("day", tz), since=span.since,
        until=span.until,
    )  # fmt: skip
    found = answer.columns
    begins = found["start"] + wait
    over = begins + follow <= span.as_of
    met: dict[str, tuple[Mask, Mask]] = {"engagement": (over, found["active_days"] >= active_days)}
    if used:
        met["adoption"] = (over, found["used"])
    if isinstance(responses, pd.DataFrame):
        users = id_texts(answer.labels(found["id"]).to_series())
        responses = _of_question(responses, question)
        score = _scores(responses, pd.Series(np.asarray(users)), begins, follow)
        met["satisfaction"] = (over & ~np.isnan(score), score >= satisfied_from)
    met["retention"] = (over, found["retained"])
    for outcome, (counted, good) in met.items():
        found = found | {f"of {outcome}": counted, f"met {outcome}": good}
    rows = [
        key | {"outcome": outcome} | _sides(users["onboarded"], users[f"of {outcome}"], users[f"met {outcome}"])
        for key, users in each_group(replace(answer, columns=found), groups)
        for outcome in met
    ]
    table = pd.DataFrame(rows, columns=[*groups, "outcome", *_COUNTS])
    table = typed(table.astype({"outcome": "str", **dict.fromkeys(_COUNTS, "int64")}), answer, groups)
    reasons = {}
    for side in _SIDES:
        table = add_rate(table, f"{side}_rate", f"{side}_met", side, confidence)
        reasons[f"{side}_rate"] = too_few(no_denominator(table[side]), table[side], min_n)
    table["difference"] = table["onboarded_rate"] - table["others_rate"]
    table["difference_low"], table["difference_high"] = newcombe(
        table["onboarded_met"], table["onboarded"], table["others_met"], table["others"], confidence
    )
    reasons["difference"] = reasons["onboarded_rate"].fillna(reasons["others_rate"])
    for name, code in reasons.items():
        table = blank(table, code.notna(), [name, f"{name}_low", f"{name}_high"])
    table["label"], table["reason"] = "association", join_reasons(table, **reasons)
    settings = {
        "onboarded": [goal.label for goal in goals], "start_event": start.label, "within": within,
        "follow_up": follow_up, "active_days": active_days, "features": [f.label for f in used] or None,
        "seen_in": seen_in, "satisfied_from": satisfied_from if "satisfaction" in met else None, "question": question,
        "as_of": spoken(span.as_of, tz), "tz": tz, "by": groups or None, "min_n": min_n, "confidence": confidence,
        "too_recent": int((~over).sum()) or None,
    }  # fmt: skip
    definition = (
        f"Who did {', '.join(goal.label for goal in goals)} within {within} of {start.label} against all others, by "
        f"what came in the {follow_up} after that: active on {several(active_days, 'day', 'days')} or more, and "
        f"seen in the last {seen_in}. An association, not an effect."
    )
    return result(
        table, metric="onboarding_outcomes", definition=definition, settings=settings, columns=[*groups, *_COLUMNS]
    )


def _sides(onboarded: Mask, counted: Mask, met: Mask) -> dict[str, int]:
    """How many of the onboarded and of all others were counted, and how many of these met the outcome."""
    found: dict[str, int] = {}
    for side, mine in zip(_SIDES, (onboarded, ~onboarded), strict=True):
        found |= {side: int((counted & mine).sum()), f"{side}_met": int((counted & mine & met).sum())}
    return found


def _users_of(
    rows: Rows, goals: int, features: int, wait: int, follow: int, last: int, days: Calendar, since: int, until: int
) -> Columns:
    """By user: the start, whether onboarded in time, and what came after."""
    began = first_times(rows, rows.meets(0))
    known = np.flatnonzero((began != NEVER) & (began >= since) & (began < until))
    start = began[rows.unit]
    mine = start != NEVER
    early = mine & (rows.time >= start) & (rows.time < start + wait)
    late = mine & (rows.time >= start + wait) & (rows.time < start + wait + follow)

    def who(mask: Mask) -> Mask:
        found = np.zeros(len(began), bool)
        found[rows.unit[mask]] = True
        return found

    onboarded = np.ones(len(began), bool)
    for goal in range(goals):
        onboarded &= who(early & rows.meets(2 + goal))
    used = np.zeros(len(began), bool)
    for feature in range(features):
        used |= who(late & rows.meets(2 + goals + feature))
    unit, day = rows.unit[late], days.number(rows.time[late])
    new = np.ones(len(unit), bool)
    new[1:] = (unit[1:] != unit[:-1]) | (day[1:] != day[:-1])
    return {
        "id": rows.ids[known], "start": began[known], "onboarded": onboarded[known], "used": used[known],
        "active_days": np.bincount(unit[new], minlength=len(began)).astype(np.int64)[known],
        "retained": who(late & (rows.time >= start + wait + follow - last))[known],
        **groups_at(rows, rows.meets(0) & (rows.time == start), known),
    }  # fmt: skip


def _of_question(responses: pd.DataFrame, question: str | None) -> pd.DataFrame:
    """The answers to one question."""
    kinds = responses["question_type"].dropna().unique().tolist() if "question_type" in responses else []
    if question is None and len(kinds) > 1:
        raise ValueError(f"responses: answers to {sorted(kinds)} are on different scales. Name one with question=….")
    if question is not None and question not in kinds:
        raise ValueError(unknown("question", question, kinds, "a question_type of the answers", "types"))
    return responses if question is None else responses[responses["question_type"] == question]


def _scores(responses: pd.DataFrame, users: pd.Series, begins: Ints, follow: int) -> np.ndarray:
    """The last usable score of each user in [begins, begins + follow); NaN if there is none."""
    for name in ("respondent_id", "answered_at", "score"):
        if name not in responses:
            raise ValueError(unknown("responses", name, responses.columns, "a column of the answers", "columns"))
    answers = pd.DataFrame({
        "user": id_texts(responses["respondent_id"]).to_numpy(),
        "at": microseconds(pd.to_datetime(responses["answered_at"], utc=True)),
        "score": pd.to_numeric(responses["score"], errors="coerce").to_numpy(float),
    }).dropna(subset="score")  # fmt: skip
    asked = pd.DataFrame({"user": users.to_numpy(), "begins": begins, "row": np.arange(len(users))})
    met = answers.merge(asked, on="user")
    met = met[(met["at"] >= met["begins"]) & (met["at"] - met["begins"] < follow)].sort_values(["at", "score"])
    found = np.full(len(users), np.nan)
    found[met["row"].to_numpy(np.int64)] = met["score"].to_numpy(float)  # the last one is written last
    return found
