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
