"""Satisfaction, effort, accounts, rolling windows and the change of a promoter score."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ztest

from metrics import customer_effort, customer_satisfaction, net_promoter_score, nps_change
from metrics.intervals import wilson
from tests.metrics.test_surveys import answers

few = settings(deadline=None, max_examples=25)


def scores(values, **columns):
    return pd.DataFrame({"score": values, **columns})


def vote(score):
    return (score >= 9) * 1.0 - (score <= 6)


# -- promoter scores of a real survey, of accounts, over time ----------------------------------------------------------


@pytest.mark.parametrize(
    ("promoters", "passives", "detractors", "score"),
    [(2308, 579, 131, 72.1339), (184, 58, 18, 63.8462), (1570, 369, 65, 75.0998)],
)
def test_the_r_community_has_the_published_scores(promoters, passives, detractors, score):
    table = scores([10] * promoters + [8] * passives + [1] * detractors)
    found = net_promoter_score(table, per_respondent="all")["net_promoter_score"].item()
    assert found == pytest.approx(score, abs=5e-5)


ACCOUNTS = pd.DataFrame(
    [("r1", "big", 10, 900.0), ("r2", "big", 9, 900.0), ("r3", "big", 2, 900.0), ("r4", "small", 1, 100.0)],
    columns=["respondent_id", "account_id", "score", "mrr"],
).assign(answered_at=pd.Timestamp("2026-03-02", tz="UTC"))


def test_respondents_accounts_and_money_give_three_numbers():
    def nps(**options):
        return net_promoter_score(ACCOUNTS, min_n=1, **options).iloc[0]

    assert nps()["net_promoter_score"] == 0  # 2 promoters, 2 detractors
    by_account = nps(level="account")
    assert by_account["net_promoter_score"] == pytest.approx(100 * (1 / 3 - 1) / 2)
    assert by_account[["responses", "promoters", "detractors", "accounts"]].tolist() == [4, 2, 2, 2]
    by_money = nps(level="account", weight="mrr")["net_promoter_score"]
    assert by_money == pytest.approx(100 * (900 / 3 - 100) / 1000)


def test_too_few_accounts_are_too_few_however_many_answered():
    many = pd.concat([ACCOUNTS.assign(respondent_id=f"x{k}") for k in range(5)])
    row = net_promoter_score(many, level="account", per_respondent="all").iloc[0]
    assert (row["responses"], row["accounts"], row["reason"]) == (20, 2, "below_min_n")


def test_answers_without_an_account_each_stand_for_themselves():
    table = ACCOUNTS.assign(account_id=[None, None, "a", "a"])
    assert net_promoter_score(table, level="account", min_n=1)["accounts"].item() == 3


def test_a_weight_of_nothing_is_no_voice_and_a_missing_one_an_error():
    row = net_promoter_score(ACCOUNTS.assign(mrr=0), weight="mrr", min_n=1).iloc[0]
    assert np.isnan(row["net_promoter_score"])
    assert row["reason"] == "zero_denominator"
    for bad in (None, -1.0, np.inf):
        with pytest.raises(
            ValueError, match="weight: 'mrr' is missing, negative or no number for 1 answer that counts"
        ):
            net_promoter_score(ACCOUNTS.assign(mrr=[1.0, 1.0, 1.0, bad]), weight="mrr", min_n=1)
    rejected = ACCOUNTS.assign(mrr=[1.0, 1.0, 1.0, None], score=[9, 9, 9, None])
    assert net_promoter_score(rejected, weight="mrr", min_n=1)["net_promoter_score"].item() == 100


def test_alike_weights_change_nothing_also_not_the_limits():
    plain = net_promoter_score(ACCOUNTS, min_n=1)
    weighted = net_promoter_score(ACCOUNTS.assign(mrr=7.0), weight="mrr", min_n=1)
    pd.testing.assert_frame_equal(plain, weighted, check_exact=False)


@few
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(1, 9)), min_size=2, max_size=30))
def test_weighted_plain_limits_are_those_of_a_ratio(rows):
    table = scores([s for s, _ in rows], w=[float(w) for _, w in rows])
    row = net_promoter_score(table, per_respondent="all", weight="w", interval="wald", min_n=1).iloc[0]
    v, w = vote(table["score"].to_numpy()), table["w"].to_numpy()
    mean = np.average(v, weights=w)
    half = 1.959963984540054 * np.sqrt(((w * (v - mean)) ** 2).sum()) / w.sum()
    assert row["net_promoter_score"] == pytest.approx(100 * mean, abs=1e-9)
    limits = row[["net_promoter_score_low", "net_promoter_score_high"]].astype(float)
    assert limits.tolist() == pytest.approx([100 * max(-1, mean - half), 100 * min(1, mean + half)], abs=1e-6)


def test_limits_of_money_hold_where_a_few_accounts_pay_most():
    """The limits of a ratio held it in 84 and 87 of 100."""
    rng = np.random.default_rng(5)
    for promoters, detractors, n in (0.6, 0.1, 50), (0.3, 0.3, 50):
        money = rng.lognormal(0, 1.5, (400, n))
        table = scores(
            rng.choice([9, 8, 2], money.size, p=[promoters, 1 - promoters - detractors, detractors]),
            mrr=money.ravel(),
            sample=np.repeat(np.arange(400), n),
        )
        found = net_promoter_score(table, per_respondent="all", weight="mrr", by="sample")
        true = 100 * (promoters - detractors)
        held = (found["net_promoter_score_low"] <= true) & (true <= found["net_promoter_score_high"])
        assert held.mean() > 0.92, (promoters, held.mean())


QUARTER = answers("""
    old   2026-01-31T23:59:59  9
    edge  2026-02-01  2
    edge  2026-03-31  9
    new   2026-04-15  8
""")


def test_a_rolling_window_reaches_back_from_the_end_of_each_period():
    table = net_promoter_score(QUARTER, period="month", rolling="59 days", min_n=1)
    # [1 Feb, 1 April) begins with the first answer of edge, of whom the later answer counts.
    assert table[["responses", "promoters", "detractors", "duplicates"]].to_numpy().tolist() == [
        [1, 1, 0, 0],  # January
        [2, 1, 1, 0],  # 1 January to 28 February: old and edge
        [1, 1, 0, 1],  # 1 February on: edge, and the answer before
        [2, 1, 0, 0],  # 3 March on
    ]


def test_since_keeps_what_its_first_window_reaches_back_to_and_until_ends_the_last():
    table = net_promoter_score(
        QUARTER, period="month", rolling="59 days", since="2026-03-01", until="2026-04-01", min_n=1
    )
    assert table["period_start"].dt.month.tolist() == [3]
    assert table["responses"].item() == 1
    assert table["duplicates"].item() == 1


def test_a_rolling_window_of_a_week_is_the_week_also_where_the_clocks_change():
    at = ["2026-10-18T23:59", "2026-10-19T00:30", "2026-10-25T23:30", "2026-03-22T23:30", "2026-03-23T00:00"]
    local = pd.to_datetime(at).tz_localize("Europe/Berlin").tz_convert("UTC")
    answers = pd.DataFrame({"respondent_id": list("abcde"), "score": [0, 10, 5, 0, 10], "answered_at": local})
    how = {"period": "week", "tz": "Europe/Berlin", "min_n": 1}
    rolled, weekly = (net_promoter_score(answers, rolling=span, **how) for span in ("7 days", None))
    pd.testing.assert_series_equal(rolled["responses"], weekly["responses"])


def test_rolling_without_periods_is_refused():
    with pytest.raises(ValueError, match="rolling measures the time up to the end of each period"):
        net_promoter_score(QUARTER, rolling="90 days")


def test_answers_on_a_shorter_scale_are_pointed_out():
    with pytest.warns(UserWarning, match="none of 50 answers is above 5"):
        net_promoter_score(scores([1, 2, 3, 4, 5] * 10), per_respondent="all")


def test_codes_for_missing_are_no_scores():
    row = net_promoter_score(scores([9, 99, -1, 98, "DK"]), per_respondent="all", min_n=1).iloc[0]
    assert row[["responses", "rejected"]].tolist() == [1, 4]


# -- the change --------------------------------------------------------------------------------------------------------


def wave(values, names=None, day="2026-01-05"):
    names = [f"{day} {k}" for k in range(len(values))] if names is None else names
    return scores(values, respondent_id=names, answered_at=pd.Timestamp(day, tz="UTC"))


def change(before, after, **options):
    return nps_change(before, after=after, **({"min_n": 1} | options)).iloc[0]


def limits(row):
    return [row["difference_low"], row["difference_high"]]


WAVES = st.lists(st.integers(0, 10), min_size=3, max_size=30).filter(lambda v: len({vote(x) for x in v}) > 1)


def test_of_many_strangers_the_change_is_the_z_test_of_two_means():
    rng = np.random.default_rng(8)
    was, now = rng.integers(0, 11, 30), rng.integers(3, 11, 130)
    row = change(wave(was), wave(now, day="2026-04-05"))
    a, b = (DescrStatsW(vote(v)) for v in (was, now))
    error = np.sqrt(a.var / a.nobs + b.var / b.nobs)
    z = (b.mean - a.mean) / error
    assert row["z"] == pytest.approx(z)
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert not row["paired"]
    half = 100 * stats.norm.ppf(0.975) * error
    assert limits(row) == pytest.approx([row["difference"] - half, row["difference"] + half])


@pytest.mark.parametrize(("n_was", "n_now"), [(15, 25), (29, 400)])
def test_of_fewer_strangers_it_is_the_test_of_welch(n_was, n_now):
    rng = np.random.default_rng(8)
    was, now = rng.integers(0, 11, n_was), rng.integers(3, 11, n_now)
    row = change(wave(was), wave(now, day="2026-04-05"))
    welch = stats.ttest_ind(vote(now), vote(was), equal_var=False)
    assert row["p_value"] == pytest.approx(welch.pvalue)
    means = CompareMeans(DescrStatsW(vote(now)), DescrStatsW(vote(was)))
    assert limits(row) == pytest.approx([100 * limit for limit in means.tconfint_diff(usevar="unequal")])


@few
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=3, max_size=30))
def test_of_the_same_people_the_change_is_the_test_of_the_mean_difference(pairs):
    names = [f"p{k}" for k in range(len(pairs))]
    was, now = (np.array(side) for side in zip(*pairs, strict=True))
    row = change(wave(was, names), wave(now, names, day="2026-04-05"))
    moved = vote(now) - vote(was)
    assert row["difference"] == pytest.approx(100 * moved.mean())
    if moved.std() == 0:
        assert row["reason"] == "p_value: zero_variance"
        return
    assert row["z"] == pytest.approx(ztest(moved, ddof=0)[0])
    student = stats.ttest_1samp(moved, 0)
    low, high = (100 * limit for limit in student.confidence_interval(0.95))
    # What few do not show makes it less sure, and never surer.
    assert row["p_value"] >= student.pvalue * (1 - 1e-9)
    assert row["difference_low"] <= max(-200, low) + 1e-9
    assert row["difference_high"] >= min(200, high) - 1e-9


def test_of_fewer_people_who_answered_twice_it_is_the_t_test_of_pairs():
    rng = np.random.default_rng(8)
    names = [f"p{k}" for k in range(25)]
    was, now = rng.integers(0, 11, 25), rng.integers(3, 11, 25)
    row = change(wave(was, names), wave(now, names, day="2026-04-05"))
    student = stats.ttest_rel(vote(now), vote(was))
    assert row["p_value"] == pytest.approx(student.pvalue)
    assert limits(row) == pytest.approx([100 * limit for limit in student.confidence_interval(0.95)])


@few
@given(WAVES, WAVES, st.integers(0, 30), st.sampled_from([0.8, 0.95]))
def test_limits_leave_out_0_where_p_is_small_and_nowhere_else(was, now, both, confidence):
    names = [f"p{k}" for k in range(60)]
    before, after = wave(was, names[: len(was)]), wave(now, names[both : both + len(now)], day="2026-04-05")
    row = change(before, after, confidence=confidence)
    if not np.isnan(row["p_value"]):
        outside = row["difference_low"] > 0 or row["difference_high"] < 0
        assert outside == (row["p_value"] < 1 - confidence)


def test_one_answer_that_differs_does_not_make_a_change_sure():
    """Twelve promoters and twelve left 97 points open; one passive among them, and it was 31."""
    alike = change(wave([9] * 12), wave([9] * 12, day="2026-04-05"))
    one = change(wave([9] * 12), wave([9] * 11 + [8], day="2026-04-05"))
    widths = [row["difference_high"] - row["difference_low"] for row in (alike, one)]
    assert widths == pytest.approx([97.0, 95.1], abs=0.1)


def every_outcome(n, cells):
    """All counts of `n` answers in so many cells."""
    if cells == 1:
        return np.array([[n]])
    return np.vstack([
        np.column_stack([np.full(len(rest), k), rest])
        for k in range(n + 1)
        for rest in [every_outcome(n - k, cells - 1)]
    ])  # fmt: skip


def test_limits_of_a_change_hold_it_exactly_as_often_as_they_say():
    """All that ten strangers and ten others may answer: normal limits held these changes in 90 to 95 of 100."""
    counts = every_outcome(10, 3)
    was, now = (np.repeat(counts, 66, axis=0), np.tile(counts, (66, 1)))
    sides = []
    for side, told in (("b", was), ("a", now)):
        table = pd.DataFrame({"score": np.tile([10, 8, 1], len(told)), "case": np.repeat(np.arange(len(told)), 3)})
        table = table.loc[np.repeat(table.index, told.ravel())].reset_index(drop=True)
        sides.append(
            table.assign(respondent_id=[f"{side}{k}" for k in table.index], answered_at=wave([9])["answered_at"][0])
        )
    found = nps_change(sides[0], after=sides[1], by="case", min_n=1, per_respondent="all")
    held = {}
    for first, then in ((3, 2, 5), (3, 2, 5)), ((9, 1, 0), (9, 1, 0)), ((0, 9, 1), (4, 2, 4)), ((8, 1, 1), (2, 2, 6)):
        law = np.array(first) / 10, np.array(then) / 10
        true = 100 * ((law[1][0] - law[1][2]) - (law[0][0] - law[0][2]))
        chance = stats.multinomial.pmf(was, 10, law[0]) * stats.multinomial.pmf(now, 10, law[1])
        inside = (found["difference_low"] <= true + 1e-9) & (true - 1e-9 <= found["difference_high"])
        held[first, then] = (chance * inside).sum()
    assert min(held.values()) > 0.94, held


def test_limits_of_a_change_of_the_same_people_hold_it():
    """Ten who answer twice, and mostly alike; every outcome of who stays, comes up one band or two, or goes down."""
    counts = every_outcome(10, 4)
    bands = np.tile([[10, 10], [1, 8], [1, 10], [10, 1]], (len(counts), 1))
    pairs = pd.DataFrame(bands, columns=["was", "now"]).assign(case=np.repeat(np.arange(len(counts)), 4))
    pairs = pairs.loc[np.repeat(pairs.index, counts.ravel())].reset_index(drop=True)
    pairs = pairs.assign(respondent_id=[f"r{k}" for k in pairs.index], answered_at=wave([9])["answered_at"][0])
    before, after = (pairs.rename(columns={side: "score"}) for side in ("was", "now"))
    found = nps_change(before, after=after, by="case", min_n=1)
    assert found["paired"].all()
    held = {}
    for law in (0.9, 0.1, 0, 0), (0.9, 0, 0.1, 0), (0.6, 0.2, 0.1, 0.1), (0.8, 0, 0.1, 0.1), (0.2, 0.3, 0.3, 0.2):
        true = 100 * (law[1] + 2 * law[2] - 2 * law[3])
        inside = (found["difference_low"] <= true + 1e-9) & (true - 1e-9 <= found["difference_high"])
        held[law] = (stats.multinomial.pmf(counts, 10, law) * inside).sum()
    assert min(held.values()) > 0.93, held


def test_who_answers_again_and_again_is_one_person_also_in_a_change():
    """Two people's ten answers a side say no more than two people do."""
    was, now = (
        wave([9, 3] * 5, list("ab" if k else "cd") * 5, day) for k, day in enumerate(("2026-01-05", "2026-04-05"))
    )
    row = change(was, now, per_respondent="all", paired="auto")
    assert row["responses_before"] == 10
    two = change(wave([9, 3], list("ab")), wave([9, 3], list("cd"), "2026-04-05"))
    assert limits(row) == pytest.approx(limits(two))


def test_who_answered_once_counts_beside_those_who_answered_twice():
    was, now = wave([9, 9, 3, 3], list("abcd")), wave([9, 9, 9, 3], list("abxy"), day="2026-04-05")
    together, apart = change(was, now), change(was, now, paired=False)
    assert together["difference"] == apart["difference"] == 50
    assert together["paired"]
    assert not apart["paired"]
    assert together["z"] > apart["z"]  # a and b did not move


def test_pairs_that_are_asked_for_must_be_there():
    with pytest.raises(ValueError, match="paired: no respondent answered both times"):
        change(wave([9, 3]), wave([9, 9], day="2026-04-05"), paired=True)
    with pytest.raises(ValueError, match="paired: 'maybe' is not known"):
        change(wave([9]), wave([9]), paired="maybe")


def test_a_group_of_one_side_only_has_its_row_and_no_difference():
    was = wave([9, 3]).assign(plan="pro")
    now = wave([9, 9], day="2026-04-05").assign(plan=["pro", None])
    table = nps_change(was, after=now, by="plan", min_n=1)
    assert table["responses_before"].tolist() == [2, 0]
    assert table["responses_after"].tolist() == [1, 1]
    assert pd.isna(table["reason"][0])
    assert table["reason"][1] == "no_responses"
    assert table["after"][1] == 100
    assert np.isnan(table["difference"][1])


def test_few_answers_on_one_side_hold_back_that_score_and_the_change():
    row = change(wave([9] * 9), wave([3] * 10, day="2026-04-05"), min_n=10)
    assert np.isnan(row["before"])
    assert row["after"] == -100
    assert row["reason"] == "below_min_n"


# -- satisfaction ------------------------------------------------------------------------------------------------------


def test_satisfaction_is_the_share_of_the_top_boxes_of_those_who_rated():
    row = customer_satisfaction(scores([5] * 42 + [4] * 32 + [3] * 10 + [2] * 9 + [1] * 14 + [None, 6, 0])).iloc[0]
    assert row[["responses", "satisfied", "customer_satisfaction_rounded", "rejected"]].tolist() == [107, 74, 69, 3]
    assert row["customer_satisfaction"] == pytest.approx(69.1588785)
    assert row["mean_score"] == pytest.approx(400 / 107)
    low, high = proportion_confint(74, 107, method="wilson")
    limits = row[["customer_satisfaction_low", "customer_satisfaction_high"]].astype(float)
    assert limits.tolist() == pytest.approx([100 * low, 100 * high])


@pytest.mark.parametrize(("scale", "boxes"), [(3, 1), (4, 2), (5, 2), (7, 2), (10, 3)])
def test_each_scale_has_its_top_boxes(scale, boxes):
    table = scores(list(range(1, scale + 1)))
    assert customer_satisfaction(table, scale=scale, min_n=1)["satisfied"].item() == boxes


def test_a_scale_without_settled_boxes_asks_for_them():
    table = scores([6, 5, 2])
    with pytest.raises(ValueError, match="for 1 to 6 it is not settled"):
        customer_satisfaction(table, scale=6)
    assert customer_satisfaction(table, scale=6, satisfied=[5, 6], min_n=1)["satisfied"].item() == 2
    with pytest.raises(ValueError, match="are not scores from 1 to 5"):
        customer_satisfaction(table, satisfied=[5, 6])
    with pytest.raises(ValueError, match="scale: 1 is not the highest"):
        customer_satisfaction(table, scale=1)


def test_satisfaction_reads_only_its_own_questions():
    table = scores([5, 1, 9], question_type=["csat", "CSAT", "nps"])
    row = customer_satisfaction(table, min_n=1).iloc[0]
    assert row[["responses", "rejected"]].tolist() == [2, 0]


def test_every_occasion_counts_unless_one_voice_is_asked_for():
    table = answers("ann 2026-01-01 5\nann 2026-02-01 2\nben 2026-02-01 4")
    got = [customer_satisfaction(table, per_respondent=p, min_n=1).iloc[0] for p in ("all", "latest", "first", "mean")]
    assert [row["responses"] for row in got] == [3, 2, 2, 2]
    assert [row["satisfied"] for row in got] == [2, 1, 2, 2]  # the mean of 5 and 2 is nearest to 4
    assert [row["duplicates"] for row in got] == [0, 1, 1, 1]


SCORES = {
    "satisfaction": lambda table: customer_satisfaction(table, by="sample", min_n=1),
    "easy": lambda table: customer_effort(table, scale=5, direction="ease", by="sample", min_n=1),
    "net": lambda table: customer_effort(table, scale=5, direction="ease", method="net", by="sample", min_n=1),
    "mean": lambda table: customer_effort(table, scale=5, direction="ease", method="mean", by="sample", min_n=1),
    "nps": lambda table: net_promoter_score(table.assign(score=2 * table["score"]), per_respondent="all", by="sample"),
}
TRUE = {"satisfaction": 70, "easy": 70, "net": 50, "mean": 3.8, "nps": 30}


@pytest.mark.parametrize("name", list(SCORES))
def test_limits_hold_where_the_same_people_answer_again_and_again(name):
    """Fifteen people, each four answers, most of them alike; as strangers' they held the score in 68 to 73 of 100."""
    rng = np.random.default_rng(3)
    samples, people, answered = 400, 15, 4
    own = rng.choice([5, 4, 3, 1], (samples, people, 1), p=[0.5, 0.2, 0.1, 0.2])
    other = rng.choice([5, 4, 3, 1], (samples, people, answered), p=[0.5, 0.2, 0.1, 0.2])
    given_ = np.where(rng.random(other.shape) < 0.8, own, other)
    table = scores(
        given_.ravel(),
        sample=np.repeat(np.arange(samples), people * answered),
        respondent_id=np.tile(np.repeat(np.arange(people), answered), samples).astype(str),
    )
    found = SCORES[name](table)
    column = found.columns[found.columns.str.endswith("_low")][0].removesuffix("_low")
    held = (found[f"{column}_low"] <= TRUE[name]) & (TRUE[name] <= found[f"{column}_high"])
    assert held.mean() > 0.92, held.mean()


def test_the_order_of_rows_does_not_reach_the_last_digit_where_people_answer_again():
    rng = np.random.default_rng(4)
    table = scores(rng.integers(1, 6, 300), respondent_id=rng.integers(0, 70, 300).astype(str))
    for seed in range(10):
        mixed = table.sample(frac=1, random_state=seed, ignore_index=True)
        for ask in (
            customer_satisfaction,
            lambda rows: customer_effort(rows, scale=5, direction="ease", method="mean"),
        ):
            pd.testing.assert_frame_equal(ask(mixed), ask(table), check_exact=True)
        first, second = table[:100], table[100:]
        mixed = [t.sample(frac=1, random_state=seed, ignore_index=True) for t in (first, second)]
        told = nps_change(mixed[0], after=mixed[1], per_respondent="all")
        pd.testing.assert_frame_equal(told, nps_change(first, after=second, per_respondent="all"), check_exact=True)


def test_people_who_answer_once_are_strangers_and_one_who_answers_alone_is_one():
    once = scores([5] * 8 + [1] * 4, respondent_id=list("abcdefghijkl"))
    unnamed = scores([5] * 8 + [1] * 4, respondent_id=[None] * 12)
    plain = scores([5] * 8 + [1] * 4)
    for table in (once, unnamed):
        pd.testing.assert_frame_equal(customer_satisfaction(table), customer_satisfaction(plain))
    alone = customer_satisfaction(scores([5] * 8 + [1] * 4, respondent_id=["a"] * 12)).iloc[0]
    low, high = wilson(np.array([8 / 12]), np.array([1.0]))
    assert alone["customer_satisfaction_low"] == pytest.approx(100 * low[0])
    assert alone["customer_satisfaction_high"] == pytest.approx(100 * high[0])
    own = customer_satisfaction(scores([5] * 8 + [1] * 4, respondent_id=["a"] * 12), by="respondent_id").iloc[0]
    assert own["customer_satisfaction_low"] == customer_satisfaction(plain)["customer_satisfaction_low"].item()
    alike = customer_satisfaction(scores([5] * 12, respondent_id=list("abc") * 4)).iloc[0]
    assert alike["customer_satisfaction_low"] < 100 * wilson(np.array([3.0]), np.array([3.0]))[0][0]


# -- effort ------------------------------------------------------------------------------------------------------------


EASE = [7, 7, 6, 5, 5, 4, 3, 1]


@pytest.mark.parametrize(("method", "score"), [("percent", 62.5), ("net", 100 * (5 - 2) / 8), ("mean", 38 / 8)])
def test_effort_has_three_methods(method, score):
    row = customer_effort(scores(EASE), direction="ease", method=method, min_n=1).iloc[0]
    assert row["customer_effort"] == pytest.approx(score)
    assert row[["responses", "method", "direction"]].tolist() == [8, method, "ease"]


@few
@given(st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_turning_the_scale_and_the_direction_changes_no_share(values):
    turned = [8 - v for v in values]
    for method in ("percent", "net"):
        ease = customer_effort(scores(values), direction="ease", method=method, min_n=1)
        effort = customer_effort(scores(turned), direction="effort", method=method, min_n=1)
        kept = ["responses", "customer_effort", "customer_effort_low", "customer_effort_high"]
        pd.testing.assert_frame_equal(ease[kept], effort[kept])


@few
@given(st.lists(st.sampled_from([1, 4, 7]), min_size=1, max_size=30))
def test_a_mean_of_ends_and_middles_has_the_limits_of_the_net_score(values):
    mean, net = (customer_effort(scores(values), direction="ease", method=m, min_n=1).iloc[0] for m in ("mean", "net"))
    for name in ("customer_effort", "customer_effort_low", "customer_effort_high"):
        assert mean[name] == pytest.approx(4 + 3 * net[name] / 100)


@pytest.mark.parametrize(("lowest", "n"), [(0.05, 20), (0.1, 10), (0.02, 50)])
def test_limits_of_a_mean_hold_where_most_answers_are_alike(lowest, n):
    """Student's t held the first in 64 of 100: of twenty answers alike it had no width."""
    mean, held = lowest + 7 * (1 - lowest), 0.0
    for k in range(n + 1):
        row = customer_effort(scores([1] * k + [7] * (n - k)), direction="ease", method="mean", min_n=1).iloc[0]
        inside = row["customer_effort_low"] <= mean <= row["customer_effort_high"]
        held += stats.binom.pmf(k, n, lowest) * inside
    assert held > 0.92


def test_of_answers_all_alike_others_may_still_think_otherwise():
    for value in (1, 4, 7):
        row = customer_effort(scores([value] * 20), direction="ease", method="mean").iloc[0]
        assert row["customer_effort"] == value
        assert row["customer_effort_high"] - row["customer_effort_low"] > 0.5


def test_the_direction_has_to_be_said_and_the_scale_known():
    with pytest.raises(TypeError, match="direction"):
        customer_effort(scores(EASE))
    with pytest.raises(ValueError, match="scale: 6 is not known"):
        customer_effort(scores(EASE), direction="ease", scale=6)
    with pytest.raises(ValueError, match="direction: 'down' is not known"):
        customer_effort(scores(EASE), direction="down")


def test_moves_that_cancel_but_for_rounding_are_no_variance():
    names = list("abc")
    row = change(wave([7, 7, 9], names), wave([0, 0, 7], names, day="2026-04-05"))  # each a band lower
    assert row["difference"] == -100
    assert row["reason"] == "p_value: zero_variance"


@pytest.mark.parametrize(("first", "then"), [(10, 10), (10, 3), (8, 8)])
def test_where_all_answer_alike_the_change_is_not_sure(first, then):
    """Each side may hold as many others as Wilson leaves open; before, the interval had no width."""
    row = change(wave([first] * 12, list("abcdefghijkl")), wave([then] * 12, list("mnopqrstuvwx"), day="2026-04-05"))
    other = 100 * wilson(np.zeros(1), np.array([12.0]), 0.95)[1][0]
    down, up = {(10, 10): (2, 2), (10, 3): (0, 2 * 2**0.5), (8, 8): (2**0.5, 2**0.5)}[first, then]
    assert row["difference"] - row["difference_low"] == pytest.approx(down * other)
    assert row["difference_high"] - row["difference"] == pytest.approx(up * other)
    assert pd.isna(row["p_value"])
