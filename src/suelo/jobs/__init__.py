"""Segmentations that are remembered: records, objects, and where they run."""
