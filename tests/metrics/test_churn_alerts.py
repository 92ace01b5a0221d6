"""Who shows a sign of leaving, with somebody on every edge of every rule."""

import pandas as pd
import pytest

from metrics import EventTableError, alert_quality, churn_alerts, replay_alerts
from metrics.display import headline, show
from metrics.display.footnotes import footnotes

AS_OF = pd.Timestamp("2026-06-01", tz="UTC")
WEEK, INSTANT = pd.Timedelta(weeks=1), pd.Timedelta(microseconds=1)


def at(*texts):
    return pd.to_datetime(pd.Series(list(texts), dtype=object), utc=True, format="ISO8601")


def uses(who, *weeks, end=AS_OF):
    """Events of each week up to `end`, the last one last, from the first instant of the week on."""
    begins = [end - WEEK * (len(weeks) - k) for k in range(len(weeks))]
    rows = [(who, begin + n * INSTANT) for begin, many in zip(begins, weeks, strict=True) for n in range(many)]
    return pd.DataFrame(rows, columns=["user_id", "timestamp"]).assign(event="use")


def lines(*rows):
    table = pd.DataFrame(
        [(who, start, end, status, mrr) for who, start, end, status, mrr in rows],
        columns=["customer_id", "start", "end", "status", "mrr"],
    )
    table = table.assign(subscription_id=table["customer_id"], currency="EUR")
    return table.assign(start=at(*table["start"]), end=at(*table["end"]))


def usage(events, subscriptions=None, **more):
    more = {"show_skipped": True, **more}
    return churn_alerts(as_of=AS_OF, rules=["usage_drop"], events=events, subscriptions=subscriptions, **more)


def told(table):
    return {
        row.customer_id: row.reason if isinstance(row.reason, str) else round(row.value, 9)
        for row in table.itertuples()
    }


PAID = lines(
    ("half", "2026-01-01", None, "active", 10),
    ("less", "2026-01-01", None, "active", 10),
    ("gone quiet", "2026-01-01", None, "past_due", 30),
    ("five weeks", AS_OF - 5 * WEEK, None, "active", 10),
    ("newer", AS_OF - 5 * WEEK + INSTANT, None, "active", 10),
    ("small", "2026-01-01", None, "active", 10),
    ("silent", "2026-01-01", None, "active", 10),
    ("paused", "2026-01-01", "2026-05-29", "active", 10),
    ("paused", "2026-05-29", None, "paused", 10),
    ("back", "2026-01-01", "2026-05-01", "active", 10),
    ("back", "2026-05-01", AS_OF - WEEK, "paused", 10),
    ("back", AS_OF - WEEK, None, "active", 10),
    ("left", "2026-01-01", AS_OF - INSTANT, "active", 10),
    ("leaves now", "2026-01-01", AS_OF, "active", 10),
    ("trial", "2026-01-01", None, "trialing", 10),
)
LOG = pd.concat([
    uses("half", 5, 5, 5, 5, 5, 2),  # 1 - 2 / 5 is 60 %
    uses("less", 10, 10, 10, 10, 6),  # 40 %
    uses("gone quiet", 8, 8, 8, 8, 0),  # nothing at all in the last week
    uses("five weeks", 10, 10, 10, 10, 5),  # 50 %, exactly the limit
    uses("newer", 10, 10, 10, 10, 0),
    uses("small", 5, 5, 5, 4, 0),  # 4.75 in a mean week
    uses("paused", 9, 9, 9, 9, 0),
    uses("back", 9, 9, 9, 9, 1),  # the pause ended with the first instant of the last 7 days
    uses("left", 9, 9, 9, 9, 0),
    uses("leaves now", 9, 9, 9, 9, 0),  # an end at as_of is not yet done
    uses("trial", 9, 9, 9, 9, 0),
    uses("nobody's", 9, 9, 9, 9, 0),
])  # fmt: skip


def test_a_drop_is_told_from_its_limit_on_and_what_cannot_be_judged_says_why():
    assert told(usage(LOG, PAID)) == {
        "half": 0.6, "gone quiet": 1, "five weeks": 0.5, "newer": "too_new", "small": "baseline_too_small",
        "silent": "baseline_too_small", "paused": "paused", "back": round(8 / 9, 9), "leaves now": 1,
    }  # fmt: skip
    table = usage(LOG, PAID, show_skipped=False)
    assert set(table["customer_id"]) == {"half", "gone quiet", "five weeks", "back", "leaves now"}
    assert table["alert"].all()


def test_a_pause_that_reaches_into_the_last_7_days_explains_the_drop():
    moved = {AS_OF - WEEK: AS_OF - WEEK + INSTANT}
    later = PAID.replace({"start": moved, "end": moved})
    assert told(usage(LOG, later))["back"] == "paused"


def test_the_last_week_is_half_open_and_the_baseline_ends_where_it_begins():
    steady = uses("a", 10, 10, 10, 10, 0)
    late = pd.DataFrame({"user_id": "a", "event": "use", "timestamp": [AS_OF, AS_OF - INSTANT, AS_OF - WEEK]})
    row = usage(pd.concat([steady, late])).iloc[0]
    assert row["evidence"] == "2 events in the last 7 days, 10 in a mean week of the 4 weeks before"
    assert row["value"] == pytest.approx(0.8)


@pytest.mark.parametrize(("as_of", "first"), [("2026-04-01", "2026-03-25"), ("2026-10-28", "2026-10-21")])
def test_the_last_week_is_seven_dates_also_where_the_clocks_change(as_of, first):
    end, begin = (pd.Timestamp(day, tz="Europe/Berlin") for day in (as_of, first))
    in_it = uses("in", 10, 10, 10, 10, 0, end=begin + WEEK)
    at_midnight = pd.concat([in_it, pd.DataFrame({"user_id": "in", "event": "use", "timestamp": [begin] * 10})])
    before = at_midnight.assign(user_id="out", timestamp=at_midnight["timestamp"].replace(begin, begin - INSTANT))
    table = churn_alerts(as_of=as_of, tz="Europe/Berlin", rules=["usage_drop"], events=pd.concat([at_midnight, before]))
    assert end - begin != WEEK
    assert told(table) == {"out": 1}


def test_a_limit_of_a_tenth_is_reached_by_9_of_10():
    assert told(usage(uses("a", 10, 10, 10, 10, 9), min_drop=0.1)) == {"a": 0.1}


def test_without_subscriptions_who_was_first_seen_lately_is_new_and_no_money_is_known():
    log = pd.concat([uses("old", 10, 10, 10, 10, 0), uses("new", 10, 10, 10, 0)])
    table = usage(log)
    assert told(table) == {"new": "too_new", "old": 1}
    assert table["mrr_at_risk"].isna().all()


CARDS = pd.DataFrame(
    [("ended", 5, 2026), ("this month", 6, 2026), ("next", 7, 2026), ("two", 5, 2026), ("two", 1, 2027)],
    columns=["customer_id", "exp_month", "exp_year"],
)


@pytest.mark.parametrize(
    ("as_of", "within", "expired", "expiring"),
    [
        ("2026-05-31", "30 days", set(), {"ended", "this month"}),  # the last day is a day with the card
        ("2026-05-31", "29 days", set(), {"ended"}),  # 30 June is 30 days ahead
        ("2026-06-01", "30 days", {"ended"}, {"this month"}),  # 29 days ahead; a second card that lasts is enough
        ("2026-07-31", "1 day", {"ended", "this month"}, {"next"}),
    ],
)
def test_a_card_ends_with_the_last_day_of_its_month(as_of, within, expired, expiring):
    table = churn_alerts(
        as_of=as_of, rules=["card_expired", "card_expiring"], payment_methods=CARDS, expires_within=within
    )
    named = {rule: set(table.loc[table["rule"] == rule, "customer_id"]) for rule in ("card_expired", "card_expiring")}
    assert named == {"card_expired": expired, "card_expiring": expiring}


def test_the_day_of_a_card_is_told_on_the_clocks_of_the_zone():
    rules, as_of = ["card_expired"], pd.Timestamp("2026-06-01T03:00Z")
    assert len(churn_alerts(as_of=as_of, rules=rules, payment_methods=CARDS)) == 1
    assert len(churn_alerts(as_of=as_of, rules=rules, payment_methods=CARDS, tz="America/New_York")) == 0


def test_an_invoice_is_overdue_after_its_instant_and_until_it_is_paid():
    invoices = pd.DataFrame({
        "customer_id": ["due now", "late", "late", "paid", "paid now", None],
        "due_at": at(AS_OF, AS_OF - INSTANT, "2026-05-02", "2026-05-02", "2026-05-02", "2026-05-02"),
        "paid_at": at(None, None, None, AS_OF - INSTANT, AS_OF, None),
    })  # fmt: skip
    table = churn_alerts(as_of=AS_OF, rules=["overdue_invoice"], invoices=invoices)
    assert dict(zip(table["customer_id"], table["evidence"], strict=True)) == {
        "late": "2 invoices unpaid, the oldest due on 2026-05-02",
        "paid now": "1 invoice unpaid, due on 2026-05-02",
    }


def test_the_last_answer_before_as_of_counts_and_6_is_the_last_detractor():
    rows = [
        ("six", 6, "2026-05-01"), ("seven", 7, "2026-05-01"), ("better", 0, "2026-05-01"), ("better", 9, "2026-05-02"),
        ("worse", 9, "2026-05-01"), ("worse", 2, "2026-05-02"), ("tie", 3, "2026-05-01"), ("tie", 10, "2026-05-01"),
        ("later", 1, "2026-06-01"), ("wrong", 11, "2026-05-01"),
    ]  # fmt: skip
    answers = pd.DataFrame(rows, columns=["account_id", "score", "answered_at"])
    answers["answered_at"] = at(*answers["answered_at"])
    for order in (answers, answers.iloc[::-1]):
        table = churn_alerts(as_of=AS_OF, rules=["nps_detractor"], responses=order)
        assert told(table) == {"six": 6, "tie": 3, "worse": 2}


def test_each_rule_tells_its_limit_and_its_dates():
    methods = pd.DataFrame([("a", 12, 2026), ("b", 4, 2026)], columns=["customer_id", "exp_month", "exp_year"])
    invoices = pd.DataFrame({"customer_id": ["a"], "due_at": at("2026-05-02"), "paid_at": at(None)})
    answers = pd.DataFrame({"account_id": ["a"], "score": [4], "answered_at": at("2026-05-01")})
    paid = lines(("a", "2026-01-01", None, "active", 10), ("b", "2026-01-01", None, "active", 10))
    table = churn_alerts(
        as_of=AS_OF, events=uses("a", 5, 5, 5, 5, 1), invoices=invoices, responses=answers, payment_methods=methods,
        subscriptions=paid.assign(renews_at=at("2026-06-10", None)), expires_within="250 days",
    )  # fmt: skip
    assert dict(zip(table["rule"], table["threshold"], strict=True)) == {
        "usage_drop": 0.5, "card_expired": -1, "card_expiring": 250, "overdue_invoice": 1, "nps_detractor": 6,
        "renewal_due": 60,
    }  # fmt: skip
    told = table.set_index("rule")["evidence"]
    assert told["card_expired"] == "the card ended on 2026-04-30"
    assert told["card_expiring"] == "the card ends on 2026-12-31"


def test_without_rules_all_run_whose_table_is_given():
    table = churn_alerts(as_of=AS_OF, payment_methods=CARDS, subscriptions=PAID)
    assert table.attrs["settings"]["rules"] == ["card_expired", "card_expiring"]
    renewing = churn_alerts(as_of=AS_OF, subscriptions=PAID.assign(renews_at=at(*[None] * len(PAID)).array))
    assert renewing.attrs["settings"]["rules"] == ["renewal_due"]
    with pytest.raises(ValueError, match="rules is empty"):
        churn_alerts(as_of=AS_OF)


def test_one_customer_is_told_as_among_all():
    whole, one = usage(LOG, PAID), usage(LOG, PAID, customer_id="half")
    assert one.equals(whole[whole["customer_id"] == "half"].reset_index(drop=True))
    assert one.attrs["settings"]["outside"] == 0
    assert set(usage(LOG, customer_id="half")["customer_id"]) == {"half"}
    with pytest.raises(ValueError, match="Did you mean 'half'"):
        usage(LOG, PAID, customer_id="halve")


def test_nobody_is_outside_where_there_are_no_subscriptions_and_few_events_may_be_enough():
    log = uses("a", 1, 0, 1, 1, 0)
    assert usage(log).attrs["settings"]["outside"] == 0
    assert told(usage(log)) == {"a": "baseline_too_small"}
    assert told(usage(log, min_baseline=0.75)) == {"a": 1}


def test_alerts_are_replayed_at_each_cut_off_on_what_was_known_by_then():
    snapshots = pd.DataFrame({"cutoff": at("2026-05-01", "2026-05-01", "2026-06-01"), "customer_id": ["a", "b", "a"]})
    invoices = pd.DataFrame({
        "customer_id": ["a", "b", "c", "b"],
        "due_at": at("2026-04-20", "2026-04-30", "2026-04-01", "2026-05-15"),
        "paid_at": at("2026-06-05", "2026-05-01", None, None),
    })  # fmt: skip
    table = replay_alerts(snapshots, rules=["overdue_invoice"], invoices=invoices)
    told = list(zip(table["cutoff"].dt.strftime("%m-%d"), table["customer_id"], strict=True))
    assert told == [("05-01", "a"), ("05-01", "b"), ("06-01", "a")]  # c was not here, b not at the second
    soon = replay_alerts(snapshots, rules=["overdue_invoice"], invoices=invoices, cooldown="40 days")
    assert len(soon) == 2  # a was told of 31 days before
    earlier = pd.DataFrame({"customer_id": ["b"], "rule": ["overdue_invoice"], "at": at("2026-04-25")})
    after = replay_alerts(snapshots, rules=["overdue_invoice"], invoices=invoices, previous=earlier)
    assert after["customer_id"].tolist() == ["a", "a"]
    assert len(replay_alerts(snapshots[:0], rules=["overdue_invoice"], invoices=invoices)) == 0
    with pytest.raises(ValueError, match="the cut-offs of the snapshots say when"):
        replay_alerts(snapshots, as_of=AS_OF, invoices=invoices)


def test_a_renewal_is_due_to_the_last_day_of_its_time_and_not_before_as_of():
    renewals = {
        "half": "2026-07-31T12:00Z", "less": "2026-08-01", "gone quiet": "2026-06-01", "small": "2026-05-31",
        "left": "2026-06-09", "paused": "2026-06-09",
    }  # fmt: skip
    subscriptions = PAID[PAID["customer_id"].isin(renewals)]
    subscriptions = subscriptions.assign(renews_at=at(*subscriptions["customer_id"].map(renewals)).array)
    table = churn_alerts(as_of=AS_OF, rules=["renewal_due"], subscriptions=subscriptions)
    assert told(table) == {"gone quiet": 0, "half": 60}
    assert table["evidence"].tolist() == ["renews on 2026-06-01", "renews on 2026-07-31"]


def test_a_rule_that_alerted_a_customer_lately_is_silent_until_the_cool_down_is_over():
    previous = pd.DataFrame(
        [
            ("half", "usage_drop", AS_OF - 2 * WEEK, True),  # exactly 14 days ago: over
            ("gone quiet", "usage_drop", AS_OF - 2 * WEEK + INSTANT, True),
            ("five weeks", "overdue_invoice", AS_OF - WEEK, True),  # another rule
            ("back", "usage_drop", AS_OF - WEEK, False),  # was shown as skipped
            ("leaves now", "usage_drop", AS_OF, True),  # not before as_of
            ("small", "usage_drop", AS_OF - WEEK, True),  # is not judged at all
        ],
        columns=["customer_id", "rule", "at", "alert"],
    )
    table = usage(LOG, PAID, previous=previous)
    held = {k: v for k, v in told(table).items() if isinstance(v, str)}
    assert held == {
        "gone quiet": "cooldown", "newer": "too_new", "paused": "paused", "silent": "baseline_too_small",
        "small": "baseline_too_small",
    }  # fmt: skip
    quiet = table[table["reason"] == "cooldown"].iloc[0]
    assert (quiet["alert"], quiet["value"]) == (False, 1)
    assert pd.isna(quiet["playbook"])
    assert set(usage(LOG, PAID, previous=previous, show_skipped=False)["customer_id"]) == {
        "half", "five weeks", "back", "leaves now",
    }  # fmt: skip
    shorter = usage(LOG, PAID, previous=previous, cooldown="13 days")
    assert "cooldown" not in set(shorter["reason"].dropna())
    words = previous.astype({"alert": "str"})  # as a file of text has them
    pd.testing.assert_frame_equal(usage(LOG, PAID, previous=words), table)


def test_money_at_risk_is_all_that_the_customer_pays_and_never_two_currencies():
    paid = lines(("a", "2026-01-01", None, "active", 10.1), ("a", "2026-02-01", None, "past_due", 20.2))
    invoices = pd.DataFrame({"customer_id": ["a"], "due_at": at("2026-05-01"), "paid_at": at(None)})
    row = churn_alerts(as_of=AS_OF, rules=["overdue_invoice"], invoices=invoices, subscriptions=paid).iloc[0]
    assert row["mrr_at_risk"] == 30.3
    mixed = paid.assign(currency=["EUR", "USD"])
    row = churn_alerts(as_of=AS_OF, rules=["overdue_invoice"], invoices=invoices, subscriptions=mixed).iloc[0]
    assert (row["alert"], row["reason"]) == (True, "mrr_at_risk: mixed_currencies")
    assert pd.isna(row["mrr_at_risk"])


def test_rows_are_by_customer_and_rule_and_alert_quality_takes_them():
    invoices = pd.DataFrame({"customer_id": ["half", "left"], "due_at": at("2026-05-01", "2026-05-01")})
    invoices["paid_at"] = at(None, None)
    table = churn_alerts(
        as_of=AS_OF, rules=["overdue_invoice", "usage_drop"], events=LOG, invoices=invoices, subscriptions=PAID
    )
    assert table["customer_id"].is_monotonic_increasing
    assert table.loc[table["customer_id"] == "half", "rule"].tolist() == ["overdue_invoice", "usage_drop"]
    assert table.attrs["settings"]["outside"] == 1  # the invoice of one who has left
    outcomes = pd.DataFrame({"customer_id": PAID["customer_id"].unique()})
    outcomes["churned"] = outcomes["customer_id"].isin(["half", "less"])
    judged = alert_quality(table, outcomes=outcomes).iloc[0]
    assert (judged["alerted"], judged["precision"], judged["recall"]) == (5, 0.2, 0.5)


@pytest.mark.parametrize(
    ("more", "error", "match"),
    [
        ({"rules": ["usage_dropp"]}, ValueError, "Did you mean 'usage_drop'"),
        ({"rules": []}, ValueError, "rules is empty"),
        ({"rules": ["renewal_due"]}, ValueError, "'renewal_due' needs subscriptions"),
        ({"rules": ["renewal_due"], "subscriptions": PAID}, ValueError, "'renews_at' is not a column of subscriptions"),
        ({"min_drop": 0}, ValueError, "min_drop: 0 is not a share"),
        ({"min_drop": 1.5}, ValueError, "min_drop: 1.5 is not a share"),
        ({"min_baseline": 0}, ValueError, "min_baseline: 0 is not above 0"),
        ({"baseline": "6 days"}, ValueError, "shorter than a week"),
        ({"cooldown": "soon"}, ValueError, "cooldown: 'soon' is not a span"),
        ({"previous": LOG}, ValueError, "previous: 'customer_id'"),
        ({"events": LOG.assign(timestamp=pd.Timestamp("2026-01-01"))}, EventTableError, "have no zone"),
        (
            {"rules": ["card_expired"], "payment_methods": CARDS.assign(exp_month=[13, 1, 1, 1, 1])},
            EventTableError, "1 of 5 rows have no customer, month",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(more, error, match):
    with pytest.raises(error, match=match):
        churn_alerts(**{"as_of": AS_OF, "rules": ["usage_drop"], "events": LOG, **more})


def test_nobody_is_an_answer():
    table = churn_alerts(as_of=AS_OF, rules=["usage_drop"], events=LOG[:0], subscriptions=PAID[:0])
    assert len(table) == 0
    assert headline(table) == "– no customer shows a sign of leaving."


def test_the_sentence_counts_customers_signs_and_money_and_the_table_says_what_to_do():
    table = usage(LOG, PAID)
    assert headline(table) == "5 customers show a sign of leaving: usage drop 5; they pay EUR 70 a month."
    assert footnotes(table)[1].startswith("Silent on 4: ")
    html = show(table, "x").html
    assert "What to do" in html
    assert "Ask what has changed" in html
