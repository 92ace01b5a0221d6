"""Ids meet however a table holds them: as text, as whole numbers, or as decimals, as pandas makes of gaps."""

import itertools

import numpy as np
import pandas as pd
import pytest

from metrics import (
    alert_quality,
    assisted_trial_conversion,
    churn_alerts,
    churn_by_band,
    churn_reasons,
    content_reuse,
    customer_timeline,
    event_log,
    lift,
    onboarding_outcomes,
    open_conversion,
    payment_recovery,
    questions_after,
)
from metrics.files.values import id_texts, truths

AS_OF = "2026-06-01"
OPEN = pd.to_datetime([None], utc=True)
PAIRS = [*itertools.product(["text", "whole", "decimal"], repeat=2)]


def ids(kind, *numbers):
    whole = pd.Series(list(numbers))
    return {"text": whole.astype("str"), "whole": whole, "decimal": whole.astype(float)}[kind]


def day(*days):
    return pd.to_datetime([f"2026-{d}" for d in days], utc=True)


def subscriptions(kind):
    return pd.DataFrame({
        "customer_id": ids(kind, 7, 8), "subscription_id": ids(kind, 70, 80), "start": day("01-01", "01-01"),
        "end": pd.to_datetime(["2026-05-10", None], utc=True), "mrr": 10.0, "currency": "EUR", "status": "active",
    })  # fmt: skip


@pytest.mark.parametrize("column", [[7.0, np.nan], pd.array([7, None], "Int64"), ["7", None], pd.array([7.0, None])])
def test_an_id_with_a_gap_beside_it_stays_a_whole_number(column):
    found = id_texts(pd.Series(column))
    assert found[0] == "7"
    assert pd.isna(found[1])


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ([True, False], "10"), (["1.00", "maybe", None, "No"], "1??0"), ([1, 0, 2], "10?"), ([1.0, None], "1?"),
        ([" YES", "f"], "10"), ([], ""),
    ],
)  # fmt: skip
def test_true_and_false_in_all_their_words(column, found):
    for rows in (pd.Series(column, dtype=object), pd.Series(column, dtype=object).set_axis([4] * len(column))):
        assert "".join("?" if value != value else str(int(value)) for value in truths(rows)) == found


def test_decimals_that_are_none_of_whole_numbers_stay():
    assert id_texts(pd.Series([7.5, 8.0])).tolist() == ["7.5", "8.0"]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_customers_of_two_tables_are_the_same_ones(one, other):
    ends = pd.DataFrame({"customer_id": ids(one, 7), "effective_at": day("05-10"), "ended_by": "system"})
    invoices = pd.DataFrame({
        "customer_id": ids(other, 7), "invoice_id": ids(other, 1), "due_at": day("05-01"), "paid_at": OPEN,
    })  # fmt: skip
    reasons = churn_reasons(ends, invoices=invoices, as_of=AS_OF)
    assert reasons["involuntary"].sum() == 1


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_invoices_and_their_payments_meet(one, other):
    tries = pd.DataFrame({
        "invoice_id": ids(one, 1, 1), "attempted_at": day("05-01", "05-02"), "result": ["failed", "succeeded"],
    })  # fmt: skip
    invoices = pd.DataFrame({"invoice_id": ids(other, 1), "amount_due_minor": [500], "currency": "EUR"})
    table = payment_recovery(tries, invoices=invoices, min_n=1, as_of=AS_OF)
    assert table["recovery_rate_amount"].tolist() == [1]  # NA where the invoice is not found


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_help_in_a_trial_is_that_of_the_trial_s_customer(one, other):
    trial = subscriptions(one).assign(status="trialing", end=day("01-15", "01-15"))
    calls = pd.DataFrame({"customer_id": ids(other, 7), "at": day("01-02"), "kind": "call"})
    table = assisted_trial_conversion(trial, contacts=calls, as_of=AS_OF)
    assert table["assisted"].tolist() == [1]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_question_after_the_guide_is_that_of_its_reader(one, other):
    events = pd.DataFrame({"user_id": ids(one, 7, 8), "event": "guide", "timestamp": day("05-01", "05-01")})
    tickets = pd.DataFrame({"customer_id": ids(other, 7), "created_at": day("05-02"), "ticket_id": ["t"]})
    table = questions_after(events, tickets=tickets, event="guide", as_of=AS_OF)
    assert table["tickets"].sum() == 1


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_an_alert_knows_whose_invoice_is_overdue(one, other):
    invoices = pd.DataFrame({
        "customer_id": ids(other, 8), "invoice_id": ids(other, 1), "due_at": day("05-01"), "paid_at": OPEN,
    })  # fmt: skip
    alerts = churn_alerts(subscriptions=subscriptions(one), invoices=invoices, as_of=AS_OF)
    assert alerts["customer_id"].tolist() == ["8"]
    told = customer_timeline(subscriptions(one), customer_id="8", invoices=invoices, as_of=AS_OF)
    assert len(told) >= 2


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_who_opened_and_who_bought_are_the_same_ones(one, other):
    mails = pd.DataFrame({
        "recipient_id": ids(one, 7, 7, 8), "campaign_id": "c", "event": ["delivered", "opened", "delivered"],
        "at": day("05-01", "05-02", "05-01"),
    })  # fmt: skip
    bought = pd.DataFrame({"recipient_id": ids(other, 7), "at": day("05-03")})
    table = open_conversion(mails, conversions=bought, window="14 days", as_of=AS_OF)
    assert table["openers_converted"].tolist() == [1]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_scores_and_alerts_are_of_the_customers_whose_outcome_is_told(one, other):
    outcomes = pd.DataFrame({"customer_id": ids(other, 7, 8), "churned": [True, False]})
    scores = pd.DataFrame({"customer_id": ids(one, 7, 8), "score": [9, 1], "band": ["red", "green"]})
    assert lift(scores, outcomes=outcomes, fraction=0.5)["lift"].item() == 2
    assert churn_by_band(scores, outcomes=outcomes, min_n=1)["churned"].tolist() == [1, 0, 0, 0]
    assert alert_quality(scores[:1], outcomes=outcomes)["precision"].item() == 1


@pytest.mark.parametrize("kind", ["text", "whole", "decimal"])
def test_answers_are_those_of_the_users_of_events(kind):
    log = event_log("""
        2026-01-01  7  sign_up
        2026-01-02  7  guide
        2026-01-01  8  sign_up
    """)
    answers = pd.DataFrame({"respondent_id": ids(kind, 7, 8), "answered_at": day("01-20", "01-20"), "score": [5, 1]})
    table = onboarding_outcomes(
        log, onboarded="guide", start_event="sign_up", as_of=AS_OF, min_n=1, responses=answers
    ).set_index("outcome")
    assert table.loc["satisfaction", ["onboarded_rate", "others_rate"]].tolist() == [1, 0]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_views_are_of_the_contents_that_were_made(one, other):
    contents = pd.DataFrame({"content_id": ids(one, 1, 2), "customer_id": ids(other, 7, 8)})
    views = pd.DataFrame({"user_id": ids(one, 8, 8), "content_id": ids(other, 1, 2)})
    table = content_reuse(
        views.assign(timestamp=day("01-02", "01-02")), contents=contents.assign(made_at=day("01-01", "01-01")),
        as_of=AS_OF, min_n=1,
    )  # fmt: skip
    assert table["reused"].item() == 1  # 8 saw the one of 7; the other was their own
