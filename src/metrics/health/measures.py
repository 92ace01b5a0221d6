"""Measures of health from what is known of each customer: each on 0 to 100, where high is good.

How many points a silent week or an open ticket costs is an opinion. It stands here in the open, and whether the score
that is made of it finds those who leave, `churn_by_band` and `lift` say.
"""

import numpy as np
import pandas as pd

from metrics.health.forecast import checked_keys, numbers_of
from metrics.health.signals import need
from metrics.results import result

MEASURES = {  # the columns of the snapshots that each is made of
    "usage": ["active_weeks"],
    "support": ["open_tickets", "tickets_90d"],
    "payment": ["invoices_overdue"],
    "sentiment": ["nps_score"],
}
_RESULT = ["cutoff", "customer_id", "measure", "score"]


def health_measures(snapshots: pd.DataFrame) -> pd.DataFrame:
    """How do use, support, payment and sentiment of each customer stand, from 0 to 100?

    Parameters
    ----------
    snapshots
        As `customer_snapshots` gives them. A measure whose columns are not there is left out.

    Returns
    -------
    DataFrame, one row per cut-off, customer and measure, in this order: as `health_score` takes it
        cutoff       instant
        customer_id
        measure      text      ``usage``: 25 for each of the last four weeks with an event; ``support``: 100, less 40
                               for each open ticket and 10 for each other one of the last 90 days, at least 0;
                               ``payment``: 100, or 0 with an overdue invoice; ``sentiment``: 10 times the last NPS
                               answer
        score        0 to 100  NA where it is not known

    Raises
    ------
    ValueError
        A column that is missing, snapshots without any measure.
    EventTableError
        A column that is no number, a customer who stands twice at a cut-off.

    Examples
    --------
    >>> known = pd.DataFrame({"customer_id": ["ann"], "active_weeks": [3], "open_tickets": [1], "tickets_90d": [2]})
    >>> health_measures(known.assign(cutoff=pd.Timestamp("2026-06-01", tz="UTC")))[["measure", "score"]]
       measure  score
    0    usage   75.0
    1  support   50.0
    """
    need("snapshots", snapshots, ["cutoff", "customer_id"])
    checked_keys(snapshots, ["cutoff", "customer_id"], "snapshots")
    there = {name: columns for name, columns in MEASURES.items() if set(columns) <= set(snapshots)}
    if not there:
        wanted = ", ".join(column for columns in MEASURES.values() for column in columns)
        raise ValueError(f"snapshots: none of {wanted} is among their columns. Give customer_snapshots such a table.")
    parts = []
    for place, (name, columns) in enumerate(there.items()):
        known = numbers_of(snapshots, columns, "snapshots").T
        if name == "usage":
            score = 25 * known[0]
        elif name == "support":
            # An open ticket may be older than 90 days; then it is none of the others.
            score = 100 - 40 * known[0] - 10 * np.maximum(known[1] - known[0], 0)
        elif name == "payment":
            score = np.where(np.isnan(known[0]), np.nan, np.where(known[0] > 0, 0.0, 100.0))
        else:
            score = 10 * known[0]
        keys = snapshots[["cutoff", "customer_id"]].reset_index(drop=True)
        parts.append(keys.assign(measure=name, score=np.clip(score, 0, 100), _place=place))
    table = pd.concat(parts, ignore_index=True).sort_values(["cutoff", "customer_id", "_place"], kind="stable")
    table = table.astype({"measure": "str", "customer_id": "str"})
    definition = (
        "Points from 0 to 100: usage 25 for each of the last four weeks with an event; support 100 less 40 for each "
        "open ticket and 10 for each other of 90 days; payment 0 with an overdue invoice, else 100; sentiment ten "
        "times the last answer."
    )
    return result(
        table, metric="health_measures", definition=definition, settings={"measures": list(there)}, columns=_RESULT
    )
