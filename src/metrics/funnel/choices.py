"""The arguments of a funnel, checked once; their meaning stands in `conversion_funnel`."""

from collections.abc import Sequence, Set, Sized
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from metrics import periods
from metrics.engine import Span
from metrics.funnel.presets import Preset, Tool, preset
from metrics.funnel.search import Rules
from metrics.periods import When
from metrics.results import keys
from metrics.steps import EventChoice, Step, as_step

Attribution: TypeAlias = Literal["first_touch", "last_touch", "step", "entry", "all_events"]
Counting: TypeAlias = Literal["users", "attempts"]
Exclusion: TypeAlias = tuple[EventChoice, int, int]
Order: TypeAlias = Literal["ordered", "strict", "unordered"]
RangeAppliesTo: TypeAlias = Literal["entry", "all_steps"]
Reentry: TypeAlias = Literal["best", "first"]
Ties: TypeAlias = Literal["allow", "strict_increase"]

RESULT = [
    "step", "event", "users", "dropped", "open", "excluded", "outcome", "entered_at", "completed_at", "step_times",
    *(
        f"{name}{bound}"
        for name in ("conversion_rate", "step_conversion_rate", "drop_off_rate", "censored_conversion_rate")
        for bound in ("", "_low", "_high")
    ),
    *(f"{name}_seconds" for name in ("mean", "median", "p25", "p75", "p90")),
]  # fmt: skip
_MODES = {
    "order": Order, "reentry": Reentry, "ties": Ties, "attribution": Attribution, "counting": Counting,
    "range_applies_to": RangeAppliesTo,
}  # fmt: skip


@dataclass(frozen=True)
class Choices:
    """All arguments of a funnel, checked."""

    steps: Sequence[EventChoice]
    as_of: When
    window: str = "14 days"
    order: Order = "ordered"
    reentry: Reentry = "best"
    ties: Ties = "allow"
    grace: str | None = None
    exclude: Sequence[Exclusion] = ()
    hold_constant: str | Sequence[str] = ()
    by: str | Sequence[str] | None = None
    attribution: Attribution = "first_touch"
    attribution_step: int | None = None
    since: When | None = None
    until: When | None = None
    range_applies_to: RangeAppliesTo = "entry"
    mature_only: bool = False
    counting: Counting = "users"
    like: Tool | None = None
    unit: str = "user_id"
    tz: str = "UTC"
    confidence: float = 0.95
    path: tuple[Step, ...] = field(init=False, default=())
    exclusions: tuple[tuple[Step, int, int], ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for name, allowed in _MODES.items():
            periods.one_of(name, getattr(self, name), allowed)
        if isinstance(self.steps, str | Step | Set) or not isinstance(self.steps, Sized) or not len(self.steps):
            raise ValueError(f"steps: {self.steps!r} is not a list of steps. Use a list such as ['visit', 'sign_up'].")
        object.__setattr__(self, "path", tuple(as_step(step, "steps") for step in self.steps))
        self._check_optional()
        object.__setattr__(self, "exclusions", tuple(self._exclusion(one) for one in self.exclude))
        if self.attribution == "step" and self.attribution_step not in range(1, len(self.path) + 1):
            raise ValueError(
                f"attribution_step: {self.attribution_step!r} is not a step. Use 1 to {len(self.path)} "
                "with attribution='step'."
            )
        if self.grace is not None and self.order != "ordered":
            raise ValueError(f"grace: {self.grace!r} has no meaning with order={self.order!r}. Leave one of them out.")
        if self.ties != "allow" and self.order == "unordered":
            raise ValueError(f"ties: {self.ties!r} has no meaning with order='unordered'. Leave one of them out.")
        for name, taken in (("by", RESULT), ("hold_constant", [])):  # read once: it may be an iterator
            if isinstance(given := getattr(self, name), str) or given is None:
                keys(given, taken=taken)
            else:
                object.__setattr__(self, name, keys(given, taken=taken))
        periods.zone(self.tz)
        _ = self.rules, self.tool

    def _check_optional(self) -> None:
        optional = [k for k, step in enumerate(self.path, start=1) if step.optional]
        if not optional:
            return
        if optional[0] == 1:
            raise ValueError(
                f"steps: the first step, {self.path[0].label!r}, cannot be optional, for with it a unit enters. "
                "Put a required step first."
            )
        if self.order != "ordered":
            raise ValueError(
                f"steps: {self.path[optional[0] - 1].label!r} has no meaning with order={self.order!r}: "
                "there it has no place between others. Use order='ordered', or make the step required."
            )
        if len(optional) == len(self.path) - 1:
            raise ValueError(
                f"steps: all of {[step.label for step in self.path[1:]]} are optional, so that nobody could be lost. "
                "Make at least one step after the first required."
            )

    def _exclusion(self, one: Exclusion) -> tuple[Step, int, int]:
        try:
            event, from_step, to_step = one
            right = 1 <= from_step < to_step <= len(self.path)
        except (TypeError, ValueError):
            right = False
        if not right:
            raise ValueError(
                f"exclude: {one!r} is not (event, from_step, to_step) with two steps in order, from 1 to "
                f"{len(self.path)}. Use such as ('refund', 1, 2)."
            )
        for number in (from_step, to_step):
            if self.path[number - 1].optional:
                raise ValueError(
                    f"exclude: step {number} of {one!r} is optional, and may be missing. Name the required steps "
                    "between which nothing excluded may lie."
                )
        return as_step(event, "exclude"), from_step, to_step

    @property
    def tool(self) -> Preset | None:
        """The tool whose rules `like` asks for."""
        return None if self.like is None else preset(self.like)

    @property
    def departures(self) -> list[str]:
        """Arguments that are not as the tool of `like` has them, since they were given otherwise."""
        rules = {} if self.tool is None else self.tool.arguments(self.order)
        return [name for name, value in rules.items() if getattr(self, name) != value]

    @property
    def rules(self) -> Rules:
        """What an attempt may do."""
        return Rules(
            window=periods.duration(self.window),
            ties=self.ties == "allow",
            strict=self.order == "strict",
            grace=0 if self.grace is None else periods.duration(self.grace, name="grace"),
        )

    @property
    def span(self) -> Span:
        """What is reported, and what is observed."""
        return Span.read(since=self.since, until=self.until, as_of=self.as_of, tz=self.tz)

    @property
    def units(self) -> list[str]:
        """The columns whose distinct values are counted."""
        return [self.unit, *keys(self.hold_constant)]

    @property
    def columns_of_unit(self) -> list[str]:
        """The columns that must stay the same in an attempt: with ``all_events`` those of the breakdown too."""
        return [*self.units, *(keys(self.by) if self.attribution == "all_events" else [])]

    @property
    def range_is_over(self) -> bool:
        """Whether no step can come any more, since all must lie in a range that is over."""
        if self.range_applies_to == "entry" or self.until is None:
            return False
        return periods.instant(self.until, tz=self.tz, name="until") <= self.span.as_of

    @property
    def settings(self) -> dict[str, object]:
        """The choices as they are printed beside the numbers."""
        excluded = [f"{step.label} between step {a} and {b}" for step, a, b in self.exclusions]
        return {
            "steps": [step.label for step in self.path],
            "window": self.window,
            "as_of": periods.spoken(self.span.as_of, self.tz),
            "tz": self.tz,
            "since": None if self.since is None else periods.spoken(self.span.since, self.tz),
            "until": None if self.until is None else periods.spoken(self.span.until, self.tz),
            "order": self.order,
            "reentry": self.reentry,
            "ties": self.ties,
            "grace": self.grace,
            "exclude": excluded or None,
            "hold_constant": keys(self.hold_constant) or None,
            "range_applies_to": self.range_applies_to,
            "mature_only": self.mature_only or None,
            "counting": self.counting,
            "like": self.like,
            "unit": self.unit,
            "by": keys(self.by) or None,
            "attribution": self.attribution if self.by else None,
            "confidence": self.confidence,
        }

    @property
    def definition(self) -> str:
        """One sentence that says who is counted."""
        first, *rest = (step.label for step in self.path)
        done = first + "".join(f", then {label}" for label in rest)
        how = "in this order, other events between them allowed"
        if self.order == "strict":
            how = "in this order, no other event between them"
        elif self.order == "unordered":
            done, how = ", ".join([first, *rest]), "in any order, a step being reached with so many different ones"
        who = " and ".join(self.units)
        counts = f"a {who} counts by its {'best' if self.reentry == 'best' else 'first'} attempt"
        if self.counting == "attempts":
            counts = "attempts are counted, each begun after the one before was completed or its window over"
        more = [f"{step.label} between step {a} and {b} voids an attempt" for step, a, b in self.exclusions]
        more += [f"a step may lie up to {self.grace} before the one it follows"] if self.grace else []
        more += ["only entries whose window is over"] if self.mature_only else []
        if self.range_applies_to == "all_steps" and (self.since is not None or self.until is not None):
            more += ["every step lies in the range"]
        if any(step.optional for step in self.path):
            more += ["an optional step counts where it was done between its neighbours, and nobody is lost without it"]
        return (
            f"Each {who} that did {done}: {how}, all within {self.window} of the first (the last instant included); "
            f"{'; '.join([counts, *more])}." + ("" if self.spoken_tool is None else f" {self.spoken_tool}")
        )

    @property
    def spoken_tool(self) -> str | None:
        """One or two sentences on the tool of `like`."""
        if self.tool is None:
            return None
        but = f", but for {' and '.join(self.departures)}" if self.departures else ""
        used = [name for name in ("exclude", "hold_constant", "by") if getattr(self, name)]
        differs = "; ".join(self.tool.not_reproduced([self.order, self.ties, *used]))
        return f"The rules are those of {self.tool.name}{but}. Not reproduced of {self.tool.name}: {differs}."
