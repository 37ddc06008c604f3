"""The model at run time: one ONNX file with its contract inside, and the sessions that run it."""
