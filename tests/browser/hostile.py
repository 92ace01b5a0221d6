"""Every place where a text from outside comes to stand on a page, and pages that hold an attack in each.

A payload marks itself in `window.RAN` with its number, so that a test can say which one ran.
"""

from datetime import UTC, datetime

import matplotlib.pyplot as plt
import pandas as pd
from markupsafe import Markup
from nbformat import from_dict, v4

import metrics
from reporting.figures import figure_html
from reporting.pages import page as page_module
from reporting.pages import templates
from reporting.pages.error import render_error
from reporting.pages.facts import Alert, Attempt, Failure, Good, Index, KeyFigure, Origin, PageState, Point, Trouble
from reporting.pages.index import render_index
from reporting.pages.page import ALERT, HEADLINE, render_page
from tests.reporting.pages.test_clean import PAYLOADS as KNOWN

MORE = [
    "<img src=x:x onerror=window.PWNED=1 //",
    "<body onload=window.PWNED=1>",
    "</title><script>window.PWNED=1</script>",
    "</style><script>window.PWNED=1</script>",
    "</pre></code><script>window.PWNED=1</script>",
    '"><script>window.PWNED=1</script>',
    "' onmouseover=window.PWNED=1 autofocus onfocus=window.PWNED=1 '",
    '" tabindex=1 autofocus onfocus=window.PWNED=1 x="',
    "<video><source onerror=window.PWNED=1></video>",
    "<object data=javascript:window.PWNED=1></object><embed src=javascript:window.PWNED=1>",
    "<svg><set attributeName=onmouseover to=window.PWNED=1></svg>",
    "<img src=https://evil.example/pixel.gif><video poster=https://evil.example/p.png></video>",
    "<svg><image href=https://evil.example/i.png /><style>@import url(https://evil.example/s.css)</style></svg>",
    "<link rel=preload as=image href=https://evil.example/l.png><link rel=prefetch href=https://evil.example/f>",
    "{{ 7 * 7 }}{% raw %}<script>window.PWNED=1</script>{% endraw %}",
    "[x](javascript:window.PWNED=1) ![x](https://evil.example/m.png) <javascript:window.PWNED=1>",
]
PAYLOADS = [
    text.replace("window.PWNED=1", f"(window.RAN=window.RAN||[]).push({number})")
    for number, text in enumerate([*KNOWN, *MORE])
]
NOW = datetime(2026, 7, 1, 6, 2, tzinfo=UTC)


def _out(data, **metadata):
    return v4.new_code_cell("", outputs=[v4.new_output("display_data", data, metadata=metadata)])


def _html(html):
    return _out({"text/html": html})


def cell_of(thing):
    return _out({key: value for key, value in thing._repr_mimebundle_().items() if isinstance(value, str)})


def _frame(x):
    return pd.DataFrame({x: [x, "b"]}, index=pd.Index([x, "i"], name=x))


def _figure(x):
    axes = metrics.plot_funnel(
        pd.DataFrame({
            "step": [1, 2], "event": [x, f"b {x}"], "users": [10, 5], "dropped": [0, 5], "open": [0, 0],
            "step_conversion_rate": [1.0, 0.5], "step_conversion_rate_low": [1.0, 0.3],
            "step_conversion_rate_high": [1.0, 0.7], "conversion_rate": [1.0, 0.5],
        })
    )  # fmt: skip
    return metrics.show(axes, x)


def _plain_figure(x):
    ax = plt.subplots()[1]
    ax.plot([x, f"b {x}"], [1, 2], label=x)
    ax.set(title=x, xlabel=x, ylabel=x)
    ax.legend()
    ax.figure.suptitle(x)
    return _html(figure_html(ax.figure))


# Places on the page of a report: name → cell with the payload in it.
CELLS = {
    "prose": lambda x: v4.new_markdown_cell(f"text {x}"),
    "heading": lambda x: v4.new_markdown_cell(f"## {x}\n\ntext"),
    "note": lambda x: v4.new_markdown_cell(f"> **{x}** {x}"),
    "code span": lambda x: v4.new_markdown_cell(f"`{x}`\n\n```\n{x}\n```"),
    "link text": lambda x: v4.new_markdown_cell(f"[{x}](#x) ![{x}](x.png)"),
    "html output": _html,
    "table cell, raw": lambda x: _html(f"<table><caption>{x}</caption><tr><th>{x}</th><td>{x}</td></tr></table>"),
    "frame": lambda x: _html(_frame(x)._repr_html_()),
    "frame, not escaped": lambda x: _html(_frame(x).to_html(escape=False)),
    "styler": lambda x: _html(_frame(x).style.set_caption(x)._repr_html_()),
    "styler, escaped format": lambda x: _html(_frame(x).style.format(escape="html").set_caption(x)._repr_html_()),
    "metrics table": lambda x: cell_of(metrics.show(pd.DataFrame({x: [x], "users": [1]}), x)),
    "metrics definitions": lambda x: cell_of(metrics.definitions(_defined(x))),
    "markdown output": lambda x: _out({"text/markdown": x}),
    "svg output": lambda x: _out({"image/svg+xml": f'<svg aria-label="{x}"><title>{x}</title><text>{x}</text></svg>'}),
    "svg attribute": lambda x: _html(f'<svg><rect fill="{x}" class="{x}" style="{x}"/></svg>'),
    "picture": lambda x: _out({"image/png": x, "text/plain": x}, **{"image/png": {"alt": x}}),
    "text output": lambda x: _out({"text/plain": x}),
    "other output": lambda x: _out({"text/latex": x, "application/javascript": x, "application/json": x}),
    "stdout": lambda x: v4.new_code_cell("", outputs=[v4.new_output("stream", text=x, name="stdout")]),
    "stderr": lambda x: v4.new_code_cell("", outputs=[v4.new_output("stream", text=x, name="stderr")]),
    "headline": lambda x: _out({"text/html": x, HEADLINE: {"number": x, "unit": x, "text": x}}),
    "alert": lambda x: _out({ALERT: {"rule": x, "sentence": x, "severity": x, "detail": x, "fired": True}}),
}
FIGURE = "figure"  # slow to draw, so with all payloads in one
ORIGIN = (
    "group",
    "period",
    "parameter name",
    "parameter value",
    "meaning",
    "notebook file",
    "commit",
    "data",
    "data file",
)
INDEX = (
    "index title", "index group", "index question", "index figure", "index unit", "index sentence", "index data file",
    "index alert", "index cause", "index page file", "index recipe", "index name",
)  # fmt: skip
ERROR = (
    "error title", "error group", "error cause", "error source", "error traceback", "error command", "error notebook",
    "error executed", "error commit", "error data file", "error attempt",
)  # fmt: skip
SINKS = [*CELLS, FIGURE, "title of the notebook", "title of the recipe", "question", *ORIGIN, *INDEX, *ERROR]


def _defined(x):
    table = pd.DataFrame({"users": [1]})
    table.attrs = {"metric": x, "definition": x}
    return table


def _notebook(cells):
    return from_dict({**v4.new_notebook(), "cells": [{**cell, "id": f"cell-{i}"} for i, cell in enumerate(cells)]})


def origin(x):
    return Origin(x, x, [(x, x, x)], x, x, x, [x])


def report(payloads, cells=None):
    """A report with every payload in every place, and the last word after them."""
    everything = " ".join(payloads)
    body = [v4.new_markdown_cell(f"# {everything}\n\n{everything}")]
    body += cells if cells is not None else [make(x) for make in CELLS.values() for x in payloads]
    body.append(v4.new_markdown_cell("## Last word"))
    return render_page(_notebook(body), origin(everything))[0]


def titled(payload):
    """A report whose recipe names its title."""
    return render_page(_notebook([v4.new_markdown_cell("## Last word")]), origin(payload), title=payload)[0]


def figures(payloads):
    """Figures of the product and of pyplot with the payloads as names; the page around them is that of `report`."""
    cells = [cell for x in payloads for cell in (cell_of(_figure(x)), _plain_figure(x))]
    plt.close("all")
    return report([], cells=cells)


def _states(payloads):
    for x in payloads:
        figure = KeyFigure(x, x, x)
        facts = {"question": x, "as_of": x, "files": [x], "key_figure": figure, "alerts": [Alert(x, x, x, x, x)]}
        good = Good(page=x, title=x, built=NOW, seconds=1, **facts)
        bad = Failure(page=x, at=NOW, since=NOW, runs=2, seconds=1, notebook=x, cell=1, first_line=x, cause=x)
        yield PageState(x, x, x, good, None, None, [Point(NOW, "2026-06-01", 1.0), Point(NOW, x, 2.0)])
        yield PageState(x, x, x, good, bad)
        yield PageState(x, x, x, good, None, NOW)
        yield PageState(x, x, x)


def index(payloads, many=False):
    """The index of pages that are called as the payloads, in full or in short lines."""
    states = list(_states(payloads))
    if many:
        states += [PageState(f"s{i}", f"S{i}", "Segments") for i in range(300)]
    return render_index(Index(states, " ".join(payloads)))


def error(payload):
    """An error page about a payload."""
    state = [*_states([payload])][1]
    about = {"source": payload, "line": 1, "traceback": payload, "commit": payload, "data": payload, "files": [payload]}
    return render_error(Trouble(state, payload, payload, **about, attempts=[Attempt(NOW, payload, payload)]))


class Undefended:
    """Cleaning and escaping switched off, so that the policy of the page stands alone."""

    def __enter__(self):
        self.clean = page_module.clean
        page_module.clean = Markup
        templates._environment.cache_clear()
        templates._environment().autoescape = False

    def __exit__(self, *_):
        page_module.clean = self.clean
        templates._environment.cache_clear()
