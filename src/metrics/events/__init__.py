"""The event table: reading it, checking it, the account of what was refused."""

from metrics.events.checking import check_events
from metrics.events.loading import EventLoad, load_events, read_events
from metrics.events.table import conform
from metrics.files import EventTableError

__all__ = ["EventLoad", "EventTableError", "check_events", "conform", "load_events", "read_events"]
