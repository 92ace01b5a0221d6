"""What share of the active uses a feature, period by period, with somebody on every edge."""

import pandas as pd
import pytest

from metrics import event_log, feature_usage, headline, plot_feature_usage
from metrics.display.footnotes import footnotes

WEEKS = event_log("""
    2026-01-05 00:00         ann  search
    2026-01-05 00:00         ann  visit
    2026-01-11 23:59:59.999  ben  visit
    2026-01-12 00:00         ben  search
    2026-01-18 23:59:59.999  ben  search
    2026-01-26 09:00         cat  visit
    2026-01-26 09:00         dan  search
    2026-01-27 09:00         dan  search
""")

PLANS = event_log("""
    2026-01-05  ann  visit   plan=free  # free when first seen: she stays free
    2026-01-06  ann  search  plan=pro
    2026-01-12  ann  search  plan=pro
    2026-01-05  ben  visit   plan=pro
    2026-01-13  ben  visit
    2026-01-13  dan  visit   plan=pro
    2026-01-14  dan  search  plan=pro
    2026-01-19  eve  visit   plan=pro   # two plans in one instant: the first by name
    2026-01-19  eve  visit   plan=free
    2026-01-05  cat  visit              # no plan when first seen
    2026-01-14  cat  search  plan=free
    2026-01-19  fay  visit   plan=team  # alone, late, and without a search
""")


def usage(as_of="2026-02-02", log=WEEKS, **options):
    return feature_usage(log, feature="search", as_of=as_of, **{"min_n": 1, **options})


def test_a_user_counts_once_in_each_period_and_an_empty_one_has_no_rate():
    table = usage()
    assert table["users"].tolist() == [2, 1, 0, 2]
    assert table["used"].tolist() == [1, 1, 0, 1]
    assert table["usage_rate"].tolist()[:2] == [0.5, 1]
    assert table.loc[2, "reason"] == "zero_denominator"
    assert pd.isna(table.loc[2, "usage_rate"])
    assert table["complete"].all()


def test_the_last_moment_of_a_period_decides_whether_it_is_over():
    assert not usage(as_of="2026-02-01T23:59:59.999")["complete"].iloc[-1]
    assert len(usage(as_of="2026-02-02T00:00:01")) == 5  # a period that has begun has its row


def test_periods_are_cut_on_the_clocks_of_the_zone():
    assert usage(tz="Asia/Tokyo")["users"].tolist() == [1, 1, 1, 2]  # ben's Sunday night is a Monday there


def test_a_rate_over_few_is_held_back_with_its_counts():
    table = usage(min_n=2)
    assert table["reason"].fillna("").tolist() == ["", "below_min_n", "zero_denominator", ""]
    assert table["used"].tolist() == [1, 1, 0, 1]


def test_the_range_is_cut_to_whole_periods_and_earlier_rows_do_not_count():
    table = usage(since="2026-01-14", until="2026-01-20")
    assert table["users"].tolist() == [1, 0]


def test_a_feature_that_does_not_occur_is_refused_and_no_rows_have_no_periods():
    with pytest.raises(ValueError, match="'serch' is not"):
        feature_usage(WEEKS, feature="serch", as_of="2026-02-02")
    assert len(usage(as_of="2026-01-05")) == 0


def test_the_last_finished_period_is_said_and_worked_out():
    assert str(headline(usage())).startswith("50")
    assert "of 2 users active in the week of 26 Jan 2026 did search" in headline(usage())
    assert "1 / 2 = 50.0\u202f%, the week of 26 Jan 2026" in footnotes(usage())[1]


def test_the_figure_is_a_line_of_the_shares():
    ax = plot_feature_usage(usage())
    assert [50, 100] in [line.get_ydata().tolist()[:2] for line in ax.lines]


def by_plan(log=PLANS, **options):
    return usage(log=log, **{"by": "plan", "as_of": "2026-01-26", **options})


def counts(table):
    """Users and users of the feature in each week, by plan."""
    parts = table.groupby("plan", dropna=False, sort=False)
    return {str(plan): part[["users", "used"]].T.to_numpy().tolist() for plan, part in parts}


def test_a_user_stays_in_the_group_of_the_first_row_and_every_group_has_every_week():
    table = by_plan()
    assert list(table)[:3] == ["plan", "period_start", "users"]
    assert counts(table) == {
        "free": [[1, 1, 1], [1, 1, 0]],
        "pro": [[1, 2, 0], [0, 1, 0]],
        "team": [[0, 0, 1], [0, 0, 0]],
        "nan": [[1, 1, 0], [0, 1, 0]],
    }
    pro = table[table["plan"] == "pro"]
    assert pro["usage_rate"].tolist()[:2] == [0, 0.5]
    assert pro["reason"].fillna("").tolist() == ["", "", "zero_denominator"]
    assert table.attrs["settings"]["by"] == ["plan"]


def test_the_range_does_not_move_a_user_to_another_group():
    assert counts(by_plan(since="2026-01-12", until="2026-01-19"))["free"] == [[1], [1]]  # ann, who is pro by then
    assert counts(by_plan(since="2026-01-12", until="2026-01-19"))["team"] == [[0], [0]]


def test_groups_of_few_are_held_back_each_by_itself():
    table = by_plan(min_n=2)
    assert table["usage_rate"].notna().tolist() == [False] * 4 + [True] + [False] * 7  # pro in the second week
    assert set(table.loc[table["users"] == 1, "reason"]) == {"below_min_n"}


def test_one_group_has_the_numbers_of_all_and_nobody_has_no_group():
    one = by_plan(PLANS.assign(plan="pro"))
    assert one.drop(columns="plan").equals(usage(log=PLANS, as_of="2026-01-26"))
    assert set(one["plan"]) == {"pro"}
    none = by_plan(as_of="2026-01-05")
    assert list(none) == list(one)
    assert len(none) == 0
    assert len(by_plan(since="2026-02-01", as_of="2026-01-26")) == 0


def test_a_column_that_is_not_there_or_is_of_the_result_is_refused():
    with pytest.raises(ValueError, match="by: 'plam' is not a column"):
        by_plan(by="plam")
    with pytest.raises(ValueError, match="by: 'used' is a column of the result"):
        by_plan(PLANS.assign(used="x"), by="used")


def test_groups_are_set_against_each_other_and_drawn_as_lines():
    early = by_plan(as_of="2026-01-19")
    assert headline(early).startswith("100\u202f% of free active in the last finished week did search (21 to 100)")
    assert "the most of 3 groups" in headline(early)
    assert "1 / 2 = 50.0\u202f%, pro, the week of 12 Jan 2026" in footnotes(early)[1]
    ax = plot_feature_usage(early)
    assert [line.get_ydata().tolist() for line in ax.lines if len(line.get_xdata()) == 2][:3] == [
        [100, 100], [0, 50], [0, 100],
    ]  # fmt: skip
    assert {"free", "pro", "(missing)"} <= {text.get_text().split()[0] for text in ax.texts}
    one = by_plan(PLANS.assign(plan="pro"), as_of="2026-01-19")
    assert "of 4 users active in the week of 12 Jan 2026 did search" in headline(one)


def test_the_sentence_sets_groups_against_each_other_in_one_period():
    log = event_log("""
        2026-01-05  ann  search
        2026-01-05  ben  visit
        2026-01-12  ben  visit
        2026-01-19  ben  visit
    """).assign(plan=["free", "pro", "pro", "pro"])
    # ann was last there two weeks before: what she did then is no week of ben's.
    now = headline(by_plan(log, as_of="2026-01-26"))
    assert now == "0\u202f% of pro active in the last finished week did search (0 to 79)."
    early = headline(by_plan(log, as_of="2026-01-12"))
    assert "100\u202f% of free active in the last finished week did search" in early
    assert "the most of 2 groups" in early
    gone = by_plan(log[log["user_id"] == "ann"], as_of="2026-01-26")
    gone = pd.concat([gone, gone.assign(plan="pro")], ignore_index=True)
    assert "active in the week of 5 Jan 2026 did search" in headline(gone)
    assert headline(by_plan(log, as_of="2026-01-26", min_n=2)).startswith("– in no group are there enough to say")
