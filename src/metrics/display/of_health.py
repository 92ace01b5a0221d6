"""How tables of forecasts and of judged warnings are known, what their columns are called, and which are shown."""

MARKS: dict[str, set[str]] = {
    "customer_snapshots": {"cutoff", "until", "customer_id", "tenure_days", "churned"},
    "health_measures": {"cutoff", "customer_id", "measure", "score"},
    "replay_alerts": {"cutoff", "customer_id", "rule", "evidence", "playbook"},
    "churn_by_band": {"band", "customers", "churned", "churn_rate", "base_rate", "lift"},
    "forecast_churn": {"customer_id", "churn_probability", "top_reason", "expected_loss"},
    "backtest_churn": {"model", "customers", "churned", "auc", "auc_difference", "brier"},
    "backtest_by_fifth": {"model", "fifth", "customers", "predicted_rate", "churn_rate"},
    "customer_timeline": {"at", "kind", "detail", "value"},
}
GROUP_ENDS = {"alert_quality": "customers", "replay_alerts": "customer_id"}
HEADS = {
    "days_since_active": "Silent, days",
    "churn_probability": "Will leave, %",
    "expected_loss": "Expected loss",
    "predicted_rate": "Predicted, %",
    "auc_difference": "AUC, against the rule",
    "fifth": "Fifth",
    "cutoff": "Told at",
    "tickets_90d": "Tickets in 90 days",
    "active_weeks": "Weeks with use, of 4",
    "nps_score": "Last answer",
    "detail": "What",
    "at": "When",
}
MONEY = ("expected_loss",)
SHOWN = {
    "forecast_churn": ["customer_id", "churn_probability", "top_reason", "mrr", "expected_loss", "reason"],
    "backtest_churn": ["model", "cutoff", "auc", "auc_difference", "brier", "reason"],
    "backtest_by_fifth": ["model", "fifth", "customers", "churned", "predicted_rate", "churn_rate"],
    "churn_by_band": ["band", "customers", "churned", "churn_rate", "lift", "reason"],
    "replay_alerts": ["cutoff", "customer_id", "rule", "evidence", "mrr_at_risk", "reason"],
}
EXTRA = {
    "forecast_churn": {"mrr"},
    "backtest_churn": {"auc_difference"},
    "churn_alerts": {"rule", "mrr_at_risk"},
    "health_score": {"coverage", "missing"},
    "customer_status": {"mrr_change_90d", "nps_band", "open_tickets", "invoices_overdue", "days_to_renewal"},
    "backtest_by_fifth": {"customers"},
    "alert_quality": {"customers", "churned", "base_rate", "recall"},
}
MODELS = {
    "logistic": "Logistic regression",
    "days_since_active": "Days since active alone",
    "base_rate": "The same for all",
}
SIGNALS = {  # in words, within a sentence
    "tenure_days": "days with us",
    "mrr": "MRR",
    "days_since_active": "days since active",
    "active_weeks": "weeks with use",
    "tickets_90d": "tickets",
    "open_tickets": "open tickets",
    "invoices_overdue": "overdue invoices",
    "nps_score": "the last answer",
    "paused": "a pause",
}
