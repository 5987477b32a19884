"""Data that an analyst edits and nothing else."""
