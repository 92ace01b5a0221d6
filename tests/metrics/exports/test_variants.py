"""What vendors' files look like otherwise: other reports of the same product, older and newer ones, other containers."""

import datetime as dt
import json
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import metrics
from metrics.files import pieces
from metrics.store import loading
from tests.metrics.exports.reading import became, lines, seen, table, value
from tests.metrics.exports.test_events import amplitude, ga4, posthog, segment
from tests.metrics.test_pieces import loaded_alike

AT = 1_767_603_600  # 2026-01-05 09:00 UTC


# -- Amplitude


def test_amplitude_of_a_row_uploaded_twice_the_one_received_first_is_kept(tmp_path):
    rows = [
        amplitude("visit", "05 09:00:00.000000", insert="i1", server_received_time=f"2026-01-0{day} 10:00:00", page=page)
        for day, page in ((7, "late"), (6, "first"))
    ]  # fmt: skip
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert (became(load), value(load, "page")) == ({"kept": 1, "duplicate": 1}, "first")


def test_amplitude_without_a_device_its_own_id_tells_who_it_was(tmp_path):
    rows = [
        amplitude("visit", "05 09:00:00.000000", device=None),
        amplitude("buy", "05 09:01:00.000000", "ann", device=None),
        amplitude("visit", "05 09:02:00.000000", device=None, amplitude_id=8),
    ]
    assert seen(metrics.load_events(lines(tmp_path / "x.json", rows))) == [
        "09:00:00 ann visit", "09:01:00 ann buy", "09:02:00 8 visit",
    ]  # fmt: skip


def test_amplitude_merged_ids_beside_the_events_are_no_events(tmp_path):
    merged = {"scope": 1, "merge_event_time": "2026-01-05 09:00:00.0", "amplitude_id": 1, "merged_amplitude_id": 2}
    lines(tmp_path / "merged.json", [merged])
    lines(tmp_path / "x.json", [amplitude("visit", "05 09:00:00.000000", "ann")])
    assert became(metrics.load_events(tmp_path)) == {"kept": 1, "system": 1}


# -- Segment and RudderStack


def test_rudderstack_logs_have_calls_that_segment_has_not(tmp_path):
    row = segment("track", 1, "ann", event="Paid", sentAt="2026-01-05T12:00:00.500Z", channel="web", rudderId="r")
    del row["timestamp"]
    rows = [row, {**row, "messageId": "m", "type": "merge"}, {**row, "messageId": "n", "type": "audiencelist"}]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert (seen(load), became(load)) == (["09:00:59.500000 ann Paid"], {"kept": 1, "system": 2})


def test_rudderstack_tables_that_are_no_events(tmp_path):
    at = "2026-01-05 09:00:00"
    table(
        tmp_path / "users.csv",
        f"""
        id,received_at,uuid_ts,sent_at,timestamp,original_timestamp,email
        ann,{at},{at},{at},{at},{at},a@example.com
    """,
    )
    table(
        tmp_path / "rudder_discards.csv",
        f"""
        column_name,column_value,received_at,row_id,table_name,uuid_ts
        plan,7,{at},m1,tracks,{at}
    """,
    )
    table(
        tmp_path / "tracks.csv",
        f"""
        id,anonymous_id,user_id,event,event_text,original_timestamp,sent_at,received_at,timestamp,uuid_ts,channel
        m1,d,ann,signed_up,Signed Up,2026-01-05 12:00:00,2026-01-05 12:00:00,{at},{at},{at},web
    """,
    )
    load = metrics.load_events(tmp_path)
    assert (seen(load), became(load)) == (["09:00:00 ann Signed Up"], {"kept": 1, "system": 2})


# -- PostHog


def test_posthog_pages_of_the_api_call_the_key_otherwise(tmp_path):
    def entry(row):
        return {
            "id": row["uuid"],
            **{k: v for k, v in row.items() if k != "uuid"},
            "person": None,
            "elements_chain": "",
        }

    rows = [
        posthog("$pageview", 1, "d1", **{"$device_id": "d1"}),
        posthog("$identify", 2, "ann", **{"$anon_distinct_id": "d1"}),
        posthog("buy", 3, "ann", plan="pro"),
        posthog("buy", 3, "ann", plan="pro"),  # at the end of a page and at the beginning of the next
    ]
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"next": "https://posthog.example/api", "results": [entry(row) for row in rows]}))
    load = metrics.load_events(page)
    assert seen(load) == ["09:01:00 ann $pageview", "09:03:00 ann buy"]
    assert became(load) == {"kept": 2, "duplicate": 1, "system": 1}
    assert load.events["event_id"].tolist() == ["u$pageview1", "ubuy3"]
    assert load.format.startswith("posthog (")


def test_times_days_and_amounts_of_parquet_stay_what_they_are(tmp_path, monkeypatch):
    n = 8
    moment = pd.Timestamp("2026-01-05 09:00", tz="UTC")
    rows = {
        "uuid": [f"u{i}" for i in range(n)], "event": ["visit"] * n, "distinct_id": ["ann"] * n,
        "properties": ["{}"] * n, "team_id": [1] * n, "timestamp": [moment] * n,
        "_inserted_at": [None] * 5 + [moment] * 3, "wall": [moment.tz_localize(None)] * n,
        "day": [dt.date(2026, 1, 5)] * n, "price": [Decimal("1.50")] * (n - 1) + [None],
    }  # fmt: skip
    pq.write_table(pa.table(rows), tmp_path / "x.parquet", row_group_size=3)
    monkeypatch.setattr(pieces, "ROWS", 3)
    monkeypatch.setattr(loading, "ROWS", 4)
    events = loaded_alike(tmp_path / "x.parquet", tmp_path / "o.parquet").events
    assert events["_inserted_at"].dtype == "datetime64[us, UTC]"
    assert (events["wall"].dtype, events["day"].iloc[0], events["price"].iloc[0]) == (
        "datetime64[us]",
        "2026-01-05",
        1.5,
    )


# -- GA4


def test_ga4_before_there_were_ids_of_a_batch_the_parameters_tell_rows_apart(tmp_path):
    rows = [ga4("select_item", 1, "ann", item="a"), ga4("select_item", 1, "ann", item="b")]
    rows.append(rows[0])
    for row in rows:
        row.pop("batch_event_index", None)
    load = metrics.load_events(lines(tmp_path / "events_20260105.jsonl", rows))
    assert (became(load), sorted(load.events["item"])) == ({"kept": 2, "duplicate": 1}, ["a", "b"])


def test_ga4_parquet_as_bigquery_writes_lists(tmp_path):
    told = [{"key": "page", "value": {"string_value": "/", "int_value": None}},
            {"key": "n", "value": {"string_value": None, "int_value": 3}}]  # fmt: skip
    for listed in (told, {"list": [{"element": one} for one in told]}, {"list": [{"item": one} for one in told]}):
        row = {"event_date": "20260105", "event_timestamp": AT * 10**6, "event_name": "visit", "event_params": listed,
               "user_pseudo_id": "1.2", "user_id": "ann"}  # fmt: skip
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "x.parquet")
        load = metrics.load_events(tmp_path / "x.parquet")
        assert seen(load) == ["09:00:00 ann visit"]
        assert (value(load, "page"), value(load, "n")) == ("/", 3)


# -- Heap


@pytest.mark.parametrize(
    "part", ["000000_0.csv", "part-0001.csv", "part-00000-1f0e3dad-9990-8345-b1f1-2c0a4f5e6d7c.csv"]
)
def test_heap_a_part_of_a_table_is_named_by_its_folder(tmp_path, part):
    table(
        tmp_path / "pageviews" / part,
        """
        event_id,user_id,session_id,time,path
        1,11,5,2026-01-05 09:00:00,/
    """,
    )
    table(tmp_path / "users" / part, "user_id,identity,joindate\n11,ann,2026-01-01")
    load = metrics.load_events(tmp_path)
    assert (seen(load), load.events["event_id"].tolist()) == (["09:00:00 ann pageviews"], ["1:pageviews"])


# -- Stripe


def stripe_csv(path, zone):
    return table(
        path,
        f"""
        id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Start{zone},Trial End{zone},Canceled At{zone},Ended At{zone}
        sub_1,cus_1,Pro,1,eur,month,19.00,canceled,2026-01-05 09:00,,2026-07-01 09:00,2026-07-05 09:00
    """,
    )


@pytest.mark.parametrize(
    ("zone", "declared", "hours"),
    [
        (" (UTC)", None, ["09", "09"]), (" (GMT)", None, ["09", "09"]), (" (America/New_York)", None, ["14", "13"]),
        (" (EST)", "America/New_York", ["14", "13"]), ("", "UTC", ["09", "09"]),
        (" (UTC)", "America/New_York", ["09", "09"]),
    ],
)  # fmt: skip
def test_stripe_times_are_on_the_clock_that_their_columns_name(tmp_path, zone, declared, hours):
    path = stripe_csv(tmp_path / "x.csv", zone)
    options = {"account_timezone": declared} if declared else {}
    load = metrics.load_events(path, **options)
    assert load.events["timestamp"].dt.strftime("%H").tolist()[:2] == hours  # in winter and in summer
    states = metrics.read_subscriptions(path, **options)
    assert [states["start"].dt.strftime("%H").item(), states["end"].dt.strftime("%H").item()] == hours


@pytest.mark.parametrize("zone", ["", " (EST)", " (PST)", " (America/Nowhere)"])
def test_stripe_times_on_an_unknown_clock_are_refused(tmp_path, zone):
    with pytest.raises(
        metrics.EventTableError, match=r"x.csv: column 'Start.*not sure in which zone.*account_timezone="
    ):
        metrics.load_events(stripe_csv(tmp_path / "x.csv", zone))


# -- Surveys


def test_surveymonkey_choices_have_the_name_of_their_question(tmp_path):
    path = table(
        tmp_path / "x.csv",
        """
        Respondent ID,Collector ID,Start Date,End Date,Custom Data 1,Would you recommend us?,What do you use?,,,Why?
        ,,,,,Response,Mail,Chat,Other (please specify),Open-Ended Response
        118000000001,9,01/05/2026 12:55:00 AM,01/05/2026 01:00:00 AM,ann,10 - Extremely likely,Mail,,,because
        118000000002,9,01/05/2026 12:55:00 AM,01/05/2026 01:00:00 AM,bob,3,,Chat,phone,
    """,
    )
    load = metrics.load_events(path, account_timezone="America/Los_Angeles")
    assert load.events["comment"].tolist()[0] == "because"
    assert load.events["What do you use?: Chat"].isna().tolist() == [True, False]
    assert load.events["What do you use?: Other (please specify)"].tolist()[1] == "phone"


# -- Mails


def entry(address, **more):
    return {"campaign_id": "c1", "list_id": "l", "email_id": "e", "email_address": address, **more}


def page(path, name, entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: entries, "campaign_id": "c1", "total_items": len(entries), "_links": []}))
    return path


OPEN = {"action": "open", "timestamp": "2026-01-05T09:00:00+00:00", "ip": "192.0.2.1"}
CLICK = {"action": "click", "timestamp": "2026-01-05T09:01:00+00:00", "url": "https://x.example"}
BOUNCE = {"action": "bounce", "type": "hard", "timestamp": "2026-01-05T09:02:00+00:00"}


def test_mailchimp_reports_of_the_api_are_read_together(tmp_path):
    folder = tmp_path / "reports"
    page(
        folder / "1.json",
        "emails",
        [entry("Ann@Example.com", activity=[OPEN, CLICK]), entry("bob@example.com", activity=[BOUNCE])],
    )
    opens = [
        {"timestamp": OPEN["timestamp"], "is_proxy_open": True},
        {"timestamp": "2026-01-05T10:00:00+00:00", "is_proxy_open": False},
    ]
    page(folder / "2.json", "members", [entry("ann@example.com", opens_count=2, opens=opens)])
    page(
        folder / "3.json",
        "unsubscribes",
        [entry("ann@example.com", reason="None given", timestamp="2026-01-05T11:00:00+00:00")],
    )
    page(
        folder / "4.json", "sent_to", [entry("cy@example.com", status="sent", absplit_group="", open_count=0)]
    )  # no time
    load = metrics.load_events(folder)
    assert seen(load) == [
        "09:00:00 ann@example.com email_open", "09:01:00 ann@example.com email_click", "09:02:00 bob@example.com email_bounce",
        "10:00:00 ann@example.com email_open", "11:00:00 ann@example.com email_unsub",
    ]  # fmt: skip
    assert became(load) == {"kept": 4, "system": 1}
    assert load.events["campaign"].unique().tolist() == ["c1"]
    mails = metrics.read_campaigns(folder)
    assert mails["event"].tolist() == ["opened", "clicked", "bounced", "opened", "unsubscribed"]
    assert mails["machine"].tolist()[0] is True  # the report of the opens knows, that of the activity does not


def test_mailchimp_answers_of_a_batch_hold_pages_of_reports(tmp_path):
    def answer(id, status=200, **response):
        return {"status_code": status, "operation_id": id, "response": json.dumps(response)}

    rows = [
        answer("a", campaign_id="c1", emails=[entry("Ann@Example.com", activity=[OPEN, CLICK]), entry("cy@example.com", activity=[])], total_items=2),
        answer("b", campaign_id="c1", members=[entry("ann@example.com", opens_count=1, opens=[{"timestamp": OPEN["timestamp"], "is_proxy_open": False}])]),
        answer("c", 404, title="Resource Not Found"),
        answer("d", campaign_id="c1", urls_clicked=[{"id": "u1", "url": "https://x.example", "total_clicks": 3}]),
    ]  # fmt: skip
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(rows))
    load = metrics.load_events(path)
    assert load.format.startswith("mailchimp")
    assert seen(load) == ["09:00:00 ann@example.com email_open", "09:01:00 ann@example.com email_click"]
    assert set(load.events["campaign"]) == {"c1"}
    assert load.account.set_index("stage").loc["system", ["reason", "rows"]].tolist() == ["a request of a batch without recipients", 2]  # fmt: skip
    mails = metrics.read_campaigns(path)
    assert mails[["campaign_id", "event"]].values.tolist() == [["c1", "opened"], ["c1", "clicked"]]
    assert mails["machine"].tolist()[0] is False


def test_customerio_mails_that_are_of_no_campaign(tmp_path):
    def webhook(id, **data):
        return {"event_id": id, "metric": "sent", "object_type": "email", "timestamp": AT, "data": {"customer_id": "ann", "delivery_id": id, **data}}  # fmt: skip

    rows = [
        webhook("1", campaign_id=5), webhook("2", newsletter_id=5), webhook("3", broadcast_id=5),
        webhook("4", transactional_message_id=5), webhook("5"),
    ]  # fmt: skip
    mails = metrics.read_campaigns(lines(tmp_path / "x.jsonl", rows))
    assert mails["campaign_id"].tolist() == ["5", "newsletter 5", "broadcast 5", "transactional 5", "no campaign"]


# -- What a server says instead of data


@pytest.mark.parametrize(
    "told",
    [
        {"request": "/api/2.0/export?from_date=x", "error": "Invalid API secret"},
        {"status": "error", "error": "Unable to authenticate", "request": "x"},
        {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "no access"},
    ],
)
def test_an_error_of_the_api_is_no_export(tmp_path, told):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(told))
    with pytest.raises(metrics.EventTableError, match=r"x.json: is an error message, not data"):
        metrics.load_events(path)


# -- Several records on one line


@pytest.mark.parametrize("written", ["page", "one line", "three lines"])
def test_records_that_share_a_line_are_counted_one_by_one(tmp_path, written):
    rows = [entry(f"u{i}@example.com", activity=[OPEN, CLICK]) for i in range(3)] + [
        entry("cy@example.com", activity=3)
    ]
    path = tmp_path / "x.json"
    if written == "page":
        page(path, "emails", rows)
    else:
        path.write_text(json.dumps([*rows, 7], indent=1 if written == "three lines" else None))
    load = metrics.load_events(path, max_refused=0.5)
    assert became(load) == {"kept": 3, "rejected": 1 + (written != "page")}
    if written == "one line":
        assert load.rejected["line"].tolist() == [4, 5]
