"""Segments of a population and the thresholds of its traits.

fitted = fit(rows, seed=0, k=3)      # rows: the lines of profile's /v1/features/export
fitted.save(folder)                  # model.json and summary.json, for services.kit.artifacts.publish_artifact
"""

from training.segments.fitting import FittedSegments, SegmentSummary, fit

__all__ = ["FittedSegments", "SegmentSummary", "fit"]
