"""The reference of reports names all that there is."""

import re
from pathlib import Path

from typer.testing import CliRunner

import metrics
from reporting.cli import report
from reporting.publishing import inputs
from reporting.recipe import keys, rules
from tests.reporting.notebooks import write_notebook

ROOT = Path(__file__).parent.parent
DOC = (ROOT / "docs/reports.md").read_text()


def test_every_key_of_a_recipe_is_named():
    known = {*keys.Defaults.__struct_fields__, *keys.Entry.__struct_fields__}
    assert {key for key in known if f"`{key}`" not in DOC} == set()
    examples = "".join(re.findall(r"```toml\n(.*?)```", DOC, re.S))
    assert {key for key in set(rules.KEYS) - {"meaning"} if f"{key} =" not in examples} == set()


def test_every_verb_is_named():
    verbs = {command.name or command.callback.__name__ for command in report.registered_commands if not command.hidden}
    assert {verb for verb in verbs if f"`{verb}" not in DOC} == set()


def test_every_input_is_named():
    named = set(re.findall(r"^ *(\w+)  ", inputs.__doc__, re.M))
    assert len(named) == 7
    assert {name for name in named if f"**{name}**" not in DOC} == set()


def test_the_report_of_ones_own_can_be_followed_word_for_word(tmp_path, monkeypatch):
    told = DOC.split("## A report of your own")[1].split("## The recipe\n")[0]
    title = re.search(r"```markdown\n(.*?)```", told, re.S)[1]
    parameters, counted, shown = re.findall(r"```python\n(.*?)```", told, re.S)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "data").symlink_to(ROOT / "data")
    notebook = tmp_path / "notebooks/sharing.ipynb"
    write_notebook(notebook, f"%md {title}", counted, "%md ## Where do they stop?", shown, parameters=parameters)
    (tmp_path / "reports/reports.toml").write_text(re.search(r"```toml\n(.*?)```", told, re.S)[1])
    monkeypatch.chdir(tmp_path)
    assert "1 report, nothing to mend" in CliRunner().invoke(report, ["check", "sharing"]).output
    monkeypatch.chdir(notebook.parent)
    names = {}
    for code in (parameters, counted, shown):
        exec(code, names)
    assert str(metrics.headline(names["funnel"])).startswith("26.0")
