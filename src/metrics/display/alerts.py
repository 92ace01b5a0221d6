"""Did a figure cross a limit that someone wrote down beforehand? Then a rule fires, and page and index say so."""

from html import escape
from typing import Any, Literal

import pandas as pd

from metrics.display import kpis, numbers
from metrics.display.columns import column_of, period_length
from metrics.display.contacts import mails_received
from metrics.display.kinds import groups_of, metric_of, setting
from metrics.display.tests_said import uneven_said

ALERT_MIME = "application/vnd.metrics.alert+json"
EARLY = "no events before as_of"  # as `check_events` calls it
SEVERITIES = ("notice", "warning", "critical")


class Alert(str):
    """A rule and what it found: its sentence if it fired, an empty string if it is quiet."""

    rule: str
    severity: str
    detail: str

    @property
    def fired(self) -> bool:
        """Whether the rule fired."""
        return bool(self)

    @property
    def about(self) -> str:
        """The rule in words: its name, and what it compares."""
        return f"Rule {self.rule}{': ' if self.detail else ''}{self.detail}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        said = {"rule": self.rule, "sentence": str(self), "severity": self.severity, "detail": self.detail}
        words = f"<p><strong>A rule fired:</strong> {escape(self)}</p>" if self else ""
        html = f'<div class="alert">{words}<p class="rule">{escape(self.about)}</p></div>'
        return {"text/html": html, "text/plain": str(self) or self.about, ALERT_MIME: {**said, "fired": self.fired}}


def alert(
    what: pd.DataFrame | str,
    column: str | None = None,
    *,
    rule: str,
    above: float | None = None,
    below: float | None = None,
    periods: int = 1,
    fired: bool = True,
    severity: Literal["notice", "warning", "critical"] = "warning",
) -> Alert:
    r"""Say that a rule fired, or that it is quiet.

    A rule reads finished figures only: a period that is not over and a value that is missing never fire it. Of a table
    with periods it reads the last finished ones, all `periods` of which must be beyond the limit; of any other table
    it reads every row, and one beyond the limit is enough. Of the ``status`` of a `kpi_sheet` the limits are its
    targets: the rule fires for each figure whose interval lies outside its target. Of the ``verdict`` of
    `compare_variants` the limit is its `srm_threshold`: the rule fires where the variants are not as large as they
    should be. Of a table of `check_events` the column is a problem: ``"no events before as_of"`` fires where an export
    that ends early makes everybody look silent, and where all of it lies at or after `as_of`.

    Parameters
    ----------
    what
        Result of a metric; or, for a rule of your own, the sentence to say.
    column
        Column that is compared with the limit; only with a table.
    rule
        Short name of the rule, such as ``"churn-high"``.
    above, below
        The limit, in the unit of the column (a rate from 0 to 1). Exactly the limit is not beyond it. Neither: the
        rule is off.
    periods
        Finished periods in a row that must be beyond the limit.
    fired
        For a sentence of your own: whether it is true.
    severity
        What the notices are told.

    Returns
    -------
    Alert
        A string, empty if the rule is quiet; a notebook shows it, and the report carries it.

    Raises
    ------
    ValueError
        There is no such column, both limits are given, `periods` is below 1, or the severity is unknown.

    Examples
    --------
    >>> churn = pd.DataFrame({
    ...     "period_start": pd.to_datetime(["2026-05-01", "2026-06-01", "2026-07-01"]),
    ...     "users": [100, 110, 120], "churned": [30, 44, 70], "churn_rate": [0.3, 0.4, 0.58],
    ...     "complete": [True, True, False],
    ... })  # fmt: skip
    >>> print(alert(churn, "churn_rate", above=0.35, rule="churn-high").replace("\u202f", " "))
    Churn in June 2026: 40.0 %, above the limit of 35 %.
    >>> alert(churn, "churn_rate", above=0.35, periods=2, rule="churn-high").fired
    False
    """
    if severity not in SEVERITIES:
        raise ValueError(f"severity: {severity!r} is unknown. Use one of {', '.join(SEVERITIES)}.")
    if isinstance(what, str):
        if column is not None or above is not None or below is not None:
            raise ValueError("alert: a column and a limit go with a table. Give the table, or the sentence alone.")
        return _alert(rule, what if fired else "", severity, "")
    if above is not None and below is not None:
        raise ValueError("alert: above and below are both given. Write two rules, each with its own name.")
    if column is None or (column not in what and not (metric_of(what) == "check_events" and column == EARLY)):
        raise ValueError(f"column: {column!r} is not in the table. Its columns are {[str(c) for c in what.columns]}.")
    if not isinstance(periods, int) or periods < 1:
        raise ValueError(f"periods: {periods!r} is not a number of periods. Use 1 or more.")
    limit = above if above is not None else below
    if metric_of(what) == "check_events" and column == EARLY:
        return _of_early_end(what, above, rule, severity)
    if metric_of(what) == "kpi_sheet" and column == "status":
        return _of_targets(what, limit, periods, rule, severity)
    if metric_of(what) == "compare_variants" and column == "verdict":
        return _of_split(what, limit, rule, severity)
    if limit is None:
        return _alert(rule, "", severity, "has no limit, so it is off")
    word = "above" if above is not None else "under"
    name, unit = _named(what, column)
    written, text = column_of(what, column), _value(limit, unit)
    detail = f"{column} {'>' if above is not None else '<'} {limit:g}"
    values = pd.to_numeric(what[column], errors="coerce")
    beyond = (values > limit if above is not None else values < limit).fillna(False).astype(bool)
    if "period_start" not in what:
        found = what[beyond].sort_values(column, ascending=above is None, kind="stable")  # the worst first
        return _alert(rule, _of_rows(found, column, name, unit, f"{word} the limit of {text}"), severity, detail)
    finished = what[what["complete"].fillna(False).astype(bool)] if "complete" in what else what
    finished = finished[pd.to_numeric(finished[column], errors="coerce").notna()].sort_values("period_start")
    if periods > 1:
        detail += f" in {periods} finished periods"
    said = []
    groups = groups_of(finished)
    for key, rows in finished.groupby(groups, dropna=False, sort=True) if groups else [((), finished)]:
        last = rows.tail(periods)
        if len(last) == periods and beyond[last.index].all():
            whose = f" of {', '.join(str(part) for part in key)}" if key else ""
            shown = [numbers.with_unit(written.write(value), unit) for value in last[column]]
            when = numbers.period_in_words(last["period_start"].iloc[-1], period_length(what))
            said.append(_of_periods(shown, when, name + whose, f"{word} the limit of {text}"))
    return _alert(rule, " ".join(said), severity, detail)


def _of_early_end(checks: pd.DataFrame, days: float | None, rule: str, severity: str) -> Alert:
    """That the data end before `as_of`, so that silence may be theirs, or begin after it, so that nothing is told."""
    if days is None:
        return _alert(rule, "", severity, "has no limit, so it is off")
    found = checks[(checks["problem"] == EARLY) & (checks["rows"] > days)]
    said = "".join(
        f"The data hold nothing of the {numbers.counted(silent, 'day')} before as_of ({example}): who looks silent may "
        "only be missing. Give the first moment that the export does not hold."
        for silent, example in zip(found["rows"].tolist(), found["example"].tolist(), strict=True)
    )
    none = checks[(checks["problem"] == "at or after as_of") & (checks["share"] == 1)]
    if len(none):
        said = (
            f"No event lies before as_of, all {numbers.count(none['rows'].iloc[0])} at or after it "
            f"({none['example'].iloc[0]}). Is its year right?"
        )
    return _alert(rule, said, severity, f"days without events before as_of > {days:g}")


def _of_targets(sheet: pd.DataFrame, limit: float | None, periods: int, rule: str, severity: str) -> Alert:
    """The key figures whose intervals lie outside their targets."""
    if limit is not None:
        raise ValueError("alert: a status is compared with the targets of its sheet. Leave above and below out.")
    if not sheet["target"].notna().any():
        return _alert(rule, "", severity, "has no target, so it is off")
    detail = f"interval outside its target{f' in {periods} finished periods' if periods > 1 else ''}"
    return _alert(rule, " ".join(kpis.missed_said(sheet, periods)), severity, detail)


def _of_split(test: pd.DataFrame, limit: float | None, rule: str, severity: str) -> Alert:
    """That the variants are not as large as they should be, in all users or in some groups."""
    if limit is not None:
        raise ValueError("alert: a verdict is compared with the split that was meant. Leave above and below out.")
    if setting(test, "split_p_value") is None and not (test["verdict"] == "sample_ratio_mismatch").any():
        return _alert(rule, "", severity, "has no split that was meant, so it is off")
    said = uneven_said(test)
    detail = f"p of the split < {setting(test, 'srm_threshold', 0.001):g}"
    return _alert(rule, f"{said[:1].upper()}{said[1:]}", severity, detail)


def _alert(rule: str, sentence: str, severity: str, detail: str) -> Alert:
    made = Alert(sentence)
    made.rule, made.severity, made.detail = str(rule), severity, detail
    return made


def _named(table: pd.DataFrame, column: str) -> tuple[str, str]:
    """Name and unit of a column, from the head of its table."""
    name, _, unit = column_of(table, column).head.rpartition(", ")
    return (name, unit) if name else (unit, "")


def _value(value: float, unit: str) -> str:
    """A limit, with the digits that it was given with."""
    scale = 100 if unit == "%" else 1
    return numbers.with_unit(numbers.plain(scale * value, numbers.free_decimals([scale * value])), unit)


def _of_periods(values: list[str], when: str, name: str, beyond: str) -> str:
    if len(values) == 1:
        return f"{name} in {when}: {values[0]}, {beyond}."
    return f"{name}: {beyond} for {len(values)} finished periods ({', then '.join(values)})."


def _of_rows(rows: pd.DataFrame, column: str, name: str, unit: str, beyond: str) -> str:
    if rows.empty:
        return ""
    written, apart = column_of(rows, column), ", "
    words = [str(c) for c in rows.columns if c != column and column_of(rows, str(c)).words and c != "reason"]
    parts = []
    for _, row in rows.head(5).iterrows():
        value = numbers.with_unit(written.write(row[column]), unit)
        label = ", ".join(column_of(rows, word).write(row[word]) for word in words[:2])
        if metric_of(rows) == "mail_frequency":
            label = mails_received(rows, row)
        parts.append(f"{label} {value}".strip())
        apart = "; " if ", " in label else apart  # two words and a value belong together
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"{name} {beyond}: {apart.join(parts)}{more}."
