"""How a result is shown: tables with their footnotes, sentences with their intervals, definitions, rules that fired."""

from metrics.display.alerts import Alert, alert
from metrics.display.given import Given, given, given_any
from metrics.display.shown import Headline, Shown, definitions, headline, show

__all__ = ["Alert", "Given", "Headline", "Shown", "alert", "definitions", "given", "given_any", "headline", "show"]
