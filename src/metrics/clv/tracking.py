"""How do repeat purchases run, period by period, beside what models fitted before expected of them?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from metrics.clv.buys import Merge
from metrics.clv.holdout import MODELS, known_names
from metrics.clv.purchase_fits import PurchaseFit, fit_purchases
from metrics.clv.split import day_text, split_of
from metrics.clv.summary import Refunds, order_rows, orders_summary
from metrics.clv.units import UNIT_DAYS, Unit, known_unit
from metrics.engine import Events
from metrics.files import several
from metrics.intervals import Floats
from metrics.periods import Ints, When
from metrics.results import result


def holdout_tracking(
    orders: Events,
    *,
    split: When | None = None,
    end: When | None = None,
    as_of: When | None = None,
    models: Sequence[str] = ("bgnbd", "mbgnbd", "pareto_nbd"),
    unit: Unit = "week",
    customer: str = "user_id",
    time: str = "timestamp",
    amount: str = "net",
    tz: str = "UTC",
    merge: Merge = "day",
    refunds: Refunds = "net",
) -> pd.DataFrame:
    """How do repeat purchases run, period by period, against what models expect of such customers?

    The customers are those of the calibration; a model fitted to it knows of each only the day of the first purchase.

    Parameters
    ----------
    orders, split, end, as_of, models, customer, time, amount, tz, merge, refunds
        As in `holdout_check`.
    unit
        Length of a period, and unit of recency and T. Period 1 starts on the day of the first order.

    Returns
    -------
    DataFrame, one row per model and period
        model
        period                                   1, 2…
        actual, expected                         count  repeat purchases in the period
        cumulative_actual, cumulative_expected   count  up to its end
        complete                                 bool   False for a last period that `end` cuts

    Raises
    ------
    ValueError
        As `holdout_check`.

    Examples
    --------
    >>> days = ["2026-01-01", "2026-01-15", "2026-01-08", "2026-02-10", "2026-02-20"]
    >>> orders = pd.DataFrame({"user_id": list("aabab"), "timestamp": pd.to_datetime(days, utc=True), "net": 5.0})
    >>> holdout_tracking(orders, split="2026-01-31", models=())
    Empty DataFrame
    Columns: [model, period, actual, expected, cumulative_actual, cumulative_expected, complete]
    Index: []
    """
    known_names("models", models, MODELS)
    days = UNIT_DAYS[known_unit(unit)]
    columns: dict[str, Any] = {"customer": customer, "time": time, "amount": amount, "tz": tz}
    split, final = split_of(orders, split, end, as_of, columns | {"merge": merge})
    summary = orders_summary(orders, end=split, unit=unit, merge=merge, refunds=refunds, **columns)
    if not len(summary):
        raise ValueError(f"split {split!s}: nobody has bought by then. Choose a later day.")
    source = order_rows(orders, **columns)
    buys, labels = source.buys(merge, final)
    began = np.r_[True, buys.customer[1:] != buys.customer[:-1]]
    theirs = labels.isin(summary["customer_id"])[buys.customer]
    first, repeats = buys.first_day[began & theirs], buys.first_day[~began & theirs]
    start = int(first.min())
    many = max(int(np.ceil((final + 1 - start) / days - 1e-9)), 1)
    ends = start + np.arange(1, many + 1) * days  # first moment after each period
    numbers = np.minimum(np.floor((repeats - start) / days + 1e-9).astype(np.int64), many - 1)
    actual = np.bincount(numbers, minlength=many)
    complete = ends <= final + 1 + 1e-9
    tables = []
    for name in models:
        fit = fit_purchases(summary, model=name, confidence=None)
        so_far = _expected_so_far(fit, first, np.minimum(ends, final + 1) - 1, days)
        tables.append(pd.DataFrame({
            "model": name, "period": np.arange(1, many + 1), "actual": actual,
            "expected": np.diff(so_far, prepend=0.0), "cumulative_actual": np.cumsum(actual),
            "cumulative_expected": so_far, "complete": complete,
        }))  # fmt: skip
    names = ["model", "period", "actual", "expected", "cumulative_actual", "cumulative_expected", "complete"]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({name: [] for name in names})
    settings = {
        "split": str(summary.attrs["end"]), "end": day_text(final), "unit": unit, "tz": tz,
        "merge": merge or "none", "start": day_text(start), "customers": len(summary),
    }  # fmt: skip
    definition = (
        f"Repeat purchases of the {several(len(summary), 'customer', 'customers')} who bought by "
        f"{settings['split']}, in {unit}s from {settings['start']}, beside what models fitted up to "
        f"{settings['split']} expect."
    )
    return result(table, metric="holdout_tracking", definition=definition, settings=settings, columns=names)


def _expected_so_far(fit: PurchaseFit, first: Ints, until: Floats, days: float) -> Floats:
    """Purchases expected of new customers from their first days on, added up until the end of each period."""
    if fit.model is None:
        return np.full(len(until), np.nan)
    began, many = np.unique(first, return_counts=True)
    ahead = np.maximum(until - began[:, None], 0.0) / days
    times, place = np.unique(np.round(ahead, 9), return_inverse=True)
    used = times > 0
    found = np.zeros(len(times))
    if used.any():
        row = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [0.0]})
        alive, expected = fit.model.alive_and_sum(fit.model.customers(row), times[used], np.eye(int(used.sum())))
        found[used] = alive[0] * expected[0]
    total: Floats = many @ found[place.reshape(ahead.shape)]
    return total
