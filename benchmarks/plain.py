"""A report as teams write it without `metrics`: a million rows, four charts and a table by pandas and pyplot.

What a page costs beside its cells shows here, for both sides compute the same and little.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 1_000_000
CELLS = (
    'as_of: str = "2026-07-01"',
    "import matplotlib.pyplot as plt\nimport pandas as pd",
    """
rows = pd.read_parquet("rows.parquet")
rows = rows[rows["day"] < pd.Timestamp(as_of)]
daily = rows.groupby("day")["amount"].agg(["size", "mean"])
""",
    """
fig, ax = plt.subplots()
ax.plot(daily.index, daily["size"])
ax.set_title("Rows by day")
plt.show()
""",
    """
fig, ax = plt.subplots()
ax.plot(daily.index, daily["mean"].rolling(7).mean())
ax.set_title("Mean amount of a week")
plt.show()
""",
    """
fig, ax = plt.subplots()
rows.groupby("plan")["amount"].sum().plot.bar(ax=ax)
ax.set_title("Amount by plan")
plt.show()
""",
    """
fig, ax = plt.subplots()
ax.hist(rows["amount"], bins=40)
ax.set_title("Amounts")
plt.show()
""",
    'rows.groupby("plan")["amount"].describe().round(2)',
)


def write(folder: Path) -> Path:
    """Put the rows and the notebook into a folder, and say where the notebook is."""
    rng = np.random.default_rng(7)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 181, ROWS), unit="D")
    plans = pd.Categorical.from_codes(rng.integers(0, 4, ROWS), ["free", "small", "team", "large"])
    amounts = rng.gamma(2, 20, ROWS).round(2)
    pd.DataFrame({"day": days, "plan": plans.astype("str"), "amount": amounts}).to_parquet(folder / "rows.parquet")
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    cells = [
        {**code, "id": f"c{k}", "source": text.strip(), "metadata": {"tags": ["parameters"]} if k == 0 else {}}
        for k, text in enumerate(CELLS)
    ]
    path = folder / "plain.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path
