"""The builders that SConscripts call, one file for each. Their docstrings are the manual: docs/reference/builders.md is
made of them."""
