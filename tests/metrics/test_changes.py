"""A number before and after a change, and changes that cannot be told apart."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from metrics import EventTableError, change_effects, plot_change_effects
from metrics.display import headline, show
from metrics.display.footnotes import footnotes
from metrics.plots.style import DRAWN

DAYS = pd.date_range("2026-03-01", periods=12, tz="UTC")
SERIES = pd.DataFrame({"date": DAYS, "value": [9, 4, 6, 4, 6, 9, 11, 9, 12, 1, 1, 1]})


def log(**changes):
    return pd.DataFrame({"change_id": list(changes), "at": pd.to_datetime(list(changes.values()), utc=True)})


def effects(series=SERIES, as_of="2026-03-13", window="4 days", **changes):
    return change_effects(series, change_log=log(**changes), window=window, as_of=as_of)


def test_the_instant_of_the_change_is_after_it_and_the_window_ends_before_its_last_instant():
    row = effects(price="2026-03-06").iloc[0]
    assert (row["before"], row["after"], row["difference"]) == (
        5,
        10.25,
        5.25,
    )  # 9 of 1 March and 1 of 10 March are out
    welch = stats.ttest_ind([9, 11, 9, 12], [4, 6, 4, 6], equal_var=False).confidence_interval(0.95)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((welch.low, welch.high))
    assert pd.isna(row["reason"])
    assert pd.isna(row["confounded_with"])


def test_changes_less_than_a_window_apart_name_each_other_and_exactly_a_window_apart_do_not():
    table = effects(c="2026-03-09", a="2026-03-01", b="2026-03-05", d="2026-03-08")
    named = dict(zip(table["change_id"], table["confounded_with"].fillna(""), strict=True))
    assert named == {"c": "d", "a": "", "b": "d", "d": "c, b"}  # in the order of the log
    assert table["change_id"].tolist() == ["c", "a", "b", "d"]


def test_until_the_window_is_over_there_is_no_difference():
    assert effects(price="2026-03-06", as_of="2026-03-10").iloc[0]["difference"] == 5.25
    row = effects(price="2026-03-06", as_of="2026-03-09").iloc[0]
    assert (row["before"], row["reason"]) == (5, "immature")
    assert row[["after", "difference", "difference_low"]].isna().all()


def test_a_side_without_values_or_with_one_is_not_compared():
    assert effects(first="2026-03-01").iloc[0]["reason"] == "zero_denominator"
    second = effects(second="2026-03-02").iloc[0]
    assert (second["before"], second["reason"]) == (9, "below_min_n")
    assert np.isnan(second["difference"])


def test_a_missing_number_is_no_0_and_the_order_of_the_rows_does_not_matter():
    gap = SERIES.assign(value=SERIES["value"].mask(SERIES.index == 6))
    assert effects(gap, price="2026-03-06").iloc[0]["after"] == 10
    pd.testing.assert_frame_equal(
        effects(gap.sample(frac=1, random_state=1), price="2026-03-06"), effects(gap, price="2026-03-06")
    )


def test_what_does_not_vary_has_a_certain_difference():
    row = effects(SERIES.assign(value=1.0), price="2026-03-06").iloc[0]
    assert (row["difference"], row["difference_low"], row["difference_high"]) == (0, 0, 0)


@pytest.mark.parametrize(("before", "after", "difference"), [(0.1, 0.2, 0.1), (0.1, 0.1, 0.0), (1e9 / 3, 1e9 / 3, 0)])
def test_a_rate_that_does_not_vary_has_no_p_value_though_its_mean_is_rounded(before, after, difference):
    series = SERIES.assign(value=[before] * 5 + [after] * 7)
    row = effects(series, price="2026-03-06", window="3 days").iloc[0]
    assert row["difference"] == pytest.approx(difference)
    assert row["difference_low"] == row["difference_high"] == row["difference"]
    assert row[["p_value", "p_adjusted"]].isna().all()


@pytest.mark.parametrize("at", ["2026-03-15", "2026-04-05", "2026-10-11", "2026-11-08", "2026-06-14"])
def test_a_window_of_four_weeks_has_28_dates_also_where_the_clocks_change(at):
    dates = pd.date_range("2026-01-01", "2026-12-31")
    series = pd.DataFrame({"date": dates, "value": dates.day_of_year.astype(float)})
    day = pd.Timestamp(at, tz="Europe/Berlin")
    changes = pd.DataFrame({"change_id": ["it", "next"], "at": [day, day + pd.DateOffset(days=28)]})
    changes["at"] = changes["at"].dt.tz_convert("UTC")
    asked = {"change_log": changes, "window": "28 days", "tz": "Europe/Berlin"}
    row = change_effects(series, as_of=str((day + pd.DateOffset(days=28)).date()), **asked).iloc[0]
    first = day.day_of_year
    assert row["before"] == np.arange(first - 28, first).mean()
    assert row["after"] == np.arange(first, first + 28).mean()
    assert row["at"] == day
    assert pd.isna(row["confounded_with"])  # exactly four weeks apart


def test_complete_may_be_a_word_of_a_file_and_what_is_not_known_is_read():
    known = pd.Series(["True"] * 5 + [None] + ["False"] + ["True"] * 5, dtype="str")
    kept = effects(SERIES.drop(index=6), price="2026-03-06")
    pd.testing.assert_frame_equal(effects(SERIES.assign(complete=known), price="2026-03-06"), kept)


def test_no_change_is_no_row():
    table = effects()
    assert len(table) == 0
    assert headline(table) == "– nothing was changed."


def test_dates_and_changes_that_stand_there_twice_are_refused():
    with pytest.raises(EventTableError, match="date: some rows"):
        effects(pd.concat([SERIES, SERIES[:1]]), price="2026-03-06")
    with pytest.raises(EventTableError, match="change_id: some rows"):
        change_effects(SERIES, change_log=pd.concat([log(a="2026-03-06")] * 2), as_of="2026-03-13")
    with pytest.raises(EventTableError, match="value: 1 of 12 rows are no number"):
        effects(SERIES.astype(object).assign(value=["many", *range(11)]), price="2026-03-06")
    with pytest.raises(ValueError, match="Did you mean 'value'"):
        change_effects(SERIES, change_log=log(), value="valu", as_of="2026-03-13")


def test_the_change_that_moved_most_is_said_with_what_it_cannot_be_told_apart_from():
    table = effects(price="2026-03-06", mail="2026-03-05")
    assert headline(table) == (
        "+5.3 is how the value moved with price (+2.9 to +7.6), from 5.0 to 10.3; it cannot be told apart from mail. "
        "No proof of cause."
    )
    assert footnotes(effects(price="2026-03-06"))[1].startswith("10.25 − 5.00 = +5.25, price. 95")
    html = show(table, "x").html
    assert "Not apart from" in html
    assert "points" not in html
    assert ">+5.3 <small" in html


def test_a_period_that_is_not_over_is_left_out_and_dates_are_those_of_the_zone():
    days = SERIES.rename(columns={"date": "period_start"}).assign(complete=SERIES.index != 6)
    days["period_start"] = days["period_start"].dt.tz_localize(None)
    assert effects(days, price="2026-03-06").iloc[0]["after"] == 10  # without the 11 of 7 March
    local = change_effects(
        days, change_log=log(price="2026-03-05T23:00"), window="4 days", as_of="2026-03-13", tz="Europe/Berlin"
    )
    assert local.loc[0, "before"] == 5  # midnight in Berlin: the value of 6 March is after it


def test_of_many_changes_one_moves_by_chance_and_the_p_values_allow_for_it():
    table = effects(price="2026-03-06", mail="2026-03-05")
    welch = stats.ttest_ind([9, 11, 9, 12], [4, 6, 4, 6], equal_var=False)
    assert table.loc[0, "p_value"] == pytest.approx(welch.pvalue)
    assert table["p_adjusted"].min() == pytest.approx(2 * table["p_value"].min())
    barely = table.assign(p_adjusted=0.2)
    barely.attrs = table.attrs
    assert "which may be chance" in headline(barely)
    assert footnotes(table)[-1].startswith("p: allowed for 2 changes")


def test_a_rate_is_told_in_points_and_the_note_of_a_change_beside_it():
    rates = SERIES.assign(usage_rate=SERIES["value"] / 100)
    changes = log(price="2026-03-06").assign(note="Seats shown")
    table = change_effects(rates, change_log=changes, value="usage_rate", window="4 days", as_of="2026-03-13")
    assert headline(table).startswith("+5.3 points is how the usage rate moved with price (+2.9 to +7.6), from 5.0")
    html = show(table).html
    assert "Difference, points" in html
    assert "Seats shown" in html
    ax = plot_change_effects(table)
    assert "price Seats shown" in [text.get_text() for text in ax.texts]
    assert "points" in DRAWN[ax].plot.alt(table)


def test_the_figure_names_what_cannot_be_told_apart():
    table = effects(price="2026-03-06", mail="2026-03-05")
    ax = plot_change_effects(table)
    assert "price (not apart from mail)" in [text.get_text() for text in ax.texts]
    assert DRAWN[plot_change_effects(table[:0])].plot.alt(table[:0]).endswith("There are none.")


def test_what_grew_before_grows_on_and_only_the_step_counts():
    noise = np.array([0.3, -0.2, 0.1, -0.4, 0.2, 0.0, -0.1, 0.4, -0.3, 0.1, 0.2, -0.2])
    line = SERIES.assign(value=2.0 * np.arange(12) + noise)
    assert effects(line, price="2026-03-06").iloc[0]["difference_low"] > 3  # the means say that it helped
    steady = change_effects(
        line, change_log=log(price="2026-03-06"), window="5 days", as_of="2026-03-13", trend="linear"
    )
    assert steady.loc[0, "difference_low"] < 0 < steady.loc[0, "difference_high"]
    fit = sm.OLS(
        line["value"][:10], np.column_stack([np.ones(10), np.arange(10), np.arange(10) >= 5]).astype(float)
    ).fit()
    assert steady.loc[0, ["difference", "p_value"]].tolist() == pytest.approx([fit.params.iloc[2], fit.pvalues.iloc[2]])
    assert steady.loc[0, ["difference_low", "difference_high"]].tolist() == pytest.approx(
        fit.conf_int().loc["x2"].tolist()
    )
    assert footnotes(steady)[0].startswith("Difference = step in a straight line")


def test_a_line_without_noise_has_its_step_and_no_p_value():
    jump = SERIES.assign(value=np.arange(12.0) + 7 * (np.arange(12) >= 5))
    table = change_effects(
        jump, change_log=log(price="2026-03-06"), window="5 days", as_of="2026-03-13", trend="linear"
    )
    assert table.loc[0, "difference"] == pytest.approx(7)
    assert pd.isna(table.loc[0, "p_value"])
    few = change_effects(jump, change_log=log(price="2026-03-06"), window="2 days", as_of="2026-03-13", trend="linear")
    assert few.loc[0, "reason"] == "below_min_n"


def by_plan(**settings):
    """The series for those on a free plan; those who pay stay where they are, whom nobody named too."""
    flat = SERIES.assign(value=[5, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4])
    series = pd.concat([SERIES.assign(plan="free"), flat.assign(plan="paid"), flat.assign(plan=pd.NA)])
    return change_effects(
        series, change_log=log(price="2026-03-06", mail="2026-03-05"), window="4 days", as_of="2026-03-13", by="plan",
        **settings,
    )  # fmt: skip


def test_each_group_has_the_effects_that_it_has_alone():
    table = by_plan()
    assert table["plan"].fillna("-").tolist() == ["free", "free", "paid", "paid", "-", "-"]
    assert table["change_id"].tolist() == ["price", "mail"] * 3  # in the order of the log
    alone = effects(price="2026-03-06", mail="2026-03-05")
    columns = [name for name in alone if name != "p_adjusted"]
    pd.testing.assert_frame_equal(table.loc[:1, columns], alone[columns], check_names=False)
    assert table.loc[2:, "difference"].abs().max() <= 1


def test_a_step_beyond_the_trend_is_not_said_to_be_the_difference_of_the_means():
    grows = SERIES.assign(value=[1, 2.2, 3, 4.1, 5, 9, 10.1, 11, 12, 13.2, 14, 15])
    table = change_effects(
        grows, change_log=log(price="2026-03-06"), window="5 days", as_of="2026-03-13", trend="linear"
    )
    assert headline(table).startswith("+2.95 is how the value moved with price, beyond its trend (+2.66 to +3.24);")
    assert "the mean was 3.06 before and 11.06 after. No proof of cause." in headline(table)


def test_p_values_of_all_groups_are_taken_together():
    from statsmodels.stats.multitest import multipletests

    table = by_plan()
    assert table["p_adjusted"].tolist() == pytest.approx(multipletests(table["p_value"], method="holm")[1])
    fewer = by_plan(correction="benjamini_hochberg")["p_adjusted"]
    assert fewer.tolist() == pytest.approx(multipletests(table["p_value"], method="fdr_bh")[1])


def test_the_group_stands_in_words_table_foot_and_figure():
    table = by_plan()
    assert "is how the value of free moved with price (+2.9 to +7.6)" in headline(table)
    html = show(table, "x").html
    assert "(missing)" in html
    assert "Plan" in html
    foot = " ".join(footnotes(table))
    assert "5.00 − 4.75 = +0.25, mail, (missing). 95" in foot
    assert "p: allowed for 6 comparisons, all changes in all groups" in foot
    labels = [text.get_text() for text in plot_change_effects(table).texts]
    assert "free: price (not apart from mail)" in labels


def test_groups_that_nobody_named_are_refused_and_no_rows_are_no_group():
    with pytest.raises(EventTableError, match="name their groups by `by`"):
        change_effects(pd.concat([SERIES] * 2), change_log=log(a="2026-03-06"), as_of="2026-03-13")
    with pytest.raises(ValueError, match="'country' is not a column of series"):
        change_effects(SERIES, change_log=log(a="2026-03-06"), as_of="2026-03-13", by="country")
    with pytest.raises(ValueError, match="'note' is a column of the result"):
        change_effects(SERIES.assign(note=1), change_log=log(a="2026-03-06"), as_of="2026-03-13", by="note")
    empty = change_effects(SERIES[:0].assign(plan="x"), change_log=log(a="2026-03-06"), as_of="2026-03-13", by="plan")
    assert list(empty.columns)[:2] == ["plan", "change_id"]
    assert len(empty) == 0
    whole = effects(SERIES[:0], a="2026-03-06")
    assert whole["reason"].tolist() == ["zero_denominator"]
