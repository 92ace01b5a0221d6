"""The command line of reports: `metrics report …` and `metrics demo`."""

from reporting.cli.build import demo, report

__all__ = ["demo", "report"]
