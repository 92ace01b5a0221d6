"""A figure of pyplot becomes SVG that a page keeps whole, with words, and with its numbers behind it."""

import datetime as dt
import re
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from reporting.figures import figure_html, load_ipython_extension
from reporting.figures.numbers import numbers_html, numbers_of, said
from reporting.pages.clean import clean
from tests.reporting.notebooks import write_notebook


@pytest.fixture
def ax():
    return plt.subplots()[1]


def html(ax):
    return figure_html(ax.figure)


def alt(ax):
    return re.search('(?:aria-label|alt)="((?!Figure")[^"]*)"', html(ax))[1]


def table(ax):
    """Rows of the table behind the figure, as text."""
    rows = re.findall("<tr>(.*?)</tr>", html(ax))
    return [re.findall("<t[dh]>(.*?)</t[dh]>", row) for row in rows]


def paths(ax, attribute):
    return [path for path in re.findall("<path[^>]*>", html(ax)) if attribute in path]


def test_a_page_keeps_all_of_it(ax):
    ax.plot([1, 2, 3], [10, 40, 20], "o--", label="a & b")
    ax.fill_between([1, 2, 3], 0, [5, 6, 7], alpha=0.3)
    ax.set(xlim=(1.5, 4), title="Users <by> week", xlabel="week", ylabel="users")
    ax.legend()
    made = html(ax)
    kept = str(clean(made))
    elements = re.compile("<(?:path|text|clipPath|svg|table|tr|td|th)[^>]*?([^ >]*)=")
    assert sorted(elements.findall(kept)) == sorted(elements.findall(made))
    assert re.findall("[ML][0-9. ]+", kept) == re.findall("[ML][0-9. ]+", made)
    assert "Users &lt;by&gt; week" in kept
    assert "a &amp; b" in kept


def test_words_tell_kind_title_axes_and_reach(ax):
    ax.plot([1, 2, 3], [10, 40, 20])
    ax.set(title="Users", xlabel="week", ylabel="users")
    assert alt(ax) == (
        "Line chart: Users. x: week, y: users. 3 points, from 1 to 3; the lowest is 10, the highest 40, the last 20."
    )


def test_words_name_the_series(ax):
    for name in ("free", "paid", "_hidden"):
        ax.plot([1, 2], [3, 4], label=name)
    ax.axhline(5)  # a reference, no series
    assert alt(ax) == "Line chart. 3 series: free, paid."


def test_words_read_out_what_cannot_be_counted(ax):
    ax.pie([1, 3], labels=["free", "paid"], autopct="%d%%")
    assert alt(ax) == "Chart. It says: free, paid, 25%, 75%."


def test_each_plot_is_told():
    figure, (left, right) = plt.subplots(1, 2)
    figure.suptitle("Both")
    left.scatter([1, 2], [3.14159, 4])
    right.bar(["a", "b"], [1, 2])
    found = numbers_of(figure)
    assert [series.plot for series in found] == [0, 1]
    assert "Both. Scatter plot. 2 points, y from 3.142 to 4. Bar chart. 2 bars, from a to b" in figure_html(figure)
    assert "<tr><th>plot</th><th>x</th><th>y</th></tr>" in figure_html(figure)


def test_numbers_stand_behind_lines(ax):
    ax.plot(pd.to_datetime(["2026-06-30", "2026-07-01"]), [1.5, np.nan], label="a")
    ax.plot([dt.datetime(2026, 7, 2, 12), dt.datetime(2026, 7, 3)], [1200, 3], label="b")
    assert table(ax) == [
        ["series", "x", "y"], ["a", "2026-06-30", "1.5"], ["a", "2026-07-01", ""],
        ["b", "2026-07-02 12:00:00", "1,200"], ["b", "2026-07-03", "3"],
    ]  # fmt: skip


def test_periods_of_pandas_are_days_and_months(ax):
    pd.Series([1, 2], index=pd.period_range("2026-01", periods=2, freq="M")).plot(ax=ax)
    assert [row[0] for row in table(ax)[1:]] == ["2026-01", "2026-02"]


def test_numbers_stand_behind_bars_standing_and_lying(ax):
    pd.Series([3, 2], index=["free", "paid"]).plot.bar(ax=ax)
    assert table(ax) == [["x", "y"], ["free", "3"], ["paid", "2"]]
    lying = plt.subplots()[1]
    lying.barh(["free", "paid"], [3, 2])
    assert table(lying) == [["x", "y"], ["3", "free"], ["2", "paid"]]  # what is along an axis is called by it


def test_bars_of_a_histogram_are_told_by_their_edges(ax):
    ax.hist([0, 1, 1, 4], bins=[0, 1, 2, 4])
    assert table(ax)[1:] == [["0 to 1", "1"], ["1 to 2", "2"], ["2 to 4", "1"]]


def test_bars_that_do_not_touch_are_told_by_their_place(ax):
    ax.bar(pd.date_range("2026-01-01", periods=2), [1, 2])
    assert table(ax)[1:] == [["2026-01-01", "1"], ["2026-01-02", "2"]]


def test_bars_of_a_group_are_told_by_its_name(ax):
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["free", "paid"]).plot.bar(ax=ax)
    assert table(ax)[1:] == [["a", "free", "1"], ["a", "paid", "2"], ["b", "free", "3"], ["b", "paid", "4"]]
    ax = plt.subplots()[1]
    ax.bar([1, 6], [3, 4])
    ax.set_xticks([0, 5, 10])  # numbers, no names
    assert [row[0] for row in table(ax)[1:]] == ["1", "6"]


def test_categories_are_told_whatever_the_ticks_show():
    figure, (above, below) = plt.subplots(2, 1, sharex=True)
    above.bar(["free", "paid"], [1, 2])
    below.bar(["free", "paid", "free"], [3, 4, 5])
    below.set_xticks([])
    assert [list(series.x) for series in numbers_of(figure)] == [["free", "paid"], ["free", "paid", "free"]]


def test_names_at_a_histogram_do_not_take_the_place_of_its_edges(ax):
    ax.hist([1, 2, 2, 4], bins=[1, 2, 4])
    ax.set_xticks([1, 2, 4], ["one", "two", "four"])
    assert [row[0] for row in table(ax)[1:]] == ["1 to 2", "2 to 4"]


def test_bars_along_time_are_told_by_their_days(ax):
    ax.barh(["a", "b"], pd.to_timedelta([3, 1], "D"), left=pd.to_datetime(["2026-01-01", "2026-02-01"]))
    assert table(ax)[1:] == [["2026-01-01 to 2026-01-04", "a"], ["2026-02-01 to 2026-02-02", "b"]]


def test_a_line_over_names_is_told_by_them(ax):
    pd.Series([1, 2, 3], index=["free", "paid", "team"]).plot(ax=ax)
    assert [row[0] for row in table(ax)[1:]] == ["free", "paid", "team"]
    ax.lines[0].set_xdata([0, 0.6, 2])  # no name stands there
    assert [row[0] for row in table(ax)[1:]] == ["0", "0.6", "2"]


def test_bars_over_periods_are_days_and_months(ax):
    pd.Series([1, 2], index=pd.period_range("2026-01", periods=2, freq="M")).plot.bar(ax=ax)
    assert [row[0] for row in table(ax)[1:]] == ["2026-01", "2026-02"]


def test_a_histogram_has_the_name_of_its_first_bar(ax):
    ax.hist([1, 2, 2], bins=2, label="plan")
    ax.bar([5, 6], [1, 1], label=["five", "six"])
    assert [series.name for series in numbers_of(ax.figure)] == ["plan", ""]


def test_bars_that_are_hidden_are_no_series(ax):
    for bar in ax.bar([1], [2]):
        bar.set_visible(False)
    assert numbers_of(ax.figure) == []


def test_dots_are_told_as_their_axes_tell_them(ax):
    ax.scatter(["free", "paid", "paid"], pd.to_datetime(["2026-06-30", "2026-07-01", "2026-07-02"]))
    assert table(ax)[1:] == [["free", "2026-06-30"], ["paid", "2026-07-01"], ["paid", "2026-07-02"]]
    assert alt(ax) == "Scatter plot. 3 points."


def test_a_dot_that_is_missing_leaves_the_others(ax):
    ax.scatter([1, 2, 3], [1, np.nan, 3])
    assert table(ax)[1:] == [["1", "1"], ["", ""], ["3", "3"]]
    assert "y from 1 to 3" in alt(ax)


def test_days_begin_in_the_zone_of_the_axis(ax):
    days = pd.date_range("2026-03-29", periods=2, tz="Europe/Berlin")  # the clocks go forward
    ax.bar(days, [1, 2])
    told = ["2026-03-29 00:00:00+01:00", "2026-03-30 00:00:00+02:00"]
    assert [row[0] for row in table(ax)[1:]] == told
    ax = plt.subplots()[1]
    ax.scatter(days, [1, 2])
    assert [row[0] for row in table(ax)[1:]] == told


def test_dots_without_a_line_are_dots(ax):
    ax.plot([1, 2], [3, 4], "o")
    assert alt(ax) == "Scatter plot. 2 points, y from 3 to 4."


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ax.boxplot([[1, 2, 3, 9], [2, 3, 4]]),
        lambda ax: ax.boxplot([[1, 2, 3, 9]], orientation="horizontal"),
        lambda ax: pd.DataFrame({"a": [1, 2], "b": [3, 4]}).plot.area(ax=ax),  # b is drawn as a + b
        lambda ax: ax.plot([1, 1], [0, 9]),  # a mark
    ],
)
def test_parts_of_boxes_sums_and_marks_are_no_series(ax, draw):
    draw(ax)
    assert numbers_of(ax.figure) == []


def test_a_stem_is_no_series_at_its_foot(ax):
    ax.stem([1, 2], [3, 4])
    assert table(ax)[1:] == [["1", "3"], ["2", "4"]]


def test_a_third_axis_is_not_passed_over_in_silence():
    ax = plt.figure().add_subplot(projection="3d")
    ax.plot([1, 2], [3, 4], [5, 6])
    ax.scatter([1, 2], [3, 4], [5, 6])
    assert html(ax) == html(ax)
    assert numbers_of(ax.figure) == []


def test_of_many_numbers_only_those_are_told_that_are_shown(ax, monkeypatch):
    calls = []
    monkeypatch.setattr("matplotlib.dates.num2date", lambda value, zone=None: calls.append(value) or dt.datetime.max)
    ax.scatter(pd.date_range("2026-01-01", periods=500, freq="h"), range(500))
    calls.clear()
    numbers_html(numbers_of(ax.figure))
    assert len(calls) == 50


def test_without_numbers_a_figure_still_stands(ax, monkeypatch, caplog):
    def fail(*_):
        raise TypeError("no number")

    ax.plot([1, 2])
    ax.set_title("Users")
    with monkeypatch.context() as patch:
        patch.setattr("reporting.figures.numbers.numbers_of", fail)
        assert alt(ax) == "Chart: Users."
        assert "<svg" in html(ax)
        assert "<details" not in html(ax)
    assert "The numbers of a figure cannot be told: TypeError: no number" in caplog.text
    monkeypatch.setattr("reporting.figures.svg.figure_svg", fail)
    assert '<img src="data:image/png;base64,' in html(ax)
    assert len(table(ax)) == 3
    assert "A figure cannot be drawn as SVG: TypeError: no number" in caplog.text


def test_ends_of_error_bars_and_bars_of_colours_are_no_series(ax):
    ax.errorbar([1, 2], [3, 4], yerr=[1, 1], capsize=3)
    drawn = ax.pcolormesh([[1, 2], [3, 4]])
    ax.figure.colorbar(drawn)
    assert alt(ax) == "Line chart. 2 points, from 1 to 2; the lowest is 3, the highest 4, the last 4."
    assert len(paths(ax, 'shape-rendering="crispEdges"')) >= 4  # no ground between cells


def test_letters_that_the_font_lacks_are_text(ax):
    ax.set_title("日本")
    assert ">日本</text>" in html(ax)


def test_what_is_infinite_has_no_place_in_the_words(ax):
    ax.plot([1, 2, 3], [1, np.inf, 2])
    assert "the lowest is 1, the highest 2" in alt(ax)


def test_a_long_table_says_that_it_is_cut(ax):
    ax.plot(range(51))
    assert "The first 50 of 51 numbers." in html(ax)
    assert len(table(ax)) == 51
    ax.lines[0].set_data(range(50), range(50))
    assert "The first" not in html(ax)


def test_without_numbers_there_is_no_table(ax):
    ax.text(0.5, 0.5, "nothing yet")
    assert "<details" not in html(ax)
    assert numbers_html([]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (True, "True"), (1e15, "1e+15"), (0.00001234567, "1.23457e-05"), (-0.5, "-0.5"),
     (1234.56789, "1,234.57"), (1e6, "1,000,000"), (None, ""), (float("inf"), "inf"), ("text", "text")],
)  # fmt: skip
def test_numbers_are_said_shortly(value, text):
    assert said(value) == text


def test_a_line_is_cut_where_the_plot_ends(ax):
    ax.plot([0, 1, 2], [0, 1, 2])
    assert not paths(ax, "clip-path")
    ax.set_xlim(0.5, 1.5)
    (line,) = paths(ax, "clip-path")
    name = re.search(r"url\(#([\w-]+)\)", line)[1]
    assert f'<clipPath id="{name}"><path d="M' in html(ax)
    ax.set_xlim(0.5, 1.6)
    assert name not in html(ax)  # another figure, another name: both may stand on one page


def test_dots_of_one_colour_are_one_path(ax):
    ax.plot([1, 2, 9], [1, 2, 9], "o")
    ax.set_xlim(0, 3)
    (dots,) = paths(ax, 'stroke-linecap="round"')
    assert dots.count("h0") == 2  # the third is outside


def test_black_and_white_follow_the_page_where_they_may(ax):
    ax.plot([1, 2], [1, 2])
    assert 'class="f-ink"' in html(ax)
    assert "<rect" not in html(ax)
    ax.bar_label(ax.bar([1], [2]))  # text over colour
    assert "class=" not in re.sub('class="(plain|scroll|data)"', "", html(ax))
    assert 'fill="#ffffff"/>' in html(ax)


def test_a_dark_figure_keeps_its_ground():
    with plt.style.context("dark_background"):
        ax = plt.subplots()[1]
        ax.plot([1, 2])
        assert re.search('<rect [^>]*fill="#000000"/>', html(ax))


def image(ax):
    ax.imshow(np.eye(3))


def many(ax):
    ax.scatter(*np.random.default_rng(1).normal(size=(2, 5000)), c=range(5000))


def hatched(ax):
    ax.bar([1], [2], hatch="/")


@pytest.mark.parametrize("draw", [image, many, hatched])
def test_what_paths_cannot_say_stays_pixels(ax, draw):
    draw(ax)
    ax.set_title("Cells")
    assert '<img src="data:image/png;base64,' in html(ax)
    assert "<svg" not in html(ax)
    assert "Cells" in alt(ax)


@pytest.mark.parametrize("draw", [lambda ax, y: ax.plot(y, "o"), lambda ax, y: ax.scatter(range(len(y)), y)])
def test_what_will_be_too_large_is_not_begun(ax, draw, monkeypatch):
    draw(ax, np.random.default_rng(1).normal(size=20_000))
    calls = []
    monkeypatch.setattr("reporting.figures.svg._round", lambda value: calls.append(value) or "0")
    assert "<img" in html(ax)
    assert len(calls) < 1000


def test_formulas_are_shapes(ax):
    before = len(paths(ax, "fill="))
    ax.set_title("$x^2$")
    assert len(paths(ax, "fill=")) > before
    assert ">$x^2$<" not in html(ax)


@pytest.mark.parametrize(
    "name", ["$a_$", "$5 to $10", "$5-$10", "100 $ or 200 $", "a$b_{$c", "$^$", "$", r"$\\nope{x}$"]
)
def test_what_is_no_formula_is_text(ax, name):
    ax.bar([name, "other"], [1, 2])
    assert f">{name}<" in html(ax)
    assert "<svg" in html(ax)


def test_a_figure_of_names_that_are_no_formulas_can_be_laid_out(ax):
    shell = InteractiveShell()
    load_ipython_extension(shell)
    ax.set_title("$a_$")
    ax.figure.tight_layout()
    ax.figure.canvas.draw()


def test_a_cell_that_imports_matplotlib_may_lay_out_a_figure_of_such_names():
    program = (
        "import sys\nfrom reporting.figures.formulas import install\ninstall()\ninstall()\n"
        "assert 'matplotlib' not in sys.modules\nbefore = len(sys.meta_path)\n"
        "from matplotlib.figure import Figure\nfigure = Figure()\nfigure.suptitle('$a_$')\nfigure.tight_layout()\n"
        "print(before - len(sys.meta_path))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"  # it was waited for once, and is no more


def test_powers_on_a_log_axis_are_formulas_still(ax):
    ax.plot([1, 1000], [1, 1000])
    ax.set_yscale("log")
    assert "mathdefault" not in html(ax)
    assert "<svg" in html(ax)


def test_a_figure_is_left_as_it_was(ax):
    ax.plot([1, 2])
    before = ax.figure.get_dpi(), ax.figure.patch.get_visible()
    assert html(ax) == html(ax)
    assert (ax.figure.get_dpi(), ax.figure.patch.get_visible()) == before


def test_a_figure_with_nothing_on_it_is_not_shown():
    assert figure_html(plt.figure()) is None


def test_the_shell_shows_figures_whatever_is_registered_for_them(ax):
    shell = InteractiveShell()
    load_ipython_extension(shell)
    formatter = shell.display_formatter.formatters["text/html"]
    formatter.for_type(int, lambda number: f"<b>{number}</b>")
    formatter.pop(type(ax.figure), None)  # as the inline backend does
    ax.plot([1, 2])
    assert formatter(ax.figure) == html(ax)
    assert formatter(1) == "<b>1</b>"
    assert formatter(pd.DataFrame({"a": [1]})).startswith("<div>")
    assert shell.config.InlineBackend.figure_formats == set()


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["warm", "plain"])
def test_a_plain_notebook_gets_figures_in_its_first_cell_too(tmp_path, kernel):
    from reporting.publishing.plan import plan_reports
    from reporting.publishing.run import run_reports
    from reporting.recipe.file import read_recipe

    cell = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 4])\nplt.title('Users {}')\n{}"
    shown = [cell.format(1, "plt.show()"), cell.format(2, "None")]
    write_notebook(tmp_path / "plain.ipynb", "%md # Plain", *shown, "1 + 1")
    (tmp_path / "reports.toml").write_text('[defaults]\nout = "out"\n[report.plain]\nnotebook = "plain.ipynb"\n')
    recipe = read_recipe(tmp_path / "reports.toml")
    assert not run_reports(recipe, plan_reports(recipe)[0], kernel=kernel).failed
    page = (recipe.out / "latest" / "plain.html").read_text(encoding="utf-8")
    assert re.findall('<svg class="plain"[^>]*aria-label="(Line chart: Users .)', page) == [
        "Line chart: Users 1", "Line chart: Users 2",
    ]  # fmt: skip
    assert "<img" not in page
