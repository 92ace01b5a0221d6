"""What is a customer worth? `orders_summary` reads orders into customers, `value` puts money on them."""

from metrics.clv.purchase_fits import PurchaseFit, fit_purchases
from metrics.clv.purchases import PurchaseModel
from metrics.clv.spend import SpendFit, SpendModel, fit_spend
from metrics.clv.summary import orders_summary
from metrics.clv.value import customer_lifetime_value, simple_lifetime_value

__all__ = [
    "PurchaseFit", "PurchaseModel", "SpendFit", "SpendModel", "customer_lifetime_value", "fit_purchases", "fit_spend",
    "orders_summary", "simple_lifetime_value",
]  # fmt: skip
