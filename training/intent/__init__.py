"""Training of the intent model: one encoder, several heads, calibrated, exported to ONNX. Needs the extra `train-intent`."""
