"""The other tables: found by the names that exports give, refused like events."""

import re
from pathlib import Path

import pandas as pd
import pytest

from metrics import mrr_rollforward, response_rate
from metrics.events import EventTableError
from metrics.inputs import (
    account,
    read_campaigns,
    read_orders,
    read_spend,
    read_subscriptions,
    read_survey_sends,
    read_surveys,
    read_targets,
    read_tickets,
)


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


NO_ANSWERS = pd.DataFrame({"respondent_id": [], "answered_at": pd.to_datetime([], utc=True)})
ORDERS = (
    "customer_id,date,quantity,amount\n0001,1997-01-01,1,11.77\n0002,1997-01-12,1,12.00\n0002,1997-01-12,5,-77.00\n"
)


def test_orders_with_dates_are_read_in_the_declared_zone(tmp_path: Path):
    orders = read_orders(write(tmp_path, ORDERS), timezone="America/New_York")
    assert list(orders) == ["order_id", "user_id", "timestamp", "currency", "net", "quantity"]
    assert orders["user_id"].tolist() == ["0001", "0002", "0002"]
    assert orders["net"].tolist() == [11.77, 12.0, -77.0]
    assert orders.loc[0, "timestamp"] == pd.Timestamp("1997-01-01 05:00", tz="UTC")
    assert orders["order_id"].isna().all()
    assert account(orders)[["stage", "rows"]].values.tolist() == [
        ["read", 3], ["kept", 3], ["duplicate", 0], ["system", 0], ["rejected", 0],
    ]  # fmt: skip


def test_usual_german_names_are_found(tmp_path: Path):
    orders = read_orders(
        write(tmp_path, "Nutzer-ID;Bestelldatum;Bestellnummer;Betrag\n7;05.01.2026;B1;9,90\n"), timezone="UTC"
    )
    assert orders[["user_id", "order_id", "net"]].values.tolist() == [["7", "B1", 9.9]]
    paid = read_subscriptions(
        write(tmp_path, "Kunde;subscription;Beginn;Ende;mrr\n7;s1;05.01.2026;;9,90\n"), timezone="UTC"
    )
    assert paid[["customer_id", "subscription_id", "mrr"]].values.tolist() == [["7", "s1", 9.9]]
    assert paid["start"][0] == pd.Timestamp("2026-01-05", tz="UTC")


def test_a_currency_in_german_keeps_amounts_of_two_apart(tmp_path: Path):
    paid = read_subscriptions(
        write(tmp_path, "Kunde;Abo;Beginn;Ende;mrr;Währung\n7;s1;05.01.2026;;9,90;EUR\n8;s2;05.01.2026;;20,00;USD\n"),
        timezone="UTC",
    )
    assert mrr_rollforward(paid, as_of="2026-02-01")[["currency", "closing"]].values.tolist() == [
        ["EUR", 9.9], ["USD", 20.0],
    ]  # fmt: skip


def test_german_names_of_spend_and_mails_are_found(tmp_path: Path):
    spend = read_spend(write(tmp_path, "Monat;Kosten;Kanal\n01.01.2026;1.234,50;Anzeigen\n"), timezone="UTC")
    assert spend[["spend", "channel"]].values.tolist() == [[1234.5, "Anzeigen"]]
    mails = read_campaigns(
        write(tmp_path, "Email;Kampagne;Ereignis;Datum\na@x;Mai;opened;05.01.2026\n"), timezone="UTC"
    )
    assert mails[["recipient_id", "campaign_id", "event"]].values.tolist() == [["a@x", "Mai", "opened"]]


def test_orders_with_dates_need_a_zone(tmp_path: Path):
    with pytest.raises(EventTableError, match=r"3 of 3 rows refused: time without a zone .*timezone='Europe/Berlin'"):
        read_orders(write(tmp_path, ORDERS))


def test_an_order_without_an_amount_is_rejected_and_counted(tmp_path: Path):
    text = ORDERS.replace("12.00", "free").replace("-77.00", "")
    orders = read_orders(write(tmp_path, text), timezone="UTC", max_refused=0.7)
    assert orders["net"].tolist() == [11.77]
    found = account(orders)
    assert found.loc[found["stage"] == "rejected", ["reason", "rows"]].values.tolist() == [
        ["net is not a number", 1],
        ["no net", 1],
    ]
    with pytest.raises(EventTableError, match="2 of 3 rows refused") as caught:
        read_orders(write(tmp_path, text), timezone="UTC")
    assert caught.value.problems["line"].tolist() == [3, 4]


def test_decimal_commas_of_orders_are_read(tmp_path: Path):
    text = "kunde;datum;betrag\n1;28.03.2026;1.057,50\n2;29.03.2026;-3,00\n"
    assert read_orders(write(tmp_path, text), timezone="Europe/Berlin")["net"].tolist() == [1057.5, -3.0]


@pytest.mark.parametrize(
    "currency", ["Währung", "WA\u0308HRUNG", "Waehrung"], ids=["umlaut", "decomposed", "spelt out"]
)
def test_german_columns_of_orders_are_found_by_their_usual_names(tmp_path: Path, currency: str):
    text = f"Bestell-Nr.;Kundennummer;Kaufdatum;Gesamtbetrag;{currency}\nA1;K7;28.03.2026 10:00;1.057,50;CHF\n"
    orders = read_orders(write(tmp_path, text), timezone="Europe/Berlin")
    assert orders.loc[0, ["order_id", "user_id", "net", "currency"]].tolist() == ["A1", "K7", 1057.5, "CHF"]


def test_german_columns_of_surveys_are_found_by_their_usual_names(tmp_path: Path):
    text = "Kunden-Nr;Ausgefüllt am;Bewertung\nK7;28.03.2026 10:00;9\n"
    surveys = read_surveys(write(tmp_path, text), timezone="Europe/Berlin")
    assert surveys.loc[0, ["respondent_id", "score"]].tolist() == ["K7", 9]


def test_a_long_question_is_named_in_full_for_it_is_to_be_copied(tmp_path: Path):
    question = "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen? (0-10)"
    with pytest.raises(EventTableError, match=re.escape(f"'{question}'")):
        read_surveys(write(tmp_path, f'kunde,datum,"{question}",{"x" * 200}\nK7,2026-03-28T10:00Z,9,\n'))
    with pytest.raises(EventTableError, match=re.escape(f"'{'x' * 119}…']")):
        read_surveys(write(tmp_path, f"kunde,datum,{'x' * 200}\nK7,2026-03-28T10:00Z,9\n"))


@pytest.mark.parametrize(
    ("amounts", "net", "currency"),
    [
        (["113,10 €", "1.202,79 €", "-3,00 €"], [113.1, 1202.79, -3.0], "EUR"),
        (["$1,202.79", "$12", "-$3.50"], [1202.79, 12.0, -3.5], "$"),
        (["CHF 1'202.79", "CHF 12.00", "3.50"], [1202.79, 12.0, 3.5], "CHF"),
        (["1\u202f202,79\u00a0€", "12,00\u00a0€", "\u22123,50\u00a0€"], [1202.79, 12.0, -3.5], "EUR"),
        (["113,10", "1.202", "-3,00"], [113.1, 1202.0, -3.0], None),
        (["£12", "£13", "£14"], [12.0, 13.0, 14.0], "GBP"),
        (["113,10 €", "EUR 12,00", "3,50"], [113.1, 12.0, 3.5], "EUR"),
    ],
    ids=["euro", "dollar", "franc", "french", "commas alone", "whole", "sign and code"],
)
def test_amounts_may_be_written_as_people_write_them(tmp_path: Path, amounts, net, currency):
    rows = "".join(f'1\t2026-03-{day}\t"{amount}"\n' for day, amount in enumerate(amounts, 10))
    orders = read_orders(write(tmp_path, "user\tdate\tamount\n" + rows), timezone="UTC")
    assert orders["net"].tolist() == net
    assert orders["currency"].fillna("none").tolist() == [currency or "none"] * 3


@pytest.mark.parametrize(
    "amounts",
    [["12 €", "13 $"], ["1,202 €", "1,203 €"], ["1.202,79", "1,202.79"], ["12 %", "13 %"], ["€ 12 €", "€ 13 €"]],
    ids=["two currencies", "thousands or decimals", "two manners", "shares", "two signs"],
)
def test_amounts_that_could_be_others_are_refused_with_what_can_be_read(tmp_path: Path, amounts):
    rows = "".join(f'1\t2026-03-{day}\t"{amount}"\n' for day, amount in enumerate(amounts, 10))
    with pytest.raises(EventTableError, match=r"net is not a number .*one manner and one currency"):
        read_orders(write(tmp_path, "user\tdate\tamount\n" + rows), timezone="UTC")


@pytest.mark.parametrize("amounts", [("1.234", "999", ""), ("-2.500", "1.234.567", "3")], ids=["one", "all"])
def test_thousands_in_a_german_file_are_not_taken_for_decimals(tmp_path: Path, amounts):
    rows = "".join(f"{user};05.01.2026;{amount}\n" for user, amount in enumerate(amounts))
    with pytest.raises(EventTableError, match=r"net could be thousands or decimals .* Write a thousand as 1234 or"):
        read_orders(write(tmp_path, "kunde;datum;betrag\n" + rows), timezone="UTC")


@pytest.mark.parametrize(
    ("amounts", "net"),
    [
        (["1.234", "12.5"], [1.234, 12.5]),
        (["0.125", "1.250"], [0.125, 1.25]),
        (["1.234", "9,50"], [1234, 9.5]),
        (["1,234", "2,500"], [1.234, 2.5]),
    ],
)
def test_what_another_amount_shows_of_the_point_holds_for_all(tmp_path: Path, amounts, net):
    rows = "".join(f"{user};05.01.2026;{amount}\n" for user, amount in enumerate(amounts))
    assert read_orders(write(tmp_path, "kunde;datum;betrag\n" + rows), timezone="UTC")["net"].tolist() == net


def test_a_number_that_is_no_amount_is_not_sent_to_the_ways_of_amounts(tmp_path: Path):
    with pytest.raises(EventTableError, match=r"target is not a plain number .* are read as 1234.5, a share as 0.05"):
        read_targets(write(tmp_path, "kpi;target\nmrr;1.234,5\nchurn;5 %\n"))


def test_a_currency_of_its_own_column_stands_beside_a_sign(tmp_path: Path):
    orders = read_orders(write(tmp_path, "kunde;datum;betrag;Währung\n1;28.03.2026;9,50 €;eur\n"), timezone="UTC")
    assert orders.loc[0, ["net", "currency"]].tolist() == [9.5, "eur"]


def test_scores_are_left_as_they_are(tmp_path: Path):
    head = "respondent_id,answered_at,score\n"
    surveys = read_surveys(
        write(tmp_path, head + "ann,2026-01-05T09:00Z,9\nbob,2026-01-06T09:00Z,11\ncid,2026-01-07T09:00Z,\n")
    )
    assert surveys["score"].fillna(-1).tolist() == [9, 11, -1]
    surveys = read_surveys(write(tmp_path, head + "ann,2026-01-05T09:00Z,9\nbob,2026-01-06T09:00Z,very\n"))
    assert surveys["score"].tolist() == ["9", "very"]


def test_a_running_subscription_has_no_end(tmp_path: Path):
    text = """customer_id,subscription_id,start,end,status,mrr,plan
1,s1,2026-01-05,2026-03-01,active,29,pro
1,s1,2026-03-01,,paused,0,pro
2,s2,2026-01-05,soon,active,29,pro
"""
    table = read_subscriptions(write(tmp_path, text), timezone="UTC", max_refused=0.5)
    assert table["end"].isna().tolist() == [False, True]
    assert table["mrr"].tolist() == [29.0, 0.0]
    assert "end: time that cannot be read" in account(table)["reason"].tolist()


def test_campaign_mails_keep_what_machines_did(tmp_path: Path):
    text = """user_id,campaign,variant,event,timestamp,machine
1,spring,a,opened,2026-01-05T09:00Z,true
2,spring,b,sent,2026-01-05T08:00Z,false
"""
    mails = read_campaigns(write(tmp_path, text))
    assert mails[["recipient_id", "campaign_id", "event", "machine"]].values.tolist() == [
        ["2", "spring", "sent", False],
        ["1", "spring", "opened", True],
    ]


def test_an_open_ticket_is_a_ticket(tmp_path: Path):
    text = "ticket_id,requester,created_at,solved_at,satisfaction\n1,ann,2026-01-05T09:00Z,,offered\n"
    tickets = read_tickets(write(tmp_path, text))
    assert tickets["solved_at"].isna().all()
    assert tickets.loc[0, ["customer_id", "satisfaction"]].tolist() == ["ann", "offered"]


def test_a_missing_column_is_named_with_what_there_is(tmp_path: Path):
    with pytest.raises(
        EventTableError, match=r"has no net column. Its columns are \['customer_id', 'date', 'quantity', 'amout'\]"
    ):
        read_orders(write(tmp_path, ORDERS.replace("amount", "amout")), timezone="UTC")
    with pytest.raises(ValueError, match="time_fromat: not an option"):
        read_orders(write(tmp_path, ORDERS), time_fromat="%d")


def test_sends_of_surveys_are_read_by_their_usual_names(tmp_path: Path):
    text = "recipient_id,invited_at,survey,is_delivered\n007,2026-01-05T09:00Z,nps,yes\nbob,2026-01-04T09:00Z,nps,no\n"
    sends = read_survey_sends(write(tmp_path, text))
    assert list(sends) == ["respondent_id", "sent_at", "survey_id", "delivered"]
    assert sends["respondent_id"].tolist() == ["bob", "007"]  # in time order, and zeros kept
    rate = response_rate(sends, responses=NO_ANSWERS, as_of="2026-03-01", min_n=1)
    assert rate.loc[0, ["sent", "delivered", "answered"]].tolist() == [2, 1, 0]


def test_a_send_without_a_time_is_refused_and_counted(tmp_path: Path):
    text = "respondent_id,sent_at\nann,2026-01-05T09:00Z\nbob,\n"
    with pytest.raises(EventTableError, match="1 of 2 rows refused: no sent_at"):
        read_survey_sends(write(tmp_path, text))
    found = account(read_survey_sends(write(tmp_path, text), max_refused=0.5))
    assert found.loc[found["stage"] == "rejected", "rows"].tolist() == [1]


def test_rows_that_repeat_what_names_them_are_told_and_kept(tmp_path: Path):
    text = "ticket_id,customer_id,created_at\n1,ann,2026-01-05T09:00Z\n1,ann,2026-01-05T09:00Z\n"
    found = account(read_tickets(write(tmp_path, text)))
    assert found.set_index("stage").loc["duplicate"].tolist()[:2] == [
        "none removed; 1 row repeats its ticket_id", 0,
    ]  # fmt: skip
    sends = "survey_id,respondent_id,sent_at\nnps,ann,2026-01-05T09:00Z\nnps,bob,2026-01-05T09:00Z\n"
    found = account(read_survey_sends(write(tmp_path, sends)))  # one survey goes to many
    assert found.set_index("stage").loc["duplicate", "reason"] == "not checked: no id"


def test_spend_is_read_by_the_names_that_books_give_and_a_row_without_an_amount_is_counted(tmp_path: Path):
    text = "Month,Source,Cost,Currency Code\n2026-02-01,ads,1200,EUR\n2026-01-01,fair,30.5,EUR\n2026-01-01,ads,,EUR\n"
    spend = read_spend(write(tmp_path, text), timezone="Europe/Berlin", max_refused=0.5)
    assert spend[["spend", "channel", "currency"]].values.tolist() == [[30.5, "fair", "EUR"], [1200.0, "ads", "EUR"]]
    assert spend["at"].tolist() == [pd.Timestamp(day, tz="Europe/Berlin") for day in ("2026-01-01", "2026-02-01")]
    assert account(spend).set_index("stage").loc["rejected", "reason"] == "no spend"


def test_targets_are_read_and_one_that_stands_twice_is_told(tmp_path: Path):
    targets = read_targets(write(tmp_path, "kpi,goal\nnrr,1\nchurn_rate,0.05\nnrr,1.1\n"))
    assert targets[["kpi", "target"]].values.tolist() == [["churn_rate", 0.05], ["nrr", 1.0], ["nrr", 1.1]]
    assert "1 row repeats its kpi" in account(targets).set_index("stage").loc["duplicate", "reason"]
