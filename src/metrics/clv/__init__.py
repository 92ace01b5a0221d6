"""What is a customer worth?

The road: orders → `summary` (how often, how recently, how much) → `purchase_fits` and `spend` (models and their fits) →
`forecast` (each customer, all of them) → `holdout` and `tracking` (would it have been right?). `value` goes it in one
call. `models` has the formulas, one file each; `newton` finds maxima, `estimates` their limits; `uncertain` knows the
limits of forecasts.
"""

from metrics.clv.forecast import forecast_customers, forecast_total
from metrics.clv.formula import simple_lifetime_value, unit_economics
from metrics.clv.holdout import holdout_check
from metrics.clv.purchase_fits import PurchaseFit, fit_purchases
from metrics.clv.purchases import PurchaseModel
from metrics.clv.spend import SpendFit, SpendModel, fit_spend
from metrics.clv.summary import orders_summary
from metrics.clv.tracking import holdout_tracking
from metrics.clv.value import customer_lifetime_value

__all__ = [
    "PurchaseFit", "PurchaseModel", "SpendFit", "SpendModel", "customer_lifetime_value", "fit_purchases", "fit_spend",
    "forecast_customers", "forecast_total", "holdout_check", "holdout_tracking",
    "orders_summary", "simple_lifetime_value", "unit_economics",
]  # fmt: skip
