"""How tables of trials with help, of leads and of discounts are known, and which of their columns are shown."""

MARKS: dict[str, set[str]] = {
    "assisted_trial_conversion": {"help", "assisted", "unassisted", "assisted_rate", "still_in_trial"},
    "lead_conversion": {"from_stage", "to_stage", "entered", "followed", "reached", "conversion_rate"},
    "discount_retention": {"first_purchase", "customers", "retained", "value_per_customer", "value_difference"},
}
GROUP_ENDS = {
    "assisted_trial_conversion": "help",
    "lead_conversion": "from_stage",
    "discount_retention": "first_purchase",
}
HEADS = {
    "assisted": "With help",
    "assisted_rate": "Became customers, %",
    "unassisted": "Without",
    "unassisted_rate": "Of these, %",
    "from_stage": "From",
    "to_stage": "To",
    "followed": "Watched",
    "reached": "Got there",
    "too_recent": "Too recent",
    "first_purchase": "First purchase",
    "value_per_customer": "Value a customer",
    "value_difference": "Difference in value",
}
OWN_HEADS = {  # where a column means another thing than elsewhere
    "lead_conversion": {"conversion_rate": "Got there, %", "reached": "Got there"},
    "discount_retention": {"retained": "Stayed", "retention_rate": "Stayed, %"},
}
MONEY = ("value_per_customer", "value_difference")
SHOWN = {
    "assisted_trial_conversion": [
        "help", "assisted", "assisted_rate", "unassisted", "unassisted_rate", "difference", "still_in_trial", "reason",
    ],
    "lead_conversion": [
        "from_stage", "to_stage", "followed", "reached", "conversion_rate", "median_days", "too_recent", "reason",
    ],
    "discount_retention": [
        "first_purchase", "customers", "retention_rate", "difference", "value_per_customer", "value_difference",
        "reason",
    ],
}  # fmt: skip
EXTRA = {
    "assisted_trial_conversion": {"assisted", "unassisted", "still_in_trial"},
    "lead_conversion": {"followed", "median_days", "too_recent"},
    "discount_retention": {"customers", "value_difference"},
}
