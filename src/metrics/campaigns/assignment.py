"""What became of each recipient of a mail test, by the variant that was sent: what `compare_variants` asks for.

By assignment and over all to whom it was delivered, never over those who opened it: the subject line that brings more
to open brings others to open.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import pandas as pd

from metrics.campaigns.recipients import NEVER, recipients
from metrics.files.values import id_texts
from metrics.periods import one_of
from metrics.results import keys, result
from metrics.steps import unknown

MailOutcome: TypeAlias = Literal["converted", "clicked", "opened", "unsubscribed"]


def variant_outcomes(
    emails: pd.DataFrame,
    *,
    campaign: str | None = None,
    outcome: MailOutcome = "converted",
    by: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Who was sent which variant of a mail, and what did each recipient do?

    Parameters
    ----------
    emails
        As for `email_performance`, with ``campaign_id`` and ``variant``.
    campaign
        The campaign that is a test. None (default): the one with two variants or more whose first mail came last.
    outcome
        ``"converted"`` (default, at or after the mail came), ``"clicked"``, ``"opened"`` (by a person) or
        ``"unsubscribed"``.
    by
        Column or list of `emails` that the result keeps, for ``compare_variants(…, by=…)``: of each recipient the first
        value that rows of the test tell.

    Returns
    -------
    DataFrame, one row per recipient to whom it was delivered, by name; none if no campaign has two variants
        user_id  text
        the columns of `by`
        variant  text
        the outcome's name, such as ``converted``  bool

    Raises
    ------
    ValueError
        A campaign that the table does not have, a column that is missing, times without a zone.
    EventTableError
        Rows without a recipient, an event or a time.

    Notes
    -----
    Who got several variants of the campaign belongs to none, is left out and counted in ``attrs["settings"]``
    (``several_variants``); so is who is told none (``no_variant``). Of who was sent several and got one it is that one.
    A row without a variant, such as a conversion, is of the one its recipient got.

    Examples
    --------
    >>> rows = [("ann", "a", "delivered"), ("ben", "b", "delivered"), ("ben", "b", "converted")]
    >>> mails = pd.DataFrame(rows, columns=["recipient_id", "variant", "event"]).assign(campaign_id="spring")
    >>> variant_outcomes(mails.assign(at=pd.Timestamp("2026-05-01", tz="UTC")))
      user_id variant  converted
    0     ann       a      False
    1     ben       b       True
    """
    one_of("outcome", outcome, MailOutcome)
    groups = keys(by, taken=["user_id", "variant", *get_args(MailOutcome)])
    for name in ("recipient_id", "event", "at", "campaign_id", *groups):
        if name not in emails:
            raise ValueError(unknown("emails", name, emails.columns, "a column of the mails", "columns"))
    tested = emails[emails["variant"].notna()] if "variant" in emails else emails.iloc[:0].assign(variant="")
    several = tested.groupby("campaign_id")["variant"].nunique()
    known = several.index[several > 1]
    if campaign is not None and campaign not in set(known):
        raise ValueError(unknown("campaign", campaign, known, "a campaign with two variants", "campaigns"))
    first = tested[tested["campaign_id"].isin(known)].groupby("campaign_id")["at"].min()
    chosen = campaign if campaign is not None else first.sort_values(kind="stable").index[-1] if len(first) else None
    rows, unknown_to, unclear = _with_variants(emails.assign(variant=emails.get("variant", "")), chosen)
    found, _ = recipients(rows, ["variant"], NEVER, told=groups)
    found = found[found["_arrived"] < NEVER]
    both = found["recipient_id"].duplicated(keep=False)
    found_twice = int(found.loc[both, "recipient_id"].nunique()) + len(unclear)
    found = found[~both].sort_values("recipient_id", ignore_index=True)
    did = found["_last_converted"] >= found["_arrived"] if outcome == "converted" else found[outcome] < NEVER
    table = pd.DataFrame({
        "user_id": id_texts(found["recipient_id"]), **{name: found[f"of {name}"] for name in groups},
        "variant": found["in variant"].astype("str"), outcome: did.to_numpy(bool),
    })  # fmt: skip
    settings = {
        "campaign": chosen, "outcome": outcome, "by": groups or None, "several_variants": found_twice or None,
        "no_variant": unknown_to or None,
    }  # fmt: skip
    which = f"of {chosen} " if chosen is not None else ""
    definition = (
        f"Recipients {which}to whom the mail was delivered, by the variant they were sent, and whether {outcome}."
    )
    return result(table, metric="variant_outcomes", definition=definition, settings=settings)


def _with_variants(emails: pd.DataFrame, campaign: str | None) -> tuple[pd.DataFrame, int, "pd.Series[str]"]:
    """The rows of a campaign, each with the variant of its recipient, and of how many recipients none is known.

    Last come those who were sent several and got one of them, but no row tells which.
    """
    rows = emails[emails["campaign_id"] == campaign].reset_index(drop=True)
    names, told = id_texts(rows["recipient_id"]), rows["variant"].notna()
    own = rows["variant"][told].groupby(names[told]).agg(["nunique", "first"])
    only = own.loc[own["nunique"] == 1, "first"].astype(object)
    found, _ = recipients(rows, ["variant"], NEVER)
    several = found[(found["_arrived"] < NEVER) & found["recipient_id"].isin(own.index[own["nunique"] > 1])]
    got = several[several["in variant"].notna()]
    one = got[~got["recipient_id"].duplicated(keep=False)].set_index("recipient_id")["in variant"].astype(object)
    known = rows["variant"].astype(object).where(told, names.map(pd.concat([only, one])))
    nobody = names[~names.isin(own.index)].nunique()
    unclear = several.loc[~several["recipient_id"].isin(got["recipient_id"]), "recipient_id"]
    return rows.assign(variant=known)[known.notna()], int(nobody), unclear
