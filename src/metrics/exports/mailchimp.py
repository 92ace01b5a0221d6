"""Mailchimp: the activity of a campaign's recipients, JSON lines of one address each, or pages of the API's reports.

What is odd: in the lines an address is the key, with a list that may be empty; times are UTC and do not say so; the
campaign stands in no line but in the name of the file (or say `campaign`); opens by machines are not marked. The
reports of the API (`email-activity`, `open-details`, `unsubscribed`, `sent-to`) name address and campaign in each
entry; `open-details` tells the opens of a proxy, and of the times of `sent-to` there is none. An open has no id: the
same address, action, second and link is one, also where it stands in two reports.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.finding import stem_of
from metrics.files.names import Column
from metrics.files.records import System, filled, make, read_records

REPORTS = ({"activity"}, {"opens"}, {"reason", "timestamp"}, {"status", "absplit_group"})  # the keys of their entries
TOLD = {"url": "url", "ip": "ip", "type": "bounce", "is_proxy_open": "machine"}
ACTIONS = {"open": "opened", "click": "clicked", "bounce": "bounced", "unsub": "unsubscribed", "sent": "sent"}


def recognise(sample: Sample) -> str | None:
    """One key that is an address, with a list."""

    def holds(row: dict[str, Any]) -> bool:
        return len(row) == 1 and all("@" in key and isinstance(value, list) for key, value in row.items())

    if sample.most(lambda row: _is_entry(row) and any(row.keys() >= keys for keys in REPORTS)):
        return "JSON with 'email_address' and 'campaign_id'"
    return "JSON with an e-mail address as its one key" if sample.most(holds) else None


def _is_entry(row: dict[str, Any]) -> bool:
    """Whether this is a recipient in a report of the API."""
    return row.keys() >= {"email_address", "campaign_id"}


def parse(sources: Sequence[Source], *, campaign: str | None = None) -> Parsed:
    """One event for each open, click or bounce."""
    made = make([(s.name, read_records(s), partial(_events, campaign or _campaign(s.name))) for s in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, several=True)


def campaigns(sources: Sequence[Source], columns: Sequence[Column], *, campaign: str | None = None) -> Parsed:
    """One row for each open, click or bounce."""
    made = make(
        [(s.name, read_records(s), partial(_mails, campaign or _campaign(s.name))) for s in sources],
        [*columns, *EVENTS[5:]],
    )
    return Parsed(made.rows, made.rejected, made.system, several=True)


def _campaign(name: str) -> str:
    """The id at the end of the file's name, else the name."""
    stem = stem_of(name)
    found = re.search(r"_([0-9a-f]{6,})$", stem)
    return found[1] if found else stem


def _entries(row: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """By address what was done."""
    if not _is_entry(row):
        return row
    done = list(row.get("activity") or [])
    done += [{**one, "action": "open"} for one in row.get("opens") or []]
    if "reason" in row:
        done.append({"action": "unsub", "timestamp": row["timestamp"]})
    return {row["email_address"]: done}


def _actions(campaign: str, row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    for written, actions in _entries(row).items():
        address = written.strip().lower()
        for one in actions:
            parts = (campaign, address, one["action"], one["timestamp"], one.get("url") or None)
            yield address, one, hashlib.sha1("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def _rank(one: dict[str, Any]) -> int:
    """Of an open in two reports the one that says whether a machine did it."""
    return 0 if "is_proxy_open" in one else 1


def _events(campaign: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not any(_entries(row).values()):
        yield System("an address without activity")
    campaign = str(row["campaign_id"]) if _is_entry(row) else campaign
    for address, one, key in _actions(campaign, row):
        yield {
            "user_id": address,
            "event": f"email_{one['action']}",
            "timestamp": one["timestamp"],
            "event_id": key,
            KEY: key,
            RANK: _rank(one),
            "properties": filled({"campaign": campaign, **{ours: one.get(name) for name, ours in TOLD.items()}}),
        }


def _mails(campaign: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not any(_entries(row).values()):
        yield System("an address without activity")
    campaign = str(row["campaign_id"]) if _is_entry(row) else campaign
    for address, one, key in _actions(campaign, row):
        yield {
            "recipient_id": address,
            "campaign_id": campaign,
            "event": ACTIONS.get(one["action"], one["action"]),
            "at": one["timestamp"],
            "url": one.get("url"),
            "machine": one.get("is_proxy_open"),
            RANK: _rank(one),
            KEY: key,
        }
