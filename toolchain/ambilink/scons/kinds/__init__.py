"""Kinds of outputs, one file for each: its flags, its inputs, how it is checked, and where it goes."""
