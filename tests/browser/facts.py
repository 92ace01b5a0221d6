"""Pages in every state that the index and an error page can show, from facts alone."""

from datetime import UTC, datetime, timedelta

from reporting.pages.error import render_error
from reporting.pages.facts import Alert, Attempt, Failure, Good, Index, KeyFigure, PageState, Point, RunLine, Trouble
from reporting.pages.index import render_index
from reporting.pages.runs import render_runs

RUN = datetime(2026, 11, 12, 5, 2, tzinfo=UTC)
CAUSE = "EventTableError: invoices.csv: 1,208 of 38,944 rows have no currency (first: line 20,417). Fix the export."
LOW = Alert("invite-low", "The invite step is under its limit of 58 % for two finished weeks.")


def _state(name, title, number, unit="%", *, days=0, **facts):
    built = RUN - timedelta(days=days)
    past = [built - timedelta(days=back) for back in range(12, -1, -1)]
    value = float(number)
    history = [Point(day, day.date().isoformat(), value + (day.day * 7 % 5) - 2) for day in past[:-1]]
    good = Good(
        page=f"{name}.html", title=title, built=built, seconds=2.1, question="How many, and which way does it go?",
        as_of=built.date().isoformat(), key_figure=KeyFigure(number, unit, "of new users share a project (26 to 30)"),
        files=["events.csv.gz"], alerts=facts.pop("alerts", ()),
    )  # fmt: skip
    return PageState(name, title, good=good, history=[*history, Point(built, good.as_of, value)], **facts)


FAILURE = Failure(
    page="revenue.error.html", at=RUN, since=RUN - timedelta(days=3), runs=4, seconds=0.8,
    notebook="revenue.ipynb", cell=4, first_line="# Invoices", cause=CAUSE,
)  # fmt: skip
FAILED = _state("revenue", "Revenue by plan: which grows?", "104", days=4, group="Money", failure=FAILURE)
STATES = [
    _state("onboarding", "Onboarding: where do new users drop?", "28.2", group="Product", alerts=[LOW]),
    _state("adoption", "Feature adoption", "41", group="Product"),
    FAILED,
    _state("support", "Support quality", "7.2", "h", days=7, group="Voice", late_since=RUN - timedelta(hours=1)),
    PageState("campaigns", "Campaigns", "Voice"),
]


def pages():
    """File names and their content."""
    segments = [_state(f"s{i}", f"Segment {i:03}", "30.1", group=f"Country {i // 60}") for i in range(200)]
    source = "# Invoices, checked and converted\ninvoices = metrics.read_orders(\n    invoices_file,\n)"
    attempts = [Attempt(RUN - timedelta(days=back), "failed, in cell 4") for back in range(4)]
    attempts += [Attempt(RUN - timedelta(days=back), "built", "revenue.html") for back in (4, 5)]
    trouble = Trouble(
        FAILED, "revenue.failed.ipynb", "metrics report run revenue", source, 2, "Traceback\n  in cell 4", "c41d90e",
        "41aa" * 16, ["invoices.csv"], attempts=attempts,
    )  # fmt: skip
    ids = [f"2026111{number}T050214.123456Z-7f3a" for number in (2, 1, 0)]
    built = [("Onboarding: where do new users drop?", "full.html"), ("Feature adoption", "full.html")] * 6
    runs = [
        RunLine(name, RUN, built, [("Revenue by plan", "broken.error.html")][number:])
        for number, name in enumerate(ids)
    ]
    return {
        "states.html": render_index(Index(STATES, "reports.toml")),
        "many.html": render_index(Index([*STATES, *segments], "reports.toml")),
        "trouble.html": render_error(trouble),
        "runs.html": render_runs(runs),
    }
