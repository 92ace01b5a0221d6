"""What is a customer worth? `orders_summary` reads orders into customers, `value` puts money on them."""

from metrics.clv.summary import orders_summary
from metrics.clv.value import customer_lifetime_value, simple_lifetime_value

__all__ = ["customer_lifetime_value", "orders_summary", "simple_lifetime_value"]
