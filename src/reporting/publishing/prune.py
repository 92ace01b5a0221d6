"""Which runs of the past are kept, and which are removed."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from reporting.publishing.folder import STAMP, Folder, remove
from reporting.publishing.manifest import began
from reporting.publishing.states import States, save_states
from reporting.recipe.keys import Keep


def to_remove(
    runs: Iterable[str], keep: Keep, in_use: Iterable[str], stamps: Mapping[str, str] | None = None
) -> list[str]:
    """Runs that no rule keeps, the oldest first.

    Parameters
    ----------
    runs
        Names of runs, which begin with their moment in UTC.
    keep
        How many of the last ones, and of how many days and months the last one each.
    in_use
        Runs that readers see a page of. They are kept whatever the rules say, and so is the newest.
    stamps
        When runs began, written as in a name, for those whose name does not tell: after a clock that ran ahead, all
        later runs are named for the moment that it showed. Which runs are the last ones, names tell all the same.

    >>> runs = ["20260630T060000.000000Z-aaaa", "20260701T060000.000000Z-bbbb", "20260701T070000.000000Z-cccc"]
    >>> to_remove(runs, Keep(daily=1, monthly=2), in_use=[])
    ['20260701T060000.000000Z-bbbb']
    """
    newest_first = sorted(runs, reverse=True)
    kept = {*in_use, *newest_first[: max(keep.last, 1)]}
    for count, letters in ((keep.daily, 8), (keep.monthly, 6)):
        spans: dict[str, str] = {}
        for run in newest_first:
            spans.setdefault((stamps or {}).get(run, run)[:letters], run)
        kept |= set(list(spans.values())[:count])
    return [run for run in reversed(newest_first) if run not in kept]


def prune(folder: Folder, states: States, keep: Keep, *, dry: bool = False) -> list[str]:
    """Remove runs by a rule, and say which; for one that holds the lock.

    Parameters
    ----------
    folder
        Where the runs are.
    states
        How all pages stand.
    keep
        The rule.
    dry
        Only say which.
    """
    runs = folder.run_ids()
    stamps = {run: moment.strftime(STAMP) for run in runs if (moment := began(folder.runs / run))}
    gone = to_remove(runs, keep, states.in_use(), stamps)
    if not dry and gone:
        states.forget(gone)
        save_states(folder, states)  # first, so that nothing is remembered of what is gone
        with ThreadPoolExecutor(8) as pool:  # a disk that is waited for eight at a time is waited for less
            list(pool.map(remove, [folder.runs / run for run in gone]))
    return gone
