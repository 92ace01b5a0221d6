"""The samples: logs read as event tables, the simulated product, the real orders."""

import hashlib
import io
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metrics.samples import event_log
from metrics.samples.cdnow import cdnow_orders, packaged_file
from metrics.samples.fieldnote import AS_OF, SEED, USERS, ZONE, Parameters, simulate, truth
from metrics.samples.fieldnote.writing import as_csv, write_demo

DATA = Path(__file__).parents[2] / "data"
DEMO = DATA / "demo"


@cache
def world() -> dict[str, pd.DataFrame]:
    return simulate()


@cache
def demo(name: str) -> pd.DataFrame:
    found = next(DEMO.glob(f"{name}.csv*"))
    return pd.read_csv(found, dtype="str", keep_default_na=False)


def planted(name: str) -> pd.DataFrame:
    """Rows of one planted user without the copies, with the local time beside them."""
    events = world()["events"].drop_duplicates("event_id")
    rows = events[events["user_id"] == name].sort_values("timestamp", kind="stable")
    return rows.assign(local=rows["timestamp"].dt.tz_convert(ZONE).map(lambda at: at.isoformat(" ", "milliseconds")))


# -- event_log ---------------------------------------------------------------------------------------------------------


def test_a_log_is_an_event_table_in_the_order_of_its_lines():
    log = event_log("""
        # anybody
        2026-01-02 10:00     bob  save

        2026-01-01           ann  visit   # midnight
    """)
    assert list(log.columns) == ["user_id", "event", "timestamp"]
    assert log["user_id"].tolist() == ["bob", "ann"]
    assert log["timestamp"].tolist() == [
        pd.Timestamp("2026-01-02 10:00", tz="UTC"),
        pd.Timestamp("2026-01-01", tz="UTC"),
    ]
    assert [str(kind) for kind in log.dtypes] == ["str", "str", "datetime64[us, UTC]"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-01", "2026-01-01 00:00:00"),
        ("2026-01-01 9:05", "2026-01-01 09:05:00"),
        ("2026-01-01 09:05:07", "2026-01-01 09:05:07"),
        ("2026-01-01 09:05:07.5", "2026-01-01 09:05:07.500"),
        ("2026-01-01 09:05:07.001", "2026-01-01 09:05:07.001"),
        ("2026-01-01 09:05:07.000001", "2026-01-01 09:05:07.000001"),
        ("2026-01-01 00:30Z", "2026-01-01 00:30"),
        ("2026-01-01 00:30+02:00", "2025-12-31 22:30"),
    ],
)
def test_a_time_may_be_as_short_as_it_is(written, read):
    assert event_log(f"{written} ann visit")["timestamp"][0] == pd.Timestamp(read, tz="UTC")


def test_times_are_local_to_the_zone_in_winter_and_in_summer():
    log = event_log("2026-03-28 10:00 ann a\n2026-03-29 10:00 ann b", tz="Europe/Berlin")
    assert log["timestamp"].dt.hour.tolist() == [9, 8]


def test_a_local_time_that_does_not_exist_names_its_line_and_both_offsets():
    with pytest.raises(ValueError, match=r"line 2: .*02:30 ann.* does not exist in Europe/Berlin") as caught:
        event_log("\n2026-03-29 02:30 ann visit", tz="Europe/Berlin")
    assert "02:30+01:00 or 02:30+02:00" in str(caught.value)


def test_a_local_time_that_exists_twice_needs_its_offset():
    with pytest.raises(ValueError, match="exists twice"):
        event_log("2026-10-25 02:30 ann visit", tz="Europe/Berlin")
    both = event_log("2026-10-25 02:30+02:00 ann a\n2026-10-25 02:30+01:00 ann b", tz="Europe/Berlin")
    assert both["timestamp"].diff()[1] == pd.Timedelta(hours=1)


def test_each_key_is_a_column_of_the_narrowest_type():
    log = event_log("""
        2026-01-01 ann save words=120 share=0.5 draft=true  plan=pro code=007 size="3"  mixed=1
        2026-01-01 bob save words=-3  share=1   draft=false plan=pro code=12  size="4"  mixed=many
        2026-01-01 cem save
    """)
    assert {key: str(log[key].dtype) for key in log.columns[3:]} == {
        "words": "Int64",
        "share": "float64",
        "draft": "boolean",
        "plan": "str",
        "code": "str",
        "size": "str",
        "mixed": "str",
    }
    assert log.loc[2, "words":].isna().all()
    assert log["code"].tolist()[:2] == ["007", "12"]
    assert log["words"].tolist()[:2] == [120, -3]


def test_a_complete_column_has_the_plain_type():
    log = event_log("2026-01-01 ann save words=1 draft=true\n2026-01-01 bob save words=2 draft=false")
    assert [str(log["words"].dtype), str(log["draft"].dtype)] == ["int64", "bool"]


def test_names_and_values_with_blanks_are_quoted():
    log = event_log('2026-01-01 "ann lee" "open a # note" title="my day" by=o\'hara')
    assert log.iloc[0][["user_id", "event", "title", "by"]].tolist() == ["ann lee", "open a # note", "my day", "o'hara"]


def test_an_empty_log_is_an_empty_event_table():
    log = event_log("\n  # nobody came\n")
    assert len(log) == 0
    assert [str(kind) for kind in log.dtypes] == ["str", "str", "datetime64[us, UTC]"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("yesterday ann visit", "does not begin with a date"),
        ("2026-02-30 ann visit", "does not begin with a date"),
        ("2026-01-01 25:00 ann visit", "does not begin with a date"),
        ("2026-01-01 10:00 ann", "no user and event"),
        ("2026-01-01", "no user and event"),
        ("2026-01-01 ann visit pro", "'pro' is not key=value"),
        ("2026-01-01 ann visit plan=pro plan=team", "'plan' is given twice"),
        ("2026-01-01 ann visit timestamp=3", "'timestamp' is a column of every event table"),
        ('2026-01-01 ann "visit', "is not key=value|no user and event"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line, said):
    with pytest.raises(ValueError, match=said) as caught:
        event_log(f"2026-01-01 ann visit\n{line}")
    assert str(caught.value).startswith("line 2: ")


# -- fieldnote: the files ----------------------------------------------------------------------------------------------


def test_the_files_in_the_repository_are_what_the_seed_makes():
    for name, table in world().items():
        text = as_csv(table)
        pd.testing.assert_frame_equal(demo(name), pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False))
    assert json.loads((DEMO / "truth.json").read_text("utf-8")) == json.loads(json.dumps(truth(SEED, USERS)))


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    written = []
    for name in ("first", "second"):
        write_demo(tmp_path / name, seed=7, users=60)
        files = sorted((tmp_path / name).iterdir())
        written.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
    assert written[0] == written[1]
    assert set(written[0]) == {file.name for file in DEMO.iterdir()}


def test_another_seed_is_another_world():
    assert not simulate(seed=1, users=60)["events"].equals(simulate(seed=2, users=60)["events"])


def test_the_demo_data_stay_under_two_megabytes():
    assert sum(file.stat().st_size for file in DEMO.iterdir()) < 2_000_000


# -- fieldnote: what an export has -------------------------------------------------------------------------------------


def test_events_lie_in_the_half_year_and_people_sign_up_on_all_days():
    events = world()["events"]
    local = events["timestamp"].dt.tz_convert(ZONE)
    assert local.min() >= pd.Timestamp("2026-01-01", tz=ZONE)
    assert local.max() < AS_OF
    days = local[events["event"] == "sign_up"].dt.date.nunique()
    assert days >= 178  # of 181


def test_one_row_in_a_hundred_comes_twice_and_is_the_same_event():
    events = world()["events"]
    copies = events[events["event_id"].duplicated(keep=False)]
    assert 0.008 < events["event_id"].duplicated().mean() < 0.012
    told = copies.drop(columns="received_at").fillna("").drop_duplicates()
    assert len(told) == copies["event_id"].nunique()
    assert copies.groupby("event_id")["received_at"].nunique().min() == 2


def test_some_rows_are_received_days_after_they_happened():
    events = world()["events"]
    delay = events["received_at"] - events["timestamp"]
    assert delay.min() >= pd.Timedelta(0)
    assert 0.01 < (delay > pd.Timedelta(days=1)).mean() < 0.02
    assert events["received_at"].is_monotonic_increasing  # an export is in order of arrival
    assert not events["timestamp"].is_monotonic_increasing


def test_few_rows_have_neither_user_nor_device():
    events = world()["events"]
    nobody = events["user_id"].isna() & events["anonymous_id"].isna()
    assert 10 <= nobody.sum() <= len(events) * 0.001


def test_visits_before_sign_up_are_anonymous_and_some_visitors_never_sign_up():
    events = world()["events"].drop_duplicates("event_id")
    anonymous = events[events["user_id"].isna() & events["anonymous_id"].notna()]
    assert set(anonymous["event"]) == {"visit"}
    known = set(events.loc[events["user_id"].notna(), "anonymous_id"])
    strangers = set(anonymous["anonymous_id"]) - known
    assert 500 < len(strangers) < 700
    joined = anonymous[anonymous["anonymous_id"].isin(known) & ~anonymous["anonymous_id"].str.startswith("edge")]
    sign_up = events[events["event"] == "sign_up"].groupby("anonymous_id")["timestamp"].min()
    assert (joined["timestamp"] < joined["anonymous_id"].map(sign_up)).mean() > 0.95


# -- fieldnote: people on every edge -----------------------------------------------------------------------------------


def test_somebody_acts_at_the_last_instant_of_the_window_and_somebody_a_millisecond_later():
    for name, after in [("edge-last-instant", 0), ("edge-too-late", 1)]:
        at = planted(name).set_index("event")["timestamp"]
        assert at["create_project"] - at["sign_up"] == pd.Timedelta(days=14) + pd.Timedelta(milliseconds=after)


def test_a_window_over_the_clock_change_ends_an_hour_later_on_the_clock():
    rows = planted("edge-clock-change").set_index("event")
    assert rows["timestamp"]["create_project"] - rows["timestamp"]["sign_up"] == pd.Timedelta(hours=336)
    assert rows["local"]["sign_up"].startswith("2026-03-20 10:00")
    assert rows["local"]["create_project"].startswith("2026-04-03 11:00")


def test_somebody_takes_three_steps_in_one_instant():
    rows = planted("edge-same-instant")
    assert len(rows) == 3
    assert len(set(rows["timestamp"])) == 1


def test_somebody_is_there_on_both_sides_of_midnight_and_of_the_missing_hour():
    midnight = planted("edge-midnight")["local"].tolist()
    assert midnight[0] == "2026-03-01 00:00:00.000+01:00"
    assert midnight[2:4] == ["2026-03-08 23:59:59.999+01:00", "2026-03-09 00:00:00.000+01:00"]
    missing = planted("edge-missing-hour")
    assert missing["timestamp"].diff().iloc[1] == pd.Timedelta(milliseconds=1)
    assert missing["local"].tolist() == ["2026-03-29 01:59:59.999+01:00", "2026-03-29 03:00:00.000+02:00"]


def test_somebody_has_one_event_and_somebody_signs_up_in_the_last_moment():
    assert len(planted("edge-one-event")) == 1
    assert planted("edge-last-day")["timestamp"].tolist() == [AS_OF - pd.Timedelta(milliseconds=1)]


def test_one_user_has_two_devices_and_one_device_two_users():
    assert planted("edge-two-devices")["anonymous_id"].nunique() == 2
    events = world()["events"]
    shared = events[events["anonymous_id"] == "edge-shared"]
    assert set(shared["user_id"].dropna()) == {"edge-first-of-shared", "edge-second-of-shared"}
    assert shared["user_id"].isna().sum() >= 2


# -- fieldnote: money and voice ----------------------------------------------------------------------------------------


def test_the_rows_of_a_subscription_follow_each_other_without_gap_or_overlap():
    rows = world()["subscriptions"].sort_values(["subscription_id", "start"])
    following = rows.groupby("subscription_id")["start"].shift(-1)
    assert (rows["end"].isna() | (rows["end"] > rows["start"])).all()
    assert (rows["end"] == following)[following.notna()].all()
    assert (rows["start"] < AS_OF).all()
    assert set(rows["status"]) == {"active", "past_due", "paused", "trialing"}
    assert {"EUR", "USD"} == set(rows["currency"])


def test_only_a_cancellation_plans_an_end_beyond_the_data():
    rows = world()["subscriptions"]
    planned = set(rows.loc[rows["end"] >= AS_OF, "subscription_id"])
    asked = world()["cancellations"]
    assert planned
    assert planned <= set(asked.loc[asked["outcome"] == "cancelled", "subscription_id"])


def test_some_customers_upgrade_and_some_come_back_with_another_subscription():
    rows = world()["subscriptions"]
    assert rows.groupby("subscription_id")["plan_id"].nunique().max() == 2
    assert rows.groupby("customer_id")["subscription_id"].nunique().max() >= 2


def test_every_key_leads_somewhere():
    tables = world()
    people = set(tables["customers"]["customer_id"])
    assert set(tables["customers"]["referrer_id"].dropna()) < people
    for name, column in [
        ("subscriptions", "customer_id"),
        ("cancellations", "customer_id"),
        ("invoices", "customer_id"),
        ("payment_methods", "customer_id"),
        ("survey_sends", "respondent_id"),
        ("survey_responses", "account_id"),
        ("emails", "recipient_id"),
        ("tickets", "customer_id"),
        ("contacts", "customer_id"),
        ("requests", "customer_id"),
        ("contents", "customer_id"),
        ("content_views", "user_id"),
        ("orders", "user_id"),
    ]:
        assert set(tables[name][column]) <= people, name
    assert set(tables["payment_attempts"]["invoice_id"]) == set(tables["invoices"]["invoice_id"])
    for name, key in [("orders", "order_id"), ("invoices", "invoice_id"), ("survey_responses", "response_id")]:
        assert tables[name][key].is_unique, name


def test_a_paid_invoice_has_a_successful_attempt_and_an_unpaid_one_has_none():
    tables = world()
    paid = tables["invoices"].set_index("invoice_id")["paid_at"].notna()
    attempts = tables["payment_attempts"]
    succeeded = set(attempts.loc[attempts["result"] == "succeeded", "invoice_id"])
    assert succeeded == set(paid[paid].index)


def test_some_answer_twice_and_some_answers_are_no_scores():
    answers = world()["survey_responses"]
    nps = answers[answers["question_type"] == "nps"]
    assert nps.duplicated(["survey_id", "respondent_id"]).any()
    number = pd.to_numeric(nps["score"], errors="coerce")
    unusable = number.isna() | ~number.between(0, 10) | (number % 1 != 0)
    assert 0 < unusable.mean() < 0.04


def test_refunds_are_few_and_negative():
    net = world()["orders"]["net"]
    assert 0 < (net < 0).mean() < 0.05
    assert (net != 0).all()
    assert np.isclose(net * 100, (net * 100).round()).all()


def test_the_truth_follows_from_the_parameters():
    law = truth(1, 10, Parameters(phone_share=0.5, active_if_alive=0.5, leaves_for_good=0.2))
    rates = law["funnel"]["step_conversion_rate"]
    assert rates["overall"]["confirm_email"] == pytest.approx((0.90 + 0.86) / 2)
    assert law["retention"]["retention_rate"]["2"] == pytest.approx(0.5 * 0.8 * 0.8)
    assert law["nps"]["free"]["net_promoter_score"] == pytest.approx(-5)


# -- CDNOW -------------------------------------------------------------------------------------------------------------


def test_cdnow_is_the_file_of_the_package():
    stored = pd.read_csv(DATA / "cdnow.csv", dtype={"date": "str"})
    pd.testing.assert_frame_equal(stored, cdnow_orders())
    raw = [line.split() for line in packaged_file().read_text("ascii").splitlines()]
    assert [int(line[1]) for line in raw] == stored["customer_id"].tolist()
    assert [line[2] for line in raw] == stored["date"].str.replace("-", "").tolist()
    assert [int(line[3]) for line in raw] == stored["quantity"].tolist()
    assert [float(line[4]) for line in raw] == stored["amount"].tolist()


def test_cdnow_is_the_sample_of_the_paper():
    orders = pd.read_csv(DATA / "cdnow.csv")
    assert (len(orders), orders["customer_id"].nunique()) == (6_919, 2_357)
    assert (orders["date"].min(), orders["date"].max()) == ("1997-01-01", "1998-06-30")
    first = orders.groupby("customer_id")["date"].min()
    assert first.max() == "1997-03-25"  # all of them first bought in the first twelve weeks


def test_the_licence_of_the_package_lies_beside_the_file():
    assert "Cameron Davidson-Pilon" in (DATA / "cdnow.LICENSE").read_text("utf-8")
    assert "Fader" in (DATA / "README.md").read_text("utf-8")
