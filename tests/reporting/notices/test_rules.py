"""The rules of every report, from the notebook to whom they are told: each fires here, on the demo data."""

import html
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reporting.cli import demo, report

app = typer.Typer()
app.add_typer(report, name="report")
app.command("demo")(demo)

ROOT = Path(__file__).parents[3]
LATE = {"as_of": "2026-07-05"}  # days after the demo data end
RULES: dict[str, tuple[dict[str, object], set[str]]] = {  # parameters under which each rule of a report must fire
    "overview": (LATE, {"data-end-early"}),
    "onboarding_funnel": (LATE, {"data-end-early"}),
    "retention": (LATE, {"data-end-early"}),
    "churn": (LATE | {"max_churn": 0.1}, {"churn-high", "data-end-early"}),
    "kpi_sheet": ({"missed_for": 1}, {"target-missed"}),
    "email_tests": (
        {"max_unsubscribed": 0.001, "max_machines": 0.1, "planned": [3.0, 1.0]},
        {"too-many-mails", "opened-by-machines", "split-not-as-planned"},
    ),
    "customer_health": (
        {"large_mrr": 1, "min_lift": 50},
        {"large-customer-at-risk", "score-finds-too-little"},
    ),
    "customer_status": ({}, {"sign-of-leaving"}),
}
HOOK = ["python", "-c", "import sys; open('told', 'a').write(sys.stdin.read() + chr(10))"]


def with_rules():
    """Reports whose notebook has a rule, and the names of its rules."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
        names = {part.split('"')[0] for cell in cells if "metrics.alert(" in cell for part in cell.split('rule="')[1:]}
        if names:
            found[path.stem] = names
    return found


def test_every_report_with_a_rule_is_tried_here():
    assert {name: rules for name, (_, rules) in RULES.items()} == with_rules()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A recipe of these reports, built once, and what its hook was told."""
    folder = tmp_path_factory.mktemp("rules")
    parts = [f"[defaults]\nout = '.'\non_alert = {json.dumps(HOOK)}\nparams = {{ as_of = 2026-07-01 }}"]
    for name, (given, _) in RULES.items():
        values = ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items())
        parts.append(f"[report.{name}]\nnotebook = '{ROOT}/notebooks/{name}.ipynb'\nparams = {{ {values} }}")
    (folder / "reports.toml").write_text("\n".join(parts))
    answer = CliRunner().invoke(app, ["report", "run", "--recipe", str(folder / "reports.toml")])
    assert answer.exit_code == 0, answer.output
    return folder


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_fires_stands_in_the_index_and_in_the_manifest_and_is_told_to_the_hook(project, name):
    told = [json.loads(line) for line in (project / "told").read_text().splitlines()]
    [entry] = [entry for entry in told if entry["report"] == name]
    assert entry["event"] == "alert"
    assert {alert["rule"] for alert in entry["alerts"]} == RULES[name][1]

    [manifest] = (project / "runs").glob("*/manifest.json")
    [page] = [page for page in json.loads(manifest.read_text())["pages"] if page["report"] == name]
    assert page["alerts"] == entry["alerts"]

    index = html.unescape((project / "index.html").read_text())
    report_page = html.unescape(Path(entry["page"]).read_text())
    for alert in entry["alerts"]:
        assert alert["sentence"] in index
        assert alert["sentence"] in report_page
