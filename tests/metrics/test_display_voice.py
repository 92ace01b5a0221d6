"""What surveys and complaints say, in a sentence and under their tables."""

import pandas as pd
import pytest

from metrics import (
    complaint_rate,
    customer_effort,
    customer_satisfaction,
    headline,
    net_promoter_score,
    nps_by_churn,
    nps_change,
    response_rate,
    show,
)
from metrics.display.footnotes import footnotes

THIN = "\u202f"


def wave(scores, day, name="r"):
    answers = pd.DataFrame({"score": scores, "respondent_id": [f"{name}{k}" for k in range(len(scores))]})
    return answers.assign(answered_at=pd.Timestamp(day, tz="UTC"))


def moved(name="s"):
    return nps_change(wave([9] * 20 + [3] * 20, "2026-01-05"), after=wave([9] * 30 + [3] * 10, "2026-04-05", name))


def test_a_change_is_said_with_both_scores():
    assert headline(moved()) == "+50 points (+9 to +91): the net promoter score went from 0 to 50."
    assert "who answered both times counts as one" in headline(moved("r"))
    assert footnotes(moved()) == [
        "Difference = score after − score before, in points.",
        f"50.00 − 0.00 = +50.00 points; no person taken to have answered twice. 95{THIN}% interval.",
    ]


def test_a_change_of_too_few_is_none():
    few = nps_change(wave([9], "2026-01-05"), after=wave([9], "2026-04-05"))
    assert headline(few) == "– the change of the net promoter score is not known: too few to say."


def test_rolling_windows_are_not_tested_against_each_other():
    answers = pd.concat([wave([9] * 20, "2026-01-05"), wave([3] * 20, "2026-02-05", "s")])
    table = net_promoter_score(answers, period="month", rolling="90 days")
    assert headline(table).startswith("0 is the net promoter score of February 2026 (−29 to 29). Of 40 who answered")
    assert "Left out" not in " ".join(footnotes(table))


def test_scores_of_groups_are_set_against_each_other_in_one_period_and_not_against_another_group_before():
    answers = pd.concat([
        wave([9] * 20, "2026-01-05").assign(plan="free"),
        wave([3] * 20, "2026-01-05", "s").assign(plan="pro"),
        wave([9] * 20, "2026-02-05", "t").assign(plan="free"),
    ])  # fmt: skip
    table = net_promoter_score(answers, by="plan", period="month")
    assert headline(table) == "100 is the net promoter score in February 2026 of free (70 to 100)."
    early = net_promoter_score(answers, by="plan", period="month", until="2026-02-01")
    assert headline(early).startswith(
        "100 is the net promoter score in January 2026 of free (70 to 100), the highest of 2 groups: "
        "200 points higher than pro at \u2212100"
    )
    few = net_promoter_score(answers, by="plan", period="month", min_n=30)
    assert headline(few) == "– in no group are there enough to say."


def test_satisfaction_says_its_boxes():
    table = customer_satisfaction(pd.DataFrame({"score": [5] * 42 + [4] * 32 + [1] * 33 + [None]}))
    assert headline(table) == f"69{THIN}% of 107 who answered are satisfied (60 to 77)."
    assert footnotes(table) == [
        "CSAT = satisfied answers (4, 5 of 5) / answers.",
        f"74 / 107 = 69.2{THIN}%. 95{THIN}% Wilson intervals. Left out: 1 rejected.",
    ]
    assert "CSAT, %" in show(table, "x").html


def test_effort_is_said_in_the_words_of_its_method():
    answers = pd.DataFrame({"score": [7] * 15 + [2] * 5})
    said = {m: headline(customer_effort(answers, direction="ease", method=m)) for m in ("percent", "net", "mean")}
    assert said["percent"] == f"75{THIN}% of 20 who answered found it easy (53 to 89)."
    assert said["net"].startswith("50 is the net effort score of 20 who answered (")
    assert said["mean"].startswith("5.8 is the mean effort score (easy is high) of 20 who answered (")


def sends():
    sent = pd.DataFrame(
        {"respondent_id": [f"r{k}" for k in range(40)], "sent_at": pd.Timestamp("2026-03-02", tz="UTC")}
    )
    return response_rate(sent.assign(delivered=True), responses=wave([9] * 10, "2026-03-05"), as_of="2026-04-01")


def test_the_rate_of_response_says_when_it_was_sent():
    assert headline(sends()) == f"25{THIN}% of 40 surveys that arrived, sent in March 2026, were answered (14 to 40)."
    assert footnotes(sends())[1] == f"10 / 40 = 25.0{THIN}%, March 2026. 95{THIN}% Wilson intervals."


def churned(band_scores=(10, 3), prefix=None, by=None):
    said = pd.DataFrame({"account_id": range(40), "score": [band_scores[0]] * 20 + [band_scores[1]] * 20})
    said["answered_at"] = pd.Timestamp("2026-01-10", tz="UTC")
    paid = pd.DataFrame({"customer_id": range(40), "mrr": 1, "start": pd.Timestamp("2025-06-01", tz="UTC")})
    paid["end"] = pd.Series(pd.Timestamp("2026-02-20", tz="UTC"), index=paid.index).where(paid.index >= 28)
    if prefix:
        said["account_id"] = prefix + said["account_id"].astype("str")
    said["plan"] = ["a", "b"] * 20
    return nps_by_churn(said, subscriptions=paid, as_of="2026-06-01", by=by, min_n=5)


def test_detractors_are_set_against_promoters_and_called_an_association():
    text = headline(churned())
    assert text.startswith(f"60{THIN}% of 20 detractors left within 90 days (39 to 78): 60 points higher than")
    assert text.endswith("An association, not an effect.")
    assert footnotes(churned())[-1] == ("Left out: 0 who answered too recently, 0 who paid nothing when they answered.")


def test_detractors_of_groups_are_set_beside_each_other_and_not_only_the_last_told():
    table = churned(by="plan")
    mine = table["band"].eq("detractor") & table["plan"].eq("b")
    table.loc[mine, ["churn_rate", "churn_rate_low", "churn_rate_high"]] = [0.2, 0.06, 0.51]
    text = headline(table)
    assert text.startswith(f"60{THIN}% of the detractors of a left within 90 days (31 to 83), the most of 2 groups: ")
    assert text.endswith("An association, not an effect.")


@pytest.mark.parametrize("by", [None, "plan"])
def test_tables_that_call_customers_otherwise_are_told_so(by):
    said = "– nobody of the 40 who answered is in the subscriptions. Do both tables call customers alike?"
    assert headline(churned(prefix="K", by=by)) == said


def test_groups_of_whom_nobody_answered_have_a_sentence():
    nobody = wave([9], "2026-01-05").assign(plan="pro")[:0]
    paid = pd.DataFrame({
        "customer_id": ["r0"], "subscription_id": ["s"], "start": pd.to_datetime(["2025-01-05"], utc=True), "mrr": 10,
        "end": pd.to_datetime([None], utc=True),
    })  # fmt: skip
    table = nps_by_churn(nobody, subscriptions=paid, by="plan", as_of="2026-06-01")
    assert headline(table) == "– nobody answered."


def test_a_band_that_was_cut_off_is_not_told():
    table = churned()
    for band, said in (
        ("promoter", "– detractors are not in the table."),
        ("detractor", f"60{THIN}% of 20 detractors"),
    ):
        part = table[table["band"] == band]
        part.attrs = table.attrs
        assert headline(part).startswith(said)
        assert "promoters" not in headline(part)


def test_no_detractor_is_no_rate():
    assert headline(churned((10, 8))).startswith("– too few detractors were watched for long enough")


def test_complaints_of_a_group_alone_are_said_in_a_whole_sentence():
    tickets = pd.DataFrame(
        {"created_at": pd.to_datetime(["2026-03-05"], utc=True), "is_complaint": True, "plan": "pro"}
    )
    active = pd.DataFrame({
        "period_start": pd.to_datetime(["2026-03-01"] * 2), "customers": [50, 0], "plan": ["pro", "free"],
    })  # fmt: skip
    said = headline(complaint_rate(tickets, active=active, by="plan", as_of="2026-04-01"))
    assert said == "2 is the number of complaints from 100 active customers of pro (0 to 11)."


def test_complaints_are_told_per_hundred_customers():
    at = pd.to_datetime(["2026-03-05"] * 12 + ["2026-04-05"] * 8, utc=True)
    active = pd.DataFrame({"period_start": pd.to_datetime(["2026-03-01", "2026-04-01"]), "customers": [400, 160]})
    tickets = pd.DataFrame({"created_at": at, "is_complaint": True})
    table = complaint_rate(tickets, active=active, as_of="2026-05-01")
    assert headline(table).startswith(
        "5.0 complaints came from 100 active customers in April 2026 (2.2 to 9.9): 2.0 points"
    )
    assert "Complaints per 100" in show(table, "x").html
    assert footnotes(table)[1].startswith("100 × 8 / 160 = 5.00, April 2026.")
