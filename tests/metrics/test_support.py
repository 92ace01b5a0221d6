"""How good support is, and what is asked after reading, by logs with somebody on every edge."""

import numpy as np
import pandas as pd
import pytest

from metrics import EventTableError, complaint_rate, event_log, questions_after, support_quality
from metrics.display import headline
from metrics.display.footnotes import footnotes
from metrics.intervals import wilson


def tickets(log):
    """Tickets from lines of id, created, first reply, solved (of March 2026, ``-``: none), reopens, rating."""
    rows = [[None if cell == "-" else cell for cell in line.split()] for line in log.strip().splitlines()]
    names = ["ticket_id", "created_at", "first_reply_at", "solved_at", "reopens", "satisfaction"]
    table = pd.DataFrame(rows, columns=names)
    for name in names[1:4]:
        table[name] = pd.to_datetime("2026-03-" + table[name].str.replace("T", " "), utc=True)
    return table.assign(reopens=table["reopens"].astype(float))


EDGES = tickets("""
    t1  02T09:00  02T09:00  02T10:00  0  good
    t2  02T09:00  02T11:00  02T12:00  0  bad
    t3  02T09:00  02T13:00  02T14:00  2  offered
    t4  02T09:00  -         -         0  unoffered
    t5  02T09:00  31T09:00  31T09:00  0  -
    t6  02T09:00  02T19:00  -         1  good
    t7  02T09:00  02T15:00  02T16:00  -  good
    t8  31T09:00  31T09:00  31T09:00  0  good
""")


def quality(table=EDGES, **options):
    return support_quality(table, **({"period": None, "as_of": "2026-03-31T09:00Z", "min_n": 1} | options))


def test_each_ticket_stands_on_the_right_side_of_every_edge():
    row = quality().iloc[0]
    assert row["tickets"] == 7  # t8 came in the first moment that is not observed
    assert (row["offered"], row["rated"]) == (5, 4)  # t4 was never asked, of t5 nothing is known
    assert row["rating_rate"] == 4 / 5
    assert row["customer_satisfaction"] == 75
    low, high = wilson(3, 4)
    limits = (row["customer_satisfaction_low"], row["customer_satisfaction_high"])
    assert limits == (pytest.approx(100 * low), pytest.approx(100 * high))
    # t1 and t2; not t3, reopened; t4 and t5, open at as_of; t6, reopened; of t7 it is not known
    assert row["solved_first_contact_rate"] == 2 / 6
    assert row["reopened_rate"] == 2 / 4  # t3, and t6, which is open again
    assert row["first_reply_median_hours"] == 6  # 0, 2, 4, 6, 10, and two who wait


def test_limits_hold_where_customers_have_several_tickets():
    """Fifteen customers with four tickets each, most of them alike; as strangers' they held the share in 7 of 10."""
    rng = np.random.default_rng(3)
    samples, customers, each = 300, 15, 4
    own, other = (rng.random((samples, customers, many)) < 0.7 for many in (1, each))
    good = np.where(rng.random(other.shape) < 0.8, own, other).ravel()
    table = pd.DataFrame({
        "created_at": pd.Timestamp("2026-03-02", tz="UTC"), "solved_at": pd.Timestamp("2026-03-03", tz="UTC"),
        "satisfaction": np.where(good, "good", "bad"), "reopens": np.where(good, 0.0, 1.0),
        "sample": np.repeat(np.arange(samples), customers * each),
        "customer_id": np.tile(np.repeat(np.arange(customers), each), samples),
    })  # fmt: skip
    found = quality(table, by="sample")
    for name, true in (("customer_satisfaction", 70), ("solved_first_contact_rate", 0.7), ("reopened_rate", 0.3)):
        held = (found[f"{name}_low"] <= true) & (true <= found[f"{name}_high"])
        assert held.mean() > 0.92, (name, held.mean())
    strangers = quality(table.drop(columns="customer_id"), by="sample")
    pd.testing.assert_frame_equal(quality(table.assign(customer_id=np.arange(len(table))), by="sample"), strangers)
    alone = quality(table[:60], by="customer_id")  # asked about one by one
    few = alone.loc[0, ["customer_satisfaction_low", "customer_satisfaction_high"]].tolist()
    assert few == pytest.approx([100 * limit for limit in wilson(good[:4].sum(), 4)])


def test_without_anybody_waiting_the_median_is_the_plain_one():
    for hours in ([1], [1, 3], [1, 2, 9], [1, 2, 4, 9], [2, 2, 2, 8], [0, 0]):
        came = pd.Series(pd.Timestamp("2026-03-02", tz="UTC"), index=range(len(hours)))
        table = pd.DataFrame({"created_at": came, "first_reply_at": came + pd.to_timedelta(hours, unit="h")})
        assert quality(table)["first_reply_median_hours"].item() == pytest.approx(np.median(hours))


def test_who_has_just_come_does_not_count_as_waiting_long():
    late = tickets("""
        t1  02T09:00  02T10:00  -  -  -
        t2  02T09:00  02T12:00  -  -  -
        t3  31T08:59  -         -  -  -
        t4  31T08:59  -         -  -  -
    """)
    assert quality(late)["first_reply_median_hours"].item() == 2  # midway between 1 and 3
    waiting = late.assign(created_at=late["created_at"].iloc[0])
    table = quality(waiting.assign(first_reply_at=waiting["first_reply_at"].where(waiting["ticket_id"] == "t1")))
    assert "first_reply_median_hours: above_half" in table["reason"].item()


def test_what_comes_at_as_of_is_not_known_yet():
    assert quality(period="month")["tickets"].tolist() == [7]
    assert "first_reply_median_hours: above_half" in quality(EDGES[4:5])["reason"].item()  # t5 was answered at as_of
    assert quality(EDGES[4:5], as_of="2026-03-31T09:01Z")["first_reply_median_hours"].item() == 29 * 24


def test_offered_is_asked_and_unanswered_and_unoffered_was_never_asked():
    said = ["good"] * 8 + ["bad"] * 2 + ["offered"] * 30 + ["unoffered"] * 60
    table = pd.DataFrame({"satisfaction": said, "created_at": pd.Timestamp("2026-03-02", tz="UTC")})
    row = quality(table).iloc[0]
    assert (row["customer_satisfaction"], row["rated"], row["offered"], row["rating_rate"]) == (80, 10, 40, 0.25)
    assert row["reason"] == (
        "solved_first_contact_rate: zero_denominator; reopened_rate: zero_denominator; "
        "first_reply_median_hours: zero_denominator"
    )


def test_every_period_has_its_row_and_an_open_one_no_rate():
    log = pd.concat([EDGES[:1], EDGES[:1].assign(ticket_id="t9", created_at=pd.Timestamp("2026-01-31T23:30Z"))])
    table = support_quality(log, tz="Europe/Berlin", as_of="2026-03-20", min_n=1)
    assert table["period_start"].dt.strftime("%Y-%m").tolist() == ["2026-02", "2026-03"]  # in Berlin it was February
    assert table["tickets"].tolist() == [1, 1]
    assert table["customer_satisfaction"].isna().tolist() == [False, True]
    assert "customer_satisfaction: incomplete_period" in table["reason"][1]
    empty = support_quality(log, period="week", as_of="2026-03-20", min_n=1)
    assert empty["tickets"].tolist() == [1, 0, 0, 0, 0, 1, 0, 0]


def test_bot_and_human_stand_beside_each_other_and_missing_is_a_group():
    table = quality(
        EDGES.assign(handled_by=["bot", "bot", "human", "human", None, None, "human", "bot"]), by="handled_by"
    )
    assert table["handled_by"].isna().tolist() == [False, False, True]
    assert table["tickets"].tolist() == [2, 3, 2]
    assert table["first_reply_median_hours"].tolist()[:2] == [1, 6]


def test_few_are_held_back_and_nobody_is_an_answer():
    row = quality(min_n=5).iloc[0]
    assert row["rating_rate"] == 0.8
    assert np.isnan(row["customer_satisfaction"])
    assert row["reason"] == "customer_satisfaction: below_min_n; reopened_rate: below_min_n"
    nobody = quality(EDGES[:0]).iloc[0]
    assert nobody["tickets"] == 0
    assert "rating_rate: zero_denominator" in nobody["reason"]


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="tickets: 'created_at' is not a column of the tickets"):
        quality(EDGES.drop(columns="created_at"))
    with pytest.raises(ValueError, match="created_at has no zone"):
        quality(EDGES.assign(created_at=EDGES["created_at"].dt.tz_localize(None)))
    with pytest.raises(EventTableError, match=r"created_at is missing in 1 row \(first: row 3\)"):
        quality(EDGES.assign(created_at=EDGES["created_at"].where(EDGES["ticket_id"] != "t4")))
    with pytest.raises(EventTableError, match="'t1' stands in several rows"):
        quality(pd.concat([EDGES, EDGES[:1]]))
    with pytest.raises(EventTableError, match=r"first_reply_at lies before created_at in 1 row \(first: row 1\)"):
        quality(EDGES.assign(created_at=EDGES["created_at"].where(EDGES.index != 1, EDGES["created_at"][7])))
    with pytest.raises(EventTableError, match="satisfaction: 'great' is no rating"):
        quality(EDGES.assign(satisfaction="great"))


def test_the_sentence_sets_what_was_solved_beside_the_first_answer():
    assert headline(quality()) == (
        "33\u202f% of the tickets, half of which were answered within 6.0\u202fh, were solved at first contact "
        "(10 to 70)."
    )
    assert footnotes(quality())[1].startswith("3 / 4 = 75.0\u202f% satisfied.")


# -- what is asked after reading? --------------------------------------------------------------------------------------

READ = event_log("""
    2026-05-01 10:00  ann  read
    2026-05-09 10:00  ann  read
    2026-05-01 10:00  ben  read
    2026-05-01 10:00  cat  read
    2026-05-01 10:00  dan  read
    2026-05-04 10:00  eve  read
    2026-05-04 10:01  fay  read
    2026-05-01 10:00  gus  visit
""")
ASKED = pd.DataFrame(
    [
        ("k1", "ann", "01T10:00", "बिलिंग"), ("k2", "ann", "02T10:00", "postavke"),
        ("k3", "ann", "10T10:00", "postavke"),
        ("k4", "ben", "01T09:59", "बिलिंग"), ("k5", "ben", "08T10:00", "बिलिंग"), ("k6", "cat", "08T09:59", "postavke"),
        ("k7", "cat", "03T10:00", "postavke"), ("k8", "fay", "05T10:00", "postavke"), ("k9", "gus", "02T10:00", None),
        ("k10", "eve", "05T10:00", None),
    ],
    columns=["ticket_id", "customer_id", "created_at", "topic"],
)  # fmt: skip
ASKED["created_at"] = pd.to_datetime("2026-05-" + ASKED["created_at"].str.replace("T", " "), utc=True)


def questions(table=ASKED, **options):
    return questions_after(
        READ, **({"event": "read", "tickets": table, "as_of": "2026-05-11T10:00Z", "min_n": 1} | options)
    )


def test_a_question_counts_from_the_first_reading_until_the_window_is_over():
    table = questions()
    row = table.iloc[0]
    assert row["readers"] == 5  # fay's week is over a minute after as_of; gus did not read
    assert table.attrs["settings"]["too_recent"] == 1
    # k1 in the instant of reading, k2, k6 in the last minute, k7, k10; not k3, for the week counts from the first
    # reading, k4, before it, and k5, when it was over
    assert (row["tickets"], row["customers"]) == (5, 3)
    assert row["share"] == 3 / 5
    low, high = wilson(3, 5)
    assert (row["share_low"], row["share_high"]) == (pytest.approx(low), pytest.approx(high))
    assert questions(as_of="2026-05-11T10:01Z")["readers"].tolist() == [6]


def test_topics_keep_their_script_and_a_missing_one_is_a_group():
    table = questions(by="topic")
    assert table["topic"].fillna("none").tolist() == ["postavke", "बिलिंग", "none"]
    assert table["tickets"].tolist() == [3, 1, 1]
    assert table["customers"].tolist() == [2, 1, 1]
    assert table["readers"].tolist() == [5, 5, 5]
    assert questions(ASKED[:0], by="topic").empty


def test_too_few_readers_and_too_early_are_told_apart():
    assert questions(min_n=6)["reason"].tolist() == ["below_min_n"]
    early = questions(as_of="2026-05-08T09:59Z").iloc[0]
    assert (early["readers"], early["tickets"], early["reason"]) == (0, 0, "immature")
    assert np.isnan(early["share"])
    assert questions(ASKED[:0])["share"].tolist() == [0]


def test_questions_of_nobody_known_are_counted_apart():
    table = questions(ASKED.assign(customer_id=ASKED["customer_id"].where(ASKED["ticket_id"] != "k2")))
    assert (table["tickets"].item(), table.attrs["settings"]["of_nobody"]) == (4, 1)


def test_numbers_as_ids_meet_words_as_ids():
    read = READ.assign(user_id=READ["user_id"].map({name: str(k) for k, name in enumerate(READ["user_id"].unique())}))
    table = ASKED.assign(
        customer_id=ASKED["customer_id"].map({"ann": 0, "ben": 1, "cat": 2, "eve": 4, "fay": 5, "gus": 6})
    )
    assert (
        questions_after(read, event="read", tickets=table, as_of="2026-05-11T10:00Z", min_n=1)["customers"].item() == 3
    )


def test_what_questions_lack_is_said():
    with pytest.raises(ValueError, match="'reads' is not"):
        questions(event="reads")
    with pytest.raises(ValueError, match="tickets: 'topics' is not a column of the tickets"):
        questions(by="topics")
    with pytest.raises(ValueError, match="'readers' is a column of the result"):
        questions(ASKED.assign(readers=1), by="readers")
    with pytest.raises(EventTableError, match="'k1' stands in several rows"):
        questions(pd.concat([ASKED, ASKED[:1]]))


def test_the_sentence_names_what_most_ask_about():
    assert headline(questions()).startswith("60\u202f% of 5 readers asked")
    assert headline(questions(by="topic")).startswith("40\u202f% of 5 readers asked about postavke (")
    assert "Left out: 1 who still have their 7 days." in footnotes(questions())[1]


def test_complaints_are_counted_by_segment_over_the_customers_of_the_segment():
    at = pd.to_datetime(["2026-03-05", "2026-03-06", "2026-04-09", "2026-03-20"], utc=True)
    came = pd.DataFrame({"created_at": at, "is_complaint": [True, True, True, True], "plan": ["pro", None, "pro", "x"]})
    active = pd.DataFrame({
        "period_start": pd.to_datetime(["2026-03-01", "2026-04-01", "2026-04-01"]), "plan": ["pro", "pro", None],
        "customers": [50, 20, 10],
    })  # fmt: skip
    table = complaint_rate(came, active=active, by="plan", as_of="2026-05-01")
    assert list(table)[:4] == ["period_start", "plan", "complaints", "customers"]
    assert table["plan"].fillna("-").tolist() == ["pro", "-", "pro", "-"]
    assert table["complaints"].tolist() == [1, 1, 1, 0]
    assert table["complaint_rate"].fillna(-1).tolist() == [2, -1, 5, 0]  # nobody without a plan was active in March
    assert table.attrs["settings"]["of_no_group"] == 1
    later = pd.concat([came, came[3:].assign(created_at=pd.Timestamp("2026-05-01", tz="UTC"))])
    more = pd.concat([later, came[3:].assign(is_complaint=False)])  # of nobody's group, and no complaint before as_of
    told = complaint_rate(more, active=active, by="plan", as_of="2026-05-01").attrs["settings"]
    assert told["of_no_group"] == 1
    whole = complaint_rate(came, active=active[:2], as_of="2026-05-01")
    assert whole["complaints"].tolist() == [3, 1]
    with pytest.raises(ValueError, match="by: 'segment' is not a column of tickets"):
        complaint_rate(came, active=active, by="segment", as_of="2026-05-01")


def test_a_complaint_counts_once_and_customers_are_whole_people():
    at = pd.to_datetime(["2026-03-05", "2026-03-06"], utc=True)
    came = pd.DataFrame({"ticket_id": ["a", "b"], "created_at": at, "is_complaint": [True, True]})
    active = pd.DataFrame({"period_start": pd.to_datetime(["2026-03-01"]), "customers": [50]})
    here = active.assign(period_start=pd.to_datetime(["2026-03-01"]).tz_localize("Europe/Berlin"))
    for base, tz in ((active, "UTC"), (here, "Europe/Berlin"), (active.astype({"customers": object}), "UTC")):
        assert complaint_rate(came, active=base, as_of="2026-05-01", tz=tz)["complaint_rate"][0] == 4
        each = complaint_rate(came.assign(plan="x"), active=base.assign(plan="x"), by="plan", as_of="2026-05-01", tz=tz)
        assert each["complaint_rate"][0] == 4
    with pytest.raises(EventTableError, match="ticket_id: 'a' stands in several rows"):
        complaint_rate(pd.concat([came, came[:1]]), active=active, as_of="2026-05-01")
    with pytest.raises(EventTableError, match="created_at is missing in 1 row"):
        complaint_rate(came.assign(created_at=[pd.NaT, at[1]]), active=active, as_of="2026-05-01")
    for wrong in (50.5, -1, "many"):
        with pytest.raises(ValueError, match=f"customers: {wrong!r} is no number of customers"):
            complaint_rate(came, active=active.assign(customers=wrong), as_of="2026-05-01")
    with pytest.raises(ValueError, match="by: 'complaint_rate_low' is a column of the result"):
        complaint_rate(came, active=active, by="complaint_rate_low", as_of="2026-05-01")


@pytest.mark.parametrize("name", ["solved", "reopened", "good", "watched"])
def test_tickets_may_be_grouped_by_a_column_called_as_what_is_counted_on_the_way(name):
    bots = EDGES.assign(handled_by=["bot", "human"] * 4)
    plain, found = quality(bots, by="handled_by"), quality(bots.rename(columns={"handled_by": name}), by=name)
    pd.testing.assert_frame_equal(found.rename(columns={name: "handled_by"}), plain)


@pytest.mark.parametrize("kind", [object, float, "str", "category"])
def test_a_column_without_any_value_is_one_group_whatever_its_type(kind):
    table = quality(EDGES.assign(channel=pd.Series([None] * len(EDGES), dtype=kind)), by="channel")
    assert table["channel"].isna().tolist() == [True]
    pd.testing.assert_frame_equal(table.drop(columns="channel"), quality())


@pytest.mark.parametrize("wrong", ["often", -1])
def test_reopens_that_are_no_number_of_times_are_refused(wrong):
    with pytest.raises(EventTableError, match=f"reopens: {wrong!r} is no number of times"):
        quality(EDGES.assign(reopens=pd.Series([0, wrong] * 4, dtype=object)))
