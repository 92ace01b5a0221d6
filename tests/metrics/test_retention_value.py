"""What cohorts are worth: net as the money comes, gross with nobody above their own beginning."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from metrics import cohort_retention, event_log, plot_retention_matrix, retention_matrix, show
from metrics.intervals import wilson
from tests.metrics.catalogue import AS_OF, ROWS, quick, table_of

LOG = event_log("""
    2026-01-05  ann  buy    net=10
    2026-01-06  ben  buy    net=20
    2026-01-07  ben  buy    net=10
    2026-01-07  cat  visit              # begins with nothing
    2026-01-12  ann  buy    net=15      # 5 more than in the beginning: counts in net alone
    2026-01-13  ben  buy    net=20
    2026-01-14  ben  buy    net=-8      # comes to 12
    2026-01-14  cat  buy    net=5
    2026-01-19  ann  buy    net=-3      # less than nothing keeps nothing
""")


def weekly(log=LOG, **options):
    return cohort_retention(log, value="net", periods=2, **({"as_of": "2026-01-26"} | options))


def first(table, name):
    return table.loc[table["cohort"] == table["cohort"].min(), name].tolist()


def test_net_counts_all_money_and_gross_each_up_to_their_own_beginning():
    table = weekly()
    assert first(table, "value_sum") == [40, 32, -3]
    assert first(table, "value_start") == [40, 40, 40]
    assert first(table, "value_kept") == [40, 22, 0]
    assert first(table, "net_value_retention") == [1, 0.8, -0.075]
    assert first(table, "gross_value_retention") == [1, 0.55, 0]


def test_limits_of_net_are_those_of_a_ratio_over_the_members_and_of_gross_those_of_a_share():
    row = weekly().iloc[1]
    # What each brings less 0.8 of their beginning: 7, -12, 5.
    half = 1.959964 * np.sqrt((49 + 144 + 25) * 3 / 2) / 40
    assert row["net_value_retention_low"] == 0  # 0.8 less 0.886
    assert row["net_value_retention_high"] == pytest.approx(0.8 + half, abs=1e-6)
    alike = 40**2 / (10**2 + 30**2)  # ben weighs three times as much
    limits = row[["gross_value_retention_low", "gross_value_retention_high"]].tolist()
    assert limits == pytest.approx([float(end) for end in wilson(0.55 * alike, alike)])
    beginning = weekly().iloc[0]
    assert beginning["net_value_retention_low"] == beginning["gross_value_retention_high"] == 1
    below = weekly().iloc[2]
    assert below["net_value_retention_low"] < -0.075 < below["net_value_retention_high"]


def test_a_beginning_without_money_has_no_ratio_and_says_why():
    table = weekly(LOG.assign(net=LOG["net"].where(LOG["timestamp"] >= "2026-01-12")))
    assert table["net_value_retention"].isna().all()
    assert first(table, "reason")[1] == "net_value_retention: zero_denominator; gross_value_retention: zero_denominator"
    assert first(table, "value_kept") == [0, 0, 0]


def test_brackets_are_longer_than_the_beginning_and_are_not_set_against_it():
    table = cohort_retention(LOG, value="net", brackets=[2], as_of="2026-01-26")
    assert first(table, "value_sum") == [40, 29]
    assert first(table, "net_value_retention")[0] == 1
    assert np.isnan(first(table, "net_value_retention")[1])
    assert "unequal_periods" in first(table, "reason")[1]


def test_money_beyond_what_a_float_holds_has_no_ratio():
    log = event_log("2026-01-05 ann v\n2026-01-12 ann v\n2026-01-13 ann v").assign(net=1e308)
    table = weekly(log)
    assert np.isnan(first(table, "net_value_retention")[1])
    assert "too_large" in first(table, "reason")[1]


def test_a_matrix_of_money_shows_what_finished_cells_keep():
    matrix = retention_matrix(weekly(as_of="2026-01-20"), estimate="net_value_retention")
    assert matrix.iloc[0].tolist()[:2] == [1, 0.8]
    assert np.isnan(matrix.iloc[0, 2])
    assert "80" in [text.get_text() for text in plot_retention_matrix(matrix).texts]
    foot = show(matrix, "Money").html
    assert "money of the cohort in that period / its money in the first" in foot
    with pytest.raises(ValueError, match="Give cohort_retention a `value`"):
        retention_matrix(cohort_retention(LOG, as_of="2026-02-01"), estimate="net_value_retention")
    with pytest.raises(ValueError, match="estimate: 'mrr'"):
        retention_matrix(weekly(), estimate="mrr")


@quick
@given(rows=ROWS)
def test_gross_is_never_more_than_net_nor_than_all(rows):
    table = cohort_retention(table_of(rows), value="amount", cohort="recurring", tz="Asia/Kathmandu", as_of=AS_OF)
    known = table[table["net_value_retention"].notna()]
    assert (known["gross_value_retention"] <= known["net_value_retention"] + 1e-12).all()
    assert known["gross_value_retention"].between(0, 1).all()


@quick
@given(rows=ROWS)
def test_money_is_what_pandas_adds_up(rows):
    events = table_of(rows)
    table = cohort_retention(events, value="amount", period="month", periods=2, as_of=AS_OF)
    seen = events[events["timestamp"] < AS_OF]
    month = seen["timestamp"].dt.tz_localize(None).dt.to_period("M")
    first_month = month.groupby(seen["user_id"]).transform("min")
    sums = seen["amount"].groupby([first_month, seen["user_id"], month]).sum()
    for _, cell in table[table["users"] > 0].iterrows():
        cohort = pd.Period(cell["cohort"], "M")
        mine = (
            sums[cohort]
            .reset_index()
            .pivot_table(index="user_id", columns="timestamp", values="amount", fill_value=0.0)
        )
        start, now = (mine.get(cohort + k, mine.iloc[:, 0] * 0) for k in (0, cell["period"]))
        assert cell["value_sum"] == pytest.approx(now.sum())
        assert cell["value_kept"] == pytest.approx(np.minimum(start, now).sum())
        if start.sum() and cell["period"]:
            spread = now - now.sum() / start.sum() * start
            error = np.sqrt((spread**2).sum() * len(mine) / max(len(mine) - 1, 1)) / start.sum()
            top = cell["net_value_retention_high"] - cell["net_value_retention"]
            gross = cell["gross_value_retention_high"] - cell["gross_value_retention"]
            if len(mine) == 1:
                assert np.isnan(top)
            else:
                assert top == pytest.approx(max(1.959964 * error, gross), abs=1e-6)


def test_where_nobody_spent_again_somebody_may():
    log = event_log("\n".join(f"2026-01-05 u{k} buy net=10" for k in range(20)))
    row = weekly(log).iloc[1]
    high = float(wilson(0, 20)[1])
    for name in ("net_value_retention", "gross_value_retention"):
        assert row[[name, f"{name}_low", f"{name}_high"]].tolist() == [0, 0, pytest.approx(high)]
    alone = weekly(log[:1]).iloc[1]
    assert alone[["net_value_retention_low", "net_value_retention_high"]].isna().all()  # one has no spread
    assert alone["reason"] == "net_value_retention: one_user"
    assert alone["gross_value_retention_high"] == pytest.approx(float(wilson(0, 1)[1]))


@pytest.mark.parametrize("back", [0.05, 0.3])
def test_limits_of_money_hold_the_truth_as_often_as_they_say(back):
    rng, worlds, members = np.random.default_rng(5), 200, 30
    n = worlds * members
    rows = pd.DataFrame({"user_id": [f"u{k}" for k in range(n)], "event": "buy", "world": np.arange(n) // members})
    rows = rows.assign(timestamp=pd.Timestamp("2026-01-06", tz="UTC"), net=rng.lognormal(0, 0.8, n))
    again = rows[rng.random(n) < back].assign(timestamp=pd.Timestamp("2026-01-13", tz="UTC"))
    again["net"] = rng.lognormal(0, 0.8, len(again))
    events = pd.concat([rows, again], ignore_index=True)
    table = cohort_retention(events, value="net", by="world", periods=1, as_of="2026-01-19", look_back=None)
    cells = table[table["period"] == 1]
    first, then = rng.lognormal(0, 0.8, (2, 10**6))
    truth = {"net": back, "gross": back * np.minimum(first, then).mean() / first.mean()}
    for name, share in truth.items():
        low, high = (cells[f"{name}_value_retention_{end}"] for end in ("low", "high"))
        assert ((low <= share) & (share <= high)).mean() > 0.93, name
