"""Trials with help beside those without, with somebody on every edge of a trial."""

import numpy as np
import pandas as pd
import pytest

from metrics import (
    EventTableError,
    assisted_trial_conversion,
    event_log,
    headline,
    plot_assisted_trial_conversion,
    read_contacts,
    show,
    trial_conversion,
)
from metrics.display.footnotes import footnotes
from metrics.intervals import newcombe
from metrics.plots.style import DRAWN
from tests.metrics.subscriptions_by_hand import AS_OF, DAYS, FIRST, lives
from tests.metrics.test_revenue import log

TRIALS = log("""
    ann  a  2026-05-01  2026-05-15  10  status=trialing   # called at the start
    ann  a  2026-05-15  -           10
    ben  b  2026-05-01  2026-05-15  10  status=trialing   # called at the end: too late
    ben  b  2026-05-15  -           10
    cat  c  2026-05-01  2026-05-15  10  status=trialing   # asked support at the last moment
    dan  d  2026-05-01  2026-05-04  10  status=trialing   # over after three days, called before it began
    eve  e  2026-05-25  -           10  status=trialing   # still runs, called
    fay  f  2026-05-01  2026-05-15  10  status=trialing   # called in the second week
""")
CALLS = pd.DataFrame(
    [("ann", "2026-05-01"), ("ben", "2026-05-15"), ("dan", "2026-04-30 23:59:59.999"), ("eve", "2026-05-26"),
     ("fay", "2026-05-08"), ("zoe", "2026-05-08"), ("cat", "2026-06-05")],
    columns=["customer_id", "at"],
).assign(at=lambda t: pd.to_datetime(t["at"], format="ISO8601", utc=True), kind="call")  # fmt: skip
ASKED = pd.DataFrame({"customer_id": ["cat"], "created_at": pd.to_datetime(["2026-05-14T23:59:59.999Z"])})
SEEN = event_log("2026-05-02 ann guide\n2026-05-03 ben visit\n2026-05-20 ben guide\n2026-05-09 dan guide")


def assisted(rows=TRIALS, as_of="2026-06-05", **options):
    return assisted_trial_conversion(rows, as_of=as_of, **{"contacts": CALLS, "min_n": 1, **options})


def test_help_counts_from_the_start_of_the_trial_to_its_end():
    row = assisted().iloc[0]
    assert row["help"] == "call"
    assert row[["assisted", "assisted_converted"]].tolist() == [2, 1]  # ann and fay; cat's call is at as_of
    assert row[["unassisted", "unassisted_converted"]].tolist() == [3, 1]  # ben, cat, dan
    assert (row["still_in_trial"], row["label"]) == (1, "association")
    low, high = newcombe(np.array([1.0]), np.array([2.0]), np.array([1.0]), np.array([3.0]), 0.95)
    assert row[["difference", "difference_low", "difference_high"]].tolist() == [0.5 - 1 / 3, low[0], high[0]]
    assert assisted().attrs["settings"]["of_nobody"] == 1  # zoe


def test_each_kind_of_help_has_its_row_after_that_of_any():
    table = assisted(tickets=ASKED, events=SEEN, training="guide").set_index("help")
    assert table["assisted"].to_dict() == {"any": 3, "call": 2, "support": 1, "training": 1}
    assert set(table["assisted"] + table["unassisted"]) == {5}
    assert table.loc["any", "assisted_converted"] == 1
    both = assisted(contacts=CALLS.assign(kind=["call", "visit", *[None] * 5])).set_index("help")
    assert both["assisted"].to_dict() == {"any": 2, "call": 1, "other": 1, "visit": 0}
    assert assisted(contacts=CALLS.drop(columns="kind"))["help"].tolist() == ["contact"]


def test_sorted_at_one_moment_a_trial_that_was_over_before_is_left_out():
    table = assisted(within="7 days")
    assert table.loc[0, ["assisted", "unassisted"]].tolist() == [1, 3]  # fay's call was a moment too late
    assert table.attrs["settings"]["ended_sooner"] == 1  # dan
    assert assisted(within="14 days").loc[0, ["assisted", "unassisted"]].tolist() == [2, 2]
    assert assisted(within="15 days").attrs["settings"]["ended_sooner"] == 5


def test_what_still_runs_is_in_no_rate():
    table = assisted(as_of="2026-05-10")
    assert table.loc[0, ["assisted", "unassisted", "still_in_trial"]].tolist() == [0, 1, 4]
    running = assisted(TRIALS[TRIALS["customer_id"] == "eve"])
    assert running.loc[0, "reason"] == "assisted_rate: immature; unassisted_rate: immature; difference: immature"
    assert "too early to say" in str(headline(running))


def test_a_breakdown_and_a_range_are_those_of_the_trials():
    by = assisted(TRIALS.assign(plan=["pro"] * 4 + ["team"] * 4), by="plan", tickets=ASKED)
    assert by["plan"].tolist() == ["pro"] * 3 + ["team"] * 3
    assert by["help"].tolist() == ["any", "call", "support"] * 2
    unknown = assisted(TRIALS.assign(plan=None), by="plan")
    assert "of 2 trials of (missing) with help (call) became customers" in headline(unknown)
    texts = [text.get_text() for text in plot_assisted_trial_conversion(unknown).texts]
    assert "Call, (missing)" in texts
    assert assisted(since="2026-05-20").loc[0, "still_in_trial"] == 1
    assert assisted(until="2026-05-01").loc[0, ["assisted", "unassisted"]].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["segment", "place"])
def test_a_column_to_compare_by_may_be_called_as_one_on_the_way(name):
    plans = TRIALS.assign(plan=["pro"] * 4 + ["team"] * 4)
    for ask in (assisted, lambda table, by: trial_conversion(table, by=by, as_of=AS_OF, min_n=1)):
        named = ask(plans.rename(columns={"plan": name}), by=name)
        pd.testing.assert_frame_equal(named.rename(columns={name: "plan"}), ask(plans, by="plan"))


def test_a_column_to_compare_by_may_not_be_called_as_a_limit_of_the_result():
    with pytest.raises(ValueError, match="by: 'conversion_rate_low' is a column of the result"):
        trial_conversion(TRIALS.assign(conversion_rate_low="pro"), by="conversion_rate_low", as_of=AS_OF)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="no help is given"):
        assisted(contacts=None)
    with pytest.raises(ValueError, match="'at'"):
        assisted(contacts=CALLS.drop(columns="at"))
    with pytest.raises(ValueError, match="training: no event is named"):
        assisted(events=SEEN)
    with pytest.raises(ValueError, match="'gide'"):
        assisted(events=SEEN, training="gide")
    with pytest.raises(EventTableError, match="1 of 7 rows have no customer_id"):
        assisted(contacts=CALLS.assign(customer_id=CALLS["customer_id"].mask(CALLS.index == 2)))
    with pytest.raises(EventTableError, match="have no at"):
        assisted(contacts=CALLS.assign(at=CALLS["at"].mask(CALLS.index == 2)))
    with pytest.raises(EventTableError, match="no zone"):
        assisted(contacts=CALLS.assign(at=CALLS["at"].dt.tz_localize(None)))


def test_it_is_said_to_be_an_association_with_both_rates():
    table = assisted(tickets=ASKED)
    assert str(headline(table)).startswith("33\u202f% of 3 trials with help became customers")
    assert str(headline(table)).endswith("An association, not an effect.")
    assert footnotes(table)[1].startswith("1 / 3 = 33.3\u202f% \u2212 1 / 2 = 50.0\u202f% = \u221216.7 points, any.")
    assert "In neither: 1 that still run." in footnotes(table)[1]
    drawn = plot_assisted_trial_conversion(table)
    assert "Any help" in [text.get_text() for text in drawn.texts]
    assert "An association" in DRAWN[drawn].plot.legend(table)
    assert "With help" in show(table).html
    assert "Left out: 1 that were over sooner." in footnotes(assisted(within="7 days"))[1]
    few = assisted(min_n=9)
    assert "too few to say" in str(headline(few))
    assert few.loc[0, "assisted"] == 2
    assert "Too few on a side" in footnotes(few)[1]


def test_contacts_are_read_like_the_other_tables(tmp_path):
    file = tmp_path / "calls.csv"
    file.write_text("customer,called_at,contact_type\nann,2026-05-01T00:00Z,call\n")
    assert assisted(contacts=read_contacts(file)).loc[0, "help"] == "call"


@pytest.mark.parametrize("seed", range(3))
def test_random_lives_are_counted_as_one_by_one(seed):
    rows = lives(seed, customers=120)
    rng = np.random.default_rng(seed)
    calls = pd.DataFrame({"customer_id": [f"c{k}" for k in rng.integers(0, 120, 400)]})
    calls["at"] = FIRST + pd.to_timedelta(rng.integers(0, DAYS, 400), unit="D")
    table = assisted(rows, contacts=calls, as_of=AS_OF)
    whole = trial_conversion(rows, period=None, as_of=AS_OF, min_n=1).iloc[0]
    assert table.loc[0, "assisted"] + table.loc[0, "unassisted"] == whole["ended"]
    assert table.loc[0, "assisted_converted"] + table.loc[0, "unassisted_converted"] == whole["converted"]
    assert table.loc[0, "still_in_trial"] == whole["still_in_trial"]
    helped, end = 0, pd.Timestamp(AS_OF, tz="UTC")
    for (_, _), own in rows[rows["status"] == "trialing"].groupby(["customer_id", "subscription_id"]):
        own = own.sort_values("start")
        spells = []
        for row in own.itertuples():
            if spells and spells[-1][1] == row.start:
                spells[-1][1] = row.end
            else:
                spells.append([row.start, row.end])
        at = calls.loc[calls["customer_id"] == own["customer_id"].iloc[0], "at"]
        helped += sum(((at >= a) & (at < b) & (at < end)).any() for a, b in spells if not pd.isna(b) and b < end)
    assert table.loc[0, "assisted"] == helped


def test_without_any_contact_nobody_was_helped_and_a_kind_may_be_blank_but_not_any():
    none = assisted(contacts=CALLS[:0])
    assert none["help"].tolist() == ["contact"]
    assert none.loc[0, ["assisted", "unassisted"]].tolist() == [0, 5]
    blank = assisted(contacts=CALLS.assign(kind=["", " ", None, *["call"] * 4]))
    assert blank["help"].tolist() == ["any", "call", "other"]
    with pytest.raises(EventTableError, match=r"1 row is of the kind 'any'.*another name"):
        assisted(contacts=CALLS.assign(kind=["any", *["call"] * 6]))
