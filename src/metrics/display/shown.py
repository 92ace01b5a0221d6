"""The three calls of a notebook cell: `headline` says a table, `show` shows it or its figure, `definitions` explains.

Each returns an object that a notebook renders as HTML and a terminal as text.
"""

import re
from html import escape
from typing import TYPE_CHECKING, Any, overload

import pandas as pd

from metrics.display.again import dated
from metrics.display.given import Given
from metrics.display.numbers import before as space_before
from metrics.display.sentences import sentence
from metrics.display.tables import columns_shown, table_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMED = {"kpi_sheet": "key figures"}  # where the name of a metric would not do as a term
HEADLINE_MIME = "application/vnd.metrics.headline+json"


class Headline(str):
    """A metric in one sentence; a string that a notebook shows with its number set large."""

    number: str
    unit: str
    text: str
    _html: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        key_figure = {"number": self.number, "unit": self.unit, "text": self.text}
        return {"text/html": self._html, "text/plain": str(self), HEADLINE_MIME: key_figure}


class Shown:
    """A table or a figure, ready for a notebook."""

    def __init__(self, html: str, text: str) -> None:
        self.html, self.text = html, text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def headline(table: pd.DataFrame, before: pd.DataFrame | None = None) -> Headline:
    r"""Say a metric table in one sentence, with its interval.

    Parameters
    ----------
    table
        Result of a metric. Of several periods the last finished one is told, of several groups the highest.
    before
        The same metric for an earlier time or another group: the sentence adds the change and its interval. A table
        with periods is compared with its own period before, unless this is given.

    Returns
    -------
    Headline
        A string; a notebook shows its number large.

    Raises
    ------
    ValueError
        `table` is of no known metric, or `before` of another one.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "customers_start": [100],
    ...         "customers_lost": [15],
    ...         "churn_rate": [0.15],
    ...         "churn_rate_low": [0.093],
    ...         "churn_rate_high": [0.233],
    ...     }
    ... )
    >>> print(headline(table).replace("\u202f", " "))
    15 % of 100 customers present at opening left (9 to 23).
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"headline: {type(table).__name__} is not a table. Give the table of a metric.")
    said = sentence(table, before)
    text = re.sub(r" +(?=[.:;,])", "", said.text.replace("  ", " "))
    made = Headline(f"{said.number}{space_before(said.unit) + said.unit if said.unit else ''} {text}")
    made.number, made.unit, made.text = said.number, said.unit, text
    words = re.sub(r"\bp (?=&lt;|\d)", "p\u00a0", escape(text))  # no line ends between p and its number
    for limits in dict.fromkeys(filter(None, said.intervals)):
        words = words.replace(escape(limits), f'<span class="interval">{escape(limits)}</span>')
    unit = f'<span class="unit">{space_before(said.unit)}{escape(said.unit)}</span>' if said.unit else ""
    made._html = f'<ul class="headlines"><li><b class="number">{escape(said.number)}{unit}</b> <p>{words}</p></li></ul>'
    return made


@overload
def show(what: Given, caption: str = "", *, rows: int = 50) -> Shown | None: ...
@overload
def show(what: "pd.DataFrame | Axes", caption: str = "", *, rows: int = 50) -> Shown: ...
def show(what: "pd.DataFrame | Axes | Given", caption: str = "", *, rows: int = 50) -> Shown | None:
    """Show a table, or the figure of a plot, under a caption.

    Parameters
    ----------
    what
        A table, formatted by the names of its columns; or the axes that a plot returned, drawn for wide and narrow
        screens with its numbers below. What you add to the axes is drawn too. What `given` returned is one sentence if
        something is not given, after the caption if there is one, and nothing if all is.
    caption
        What is counted, or the question that is answered.
    rows
        Rows of a table to show; a line says how many more there are.

    Returns
    -------
    Shown
        HTML in a notebook, text in a terminal; None for a part that has all it needs.

    Raises
    ------
    ValueError
        A figure with a colour that the page could not follow in the dark; `rows` below 1.
    TypeError
        Neither a table nor axes.

    Examples
    --------
    >>> show(pd.DataFrame({"plan": ["pro"], "users": [1204]}), "Users by plan").html[:79]
    '<div class="table" role="region" aria-label="Users by plan" tabindex="0"><table'
    """
    if not isinstance(rows, int) or rows < 1:
        raise ValueError(f"rows: {rows!r} is not a number of rows. Use 1 or more.")
    if isinstance(what, Given):
        return None if what else _left_out(what, caption)
    if isinstance(what, pd.DataFrame):
        what = dated(what)
        return Shown(table_html(what, caption, rows=rows), _as_text(what, caption, rows))
    if hasattr(what, "get_figure"):
        from metrics.plots.figure import figure_html

        html, alt = figure_html(what, caption, rows=rows)
        return Shown(html, f"{caption}\n{alt}".strip())
    raise TypeError(
        f"show: {type(what).__name__} is neither a table nor axes. Give a DataFrame or the result of a plot."
    )


def definitions(*tables: pd.DataFrame | Given | None) -> Shown:
    """Say what the metrics of these tables mean, with the policy values that were used.

    Parameters
    ----------
    *tables
        Results of metrics. Each metric is defined once per definition, and one that builds on another is told by what
        it adds. None and what `given` returned, for what was not asked for or is not there, have none.

    Returns
    -------
    Shown
        A list of terms.

    Raises
    ------
    ValueError
        A table without a definition, or one that lost it on its way.

    Examples
    --------
    >>> table = pd.DataFrame({"users": [3]})
    >>> table.attrs = {"metric": "churn_rate", "definition": "churned / users."}
    >>> definitions(table)
    Churn rate: churned / users.
    """
    said: dict[tuple[str, str], None] = {}
    for place, table in enumerate(tables, start=1):
        if table is None or isinstance(table, Given):
            continue
        meaning = table.attrs.get("definition")
        if not meaning:
            raise ValueError(
                f"definitions: table {place} has no definition (its columns are {[str(c) for c in table.columns]}). "
                "Give it as the metric returned it; merging or concatenating loses it."
            )
        said[str(table.attrs.get("metric", "table")), str(meaning)] = None
        for meaning, names in _together(table.attrs.get("parts", {})).items():
            said[", ".join(names), meaning] = None
    terms: list[tuple[str, str]] = []
    for name, meaning in said:
        words = _spoken(name)
        terms.append((words[:1].upper() + words[1:], _without_known(meaning, list(said)[: len(terms)])))
    inner = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(meaning)}</dd></div>" for name, meaning in terms)
    return Shown(f'<dl class="definitions">{inner}</dl>', "\n".join(f"{name}: {meaning}" for name, meaning in terms))


def _spoken(name: str) -> str:
    """The name of a metric as a term: ``MRR rollforward``."""
    return _NAMED.get(name, re.sub(r"\b(mrr|nps|roi)\b", lambda found: found[0].upper(), name.replace("_", " ")))


def _together(parts: dict[str, str]) -> dict[str, list[str]]:
    """What a table is made of, those of one meaning together."""
    found: dict[str, list[str]] = {}
    for name, meaning in parts.items():
        found.setdefault(meaning, []).append(name)
    return found


def _without_known(meaning: str, known: list[tuple[str, str]]) -> str:
    """The definition without the part that stands word for word in an earlier one."""
    for name, earlier in known:
        start = earlier.removesuffix(".")
        if meaning.startswith((f"{start}.", f"{start};")):
            return f"As {_spoken(name)}{meaning[len(start) :]}"
    return meaning


def _left_out(part: Given, caption: str) -> Shown:
    *most, last = part.missing
    begins = f"{caption}: left out, for this" if caption else "Left out: this part"
    text = f"{begins} needs {' and '.join([*filter(None, [', '.join(most)]), last])}."
    return Shown(f'<p class="left-out">{escape(text)}</p>', text)


def _as_text(table: pd.DataFrame, caption: str, rows: int) -> str:
    flat = table if table.columns.has_duplicates or table.index.name == "cohort" else table[columns_shown(table)]
    return f"{caption}\n{flat.head(rows).to_string()}".strip()
