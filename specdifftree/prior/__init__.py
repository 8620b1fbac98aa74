"""Frozen processes that a search can sample from: the protocol, exact worlds, a diffusion forecaster."""
