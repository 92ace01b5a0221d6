"""The other tables: orders, surveys, subscriptions, invoices, campaign mails, tickets, read like events."""

from metrics.inputs.cards import read_payment_methods
from metrics.inputs.changes import read_changes
from metrics.inputs.customers import read_contacts, read_customers
from metrics.inputs.sends import read_survey_sends
from metrics.inputs.spend import read_spend, read_targets
from metrics.inputs.tables import (
    account,
    read_campaigns,
    read_cancellations,
    read_invoices,
    read_orders,
    read_payment_attempts,
    read_subscriptions,
    read_surveys,
    read_tickets,
)
from metrics.inputs.wishes import read_contents, read_requests

__all__ = [
    "account",
    "read_campaigns",
    "read_cancellations",
    "read_changes",
    "read_contacts",
    "read_contents",
    "read_customers",
    "read_invoices",
    "read_orders",
    "read_payment_attempts",
    "read_payment_methods",
    "read_requests",
    "read_spend",
    "read_subscriptions",
    "read_survey_sends",
    "read_surveys",
    "read_targets",
    "read_tickets",
]
