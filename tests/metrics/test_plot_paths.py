"""The figure of paths: bars and bands as thick as the table says, names that do not run into one another, one red."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from metrics import event_log
from metrics.display import show
from metrics.paths import drop_off_paths, user_paths
from metrics.plots.paths import _PATHS, plot_paths
from metrics.plots.style import BLUE, GREY, NARROW, PALETTE, RED, WIDE


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def few():
    """Of 100 visitors 50 search, 20 buy and 30 stop; of those who search 10 stop and 40 buy."""
    return pd.DataFrame({
        "source_step": [1, 1, 1, 2, 2], "source": ["visit", "visit", "visit", "search", "search"],
        "target_step": [2, 2, 2, 3, 3], "target": ["search", "(exit)", "buy", "buy", "(exit)"],
        "users": [50, 30, 20, 40, 10], "share": [0.5, 0.3, 0.2, 0.8, 0.2],
    })  # fmt: skip


def many(events=23, users=300, steps=5):
    names = ["Onboarding checklist: an invitation was accepted", *(f"event number {k}" for k in range(1, events))]
    draws = np.random.default_rng(7)
    size = 8 * users
    log = pd.DataFrame({
        "user_id": draws.integers(0, users, size).astype(str),
        "event": draws.choice(names, size, p=(w := 1 / np.arange(1, events + 1)) / w.sum()),
        "timestamp": pd.Timestamp("2026-01-01", tz="UTC").as_unit("us")
        + pd.to_timedelta(draws.integers(0, 10**7, size), unit="s"),
    })  # fmt: skip
    return user_paths(log, as_of="2026-07-01", max_steps=steps)


def dropped():
    lines = [f"2026-01-01 10:00 d{k} a\n2026-01-01 10:01 d{k} {'help' if k < 18 else 'x'}" for k in range(20)]
    lines += [
        f"2026-01-01 10:00 c{k} a\n2026-01-01 10:01 c{k} {'help' if k < 3 else 'x'}\n2026-01-01 10:02 c{k} b"
        for k in range(10)
    ]
    return drop_off_paths(event_log("\n".join(lines)), ["a", "b"], window="7 days", as_of="2026-02-01")


def bars(ax, colour):
    found = [patch for patch in ax.patches if not isinstance(patch, PathPatch) and patch.get_fill()]
    return [patch for patch in found if to_hex(patch.get_facecolor()) == colour]


def bands(ax, colour=GREY):
    found = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    return [patch for patch in found if to_hex(patch.get_facecolor()) == colour]


def thickness(band):
    corners = band.get_path().vertices
    return corners[4][1] - corners[3][1]


def said(ax):
    return [text.get_text() for text in ax.texts]


def test_bars_and_bands_are_as_thick_as_their_users():
    ax = plot_paths(few())
    scale = 220 / 100  # px a user: the fullest step fills the height
    assert sorted(round(thickness(band) / scale) for band in bands(ax)) == [20, 40, 50]
    stopped = bars(ax, GREY) + bars(ax, RED)
    assert sorted(round(bar.get_height() / scale) for bar in stopped) == [10, 30]
    assert sorted(round(bar.get_height() / scale) for bar in bars(ax, BLUE)) == [20, 40, 40, 70]


def test_each_bar_carries_its_name_its_users_and_who_stop():
    words = said(plot_paths(few()))
    assert words[:5] == ["Step 1", "visit", "100 (30 stop)", "Step 2", "search"]
    assert words[5:] == ["50 (10 stop)", "buy", "20", "Step 3", "buy", "40"]


def test_one_thing_is_red_where_most_stop():
    ax = plot_paths(few())
    assert len(bars(ax, RED)) == 1
    assert [text.get_text() for text in ax.texts if text.get_color() == RED] == ["100 (30 stop)"]
    without = plot_paths(few()[few()["target"] != "(exit)"])
    assert not [text for text in without.texts if text.get_color() == RED]


def test_small_events_are_gathered_and_nobody_is_lost():
    table = many()
    ax = plot_paths(table)
    others = [word for word in said(ax) if word.endswith(" others")]
    first = table[table["source_step"] == 1]
    assert len(others) == 5  # the six largest of each step stand alone
    assert others[0] == f"{first['source'].nunique() - 6} others"
    onward = first[first["target"] != "(exit)"]["users"].sum()
    scale = 220 / (first["users"] / first["share"]).round().groupby(first["source"]).first().sum()
    start = [band for band in bands(ax) if band.get_path().vertices[0][0] < 10]
    assert sum(thickness(band) for band in start if thickness(band) > 0.6) / scale == pytest.approx(onward, rel=0.05)


def test_events_of_hardly_anybody_are_gathered_also_where_they_are_few():
    table = pd.DataFrame({
        "source_step": 1, "source": "visit", "target_step": 2, "target": ["buy", "help", "undo"],
        "users": [998, 1, 1], "share": [0.998, 0.001, 0.001],
    })  # fmt: skip
    assert said(plot_paths(table))[4:] == ["buy", "998", "2 others", "2"]
    assert "help" in said(plot_paths(table.drop(index=2)))  # one alone keeps its name


@pytest.mark.parametrize("times", [1, 2000])
@pytest.mark.parametrize(("narrow", "width"), [(False, WIDE), (True, NARROW)])
def test_no_text_overlaps_another_or_leaves_the_figure(narrow, width, times):
    table = many()
    figure = _PATHS.figure(table.assign(users=times * table["users"]), narrow=narrow)
    assert figure.get_size_inches()[0] * 72 == pytest.approx(width)
    renderer = FigureCanvasAgg(figure).get_renderer()
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    scale = figure.dpi / 72
    for place, box in enumerate(boxes):
        assert box.x0 / scale >= -0.5
        assert box.x1 / scale <= width + 0.5
        for other in boxes[place + 1 :]:
            apart = min(box.x1, other.x1) - max(box.x0, other.x0) <= 0 or (
                min(box.y1, other.y1) - max(box.y0, other.y0) <= 3 * scale  # letters have air above and below
            )
            assert apart


def test_a_narrow_figure_breaks_the_steps_into_rows():
    words = said(_PATHS.figure(many(), narrow=True).axes[0])
    steps = [word for word in words if word.startswith("Step")]
    assert steps == ["Step 1", "Step 2", "Step 3", "Step 3 again", "Step 4", "Step 5"]
    wide = said(_PATHS.figure(many(steps=6), narrow=False).axes[0])
    assert [word for word in wide if word.startswith("Step")] == [f"Step {k}" for k in range(1, 7)]


def test_an_open_session_is_hatched():
    log = event_log("2026-01-01 23:30 edge a\n2026-01-01 20:00 over a")
    html = show(plot_paths(user_paths(log, session_gap="1 hour", as_of="2026-01-02")), "Sessions").html
    assert "url(#hatch-" in html
    assert "session</span> not over" in html


def test_users_who_may_be_counted_twice_are_said_to_be_at_most():
    log = event_log("""
        2026-01-01 10:00  ann  a
        2026-01-01 10:01  ann  c
        2026-01-02 10:00  ann  b
        2026-01-02 10:01  ann  c
    """)
    words = said(plot_paths(user_paths(log, session_gap="1 hour", max_steps=2)))
    assert words[words.index("c") + 1] == "up to 2"
    words = said(plot_paths(user_paths(log, max_steps=2)))
    assert words[words.index("c") + 1] == "1"


def test_steps_towards_an_end_are_counted_back_from_it():
    log = event_log("2026-01-01 ann a\n2026-01-02 ann b\n2026-01-03 ann c")
    assert said(plot_paths(user_paths(log, end_event="c", max_steps=4)))[::3] == ["2 before", "1 before", "The end"]


def test_of_a_funnel_those_who_dropped_stand_above_and_red_is_what_they_did_instead():
    ax = plot_paths(dropped())
    titles = [word for word in said(ax) if "after" in word]
    assert titles == ["Dropped after a: 20", "Converted after a: 10"]
    assert len(bands(ax, RED)) == 1
    assert [text.get_text() for text in ax.texts if text.get_color() == RED] == ["18, +60 points"]
    assert not bars(ax, RED)


def test_nothing_is_red_where_the_difference_may_be_chance():
    table = dropped().assign(difference_low=-0.1)
    assert not bands(plot_paths(table), RED)


def test_a_table_without_paths_says_so():
    assert said(plot_paths(few()[:0])) == ["Nobody took two steps."]
    alone = few()[1:2].assign(users=3, share=1.0)
    assert said(plot_paths(alone)) == ["Step 1", "visit", "3 (3 stop)"]


def test_the_alt_text_tells_steps_users_and_the_largest_loss():
    html = show(plot_paths(few()), "Paths").html
    alt = re.search(r'aria-label="(Paths of users[^"]*)"', html).group(1)
    assert "Step 1: visit 100 (30 stop)." in alt
    assert "Most walked: visit to search after step 1, 50 users." in alt
    assert "Most stop at visit, step 1: 30." in alt
    of_drops = show(plot_paths(dropped()), "Paths").html
    assert "Furthest above those who converted: a to help, +60 points." in of_drops


@pytest.mark.parametrize("table", [few, many, dropped], ids=["few", "many", "dropped"])
def test_a_page_can_theme_both_widths(table):
    html = show(plot_paths(table()), "Paths").html
    assert html.count("<svg class=") >= 2
    assert set(re.findall(r"#[0-9a-f]{6}", html)) <= set(PALETTE.values())
    assert "[blue]" not in html
    assert len(html) < 120_000


def test_the_table_is_not_changed_and_another_table_is_refused():
    table = few()
    plot_paths(table)
    pd.testing.assert_frame_equal(table, few())
    with pytest.raises(ValueError, match=r"table has no \['source_step'"):
        plot_paths(pd.DataFrame({"step": [1], "users": [2]}))


def test_it_can_be_drawn_on_axes_of_ones_own():
    figure, ax = plt.subplots(figsize=(8, 5))
    assert plot_paths(few(), ax) is ax
    assert len(bands(ax)) == 3
    assert figure.axes == [ax]
