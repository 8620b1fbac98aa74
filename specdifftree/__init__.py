"""Sample from p(x|c)·exp(λ r(x)) with a frozen time-series model, by tree search.

`from specdifftree import …` gives the names below. Each is loaded when it is first asked for, so
that importing the package costs next to nothing; the modules hold the rest.
"""

__version__ = "0.0.1"

import importlib

from specdifftree.machine.blas import fast_blas

fast_blas()  # MLX's Linux CPU wheel brings a slow BLAS: load a fast one before MLX is imported

DOOR = {  # module -> what users need of it
    "series.tables": ["Series", "windows"],
    "prior.gaussian_mixture": ["GaussianMixture"],
    "prior.train_denoiser": ["load_forecaster", "train_forecaster"],
    "prior.forecast": ["ForecastPrior"],
    "reward.spectral": ["spectral_reward"],
    "reward.sums": ["sum_rewards"],
    "reward.goals": ["known_total", "peak_above", "stay_below"],
    "reward.difficulty": ["lam_for_difficulty"],
    "search.importance": ["sample", "snis"],
    "search.batched": ["dts", "search_queries"],
    "search.methods": ["Method", "register"],
    "value.amortised": ["amortised"],
    "language.backbone": ["load_backbone"],
    "language.model": ["TSLM"],
    "language.examples": ["Example", "Signal"],
    "language.optimiser": ["Recipe"],
    "language.train": ["Trainer"],
    "curriculum.stage": ["Stage"],
}
PLACE = {name: module for module, names in DOOR.items() for name in names}
__all__ = ["__version__", "fast_blas", *PLACE]


def __getattr__(name):
    """Load one of the names above from its module (PEP 562)."""
    if name not in PLACE:
        raise AttributeError(f"module 'specdifftree' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"specdifftree.{PLACE[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    """The names, for completion."""
    return sorted({*globals(), *PLACE})
