"""Do detractors leave? What customers said, against whether they are still customers some time later.

A customer counts once, by the first answer while paying: who leaves early cannot answer again, so that by the last
answer those who stay would move to other bands and leave those who left behind.
"""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.intervals import add_rate, newcombe, ratio, relative_lift
from metrics.periods import When, duration, instant, microseconds, one_of
from metrics.results import blank, keys, result, too_few
from metrics.steps import unknown
from metrics.surveys.answers import Policy, answer_times, of_kind, read_scores
from metrics.surveys.nps import SCALE, with_bands

Band: TypeAlias = Literal["promoter", "passive", "detractor"]
BANDS: tuple[Band, ...] = ("promoter", "passive", "detractor")
PAYING = ("active", "past_due")
_RATE = ["churn_rate", "churn_rate_low", "churn_rate_high"]
_COMPARED = [f"{name}{end}" for name in ("difference", "risk_ratio") for end in ("", "_low", "_high")]
_RESULT = ["band", "responses", "followed", "churned", "too_recent", *_RATE, *_COMPARED, "reason"]


def nps_by_churn(
    responses: pd.DataFrame,
    *,
    subscriptions: pd.DataFrame,
    as_of: When,
    by: str | list[str] | None = None,
    follow_up: str = "90 days",
    reference: Band = "promoter",
    score: str = "score",
    min_n: int = 10,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Who leaves after which answer?

    Parameters
    ----------
    responses
        One row per answer: `score`, ``answered_at`` (UTC) and ``account_id``, the customer (``respondent_id`` where
        there is none).
    subscriptions
        One row per state of a subscription: ``customer_id``, ``start``, ``end`` (UTC, NaT while it runs), ``status``
        (active where there is none), ``mrr`` or a price (``unit_amount_minor``, ``quantity``, ``kind``).
    as_of
        First moment not observed: a date in `tz` or an instant.
    by
        Column or list of `responses`: the bands of each group by themselves, a missing value is one too. A customer who
        answered in two groups is in both.
    follow_up
        How long after the answer one looks. A paused subscription has not churned.
    reference
        Band that the others are compared with: ``"promoter"`` (default), ``"passive"`` or ``"detractor"``.
    score
        Column of the scores, 0 to 10.
    min_n
        A rate over fewer customers is NA with the reason ``below_min_n``; its counts stand.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, three rows
        band            text      promoter, passive, detractor, of the first answer while paying
        responses       count     customers; less `followed` and `too_recent`, those who were not paying then
        followed        count     paying when they answered, and watched for all of `follow_up`
        churned         count     of these, not paying and not paused at its end
        too_recent      count     paying, answered less than `follow_up` before `as_of`
        churn_rate (…)  0 to 1    churned / followed, Wilson
        difference (…)  -1 to 1   churn rate minus that of `reference`, Newcombe
        risk_ratio (…)  number    churn rate / that of `reference`, log limits
        reason          text      ``control`` for the reference; else by estimate ``below_min_n``,
                                  ``zero_denominator``

    Raises
    ------
    ValueError
        A column that is missing, times without a zone, a band that does not exist.

    Notes
    -----
    An association: who means to leave says so, and what makes them leave is not in the table.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> said = pd.DataFrame({"account_id": ["a", "b"], "score": [10, 2], "answered_at": at("2026-01-10", "2026-01-10")})
    >>> paid = pd.DataFrame({"customer_id": ["a", "b"], "mrr": 9, "start": at("2025-06-01", "2025-06-01")})
    >>> paid["end"] = at(None, "2026-02-20")
    >>> nps_by_churn(said, subscriptions=paid, as_of="2026-06-01", min_n=1)[["band", "followed", "churn_rate"]]
            band  followed  churn_rate
    0   promoter         1         0.0
    1    passive         0         NaN
    2  detractor         1         1.0
    """
    one_of("reference", reference, Band)
    if by is not None:
        how: dict[str, Any] = {
            "subscriptions": subscriptions, "as_of": as_of, "follow_up": follow_up, "reference": reference,
            "score": score, "min_n": min_n, "tz": tz, "confidence": confidence,
        }  # fmt: skip
        return _by_group(responses, keys(by, taken=_RESULT), how)
    end, wait = instant(as_of, tz=tz), duration(follow_up, name="follow_up")
    account = "account_id" if "account_id" in responses else "respondent_id"
    for name, table, columns in (
        ("responses", responses, [score, "answered_at", account]),
        ("subscriptions", subscriptions, ["customer_id", "start", "end"]),
    ):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of the {name}", "columns"))
    answers = answers_of_accounts(responses, score, account, end)
    spells = _spells(subscriptions, end)
    answers["_paying"] = _present(answers["_who"], answers["_time"], spells[spells["_paying"]])
    # The first answer while paying; of those who never were, the first one.
    answers = answers.sort_values(["_paying", "_time", "_value"], ascending=[False, True, True], kind="stable")
    answers = answers.drop_duplicates("_who").reset_index(drop=True)
    later = answers["_time"] + wait
    watched = answers["_paying"] & (later <= end)
    answers = answers.assign(
        followed=watched,
        churned=watched & ~_present(answers["_who"], later, spells),
        too_recent=answers["_paying"] & ~watched,
        responses=1,
    )
    votes = with_bands(answers)
    answers["band"] = np.select([votes["promoters"], votes["passives"]], ["promoter", "passive"], "detractor")
    sums = ["responses", "followed", "churned", "too_recent"]
    table = answers.groupby("band")[sums].sum().reindex(list(BANDS), fill_value=0).astype(np.int64).reset_index()
    table["band"] = table["band"].astype("str")
    table = _compare(add_rate(table, "churn_rate", "churned", "followed", confidence), reference, min_n, confidence)
    settings = {
        "follow_up": follow_up, "reference": reference, "as_of": str(as_of), "tz": tz, "min_n": min_n,
        "confidence": confidence, "known": int(answers["_who"].isin(id_texts(subscriptions["customer_id"])).sum()),
    }  # fmt: skip
    definition = (
        f"Customers who pay nothing and have not paused {follow_up} after their first answer while paying / those "
        f"watched for as long, by band; compared with {reference}s. An association, not an effect."
    )
    return result(table, metric="nps_by_churn", definition=definition, settings=settings, columns=_RESULT)


def _by_group(responses: pd.DataFrame, by: list[str], how: dict[str, Any]) -> pd.DataFrame:
    """The bands of each group, one under the other."""
    for column in by:
        if column not in responses:
            raise ValueError(unknown("by", column, responses.columns, "a column of the responses", "columns"))
    parts: list[pd.DataFrame] = []
    key: Any
    for key, rows in responses.groupby(by, dropna=False, sort=True):
        part = nps_by_churn(rows, **how)
        for column, value in zip(by, key, strict=True):
            part[column] = value
        parts.append(part)
    whole = nps_by_churn(responses.iloc[:0], **how)
    table = pd.concat(parts, ignore_index=True) if parts else whole.iloc[:0].assign(**dict.fromkeys(by, None))
    known = sum(part.attrs["settings"]["known"] for part in parts)
    settings, definition = (
        whole.attrs["settings"] | {"by": by, "known": known},
        f"{whole.attrs['definition']} By {', '.join(by)}.",
    )
    return result(table, metric="nps_by_churn", definition=definition, settings=settings, columns=[*by, *_RESULT])


def answers_of_accounts(responses: pd.DataFrame, score: str, account: str, as_of: int) -> pd.DataFrame:
    rows = of_kind(responses, Policy("nps", SCALE).kind).reset_index(drop=True)
    who = rows[account]
    if "respondent_id" in rows:
        who = who.where(who.notna(), rows["respondent_id"])
    value, problem = read_scores(rows[score], SCALE)
    table = pd.DataFrame({"_who": id_texts(who), "_time": microseconds(answer_times(rows)), "_value": value})
    return table[problem.isna() & who.notna() & (table["_time"] < as_of)].reset_index(drop=True)


def _spells(subscriptions: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """When each customer paid or had paused; an end at or after `as_of` is only planned."""
    rows = subscriptions.reset_index(drop=True)
    if "recorded_at" in rows and "subscription_id" in rows:  # what was known at `as_of`
        known = rows["recorded_at"].isna() | (
            microseconds(rows["recorded_at"].fillna(pd.Timestamp(0, tz="UTC"))) < as_of
        )
        rows = rows[known].sort_values("recorded_at", na_position="first", kind="stable")
        rows = rows.drop_duplicates(["subscription_id", "start"], keep="last").reset_index(drop=True)
    status = (
        rows["status"].fillna("active").astype("str").str.lower()
        if "status" in rows
        else pd.Series("active", index=rows.index)
    )
    if "mrr" in rows:
        worth = rows["mrr"].astype(float)
    else:
        for column in ("unit_amount_minor",):
            if column not in rows:
                raise ValueError(unknown("subscriptions", column, rows.columns, "a column (nor is mrr)", "columns"))
        worth = rows["unit_amount_minor"].astype(float) * rows.get("quantity", pd.Series(1, index=rows.index))
        worth = worth.where(rows["kind"].eq("recurring") | rows["kind"].isna(), 0.0) if "kind" in rows else worth
    paying = status.isin(PAYING) & (worth > 0)
    ends = answer_times(rows.assign(end=rows["end"].fillna(pd.Timestamp("2200-01-01", tz="UTC"))), "end")
    spells = pd.DataFrame({
        "_who": id_texts(rows["customer_id"]), "_from": microseconds(answer_times(rows, "start")),
        "_to": microseconds(ends), "_paying": paying,
    })  # fmt: skip
    return spells[(paying | status.eq("paused")) & (spells["_from"] < spells["_to"])]


def _present(who: pd.Series, at: "pd.Series[int]", spells: pd.DataFrame) -> pd.Series:
    """Whether each customer is in one of the spells just before the instant: start < instant <= end."""
    asked = pd.DataFrame({"_who": who, "_at": at, "_row": np.arange(len(who))})
    met = asked.merge(spells, on="_who")
    rows = met.loc[(met["_from"] < met["_at"]) & (met["_at"] <= met["_to"]), "_row"]
    found = np.zeros(len(who), bool)
    found[rows.to_numpy(np.int64)] = True
    return pd.Series(found, index=who.index)


def _compare(table: pd.DataFrame, reference: Band, min_n: int, confidence: float) -> pd.DataFrame:
    own = table["band"] == reference
    x, n = table["churned"].to_numpy(float), table["followed"].to_numpy(float)
    x0, n0 = x[own][0], n[own][0]
    low, high = newcombe(x, n, x0, n0, confidence)
    risk = relative_lift(x, n, x0, n0, confidence)
    table = table.assign(
        difference=ratio(x, n) - ratio(x0, n0), difference_low=low, difference_high=high,
        risk_ratio=risk.value + 1, risk_ratio_low=risk.low + 1, risk_ratio_high=risk.high + 1,
    )  # fmt: skip
    few = too_few(
        pd.Series(pd.NA, index=table.index, dtype="str").mask(n == 0, "zero_denominator"), table["followed"], min_n
    )
    other = few.where(few.notna(), few[own].iloc[0])  # a comparison needs both sides
    risky = other.mask(other.isna() & table["risk_ratio"].isna(), "zero_denominator")
    table = blank(table, few.notna(), _RATE)
    table = blank(table, other.notna() | own, _COMPARED)
    said = []
    for k in range(len(table)):
        codes = {"churn_rate": few[k], "difference": other[k], "risk_ratio": risky[k]}
        words = "; ".join(f"{name}: {code}" for name, code in codes.items() if isinstance(code, str))
        said.append(("control" if pd.isna(few[k]) else f"churn_rate: {few[k]}") if own[k] else words or None)
    return table.assign(reason=pd.Series(said, index=table.index, dtype="str"))
