"""How healthy is each customer? What is known of them, weighed, with how much of it is known.

The score is the weighted mean of the measures that are there, over the sum of their weights. It is an opinion in
numbers: whether it finds those who leave, `lift` says.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.files import EventTableError, several
from metrics.intervals import Floats
from metrics.periods import one_of
from metrics.results import keys, result
from metrics.steps import unknown
from metrics.surveys.answers import round_half_away

Missing: TypeAlias = Literal["reweight", "zero", "exclude"]
COLORS = ("red", "yellow", "green")
_RESULT = ["score", "score_rounded", "coverage", "band", "missing", "top_reason", "reason"]


def health_score(
    measures: pd.DataFrame,
    *,
    weights: Mapping[str, float],
    missing: Missing = "reweight",
    min_coverage: float = 0.5,
    bands: tuple[float, float] = (40, 70),
    by: str | None = None,
) -> pd.DataFrame:
    """How healthy is each customer, on how much knowledge, and what costs the most points?

    Score = sum of weight x measure / sum of the weights that are there. Groups are means of their measures, and are
    not rounded before they are weighed.

    Parameters
    ----------
    measures
        One row per customer and measure: ``customer_id``, ``measure``, ``score`` (0 to 100, high is good; missing where
        it is not known) and, where the weights are those of groups, ``group``.
    weights
        Weight of each group if `measures` has groups, else of each measure. They need not sum to anything.
    missing
        ``"reweight"`` (default): what is missing has no weight; ``"zero"``: it counts as 0; ``"exclude"``: a
        customer of whom something is missing has no score.
    min_coverage
        Share of the weight that must be there for a score.
    bands
        Below the first number red, from the second on green.
    by
        ``"group"``: a row for each customer and group. Another column, such as ``"cutoff"``: the scores of each of its
        values, by themselves.

    Returns
    -------
    DataFrame, one row per customer (and group), by customer
        cutoff         as given  with ``by="cutoff"``, or what the column is called
        customer_id
        group          text      with ``by="group"``, in the order of `weights`
        score          0 to 100  NA where too little is known
        score_rounded  whole     rounded once, half away from zero
        coverage       0 to 1    weight that is there / all weight; of a group, its measures that are there / all of it
        band           text      ``red``, ``yellow``, ``green``
        missing        text      what is not there, in the order of `weights`; NA if nothing
        top_reason     text      what costs the most points, weight x (100 - score); NA if nothing does
        reason         text      ``low_coverage`` where there is no score

    Raises
    ------
    ValueError
        A column that is missing, weights that are negative or all 0, a measure that has no weight.
    EventTableError
        A score outside 0 to 100, two rows of a customer for one measure, a row without customer or measure.

    Notes
    -----
    A group is there if one of its measures is. What is not known is no bad sign: counted as 0, a customer who was
    never asked looks like one who is angry.

    Examples
    --------
    >>> known = pd.DataFrame(
    ...     {"customer_id": ["a", "a", "a"], "measure": ["usage", "nps", "support"], "score": [80, None, 50]}
    ... )
    >>> row = health_score(known, weights={"usage": 40, "nps": 20, "support": 40}).iloc[0]
    >>> float(row["score"]), float(row["coverage"]), row["band"], row["missing"], row["top_reason"]
    (65.0, 0.8, 'yellow', 'nps', 'support')
    """
    one_of("missing", missing, Missing)
    low, high = _limits(bands)
    if not 0 <= min_coverage <= 1:
        raise ValueError(f"min_coverage: {min_coverage!r} is not a share of the weight. Use 0.5 for half of it.")
    grouped = "group" in measures
    if by is not None and by not in measures:
        raise ValueError(unknown("by", by, measures.columns, "a column of the measures", "columns"))
    if by not in (None, "group"):
        keys(by, taken=["customer_id", "measure", *_RESULT])
        how: dict[str, Any] = {"weights": weights, "missing": missing, "min_coverage": min_coverage, "bands": bands}
        return _each(measures, by, how)
    rows = _checked(measures, "group" if grouped else "measure", weights)
    names = list(weights)
    customers = pd.Index(rows["customer_id"].drop_duplicates().sort_values())
    weight = np.array([float(weights[name]) for name in names])
    # Sorted, so that the order of rows does not reach the last digit of a mean.
    rows = rows.sort_values(["score", "measure"], ignore_index=True)
    cells = rows.pivot_table("score", "customer_id", "of", aggfunc="mean").reindex(index=customers, columns=names)
    if by == "group":
        table = _of_groups(rows, cells)
    else:
        table = _of_customers(cells.to_numpy(float), weight, names, missing, min_coverage)
        table.insert(0, "customer_id", customers)
    score = table["score"]
    table["score_rounded"] = round_half_away(score)
    band = np.select([score < low, score < high, score >= high], list(COLORS), default="")
    table["band"] = pd.Series(band, index=table.index, dtype="str").mask(score.isna())
    table["reason"] = pd.Series(pd.NA, index=table.index, dtype="str").mask(score.isna(), "low_coverage")
    told = [f"{name}: {weights[name]:g}" for name in names]
    settings = {
        "weights": told, "missing": missing, "by": by,
        "min_coverage": float(min_coverage), "bands": [float(low), float(high)],
    }  # fmt: skip
    words = {"reweight": "of what is there", "zero": "of all, what is missing counted as 0", "exclude": "of all"}
    definition = (
        f"Weighted mean {words[missing]} ({', '.join(told)}); no score under {100 * min_coverage:g} % of "
        f"the weight; red below {low:g}, green from {high:g}."
    )
    columns = ["customer_id", *(["group"] if by else []), *_RESULT]
    return result(table, metric="health_score", definition=definition, settings=settings, columns=columns)


def _each(measures: pd.DataFrame, by: str, how: dict[str, Any]) -> pd.DataFrame:
    """The scores of each value of a column, one under the other."""
    found = [
        health_score(part.drop(columns=by), **how).assign(**{by: value})
        for value, part in measures.groupby(by, sort=True, dropna=False)
    ]
    whole = health_score(measures.drop(columns=by).iloc[:0], **how)
    table = pd.concat(found, ignore_index=True) if found else whole.assign(**{by: measures[by].iloc[:0]})
    settings = whole.attrs["settings"] | {"by": by}
    columns = [by, "customer_id", *_RESULT]
    return result(
        table, metric="health_score", definition=whole.attrs["definition"], settings=settings, columns=columns
    )


def _limits(bands: tuple[float, float]) -> tuple[float, float]:
    if len(tuple(bands)) != 2 or not 0 <= bands[0] <= bands[1] <= 100:
        raise ValueError(f"bands: {bands!r} are not two rising numbers from 0 to 100. Use (40, 70).")
    return bands[0], bands[1]


def _checked(measures: pd.DataFrame, key: str, weights: Mapping[str, float]) -> pd.DataFrame:
    """The rows with numbers as scores, and ``of``: the measure or group whose weight they carry."""
    needed = ["customer_id", "measure", "score"]
    for column in needed:
        if column not in measures:
            raise ValueError(unknown("measures", column, measures.columns, "a column of the measures", "columns"))
    if not all(isinstance(w, int | float | np.number) and 0 <= w < np.inf for w in weights.values()) or not sum(
        weights.values()
    ):
        raise ValueError(f"weights: {dict(weights)!r} are not weights. Give numbers from 0 on, one of them above 0.")
    rows = measures[list(dict.fromkeys([*needed, key]))].reset_index(drop=True).assign(of=measures[key].to_numpy())
    for column in (*needed[:2], "of"):
        if rows[column].isna().any():
            raise EventTableError(
                f"measures: {int(rows[column].isna().sum()):,} of {len(rows):,} rows have no "
                f"{key if column == 'of' else column}. Fill it in or leave them out."
            )
    stray = [name for name in pd.unique(rows["of"]) if name not in weights]
    if stray:
        raise ValueError(
            f"{unknown('weights', stray[0], weights, f'a {key} with a weight', 'names')} Weight 0 leaves it out."
        )
    score = pd.to_numeric(rows["score"], errors="coerce")
    wrong = (rows["score"].notna() & ~score.between(0, 100)).to_numpy(bool)
    if wrong.any():
        raise EventTableError(
            f"score: {int(wrong.sum()):,} of {len(rows):,} rows are no number from 0 to 100 (first: "
            f"{rows['score'].iloc[int(np.argmax(wrong))]!r}). Put every measure on that scale, high is good."
        )
    twice = rows.duplicated(["customer_id", "of", "measure"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise EventTableError(
            f"measures: {several(int(twice.sum()), 'row gives', 'rows give')} a measure of a customer again (first: "
            f"{first['measure']!r} of {first['customer_id']!r}). Keep the one that holds."
        )
    return rows.assign(score=score.astype(float))


def _of_customers(
    cells: Floats, weight: Floats, names: list[str], missing: Missing, min_coverage: float
) -> pd.DataFrame:
    there = ~np.isnan(cells)
    values = np.where(there, cells, 0.0)
    carried = there @ weight
    coverage = carried / weight.sum()
    # A weight of 0 is not missed.
    lacks = ~there & (weight > 0)
    whole = carried if missing == "reweight" else np.full(len(cells), weight.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        score = values @ weight / whole
    enough = (coverage >= min_coverage - 1e-12) & (carried > 0)
    if missing == "exclude":
        enough &= ~lacks.any(axis=1)
    lost = (100 - values) * weight * (there | (missing == "zero"))
    top = np.where(enough & (lost.max(axis=1, initial=0) > 0), np.array(names, object)[lost.argmax(axis=1)], None)
    return pd.DataFrame({
        "score": np.where(enough, score, np.nan), "coverage": coverage,
        "missing": pd.Series([_listed(names, row) for row in lacks], dtype="str"),
        "top_reason": pd.Series(top, dtype="str"),
    })  # fmt: skip


def _of_groups(rows: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """A row per customer and group: the mean of its measures that are there, and its worst one."""
    scores = {
        key: dict(zip(part["measure"], part["score"], strict=True)) for key, part in rows.groupby(["customer_id", "of"])
    }
    known = {name: sorted(part["measure"].unique(), key=str) for name, part in rows.groupby("of")}
    found = []
    for customer in cells.index:
        for name in cells.columns:
            own, all_of_it = scores.get((customer, name), {}), known.get(name, [])
            there = {measure: own[measure] for measure in all_of_it if pd.notna(own.get(measure))}
            worst = min(there, key=lambda measure: there[measure]) if there else None
            found.append({
                "customer_id": customer, "group": name, "score": cells.loc[customer, name],
                "coverage": len(there) / len(all_of_it) if all_of_it else 0.0,
                "missing": ", ".join(str(m) for m in all_of_it if m not in there) or None,
                "top_reason": worst if worst is not None and there[worst] < 100 else None,
            })  # fmt: skip
    columns = ["customer_id", "group", "score", "coverage", "missing", "top_reason"]
    table = pd.DataFrame(found, columns=columns)
    return table.astype({"score": "float64", "coverage": "float64", "missing": "str", "top_reason": "str"})


def _listed(names: list[str], which: np.ndarray) -> str | None:
    return ", ".join(str(name) for name, yes in zip(names, which, strict=True) if yes) or None
