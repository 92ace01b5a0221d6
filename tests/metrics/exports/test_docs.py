"""docs/exports.md names every format, and its own example of a format works."""

import re
import types
from pathlib import Path

import metrics
from metrics import exports
from tests.metrics.exports.reading import became, lines, seen

DOCS = (Path(__file__).parents[3] / "docs" / "exports.md").read_text()


def test_every_format_has_a_row():
    rows = set(re.findall(r"^\| `(\w+)` \|", DOCS, re.M))
    readers = {name for name in rows if name.startswith("read_")}  # of the user's own tables
    assert rows - readers == set(exports.formats())
    assert readers <= set(metrics.__all__)


def test_the_format_of_the_page_can_be_added(tmp_path, monkeypatch):
    [code] = re.findall(r"```python\n(.*?)```", DOCS.partition("## Add your own format")[2], re.S)
    acme = types.ModuleType("acme")
    exec(code, acme.__dict__)
    with_acme = {"acme": exports.Format("acme", acme), **exports.formats()}
    monkeypatch.setattr(exports, "formats", lambda: with_acme)
    rows = [
        {"acme_id": "1", "what": "visit", "device": "d", "at": 1_767_603_600, "more": {"page": "/"}},
        {"acme_id": "2", "what": "login", "who": "ann", "device": "d", "at": 1_767_603_660},
        {"acme_id": "3", "what": "buy", "who": "ann", "device": "d", "at": 1_767_603_720},
        {"acme_id": "3", "what": "buy", "who": "ann", "device": "d", "at": 1_767_603_720},
    ]
    load = metrics.load_events(lines(tmp_path / "acme.jsonl", rows))
    assert seen(load) == ["09:00:00 ann visit", "09:02:00 ann buy"]
    assert became(load) == {"kept": 2, "duplicate": 1, "system": 1}
