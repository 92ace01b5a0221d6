"""What is to be built, and whether it is well formed: nothing here runs anything.

file.py        reports.toml                 notebook.py   a notebook as a file
parameters.py  types, defaults and values   secrets.py    values that nobody may see
"""
