"""Whatever stands in a file: it is loaded, counted or refused in one clear line; nothing crashes, nothing is lost."""

import gzip
import io
import json
import string
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import metrics
from metrics.exports import formats
from metrics.exports.snowplow import NAMES

bounded = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

KEYS = {  # what makes a record of this format
    "amplitude": ["event_type", "$insert_id", "amplitude_id", "event_time", "user_id", "device_id", "event_properties"],
    "segment": ["messageId", "type", "timestamp", "userId", "anonymousId", "event", "properties", "previousId"],
    "mixpanel": ["event", "properties"],
    "posthog": ["uuid", "distinct_id", "event", "timestamp", "properties"],
    "ga4": ["event_name", "event_timestamp", "event_params", "user_pseudo_id", "event_date", "user_id"],
    "stripe_events": ["object", "livemode", "id", "type", "created", "data"],
    "delighted": [
        "survey_type",
        "score",
        "person",
        "person_properties",
        "id",
        "created_at",
        "updated_at",
        "event_type",
        "event_id",
        "event_data",
    ],
    "customerio": ["metric", "object_type", "data", "event_id", "timestamp"],
    "mailchimp": ["a@example.com", "status_code", "operation_id", "response"],
    "chargebee": ["subscription_id", "mrr", "record_start_at", "record_recorded_at", "status", "currency_code"],
    "zendesk": ["id", "requester_id", "satisfaction_rating", "created_at", "metric_set", "tags", "status"],
}
HEADS = {
    "stripe_csv": "id,Customer ID,Status,Start Date (UTC),Trial End (UTC),Canceled At (UTC),Ended At (UTC),Amount,Currency,Interval,Quantity",
    "shopify": "Name,Email,Financial Status,Total,Created at,Lineitem quantity,Refunded Amount,Id,Currency",
    "typeform": "#,How likely?,user_id,Response Type,Submit Date (UTC),Network ID",
    "heap": "event_id,user_id,event_table_name,time",
    "snowplow_table": "app_id,collector_tstamp,derived_tstamp,event,event_name,event_id,user_id,domain_userid,unstruct_event_com_acme_x_1",
    "generic": "user_id,event,timestamp,event_id,anonymous_id",
}
TEXT = st.text(alphabet=string.printable + "äß\u202e\ufeff€😀", max_size=12)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXT,
    st.sampled_from(["2026-01-05T09:00:00Z", "2026-01-05 09:00:00", 1767603600, "1767603600000000", "", "=1+1", "ann"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)


def accounted(path, **options):
    """Rows read, each of them kept, duplicate, system or rejected; or the one line of a refusal."""
    try:
        load = metrics.load_events(path, max_refused=1.0, **options)
    except metrics.EventTableError:
        return None
    rows = load.account.groupby("stage")["rows"].sum()
    assert rows["read"] == rows[["kept", "duplicate", "system", "rejected"]].sum()
    assert rows["rejected"] == len(load.rejected)
    assert load.events["user_id"].notna().all()
    assert (load.events["event"].str.strip() != "").all()
    assert load.events["timestamp"].notna().all()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
@bounded
@given(data=st.data())
def test_any_json_under_the_keys_of_a_format(tmp_path, name, data):
    record = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS[name], VALUES))
    rows = data.draw(st.lists(record, min_size=1, max_size=6))
    path = tmp_path / "x.json"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    found = accounted(path, format=name)
    if found is not None and name != "mailchimp":
        assert found["read"] == len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
@bounded
@given(data=st.data())
def test_any_cells_under_the_columns_of_a_format(tmp_path, name, data):
    cells = st.one_of(
        TEXT, st.sampled_from(["2026-01-05 09:00", "2026-01-05T09:00:00Z", "9", "19.00", "paid", "active", ""])
    )
    width = HEADS[name].count(",") + 1
    rows = data.draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5))
    written = "\n".join(",".join('"' + cell.replace('"', '""').replace("\r", "") + '"' for cell in row) for row in rows)
    path = tmp_path / "x.csv"
    path.write_text(f"{HEADS[name]}\n{written}\n", encoding="utf-8", newline="")
    accounted(path, format=name)


@pytest.mark.slow
@bounded
@given(
    st.lists(
        st.lists(TEXT.map(lambda t: "".join(c for c in t if c not in "\t\n\r\x0b\x0c")), min_size=131, max_size=131),
        min_size=1,
        max_size=2,
    )
)
def test_any_fields_of_snowplow(tmp_path, rows):
    assert len(NAMES) == 131
    path = tmp_path / "x.tsv"
    path.write_text("\n".join("\t".join(row) for row in rows), encoding="utf-8", newline="")
    accounted(path, format="snowplow")


@bounded
@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.json", "x.gz", "x.parquet"]))
def test_any_bytes(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    accounted(path)


@bounded
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_packed_export_with_some_bytes_changed(tmp_path, at, other):
    text = "user_id,event,timestamp\n" + "".join(f"u{i},visit,2026-01-05T09:00:{i:02d}Z\n" for i in range(40))
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", text)
    for content in (memory.getvalue(), gzip.compress(text.encode(), mtime=0)):
        place = at % len(content)
        path = tmp_path / "x"
        path.write_bytes(content[:place] + other + content[place + len(other) :])
        accounted(path)


# -- Hostile on purpose


def refusal(path, **options):
    with pytest.raises(metrics.EventTableError) as caught:
        metrics.load_events(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


ROW = {"user_id": "ann", "event": "visit", "timestamp": "2026-01-05T09:00:00Z"}


def test_objects_nested_without_end_are_counted_and_not_followed(tmp_path):
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    path = tmp_path / "x.json"
    path.write_text("\n".join([json.dumps(ROW)] * 3 + [deep]))
    load = metrics.load_events(path, max_refused=0.5)
    assert load.rejected[["line", "reason"]].to_numpy().tolist() == [[4, "broken JSON"]]


def test_a_field_of_a_megabyte_is_a_field(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("\n".join(json.dumps({**ROW, "note": "x" * 2**20, "n": i}) for i in range(3)))
    assert metrics.load_events(path).events["note"].str.len().tolist() == [2**20] * 3
    path.with_suffix(".csv").write_text(
        "user_id,event,timestamp,note\nann,visit,2026-01-05T09:00:00Z," + "y" * 2**20 + "\n"
    )
    assert metrics.load_events(path.with_suffix(".csv")).events["note"].str.len().tolist() == [2**20]


def test_cells_that_look_like_formulas_stay_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("user_id,event,timestamp,note\n=cmd|'/C calc'!A0,+visit,2026-01-05T09:00:00Z,@SUM(A1)\n")
    row = metrics.load_events(path).events.iloc[0]
    assert row[["user_id", "event", "note"]].tolist() == ["=cmd|'/C calc'!A0", "+visit", "@SUM(A1)"]


@pytest.mark.slow
@pytest.mark.parametrize("pack", ["gzip", "zip"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, pack):
    zeros = b"user_id,event,timestamp\n" + b"\n" * (200 * 2**20)
    path = tmp_path / "bomb"
    if pack == "gzip":
        path.write_bytes(gzip.compress(zeros, 9, mtime=0))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.csv", zeros)
    assert "unpacks to more than 300 times its size" in refusal(path)


def test_every_format_says_in_one_line_what_a_foreign_file_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello\nworld\n")
    for name in formats():
        options = {"account_timezone": "UTC"} if name == "surveymonkey" else {}
        assert "notes.txt" in refusal(path, format=name, **options)
