"""The reference of reports names all that there is."""

import re
from pathlib import Path

from reporting.cli import report
from reporting.publishing import inputs
from reporting.recipe import keys, rules

DOC = (Path(__file__).parent.parent / "docs/reports.md").read_text()


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
