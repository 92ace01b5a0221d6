"""How tables of trials with help, of leads and of discounts are known, and which of their columns are shown."""

MARKS: dict[str, set[str]] = {
    "assisted_trial_conversion": {"help", "assisted", "unassisted", "assisted_rate", "still_in_trial"},
}
GROUP_ENDS = {"assisted_trial_conversion": "help"}
HEADS = {
    "assisted": "With help",
    "assisted_rate": "Became customers, %",
    "unassisted": "Without",
    "unassisted_rate": "Of these, %",
}
SHOWN = {
    "assisted_trial_conversion": [
        "help", "assisted", "assisted_rate", "unassisted", "unassisted_rate", "difference", "still_in_trial", "reason",
    ],
}  # fmt: skip
EXTRA = {"assisted_trial_conversion": {"assisted", "unassisted", "still_in_trial"}}
