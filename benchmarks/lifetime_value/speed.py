"""Lifetime value against lifetimes and clvkit, side by side in one run: medians of seconds, wall and CPU.

    python -m benchmarks.lifetime_value.speed [--quick] [--write]

All sides get the same customers or orders in the same process, one after the other in each round. What takes a rival
more than some seconds is asked once.
"""

import argparse
import gc
import re
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lifetime_value.cohorts import cohort
from benchmarks.table import machine
from metrics import (
    fit_purchases,
    fit_spend,
    forecast_customers,
    orders_summary,
)
from metrics.clv.customers import Customers
from metrics.clv.fitting import fit_family
from metrics.clv.models import FAMILIES

PAGE = Path(__file__).parents[2] / "docs" / "lifetime_value.md"
END = pd.Timestamp("1997-09-30")
Side = Callable[[], object]


def customers(n: int) -> pd.DataFrame:
    """Customers by day, with a value for those who came back."""
    generator = np.random.default_rng(n)
    table = cohort("bgnbd", n, generator)
    value = generator.gamma(6.25 * np.maximum(table["frequency"], 1)) / table["frequency"].clip(lower=1)
    table["monetary_value"] = np.where(
        table["frequency"] > 0, np.round(value * 15.44 / generator.gamma(3.74, size=n), 2), np.nan
    )
    return table


def orders(n: int) -> pd.DataFrame:
    """Orders of a fifth as many customers over two years, in no order."""
    generator = np.random.default_rng(n)
    who = generator.integers(0, n // 5, n)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 730, n), unit="D")
    return pd.DataFrame({"customer_id": who.astype(str), "date": when, "amount": generator.gamma(2, 20, n).round(2)})


def base_of(table: pd.DataFrame) -> object:
    """The customers as clvkit takes them."""
    from clvkit import CustomerBase

    data = table.assign(monetary_value=table["monetary_value"].fillna(0.0)).set_index("customer_id")
    return CustomerBase(
        data[["frequency", "recency", "T", "monetary_value"]], time_unit="W", observation_period_end=END,
        has_monetary=True, on_negative="net",
    )  # fmt: skip


def lines(quick: bool) -> list[tuple[str, int, dict[str, Side], dict[str, float]]]:
    """Question, size, sides, and the goal for each rival: so many times faster."""
    import lifetimes
    from clvkit import BGNBD, CLV, CustomerBase, GammaGamma
    from lifetimes.utils import summary_data_from_transaction_data

    found: list[tuple[str, int, dict[str, Side], dict[str, float]]] = []
    for n in (2_357, 23_570) if quick else (2_357, 23_570, 1_000_000):
        t = customers(n)
        x, recency, T, value = t["frequency"], t["recency"], t["T"], t["monetary_value"]
        base, again = base_of(t), t["frequency"] > 0
        found.append(("BG/NBD fit", n, {
            "ours": lambda t=t: fit_purchases(t, model="bgnbd", unit="week"),
            "lifetimes": lambda x=x, recency=recency, T=T: lifetimes.BetaGeoFitter().fit(x, recency, T),
            "clvkit": lambda base=base: BGNBD().fit(base),
        }, {"lifetimes": 10, "clvkit": 20}))  # fmt: skip
        if n < 1_000_000:
            found.append(("Pareto/NBD fit", n, {
                "ours": lambda t=t: fit_purchases(t, model="pareto_nbd", unit="week"),
                "lifetimes": lambda x=x, recency=recency, T=T: lifetimes.ParetoNBDFitter().fit(x, recency, T),
            }, {"lifetimes": 20} if n > 3_000 else {}))  # fmt: skip
        else:
            found.append(
                ("Pareto/NBD fit", n, {"ours": lambda t=t: fit_purchases(t, model="pareto_nbd", unit="week")}, {})
            )
        found.append(("Gamma-Gamma fit", n, {
            "ours": lambda t=t: fit_spend(t),
            "lifetimes": lambda x=x[again], value=value[again]: lifetimes.GammaGammaFitter().fit(x, value),
            "clvkit": lambda base=base: GammaGamma().fit(base),
        }, {}))  # fmt: skip
        if n == 2_357:
            found.append(("1,000 bootstrap refits", n, {
                "ours": lambda t=t: refits(t, 1000),
                "clvkit": lambda base=base: BGNBD().fit(base).parameter_uncertainty(n=20, seed=0),
            }, {"clvkit": 30}))  # fmt: skip
        if n == (23_570 if quick else 1_000_000):
            fit, spend = fit_purchases(t, model="bgnbd", unit="week"), fit_spend(t)
            theirs = CLV(check_independence=False).fit(base)
            found.append(("value of 12 months", n, {
                "ours": lambda t=t, fit=fit, spend=spend: forecast_customers(
                    t, purchases=fit, spend=spend, horizon="52 weeks", period="1 week", confidence=None),
                "clvkit": lambda base=base, theirs=theirs: theirs.predict(horizon=52, discount_rate=0.0018, cb=base),
            }, {"clvkit": 5}))  # fmt: skip
    for n in (1_000_000,) if quick else (1_000_000, 5_000_000):
        o = orders(n)
        found.append(("orders to customers", n, {
            "ours": lambda o=o: orders_summary(o, customer="customer_id", time="date", amount="amount"),
            "lifetimes": lambda o=o: summary_data_from_transaction_data(o, "customer_id", "date", "amount"),
            "clvkit": lambda o=o: CustomerBase.from_transactions(
                o, customer_id_col="customer_id", datetime_col="date", amount_col="amount", time_unit="W"),
        }, {"lifetimes": 3, "clvkit": 3}))  # fmt: skip
    return found


def refits(table: pd.DataFrame, many: int) -> list[float]:
    """The model fitted again to customers drawn from the customers."""
    fit, generator = fit_purchases(table, model="bgnbd", unit="week"), np.random.default_rng(0)
    rows = fit.rows
    chance = rows.weight / rows.weight.sum()
    found = []
    for _ in range(many):
        weight = generator.multinomial(int(rows.total), chance).astype(float)
        some = Customers(rows.x, rows.recency, rows.T, rows.z, weight, rows.place)
        found.append(fit_family(FAMILIES["bgnbd"], some, start=fit.fitted.at).parameters["r"])
    return found


def measure(sides: dict[str, Side], scale: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Median seconds of each side, wall and CPU."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(5):
        for name, side in sides.items():
            if taken[name] and sum(wall for wall, _ in taken[name]) > 6:
                continue
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: tuple(scale.get(name, 1) * statistics.median(t[k] for t in rounds) for k in (0, 1))
        for name, rounds in taken.items()
    }


def table(quick: bool) -> str:
    """All lines as Markdown."""
    rows = [
        "| task | rows | ours, s | lifetimes | clvkit | goal |  |",
        "| --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for name, n, sides, goals in lines(quick):
        found = measure(sides, {"clvkit": 50.0} if "bootstrap" in name else {})
        ours = found["ours"]
        cells, missed = [], []
        for rival in ("lifetimes", "clvkit"):
            if rival not in found:
                cells.append("")
                continue
            wall, cpu = (found[rival][k] / ours[k] for k in (0, 1))
            cells.append(f"{wall:.1f} x (CPU {cpu:.1f} x)")
            if rival in goals and min(wall, cpu) < goals[rival]:
                missed.append(rival)
        goal = ", ".join(f"≥ {g:g} x {rival}" for rival, g in goals.items())
        verdict = "" if not goals else "met" if not missed else f"MISSED: {', '.join(missed)}"
        rows.append(f"| {name} | {n:,} | {ours[0]:.4f} | {cells[0]} | {cells[1]} | {goal} | {verdict} |")
        print(rows[-1], flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return "\n".join([*rows, "", f"{machine(5)} Peak of the whole run, all sides in one process: {peak:,.0f} MB."])


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lifetime_value.speed", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="nothing of a million customers")
    parser.add_argument("--write", action="store_true", help="put the table into docs/lifetime_value.md")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    found = table(asked.quick)
    print(found)
    if asked.write:
        page = PAGE.read_text(encoding="utf-8")
        mark = r"(<!-- speed -->\n).*?(<!-- end of speed -->)"
        PAGE.write_text(re.sub(mark, lambda m: m[1] + found + "\n" + m[2], page, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
