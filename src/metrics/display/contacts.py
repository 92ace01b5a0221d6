"""Do mails get read and used, and do questions get answered? Sentences and feet of campaigns and of support."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length, reason_in_words
from metrics.display.comparisons import groups_said, lasts, periods_said
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import group_of, groups_of, has_groups, parts, setting
from metrics.display.numbers import count, counted, plain, signed, with_unit
from metrics.display.worked import last_complete, level, quotient, whose


def mails_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many clicked, for an open may be a machine's; of several groups the one that clicked most."""
    if has_groups(table):
        rows = lasts(table, "click_rate")
        if not len(rows):
            return none("in no group are there enough to say.")
        return groups_said(rows, "click_rate", "who got the mail clicked")
    return periods_said(
        table, before, "click_rate", lambda row, _: f"of {count(row['delivered'])} who got the mail clicked", scale=100
    )


def mails_foot(table: pd.DataFrame) -> list[str]:
    """Clickers and openers over those who got it, of the last row that has both."""
    human = setting(table, "opens", "human") == "human"
    base = f"(delivered {numbers.MINUS} opened by machines alone)" if human else "delivered"
    lines = [f"Clicked = clickers / delivered; opened = openers / {base}. Recipients, each once."]
    row = last_complete(table, "click_rate")
    if row is None:
        return [*lines, "Too few got a mail, so that no rate exists."]
    worked = f"{quotient(row['clickers'], row['delivered'])} clicked"
    if not numbers.is_missing(row["open_rate"]):
        alone = 0 if human else row["prefetched_only"]
        known = row["delivered"] - (row["prefetched_only"] if human else 0)
        worked += f", {quotient(row['human_openers'] + alone, known)} opened"
    other = setting(table, "other_events", 0)
    left = f" Rows of other events, left out: {count(other)}." if other else ""
    return [*lines, f"{worked}{whose(table, row, None)}. {level(table)} Wilson intervals.{left}"]


def openers_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many openers convert, and how that differs from the others; of groups the one with the most openers."""
    known = table[table["difference"].notna()]
    if not len(known):
        why = reason_in_words(table["reason"].iloc[0]) if len(table) else ""
        return none(f"whether openers convert more often is not known: {why or 'no mail arrived'}.")
    row = known.iloc[int(known["openers"].argmax())]
    openers, others = Estimate.of(row, "openers_rate"), Estimate.of(row, "non_openers_rate")
    group = group_of(table, row)
    mail = f"the mail of {group}" if group else "the mail"
    text = f"of {count(row['openers'])} who opened {mail} converted {openers.limits()}"
    said, limits = change(openers, others, f"of those who did not, {with_unit(others.number())}")
    return Sentence(
        openers.number(), f"{text}: {said}. An association, not an effect.", "%", [openers.limits(), *limits]
    )


def openers_foot(table: pd.DataFrame) -> list[str]:
    """Rate minus rate, of the last row that has both."""
    window = setting(table, "window", "the window")
    lines = [f"Converted = conversions within {window} of delivery; who converted before the first open did not open."]
    row = last_complete(table, "difference")
    recent = setting(table, "too_recent", 0)
    left = f" Left out: {count(recent)} who still have their {window}." if recent else ""
    if row is None:
        return [*lines, f"Too few on a side, so that no difference exists.{left}"]
    worked = f"{quotient(row['openers_converted'], row['openers'])} {numbers.MINUS} "
    worked += quotient(row["non_openers_converted"], row["non_openers"])
    worked += f" = {signed(100 * row['difference'], 1)} points{whose(table, row, None)}"
    return [*lines, f"{worked}. {level(table)} Wilson and Newcombe intervals.{left}"]


def support_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many are solved at first contact, for a quick answer alone is no help; of groups the one with the most."""
    name = "solved_first_contact_rate"
    if has_groups(table):
        rows = lasts(table, name)
        if not len(rows):
            return none("in no group are there enough to say.")
        return groups_said(rows, name, "tickets were solved at first contact")

    def say(row: "pd.Series[Any]", when: str) -> str:
        wait = row["first_reply_median_hours"]
        text = f"of the tickets{f' of {when}' if when else ''}"
        if not numbers.is_missing(wait):
            text += f", half of which were answered within {numbers.duration(3600 * wait)},"
        return f"{text} were solved at first contact"

    return periods_said(table, before, name, say, scale=100)


def support_foot(table: pd.DataFrame) -> list[str]:
    """What was divided by what; the rating of the last row that has one."""
    lines = [
        "CSAT = good / (good + bad); first contact = solved and never reopened / tickets; reopened = reopened "
        "/ solved; first answer: Kaplan-Meier median, with those who wait."
    ]
    row = last_complete(table, "customer_satisfaction")
    if row is None:
        return [*lines, "Too few were rated, so that no satisfaction exists."]
    good = round(row["customer_satisfaction"] * row["rated"] / 100)
    worked = f"{quotient(good, row['rated'])} satisfied{whose(table, row, period_length(table))}"
    return [*lines, f"{worked}. {level(table)} Wilson intervals."]


def questions_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many readers asked something; of several topics the one that most asked about."""
    if not len(table):
        return none(f"nobody asked anything within {setting(table, 'window', 'the window')} of reading.")
    if has_groups(table):
        row = table.iloc[int(table["customers"].argmax())]
        topic = group_of(table, row)
        if numbers.is_missing(row["share"]):
            return none(f"{reason_in_words(row['reason'])}.")
        asked = Estimate.of(row, "share")
        text = f"of {counted(row['readers'], 'reader')} asked about {topic} {asked.limits()}, the most of "
        return Sentence(asked.number(), f"{text}{counted(len(table), 'group')} of questions.", "%", [asked.limits()])
    return periods_said(
        table, before, "share", lambda row, _: f"of {counted(row['readers'], 'reader')} asked", scale=100
    )


def questions_foot(table: pd.DataFrame) -> list[str]:
    """Who asked over who read."""
    window = setting(table, "window", "the window")
    lines = [f"Share = readers with a question within {window} of reading / readers whose {window} are over."]
    row = last_complete(table, "share")
    recent = setting(table, "too_recent", 0)
    left = f" Left out: {count(recent)} who still have their {window}." if recent else ""
    if row is None:
        return [*lines, f"Too few read it, so that no share exists.{left}"]
    worked = f"{quotient(row['customers'], row['readers'])}{whose(table, row, None)}"
    return [*lines, f"{worked}. {level(table)} Wilson intervals.{left}"]


def frequency_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many leave at the only mail of the days up to it, and at one of the most that can be told of.

    Of several groups it is the one where most leave at as many mails.
    """
    known = table[table["unsubscribe_rate"].notna()]
    if not len(known):
        return none("too few mails came, so that nothing can be said of their number.")
    most = known["mails_received"].max()
    groups = [(name, part) for name, part in parts(known) if part["mails_received"].iloc[-1] == most]
    name, rows = max(groups, key=lambda group: group[1]["unsubscribe_rate"].iloc[-1])
    first, last = rows.iloc[0], rows.iloc[-1]
    rate, window = Estimate.of(last, "unsubscribe_rate"), setting(table, "window", "the days")
    text = f"unsubscribe at a mail{f' of {name}' if name else ''} that is {_of_so_many(table, last)} in {window} "
    text += rate.limits() + (f", the most of {count(len(groups))} groups" if len(groups) > 1 else "")
    limits = [rate.limits()]
    if len(rows) > 1:
        than = Estimate.of(first, "unsubscribe_rate")
        said, more = change(rate, than, f"at {_of_so_many(table, first)}, {with_unit(than.number())}")
        text, limits = f"{text}: {said}", [*limits, *more]
    return Sentence(rate.number(), f"{text}.", "%", limits)


def _of_so_many(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    received = int(row["mails_received"])
    if received == setting(table, "most"):
        return f"one of {received} or more"
    return "the only one" if received == 1 else f"one of {received}"


def mails_received(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    """A row of `mail_frequency` in words, its group before it."""
    received, most = int(float(row["mails_received"])), int(setting(table, "most", 0))
    window = setting(table, "window", "the days")
    or_more = " or more" if received == most else ""
    names = ["(missing)" if numbers.is_missing(row[key]) else str(row[key]) for key in groups_of(table)]
    return ", ".join([*names, f"{received}{or_more} mail{'s' * (received > 1 or bool(or_more))} in {window}"])


def frequency_foot(table: pd.DataFrame) -> list[str]:
    """Unsubscribed over mails, of the last row that has both; who is left out."""
    window = setting(table, "window", "the window")
    lines = [f"Unsubscribed = within {window} of a mail and before the next / mails. A recipient counts until then."]
    row = last_complete(table, "unsubscribe_rate")
    out = {"sent to who had left": "after_leaving", "that are still watched": "too_recent"}
    left = [f"{count(setting(table, name))} {words}" for words, name in out.items() if setting(table, name)]
    said = f" Left out: {', '.join(left)}." if left else ""
    if row is None:
        return [*lines, f"Too few mails, so that no rate exists.{said}"]
    if groups_of(table):
        lines[0] += " Mails up to it are those of all groups, the group is that of the mail."
    worked = f"{quotient(row['unsubscribed'], row['mails'])}{whose(table, row, None)}, {_of_so_many(table, row)}"
    return [*lines, f"{worked}. {level(table)} Wilson intervals. An association.{said}"]


def releases_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Days until half are released; of groups the one that waits least."""
    known = table[table["median_days"].notna()]
    if not len(known):
        waits = len(table) > 0 and "above_half" in str(table["reason"].iloc[0])
        return none("more than half of the requests still wait." if waits else "there are too few requests to say.")
    row = known.iloc[int(known["median_days"].argmin())]
    days = Estimate.of(row, "median_days", 1)
    number = plain(row["median_days"], 0)
    pass_ = "day passes" if number == "1" else "days pass"
    limits = f" {days.limits()}" if pd.notna(row["median_days_low"]) and pd.notna(row["median_days_high"]) else ""
    if groups_of(table) and len(table) > 1:
        name = group_of(table, row)
        text = f"{pass_} until half of the requests of {name} are released{limits}"
        many = len(known) + int(table["reason"].str.contains("median_days: above_half", na=False).sum())
        text += f", the fewest of {count(many)} groups" * (many > 1)
        return Sentence(number, f"{text}.", "", [limits.strip()])
    text = f"{pass_} until half of {counted(row['requests'], 'request')} are released{limits}"
    share = Estimate.of(row, "released_rate") if pd.notna(row["released_rate"]) else None
    shown = [limits.strip()] if limits else []
    if share is not None:
        shown.append(share.limits())
        text += f"; {with_unit(share.number())} are within {setting(table, 'within', 'the time')} {share.limits()}"
    return Sentence(number, f"{text}.", "", shown)


def releases_foot(table: pd.DataFrame) -> list[str]:
    """How many are released, and how many wait."""
    lines = ["Kaplan-Meier: a request that waits is watched so far, and is no short wait."]
    released, waiting = int(table["released"].sum()), int(table["open"].sum())
    said = f"{count(released)} of {count(table['requests'].sum())} are released, "
    return [*lines, f"{said}{count(waiting)} wait{'s' if waiting == 1 else ''}.", f"{level(table)} limits by log-log."]


def reuse_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """What share of the contents others used."""
    if has_groups(table):
        rows = lasts(table, "reuse_rate")
        return groups_said(rows, "reuse_rate", "contents were used by others") if len(rows) else none("too few to say.")
    return periods_said(
        table, before, "reuse_rate",
        lambda row, _: f"of {counted(row['contents'], 'content')} made for one customer were used by others", scale=100,
    )  # fmt: skip


def reuse_foot(table: pd.DataFrame) -> list[str]:
    """Used over made."""
    window = setting(table, "window", "the window")
    lines = [f"Used by others = contents that another customer saw within {window} / contents as old."]
    row = last_complete(table, "reuse_rate")
    recent = setting(table, "too_recent", 0)
    left = f" Left out: {count(recent)} that still have their {window}." if recent else ""
    if row is None:
        return [*lines, f"Too few were made, so that no rate exists.{left}"]
    worked = f"{quotient(row['reused'], row['contents'])}{whose(table, row, None)}"
    return [*lines, f"{worked}. {level(table)} Wilson intervals.{left}"]


SAID = {
    "mail_frequency": frequency_said,
    "time_to_release": releases_said,
    "content_reuse": reuse_said,
    "email_performance": mails_said,
    "open_conversion": openers_said,
    "support_quality": support_said,
    "questions_after": questions_said,
}
FEET = {
    "mail_frequency": frequency_foot,
    "time_to_release": releases_foot,
    "content_reuse": reuse_foot,
    "email_performance": mails_foot,
    "open_conversion": openers_foot,
    "support_quality": support_foot,
    "questions_after": questions_foot,
}
