"""A Spark DataFrame has the answers of the table in memory, to the last digit."""

import os
import shutil
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import metrics
from metrics import EventTableError, Step
from metrics.engine import rows_of
from tests.metrics.catalogue import METRICS, OF_EVENTS, START, table_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("spark"),  # one Java for all
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def spark():
    """A Spark of two threads in this machine's Java, without a shuffle over more parts than the rows need."""
    if shutil.which("java") is None:
        pytest.fail(
            "Spark needs Java 17, which `make test` installs where apt-get is. Install openjdk-17-jre-headless."
        )
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "3",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.session.timeZone": "America/New_York",  # must not matter
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "1g",
        }
        builder = SparkSession.builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def log():
    """Rows of some forty users, with ties, missing values and rows after `as_of`."""
    rng = np.random.default_rng(11)
    rows = [
        (f"user {rng.integers(40)}", "abc"[rng.integers(3)], START + pd.Timedelta(hours=int(rng.integers(90 * 24))),
         ["pro", "free", None][rng.integers(3)], float(rng.integers(11)) / 3)
        for _ in range(600)
    ]  # fmt: skip
    return table_of(rows + [(user, event, time, "free", amount) for user, event, time, _, amount in rows[:60]])


@pytest.fixture(scope="module")
def distributed(spark, log):
    return spark.createDataFrame(log).repartition(4).cache()


# Spark takes seconds for each; of these another variant of the same function is tried.
VARIANTS = ("conversion_funnel attempts", "conversion_funnel strict", "compare_funnels by two", "retention_curve")


@pytest.mark.parametrize("name", [name for name in OF_EVENTS if name not in VARIANTS])
def test_every_event_metric_has_the_answer_of_the_table(name, log, distributed):
    there, here = METRICS[name](distributed), METRICS[name](log)
    assert there.attrs == here.attrs
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_steps_by_values_of_any_type(spark):
    log = table_of([("o'hara", "a", START, 'it\'s \\ "here"', 2.0), ("o'hara", "b", START, None, float("nan"))])
    log = log.assign(flag=[True, False, True, False, True], number=range(5)).rename(columns={"plan": "the `plan`"})
    there = spark.createDataFrame(log)
    for where in ({"the `plan`": 'it\'s \\ "here"'}, {"amount": None}, {"flag": 1}, {"number": 1.0}, {"amount": 2}):
        steps = [Step(None, where=where), "b"]
        found = metrics.funnel_users(there, steps, as_of="2027-01-01", by="the `plan`")
        pd.testing.assert_frame_equal(
            found, metrics.funnel_users(log, steps, as_of="2027-01-01", by="the `plan`"), check_exact=True
        )


def test_units_that_hold_several_columns_are_told_apart_where_values_are_missing(spark):
    log = table_of([("ann", "a", START, "x", 1.0), ("ann", "b", START, None, 1.0)]).assign(
        os=[None, "x", None, None, None]
    )
    log["os"] = log["os"].astype("str")
    options = {"hold_constant": ["plan", "os"], "as_of": "2027-01-01"}
    found = metrics.conversion_funnel(spark.createDataFrame(log), ["a", "b"], **options)
    assert found["users"].tolist() == metrics.conversion_funnel(log, ["a", "b"], **options)["users"].tolist() == [2, 1]


def test_the_rows_of_one_unit(log, distributed):
    end = pd.Timestamp("2026-03-01", tz="UTC").value // 1000
    there = rows_of(distributed, unit="user_id", value="user 7", before=end)
    here = rows_of(log, unit="user_id", value="user 7", before=end)
    keys = ["timestamp", "event", "amount"]
    pd.testing.assert_frame_equal(
        there.sort_values(keys, ignore_index=True), here.sort_values(keys, ignore_index=True), check_exact=True
    )


def test_bad_rows_are_counted_and_refused(spark, log):
    for column in ("user_id", "event", "timestamp"):
        bad = log[:5].copy()
        bad.loc[3, column] = None if column == "timestamp" else " \u2003"
        with pytest.raises(EventTableError, match="1 row has no user_id, no event or no time"):
            metrics.churn_rate(spark.createDataFrame(bad), as_of="2026-03-01")


def test_a_table_that_is_none_is_refused(spark):
    naive = spark.sql("SELECT 'ann' AS user_id, 'a' AS event, TIMESTAMP_NTZ '2026-01-01 10:00:00' AS timestamp")
    with pytest.raises(EventTableError, match="'timestamp' is timestamp_ntz, not an instant"):
        metrics.churn_rate(naive, as_of="2026-03-01")
    with pytest.raises(EventTableError, match="events has no column event, timestamp"):
        metrics.churn_rate(spark.sql("SELECT 'ann' AS user_id"), as_of="2026-03-01")
    floats = spark.sql("SELECT DOUBLE(1) AS user_id, 'a' AS event, TIMESTAMP '2026-01-01 10:00:00' AS timestamp")
    with pytest.raises(EventTableError, match="'user_id' is double"):
        metrics.churn_rate(floats, as_of="2026-03-01")


def test_a_needed_event_that_no_row_has_is_refused_by_its_name(distributed):
    with pytest.raises(ValueError, match="steps: 'aa' is not in the event table"):
        metrics.conversion_funnel(distributed, ["aa", "b"], as_of="2026-03-01")


def test_what_a_kernel_says_about_its_arguments_arrives(spark, log):
    with pytest.raises(ValueError, match="value: 'amount' holds infinite numbers"):
        metrics.cohort_retention(spark.createDataFrame(log.assign(amount=np.inf)), value="amount", as_of="2026-03-01")


def test_what_is_no_number_is_no_unit(spark):
    there = spark.sql(
        "SELECT *, TIMESTAMP '2026-01-01 10:00:00' AS timestamp FROM VALUES "
        "('ann', 'a', DOUBLE('NaN')), ('ann', 'b', CAST(NULL AS DOUBLE)), ('ben', 'a', 1.5D), ('cat', 'b', 1.5D) "
        "AS t(user_id, event, account)"
    )
    options = {"unit": "account", "as_of": "2027-01-01"}
    assert metrics.conversion_funnel(there, ["a", "b"], **options)["users"].tolist() == [1, 1]
    held = {"hold_constant": "account", "as_of": "2027-01-01"}
    assert metrics.conversion_funnel(there, ["a", "b"], **held)["users"].tolist() == [2, 1]


@pytest.mark.parametrize("options", [{}, {"merge": None, "unit": "day"}, {"tz": "Europe/Berlin", "end": "2026-02-28"}])
def test_orders_in_spark_give_the_summary_and_the_holdout_of_the_table(spark, log, options):
    orders = log.dropna(subset=["amount"])
    there, here = spark.createDataFrame(orders), orders
    columns = {"amount": "amount"}
    pd.testing.assert_frame_equal(
        metrics.orders_summary(there, **columns, **options), metrics.orders_summary(here, **columns, **options)
    )
    held = {"split": "2026-02-10", "models": (), "baselines": ("rate",)} | columns
    pd.testing.assert_frame_equal(metrics.holdout_check(there, **held), metrics.holdout_check(here, **held))
