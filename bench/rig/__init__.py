"""What benchmarks are made of: a stack, callers, and meters of processors and memory."""
