"""How tables of recurring revenue and of churn of contracts are known, and which of their columns are shown."""

MARKS: dict[str, set[str]] = {
    "mrr_rollforward": {"opening", "new", "expansion", "churn", "closing", "at_risk", "arpa"},
    "revenue_retention": {"span_start", "opening", "grr", "nrr"},
    "expansion_split": {"upsell", "cross_sell", "downsell", "term_extension"},
    "mrr_churn_rate": {"opening", "gross_churn", "net_churn", "grr"},
    "subscription_churn": {"customers_start", "customers_churned", "at_risk", "churn_rate", "mrr_churned"},
    "renewal_churn": {"due", "not_renewed", "rate_of_due", "active"},
    "churn_reasons": {"customers", "voluntary", "involuntary", "dispute", "not_churn"},
    "trial_conversion": {"started", "ended", "converted", "still_in_trial", "conversion_rate"},
    "pause_outcomes": {"entered", "paused", "cancelled", "kept", "take_rate"},
    "payment_recovery": {"invoices", "failed", "recovered", "recovery_rate"},
    "quick_ratio": {"gained", "lost", "quick_ratio"},
}
GROUP_ENDS = {
    "mrr_rollforward": "opening",
    "revenue_retention": "span_start",
    "expansion_split": "upsell",
    "mrr_churn_rate": "opening",
    "subscription_churn": "customers_start",
    "renewal_churn": "due",
    "churn_reasons": "customers",
    "trial_conversion": "started",
    "pause_outcomes": "entered",
    "payment_recovery": "invoices",
    "quick_ratio": "gained",
}
HEADS = {
    "currency": "Currency",
    "opening": "MRR, start",
    "closing": "MRR, end",
    "reactivation": "Back",
    "fx": "Rates of exchange",
    "arpa": "MRR a customer",
    "customers_churned": "Left",
    "customers_paused": "Paused",
    "customers_reactivated": "Back",
    "customers_churned_new": "New and left",
    "mrr_churn_rate": "MRR lost, %",
    "span_start": "Followed from",
    "grr": "Kept (GRR), %",
    "nrr": "With growth (NRR), %",
    "gross_churn": "Gross churn, %",
    "net_churn": "Net churn, %",
    "rate_of_due": "Not renewed, % of due",
    "rate_of_active": "% of all",
    "not_renewed": "Not renewed",
    "not_churn": "Foreseen",
    "converted_share": "Of all started, %",
    "still_in_trial": "Still in trial",
    "entered": "Asked to cancel",
    "take_rate": "Paused instead, %",
    "paused_followed": "Paused, watched",
    "resume_rate": "Active again, %",
    "cancelled_followed": "Cancelled, watched",
    "return_rate": "Came back, %",
    "mrr_kept": "MRR kept",
    "failed": "Failed at first",
    "failure_rate": "Failed, %",
    "recovery_rate": "Recovered, %",
    "recovery_rate_amount": "Of the money, %",
    "net_loss_rate": "Lost, %",
    "attempt_failure_rate": "Of attempts, %",
    "quick_ratio": "Quick ratio",
}
SHARES = ("grr", "nrr", "gross_churn", "net_churn", "rate_of_due", "rate_of_active", "recovery_rate_amount")
MONEY = (
    "opening", "new", "reactivation", "expansion", "contraction", "churn", "pause", "resume", "fx", "closing", "arpa",
    "upsell", "cross_sell", "downsell", "term_extension", "mrr", "mrr_start", "mrr_churned", "mrr_kept", "gained",
    "lost", "mrr_voluntary", "mrr_involuntary", "mrr_dispute", "mrr_unknown", "mrr_not_churn",
)  # fmt: skip
SHOWN = {
    "mrr_rollforward": [
        "period_start", "new", "reactivation", "expansion", "contraction", "churn", "pause", "resume", "fx",
        "closing",
    ],
    "revenue_retention": ["period_start", "span_start", "customers_start", "opening", "grr", "nrr"],
    "subscription_churn": [
        "period_start", "customers_start", "customers_new", "customers_reactivated", "customers_churned",
        "customers_paused", "churn_rate", "mrr_churn_rate",
    ],
    "trial_conversion": ["period_start", "started", "ended", "converted", "still_in_trial", "conversion_rate"],
    "pause_outcomes": [
        "period_start", "entered", "paused", "take_rate", "paused_followed", "resume_rate", "cancelled_followed",
        "return_rate", "difference",
    ],
    "payment_recovery": [
        "period_start", "invoices", "failed", "failure_rate", "recovered", "recovery_rate", "net_loss_rate",
    ],
}  # fmt: skip
EXTRA = {
    "mrr_rollforward": {"reactivation", "contraction", "pause", "resume", "fx"},
    "revenue_retention": {"span_start", "opening"},
    "subscription_churn": {"customers_new", "customers_reactivated", "customers_paused", "mrr_churn_rate"},
    "renewal_churn": {"renewed", "active", "rate_of_active"},
    "trial_conversion": {"ended", "still_in_trial"},
    "pause_outcomes": {"paused_followed", "cancelled_followed", "paused"},
    "payment_recovery": {"failed", "recovered", "net_loss_rate"},
}
EMPTY_IS_NOTHING = {"fx", "term_extension", "mrr_unknown", "mrr_dispute", "mrr_not_churn"}
