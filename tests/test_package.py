"""The package as a whole: what it needs, what it exports, how light it is."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import metrics

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {  # without what only their GUIs need
    "matplotlib": "matplotlib-base", "nbconvert": "nbconvert-core", "duckdb": "python-duckdb",
}  # fmt: skip


def test_environment_yml_has_the_bounds_of_pyproject():
    found = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {line for line in found if isinstance(line, str)} - {"pip"}
    wanted = {f"python{PROJECT['requires-python']}"}
    for line in PROJECT["dependencies"]:
        name, bound = re.fullmatch(r"([A-Za-z0-9_-]+)(.*)", line).groups()
        wanted.add(CONDA_NAMES.get(name, name) + bound)
    assert conda == wanted


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_the_locks_pin_every_dependency(lock):
    pinned = {line.split("==")[0].lower() for line in (ROOT / lock).read_text().splitlines() if "==" in line}
    extras = PROJECT["optional-dependencies"]
    needed = PROJECT["dependencies"] + extras["build"] + (extras["test"] if "test" in lock else [])
    names = {re.match(r"[A-Za-z0-9_-]+", line)[0].lower().replace("_", "-") for line in needed}
    assert names <= pinned


def test_the_test_lock_has_the_same_versions():
    core, test = (
        {line for line in (ROOT / lock).read_text().splitlines() if "==" in line}
        for lock in ("requirements.lock", "requirements-test.lock")
    )
    assert core <= test


def test_every_public_name_is_there_and_documented():
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__, name
    assert sorted(metrics.__all__) == sorted(metrics._HOME)
    with pytest.raises(AttributeError, match="'funnel_of_love'"):
        metrics.funnel_of_love  # noqa: B018
    with pytest.raises(AttributeError, match=r"Did you mean 'churn_rate'\?"):
        metrics.churned  # noqa: B018
    assert not hasattr(metrics, "_repr_html_")


def imported_by(statement):
    code = f"{statement}; import sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_stays_light():
    assert not imported_by("import metrics") & {"pandas", "numpy", "matplotlib", "scipy"}
    assert not imported_by("import metrics; metrics.conversion_funnel") & {"matplotlib", "papermill", "nbconvert"}
    assert not imported_by("from metrics import conversion_funnel") & {"scipy", "duckdb", "pyspark", "matplotlib"}


def test_metrics_never_imports_reporting_and_reporting_no_metric():
    for package, other in (("metrics", "reporting"), ("reporting", "metrics")):
        for path in (ROOT / "src" / package).rglob("*.py"):
            assert not re.search(rf"^\s*(from|import) {other}\b", path.read_text(), re.M), path


FLOORS = [
    "periods",
    "ranges",
    "steps",
    "results",
    "intervals",
    "exact",
    "files",
    "events",
    "exports",
    "store",
    "engine",
]

METRICS = [
    "funnel", "retention", "churn", "surveys", "clv", "paths", "survival", "activity", "onboarding", "health",
    "revenue", "economics",
    "experiments", "campaigns", "support", "kpis", "loyalty",
]  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "src/metrics").rglob("*.py")), ids=lambda p: str(p.name))
def test_each_metric_imports_only_the_floors_below_it(path):
    home = path.relative_to(ROOT / "src/metrics").parts[0].removesuffix(".py")
    if home not in METRICS:
        return
    used = set(re.findall(r"^\s*from metrics\.(\w+)", path.read_text(), re.M)) - {home}
    above = {
        "paths": {"funnel"},  # what droppers did instead begins with the funnel that they dropped from
        "onboarding": {"survival"},  # who has not reached it yet is censored
        "churn": {"revenue"},  # who left is told by the balances of recurring revenue
        "economics": {"revenue"},
        "support": {"survival"},  # who waits for an answer is censored
        "loyalty": {"revenue"},  # a subscription is bought once it has recurring revenue
        "health": {"revenue", "surveys", "support"},  # what a customer pays, says and asks is read as there
        "kpis": {
            "revenue",
            "churn",
            "economics",
            "clv",
            "surveys",
            "support",
            "health",
            "loyalty",
        },  # counts nothing of its own
    }
    assert used <= set(FLOORS) | above.get(home, set())


def test_no_source_file_is_long():
    for path in (ROOT / "src").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path
