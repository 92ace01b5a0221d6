"""What goes with leaving early? Cox regression, by the library lifelines, which comes with an extra of its own."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.files import several
from metrics.intervals import adjusted, normal_quantile
from metrics.results import result
from metrics.survival.observations import Column, read

_COLUMNS = [
    "covariate", "reference", "customers", "churned", "hazard_ratio", "hazard_ratio_low", "hazard_ratio_high",
    "p_value", "p_adjusted", "proportional_p_value", "reason",
]  # fmt: skip
# Newton goes on until the likelihood no longer moves; by default it stops where estimates stand to six digits.
_PRECISE = {"precision": 1e-20, "r_precision": 1e-16}
_FITTED = ["hazard_ratio", "hazard_ratio_low", "hazard_ratio_high", "p_value", "proportional_p_value"]


def cox_regression(
    durations: Column,
    observed: Column,
    *,
    covariates: pd.DataFrame,
    entry: Column | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What goes with leaving early, each property with the others held?

    A hazard ratio of 2: of those with the property (or with one unit more of it), twice as many leave at any time as of
    those alike in all other columns. An association, not an effect.

    Needs lifelines: ``pip install "customer-metrics[survival]"``.

    Parameters
    ----------
    durations, observed, entry
        As in `survival_curve`.
    covariates
        What is known of each customer at their start: numbers, true and false, or names. A name is set against the
        most frequent one of its column. What becomes known only later must not stand here: who stays long has more
        of everything.
    confidence
        Level of the limits.

    Returns
    -------
    DataFrame, one row per covariate, of names one per name but the most frequent
        covariate             text      a column, or ``column[name]``
        reference             text      of a name: what it is set against
        customers, churned    count     all, and those who left
        hazard_ratio (…)      0 and up  with its limits
        p_value, p_adjusted   0 to 1    that the ratio is 1, alone and with all rows taken together (Holm)
        proportional_p_value  0 to 1    small: the ratio changes with time, and one number for it is misleading;
                                        NA with `entry`
        reason                text      ``constant``: the same for everybody; ``not_estimable``: the others tell it, or
                                        all with it left or none, so that no ratio exists

    Raises
    ------
    ImportError
        lifelines is not installed.
    ValueError
        As `survival_curve`; covariates of another length, or none.
    EventTableError
        As `survival_curve`; missing values among the covariates.

    Notes
    -----
    Cox (1972), Journal of the Royal Statistical Society B 34:187; ties by Efron (1977); Grambsch & Therneau (1994),
    Biometrika 81:515, for proportional_p_value, over ranks of time.

    Examples
    --------
    >>> days, left = [5, 6, 7, 8, 9, 10, 11, 12], [1, 1, 0, 1, 1, 0, 1, 0]
    >>> table = cox_regression(days, left, covariates=pd.DataFrame({"seats": [1, 2, 3, 1, 2, 1, 3, 4]}))
    >>> table[["covariate", "customers", "churned"]]
      covariate  customers  churned
    0     seats          8        5
    """
    fitter = _lifelines()
    normal_quantile(confidence)
    watched = read(durations, observed, entry)
    design, reference = _design(covariates, len(watched.duration))
    constant = [name for name in design if design[name].nunique() < 2]
    frame = design.drop(columns=constant)
    table = pd.DataFrame({"covariate": list(design), "reference": pd.Series(reference, dtype="str")})
    table["customers"], table["churned"] = len(watched.duration), int(watched.observed.sum())
    found = pd.DataFrame(columns=_FITTED, dtype=float)
    if len(frame.columns) and watched.observed.any():
        times = {"_duration": watched.duration, "_observed": watched.observed}
        if watched.entry is not None:
            times["_entry"] = watched.entry
        found = _fitted(fitter, frame.assign(**times), watched.entry is not None, confidence)
    found = found.reindex(table["covariate"])
    for name in found:
        table[name] = found[name].to_numpy(float)
    table["p_adjusted"] = adjusted(table["p_value"])
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["hazard_ratio"].isna(), "not_estimable")
    table["reason"] = reason.mask(table["covariate"].isin(constant), "constant")
    definition = (
        "Hazard ratio of Cox's regression: how many times as many leave at any time with the property, or with one "
        "unit more of it, all other columns alike. An association, not an effect."
    )
    settings = {"confidence": confidence, "late_entry": entry is not None, "library": "lifelines"}
    return result(table, metric="cox_regression", definition=definition, settings=settings, columns=_COLUMNS)


def _lifelines() -> Any:
    try:
        from lifelines import CoxPHFitter  # optional, and slow to import
    except ImportError as cause:
        raise ImportError(
            'cox_regression needs lifelines, which is not installed. Run: pip install "customer-metrics[survival]"'
        ) from cause
    return CoxPHFitter


def _design(covariates: pd.DataFrame, many: int) -> tuple[pd.DataFrame, list[str | None]]:
    """The covariates as numbers, names as one column each but the most frequent, which is the reference."""
    if not isinstance(covariates, pd.DataFrame) or not len(covariates.columns):
        raise ValueError("covariates is no table with columns. Give a DataFrame with a row for each customer.")
    if len(covariates) != many:
        there = several(len(covariates), "row", "rows")
        raise ValueError(f"covariates has {there} and durations has {many}. Give one for each customer.")
    missing = covariates.isna().sum()
    if missing.any():
        found = {str(name): int(rows) for name, rows in missing.items() if rows}
        raise EventTableError(
            f"covariates: values are missing: {found}. Leave these customers out and say how many, or name them.",
            [{"reason": f"{name} missing", "rows": rows} for name, rows in found.items()],
        )
    columns: dict[str, Any] = {}
    reference: list[str | None] = []
    for name in covariates:
        values = covariates[name].reset_index(drop=True)
        if pd.api.types.is_numeric_dtype(values):
            columns[str(name)] = values.astype(float)
            reference.append(None)
            continue
        counts = values.astype("str").value_counts().rename_axis("name").reset_index(name="n")
        names = counts.sort_values(["n", "name"], ascending=[False, True])["name"].tolist()
        for one in sorted(names[1:]):
            columns[f"{name}[{one}]"] = (values.astype("str") == one).astype(float)
            reference.append(names[0])
        if len(names) == 1:  # the same for everybody
            columns[f"{name}[{names[0]}]"] = np.ones(many)
            reference.append(None)
    return pd.DataFrame(columns, index=range(many)), reference


def _fitted(fitter: Any, frame: pd.DataFrame, late: bool, confidence: float) -> pd.DataFrame:
    from lifelines.exceptions import ConvergenceError, ConvergenceWarning
    from lifelines.statistics import proportional_hazard_test

    empty = pd.DataFrame(columns=_FITTED, dtype=float)
    # In units of its deviation, or a column of small numbers would be taken for one that is the same for everybody.
    names = [name for name in frame if name not in ("_duration", "_observed", "_entry")]
    size = frame[names].std()
    frame = frame.assign(**frame[names] / size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = fitter(alpha=1 - confidence).fit(
                frame, duration_col="_duration", event_col="_observed", entry_col="_entry" if late else None,
                fit_options=_PRECISE,
            )  # fmt: skip
            tested = np.nan if late else proportional_hazard_test(fit, frame, time_transform="rank").summary["p"]
        except (ConvergenceError, np.linalg.LinAlgError):
            return empty
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        return empty
    said, level = fit.summary, f"{100 * confidence:g}%"
    slopes = {"": "coef", "_low": f"coef lower {level}", "_high": f"coef upper {level}"}
    ratios = {f"hazard_ratio{end}": np.exp(said[column] / size) for end, column in slopes.items()}
    return pd.DataFrame({**ratios, "p_value": said["p"], "proportional_p_value": tested})
