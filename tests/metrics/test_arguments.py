"""Arguments of the metrics of events that are no lists, no numbers, or can be read only once."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest

import metrics
from metrics import event_log
from tests.metrics import catalogue

LOG = event_log("""
    2026-01-05  ann  a  plan=p
    2026-01-06  ann  b  plan=p
    2026-01-05  ben  a  plan=q
""")
AT = {"as_of": "2026-02-01"}


def test_columns_to_compare_by_may_come_from_an_iterator():
    asked = metrics.conversion_funnel(LOG, ["a", "b"], by=iter(["plan"]), hold_constant=iter(["plan"]), **AT)
    listed = metrics.conversion_funnel(LOG, ["a", "b"], by=["plan"], hold_constant=["plan"], **AT)
    pd.testing.assert_frame_equal(asked, listed)
    assert asked.attrs == listed.attrs
    assert metrics.cohort_retention(LOG, by=iter(["plan"]), **AT).attrs["settings"]["by"] == ["plan"]


@pytest.mark.parametrize(
    "steps", [{"a", "b"}, None, iter(["a", "b"]), "a", []], ids=["set", "none", "iterator", "text", "empty"]
)
def test_steps_without_an_order_are_refused(steps):
    with pytest.raises(ValueError, match=r"steps: .* is not a list of steps"):
        metrics.conversion_funnel(LOG, steps, **AT)


def test_lists_of_sizes_may_be_arrays_and_must_be_lists():
    theirs = metrics.cohort_retention(LOG, brackets=np.array([1, 2]), **AT)
    pd.testing.assert_frame_equal(theirs, metrics.cohort_retention(LOG, brackets=[1, 2], **AT))
    for wrong in (2, iter([1, 2]), [0, 1], "12"):
        with pytest.raises(ValueError, match=r"brackets: .* are not sizes"):
            metrics.cohort_retention(LOG, brackets=wrong, **AT)
    for wrong in (7, iter([1, 7])):
        with pytest.raises(ValueError, match=r"windows: .* are not growing numbers of days"):
            metrics.active_users(LOG, windows=wrong, **AT)


def test_more_periods_than_a_table_can_hold_are_refused_at_once():
    with pytest.raises(ValueError, match="1,000,001 periods are too many to follow"):
        metrics.cohort_retention(LOG, periods=1_000_001, **AT)


def test_what_is_no_column_and_no_number_is_named():
    with pytest.raises(ValueError, match="by: 3 is neither a column nor a list of them"):
        metrics.active_users(LOG, by=3, **AT)
    with pytest.raises(ValueError, match=r"value: 'plan' holds \['p'\], no numbers"):
        metrics.cohort_retention(LOG, value="plan", **AT)
    with pytest.raises(ValueError, match="where: 'plan=p' names no columns"):
        metrics.Step("a", where="plan=p")


def test_a_trend_whose_range_has_not_begun_has_no_periods():
    assert len(metrics.funnel_trend(LOG, ["a", "b"], since="2026-03-01", **AT)) == 0
    begun = metrics.funnel_trend(LOG, ["a", "b"], since="2026-01-31", **AT)
    assert begun["period_start"].tolist() == [pd.Timestamp("2026-01-26")]


def test_a_range_of_more_periods_than_a_table_can_hold_is_refused():
    asked = {"as_of": "2226-01-01", "period": "hour"}
    for metric in (
        lambda: metrics.lifecycle(LOG, **asked),
        lambda: metrics.churn_rate(LOG, **asked),
        lambda: metrics.feature_usage(LOG, feature="b", **asked),
        lambda: metrics.funnel_trend(LOG, ["a", "b"], **asked),
    ):
        with pytest.raises(ValueError, match=r"The range has 1,753,\d{3} hours. Use a longer period"):
            metric()


def test_use_in_a_range_that_has_not_begun_has_no_periods():
    asked = {"feature": "b", "period": "month", "as_of": "2026-01-20"}
    assert len(metrics.feature_usage(LOG, since="2026-01-25", **asked)) == 0
    assert len(metrics.feature_usage(LOG, since="2026-01-15", **asked)) == 1


@pytest.mark.parametrize("name", ["first", "second", "what", "reason", "retained_same_period", "retention_rate_low"])
def test_names_that_a_table_of_cohorts_has_or_needs_are_refused_for_columns_to_compare_by(name):
    with pytest.raises(ValueError, match=f"by: '{name}' is a column of the result. Rename the property"):
        metrics.cohort_retention(LOG.rename(columns={"plan": name}), by=name, **AT)


def test_limits_are_columns_of_the_result_too():
    with pytest.raises(ValueError, match="by: 'churn_rate_high' is a column of the result"):
        metrics.churn_rate(LOG.rename(columns={"plan": "churn_rate_high"}), by="churn_rate_high", **AT)


OPEN = {"replay_alerts", "given", "write_events"}  # take any name, as the options of a format
FUNCTIONS = [
    name for name in metrics.__all__
    if not isinstance(getattr(metrics, name), type) and name not in OPEN and not name.startswith(("read_", "load_"))
]  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_argument_that_a_function_does_not_have_is_named(name):
    with pytest.raises(TypeError, match=rf"{name}\(\) has no argument 'xyz'\. It has (\w+, )*\w+\.$"):
        getattr(metrics, name)(xyz=1)


def test_a_misspelt_argument_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match=r"churn_rate\(\) has no argument 'perriod'\. Did you mean 'period'\?"):
        metrics.churn_rate(LOG, perriod="week", **AT)
    with pytest.raises(TypeError, match=r"trial_conversion\(\) has no argument 'week_starts'\. Did you mean 'week_sta"):
        metrics.trial_conversion(LOG, week_starts="sunday", **AT)  # one of those that functions of money share


def test_functions_stay_what_they_are_to_tools():
    from metrics.churn import churn_rate

    assert inspect.signature(metrics.churn_rate) == inspect.signature(churn_rate)
    assert inspect.getsource(metrics.churn_rate) == inspect.getsource(churn_rate)
    assert metrics.churn_rate.__doc__ == churn_rate.__doc__
    assert pickle.loads(pickle.dumps(metrics.churn_rate)) is metrics.churn_rate  # as workers are sent it


def test_a_warning_points_at_the_line_that_called():
    monday = pd.Timestamp("2026-01-05", tz="UTC")
    names = [f"u{k}" for k in range(60)]
    with pytest.warns(UserWarning, match="none of 60 answers is above 5") as caught:
        metrics.net_promoter_score(pd.DataFrame({"respondent_id": names, "answered_at": monday, "score": 5}))
    assert caught[0].filename == __file__


BY = {
    "churn_reasons": lambda e: metrics.churn_reasons(catalogue.cancellations(e), by="plan", as_of=catalogue.AS_OF),
    "pause_outcomes": lambda e: metrics.pause_outcomes(
        catalogue.subscriptions(e.assign(plan="pro")), cancellations=catalogue.cancellations(e), by="plan",
        follow_up="20 days", as_of=catalogue.AS_OF,
    ),
    "payment_recovery": lambda e: metrics.payment_recovery(
        catalogue.attempts(e.assign(plan="pro")).assign(plan=e["plan"]), by="plan", as_of=catalogue.AS_OF
    ),
    "nps_change": lambda e: metrics.nps_change(catalogue.answers(e), after=catalogue.answers(e), by="plan", min_n=1),
}  # fmt: skip


@pytest.mark.parametrize("name", BY)
@pytest.mark.parametrize("kind", ["object", "string", "str", "category", "float64"])
def test_a_column_that_nobody_tells_is_one_group(name, kind):
    rows = [("ann", "a", catalogue.START, None, 3.0), ("ben", "a", catalogue.START, None, 8.0)]
    events = catalogue.table_of(rows)
    table = BY[name](events.assign(plan=pd.Series([None] * len(events), dtype=kind)))
    assert len(table)
    assert table["plan"].isna().all()
    pd.testing.assert_frame_equal(
        table.drop(columns="plan"), BY[name](events.assign(plan="p")).drop(columns="plan"), check_column_type=False
    )
