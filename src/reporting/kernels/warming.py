"""Fill the caches that the first table and the first figure of a process fill: formatters, fonts, text layout."""

from collections.abc import Iterator


def tables() -> None:
    """Format a small table in all ways that a notebook does."""
    import pandas as pd
    from IPython.core.formatters import DisplayFormatter

    table = pd.DataFrame({"when": pd.to_datetime(["2026-01-01"]), "name": ["a"], "rate": [0.5], "users": [1]})
    DisplayFormatter().format(table)  # type: ignore[no-untyped-call]
    table.groupby("name")["rate"].mean()


def figures() -> Iterator[None]:
    """Draw a small figure, unknown to pyplot, as pixels and as a page shows it."""
    from io import BytesIO

    from matplotlib.figure import Figure

    from reporting.figures import figure_html

    yield
    figure = Figure(figsize=(4, 3))
    axes = figure.add_subplot(title="A title", xlabel="x", ylabel="y")
    axes.plot([1, 2], [1, 2], label="a")
    axes.fill_between([1, 2], [0, 1], [2, 3])
    axes.bar([1, 2], [1, 2])
    axes.text(1, 1, "abc", fontweight="bold")
    axes.legend()
    figure.savefig(BytesIO(), format="png")
    yield
    figure_html(figure)
