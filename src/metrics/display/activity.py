"""Who is here, in sentences and under tables: actives, lifecycles, habits, milestones and features."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.comparisons import groups_said, lasts, periods_said, when_told
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import group_of, groups_of, has_groups, parts, setting
from metrics.display.numbers import count, counted, percent, plural, signed, with_unit
from metrics.display.worked import last_of_largest, level, quotient, whose


def _last(table: pd.DataFrame) -> pd.Series | None:
    rows = table[table["complete"].astype(bool)]
    return rows.iloc[-1] if len(rows) else None


def _windows(table: pd.DataFrame) -> tuple[str, str, int]:
    """The columns of the shortest and the longest window, and the days of the longest."""
    columns = [str(name) for name in table.columns]
    names = columns[columns.index("date") + 1 : columns.index("stickiness_rate")]
    lengths: Any = setting(table, "windows", [1, 30])
    return names[0], names[-1], int(lengths[-1])


def _were_active(users: float) -> str:
    return f"{plural(users, 'user')} {'was' if users == 1 else 'were'} active"


def _divided(part: float, whole: float) -> str:
    return f"{count(part)} / {count(whole)} = {with_unit(percent(part / whole))}"


def active_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Users of the longest window on the last whole day."""
    row = _last(table)
    if row is None:
        return none("no day is over yet, so that nobody can be counted.")
    short, long, days = _windows(table)
    if groups_of(table):
        when = "on the last of them" if short == "daily" else f"in the {short} window"
        does = f"active in the {counted(days, 'day')} up to {numbers.date(row['date'])} came {when}"
        return groups_said(lasts(table, "stickiness_rate"), "stickiness_rate", does)
    text = f"{_were_active(row[long])} in the {counted(days, 'day')} up to {numbers.date(row['date'])}"
    pieces = []
    if not numbers.is_missing(row["stickiness_rate"]):
        rate = Estimate.of(row, "stickiness_rate")
        when = "on the last of them" if short == "daily" else f"in the {short} window"
        text += f"; {count(row[short])} of these {when}, {with_unit(rate.number())} {rate.limits()}"
        pieces.append(rate.limits())
    return Sentence(count(row[long]), f"{text}.", "", pieces)


def active_foot(table: pd.DataFrame) -> list[str]:
    """How stickiness is divided, and where windows reach back too far."""
    short, long, days = _windows(table)
    lines = [f"Stickiness = {short} / {long.replace('_', ' ')}, users of the windows that end with the day."]
    row = _last(table[table[long] > 0])
    if row is not None:
        lines[0] += f" {_divided(row[short], row[long])}{whose(table, row, None)}, {numbers.date(row['date'])}."
    return [
        *lines,
        f"In the first {counted(days, 'day')} of an export the longer windows reach back before its beginning.",
    ]


def lifecycle_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Who came and who stayed away in the last finished period."""
    row = _last(table)
    if row is None:
        return none("no period is finished yet, so that nobody can be missed.")
    length, largest = period_length(table), ""
    when = numbers.period_in_words(row["period_start"], length)
    if groups_of(table):  # a unit stays in its group, so that they add up
        rows = table[table["period_start"] == row["period_start"]]
        found = [(name, int(part["active"].iloc[0])) for name, part in parts(rows)]
        name, many = max(found, key=lambda one: one[1])
        largest = f"; the largest of {len(found)} groups is {name} ({count(many)})" if len(found) > 1 else ""
        if len(found) == 1 and many:
            largest = f"; all are of {name}"
        row = rows[["new", "returning", "resurrected", "dormant", "active"]].sum()
        row["quick_ratio"] = (row["new"] + row["resurrected"]) / row["dormant"] if row["dormant"] else None
    text = (
        f"{_were_active(row['active'])} in {when}: {count(row['new'])} new, {count(row['returning'])} from the "
        f"{length or 'period'} before, {count(row['resurrected'])} back after a break. "
        f"{count(row['dormant'])} stayed away"
    )
    if not numbers.is_missing(row["quick_ratio"]):
        text += f": {numbers.ratio(row['quick_ratio'])} came for each who went"
    return Sentence(count(row["active"]), f"{text}{largest}.")


def lifecycle_foot(table: pd.DataFrame) -> list[str]:
    """The two sums that hold in every row, worked out for the last finished one."""
    lines = ["Active = new + returning + resurrected. Active of the period before = returning + dormant."]
    row = _last(table)
    if row is not None:
        when = numbers.period_in_words(row["period_start"], period_length(table))
        group = "".join(f", {row[name]}" for name in groups_of(table) if not numbers.is_missing(row[name]))
        stages = " + ".join(count(row[name]) for name in ("new", "returning", "resurrected"))
        lines.append(
            f"{count(row['active'])} = {stages}{group}, {when}; before it {count(row['returning'])} + "
            f"{count(row['dormant'])} = {count(row['returning'] + row['dormant'])}."
        )
    if not table["complete"].all():
        lines.append("Of a period that is not over, dormant are those not seen in it yet.")
    return lines


def stickiness_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The share that came in one period only."""
    users = int(table["users"].sum())
    if not users:
        return none("nobody was active in the range.")
    unit, first = period_length(table) or "period", Estimate.of(table.iloc[0], "share")
    many = int(table["active_periods"].max())
    if groups_of(table):
        rows = pd.DataFrame([part.iloc[0].to_dict() | {"group": name} for name, part in parts(table)])
        return groups_said(rows, "share", f"came in only one of {counted(many, unit)}")
    half = table.loc[table["users_at_least"] * 2 >= users, "active_periods"].max()
    text = f"of {counted(users, 'user')} came in only one of {counted(many, unit)} {first.limits()}"
    if half > 1:
        text += f"; half came in {count(half)} or more"
    return Sentence(first.number(), f"{text}.", "%", [first.limits()])


def stickiness_foot(table: pd.DataFrame) -> list[str]:
    """What the shares are of."""
    name, part = parts(table)[0]
    users, row = int(part["users"].sum()), part.iloc[0]
    worked = f" {_divided(row['users'], users)}, in one{', ' + name if name else ''}." if users else ""
    return [f"Share = users active in exactly so many / all who were active in any.{worked}"]


def milestones_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The milestone that the fewest have reached."""
    known = table[table["share"].notna()]
    if not len(known):
        return none("too few have begun to say.")
    row = known.iloc[int(known["share"].argmin())]
    share, start = Estimate.of(row, "share"), setting(table, "start_event", "the start")
    text = f"of {count(row['users'])}{_of_group(table, row)} who did {start} have reached {row['milestone']} so far "
    text += f"{share.limits()}{_of_how_many(known, 'milestone', 'the least')}"
    if not numbers.is_missing(row["median_days"]):
        text += f"; half do within {numbers.duration(86_400 * row['median_days'])}"
    return Sentence(share.number(), f"{text}.", "%", [share.limits()])


def _of_group(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    group = group_of(table, row)
    return f" of {group}" if group else ""


def _of_how_many(rows: pd.DataFrame, name: str, extreme: str) -> str:
    """Among how many the row of a sentence stands out: milestones or features, and groups."""
    things, groups = rows[name].nunique(), len(parts(rows))
    among = [f"{things} {name}s"] if things > 1 else []
    among += [f"{groups} groups"] if groups > 1 else []
    return f", {extreme} of {' in '.join(among)}" if among else ""


def milestones_foot(table: pd.DataFrame) -> list[str]:
    """How the share is divided, and whom the median counts."""
    row = table.iloc[0]
    which = f"{row['milestone']}{_of_group(table, row)}"
    worked = f" {_divided(row['reached'], row['users'])}, {which}." if row["users"] else ""
    return [
        f"Share = reached / users that began.{worked}",
        "Median by Kaplan-Meier: who is still on the way counts for as long as watched. None where more than half are.",
    ]


def times_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The share that is not there yet after the last day on which somebody arrived."""
    if not len(table) or not table["at_risk"].max():
        return none("nobody has begun.")
    found = []
    for name, part in parts(table):
        came = part[part["reached"] > 0]
        found.append((name, part.iloc[0]["at_risk"], came.iloc[-1] if len(came) else part.iloc[-1]))
    name, users, row = max(found, key=lambda one: one[2]["not_yet"])
    share, goal = Estimate.of(row, "not_yet"), setting(table, "milestone", "the milestone")
    of = f" of {name}" if name else ""
    text = f"of {counted(users, 'user')}{of} have not done {goal} after {counted(row['days'], 'day')} {share.limits()}"
    most = f", the most of {len(found)} groups" if len(found) > 1 else ""
    return Sentence(share.number(), f"{text}{most}.", "%", [share.limits()])


def times_foot(table: pd.DataFrame) -> list[str]:
    """What a row holds."""
    return [
        "Not yet: Kaplan-Meier share that has not reached it after so many days, with log-log limits. Day 1 is the "
        "first 24 hours; at risk are those watched and not there yet when the day begins."
    ]


def adoption_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The feature that most have taken up."""
    known = table[table["adoption_rate"].notna()]
    if not len(known):
        return none("too few users, or none whose window is over, to say.")
    row = known.iloc[int(known["adoption_rate"].argmax())]
    rate = Estimate.of(row, "adoption_rate")
    window = setting(table, "window")
    text = f"of {counted(row['users'], 'user')}{_of_group(table, row)} have used {row['feature']}"
    text += f"{f' within {window}' if window else ''} {rate.limits()}{_of_how_many(known, 'feature', 'the most')}"
    pieces = [rate.limits()]
    if not numbers.is_missing(row["repeat_rate"]):
        again = Estimate.of(row, "repeat_rate")
        text += f"; {with_unit(again.number())} of these again on a later day {again.limits()}"
        pieces.append(again.limits())
    return Sentence(rate.number(), f"{text}.", "%", pieces)


def adoption_foot(table: pd.DataFrame) -> list[str]:
    """How the rates are divided, and who is left out."""
    row = table.iloc[0]
    which = f"{row['feature']}{_of_group(table, row)}"
    worked = f" {_divided(row['adopters'], row['users'])}, {which}." if row["users"] else ""
    lines = [
        f"Adoption = adopters / users.{worked} Repeat = adopters who used it again on a later day / adopters.",
        "Median by Kaplan-Meier: who has not used it counts for as long as watched.",
    ]
    if table["open"].max():
        lines.append(f"{counted(table['open'].max(), 'user')} whose window is not over are in no adoption rate.")
    return lines


def usage_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The share that used the feature in the last finished period; of groups the highest and the lowest."""
    feature = setting(table, "feature", "it")
    if has_groups(table):
        rows = lasts(table, "usage_rate")
        when = when_told(table, rows, period_length(table) or "period")
        return groups_said(rows, "usage_rate", f"active in {when} did {feature}")

    def say(row: "pd.Series[Any]", when: str) -> str:
        return f"of {counted(row['users'], 'user')} active{f' in {when}' if when else ''} did {feature}"

    return periods_said(table, before, "usage_rate", say)


def usage_foot(table: pd.DataFrame) -> list[str]:
    """Used over active, of the last finished period."""
    lines = ["Usage = active users who used it in the period / users active in it."]
    row = last_of_largest(table, "usage_rate", "users")
    if row is None:
        return [*lines, "No period is finished with enough users, so that no rate exists."]
    worked = f"{quotient(row['used'], row['users'])}{whose(table, row, period_length(table))}"
    return [*lines, f"{worked}. {level(table)} Wilson intervals."]


def outcomes_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many of the onboarded stay, against all others; of groups the one with the most onboarded."""
    group, many, known = _most_onboarded(table[table["outcome"] == "retention"])
    if known is None:
        return none("too few users, or none who has been watched for long enough, to compare.")
    row = known.iloc[0]
    mine, others = Estimate.of(row, "onboarded_rate"), Estimate.of(row, "others_rate")
    said, limits = change(mine, others, f"of {count(row['others'])} others, {with_unit(others.number())}")
    end = setting(table, "seen_in", "the end")
    who = f"onboarded{f' of {group}' if group else ''}{f', the most of {many} groups,' if many > 1 else ''}"
    text = f"of {count(row['onboarded'])} {who} were seen in the last {end} {mine.limits()}: {said}"
    return Sentence(mine.number(), f"{text}. An association, not an effect.", "%", [mine.limits(), *limits])


def _most_onboarded(table: pd.DataFrame) -> tuple[str, int, pd.DataFrame | None]:
    """Of the groups that can be compared, the one with the most onboarded: its name, how many they are, its rows."""
    found = [(name, part[part["difference"].notna()]) for name, part in parts(table)]
    found = [(name, part) for name, part in found if len(part)]
    if not found:
        return "", 0, None
    name, part = max(found, key=lambda one: float(one[1]["onboarded"].max()))
    return name, len(found), part


def outcomes_foot(table: pd.DataFrame) -> list[str]:
    """What each outcome is, one of them worked out, and who is left out."""
    within, follow = setting(table, "within", "the time"), setting(table, "follow_up", "the time")
    days, end = setting(table, "active_days"), setting(table, "seen_in", "days")
    often = "some days" if days is None else counted(days, "day")
    said = [
        f"Onboarded within {within} of the start; outcomes in the {follow} after. Engagement: active on {often} or "
        f"more; retention: seen in the last {end}."
    ]
    group, _, known = _most_onboarded(table)
    if known is not None:
        row = known.iloc[-1]
        worked = f"{quotient(row['onboarded_met'], row['onboarded'])} {numbers.MINUS} "
        worked += f"{quotient(row['others_met'], row['others'])} = {signed(100 * row['difference'], 1)} points"
        said.append(
            f"{worked}, {row['outcome']}{f', {group}' if group else ''}. {level(table)} Wilson and Newcombe intervals."
        )
    recent = setting(table, "too_recent", 0)
    are = "is" if recent == 1 else "are"
    return [*said, f"Left out: {counted(recent, 'user')} who {are} still watched."] if recent else said
