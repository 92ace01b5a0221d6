"""What holds for every metric; they stand in `catalogue`."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import metrics
from metrics.display import headline, show
from metrics.display.footnotes import footnotes
from metrics.display.kinds import groups_of
from metrics.display.sentences import _SAID
from metrics.plots.figure import figure_html
from tests.metrics import catalogue
from tests.metrics.catalogue import METRICS, PER_USER, ROWS, START, ZONED, quick, table_of, thorough

# Whole numbers that count nobody.
POSITIONS = (
    "step", "period", "active_periods", "days", "cohorts", "source_step", "target_step", "degrees", "questions",
    "mails_received",
)  # fmt: skip

SHIFTED = [  # where a week is a week: months differ in length
    name for name in ZONED
    if "month" not in name and name not in ("churn_rate", "cohort_retention by", "renewal_churn", *PER_USER)
]  # fmt: skip


def same(left, right):
    left.attrs, right.attrs = {}, {}
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=1e-12)


@pytest.mark.parametrize("name", METRICS)
@quick
@given(rows=ROWS, seed=st.integers(0, 99), weeks=st.integers(-60, 60))
def test_the_laws_hold_of_any_rows(name, rows, seed, weeks):
    the_laws_hold(name, rows, seed, weeks)


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
@thorough
@given(rows=ROWS, seed=st.integers(0, 99), weeks=st.integers(-60, 60))
def test_the_laws_hold_of_many_more(name, rows, seed, weeks):
    the_laws_hold(name, rows, seed, weeks)


def the_laws_hold(name, rows, seed, weeks):
    """Five laws of one table, which is asked for once; what does not hold is named by the function that fails."""
    events = table_of(rows)
    table = METRICS[name](events)
    every_estimate_lies_within_its_limits_and_counts_are_never_missing(name, table)
    the_order_of_the_rows_never_matters(name, events, table, seed)
    if name not in PER_USER:
        twice_the_people_are_twice_the_counts_and_the_same_rates(name, events, table)
        names_of_users_do_not_matter(name, events, table)
    if name in SHIFTED:
        a_shift_by_whole_weeks_in_utc_shifts_the_dates_and_no_number(name, events, table, weeks)


def the_order_of_the_rows_never_matters(name, events, table, seed):
    same(table, METRICS[name](events.sample(frac=1, random_state=seed)))


def twice_the_people_are_twice_the_counts_and_the_same_rates(name, events, once):
    twins = pd.concat([events, events.assign(user_id=events["user_id"] + "'")], ignore_index=True)
    twice = METRICS[name](twins)
    counts = [c for c in once if pd.api.types.is_integer_dtype(once[c]) and c not in POSITIONS]
    counts = [c for c in counts if not c.endswith("rounded")]
    rates = [c for c in once if c.endswith(("_rate", "share", "net_promoter_score"))]
    assert (twice[counts].to_numpy() == 2 * once[counts].to_numpy()).all()
    np.testing.assert_allclose(twice[rates].to_numpy(float), once[rates].to_numpy(float), rtol=1e-12)


def names_of_users_do_not_matter(name, events, table):
    found = (table, METRICS[name](events.assign(user_id="x" + events["user_id"].str[::-1])))
    same(*(one.drop(columns=["ids_only_here", "ids_missing"], errors="ignore") for one in found))  # which are names


def every_estimate_lies_within_its_limits_and_counts_are_never_missing(name, table):
    for low in [c for c in table if c.endswith("_low")]:
        estimate = low.removesuffix("_low")
        if name == "conversion_funnel attempts" and estimate == "censored_conversion_rate":
            continue  # has no limits while windows are open: attempts of a unit are alike
        if estimate == "median":
            continue  # has no upper limit where the curve's own never comes down to half
        there = table[estimate].notna()
        if "reason" in table:  # which says why a value has no limits
            there &= ~table["reason"].str.contains(f"{estimate}: one_user").fillna(False)
        if estimate == "median_days":  # whose upper limit may not be reached yet
            there &= table[f"{estimate}_high"].notna()
        assert table.loc[there, [low, f"{estimate}_high"]].notna().all(axis=None)
        if estimate != "net_promoter_score":  # centred elsewhere, at three answers more
            assert (table.loc[there, low] <= table.loc[there, estimate] + 1e-12).all()
            assert (table.loc[there, f"{estimate}_high"] >= table.loc[there, estimate] - 1e-12).all()
        assert table.loc[table[estimate].isna(), [low, f"{estimate}_high"]].isna().all(axis=None)
    for rate in [c for c in table if c.endswith("_rate")]:
        assert table[rate].dropna().between(0, 1).all()
    for count in [c for c in table if pd.api.types.is_integer_dtype(table[c].dtype)]:
        if not count.endswith("rounded"):
            assert table[count].notna().all()


def a_shift_by_whole_weeks_in_utc_shifts_the_dates_and_no_number(name, events, table, weeks):
    span = pd.Timedelta(weeks=weeks)
    moved = events.assign(timestamp=events["timestamp"] + span)
    later = (pd.Timestamp(catalogue.AS_OF) + span).strftime("%Y-%m-%d")
    shifted = _at(later, METRICS[name], moved)
    numbers = [c for c in table if c not in ("period_start", "cohort", "span_start", "date")]
    same(table[numbers], shifted[numbers])


def _at(as_of, metric, events):
    """The metric with another `as_of`."""
    before, catalogue.AS_OF = catalogue.AS_OF, as_of
    try:
        return metric(events)
    finally:
        catalogue.AS_OF = before


@pytest.mark.parametrize("name", METRICS)
def test_the_input_is_never_changed(name):
    events = table_of([("ann", "a", START, None, 3.0), ("ann", "b", START, "pro", 11.0)]).iloc[::-1]
    before = events.copy(deep=True)
    METRICS[name](events)
    pd.testing.assert_frame_equal(events, before)


@cache
def of_nobody_else(name):
    """The table of Zoe alone, who is in every table of events."""
    return METRICS[name](table_of([]))


@pytest.mark.parametrize("name", METRICS)
def test_a_missing_estimate_says_why_where_the_table_has_reasons(name):
    table = of_nobody_else(name)
    if "reason" in table:
        estimates = [c.removesuffix("_low") for c in table if c.endswith("_low")]
        for estimate in estimates:
            assert (table[estimate].notna() | table["reason"].notna()).all()
            if len(estimates) == 1:  # else the reason may be another one's, as is one with a name before it
                own = table["reason"].notna() & ~table["reason"].astype("str").str.contains(": ")
                assert (table[estimate].isna() == own).all()


@pytest.mark.parametrize("name", METRICS)
def test_nobody_is_an_answer_and_no_error(name):
    if name in ("explain_funnel", "customer_timeline"):  # asks about somebody
        return
    full, empty = of_nobody_else(name), METRICS[name](table_of([])[:0])
    assert list(empty.columns) == list(full.columns)


@pytest.mark.parametrize("name", METRICS)
def test_every_table_says_what_it_is(name):
    table = of_nobody_else(name)
    if name == "check_responses":
        return
    assert table.attrs["metric"] == name.split()[0]
    assert len(table.attrs["definition"]) > 30
    assert all(isinstance(v, str | int | float | list) for v in table.attrs["settings"].values())
    assert list(table.index) == list(range(len(table)))


@pytest.mark.parametrize("name", [name for name in METRICS if name.split()[0] in _SAID])
def test_what_is_one_is_told_in_the_singular(name):
    table = of_nobody_else(name)
    for text in (str(headline(table)), *footnotes(table), table.attrs["definition"]):
        assert not re.search(r"(?<![\d.,−+])1[ \u202f\xa0](?!has|is|was|times)[a-z]+s\b", text), text


@pytest.mark.parametrize(
    ("plot", "name"),
    [
        ("plot_assisted_trial_conversion", "assisted_trial_conversion"), ("plot_lifecycle", "lifecycle"),
        ("plot_mail_frequency", "mail_frequency"), ("plot_paths", "drop_off_paths"),
        ("plot_payment_recovery", "recovery_curve"),
    ],
)  # fmt: skip
def test_what_is_one_is_described_in_the_singular(plot, name):
    few = [("ann", "a", START, "free", 3.0), ("ann", "b", START + pd.Timedelta(days=2), None, 4.0)]
    for rows in ([], few):
        _, alt = figure_html(getattr(metrics, plot)(METRICS[name](table_of(rows))), "")
        assert not re.search(r"(?<![\d.,−+])1[ \u202f\xa0](failed )?[a-z]+s\b", alt), alt


@pytest.mark.parametrize("name", METRICS)
def test_a_table_cut_to_nothing_is_shown_all_the_same(name):
    table = of_nobody_else(name)
    empty = table[:0]
    empty.attrs = table.attrs
    assert show(empty).html
    if name.split()[0] in _SAID:
        assert headline(empty)


SOME = [  # each does a little more than the one before
    (f"u{k}", event, START + pd.Timedelta(days=3 * step + k), plan, float(2 * k + step))
    for k, plan in enumerate(["pro", "free", "pro", None, "free", "pro"])
    for step, event in enumerate("abcab"[: k + 1])
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in METRICS if name.split()[0] in _SAID])
def test_a_table_that_was_cut_or_sorted_is_told_right_or_said_not_to_be_whole(name):
    table = METRICS[name](table_of(SOME))
    for part in (table[:1], table[-1:], table[1:], table[1::2]):
        assert headline(part)
    if not groups_of(table):  # of equal groups the first is told
        assert headline(table[::-1]) == headline(table)


@pytest.mark.parametrize("name", METRICS)
def test_names_of_columns_are_texts(name):
    assert of_nobody_else(name).columns.dtype == "str"
