"""Figures: bars as long as the table says, both widths drawn, all said in words, nothing of the caller changed."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from metrics import (
    active_users,
    conversion_funnel,
    customer_effort,
    customer_satisfaction,
    event_log,
    time_to_milestone,
)
from metrics.display import show
from metrics.plots import (
    plot_active_users,
    plot_arrivals,
    plot_calibration,
    plot_change_effects,
    plot_churn,
    plot_funnel,
    plot_funnel_trend,
    plot_gain,
    plot_holdout_frequency,
    plot_holdout_tracking,
    plot_lifecycle,
    plot_lifetime_value,
    plot_mrr,
    plot_nps,
    plot_pause_outcomes,
    plot_payment_recovery,
    plot_retention_curve,
    plot_retention_matrix,
    plot_revenue_retention,
    plot_scores,
    plot_stickiness,
    plot_time_to_convert,
    plot_time_to_milestone,
)
from metrics.plots.lines import Series, spread
from metrics.plots.style import BLUE, DRAWN, PALETTE, Plot

WEEKS = pd.to_datetime(["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def funnel():
    return pd.DataFrame({
        "step": [1, 2, 3], "event": ["sign_up", "invite", "share"], "users": [704, 352, 176], "dropped": [0, 252, 76],
        "open": [0, 100, 100], "conversion_rate": [1.0, 0.5, 0.25], "conversion_rate_low": [1.0, 0.46, 0.22],
        "conversion_rate_high": [1.0, 0.54, 0.28], "step_conversion_rate": [1.0, 0.5, 0.5],
        "step_conversion_rate_low": [1.0, 0.46, 0.45], "step_conversion_rate_high": [1.0, 0.54, 0.55],
    })  # fmt: skip


def times():
    return funnel().assign(
        p25_seconds=[np.nan, 60.0, 600.0], median_seconds=[np.nan, 600.0, 3_600.0],
        p75_seconds=[np.nan, 3_600.0, 86_400.0], p90_seconds=[np.nan, 21_600.0, 604_800.0],
    )  # fmt: skip


def times_by_plan():
    both = pd.concat([times().assign(plan=plan) for plan in ("free", "team")], ignore_index=True)
    both.insert(0, "plan", both.pop("plan"))
    return both


def moved():
    return pd.DataFrame({
        "period_start": WEEKS[:3], "currency": "EUR", "opening": [0.0, 40.0, 55.0], "new": [40.0, 30.0, 5.0],
        "reactivation": [0.0, 0.0, 10.0], "expansion": 0.0, "contraction": [0.0, -5.0, 0.0], "churn": [0.0, -10.0, 0.0],
        "pause": 0.0, "resume": 0.0, "fx": 0.0, "closing": [40.0, 55.0, 70.0], "customers_end": [4, 5, 6],
        "at_risk": 0.0, "arpa": [10.0, 11.0, 12.0], "complete": [True, True, False],
    })  # fmt: skip


def kept():
    limits = {name: [0.8, 0.9, 0.85] for name in ("grr", "grr_low", "grr_high")}
    return pd.DataFrame({
        "period_start": WEEKS[:3], "span_start": WEEKS[:3], "customers_start": [20, 30, 40], "opening": 100.0, **limits,
        "nrr": [1.0, 1.1, 0.9], "nrr_low": [0.9, 1.0, 0.8], "nrr_high": [1.1, 1.2, 1.0], "complete": True,
    })  # fmt: skip


def by_plan():
    both = pd.concat([funnel().assign(plan=plan) for plan in ("free", "team")], ignore_index=True)
    both.insert(0, "plan", both.pop("plan"))
    return both


def trend():
    return pd.DataFrame({
        "period_start": WEEKS, "users": [100, 100, 100, 50], "converted": [30, 40, 20, 5], "open": [0, 0, 30, 50],
        "conversion_rate": [0.3, 0.4, 0.2, 0.1], "conversion_rate_low": [0.22, 0.31, 0.13, 0.04],
        "conversion_rate_high": [0.4, 0.5, 0.29, 0.21], "complete": [True, True, False, False],
    })  # fmt: skip


def cells():
    return pd.DataFrame({
        "cohort": [*WEEKS[[0, 0, 0]], *WEEKS[[1, 1]]], "period": [0, 1, 2, 0, 1], "users": [10, 10, 10, 20, 20],
        "retained": [10, 4, 3, 20, 5], "retention_rate": [1.0, 0.4, 0.3, 1.0, 0.25],
        "complete": [True, True, False, True, True],
    })  # fmt: skip


def curve():
    return pd.DataFrame({
        "period": [0, 1, 2], "cohorts": [3, 2, 1], "users": [60, 40, 20], "retained": [60, 20, 5],
        "retention_rate": [1.0, 0.5, 0.25], "retention_rate_low": [0.94, 0.35, 0.11],
        "retention_rate_high": [1.0, 0.65, 0.47],
    })  # fmt: skip


def churn():
    return pd.DataFrame({
        "period_start": WEEKS, "users": [100, 100, 100, 90], "churned": [10, 12, 9, 2],
        "churn_rate": [0.10, 0.12, 0.09, np.nan], "churn_rate_low": [0.055, 0.07, 0.048, np.nan],
        "churn_rate_high": [0.174, 0.198, 0.162, np.nan], "complete": [True, True, True, False],
    })  # fmt: skip


def nps():
    return pd.DataFrame({
        "plan": ["free", "team"],
        "responses": [40, 4], "promoters": [10, 3], "passives": [10, 1], "detractors": [20, 0],
        "net_promoter_score": [-25.0, np.nan], "net_promoter_score_low": [-48.0, np.nan],
        "net_promoter_score_high": [1.0, np.nan], "reason": pd.Series([None, "below_min_n"], dtype="str"),
    })  # fmt: skip


def values():
    return pd.DataFrame({"customer_id": [f"c{k}" for k in range(20)], "clv": [60.0, 20.0, *[1.0] * 18]})


def tracked():
    table = pd.concat([
        pd.DataFrame({
            "model": name, "period": range(1, 9), "actual": 5, "expected": size, "cumulative_actual": range(5, 45, 5),
            "cumulative_expected": size * np.arange(1.0, 9), "complete": True,
        })
        for name, size in (("bgnbd", 4.5), ("pareto_nbd", 5.1))
    ], ignore_index=True)  # fmt: skip
    table.attrs = {"settings": {"unit": "week", "start": "2026-01-01", "split": "2026-01-28"}}
    return table


def by_frequency():
    return pd.DataFrame({
        "model": ["bgnbd"] * 8 + ["recency"] * 8, "frequency": [*range(8)] * 2, "customers": 10,
        "actual_purchases": [*range(0, 40, 5)] * 2, "predicted_purchases": [*np.arange(1.0, 33, 4), *[np.nan] * 8],
    })  # fmt: skip


def by_tenth():
    return pd.DataFrame({
        "model": ["bgnbd"] * 10 + ["recency"] * 10, "tenth": [*range(1, 11)] * 2, "customers": 10,
        "actual_purchases": [*range(20, 0, -2)] * 2, "predicted_purchases": [*np.arange(18.0, 0, -1.8), *[np.nan] * 10],
    })  # fmt: skip


def by_tenths():
    return by_tenth()


def opinions():
    at = pd.date_range("2026-01-01", periods=180, freq="12h", tz="UTC")
    return pd.DataFrame({"score": [5, 4, 2] * 60, "answered_at": at, "plan": ["free", "pro", "free", "pro"] * 45})


def satisfied():
    return customer_satisfaction(opinions(), by="plan")


def satisfied_by_month():
    return customer_satisfaction(opinions(), period="month")


def effort():
    return customer_effort(opinions(), direction="ease", method="net", scale=5)


def recovered():
    return pd.DataFrame({
        "days": [0, 1, 2], "failed": 40, "too_recent": 2, "recovered": [0, 10, 24], "recovery_rate": [0.0, 0.25, 0.6],
        "recovery_rate_low": [0.0, 0.14, 0.45], "recovery_rate_high": [0.09, 0.4, 0.74],
    })  # fmt: skip


def paused():
    rates = {
        "take_rate": [0.4], "resume_rate": [0.6], "resume_rate_low": [0.45], "resume_rate_high": [0.74],
        "return_rate": [0.1], "return_rate_low": [0.04], "return_rate_high": [0.23],
    }  # fmt: skip
    counts = {"entered": [100], "paused": [40], "cancelled": [40], "kept": [20]}
    return pd.DataFrame(
        {**counts, **rates, "paused_followed": [40], "resumed": [24], "cancelled_followed": [40], "returned": [4]}
    )


PLOTS = [
    (plot_funnel, funnel), (plot_funnel, by_plan), (plot_time_to_convert, times),
    (plot_time_to_convert, times_by_plan), (plot_funnel_trend, trend), (plot_retention_matrix, cells),
    (plot_retention_curve, curve), (plot_churn, churn), (plot_nps, nps), (plot_lifetime_value, values),
    (plot_holdout_tracking, tracked), (plot_holdout_frequency, by_frequency), (plot_calibration, by_tenth),
    (plot_gain, by_tenths), (plot_mrr, moved), (plot_revenue_retention, kept),
    (plot_scores, satisfied), (plot_scores, satisfied_by_month), (plot_scores, effort),
    (plot_payment_recovery, recovered), (plot_pause_outcomes, paused),
]  # fmt: skip
each_plot = pytest.mark.parametrize(("plot", "table"), PLOTS, ids=[table.__name__ for _, table in PLOTS])


def svg(html, kind):
    return re.search(rf'<svg class="{kind}".*?</svg>', html, re.S)[0]


def bars(drawing, token):
    """Left and right end of every bar of a colour, in px."""
    found = re.findall(rf'<path d="M([\d.]+) [\d.]+H([\d.]+)V[^"]*" class="f-{token}"', drawing)
    return [(float(left), float(right)) for left, right in found]


def test_the_dots_of_a_line_are_one_short_path():
    wide = svg(show(plot_holdout_frequency(by_frequency()), "x").html, "wide")
    dots = re.findall(r'<path d="((?:M[\d.]+ [\d.]+h0)+)" class="s-(?:blue|ink)"[^>]*stroke-linecap="round"', wide)
    assert len(dots) == 2  # of the model and of what came
    line = re.search(r'<path d="([^"]*L[^"]*)" class="s-blue"', wide)[1]
    assert dots[0].removesuffix("h0").replace("h0M", "L") == line  # each where the line bends


@each_plot
def test_both_widths_are_drawn_with_text_for_those_who_cannot_see(plot, table):
    html = show(plot(table()), "What happens?").html
    wide, narrow = svg(html, "wide"), svg(html, "narrow")
    assert 'width="704"' in wide
    assert 'width="328"' in narrow
    assert 'display="none"' in narrow
    assert wide != narrow
    for drawing in (wide, narrow):
        assert re.search(r'role="img" aria-label="[^"]{40,}"', drawing)
        assert 'overflow="visible"' in drawing[: drawing.index(">")]  # or a notebook cuts the first digit of an axis
    assert html.startswith("<figure><figcaption><b>What happens?</b>")
    behind = r'<summary>The numbers behind this figure</summary>(<div class="with-foot">)?<div class="table"'
    assert re.search(behind, html)


def test_no_line_of_a_caption_ends_between_a_swatch_and_its_word():
    html = show(plot_funnel(funnel()), "x").html
    assert re.search(
        r'<span class="key"><svg class="swatch"[^>]*><path[^>]*/></svg>\u00a0reached</span> the step,', html
    )
    assert "]" not in re.search("<figcaption>.*?</figcaption>", html)[0]


def test_the_caption_of_those_who_wait_names_its_days_once():
    log = event_log("2026-01-01 ann a\n2026-01-03 ann b\n2026-01-02 bob a")
    ax = plot_time_to_milestone(time_to_milestone(log, start_event="a", milestone="b", as_of="2026-02-01"))
    assert DRAWN[ax].plot.legend(DRAWN[ax].table).startswith("Days after the start. Band: 95")


@each_plot
def test_a_figure_is_the_same_bytes_twice(plot, table):
    assert show(plot(table()), "x").html == show(plot(table()), "x").html


@each_plot
def test_a_figure_holds_no_style_no_script_and_only_the_palette(plot, table):
    html = show(plot(table()), "x").html
    assert not re.search(r"<style|style=|<script|<image|xlink|clip-path|<metadata", html)
    assert set(re.findall(r"#[0-9a-f]{6}\b", html)) <= set(PALETTE.values())
    for drawn in re.findall(r"<(?:path|text)[^>]*>", html):
        assert "class=" in drawn or "url(#hatch" in drawn, drawn
    for pattern in set(re.findall(r"url\(#([\w-]+)\)", html)):
        assert html.count(f'id="{pattern}"') == 1


@each_plot
def test_the_settings_and_the_table_of_the_caller_stay(plot, table):
    before, given, same = dict(mpl.rcParams), table(), table()
    show(plot(given), "x")
    assert dict(mpl.rcParams) == before
    pd.testing.assert_frame_equal(given, same)


@each_plot
def test_a_figure_that_was_shown_is_closed_and_one_that_was_not_stays(plot, table):
    ax = plot(table())
    assert plt.get_fignums()
    show(ax, "x")
    assert not plt.get_fignums()


@each_plot
def test_an_empty_table_is_drawn_as_nothing_to_see(plot, table):
    html = show(plot(table()[:0]), "x").html
    assert re.search(r"<text[^>]*>N(o|obody) ", svg(html, "wide"))


@each_plot
def test_a_table_of_something_else_is_refused(plot, table):
    with pytest.raises(ValueError, match="it is no result of"):
        plot(pd.DataFrame({"a": [1]}))


@each_plot
def test_axes_that_are_given_are_drawn_on(plot, table):
    figure, ax = plt.subplots()
    assert plot(table(), ax=ax) is ax
    assert plt.get_fignums() == [figure.number]


def test_bars_of_a_funnel_are_as_long_as_the_counts():
    wide = svg(show(plot_funnel(funnel()), "x").html, "wide")  # 704 users on 704 px: a user is a pixel
    assert bars(wide, "blue") == [(0, 704), (0, 352), (0, 176)]
    assert bars(wide, "red") == [(353.5, 604)]  # stopped at the largest loss, 1.5 px of air before
    assert bars(wide, "grey") == [(177.5, 252)]
    assert wide.count("url(#hatch") == 2


def test_a_funnel_says_its_numbers_and_its_largest_loss_in_words():
    shown = show(plot_funnel(funnel()), "x")
    wide = svg(shown.html, "wide")
    assert ">252 stop here</text>" in wide
    assert ">50.0\u202f% of those before (46.0 to 54.0)</text>" in wide
    alt = re.search('aria-label="([^"]*)"', wide)[1]
    assert "Funnel of 704 users who did sign_up." in alt
    assert "invite: 352 users, 252 stopped, 100 still open, 50.0\u202f% of the step before." in alt
    assert alt.endswith("Largest loss at: invite.")


def test_groups_of_a_funnel_share_one_scale():
    wide = svg(show(plot_funnel(by_plan()), "x").html, "wide")
    ends = bars(wide, "blue")
    assert len(ends) == 6
    lengths = [right - left for left, right in ends]
    assert lengths[2] == pytest.approx(lengths[0] / 2, abs=0.2)
    assert lengths[4] == pytest.approx(lengths[0] / 4, abs=0.2)


def test_a_period_with_open_windows_only_is_not_drawn():
    ax = plot_funnel_trend(trend())
    assert ax.get_xlim()[1] < 3
    alt = show(ax, "x").text
    assert "Unfinished: the week of 16 Mar 2026: 20\u202f% so far." in alt
    assert "23 Mar" not in alt


def test_an_unfinished_point_is_dashed_and_hollow_and_its_band_hatched():
    wide = svg(show(plot_funnel_trend(trend()), "x").html, "wide")
    assert "stroke-dasharray" in wide
    assert re.search(r'class="f-paper s-blue"', wide)
    assert "url(#hatch" in wide
    assert ">unfinished</text>" in wide


def test_each_of_several_lines_has_its_colour_before_its_name():
    days = pd.DataFrame({"date": WEEKS, "daily": 5, "monthly": 6, "stickiness_rate": 0.8, "complete": True})
    ax = plot_active_users(days)
    keys = {text.get_text(): mpl.colors.to_hex(text.arrow_patch.get_edgecolor()) for text in ax.texts}
    drawn = {line.get_ydata()[-1]: line.get_color() for line in ax.lines}
    assert keys == {"month 6": drawn[6], "day 5": drawn[5]}


def test_an_axis_of_days_is_marked_where_months_begin_or_in_steps_that_one_counts_in():
    days = pd.DataFrame({"date": pd.date_range("2025-12-20", "2026-06-30"), "daily": 5, "monthly": 20})
    ax = plot_active_users(days.assign(stickiness_rate=0.25, complete=True))
    assert [tick.get_text() for tick in ax.get_xticklabels()][:3] == ["1 Jan 2026", "1 Mar 2026", "1 May 2026"]
    waits = pd.DataFrame(
        {"days": [1, 178], "at_risk": 9, "not_yet": [0.9, 0.4], "not_yet_low": 0.1, "not_yet_high": 0.95}
    )
    assert [int(place) for place in plot_time_to_milestone(waits).get_xticks()][:3] == [0, 14, 28]


@pytest.mark.parametrize(("so_far", "side"), [(0.1, 1), (0.3, -1)])
def test_the_last_finished_figure_stands_where_the_dashed_line_does_not_go(so_far, side):
    churn = pd.DataFrame({
        "period_start": pd.to_datetime(["2026-03-01", "2026-04-01", "2026-05-01"]), "users": [90, 80, 70],
        "churned": [9, 16, 7], "churn_rate": [0.1, 0.2, so_far], "churn_rate_low": [0.05, 0.1, 0.05],
        "churn_rate_high": [0.18, 0.22, 0.39], "complete": [True, True, False],
    })  # fmt: skip
    label = next(text for text in plot_churn(churn).texts if text.get_text().startswith("20"))
    assert np.sign(label.get_position()[1]) == side
    assert label.get_bbox_patch() is not None  # the line of a change ends before it


def test_a_period_without_a_rate_is_hatched():
    shown = show(plot_churn(churn()), "x")
    assert "url(#hatch" in svg(shown.html, "wide")
    assert "Unfinished: the week of 23 Mar 2026." in shown.text


def test_all_missing_is_said_and_does_not_crash():
    empty = churn().assign(churn_rate=np.nan, churn_rate_low=np.nan, churn_rate_high=np.nan)
    assert "No finished period" in show(plot_churn(empty), "x").html
    assert "no finished period" in show(plot_churn(empty), "x").text


def test_a_line_without_limits_has_no_band():
    bare = churn().drop(columns=["churn_rate_low", "churn_rate_high"])
    html = show(plot_churn(bare), "x").html
    assert "fill-opacity" not in html
    assert "interval" not in html.split("<svg")[0]


def test_heat_has_one_cell_for_each_of_the_table_and_turns_its_text():
    wide = svg(show(plot_retention_matrix(cells()), "x").html, "wide")
    assert len(re.findall(r'class="f-heat\d"', wide)) == 2  # period 0 is the cohort itself; one is hatched
    assert 'class="f-heat6"' in wide
    assert re.search(r'class="f-on-heat-dark"[^>]*>40</text>', wide)
    assert re.search(r'class="f-muted"[^>]*>30</text>', wide)


def test_heat_with_groups_is_refused():
    table = cells()
    table.insert(0, "plan", "free")
    both = pd.concat([table, table.assign(plan="pro")], ignore_index=True)
    with pytest.raises(ValueError, match=r"groups \['plan'\]"):
        plot_retention_matrix(both)


def test_scores_stand_with_their_interval_or_their_reason():
    wide = svg(show(plot_nps(nps()), "x").html, "wide")
    assert ">NPS −25 (−48 to 1)</text>" in wide
    assert ">too few to say</text>" in wide
    widths = [round(right - left, 1) for left, right in bars(wide, "blue")]
    assert widths[1] == pytest.approx(3 * widths[0], abs=0.3)  # 3/4 against 1/4 promoters


def test_value_is_cut_into_tenths_best_first():
    ax = plot_lifetime_value(values())
    heights = [bar.get_height() for bar in ax.patches]
    assert heights[0] == pytest.approx(100 * 80 / 98)
    assert sum(heights) == pytest.approx(100)
    assert "The best tenth brings 82\u202f%" in show(ax, "x").text


def test_a_colour_that_no_page_can_follow_is_refused():
    ax = plot_churn(churn())
    ax.axhline(10, color="lime")
    with pytest.raises(ValueError, match="#00ff00, which is not in the palette"):
        show(ax, "x")


def test_what_was_added_by_hand_is_drawn_in_both_widths():
    ax = plot_churn(churn())
    ax.axvline(1, color=BLUE)
    ax.set_title("release 4.2", color=PALETTE["ink"])
    html = show(ax, "x").html
    assert svg(html, "wide").count("release 4.2") == 1
    assert svg(html, "narrow").count("release 4.2") == 1


@pytest.mark.parametrize("drawn", [False, True], ids=["", "drawn meanwhile"])
@pytest.mark.parametrize(
    "change",
    [
        lambda ax: ax.lines[0].set_linewidth(5),
        lambda ax: ax.lines[0].remove(),
        lambda ax: ax.set_ylim(0, 3),
        lambda ax: ax.spines["bottom"].set_visible(False),
        lambda ax: ax.tick_params(axis="x", pad=20),
        lambda ax: ax.get_xticklabels()[0].set_color(BLUE),
        lambda ax: ax.yaxis.get_gridlines()[0].set_color(BLUE),
        lambda ax: ax.figure.suptitle("all", color=BLUE),
        lambda ax: ax.figure.set_size_inches(5, 5),
        lambda ax: ax.figure.text(0.5, 0.5, "all", color=BLUE),
    ],
    ids=["line", "no line", "limits", "spine", "pad", "label", "grid", "title", "size", "text"],
)
def test_what_was_changed_in_any_way_is_drawn_as_it_is_in_both_widths(change, drawn):
    ax = plot_churn(churn())
    change(ax)
    if drawn:
        ax.figure.canvas.draw()
    html = show(ax, "x").html
    assert svg(html, "narrow").partition("height=")[2] == svg(html, "wide").partition("height=")[2]


@each_plot
def test_a_figure_that_nobody_touched_is_painted_once_for_each_width(plot, table, monkeypatch):
    painted = []
    fill = Plot._fill
    monkeypatch.setattr(Plot, "_fill", lambda *args, **how: painted.append(how["narrow"]) or fill(*args, **how))
    show(plot(table()), "x")
    assert painted == [False, True]


def test_a_text_of_both_widths_is_measured_once(monkeypatch):
    measured = []
    measure = RendererBase.get_text_width_height_descent
    monkeypatch.setattr(
        RendererBase,
        "get_text_width_height_descent",
        lambda self, text, *how: measured.append(text) or measure(self, text, *how),
    )
    show(plot_funnel(funnel().assign(event=["as never", "said", "before"])), "x")
    assert measured.count("as never") == 1


def test_what_a_figure_asks_of_its_table_is_reckoned_once(monkeypatch):
    reckoned = []
    of = Series.of
    monkeypatch.setattr(Series, "of", lambda *args, **how: reckoned.append(args[1]) or of(*args, **how))
    show(plot_churn(churn()), "x")
    assert len(reckoned) == 1


def test_a_table_that_was_changed_is_drawn_as_it_is_now():
    table = churn()
    before = plot_churn(table, ax=plt.figure().add_subplot()).lines[0].get_ydata()
    table["churn_rate"] /= 2
    for ax in (None, plt.figure().add_subplot()):
        assert plot_churn(table, ax=ax).lines[0].get_ydata()[0] == before[0] / 2


def test_no_tick_is_made_for_axes_that_show_none():
    ax = plot_nps(nps())
    assert [len(vars(axis)["majorTicks"]) for axis in (ax.xaxis, ax.yaxis)] == [1, 1]  # matplotlib's own


def test_hostile_names_stay_words_in_a_figure():
    html = show(plot_funnel(funnel().assign(event=["<script>", '"><b>', "[blue] & $x$"])), "<i>").html
    assert "<script" not in html
    assert "<b>" not in html.replace("<b>&lt;i&gt;</b>", "")
    assert "$x$" in html


def marks(ax):
    """Where the point, the bar and the end of the line of each row stand."""
    points = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    bars = [tuple(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 8]
    ends = [line.get_xdata()[1] for line in ax.lines if line.get_linewidth() == 1]
    return points, bars, ends


def test_times_of_many_sizes_stand_on_a_scale_of_ratios():
    ax = plot_time_to_convert(times())
    points, bars, ends = marks(ax)
    assert np.exp(points) == pytest.approx([600, 3_600])
    assert np.exp(bars) == pytest.approx(np.array([[60, 3_600], [600, 86_400]]))
    assert np.exp(ends) == pytest.approx([21_600, 604_800])
    said = [text.get_text().replace("\u202f", " ").replace("\u00a0", " ") for text in ax.texts]
    assert said[:2] == ["invite", "median 10 min, nine tenths within 6.0 h"]
    assert said[4:] == ["1 min", "10 min", "1 h", "6 h", "1 day", "7 days"]


def test_times_of_one_size_stand_on_a_plain_scale_from_0():
    alike = times().assign(p25_seconds=60.0, median_seconds=90.0, p75_seconds=120.0, p90_seconds=280.0)
    ax = plot_time_to_convert(alike)
    assert marks(ax)[0] == [90, 90]
    assert ax.get_xlim() == (0, 300)
    assert [text.get_text().replace("\u202f", " ").replace("\u00a0", " ") for text in ax.texts[4:]] == [
        "0", "1 min", "2 min", "3 min", "4 min", "5 min",
    ]  # fmt: skip


def test_steps_in_the_same_instant_are_drawn_at_the_edge():
    at_once = times().assign(p25_seconds=0.0, median_seconds=0.0, p75_seconds=0.0)
    ax = plot_time_to_convert(at_once)
    assert marks(ax)[0] == [ax.get_xlim()[0]] * 2


def test_the_numbers_behind_times_are_those_that_are_drawn():
    html = show(plot_time_to_convert(times()), "x").html
    for head in ("A quarter within", "Median time", "Three quarters within", "Nine tenths within"):
        assert f">{head}</th>" in html
    assert "the slowest are missing" in html  # while windows are open
    assert "the slowest are missing" not in show(plot_time_to_convert(times().assign(open=0)), "x").html


def test_an_optional_step_is_drawn_without_a_loss():
    table = funnel().assign(event=["sign_up", "invite (optional)", "share"], dropped=[0, 0, 252], open=[0, 0, 276])
    alt = show(plot_funnel(table), "x").text
    assert "invite (optional): 352 users, nobody is lost at it, 50.0\u202f% of the step before." in alt
    assert alt.endswith("Largest loss at: share.")


STAGES = pd.DataFrame({
    "period_start": WEEKS, "new": [5, 2, 1, 1], "returning": [0, 3, 4, 2], "resurrected": [0, 1, 0, 1],
    "dormant": [0, 2, 2, 3], "active": [5, 6, 5, 4], "complete": [True, True, True, False],
})  # fmt: skip


def test_stages_stand_on_one_another_and_the_gone_hang_below():
    ax = plot_lifecycle(STAGES)
    done = [bar for bar in ax.patches if bar.get_fill()]
    assert [bar.get_height() for bar in done] == [0, 3, 4, 0, 1, 0, 5, 2, 1, 0, -2, -2]
    assert done[6].get_y() == 0
    assert done[7].get_y() == 4  # on three who returned and one who came back
    unfinished = [bar for bar in ax.patches if not bar.get_fill()]
    assert [bar.get_height() for bar in unfinished] == [2, 1, 1, -3]
    assert all(bar.get_hatch() for bar in unfinished)


def test_actives_are_lines_from_0_labelled_at_their_ends():
    days = pd.DataFrame({
        "date": WEEKS, "daily": [3, 4, 2, 5], "monthly": [30, 31, 32, 33], "stickiness_rate": [0.1] * 4,
        "complete": [True] * 4,
    })  # fmt: skip
    ax = plot_active_users(days)
    assert ax.get_ylim()[0] == 0
    assert {text.get_text() for text in ax.texts} >= {"month 33", "day 5"}


def test_habits_are_drawn_up_to_the_most_frequent_user():
    habits = pd.DataFrame({
        "active_periods": [1, 2, 3], "users": [3, 1, 0], "share": [0.75, 0.25, 0], "users_at_least": [4, 1, 0],
    })  # fmt: skip
    assert [bar.get_height() for bar in plot_stickiness(habits).patches] == [75, 25]
    nobody = habits.assign(users=0, share=np.nan)
    assert "Nobody" in plot_stickiness(nobody).texts[0].get_text()


def test_scores_of_groups_stand_on_one_axis_and_too_few_are_said_in_words():
    answers = opinions()
    answers.loc[:3, "plan"] = "new"
    html = show(plot_scores(customer_satisfaction(answers, by="plan")), "x").html
    assert "Share of the satisfied, with its 95\u202f% interval." in html
    drawing = svg(html, "wide")
    assert "67\u202f% (" in drawing
    assert "too few to say" in drawing
    dots = [line.get_xdata() for line in plot_scores(customer_satisfaction(answers, by="plan")).lines]
    assert sum(len(x) == 1 for x in dots) == 2  # no dot for those of whom nothing is known


def test_a_net_score_keeps_its_zero_and_other_tables_are_refused():
    assert 0 in [x for line in plot_scores(effort()).lines for x in line.get_xdata()]
    with pytest.raises(ValueError, match="customer_satisfaction"):
        plot_scores(nps())


@given(st.lists(st.floats(0, 100), max_size=9), st.floats(1, 20))
def test_labels_keep_their_order_and_their_distance_and_lie_where_they_belong_if_there_is_room(heights, least):
    places = np.array(spread(heights, least, 5))
    order = np.argsort(-np.array(heights), kind="stable")
    assert (np.diff(places[order]) <= -least + 1e-6).all()
    assert (places >= 5 - 1e-6).all()
    apart = (-np.diff(np.array(heights)[order]) >= least).all() and min(heights, default=9) >= 5
    assert not apart or places == pytest.approx(np.array(heights))


def test_labels_that_would_touch_are_centred_on_what_they_name():
    assert spread([50, 50, 90], 10) == [55, 45, 90]
    assert spread([1, 0], 10, 8) == [18, 8]


def test_one_user_is_told_in_the_singular_to_who_cannot_see_the_figure():
    one = event_log("""
        2026-01-01  ann  visit
        2026-01-02  ann  buy
    """)
    table = conversion_funnel(one, ["visit", "buy"], as_of="2026-03-01")
    assert "Funnel of 1 user who did visit" in DRAWN[plot_funnel(table)].plot.alt(table)


def placed(figure):
    """Words of a figure and of its value axis, with the boxes in which they stand."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    ax = figure.axes[0]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in (*ax.texts, *ax.get_yticklabels()) if t.get_text()]


def touching(words):
    return [(one, other) for k, (one, box) in enumerate(words) for other, beside in words[:k] if box.overlaps(beside)]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("size", [12_345, 1_234_567])
def test_large_numbers_of_an_axis_and_names_at_the_ends_lie_within_the_figure(size, narrow):
    days = pd.DataFrame({"period_start": WEEKS, "rows": size, "users": 9, "complete": True})
    many = tracked().assign(**{name: tracked()[name] * size for name in ("cumulative_actual", "cumulative_expected")})
    stages = pd.DataFrame({
        "period_start": WEEKS, "new": size, "returning": size, "resurrected": 0, "dormant": size, "active": 2 * size,
        "quick_ratio": 1.0, "complete": True,
    })  # fmt: skip
    drawn = [
        plot_arrivals(days), plot_holdout_tracking(many), plot_lifecycle(stages),
        plot_revenue_retention(kept().drop(columns=["grr_low", "grr_high"])),
    ]  # fmt: skip
    for own in (DRAWN[ax] for ax in drawn):
        figure = own.plot.figure(own.table, narrow=narrow)
        edges = placed(figure)
        assert edges
        for said, box in edges:
            assert box.x0 >= -8, said  # a page leaves 16 px beside a figure, on a phone too
            assert box.x1 <= figure.bbox.x1 + 8, said


@pytest.mark.parametrize(("size", "ticks"), [(90, ["0", "20", "40", "60", "80", "100"]), (0, ["0", "1"])])
def test_one_value_alone_is_seen_against_nought(size, ticks):
    day = pd.DataFrame({"period_start": WEEKS[:1], "rows": size, "users": 9, "complete": True})
    assert [label.get_text() for label in plot_arrivals(day).get_yticklabels()] == ticks


def test_large_numbers_of_differences_do_not_touch_each_other_on_a_phone():
    table = pd.DataFrame({
        "change_id": ["c1", "c2"], "before": [4e6, 5e6], "after": [6e6, 2e6], "difference": [2e6, -3e6],
        "difference_low": [1e6, -4e6], "difference_high": [3e6, -2e6], "confounded_with": [None, None],
    })  # fmt: skip
    drawing = DRAWN[plot_change_effects(table)]
    assert not touching(placed(drawing.plot.figure(drawing.table, narrow=True)))


def test_names_of_models_that_expect_nothing_stand_apart():
    nothing = tracked().assign(cumulative_actual=0, cumulative_expected=0.0)
    ax = plot_holdout_tracking(nothing)
    renderer = ax.figure.canvas.get_renderer()
    ax.figure.draw(renderer)
    boxes = [
        text.get_window_extent(renderer) for text in ax.texts if text.get_text() in ("BG/NBD", "Pareto/NBD", "came")
    ]
    assert len(boxes) == 3
    assert not [1 for k, box in enumerate(boxes) for other in boxes[:k] if box.overlaps(other)]


def test_one_is_one_user_and_one_point():
    events = event_log("2026-01-01 ann a")
    axis = plot_active_users(active_users(events, as_of="2026-01-02")).get_yticklabels()
    assert [label.get_text() for label in axis] == ["0", "1\u00a0user"]  # nor is there half of one
    table = pd.DataFrame({
        "change_id": ["c1"], "before": [0.04], "after": [0.05], "difference": [0.01], "difference_low": [-0.2],
        "difference_high": [0.22], "confounded_with": [None],
    })  # fmt: skip
    table.attrs = {"settings": {"value": "used_rate"}}
    words = [text.get_text() for text in plot_change_effects(table).texts]
    assert any(said.startswith("+1\u00a0point (") for said in words)
