"""The command line of reports: `metrics report …` and `metrics demo`.

build.py    run rerun demo               ask.py      check params plan list
history.py  show diff prune index        machine.py  doctor export
schedule.py schedule notify              junit.py    a run as JUnit XML
"""

from reporting.cli import ask, history, machine, schedule
from reporting.cli.app import report
from reporting.cli.build import demo

__all__ = ["ask", "demo", "history", "machine", "report", "schedule"]
