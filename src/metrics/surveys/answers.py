"""Which answers count? The question, the scale, the range and one voice per respondent, for every score alike.

A score that is blank, no whole number or off its scale is rejected and counted; it never stands in a denominator.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.engine import Span
from metrics.files import several
from metrics.files.values import read_moments
from metrics.intervals import Numbers
from metrics.intervals.again import worth
from metrics.periods import Calendar, Period, When, duration, instant, instants, local_time, microseconds, one_of
from metrics.results import keys
from metrics.steps import unknown

PerRespondent: TypeAlias = Literal["latest", "first", "all", "mean"]
LEFT_OUT = ["rejected", "duplicates"]
PLACE = "_period"  # number of the period, 0 where there are none


@dataclass(frozen=True)
class Policy:
    """What is asked of the answers: the arguments that all scores share."""

    kind: str  # the question_type that is read
    scale: tuple[int, int]
    score: str = "score"
    per_respondent: PerRespondent = "latest"
    by: str | list[str] | None = None
    period: Period | None = None
    rolling: str | None = None
    since: When | None = None
    until: When | None = None
    tz: str = "UTC"
    min_n: int = 10
    confidence: float = 0.95
    weight: str | None = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """The policy values that a result carries."""
        return {
            "per_respondent": self.per_respondent, "period": self.period, "rolling": self.rolling, "tz": self.tz,
            "since": str(self.since) if self.since else None, "until": str(self.until) if self.until else None,
            "min_n": self.min_n, "by": keys(self.by) or None, "confidence": self.confidence, **more,
        }  # fmt: skip

    def voice(self) -> str:
        """Who is counted how often, in words."""
        whose = {"all": "every answer counts", "mean": "a respondent's answers are averaged"}
        said = whose.get(self.per_respondent, f"the {self.per_respondent} answer of a respondent counts")
        return f"{said}; blank and impossible scores are left out and counted"


@dataclass(frozen=True)
class Counted:
    """The answers that count, in groups: `voices` with their ``_value``, `rows` with what else there was."""

    voices: pd.DataFrame
    rows: pd.DataFrame
    by: list[str]
    calendar: Calendar | None

    @property
    def group(self) -> list[str]:
        """Columns that tell the rows of the result apart."""
        return [PLACE, *self.by]

    def table(self, sums: Sequence[str], score: str | None = None, confidence: float = 0.95) -> pd.DataFrame:
        """A row per group: responses, the sums of columns of `voices`, and what was left out.

        With `score`, the column whose mean is told, also ``_worth``: what an answer counts where people answer again.
        """
        group = self.group
        seen = self.rows.groupby(group, dropna=False)["rejected"].agg(rejected="sum", _rows="size")
        voices = self.voices.assign(responses=1).groupby(group, dropna=False)
        counts = seen.join(voices[["responses"]].sum())
        for name in sums:
            counts = counts.join(voices[name].agg(math.fsum))
        if score is not None:
            moves = self.voices[score] - self.voices.groupby(group, dropna=False)[score].transform("mean")
            counts = counts.join(worth(self.voices, group, moves, confidence).rename("_worth"))
        numbers = ["rejected", "_rows", "responses"]
        table = self._every(counts.reset_index())
        table[numbers] = table[numbers].fillna(0).astype(np.int64)
        table[list(sums)] = table[list(sums)].fillna(0).astype(float)
        table["duplicates"] = table["_rows"] - table["rejected"] - table["responses"]
        table = table.sort_values(group, na_position="last", kind="stable", ignore_index=True)
        if self.calendar is not None:
            table.insert(0, "period_start", self.calendar.start(table[PLACE].to_numpy(np.int64)))
        return table.drop(columns=[PLACE, "_rows"])

    def _every(self, counts: pd.DataFrame) -> pd.DataFrame:
        """The counts with a row of zeros where a group has no answers: a period in between, or nobody at all."""
        if self.calendar is None:
            return counts if self.by or len(counts) else pd.DataFrame({PLACE: [0]}).merge(counts, how="left")
        if not len(counts):
            return counts
        every = pd.DataFrame({PLACE: np.arange(counts[PLACE].min(), counts[PLACE].max() + 1)})
        if self.by:
            every = counts[self.by].drop_duplicates().merge(every, how="cross")
        return every.merge(counts, on=[*self.by, PLACE], how="left")


def counted(
    responses: pd.DataFrame, policy: Policy, *, taken: Sequence[str], extra: Sequence[str] = (), name: str = "responses"
) -> Counted:
    """The answers of `responses` that count by the policy; `extra` are further columns that its voices keep."""
    one_of("per_respondent", policy.per_respondent, PerRespondent)
    by = keys(policy.by, taken=["period_start", *taken])
    calendar = None if policy.period is None else Calendar(policy.period, policy.tz)
    if policy.rolling is not None and calendar is None:
        raise ValueError("rolling measures the time up to the end of each period. Give a period too: period='month'.")
    times = policy.per_respondent in ("latest", "first") or bool(policy.period or policy.since or policy.until)
    weights = [] if policy.weight is None else [policy.weight]
    needed = [policy.score, *by, *extra, *weights]
    needed += ["respondent_id"] * (policy.per_respondent != "all") + ["answered_at"] * times
    for column in needed:
        if column not in responses:
            raise ValueError(unknown(name, column, responses.columns, "a column of the responses", "columns"))
    kept = [*dict.fromkeys(needed), *(c for c in ("respondent_id",) if c in responses and c not in needed)]
    answers = of_kind(responses, policy.kind)[kept].reset_index(drop=True)
    if times:
        answers["answered_at"] = answer_times(answers)
        answers = _in_range(answers, policy)
    answers[PLACE] = 0
    if calendar is not None:
        answers = _placed(answers, calendar, policy)
    value, problem = read_scores(answers[policy.score], policy.scale)
    answers = answers.assign(_value=value, rejected=problem.notna())
    if policy.weight is not None:
        answers[policy.weight] = _weights(answers, policy.weight)
    return Counted(_one_voice(answers, by, policy), answers, by, calendar)


def of_kind(responses: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The answers to questions of this kind; all of them where no ``question_type`` tells."""
    if "question_type" not in responses:
        return responses
    return responses[responses["question_type"].astype("str").str.lower() == kind]


def answer_times(answers: pd.DataFrame, column: str = "answered_at") -> pd.Series:
    """The times of a column, in whole microseconds; refused without a zone, or where one is missing."""
    stamps = read_moments(answers[column], f"the times in {column!r}")
    if not len(stamps):  # of which pandas forgets the zone, where arrow holds them
        return pd.Series(pd.NaT, index=answers.index, dtype="datetime64[us, UTC]")
    if stamps.dt.tz is None:
        raise ValueError(f"{column} has no zone. Localise it, or read the file with read_surveys(..., timezone=…).")
    if stamps.isna().any():
        first = int(np.argmax(stamps.isna()))
        found = several(int(stamps.isna().sum()), "row", "rows")
        raise ValueError(f"{column} is missing in {found} (first: row {first}). Fill or drop them.")
    exact: pd.Series = stamps.dt.as_unit("us")
    return exact


def _weights(answers: pd.DataFrame, name: str) -> pd.Series:
    weights = pd.to_numeric(answers[name], errors="coerce").astype(float)
    wrong = ~answers["rejected"] & (~(weights >= 0) | np.isinf(weights))
    if wrong.any():
        raise ValueError(
            f"weight: {name!r} is missing, negative or no number for "
            f"{several(int(wrong.sum()), 'answer that counts', 'answers that count')}. "
            "Fill it, or leave these answers out."
        )
    return weights


def _in_range(answers: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    since, until, tz = policy.since, policy.until, policy.tz
    if since is not None and until is not None:
        Span.read(since=since, until=until, as_of=until, tz=tz)
    time, keep = microseconds(answers["answered_at"]), np.ones(len(answers), bool)
    if since is not None and policy.rolling is None:  # a rolling window reaches back before it
        keep &= time >= instant(since, tz=tz, name="since")
    if until is not None:
        keep &= time < instant(until, tz=tz, name="until")
    return answers.loc[keep].reset_index(drop=True)


def _placed(answers: pd.DataFrame, calendar: Calendar, policy: Policy) -> pd.DataFrame:
    """The answers with the number of their period; with `rolling`, once for each period whose window holds them."""
    time = microseconds(answers["answered_at"])
    if policy.rolling is None or not len(answers):
        return answers.assign(**{PLACE: calendar.number(time)})
    window = duration(policy.rolling, name="rolling")
    low, high = calendar.number(np.array([time.min(), time.max()]))
    if policy.since is not None:
        low = max(low, calendar.number(np.array([instant(policy.since, tz=policy.tz, name="since")]))[0])
    numbers = np.arange(low, high + 1)
    ends = calendar.begins(numbers + 1)
    if policy.until is not None:
        ends = np.minimum(ends, instant(policy.until, tz=policy.tz, name="until"))
    opens = instants(local_time(ends, policy.tz) - window, policy.tz)  # on the clocks: seven days are seven dates
    first = np.searchsorted(ends, time, side="right")  # the windows [end - rolling, end) that hold the answer
    last = np.searchsorted(opens, time, side="right")
    many = np.maximum(last - first, 0)
    again = np.repeat(np.arange(len(answers)), many)
    place = numbers[np.arange(len(again)) - np.repeat(np.cumsum(many) - many - first, many)]
    return answers.iloc[again].reset_index(drop=True).assign(**{PLACE: place})


def _one_voice(answers: pd.DataFrame, by: list[str], policy: Policy) -> pd.DataFrame:
    """The answers that count, one per respondent and period unless all do."""
    valid = answers[~answers["rejected"]]
    if policy.per_respondent == "all":
        return valid.reset_index(drop=True)
    anonymous, named = valid[valid["respondent_id"].isna()], valid[valid["respondent_id"].notna()]
    if policy.per_respondent == "mean":
        who = [PLACE, *by, *(["account_id"] if "account_id" in named else []), "respondent_id"]
        means = ["_value"] if policy.weight is None else ["_value", policy.weight]
        # Sorted, so that the order of rows does not reach the last digit of a mean.
        groups = named.sort_values(means, kind="stable").groupby(list(dict.fromkeys(who)), dropna=False, sort=False)
        averaged: pd.DataFrame = groups[means].mean().reset_index()
        return pd.concat([anonymous, averaged], ignore_index=True)
    # One voice in a period, also for somebody whose answers lie in different groups; of two answers at one instant
    # the lower one counts, whatever the order of the file.
    first = policy.per_respondent == "first"
    order = named.sort_values(["answered_at", "_value"], ascending=[first, True], kind="stable")
    return pd.concat([anonymous, order.drop_duplicates([PLACE, "respondent_id"])], ignore_index=True)


def whole(values: pd.Series) -> pd.Series:
    """Averaged scores as the nearest score, half upwards."""
    return pd.Series(np.floor(values + 0.5), index=values.index)


def read_scores(scores: pd.Series, scale: tuple[int, int]) -> tuple[pd.Series, pd.Series]:
    """Each score as a number, NaN where it does not count, and what is wrong with it; missing where nothing is."""
    codes, seen = pd.factorize(scores, use_na_sentinel=False)
    each = pd.Series(seen)  # people answer with few different scores
    number = pd.to_numeric(each, errors="coerce").to_numpy(float, na_value=np.nan)
    blank = each.isna() | each.astype("str").str.strip().isin(["", "nan", "None", "<NA>"])
    wrong = {
        "blank": blank.to_numpy(bool),
        "not_a_number": np.isnan(number),
        "out_of_range": (number < scale[0]) | (number > scale[1]),
        "not_an_integer": number != np.floor(number),
    }
    value = np.where(np.any(list(wrong.values()), axis=0), np.nan, number)
    problem = np.array([*wrong, None], object)[np.select(list(wrong.values()), range(len(wrong)), len(wrong))]
    return pd.Series(value[codes], index=scores.index), pd.Series(problem[codes], index=scores.index, dtype="str")


def flags(values: pd.Series, name: str) -> pd.Series:
    """A column of true and false, however it is written; missing stays missing."""
    text = values.astype("str").str.strip().str.lower().mask(values.isna())
    known = {**dict.fromkeys(("true", "yes", "1", "1.0"), True), **dict.fromkeys(("false", "no", "0", "0.0"), False)}
    strange = text.notna() & (text != "") & ~text.isin(list(known))
    if strange.any():
        raise ValueError(f"{name}: {values[strange].tolist()[0]!r} is neither true nor false. Write one of them.")
    return text.map(known).astype("boolean")


def round_half_away(values: Numbers) -> pd.Series:
    """Whole numbers, half away from zero: 12.5 is 13 and -12.5 is -13. Missing stays missing."""
    exact = np.asarray(values, float)
    # A sum of thirds may sit a hair below the half that it is.
    return pd.Series(np.sign(exact) * np.floor(np.round(np.abs(exact), 9) + 0.5), dtype="Float64").astype("Int64")
