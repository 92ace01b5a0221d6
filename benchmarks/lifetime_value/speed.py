"""Lifetime value against lifetimes, clvkit and, where it is installed, pymc-marketing: median seconds, wall and CPU.

    python -m benchmarks.lifetime_value.speed [--quick] [--only WORDS] [--write]

All sides get the same customers or orders in the same process, one after the other in each round. What takes a rival
more than some seconds is asked once, and ends after ten minutes. pymc-marketing is asked once before, which compiles;
its priors are flat. The road from an orders file to customers is gone in a process of its own, beside an interpreter
that only imports pandas and scipy.optimize; so is the value of a million customers, for its memory.
"""

import argparse
import gc
import importlib.util
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lifetime_value.cohorts import cohort, values
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
Line = tuple[str, int, dict[str, Side], dict[str, float]]  # question, size, sides, times faster than a rival
RIVALS = ("lifetimes", "clvkit", "pymc-marketing")
LONGEST = 600  # seconds for one answer
IMPORTS = "import pandas, scipy.optimize"
ROAD = """
import metrics
orders = metrics.read_orders("data/cdnow.csv", timezone="UTC")
metrics.customer_lifetime_value(orders, as_of="1998-07-01")
metrics.holdout_check(orders, split="1997-09-30")
"""
MILLION = """
import warnings; warnings.simplefilter("ignore")
from benchmarks.lifetime_value.speed import customers, value_of
from benchmarks.worker import peak_megabytes
ask = value_of(customers(1_000_000))
before = peak_megabytes()
ask()
print(before, peak_megabytes())
"""


def customers(n: int) -> pd.DataFrame:
    """Customers by day, with a value for those who came back."""
    generator = np.random.default_rng(n)
    return values(cohort("bgnbd", n, generator), generator)


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


def value_of(table: pd.DataFrame) -> Side:
    """Ours: the value of twelve months of customers that are fitted already."""
    fit, spend = fit_purchases(table, model="bgnbd", unit="week"), fit_spend(table)
    return lambda: forecast_customers(
        table, purchases=fit, spend=spend, horizon="52 weeks", period="1 week", confidence=None
    )


def pymc_side(table: pd.DataFrame, model: str) -> dict[str, Side]:
    """The maximum by pymc-marketing with flat priors, compiled before; nothing where it is not installed."""
    if importlib.util.find_spec("pymc_marketing") is None:
        return {}
    from pymc_extras.prior import Prior
    from pymc_marketing import clv

    kind, names = {
        "bgnbd": (clv.BetaGeoModel, ("r", "alpha", "a", "b")),
        "pareto_nbd": (clv.ParetoNBDModel, ("r", "alpha", "s", "beta")),
        "gamma_gamma": (clv.GammaGammaModel, ("p", "q", "v")),
    }[model]  # fmt: skip
    data = table[table["frequency"] > 0] if model == "gamma_gamma" else table
    data = data.drop(columns=["later"], errors="ignore")

    def fit() -> object:
        flat = {name: Prior("HalfFlat") for name in names}
        return kind(data=data, model_config=flat).fit(method="map", progressbar=False)

    return {"pymc-marketing": fit}


def lines(quick: bool, only: str) -> Iterator[Line]:
    """Question, size, sides, and the goal for each rival: so many times faster."""
    import lifetimes
    from clvkit import BGNBD, CLV, CustomerBase, GammaGamma
    from lifetimes.utils import summary_data_from_transaction_data

    for n in (2_357, 23_570) if quick else (2_357, 23_570, 1_000_000):
        t = customers(n)
        x, recency, T, value = t["frequency"], t["recency"], t["T"], t["monetary_value"]
        base, again = base_of(t), t["frequency"] > 0
        yield "BG/NBD fit", n, {
            "ours": lambda t=t: fit_purchases(t, model="bgnbd", unit="week"),
            "lifetimes": lambda x=x, recency=recency, T=T: lifetimes.BetaGeoFitter().fit(x, recency, T),
            "clvkit": lambda base=base: BGNBD().fit(base), **pymc_side(t, "bgnbd"),
        }, {"lifetimes": 10, "clvkit": 20}  # fmt: skip
        yield "the same with limits", n, {
            "ours": lambda t=t: fit_purchases(t, model="bgnbd", unit="week").table,
            "lifetimes": lambda x=x, recency=recency, T=T: lifetimes.BetaGeoFitter().fit(x, recency, T),
        }, {}  # fmt: skip
        yield "Pareto/NBD fit", n, {
            "ours": lambda t=t: fit_purchases(t, model="pareto_nbd", unit="week"),
            "lifetimes": lambda x=x, recency=recency, T=T: lifetimes.ParetoNBDFitter().fit(x, recency, T),
            **pymc_side(t, "pareto_nbd"),
        }, {"lifetimes": 20} if n > 3_000 else {}  # fmt: skip
        yield "Gamma-Gamma fit", n, {
            "ours": lambda t=t: fit_spend(t),
            "lifetimes": lambda x=x[again], value=value[again]: lifetimes.GammaGammaFitter().fit(x, value),
            "clvkit": lambda base=base: GammaGamma().fit(base), **pymc_side(t, "gamma_gamma"),
        }, {}  # fmt: skip
        if n == 2_357:
            yield "1,000 bootstrap refits", n, {
                "ours": lambda t=t: refits(t, 1000),
                "clvkit": lambda base=base: BGNBD().fit(base).parameter_uncertainty(n=20, seed=0),
            }, {"clvkit": 30}  # fmt: skip
        if n > 3_000 and only in "value of 12 months":
            theirs = CLV(check_independence=False).fit(base_of(customers(23_570)))  # a model is a model
            yield "value of 12 months", n, {
                "ours": value_of(t),
                "clvkit": lambda base=base, theirs=theirs: theirs.predict(horizon=52, discount_rate=0.0018, cb=base),
            }, {"clvkit": 5}  # fmt: skip
    for n in (1_000_000,) if quick else (1_000_000, 5_000_000):
        if only not in "orders to customers":
            break
        o = orders(n)
        yield "orders to customers", n, {
            "ours": lambda o=o: orders_summary(o, customer="customer_id", time="date", amount="amount"),
            "lifetimes": lambda o=o: summary_data_from_transaction_data(o, "customer_id", "date", "amount"),
            "clvkit": lambda o=o: CustomerBase.from_transactions(
                o, customer_id_col="customer_id", datetime_col="date", amount_col="amount", time_unit="W"),
        }, {"lifetimes": 3, "clvkit": 3}  # fmt: skip


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
    """Median seconds of each side, wall and CPU; infinite where it did not end in time."""
    if "pymc-marketing" in sides:
        asked(sides["pymc-marketing"])
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(5):
        for name, side in sides.items():
            if taken[name] and sum(wall for wall, _ in taken[name]) > 6:
                continue
            taken[name].append(asked(side))
    return {
        name: tuple(scale.get(name, 1) * statistics.median(t[k] for t in rounds) for k in (0, 1))
        for name, rounds in taken.items()
    }


def asked(side: Side) -> tuple[float, float]:
    """Seconds of one answer, wall and CPU."""

    def late(*_: object) -> None:
        raise TimeoutError

    gc.collect()
    signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        side()
    except TimeoutError:
        return np.inf, np.inf
    finally:
        signal.alarm(0)
    return time.perf_counter() - wall, time.process_time() - cpu


def table(quick: bool, only: str) -> str:
    """All lines as Markdown."""
    heads = ["task", "rows", "ours, s", *RIVALS, "goal", ""]
    rows = [f"| {' | '.join(heads)} |", "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |"]
    for name, n, sides, goals in lines(quick, only):
        if only not in name:
            continue
        found = measure(sides, {"clvkit": 50.0} if "bootstrap" in name else {})
        ours, cells, missed = found["ours"], [], []
        for rival in RIVALS:
            if rival not in found:
                cells.append("")
                continue
            wall, cpu = (found[rival][k] / ours[k] for k in (0, 1))
            cells.append(f"> {LONGEST / ours[0]:.0f} x" if np.isinf(wall) else f"{wall:.1f} x (CPU {cpu:.1f} x)")
            if rival in goals and min(wall, cpu) < goals[rival]:
                missed.append(rival)
        goal = ", ".join(f"≥ {g:g} x {rival}" for rival, g in goals.items())
        verdict = "" if not goals else "met" if not missed else f"MISSED: {', '.join(missed)}"
        rows.append(f"| {name} | {n:,} | {ours[0]:.4f} | {' | '.join(cells)} | {goal} | {verdict} |")
        print(rows[-1], flush=True)
    return "\n".join([*rows, "", *([] if only else [*alone(quick), ""]), machine(5)])


def alone(quick: bool) -> list[str]:
    """What has a process of its own: the road from a cold interpreter, and the memory of a million customers."""
    taken: dict[str, list[tuple[float, float]]] = {IMPORTS: [], ROAD: []}
    for _ in range(5):
        for code in taken:
            taken[code].append(cold(code))
    said = []
    for what, k in (("wall", 0), ("CPU", 1)):
        least, ours = (statistics.median(t[k] for t in taken[code]) for code in (IMPORTS, ROAD))
        room = 1.5 * least + 1
        said.append(f"{ours:.2f} s {what} (imports alone {least:.2f} s, goal {room:.2f} s: {_verdict(ours <= room)})")
    found = [
        f"CDNOW's orders to a table of customers with limits, and the holdout, in a new process: {', '.join(said)}."
    ]
    if not quick:
        run = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True, check=True)
        before, peak = map(float, run.stdout.split())
        found.append(
            f"Value of 12 months of a million customers: the process held {peak:,.0f} MB at most, {before:,.0f} MB of "
            f"them before it was asked (goal 1,000 MB: {_verdict(peak < 1000)})."
        )
    return found


def cold(code: str) -> tuple[float, float]:
    """Seconds of a new interpreter, wall and CPU."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=PAGE.parents[1])
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lifetime_value.speed", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="nothing of a million customers")
    parser.add_argument("--write", action="store_true", help="put the table into docs/lifetime_value.md")
    parser.add_argument("--only", default="", help="lines whose question has these words: 'value of'")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found = table(given.quick, given.only)
    print(found)
    if given.write and not given.only:
        page = PAGE.read_text(encoding="utf-8")
        mark = r"(<!-- speed -->\n).*?(<!-- end of speed -->)"
        PAGE.write_text(re.sub(mark, lambda m: m[1] + found + "\n" + m[2], page, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
