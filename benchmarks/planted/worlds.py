"""Two worlds of fieldnote for a seed: one with what `truth.json` plants, one in which nothing is planted."""

from dataclasses import dataclass, replace

import pandas as pd

from metrics.samples.fieldnote import Parameters, simulate

PLANTED = Parameters()
NOTHING = replace(
    PLANTED,
    email_converts=(0.08, 0.08),
    searches=(0.32, 0.32),
    asks_to_cancel=(0.08, 0.08),
    trial_calls=(0.35, 0.35),
    confirm_email=(0.88, 0.88),
    create_project=(0.77, 0.77),
    invite_teammate=(0.50, 0.50),
    share_project=(0.75, 0.75),
    nps_free=(0.45, 0.33, 0.22),
    nps_pro=(0.45, 0.33, 0.22),
    nps_team=(0.45, 0.33, 0.22),
)


@dataclass(frozen=True, eq=False)  # known by itself, so that an answer of it can be kept
class World:
    """The tables of a seed, and the law that made them."""

    law: Parameters
    tables: dict[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def world(seed: int, users: int, law: Parameters) -> World:
    """Without copies, strangers and the planted people on the edges, who obey no law."""
    tables = simulate(seed=seed, users=users, parameters=law)
    events = tables["events"].drop_duplicates("event_id").dropna(subset=["user_id"])
    tables["events"] = events[~events["user_id"].str.startswith("edge-")].reset_index(drop=True)
    return World(law, tables)
