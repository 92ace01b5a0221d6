"""How tables of mails and of support are known, what their columns are called, and which of them are shown."""

MARKS: dict[str, set[str]] = {
    "email_performance": {"delivered", "human_openers", "prefetched_only", "clickers", "open_rate_simple"},
    "mail_frequency": {"mails_received", "mails", "recipients", "unsubscribed", "unsubscribe_rate"},
    "variant_outcomes": {"user_id", "variant"},
    "open_conversion": {"delivered", "openers", "openers_rate", "non_openers_rate", "label"},
    "questions_after": {"readers", "tickets", "customers", "share"},
    "time_to_release": {"requests", "released", "open", "median_days", "released_rate"},
    "content_reuse": {"contents", "reused", "reuse_rate", "other_customers"},
    "support_quality": {"tickets", "offered", "rated", "first_reply_median_hours", "solved_first_contact_rate"},
}
GROUP_ENDS = {
    "email_performance": "sent",
    "open_conversion": "delivered",
    "support_quality": "tickets",
    "questions_after": "readers",
    "mail_frequency": "mails_received",
    "time_to_release": "requests",
    "content_reuse": "contents",
}
HEADS = {
    "released_rate": "Released in time, %",
    "reuse_rate": "Used by others, %",
    "reused": "Used by others",
    "other_customers": "Other customers",
    "other_views": "Their views",
    "readers": "Read it",
    "offered": "Asked for a rating",
    "rating_rate": "Rated, %",
    "first_reply_median_hours": "First answer, median hours",
    "solved_first_contact_rate": "Solved at first contact, %",
    "reopened_rate": "Reopened, %",
    "human_openers": "Opened",
    "prefetched_only": "Machines only",
    "mails_received": "Mails up to it",
    "mails": "Mails",
    "unsubscribed": "Unsubscribed",
    "unsubscribe_rate": "Unsubscribed, %",
    "campaign_id": "Mail",
    "open_rate": "Opened, %",
    "click_rate": "Clicked, %",
    "openers": "Opened",
    "openers_rate": "Openers converted, %",
    "non_openers": "Did not",
    "non_openers_rate": "Others converted, %",
    "prefetched_rate": "Opened by machines alone, %",
    "open_rate_all": "With machines, %",
    "open_rate_simple": "Of all delivered, %",
}
SHOWN = {
    "email_performance": [
        "delivered", "prefetched_only", "open_rate", "click_rate", "unsubscribe_rate", "conversion_rate",
        "reason",
    ],
    "support_quality": [
        "period_start", "tickets", "rated", "rating_rate", "customer_satisfaction", "first_reply_median_hours",
        "solved_first_contact_rate", "reopened_rate", "reason",
    ],
    "open_conversion": [
        "openers", "openers_rate", "non_openers", "non_openers_rate", "difference", "reason",
    ],
}  # fmt: skip
EXTRA = {
    "email_performance": {"delivered", "prefetched_only"},
    "mail_frequency": {"recipients"},
    "content_reuse": {"other_views"},
    "support_quality": {"rated", "rating_rate"},
    "open_conversion": {"openers", "non_openers"},
}
