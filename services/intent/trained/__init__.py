"""Trained models: packages, what they run on, and what their logits mean."""
