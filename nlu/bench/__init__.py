"""Measuring how well and how fast sentences are understood, on this project's data or anyone's."""
