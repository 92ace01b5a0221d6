"""Metrics by group: a unit stays in the group of its first row, and the groups add up to all."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

import metrics
from metrics import event_log
from tests.metrics.catalogue import AS_OF, ROWS, quick, table_of

LOG = event_log("""
    2026-01-04  ann  visit  plan=free
    2026-01-05  ann  use    plan=pro     # its first use: ann is pro
    2026-01-13  ann  use    plan=free
    2026-01-05  ben  use    plan=free
    2026-01-06  cat  use
    2026-01-12  cat  use    plan=pro
    2026-01-07  dan  visit  plan=pro     # never uses: in no group
""")
ASKED = {
    "active_users": lambda log, **by: metrics.active_users(log, event="use", as_of="2026-01-26", **by),
    "stickiness": lambda log, **by: metrics.stickiness(log, event="use", period="week", as_of="2026-01-26", **by),
    "lifecycle": lambda log, **by: metrics.lifecycle(log, event="use", as_of="2026-01-26", **by),
    "churn_rate": lambda log, **by: metrics.churn_rate(
        log, event="use", inactive_for="7 days", period="week", as_of="2026-01-26", min_n=1, **by
    ),
}


def test_a_unit_is_in_the_group_of_its_first_row_with_the_event_wherever_it_is_later():
    table = ASKED["lifecycle"](LOG, by="plan").set_index(["plan", "period_start"])
    assert table.loc["pro", "active"].tolist() == [1, 1, 0]
    assert table.loc["free", "active"].tolist() == [1, 0, 0]
    assert table.loc["pro", "returning"].tolist() == [0, 1, 0]


def test_missing_is_a_group_of_its_own_and_stands_last():
    table = ASKED["stickiness"](LOG, by="plan")
    assert table["plan"].drop_duplicates().tolist()[:2] == ["free", "pro"]
    assert pd.isna(table["plan"].iloc[-1])
    assert table.loc[table["plan"].isna(), "users"].tolist() == [0, 1, 0]  # cat, in two weeks of three


def test_a_share_is_of_the_users_of_its_group():
    table = ASKED["stickiness"](LOG, by="plan")
    assert table.groupby("plan", dropna=False)["share"].sum().tolist() == [1, 1, 1]


def test_every_group_has_all_periods_of_the_range():
    for name, ask in ASKED.items():
        table, whole = ask(LOG, by="plan"), ask(LOG)
        parts = [part.drop(columns="plan") for _, part in table.groupby("plan", dropna=False)]
        key = whole.columns[0]
        periods = whole[key].tolist()
        assert all(part[key].tolist() == periods for part in parts), name


@pytest.mark.parametrize("name", [*ASKED, "feature_usage"])
@quick
@given(rows=ROWS)
def test_the_groups_add_up_to_all(name, rows):
    events = table_of(rows)
    ask = {
        "active_users": lambda **by: metrics.active_users(events, as_of=AS_OF, tz="Europe/Berlin", **by),
        "stickiness": lambda **by: metrics.stickiness(events, as_of=AS_OF, criterion=("at_most", 1), **by),
        "lifecycle": lambda **by: metrics.lifecycle(events, event="a", period="day", as_of=AS_OF, **by),
        "churn_rate": lambda **by: metrics.churn_rate(events, inactive_for="9 days", as_of=AS_OF, **by),
        "feature_usage": lambda **by: metrics.feature_usage(events, feature="b", as_of=AS_OF, **by),
    }[name]
    table, whole = ask(by=["plan", "amount"]), ask()
    key = whole.columns[0]
    counts = [c for c in whole if pd.api.types.is_integer_dtype(whole[c]) and c != key]
    sums = table.groupby(key)[counts].sum()
    pd.testing.assert_frame_equal(sums, whole.set_index(key)[counts])


def test_a_group_is_what_its_users_alone_would_be():
    first = LOG[LOG["event"] == "use"].drop_duplicates("user_id").set_index("user_id")["plan"]
    pro = LOG[LOG["user_id"].map(first) == "pro"]
    for name, ask in ASKED.items():
        table = ask(LOG, by="plan")
        mine, alone = table[table["plan"] == "pro"].drop(columns="plan"), ask(pro)
        key = alone.columns[0]
        mine = mine[mine[key].isin(alone[key])].reset_index(drop=True)
        alone = alone[alone[key].isin(mine[key])].reset_index(drop=True)
        alone.attrs = mine.attrs = {}
        pd.testing.assert_frame_equal(mine, alone, obj=name)


def test_nobody_has_no_group_and_the_columns_stand():
    for ask in ASKED.values():
        table = ask(LOG[:0], by="plan")
        assert table.columns[0] == "plan"
        assert len(table) == 0
    since = metrics.churn_rate(LOG[:0], since="2026-01-05", by="plan", as_of="2026-03-01")
    assert len(since) == 0  # no row for a group that nobody is in


def test_categories_of_arrow_are_groups_and_lists_are_not():
    plain = {**ASKED, "cohort_retention": lambda log, **by: metrics.cohort_retention(log, as_of="2026-01-26", **by)}
    held = pa.array(LOG["plan"], from_pandas=True).dictionary_encode()
    for metric in plain.values():
        theirs = metric(LOG.assign(plan=pd.arrays.ArrowExtensionArray(held)), by="plan")
        pd.testing.assert_frame_equal(theirs.astype({"plan": "str"}), metric(LOG, by="plan"))
        for lists in ([[1]] * len(LOG), pd.Series([[1]] * len(LOG), dtype=pd.ArrowDtype(pa.list_(pa.int64())))):
            with pytest.raises(ValueError, match=r"'plan' holds \[\[1\]\], which cannot be told apart"):
                metric(LOG.assign(plan=lists), by="plan")


def test_the_names_of_results_are_refused_and_so_are_days():
    for name, taken in (
        ("active_users", "daily"),
        ("stickiness", "share"),
        ("lifecycle", "new"),
        ("churn_rate", "users"),
    ):
        with pytest.raises(ValueError, match=f"by: '{taken}' is a column of the result"):
            ASKED[name](LOG.assign(**{taken: "x"}), by=taken)
    days = metrics.user_days(LOG, tell_apart=["use"], as_of="2026-01-26")
    with pytest.raises(ValueError, match="by: 'plan' is not a column"):
        ASKED["lifecycle"](days, by="plan")


def test_churn_over_one_range_has_groups_too():
    table = metrics.churn_rate(
        LOG, event="use", inactive_for="7 days", period=None, since="2026-01-08", until="2026-01-16", by="plan",
        as_of="2026-01-26", min_n=1,
    )  # fmt: skip
    assert list(table)[:3] == ["plan", "users", "churned"]
    assert table["churned"].tolist() == [1, 0, 0]  # ben; ann and cat came again within the week
    assert metrics.headline(table).startswith("100\u202f% of free churned in the range")


def test_where_all_are_of_one_group_it_is_not_the_largest_of_one():
    pro = LOG[LOG["user_id"] == "ann"]
    said = metrics.headline(metrics.lifecycle(pro, event="use", by="plan", as_of="2026-01-19"))
    assert said.endswith("0 stayed away; all are of pro.")
    later = metrics.headline(metrics.lifecycle(pro, event="use", by="plan", as_of="2026-01-26"))
    assert "group" not in later
    assert "all are" not in later


def test_a_group_is_told_in_words():
    said = {name: str(metrics.headline(ask(LOG, by="plan"))) for name, ask in ASKED.items()}
    assert "the largest of 3 groups is" in said["lifecycle"]
    assert "the most of 3 groups" in said["stickiness"]
    assert "groups" in said["active_users"]


def test_figures_of_one_group_refuse_several_and_lines_take_them():
    table = ASKED["lifecycle"](LOG, by="plan")
    with pytest.raises(ValueError, match=r"the groups \['plan'\]: a bar shows one"):
        metrics.plot_lifecycle(table)
    axes = metrics.plot_lifecycle(table[table["plan"] == "pro"])
    assert len(axes.patches) == 4 * 3
    lines = metrics.plot_active_users(ASKED["active_users"](LOG, by="plan")).lines
    assert len([line for line in lines if len(line.get_xdata()) > 2]) == 3
    assert np.isfinite(metrics.plot_churn(ASKED["churn_rate"](LOG, by="plan")).lines[0].get_ydata()).any()
