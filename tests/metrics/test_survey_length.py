"""Who finishes surveys of so many questions."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from metrics import completion_by_length, headline, show
from metrics.display.footnotes import footnotes

THIN = "\u202f"


def begun(*groups):
    """Surveys with `questions`, of which some were finished and some were left."""
    rows = [(q, done) for q, finished, gone in groups for done in [True] * finished + [False] * gone]
    return pd.DataFrame(rows, columns=["questions", "completed"])


def rows_of(table, *columns):
    return table[list(columns)].astype(object).where(table[list(columns)].notna(), None).to_numpy().tolist()


def test_each_length_has_its_rate_the_shortest_first():
    table = completion_by_length(begun((20, 20, 30), (3, 45, 5)))
    assert rows_of(table, "questions", "responses", "completed", "completion_rate") == [
        [3, 50, 45, 0.9],
        [20, 50, 20, 0.4],
    ]
    low, high = proportion_confint(20, 50, method="wilson")
    assert rows_of(table, "completion_rate_low", "completion_rate_high")[1] == pytest.approx([low, high])
    low, high = proportion_confint(20, 50, alpha=0.1, method="wilson")
    assert completion_by_length(begun((20, 20, 30)), confidence=0.9)["completion_rate_low"][0] == pytest.approx(low)


def test_a_rate_over_few_is_held_back_and_its_counts_stand():
    table = completion_by_length(begun((3, 9, 0), (5, 10, 0)))
    assert rows_of(table, "responses", "completed", "completion_rate", "completion_rate_low", "reason")[0] == [
        9, 9, None, None, "below_min_n",
    ]  # fmt: skip
    assert rows_of(table, "completion_rate", "reason")[1] == [1.0, None]


def test_who_may_still_go_on_is_in_no_denominator():
    responses = pd.DataFrame({"questions": [3, 3, 5], "completed": [True, None, None]})
    table = completion_by_length(responses, min_n=1)
    assert rows_of(table, "questions", "responses", "completion_rate", "unknown", "reason") == [
        [3, 1, 1.0, 1, None],
        [5, 0, None, 1, "zero_denominator"],
    ]


def test_an_unknown_length_is_a_row_of_its_own_at_the_end():
    responses = pd.DataFrame({"questions": ["", "7", None], "completed": ["yes", "No", " true "]})
    table = completion_by_length(responses, min_n=1)
    assert rows_of(table, "questions", "responses", "completed") == [[7, 1, 0], [None, 2, 2]]


def test_groups_are_told_apart_and_a_missing_one_is_a_group():
    responses = begun((3, 1, 1), (5, 1, 0)).assign(plan=["pro", None, "pro"], index=[7, 7, 7]).set_index("index")
    table = completion_by_length(responses, by="plan", min_n=1)
    assert rows_of(table, "plan", "questions", "completion_rate") == [["pro", 3, 1], ["pro", 5, 1], [None, 3, 0]]


LOG = pd.DataFrame(
    [("r1", "q1", 1), ("r1", "q2", 1), ("r2", "q1", 0), ("r2", "q2", 0), ("r3", "q1", 1)],
    columns=["response_id", "question", "completed"],
)


def test_rows_of_questions_are_counted_for_each_response():
    table = completion_by_length(LOG, questions=None, min_n=1)
    assert rows_of(table, "questions", "responses", "completed") == [[1, 1, 1], [2, 2, 1]]


def test_nobody_began_one():
    table = completion_by_length(begun())
    assert len(table) == 0
    assert headline(table) == "– too few surveys of one length were begun to say who finishes (0)."
    assert completion_by_length(LOG[:0], questions=None)["questions"].dtype == "Int64"


@pytest.mark.parametrize(
    ("responses", "options", "message"),
    [
        (begun((3, 1, 0)).drop(columns="completed"), {}, "'completed'"),
        (begun((3, 1, 0)).drop(columns="questions"), {}, "'questions'"),
        (begun((3, 1, 0)), {"questions": None}, "'response_id'"),
        (begun((3, 1, 0)), {"by": "questions"}, "a column of the result"),
        (begun((0, 1, 0)), {}, "0 is no number of questions"),
        (begun((2.5, 1, 0)), {}, "2.5 is no number of questions"),
        (begun(("few", 1, 0)), {}, "'few' is no number of questions"),
        (begun((3, 1, 0)).assign(completed=0.8), {}, "0.8 is neither true nor false"),
        (LOG.assign(questions=2), {}, "response_id 'r1' stands in several rows"),
        (LOG.assign(completed=[1, 0, 0, 0, 1]), {"questions": None}, "rows of response 'r1' disagree in completed"),
        (LOG.assign(response_id=[None, "r", "r", "r", "r"]), {"questions": None}, "response_id is missing in 1 row"),
        (begun((3, 1, 0)), {"min_n": 0}, "min_n"),
    ],
)
def test_what_cannot_be_counted_is_refused(responses, options, message):
    with pytest.raises(ValueError, match=message):
        completion_by_length(responses, **options)


@settings(max_examples=30, deadline=None)
@given(
    surveys=st.lists(st.tuples(st.integers(1, 5), st.sampled_from([True, False, None])), min_size=1),
    seed=st.integers(0, 9),
)
def test_both_forms_of_the_table_agree_and_nobody_is_lost(surveys, seed):
    one = pd.DataFrame(surveys, columns=["questions", "completed"]).assign(response_id=range(len(surveys)))
    many = one.loc[one.index.repeat(one["questions"])].drop(columns="questions").sample(frac=1, random_state=seed)
    table, counted = completion_by_length(one, min_n=1), completion_by_length(many, questions=None, min_n=1)
    pd.testing.assert_frame_equal(table, counted)
    assert table[["responses", "unknown"]].to_numpy().sum() == len(surveys)


def test_the_longest_is_set_against_the_shortest():
    table = completion_by_length(pd.concat([begun((3, 45, 5), (20, 20, 30)), begun((40, 1, 0))]))
    text = headline(table)
    assert text.startswith(f"40{THIN}% of 50 surveys with 20 questions were finished (28 to 54): 50 points lower than")
    assert text.endswith("An association, not an effect.")
    assert footnotes(table)[1] == f"20 / 50 = 40.0{THIN}%, 20 questions. 95{THIN}% Wilson intervals."
    assert "Finished, %" in show(table, "x").html


def test_groups_are_said_together_and_what_is_not_known_stands_below():
    responses = begun((1, 6, 6)).assign(plan=["a", "b"] * 6, completed=[None, *[True] * 5, *[False] * 6])
    table = completion_by_length(responses, by="plan")
    assert headline(table).startswith(f"45{THIN}% of 11 surveys with 1 question were finished (")
    assert footnotes(table)[1:] == [
        "Too few surveys of one length, so that no rate exists.",
        "Left out: 1 of which it is not known whether they were finished.",
    ]
