"""Samples: event tables written as a log, the simulated product "fieldnote", the real CDNOW orders.

`event_log` is for examples and tests, `metrics.samples.fieldnote` makes ``data/demo``,
`metrics.samples.cdnow` makes ``data/cdnow.csv``. What is in those files: ``data/README.md``.
"""

from metrics.samples.log import event_log

__all__ = ["event_log"]
