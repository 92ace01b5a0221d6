"""Headline figures against rivals, side by side in one run: `make bench`."""
