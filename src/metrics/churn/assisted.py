"""Do trials with help become customers more often? Those in which somebody called, taught or was asked, and the others.

Who asks is keener to begin with, and who is called was chosen: the difference is what happened, not what help does. A
longer trial leaves more time for help. With `within` trials are sorted while all of them run, and only those which do.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.churn.trials import trials_of
from metrics.engine import Events, Mark, Reading, Rows, by_user
from metrics.engine.local import Columns
from metrics.events import EventTableError
from metrics.files import several
from metrics.files.values import id_texts
from metrics.intervals import add_rate, newcombe, no_denominator
from metrics.periods import Ints, When, duration
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.revenue.book import ACTIVE, NEVER, PAST_DUE, TRIALING, Book, read_book, texts, times
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.steps import EventChoice, as_step, unknown

ANY = "any"
_SIDES = ("assisted", "unassisted")
_RESULT = [
    "help", "assisted", "assisted_converted", "assisted_rate", "assisted_rate_low", "assisted_rate_high",
    "unassisted", "unassisted_converted", "unassisted_rate", "unassisted_rate_low", "unassisted_rate_high",
    "difference", "difference_low", "difference_high", "still_in_trial", "label", "reason",
]  # fmt: skip


def assisted_trial_conversion(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    contacts: pd.DataFrame | None = None,
    tickets: pd.DataFrame | None = None,
    events: "Events | None" = None,
    training: EventChoice = None,
    within: str | None = None,
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Do trials with help become paying customers more often than those without?

    Definition: a trial and its conversion as in `trial_conversion`; it is assisted if help came in [start, end).

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, with ``status``.
    as_of
        First moment not observed: a date in `tz` or an instant.
    contacts
        Help that was given, a row each: ``customer_id``, ``at`` (UTC) and, where there is, ``kind``, such as a call:
        one row of the result for each.
    tickets
        Support, a row per ticket: ``customer_id``, ``created_at`` (UTC).
    events, training
        Event table whose ``user_id`` is the customer, and the event of having used the training: a name or a `Step`.
    within
        Only help in [start, start + `within`) counts, and only trials that lasted so long: sorted at one moment, a
        longer trial has no more time to get help. None: all of the trial.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    by
        Column or list of the trial's row for a breakdown.
    since, until
        Half-open range of days in which a trial must have begun.
    tz
        Zone of dates.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per kind of help (and group); before several kinds ``any``, which is one of them at least
        help                  text    ``any``, the kinds of `contacts` (``contact`` without), ``support``, ``training``
        assisted, unassisted  count   trials that ended, with this help and without; together all that ended
        assisted_converted, unassisted_converted  count   of these, followed by an active row with MRR
        assisted_rate (…), unassisted_rate (…)    0 to 1  converted / trials, Wilson
        difference (…)        -1 to 1 assisted_rate - unassisted_rate, Newcombe
        still_in_trial        count   trials that run, in neither rate
        label                 text    ``association``
        reason                text    ``<estimate>: code`` with ``zero_denominator``, ``immature`` (all still run) or
                                      ``below_min_n``

    Trials that were over before `within` are counted in ``attrs["settings"]["ended_sooner"]``, help of customers
    without a subscription in ``attrs["settings"]["of_nobody"]``.

    Raises
    ------
    ValueError
        No help at all, an event that does not occur, a column that is missing, a duration without a unit.
    EventTableError
        As `mrr_rollforward`; help without a customer or a time.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:873, method 10; with `within` a landmark analysis: Anderson, Cain &
    Gelber (1983), Journal of Clinical Oncology 1:710.

    Examples
    --------
    >>> day = lambda *texts: pd.to_datetime(list(texts), utc=True)
    >>> rows = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ann", "ben"],
    ...         "subscription_id": ["s1", "s1", "s2"],
    ...         "start": day("2026-05-01", "2026-05-15", "2026-05-01"),
    ...         "end": day("2026-05-15", None, "2026-05-15"),
    ...         "status": ["trialing", "active", "trialing"],
    ...         "mrr": [10, 10, 10],
    ...     }
    ... )
    >>> calls = pd.DataFrame({"customer_id": ["ann"], "at": day("2026-05-03"), "kind": "call"})
    >>> table = assisted_trial_conversion(rows, contacts=calls, as_of="2026-06-01", min_n=1)
    >>> table[["help", "assisted", "assisted_rate", "unassisted", "unassisted_rate"]]
       help  assisted  assisted_rate  unassisted  unassisted_rate
    0  call         1            1.0           1              0.0
    """
    by = keys(by, taken=_RESULT)
    ranged = Range(as_of=as_of, period=None, since=since, until=until, tz=tz)
    statuses = (ACTIVE, PAST_DUE, TRIALING)
    book = read_book(subscriptions, span=ranged, policies=Policies(), by=by, statuses=statuses)
    trials, limit = trials_of(book), NEVER if within is None else duration(within, name="within")
    begin, end = trials["start"].to_numpy(np.int64), trials["end"].to_numpy(np.int64)
    periods = ranged.periods(int(begin.min()) if len(begin) else None)
    inside = periods.place(ranged.days(begin)) == 0
    sooner = inside & (end - begin < limit) & (end < NEVER) if within is not None else np.zeros(len(trials), bool)
    kept = inside & ~sooner
    trials, begin, end = trials[kept].reset_index(drop=True), begin[kept], end[kept]
    if limit < NEVER:
        end = np.minimum(end, begin + limit)
    given, nobody = _helped(book, ranged.observed, contacts, tickets, events, training)
    customer = trials["customer"].to_numpy(np.int64)
    met = {name: _within(customer, begin, end, *moments) for name, moments in given.items()}
    if len(met) > 1:
        met = {ANY: np.logical_or.reduce(list(met.values())), **met}
    segments = np.unique(trials["segment"]) if by else np.zeros(1, np.int64)
    rows = []
    for segment in segments:
        mine = (trials["segment"].to_numpy() == segment) if by else np.ones(len(trials), bool)
        for name, helped in met.items():
            rows.append({"segment": segment, "help": name, **_counts(trials, mine, helped)})
    table = _rates(pd.DataFrame(rows, columns=["segment", "help", *_COUNTS]), min_n, confidence)
    named = book.segments.iloc[table.pop("segment")].reset_index(drop=True)
    table = pd.concat([named, table], axis=1) if by else table
    definition = (
        f"Trials that ended, with help {f'in their first {within}' if within else 'while they ran'} and without: "
        "followed by an active row of the customer / trials. An association, not an effect of the help."
    )
    settings = {
        "within": within, "training": None if events is None else as_step(training, "training").label, "min_n": min_n,
        "by": by or None, "confidence": confidence, **ranged.said(), "ended_sooner": int(sooner.sum()) or None,
        "of_nobody": nobody or None,
    }  # fmt: skip
    columns = [*by, *_RESULT]
    return result(table, metric="assisted_trial_conversion", definition=definition, settings=settings, columns=columns)


_COUNTS = [*(f"{side}{end}" for side in _SIDES for end in ("", "_converted")), "still_in_trial"]


def _counts(trials: pd.DataFrame, mine: np.ndarray, helped: np.ndarray) -> dict[str, int]:
    """Trials of a group on each side, and those of them that converted."""
    ended, converted = trials["ended"].to_numpy(bool), trials["converted"].to_numpy(bool)
    found = {"still_in_trial": int((mine & ~ended).sum())}
    for side, of_side in zip(_SIDES, (helped, ~helped), strict=True):
        counted = mine & ended & of_side
        found |= {side: int(counted.sum()), f"{side}_converted": int((counted & converted).sum())}
    return found


def _rates(table: pd.DataFrame, min_n: int, confidence: float) -> pd.DataFrame:
    table = table.astype(dict.fromkeys(["segment", *_COUNTS], np.int64)).astype({"help": "str"})
    reasons = {}
    early = (table["assisted"] + table["unassisted"] == 0) & (table["still_in_trial"] > 0)
    for side in _SIDES:
        table = add_rate(table, f"{side}_rate", f"{side}_converted", side, confidence)
        code = no_denominator(table[side]).mask(early, "immature")
        reasons[f"{side}_rate"] = too_few(code, table[side], min_n)
    table["difference"] = table["assisted_rate"] - table["unassisted_rate"]
    table["difference_low"], table["difference_high"] = newcombe(
        table["assisted_converted"], table["assisted"], table["unassisted_converted"], table["unassisted"], confidence
    )
    reasons["difference"] = reasons["assisted_rate"].fillna(reasons["unassisted_rate"])
    for name, code in reasons.items():
        table = blank(table, code.notna(), [name, f"{name}_low", f"{name}_high"])
    return table.assign(label="association", reason=join_reasons(table, **reasons)).astype({"label": "str"})


def _helped(
    book: Book, as_of: int, contacts: pd.DataFrame | None, tickets: pd.DataFrame | None, events: "Events | None",
    training: EventChoice,
) -> tuple[dict[str, tuple[Ints, Ints]], int]:  # fmt: skip
    """By kind of help: customers and instants; and how many moments are of nobody in the book."""
    found: list[tuple[str, pd.DataFrame, Ints]] = []
    if isinstance(contacts, pd.DataFrame):
        at = _moments(contacts, "at", "contacts")
        if "kind" not in contacts or not len(contacts):
            found.append(("contact", contacts, at))
        else:
            kinds = contacts["kind"].astype("str").str.strip()
            kinds = kinds.mask(kinds.eq("")).fillna("other")
            if kinds.eq(ANY).any():
                raise EventTableError(
                    f"contacts: {several(int(kinds.eq(ANY).sum()), 'row is', 'rows are')} of the kind {ANY!r}, "
                    "which names the row of all help together. Give it another name."
                )
            names = sorted(kinds.unique())
            found += [(name, contacts[(kinds == name).to_numpy()], at[(kinds == name).to_numpy()]) for name in names]
    if isinstance(tickets, pd.DataFrame):
        found.append(("support", tickets, _moments(tickets, "created_at", "tickets")))
    if events is not None:
        step = as_step(training, "training")
        if step.event is None:
            raise ValueError("training: no event is named. Name the one of having used the training.")
        reading = Reading((Mark(step, "training", needed=True),), as_of, ("user_id",))
        answer = by_user(events, reading, _moments_of)
        users = id_texts(answer.labels(answer.columns["id"]).to_series()).array
        found.append(("training", pd.DataFrame({"customer_id": users}), answer.columns["at"]))
    if not any(isinstance(table, pd.DataFrame) for table in (contacts, tickets)) and events is None:
        raise ValueError("no help is given. Give contacts=…, tickets=… or events=… with training=….")
    given: dict[str, tuple[Ints, Ints]] = {}
    nobody = 0
    for name, table, at in found:
        who = book.customers_of(table)
        seen = (at < as_of) & (who >= 0)
        nobody += int(((at < as_of) & (who < 0)).sum())
        before = given.get(name, (np.zeros(0, np.int64), np.zeros(0, np.int64)))
        given[name] = np.r_[before[0], who[seen]], np.r_[before[1], at[seen]]
    return given, nobody


def _moments(table: pd.DataFrame, column: str, what: str) -> Ints:
    """Instants of a table of help, which must all be there and have somebody."""
    for name in ("customer_id", column):
        if name not in table:
            raise ValueError(unknown(what, name, table.columns, f"a column of {what}", "columns"))
    texts(table["customer_id"], what, "customer_id")
    return times(table, column, what, needed=len(table) > 0)


def _moments_of(rows: Rows) -> Columns:
    """Every row that meets the step: whose, and when."""
    at = np.flatnonzero(rows.meets(0))
    return {"id": rows.ids[rows.unit[at]], "at": rows.time[at]}


def _within(customer: Ints, begin: Ints, end: Ints, who: Ints, at: Ints) -> np.ndarray:
    """Whether each trial has a moment of its customer in [begin, end)."""
    order = np.lexsort((at, who))
    asked = pd.DataFrame({"who": customer, "begin": begin, "n": np.arange(len(begin))}).sort_values("begin")
    moments = pd.DataFrame({"who": who[order], "at": at[order]}).sort_values("at", kind="stable")
    first = pd.merge_asof(asked, moments, left_on="begin", right_on="at", by="who", direction="forward")
    came: np.ndarray = first.sort_values("n")["at"].fillna(NEVER).to_numpy(np.int64) < end
    return came
