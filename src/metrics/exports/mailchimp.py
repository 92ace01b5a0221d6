"""Mailchimp: the activity of a campaign's recipients, JSON lines with one address a line.

What is odd: an address is the key of its line, with a list that may be empty; times are UTC and do not say so; the
campaign stands in no line but in the name of the file (or say `campaign`); opens by machines are not marked. An open
has no id: the same address, action, second and link is one.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.names import Column
from metrics.files.records import System, filled, make, read_records

ACTIONS = {"open": "opened", "click": "clicked", "bounce": "bounced", "unsub": "unsubscribed", "sent": "sent"}


def recognise(sample: Sample) -> str | None:
    """One key that is an address, with a list."""

    def holds(row: dict[str, Any]) -> bool:
        return len(row) == 1 and all("@" in key and isinstance(value, list) for key, value in row.items())

    return "JSON with an e-mail address as its one key" if sample.most(holds) else None


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
    stem = PurePath(name.removesuffix(".gz")).stem
    found = re.search(r"_([0-9a-f]{6,})$", stem)
    return found[1] if found else stem


def _actions(campaign: str, row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    for address, actions in row.items():
        for one in actions:
            told = "|".join(str(x) for x in (campaign, address, one["action"], one["timestamp"], one.get("url")))
            yield address.strip().lower(), one, hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()


def _events(campaign: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not any(row.values()):
        yield System("an address without activity")
    for address, one, key in _actions(campaign, row):
        yield {
            "user_id": address,
            "event": f"email_{one['action']}",
            "timestamp": one["timestamp"],
            "event_id": key,
            KEY: key,
            "properties": filled({"campaign": campaign, "url": one.get("url"), "ip": one.get("ip")}),
        }


def _mails(campaign: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not any(row.values()):
        yield System("an address without activity")
    for address, one, key in _actions(campaign, row):
        yield {
            "recipient_id": address,
            "campaign_id": campaign,
            "event": ACTIONS.get(one["action"], one["action"]),
            "at": one["timestamp"],
            "url": one.get("url"),
            KEY: key,
        }
