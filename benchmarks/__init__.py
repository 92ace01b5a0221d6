"""How fast, against the best rivals, side by side in one run: `make bench`, and docs/performance.md."""
