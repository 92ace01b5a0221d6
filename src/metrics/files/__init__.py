"""What lies on disk: files found, unpacked, refused or read as they are written."""

from metrics.files.finding import PathLike, Source, find_sources
from metrics.files.kinds import kind_of
from metrics.files.raw import Broken, RawTable
from metrics.files.reading import read_raw
from metrics.files.refusal import EventTableError, refuse, refuse_all, several

__all__ = [
    "Broken",
    "EventTableError",
    "PathLike",
    "RawTable",
    "Source",
    "find_sources",
    "kind_of",
    "read_raw",
    "refuse",
    "refuse_all",
    "several",
]
