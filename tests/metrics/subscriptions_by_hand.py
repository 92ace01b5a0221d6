"""Random lives of subscribers, and recurring revenue reckoned day by day in plain Python: slow, and easy to believe."""

from collections import defaultdict

import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
FIRST = pd.Timestamp("2026-01-01", tz="UTC")
DAYS = 180
AS_OF = "2026-06-30"  # the 180th day is the first one not observed


def lives(seed, customers=300):
    """MRR lines of customers with overlapping subscriptions, changes of plan, pauses, gaps and returns."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        for number in range(int(rng.integers(1, 4))):
            at = int(rng.integers(0, DAYS))
            while at < DAYS:
                length = int(rng.integers(1, 60))
                end = at + length if rng.random() < 0.85 else None
                status = rng.choice(["active", "past_due", "paused", "trialing"], p=[0.6, 0.1, 0.2, 0.1])
                rows.append({
                    "customer_id": f"c{customer}", "subscription_id": f"c{customer}-{number}",
                    "start": FIRST + at * DAY, "end": pd.NaT if end is None else FIRST + end * DAY,
                    "status": str(status), "mrr": float(rng.choice([10, 20, 35, 50 / 3])), "currency": "EUR",
                    "plan": f"p{rng.integers(0, 3)}",
                })  # fmt: skip
                if end is None:
                    break
                at = end + int(rng.choice([0, 0, 0, 5, 40]))
    return pd.DataFrame(rows).astype({"start": "datetime64[us, UTC]", "end": "datetime64[us, UTC]"})


def whole_days(rows, limit=90):
    """Of each customer, MRR and paused MRR at the end of each day."""
    live, held = defaultdict(lambda: np.zeros(DAYS)), defaultdict(lambda: np.zeros(DAYS))
    spells = {}
    for row in rows.sort_values(["subscription_id", "start"]).itertuples():
        first = (row.start - FIRST).days
        last = DAYS if pd.isna(row.end) else min(DAYS, (row.end - FIRST).days)
        who = row.customer_id
        if row.status in ("active", "past_due"):
            live[who][first:last] += row.mrr
        if row.status == "paused":
            before = spells.get(row.subscription_id)
            begin = before[0] if before and before[1] == first else first
            spells[row.subscription_id] = (begin, last)
            held[who][first : max(first, min(last, begin + limit))] += row.mrr
    return live, held


def movements(live, held, edges):
    """(period, customer, kind, amount) between the days of `edges`; [0, 1, 2, …] gives each day."""
    found = []
    for who in sorted({*live, *held}):
        before = held_before = 0.0
        paid = False
        seen = -1
        for period, edge in enumerate(edges):
            after, held_after = live[who][edge], held[who][edge]
            change, rest = after - before, held_after - held_before
            if abs(change) > 1e-9:
                found.append((period, who, _kind(before, after, held_before, held_after, paid), change))
            if rest < -1e-9 and change <= 1e-9 and (paid or before):
                lost = "churn" if after == 0 and held_after == 0 else "contraction"
                found += [(period, who, lost, rest), (period, who, "pause", -rest)]
            before, held_before = after, held_after
            paid = paid or bool((live[who][seen + 1 : edge + 1] > 0).any())
            seen = edge
    return found


def _kind(before, after, held_before, held_after, paid):
    if before == 0:
        return "new" if not paid else "resume" if held_before > 0 else "reactivation"
    if after == 0:
        return "pause" if held_after > 0 else "churn"
    if after > before:
        return "resume" if held_after < held_before - 1e-9 else "expansion"
    return "pause" if held_after > held_before + 1e-9 else "contraction"
