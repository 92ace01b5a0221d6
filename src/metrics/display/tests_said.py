"""What does a test of variants say? Its sentence, and what stands under its table."""

from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.estimates import Estimate, Sentence, none
from metrics.display.kinds import group_of, groups_of, parts, setting
from metrics.display.numbers import count, counted, plain, plural, signed, with_unit
from metrics.display.worked import level

MOST = 3  # groups that are named


def variants_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The variant that differs most from the control, or why none can be told.

    Of several groups it is the one with the largest difference that is certain, else with the largest.
    """
    if not len(table):
        return none("nobody was sent a second variant, so that nothing is compared.")
    groups = parts(table)
    withheld = [name for name, part in groups if _is_withheld(part)]
    if len(withheld) == len(groups):
        return none(uneven_said(table))
    name = "adjusted_difference" if "adjusted_difference" in table else "difference"
    known = [found for found in compared(table) if not numbers.is_missing(found[1][name])]
    if not known:
        why = reason_in_words(table[table["verdict"] != "sample_ratio_mismatch"].iloc[-1]["reason"])
        return none(f"the variants cannot be compared: {why or 'nobody to count'}.")
    sure = [found for found in known if found[1]["verdict"] in ("better", "worse")]
    group, row, control = max(sure or known, key=lambda found: abs(found[1][name]))
    rates = "conversion_rate" in table
    gap = Estimate.of(row, name, 100 if rates else 1)
    limits = f"({signed(gap.low, gap.decimals)} to {signed(gap.high, gap.decimals)})"
    where = f" in {group}" if group else ""
    if rates:
        own, base = (Estimate.of(r, "conversion_rate") for r in (row, control))
        text = f"points {limits}{where}: {with_unit(own.number())} of {count(row['users'])} with {row['variant']}, "
        text += f"{with_unit(base.number())} of {count(control['users'])} with {control['variant']}"
    else:
        adjusted = ", adjusted" if name != "difference" else ""
        text = f"{limits}{adjusted}{where}: a mean of {plain(row['mean'], gap.decimals)} with {row['variant']}, "
        text += f"{plain(control['mean'], gap.decimals)} with {control['variant']}"
    text += f"; p {_p(row['p_adjusted'])}" if not numbers.is_missing(row["p_adjusted"]) else ""
    if row["verdict"] == "association":
        text += ". Nobody assigned them: an association, not an effect"
    elif not sure:
        text += ", which may be chance"
    if len(groups) > 1:
        text += f". {_of_groups(table, len(groups), len({found[0] for found in sure}), withheld)}"
    return Sentence(signed(gap.value, gap.decimals), f"{text}.", "", [limits])


def split_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Whether users were split as meant, or in which groups they were not."""
    if not len(table):
        return none("there are no variants, so that no split is judged.")
    limit = f"a mismatch is below {setting(table, 'threshold', 0.001):g}"
    uneven = table[table["mismatch"].astype(bool)]
    if not groups_of(table):
        row = table.iloc[0]
        said = f"are not split as they should be (p {_p(row['p_value'])}; {limit}): whoever is missing may differ."
        if not len(uneven):
            said = f"are split as they should be: p {_p(row['p_value'])}, and {limit}."
        return Sentence(count(row["users"]), f"{plural(row['users'], 'user')} {said}", "", [])
    are, they = ("is", "it") if len(table) == 1 else ("are", "they")
    text = f"of {counted(len(table), 'group')} {are} not split as {they} should be"
    if not len(uneven):
        return Sentence("0", f"{text}: {limit}, and the least p is {_p(table['p_value'].min())}.", "", [])
    worst = uneven.sort_values("p_value", kind="stable")[:MOST]
    named = [f"{group_of(table, r)} ({counted(r['users'], 'user')}; p {_p(r['p_value'])})" for _, r in worst.iterrows()]
    more = f" and {count(len(uneven) - MOST)} more" if len(uneven) > MOST else ""
    return Sentence(count(len(uneven)), f"{text}: {', '.join(named)}{more}. Whoever is missing may differ.", "", [])


def compared(table: pd.DataFrame) -> list[tuple[str, "pd.Series[Any]", "pd.Series[Any]"]]:
    """Each row of a variant with the name of its group and the row of its control."""
    return [(group, row, part.iloc[0]) for group, part in parts(table) for _, row in part.iloc[1:].iterrows()]


def _is_withheld(part: pd.DataFrame) -> bool:
    return bool(part["verdict"].eq("sample_ratio_mismatch").all())


def uneven_said(table: pd.DataFrame) -> str:
    """Which groups are not split as they were meant to be, and by how much; nothing where all are."""
    groups = parts(table)
    p_values = setting(table, "split_p_values") or [setting(table, "split_p_value")]
    p_values = p_values if len(p_values) == len(groups) else [None] * len(groups)  # not all of its groups
    uneven = [(name, part, p) for (name, part), p in zip(groups, p_values, strict=True) if _is_withheld(part)]
    if not uneven:
        return ""
    if len(uneven) == len(groups):  # also where they are only so taken together
        name = f"any of {count(len(groups))} groups" if len(groups) > 1 else groups[0][0]
        uneven = [(name, table, setting(table, "split_p_value"))]
    said = []
    for name, part, p in uneven[:MOST]:
        users = part.groupby("variant", sort=False)["users"].sum()
        sizes = " and ".join(f"{count(n)} with {variant}" for variant, n in users.items())
        said.append(f"{f'in {name} ' if name else ''}({sizes}; p {_p(p)})")
    more = f" and {count(len(uneven) - MOST)} more groups" if len(uneven) > MOST else ""
    return (
        f"the variants are not as large as they should be {', '.join(said)}{more}: the comparison is withheld, for "
        "whoever is missing may differ."
    )


def _of_groups(table: pd.DataFrame, groups: int, certain: int, withheld: list[str]) -> str:
    """In how many groups something is certain, and which say nothing."""
    if table["verdict"].eq("association").any():
        return f"The largest difference of {count(groups)} groups"
    said = (
        f"A difference is certain in {count(certain)} of {counted(groups - len(withheld), 'group')}, all taken together"
    )
    if withheld:
        said += f"; withheld, for their variants are not as large as they should be: {', '.join(withheld[:MOST])}"
        said += f" and {count(len(withheld) - MOST)} more" if len(withheld) > MOST else ""
    return said


def variants_foot(table: pd.DataFrame) -> list[str]:
    """Rate minus rate of the control; the check of the split; the prior."""
    lines = []
    groups = len(parts(table))
    known = [found for found in compared(table) if not numbers.is_missing(found[1]["difference"])]
    if "conversion_rate" in table:
        lines.append("Difference = rate of the variant − rate of the control, of all who were given it.")
        if known:
            group, row, control = known[0]
            worked = [f"{count(r['converted'])} / {count(r['users'])}" for r in (row, control)]
            points = with_unit(signed(100 * row["difference"], 2), "points")
            whose = ", ".join(name for name in (group, str(row["variant"])) if name)
            lines[0] += f" {worked[0]} − {worked[1]} = {points}, {whose}. {level(table)} Newcombe intervals."
        if not groups_of(table):
            a, b = setting(table, "prior", [1, 1])
            lines.append(f"Better: probability that the rate is above the control's, with a Beta({a:g}, {b:g}) prior.")
    else:
        lines.append(f"Difference = mean of the variant − mean of the control. {level(table)} Welch intervals.")
        if "theta" in table:
            what = setting(table, "covariate", "the covariate")
            slope = plain(table["theta"].iloc[0], 3) if groups == 1 else "the group's slope"
            lines.append(f"Adjusted = difference − {slope} × difference of {what}; p is of it.")
    if groups > 1:
        tests = count(table["p_adjusted"].notna().sum())
        lines.append(
            f"p: allowed for {tests} tests in this table. An effect in one group and none in another is no difference "
            "between the two."
        )
    split = setting(table, "split_p_value")
    if split is None:
        return [*lines, "Nobody assigned the variants: the difference is an association."]
    users = " : ".join(count(n) for n in table.groupby("variant", sort=False)["users"].sum())
    also = " The split of each group is checked too." if groups > 1 else ""
    return [*lines, f"Split {users}, p {_p(split)} that chance alone divides users so.{also}"]


def looks_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """The smallest effect that the planned looks see, and what the first one asks for."""
    first, last, looks = table.iloc[0], table.iloc[-1], len(table)
    if "smallest_effect" not in table:
        text = (
            f"is the |z| that ends the test at the last of {count(looks)} looks, {plain(first['z'], 2)} at the first."
        )
        return Sentence(plain(last["z"], 2), text)
    power = plain(100 * float(setting(table, "power", 0.8)))
    if numbers.is_missing(last["smallest_effect"]):
        return none(
            f"no rise from {plain(100 * float(setting(table, 'baseline', 0.0)), 1)} % is seen in {power} of 100 tests "
            f"with {counted(last['users'], 'user')} of each variant: it would have to go beyond 100 %."
        )
    text = (
        f"points is the smallest difference that {count(looks)} look{'s' * (looks > 1)} at {count(last['users'])} "
        f"users of each variant see in {power} of 100 tests"
    )
    if looks > 1:
        stop = plain(100 * first["difference_to_stop"], 1)
        text += f"; the first, at {count(first['users'])}, ends the test from {stop} points on"
    return Sentence(plain(100 * last["smallest_effect"], 1), f"{text}.")


def looks_foot(table: pd.DataFrame) -> list[str]:
    """The difference that ends the test, worked out at the last look."""
    risk = with_unit(plain(100 * float(setting(table, "alpha", 0.05)), 1).removesuffix(".0"))
    lines = [f"A |z| so large, or a p so small, ends the test; the risk over all looks together is {risk}."]
    if "smallest_effect" in table:
        row, rate = table.iloc[-1], float(setting(table, "baseline", 0.0))
        lines.append(
            f"Ends the test = |z| × √(2 × {plain(rate, 3)} × {plain(1 - rate, 3)} / users): {plain(row['z'], 2)} × "
            f"√({plain(2 * rate * (1 - rate), 4)} / {count(row['users'])}) = "
            f"{with_unit(plain(100 * row['difference_to_stop'], 2), 'points')}."
        )
    return lines


def _p(p: float | None) -> str:
    if p is None or numbers.is_missing(p):
        return numbers.MISSING
    return numbers.chance(p) if p < 0.01 else plain(p, 2)
