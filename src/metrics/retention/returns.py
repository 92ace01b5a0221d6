"""Who came back when: returns counted in the cells of a cohort table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.engine import Rows
from metrics.periods import DAY, Calendar, Ints
from metrics.steps import Mask

Mode: TypeAlias = Literal["on", "on_or_after"]
Clock: TypeAlias = Literal["calendar", "rolling_24h"]


@dataclass(frozen=True)
class Cells:
    """The cells of a cohort: cell 0 is the cohort's own period, cell k holds the periods `first[k]` to `last[k]`."""

    first: Ints
    last: Ints
    calendar: Calendar
    rolling: int | None  # length of a period that is counted from the start itself; None: calendar periods

    @classmethod
    def of(cls, calendar: Calendar, clock: Clock, periods: int, brackets: Sequence[int] | None) -> "Cells":
        """One cell a period, or one a bracket."""
        if brackets is not None and (not len(brackets) or any(not isinstance(b, int) or b < 1 for b in brackets)):
            raise ValueError(f"brackets: {brackets!r} are not sizes. Use whole numbers of periods, such as [1, 2, 4].")
        rolling = {"day": DAY, "week": 7 * DAY}.get(calendar.period)
        if clock == "rolling_24h" and rolling is None:
            raise ValueError(
                f"clock='rolling_24h' with period={calendar.period!r}: a {calendar.period} has no one length. "
                "Use period='day' or 'week'."
            )
        last = np.cumsum([0, *(brackets or [1] * periods)])
        return cls(np.r_[0, last[:-1] + 1], last, calendar, rolling if clock == "rolling_24h" else None)

    def edges(self, cohort: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """First instant of a cell for any member of the cohort, and the first one after it for all of them."""
        first, last = self.first[cell], self.last[cell]
        if self.rolling is None:
            return self.calendar.begins(cohort + first), self.calendar.begins(cohort + last + 1)
        opened, closed = self.calendar.begins(cohort), self.calendar.begins(cohort + 1)
        return opened + first * self.rolling, closed + (last + 1) * self.rolling


def visits(
    members: pd.DataFrame, rows: Rows, number: Ints, returns: Mask, value: str | None, cells: Cells, enough: int
) -> pd.DataFrame:
    """Returns of each member by period after its start: `member` (row of `members`), `period`, `times`, `value`.

    Periods after the last cell are told by their last one alone, which is what ``on_or_after`` needs of them.
    """
    amount = np.zeros(int(returns.sum()))
    if value is not None:
        amount = pd.to_numeric(rows.column(value)).to_numpy(float)[returns]
    seen = pd.DataFrame({"unit": rows.unit[returns], "at": number[returns], "times": 1, "value": np.nan_to_num(amount)})
    who, cohort = members["_unit"].to_numpy(np.int64), members["cohort"].to_numpy(np.int64)
    if cells.rolling is not None:
        seen["time"] = rows.time[returns]
        began = members[["_unit", "_began"]].assign(member=np.arange(len(members)))
        pairs = began.merge(seen, left_on="_unit", right_on="unit")
        pairs = pairs[pairs["time"] >= pairs["_began"]]
        pairs["period"] = (pairs["time"] - pairs["_began"]) // cells.rolling
        counted: pd.DataFrame = pairs.groupby(["member", "period"], sort=False)[["times", "value"]].sum().reset_index()
        return counted
    seen = seen.groupby(["unit", "at"], sort=True)[["times", "value"]].sum().reset_index()
    low = min(int(seen["at"].min()), int(cohort.min())) if len(seen) and len(who) else 0
    last = int(cells.last[-1])
    width = (max(int(seen["at"].max()), int(cohort.max())) - low + last + 2) if len(seen) and len(who) else 1
    key = seen["unit"].to_numpy(np.int64) * width + seen["at"].to_numpy(np.int64) - low
    wanted = who * width + cohort - low
    found = []
    for period in range(last + 1):  # one look-up a period: pairs of all periods would be too many
        place = np.searchsorted(key, wanted + period)
        hit = np.flatnonzero(key[place.clip(max=max(len(key) - 1, 0))] == wanted + period) if len(key) else place[:0]
        found.append(seen.iloc[place[hit]][["times", "value"]].assign(member=hit, period=period))
    often = seen[seen["times"] >= enough].drop_duplicates("unit", keep="last").set_index("unit")["at"]
    latest = often.reindex(who).to_numpy(float) - cohort
    later = np.flatnonzero(latest > last)
    found.append(
        pd.DataFrame({"times": enough, "value": 0.0, "member": later, "period": latest[later].astype(np.int64)})
    )
    every: pd.DataFrame = pd.concat(found, ignore_index=True)
    return every


def count(
    members: pd.DataFrame, found: pd.DataFrame, by: list[str], cells: Cells, mode: Mode, enough: int
) -> pd.DataFrame:
    """Users, retained and value of every cell of every cohort that has somebody in it."""
    group = [*by, "cohort"]
    found = found.assign(cell=np.searchsorted(cells.last, found["period"].to_numpy()))
    found = found[(found["cell"] < len(cells.last)) | (mode == "on_or_after")]
    back = found.loc[(found["period"] > 0) & (found["times"] >= enough), ["member", "cell"]].drop_duplicates()
    if mode == "on_or_after":  # somebody back in cell j was back in or after every cell up to j
        last = back.groupby("member", sort=False)["cell"].max().clip(upper=len(cells.last) - 1).reset_index()
        back = last.loc[last.index.repeat(last["cell"])].assign(cell=_ramp(last["cell"].to_numpy(np.int64)))
    keys = members[group]
    retained = _by_cell(keys, back, group).size().rename("retained")
    values = _by_cell(keys, found, group)["value"].sum().rename("value_sum")
    sizes = keys.groupby(group, dropna=False, sort=False).size().rename("users").reset_index()
    table = sizes.merge(pd.DataFrame({"cell": np.arange(len(cells.last))}), how="cross")
    table = table.merge(retained.reset_index(), on=[*group, "cell"], how="left")
    table = table.merge(values.reset_index(), on=[*group, "cell"], how="left")
    table["retained"] = table["retained"].fillna(0).astype(np.int64).mask(table["cell"] == 0, table["users"])
    return table


def _by_cell(keys: pd.DataFrame, rows: pd.DataFrame, group: list[str]) -> "pd.api.typing.DataFrameGroupBy":  # type: ignore[type-arg]
    """Rows of members grouped by cohort and cell."""
    joined = keys.iloc[rows["member"].to_numpy()].reset_index(drop=True)
    joined = joined.join(rows.drop(columns="member").reset_index(drop=True))
    return joined.groupby([*group, "cell"], dropna=False, sort=False)


def _ramp(copies: Ints) -> Ints:
    """1, 2, …, n for each n in turn."""
    ends = np.cumsum(copies)
    return np.arange(1, copies.sum() + 1) - np.repeat(ends - copies, copies)
