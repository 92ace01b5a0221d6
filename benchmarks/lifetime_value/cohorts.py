"""Simulated customers of known laws, for stress, coverage and speed."""

import numpy as np
import pandas as pd


def cohort(model: str, n: int, generator: np.random.Generator, *, span: float = 39.0, intake: float = 12.0,
           by_day: bool = True, later: float = 0.0, r=0.243, alpha=4.414, a=0.793, b=2.426, s=0.606, beta=11.669,
           ) -> pd.DataFrame:  # fmt: skip
    """Customers who joined over `intake` weeks and are watched up to week `span`.

    With `later` also the purchases in the weeks after it.
    """
    T = span - generator.random(n) * intake
    if by_day:
        T = np.round(T * 7) / 7
    rate = np.maximum(generator.gamma(r, 1 / alpha, n), 1e-300)
    end = np.full(n, np.inf)
    coin = np.zeros(n)
    if model == "pareto_nbd":
        end = generator.exponential(1, n) / np.maximum(generator.gamma(s, 1 / beta, n), 1e-300)
    elif model in ("bgnbd", "mbgnbd"):
        coin = np.clip(generator.beta(a, b, n), 1e-12, 1)
    alive = np.ones(n, bool) if model != "mbgnbd" else generator.random(n) >= coin
    x, recency, after = np.zeros(n, int), np.zeros(n), np.zeros(n, int)
    now = np.zeros(n)
    while alive.any():
        rows = np.flatnonzero(alive)
        now[rows] += generator.exponential(1, len(rows)) / rate[rows]
        seen = now[rows] <= np.minimum(T[rows] + later, end[rows])
        alive[rows[~seen]] = False
        rows = rows[seen]
        when = np.ceil(now[rows] * 7) / 7 if by_day else now[rows]
        early = (now[rows] <= T[rows]) & (when <= T[rows])
        x[rows[early]] += 1
        recency[rows[early]] = when[early]
        after[rows[~early]] += 1
        alive[rows] = generator.random(len(rows)) >= coin[rows]
    table = pd.DataFrame({"frequency": x, "recency": recency, "T": T, "later": after})
    table["customer_id"] = np.arange(n).astype(str)
    return table


def values(table: pd.DataFrame, generator: np.random.Generator, p=6.25, q=3.74, gamma=15.44) -> pd.DataFrame:
    """The same customers with the mean value of their repeat purchases, in cents."""
    x = table["frequency"]
    scale = gamma / generator.gamma(q, size=len(table))
    mean = generator.gamma(p * np.maximum(x, 1)) / x.clip(lower=1) * scale
    return table.assign(monetary_value=np.where(x > 0, np.round(mean, 2), np.nan))
