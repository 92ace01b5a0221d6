import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter

from metrics import Step, conversion_funnel, event_log, funnel_trend, funnel_users

EDGES = event_log("""
    2026-01-01 09:00      ann    visit
    2026-01-01 09:05      ann    sign_up
    2026-01-04 09:00      ann    buy

    2026-01-01            edge   visit       # buys at the very end of the window
    2026-01-08            edge   buy
    2026-01-01            edge   sign_up

    2026-01-01            late   visit       # buys one millisecond after it
    2026-01-02            late   sign_up
    2026-01-08 00:00:00.001  late   buy

    2026-01-10            again  visit       # fails, comes back, succeeds
    2026-01-20            again  visit
    2026-01-21            again  sign_up
    2026-01-22            again  buy

    2026-01-28            open   visit       # still has time
    2026-01-29            open   sign_up

    2026-01-05            other  sign_up     # never entered
    2026-01-06            other  buy
""")
STEPS = ["visit", "sign_up", "buy"]


def funnel(log=EDGES, steps=STEPS, window="7 days", as_of="2026-02-01", **options):
    return conversion_funnel(log, steps, window=window, as_of=as_of, **options)


def users(log, steps=("visit", "buy"), **options):
    return funnel(log, list(steps), **options)["users"].tolist()


def test_everyone_on_the_edge_is_counted_where_they_belong():
    table = funnel()
    assert table["users"].tolist() == [5, 5, 3]  # ann, edge and again bought in time
    assert table["dropped"].tolist() == [0, 0, 1]  # late
    assert table["open"].tolist() == [0, 0, 1]  # open may still buy


def test_at_each_step_those_before_have_reached_it_dropped_or_still_have_time():
    table = funnel()
    after = table.iloc[1:]
    assert (table["users"].iloc[:-1].to_numpy() == (after["users"] + after["dropped"] + after["open"])).all()


def test_rates_stand_on_the_counts_in_the_row():
    table = funnel()
    assert table["conversion_rate"].tolist() == [1, 1, 3 / 5]
    assert table["step_conversion_rate"].tolist()[1:] == [1, 3 / 5]
    assert np.isnan(table["step_conversion_rate"][0])
    assert table["drop_off_rate"].tolist()[1:] == [0, 1 / 5]
    assert table["conversion_rate_low"][2] == pytest.approx(0.2307, abs=1e-4)  # Wilson, 3 of 5
    assert table["conversion_rate_high"][2] == pytest.approx(0.8824, abs=1e-4)


def test_a_window_that_ends_as_the_observation_ends_is_over():
    log = event_log("2026-01-01 ann visit\n2026-01-02 ben visit\n2026-01-01 cat buy")
    assert funnel(log, ["visit", "buy"], as_of="2026-01-08")[["dropped", "open"]].iloc[1].tolist() == [1, 1]


def test_rows_from_as_of_on_are_not_read():
    log = event_log("2026-01-01 ann visit\n2026-01-02 ann buy")
    assert users(log, as_of="2026-01-02") == [1, 0]
    assert users(log, as_of="2026-01-02 00:00:00.000001") == [1, 1]


def test_rows_of_one_instant_convert_in_any_order_of_the_file():
    log = event_log("2026-01-01 ann buy\n2026-01-01 ann visit")
    assert users(log) == users(log.iloc[::-1]) == [1, 1]
    assert users(log, ties="strict_increase") == [1, 0]


def test_a_later_start_does_not_spoil_an_earlier_one_at_the_same_instant():
    log = event_log("2026-01-01 ann visit\n2026-01-02 ann visit\n2026-01-02 ann buy")
    assert users(log, ties="strict_increase") == [1, 1]


def test_one_row_serves_one_step():
    once = event_log("2026-01-01 ann view page=a")
    twice = event_log("2026-01-01 ann view page=a\n2026-01-01 ann view page=a")
    steps = [Step("view"), Step(None, where={"page": "a"})]
    assert users(once, steps) == [1, 0]
    assert users(twice, steps) == [1, 1]


def test_rows_of_one_instant_are_matched_to_steps_as_well_as_they_can_be():
    # The row with x and y must leave x to the other one, whichever comes first in the file.
    log = event_log("2026-01-01 ann e x=1 y=1\n2026-01-01 ann e x=1 y=0")
    steps = [Step("e", where={"x": 1}), Step("e", where={"y": 1})]
    assert users(log, steps) == users(log.iloc[::-1], steps) == [1, 1]


def test_the_same_event_three_times_is_three_steps():
    log = event_log("2026-01-01 ann e\n2026-01-02 ann e\n2026-01-02 ben e\n2026-01-02 ben e\n2026-01-02 ben e")
    assert users(log, ["e", "e", "e"]) == [2, 2, 1]


def test_the_best_attempt_counts_and_gives_the_times():
    table = funnel_users(EDGES, STEPS, window="7 days", as_of="2026-02-01").set_index("user_id")
    assert table.loc["again", "entered_at"] == pd.Timestamp("2026-01-20", tz="UTC")
    assert table.loc["again", "completed_at"] == pd.Timestamp("2026-01-22", tz="UTC")
    assert table["outcome"].to_dict() == {
        "again": "converted", "ann": "converted", "edge": "converted", "late": "dropped", "open": "open",
    }  # fmt: skip
    assert table.loc["late", "step"] == 2
    assert pd.isna(table.loc["late", "completed_at"])
    assert len(table.loc["late", "step_times"]) == 2


def test_of_attempts_that_came_as_far_the_first_completed_counts_then_the_last_begun():
    log = event_log("2026-01-01 ann visit\n2026-01-02 ann visit\n2026-01-03 ann buy\n2026-01-04 ann buy")
    row = funnel_users(log, ["visit", "buy"], window="7 days", as_of="2026-02-01").iloc[0]
    assert [t.day for t in row["step_times"]] == [2, 3]


def test_with_reentry_first_only_the_first_entry_of_the_range_begins_an_attempt():
    assert funnel(reentry="first")["users"].tolist() == [5, 4, 2]
    assert funnel(reentry="first", since="2026-01-15")["users"].tolist() == [2, 2, 1]


def test_an_entry_lies_in_the_range_and_later_steps_need_not():
    log = event_log("2026-01-31 ann visit\n2026-02-02 ann buy\n2026-02-01 ben visit")
    options = {"since": "2026-01-01", "until": "2026-02-01", "as_of": "2026-03-01"}
    assert users(log, **options) == [1, 1]
    assert users(log, range_applies_to="all_steps", **options) == [1, 0]


def test_dates_of_the_range_are_read_in_the_zone():
    log = event_log("2026-01-31 22:59:59.999 ann visit\n2026-01-31 23:00 ben visit\n2026-02-01 ben buy")
    assert users(log, until="2026-02-01", as_of="2026-03-01", tz="Europe/Berlin") == [1, 0]


def test_the_window_counts_elapsed_hours_also_over_the_clock_change():
    log = event_log("2026-03-28 12:00 ann visit\n2026-03-29 13:00 ann buy", tz="Europe/Berlin")
    assert users(log, window="24 hours", as_of="2026-06-01") == [1, 1]  # 25 h by the clock, 24 h elapsed


def test_only_entries_whose_window_is_over_count_when_mature():
    table = funnel(mature_only=True)
    assert table["users"].tolist() == [4, 4, 3]
    assert table["open"].sum() == 0


def test_first_time_only_looks_at_all_history():
    log = event_log("2026-01-01 ann visit\n2026-01-10 ann visit\n2026-01-11 ann buy\n2026-01-10 ben visit")
    assert users(log, [Step("visit", first_time_only=True), "buy"], since="2026-01-05") == [1, 0]


def test_seconds_are_from_the_step_before():
    table = funnel()
    assert table["median_seconds"].tolist()[1:] == [86400.0, 86400.0 * 3 - 300]
    assert table["mean_seconds"][1] == pytest.approx((300 + 0 + 86400 + 86400 + 86400) / 5)
    assert np.isnan(table["mean_seconds"][0])


def test_a_breakdown_takes_the_first_value_on_the_attempt_and_keeps_the_missing_group():
    log = event_log("""
        2026-01-01  ann  visit  device=phone
        2026-01-02  ann  buy    device=desk
        2026-01-01  ben  visit
        2026-01-02  ben  buy    device=desk
        2026-01-01  cat  visit
    """)
    first = funnel(log, ["visit", "buy"], by="device")
    assert first[["device", "users"]].to_numpy().tolist()[:4] == [["desk", 1], ["desk", 1], ["phone", 1], ["phone", 1]]
    assert first["device"].iloc[4:].isna().all()
    assert first["users"].tolist()[4:] == [1, 0]
    last = funnel(log, ["visit", "buy"], by="device", attribution="last_touch")
    assert last["device"].dropna().unique().tolist() == ["desk"]
    second = funnel(log, ["visit", "buy"], by="device", attribution="step", attribution_step=1)
    assert second.groupby("device", dropna=False)["users"].first().to_dict() == {"phone": 1, np.nan: 2}
    each = funnel(log, ["visit", "buy"], by="device", attribution="all_events")
    assert each[each["device"] == "phone"]["users"].tolist() == [1, 0]


def test_groups_of_a_touch_add_up_to_the_whole():
    log = EDGES.assign(day=EDGES["timestamp"].dt.day % 3)
    parts = funnel(log, by=["day"]).groupby("step")[["users", "dropped", "open"]].sum()
    assert (parts.to_numpy() == funnel(log)[["users", "dropped", "open"]].to_numpy()).all()


def test_open_windows_are_censored_as_kaplan_and_meier_would():
    rng = np.random.default_rng(7)
    lines = []
    for user in range(200):
        start = rng.uniform(0, 30)
        lines.append((f"u{user}", "visit", start))
        if rng.random() < 0.6:
            lines.append((f"u{user}", "buy", start + rng.exponential(3)))
    log = pd.DataFrame(lines, columns=["user_id", "event", "day"])
    log["timestamp"] = (pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(log.pop("day"), unit="D")).dt.as_unit(
        "us"
    )
    as_of = pd.Timestamp("2026-01-31", tz="UTC")
    table = conversion_funnel(log, ["visit", "buy"], window="7 days", as_of=as_of)
    seen = log[log["timestamp"] < as_of].pivot_table(index="user_id", columns="event", values="timestamp")
    waited = ((seen["buy"].fillna(as_of) - seen["visit"]) / pd.Timedelta(days=1)).clip(upper=7)
    bought = seen["buy"].notna() & (waited < 7)
    fit = KaplanMeierFitter().fit(waited, bought)
    assert table["open"][1] > 20
    assert table["censored_conversion_rate"][1] == pytest.approx(1 - fit.predict(6.999))
    limits = 1 - fit.confidence_interval_survival_function_.iloc[-1].to_numpy()
    assert table["censored_conversion_rate_high"][1] == pytest.approx(limits.max(), abs=1e-9)
    assert table["censored_conversion_rate_low"][1] == pytest.approx(limits.min(), abs=1e-9)


def test_without_open_windows_the_censored_rate_is_the_plain_one():
    table = funnel(as_of="2026-06-01")
    assert table["censored_conversion_rate"].tolist() == table["conversion_rate"].tolist()


def test_nobody_gives_counts_of_0_and_no_rate():
    table = funnel(EDGES, since="2026-01-30")
    assert table["users"].tolist() == [0, 0, 0]
    assert table["conversion_rate"].isna().all()
    empty = funnel(EDGES[:0])
    assert empty["users"].tolist() == [0, 0, 0]
    assert len(funnel(EDGES[:0].assign(plan="x"), by="plan")) == 0


def test_a_hundred_steps_work():
    log = event_log("\n".join(f"2026-01-01 {k // 60:02d}:{k % 60:02d} ann e{k}" for k in range(100)))
    assert users(log, [f"e{k}" for k in range(100)]) == [1] * 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 14}, "window: 14 is not a span"),
        ({"order": "random"}, "order: 'random' is not known"),
        ({"ties": "no"}, "ties: 'no' is not known"),
        ({"by": "plan"}, "by: 'plan' is not a column"),
        ({"unit": "account"}, "unit: 'account' is not a column"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "since 2026-02-01 is not before until"),
        ({"attribution": "step"}, "attribution_step: None is not a step"),
        ({"tz": "Mars"}, "tz: 'Mars' is not a time zone"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        funnel(**options)


def test_one_name_is_no_list_of_steps():
    with pytest.raises(ValueError, match="is not a list of steps"):
        funnel(steps="visit")


# --- trend


def test_a_user_counts_once_in_each_period_of_entry():
    log = event_log("""
        2026-01-05  ann  visit
        2026-01-06  ann  visit
        2026-01-11  ann  visit   # Sunday; the conversion lies in the next week
        2026-01-12  ann  buy
        2026-01-12  ben  visit
        2026-01-26  cat  visit
    """)
    table = funnel_trend(log, ["visit", "buy"], window="3 days", as_of="2026-02-05")
    assert table["period_start"].dt.strftime("%m-%d").tolist() == ["01-05", "01-12", "01-19", "01-26", "02-02"]
    assert table["users"].tolist() == [1, 1, 0, 1, 0]
    assert table["converted"].tolist() == [1, 0, 0, 0, 0]
    assert np.isnan(table["conversion_rate"][2])
    assert table["complete"].tolist() == [True, True, True, True, False]


def test_a_period_whose_windows_are_not_over_is_not_complete():
    log = event_log("2026-01-05 ann visit\n2026-01-06 ann buy")
    for as_of, complete in (("2026-01-14", False), ("2026-01-15", True)):
        table = funnel_trend(log, ["visit", "buy"], window="3 days", as_of=as_of)
        assert table["complete"].tolist()[0] is complete


def test_a_trend_goes_from_any_step_to_any_later_one_and_stays_in_the_week_of_the_entry():
    table = funnel_trend(EDGES, STEPS, window="7 days", as_of="2026-02-01", from_step=2, to_step=3)
    assert table["users"].tolist() == [3, 0, 0, 1, 1]
    assert table["converted"].tolist() == [2, 0, 0, 1, 0]
    assert table["open"].tolist() == [0, 0, 0, 0, 1]
    with pytest.raises(ValueError, match="are not two steps in order"):
        funnel_trend(EDGES, STEPS, as_of="2026-02-01", from_step=3, to_step=2)


def test_while_nobodys_window_is_over_there_is_no_censored_rate():
    log = event_log("2026-01-30 ann visit\n2026-01-31 ann buy\n2026-01-31 ben visit")
    row = funnel(log, ["visit", "buy"]).iloc[1]
    assert np.isnan([row["censored_conversion_rate"], row["censored_conversion_rate_low"]]).all()
    assert row["conversion_rate"] == 0.5


def test_a_window_counts_as_watched_also_where_all_who_were_watched_converted():
    lines = [f"2026-01-01 u{k} visit\n2026-01-02 u{k} buy" for k in range(9)]
    log = event_log("\n".join([*lines, "2026-01-29 open visit"]))
    row = funnel(log, ["visit", "buy"]).iloc[1]
    assert row["censored_conversion_rate"] == pytest.approx(0.9)


def test_nothing_is_open_in_a_range_that_is_over_for_all_steps():
    log = event_log("2026-01-09 ann visit\n2026-01-01 ben buy")
    options = {"until": "2026-01-10", "as_of": "2026-01-12"}
    assert funnel(log, ["visit", "buy"], **options)["open"].tolist() == [0, 1]
    assert funnel(log, ["visit", "buy"], range_applies_to="all_steps", **options)["open"].tolist() == [0, 0]


def test_missing_values_of_every_kind_are_one_group():
    log = event_log("2026-01-01 ann visit\n2026-01-01 ben visit\n2026-01-01 cat visit\n2026-01-02 ann buy")
    log["plan"] = pd.Series([None, np.nan, pd.NA, "pro"], dtype="object")
    table = funnel(log, ["visit", "buy"], by="plan", attribution="all_events")
    first = table[table["step"] == 1]
    assert first["plan"].isna().tolist() == [True]
    assert first["users"].tolist() == [3]
    assert len(funnel(log[:0], ["visit", "buy"], by="plan", attribution="all_events")) == 0


def test_names_of_the_result_are_refused_as_groups():
    log = EDGES.assign(step="x")
    with pytest.raises(ValueError, match="by: 'step' is a column of the result"):
        funnel(log, by="step")


def test_an_entry_whose_window_ends_with_the_observation_is_mature():
    log = event_log("2026-01-01 ann visit\n2026-01-01 ben buy")
    assert users(log, as_of="2026-01-08", mature_only=True) == [1, 0]
    assert users(log, as_of="2026-01-07 23:59:59.999", mature_only=True) == [0, 0]


def test_microseconds_decide_the_order():
    start = pd.Timestamp("2026-01-01", tz="UTC")
    late = (("visit", 2), ("buy", 1))
    rows = [(f"u{k}", event, start + pd.Timedelta(microseconds=us)) for k in range(20) for event, us in late]
    log = pd.DataFrame(rows, columns=["user_id", "event", "timestamp"])
    assert users(log) == [20, 0]  # everybody bought one microsecond too early


def test_a_misspelt_argument_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match=r"conversion_funnel\(\) has no argument 'windows'. Did you mean 'window'"):
        conversion_funnel(EDGES, STEPS, as_of="2026-02-01", windows="7 days")


def test_two_columns_of_one_name_are_refused():
    twice = pd.concat([EDGES.assign(plan="a"), EDGES[["event"]].rename(columns={"event": "plan"})], axis=1)
    with pytest.raises(ValueError, match="two columns called 'plan'"):
        conversion_funnel(twice, STEPS, as_of="2026-02-01")
