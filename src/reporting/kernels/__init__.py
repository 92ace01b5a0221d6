"""Kernels that start warm."""
