"""What becomes of mails, and whether those who open them buy, by logs with somebody on every edge."""

import numpy as np
import pandas as pd
import pytest

from metrics import (
    EventTableError,
    alert,
    compare_variants,
    email_performance,
    mail_frequency,
    open_conversion,
    plot_email_performance,
    plot_mail_frequency,
    variant_outcomes,
)
from metrics.display import headline
from metrics.display.footnotes import footnotes
from metrics.display.tables import table_html
from metrics.intervals import newcombe, wilson
from metrics.plots.style import DRAWN


def mails(log):
    """A table of mails from lines of recipient, event, time (of May 2026); ``*`` marks what a machine did."""
    rows = [line.split() for line in log.strip().splitlines()]
    table = pd.DataFrame([row[:3] for row in rows], columns=["recipient_id", "event", "at"])
    table["machine"] = [row[-1] == "*" for row in rows]
    table["at"] = pd.to_datetime("2026-05-" + table["at"].str.replace("T", " "), utc=True)
    return table.assign(campaign_id="welcome", variant="a")


EDGES = mails("""
    ann   sent       01T08:59
    ann   delivered  01T09:00
    ann   opened     01T09:00  *
    ann   opened     01T10:00
    ann   opened     01T11:00
    ann   clicked    01T11:01
    ann   converted  01T09:00
    ben   sent       01T08:59
    ben   delivered  01T09:00
    ben   opened     01T09:00  *
    ben   clicked    01T09:00  *
    ben   converted  01T08:58
    cat   sent       01T08:59
    cat   bounced    01T09:00
    dan   sent       01T08:59
    dan   bounced    01T09:00
    dan   delivered  01T12:00
    dan   unsubscribed 01T13:00
    eve   sent       01T08:59
    fay   opened     02T10:00
    gus   converted  02T10:00
    hal   delivered  01T09:00
    hal   deferred   01T09:00
""")  # fmt: skip


def test_each_recipient_is_counted_once_and_on_the_right_side_of_every_edge():
    row = email_performance(EDGES, min_n=1).iloc[0]
    assert row["sent"] == 7  # all but gus, of whom only a purchase is known
    assert row["delivered"] == 5  # ann, ben, dan at the second try, fay, who opened it, hal; nothing is known of eve
    assert row["bounced"] == 1  # cat: dan got it in the end
    assert row["human_openers"] == 2  # ann, who was also opened for; fay
    assert row["prefetched_only"] == 1  # ben
    assert row["clickers"] == 1  # a machine clicked for ben
    assert row["unsubscribed"] == 1
    assert row["converted"] == 1  # ann, in the instant in which it came; ben bought before
    assert row["open_rate"] == 2 / 4
    assert (row["open_rate_simple"], row["open_rate_all"]) == (2 / 5, 3 / 5)
    assert row["prefetched_rate"] == 1 / 5
    assert row[["prefetched_rate_low", "prefetched_rate_high"]].tolist() == pytest.approx(
        [float(x) for x in wilson(1, 5)]
    )
    assert (row["click_rate"], row["unsubscribe_rate"], row["conversion_rate"]) == (1 / 5, 1 / 5, 1 / 5)
    low, high = wilson(2, 4)
    assert (row["open_rate_low"], row["open_rate_high"]) == (pytest.approx(low), pytest.approx(high))


def test_with_machines_everybody_delivered_is_below_the_line():
    row = email_performance(EDGES, opens="all", min_n=1).iloc[0]
    assert row["open_rate"] == row["open_rate_all"] == 3 / 5
    assert row["human_openers"] == 2


def test_machine_opens_are_neither_read_nor_unread():
    rows = [(f"r{k}", "delivered", False) for k in range(1000)]
    rows += [(f"r{k}", "opened", False) for k in range(215)] + [(f"r{k}", "opened", True) for k in range(530)]
    table = pd.DataFrame(rows, columns=["recipient_id", "event", "machine"])
    table = table.assign(at=pd.Timestamp("2026-05-01", tz="UTC"), campaign_id="spring")
    row = email_performance(table).iloc[0]
    assert row["prefetched_only"] == 315
    rates = (row["open_rate"], row["open_rate_simple"], row["open_rate_all"])
    assert rates == (pytest.approx(215 / 685), 0.215, 0.53)


def test_an_export_that_tells_of_no_delivery_has_delivered_what_did_not_bounce():
    log = mails("""
        ann  sent     01T09:00
        ben  sent     01T09:00
        ben  bounced  01T09:01
        cat  sent     01T09:00
        cat  opened   01T10:00
    """)
    row = email_performance(log, min_n=1).iloc[0]
    assert (row["sent"], row["delivered"], row["bounced"], row["open_rate"]) == (3, 2, 1, 0.5)


def test_groups_have_their_own_recipients_and_a_missing_variant_is_a_group():
    both = pd.concat([EDGES, EDGES.assign(variant=None), EDGES[:6].assign(campaign_id="later")], ignore_index=True)
    table = email_performance(both, min_n=1)
    assert table["campaign_id"].tolist() == ["later", "welcome", "welcome"]
    assert table["variant"].isna().tolist() == [False, False, True]
    assert table["delivered"].tolist() == [1, 5, 5]
    assert email_performance(both, by=None, min_n=1)["delivered"].tolist() == [5]
    assert list(email_performance(EDGES.drop(columns="variant")).columns[:2]) == ["campaign_id", "sent"]


@pytest.mark.parametrize("name", ["opened", "clicked", "sent", "bounced", "known", "any", "too_recent", "machine_id"])
def test_a_group_may_be_called_as_an_event_or_as_what_is_counted_on_the_way(name):
    log = EDGES.assign(country=EDGES["recipient_id"].map({"ann": "NL", "ben": "NL", "cat": "DE", "dan": "DE"}))
    bought = EDGES[EDGES["event"] == "converted"]
    for metric, more in (
        (email_performance, {}),
        (open_conversion, {"conversions": bought, "as_of": "2026-05-08T12:00Z"}),
    ):
        asked = {"min_n": 1, **more}
        plain = metric(log, by="country", **asked)
        if name in plain:
            with pytest.raises(ValueError, match=f"by: '{name}' is a column of the result"):
                metric(log.rename(columns={"country": name}), by=name, **asked)
        else:
            found = metric(log.rename(columns={"country": name}), by=name, **asked)
            pd.testing.assert_frame_equal(found.rename(columns={name: "country"}), plain)


def test_before_the_first_delivery_what_was_sent_has_not_come():
    bought = EDGES[EDGES["event"] == "converted"]
    table = open_conversion(EDGES, conversions=bought, window="10 seconds", as_of="2026-05-01T08:59:30Z", min_n=1)
    assert table["delivered"].item() == 0
    assert table["reason"].str.startswith("openers_rate: zero_denominator").item()


def test_a_rate_over_few_is_held_back_with_its_reason():
    row = email_performance(EDGES, min_n=5).iloc[0]
    assert np.isnan(row["open_rate"])
    assert row["click_rate"] == 0.2
    assert row["reason"] == "open_rate: below_min_n"
    nobody = email_performance(EDGES[:0], by=None).iloc[0]
    assert nobody["delivered"] == 0
    assert "click_rate: zero_denominator" in nobody["reason"]
    assert nobody[["open_rate_simple", "prefetched_rate", "prefetched_rate_high"]].isna().all()
    opened_for = mails("ann delivered 01T09:00\nann opened 01T09:00 *")
    assert email_performance(opened_for, min_n=1)["reason"].tolist() == ["open_rate: zero_denominator"]


def test_no_mails_are_no_error_however_their_times_are_held():
    none = EDGES[:0].convert_dtypes(dtype_backend="pyarrow")
    assert email_performance(none, by=None)["sent"].tolist() == [0]
    assert headline(email_performance(none)) == "– nobody to count."
    assert open_conversion(EDGES, conversions=none, as_of="2026-06-01", min_n=1)["openers_converted"].item() == 0


def test_rows_of_other_events_are_counted():
    assert email_performance(EDGES).attrs["settings"]["other_events"] == 1


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="opens: 'people'"):
        email_performance(EDGES, opens="people")
    with pytest.raises(ValueError, match="emails: 'recipient_id' is not a column of the mails"):
        email_performance(EDGES.drop(columns="recipient_id"))
    with pytest.raises(ValueError, match="at has no zone"):
        email_performance(EDGES.assign(at=EDGES["at"].dt.tz_localize(None)))
    with pytest.raises(EventTableError, match=r"recipient_id is missing in 1 row \(first: row 0\)"):
        email_performance(EDGES.assign(recipient_id=[None, *EDGES["recipient_id"][1:]]))


def test_the_sentence_tells_of_clicks_and_the_foot_how_they_were_counted():
    table = email_performance(EDGES, min_n=1)
    assert headline(table) == "20\u202f% of 5 who got the mail clicked (4 to 62)."
    foot = footnotes(table)[1]
    assert foot.startswith("1 / 5 = 20.0\u202f% clicked, 2 / 4 = 50.0\u202f% opened, welcome, a.")
    assert "Rows of other events, left out: 1." in foot
    page = table_html(table, "")
    assert ">Machines only<" in page
    assert "Of all delivered" not in page
    two = email_performance(pd.concat([EDGES, EDGES[12:].assign(variant="b")]), min_n=1)
    assert headline(two).startswith("20\u202f% of welcome, a who got the mail clicked (4 to 62), the most of 2 groups")


# -- do openers buy? ---------------------------------------------------------------------------------------------------

READ = mails("""
    ann  delivered  01T09:00
    ann  opened     01T10:00
    ben  delivered  01T09:00
    ben  opened     01T12:00
    cat  delivered  01T09:00
    cat  opened     01T09:00  *
    dan  delivered  01T09:00
    dan  opened     01T10:00
    eve  delivered  01T09:00
    eve  opened     08T09:00
    fay  delivered  01T09:00
    fay  opened     08T08:59
    gus  bounced    01T09:00
    hal  delivered  01T09:00
    ida  delivered  01T09:00
    ida  delivered  03T09:00
    joe  delivered  03T09:01
    joe  opened     03T10:00
""")
BOUGHT = mails("""
    ann  bought  01T10:00
    ben  bought  01T11:59
    ben  bought  02T09:00
    cat  bought  08T08:59
    dan  bought  08T09:00
    dan  bought  01T08:59
    hal  bought  01T09:00
    gus  bought  02T09:00
    ida  bought  09T09:00
    joe  bought  04T09:00
    zoe  bought  02T09:00
""")[["recipient_id", "at"]]


def opened(**options):
    return open_conversion(READ, conversions=BOUGHT, **({"as_of": "2026-05-10T09:00Z", "min_n": 1} | options))


def test_openers_are_those_who_opened_before_they_converted_within_the_window():
    table = opened()
    row = table.iloc[0]
    assert row["delivered"] == 8  # gus bounced; joe's week is over a minute after as_of
    assert table.attrs["settings"]["too_recent"] == 1
    # ann bought in the instant of the open; dan before delivery and when the week was over; fay opened in its last
    # minute
    assert (row["openers"], row["openers_converted"]) == (3, 1)
    # ben bought before opening, cat was only opened for, eve opened when the week was over, hal bought as it came
    assert (row["non_openers"], row["non_openers_converted"]) == (5, 3)
    assert row["difference"] == pytest.approx(1 / 3 - 3 / 5)
    low, high = newcombe(1, 3, 3, 5)
    assert (row["difference_low"], row["difference_high"]) == (pytest.approx(low), pytest.approx(high))
    assert row["label"] == "association"
    assert opened(as_of="2026-05-10T09:01Z")["openers_converted"].tolist() == [2]


def test_opens_by_machines_make_openers_only_on_request():
    row = opened(opens="all").iloc[0]
    assert (row["openers"], row["openers_converted"], row["non_openers"]) == (4, 2, 4)


def test_the_published_example_of_eleven_mails():
    people = {  # human open, machine open, conversion: hours after delivery
        "r01": (1, None, 25), "r02": (2, None, 49), "r03": (3, None, 0.5), "r04": (None, 0, 23), "r05": (None, 0, None),
        "r06": (22, 0, 73), "r07": (6, None, None), "r08": (None, None, 97), "r09": (54, None, None),
        "r10": (None, None, None), "r11": (None, None, 457),
    }  # fmt: skip
    rows = [(who, "delivered", 0, False) for who in people]
    rows += [(who, "opened", hours[0], False) for who, hours in people.items() if hours[0] is not None]
    rows += [(who, "opened", hours[1], True) for who, hours in people.items() if hours[1] is not None]
    table = pd.DataFrame(rows, columns=["recipient_id", "event", "at", "machine"])
    bought = pd.DataFrame([(w, h[2]) for w, h in people.items() if h[2] is not None], columns=["recipient_id", "at"])
    start = pd.Timestamp("2026-05-01T09:00Z")
    table, bought = (t.assign(at=start + pd.to_timedelta(t["at"], unit="h")) for t in (table, bought))
    row = open_conversion(table, conversions=bought, as_of="2026-07-01", min_n=1).iloc[0]
    assert (row["openers"], row["openers_converted"], row["non_openers"], row["non_openers_converted"]) == (5, 3, 6, 3)
    found = (row["difference"], row["difference_low"], row["difference_high"])
    assert found == pytest.approx((0.1, -0.3836818463, 0.5210957125))


def test_by_campaign_each_has_its_own_first_mail():
    both = pd.concat([READ, READ[:2].assign(campaign_id="later", at=READ["at"][:2] + pd.Timedelta("1 hour"))])
    both = pd.concat([both, READ[READ["recipient_id"] == "gus"].assign(campaign_id="lost")])
    table = open_conversion(both, conversions=BOUGHT, by="campaign_id", as_of="2026-05-10T09:00Z", min_n=1)
    assert table["campaign_id"].tolist() == ["later", "lost", "welcome"]
    assert table["openers_converted"].tolist() == [0, 0, 1]  # ann bought in the instant in which the later mail came
    assert table["non_openers_converted"].tolist() == [1, 0, 3]


def test_too_few_and_too_early_are_told_apart():
    few = opened(min_n=4).iloc[0]
    assert few["reason"] == "openers_rate: below_min_n; difference: below_min_n"
    assert few["non_openers_rate"] == 0.6
    early = opened(as_of="2026-05-02").iloc[0]
    assert early["delivered"] == 0
    assert early["reason"] == "openers_rate: immature; non_openers_rate: immature; difference: immature"
    nobody = open_conversion(READ[:0], conversions=BOUGHT[:0], as_of="2026-05-02").iloc[0]
    assert "difference: zero_denominator" in nobody["reason"]


def test_what_conversions_lack_is_said():
    with pytest.raises(ValueError, match="conversions: 'at' is not a column of the conversions"):
        open_conversion(READ, conversions=BOUGHT[["recipient_id"]], as_of="2026-05-10")
    with pytest.raises(EventTableError, match="recipient_id is missing in 11 rows"):
        open_conversion(READ, conversions=BOUGHT.assign(recipient_id=None), as_of="2026-05-10")
    with pytest.raises(ValueError, match="window: '7' is not a span of time"):
        opened(window="7")


def test_the_sentence_says_that_it_is_an_association():
    assert headline(opened()).endswith("An association, not an effect.")
    assert headline(opened()).startswith("33\u202f% of 3 who opened the mail converted")
    foot = footnotes(opened())[1]
    assert "1 / 3 = 33.3\u202f% \u2212 3 / 5 = 60.0\u202f%" in foot
    assert "Left out: 1 who still have their 7 days." in foot
    assert headline(opened(as_of="2026-05-02")).startswith(
        "– whether openers convert more often is not known: too early"
    )


# -- how many mails are too many ---------------------------------------------------------------------------------------

CADENCE = mails("""
    ann   delivered     01T09:00
    ann   delivered     02T09:00
    ann   delivered     08T09:00
    ann   delivered     09T08:59
    ann   unsubscribed  09T09:00
    ann   delivered     10T09:00
    ben   delivered     01T09:00
    ben   delivered     08T09:00
    ben   unsubscribed  08T08:59
    cat   delivered     01T09:00
    cat   unsubscribed  01T09:00
    dan   delivered     01T09:00
    dan   unsubscribed  08T09:00
    eve   delivered     12T09:00
    eve   unsubscribed  12T10:00
""").assign(message_id=lambda t: t["recipient_id"] + t["at"].dt.day.astype(str).where(t["event"] == "delivered", "x"))


def frequency(log=CADENCE, as_of="2026-05-17T09:00", **options):
    table = mail_frequency(log, as_of=as_of, min_n=1, most=3, **options)
    return table.set_index("mails_received")


def test_each_mail_is_one_of_those_that_came_in_the_seven_days_up_to_it():
    table = frequency()
    # ann: 1 on 1 May, 2 on the 2nd, 2 on the 8th (that of the 1st came seven days before), 3 on the 9th, then left
    assert table["mails"].tolist() == [4, 2, 1]  # alone: those of 1 May; ben left before his second, eve is watched
    assert table["recipients"].tolist() == [4, 1, 1]
    assert table["unsubscribed"].tolist() == [
        2,
        0,
        1,
    ]  # ben and cat; dan seven days later, at no mail; ann at the third
    assert table["unsubscribe_rate"].tolist() == [1 / 2, 0, 1]
    said = mail_frequency(CADENCE, as_of="2026-05-17T09:00").attrs["settings"]
    assert (said["after_leaving"], said["too_recent"]) == (2, 1)
    assert frequency(as_of="2026-05-19T09:00")["mails"].tolist() == [5, 2, 1]  # eve's seven days are over


def test_a_mail_whose_window_is_open_is_left_out_whether_its_recipient_left_or_got_the_next_one():
    log = mails("""
        ann  delivered     01T09:00
        ann  delivered     02T09:00
        ann  delivered     03T09:00
        ben  delivered     01T09:00
        ben  unsubscribed  01T10:00
    """).assign(message_id=["1", "2", "3", "1", "1"])
    # Who leaves gets no next mail: to count ann's because the next one came, and not ben's, would hide who leaves.
    early = mail_frequency(log, as_of="2026-05-08T08:59", min_n=1, most=3)
    assert early["mails"].tolist() == [0, 0, 0]
    assert early.attrs["settings"]["too_recent"] == 4
    table = frequency(log, as_of="2026-05-08T09:00")
    assert table["mails"].tolist() == [2, 0, 0]  # the window of the mails of the 1st is over, and of no other
    assert table["unsubscribed"].tolist() == [1, 0, 0]


def test_by_group_the_mails_of_all_groups_are_counted_and_each_mail_is_of_its_own():
    log = CADENCE.assign(kind=np.where(CADENCE["at"].dt.day.isin([1, 9]), "news", "offer"))
    table = frequency(log, by="kind").reset_index()
    news, offer = (table[table["kind"] == kind] for kind in ("news", "offer"))
    # ann's third mail in seven days is her second piece of news: the offers between are counted
    assert news["mails"].tolist() == [4, 0, 1]
    assert offer["mails"].tolist() == [0, 2, 0]  # those of the 2nd and the 8th; eve's is still watched
    assert news["unsubscribed"].tolist() == [2, 0, 1]  # ben before an offer came, so at the news before it
    assert offer["unsubscribed"].tolist() == [0, 0, 0]
    assert offer["reason"].tolist()[0] == "zero_denominator"
    whole = frequency(log)
    assert table.groupby("mails_received")[["mails", "unsubscribed"]].sum().equals(whole[["mails", "unsubscribed"]])
    few = mail_frequency(log, by="kind", as_of="2026-05-17T09:00")
    assert few.columns[:3].tolist() == ["kind", "mails_received", "mails"]
    said = few.attrs["settings"]
    assert (said["by"], said["after_leaving"], said["too_recent"]) == (["kind"], 2, 1)


def test_a_mail_has_the_first_group_that_its_rows_tell_and_a_missing_one_is_a_group():
    log = mails("""
        ann  sent       01T08:59
        ann  delivered  01T09:00
        ann  opened     01T10:00
        ben  delivered  01T09:00
        ben  unsubscribed  02T09:00
        cat  delivered  01T09:00
        dan  sent       01T08:59
        dan  bounced    01T09:00
    """).assign(country=[None, "NL", "DE", None, "FR", "DE", "AT", "AT"], message_id=[*"aaa", "b", None, *"cdd"])
    table = frequency(log, by="country").reset_index()
    assert table["country"].fillna("-").unique().tolist() == ["AT", "DE", "NL", "-"]
    alone = table[table["mails_received"] == 1].set_index(table["country"].fillna("-")[::3])
    assert alone["mails"].to_dict() == {"AT": 0, "DE": 1, "NL": 1, "-": 1}  # dan's mail came back
    assert alone.loc["-", "unsubscribed"] == 1  # ben, whichever country the row of his leaving tells


def test_of_mails_of_one_instant_the_last_by_name_is_left_at_in_any_order_of_the_rows():
    twice = mails("ann delivered 01T09:00\nann delivered 01T09:00\nann unsubscribed 01T09:00")
    twice = twice.assign(message_id=["1", "2", "3"], kind=["offer", "news", None])
    for log in (twice, twice[::-1]):
        table = frequency(log, by="kind").reset_index()
        assert table.loc[table["mails_received"] == 2, ["kind", "unsubscribed"]].to_numpy().tolist() == [
            ["news", 0],
            ["offer", 1],
        ]


def test_mails_of_one_instant_are_all_counted_and_one_of_them_is_the_last():
    twice = mails("ann delivered 01T09:00\nann delivered 01T09:00\nann unsubscribed 01T09:00")
    table = frequency(twice.assign(message_id=["1", "2", "2"]))
    assert table.loc[2, ["mails", "unsubscribed"]].tolist() == [2, 1]
    assert table.loc[1, "mails"] == 0
    assert table.loc[1, "reason"] == "zero_denominator"


def test_without_message_ids_a_mail_is_that_of_its_campaign():
    log = CADENCE.assign(campaign_id=CADENCE["message_id"]).drop(columns="message_id")
    assert frequency(log)["mails"].tolist() == frequency()["mails"].tolist()


def test_events_and_flags_are_read_in_any_letters():
    log = mails("""
        ann  Delivered  01T09:00
        ann  Delivered  02T09:00
        ann  OPENED     02T09:00
        ben  Delivered  01T09:00
    """).assign(message_id=["m", None, None, "m"], campaign_id=["p", "q", "q", "p"], machine=["f", "no", "T", None])
    row = email_performance(log, by=None, min_n=1).iloc[0]
    assert (row["human_openers"], row["prefetched_only"]) == (0, 1)
    table = mail_frequency(log, as_of="2026-06-01", most=2, min_n=1)
    assert table["mails"].tolist() == [2, 1]  # not all have an id, so that a mail is that of its campaign


def test_who_is_sent_more_leaves_less_often_in_the_week_but_more_often_at_a_mail():
    rng = np.random.default_rng(5)
    rows = []
    for who in range(600):
        for day in range(0, 28, 2 if who % 2 else 7):
            rows.append((f"u{who}", day, "delivered"))
            if rng.random() < (0.06 if who % 2 else 0.02):
                rows.append((f"u{who}", day, "unsubscribed"))
                break
    log = pd.DataFrame(rows, columns=["recipient_id", "day", "event"])
    log["at"] = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(log["day"], unit="D")
    table = mail_frequency(log.assign(campaign_id=log["day"].astype(str)), as_of="2026-07-01").set_index(
        "mails_received"
    )
    assert (
        table.loc[1, "unsubscribe_rate_low"] < 0.0333 < table.loc[1, "unsubscribe_rate_high"]
    )  # both sorts begin here
    assert table.loc[4, "unsubscribe_rate_low"] < 0.06 < table.loc[4, "unsubscribe_rate_high"]


def test_the_number_of_mails_is_said_with_its_interval():
    said = str(headline(mail_frequency(CADENCE, as_of="2026-05-19", min_n=1, most=3)))
    assert "unsubscribe at a mail that is one of 3 or more in 7 days" in said
    assert "which may be chance" in said
    foot = footnotes(mail_frequency(CADENCE, as_of="2026-05-17T09:00", min_n=1, most=3))
    assert foot[1].endswith("Left out: 2 sent to who had left, 1 that are still watched.")
    assert "too few mails" in headline(mail_frequency(CADENCE, as_of="2026-05-19"))


def test_of_groups_the_one_where_most_leave_at_as_many_mails_is_said():
    both = pd.concat([CADENCE.assign(kind=None), CADENCE.assign(recipient_id="x" + CADENCE["recipient_id"], kind="b")])
    both = both[~((both["kind"] == "b") & (both["event"] == "unsubscribed"))]
    table = mail_frequency(both, by="kind", as_of="2026-06-01", min_n=1, most=3)
    said = str(headline(table)).replace("\u202f", " ")
    assert said.startswith("100 % unsubscribe at a mail of (missing) that is one of 3 or more in 7 days (21 to 100), ")
    assert "the most of 2 groups: 40 points higher than at the only one, 60 %" in said
    foot = footnotes(table)
    assert foot[0].endswith("Mails up to it are those of all groups, the group is that of the mail.")
    assert foot[1].startswith("1 / 1 = 100.0\u202f%, one of 3 or more.")
    page = table_html(table, "")
    assert page.count(">b<") == 1  # a group's name stands once
    rule = alert(table, "unsubscribe_rate", above=0.9, rule="too-many-mails")
    assert "(missing), 3 or more mails in 7 days 100" in rule


def test_a_number_of_mails_that_is_none_is_refused():
    with pytest.raises(ValueError, match="most: 0"):
        mail_frequency(CADENCE, as_of="2026-06-01", most=0)
    with pytest.raises(ValueError, match="emails: 'country' is not a column of the mails"):
        mail_frequency(CADENCE, as_of="2026-06-01", by="country")
    with pytest.raises(ValueError, match="by: 'mails' is a column of the result"):
        mail_frequency(CADENCE.assign(mails=1), as_of="2026-06-01", by="mails")


# -- variants ----------------------------------------------------------------------------------------------------------


def test_a_test_is_over_all_who_got_the_mail_by_what_they_were_sent():
    log = EDGES.assign(variant=np.where(EDGES["recipient_id"].isin(["ann", "dan"]), "a", "b"))
    table = variant_outcomes(log)
    assert table["user_id"].tolist() == ["ann", "ben", "dan", "fay", "hal"]  # cat bounced, of eve nothing is known
    assert table["variant"].tolist() == ["a", "b", "a", "b", "b"]
    assert table["converted"].tolist() == [True, False, False, False, False]  # ben bought before it came
    assert variant_outcomes(log, outcome="clicked")["clicked"].tolist() == [True, False, False, False, False]
    assert variant_outcomes(log, outcome="opened")["opened"].tolist() == [True, False, False, True, False]
    assert variant_outcomes(log, outcome="unsubscribed")["unsubscribed"].sum() == 1


def test_the_test_is_the_last_campaign_with_two_variants():
    new, old = EDGES.assign(campaign_id="new"), EDGES.assign(campaign_id="old", at=EDGES["at"] - pd.Timedelta(days=30))
    log = pd.concat([new.assign(variant="only"), old.assign(variant=np.where(old["recipient_id"] == "ann", "x", "y"))])
    assert variant_outcomes(log).attrs["settings"]["campaign"] == "old"
    with pytest.raises(ValueError, match="'new' is not a campaign with two variants"):
        variant_outcomes(log, campaign="new")


def test_a_test_keeps_of_each_recipient_the_first_group_that_its_rows_tell():
    log = EDGES.assign(variant=np.where(EDGES["recipient_id"].isin(["ann", "dan"]), "a", "b"), country=None)
    log.loc[log["event"] == "delivered", "country"] = "DE"
    log.loc[(log["recipient_id"] == "ann") & (log["event"] == "clicked"), "country"] = "NL"
    other = log.assign(campaign_id="old", country="FR", at=log["at"] - pd.Timedelta(days=30))
    table = variant_outcomes(pd.concat([log, other]), by=["country"])
    assert table.columns.tolist() == ["user_id", "country", "variant", "converted"]
    # of ann the delivery came before the click; of fay no row tells, and what the other campaign tells is not asked
    assert table["country"].fillna("-").tolist() == ["DE", "DE", "DE", "-", "DE"]
    assert compare_variants(table, by="country")["users"].tolist() == [2, 2, 0, 1]
    with pytest.raises(ValueError, match="'town' is not a column of the mails"):
        variant_outcomes(log, by="town")
    with pytest.raises(ValueError, match="by: 'opened' is a column of the result"):
        variant_outcomes(log, by="opened")


def test_who_got_two_variants_belongs_to_none():
    log = pd.concat([EDGES.assign(variant="a"), EDGES[EDGES["recipient_id"] == "ann"].assign(variant="b")])
    table = variant_outcomes(log)
    assert "ann" not in set(table["user_id"])
    assert table.attrs["settings"]["several_variants"] == 1


def test_who_was_sent_two_variants_and_got_one_belongs_to_it_with_what_names_none():
    log = mails("""
        ann  sent       01T08:00
        ann  bounced    01T08:01
        ann  delivered  01T09:00
        ann  converted  01T10:00
        ben  delivered  01T09:00
        ben  converted  01T08:00
        cat  sent       01T08:00
        cat  sent       01T08:00
        cat  delivered  01T09:00
        cat  converted  01T10:00
    """).assign(variant=["a", "a", "b", None, "a", None, "a", "b", None, None])
    for rows in (log, log[::-1], log.set_index(pd.Index([7] * len(log)))):
        table = variant_outcomes(rows)
        assert table["user_id"].tolist() == ["ann", "ben"]  # what cat got of the two no row tells
        assert table["variant"].tolist() == ["b", "a"]
        assert table["converted"].tolist() == [True, False]
        assert table.attrs["settings"]["several_variants"] == 1


def test_what_a_recipient_did_counts_for_their_variant_where_its_row_names_none():
    log = mails("""
        ann  delivered  01T09:00
        ann  clicked    01T10:00
        ann  converted  01T11:00
        ben  delivered  01T09:00
        ben  opened     01T10:00
        cat  delivered  01T09:00
        cat  converted  01T10:00
        dan  delivered  01T09:00
        dan  delivered  01T09:00
        dan  converted  01T10:00
    """).assign(variant=["a", None, None, "b", None, None, None, "a", "b", None])
    for rows in (log, log[::-1], log.astype({"variant": "category"})):
        table = variant_outcomes(rows)
        assert table["user_id"].tolist() == ["ann", "ben"]  # cat's variant is not told; dan got both
        assert table["variant"].tolist() == ["a", "b"]
        assert table["converted"].tolist() == [True, False]
        assert variant_outcomes(rows, outcome="clicked")["clicked"].tolist() == [True, False]
        assert variant_outcomes(rows, outcome="opened")["opened"].tolist() == [False, True]
        said = table.attrs["settings"]
        assert (said["several_variants"], said["no_variant"]) == (1, 1)


def test_without_variants_there_is_no_test_and_no_error():
    for log in (EDGES, EDGES.drop(columns="variant"), EDGES.assign(variant=None)):
        table = variant_outcomes(log)
        assert table.columns.tolist() == ["user_id", "variant", "converted"]
        assert len(table) == 0
        assert "nothing is compared" in headline(compare_variants(table))


def test_the_first_variant_by_name_is_the_control_unless_another_is_named():
    log = EDGES.assign(variant=np.where(EDGES["recipient_id"].isin(["ann", "dan"]), "b", "a"))
    table = compare_variants(variant_outcomes(log), ratio=None)
    assert table["variant"].tolist() == ["a", "b"]
    assert table["verdict"].tolist() == ["control", "association"]


# -- figures -----------------------------------------------------------------------------------------------------------


def test_each_step_of_a_cadence_is_a_row_of_its_figure():
    log = pd.concat([EDGES.assign(campaign_id=name, variant=None) for name in ("welcome-1", "welcome-2")])
    table = email_performance(log, min_n=1)
    ax = plot_email_performance(table)
    assert [text.get_text() for text in ax.texts if text.get_text().startswith("welcome")] == ["welcome-1", "welcome-2"]
    assert "welcome-1: 20" in DRAWN[ax].plot.alt(table)


def test_mails_of_no_group_are_named_missing_in_the_figure():
    log = pd.concat([EDGES.assign(country=value, campaign_id=name) for name, value in (("a", "DE"), ("b", None))])
    ax = plot_email_performance(email_performance(log, by="country", min_n=1))
    assert {"DE", "(missing)"} <= {text.get_text() for text in ax.texts}


def test_the_figure_of_the_number_of_mails_leaves_out_what_nobody_got():
    table = mail_frequency(CADENCE, as_of="2026-05-19", min_n=1, most=5)
    ax = plot_mail_frequency(table)
    names = [text.get_text() for text in ax.texts if "mail" in text.get_text()]
    assert names == ["1 mail in 7 days", "2 mails in 7 days", "3 mails in 7 days"]
    groups = mail_frequency(CADENCE.assign(kind="a"), by="kind", as_of="2026-05-19", min_n=1, most=5)
    names = [text.get_text() for text in plot_mail_frequency(groups).texts if "mail" in text.get_text()]
    assert names == ["a, 1 mail in 7 days", "a, 2 mails in 7 days", "a, 3 mails in 7 days"]


def test_orders_are_conversions_and_refunds_are_none():
    log = mails("ann delivered 01T09:00\nben delivered 01T09:00")
    at = pd.to_datetime(["2026-05-02", "2026-05-02"], utc=True)
    orders = pd.DataFrame({"user_id": ["ann", "ben"], "timestamp": at, "net": [20.0, -20.0]})
    table = open_conversion(log, conversions=orders, as_of="2026-06-01", min_n=1)
    assert table.loc[0, "non_openers_converted"] == 1
    free = open_conversion(log, conversions=orders.assign(net=[0.0, -20.0]), as_of="2026-06-01", min_n=1)
    assert free.loc[0, "non_openers_converted"] == 1
    with pytest.raises(EventTableError, match="1 of 2 orders have no net that is a number"):
        open_conversion(log, conversions=orders.assign(net=[None, 20.0]), as_of="2026-06-01")
