"""Columns: what each of the other tables holds, and what files call it."""

from typing import Any

from metrics.files.column import Column

CUSTOMER = (
    "user_id", "user", "customer", "client_id", "account_id", "member_id", "contact_id",
    "kunde", "kunden_id", "kundennummer", "kunden_nr", "nutzer", "nutzer_id",
)  # fmt: skip
CURRENCY = ("currency_code", "waehrung")  # overlooked, amounts of two would be added
WHEN = ("timestamp", "time", "ts", "date", "datetime", "created_at", "created", "occurred_at", "zeit", "datum")

ORDERED = (
    "order_date", "ordered_at", "order_time", "purchased_at", "invoice_date",
    "bestelldatum", "kaufdatum", *WHEN[1:],
)  # fmt: skip
AMOUNT = (
    "amount", "total", "revenue", "value", "net_amount", "net_value", "sales", "spend",
    "betrag", "gesamtbetrag", "bestellwert", "umsatz",
)  # fmt: skip
ANSWERED = (
    "submitted_at", "submit_date", "response_date", "responded_at", "completed_at", "end_date",
    "beantwortet_am", "ausgefuellt_am", *WHEN,
)  # fmt: skip


def _optional(name: str, kind: Any, *synonyms: str) -> Column:
    return Column(name, kind, synonyms, required=False, filled=False)


ORDERS = (
    _optional(
        "order_id",
        "id",
        "order",
        "order_number",
        "order_no",
        "invoice_id",
        "invoice_no",
        "transaction_id",
        "bestellnummer",
        "bestell_nr",
    ),
    Column("user_id", "id", ("customer_id", *CUSTOMER[1:])),
    Column("timestamp", "time", ORDERED),
    _optional("currency", "text", *CURRENCY),
    Column("net", "money", AMOUNT),
)
SURVEYS = (
    Column("respondent_id", "id", ("respondent", "person_id", "customer_id", *CUSTOMER)),
    Column("answered_at", "time", ANSWERED),
    Column("score", "value", ("rating", "nps", "nps_score", "answer", "bewertung", "punktzahl")),
    _optional("response_id", "id", "answer_id"),
    _optional("survey_id", "id", "survey"),
    _optional("account_id", "id"),
)
SURVEY_SENDS = (
    Column("respondent_id", "id", ("respondent", "person_id", "recipient_id", "customer_id", *CUSTOMER)),
    Column("sent_at", "time", ("send_date", "sent_date", "sent_on", "invited_at", "delivered_at", *WHEN)),
    _optional("send_id", "id", "invitation_id", "message_id", "delivery_id"),
    _optional("survey_id", "id", "survey"),
    _optional("delivered", "value", "is_delivered"),
)
SUBSCRIPTIONS = (
    Column("customer_id", "id", CUSTOMER),
    Column("subscription_id", "id", ("subscription", "contract_id", "abo", "abo_id", "vertrag", "vertragsnummer")),
    Column(
        "start", "time", ("started_at", "start_date", "start_at", "begin", "valid_from", "beginn", "vertragsbeginn")
    ),
    Column("end", "time", ("ended_at", "end_date", "end_at", "valid_to", "ende", "vertragsende"), filled=False),
    _optional("status", "text", "state"),
    _optional("interval", "text", "billing_interval"),
    _optional("interval_count", "number"),
    _optional("unit_amount_minor", "number", "unit_amount"),
    _optional("quantity", "number", "seats"),
    _optional("currency", "text", *CURRENCY),
    _optional("mrr", "money", "monthly_recurring_revenue"),
    _optional("renews_at", "time"),
    _optional("recorded_at", "time"),
)
CAMPAIGNS = (
    _optional("message_id", "id", "delivery_id", "mail_id", "email_id"),
    Column(
        "recipient_id",
        "id",
        ("recipient", "user_id", "user", "customer_id", "subscriber_id", "contact_id", "email", "email_address"),
    ),
    Column("campaign_id", "id", ("campaign", "campaign_name", "kampagne")),
    _optional("variant", "text", "ab_variant", "version"),
    Column("event", "text", ("event_name", "event_type", "action", "metric", "type", "ereignis")),
    Column("at", "time", WHEN),
    _optional("machine", "value", "is_machine", "machine_open"),
)
TICKETS = (
    Column("ticket_id", "id", ("ticket", "case_id", "issue_id", "conversation_id")),
    Column("customer_id", "id", ("requester_id", "requester", *CUSTOMER)),
    Column("created_at", "time", ("opened_at", "created", "timestamp", "date", "time")),
    _optional("first_reply_at", "time", "first_response_at"),
    _optional("solved_at", "time", "resolved_at", "closed_at"),
    _optional("reopens", "number", "reopened"),
)
INVOICES = (
    Column("invoice_id", "id", ("invoice", "invoice_number", "invoice_no", "id")),
    Column("customer_id", "id", CUSTOMER),
    _optional("subscription_id", "id", "subscription"),
    Column("due_at", "time", ("due_date", "due", "date")),
    Column("paid_at", "time", ("paid", "paid_date", "payment_date"), filled=False),
    _optional("amount_due_minor", "number"),
    _optional("currency", "text", *CURRENCY),
    _optional("billing_reason", "text"),
)
PAYMENT_ATTEMPTS = (
    Column("invoice_id", "id", ("invoice", "invoice_number", "invoice_no")),
    Column("attempted_at", "time", ("attempt_at", "created_at", "created", "timestamp", "date", "time")),
    Column("result", "text", ("status", "outcome")),
    _optional("failure_code", "text", "decline_code", "error_code"),
    _optional("payment_method_id", "id", "payment_method"),
)
PAYMENT_METHODS = (
    Column("customer_id", "id", CUSTOMER),
    _optional("payment_method_id", "id", "payment_method", "card_id"),
    Column("exp_month", "number", ("expiry_month", "expiration_month"), filled=False),
    Column("exp_year", "number", ("expiry_year", "expiration_year"), filled=False),
)
CANCELLATIONS = (
    Column("customer_id", "id", CUSTOMER),
    _optional("subscription_id", "id", "subscription", "contract_id"),
    Column("requested_at", "time", ("cancel_requested_at", "canceled_at", "cancelled_at"), filled=False),
    Column("effective_at", "time", ("ended_at", "ends_at", "end_date"), filled=False),
    _optional("withdrawn_at", "time"),
    _optional("ended_by", "text"),
    _optional("outcome", "text"),
    _optional("reason", "text", "cancellation_reason"),
    _optional("comment", "text"),
)
CHANGES = (
    Column("change_id", "id", ("change", "release", "version", "id")),
    Column("at", "time", ("changed_at", "released_at", "deployed_at", *WHEN)),
    _optional("scope", "text", "area"),
    _optional("note", "text", "description", "title"),
)
CUSTOMERS = (
    Column("customer_id", "id", ("lead_id", "lead", *CUSTOMER)),
    Column(
        "signup_at", "time", ("signed_up_at", "sign_up_date", "signup_date", "registered_at", "became_lead_at", *WHEN)
    ),
    _optional("source", "text", "lead_source", "acquisition_source", "utm_source"),
    _optional("offer", "text"),
    _optional("referrer_id", "id", "referred_by", "invited_by"),
    _optional("segment", "text"),
)
CONTACTS = (
    Column("customer_id", "id", CUSTOMER),
    Column("at", "time", ("called_at", "contacted_at", "held_at", *WHEN)),
    _optional("kind", "text", "contact_type", "type", "channel"),
)
REQUESTS = (
    _optional("request_id", "id", "request", "idea_id", "feature_id", "issue_id"),
    _optional("customer_id", "id", *CUSTOMER),
    Column("requested_at", "time", ("asked_at", "submitted_at", "opened_at", *WHEN)),
    Column("released_at", "time", ("shipped_at", "delivered_at", "done_at", "closed_at"), filled=False),
)
CONTENTS = (
    Column("content_id", "id", ("content", "article_id", "document_id", "page_id")),
    Column("customer_id", "id", CUSTOMER),
    Column("made_at", "time", ("published_at", "written_at", *WHEN)),
)
SPEND = (
    Column("at", "time", ("spent_at", "month", "day", "period", "period_start", "monat", *WHEN)),
    Column(
        "spend",
        "money",
        ("cost", "costs", "amount", "budget", "ad_spend", "marketing_spend", "net", "betrag", "kosten", "ausgaben"),
    ),
    _optional("currency", "text", *CURRENCY),
    _optional("channel", "text", "source", "medium", "kanal"),
)
TARGETS = (
    Column("kpi", "text", ("metric", "name", "key_figure", "figure")),
    Column("target", "number", ("goal", "value", "aim")),
    _optional("direction", "text", "better"),
)
