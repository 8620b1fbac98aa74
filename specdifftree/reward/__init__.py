"""Rewards: a batch of samples in, one number each out."""
