"""Exports of orders, subscriptions, survey answers, mails and tickets: as events, and as the tables that they are."""

import json

import pandas as pd
import pytest

import metrics
from tests.metrics.exports.reading import DAY, became, lines, seen, table, value

# -- Shopify

ORDERS = """
    Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Refunded Amount,Outstanding Balance,Phone,Id
    #1,Ann@Example.com ,paid,EUR,20.00,2026-01-05 10:00:00 +0100,1,A,0.00,,,901
    #1,Ann@Example.com ,,,,2026-01-05 10:00:00 +0100,2,B,,,,
    #2,,partially_refunded,EUR,30.00,2026-01-05 11:00:00 +0100,1,A,10.00,,'+49 170 1,902
    #3,bob@example.com,voided,EUR,40.00,2026-01-05 12:00:00 +0100,1,A,0.00,,,903
    #4,bob@example.com,pending,EUR,50.00,2026-01-05 13:00:00 +0100,1,A,0.00,,,904
    #5,bob@example.com,refunded,USD,60.00,2026-01-05 14:00:00 +0100,1,A,60.00,,,905
    #5,bob@example.com,refunded,USD,60.00,2026-01-05 14:00:00 +0100,1,A,60.00,,,905
"""


def test_shopify_an_order_is_one_event_whatever_its_items(tmp_path):
    load = metrics.load_events(table(tmp_path / "orders.csv", ORDERS))
    assert seen(load) == [
        "09:00:00 ann@example.com order_placed", "10:00:00 phone:+491701 order_placed",
        "11:00:00 bob@example.com order_placed", "12:00:00 bob@example.com order_placed",
        "13:00:00 bob@example.com order_placed",
    ]  # fmt: skip
    assert became(load) == {"kept": 5, "duplicate": 1, "system": 1}
    assert load.events["net"].tolist() == [20, 20, 0, 0, 0]
    assert load.events["counts_as_revenue"].tolist() == [True, True, False, False, True]
    assert value(load, "items") == 3


def test_shopify_orders_without_money_are_no_purchases(tmp_path):
    orders = metrics.read_orders(table(tmp_path / "orders.csv", ORDERS))
    assert orders["order_id"].tolist() == ["901", "902", "905"]
    assert orders["net"].tolist() == [20, 20, 0]
    account = metrics.account(orders).set_index("reason")["rows"]
    assert account["voided: no money came in"] == account["pending: no money came in"] == 1


def test_shopify_amounts_that_a_spreadsheet_wrote_with_a_comma_are_what_they_were(tmp_path):
    head = ORDERS.strip().splitlines()[0].strip()
    file = table(tmp_path / "orders.csv", f"""
        {head}
        #1,ann@example.com,paid,EUR,"20,00",2026-01-05 10:00:00 +0100,1,A,"0,50",,,'901
        #2,bob@example.com,paid,EUR,"1,020.00",2026-01-05 11:00:00 +0100,1,A,0.00,,,902
        #1,ann@example.com,paid,EUR,20.00,2026-01-05 10:00:00 +0100,1,A,0.50,,,901
    """)  # fmt: skip
    orders = metrics.read_orders(file)
    assert orders[["order_id", "net"]].values.tolist() == [["901", 19.5], ["902", 1020.0]]  # once each


def test_shopify_an_amount_that_is_none_is_named(tmp_path):
    file = table(tmp_path / "orders.csv", ORDERS.replace("20.00", "20 or so"))
    with pytest.raises(metrics.EventTableError, match=r"Total is not a number \(first: line 2: .*Amounts are read as"):
        metrics.read_orders(file)


# -- Stripe, the dashboard's table

SUBSCRIPTIONS = """
    id,Customer ID,Plan,Quantity,Currency,Interval,Amount,Status,Start Date (UTC),Trial End (UTC),Canceled At (UTC),Ended At (UTC),Cancellation Reason
    s1,c1,Pro yearly,2,eur,year,120.00,active,2026-01-05 09:00,,,,
    s2,c2,Pro monthly,1,jpy,month,2800,canceled,2026-01-05 10:00,2026-01-19 10:00,2026-02-01 00:00,2026-02-19 10:00,cancellation_requested
    s3,c3,Pro quarterly,1,eur,month,54.00,canceled,2026-01-05 11:00,2026-01-19 11:00,2026-01-10 00:00,2026-01-19 11:00,
    s4,c4,Pro monthly,1,eur,month,19.00,incomplete,2026-01-05 12:00,,,,
    s5,c5,Pro monthly,1,eur,month,19.00,trialing,2026-01-05 13:00,2026-01-19 13:00,,,
    s1,c1,Pro yearly,2,eur,year,120.00,active,2026-01-05 09:00,,,,
"""


def test_stripe_an_amount_that_is_none_is_rejected_and_not_free(tmp_path):
    file = table(tmp_path / "subscriptions.csv", SUBSCRIPTIONS.replace("2800", "2800 yen"))
    for read in (metrics.read_subscriptions, metrics.load_events):
        with pytest.raises(metrics.EventTableError, match=r"Amount is not a number \(first: line 3: "):
            read(file)


def test_stripe_a_subscription_starts_is_cancelled_and_ends(tmp_path):
    load = metrics.load_events(table(tmp_path / "subscriptions.csv", SUBSCRIPTIONS))
    assert [line.split()[-1].removeprefix("subscription_") for line in seen(load)] == [
        "started", "started", "started", "started", "cancel_requested", "ended", "cancel_requested", "ended",
    ]  # fmt: skip
    assert became(load) == {"kept": 4, "duplicate": 1, "system": 1}  # rows of the file, not events
    of = load.events.set_index("event_id")
    assert of.loc["s1:started", "mrr"] == 20
    assert of.loc["s2:started", "mrr"] == 2800
    assert of.loc["s3:started", "mrr"] == 18  # quarterly by its name
    assert of.loc["s2:ended", "was_paying"]
    assert not of.loc["s3:ended", "was_paying"]  # the end of the trial was the end


def test_stripe_subscriptions_are_states_priced_in_the_smallest_unit(tmp_path):
    states = metrics.read_subscriptions(table(tmp_path / "subscriptions.csv", SUBSCRIPTIONS))
    told = [
        f"{row.subscription_id} {row.status} {row.start:%m-%d} {'-' if pd.isna(row.end) else format(row.end, '%m-%d')} "
        f"{row.unit_amount_minor:.0f} {row.interval_count:.0f} {row.interval}"
        for row in states.sort_values(["subscription_id", "start"]).itertuples()
    ]
    assert told == [
        "s1 active 01-05 - 12000 1 year",
        "s2 trialing 01-05 01-19 2800 1 month",
        "s2 active 01-19 02-19 2800 1 month",
        "s3 trialing 01-05 01-19 5400 3 month",
        "s5 trialing 01-05 - 1900 1 month",
    ]
    account = metrics.account(states).groupby("stage")["rows"].sum()
    assert account[["kept", "duplicate", "system"]].tolist() == [4, 1, 1]


# -- Stripe, event objects


def stripe(type, created, about, id=None, livemode=True):
    return {
        "object": "event", "id": id or f"evt_{type}_{created}", "type": type, "created": created, "livemode": livemode,
        "data": {"object": about},
    }  # fmt: skip


AT = 1_767_603_600  # 2026-01-05 09:00 UTC


def subscription(status, amount=1900, **more):
    price = {
        "id": "p",
        "unit_amount": amount,
        "currency": "eur",
        "recurring": {"interval": "month", "interval_count": 1},
    }
    items = {"data": [{"price": price, "quantity": 2}]}
    return {"object": "subscription", "id": "s1", "customer": "c1", "status": status, "items": items, **more}


STRIPE = [
    stripe("customer.subscription.deleted", AT + 7200, subscription("canceled")),  # delivered first
    stripe("customer.subscription.created", AT, subscription("trialing", start_date=AT)),
    stripe("customer.subscription.updated", AT + 3600, subscription("active", 2900)),
    stripe("customer.subscription.updated", AT + 3600, subscription("active", 2900)),  # and again
    stripe("invoice.paid", AT + 3600, {"object": "invoice", "id": "in1", "customer": "c1", "currency": "jpy", "amount_paid": 5800}),
    stripe("customer.created", AT, {"object": "customer", "id": "c1"}),
    stripe("balance.available", AT, {"object": "balance"}),
    stripe("customer.created", AT, {"object": "customer", "id": "test"}, id="evt_test", livemode=False),
]  # fmt: skip


def test_stripe_events_keep_their_type(tmp_path):
    load = metrics.load_events(lines(tmp_path / "events.jsonl", STRIPE))
    assert became(load) == {"kept": 5, "duplicate": 1, "system": 2}
    assert set(load.events["user_id"]) == {"c1"}
    assert load.events.set_index("event")["amount_paid"]["invoice.paid"] == 5800  # the yen has no smaller unit
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"object": "list", "has_more": False, "url": "/v1/events", "data": STRIPE}))
    assert seen(metrics.load_events(page)) == seen(load)


def test_stripe_states_are_read_from_events_whatever_their_order(tmp_path):
    for rows in (STRIPE, STRIPE[::-1]):
        states = metrics.read_subscriptions(lines(tmp_path / "events.jsonl", rows))
        assert states["status"].tolist() == ["trialing", "active"]
        assert states["unit_amount_minor"].tolist() == [1900, 2900]
        assert states["quantity"].tolist() == [2, 2]
        assert states["end"].dt.hour.tolist() == [10, 11]


def test_stripe_invoices_charges_and_cancellations_are_tables(tmp_path):
    paid = {"status_transitions": {"paid_at": AT + 9000}}
    invoice = {"object": "invoice", "id": "in1", "customer": "c1", "subscription": "s1", "due_date": AT, "amount_due": 1900, "currency": "eur"}  # fmt: skip
    charge = {"object": "charge", "id": "ch1", "customer": "c1", "invoice": "in1", "failure_code": "expired_card"}
    rows = [
        stripe("invoice.paid", AT + 9000, {**invoice, **paid}),  # delivered first
        stripe("invoice.created", AT, invoice),
        stripe("charge.failed", AT + 60, charge),
        stripe("charge.succeeded", AT + 9000, {**charge, "id": "ch2", "failure_code": None}),
        stripe("customer.subscription.updated", AT, subscription("active", canceled_at=AT, cancel_at=AT + 86_400, cancellation_details={"reason": "cancellation_requested", "feedback": "too_expensive"})),
    ]  # fmt: skip
    path = lines(tmp_path / "events.jsonl", rows)
    invoices = metrics.read_invoices(path)
    assert invoices["invoice_id"].tolist() == ["in1"]
    assert (invoices["paid_at"] - invoices["due_at"]).item() == pd.Timedelta("150 minutes")
    attempts = metrics.read_payment_attempts(path)
    assert attempts["result"].tolist() == ["failed", "succeeded"]
    assert attempts["failure_code"].tolist()[0] == "expired_card"
    left = metrics.read_cancellations(path).iloc[0]
    assert (left["ended_by"], left["reason"]) == ("customer", "too_expensive")
    assert left["effective_at"] - left["requested_at"] == pd.Timedelta("1 day")


# -- Chargebee

CHANGES = """
    subscription_id,customer_id,status,status_previous,mrr,mrr_previous,currency_code,record_start_at,record_recorded_at
    s1,c1,in_trial,,0,0,EUR,2026-01-05T09:00:00Z,2026-01-05T09:00:00Z
    s1,c1,active,in_trial,1900,0,EUR,2026-01-19T09:00:00Z,2026-01-19T09:00:00Z
    s1,c1,active,in_trial,1500,0,EUR,2026-01-19T09:00:00Z,2026-02-01T00:00:00Z
    s1,c1,cancelled,active,0,1500,EUR,2026-03-01T00:00:00Z,2026-03-01T00:00:00Z
    s1,c1,cancelled,active,0,1500,EUR,2026-03-01T00:00:00Z,2026-03-01T00:00:00Z
"""


def test_chargebee_changes_are_states_that_end_where_the_next_begins(tmp_path):
    path = table(tmp_path / "mrr.csv", CHANGES)
    states = metrics.read_subscriptions(path, minor_units=True)
    assert states["mrr"].tolist() == [0, 19, 15]  # what was known at first, and what was recorded later
    assert states["status"].tolist() == ["trialing", "active", "active"]
    assert states["end"].dt.strftime("%m-%d").tolist() == ["01-19", "03-01", "03-01"]
    load = metrics.load_events(path, format="chargebee")
    assert became(load) == {"kept": 4, "duplicate": 1}
    assert load.events["event"].tolist()[-1] == "subscription_cancelled"


# -- Surveys

TYPEFORM = """
    #,"How likely are you to recommend us?",Why?,user_id,Response Type,Start Date (UTC),Stage Date (UTC),Submit Date (UTC),Network ID,Tags,Ending
    t1,10,"fast, good",ann,completed,2026-01-05 08:59:00,,2026-01-05 09:00:00,n1,,
    t2,0,,xxxxx,completed,2026-01-05 09:59:00,,2026-01-05 10:00:00,n2,,
    t3,,,bob,partial,2026-01-05 10:59:00,2026-01-05 10:59:30,,n3,,
    t4,7,,,completed,2026-01-05 10:59:00,,2026-01-05 11:00:00,n2,,
"""


def test_typeform_answers_not_submitted_are_none_and_nobody_is_called_xxxxx(tmp_path):
    path = table(tmp_path / "responses.csv", "\ufeff" + TYPEFORM.strip())
    load = metrics.load_events(path)
    assert seen(load) == [
        "09:00:00 ann survey_answered", "10:00:00 net:n2 survey_answered", "11:00:00 net:n2 survey_answered",
    ]  # fmt: skip
    assert load.events["score"].tolist() == [10, 0, 7]
    assert (value(load, "survey_type"), value(load, "comment")) == ("nps", "fast, good")
    assert became(load) == {"kept": 3, "system": 1}
    answers = metrics.read_surveys(path)
    assert answers["respondent_id"].tolist() == ["ann", "net:n2", "net:n2"]
    assert metrics.net_promoter_score(answers, min_n=1)["responses"].item() == 2


@pytest.mark.parametrize("staff", ["", "250"])
def test_typeform_an_answer_that_is_no_score_takes_none_from_the_others(tmp_path, staff):
    file = table(tmp_path / "typeform.csv", f"""
        #,How many are you?,Would you recommend us?,Why?,user_id,Response Type,Submit Date (UTC),Network ID
        a1,{staff},9,"so, so",0012,completed,2026-01-05 09:00:00,n1
        a2,{staff},N/A,,0013,completed,2026-01-05 10:00:00,n2
        a3,{staff},3,no,0014,completed,2026-01-05 11:00:00,n3
    """)  # fmt: skip
    answers = metrics.read_surveys(file)
    assert answers["score"].tolist() == ["9", "N/A", "3"]
    assert answers["comment"].dropna().tolist() == ["so, so", "no"]
    score = metrics.net_promoter_score(answers, min_n=1).iloc[0]
    assert (score["responses"], score["promoters"], score["detractors"], score["rejected"]) == (2, 1, 1, 1)


def test_typeform_of_the_old_kind(tmp_path):
    old = """
        #,Would you recommend us?,Start Date (UTC),Submit Date (UTC),Network ID
        t1,9,2026-01-05 08:59:00,2026-01-05 09:00:00,n1
    """
    assert seen(metrics.load_events(table(tmp_path / "x.csv", old))) == ["09:00:00 net:n1 survey_answered"]


SURVEYMONKEY = """
    Respondent ID,Collector ID,Start Date,End Date,IP Address,Custom Data 1,How satisfied are you?,Anything else?
    ,,,,,,Response,Open-Ended Response
    118000000001,9,01/05/2026 12:55:00 AM,01/05/2026 01:00:00 AM,,ann,5 - Very satisfied,fine
    1.18E+11,9,01/05/2026 01:55:00 AM,01/05/2026 02:00:00 AM,,bob,1 - Not at all,
    1.18E+11,9,01/05/2026 01:55:00 AM,01/05/2026 02:30:00 AM,,cy,3,
    118000000004,9,01/05/2026 02:55:00 AM,01/05/2026 03:00:00 AM,,,4,
    118000000005,9,01/05/2026 02:55:00 AM,01/05/2026 03:00:00 AM,,dee,,
"""


def test_surveymonkey_labels_are_scores_and_times_the_accounts(tmp_path):
    path = table(tmp_path / "x.csv", SURVEYMONKEY)
    load = metrics.load_events(path, account_timezone="America/Los_Angeles")
    assert seen(load) == [
        "09:00:00 ann survey_answered", "10:00:00 bob survey_answered", "10:30:00 cy survey_answered",
        "11:00:00 118000000004 survey_answered",
    ]  # fmt: skip
    assert load.events["score"].tolist() == [5, 1, 3, 4]  # two ids that a spreadsheet made alike are two answers
    assert value(load, "survey_type") == "csat"
    with pytest.raises(metrics.EventTableError, match="account_timezone="):
        metrics.load_events(path)
    answers = metrics.read_surveys(path, account_timezone="America/Los_Angeles")
    assert answers["score"].isna().sum() == 1  # an answer without a score is counted by the metric


def delighted(id, kind, score, person, created=AT, **properties):
    return {
        "id": id, "survey_type": kind, "score": score, "person": person, "created_at": created, "updated_at": created,
        "comment": None, "person_properties": properties or None,
    }  # fmt: skip


def test_delighted_pages_overlap_and_people_have_many_names(tmp_path):
    rows = [
        delighted("1", "nps", 9, {"id": "7", "email": "Ann@Example.com"}, customer_id="ann"),
        delighted("1", "nps", 9, {"id": "7", "email": "Ann@Example.com"}, customer_id="ann"),
        delighted("2", "csat", 4, {"id": "8", "email": "Bob@Example.com"}, AT + 60),
        delighted("3", "ces", 2, "12", AT + 120),
    ]
    path = tmp_path / "page.json"
    path.write_text(json.dumps(rows))
    load = metrics.load_events(path)
    assert seen(load) == [
        "09:00:00 ann survey_answered", "09:01:00 bob@example.com survey_answered", "09:02:00 12 survey_answered",
    ]  # fmt: skip
    assert load.events["survey_type"].tolist() == ["nps", "csat", "ces"]
    assert became(load) == {"kept": 3, "duplicate": 1}
    assert metrics.read_surveys(path)["question_type"].tolist() == ["nps", "csat", "ces"]


def test_delighted_webhooks_tell_a_response_until_it_is_whole(tmp_path):
    first = delighted("1", "nps", 3, {"id": "7", "email": "Ann@Example.com"})
    later = {**first, "score": 4, "comment": "slow", "updated_at": AT + 600}
    other = {**delighted("2", "nps", 9, {"id": "8", "email": "bob@example.com"}, AT + 60), "updated_at": None}
    told = [
        ("survey_response.updated", "e2", later), ("survey_response.created", "e1", {**first, "updated_at": None}),
        ("survey_response.created", "e3", other), ("survey_response.created", "e3", other),
        ("unsubscribe.created", "e4", {"id": "9", "email": "cy@example.com", "name": None}),
    ]  # fmt: skip
    path = lines(tmp_path / "x.jsonl", [{"event_type": a, "event_id": b, "event_data": c} for a, b, c in told])
    load = metrics.load_events(path)
    assert load.format.startswith("delighted")
    assert became(load) == {"kept": 2, "duplicate": 2, "system": 1}
    surveys = metrics.read_surveys(path)
    assert surveys[["respondent_id", "score"]].values.tolist() == [["ann@example.com", 4], ["bob@example.com", 9]]
    assert surveys.loc[0, "comment"] == "slow"


# -- Mails


def test_customerio_webhooks_are_sent_again(tmp_path):
    def webhook(metric, id, at=AT, kind="email"):
        data = {"customer_id": "ann", "delivery_id": "d1", "campaign_id": 5}
        return {"event_id": id, "metric": metric, "object_type": kind, "timestamp": at, "data": data}

    rows = [webhook("sent", "1"), webhook("opened", "2", AT + 60), webhook("opened", "2", AT + 60), webhook("opened", "3", AT + 90), webhook("sent", "4", AT, "push")]  # fmt: skip
    path = lines(tmp_path / "x.jsonl", rows)
    load = metrics.load_events(path)
    assert sorted(seen(load)) == [
        "09:00:00 ann email_sent", "09:00:00 ann push_sent", "09:01:00 ann email_opened", "09:01:30 ann email_opened",
    ]  # fmt: skip
    assert became(load) == {"kept": 4, "duplicate": 1}
    mails = metrics.read_campaigns(path)
    assert mails["event"].tolist() == ["sent", "opened", "opened"]
    assert mails[["message_id", "recipient_id", "campaign_id"]].iloc[0].tolist() == ["d1", "ann", "5"]


def test_mailchimp_a_line_is_an_address_with_what_it_did(tmp_path):
    open_, click = {"action": "open", "timestamp": "2026-01-05 09:00:00"}, {"action": "click", "timestamp": "2026-01-05 09:01:00", "url": "https://x.example"}  # fmt: skip
    rows = [{"Ann@Example.com": [open_, click, open_]}, {"bob@example.com": []}]
    path = lines(tmp_path / "campaign_subscriber_activity_b1f5c0.jsonl", rows)
    load = metrics.load_events(path)
    assert seen(load) == ["09:00:00 ann@example.com email_open", "09:01:00 ann@example.com email_click"]
    assert became(load) == {"kept": 1, "system": 1}
    assert value(load, "campaign") == "b1f5c0"
    mails = metrics.read_campaigns(path, campaign="spring")
    assert mails["event"].tolist() == ["opened", "clicked"]
    assert set(mails["campaign_id"]) == {"spring"}


# -- Tickets


def ticket(id, updated="2026-01-06T00:00:00Z", solved=None, **more):
    return {
        "id": id, "requester_id": 5, "requester": {"external_id": "ann"}, "created_at": "2026-01-05T09:00:00Z",
        "updated_at": updated, "metric_set": {"solved_at": solved, "reopens": 0}, "satisfaction_rating": {"score": "offered"},
        "status": "open", "tags": [], **more,
    }  # fmt: skip


def test_zendesk_the_last_snapshot_of_a_ticket_holds(tmp_path):
    rows = [
        ticket(2, "2026-01-07T00:00:00Z", "2026-01-05T11:00:00Z", satisfaction_rating={"score": "good"}),
        ticket(2),  # older
        ticket(3, requester={}),
        ticket(4, status="deleted"),
        ticket(5, tags=["closed_by_merge"]),
    ]
    path = lines(tmp_path / "tickets.jsonl", rows)
    load = metrics.load_events(path)
    assert sorted(seen(load)) == ["09:00:00 5 ticket_created", "09:00:00 ann ticket_created", "11:00:00 ann ticket_solved"]  # fmt: skip
    assert sorted(load.events["event_id"]) == ["2:created", "2:solved", "3:created"]
    assert became(load) == {"kept": 2, "duplicate": 1, "system": 2}
    tickets = metrics.read_tickets(path)
    assert tickets["ticket_id"].tolist() == ["2", "3"]
    assert tickets["satisfaction"].tolist() == ["good", "offered"]
    assert tickets["solved_at"].isna().tolist() == [False, True]


def test_stripe_amounts_may_have_commas_between_thousands(tmp_path):
    path = table(
        tmp_path / "x.csv",
        """
        id,Customer ID,Status,Start (UTC),Canceled At (UTC),Ended At (UTC),Amount,Currency,Interval,Quantity
        sub_1,cus_1,active,2026-01-05 09:00,,,"1,019.00",usd,month,1
    """,
    )
    assert metrics.load_events(path).events["mrr"].tolist() == [1019.0]
    assert metrics.read_subscriptions(path)["unit_amount_minor"].tolist() == [101900]


def test_zendesk_users_and_metrics_may_stand_beside_the_tickets(tmp_path):
    ticket = {"id": 1, "requester_id": 7, "created_at": f"{DAY}T09:00:00Z", "satisfaction_rating": {"score": "good"}}
    page = {
        "tickets": [ticket], "users": [{"id": 7, "external_id": "ann"}], "count": 1, "end_of_stream": True,
        "metric_sets": [{"ticket_id": 1, "solved_at": f"{DAY}T10:00:00Z", "reopens": 2}], "after_cursor": None,
    }  # fmt: skip
    path = tmp_path / "x.json"
    path.write_text(json.dumps(page, indent=1))
    assert seen(metrics.load_events(path)) == ["09:00:00 ann ticket_created", "10:00:00 ann ticket_solved"]
    assert metrics.read_tickets(path)["reopens"].tolist() == [2]


@pytest.mark.parametrize(
    "text", [ORDERS, SUBSCRIPTIONS, CHANGES, TYPEFORM], ids=["orders", "plans", "changes", "answers"]
)
def test_a_file_of_which_only_the_header_is_there_is_counted(tmp_path, text):
    alone = metrics.load_events(table(tmp_path / "may.csv", text))
    table(tmp_path / "june.csv", text.strip().splitlines()[0])
    both = metrics.load_events(tmp_path)
    pd.testing.assert_frame_equal(both.events, alone.events)
    assert both.account["reason"].tolist()[1] == "1 file without rows (june.csv)"
    pd.testing.assert_frame_equal(both.account.drop(index=1).reset_index(drop=True), alone.account)
