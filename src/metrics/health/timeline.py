"""What happened to one customer? Money, use, tickets, answers and late invoices in the order of time."""

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.health.signals import ago, last_answers, local_days, need, of_customer
from metrics.periods import DAY, Calendar, When, duration, instant, spoken
from metrics.results import result
from metrics.revenue.book import ACTIVE, NEVER, PAST_DUE, PAUSED, read_book, times
from metrics.revenue.money import coins, from_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.surveys.churned import answers_of_accounts

KINDS = ("mrr", "use", "ticket", "answer", "invoice")
_RESULT = ["at", "kind", "detail", "value"]
_STATES = {ACTIVE: "active", PAST_DUE: "past due", PAUSED: "paused"}


def customer_timeline(
    subscriptions: pd.DataFrame,
    *,
    customer_id: str,
    as_of: When,
    last: str = "365 days",
    events: pd.DataFrame | None = None,
    invoices: pd.DataFrame | None = None,
    tickets: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    tz: str = "UTC",
) -> pd.DataFrame:
    """What happened to one customer, and when?

    Parameters
    ----------
    subscriptions
        Subscriptions or MRR lines.
    customer_id
        The customer.
    as_of
        First moment not observed: a date in `tz` or an instant.
    last
        Time before `as_of` that is told. The MRR at its beginning is told too.
    events
        Event table; ``user_id`` is the customer.
    invoices
        ``customer_id``, ``due_at``, ``paid_at``.
    tickets
        ``customer_id``, ``created_at``, ``solved_at`` [``topic``, ``is_complaint``].
    responses
        ``score`` (0 to 10), ``answered_at`` and ``account_id`` (the customer), else ``respondent_id``.
    tz
        Zone of dates; weeks begin on Monday there.

    Returns
    -------
    DataFrame, one row per thing that happened, by time
        at      local time in `tz`
        kind    text    ``mrr``: from then on; ``use``: events of the week that begins then, also of one without any,
                        from the first start or event on; ``ticket``; ``answer``; ``invoice``: due, and not paid on that
                        day
        detail  text    of mrr the state, of a ticket its topic and whether it is a complaint or open, of an answer its
                        band, of an invoice when it was paid
        value   number  money, events, days until a ticket was solved or an invoice paid (NA: not yet), score

    Raises
    ------
    ValueError
        Nobody is called so, a column that is missing.
    EventTableError
        Times without a zone or missing.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> paid = pd.DataFrame({"customer_id": ["ann", "ann"], "mrr": [10, 30], "start": at("2026-01-05", "2026-02-09")})
    >>> paid["end"] = at("2026-02-09", "2026-03-16")
    >>> customer_timeline(paid, customer_id="ann", as_of="2026-04-01")
              at kind  detail  value
    0 2026-01-05  mrr  active   10.0
    1 2026-02-09  mrr  active   30.0
    2 2026-03-16  mrr    left    0.0
    """
    end = instant(as_of, tz=tz)
    begin = ago(duration(last, name="last"), end, tz)
    own = of_customer(subscriptions, customer_id)
    money, currency = _money(own, as_of, begin, tz)
    parts, given, first = [money], ["mrr"], int(money["time"].min()) if len(money) else end
    if events is not None:
        need("events", events, ["user_id", "timestamp"])
        parts.append(_use(times(_of(events, "user_id", customer_id), "timestamp", "events"), begin, end, first, tz))
        given.append("use")
    if tickets is not None:
        need("tickets", tickets, ["customer_id", "created_at", "solved_at"])
        parts.append(_tickets(_of(tickets, "customer_id", customer_id), end))
        given.append("ticket")
    if responses is not None:
        parts.append(_answers(responses, str(customer_id), end))
        given.append("answer")
    if invoices is not None:
        need("invoices", invoices, ["customer_id", "due_at", "paid_at"])
        parts.append(_late(_of(invoices, "customer_id", customer_id), end, tz))
        given.append("invoice")
    table = pd.concat(parts, ignore_index=True)
    table = table[(table["time"] < end) & ((table["time"] >= begin) | (table["kind"] == "use"))]
    table["place"] = table["kind"].map({kind: place for place, kind in enumerate(KINDS)})
    table = table.sort_values(["time", "place", "detail", "value"], kind="stable")
    stamps = pd.to_datetime(table["time"], unit="us", utc=True).dt.tz_convert(tz).dt.tz_localize(None)
    table = table.assign(at=stamps.dt.as_unit("us")).astype({"kind": "str", "detail": "str", "value": "float64"})
    settings = {
        "customer_id": str(customer_id), "as_of": spoken(end, tz), "tz": tz, "last": last, "kinds": given,
        "since": spoken(max(begin, min(first, int(table["time"].min()) if len(table) else first)), tz),
        "currency": currency,
    }  # fmt: skip
    definition = (
        f"What is known of {customer_id} in the {last} before {spoken(end, tz)} ({tz}): MRR from each change on, "
        "events by week, tickets, answers, and invoices that were not paid when due."
    )
    return result(table, metric="customer_timeline", definition=definition, settings=settings, columns=_RESULT)


def _of(table: pd.DataFrame, column: str, customer_id: str) -> pd.DataFrame:
    return table[(id_texts(table[column]) == str(customer_id)) & table[column].notna()]


def _rows(time: np.ndarray, kind: str, detail: object, value: object) -> pd.DataFrame:
    table = pd.DataFrame({"time": np.asarray(time, np.int64), "detail": detail, "value": value})
    return table.assign(kind=kind).astype({"detail": "str", "value": "float64"})


def _money(own: pd.DataFrame, as_of: When, begin: int, tz: str) -> tuple[pd.DataFrame, str | None]:
    """MRR and state from each change on; a change before `begin` counts from there."""
    book = read_book(own, span=Range(as_of, tz=tz), policies=Policies(), by=[])
    edges = np.unique(np.concatenate([book.start, book.end[book.end != NEVER]]))
    paid = book.currencies[np.unique(book.currency[book.parts > 0])].dropna()
    unit = coins(book.currencies)[book.currency[:1]] if len(book) else np.array([100])
    rows: list[tuple[int, str, float]] = []
    for edge in edges:
        there = (book.start <= edge) & (edge < book.end)
        state = min((int(code) for code in book.status[there]), default=-1)
        parts = book.parts[there & np.isin(book.status, (ACTIVE, PAST_DUE))].sum()
        amount = float(from_parts(np.array([parts]), unit)[0]) if len(paid) < 2 else np.nan
        row = (int(edge), _STATES.get(state, "left"), amount)
        if not rows or rows[-1][1:] != row[1:]:
            rows.append(row)
    before = [row for row in rows if row[0] < begin]
    if before:
        rows = [(begin, *before[-1][1:]), *rows[len(before) :]]
    time, state_of, value = zip(*rows, strict=True) if rows else ((), (), ())
    return _rows(np.array(time), "mrr", list(state_of), list(value)), str(paid[0]) if len(paid) == 1 else None


def _use(time: np.ndarray, begin: int, end: int, first: int, tz: str) -> pd.DataFrame:
    """Events by week, from the first start or event on."""
    time = time[time < end]
    weeks = Calendar("week", tz)
    begin = max(begin, min([first, *time.tolist()]))
    low, high = weeks.number(np.array([begin, end - 1]))
    numbers = np.arange(low, max(low, high) + 1)
    counts = np.bincount(weeks.number(time[time >= weeks.begins(numbers[:1])[0]]) - low, minlength=len(numbers))
    return _rows(weeks.begins(numbers), "use", None, counts)


def _tickets(own: pd.DataFrame, end: int) -> pd.DataFrame:
    created, solved = times(own, "created_at", "tickets", needed=True), times(own, "solved_at", "tickets")
    topic = (
        own["topic"].astype("str").where(own["topic"].notna(), "ticket") if "topic" in own else ["ticket"] * len(own)
    )
    complaint = own["is_complaint"].astype("str").str.lower().isin(["true", "1"]) if "is_complaint" in own else None
    words = []
    for place, name in enumerate(topic):
        more = [name] + ["complaint"] * (complaint is not None and bool(complaint.iloc[place]))
        words.append(", ".join(more + ["open"] * bool(solved[place] >= end)))
    return _rows(created, "ticket", words, np.where(solved < end, (solved - created) / DAY, np.nan))


def _answers(responses: pd.DataFrame, customer_id: str, end: int) -> pd.DataFrame:
    last_answers(responses.iloc[:0], end)  # the same columns are needed
    account = "account_id" if "account_id" in responses else "respondent_id"
    answers = answers_of_accounts(responses, "score", account, end)
    own = answers[answers["_who"] == customer_id]
    band = np.select([own["_value"] <= 6, own["_value"] <= 8], ["detractor", "passive"], "promoter")
    return _rows(own["_time"].to_numpy(), "answer", band, own["_value"].to_numpy())


def _late(own: pd.DataFrame, end: int, tz: str) -> pd.DataFrame:
    """Invoices that were not paid on the day on which they were due."""
    due, paid = times(own, "due_at", "invoices", needed=True), times(own, "paid_at", "invoices")
    known = np.where(paid < end, paid, NEVER)
    open_ = known == NEVER
    days = np.full(len(due), np.nan)
    days[~open_] = local_days(known[~open_], tz) - local_days(due[~open_], tz)
    late = (days > 0) | (open_ & (due < end))
    words = ["not paid" if is_open else "paid late" for is_open in open_[late]]
    return _rows(due[late], "invoice", words, days[late])
