"""The index as a function of its facts: what each line says, and that it stays usable with thousands."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from reporting.pages.facts import Alert, Failure, Good, Index, KeyFigure, PageState, Point
from reporting.pages.index import FULL, render_index
from reporting.pages.spark import spark

RUN = datetime(2026, 11, 12, 5, 2, tzinfo=UTC)
LOW = Alert("invite-low", "The invite step is under its limit of 58 %.")


def points(*numbers, every=1):
    """A run a day, the last one now."""
    first = RUN - timedelta(days=every * (len(numbers) - 1))
    days = [first + timedelta(days=every * i) for i in range(len(numbers))]
    return [Point(day, day.date().isoformat(), number) for day, number in zip(days, numbers, strict=True)]


def state(name="funnel", number="28.2", unit="%", *, built=RUN, alerts=(), group="Product", **facts):
    figure = KeyFigure(number, unit, "of new users stay (26.7 to 29.9)")
    facts_of_run = {"built": built, "seconds": 2, "as_of": "2026-11-12", "key_figure": figure, "alerts": alerts}
    good = Good(page=f"latest/{name}.html", title=name, **facts_of_run)
    return PageState(name=name, title=f"{name.capitalize()}: who?", group=group, good=good, **facts)


def failed(name="churn", **facts):
    failure = Failure(
        page=f"latest/{name}.error.html", at=RUN, since=RUN - timedelta(days=3), runs=4, seconds=1,
        notebook="n.ipynb", cell=4, first_line="", cause="ValueError: no rows",
    )  # fmt: skip
    return state(name, failure=failure, **facts)


def html(*states, **settings):
    return render_index(Index(list(states), "reports.toml", **settings))


def test_a_rule_that_fired_is_said_in_the_summary_and_in_its_line():
    text = html(state(alerts=[LOW]), state("churn"))
    assert 'One of two reports is current. In one a rule fired: <a href="latest/funnel.html">Funnel</a>.' in text
    assert '<small class="why">The invite step is under its limit of 58 %.</small>' in text
    assert ">Rule fired</td>" in text


def test_a_failed_page_says_since_when_keeps_its_figure_and_has_no_change():
    text = html(failed(history=points(27.0, 28.2)))
    assert "Failed since 9 Nov 2026, 05:02 UTC (4 runs): ValueError: no rows" in text
    assert '<a href="latest/churn.error.html">What happened</a>' in text
    assert "<b>28.2" in text
    assert "+1.2" not in text


def test_a_late_page_says_when_it_was_due():
    text = html(state(late_since=RUN, built=RUN - timedelta(days=7)), state("churn"))
    assert "One is late" in text
    assert "Due 12 Nov 2026, 05:02 UTC and not built since" in text


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (points(27.0, 28.2), ("+1.2 points", "from 27.0, 11 Nov")),
        (points(30.0, 28.2), ("\u22121.8 points", "from 30.0, 11 Nov")),
        (points(-1.5, 28.2), ("+29.7 points", "from \u22121.5, 11 Nov")),
        (points(28.2, 28.2), ("as before", "on 11 Nov")),
        (points(27.0, None, 28.2), ("+1.2 points", "from 27.0, 10 Nov")),  # a run without a figure is passed over
    ],
)
def test_the_change_is_from_the_date_before(history, said):
    text = html(state(history=history))
    assert all(words in text for words in said)


def test_the_same_date_built_twice_is_no_change():
    twice = [Point(RUN - timedelta(hours=1), "2026-11-12", 27.0), Point(RUN, "2026-11-12", 28.2)]
    text = html(state(history=twice))
    assert 'class="change' not in text
    assert "<svg" not in text
    text = html(state(history=[*points(20.0, 25.0, 27.0), *twice]))
    assert "last 3 values, first 20, last 28.2" in text
    assert "+3.2 points" in text  # from 25.0, the date before


def test_without_earlier_runs_there_are_no_columns_for_them():
    text = html(state(history=points(28.2)))
    assert "Change</th>" not in text
    assert "Course</th>" not in text


def test_ages_count_from_the_last_run_so_that_the_page_is_right_whenever_it_is_read():
    text = html(state(), state("churn", built=RUN - timedelta(days=4)), state("nps", built=RUN - timedelta(hours=5)))
    for words in ("this run", "4 days before", "the same day"):
        assert f"<small>{words}</small>" in text


def test_the_same_facts_give_the_same_bytes():
    states = [state(history=points(1.0, 2.0)), failed()]
    assert html(*states) == html(*states)


def test_links_begin_where_the_pages_are():
    assert 'href="../latest/funnel.html"' in html(state(), root="../")


def test_a_course_is_a_line_with_words_and_a_marked_end():
    line = spark("Funnel", points(1.0, 3.0, 2.0))
    assert 'aria-label="Funnel: last 3 values, first 1, last 2, lowest 1, highest 3"' in line
    assert '<path d="M5 21.0L56 5.0L107 13.0"' in line
    assert 'class="f-blue"' in line
    assert "13.0" in spark("Flat", points(5.0, 5.0))  # in the middle, not at an edge


def test_a_course_shows_twelve_runs_and_needs_two():
    assert "last 12 values, first 4, last 15" in spark("Funnel", points(*map(float, range(16))))
    assert spark("Funnel", points(1.0, None)) == ""


def test_a_hostile_title_stays_words_in_the_course():
    assert "<img" not in spark('"><img src=x onerror=x()>', points(1.0, 2.0))


def test_thousands_of_pages_have_a_short_line_each_and_what_needs_a_look_stands_above():
    names = (f"segment/s{number}" for number in count())
    many = [state(next(names), group=f"Country {group:02}") for group in range(20) for _ in range(250)]
    many[777] = failed("segment/bad", group=many[777].group)
    text = html(*many)
    assert len(text) < 1_000_000
    assert text.count("<svg") == 0
    assert text.index("Need a look") < text.rindex("segment/bad.error.html") < text.index('<table class="short">')
    assert '<li><a href="#g1">Country 00</a> 250</li>' in text
    assert all(f'href="latest/{page.name}.html"' in text for page in many)


def test_a_few_hundred_pages_have_a_full_line():
    few = [state(f"s{number}") for number in range(FULL)]
    assert '<table class="short">' not in html(*few)
    assert '<table class="short">' in html(*few, state("more"))
