"""What keeps those who would be lost: cards that end, payments tried again, pauses."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import (
    EventTableError,
    expiring_cards,
    headline,
    pause_outcomes,
    payment_recovery,
    plot_pause_outcomes,
    plot_payment_recovery,
    read_payment_methods,
    recovery_curve,
    show,
)
from tests.metrics.test_churn_contracts import ASKED, ATTEMPTS, PAUSES
from tests.metrics.test_revenue import log


def cards(text):
    """Lines of ``customer month year``; - is missing."""
    rows = [[None if word == "-" else word for word in line.split()] for line in text.strip().splitlines()]
    table = pd.DataFrame(rows, columns=["customer_id", "exp_month", "exp_year"], dtype="str")
    return table.assign(exp_month=pd.to_numeric(table["exp_month"]), exp_year=pd.to_numeric(table["exp_year"]))


def told(table):
    return dict(zip(table["customer_id"], table["state"], strict=True))


ANN = cards("ann 2 2028")  # a leap year


@pytest.mark.parametrize(
    ("as_of", "state", "days"),
    [
        ("2028-02-01 00:00", "expiring", 29),
        ("2028-02-29 00:00", "expiring", 1),  # its last day
        ("2028-02-29 23:59:59.999999", "expiring", 1),  # its last instant
        ("2028-03-01 00:00", "expired", 0),
    ],
)
def test_a_card_is_good_to_the_last_instant_of_its_month(as_of, state, days):
    row = expiring_cards(ANN, as_of=as_of).iloc[0]
    assert (row["state"], row["days_left"], row["expires_at"]) == (state, days, pd.Timestamp("2028-03-01"))


def test_the_month_ends_at_midnight_of_the_zone_also_across_the_change_of_clocks():
    march = cards("ann 3 2026")
    for as_of, state, days in (
        ("2026-03-31T21:59:59.999999Z", "expiring", 1), ("2026-03-31T22:00Z", "expired", 0),
        ("2026-03-01T23:00Z", "expiring", 30),
    ):  # fmt: skip
        row = expiring_cards(march, as_of=as_of, tz="Europe/Berlin").iloc[0]
        assert (row["state"], row["days_left"]) == (state, days)
    assert expiring_cards(march, as_of="2026-03-31T22:00Z")["state"].tolist() == ["expiring"]


def test_what_lies_within_is_the_last_moment_of_the_card():
    assert len(expiring_cards(ANN, as_of="2028-01-31", within="30 days")) == 1  # to the end of 29 February
    assert len(expiring_cards(ANN, as_of="2028-01-30 23:59:59", within="30 days")) == 0


CARDS = cards("""
    ann 2 2026
    ben 3 2026
    cat 1 2026
    cat 3 2026
    dan 2 2026
    dan 9 2030
    eve - 2026
    fay 12 2025
    gil - -
    gil 3 2026
""")


def test_of_several_cards_the_one_that_ends_last_counts_and_none_is_lost():
    table = expiring_cards(CARDS, as_of="2026-03-05")
    assert list(told(table).items()) == [
        ("ben", "expiring"), ("cat", "expiring"), ("gil", "expiring"), ("fay", "expired"), ("ann", "expired"),
        ("eve", "unknown"),
    ]  # fmt: skip  # dan has one that is good
    assert table["cards"].tolist() == [1, 2, 2, 1, 1, 1]
    assert "mrr_at_risk" not in table
    assert table["reason"].isna().tolist() == [True] * 5 + [False]
    assert table["reason"].iloc[-1] == "days_left: no_expiry"
    assert table["days_left"].isna().tolist() == [False] * 5 + [True]


PAID = log("""
    ann  a  2026-01-01  -           30
    ben  b  2026-01-01  2026-04-01  20   status=past_due   # the end is planned, not done
    ben  c  2026-01-01  -           5
    cat  d  2026-01-01  2026-03-01  10                     # gone
    eve  e  2026-01-01  -           10
    eve  f  2026-01-01  -           7    currency=USD
    fay  g  2026-01-01  -           10   status=paused
    gil  h  2026-03-05  -           10                     # begins at as_of
""")


def test_with_subscriptions_only_who_pays_is_told_with_what_hangs_on_the_card():
    table = expiring_cards(CARDS, as_of="2026-03-05", subscriptions=PAID)
    assert told(table) == {"ben": "expiring", "ann": "expired", "eve": "unknown"}
    assert table["mrr_at_risk"].tolist()[:2] == [25.0, 30.0]
    assert table["mrr_at_risk"].isna().tolist() == [False, False, True]  # two currencies are never added
    assert table["reason"].iloc[-1] == "days_left: no_expiry; mrr_at_risk: mixed_currencies"
    assert len(expiring_cards(CARDS, as_of="2026-03-05", subscriptions=PAID[:0])) == 0
    assert len(expiring_cards(CARDS[:0], as_of="2026-03-05", subscriptions=PAID)) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [("ann 13 2026", "exp_month that is none .*a month is 1 to 12"), ("ann 2 28", "write the year in full"),
     ("- 2 2028", "row 0 has no customer_id")],
)  # fmt: skip
def test_a_card_that_cannot_be_is_refused(text, says):
    with pytest.raises(EventTableError, match=says):
        expiring_cards(cards(text), as_of="2026-03-05")
    with pytest.raises(ValueError, match="'exp_year'"):
        expiring_cards(ANN.drop(columns="exp_year"), as_of="2026-03-05")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999))
def test_the_order_of_cards_never_matters_and_the_table_is_not_changed(seed):
    mixed = CARDS.sample(frac=1, random_state=seed)
    before = mixed.copy(deep=True)
    pd.testing.assert_frame_equal(
        expiring_cards(mixed, as_of="2026-03-05", subscriptions=PAID),
        expiring_cards(CARDS, as_of="2026-03-05", subscriptions=PAID),
    )
    pd.testing.assert_frame_equal(mixed, before)


def test_cards_are_read_from_a_file_and_said_in_a_sentence(tmp_path):
    path = tmp_path / "cards.csv"
    path.write_text("customer,expiry_month,expiry_year\nann,2,2026\nben,3,2026\neve,,\n")
    methods = read_payment_methods(path)
    assert methods.attrs["account"][0]["rows"] == 3
    table = expiring_cards(methods, as_of="2026-03-05", subscriptions=PAID[:4])
    assert str(headline(table)) == "1 card ends within 30 days, with 25.00 EUR of MRR; 1 ended before."
    assert "No longer good from" in show(table, "x").html


def test_the_curve_rises_by_the_day_on_which_each_was_paid():
    curve = recovery_curve(ATTEMPTS, follow_up="5 days", as_of="2026-06-01", min_n=1)
    assert curve["days"].tolist() == [0, 1, 2, 3, 4, 5]
    assert curve["recovered"].tolist() == [0, 0, 0, 1, 2, 2]  # paid exactly two days after is not within two
    whole = payment_recovery(ATTEMPTS, period=None, as_of="2026-06-01", min_n=1).iloc[0]
    last = curve.iloc[-1]
    for name in ("failed", "recovered", "recovery_rate", "recovery_rate_low", "recovery_rate_high"):
        assert last[name] == whole[name]


def test_who_failed_too_recently_is_counted_apart():
    late = pd.concat([ATTEMPTS, ATTEMPTS[:1].assign(invoice_id="i9", attempted_at="2026-05-27")], ignore_index=True)
    late["attempted_at"] = pd.to_datetime(late["attempted_at"], utc=True, format="ISO8601")
    for as_of, failed, recent in (("2026-06-01", 4, 0), ("2026-05-31 23:59:59.999999", 3, 1)):
        curve = recovery_curve(late, follow_up="5 days", as_of=as_of, min_n=1)
        assert curve[["failed", "too_recent"]].drop_duplicates().to_numpy().tolist() == [[failed, recent]]
    young = recovery_curve(late, follow_up="90 days", as_of="2026-06-01")
    assert set(young["reason"]) == {"immature"}
    assert young["recovery_rate"].isna().all()
    assert str(headline(young)) == ("– too few failed long enough ago, so that nothing can be said of their recovery.")


def tries(text):
    """Lines of ``invoice time result``."""
    table = pd.DataFrame(
        [line.split() for line in text.split("\n") if line.strip()], columns=["invoice_id", "at", "result"]
    )
    return table.assign(attempted_at=pd.to_datetime(table["at"], utc=True)).drop(columns="at")


@pytest.mark.parametrize("as_of", ["2026-05-31T23:59:59Z", "2026-06-01"])
def test_with_a_follow_up_no_failure_that_may_still_be_paid_counts_as_lost(as_of):
    table = tries("""
        early  2026-05-01  failed
        early  2026-05-04  succeeded
        late   2026-05-01  failed
        late   2026-05-08  succeeded
        open   2026-05-25  failed
        paid   2026-05-25  succeeded
    """)
    row = payment_recovery(table, follow_up="7 days", period=None, as_of=as_of, min_n=1).iloc[0]
    seen = as_of == "2026-06-01"  # the week of those of 25 May is over then, and not an instant before
    assert row[["invoices", "failed", "recovered"]].tolist() == ([4, 3, 1] if seen else [2, 2, 1])
    assert row["attempts"] == (5 if seen else 3)  # the payment a week after the first try is too late by an instant
    curve = recovery_curve(table, follow_up="7 days", as_of=as_of, min_n=1)
    assert row["recovery_rate"] == curve["recovery_rate"].iloc[-1]
    assert payment_recovery(table, period=None, as_of=as_of, min_n=1).loc[0, "recovered"] == 2


def test_few_are_held_back_and_a_span_is_by_the_first_attempt():
    assert set(recovery_curve(ATTEMPTS, as_of="2026-06-15")["reason"]) == {"below_min_n"}
    assert recovery_curve(ATTEMPTS, until="2026-05-01", as_of="2026-06-15")["failed"].max() == 0
    with pytest.raises(ValueError, match="under a day"):
        recovery_curve(ATTEMPTS, follow_up="6 hours", as_of="2026-06-15")


def test_a_group_is_a_curve_of_its_own():
    amounts = pd.DataFrame({"invoice_id": ["i1", "i2", "i3"], "currency": ["EUR", "USD", "EUR"]})
    curve = recovery_curve(ATTEMPTS, invoices=amounts, by="currency", follow_up="5 days", as_of="2026-06-01", min_n=1)
    ends = curve[curve["days"] == 5]
    assert ends[["currency", "failed", "recovered"]].to_numpy().tolist() == [["EUR", 2, 1], ["USD", 1, 1]]
    ax = plot_payment_recovery(curve)
    assert [line.get_ydata()[-1] for line in ax.lines[:2]] == [50.0, 100.0]
    assert str(headline(curve)).startswith("100\u202f% of USD were paid after all")


def test_the_curve_is_said_and_its_figure_tells_how_many():
    curve = recovery_curve(ATTEMPTS, follow_up="5 days", as_of="2026-06-01", min_n=1)
    assert (
        str(headline(curve))
        .replace("\u202f", " ")
        .startswith("67 % of 3 invoices that failed at first were paid within 5 days (")
    )
    html = show(plot_payment_recovery(curve), "x").html
    assert "3 invoices that failed." in html
    assert "rising to 67\u202f% within 5 days" in html
    with pytest.raises(ValueError, match="no result of recovery_curve"):
        plot_payment_recovery(ATTEMPTS)


def test_pauses_stand_beside_cancellations_with_their_limits():
    table = pause_outcomes(PAUSES, cancellations=ASKED, period=None, as_of="2026-06-01", min_n=1)
    ax = plot_pause_outcomes(table)
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == [50.0, 0.0]
    html = show(ax, "x").html
    assert "Paused (2)" in html
    assert "They chose for themselves." in html


def test_a_rate_that_is_held_back_says_so_in_the_figure():
    few = pause_outcomes(PAUSES, cancellations=ASKED, period=None, as_of="2026-06-01")
    assert "Nothing that can be said" in show(plot_pause_outcomes(few), "x").html
    early = pause_outcomes(PAUSES, cancellations=ASKED, period=None, as_of="2026-05-01", min_n=1)
    assert "Paused (0): too early to say." in show(plot_pause_outcomes(early), "x").html


@pytest.mark.parametrize(("as_of", "followed"), [("2026-05-01", 1), ("2026-04-30T23:59:59Z", 0)])
def test_a_follow_up_is_over_with_its_last_instant_and_what_comes_then_is_too_late(as_of, followed):
    rows = log("ann a1 2026-01-01 2026-02-01 10\nann a1 2026-02-01 2026-05-01 10 status=paused\nann a1 2026-05-01 - 10")
    asked = pd.DataFrame({
        "customer_id": ["ann"], "subscription_id": ["a1"], "outcome": ["paused"],
        "requested_at": pd.to_datetime(["2026-01-20"], utc=True),
    })  # fmt: skip
    row = pause_outcomes(rows, cancellations=asked, follow_up="89 days", period=None, as_of=as_of, min_n=1).iloc[
        0
    ]  # 1 February + 89 days is 1 May
    assert row[["paused_followed", "resumed"]].tolist() == [followed, 0]
    longer = pause_outcomes(rows, cancellations=asked, follow_up="90 days", period=None, as_of="2026-06-01", min_n=1)
    assert longer.loc[0, ["paused_followed", "resumed"]].tolist() == [1, 1]
