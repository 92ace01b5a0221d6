import pytest

from metrics import Step, conversion_funnel, event_log
from metrics.steps import as_step, meets

LOG = event_log("""
    2026-01-01  ann  visit     plan=pro
    2026-01-02  ann  sign_up   plan=pro
    2026-01-02  ben  visit     plan=free
    2026-01-03  ben  visit
""")


def test_a_step_is_narrowed_by_properties_and_a_missing_value_never_meets_one():
    assert meets(LOG, Step("visit", where={"plan": "free"}), "steps").tolist() == [False, False, True, False]
    assert meets(LOG, Step(None, where={"plan": "pro"}), "steps").tolist() == [True, True, False, False]


def test_a_slip_of_the_pen_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"steps: 'signup' is not in the event table.*Did you mean 'sign_up'\?"):
        conversion_funnel(LOG, ["visit", "signup"], as_of="2026-02-01")


def test_what_nobody_has_done_yet_counts_0_with_a_warning():
    with pytest.warns(UserWarning, match="'purchase' is not in the event table.*never done"):
        table = conversion_funnel(LOG, ["visit", "purchase"], as_of="2026-02-01")
    assert table["users"].tolist() == [2, 0]


def test_an_unknown_property_is_refused():
    with pytest.raises(ValueError, match=r"'plans' is not a column of the event table.*Did you mean 'plan'"):
        meets(LOG, Step("visit", where={"plans": "pro"}), "steps")


def test_what_is_neither_a_name_nor_a_step_is_refused():
    with pytest.raises(ValueError, match="start_event: 3 is neither"):
        as_step(3, "start_event")


def test_a_metric_is_nothing_without_its_first_event():
    with pytest.raises(ValueError, match="steps: 'purchase' is not in the event table"):
        conversion_funnel(LOG, ["purchase", "visit"], as_of="2026-02-01")


def test_a_missing_property_can_be_asked_for_and_a_list_cannot():
    assert meets(LOG, Step("visit", where={"plan": None}), "steps").tolist() == [False, False, False, True]
    with pytest.raises(ValueError, match="is not one value"):
        meets(LOG, Step("visit", where={"plan": ["pro", "free"]}), "steps")


def test_a_value_that_no_row_has_is_pointed_out():
    with pytest.warns(UserWarning, match="no row has plan = 'gold'"):
        meets(LOG, Step("visit", where={"plan": "gold"}), "steps")


def test_names_that_differ_in_a_number_are_siblings_and_no_slip():
    log = event_log("2026-01-01 ann checkout_step_1\n2026-01-01 ann checkout_step_2")
    with pytest.warns(UserWarning, match="'checkout_step_3' is not in the event table"):
        table = conversion_funnel(log, ["checkout_step_1", "checkout_step_3"], as_of="2026-02-01")
    assert table["users"].tolist() == [1, 0]
