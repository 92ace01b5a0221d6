"""From the counts of kernels to a table of edges."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from metrics.intervals import ratio
from metrics.paths.walks import NODE

COLUMNS = ["source_step", "source", "target_step", "target", "users", "share", "mean_seconds"]
BEYOND = ["(open)", "(exit)"]  # what the codes -2 and -1 stand for


def edges_of(columns: Mapping[str, Any], keys: Sequence[str] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The counts of each edge, with the users at its source, and those of all paths; added up over kernels."""
    by = [*keys, "step", "source"]
    counts = pd.DataFrame(dict(columns)).groupby([*by, "target"], as_index=False).sum()
    totals, counts = counts[counts["step"] == 0], counts[counts["step"] > 0]
    nodes, edges = counts[counts["target"] == NODE], counts[counts["target"] != NODE]
    at_source = nodes.rename(columns={"users": "at_source"})[[*by, "at_source"]]
    return edges.merge(at_source, on=by, how="left"), totals


def named(edges: pd.DataFrame, names: pd.Index, own: Sequence[str] = ()) -> pd.DataFrame:
    """The edges with what their codes stand for, shares and mean times, by step and from the most walked down.

    `names` are the events by their codes from 0; `own` are the names before those of `BEYOND`, at codes below 0.
    """
    known = np.array([*names, *own, *BEYOND], dtype=object)  # codes below 0 count from the end
    table = edges.assign(
        source_step=edges["step"],
        source=pd.array(known[edges["source"].to_numpy(np.int64)], dtype="str"),
        target_step=edges["step"] + 1,
        target=pd.array(known[edges["target"].to_numpy(np.int64)], dtype="str"),
        share=ratio(edges["users"], edges["at_source"]),
        # Nobody knows how long an exit took.
        mean_seconds=ratio(
            edges["seconds"] + edges["microseconds"] / 1e6,
            edges["walks"].mask(edges["target"].between(-len(BEYOND), -1), 0),
        ),
    )
    return table.sort_values(["source_step", "users", "source", "target"], ascending=[True, False, True, True])
