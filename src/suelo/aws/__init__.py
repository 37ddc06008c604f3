"""The service on AWS Lambda: one module per function, each with a `handler`."""
