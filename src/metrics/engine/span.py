"""What a metric reports on, and what is observed."""

from dataclasses import dataclass

from metrics.periods import When, instant


@dataclass(frozen=True)
class Span:
    """What is reported and what is observed: instants `since` <= t < `until`, nothing known from `as_of` on."""

    since: int
    until: int
    as_of: int

    @classmethod
    def read(cls, *, since: When | None, until: When | None, as_of: When, tz: str) -> "Span":
        """The span of a metric's arguments; absent bounds are the widest there are."""
        end = instant(as_of, tz=tz, name="as_of")
        low = -(2**62) if since is None else instant(since, tz=tz, name="since")
        high = end if until is None else min(instant(until, tz=tz, name="until"), end)
        if since is not None and until is not None and low >= instant(until, tz=tz, name="until"):
            raise ValueError(f"since {since!s} is not before until {until!s}. A span needs its start before its end.")
        return cls(low, high, end)
