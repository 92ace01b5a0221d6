"""A bar for long work, in a terminal or a notebook; nothing where nobody watches, or while the work is short."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 2.0  # seconds of work before a bar appears


@contextmanager
def bar(what: str) -> Iterator[Callable[[float], None]]:
    """A function to be told how much is done, 0 to 1. ``TQDM_DISABLE=1`` in the environment keeps it off."""
    from tqdm import tqdm

    style = "{desc} {percentage:3.0f} %|{bar:30}| {elapsed}, {remaining} to go"
    with tqdm(total=1.0, desc=what, delay=PATIENCE, leave=False, bar_format=style, **_hidden()) as shown:

        def done(share: float) -> None:
            shown.update(max(share - shown.n, 0.0))

        yield done


@contextmanager
def counter(what: str) -> Iterator[Callable[[int], None]]:
    """A function to be told how many there are so far, where nobody knows how many there will be."""
    from tqdm import tqdm

    with tqdm(desc=what, delay=PATIENCE, leave=False, bar_format="{desc}: {n:,} ({elapsed})", **_hidden()) as shown:

        def so_far(number: int) -> None:
            shown.update(number - shown.n)

        yield so_far


def _hidden() -> dict[str, bool]:
    """Hide it unless standard error is a terminal or the cell of a notebook; there the environment decides."""
    watched = sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel")
    return {} if watched else {"disable": True}
