"""Suelo."""
