"""The figures, one module each, with `TITLE`, `compute` and `plot`."""
