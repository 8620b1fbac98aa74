"""Stages of training, one notebook each."""
