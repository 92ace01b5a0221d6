"""400 fits of hard customer bases: none may raise, none may miss the best of 20 random starts by more than 0.001.

python -m benchmarks.lifetime_value.stress
"""

import sys
import time

import numpy as np

from benchmarks.lifetime_value.cohorts import cohort
from metrics import fit_purchases
from metrics.clv.customers import read_customers
from metrics.clv.fitting import Likelihood
from metrics.clv.models import FAMILIES
from metrics.clv.newton import maximum

UNITS = {"second": 604800.0, "day": 7.0, "week": 1.0, "year": 7 / 365.25}
LAWS = {
    "usual": {},
    "no dropout": {"a": 0.01, "b": 20.0, "s": 0.01, "beta": 50.0},
    "all drop out": {"a": 20.0, "b": 0.05, "s": 20.0, "beta": 1.0},
    "one kind": {"r": 200.0, "alpha": 800.0},
    "busy": {"r": 2.0, "alpha": 1.0},
    "rare": {"r": 0.05, "alpha": 5.0},
}


def study(fits: int) -> tuple[int, float]:
    """How many raise, and how far the worst lies below the best of 20 starts."""
    generator = np.random.default_rng(400)
    worst, slow, failed, statuses = 0.0, 0.0, 0, {}
    for number in range(fits):
        model = ("bgnbd", "mbgnbd", "pareto_nbd")[number % 3]
        n = int(generator.choice([30, 60, 100, 250, 500, 1000, 2000]))
        law = list(LAWS)[int(generator.integers(len(LAWS)))]
        unit = list(UNITS)[int(generator.integers(len(UNITS)))]
        table = cohort(model, n, generator, by_day=bool(generator.random() < 0.7), **LAWS[law])
        if generator.random() < 0.15:
            table.loc[0, ["frequency", "recency", "T"]] = [3000, 38.0, 39.0]
        table[["recency", "T"]] *= UNITS[unit]
        begin = time.perf_counter()
        try:
            fit = fit_purchases(table, model=model, unit=unit)
        except Exception as error:  # what is counted here is that there is none
            failed += 1
            print("raised", number, model, law, n, unit, repr(error))
            continue
        slow = max(slow, time.perf_counter() - begin)
        statuses[fit.status] = statuses.get(fit.status, 0) + 1
        if fit.model is None:
            continue
        rows = read_customers(table)
        best = -np.inf
        scale = float(rows.T.mean())
        of = Likelihood(FAMILIES[model], rows.scaled(scale), ())
        for _ in range(20):
            start = generator.normal([0, 0, 0, 0.5], 2)
            best = max(best, maximum(of, start).value - float(rows.weight @ rows.x) * np.log(scale))
        gap = best - fit.log_likelihood
        worst = max(worst, gap)
        if gap > 1e-3:
            print(f"{number} {model} {law} n={n} {unit}: {gap:.4f} below the best of 20 starts ({fit.status})")
    print(f"{fits} fits: {failed} raised, worst gap {worst:.2g}, slowest {slow * 1e3:.0f} ms, {statuses}")
    return failed, worst


def main() -> int:
    """Run all of it."""
    failed, worst = study(400)
    return int(failed > 0 or worst > 1e-3)


if __name__ == "__main__":
    sys.exit(main())
