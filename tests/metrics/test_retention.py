import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import Step, cohort_retention, event_log, retention_curve, retention_matrix
from tests.metrics.catalogue import ROWS, quick, table_of

WEEKS = event_log("""
    2026-01-05  ann   visit     plan=pro
    2026-01-06  ann   visit     plan=free    # same week: no return
    2026-01-12  ann   visit
    2026-01-26  ann   visit
    2026-01-11 23:59:59.999  edge  visit     # Sunday: still the first week
    2026-01-12  edge  visit                  # one millisecond later is week 1
    2026-01-13  ben   visit     plan=pro
    2026-01-20  ben   buy
    2026-01-28  new   visit
""")


def weekly(log=WEEKS, as_of="2026-02-02", periods=3, **options):
    return cohort_retention(log, period="week", periods=periods, as_of=as_of, **options)


def cells(table, cohort, column="retained"):
    return table[table["cohort"] == cohort][column].tolist()


def test_a_cohort_is_a_calendar_week_and_period_0_is_its_size():
    table = weekly()
    assert cells(table, "2026-01-05") == [2, 2, 0, 1]
    assert cells(table, "2026-01-12") == [1, 1, 0]
    assert cells(table, "2026-01-05", "users") == [2] * 4


def test_a_cohort_of_nobody_stays_in_its_place_without_a_rate():
    table = weekly()
    assert cells(table, "2026-01-19", "users") == [0, 0]
    assert np.isnan(cells(table, "2026-01-19", "retention_rate")).all()


def test_a_period_that_has_not_begun_is_absent_and_one_that_runs_is_marked():
    table = weekly(as_of="2026-02-01")
    assert cells(table, "2026-01-26") == [1]
    assert cells(table, "2026-01-26", "complete") == [False]
    assert cells(table, "2026-01-05", "complete") == [True, True, True, False]
    assert cells(weekly(as_of="2026-02-02"), "2026-01-05", "complete") == [True] * 4


def test_rows_from_as_of_on_are_not_read():
    assert cells(weekly(as_of="2026-01-26"), "2026-01-05") == [2, 2, 0]


def test_weeks_are_cut_on_the_clocks_of_the_zone():
    log = event_log("2026-01-11 22:59 ann visit\n2026-01-11 23:00 ben visit")  # Sunday and Monday in Berlin
    table = cohort_retention(log, period="week", periods=1, as_of="2026-02-01", tz="Europe/Berlin")
    assert table[table["period"] == 0]["cohort"].dt.day.tolist() == [5, 12]
    assert weekly(log, week_start="sunday")["cohort"].dt.day.unique().tolist() == [11]


def test_the_day_of_the_clock_change_is_one_day():
    log = event_log("2026-03-28 12:00 ann v\n2026-03-29 23:30 ann v\n2026-03-30 00:30 ben v", tz="Europe/Berlin")
    table = cohort_retention(log, period="day", periods=1, as_of="2026-04-02", tz="Europe/Berlin")
    assert cells(table, "2026-03-28") == [1, 1]
    assert cells(table, "2026-03-30") == [1, 0]


def test_start_and_return_may_be_different_events():
    table = weekly(start_event="visit", return_event="buy")
    assert cells(table, "2026-01-12") == [1, 1, 0]
    assert cells(table, "2026-01-05") == [2, 0, 0, 0]


def test_cohort_kinds_differ_in_who_begins_when():
    log = event_log("""
        2026-01-05  ann  visit  paid=no
        2026-01-13  ann  visit  paid=yes
        2026-01-20  ann  visit  paid=yes
    """)
    paid = Step("visit", where={"paid": "yes"})
    assert cells(weekly(log), "2026-01-05") == [1, 1, 1, 0]
    assert weekly(log, start_event=paid)["cohort"].min() == pd.Timestamp("2026-01-12")
    assert len(weekly(log, start_event=paid, cohort="first_ever")) == 0
    recurring = weekly(log, cohort="recurring")
    assert [cells(recurring, day, "users")[0] for day in ("2026-01-05", "2026-01-12", "2026-01-19")] == [1, 1, 1]
    assert weekly(log, since="2026-01-12")["users"].sum() == 0  # first in all history was before
    assert cells(weekly(log, since="2026-01-12", cohort="first_in_range"), "2026-01-12") == [1, 1, 0]


def test_on_or_after_counts_a_later_return_for_every_period_before():
    assert cells(weekly(mode="on_or_after"), "2026-01-05") == [2, 2, 1, 1]


def test_enough_occurrences_must_lie_in_one_period():
    log = event_log("2026-01-05 ann v\n2026-01-12 ann v\n2026-01-13 ann v\n2026-01-20 ann v")
    assert cells(weekly(log, min_occurrences=2), "2026-01-05") == [1, 1, 0, 0]


def test_a_group_is_read_from_the_row_that_began_it_and_missing_is_a_group():
    table = weekly(by="plan")
    first = table[(table["cohort"] == "2026-01-05") & (table["period"] == 0)]
    assert first["plan"].tolist()[:1] == ["pro"]
    assert first["users"].tolist() == [1, 1]
    whole = weekly().set_index(["cohort", "period"])["retained"]
    assert table.groupby(["cohort", "period"])["retained"].sum().to_dict() == whole.to_dict()


def test_the_curve_weighs_people_and_leaves_out_unfinished_cells():
    curve = retention_curve(weekly(as_of="2026-02-01")).set_index("period")
    assert curve.loc[1, ["cohorts", "users", "retained"]].tolist() == [2, 3, 3]
    assert curve.loc[2, ["cohorts", "users", "retained"]].tolist() == [1, 2, 0]
    assert 3 not in curve.index or curve.loc[3, "cohorts"] == 0


def test_the_simple_mean_weighs_cohorts_and_keeps_those_at_0():
    table = pd.DataFrame({
        "cohort": pd.to_datetime(["2026-01-05", "2026-01-12"]), "period": 1, "users": [90, 10], "retained": [0, 5],
        "complete": True, "retention_rate": [0, 0.5],
    })  # fmt: skip
    assert retention_curve(table)["retention_rate"].item() == 0.05
    simple = retention_curve(table, weighted=False).iloc[0]
    assert simple["retention_rate"] == 0.25
    # Wilson: 0 of 90 is at most 0.0409, 5 of 10 lies 0.2634 to either side.
    assert simple["retention_rate_low"] == pytest.approx(0.25 - 0.2634 / 2, abs=1e-4)
    assert simple["retention_rate_high"] == pytest.approx(0.25 + np.hypot(0.0409, 0.2634) / 2, abs=1e-4)


def test_cohorts_of_one_are_no_certainty():
    table = pd.DataFrame({
        "cohort": pd.date_range("2026-01-05", periods=10, freq="W-MON"), "period": 1, "users": 1,
        "retained": [0, 1] * 5, "complete": True,
    })  # fmt: skip
    row = retention_curve(table, weighted=False).iloc[0]
    assert row["retention_rate_low"] < 0.35
    assert row["retention_rate_high"] > 0.65


def test_a_property_may_have_any_name_but_those_of_the_result():
    log = event_log("2026-01-05 ann use unit=1\n2026-01-05 ben use unit=1\n2026-01-13 ann use unit=1")
    first = weekly(log, by="unit", periods=1)
    assert cells(first, "2026-01-05") == [2, 1]
    with pytest.raises(ValueError, match="by: 'users' is a column of the result"):
        weekly(log.rename(columns={"unit": "users"}), by="users")
    with pytest.raises(ValueError, match="named twice"):
        weekly(log, by=["unit", "unit"])


def test_a_first_time_step_is_first_in_all_history_for_every_kind_of_cohort():
    log = event_log("2026-01-01 ann visit\n2026-02-03 ann visit")
    step = Step("visit", first_time_only=True)
    for kind in ("first_time", "recurring", "first_ever", "first_in_range"):
        table = weekly(log, start_event=step, cohort=kind, since="2026-02-01", as_of="2026-03-01")
        assert table["users"].sum() == 0


def test_many_cohorts_per_user_do_not_pair_every_start_with_every_return():
    users, days = 300, 400
    log = pd.DataFrame({
        "user_id": np.repeat(np.arange(users).astype(str), days), "event": "use",
        "timestamp": pd.to_datetime(np.tile(np.arange(days), users), unit="D", utc=True).as_unit("us"),
    })  # fmt: skip
    table = cohort_retention(log, cohort="recurring", period="day", periods=7, as_of="1972-01-01")
    assert (table[table["complete"] & (table["cohort"] < "1971-01-20")]["retained"] == users).all()


def test_a_table_beyond_all_reason_is_refused():
    log = event_log("1990-01-01 ann visit\n2026-01-01 ben visit")
    wide = pd.concat([log.assign(user_id=log["user_id"] + str(k), plan=k) for k in range(100)])
    with pytest.raises(ValueError, match="Use a longer period"):
        cohort_retention(wide, period="day", by="plan", as_of="2026-02-01")


def test_the_matrix_has_no_number_where_nothing_was_observed():
    matrix = retention_matrix(weekly(as_of="2026-02-01"))
    assert matrix.loc["2026-01-05"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert np.isnan(matrix.loc["2026-01-05", 3])
    assert matrix.loc["2026-01-19"].isna().all()
    with pytest.raises(ValueError, match="groups"):
        retention_matrix(weekly(by="plan"))


def test_nobody_gives_an_empty_table_with_its_columns():
    table = weekly(WEEKS[:0])
    assert len(table) == 0
    assert list(table.columns) == list(weekly().columns)
    assert len(retention_curve(table)) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [({"cohort": "mine"}, "cohort: 'mine'"), ({"periods": 0}, "periods: 0"), ({"by": "paln"}, "Did you mean 'plan'")],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        weekly(**options)


def test_a_table_of_something_else_is_refused():
    with pytest.raises(ValueError, match="no result of cohort_retention"):
        retention_curve(pd.DataFrame({"cohort": []}))


def test_who_comes_back_in_the_period_of_their_start_is_counted_apart():
    log = event_log("""
        2026-01-05 10:00  ann  sign_up
        2026-01-05 10:00  ann  visit      # the instant of the start is not later
        2026-01-05 10:01  ben  sign_up
        2026-01-11 23:59  ben  visit      # still the week of the start
        2026-01-04 23:59  cat  visit      # before the start
        2026-01-05 00:00  cat  sign_up
        2026-01-12 00:00  cat  visit      # the next week, and within seven days of the start
        2026-01-06 10:00  dan  sign_up
        2026-01-06 11:00  dan  visit
        2026-01-07 11:00  dan  visit
    """)
    options = {"start_event": "sign_up", "return_event": "visit", "periods": 1, "same_period": True}
    table = weekly(log, **options)
    assert cells(table, "2026-01-05", "retained") == [4, 1]
    assert cells(table, "2026-01-05", "retained_same_period") == [2, 2]  # ben and dan, of the cohort in every row
    assert cells(weekly(log, min_occurrences=2, **options), "2026-01-05", "retained_same_period") == [1, 1]
    rolling = weekly(log, clock="rolling_24h", **options)
    assert cells(rolling, "2026-01-05", "retained_same_period") == [2, 2]  # cat's visit is a whole week after the start
    assert "retained_same_period" not in weekly(log)


# Days on which clocks go forward, back, and by half an hour either way, and one that is not in every year.
CHANGES = {
    "Europe/Berlin spring": ("Europe/Berlin", "2026-03-29"), "Europe/Berlin autumn": ("Europe/Berlin", "2026-10-25"),
    "Lord Howe autumn": ("Australia/Lord_Howe", "2026-04-05"),
    "Lord Howe spring": ("Australia/Lord_Howe", "2026-10-04"),
    "Kathmandu": ("Asia/Kathmandu", "2026-01-01"), "leap day": ("America/New_York", "2028-02-29"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
@quick
@given(rows=ROWS, kind=st.sampled_from(["first_time", "recurring"]), mode=st.sampled_from(["on", "on_or_after"]))
def test_a_triangle_is_what_pandas_counts_on_every_clock(name, rows, kind, mode):
    tz, change = CHANGES[name]
    events = table_of(rows)
    span = pd.Timestamp(change, tz=tz).tz_convert("UTC") - pd.Timedelta(days=2) - pd.Timestamp("2026-01-01", tz="UTC")
    hours = (events["timestamp"] - pd.Timestamp("2026-01-01", tz="UTC")) / 16  # five days around the change
    events["timestamp"] = (pd.Timestamp("2026-01-01", tz="UTC") + span + hours).dt.as_unit("us")
    as_of = (pd.Timestamp(change) + pd.Timedelta(days=2)).strftime("%Y-%m-%d")
    table = cohort_retention(events, period="day", periods=3, cohort=kind, mode=mode, tz=tz, as_of=as_of)
    assert (table["retained"] <= table["users"]).all()
    seen = events[events["timestamp"] < pd.Timestamp(as_of, tz=tz)]
    days = seen["timestamp"].dt.tz_convert(tz).dt.tz_localize(None).dt.normalize().groupby(seen["user_id"]).agg(set)
    for _, cell in table.iterrows():
        began = [
            came for came in days if (min(came) == cell["cohort"] if kind == "first_time" else cell["cohort"] in came)
        ]
        day = cell["cohort"] + pd.Timedelta(days=cell["period"])
        back = [came for came in began if (day in came if mode == "on" else any(other >= day for other in came))]
        assert cell["users"] == len(began)
        assert cell["retained"] == (len(back) if cell["period"] else len(began))
        assert cell["complete"] == (day + pd.Timedelta(days=1) <= pd.Timestamp(as_of))


# --- 24 hours, brackets, value


def test_a_rolling_day_is_24_hours_from_the_start():
    log = event_log("""
        2026-01-01 23:59  ann  sign_up
        2026-01-02 00:01  ann  visit      # two minutes later: another date, the same 24 hours
        2026-01-03 23:58:59.999  ann  visit
        2026-01-01 12:00  ben  sign_up
        2026-01-02 12:00  ben  visit      # exactly 24 hours: the next period
    """)
    options = {"start_event": "sign_up", "return_event": "visit", "period": "day", "periods": 3, "as_of": "2026-01-09"}
    assert cells(cohort_retention(log, **options), "2026-01-01") == [2, 2, 1, 0]
    assert cells(cohort_retention(log, clock="rolling_24h", **options), "2026-01-01") == [2, 2, 0, 0]


def test_a_rolling_cell_is_over_when_it_is_over_for_the_last_who_began():
    log = event_log("2026-01-01 06:00 ann v\n2026-01-01 18:00 ben v")
    for as_of, complete in (("2026-01-03 23:59", [True, False]), ("2026-01-04", [True, True])):
        table = cohort_retention(log, clock="rolling_24h", period="day", periods=1, as_of=as_of)
        assert table["complete"].tolist() == complete
    with pytest.raises(ValueError, match="has no one length"):
        cohort_retention(log, clock="rolling_24h", period="month", as_of="2026-03-01")


def test_brackets_join_periods_and_occurrences_must_lie_in_one_of_them():
    log = event_log("""
        2026-01-01  ann  v
        2026-01-03  ann  v
        2026-01-04  ann  v
        2026-01-01  ben  v
        2026-01-06  ben  v
        2026-01-06  ben  v
    """)
    options = {"period": "day", "brackets": [3, 4], "as_of": "2026-02-01"}
    assert cells(cohort_retention(log, **options), "2026-01-01") == [2, 1, 1]
    assert cells(cohort_retention(log, min_occurrences=2, **options), "2026-01-01") == [2, 0, 1]
    assert cells(cohort_retention(log, mode="on_or_after", **options), "2026-01-01") == [2, 2, 1]


def test_a_bracket_is_over_when_its_last_period_is():
    log = event_log("2026-01-01 ann v")
    table = cohort_retention(log, period="day", brackets=[1, 3], as_of="2026-01-05")
    assert table["complete"].tolist() == [True, True, False]
    with pytest.raises(ValueError, match="are not sizes"):
        cohort_retention(log, brackets=[0], as_of="2026-01-05")


def test_value_is_summed_over_the_returns_of_the_cell():
    log = event_log("""
        2026-01-05  ann  buy  net=10
        2026-01-06  ann  buy  net=5
        2026-01-12  ann  buy  net=20
        2026-01-13  ann  buy  net=-4
        2026-01-05  ben  buy
    """)
    table = weekly(log, value="net", periods=1)
    first = table[table["cohort"] == "2026-01-05"]
    assert first["value_sum"].tolist() == [15, 16]
    assert first["value_per_user"].tolist() == [7.5, 8]
    assert first["value_per_active_user"].tolist() == [7.5, 16]
    with pytest.raises(ValueError, match="Did you mean 'net'"):
        weekly(log, value="nett")


def test_a_range_that_is_not_observed_yet_has_no_cohorts():
    log = event_log("2026-02-09 ann visit")  # Monday of the week in which the range begins
    assert weekly(log, since="2026-02-12", as_of="2026-02-14")["users"].sum() == 1  # touched, so taken whole
    assert len(weekly(log, since="2026-02-12", as_of="2026-02-11")) == 0


@pytest.mark.parametrize("wrong", [np.inf, -np.inf])
def test_an_infinite_value_is_refused_with_its_column(wrong):
    log = event_log("2026-01-05 ann visit\n2026-01-12 ann buy\n2026-01-13 ann buy").assign(amount=[1.0, wrong, 2.0])
    with pytest.raises(ValueError, match=r"value: 'amount' holds infinite numbers, such as -?inf\. .*Use"):
        weekly(log, value="amount", return_event="buy")
    unused = log.assign(amount=[wrong, 1.0, 2.0])  # a row that is no return adds nothing
    assert cells(weekly(unused, value="amount", return_event="buy"), "2026-01-05", "value_sum") == [0, 3, 0, 0]


def test_a_sum_beyond_what_a_float_holds_is_infinite():
    log = event_log("2026-01-05 ann visit\n2026-01-12 ann visit\n2026-01-13 ann visit").assign(amount=1e308)
    assert cells(weekly(log, value="amount", periods=1), "2026-01-05", "value_sum") == [1e308, np.inf]
    assert cells(weekly(log.assign(amount=-1e308), value="amount", periods=1), "2026-01-05", "value_sum")[1] == -np.inf
    assert cells(weekly(log, value="amount", periods=1), "2026-01-05", "value_per_user") == [1e308, np.inf]


@pytest.mark.parametrize("stranger", ["ann", "ben", "cat", "dan"])
def test_one_user_without_a_start_moves_nobody_into_another_cohort(stranger):
    weeks = {"ann": "05", "ben": "12", "cat": "19", "dan": "26"}
    rows = [f"2026-01-{day} {who} {'visit' if who == stranger else 'join'}" for who, day in weeks.items()]
    rows += [f"2026-02-02 {who} visit" for who in weeks]
    table = cohort_retention(
        event_log("\n".join(rows)), start_event="join", return_event="visit", periods=4, as_of="2026-02-09"
    )
    back = table[(table["retained"] > 0) & (table["period"] > 0)]
    began = sorted(f"2026-01-{day}" for who, day in weeks.items() if who != stranger)
    assert back["cohort"].dt.strftime("%Y-%m-%d").tolist() == began
    assert (back["cohort"] + pd.to_timedelta(7 * back["period"], unit="D")).eq("2026-02-02").all()


def test_of_two_first_rows_of_one_instant_a_value_goes_before_a_missing_one():
    log = event_log("2026-01-05 ann join plan=pro\n2026-01-05 ann join\n2026-01-05 ben join")
    for rows in (log, log.iloc[::-1]):
        table = cohort_retention(rows, by="plan", periods=1, as_of="2026-01-19")
        assert table.loc[table["period"] == 0, ["plan", "users"]].fillna("none").to_numpy().tolist() == [
            ["pro", 1], ["none", 1],
        ]  # fmt: skip
