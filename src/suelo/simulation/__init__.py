"""Made-up scenes with exact truth: demo, tests, benchmarks."""
