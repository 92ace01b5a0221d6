"""Which columns does an error suggest of exports that others made? Headers as their makers document them."""

import pytest

from metrics.exports.generic import COLUMNS as EVENTS
from metrics.files import EventTableError
from metrics.files.names import assign
from metrics.files.nearest import likeness
from metrics.inputs.columns import CAMPAIGNS, INVOICES, ORDERS, SUBSCRIPTIONS, SURVEYS, TICKETS


def suggested(columns, header):
    """The pairs that the error about this header says, as a mapping."""
    with pytest.raises(EventTableError) as refused:
        assign(columns, header.split(";"), "export.csv")
    pairs = str(refused.value).rpartition("rename=['")[2].rpartition("']")[0].split("', '")
    return dict(reversed(pair.rsplit("=", 1)) for pair in pairs)


@pytest.mark.parametrize(
    ("columns", "header", "expected"),
    [
        (EVENTS, "Nutzer-ID;Aktion;Datum/Uhrzeit;Seite", {"event": "Aktion", "timestamp": "Datum/Uhrzeit"}),
        (EVENTS, "Kd.-Nr.;Vorgang;Zeitpunkt;Kanal", {"user_id": "Kd.-Nr.", "event": "Vorgang"}),
        (
            EVENTS,
            "ID de usuario;Evento;Fecha y hora;País",
            {"user_id": "ID de usuario", "event": "Evento", "timestamp": "Fecha y hora"},
        ),
        (
            EVENTS,
            "Identifiant utilisateur;Événement;Horodatage",
            {"user_id": "Identifiant utilisateur", "event": "Événement", "timestamp": "Horodatage"},
        ),
        (
            ORDERS,
            "Auftragsnummer;Debitor;Rechnungsdatum;Summe netto;MwSt",
            {"user_id": "Debitor", "timestamp": "Rechnungsdatum", "net": "Summe netto"},
        ),
        (  # WooCommerce
            ORDERS,
            "Order Number;Order Date;Customer Note;Billing Email;Customer User ID;Order Total Amount;Order Currency",
            {"user_id": "Customer User ID", "net": "Order Total Amount"},
        ),
        (  # payments of Stripe
            ORDERS,
            "id;Created date (UTC);Amount;Currency;Customer ID;Customer Email;Status",
            {"timestamp": "Created date (UTC)"},
        ),
        (  # customers of Shopify, which are no orders: no column is taken for a time
            ORDERS,
            "First Name;Last Name;Email;Default Address Company;Total Spent;Total Orders;Note;Tags",
            {"user_id": "Email", "timestamp": "their name", "net": "Total Spent"},
        ),
        (  # deals of HubSpot
            SUBSCRIPTIONS,
            "Record ID;Deal Name;Close Date;Deal owner;Amount;Associated Company;Contract Start Date;Contract End Date",
            {
                "customer_id": "Associated Company",
                "subscription_id": "Record ID",
                "start": "Contract Start Date",
                "end": "Contract End Date",
            },
        ),
        (
            SUBSCRIPTIONS,
            "Kunde;Abo-Nr;Vertragsbeginn;Kündigung zum;Status;Preis",
            {"subscription_id": "Abo-Nr", "end": "Kündigung zum"},
        ),
        (  # tickets of HubSpot
            TICKETS,
            "Ticket ID;Ticket name;Create date;Close date;Ticket owner;Associated Contact IDs",
            {"customer_id": "Associated Contact IDs", "created_at": "Create date"},
        ),
        (  # feedback of HubSpot
            SURVEYS,
            "Record ID;Survey Name;Survey Type;Response date;Rating;Sentiment;Contact email",
            {"respondent_id": "Contact email"},
        ),
        (  # Google Forms
            SURVEYS,
            "Zeitstempel;E-Mail-Adresse;Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?;Warum?",
            {
                "respondent_id": "E-Mail-Adresse",
                "answered_at": "Zeitstempel",
                "score": "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
            },
        ),
        (
            CAMPAIGNS,
            "Email Address;Campaign Title;Action;Timestamp;URL",
            {"campaign_id": "Campaign Title"},
        ),  # Mailchimp
        (
            INVOICES,
            "Belegnummer;Kontakt;Belegdatum;Fälligkeitsdatum;Zahldatum;Betrag",
            {
                "invoice_id": "Belegnummer",
                "customer_id": "Kontakt",
                "due_at": "Fälligkeitsdatum",
                "paid_at": "Zahldatum",
            },
        ),
    ],
)
def test_the_columns_of_others_are_suggested_for_what_they_hold(columns, header, expected):
    assert suggested(columns, header) == expected


def test_a_date_is_never_suggested_as_an_id_however_alike_the_letters_are():
    subscription = next(column for column in SUBSCRIPTIONS if column.name == "subscription_id")
    assert likeness("Contract End Date", subscription) == 0
    assert likeness("Contract", subscription) > 1


def test_a_column_that_was_found_is_not_suggested_for_another():
    assert "Response date" not in suggested(SURVEYS, "Record ID;Response date;Rating").values()
