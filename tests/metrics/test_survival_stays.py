import pandas as pd
import pytest

from metrics import churn_rate, event_log, survival_curve, user_stays

LOG = event_log("""
    2026-01-01  ann   use
    2026-01-11  ann   use
    2026-01-01  back  use
    2026-02-20  back  use
    2026-01-01  edge  use
    2026-01-31  edge  use
    2026-01-30  tie   use
    2026-02-20  new   use
""")


def test_a_stay_ends_with_the_first_long_silence():
    stays = user_stays(LOG, as_of="2026-03-01").set_index("user_id")
    days = (stays["duration"] / pd.Timedelta(days=1)).to_dict()
    assert days == {"ann": 40, "back": 30, "edge": 59, "tie": 30, "new": 9}
    assert stays["churned"].to_dict() == {"ann": True, "back": True, "edge": False, "tie": False, "new": False}
    # edge came back after exactly 30 days, and tie may still do so at the first moment not observed


def test_those_who_left_are_those_whom_churn_counts():
    log = LOG[LOG["user_id"] != "back"]
    stays = user_stays(log, as_of="2026-03-02")
    churn = churn_rate(log, period=None, since="2026-02-01", until="2026-03-02", as_of="2026-03-02", min_n=1)
    assert stays["churned"].sum() == churn.loc[0, "churned"] == 2


def test_stays_make_a_curve():
    stays = user_stays(LOG, as_of="2026-03-01")
    curve = survival_curve(stays["duration"], stays["churned"])
    assert curve["time"].iloc[-1] == pd.Timedelta(days=59)
    assert curve["survival"].tolist() == pytest.approx([1, 3 / 4, 3 / 8, 3 / 8])


def test_another_event_and_an_unknown_one():
    assert len(user_stays(LOG[:0], as_of="2026-03-01")) == 0
    with pytest.raises(ValueError, match="buy"):
        user_stays(LOG, event="buy", as_of="2026-03-01")
