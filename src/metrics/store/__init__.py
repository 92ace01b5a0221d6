"""Event data on disk, larger than memory: opened where it lies, or written once as a store that reads fast."""

from metrics.store.opening import open_events
from metrics.store.source import EventSource
from metrics.store.writing import write_events

__all__ = ["EventSource", "open_events", "write_events"]
