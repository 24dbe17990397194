"""Benchmarks. Every file here is one, is run as a process of its own, and prints exactly one JSON line."""
