"""Which targets were reached? The sentence and the foot of the sheet of key figures, and what its rule says."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.estimates import Sentence, none
from metrics.display.kinds import setting
from metrics.display.numbers import count, counted
from metrics.display.of_kpis import decimals_of, goal, limits, short, within, written
from metrics.display.worked import level


def sheet_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many targets were met, which were missed, and of which it cannot be told."""
    last = table[table["latest"].astype(bool)]
    if not len(last):
        return none("no period is finished yet, so that there is no key figure.")
    when = numbers.period_in_words(last["period_start"].max(), period_length(table))
    aimed = last[last["target"].notna()]
    goals = {text.partition("=")[0] for text in setting(table, "targets", [])} | set(aimed["kpi"])
    if not goals:
        known = int(last["value"].notna().sum())
        are = "key figure is" if known == 1 else "key figures are"
        return Sentence(count(known), f"{are} known up to {when}; none has a target.")
    names = {status: [within(kpi) for kpi in aimed.loc[aimed["status"] == status, "kpi"]] for status in _ORDER}
    were = "was" if len(names["met"]) == 1 else "were"
    text = f"of {counted(len(goals), 'target')} {were} met, up to {when}"
    for status in ("missed", "unclear"):
        if names[status]:
            text += f"; {status}: {_listed(names[status])}"
    unknown = sorted(goals - set(aimed.loc[aimed["status"].notna(), "kpi"]), key=lambda name: short(name))
    if unknown:
        text += f"; not known: {_listed([within(name) for name in unknown])}"
    return Sentence(count(len(names["met"])), f"{text}.")


_ORDER = ("met", "missed", "unclear")


def sheet_foot(table: pd.DataFrame) -> list[str]:
    """How a status is told, with the first row that has one, and what was left out."""
    lines = [
        "Met: the whole interval is at the target or on its better side; missed: all of it is on the other. A figure "
        "without an interval is counted, not estimated, and judged by its value."
    ]
    rows = table[table["latest"].astype(bool) & table["status"].isin(_ORDER)]
    if len(rows):
        row = rows.iloc[0]
        span = limits(row)
        told = f" ({span})" if span else ""
        way = "at least" if row["direction"] == "higher" else "at most"
        lines.append(
            f"{short(row['kpi'])}: {_figure(row)}{told}, to be {way} {goal(row['target'], str(row['unit']))}: "
            f"{row['status']}. {level(table)} intervals."
        )
    others, currency = setting(table, "customers_in_other_currencies", 0), setting(table, "currency")
    if others:
        one = others == 1
        lines.append(
            f"Money is that of customers {f'who pay in {currency}' if currency else 'whose currency is not told'}; "
            f"{count(others)} {'pays' if one else 'pay'} in another currency, and {'is' if one else 'are'} among the "
            "heads alone."
        )
    out = [text.partition(": ") for text in setting(table, "left_out", [])]
    if out:
        by_why: dict[str, list[str]] = {}
        for name, _, why in out:
            by_why.setdefault(why, []).append(within(name))
        lines.append("Left out: " + "; ".join(f"{_listed(names)} ({why})" for why, names in by_why.items()) + ".")
    return lines


def missed_said(table: pd.DataFrame, periods: int) -> list[str]:
    """Of each figure that missed its target in the last finished periods, by how much."""
    said = []
    for name, rows in table.groupby("kpi", sort=False):
        known = rows[rows["complete"].astype(bool) & rows["status"].notna()].sort_values("period_start").tail(periods)
        if len(known) < periods or not known["status"].eq("missed").all():
            continue
        row = known.iloc[-1]
        when = numbers.period_in_words(row["period_start"], period_length(table))
        span = limits(row)
        told = f" ({span})" if span else ""
        beyond = "under" if row["direction"] == "higher" else "above"
        again = f", for {periods} finished periods" if periods > 1 else ""
        said.append(
            f"{short(name)} in {when}: {_figure(row)}{told}, {beyond} the target of "
            f"{goal(row['target'], str(row['unit']))}{again}."
        )
    return said


def _figure(row: "pd.Series[Any]") -> str:
    return written(row["value"], str(row["unit"]), decimals_of(row))


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


SAID = {"kpi_sheet": sheet_said}
FEET = {"kpi_sheet": sheet_foot}
