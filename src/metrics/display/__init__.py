"""How a result is shown: formatted tables with their footnotes, sentences with their intervals, definitions."""

from metrics.display.shown import Headline, Shown, definitions, headline, show

__all__ = ["Headline", "Shown", "definitions", "headline", "show"]
