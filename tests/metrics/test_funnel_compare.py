"""Groups against a control: whom they are compared with, on what, and when nothing can be said."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from metrics import Step, compare_funnels, conversion_funnel, event_log
from metrics.display.footnotes import footnotes
from metrics.plots.funnel_groups import plot_funnel_groups

SMALL = event_log("""
    2026-01-01  ann    visit    device=desk
    2026-01-02  ann    sign_up  device=desk
    2026-01-03  ann    buy      device=desk
    2026-01-01  ben    visit    device=desk
    2026-01-02  ben    sign_up  device=desk
    2026-01-01  cat    visit    device=desk

    2026-01-01  dan    visit    device=phone
    2026-01-02  dan    sign_up  device=phone
    2026-01-01  eve    visit    device=phone

    2026-01-01  fay    visit                 # nobody knows her device when she enters
    2026-01-02  fay    sign_up  device=desk
""")
STEPS = ["visit", "sign_up", "buy"]
COMPARISON = [
    "difference", "difference_low", "difference_high", "relative_lift", "relative_lift_low", "relative_lift_high",
    "p_value", "p_adjusted",
]  # fmt: skip


def compare(log=SMALL, steps=STEPS, by="device", window="7 days", as_of="2026-02-01", min_users=1, **options):
    return compare_funnels(log, steps, by=by, window=window, as_of=as_of, min_users=min_users, **options)


def crowd(**groups):
    """For each group so many who visit on 1 January, and of them so many who buy the day after."""
    day = pd.Timestamp("2026-01-01", tz="UTC")
    rows = []
    for group, (users, buyers) in groups.items():
        rows += [(f"{group}-{k}", "visit", day, group) for k in range(users)]
        rows += [(f"{group}-{k}", "buy", day + pd.Timedelta(days=1), group) for k in range(buyers)]
    return pd.DataFrame(rows, columns=["user_id", "event", "timestamp", "device"])


def bought(table):
    """The rows of the last step, by group."""
    return table[table["step"] == 2].set_index("group")


def test_the_columns_stand_in_the_order_of_the_contract():
    assert compare().columns.tolist() == [
        "group", "step", "event", "users", "conversion_rate", "conversion_rate_low", "conversion_rate_high",
        *COMPARISON, "reason",
    ]  # fmt: skip


def test_each_group_is_set_against_the_largest_and_the_missing_one_is_a_group():
    table = compare()
    assert table["group"].fillna("?").tolist() == ["desk"] * 3 + ["phone"] * 3 + ["?"] * 3
    assert table["users"].tolist() == [3, 2, 1, 2, 1, 0, 1, 1, 0]
    assert table.attrs["settings"]["control"] == "desk"
    assert "compared with desk, which is the largest" in table.attrs["definition"]
    phone = table[table["group"] == "phone"]
    assert phone["difference"].tolist()[1:] == pytest.approx([1 / 2 - 2 / 3, 0 - 1 / 3])
    assert phone["relative_lift"].tolist()[1:] == pytest.approx([1 / 2 / (2 / 3) - 1, -1])


def test_the_foot_names_the_missing_group():
    assert "points, (missing) at " in footnotes(compare())[0]  # the last one with a difference


def test_the_control_and_the_first_step_have_no_comparison():
    table = compare()
    desk, first = table["group"] == "desk", table["step"] == 1
    assert table.loc[desk | first, COMPARISON].isna().all(axis=None)
    assert table.loc[desk, "reason"].tolist() == ["control"] * 3
    assert table.loc[~desk & first, "reason"].tolist() == ["first_step"] * 2
    assert table.loc[~desk & ~first, ["difference", "p_value", "p_adjusted"]].notna().all(axis=None)


def test_the_group_is_known_at_the_entry():
    # By its first touch fay would count as desk, since she came far enough to be seen there.
    touched = compare(attribution="first_touch")
    assert touched["group"].unique().tolist() == ["desk", "phone"]
    assert touched["users"].tolist() == [4, 3, 1, 2, 1, 0]


def test_limits_and_tests_are_those_of_the_textbooks():
    table = bought(compare(crowd(desk=(200, 80), phone=(150, 40), tv=(40, 1)), ["visit", "buy"]))
    row = table.loc["phone"]
    newcombe = confint_proportions_2indep(40, 150, 80, 200, method="newcomb")
    katz = confint_proportions_2indep(40, 150, 80, 200, compare="ratio", method="log")
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(newcombe)
    assert (row["relative_lift_low"], row["relative_lift_high"]) == pytest.approx(np.subtract(katz, 1))
    z = proportions_ztest([40, 80], [150, 200])[1]
    assert row["p_value"] == pytest.approx(z)
    both = [z, proportions_ztest([1, 80], [40, 200])[1]]
    assert table.loc[["phone", "tv"], "p_adjusted"].tolist() == pytest.approx(multipletests(both, method="holm")[1])


def test_small_counts_are_tested_exactly():
    table = bought(compare(crowd(desk=(40, 3), phone=(35, 0)), ["visit", "buy"], min_users=30))
    assert table.loc["phone", "p_value"] == pytest.approx(fisher_exact([[0, 35], [3, 37]]).pvalue)


def test_p_values_are_adjusted_over_groups_and_steps():
    log = pd.concat([crowd(desk=(99, 50), phone=(60, 20), tv=(50, 20))])
    paid = log[log["event"] == "buy"].assign(event="pay")
    paid = paid.assign(timestamp=paid["timestamp"] + pd.Timedelta(hours=1))[::2]
    table = compare(pd.concat([log, paid]), ["visit", "buy", "pay"], correction="bonferroni")
    tested = table["p_value"].notna()
    assert tested.sum() == 4
    assert table.loc[tested, "p_adjusted"].tolist() == pytest.approx((4 * table.loc[tested, "p_value"]).clip(upper=1))
    holm = compare(pd.concat([log, paid]), ["visit", "buy", "pay"])
    assert (holm.loc[tested, "p_adjusted"] <= table.loc[tested, "p_adjusted"]).all()


def test_below_30_users_nothing_is_compared_and_the_counts_stand():
    log = crowd(desk=(60, 30), phone=(30, 10), tv=(29, 10))
    table = bought(compare_funnels(log, ["visit", "buy"], by="device", as_of="2026-02-01"))
    assert pd.isna(table.loc["phone", "reason"])
    assert table.loc["tv", "reason"] == "below_min_n"
    assert table.loc["tv", COMPARISON].isna().all()
    assert table.loc["tv", ["users", "conversion_rate"]].tolist() == [10, 10 / 29]
    few = bought(compare_funnels(log, ["visit", "buy"], by="device", as_of="2026-02-01", control="tv"))
    assert few.loc[["desk", "phone"], "reason"].tolist() == ["below_min_n"] * 2  # the control is too small


def test_of_groups_of_one_size_the_first_in_order_is_the_control():
    table = compare(crowd(phone=(9, 3), desk=(9, 2), tv=(5, 5)), ["visit", "buy"])
    assert table.attrs["settings"]["control"] == "desk"


def test_the_missing_group_is_the_control_only_if_it_is_asked_for():
    log = crowd(desk=(3, 1), none=(5, 1))
    log["device"] = log["device"].replace("none", None)
    assert compare(log, ["visit", "buy"]).attrs["settings"]["control"] == "desk"
    asked = compare(log, ["visit", "buy"], control=pd.NA)
    assert asked.attrs["settings"]["control"] == "(missing)"
    assert asked["reason"].fillna("").tolist() == ["first_step", "", "control", "control"]
    nobody_known = log[log["device"].isna()]
    assert compare(nobody_known, ["visit", "buy"])["reason"].tolist() == ["control"] * 2


def test_a_control_is_chosen_by_its_value():
    log = crowd(desk=(9, 3), phone=(5, 5))
    table = compare(log, ["visit", "buy"], control="phone")
    assert bought(table).loc["desk", "difference"] == pytest.approx(3 / 9 - 1)
    assert "compared with phone, as chosen" in table.attrs["definition"]
    numbered = log.assign(device=log["device"].map({"desk": 1, "phone": 2}))
    assert compare(numbered, ["visit", "buy"], control=2)["reason"].tolist()[2:] == ["control"] * 2
    with pytest.raises(ValueError, match=r"control: 'fone' is not a group.*Did you mean 'phone'"):
        compare(log, ["visit", "buy"], control="fone")


def test_several_columns_make_groups_of_their_combinations():
    log = crowd(desk=(6, 3), phone=(4, 4)).assign(plan=lambda e: np.where(e["user_id"].str[-1] == "0", "pro", None))
    table = compare(log, ["visit", "buy"], by=["device", "plan"])
    assert table.columns[:4].tolist() == ["device", "plan", "group", "step"]
    assert table["group"].unique().tolist() == ["desk, pro", "desk, (missing)", "phone, pro", "phone, (missing)"]
    assert table.attrs["settings"]["control"] == "desk, pro"  # of those without a missing value
    chosen = compare(log, ["visit", "buy"], by=["device", "plan"], control=("phone", None))
    assert chosen.loc[chosen["reason"] == "control", "group"].unique().tolist() == ["phone, (missing)"]
    with pytest.raises(ValueError, match="is not one value for each of"):
        compare(log, ["visit", "buy"], by=["device", "plan"], control="phone")


def test_where_nobody_or_everybody_converts_there_is_no_test_and_the_limits_stand():
    stranger = event_log("2026-01-05 zoe buy")  # never entered
    none = pd.concat([crowd(desk=(40, 0), phone=(40, 0)), stranger])
    none = bought(compare(none, ["visit", "buy"])).loc["phone"]
    assert none["reason"] == "p_value: zero_variance; relative_lift: zero_denominator"
    assert none[["difference_low", "difference_high"]].tolist() == pytest.approx([-0.0876, 0.0876], abs=1e-4)
    assert none[["p_value", "p_adjusted", "relative_lift"]].isna().all()
    everybody = bought(compare(crowd(desk=(40, 40), phone=(40, 40)), ["visit", "buy"])).loc["phone"]
    assert everybody["reason"] == "p_value: zero_variance"
    assert everybody["relative_lift_low"] < everybody["relative_lift"] == 0 < everybody["relative_lift_high"]


def test_a_lift_over_nobody_is_missing_while_the_difference_stands():
    row = bought(compare(crowd(desk=(40, 0), phone=(30, 9)), ["visit", "buy"])).loc["phone"]
    assert row["reason"] == "relative_lift: zero_denominator"
    assert row["difference"] == pytest.approx(0.3)
    assert row["p_value"] == pytest.approx(fisher_exact([[9, 21], [0, 40]]).pvalue)


def test_one_group_is_its_own_control_and_no_rows_are_no_groups():
    assert compare(crowd(desk=(5, 2)), ["visit", "buy"])["reason"].tolist() == ["control"] * 2
    empty = compare(SMALL[:0])
    assert len(empty) == 0
    assert empty.columns.tolist() == compare().columns.tolist()


def test_a_group_of_void_attempts_only_has_nobody_to_compare():
    extra = event_log("2026-01-01 gus visit device=tv\n2026-01-01 01:00 gus cancel device=tv")
    table = compare(pd.concat([SMALL, extra]), exclude=[("cancel", 1, 3)]).set_index("group").loc["tv"]
    assert table["users"].tolist() == [0, 0, 0]
    assert table["reason"].tolist() == ["zero_denominator"] * 3
    assert table[["conversion_rate", *COMPARISON]].isna().all(axis=None)


# --- open windows


def two_waves():
    """Everybody buys on the sixth day; phones came in January, desks in the days before the export ends."""
    lines = []
    for k in range(40):
        lines += [f"2026-01-05 p{k} visit device=phone", f"2026-01-10 p{k} buy device=phone"]
        lines += [f"2026-01-05 d{k} visit device=desk", f"2026-01-10 d{k} buy device=desk"]
        lines += [f"2026-01-28 late{k} visit device=desk"]
    return event_log("\n".join(lines))


def test_only_entries_whose_window_is_over_are_compared():
    table = bought(compare(two_waves(), ["visit", "buy"]))
    assert table["users"].tolist() == [40, 40]
    assert table.loc["phone", "difference"] == 0
    assert "only entries whose window is over" in compare(two_waves(), ["visit", "buy"]).attrs["definition"]


def test_a_rate_that_can_still_rise_is_shown_and_not_compared():
    table = bought(compare(two_waves(), ["visit", "buy"], mature_only=False))
    assert table["conversion_rate"].tolist() == [0.5, 1.0]  # 40 of 80 so far
    assert table.loc["phone", "reason"] == "immature"
    assert table.loc["phone", COMPARISON].isna().all()
    over = bought(compare(two_waves(), ["visit", "buy"], mature_only=False, as_of="2026-03-01"))
    assert over.loc["phone", "p_value"] < 0.001


def test_an_open_window_at_one_step_leaves_the_step_before_it_decided():
    log = pd.concat([
        crowd(desk=(40, 40), phone=(40, 20)), event_log("2026-01-31 new visit device=phone\n2026-01-31 new buy")
    ])  # fmt: skip
    log = pd.concat([log, event_log("2026-01-03 desk-1 pay")])
    table = compare(log, ["visit", "buy", "pay"], control="desk", mature_only=False).set_index(["group", "step"])
    assert pd.isna(table.loc[("phone", 2), "reason"])
    assert table.loc[("phone", 3), "reason"] == "immature"
    optional = compare(log, ["visit", Step("buy", optional=True), "pay"], control="desk", mature_only=False)
    assert optional["reason"].tolist()[-2:] == ["immature", "immature"]
    mature = compare(log, ["visit", Step("buy", optional=True), "pay"], control="desk")
    assert mature["p_value"].notna().sum() == 2


def test_the_rates_are_those_of_the_funnel():
    options = {"window": "7 days", "as_of": "2026-02-01", "by": "device", "attribution": "first_touch"}
    funnel = conversion_funnel(two_waves(), ["visit", "buy"], **options)
    table = compare_funnels(two_waves(), ["visit", "buy"], mature_only=False, confidence=0.9, **options)
    assert table["users"].tolist() == funnel["users"].tolist()
    assert table["conversion_rate"].tolist() == funnel["conversion_rate"].tolist()
    assert (table["conversion_rate_low"][3], table["conversion_rate_high"][1]) > (funnel["conversion_rate_low"][3], 0)


# --- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": None}, "by: None names no column"),
        ({"by": []}, "names no column"),
        ({"by": "plan"}, "by: 'plan' is not a column"),
        ({"counting": "attempts"}, "attempts of a user are alike"),
        ({"attribution": "all_events"}, "puts a user into several groups"),
        ({"attribution": "last_touch"}, "'last_touch' sorts users by what they did after entry"),
        ({"attribution": "step", "attribution_step": 2}, "attribution_step=2 sorts users by what they did"),
        ({"correction": "none"}, "correction: 'none' is not known"),
        ({"min_users": 0}, "min_users: 0 is not a count"),
    ],
)
def test_what_would_make_groups_differ_by_itself_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compare(**options)


def test_names_of_the_result_are_refused_as_groups():
    with pytest.raises(ValueError, match="by: 'group' is a column of the result"):
        compare(SMALL.assign(group="x"), by="group")


def test_a_misspelt_argument_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match=r"compare_funnels\(\) has no argument 'controls'. Did you mean 'control'"):
        compare(controls="desk")


# --- chance


def test_where_nothing_differs_p_is_below_5_percent_in_5_percent_of_groups():
    rng = np.random.default_rng(20260)
    groups = {"control": (20_000, int(rng.binomial(20_000, 0.3)))}
    groups |= {f"g{k}": (100, int(rng.binomial(100, 0.3))) for k in range(200)}
    table = bought(compare(crowd(**groups), ["visit", "buy"])).drop("control")
    assert 0.02 < (table["p_value"] < 0.05).mean() < 0.08
    assert (table["p_adjusted"] < 0.05).mean() < 0.01
    misses = (table["difference_low"] > 0) | (table["difference_high"] < 0)
    assert 0.02 < misses.mean() < 0.08
    assert 0.02 < ((table["relative_lift_low"] > 0) | (table["relative_lift_high"] < 0)).mean() < 0.08


# --- figure


def test_the_figure_says_each_difference_at_the_last_step_and_why_one_is_missing():
    table = compare(crowd(desk=(200, 80), phone=(150, 40), tv=(20, 9)), ["visit", "buy"], min_users=30)
    axes = plot_funnel_groups(table)
    said = [text.get_text() for text in axes.texts]
    assert said[:4] == ["phone", "−13 points (−23 to −3)", "tv", "too few to say"]
    drawn = [line.get_xdata().tolist() for line in axes.lines if len(set(line.get_xdata())) == 2]
    row = bought(table).loc["phone"]
    assert drawn == [pytest.approx([100 * row["difference_low"], 100 * row["difference_high"]])]
    assert axes.get_xlim() == (-40, 40)
    alone = plot_funnel_groups(compare(crowd(desk=(200, 80)), ["visit", "buy"]))
    assert [text.get_text() for text in alone.texts] == ["There is no second group."]
    with pytest.raises(ValueError, match="it is no result of compare_funnels"):
        plot_funnel_groups(table.drop(columns="difference"))


def re_entering(seed, users=300):
    """Every entry converts with the same chance; half of those who fail come back, mostly from a desk."""
    rng, rows = np.random.default_rng(seed), []
    for user in range(users):
        at, device = pd.Timestamp("2026-01-01", tz="UTC"), "phone" if rng.random() < 0.7 else "desk"
        while True:
            rows.append((f"u{user}", "a", at, device))
            if rng.random() < 0.2:
                rows.append((f"u{user}", "b", at + pd.Timedelta(hours=1), device))
                break
            if rng.random() < 0.5:
                break
            at, device = at + pd.Timedelta(days=2), "desk" if rng.random() < 0.7 else "phone"
    return pd.DataFrame(rows, columns=["user_id", "event", "timestamp", "device"])


def test_groups_that_do_not_differ_are_alike_by_the_first_entry_and_not_by_the_attempt_that_counts():
    found = {"entry": 0, "step": 0}
    for seed in range(20):
        log = re_entering(seed)
        for attribution in found:
            table = compare_funnels(
                log, ["a", "b"], by="device", window="1 day", as_of="2026-03-01", attribution=attribution
            )
            found[attribution] += bool((table["p_value"].dropna() < 0.05).any())
    assert found["entry"] <= 4
    assert found["step"] >= 10
