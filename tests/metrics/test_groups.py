"""A column to group by may be called as it likes: it is either told apart from the result's own, or refused by name."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

import metrics
from tests.metrics.catalogue import METRICS, START, table_of

# By a choice ('rule', 'frequency'), by values in place of a column, by the groups of a score's weights, or not at all.
OTHERWISE = (
    "alert_quality", "backtest_churn", "compare_survival", "compare_survival_pairs", "drop_off_paths",
    "explain_funnel", "funnel_drivers", "funnel_trend", "health_score", "holdout_check", "reconcile_funnel",
    "survival_curve",
)  # fmt: skip
GROUPED = [
    name for name in METRICS
    if "by" in inspect.signature(getattr(metrics, name.split()[0])).parameters and name.split()[0] not in OTHERWISE
    and name != "completion_by_length rows"  # whose rows are of responses, which have one group
]  # fmt: skip
EVERYDAY = [  # names that a property may have, and a column on the way to a result too
    "all", "at", "cell", "code", "complete", "count", "currency", "customers", "day", "first", "group", "groups",
    "high", "id", "index", "key", "kind", "last", "level", "level_0", "low", "max", "mean", "median", "min", "money",
    "n", "name", "number", "period", "period_start", "place", "rate", "reason", "rows", "score", "second", "segment",
    "share", "side", "size", "source", "step", "time", "total", "type", "unit", "users", "value", "week", "what", "who",
]  # fmt: skip
NEUTRAL = "branch"
ROWS = table_of([
    (user, event, START + pd.Timedelta(hours=hours), plan, amount)
    for user, event, hours, plan, amount in [
        ("ann", "a", 5, "pro", 1.0), ("ann", "b", 30, "pro", 3.0), ("ann", "c", 70, "pro", 5.0),
        ("ben", "a", 8, "free", 2.0), ("ben", "b", 400, "free", 7.0), ("cat", "a", 9, None, 9.0),
        ("cat", "c", 300, None, 0.0), ("dan", "b", 700, "pro", 4.0), ("dan", "a", 600, "pro", 6.0),
    ]
])  # fmt: skip


def grouped_by(monkeypatch, entry, names):
    """The metric by columns of these names, which hold the same, and the names that its tables have anyway."""
    name, known = entry.split()[0], set()
    metric = getattr(metrics, name)

    def with_groups(table):
        if not isinstance(table, pd.DataFrame):
            return table
        known.update(table.columns)
        return table.assign(**dict.fromkeys(names, (np.arange(len(table)) % 3).astype("str")))

    def asked(*tables, **options):
        tables = [with_groups(table) for table in tables]
        return metric(*tables, **{k: with_groups(v) for k, v in options.items()} | {"by": list(names)})

    with monkeypatch.context() as patch:
        patch.setattr(metrics, name, asked)
        return METRICS[entry](ROWS), known


@pytest.mark.parametrize("entry", GROUPED)
def test_columns_to_group_by_are_never_mixed_up_with_those_of_the_result(monkeypatch, entry):
    table, known = grouped_by(monkeypatch, entry, [NEUTRAL])
    assert len(table)
    own = [name for name in table.columns if name != NEUTRAL]
    for name in own:
        if name not in known:
            with pytest.raises(ValueError, match=f"by: '{name}' is a column of the result. Rename the property"):
                grouped_by(monkeypatch, entry, [name])
    names = [name for name in EVERYDAY if name not in {*own, *known}]
    found = None
    while found is None:
        try:
            found, _ = grouped_by(monkeypatch, entry, names)
        except ValueError as refusal:
            told = re.match(r"by: '(\w+)' is a column of the result. Rename the property", str(refusal))
            if told is None:
                raise
            names.remove(told[1])
    assert len(names) > 25
    if NEUTRAL not in table:  # tables of single users have groups only where they are told apart
        return
    copies = [table[NEUTRAL].rename(name) for name in names]
    pd.testing.assert_frame_equal(found[[*names, *own]], pd.concat([*copies, table[own]], axis=1))
