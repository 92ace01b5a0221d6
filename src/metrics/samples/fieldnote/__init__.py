"""fieldnote: a note-taking product that does not exist, simulated from stated laws.

    python -m metrics.samples.fieldnote data/demo

writes its exports and `truth.json`, the parameters that made them. The same seed makes the same
tables; there is no clock in here. Files and columns: ``data/README.md``.
"""

import zlib

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.activity import activity, strangers
from metrics.samples.fieldnote.edges import edges
from metrics.samples.fieldnote.emails import emails, in_order, welcome_mails
from metrics.samples.fieldnote.orders import change_log, customers, offers, orders
from metrics.samples.fieldnote.parameters import AS_OF, BEGIN, STEPS, ZONE, Parameters, truth
from metrics.samples.fieldnote.people import people
from metrics.samples.fieldnote.plans import spend, targets
from metrics.samples.fieldnote.subscriptions import contacts, plan_at, subscription_tables
from metrics.samples.fieldnote.transport import export
from metrics.samples.fieldnote.voice import surveys, tickets
from metrics.samples.fieldnote.wishes import contents, requests

__all__ = ["AS_OF", "BEGIN", "STEPS", "ZONE", "Parameters", "simulate", "truth"]

SEED = 20260101
USERS = 2_000


def simulate(seed: int = SEED, users: int = USERS, parameters: Parameters | None = None) -> dict[str, pd.DataFrame]:
    """The tables of fieldnote by the name of their file: events, subscriptions, survey_responses, …

    Each table has its own stream of random numbers, so that a change in one leaves the others alone.

    Parameters
    ----------
    seed
        Chooses the world; the laws stay the same.
    users
        People who sign up, beside the planted ones.
    parameters
        The laws; `truth` says what follows from them.

    Examples
    --------
    >>> small = simulate(users=40)
    >>> sorted(small)[:4]
    ['cancellations', 'change_log', 'contacts', 'content_views']
    >>> small["events"].equals(simulate(users=40)["events"])
    True
    """
    p = parameters or Parameters()
    members = people(stream(seed, "people"), users, p)
    done = activity(stream(seed, "activity"), members, p)
    money = subscription_tables(stream(seed, "subscriptions"), members, done, p)
    cases = tickets(stream(seed, "tickets"), members, p)
    sends, responses = surveys(stream(seed, "surveys"), members, money["subscriptions"], cases, p)

    made, read = contents(stream(seed, "contents"), members, p)
    offered = offers(stream(seed, "offers"), members, p)

    who = members.iloc[done["user"]].reset_index(drop=True)
    known = who[["user_id", "anonymous_id", "country", "source"]].assign(
        event=done["event"], timestamp=done["timestamp"], device=done["device"]
    )
    second = done["device"].to_numpy() != who["device"].to_numpy()
    known["anonymous_id"] = known["anonymous_id"] + np.where(second, "b", "")
    account = who["inviter"].fillna(who["user_id"])
    known["plan"] = plan_at(money["subscriptions"], account, known["timestamp"])
    known["user_id"] = known["user_id"].where(~done["anonymous"])
    unknown = strangers(stream(seed, "strangers"), users, p)
    happened = pd.concat([known, unknown, edges()], ignore_index=True)
    happened["plan"] = happened["plan"].fillna("free")

    return {
        "events": export(stream(seed, "transport"), happened, p),
        **money,
        "survey_sends": sends,
        "survey_responses": responses,
        "emails": in_order(
            [emails(stream(seed, "emails"), members, p), welcome_mails(stream(seed, "welcome"), members, p)]
        ),
        "tickets": cases,
        "contacts": contacts(stream(seed, "contacts"), money["subscriptions"], p),
        "requests": requests(stream(seed, "requests"), members, p),
        "contents": made,
        "content_views": read,
        "orders": orders(stream(seed, "orders"), members, offered, p),
        "customers": customers(stream(seed, "customers"), members, offered),
        "change_log": change_log(),
        "spend": spend(),
        "targets": targets(),
    }


def stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
