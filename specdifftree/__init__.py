"""Sample from p(x|c)·exp(λ r(x)) with a frozen time-series model, by tree search over its denoising steps."""

__version__ = "0.0.1"

from specdifftree.machine.device import (
    fast_blas,
)  # MLX's Linux CPU wheel brings a slow BLAS: load a fast one before MLX is imported

fast_blas()
