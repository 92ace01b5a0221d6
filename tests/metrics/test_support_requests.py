"""How long wishes wait, and whether what was made for one is used by others."""

import pandas as pd
import pytest

from metrics import EventTableError, content_reuse, survival_curve, survival_summary, time_to_release
from metrics.display import headline, show
from metrics.display.footnotes import footnotes
from metrics.intervals import wilson

AS_OF = pd.Timestamp("2026-06-01", tz="UTC")
DAY, INSTANT = pd.Timedelta(days=1), pd.Timedelta(microseconds=1)


def wishes(*days, made=AS_OF - 100 * DAY, **columns):
    """Requests released after so many days, None: not yet."""
    table = pd.DataFrame({"requested_at": [made] * len(days)}).assign(**columns)
    out = [pd.NaT if after is None else made + pd.Timedelta(days=after) for after in days]
    return table.assign(released_at=pd.Series(out, dtype="datetime64[us, UTC]"))


def of(requests, **more):
    return time_to_release(requests, **{"as_of": AS_OF, "min_n": 1, **more}).iloc[0]


def test_who_still_waits_is_watched_so_far():
    requests = pd.concat([wishes(10, 20, 30, None), wishes(None, made=AS_OF - 15 * DAY)])
    row = of(requests, within="20 days")
    assert (row["requests"], row["released"], row["open"]) == (5, 3, 2)
    assert row["median_days"] == 30  # 4/5, then 2/3 of it at 20, then half of that
    assert row["released_rate"] == pytest.approx(1 - 4 / 5 * 2 / 3)
    curve = survival_curve([10, 20, 30, 100, 15], [True, True, True, False, False])
    middle = survival_summary(curve).iloc[0]
    assert row["median_days_low"] == middle["median_low"]
    at20 = curve[curve["time"] <= 20].iloc[-1]
    assert row["released_rate_low"] == pytest.approx(1 - at20["survival_high"])


def test_a_release_at_as_of_is_not_known_yet_and_a_request_then_is_not_read():
    assert of(wishes(100))["open"] == 1
    just = wishes(100).assign(released_at=AS_OF - INSTANT)
    assert of(just)["released"] == 1
    none = of(wishes(None, made=AS_OF))
    assert (none["requests"], none["reason"]) == (0, "median_days: zero_denominator; released_rate: zero_denominator")


def test_what_cannot_be_said_yet_has_a_reason():
    row = of(wishes(10, None, None))
    assert row["reason"] == "median_days: above_half"
    assert of(wishes(10, None, None), within="101 days")["reason"].endswith("released_rate: immature")
    assert of(wishes(10, 20), within="101 days")["released_rate"] == 1  # nothing is open: nothing more can come
    assert of(wishes(10, 20), within="5 days")["released_rate"] == 0
    assert of(wishes(10), min_n=2)["reason"] == "median_days: below_min_n; released_rate: below_min_n"


def test_groups_are_rows_and_a_missing_one_is_one_too():
    requests = pd.concat([wishes(10, 20, who="ann"), wishes(40, who=None)])
    table = time_to_release(requests, as_of=AS_OF, by="who", min_n=1)
    assert table["requests"].tolist() == [2, 1]
    assert table["median_days"].tolist() == [10, 40]
    assert pd.isna(table["who"].iloc[1])
    assert headline(table) == "10 days pass until half of the requests of ann are released, the fewest of 2 groups."
    few = time_to_release(requests, as_of=AS_OF, by="who", min_n=2)
    assert headline(few) == "10 days pass until half of the requests of ann are released."  # of the other too few


def test_a_request_is_not_released_before_it_is_made():
    with pytest.raises(EventTableError, match="1 of 2 rows end before they begin"):
        of(wishes(10, -1))
    with pytest.raises(EventTableError, match="1 of 1 rows have no requested_at"):
        of(wishes(10).assign(requested_at=pd.NaT))
    with pytest.raises(ValueError, match="'released_at' is not a column of the requests"):
        of(wishes(10).drop(columns="released_at"))


def test_requests_are_said_with_those_that_wait():
    table = time_to_release(wishes(10, 10, 20, None), as_of=AS_OF, min_n=1)
    assert headline(table).startswith("10 days pass until half of 4 requests are released")
    assert footnotes(table)[1] == "3 of 4 are released, 1 waits."
    waiting = time_to_release(wishes(None, None), as_of=AS_OF, min_n=1)
    assert headline(waiting).startswith("– more than half")
    assert "Released in time, %" in show(table, "x").html


CONTENTS = pd.DataFrame({
    "content_id": ["deck", "guide", "film", "new"], "customer_id": ["ann", "ann", "ben", "ben"],
    "made_at": [AS_OF - 90 * DAY] * 3 + [AS_OF - 90 * DAY + INSTANT], "kind": ["a", "a", "b", "b"],
})  # fmt: skip


def views(*rows):
    table = pd.DataFrame(list(rows), columns=["user_id", "content_id", "days"])
    return table.assign(timestamp=AS_OF - 90 * DAY + pd.to_timedelta(table.pop("days"), unit="D"))


def reuse(seen, **more):
    return content_reuse(seen, contents=CONTENTS, **{"as_of": AS_OF, "min_n": 1, **more})


def test_only_others_within_the_window_use_it_again():
    seen = views(
        ("ann", "deck", 1), ("ben", "deck", 0), ("ben", "deck", 5), ("cat", "deck", 89.9), ("cat", "guide", 90),
        ("cat", "film", -0.1), ("cat", "new", 3), (None, "film", 1), ("cat", "unknown", 1),
    )  # fmt: skip
    table = reuse(seen)
    assert table.iloc[0][["contents", "reused", "other_customers", "other_views"]].tolist() == [3, 1, 2, 3]
    low, high = wilson(1, 3)
    assert tuple(table.iloc[0][["reuse_rate", "reuse_rate_low", "reuse_rate_high"]]) == (1 / 3, low, high)
    assert table.attrs["settings"]["too_recent"] == 1
    assert footnotes(table)[1].startswith("1 / 3 = 33.3")
    assert "of 3 contents made for one customer were used by others" in headline(table)
    kinds = reuse(seen, by="kind")
    assert kinds["contents"].tolist() == [2, 1]
    assert kinds["reuse_rate"].tolist() == [0.5, 0]


def test_nothing_made_and_nothing_over_yet_have_their_reasons():
    assert reuse(views(), window="91 days")["reason"].tolist() == ["immature"]
    empty = content_reuse(views(), contents=CONTENTS[:0], as_of=AS_OF)
    assert empty["reason"].tolist() == ["zero_denominator"]
    assert headline(empty).startswith("–")


def test_a_content_stands_once():
    with pytest.raises(EventTableError, match="1 of 5 rows have no name"):
        content_reuse(views(), contents=pd.concat([CONTENTS, CONTENTS[:1]]), as_of=AS_OF)
    with pytest.raises(ValueError, match="timestamp has no zone"):
        reuse(views(("ann", "deck", 1)).assign(timestamp=pd.Timestamp("2026-05-01")))


def test_a_group_whose_contents_are_all_too_young_is_told_so():
    kinds = CONTENTS.assign(kind=["a", "a", "b", "c"])
    table = content_reuse(views(("cat", "deck", 1), ("cat", "new", 1)), contents=kinds, by="kind", as_of=AS_OF, min_n=1)
    assert table["kind"].tolist() == ["a", "b", "c"]
    assert table["contents"].tolist() == [2, 1, 0]
    assert table["reused"].tolist() == [1, 0, 0]
    assert table["reason"].fillna("").tolist() == ["", "", "immature"]
    assert reuse(views(("cat", "deck", 1)), by="customer_id")["reused"].tolist() == [1, 0]


@pytest.mark.parametrize("name", ["views", "customers"])
def test_contents_may_be_grouped_by_a_column_called_as_what_is_counted_on_the_way(name):
    seen = views(("cat", "deck", 1), ("ben", "deck", 1), ("cat", "guide", 2))
    plain = reuse(seen, by="kind")
    found = content_reuse(seen, contents=CONTENTS.rename(columns={"kind": name}), by=name, as_of=AS_OF, min_n=1)
    pd.testing.assert_frame_equal(found.rename(columns={name: "kind"}), plain)
