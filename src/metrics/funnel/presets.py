"""Other tools' rules as arguments of ours: what ``like="mixpanel"`` means, and what no argument can say."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import pandas as pd

from metrics import periods
from metrics.results import result

Tool: TypeAlias = Literal["posthog", "mixpanel", "amplitude", "clickhouse"]

_ORDERS = ("ordered", "strict", "unordered")
_COLUMNS = ["tool", "argument", "value", "order", "why", "source"]


@dataclass(frozen=True)
class Rule:
    """One argument as a tool has it, why we say so, and where that stands."""

    argument: str
    value: object
    why: str
    source: str
    orders: tuple[str, ...] = _ORDERS  # the orders in which the tool has it


@dataclass(frozen=True)
class Preset:
    """A tool's rules, and what it does that no argument says, each with what it concerns ("" is every funnel)."""

    name: str
    rules: tuple[Rule, ...]
    differs: tuple[tuple[str, str], ...]

    def arguments(self, order: str) -> dict[str, object]:
        """The arguments that stand for the tool when its steps are asked for in this order."""
        return {rule.argument: rule.value for rule in self.rules if order in rule.orders}

    def not_reproduced(self, concerned: Collection[str]) -> list[str]:
        """What the tool does otherwise all the same, in a funnel that uses these arguments or modes."""
        return [text for concerns, text in self.differs if not concerns or concerns in concerned]


_POSTHOG_TESTS = "PostHog/posthog, posthog/hogql_queries/insights/funnels/test/test_funnel.py"
_MIXPANEL = "Mixpanel docs, Funnels Advanced Concepts"
_MIXPANEL_FAQ = "Mixpanel docs, Funnels FAQ"
_AMPLITUDE = "Amplitude docs, How Amplitude computes conversions through funnels"
_AMPLITUDE_CHART = "Amplitude docs, Interpret your funnel analysis"
_AMPLITUDE_TIES = "Amplitude docs, How Amplitude handles simultaneous events in a funnel"
_CLICKHOUSE = "ClickHouse/ClickHouse, tests/queries/0_stateless/00632_aggregation_window_funnel"

PRESETS: dict[str, Preset] = {
    "posthog": Preset(
        "PostHog",
        (
            Rule("window", "14 days", "Its conversion window is 14 days unless set.",
                 f"{_POSTHOG_TESTS}::test_hogql_aggregation"),
            Rule("reentry", "best", "It keeps the latest start for each step, so that the best attempt wins.",
                 f"{_POSTHOG_TESTS}::test_time_to_convert_funnel_ignores_breakdown"),
            Rule("ties", "allow", "It sorts rows of one instant by step, so that they convert in either order.",
                 f"{_POSTHOG_TESTS}::test_funnel_with_different_actions_at_same_time_count_as_converted"),
            Rule("grace", None, "It has no tolerance for clocks that disagree.", "PostHog/posthog issue 98250"),
            Rule("range_applies_to", "all_steps", "Every step must lie in the date range, not only the entry.",
                 "PostHog/posthog issue 44204"),
            Rule("attribution", "first_touch", "A breakdown takes the first value on the steps done.",
                 "PostHog/posthog, …/funnels/test/breakdown_cases.py::"
                 "test_funnel_step_breakdown_with_first_touch_attribution"),
            Rule("mature_only", False, "It counts entries whose window is not over.", "PostHog/posthog issue 60191"),
        ),
        (
            ("", "a window that is not over counts as dropped (its drop-offs are dropped + open)"),
            ("exclude", "a user whose void attempt went further than the clean one is left out"),
            ("exclude", "with order='unordered' an exclusion leaves the user in step 1"),
        ),
    ),
    "mixpanel": Preset(
        "Mixpanel",
        (
            Rule("window", "7 days", "Its conversion window is 7 days unless set.", f"{_MIXPANEL}, Conversion Window"),
            Rule("reentry", "first", "A user enters once, with the first step 1 of the range, and a later one does not "
                 "reset the window.", f"{_MIXPANEL}, Conversion Window"),
            Rule("ties", "allow", "Steps of one instant convert in either order.",
                 f"{_MIXPANEL_FAQ}, How does the Funnel handle simultaneous events?"),
            Rule("grace", "2 seconds", "Consecutive steps within two seconds of one another are interchangeable.",
                 f"{_MIXPANEL_FAQ}, How does the Funnel handle simultaneous events?", ("ordered",)),
            Rule("range_applies_to", "entry", "Step 1 must lie in the range, the others in the window.",
                 f"{_MIXPANEL}, Counting Methods"),
            Rule("mature_only", False, "It counts entries whose window is not over.",
                 f"{_MIXPANEL}, Conversion Window"),
        ),
        (
            ("", "a window that is not over counts as dropped (its drop-offs are dropped + open)"),
            ("exclude", "an exclusion ends the attempt, and the steps before it still count"),
            ("hold_constant", "hold_constant holds the value of the first step 1 only"),
            ("by", "a breakdown lets a user enter once in each group"),
        ),
    ),
    "amplitude": Preset(
        "Amplitude",
        (
            Rule("window", "1 day", "Its conversion window is one day unless set.",
                 f"{_AMPLITUDE_CHART}, Set your time options"),
            Rule("reentry", "best", "It counts the longest attempt of a user.",
                 f"{_AMPLITUDE}, The logic of unique user counts"),
            Rule("ties", "allow", "Events of one second convert in either order.", _AMPLITUDE_TIES),
            Rule("grace", "1 second", "Two different events within one second convert in either order.",
                 _AMPLITUDE_TIES, ("ordered",)),
            Rule("range_applies_to", "entry", "Step 1 must lie in the range, the others in the window.",
                 f"{_AMPLITUDE_CHART}, Conversion over time"),
            Rule("attribution", "step", "A group-by takes the value at the entry.", _AMPLITUDE),
            Rule("attribution_step", 1, "A group-by takes the value at the entry.", _AMPLITUDE),
            Rule("mature_only", False, "It counts entries whose window is not over.",
                 f"{_AMPLITUDE_CHART}, Conversion over time"),
        ),
        (
            ("", "a window that is not over counts as dropped (its drop-offs are dropped + open)"),
            ("", "times are rounded to whole seconds, and two equal events in one second are one"),
            ("", "of attempts that came as far the one begun first gives times and groups"),
            ("unordered", "with order='unordered' only step 1 enters"),
        ),
    ),
    "clickhouse": Preset(
        "ClickHouse",
        (
            Rule("reentry", "best", "The level is that of the longest chain of events.",
                 f"{_CLICKHOUSE}, funnel_test2", ("ordered", "unordered")),
            Rule("reentry", "first", "strict_order stops for good at the first row out of place.",
                 f"{_CLICKHOUSE}, funnel_test_strict_order", ("strict",)),
            Rule("ties", "allow", "Events of one instant are sorted by step, unless strict_increase is set.",
                 f"{_CLICKHOUSE}, funnel_test_strict_increase"),
            Rule("grace", None, "It has no tolerance for clocks that disagree.",
                 "ClickHouse/ClickHouse issue 21835"),
            Rule("range_applies_to", "all_steps", "WHERE limits the time of every row that the function sees.",
                 "ClickHouse docs, windowFunnel"),
            Rule("mature_only", False, "It knows no end of observation.", "ClickHouse docs, windowFunnel"),
        ),
        (
            ("", "one row can serve two steps whose conditions it meets, unless strict_once is set"),
            ("strict_increase", "with strict_increase a later start can overwrite a better one (issue 93789)"),
            ("unordered", "it has no unordered mode"),
            ("exclude", "it has no exclusions"),
            ("strict", "the window of a repeated step 1 begins again"),
        ),
    ),
}  # fmt: skip


def preset(tool: str, name: str = "like") -> Preset:
    """The preset of a tool; another name is refused."""
    periods.one_of(name, tool, Tool)
    return PRESETS[tool]


def filled_in(options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as given, and those of the tool named by `like` where none was given."""
    if options.get("like") is None:
        return dict(options)
    return preset(options["like"]).arguments(options.get("order", "ordered")) | dict(options)


def funnel_presets() -> pd.DataFrame:
    """Which arguments stand for which tool, and why?

    ``like="mixpanel"`` fills in the arguments of its rows that were not given.

    Returns
    -------
    DataFrame, one row per tool and rule
        tool      name for `like`
        argument  argument of the funnel functions; missing where no argument says what the tool does
        value     its value
        order     ``order`` for which it holds, missing where for all
        why       what the tool does
        source    where that stands: a page, a test or an issue of the tool

    Examples
    --------
    >>> presets = funnel_presets()
    >>> presets[presets["argument"] == "window"][["tool", "value"]].reset_index(drop=True)
            tool    value
    0    posthog  14 days
    1   mixpanel   7 days
    2  amplitude    1 day
    """
    rows: list[tuple[object, ...]] = []
    for tool in get_args(Tool):
        one = PRESETS[tool]
        for rule in one.rules:
            order = None if rule.orders == _ORDERS else ", ".join(rule.orders)
            rows.append((tool, rule.argument, rule.value, order, rule.why, rule.source))
        rows += [(tool, None, None, None, f"Not reproduced: {text}.", None) for _, text in one.differs]
    return result(
        pd.DataFrame(rows, columns=_COLUMNS),
        metric="funnel_presets",
        definition="The arguments that each tool stands for, and what it does that no argument says.",
        settings={},
    )
