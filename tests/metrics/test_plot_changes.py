"""A change is a line where it lies in time, on every figure over time, named so that it can be read."""

import inspect

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

import metrics
from metrics import plots
from metrics.plots.changes import marks_of
from metrics.plots.style import DRAWN, GREY, PAPER

MONTHS = pd.DataFrame({
    "period_start": pd.to_datetime(["2026-03-01", "2026-04-01", "2026-05-01"]), "users": [90, 80, 70],
    "churned": [9, 10, 7], "churn_rate": [0.1, 0.125, 0.1], "churn_rate_low": [0.05, 0.07, 0.05],
    "churn_rate_high": [0.18, 0.21, 0.19], "complete": [True, True, False],
})  # fmt: skip


def log(*rows):
    return pd.DataFrame(rows, columns=["change_id", "at", "note"]).assign(
        at=lambda t: pd.to_datetime(t["at"], utc=True, format="ISO8601")
    )


def lines(ax):
    """Where the vertical lines of changes stand."""
    return [line.get_xdata()[0] for line in ax.lines if list(line.get_ydata()) == [0, 1]]


def test_a_change_stands_where_it_lies_in_its_period():
    ax = metrics.plot_churn(MONTHS, changes=log(("c1", "2026-04-01", "x"), ("c2", "2026-04-16", "y")))
    assert lines(ax) == [0.5, 1.0]  # the begin of April, and its middle


def test_the_first_instant_is_in_and_the_first_after_the_last_period_is_out():
    found = marks_of(MONTHS, log(
        ("too early", "2026-02-28T23:59:59.999", ""), ("first", "2026-03-01", ""),
        ("last", "2026-05-31T23:59:59.999", ""), ("too late", "2026-06-01", ""),
    ))  # fmt: skip
    assert found["change_id"].tolist() == ["first", "last"]


def test_a_change_is_placed_on_the_clocks_of_the_table():
    table = MONTHS.copy()
    table.attrs = {"settings": {"tz": "Asia/Tokyo", "period": "month"}}
    found = marks_of(table, log(("c1", "2026-03-31T15:00", "")))  # midnight in Tokyo
    assert found["place"].tolist() == [0.5]


def test_a_gap_of_the_table_has_no_changes():
    table = MONTHS.iloc[[0, 2]]
    table.attrs = {"settings": {"period": "month"}}
    assert marks_of(table, log(("c1", "2026-04-10", "")))["name"].tolist() == []


def test_the_caption_and_the_words_for_who_does_not_see_name_each_change():
    drawing = DRAWN[metrics.plot_churn(MONTHS, changes=log(("c1", "2026-04-16", "Faster search")))]
    assert drawing.plot.legend(MONTHS).endswith("Lines: c1 Faster search.")
    assert drawing.plot.alt(MONTHS).endswith("Changes: c1 Faster search, 16 Apr 2026.")


def test_long_names_are_numbered_and_told_in_the_caption():
    changes = log(("release-2026-04", "2026-04-16", None), ("release-2026-03", "2026-03-16", "Search"))
    ax = metrics.plot_churn(MONTHS, changes=changes)
    assert [text.get_text() for text in ax.texts if text.get_text() in "12"] == ["1", "2"]
    assert DRAWN[ax].plot.legend(MONTHS).endswith("Lines: 1 Search; 2 release-2026-04.")


def test_names_that_would_touch_stand_in_rows_and_the_figure_grows_for_them():
    far, near = (log(("c1", "2026-03-02", ""), ("c2", at, "")) for at in ("2026-05-20", "2026-03-03"))
    heights = [DRAWN[metrics.plot_churn(MONTHS, changes=changes)].plot.height(MONTHS, True) for changes in (far, near)]
    plain = DRAWN[metrics.plot_churn(MONTHS)].plot.height(MONTHS, True)
    assert np.diff([plain, *heights]).tolist() == [18, 14]


def test_without_changes_in_its_periods_a_figure_stays_as_it_is():
    for changes in (None, log(), log(("c1", "2020-01-01", "long ago"))):
        drawing = DRAWN[metrics.plot_churn(MONTHS, changes=changes)]
        plain = DRAWN[metrics.plot_churn(MONTHS)]
        assert drawing.plot.height(MONTHS, True) == plain.plot.height(MONTHS, True)
        assert drawing.plot.alt(MONTHS) == plain.plot.alt(MONTHS)
        assert lines(metrics.plot_churn(MONTHS, changes=changes)) == []


def test_an_empty_figure_has_no_lines():
    nothing = MONTHS.assign(churn_rate=np.nan, churn_rate_low=np.nan, churn_rate_high=np.nan)
    assert lines(metrics.plot_churn(nothing, changes=log(("c1", "2026-04-16", "")))) == []


def test_a_table_that_is_no_change_log_is_refused():
    with pytest.raises(ValueError, match="no result of read_changes"):
        metrics.plot_churn(MONTHS, changes=MONTHS)


OVER_TIME = [
    name
    for name in metrics._HOMES["metrics.plots"]
    if "changes" in inspect.signature(getattr(metrics, name)).parameters
]


def test_every_figure_over_time_takes_changes():
    assert OVER_TIME == [
        "plot_funnel_trend", "plot_arrivals", "plot_churn", "plot_active_users", "plot_lifecycle",
        "plot_feature_usage", "plot_mrr", "plot_revenue_retention", "plot_kpi_sheet", "plot_nps", "plot_scores",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", [name for name in OVER_TIME if name != "plot_kpi_sheet"]
)  # whose panels are tried below
def test_the_lines_stand_on_figures_of_every_kind(name):
    starts = MONTHS["period_start"]
    numbers = dict.fromkeys(
        ["new", "returning", "resurrected", "dormant", "active", "responses", "promoters", "passives", "detractors",
         "satisfied", "converted", "users", "rows", "daily", "monthly", "opening", "closing", "reactivation",
         "expansion", "contraction", "churn", "used", "pause", "resume", "customers_start"], 5,
    )  # fmt: skip
    rates = {
        f"{stem}{end}": value
        for stem in (
            "churn_rate",
            "usage_rate",
            "grr",
            "nrr",
            "net_promoter_score",
            "customer_satisfaction",
            "conversion_rate",
        )
        for end, value in (("", 0.5), ("_low", 0.4), ("_high", 0.6))
    }
    table = pd.DataFrame({"period_start": starts, "date": starts, "span_start": starts, "currency": "EUR", **numbers})
    table = table.assign(**rates, stickiness_rate=0.5, complete=True)
    if name == "plot_active_users":
        table = table[["date", "daily", "monthly", "stickiness_rate", "complete"]]
    if name == "plot_lifecycle":
        table = table.drop(columns="date")
    ax = getattr(metrics, name)(table, changes=log(("c1", "2026-04-01T12:00", "x")))
    assert len(lines(ax)) == 1
    assert "c1" in [text.get_text() for text in ax.texts]


PANELS = pd.concat(
    [
        pd.DataFrame({
            "side": side, "kpi": kpi, "period_start": MONTHS["period_start"], "n": 9, "value": [0.1, 0.2, 0.1],
            "value_low": 0.05, "value_high": 0.3, "unit": "share", "target": np.nan, "direction": "lower",
            "status": "no_target", "latest": [False, False, True], "complete": True, "reason": None,
        })
        for side, kpis in (("company", ["grr", "nrr"]), ("customer", ["churn_rate", "csat", "complaints", "ces"]))
        for kpi in kpis
    ],
    ignore_index=True,
)  # fmt: skip


def uprights(ax):
    """Where the lines of changes stand in panels, from left to right."""
    return sorted({line.get_xdata()[0] for line in ax.lines if line.get_color() == GREY})


def test_every_panel_of_key_figures_has_the_lines_and_the_first_of_each_side_their_names():
    changes = log(("c1", "2026-04-16", "Faster search"), ("c0", "2026-02-28T23:59:59.999", "too early"))
    axes = metrics.plot_kpi_sheet(PANELS, changes=changes)
    assert len([line for line in axes.lines if line.get_color() == GREY]) == 6
    room = (704 - 2 * 22) / 3
    np.testing.assert_allclose(
        uprights(axes), [k * (room + 22) + room / 2 for k in range(3)]
    )  # the middle of three months
    names = [text.get_position() for text in axes.texts if text.get_text() == "c1"]
    assert len(names) == 5  # two of the company's, three of the customers', whose fourth stands below
    drawing, plain = DRAWN[axes], DRAWN[metrics.plot_kpi_sheet(PANELS)]
    assert drawing.plot.legend(PANELS).endswith("Lines: c1 Faster search.")
    assert drawing.plot.alt(PANELS).endswith("Changes: c1 Faster search, 16 Apr 2026.")
    assert drawing.plot.height(PANELS, False) == plain.plot.height(PANELS, False) + 2 * 18


def test_a_panel_of_fewer_periods_has_a_change_where_it_lies_in_them():
    axes = metrics.plot_kpi_sheet(PANELS[:6].drop(index=[0, 3]), changes=log(("c1", "2026-04-16", "")))
    np.testing.assert_allclose(uprights(axes), [55, 55 + 242])  # a quarter of 220 px
    fewer = PANELS[:6].drop(index=1)
    assert len(uprights(metrics.plot_kpi_sheet(fewer, changes=log(("c1", "2026-04-16", ""))))) == 1
    assert uprights(metrics.plot_kpi_sheet(PANELS[:0], changes=log(("c1", "2026-04-16", "")))) == []


def test_a_name_at_the_edge_of_a_panel_does_not_leave_it():
    changes = log(("c1", "2026-03-01", ""), ("c2", "2026-05-31T23:59", ""))
    axes = metrics.plot_kpi_sheet(PANELS[:3], changes=changes)
    assert min(uprights(axes)) == 0
    edges = {text.get_text(): text.get_window_extent() for text in axes.texts if text.get_text() in ("c1", "c2")}
    assert edges["c1"].x0 > -0.5
    assert edges["c2"].x1 < 220.5


def test_names_in_panels_stand_in_rows_where_they_would_touch_and_without_changes_nothing_is_added():
    near = log(("c1", "2026-04-16", ""), ("c2", "2026-04-17", ""))
    axes = metrics.plot_kpi_sheet(PANELS, changes=near)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts if text.get_text() in ("c1", "c2")}
    assert heights["c1"] - heights["c2"] == 14
    plain = DRAWN[metrics.plot_kpi_sheet(PANELS)].plot
    for changes in (metrics.given(changes_file=""), log(), log(("c1", "2020-01-01", "long ago"))):
        drawing = DRAWN[metrics.plot_kpi_sheet(PANELS, changes=changes)].plot
        assert drawing.height(PANELS, True) == plain.height(PANELS, True)
        assert drawing.legend(PANELS) == plain.legend(PANELS)
    with pytest.raises(ValueError, match="no result of read_changes"):
        metrics.plot_kpi_sheet(PANELS, changes=PANELS)


def test_a_change_log_is_read_like_any_table(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("change,date,description\nb,2026-02-02,later\na,2026-01-01,first\n,2026-01-01,nameless\n")
    table = metrics.read_changes(file, timezone="Europe/Berlin", max_refused=0.5)
    assert table["change_id"].tolist() == ["a", "b"]
    assert table["at"].tolist() == [pd.Timestamp("2025-12-31T23:00Z"), pd.Timestamp("2026-02-01T23:00Z")]
    assert metrics.account(table).query("stage == 'rejected'")["rows"].sum() == 1


def test_the_lines_of_a_figure_are_looked_for_once(monkeypatch):
    asked = []
    monkeypatch.setattr(plots.changes, "marks_of", lambda table, *rest: asked.append(table) or marks_of(table, *rest))
    metrics.show(metrics.plot_churn(MONTHS, changes=log(("c1", "2026-04-16", "Faster search"))), "Churn")
    assert len(asked) == 1


def test_one_plot_can_draw_several_tables():
    plot = plots.changes.with_changes(plots.churn._CHURN, log(("c1", "2026-04-16", "Faster search")))
    drawn = [plot.legend(MONTHS), plot.legend(MONTHS.iloc[:1]), plot.legend(MONTHS)]
    assert [said.endswith("Lines: c1 Faster search.") for said in drawn] == [True, False, True]


def test_no_line_of_a_change_crosses_the_words_of_a_bar():
    months = pd.DataFrame({
        "period_start": pd.to_datetime(["2026-03-01", "2026-04-01"]), "currency": "EUR", "opening": [0.0, 50.0],
        "new": [50.0, 20.0], "churn": [0.0, -30.0], "closing": [50.0, 40.0], "complete": True,
        **dict.fromkeys(("reactivation", "expansion", "contraction", "pause", "resume", "fx", "at_risk"), 0.0),
    })  # fmt: skip
    ax = metrics.plot_mrr(months, changes=log(("c1", "2026-04-16", "y")))
    words = {text.get_text(): text for text in ax.texts}
    covered = [words[name].get_bbox_patch() for name in ("+50.00", "−10.00", "Mar 2026", "Apr")]
    assert [patch.get_facecolor() == to_rgba(PAPER) for patch in covered] == [True] * 4
