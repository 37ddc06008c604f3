"""Measurements of Suelo on the machine at hand; `make bench` or `python -m benchmarks`."""
