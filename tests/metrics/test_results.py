import copy

import pandas as pd

from metrics.events.account import Account
from metrics.results import result


def test_steps_on_a_table_do_not_copy_its_settings_and_its_account():
    table = result(pd.DataFrame({"n": [1, 2]}), metric="m", definition="d", settings={"by": ["plan"], "since": None})
    table.attrs["account"] = Account([{"stage": "read", "rows": 2}])
    later = table[table["n"] > 1].assign(m=3).reset_index(drop=True)
    assert later.attrs["settings"] is table.attrs["settings"]
    assert later.attrs["account"] is table.attrs["account"]
    assert copy.deepcopy(later.attrs) == {
        "metric": "m", "definition": "d", "settings": {"by": ["plan"]}, "account": [{"stage": "read", "rows": 2}],
    }  # fmt: skip


def test_settings_can_be_added_to_one_table_alone():
    table = result(pd.DataFrame({"n": [1]}), metric="m", definition="d", settings={"tz": "UTC"})
    later = table.copy()
    later.attrs["settings"] = later.attrs["settings"] | {"by": "plan"}
    assert table.attrs["settings"] == {"tz": "UTC"}
    assert repr(later.attrs["settings"]) == "{'tz': 'UTC', 'by': 'plan'}"
