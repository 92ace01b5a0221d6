"""The event table: reading it, checking it, the account of what was refused."""

from metrics.events.checking import check_events
from metrics.events.loading import EventLoad, load_events, read_events
from metrics.events.quality import arrival_hours, event_arrivals, event_dictionary, property_coverage
from metrics.events.table import conform
from metrics.files import EventTableError

__all__ = [
    "EventLoad",
    "EventTableError",
    "arrival_hours",
    "check_events",
    "conform",
    "event_arrivals",
    "event_dictionary",
    "load_events",
    "property_coverage",
    "read_events",
]
