"""How long customers stay, as a reader meets it: sentences, tables with their feet, figures."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from metrics import (
    compare_survival,
    compare_survival_pairs,
    definitions,
    headline,
    plot_projected_retention,
    plot_survival,
    project_retention,
    show,
    survival_curve,
    survival_summary,
)
from metrics.plots.style import DRAWN
from tests.metrics.test_display_stories import foot, words
from tests.metrics.test_survival import RELAPSED, WEEKS
from tests.metrics.test_survival_compare import PLACEBO

BOTH = {"durations": WEEKS + PLACEBO, "observed": RELAPSED + [True] * 21, "by": ["6-MP"] * 21 + ["placebo"] * 21}
COHORT = [1000, 869, 743, 653, 593, 551, 517, 491]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def said(table):
    return headline(table).replace("\u202f", " ").replace("\u00a0", " ")


def test_a_curve_is_told_where_enough_were_watched():
    assert said(survival_curve(WEEKS, RELAPSED, unit="week")) == (
        "63 % of 21 customers stay longer than 17 weeks (37 to 80); 9 have been seen to leave, and the others count "
        "for as long as they were watched."
    )


def test_curves_of_groups_are_set_against_each_other_at_one_time():
    assert said(survival_curve(**BOTH, unit="week")) == (
        "81 % of 6-MP stay longer than 8 weeks (56 to 92), the most of 2 groups: 43 points higher than placebo at 38 % "
        "(+11 to +66)."
    )


def test_a_median_says_which_limits_it_has():
    assert said(survival_summary(survival_curve(WEEKS, RELAPSED, unit="week"))) == (
        "23 weeks is the median stay of 21 customers (at least 13 weeks); 9 of them have left."
    )
    assert said(survival_summary(survival_curve(PLACEBO, [1] * 21, unit="week"))) == (
        "8 weeks is the median stay of 21 customers (4 to 11 weeks); 21 of them have left."
    )
    two = said(survival_summary(survival_curve(**BOTH)))
    assert two.startswith("23 is the median stay of 6-MP (at least 13), the longest of 2 groups; the shortest is 8, of")


def test_no_median_is_said_with_its_reason():
    summary = survival_summary(survival_curve([5, 6, 7], [0, 0, 0]))
    assert said(summary) == "– there is no median stay: more than half are still there."
    assert "more than half are still there" in words(show(summary).html)[1][2]
    assert "nobody was watched" in said(survival_summary(survival_curve([], [])))
    assert "nobody was watched" in said(survival_curve([], []))


def test_the_test_of_groups_says_who_left_more_often():
    assert said(compare_survival(**BOTH)) == (
        "< 0.001 is p of the log-rank test: the 2 groups stay for different lengths of time. Of placebo, 21 left where "
        "10.7 would have if all groups were alike."
    )
    assert "may be chance" in said(compare_survival([1, 2, 1, 2], [1, 1, 1, 1], by=list("aabb")))
    assert "cannot be compared: one group only" in said(compare_survival([1, 2], [1, 1], by=list("aa")))


def test_pairs_say_how_many_differ():
    pairs = compare_survival_pairs(**BOTH)
    assert said(pairs).startswith("1 of 1 pairs of groups stay for different lengths of time by more than chance")
    assert said(pairs).endswith("6-MP and placebo most surely.")
    assert "no two groups" in said(compare_survival_pairs([1, 2], [1, 1], by=list("aa")))


def test_what_is_to_come_stands_beside_what_was():
    assert said(project_retention(COHORT, unit="year")) == (
        "37.8 % of the customers are expected to be there after 12 years (34.0 to 41.6); after 7 years it was 49.1 % "
        "of 1,000."
    )
    assert said(project_retention([100, 100], unit="month")) == "– nothing can be foretold: nobody has left."


def test_tables_carry_their_unit_and_work_out_a_factor():
    html = show(survival_curve(WEEKS, RELAPSED, unit="week"), "Stay").html.replace("\u202f", " ").replace("\u00a0", " ")
    assert words(html)[0] == ["Time, weeks", "Watched", "Left", "Last seen", "Still there, %"]
    assert words(html)[1] == ["6", "21", "3", "1", "86 62 to 95"]
    assert "First factor: (21 − 3) / 21 = 85.7 %, at 6 weeks. 95 % limits for each time, log-log scale." in foot(html)
    band = show(survival_curve(WEEKS, RELAPSED, simultaneous=True), "Stay").html
    assert "band of Hall and Wellner, which holds the whole curve" in band


def test_timedeltas_are_written_in_the_unit_that_fits():
    days = pd.to_timedelta([1, 2, 3, 40], unit="D")
    summary = survival_summary(survival_curve(days, [1, 1, 1, 0]), until="36 hours")
    assert said(summary) == "2.0 days is the median stay of 4 customers (at least 24 h); 3 of them have left."
    row = words(show(summary, "Stay").html.replace("\u202f", " ").replace("\u00a0", " "))[1]
    assert row == ["4", "3", "2.0 days", "33 h", "36 h"]


def test_the_foot_of_a_test_has_its_figures():
    lines = foot(show(compare_survival(**BOTH), "Test").html.replace("\u202f", " ").replace("\u00a0", " "))
    assert lines[1] == "Log-rank test: χ² = 16.79 with 1 degree of freedom, p &lt; 0.001."


def test_columns_of_a_projection_are_shares_with_limits():
    rows = words(show(project_retention(COHORT, unit="year"), "Ahead").html)
    assert rows[0] == ["Period", "Active", "Still there, %", "Retention, %"]
    assert rows[1] == ["0", "1,000", "100.0", "–"]


def test_definitions_are_there():
    curve = survival_curve(WEEKS, RELAPSED)
    told = definitions(curve, survival_summary(curve), compare_survival(**BOTH), project_retention(COHORT, unit="year"))
    assert "Kaplan-Meier" in told.text
    assert "log-log scale" in told.text


def big(many=5000):
    rng = np.random.default_rng(2)
    return survival_curve(rng.exponential(9, many), rng.random(many) < 0.7, unit="month")


FIGURES = [
    (plot_survival, survival_curve(WEEKS, RELAPSED, unit="week")),
    (plot_survival, survival_curve(**BOTH)),
    (plot_survival, survival_curve(pd.to_timedelta(WEEKS, unit="D"), RELAPSED)),
    (plot_survival, survival_curve([], [])),
    (plot_projected_retention, project_retention(COHORT, unit="year")),
    (plot_projected_retention, project_retention(COHORT, unit="year", confidence=None)),
    (plot_projected_retention, project_retention([100, 100], unit="month")),
]


@pytest.mark.parametrize(("plot", "table"), FIGURES, ids=[str(k) for k in range(len(FIGURES))])
def test_figures_are_drawn_in_both_widths_and_said_in_words(plot, table):
    html = show(plot(table), "How long do they stay?").html
    assert html.count("<svg") >= 2
    assert "Share of" in html
    assert "style=" not in html


def test_a_curve_is_a_line_of_steps_from_all_to_the_last_seen():
    ax = plot_survival(survival_curve([2, 4], [True, False]))
    assert ax.lines[0].get_xdata().tolist() == [0, 2, 4]
    assert ax.lines[0].get_ydata().tolist() == [100, 50, 50]
    assert ax.lines[0].get_drawstyle() == "steps-post"
    assert "watched" in [text.get_text() for text in ax.texts]


def test_under_the_axis_stands_how_many_were_watched():
    texts = [text.get_text() for text in plot_survival(survival_curve(WEEKS, RELAPSED, unit="week")).texts]
    assert texts[-5:] == ["watched", "21", "15", "8", "4"]  # at 0, 10, 20 and 30 weeks


def test_a_curve_of_many_customers_keeps_its_shape_and_not_all_its_steps():
    curve = big()
    line = plot_survival(curve).lines[0]
    assert len(line.get_xdata()) < 1100
    assert line.get_ydata()[-1] == pytest.approx(100 * curve["survival"].iloc[-1])


def test_what_is_observed_are_points_and_what_is_ahead_is_dashed():
    ax = plot_projected_retention(project_retention(COHORT, unit="year", periods=10))
    seen, ahead, points = ax.lines[:3]
    assert seen.get_xdata().tolist() == list(range(8))
    assert ahead.get_xdata().tolist() == [7, 8, 9, 10]
    assert ahead.get_linestyle() != seen.get_linestyle()
    assert points.get_ydata()[-1] == pytest.approx(49.1)


def test_a_figure_says_its_shares_in_words():
    ax = plot_projected_retention(project_retention(COHORT, unit="year"))
    alt = DRAWN[ax].plot.alt(DRAWN[ax].table).replace("\u202f", " ").replace("\u00a0", " ")
    assert alt == (
        "Share of 1,000 customers still there by year: 49 % in year 7, the last one observed; 38 % expected in year 12 "
        "(34 to 42)."
    )


@pytest.mark.parametrize("plot", [plot_survival, plot_projected_retention])
def test_another_table_is_refused(plot):
    with pytest.raises(ValueError, match="is no result of"):
        plot(pd.DataFrame({"users": [1]}))


def test_where_nobody_has_left_no_certainty_is_claimed():
    alone = said(survival_curve([3, 5], [False, False]))
    assert alone.startswith("100 % of 2 customers stay longer than 3; 0 have been seen to leave")
    two = said(survival_curve([3, 5, 4, 5], [False] * 4, by=["a", "a", "b", "b"]))
    assert two.endswith("of a stay longer than 3, the most of 2 groups: the same as b at 100 %.")
    assert "(" not in two
