"""Rules over metric tables: what is beyond a limit, what is not finished, and what is said."""

import json

import numpy as np
import pandas as pd
import pytest

from metrics import alert, check_events, compare_variants, email_performance, event_log, mail_frequency
from metrics.display.alerts import ALERT_MIME

THIN = "\u202f"


def churn(*rates, complete=None, **columns):
    months = pd.date_range("2026-01-01", periods=len(rates), freq="MS")
    return pd.DataFrame({
        "period_start": months, "users": [100] * len(rates), "churned": [10] * len(rates), "churn_rate": rates,
        "complete": complete or [True] * len(rates), **columns,
    })  # fmt: skip


def test_a_rule_says_period_value_and_limit():
    fired = alert(churn(0.1, 0.2), "churn_rate", above=0.15, rule="churn-high")
    assert fired == f"Churn in February 2026: 20.0{THIN}%, above the limit of 15{THIN}%."
    assert fired.fired
    assert fired.detail == "churn_rate > 0.15"


def test_exactly_the_limit_is_not_beyond_it():
    assert not alert(churn(0.1, 0.15), "churn_rate", above=0.15, rule="r").fired
    assert not alert(churn(0.1, 0.15), "churn_rate", below=0.15, rule="r").fired
    assert alert(churn(0.1, 0.1499), "churn_rate", below=0.15, rule="r").fired


def test_no_rule_reads_a_period_that_is_not_over_or_a_rate_that_is_missing():
    open_period = churn(0.1, 0.9, complete=[True, False])
    assert not alert(open_period, "churn_rate", above=0.5, rule="r").fired
    assert not alert(churn(0.1, np.nan), "churn_rate", above=0.5, rule="r").fired
    assert alert(churn(0.9, np.nan), "churn_rate", above=0.5, rule="r").fired  # the last that can be told


def test_all_of_the_last_periods_must_be_beyond_the_limit():
    rule = {"column": "churn_rate", "above": 0.15, "periods": 2, "rule": "r"}
    assert not alert(churn(0.2, 0.1, 0.2), **rule).fired
    assert alert(churn(0.1, 0.2, 0.3), **rule) == (
        f"Churn: above the limit of 15{THIN}% for 2 finished periods (20.0{THIN}%, then 30.0{THIN}%)."
    )
    assert not alert(churn(0.2), **rule).fired  # one period is not two


def test_the_order_of_rows_does_not_matter_and_the_table_stays_as_it_was():
    table = churn(0.1, 0.2, 0.3)
    before = table.copy()
    turned = table.iloc[::-1]
    rule = {"column": "churn_rate", "above": 0.15, "periods": 2, "rule": "r"}
    assert alert(table, **rule) == alert(turned, **rule)
    pd.testing.assert_frame_equal(table, before)


def test_each_group_is_judged_alone():
    table = pd.concat([churn(0.1, 0.2).assign(plan="free"), churn(0.1, 0.1).assign(plan="pro")], ignore_index=True)
    table = table[["plan", *[c for c in table if c != "plan"]]]
    said = alert(table, "churn_rate", above=0.15, rule="r")
    assert said == f"Churn of free in February 2026: 20.0{THIN}%, above the limit of 15{THIN}%."


def test_a_table_without_periods_fires_by_one_row():
    table = pd.DataFrame({"event": ["sign_up", "invite", "share"], "users": [100, 40, 39]})
    assert alert(table, "users", below=50, rule="few") == "Users under the limit of 50: share 39, invite 40."
    assert not alert(table.head(0), "users", below=50, rule="few").fired


def test_the_worst_rows_are_named_first_each_with_its_own_words():
    people = [f"u{k}" for k in range(7)]
    table = pd.DataFrame({"customer_id": people, "rule": "card_expired", "mrr_at_risk": [61.0, 70, 62, 63, 64, 65, 99]})
    said = alert(table, "mrr_at_risk", above=60, rule="large")
    assert said.startswith("MRR at risk above the limit of 60: u6, card_expired 99.00; u1, card_expired 70.00; u5,")
    assert said.endswith(" and 2 more.")
    assert alert(table.iloc[::-1], "mrr_at_risk", above=60, rule="large") == said


def test_a_rule_on_mails_says_how_many_were_too_many():
    at = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(range(3), unit="D")
    sent = [{"message_id": f"{k}-{d}", "recipient_id": str(k), "event": "delivered", "at": at[d]} for k in range(20)
            for d in range(3)]  # fmt: skip
    left = [{"message_id": f"{k}-2", "recipient_id": str(k), "event": "unsubscribed", "at": at[2]} for k in range(5)]
    mails = pd.DataFrame(sent + left).assign(campaign_id="hello")
    load = mail_frequency(mails, as_of="2026-07-01", most=3)
    said = alert(load, "unsubscribe_rate", above=0.1, rule="too-many-mails")
    assert said == f"Unsubscribed above the limit of 10{THIN}%: 3 or more mails in 7 days 25{THIN}%."


def test_a_rule_on_mails_says_where_machines_alone_opened():
    at = pd.Timestamp("2026-05-01", tz="UTC")
    rows = [(mail, str(k), event, k < hit) for mail, hit in (("hello", 12), ("news", 4)) for k in range(20)
            for event in ("delivered", "opened")]  # fmt: skip
    mails = pd.DataFrame(rows, columns=["campaign_id", "recipient_id", "event", "machine"]).assign(at=at)
    steps = email_performance(mails, by="campaign_id")
    said = alert(steps, "prefetched_rate", above=0.5, rule="opened-by-machines")
    assert said == f"Opened by machines alone above the limit of 50{THIN}%: hello 60{THIN}%."
    few = email_performance(mails, by="campaign_id", min_n=21)
    assert not alert(few, "prefetched_rate", above=0.5, rule="opened-by-machines").fired


def variants(**sizes):
    rows = [(country, "ab"[k >= n]) for country, (n, m) in sizes.items() for k in range(n + m)]
    return pd.DataFrame(rows, columns=["country", "variant"]).assign(converted=[k % 9 == 0 for k in range(len(rows))])


def test_a_rule_on_a_test_fires_where_the_split_is_not_as_it_was_meant():
    rule = {"column": "verdict", "rule": "split-not-as-planned"}
    even = alert(compare_variants(variants(DE=(100, 90))), **rule)
    assert not even.fired
    assert even.about == "Rule split-not-as-planned: p of the split < 0.001"
    assert not alert(compare_variants(variants(DE=(200, 100)), ratio=[2, 1]), **rule).fired
    assert alert(compare_variants(variants(DE=(200, 100))), **rule).replace(THIN, " ") == (
        "The variants are not as large as they should be (200 with a and 100 with b; p < 0.001): the comparison is "
        "withheld, for whoever is missing may differ."
    )
    off = alert(compare_variants(variants(DE=(200, 100)), ratio=None), **rule)
    assert (off.fired, off.detail) == (False, "has no split that was meant, so it is off")
    with pytest.raises(ValueError, match="a verdict is compared with the split that was meant"):
        alert(compare_variants(variants(DE=(100, 90))), above=0.1, **rule)


def test_a_rule_on_a_test_by_group_names_the_groups():
    rule = {"column": "verdict", "rule": "split-not-as-planned"}
    sizes = {"AT": (90, 100), "BE": (200, 100), "DE": (100, 100), "NL": (40, 90)}
    table = compare_variants(variants(**sizes), by="country")
    said = alert(table, **rule).replace(THIN, " ")
    assert said.startswith(
        "The variants are not as large as they should be in BE (200 with a and 100 with b; p < 0.001),"
    )
    assert " in NL (40 with a and 90 with b; p < 0.001): the comparison is withheld" in said
    named = alert(table[table["country"] == "BE"], **rule)
    assert "as they should be in BE (200 with a and 100 with b" in named
    many = compare_variants(variants(DE=(100, 100), **{f"C{k}": (200, 100) for k in range(5)}), by="country")
    assert "and 2 more groups: the comparison" in alert(many, **rule)


def test_a_rule_without_a_limit_is_off():
    off = alert(churn(0.9), "churn_rate", above=None, rule="churn-high")
    assert not off.fired
    assert off.detail == "has no limit, so it is off"


def test_a_sentence_of_ones_own():
    assert alert("The export is short.", rule="export").fired
    assert not alert("The export is short.", rule="export", fired=False).fired


def test_the_output_can_be_read_by_a_report_and_is_escaped():
    fired = alert("<img src=x onerror=x()>", rule="<b>", severity="critical")
    bundle = fired._repr_mimebundle_()
    assert json.loads(json.dumps(bundle[ALERT_MIME])) == {
        "rule": "<b>", "sentence": "<img src=x onerror=x()>", "severity": "critical", "detail": "", "fired": True,
    }  # fmt: skip
    assert "<img" not in bundle["text/html"]
    assert "&lt;img" in bundle["text/html"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"column": "churn_rat", "above": 1}, "column: 'churn_rat' is not in the table"),
        ({"column": "churn_rate", "above": 1, "below": 0}, "both given"),
        ({"column": "churn_rate", "above": 1, "periods": 0}, "periods: 0"),
        ({"column": "churn_rate", "above": 1, "severity": "loud"}, "severity: 'loud' is unknown"),
    ],
)
def test_what_cannot_be_judged_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        alert(churn(0.1), rule="r", **given)


def test_a_limit_goes_with_a_table():
    with pytest.raises(ValueError, match="go with a table"):
        alert("so", above=1, rule="r")


def test_data_that_end_long_before_as_of_are_no_silence_of_users():
    log = event_log("2026-01-01 09:00  ann  visit\n2026-01-04 09:00  ben  visit")
    ask = {"above": 2, "rule": "data-end-early"}
    for as_of, fired in (("2026-01-04 10:00", False), ("2026-01-07 08:59", False), ("2026-01-07 09:00", True)):
        assert alert(check_events(log, as_of=as_of), "no events before as_of", **ask).fired == fired
    late = alert(check_events(log, as_of="2026-01-14 09:00"), "no events before as_of", **ask)
    assert late.startswith("The data hold nothing of the 10 days before as_of (last row 2026-01-04 09:00 UTC)")
    early = alert(check_events(log, as_of="2025-01-14"), "no events before as_of", **ask)
    assert early.startswith("No event lies before as_of, all 2 at or after it (row 0: user_id 'ann'")
    assert early.endswith("Is its year right?")
    assert not alert(check_events(log, as_of="2026-01-02"), "no events before as_of", **ask).fired
    off = alert(check_events(log, as_of="2026-01-14"), "no events before as_of", above=None, rule="data-end-early")
    assert (off.fired, off.detail) == (False, "has no limit, so it is off")
