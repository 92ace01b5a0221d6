"""The event table: what is kept, what is a duplicate, who is who, and whether it all adds up."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from metrics.events import EventTableError, check_events, conform, load_events, read_events


def log(text: str) -> str:
    """CSV text from a readable log with columns apart by blanks; a dot is a blank field."""
    lines = [line.split() for line in text.strip().splitlines()]
    return "\n".join(",".join("" if field == "." else field for field in line) for line in lines) + "\n"


def write(folder: Path, text: str, name: str = "export.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def rows_by(account: pd.DataFrame, column: str = "stage") -> dict[str, int]:
    return account.groupby(column)["rows"].sum().to_dict()


# The account


def test_what_was_read_is_kept_or_duplicate_or_system_or_rejected(tmp_path: Path):
    text = log("""
        event_id  user_id  event  timestamp
        1         ann      visit  2026-01-05T09:00Z
        1         ann      visit  2026-01-05T09:00Z
        2         .        visit  2026-01-05T09:00Z
        3         bob      visit  never
        4         bob      .      2026-01-05T09:00Z
        5         bob      visit
    """)
    load = load_events(write(tmp_path, text), max_refused=0.9)
    assert load.account[["stage", "reason", "rows"]].values.tolist() == [
        ["read", "", 6],
        ["kept", "", 1],
        ["duplicate", "same event_id", 1],
        ["system", "", 0],
        ["rejected", "no event", 1],
        ["rejected", "no user_id", 1],
        ["rejected", "time that cannot be read", 1],
        ["rejected", "wrong number of fields", 1],
    ]
    assert load.account["share"].tolist() == pytest.approx([n / 6 for n in (6, 1, 1, 0, 1, 1, 1, 1)])
    assert load.rejected["line"].tolist() == [4, 5, 6, 7]
    assert load.rejected["timestamp"].tolist()[1] == "never"
    assert repr(load).startswith("EventLoad: 1 of 6 rows kept (1 duplicate, 0 system, 4 rejected), 1 user")


def test_more_rejected_rows_than_allowed_are_an_error_with_all_problems_as_a_table(tmp_path: Path):
    good = "ann,visit,2026-01-05T09:00Z\n"
    text = "user_id,event,timestamp\n" + good * 97 + "ann,,2026-01-05T09:00Z\nann,visit,never\nann,visit,soon\n"
    path = write(tmp_path, text)
    with pytest.raises(EventTableError, match=r"3 of 100 rows refused: 2 time that cannot be read") as caught:
        load_events(path)
    assert caught.value.problems[["line", "reason", "rows"]].values.tolist() == [
        [100, "time that cannot be read", 2],
        [99, "no event", 1],
    ]
    assert caught.value.problems.loc[0, "example"] == "user_id 'ann', event 'visit', timestamp 'never'"
    assert len(load_events(path, max_refused=0.03).events) == 97
    with pytest.raises(ValueError, match="max_refused: 2 is not a share"):
        load_events(path, max_refused=2)


def test_a_load_that_keeps_nothing_is_an_error_whatever_is_allowed(tmp_path: Path):
    path = write(tmp_path, "user_id,event,timestamp\nann,visit,never\n")
    with pytest.raises(EventTableError, match="Nothing is left"):
        load_events(path, max_refused=1)


def test_read_events_carries_the_account_along(tmp_path: Path):
    events = read_events(write(tmp_path, "user_id,event,timestamp\nann,visit,2026-01-05T09:00Z\n"))
    assert pd.DataFrame(events.attrs["account"])["rows"].tolist() == [1, 1, 0, 0, 0]


# Duplicates


def test_the_first_received_row_of_an_event_id_stays(tmp_path: Path):
    text = log("""
        event_id  user_id  event   timestamp          received_at
        1         ann      second  2026-01-05T09:00Z  2026-01-05T09:02:00Z
        1         ann      first   2026-01-05T09:00Z  2026-01-05T09:01:00Z
        .         ann      blank   2026-01-05T09:00Z  2026-01-05T09:01:00Z
        .         ann      blank   2026-01-05T09:00Z  2026-01-05T09:01:00Z
    """)
    path = write(tmp_path, text)
    assert sorted(load_events(path).events["event"]) == ["blank", "blank", "first"]
    lines = [line.rsplit(",", 1)[0] for line in text.splitlines()]
    assert sorted(load_events(write(tmp_path, "\n".join(lines))).events["event"]) == ["blank", "blank", "second"]
    assert len(load_events(path, dedupe=False).events) == 4


def test_without_an_event_id_nothing_is_a_duplicate_and_the_account_says_so(tmp_path: Path):
    load = load_events(write(tmp_path, "user_id,event,timestamp\n" + "ann,visit,2026-01-05T09:00Z\n" * 2))
    assert len(load.events) == 2
    assert load.account.loc[2, ["stage", "reason", "rows"]].tolist() == ["duplicate", "not checked: no event_id", 0]


def test_duplicates_go_before_users_are_stitched(tmp_path: Path):
    # The second row 1 would tie the device to bob, but it is a duplicate of ann's.
    text = log("""
        event_id  user_id  anonymous_id  event  timestamp
        1         ann      phone         visit  2026-01-05T09:00Z
        1         bob      phone         visit  2026-01-05T10:00Z
        2         .        phone         visit  2026-01-05T11:00Z
    """)
    assert load_events(write(tmp_path, text)).events["user_id"].tolist() == ["ann", "ann"]


# Stitching

SHARED_PHONE = log("""
    user_id  anonymous_id  event   timestamp
    .        phone         before  2026-01-01T00:00Z
    ann      phone         login   2026-01-02T00:00Z
    .        phone         same    2026-01-02T00:00Z
    .        phone         ann's   2026-01-03T00:00Z
    bob      phone         login   2026-01-04T00:00Z
    .        phone         with    2026-01-04T00:00Z
    .        phone         bob's   2026-01-05T00:00Z
    .        tablet        nobody  2026-01-05T00:00Z
    cid      .             server  2026-01-05T00:00Z
""")


def test_an_anonymous_row_belongs_to_who_last_used_the_device_or_first_will(tmp_path: Path):
    events = load_events(write(tmp_path, SHARED_PHONE)).events
    assert dict(zip(events["event"], events["user_id"], strict=True)) == {
        "before": "ann",
        "same": "ann",
        "ann's": "ann",
        "login": "bob",
        "with": "bob",
        "bob's": "bob",
        "nobody": "tablet",
        "server": "cid",
    }
    assert events.loc[events["event"] == "login", "user_id"].tolist() == ["ann", "bob"]


def test_without_stitching_the_anonymous_id_is_the_user(tmp_path: Path):
    events = load_events(write(tmp_path, SHARED_PHONE), stitch=False).events
    assert events["user_id"].tolist() == ["phone", "ann", "phone", "phone", "bob", "phone", "phone", "tablet", "cid"]


def test_a_row_without_any_id_is_rejected(tmp_path: Path):
    load = load_events(write(tmp_path, SHARED_PHONE + " , ,lost,2026-01-06T00:00Z\n"), max_refused=0.5)
    assert load.rejected[["line", "reason", "event"]].values.tolist() == [[11, "no user_id", "lost"]]


def test_two_users_at_one_instant_are_ordered_by_their_ids_not_by_their_rows(tmp_path: Path):
    lines = [
        SHARED_PHONE.splitlines()[0],
        "bob,phone,login,2026-01-02T00:00Z",
        "ann,phone,login,2026-01-02T00:00Z",
        ",phone,before,2026-01-01T00:00Z",
        ",phone,after,2026-01-03T00:00Z",
    ]
    for order in (lines, [lines[0], *reversed(lines[1:])]):
        events = load_events(write(tmp_path, "\n".join(order))).events.set_index("event")["user_id"]
        assert (events["before"], events["after"]) == ("ann", "bob")


# Laws

NAMES = st.text(st.sampled_from("abc019 \"',;\n\tüß€"), min_size=1, max_size=8).filter(lambda s: s.strip() == s)
MOMENTS = st.integers(946_684_800_000_000, 4_000_000_000_000_000)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": NAMES,
            "event": NAMES,
            "timestamp": MOMENTS,
            "plan": st.sampled_from(["free", "pro", None, "ÄÖ\nü"]),
            "seats": st.one_of(st.none(), st.integers(-5, 10**12)),
            "paid": st.booleans(),
            "price": st.floats(-1e6, 1e6).map(lambda x: x + 0.0),
        }
    ),
    min_size=1,
    max_size=12,
)
SLOW = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def known(column: pd.Series) -> dict[object, object]:
    return column.dropna().to_dict()


def written(frame: pd.DataFrame, folder: Path, kind: str) -> Path:
    path = folder / f"export.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15)
    else:
        frame.to_csv(path, index=False)
    return path


@SLOW
@given(ROWS)
def test_a_table_survives_every_format(tmp_path: Path, rows: list[dict[str, object]]):
    frame = pd.DataFrame(rows)
    frame["seats"] = frame["seats"].astype("Int64")
    frame["plan"] = frame["plan"].astype("str")
    frame["price"] = frame["price"].round(3) + 0.5
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="us", utc=True).dt.as_unit("us")
    read = {kind: read_events(written(frame, tmp_path, kind)) for kind in ("csv", "jsonl", "parquet")}
    kept = frame.sort_values("timestamp", kind="stable", ignore_index=True)
    for events in read.values():
        for name in ("user_id", "event", "timestamp", "paid"):
            assert events[name].tolist() == kept[name].tolist()
        assert np.allclose(events["price"], kept["price"])
        for name in ("plan", "seats"):
            assert known(events[name]) == known(kept[name])


@SLOW
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_every_record_of_a_damaged_file_is_counted_once(
    tmp_path: Path, kinds: list[int], end: str, quotes: bool, random
):
    choices = {
        0: "id{i},u{i},visit,2026-01-05T09:00:00Z",
        1: "id{i},u{i},visit,2026-01-06T09:00:00+05:30",
        2: "id0,u{i},visit,2026-01-05T09:00:00Z",
        3: ",u{i},visit,2026-01-05T09:00:00Z",
        4: "id{i},,visit,2026-01-05T09:00:00Z",
        5: "id{i},u{i},,2026-01-05T09:00:00Z",
        6: "id{i},u{i},visit,whenever",
        7: "id{i},u{i},visit",
        8: "id{i},u{i},vi\0sit,2026-01-05T09:00:00Z,more",
    }
    lines = [choices[kind].format(i=i) for i, kind in enumerate(kinds)]
    header = '"event_id",user_id,event,timestamp' if quotes else "event_id,user_id,event,timestamp"
    good = "ok,ok,visit,2026-01-05T09:00:00Z"
    path = tmp_path / "damaged.csv"
    path.write_bytes(end.join([header, *lines, good]).encode())
    load = load_events(path, max_refused=1)
    count = rows_by(load.account)
    assert count["read"] == len(lines) + 1 == count["kept"] + count["duplicate"] + count["system"] + count["rejected"]
    assert (count["kept"], count["rejected"]) == (len(load.events), len(load.rejected))
    assert load.rejected["line"].tolist() == [i + 2 for i, kind in enumerate(kinds) if kind >= 4]

    # The order of the rows decides only which of two duplicates stays.
    random.shuffle(lines)
    path.write_bytes(end.join([header, *lines, good]).encode())
    assert rows_by(load_events(path, max_refused=1).account, "reason") == rows_by(load.account, "reason")


@SLOW
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "ann", "bob"]), st.sampled_from(["", "d1", "d2"]), st.integers(1, 6)),
        min_size=1,
        max_size=15,
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters_and_known_users_are_never_reassigned(tmp_path: Path, rows, random):
    rows = [*rows, ("cid", "", 9)]
    text = [f"{i},{user},{device},e{i},2026-01-0{day}T00:00Z" for i, (user, device, day) in enumerate(rows)]
    header = "event_id,user_id,anonymous_id,event,timestamp"
    users = []
    for _ in range(2):
        load = load_events(write(tmp_path, "\n".join([header, *text])), max_refused=1)
        users.append(load.events.set_index("event_id")["user_id"].sort_index().to_dict())
        random.shuffle(text)
    assert users[0] == users[1]
    for i, (user, device, day) in enumerate(rows):
        seen = sorted((d, u) for u, other, d in rows if other == device and device and u)
        before = [u for d, u in seen if d <= day]
        expected = user or (before[-1] if before else seen[0][1] if seen else device)
        assert users[0].get(str(i), "") == expected


# conform


def test_an_event_table_is_handed_back_as_it_is():
    events = pd.DataFrame(
        {"user_id": ["ann"], "event": ["visit"], "timestamp": pd.to_datetime(["2026-01-05"], utc=True)}
    )
    events["timestamp"] = events["timestamp"].dt.as_unit("us")
    assert conform(events) is events
    empty = events.iloc[:0]
    assert conform(empty) is empty
    assert len(conform(pd.DataFrame({"user_id": [], "event": [], "timestamp": []}))) == 0


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(["2026-01-05 09:00"]).tz_localize("UTC").as_unit("ns"),
        pd.to_datetime(["2026-01-05 10:00"]).tz_localize("Europe/Berlin").as_unit("s"),
        pd.Series([pd.Timestamp("2026-01-05 10:00", tz="Europe/Berlin")], dtype=object),
        pd.Series(pd.to_datetime(["2026-01-05 09:00"]).tz_localize("UTC")).astype("timestamp[ms, tz=UTC][pyarrow]"),
    ],
)
def test_other_kinds_of_ids_and_times_are_brought_into_shape_without_touching_the_input(times: object):
    given_table = pd.DataFrame({"user_id": [7], "event": pd.Categorical(["visit"]), "timestamp": times, "x": 1})
    before = given_table.copy(deep=True)
    table = conform(given_table)
    pd.testing.assert_frame_equal(given_table, before)
    assert table.loc[0, ["user_id", "event", "x"]].tolist() == ["7", "visit", 1]
    assert table["timestamp"].dtype == "datetime64[us, UTC]"
    assert table.loc[0, "timestamp"] == pd.Timestamp("2026-01-05 09:00", tz="UTC")


def test_the_index_of_a_table_survives():
    at = pd.to_datetime(["2026-01-05", "2026-01-06"], utc=True)
    table = pd.DataFrame({"user_id": [1, 2], "event": ["a", "b"], "timestamp": at}, index=[10, 20])
    assert conform(table)["user_id"].to_dict() == {10: "1", 20: "2"}


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"timestamp": pd.to_datetime(["2026-01-05", "2026-01-06"])}, "have no zone"),
        ({"timestamp": ["2026-01-05", "2026-01-06"]}, "not times with a zone"),
        ({"timestamp": [1, 2]}, "not times with a zone"),
        (
            {"timestamp": pd.to_datetime([None, "2026-01-06"], utc=True)},
            r"1 of 2 rows have no timestamp \(first: row 0\)",
        ),
        ({"user_id": [None, "bob"]}, r"1 of 2 rows have no user_id"),
        ({"user_id": ["ann", " "], "event": [None, "x"]}, r"have no user_id; 1 of 2 rows have no event"),
        ({"user_id": [1.5, 2.0]}, "not exact"),
    ],
)
def test_what_is_no_event_table_is_refused_with_counts(change: dict[str, object], fact: str):
    at = pd.to_datetime(["2026-01-05", "2026-01-06"], utc=True)
    table = pd.DataFrame({"user_id": ["ann", "bob"], "event": ["a", "b"], "timestamp": at}).assign(**change)
    with pytest.raises(EventTableError, match=fact):
        conform(table)


def test_a_missing_column_is_named():
    with pytest.raises(EventTableError, match=r"no column event, timestamp. Its columns are \['user_id', 'when'\]"):
        conform(pd.DataFrame({"user_id": ["ann"], "when": [1]}))


# check_events


def test_every_oddity_is_counted_with_an_example():
    table = pd.DataFrame(
        [
            ("1", "ann", "visit", "2026-01-05 09:00", "2026-01-05 09:01"),
            ("1", "ann", "save", "2026-01-05 09:00", "2026-01-05 08:59"),
            ("2", " ", "visit", "2026-01-05 10:00", None),
            ("3", "null", "visit", "2026-01-07 10:00", None),
            ("4", "12.0", None, "2026-01-07 11:00", None),
            ("5", "bob", "visit", "1970-01-01 00:00", None),
            ("6", "cid", "visit", "2026-02-01 00:00", None),
            ("6", "cid", "visit", "2026-02-01 00:00", None),
        ],
        columns=["event_id", "user_id", "event", "timestamp", "received_at"],
    )
    for name in ("timestamp", "received_at"):
        table[name] = pd.to_datetime(table[name], utc=True)
    found = check_events(table, as_of="2026-02-01").set_index("problem")
    assert found["rows"].drop("day without events").to_dict() == {
        "blank user_id": 1,
        "blank event": 1,
        "placeholder user_id": 1,
        "user_id like a decimal number": 1,
        "implausible time": 1,
        "at or after as_of": 2,
        "received before it happened": 1,
        "duplicate event_id": 2,
        "exact duplicate": 1,
        "same user and instant": 2,
    }
    assert found.loc["blank event", "share"] == 1 / 8
    assert found.loc["blank event", "example"].startswith("row 4: user_id '12.0'")


def test_days_without_events_and_cut_edges_are_found():
    days = pd.date_range("2026-01-05", periods=10, freq="D", tz="UTC")
    at = [day + pd.Timedelta(hours=h) for day in days for h in range(24)]
    at = [t for t in at if t >= days[0] + pd.Timedelta(hours=20) and t.day != 9 and t < days[9] + pd.Timedelta(hours=2)]
    found = check_events(pd.DataFrame({"user_id": [f"u{i}" for i in range(len(at))], "event": "e", "timestamp": at}))
    assert found[["problem", "rows"]].values.tolist() == [
        ["day without events", 1],
        ["first day cut", 4],
        ["last day cut", 2],
    ]
    assert found.loc[0, "example"] == "2026-01-09"
    assert found.loc[0, "share"] == 1 / 10


def test_a_clean_table_has_no_findings():
    at = pd.date_range("2026-01-05", periods=5, freq="D", tz="UTC")
    found = check_events(pd.DataFrame({"user_id": list("abcde"), "event": "e", "timestamp": at}))
    assert found.empty
    assert list(found) == ["problem", "rows", "share", "example"]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (pd.DataFrame(), "missing column"),
        (pd.DataFrame({"user_id": ["ann"]}), "missing column"),
        (
            pd.DataFrame({"user_id": [7.5], "event": [None], "timestamp": pd.to_datetime(["2026-01-05"])}),
            "time without a zone",
        ),
        (pd.DataFrame({"user_id": [1], "event": ["e"], "timestamp": ["2026-01-05 09:00"]}), "time without a zone"),
        (pd.DataFrame({"user_id": [1], "event": ["e"], "timestamp": ["never"]}), "time that is not a time"),
        (pd.DataFrame({"user_id": [1], "event": ["e"], "timestamp": [1767603600]}), "time that is not a time"),
        (pd.DataFrame({"user_id": [{}], "event": [["e"]], "timestamp": [None]}), "no timestamp"),
    ],
)
def test_checking_never_raises(table: pd.DataFrame, problem: str):
    assert problem in check_events(table)["problem"].tolist()


def test_names_may_be_given_as_texts_and_files_without_an_event_get_one(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text("Kunde,Kauf=Tag,type\n007,2026-01-05,book\n,2026-01-06,pen\n")
    load = load_events(
        file, rename=["Kunde=user_id", "Kauf=Tag=timestamp"], timezone="UTC", event_name="order", max_refused=0.5
    )
    assert load.events[["user_id", "event", "type"]].to_numpy().tolist() == [["007", "order", "book"]]
    assert load.rejected["reason"].tolist() == ["no user_id"]
    with pytest.raises(ValueError, match="'Kunde' is not a pair of names"):
        load_events(file, rename=["Kunde"])
    file.write_text("user_id,event,time\n1,visit,2026-01-05\n")
    with pytest.raises(EventTableError, match="has a column 'event'"):
        load_events(file, timezone="UTC", event_name="order")
