"""The engine: what waits, what is computed together, which model answers. It knows no HTTP."""
