import copy
import pickle

import pandas as pd
import pytest

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


def test_settings_that_tables_share_are_not_edited_in_place():
    table = result(pd.DataFrame({"n": [1]}), metric="m", definition="d", settings={"tz": "UTC"})
    shared = table.assign(m=2).attrs["settings"]
    for edit in (
        lambda: shared.update(tz="CET"), lambda: shared.pop("tz"), shared.clear, shared.popitem,
        lambda: shared.setdefault("by", "plan"), lambda: shared.__setitem__("tz", "CET"),
        lambda: shared.__delitem__("tz"), lambda: shared.__ior__({"tz": "CET"}),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"cannot be edited in place. Give this table its own"):
            edit()
    assert table.attrs["settings"] == {"tz": "UTC"}
    assert pickle.loads(pickle.dumps(table)).attrs == table.attrs
    assert copy.copy(shared) == shared
