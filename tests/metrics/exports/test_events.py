"""Exports of product events: each vendor's oddities, on someone who meets them."""

import gzip
import io
import json
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import metrics
from tests.metrics.exports.reading import DAY, became, lines, seen, table, value

# -- Amplitude


def amplitude(event, time, user=None, device="phone", insert="", **more):
    return {
        "event_type": event, "event_time": f"2026-01-{time}", "user_id": user, "device_id": device,
        "$insert_id": insert or None, "uuid": f"{event}{time}{user}", "amplitude_id": 7, "event_properties": {}, **more,
    }  # fmt: skip


def test_amplitude_times_are_utc_and_devices_are_stitched(tmp_path):
    rows = [
        amplitude("visit", "05 09:00:00.120000", event_properties={"path": "/", "tags": ["a"]}),
        amplitude("$identify", "05 09:01:00.000000", "ann"),
        amplitude("buy", "05 09:02:00.000000", "ann"),
        amplitude("visit", "05 09:03:00.000000", device="laptop"),
    ]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert seen(load) == ["09:00:00.120000 ann visit", "09:02:00 ann buy", "09:03:00 laptop visit"]
    assert became(load) == {"kept": 3, "system": 1}
    assert (value(load, "path"), value(load, "tags")) == ("/", '["a"]')
    assert load.format == "amplitude (JSON with 'event_type' and '$insert_id' or 'amplitude_id')"


def test_amplitude_the_same_insert_id_is_one_event_on_one_device_for_seven_days(tmp_path):
    rows = [
        amplitude("visit", "05 09:00:00.000000", insert="i1"),
        amplitude("visit", "05 09:00:00.000000", insert="i1"),  # sent again
        amplitude("visit", "05 09:00:00.000000", insert="i1", device="laptop"),
        amplitude("visit", "11 09:00:00.000000", insert="i1"),  # within seven days
        amplitude("visit", "12 09:00:00.000000", insert="i1"),  # the first moment after them
        amplitude("visit", "05 10:00:00.000000"),  # no insert id: its uuid
        amplitude("visit", "05 10:00:00.000000"),
    ]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert became(load) == {"kept": 4, "duplicate": 3}


def test_amplitude_an_archive_of_gzipped_hours_and_a_zip_that_calls_itself_gzip(tmp_path):
    row = json.dumps(amplitude("visit", "05 09:00:00.000000")).encode()
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1/1_2026-01-05_9#0.json", row)
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("1/1_2026-01-05_9#0.json.gz", gzip.compress(row))
        archive.writestr("1/1_2026-01-05_10#0.json.gz", inner.getvalue())
    (tmp_path / "export.zip").write_bytes(outer.getvalue())
    assert became(metrics.load_events(tmp_path / "export.zip")) == {"kept": 1, "duplicate": 1}


# -- Segment and RudderStack


def segment(kind, minute, user=None, device="phone", id=None, **more):
    at = f"2026-01-05T09:{minute:02d}:00.000Z"
    return {
        "type": kind, "messageId": id or f"{kind}{minute}", "anonymousId": device, "userId": user, "timestamp": at,
        "originalTimestamp": "2026-01-05T12:00:00.000Z", "receivedAt": at, **more,
    }  # fmt: skip


def test_segment_calls_are_events_or_say_who_somebody_is(tmp_path):
    rows = [
        segment("page", 1, properties={"path": "/"}),
        segment("track", 2, "", event="Signed Up", properties={"plan": "free", "none": None}),
        segment("identify", 3, "ann", traits={"email": "a@example.com"}),
        segment("screen", 4, "ann", name="Home"),
        segment("track", 5, device="old", event="Clicked"),
        segment("alias", 6, "ann", device=None, previousId="old"),
        segment("group", 7, "ann", groupId="g"),
        segment("track", 8, "ann", device=None, event="Paid", id="server"),
        segment("track", 9, "ann", device=None, event="Paid", id="server"),  # delivered again, later
    ]
    load = metrics.load_events(lines(tmp_path / "x.json", rows[::-1]))
    assert seen(load) == [
        "09:01:00 ann Page Viewed", "09:02:00 ann Signed Up", "09:04:00 ann Screen Viewed", "09:05:00 ann Clicked",
        "09:08:00 ann Paid",
    ]  # fmt: skip
    assert became(load) == {"kept": 5, "duplicate": 1, "system": 3}
    assert (value(load, "path"), value(load, "plan", 1), value(load, "name", 2)) == ("/", "free", "Home")


def test_segment_a_missing_time_is_that_of_receipt_less_what_the_device_took_to_send(tmp_path):
    row = segment("track", 10, "ann", event="Paid", sentAt="2026-01-05T12:00:30.000Z")  # a clock three hours fast
    del row["timestamp"]
    assert seen(metrics.load_events(lines(tmp_path / "x.json", [row]))) == ["09:09:30 ann Paid"]


TRACKS = """
    id,received_at,uuid_ts,anonymous_id,user_id,event,event_text,timestamp
    m1,2026-01-05 09:00:01.000,2026-01-05 11:00:00.000,phone,ann,signed_up,Signed Up,2026-01-05 09:00:00.000
    m2,2026-01-05 09:05:01.000,2026-01-05 11:00:00.000,phone,,clicked,Clicked,2026-01-05 09:05:00.000
"""


def test_segment_tables_of_a_warehouse_come_together_and_the_row_with_properties_is_kept(tmp_path):
    table(tmp_path / "tracks.csv", TRACKS)
    table(
        tmp_path / "signed_up.csv",
        """
        id,received_at,anonymous_id,user_id,event,event_text,plan,timestamp
        m1,2026-01-05 09:00:01.000,phone,ann,signed_up,Signed Up,pro,2026-01-05 09:00:00.000
        """,
    )
    table(
        tmp_path / "pages.csv",
        """
        id,received_at,anonymous_id,user_id,url,path,timestamp
        m3,2026-01-05 08:59:01.000,phone,,https://x.example/,/,2026-01-05 08:59:00.000
        """,
    )
    table(
        tmp_path / "identifies.csv",
        """
        id,received_at,anonymous_id,user_id,email,timestamp
        m4,2026-01-05 09:00:01.000,phone,ann,a@example.com,2026-01-05 09:00:00.000
        """,
    )
    load = metrics.load_events(tmp_path)
    assert seen(load) == ["08:59:00 ann Page Viewed", "09:00:00 ann Signed Up", "09:05:00 ann Clicked"]
    assert became(load) == {"kept": 3, "duplicate": 1, "system": 1}
    assert value(load, "plan", 1) == "pro"


# -- Mixpanel

NOON = 1_767_614_400  # 2026-01-05 12:00 UTC


def mixpanel(event, seconds, user=None, device="phone", insert=None, processed=1, **more):
    told = {"time": seconds, "distinct_id": user or f"$device:{device}", "mp_processing_time_ms": processed, **more}
    told |= {"$device_id": device} if device else {}
    told |= {"$user_id": user} if user else {}
    return {"event": event, "properties": told | ({"$insert_id": insert} if insert else {})}


def test_mixpanel_repeated_rows_go_and_the_one_processed_last_is_kept(tmp_path):
    rows = [
        mixpanel("visit", NOON, insert="i1", processed=5, page="new"),
        mixpanel("visit", NOON, insert="i1", processed=2, page="old"),
        mixpanel("visit", NOON + 60, insert="i1", processed=1),  # the same day: the same event
        mixpanel("visit", NOON + 86_400, insert="i1"),  # another day
        mixpanel("visit", NOON),  # no insert id: nothing tells that it is the same
        mixpanel("$identify", NOON + 60, **{"$identified_id": "ann", "$anon_id": "$device:phone"}),
        mixpanel("buy", NOON + 120, "ann", insert="i2"),
        mixpanel("buy", NOON + 180, "bob", device=None, insert="i3"),
    ]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert became(load) == {"kept": 5, "duplicate": 2, "system": 1}
    assert seen(load)[:2] == ["12:00:00 ann visit", "12:00:00 ann visit"]
    assert "new" in load.events["page"].tolist()
    assert "old" not in load.events["page"].tolist()
    assert seen(load)[2:4] == ["12:02:00 ann buy", "12:03:00 bob buy"]


def test_mixpanel_milliseconds_and_the_clock_of_an_old_project(tmp_path):
    path = lines(tmp_path / "ms.json", [mixpanel("visit", NOON * 1000 + 5, "ann")])
    assert seen(metrics.load_events(path)) == ["12:00:00.005000 ann visit"]
    path = lines(tmp_path / "local.json", [mixpanel("visit", NOON, "ann"), mixpanel("visit", 1_783_252_800, "ann")])
    load = metrics.load_events(path, project_timezone="America/Los_Angeles")
    assert seen(load) == ["20:00:00 ann visit", "2026-07-05 19:00:00 ann visit"]  # -8 in winter, -7 in summer


def test_mixpanel_aliases_and_merges_tie_a_device_to_a_user(tmp_path):
    rows = [
        mixpanel("visit", NOON, device="d1"),
        mixpanel("visit", NOON, device="d2"),
        {"event": "$create_alias", "properties": {"time": NOON + 1, "distinct_id": "d1", "alias": "ann"}},
        {"event": "$merge", "properties": {"time": NOON + 1, "$distinct_ids": ["$device:d2", "bob"]}},
    ]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert sorted(load.events["user_id"]) == ["ann", "bob"]


# -- PostHog


def posthog(event, minute, who, **properties):
    at = f"2026-01-05T09:{minute:02d}:00+00:00"
    return {"uuid": f"u{event}{minute}", "event": event, "distinct_id": who, "timestamp": at, "properties": properties}


POSTHOG = [
    posthog("$pageview", 1, "d1", **{"$device_id": "d1"}),
    posthog("$identify", 2, "ann", **{"$anon_distinct_id": "d1"}),
    posthog("buy", 3, "ann", **{"$device_id": "d1", "plan": "pro"}),
    posthog("buy", 3, "ann", **{"$device_id": "d1", "plan": "pro"}),  # a retry
    posthog("$pageview", 4, "d2"),
    posthog("$pageview", 5, "d3", **{"$is_identified": False}),
    posthog("$set", 6, "ann"),
]
POSTHOG_SEEN = ["09:01:00 ann $pageview", "09:03:00 ann buy", "09:04:00 d2 $pageview", "09:05:00 d3 $pageview"]


def test_posthog_lines_and_parquet_are_the_same_events(tmp_path):
    load = metrics.load_events(lines(tmp_path / "x.jsonl", POSTHOG))
    written = pd.DataFrame(POSTHOG)
    written["properties"] = written["properties"].map(json.dumps)
    written["timestamp"] = pd.to_datetime(written["timestamp"])
    written.to_parquet(tmp_path / "x.parquet")
    other = metrics.load_events(tmp_path / "x.parquet")
    for one in (load, other):
        assert seen(one) == POSTHOG_SEEN
        assert became(one) == {"kept": 4, "duplicate": 1, "system": 2}
        assert value(one, "plan", 1) == "pro"


# -- GA4


def ga4(event, minute, user=None, device="1.2", index=1, date="20260105", **params):
    typed = [
        {"key": k, "value": {"int_value" if isinstance(v, int) else "string_value": str(v)}} for k, v in params.items()
    ]
    row = {
        "event_date": date, "event_timestamp": str(1_767_603_600_000_000 + minute * 60_000_000), "event_name": event,
        "event_params": typed, "user_pseudo_id": device, "event_bundle_sequence_id": "1", "batch_event_index": str(index),
    }  # fmt: skip
    return {name: value for name, value in {**row, "user_id": user}.items() if value is not None}


def test_ga4_parameters_are_typed_and_an_intraday_table_gives_way_to_its_day(tmp_path):
    folder = tmp_path / "ga4"
    day = [
        ga4("page_view", 1, page_location="https://x.example/", ga_session_id=12),
        ga4("sign_up", 2, "ann"),
        ga4("scroll", 2, "ann"),  # the same instant and bundle, another event
        ga4("scroll", 2, "ann"),  # the same in all that tells rows apart
        ga4("page_view", 3, device=None),  # no consent
    ]
    lines(folder / "events_20260105.jsonl", day)
    lines(folder / "events_intraday_20260105.jsonl", [ga4("sign_up", 2, "ann")])
    lines(folder / "events_intraday_20260106.jsonl", [ga4("page_view", 1440, "ann", date="20260106")])
    load = metrics.load_events(folder)
    assert sorted(seen(load)) == [
        "09:01:00 ann page_view", "09:02:00 ann scroll", "09:02:00 ann sign_up", "2026-01-06 09:00:00 ann page_view",
    ]  # fmt: skip
    assert became(load) == {"kept": 4, "duplicate": 2, "system": 1}
    assert value(load, "ga_session_id") == 12


def test_ga4_rows_without_a_date_are_of_no_day_that_another_table_could_replace(tmp_path):
    lines(tmp_path / "events_20260105.jsonl", [ga4("page_view", 1, "ann", date=None)])
    lines(tmp_path / "events_intraday_20260106.jsonl", [ga4("sign_up", 2, "ann", date=None)])
    load = metrics.load_events(tmp_path)
    assert seen(load) == ["09:01:00 ann page_view", "09:02:00 ann sign_up"]


def test_ga4_as_parquet(tmp_path):
    row = ga4("sign_up", 2, "ann", plan="pro")
    row["event_timestamp"] = int(row["event_timestamp"])
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "events_20260105.parquet")
    load = metrics.load_events(tmp_path / "events_20260105.parquet")
    assert seen(load) == ["09:02:00 ann sign_up"]
    assert value(load, "plan") == "pro"


# -- Heap


def test_heap_tables_come_together_and_long_ids_stay_whole(tmp_path):
    long, other, old = "8123456789012345678", "8123456789012345679", "8000000000000000001"
    table(
        tmp_path / "all_events.csv",
        f"""
        event_id,user_id,session_id,event_table_name,time
        9007199254740993,{long},1,pageviews,2026-01-05 09:00:00.000
        9007199254740994,{long},1,signups,2026-01-05 09:01:00.000
        9007199254740994,{long},1,clicks,2026-01-05 09:01:00.000
        9007199254740995,{old},2,pageviews,2026-01-05 09:02:00.000
        9007199254740996,{other},3,pageviews,2026-01-05 09:03:00.000
        """,
    )
    table(
        tmp_path / "signups.csv",
        f"""
        event_id,user_id,session_id,time,plan
        9007199254740994,{long},1,2026-01-05 09:01:00.000,pro
        """,
    )
    table(tmp_path / "users.csv", f"user_id,identity,joindate\n{long},ann,2026-01-05\n{other},,2026-01-05")
    table(tmp_path / "user_migrations.csv", f"from_user_id,to_user_id\n{old},{long}")
    load = metrics.load_events(tmp_path)
    assert sorted(seen(load)) == [
        "09:00:00 ann pageviews", "09:01:00 ann clicks", "09:01:00 ann signups", "09:02:00 ann pageviews",
        f"09:03:00 {other} pageviews",
    ]  # fmt: skip
    assert became(load) == {"kept": 5, "duplicate": 1, "system": 3}
    assert "9007199254740994:signups" in load.events["event_id"].tolist()
    assert load.events.set_index("event_id").loc["9007199254740994:signups", "plan"] == "pro"


# -- Snowplow


def snowplow(**fields):
    from metrics.exports.snowplow import NAMES

    always = {
        "app_id": "web", "platform": "web", "etl_tstamp": "2026-01-05 10:00:00.000", "event_format": "jsonschema",
        "collector_tstamp": "2026-01-05 09:59:00.000", "dvce_created_tstamp": "2026-01-05 12:00:00.000",
    }  # fmt: skip
    return "\t".join(str({**always, **fields}.get(name, "")) for name in NAMES)


ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def test_snowplow_events_are_named_by_what_they_are(tmp_path):
    told = {"schema": "iglu:x", "data": {"schema": "iglu:y", "data": {"plan": "pro", "quote": 'say "hi"'}}}
    text = [
        snowplow(event_id=ONE, event="page_view", event_name="page_view", domain_userid="d1", derived_tstamp="2026-01-05 09:00:00.000", event_fingerprint="a"),
        snowplow(event_id=ONE, event="page_view", event_name="page_view", domain_userid="d1", derived_tstamp="2026-01-05 09:00:00.000", event_fingerprint="a"),
        snowplow(event_id=ONE, event="struct", event_name="event", se_action="clicked", domain_userid="d1", derived_tstamp="2026-01-05 09:00:01.000", event_fingerprint="b"),
        snowplow(event_id=TWO, event="unstruct", event_name="signed_up", user_id="ann", domain_userid="d1", derived_tstamp="2026-01-05 09:01:00.000", unstruct_event=json.dumps(told)),
        "cut\tshort",
    ]  # fmt: skip
    (tmp_path / "part-0").write_text("\n".join(text) + "\n")
    load = metrics.load_events(tmp_path / "part-0", max_refused=0.5)
    assert seen(load) == ["09:00:00 ann page_view", "09:00:01 ann clicked", "09:01:00 ann signed_up"]
    assert became(load) == {"kept": 3, "duplicate": 1, "rejected": 1}
    assert (value(load, "plan", 2), value(load, "quote", 2)) == ("pro", 'say "hi"')
    assert load.events["event_id"].is_unique


def test_snowplow_a_file_of_one_line_has_a_row_for_there_is_no_header(tmp_path):
    for day in (5, 6):
        row = snowplow(event_id=ONE, event="page_view", user_id="ann", derived_tstamp=f"2026-01-0{day} 09:00:00.000")
        (tmp_path / f"part-{day}").write_text(row + "\n")
    load = metrics.load_events(tmp_path, dedupe=False)
    assert load.account[["stage", "rows"]].to_numpy().tolist()[:2] == [["read", 2], ["kept", 2]]


def test_snowplow_tables_of_a_warehouse_have_names(tmp_path):
    def row(id, at, event, name, action="", user="", told=""):
        return f'web,2026-01-05 {at},2026-01-05 09:59:00.000,{event},{name},{action},{id},{user},d1,"{told}"'

    head = "app_id,derived_tstamp,collector_tstamp,event,event_name,se_action,event_id,user_id,domain_userid,unstruct_event_com_acme_signed_up_1"
    told = json.dumps({"plan": "pro", "coupon": None}).replace('"', '""')
    rows = [
        row(ONE, "09:00:00.000", "page_view", "page_view"), row(ONE, "09:00:00.000", "page_view", "page_view"),
        row(TWO, "09:00:01.000", "struct", "event", "clicked"),
        row("3" + TWO[1:], "09:01:00.000 UTC", "unstruct", "signed_up", user="ann", told=told),
    ]  # fmt: skip
    (tmp_path / "events.csv").write_text("\n".join([head, *rows]) + "\n")
    load = metrics.load_events(tmp_path / "events.csv")
    assert load.format.startswith("snowplow_table")
    assert seen(load) == ["09:00:00 ann page_view", "09:00:01 ann clicked", "09:01:00 ann signed_up"]
    assert became(load) == {"kept": 3, "duplicate": 1}
    assert value(load, "plan", 2) == "pro"
    assert not {"unstruct_event_com_acme_signed_up_1", "coupon"} & set(load.events)


def test_snowplow_names_in_capitals_and_structs_are_the_same_table(tmp_path):
    table = pd.DataFrame({
        "EVENT_ID": [ONE, TWO], "COLLECTOR_TSTAMP": pd.to_datetime(["2026-01-05 09:00:00", "2026-01-05 09:01:00"]),
        "DERIVED_TSTAMP": pd.to_datetime([None, "2026-01-05 09:00:59"]), "EVENT": ["page_view", "unstruct"],
        "EVENT_NAME": ["page_view", "signed_up"], "USER_ID": [None, "ann"], "DOMAIN_USERID": ["d1", "d1"],
        "UNSTRUCT_EVENT_COM_ACME_SIGNED_UP_1_0_0": [None, {"plan": "pro"}],
    })  # fmt: skip
    table.to_parquet(tmp_path / "events.parquet")
    load = metrics.load_events(tmp_path / "events.parquet")
    assert seen(load) == ["09:00:00 ann page_view", "09:00:59 ann signed_up"]
    assert value(load, "plan", 1) == "pro"
    lines(tmp_path / "x.jsonl", [{"event_id": ONE, "collector_tstamp": "2026-01-05 09:00:00 UTC", "derived_tstamp": None, "event_name": "x", "domain_userid": "d1"}])  # fmt: skip
    assert seen(metrics.load_events(tmp_path / "x.jsonl")) == ["09:00:00 d1 x"]


# -- What any vendor's file may bring


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("amplitude", amplitude("visit", "05 09:00:00.000000", "ann")),
        ("segment", segment("track", 0, "ann", event="visit")),
        ("mixpanel", mixpanel("visit", NOON, "ann", insert="i")),
        ("posthog", posthog("visit", 0, "ann")),
        ("ga4", ga4("visit", 0, "ann")),
    ],
)
def test_records_that_are_broken_or_of_another_shape_are_rejected_with_their_line(tmp_path, name, row):
    strange = [{}, dict.fromkeys(row), dict.fromkeys(row, 7), {key: {"a": [1]} for key in row}]
    good = [json.dumps(row)] * 20
    path = tmp_path / "x.json"
    path.write_text("\n".join([*good, "{", "[]", "7", *map(json.dumps, strange)]) + "\n")
    load = metrics.load_events(path, format=name, max_refused=0.9, dedupe=False)
    assert became(load)["kept"] == 20
    assert load.rejected["line"].between(21, 27).all()
    assert load.rejected["reason"].notna().all()


def test_two_formats_in_one_folder_are_read_each_by_its_rules(tmp_path):
    lines(tmp_path / "a.json", [amplitude("visit", "05 09:00:00.000000", "ann", insert="i")])
    lines(tmp_path / "b.json", [segment("track", 1, "ann", event="Paid")])
    load = metrics.load_events(tmp_path)
    assert seen(load) == ["09:00:00 ann visit", "09:01:00 ann Paid"]
    assert "amplitude (" in load.format
    assert "segment (" in load.format


def test_a_file_that_two_formats_claim_is_refused_with_both_names(tmp_path):
    row = {**posthog("visit", 0, "ann"), **segment("track", 0, "ann")}
    path = lines(tmp_path / "x.json", [row])
    with pytest.raises(metrics.EventTableError, match=r"could be posthog .* and segment"):
        metrics.load_events(path)
    assert len(metrics.load_events(path, format="posthog").events) == 1


def test_with_stitch_off_a_device_stays_a_device(tmp_path):
    rows = [amplitude("visit", "05 09:00:00.000000"), amplitude("buy", "05 09:02:00.000000", "ann")]
    load = metrics.load_events(lines(tmp_path / "x.json", rows), stitch=False)
    assert load.events["user_id"].tolist() == ["phone", "ann"]


# -- Files as vendors write them that were not thought of at first


def test_amplitude_numbers_events_itself_which_is_no_id(tmp_path):
    rows = [amplitude("visit", f"05 09:0{i}:00.000000", insert=f"i{i}", event_id=17) for i in range(2)]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert load.events["event_id"].tolist() == ["i0", "i1"]
    assert load.events["properties.event_id"].tolist() == [17, 17]


def test_an_event_id_that_two_events_share_is_told_apart_by_the_key(tmp_path):
    rows = [amplitude("visit", "05 09:00:00.000000", insert="i1", device=device) for device in ("phone", "laptop")]
    load = metrics.load_events(lines(tmp_path / "x.json", rows))
    assert load.events["event_id"].tolist() == ["i1|phone", "i1|laptop"]


def test_further_tables_of_a_warehouse_are_no_events_but_screens_are(tmp_path):
    stamps = "original_timestamp,received_at,sent_at,timestamp,uuid_ts"
    times = ",".join([f"{DAY} 09:00:00.000 UTC"] * 5)
    table(
        tmp_path / "screens.csv",
        f"""
        id,anonymous_id,user_id,name,{stamps}
        s1,phone,,Home,{times}
    """,
    )
    table(
        tmp_path / "groups.csv",
        f"""
        id,anonymous_id,user_id,group_id,{stamps}
        g1,phone,ann,acme,{times}
    """,
    )
    table(
        tmp_path / "users.csv",
        f"""
        id,email,received_at,uuid_ts
        ann,a@example.com,{DAY} 09:00:00.000 UTC,{DAY} 09:00:00.000 UTC
    """,
    )
    load = metrics.load_events(tmp_path)
    assert seen(load) == ["09:00:00 ann Screen Viewed"]
    assert became(load) == {"kept": 1, "system": 2}


def test_heap_sessions_are_no_events_and_a_property_called_event_is_one(tmp_path):
    table(
        tmp_path / "sign_up.csv",
        """
        event_id,time,user_id,session_id,session_time,event
        1234567890123456790,2026-01-05 09:00:00.120,8765432109876543210,5,2026-01-05 08:59:00,x
    """,
    )
    table(
        tmp_path / "sessions.csv",
        """
        user_id,session_id,time,library,platform
        8765432109876543210,5,2026-01-05 08:59:00,web,Windows
    """,
    )
    load = metrics.load_events(tmp_path)
    assert seen(load) == ["09:00:00.120000 8765432109876543210 sign_up"]
    assert (became(load), value(load, "properties.event")) == ({"kept": 1, "system": 1}, "x")
