"""Combinations of codes: which ones there are, and which one each row has."""

from collections.abc import Sequence

import numpy as np

from metrics.periods import Ints


def combinations(codes: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The distinct combinations of several columns, in order (columns x combinations), and the place of each row's."""
    key, most = np.zeros(len(codes[0]), np.int64), 1
    for code in codes:
        low = int(code.min(initial=0))
        width = int(code.max(initial=0)) - low + 1
        if most * width >= 2**62:
            seen, key = np.unique(key, return_inverse=True)
            most = len(seen)
        key, most = key * width + (code - low), most * width
    # numpy sorts 16 bits by radix, many times faster than 64.
    small = key.astype(np.uint16) if most <= 2**16 else key
    _, first, place = np.unique(small, return_index=True, return_inverse=True)
    return np.stack([code[first] for code in codes]), place
