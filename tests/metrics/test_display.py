"""Tables, sentences and definitions as a reader meets them: every figure with its unit, nothing that could be HTML."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import metrics
from metrics import event_log
from metrics.display import definitions, headline, numbers, show
from metrics.display.footnotes import footnotes
from metrics.display.sentences import sentence
from metrics.events.account import account_of

THIN = "\u202f"


def funnel(**changes):
    table = pd.DataFrame({
        "step": [1, 2, 3],
        "event": ["sign_up", "invite", "share"],
        "users": [200, 120, 80],
        "dropped": [0, 70, 25],
        "open": [0, 10, 15],
        "conversion_rate": [1.0, 0.6, 0.4],
        "conversion_rate_low": [1.0, 0.531, 0.335],
        "conversion_rate_high": [1.0, 0.665, 0.469],
        "step_conversion_rate": [1.0, 0.6, 80 / 120],
        "step_conversion_rate_low": [1.0, 0.531, 0.578],
        "step_conversion_rate_high": [1.0, 0.665, 0.745],
        "censored_conversion_rate": [1.0, 0.65, 0.47],
        "censored_conversion_rate_low": [1.0, 0.58, 0.402],
        "censored_conversion_rate_high": [1.0, 0.71, 0.541],
        "median_seconds": [np.nan, 14_400.0, 93_600.0],
    }).assign(**changes)  # fmt: skip
    table.attrs = {
        "metric": "conversion_funnel", "definition": "Who gets how far.",
        "settings": {"window": "14 days", "confidence": 0.95},
    }  # fmt: skip
    return table


def churn():
    return pd.DataFrame({
        "period_start": pd.to_datetime(["2026-02-01", "2026-03-01", "2026-04-01"]),
        "users": [120, 100, 90],
        "churned": [12, 15, 3],
        "churn_rate": [0.1, 0.15, np.nan],
        "churn_rate_low": [0.058, 0.093, np.nan],
        "churn_rate_high": [0.167, 0.233, np.nan],
        "complete": [True, True, False],
        "reason": pd.Series([None, None, "incomplete_period"], dtype="str"),
    })  # fmt: skip


def nps(score=-25.0, low=-48.0, high=1.0):
    return pd.DataFrame({
        "responses": [40], "promoters": [10], "passives": [10], "detractors": [20], "net_promoter_score": [score],
        "net_promoter_score_low": [low], "net_promoter_score_high": [high], "reason": pd.Series([None], dtype="str"),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "decimals", "written"),
    [
        (0.282, 1, "28.2"), (0.9995, 1, f">{THIN}99.9"), (1.0, 1, "100.0"), (1.0, 0, "100"), (0.0, 1, "0.0"),
        (0.0004, 1, f"<{THIN}0.1"), (0.004, 0, f"<{THIN}1"), (0.996, 0, f">{THIN}99"), (None, 1, "–"), (np.nan, 0, "–"),
    ],
)  # fmt: skip
def test_a_rate_is_never_rounded_to_none_or_all(rate, decimals, written):
    assert numbers.percent(rate, decimals) == written


def test_numbers_have_a_minus_sign_thousands_and_no_negative_zero():
    assert numbers.plain(-1204.4) == "−1,204"
    assert numbers.plain(-0.04, 1) == "0.0"
    assert numbers.signed(0.4, 1) == "+0.4"
    assert numbers.signed(-19.1, 1) == "−19.1"
    assert numbers.count(412806) == "412,806"
    assert numbers.with_unit("28.2") == "28.2\u202f%"


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (2.5, 0, "3"), (3.5, 0, "4"), (-2.5, 0, "−3"), (12.5, 0, "13"), (0.125, 2, "0.13"), (999.5, 0, "1,000"),
        (2.675, 2, "2.68"), (1.005, 2, "1.01"), (2.4999, 0, "2"), (0.5, 0, "1"), (0.45, 0, "0"), (-0.45, 0, "0"),
        (100 * 0.285, 0, "29"),  # 28.499999999999996
        (10**15 + 1, 0, "1,000,000,000,000,001"), (1e30, 1, "1,000,000,000,000,000,019,884,624,838,656.0"),
        (np.float64(2.5), 0, "3"), (np.int64(25), 0, "25"),
    ],
)  # fmt: skip
def test_a_half_is_rounded_away_from_zero_as_it_reads(value, decimals, written):
    assert numbers.plain(value, decimals) == written


def test_shares_of_small_groups_are_rounded_as_people_round():
    assert numbers.share(1, 8) == f"13{THIN}%"
    assert numbers.percent(0.0025) == "0.3"
    assert numbers.percent(0.9995) == f">{THIN}99.9"
    assert numbers.duration(2.5) == f"3{THIN}s"


@pytest.mark.parametrize(("width", "decimals"), [(3.2, 1), (12, 0), (9.9, 1), (0.5, 2), (10, 0), (0, 1), (100, 0)])
def test_an_interval_supports_two_digits_of_its_width(width, decimals):
    assert numbers.decimals_for([width]) == decimals


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(45, "45 s"), (720, "12 min"), (15120, "4.2 h"), (93600, "26 h"), (267840, "3.1 days"), (None, "–")],
)
def test_durations_have_the_unit_that_fits(seconds, written):
    assert numbers.duration(seconds) == written.replace(" ", "\u00a0" if "days" in written else THIN)


def test_a_funnel_as_a_table():
    html = show(funnel(), "The funnel in numbers").html
    assert html.startswith(
        '<div class="with-foot"><div class="table" role="region" aria-label="The funnel in numbers" tabindex="0">'
        '<table><caption>The funnel in numbers</caption><thead><tr><th scope="col">Step</th><th scope="col">Users</th>'
        '<th scope="col">Stopped</th><th scope="col" class="extra">Open</th><th scope="col">Step rate, %</th>'
        '<th scope="col" class="extra">From start, %</th><th scope="col" class="extra">Median time</th></tr></thead>'
        '<tbody><tr><th scope="row">sign_up</th><td>200</td><td>–</td><td class="extra">–</td><td>–</td>'
        '<td class="extra">100</td><td class="extra">–</td></tr>'
        '<tr><th scope="row" class="hot">invite</th><td>120</td><td class="hot">70</td><td class="extra">10</td>'
        '<td class="hot">60 <small class="interval">53 to 67</small></td>'
    )
    assert html.endswith(
        '<p class="foot">Users of the step before = users + stopped + open: 120 = 80 + 25 + 15.<br>'
        f"Step rate = users / users of the step before: 80 / 120 = 66.7{THIN}%. "
        f"From start = users / users of the first step: 80 / 200 = 40.0{THIN}%.<br>"
        "Who still has time counts as not converted so far; with open windows allowed for (Kaplan-Meier) "
        f"47.0{THIN}% reach the last step.</p></div>"
    )


def test_a_period_that_is_not_over_is_muted_and_says_so_in_words():
    html = show(churn(), "Churn").html
    assert (
        '<tr class="unfinished"><th scope="row">Apr\u00a02026 <small class="interval">unfinished</small></th>' in html
    )
    assert '<td>– <small class="interval reason">not over yet</small></td>' in html
    assert "complete" not in html.lower().replace("incomplete", "")
    assert f"15 / 100 = 15.0{THIN}%, March 2026, users active at its opening." in html


def test_hostile_names_and_values_stay_words():
    table = pd.DataFrame({"<img src=x>": ["<script>x()</script>", '"&'], "users": [1, 2]})
    html = show(table, "<b>caption</b>").html + show(funnel(event=["<i>", "<script>", '"']), '"').html
    for tag in ("<img", "<script", "<b>", "<i>"):
        assert tag not in html
    assert "&lt;script&gt;x()&lt;/script&gt;" in html
    said = headline(funnel(event=["<i>", "<script>", '"']))._repr_mimebundle_()["text/html"]
    assert "<script" not in said
    assert "<i>" not in said


def test_a_long_table_says_how_much_is_left_out():
    html = show(pd.DataFrame({"user_id": [f"u{k}" for k in range(1300)]}), "All", rows=20).html
    assert html.count("<tr>") == 21
    assert "The first 20 rows; 1,280 more are not shown." in html


def test_columns_say_their_unit():
    table = pd.DataFrame({
        "plan": ["pro"], "revenue_value": [1234.5], "median_days": [3.25], "share": [0.0153],
        "first_order": pd.to_datetime(["2026-10-12"]), "open_rate": [0.5], "open_rate_low": [0.48],
        "open_rate_high": [0.52],
    })  # fmt: skip
    html = show(table, "x").html
    for cell in (
        "1,234.50",
        "3.25",
        "1.53",
        "12\u00a0Oct\u00a02026",
        '50.0 <small class="interval">48.0 to 52.0</small>',
    ):
        assert re.search(rf'<td( class="text")?( data-head="[^"]+")?>{re.escape(cell)}</td>', html), cell
    assert "Median, days" in html
    assert "Opened, %" in html


def test_money_loses_its_cents_when_it_is_large():
    assert "12,346" in show(pd.DataFrame({"mean_value": [12345.67, 1.2]}), "").html


def test_an_empty_table_and_one_without_columns_are_shown():
    assert "No rows" in show(funnel()[:0], "x").html
    assert "No columns" in show(pd.DataFrame(), "x").html


def test_columns_of_one_name_are_told_apart():
    html = show(pd.DataFrame([[1, 2]], columns=["a", "a"]), "x").html
    assert '<th scope="row">1</th><td>2</td>' in html


def test_cohorts_become_a_triangle_and_unfinished_cells_carry_an_asterisk():
    cells = pd.DataFrame({
        "cohort": pd.to_datetime(["2026-03-02", "2026-03-02", "2026-03-02", "2026-03-09", "2026-03-09"]),
        "period": [0, 1, 2, 0, 1], "users": [10, 10, 10, 20, 20], "retained": [10, 4, 3, 20, 5],
        "retention_rate": [1.0, 0.4, 0.3, 1.0, 0.25], "complete": [True, True, False, True, True],
    })  # fmt: skip
    html = show(cells, "Cohorts").html
    assert '<th scope="row">2\u00a0Mar</th><td>10</td><td>40</td><td class="unfinished">30*</td>' in html
    assert '<th scope="row">9\u00a0Mar</th><td>20</td><td>25</td><td></td>' in html
    assert f"5 / 20 = 25.0{THIN}%, cohort of the week of 9 Mar 2026, week 1." in html


def test_the_account_is_a_sum():
    account = pd.DataFrame({
        "stage": ["read", "kept", "duplicate", "rejected", "rejected"],
        "reason": ["", "in the table", "same_event_id", "no_time", "no user"],
        "rows": [1000, 960, 30, 7, 3], "share": [1.0, 0.96, 0.03, 0.007, 0.003],
    })  # fmt: skip
    html = show(account, "Account").html
    assert '<tr class="sum"><th scope="row">Read</th>' in html
    assert "Read = kept + duplicate + system + rejected: 1,000 = 960 + 30 + 0 + 10." in html
    assert headline(account) == "960 of 1,000 rows read were kept; 30 duplicate, 10 rejected."


def closed(**changes):
    """The same funnel with every window over."""
    return funnel(open=0, **changes)


def test_the_headline_of_a_funnel():
    said = headline(closed())
    assert said == (
        f"40{THIN}% of 200 who did sign_up did share within 14 days (34 to 47); most are lost at invite "
        f"(35{THIN}% of those before)."
    )
    bundle = said._repr_mimebundle_()
    assert bundle["text/html"].startswith(
        f'<ul class="headlines"><li><b class="number">40<span class="unit">{THIN}%</span></b> '
        '<p>of 200 who did sign_up did share within 14 days <span class="interval">(34 to 47)</span>; most'
    )
    figure = bundle["application/vnd.metrics.headline+json"]
    assert (figure["number"], figure["unit"]) == ("40", "%")


def test_open_windows_are_undecided_in_the_headline():
    said = headline(funnel())
    assert said.startswith(f"47{THIN}% of 200 who did sign_up did share within 14 days (40 to 54); most are lost")
    assert said.endswith("25 who still have time are taken as undecided.")
    young = funnel(censored_conversion_rate=np.nan)
    assert headline(young).startswith(f"40{THIN}%")
    assert headline(young).endswith("25 who still have time count as not converted so far.")


def test_a_change_whose_interval_holds_0_may_be_chance():
    # Newcombe's method on 80/200 against 90/200: -5 points, from -14.6 to 4.7.
    before = closed(conversion_rate=[1, 0.6, 0.45], conversion_rate_low=[1, 0.53, 0.3826],
                    conversion_rate_high=[1, 0.67, 0.5193])  # fmt: skip
    assert "5 points lower than before (−15 to +5), which may be chance; most" in headline(closed(), before=before)
    far = closed(conversion_rate=[1, 0.6, 0.7], conversion_rate_low=[1, 0.53, 0.633],
                 conversion_rate_high=[1, 0.67, 0.759])  # fmt: skip
    assert "30 points lower than before (−39 to −20); most" in headline(closed(), before=far)


def test_groups_of_retention_are_set_against_each_other():
    cells = pd.DataFrame({
        "plan": ["pro"] * 2 + ["free"] * 2, "cohort": pd.Timestamp("2026-01-05"), "period": [0, 1] * 2,
        "users": [100] * 4, "retained": [100, 60, 100, 30], "retention_rate": [1, 0.6, 1, 0.3], "complete": True,
    })  # fmt: skip
    assert headline(cells).startswith(
        f"60{THIN}% of pro came back in period 1 (50 to 69), the most of 2 groups: 30 points"
    )


def test_groups_that_are_alike_are_not_told_as_two_moments():
    cells = pd.DataFrame({
        "plan": ["pro"] * 2 + ["free"] * 2, "cohort": pd.Timestamp("2026-01-05"), "period": [0, 1] * 2,
        "users": [100] * 4, "retained": [100, 60] * 2, "retention_rate": [1, 0.6] * 2, "complete": True,
    })  # fmt: skip
    assert f": the same within 1 point as free at 60{THIN}% (−13 to +13)" in headline(cells)
    alike = closed(conversion_rate=[1, 0.6, 0.4], conversion_rate_low=[1, 0.53, 0.3346],
                   conversion_rate_high=[1, 0.67, 0.4692])  # fmt: skip
    assert ": as before within 1 point" in headline(closed(), before=alike)


def test_the_headline_of_churn_is_the_last_finished_month_against_the_one_before():
    assert headline(churn()) == (
        f"15{THIN}% of 100 users active at the start of March 2026 churned (9 to 23): "
        "5 points higher than in February 2026 (−4 to +14), which may be chance."
    )


def test_a_negative_score_has_a_minus_sign():
    assert headline(nps()).startswith("−25 is the net promoter score (−48 to 1).")


def test_no_score_is_said_with_its_reason():
    table = nps(np.nan, np.nan, np.nan).assign(reason="below_min_n")
    assert headline(table) == "– there is no net promoter score: too few to say."


def test_an_estimate_without_an_interval_has_no_brackets():
    bare = churn().drop(columns=["churn_rate_low", "churn_rate_high"])
    assert "(" not in headline(bare)
    assert "interval" not in show(bare[:2].drop(columns="complete"), "").html.split("<p ")[0]


def test_groups_are_told_by_the_highest_and_the_lowest():
    both = pd.concat([nps().assign(plan="free"), nps(40.0, 30.0, 50.0).assign(plan="team")], ignore_index=True)
    both.insert(0, "plan", both.pop("plan"))
    assert headline(both) == (
        "40 is the net promoter score of team (30 to 50), the highest of 2 groups: "
        "65 points higher than free at −25 (+37 to +90)."
    )


def test_nothing_finished_is_said_and_does_not_crash():
    assert headline(churn()[2:]).startswith("– no period is finished")
    assert headline(funnel(users=0)).startswith("– nobody did the first step")


def test_a_table_of_no_metric_has_no_headline():
    with pytest.raises(ValueError, match=r"no metric has the columns \['a'\].*Known are .*'churn_rate'"):
        headline(pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="another metric"):
        headline(funnel(), before=churn())


def test_definitions_are_given_once_each():
    html = definitions(funnel(), funnel()).html
    assert html == '<dl class="definitions"><div><dt>Conversion funnel</dt><dd>Who gets how far.</dd></div></dl>'
    with pytest.raises(ValueError, match="table 2 has no definition"):
        definitions(funnel(), churn())


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(TypeError, match="headline: NoneType is not a table"):
        headline(None)
    with pytest.raises(TypeError, match="int is neither a table nor axes"):
        show(3, "x")
    with pytest.raises(ValueError, match="rows: 0"):
        show(churn(), "x", rows=0)


def test_tables_are_not_changed():
    table, same = churn(), churn()
    show(table, "x")
    headline(table)
    pd.testing.assert_frame_equal(table, same)


def test_importing_the_package_leaves_matplotlib_alone():
    code = "import sys, metrics, metrics.display, metrics.plots; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_the_mean_value_has_its_interval_its_currency_and_its_holdout_error():
    table = pd.DataFrame({
        "customer_id": list("abcd"), "clv": [10.0, 20, 30, 40], "basis": "revenue", "holdout_error": -0.121,
    })  # fmt: skip
    table.attrs = {
        "metric": "customer_lifetime_value",
        "settings": {"currency": "EUR", "mean_low": 22.4, "mean_high": 27.6, "horizon": "1 year", "model": "bgnbd"},
    }
    said = headline(table)
    assert said.startswith(f"25.0{THIN}EUR of revenue")
    assert "in 1 year on average (22.4 to 27.6): 100 from 4 customers (BG/NBD)" in said
    assert f"missed the purchases of the second half by −12.1{THIN}%" in said


def test_what_was_merged_and_refunded_is_told_under_the_values():
    table = pd.DataFrame({
        "customer_id": ["a"], "clv": [10.0], "basis": "revenue", "holdout_error": np.nan, "expected_value": 5.0,
        "discounted_purchases": 2.0,
    })  # fmt: skip
    table.attrs = {"metric": "customer_lifetime_value", "settings": {"merged_orders": 3, "refunds": 1200}}
    foot = footnotes(table)
    assert "3 orders were merged into another of the same day." in foot
    assert "1,200 refunds were taken off the value of their day." in foot


def test_a_miss_is_told_of_every_model_and_beside_the_simple_rules():
    check = pd.DataFrame({
        "model": ["bgnbd", "mbgnbd", "recency", "rate"], "actual_purchases": 50,
        "predicted_purchases": [44.0, 42, np.nan, 78], "error": [-0.12, -0.16, np.nan, 0.56],
    })  # fmt: skip
    said = sentence(check).text
    assert "how far off BG/NBD was: it expected 44 purchases, and 50 came" in said
    assert f"Other models: MBG/NBD −16{THIN}%. Simple rules: rate so far +56{THIN}%." in said


def test_parameters_of_any_size_have_three_digits_and_an_edge_is_named():
    table = pd.DataFrame({
        "parameter": ["r", "alpha"], "estimate": [0.02314, 1896788.0], "std_error": [0.0119, np.nan],
        "low": [0.0101, np.nan], "high": [np.inf, np.nan],
    })  # fmt: skip
    settings = {"model": "mbgnbd", "unit": "week", "confidence": 0.95, "reason": "no_difference_between_customers"}
    table.attrs = {"metric": "fitted_parameters", "settings": settings}
    html = show(table, "Parameters").html
    assert "0.0231" in html
    assert "0.0101 to ∞" in html
    assert "1,896,788" in html
    assert "MBG/NBD, in weeks, by maximum likelihood." in html
    assert "highest at an edge" in html


@pytest.mark.parametrize("wave", [[2018, 2019], [2018.0, np.nan]])
def test_a_group_that_is_a_number_is_a_name(wave):
    table = pd.DataFrame({
        "wave": wave, "responses": 1200, "promoters": 600, "passives": 300, "detractors": 300,
        "net_promoter_score": 25.0, "net_promoter_score_low": 20.0, "net_promoter_score_high": 30.0,
    })  # fmt: skip
    assert '<th scope="row">2018</th>' in show(table, "NPS").html
    assert "1,200" in show(table, "NPS").html


def test_a_definition_that_builds_on_another_is_told_by_what_it_adds():
    grown = funnel()
    grown.attrs = {"metric": "funnel_trend", "definition": "Who gets how far; by month."}
    assert definitions(funnel(), None, grown).text == (
        "Conversion funnel: Who gets how far.\nFunnel trend: As conversion funnel; by month."
    )


LIVES = event_log("""
    2026-01-05  ann  sign_up
    2026-01-05  ben  sign_up
    2026-01-12  ann  share
    2026-01-13  cat  sign_up
    2026-01-14  ann  share
    2026-01-26  ben  share
""")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            metrics.active_users(LIVES, as_of="2026-01-15"),
            "3 users were active in the 30 days up to 14 Jan 2026; 1 of these on the last of them, 33 % (6 to 79).",
        ),
        (
            metrics.lifecycle(LIVES, as_of="2026-01-20"),
            "2 users were active in the week of 12 Jan 2026: 1 new, 1 from the week before, 0 back after a break. "
            "1 stayed away: 1.0 came for each who went.",
        ),
        (
            metrics.stickiness(LIVES, period="week"),
            "33 % of 3 users came in only one of 4 weeks (6 to 79); half came in 2 or more.",
        ),
        (
            metrics.milestones(LIVES, start_event="sign_up", milestones=["share"], min_n=1, as_of="2026-02-01"),
            "67 % of 3 who did sign_up have reached share so far (21 to 94); half do within 21 days.",
        ),
        (
            metrics.time_to_milestone(LIVES, start_event="sign_up", milestone="share", as_of="2026-02-01"),
            "0 % of 3 users have not done share after 21 days (0 to 95).",
        ),
        (
            metrics.feature_adoption(LIVES, features=["share"], min_n=1, as_of="2026-02-01"),
            "67 % of 3 users have used share (21 to 94); 50 % of these again on a later day (9 to 91).",
        ),
        (metrics.active_users(LIVES[:0], as_of="2026-01-15"), "– no day is over yet, so that nobody can be counted."),
        (metrics.stickiness(LIVES[:0]), "– nobody was active in the range."),
    ],
    ids=["active", "lifecycle", "stickiness", "milestones", "times", "adoption", "no day", "nobody"],
)
def test_activity_is_said_with_its_numbers(table, said):
    one = sentence(table)
    number = f"{one.number} {one.unit}".strip()
    assert f"{number} {one.text}".replace(THIN, " ").replace("\u00a0", " ") == said
    assert len(table) == 0 or footnotes(table)


def test_a_median_of_minutes_is_not_told_in_parts_of_a_day():
    table = pd.DataFrame({
        "milestone": ["confirm", "share"], "users": [20, 20], "reached": [18, 12], "not_yet": [2, 8],
        "median_days": [138 / 86_400, 3.2], "median_days_low": [128 / 86_400, 2.1], "median_days_high": [0.5, np.nan],
    })  # fmt: skip
    html = show(table, "x").html.replace(THIN, " ").replace("\u00a0", " ")
    assert ">Median time</th>" in html
    assert '<td>2.3 min <small class="interval">2.1 min to 12 h</small></td>' in html
    assert "<td>3.2 days" in html
    assert ">Median, days</th>" in show(table.iloc[1:], "x").html


def test_a_reason_that_names_its_estimate_is_told_of_no_other():
    table = pd.DataFrame({
        "due": [0], "renewed": [0], "not_renewed": [0], "rate_of_due": [np.nan], "rate_of_due_low": [np.nan],
        "rate_of_due_high": [np.nan], "active": [4], "rate_of_active": [np.nan], "rate_of_active_low": [np.nan],
        "rate_of_active_high": [np.nan], "reason": ["rate_of_due: zero_denominator; rate_of_active: below_min_n"],
    })  # fmt: skip
    reasons = re.findall('<small class="interval reason">(.*?)</small>', show(table, "x").html)
    assert reasons == ["nobody to count", "too few to say"]


def test_a_date_among_words_is_one_word():
    html = show(pd.DataFrame({"who": ["ann"], "evidence": ["ended on 2026-01-31"], "day": ["2026-01-31"]}), "x").html
    assert 'ended on <span class="whole">2026-01-31</span></td>' in html
    assert '<td class="text">2026-01-31</td>' in html


def test_the_foot_of_a_lifecycle_shows_both_sums():
    foot = footnotes(metrics.lifecycle(LIVES, as_of="2026-01-19"))
    assert foot[1] == "2 = 1 + 1 + 0, the week of 12 Jan 2026; before it 1 + 1 = 2."


def test_a_part_that_has_all_it_needs_shows_nothing_and_any_other_one_sentence():
    part = metrics.given(events_file="events.csv", weeks=0, ratio=0.0)
    assert part
    assert show(part) is None
    part = metrics.given(events_file="events.csv", sends_file="", plan=None, steps=[])
    assert not part
    assert str(show(part)) == "Left out: this part needs sends_file, plan and steps."
    assert show(part).html == '<p class="left-out">Left out: this part needs sends_file, plan and steps.</p>'
    assert str(show(metrics.given(a="", b=""))) == "Left out: this part needs a and b."
    either = metrics.given_any(metrics.given(a="", b=""), metrics.given(c=""))
    assert str(show(either)) == "Left out: this part needs one of a and b, c."
    assert str(show(either, "Other facts")) == "Other facts: left out, for this needs one of a and b, c."
    assert metrics.given_any(part, metrics.given(c="c.csv"))
    with pytest.raises(ValueError, match="no part to ask about"):
        metrics.given_any()
    assert definitions(part and funnel(), None).html == '<dl class="definitions"></dl>'
    with pytest.raises(ValueError, match="no value to ask about"):
        metrics.given()


def test_columns_that_the_data_lack_are_named():
    data = pd.DataFrame({"plan": ["pro"], "country": ["DE"]})
    assert metrics.given(data, by=["plan", "country"])
    assert metrics.given(data, value="plan")
    lacking = metrics.given(data, by=["plan", "device"], value="net")
    assert str(show(lacking)) == "Left out: this part needs device in the data (by) and net in the data (value)."
    told = "Users by group: left out, for this needs device in the data (by) and net in the data (value)."
    assert str(show(lacking, "Users by group")) == told
    assert metrics.given(data, by=[]).missing == ("by",)
    nobody = data.merge(pd.DataFrame({"plan": ["free"], "region": ["north"]}), how="left")
    assert str(show(metrics.given(nobody, by=["plan", "region"]))) == (
        "Left out: this part needs values of region in the data, where all are missing (by)."
    )
    assert metrics.given(nobody[:0], by="region")
    assert metrics.given(metrics.given(orders_file=""), by=["plan"], value=None).missing == ("orders_file", "value")


def test_a_cell_that_ends_in_a_part_that_is_not_given_is_empty_in_a_notebook():
    from IPython.core.formatters import DisplayFormatter

    assert DisplayFormatter().format(metrics.given(sends_file="")) == ({}, {})


def test_a_short_name_with_hyphens_stays_on_one_line():
    table = pd.DataFrame({"event": ["welcome-1", "sign_up", "a-very-long-name-of-a-campaign"], "users": [3, 2, 1]})
    html = show(table, "Names").html
    assert '<th scope="row" class="name">welcome-1</th>' in html
    assert html.count('class="name"') == 1


def test_a_funnel_without_its_first_step_is_not_told():
    table = funnel()
    assert headline(table.iloc[-1:]) == "– the table is not whole: it lacks step 1. Give all of its rows."
    assert headline(table, before=table.iloc[-1:]).startswith("– the table before is not whole: it lacks step 1")
    assert headline(table.iloc[::-1]) == headline(table)
    assert not footnotes(table.iloc[1:])


def test_an_account_shows_what_rows_became_and_leaves_the_noughts_to_its_sum():
    html = show(account_of({"kept": {"": 9}, "duplicate": {"not checked: no id": 0}}), "Account").html
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == ["Read", "Kept", "Duplicate"]
    assert "9 = 9 + 0 + 0 + 0" in html


def test_the_reason_of_a_ratio_stands_in_its_cell():
    table = pd.DataFrame({
        "period_start": pd.to_datetime(["2026-03-01", "2026-04-01"]), "new": [5, 2], "returning": [0, 3],
        "resurrected": 0, "dormant": [0, 2], "active": [5, 5], "quick_ratio": [pd.NA, 1.0],
        "reason": ["no_losses", pd.NA], "complete": True,
    })  # fmt: skip
    table.attrs = {"metric": "lifecycle"}
    html = show(table, "Stages").html
    assert "Reason" not in html
    assert '– <small class="interval reason">no losses</small>' in html


def test_a_column_of_flags_is_shown_where_a_row_shown_has_one():
    table = pd.DataFrame({"customer_id": ["ann", "ben"], "clv": [9.0, 1.0], "flags": [None, "one_time_buyer"]})
    table.attrs = {"metric": "forecast_customers"}
    assert "To heed" in show(table, "Best").html
    assert "To heed" not in show(table, "Best", rows=1).html


def test_on_a_phone_milestones_and_events_keep_the_columns_that_answer():
    seen = event_log("""
        2026-01-01  ann  sign_up  plan=pro
        2026-01-02  ann  invite   plan=pro
    """)
    tables = [
        metrics.milestones(seen, milestones=["invite"], start_event="sign_up", as_of="2026-02-01"),
        metrics.event_dictionary(seen),
        metrics.property_coverage(seen),
    ]
    kept = [re.findall(r'<th scope="col"(?: class="text")?>(.*?)</th>', show(table, "x").html) for table in tables]
    assert kept == [
        ["Milestone", "Share, %", "Median, days"],
        ["Event", "Rows", "Last seen"],
        ["Event", "Property", "Filled, %", "Example"],
    ]


def test_properties_stand_below_their_event_which_is_said_once():
    seen = event_log("""
        2026-01-01  ann  sign_up  plan=pro  device=phone
        2026-01-02  ann  invite   plan=pro  device=phone
    """)
    html = show(metrics.property_coverage(seen), "x").html
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == ["invite", "sign_up"]


def test_only_a_short_table_that_is_wider_than_a_phone_says_each_head_in_its_cells():
    wide = pd.DataFrame({f"{name}_rate": [0.482] for name in ("opened", "clicked", "unsubscribed", "converted")})
    wide = wide.assign(**{f"{rate}{end}": x for rate in wide for end, x in (("_low", 0.413), ("_high", 0.567))})
    wide.insert(0, "campaign_id", "a <b>")
    html = show(wide, "").html
    assert '<table class="listed">' in html
    assert '<td data-head="Unsubscribed rate, %">48 <small' in html
    assert "data-head" not in show(wide.loc[[0] * 21].reset_index(drop=True), "").html  # moved sideways, to compare
    assert "data-head" not in show(wide[["campaign_id", "opened_rate"]], "").html
    assert 'data-head="&lt;b&gt;' in show(wide.rename(columns={"opened_rate": "<b>"}), "").html


def test_no_line_of_a_sentence_ends_between_p_and_its_number():
    table = pd.DataFrame(
        {"variant": ["a"] * 1_000 + ["b"] * 1_000, "converted": [k % 20 == 0 for k in range(1_000)] * 2}
    )
    table.loc[1_000:1_150, "converted"] = True
    table.insert(0, "user_id", [f"u{k}" for k in range(2_000)])
    said = headline(metrics.compare_variants(table, control="a"))
    assert re.search(r"; p\u00a0&lt;", said._html)
    assert "; p <" in said.text


def test_short_names_of_measures_are_written_in_capitals():
    tables = [pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]})]
    for table, metric, meaning in zip(
        tables,
        ("mrr_rollforward", "nps_by_churn", "roi"),
        ("What moved.", "Who left.", "What moved. More."),
        strict=True,
    ):
        table.attrs = {"metric": metric, "definition": meaning}
    assert repr(definitions(*tables)).splitlines() == [
        "MRR rollforward: What moved.", "NPS by churn: Who left.", "ROI: As MRR rollforward. More.",
    ]  # fmt: skip
