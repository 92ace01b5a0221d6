"""How do we stand, for the company and for its customers, and what was missed? All key figures in one table."""

from metrics.kpis.sheet import kpi_sheet

__all__ = ["kpi_sheet"]
