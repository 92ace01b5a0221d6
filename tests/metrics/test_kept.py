"""What was read once is handed to whoever asks for the same of the same files, and to nobody else."""

import os
import time

import pandas as pd
import pytest

import metrics
from metrics.files import kept as module
from metrics.inputs import reading

ROWS = "user,event,time,plan\n007,visit,2026-01-05T09:00Z,free\n8,visit,2026-01-06T10:00Z,\n8,,2026-01-06,\n"
ORDERS = "customer_id,date,amount,note\n0012,1997-01-18,29.73,a\n0013,1997-01-19,5,\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "kept"
    place.mkdir()
    monkeypatch.setenv("METRICS_KEEP", str(place))
    return place


@pytest.fixture
def write(tmp_path):
    """A file that was written an hour ago, for a young one is not kept."""

    def make(text, name="rows.csv", age=3600):
        file = tmp_path / name
        file.write_text(text)
        then = time.time() - age
        os.utime(file, (then, then))
        return file

    return make


@pytest.fixture
def reads(monkeypatch):
    """How often orders were truly read."""
    calls = []
    real = reading._read
    monkeypatch.setattr(reading, "_read", lambda *args: calls.append(args) or real(*args))
    return calls


def test_events_come_back_as_they_were_read(folder, write):
    file = write(ROWS)
    first, second = (metrics.load_events(file, max_refused=0.5) for _ in range(2))
    assert len(list(folder.iterdir())) == 1
    for part in ("events", "account", "rejected"):
        pd.testing.assert_frame_equal(getattr(first, part), getattr(second, part))
        assert getattr(first, part).attrs == getattr(second, part).attrs
    assert first.format == second.format
    assert repr(first) == repr(second)


def test_orders_come_back_with_their_account(folder, write, reads):
    file = write(ORDERS)
    first, second = (metrics.read_orders(file, timezone="UTC") for _ in range(2))
    assert len(reads) == 1
    pd.testing.assert_frame_equal(first, second)
    assert first.attrs == second.attrs != {}


def test_what_one_writes_into_a_table_no_other_sees(folder, write, reads):
    file = write(ORDERS)
    for _ in range(3):
        orders = metrics.read_orders(file, timezone="UTC")
        assert orders["net"].tolist() == [29.73, 5]
        assert orders["note"].fillna("none").tolist() == ["a", "none"]
        orders.loc[0, "net"] = -1
        orders["net"].array[:] = -2
        orders.loc[:, "note"] = "mine"
        orders.attrs.clear()
    assert len(reads) == 1


@pytest.mark.parametrize(
    "other",
    [{"timezone": "Europe/Berlin"}, {"max_refused": 0.5}, {"rename": ["note=plan"]}, {"time_format": "%Y-%m-%d"}],
    ids=lambda other: next(iter(other)),
)
def test_another_request_is_read(folder, write, reads, other):
    file = write(ORDERS)
    metrics.read_orders(file, timezone="UTC")
    assert "plan" in metrics.read_orders(file, **{"timezone": "UTC", **other}) or "rename" not in other
    assert len(reads) == 2


@pytest.mark.parametrize("nothing", [{"rename": []}, {"rename": None}, {"encoding": None}, {"rename": {}}], ids=str)
def test_nothing_said_is_the_same_as_left_out(folder, write, reads, nothing):
    file = write(ORDERS)
    pd.testing.assert_frame_equal(
        metrics.read_orders(file, timezone="UTC"), metrics.read_orders(file, timezone="UTC", **nothing)
    )
    assert len(reads) == 1


def test_another_table_of_the_same_file_is_read(folder, write):
    file = write("customer_id,order_date,submitted_at,amount,nps\nann,2026-01-05T09:00Z,2026-01-06T09:00Z,5,9\n")
    orders, answers = metrics.read_orders(file), metrics.read_surveys(file)
    assert (orders["net"].tolist(), answers["score"].astype(str).tolist()) == ([5], ["9"])
    assert len(list(folder.iterdir())) == 2


def test_a_file_that_changed_is_read(folder, write, reads):
    file = write(ORDERS)
    metrics.read_orders(file, timezone="UTC")
    write(ORDERS.replace("29.73", "11.11"), age=3599)
    assert metrics.read_orders(file, timezone="UTC")["net"].tolist() == [11.11, 5]
    file.unlink()
    with pytest.raises(metrics.EventTableError, match="does not exist"):
        metrics.read_orders(file, timezone="UTC")


def test_a_file_put_in_the_place_of_another_with_its_times_is_read(folder, write, reads):
    file = write(ORDERS)
    metrics.read_orders(file, timezone="UTC")
    times = file.stat()
    other = write(ORDERS.replace("29.73", "11.11"), name="other.csv")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    assert metrics.read_orders(file, timezone="UTC")["net"].tolist() == [11.11, 5]


def test_a_file_more_in_a_folder_is_read(folder, write, reads, tmp_path):
    (tmp_path / "all").mkdir()
    write(ORDERS, "all/a.csv")
    assert len(metrics.read_orders(tmp_path / "all", timezone="UTC")) == 2
    write(ORDERS.replace("001", "002"), "all/b.csv")
    assert len(metrics.read_orders(tmp_path / "all", timezone="UTC")) == 4


def test_a_file_so_young_that_a_change_might_not_show_is_not_kept(folder, write, reads):
    file = write(ORDERS, age=0)
    for _ in range(2):
        metrics.read_orders(file, timezone="UTC")
    assert len(reads) == 2
    assert not list(folder.iterdir())


def test_a_file_that_changes_while_it_is_read_is_not_kept(folder, write, monkeypatch):
    file = write(ORDERS)
    real = reading._read

    def slow(*args):
        table = real(*args)
        write(ORDERS.replace("29.73", "11.11"), age=3000)
        return table

    monkeypatch.setattr(reading, "_read", slow)
    metrics.read_orders(file, timezone="UTC")
    assert not list(folder.iterdir())


class Mapping(dict):
    """Whose items may be anything the next time."""


@pytest.mark.parametrize("rename", [Mapping(note="plan"), pd.Series(["note=plan"])], ids=["mapping", "series"])
def test_arguments_that_cannot_be_told_apart_are_read(folder, write, reads, rename):
    file = write(ORDERS)
    for _ in range(2):
        metrics.read_orders(file, timezone="UTC", rename=rename)
    assert len(reads) == 2


@pytest.mark.parametrize("size", [0, 4, 40, 400, -1])
def test_what_was_kept_and_is_damaged_is_read(folder, write, reads, size):
    file = write(ORDERS)
    expected = metrics.read_orders(file, timezone="UTC")
    (kept,) = folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:size])
    pd.testing.assert_frame_equal(metrics.read_orders(file, timezone="UTC"), expected)
    assert len(reads) == 2


def test_where_there_is_no_room_nothing_is_kept_and_nothing_fails(folder, write, reads, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 100)
    file = write(ORDERS)
    for _ in range(2):
        metrics.read_orders(file, timezone="UTC")
    assert len(reads) == 2
    assert not list(folder.iterdir())
    folder.rmdir()
    monkeypatch.undo()
    os.environ["METRICS_KEEP"] = str(folder)
    try:
        assert len(metrics.read_orders(file, timezone="UTC")) == 2
    finally:
        del os.environ["METRICS_KEEP"]


def test_nothing_is_kept_unless_a_folder_is_named(tmp_path, write, reads, monkeypatch):
    monkeypatch.setenv("METRICS_KEEP", "")
    file = write(ORDERS)
    for _ in range(2):
        metrics.read_orders(file, timezone="UTC")
    assert len(reads) == 2
    assert [found.name for found in tmp_path.iterdir()] == ["rows.csv"]


def test_files_that_are_refused_are_refused_again(folder, write):
    file = write("customer_id,date,amount\n,1997-01-18,29.73\n")
    for _ in range(2):
        with pytest.raises(metrics.EventTableError, match="refused"):
            metrics.read_orders(file, timezone="UTC")
    assert not list(folder.iterdir())
