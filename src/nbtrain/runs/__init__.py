"""Runs: the run folder, the trainer process that writes it, and whoever starts, watches and reads it."""
