"""The sheet of key figures: each is that of its metric, on one calendar, held against its target by its interval."""

import numpy as np
import pandas as pd
import pytest

import metrics
from metrics import alert, definitions, event_log, headline, kpi_sheet, plot_kpi_sheet, show
from metrics.display.footnotes import footnotes
from metrics.display.of_kpis import goal, within
from metrics.kpis.known import KPIS, nearest
from metrics.kpis.targets import goals_of

THIN = "\u202f"


def at(*texts):
    return pd.to_datetime(pd.Series(list(texts), dtype=object), utc=True, format="ISO8601")


def paying(*rows, currency="EUR"):
    names = [row[0] for row in rows]
    return pd.DataFrame({
        "customer_id": names, "subscription_id": names, "start": at(*(r[2] for r in rows)),
        "end": at(*(r[3] for r in rows)), "mrr": [float(r[1]) for r in rows], "currency": currency,
    })  # fmt: skip


BOOKS = paying(
    *[(f"stays{k}", 10, "2026-01-05", None) for k in range(18)],
    ("leaves", 10, "2026-01-05", "2026-02-20"),
    ("grows", 10, "2026-01-05", "2026-02-10"),
    ("grows", 30, "2026-02-10", None),
    ("comes", 10, "2026-02-12", None),
    ("open", 10, "2026-03-02", None),
)
ANSWERS = pd.DataFrame(
    {
        "respondent_id": [f"r{k}" for k in range(24)],
        "answered_at": at(*["2026-01-10"] * 12, *["2026-02-28T23:30"] * 12),
        "score": [9] * 6 + [8] * 6 + [5] * 4 + [4] * 4 + [1] * 4,
        "question_type": ["nps"] * 12 + ["csat"] * 12,
    }
)
TICKETS = pd.DataFrame({
    "created_at": at("2026-01-20", "2026-02-03", "2026-02-04"), "is_complaint": [True, True, False],
    "first_reply_at": at("2026-01-20T02:00", "2026-02-03T04:00", "2026-02-04T08:00"),
})  # fmt: skip
SPEND = pd.DataFrame({"at": at("2026-01-31T23:30", "2026-02-15", "2026-03-10"), "spend": [40.0, 60.0, 999.0]})
AS_OF = {"as_of": "2026-03-15", "tz": "UTC"}


def sheet(**more):
    return kpi_sheet(**{**AS_OF, "min_n": 1, **more})


def one(table, kpi, period="2026-02-01"):
    rows = table[(table["kpi"] == kpi) & (table["period_start"] == period)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_before_anybody_paid_mrr_is_0_whether_the_sheet_begins_by_itself_or_where_it_is_told_to():
    early = ANSWERS.assign(answered_at=ANSWERS["answered_at"] - pd.DateOffset(months=3))
    given = {"subscriptions": BOOKS, "responses": early, "spend": SPEND, "margin": 0.8, "targets": {"mrr": 100}}
    table, told = sheet(**given), sheet(**given, since="2025-10-01")
    row = one(table, "mrr", "2025-10-01")
    assert (row["n"], row["value"], row["status"]) == (0, 0, "missed")
    pd.testing.assert_frame_equal(table, told)
    assert one(table, "arpa", "2025-12-01")["reason"] == "zero_denominator"
    assert one(table, "quick_ratio", "2025-12-01")["reason"] == "no_losses"


def test_every_figure_is_that_of_its_metric():
    table = sheet(subscriptions=BOOKS, responses=ANSWERS, spend=SPEND, margin=0.5)
    churn = metrics.subscription_churn(BOOKS, min_n=1, **AS_OF).iloc[1]
    kept = metrics.revenue_retention(BOOKS, min_n=1, **AS_OF).iloc[1]
    roll = metrics.mrr_rollforward(BOOKS, **AS_OF).iloc[1]
    score = metrics.net_promoter_score(ANSWERS, period="month", min_n=1).iloc[0]
    content = metrics.customer_satisfaction(ANSWERS, period="month", min_n=1).iloc[-1]
    for kpi, source, column, period in (
        ("churn_rate", churn, "churn_rate", "2026-02-01"),
        ("nrr", kept, "nrr", "2026-02-01"),
        ("grr", kept, "grr", "2026-02-01"),
        ("net_promoter_score", score, "net_promoter_score", "2026-01-01"),
        ("customer_satisfaction", content, "customer_satisfaction", "2026-02-01"),
    ):
        row = one(table, kpi, period)
        for end in ("", "_low", "_high"):
            assert row[f"value{end}"] == pytest.approx(source[f"{column}{end}"]), kpi
    assert one(table, "mrr")["value"] == roll["closing"] == 220
    assert one(table, "arpa")["value"] == roll["arpa"] == 11
    assert one(table, "quick_ratio")["value"] == metrics.quick_ratio(roll.to_frame().T)["quick_ratio"].item() == 3
    asked = pd.DataFrame({"arpa": [11.0] * 3, "churn_rate": churn[["churn_rate", "churn_rate_high", "churn_rate_low"]]})
    worth = metrics.subscription_lifetime_value(asked, margin=0.5)["margin_value"]
    ltv = one(table, "ltv")
    assert ltv[["value", "value_low", "value_high"]].tolist() == pytest.approx(worth.tolist())
    assert ltv["value"] == pytest.approx(11 * 0.5 / 0.05)  # one of twenty left
    assert one(table, "cac")["value"] == 60  # one came, for what was spent in February
    assert one(table, "ltv_cac")["value"] == pytest.approx(ltv["value"] / 60)
    assert one(table, "payback_months")["value"] == pytest.approx(60 / 5.5)


def test_retention_is_what_churn_leaves_with_its_limits_turned_round():
    table = sheet(subscriptions=BOOKS, kpis=["churn_rate", "retention_rate"])
    left, kept = one(table, "churn_rate"), one(table, "retention_rate")
    assert [kept["value"], kept["value_low"], kept["value_high"]] == pytest.approx(
        [1 - left["value"], 1 - left["value_high"], 1 - left["value_low"]]
    )


def test_all_figures_stand_on_one_calendar_from_the_first_of_all_tables():
    early = event_log("2025-12-31 22:59:59  ann  visit\n2026-01-20  bob  visit")
    table = kpi_sheet(subscriptions=BOOKS, responses=ANSWERS, events=early, as_of="2026-03-15", tz="Europe/Berlin")
    months = ["2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01"]
    for _, rows in table.groupby("kpi"):
        assert rows["period_start"].dt.strftime("%Y-%m-%d").tolist() == months
        assert rows["complete"].tolist() == [True, True, True, False]
    before = one(table, "net_promoter_score", "2025-12-01")
    assert (before["n"], before["reason"]) == (0, "no_responses")
    assert one(table, "mrr", "2025-12-01")["value"] == 0
    assert one(table, "churn_rate", "2025-12-01")["reason"] == "zero_denominator"
    assert one(table, "customer_satisfaction", "2026-03-01")["n"] == 12  # 23:30 UTC is March in Berlin


def test_a_range_takes_whole_the_periods_that_it_touches():
    table = sheet(subscriptions=BOOKS, responses=ANSWERS, since="2026-02-14", until="2026-02-20")
    assert table["period_start"].unique().tolist() == [pd.Timestamp("2026-02-01")]
    assert one(table, "customer_satisfaction")["n"] == 12
    assert one(table, "churn_rate")["n"] == 20
    with pytest.raises(ValueError, match="is not before until"):
        sheet(subscriptions=BOOKS, since="2026-03-01", until="2026-02-01")


def test_of_a_month_in_weeks_churn_is_compounded_for_what_a_customer_is_worth():
    table = sheet(subscriptions=BOOKS, period="week", since="2026-02-16", until="2026-02-23")
    weekly, ltv = one(table, "churn_rate", "2026-02-16"), one(table, "ltv", "2026-02-16")
    monthly = 1 - (1 - weekly["value"]) ** (365.25 / 12 / 7)
    assert weekly["value"] == pytest.approx(1 / 21)
    assert ltv["value"] == pytest.approx(11 / monthly)


def test_a_target_is_met_or_missed_by_the_whole_interval_and_at_its_edge_met():
    both, nearly = ["churn_rate", "retention_rate"], 1e-9
    plain = sheet(subscriptions=BOOKS, kpis=both)
    left, kept = one(plain, "churn_rate"), one(plain, "retention_rate")
    for step_left, step_kept, status in (  # lower is better, and higher
        (left["value_high"], kept["value_low"], "met"),
        (left["value_high"] - nearly, kept["value_low"] + nearly, "unclear"),
        (left["value_low"], kept["value_high"], "unclear"),
        (left["value_low"] - nearly, kept["value_high"] + nearly, "missed"),
    ):
        table = sheet(subscriptions=BOOKS, kpis=both, targets={"churn_rate": step_left, "retention_rate": step_kept})
        assert [one(table, kpi)["status"] for kpi in both] == [status] * 2


def test_what_is_counted_is_judged_by_its_value_and_an_estimate_without_limits_by_nothing():
    table = sheet(subscriptions=BOOKS, kpis=["mrr"], targets={"mrr": 220})
    assert table.loc[table["kpi"] == "mrr", "status"].tolist()[:2] == ["missed", "met"]
    alone = paying(("ann", 10, "2026-01-05", None))
    row = one(sheet(subscriptions=alone, kpis=["nrr"], targets={"nrr": 0.9}), "nrr")
    assert row["value"] == 1
    assert np.isnan(row["value_low"])
    assert row["status"] == "unclear"


def test_a_period_that_is_open_and_a_value_that_is_missing_have_no_status():
    table = sheet(subscriptions=BOOKS, targets={"mrr": 1, "churn_rate": 0.9})
    assert table.loc[table["kpi"] == "mrr", "value"].notna().all()
    assert table.loc[table["kpi"] == "mrr", "status"].isna().tolist() == [False, False, True]
    assert table.loc[table["kpi"] == "churn_rate", "status"].isna().tolist() == [True, False, True]
    assert table.loc[table["kpi"] == "grr", "status"].dropna().tolist() == ["no_target"]


def test_the_latest_is_the_last_finished_one_with_a_value():
    table = sheet(subscriptions=BOOKS, responses=ANSWERS)
    latest = table[table["latest"]].set_index("kpi")["period_start"].dt.month
    assert (latest["mrr"], latest["net_promoter_score"], latest["customer_satisfaction"]) == (2, 1, 2)
    none = sheet(subscriptions=BOOKS, kpis=["churn_rate"], min_n=99)
    assert none.loc[none["latest"] & (none["kpi"] == "churn_rate"), "reason"].tolist() == ["below_min_n"]


def test_targets_come_as_a_mapping_a_table_or_texts():
    made = pd.DataFrame({"kpi": ["complaint_rate"], "target": [2], "direction": ["higher"]})  # complaints are wanted
    assert goals_of(made)["complaint_rate"].better == "higher"
    assert goals_of({"churn_rate": 0.05}) == goals_of(["churn_rate = 0.05"]) == goals_of("churn_rate=0.05")
    row = one(sheet(subscriptions=BOOKS, tickets=TICKETS, kpis=["complaint_rate"], targets=made), "complaint_rate")
    assert (row["direction"], row["target"]) == ("higher", 2)


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ({"nps": 30}, "'nps' is no key figure.*Did you mean 'net_promoter_score'"),
        ({"churn": 0.1}, "Did you mean 'churn_rate'"),
        ({"chrun_rate": 0.1}, "Did you mean 'churn_rate'"),
        ({"churn_rate": 5}, r"churn_rate is a share, and 5 is none. Write 5 % as 0.05"),
        ({"nrr": 105}, "Write 105 % as 1.05"),
        ({"customer_satisfaction": 0.8}, "from 0 to 100.*Write 80% as 80"),
        ({"net_promoter_score": 300}, "off its scale, which ends at 100"),
        ({"mrr": -1}, "below 0"),
        ({"mrr": "much"}, "is no number"),
        ({"mrr": True}, "is no number"),
        ({"mrr": np.nan}, "is no number"),
        (["mrr"], "Write it as 'churn_rate=0.05'"),
        (["mrr=1", "mrr=2"], "named twice"),
        (pd.DataFrame({"kpi": ["mrr"]}), "'target' is not a column"),
        (pd.DataFrame({"kpi": ["mrr"], "target": [1], "direction": ["up"]}), "direction 'up'.*'higher' or 'lower'"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(targets, says):
    with pytest.raises(ValueError, match=says):
        sheet(subscriptions=BOOKS, targets=targets)


def test_figures_are_chosen_by_name_and_stand_in_that_order():
    table = sheet(subscriptions=BOOKS, responses=ANSWERS, kpis=["net_promoter_score", "mrr"])
    assert table["kpi"].unique().tolist() == ["net_promoter_score", "mrr"]
    with pytest.raises(ValueError, match=r"kpis: 'MRRR' is no key figure.*Did you mean 'mrr'"):
        sheet(subscriptions=BOOKS, kpis=["MRRR"])
    with pytest.raises(ValueError, match="named twice"):
        sheet(subscriptions=BOOKS, kpis=["mrr", "mrr"])
    assert nearest("CSAT") == "customer_satisfaction"


def left_out(table):
    return dict(text.split(": ", 1) for text in table.attrs["settings"]["left_out"])


def test_what_has_no_table_is_left_out_and_says_what_it_needs():
    why = left_out(sheet(responses=ANSWERS, tickets=TICKETS))
    assert why["mrr"] == "needs subscriptions"
    assert why["ltv_cac"] == "needs subscriptions and spend and margin"
    assert why["customer_effort"] == "needs effort_direction"
    assert why["complaint_rate"] == "needs events or subscriptions, for the customers who could complain"
    assert why["support_satisfaction"] == "needs satisfaction in tickets"
    assert why["solved_first_contact_rate"] == "needs solved_at and reopens in tickets"
    assert "first_reply_median_hours" not in why
    assert left_out(sheet(subscriptions=BOOKS))["trial_conversion_rate"] == "there are no trials in subscriptions"
    assert left_out(sheet(subscriptions=BOOKS, spend=SPEND))["ltv_cac"] == "needs margin"
    untyped = sheet(responses=ANSWERS.drop(columns="question_type")[:12])
    assert untyped["kpi"].unique().tolist() == ["net_promoter_score"]
    assert left_out(untyped)["customer_satisfaction"] == "no answer in responses is to a csat question"
    with pytest.raises(ValueError, match="no table is given"):
        sheet()


def test_with_all_tables_nothing_is_left_out():
    trial = BOOKS.assign(status="active").iloc[:1].assign(status="trialing", customer_id="try", subscription_id="try")
    books = pd.concat([BOOKS.assign(status="active"), trial], ignore_index=True)
    effort = ANSWERS[:3].assign(question_type="ces", score=6)
    events = event_log("2026-01-20  ann  visit")
    full = TICKETS.assign(solved_at=TICKETS["first_reply_at"], reopens=0, satisfaction="good")
    sends = ANSWERS[["respondent_id"]].assign(sent_at=ANSWERS["answered_at"], delivered=True)
    orders = events.assign(net=1.0).drop(columns="event")
    table = sheet(
        subscriptions=books, spend=SPEND, margin=0.8, responses=pd.concat([ANSWERS, effort]), sends=sends,
        events=events, orders=orders, tickets=full, effort_direction="ease",
    )  # fmt: skip
    assert table["kpi"].unique().tolist() == list(KPIS)
    assert "left_out" not in table.attrs["settings"]
    assert one(table, "complaint_rate")["n"] == 1  # of the users, not of the customers


def test_money_of_two_currencies_is_never_added_and_heads_are_all_counted():
    both = pd.concat([BOOKS, paying(("zoe", 500, "2026-01-05", None), currency="USD")], ignore_index=True)
    table = sheet(subscriptions=both)
    assert one(table, "mrr")["value"] == 220
    assert one(table, "mrr")["unit"] == "EUR"
    assert one(table, "churn_rate")["n"] == 21
    assert one(table, "ltv")["value"] == pytest.approx(11 / 0.05)  # of those who pay in euros, one of twenty
    assert table.attrs["settings"]["customers_in_other_currencies"] == 1
    dollars = one(sheet(subscriptions=both, currency="USD"), "mrr")
    assert (dollars["value"], dollars["unit"]) == (500, "USD")
    rates = pd.DataFrame({"currency": ["USD"], "date": ["2026-01-01"], "rate": [0.5]})
    told = sheet(subscriptions=both, currency="EUR", rates=rates)
    assert one(told, "mrr")["value"] == 470
    with pytest.raises(ValueError, match="currency: 'GBP' is not in subscriptions"):
        sheet(subscriptions=both, currency="GBP")
    with pytest.raises(ValueError, match=r"spend: 3 rows are in USD.*in EUR"):
        sheet(subscriptions=both, spend=SPEND.assign(currency="USD"))


def test_spend_is_that_of_its_local_month_and_a_month_without_has_no_cost():
    berlin = kpi_sheet(subscriptions=BOOKS, spend=SPEND, as_of="2026-03-15", tz="Europe/Berlin")
    assert one(berlin, "cac")["value"] == 100  # 23:30 UTC is February in Berlin
    assert one(berlin, "cac", "2026-01-01")["reason"] == "no_spend"
    assert one(berlin, "cac", "2026-03-01")["reason"] == "incomplete_period"
    late = sheet(subscriptions=BOOKS, spend=SPEND, spend_lag=1)
    assert one(late, "cac")["value"] == 40
    with pytest.raises(ValueError, match="spend: 'spend' is not a column"):
        sheet(subscriptions=BOOKS, spend=SPEND[["at"]])
    for column in ("at", "spend"):
        with pytest.raises(
            ValueError, match=r"1 of 3 rows have no time or no amount that is a number \(first: row 0\)"
        ):
            sheet(subscriptions=BOOKS, spend=SPEND.assign(**{column: SPEND[column].where(SPEND.index > 0)}))
    with pytest.raises(ValueError, match="at has no zone"):
        sheet(subscriptions=BOOKS, spend=SPEND.assign(at=SPEND["at"].dt.tz_localize(None)))


def test_a_refund_is_no_purchase():
    orders = pd.DataFrame({
        "user_id": ["ann", "ann"], "timestamp": at("2025-11-20", "2026-01-10"), "net": [10.0, -10.0],
    })  # fmt: skip
    row = one(sheet(orders=orders), "buyer_churn_rate")
    assert (row["n"], row["value"]) == (1, 1)  # 90 days after the purchase


def test_the_order_of_the_rows_never_matters_and_no_table_is_changed():
    tables = {"subscriptions": BOOKS, "responses": ANSWERS, "tickets": TICKETS, "spend": SPEND}
    before = {name: table.copy() for name, table in tables.items()}
    turned = {name: table.iloc[::-1] for name, table in tables.items()}
    asked = {"kpis": ["ltv_cac", "nrr", "net_promoter_score", "complaint_rate"], "margin": 0.8}
    pd.testing.assert_frame_equal(sheet(**tables, **asked), sheet(**turned, **asked))
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_nothing_in_the_tables_is_an_answer_and_no_error():
    empty = sheet(subscriptions=BOOKS[:0], responses=ANSWERS[:0], tickets=TICKETS[:0], spend=SPEND[:0], margin=0.8)
    assert empty.columns.tolist() == sheet(subscriptions=BOOKS, kpis=["churn_rate"]).columns.tolist()
    assert headline(empty).startswith("–")
    assert "none can be told" in show(plot_kpi_sheet(empty), "Sheet").text


TARGETS = {"churn_rate": 0.005, "mrr": 200, "retention_rate": 0.9, "net_promoter_score": 20}


def test_the_headline_names_what_was_missed_and_what_nobody_can_tell():
    table = sheet(subscriptions=BOOKS, targets=TARGETS)
    assert headline(table) == (
        "1 of 4 targets was met, up to February 2026; missed: customer churn; unclear: customers kept; not known: NPS."
    )
    assert headline(sheet(subscriptions=BOOKS, kpis=["mrr", "arpa"])) == (
        "2 key figures are known up to February 2026; none has a target."
    )
    assert headline(sheet(subscriptions=BOOKS, kpis=["mrr"])) == (
        "1 key figure is known up to February 2026; none has a target."
    )


def test_a_table_writes_each_figure_in_its_unit():
    table = sheet(subscriptions=BOOKS, targets=TARGETS, kpis=["mrr", "churn_rate", "ltv"])
    html = show(table[table["latest"]], "Sheet").html
    assert f'<td>220.00{THIN}EUR</td><td>200{THIN}EUR</td><td class="text">met</td>' in html
    assert f'<td>5{THIN}% <small class="interval">1 to 24</small></td><td>0.5{THIN}%</td>' in html
    assert '<td class="text hot">missed</td>' in html
    assert any(line.startswith("Left out: NPS (needs responses)") for line in footnotes(sheet(
        subscriptions=BOOKS, kpis=["mrr", "net_promoter_score"]
    )))  # fmt: skip
    terms = str(definitions(table))
    assert terms.startswith("Key figures: ")
    assert "Customer churn: Customers with MRR" in terms
    assert terms.count("A pause is apart from MRR and churn") == 1  # a policy of several is told once
    assert goal(0.125, "share") == f"12.5{THIN}%"
    assert [within(name) for name in ("mrr", "churn_rate", "ltv_cac")] == ["MRR", "customer churn", "LTV / CAC"]


def test_a_rule_fires_for_each_figure_outside_its_target():
    table = sheet(subscriptions=BOOKS, kpis=["churn_rate", "mrr"], targets=TARGETS)
    fired = alert(table, "status", rule="kpi-missed", severity="critical")
    assert fired == f"Customer churn in February 2026: 5{THIN}% (1 to 24), above the target of 0.5{THIN}%."
    assert (fired.detail, fired.severity) == ("interval outside its target", "critical")
    assert not alert(table, "status", periods=2, rule="kpi-missed")
    low = sheet(subscriptions=BOOKS, kpis=["mrr"], targets={"mrr": 230})
    assert alert(low, "status", periods=2, rule="kpi-missed") == (
        f"MRR in February 2026: 220.00{THIN}EUR, under the target of 230{THIN}EUR, for 2 finished periods."
    )
    quiet = alert(sheet(subscriptions=BOOKS, kpis=["churn_rate"]), "status", rule="kpi-missed")
    assert not quiet.fired
    assert quiet.about == "Rule kpi-missed: has no target, so it is off"
    with pytest.raises(ValueError, match="Leave above and below out"):
        alert(table, "status", above=1, rule="kpi-missed")


def test_the_figure_has_a_panel_for_each_and_says_all_in_words():
    table = sheet(subscriptions=BOOKS, responses=ANSWERS, targets=TARGETS)
    shown = show(plot_kpi_sheet(table), "How do we stand?")
    assert shown.html.count(">Customer churn</text>") == 2  # wide and narrow
    assert "Customer churn 5\u202f% (1 to 24) in February 2026, to be at most 0.5\u202f%: missed" in shown.text
    assert "NPS 50 (10 to 70) in January 2026, to be at least 20: unclear" in shown.text
    assert "Thin line across: the target" in shown.html
    assert "Hollow: not over yet." in shown.html
    with pytest.raises(ValueError, match="no result of kpi_sheet"):
        plot_kpi_sheet(pd.DataFrame({"kpi": ["mrr"]}))


def test_an_interval_is_never_cut_for_want_of_room():
    wide = sheet(subscriptions=BOOKS.assign(mrr=BOOKS["mrr"] * 1e5), kpis=["ltv", "mrr"], targets={"mrr": 2.2e7})
    html = show(plot_kpi_sheet(wide), "Money").html
    row = one(wide, "ltv")
    assert html.count(f">{row['value_low']:,.0f} to {row['value_high']:,.0f}</text>") == 2
    assert "…" not in html


def test_what_was_spent_before_the_first_row_won_customers_in_it():
    early = pd.DataFrame({"at": at("2025-12-31", "2026-01-31", "2026-02-28"), "spend": [40.0, 7.0, 1.0]})
    late = sheet(subscriptions=BOOKS, spend=early, spend_lag=1, kpis=["cac"])
    assert [one(late, "cac", month)["value"] for month in ("2026-01-01", "2026-02-01")] == [2, 7]
    cut = sheet(subscriptions=BOOKS, spend=early, spend_lag=2, since="2026-02-01", kpis=["cac"])
    assert one(cut, "cac")["value"] == 40
    assert "spend of 2 months before / new customers" in str(definitions(cut))
    with pytest.raises(ValueError, match="spend_lag: -1 is not a number of periods"):
        sheet(subscriptions=BOOKS, spend=early, spend_lag=-1)


@pytest.mark.parametrize("wrong", ["much", np.inf])
def test_spending_that_is_no_number_is_refused(wrong):
    with pytest.raises(ValueError, match=r"1 of 3 rows have no time or no amount that is a number \(first: row 1\)"):
        sheet(subscriptions=BOOKS, spend=SPEND.assign(spend=pd.Series([1, wrong, 2], dtype=object)))


def test_trials_that_still_run_leave_their_month_open():
    rows = paying(
        ("gave up", 10, "2026-01-02", "2026-01-03"), ("tries", 10, "2026-01-28", "2026-02-11")
    ).assign(status="trialing")  # fmt: skip
    asked = {"subscriptions": rows, "kpis": ["trial_conversion_rate"], "targets": {"trial_conversion_rate": 0.9}}
    running = one(sheet(**asked, as_of="2026-02-01"), "trial_conversion_rate", "2026-01-01")
    assert (running["n"], running["complete"]) == (1, False)
    assert pd.isna(running["status"])
    over = one(sheet(**asked, as_of="2026-02-12"), "trial_conversion_rate", "2026-01-01")
    assert (over["n"], over["complete"], over["status"]) == (2, True, "missed")


def test_an_order_must_tell_its_amount_and_a_free_one_was_bought():
    orders = pd.DataFrame({
        "user_id": ["ann", "ann", "ben"], "timestamp": at("2025-11-20", "2026-01-10", "2026-01-10"),
        "net": ["10", "0", "-5"],
    })  # fmt: skip
    row = one(sheet(orders=orders), "buyer_churn_rate")
    assert (row["n"], row["value"]) == (1, 0)  # ann came back for nothing, ben only gave back
    with pytest.raises(metrics.EventTableError, match=r"orders: 1 of 3 rows have no net .*first: row 1, nan"):
        sheet(orders=orders.assign(net=[1.0, np.nan, 2.0]))
    with pytest.raises(metrics.EventTableError, match="orders: 1 of 3 rows have no user_id"):
        sheet(orders=orders.assign(user_id=["ann", None, "ben"]))


def test_a_currency_is_one_in_small_letters_and_in_large_ones():
    books = BOOKS.assign(currency=["eur", "EUR"] * 11 + ["EUR"])
    table = sheet(subscriptions=books, spend=SPEND.assign(currency="eur"), kpis=["mrr", "cac"], currency="eur")
    assert (one(table, "mrr")["value"], one(table, "mrr")["unit"]) == (220, "EUR")
    assert "customers_in_other_currencies" not in table.attrs["settings"]
    assert one(table, "cac")["value"] == 60


def test_complaints_of_few_are_held_back_too():
    few = sheet(subscriptions=BOOKS, tickets=TICKETS, kpis=["complaint_rate"], min_n=21)
    assert (one(few, "complaint_rate")["n"], one(few, "complaint_rate")["reason"]) == (20, "below_min_n")
    assert pd.isna(one(few, "complaint_rate")["value"])
    assert one(sheet(subscriptions=BOOKS, tickets=TICKETS, min_n=20), "complaint_rate")["value"] == 5


def test_one_figure_is_told_as_one():
    table = sheet(subscriptions=BOOKS, kpis=["mrr"])
    assert headline(table) == "1 key figure is known up to February 2026; none has a target."


def test_money_whose_currency_is_not_told_is_no_euro():
    some = paying(("ann", 5, "2026-01-05", None), ("ben", 7, "2026-01-05", None)).assign(currency=[None, "EUR"])
    table = sheet(subscriptions=some, kpis=["mrr"])
    assert (one(table, "mrr")["value"], one(table, "mrr")["unit"]) == (7, "EUR")
    most = pd.concat([some, some[:1].assign(customer_id="cat", subscription_id="cat")], ignore_index=True)
    table = sheet(subscriptions=most, kpis=["mrr"])
    assert (one(table, "mrr")["value"], one(table, "mrr")["unit"]) == (10, "money")
    assert any("customers whose currency is not told; 1 pays in another" in line for line in footnotes(table))


def test_solved_at_once_counts_the_tickets_whose_reopens_are_known():
    tickets = pd.DataFrame({
        "created_at": pd.to_datetime(["2026-02-03", "2026-02-04", "2026-02-05", "2026-03-02"], utc=True),
        "solved_at": pd.to_datetime(["2026-02-04", "2026-02-05", "2026-02-06", None], utc=True),
        "reopens": [0, 1, None, None],
    })  # fmt: skip
    sheet = kpi_sheet(tickets=tickets, kpis=["solved_first_contact_rate"], as_of="2026-04-01", min_n=1)
    assert sheet["n"].tolist() == [2, 0]  # of the third of February and that of March nobody knows
    assert sheet["value"].tolist()[0] == 1 / 2
    assert sheet["reason"].fillna("").tolist() == ["", "zero_denominator"]
    none = kpi_sheet(tickets=tickets.assign(reopens=None), kpis=["solved_first_contact_rate"], as_of="2026-04-01")
    assert none["n"].tolist() == [0, 0]
