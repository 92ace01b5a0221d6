"""Mailchimp: the activity of a campaign's recipients, JSON lines of one address each, or pages of the API's reports.

What is odd: in the lines an address is the key, with a list that may be empty; times are UTC and do not say so; the
campaign stands in no line but in the name of the file (or say `campaign`); opens by machines are not marked. The
reports of the API (`email-activity`, `open-details`, `unsubscribed`, `sent-to`) name address and campaign in each
entry; `open-details` tells the opens of a proxy, and of the times of `sent-to` there is none. An open has no id: the
same address, action, second and link is one, also where it stands in two reports. A batch of requests answers with
files whose records hold a page of a report each, as JSON within JSON.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.column import Column
from metrics.files.finding import stem_of
from metrics.files.records import System, filled, make, read_records

REPORTS = ({"activity"}, {"opens"}, {"reason", "timestamp"}, {"status", "absplit_group"})  # the keys of their entries
BATCH = {"status_code", "operation_id", "response"}  # the keys of what a batch answers to one request
TOLD = {"url": "url", "ip": "ip", "type": "bounce", "is_proxy_open": "machine"}
ACTIONS = {"open": "opened", "click": "clicked", "bounce": "bounced", "unsub": "unsubscribed", "sent": "sent"}


def recognise(sample: Sample) -> str | None:
    """One key that is an address, with a list."""

    def holds(row: dict[str, Any]) -> bool:
        return len(row) == 1 and all("@" in key and isinstance(value, list) for key, value in row.items())

    is_batch = sample.most(lambda row: row.keys() >= BATCH)
    if is_batch and any('"campaign_id"' in str(row.get("response")) for row in sample.records):
        return "JSON with 'operation_id' and the 'response' of a campaign's report"
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


def _recipients(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of a record: itself, or those of the page that a batch got."""
    if not row.keys() >= BATCH:
        return [row]
    if int(row["status_code"]) != 200:
        return []
    answer = json.loads(row["response"])
    return [entry for part in answer.values() if isinstance(part, list) for entry in part if _is_entry(entry)]


def _entries(row: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """By address what was done."""
    if not _is_entry(row):
        return row
    done = list(row.get("activity") or [])
    done += [{**one, "action": "open"} for one in row.get("opens") or []]
    if "reason" in row:
        done.append({"action": "unsub", "timestamp": row["timestamp"]})
    return {row["email_address"]: done}


def _actions(campaign: str, row: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Campaign, address, what was done and its key."""
    for entry in _recipients(row):
        named = str(entry["campaign_id"]) if _is_entry(entry) else campaign
        for written, actions in _entries(entry).items():
            address = written.strip().lower()
            for one in actions:
                parts = (named, address, one["action"], one["timestamp"], one.get("url") or None)
                key = hashlib.sha1("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
                yield named, address, one, key


def _nothing(row: dict[str, Any]) -> System | None:
    """Why a record tells of nothing that was done."""
    entries = _recipients(row)
    if not entries:
        return System("a request of a batch without recipients")
    return None if any(any(_entries(entry).values()) for entry in entries) else System("an address without activity")


def _rank(one: dict[str, Any]) -> int:
    """Of an open in two reports the one that says whether a machine did it."""
    return 0 if "is_proxy_open" in one else 1


def _events(campaign: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if nothing := _nothing(row):
        yield nothing
    for named, address, one, key in _actions(campaign, row):
        yield {
            "user_id": address,
            "event": f"email_{one['action']}",
            "timestamp": one["timestamp"],
            "event_id": key,
            KEY: key,
            RANK: _rank(one),
            "properties": filled({"campaign": named, **{ours: one.get(name) for name, ours in TOLD.items()}}),
        }


def _mails(campaign: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if nothing := _nothing(row):
        yield nothing
    for named, address, one, key in _actions(campaign, row):
        yield {
            "recipient_id": address,
            "campaign_id": named,
            "event": ACTIONS.get(one["action"], one["action"]),
            "at": one["timestamp"],
            "url": one.get("url"),
            "machine": one.get("is_proxy_open"),
            RANK: _rank(one),
            KEY: key,
        }
