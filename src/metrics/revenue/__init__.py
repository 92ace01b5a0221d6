"""What moved recurring revenue? From rows of subscriptions to balances of customers, and what they say.

The road: `lines` puts a price on each row a month, `book` reads the rows as they were known, `pieces` applies the
policies, `states` makes balances by day, `ledger` holds them with the periods; `movements`, `rollforward`, `kept` and
`families` are the numbers.
"""

from metrics.revenue.families import expansion_split
from metrics.revenue.kept import revenue_retention
from metrics.revenue.lines import mrr_lines
from metrics.revenue.movements import mrr_movements
from metrics.revenue.rollforward import mrr_churn_rate, mrr_rollforward

__all__ = [
    "expansion_split", "mrr_churn_rate", "mrr_lines", "mrr_movements", "mrr_rollforward", "revenue_retention",
]  # fmt: skip
