"""Carry committed logs over to the present code, with evidence.

A log holds the hash of the code that made it. Where the code has been written anew and should
still make the same numbers, this script finds out: it takes the code that a log stands at (OLD, a
folder with a checkout or a git revision) and the present one, computes some parts of the log again
with both, each in a process of its own, and compares every array. Where they agree it adds a step
to the log's `carried`: from one hash to the other, and what was compared. Where they do not, it
says so and leaves the log alone: such a log must be computed again.

    python scripts/carry_logs.py OLD [NAME ...] [--parts 2] [--tolerance 1e-9] [--write]

A log that was carried before starts from where it stands, so OLD is the revision that it stands at.
With `--again` its steps are dropped and it starts from the code that made it, before there were
chapters. `--short` computes less of the figures, as `SHORT` says; all ten logs in some minutes:

    python scripts/carry_logs.py 16bf3af --again --short --parts 1 --write

A figure's parts are the shards of its run at paper scale, found by listening to the function that
runs them. Other logs have a small computation in `SNIPPETS` that covers the code behind them. Each
is run twice with the old code: numbers that differ between the two runs are times, and are left
out. Without `--write` nothing is changed.
"""

import argparse
import importlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RULE = "syntax trees of what is reached, without dress: nbs/0_machine/code_hash.ipynb"
FIGURES = ("collapse", "rollouts", "exactness", "speedup", "table")
RUNNERS = ("run_shards", "run_alone")  # what a figure gives its shards to

# Logs that do not say what made them: modules before there were chapters, and the present ones.
BEFORE = {name: [f"specdifftree.figures.{name}"] for name in FIGURES} | {
    "diffusion": ["specdifftree.forecast", "specdifftree.controls"],
    "flow": ["specdifftree.amortise"],
    "speed": ["specdifftree.engine"],
    "step": ["specdifftree.bench"],
    "train": ["specdifftree.train", "specdifftree.tslm"],
}
NOW = {name: [f"specdifftree.figures.{name}:compute"] for name in FIGURES} | {
    "diffusion": [
        "specdifftree.prior.train_denoiser",
        "specdifftree.prior.forecast",
        "specdifftree.series.simple_forecasters",
    ],
    "flow": ["specdifftree.value.learned"],
    "speed": ["specdifftree.search.batched"],
    "step": ["specdifftree.language.benchmark", "specdifftree.language.step_cost"],
    "train": ["specdifftree.language.train", "specdifftree.language.model"],
}

# Logs that are no figures: a computation with the code before chapters and one with the present,
# which both leave a dictionary of arrays in `found`.
MIXTURE = """
prior = GaussianMixture([0.5, 0.5], [[-1.0, -1.0], [1.0, 1.0]], 0.4, cosine_alpha_bar(10))
run = dts(prior, lambda x: -((x.sum(1) - 1) ** 2), 400, 1.0, 0, walkers=4)
found = {"samples": run.samples, "weights": run.weights, "log_z": run.log_z, "nfe": run.nfe}
"""
HISTORY = """
hours = np.arange(336)
history = np.sin(2 * np.pi * hours / 24) + 0.3 * np.random.default_rng(0).standard_normal(336)
prior = ForecastPrior(load_forecaster(), history[None])
"""
FORECASTS = """
found = {"samples": snis(prior, lambda x: x.mean(1), 64, 1.0, 0).samples}
past = np.tile(history, (2, 1))
found["naive"] = seasonal_naive(past, horizon=96)
ar = GaussianAR(np.full((1, 3), 0.3), np.array([0.1]), np.array([0.5]))
found["mean"], found["deviation"] = ar.forecast(past, np.zeros(2, int), 96)
"""
DENOISING = """
data = load("ETTh1")
parts = windows(data, "train", stride=97), windows(data, "validation", stride=97)
model, log = train_forecaster(Config(width=16, blocks=2, updates=60), *parts)
found |= {f"trained {k}": np.array(v) for k, v in tree_flatten(model.parameters())}
found["validation"] = [entry["validation"] for entry in log]
"""
FLOWS = """
few, unseen = windows(load("ETTh1"), "train"), windows(load("ETTh1"), "validation")
few, unseen = few[np.arange(0, len(few.start), 400)], unseen[np.arange(0, len(unseen.start), 400)]
forecaster, found = load_forecaster(), {}
drift = drift_of(few)
for kind in ("texture", "total", "peak"):
    seen, check = (queries(forecaster, d, kind, drift, i) for i, d in enumerate((few, unseen)))
    training = Training(small(kind), seen, check).run()
    found |= {f"{kind} {k}": np.array(v) for k, v in training_arrays(training).items()}
    found[f"{kind} residuals"] = [entry["residual"] for entry in training.log]
"""
SMALL = "width=8, updates=24, batch=48, candidates=6, every=4, keep=64"
AMORTISED = """
for name, reward in (("total", known_total(30.0, scale=5.0)), ("low", known_total(0.0, scale=2.0))):
    run = amortised(prior, reward, 200, 1.0, 0)
    found |= {f"{name} samples": run.samples, f"{name} weights": run.weights}
    found |= {f"{name} rewards": run.rewards, f"{name} log_z": run.log_z}
"""
TRAINING = """
def question(frequency, phase, answer):
    x = np.sin(frequency * np.arange(32) + phase)
    return Example(
        pre="An accelerometer.",
        signals=Signal(x, "x-axis", unit="g", rate=50),
        post="Is the motion slow or fast?",
        answer=answer,
    )


known = []
for answer, frequency in {"slow": 0.2, "fast": 0.9}.items():
    known += [question(frequency, phase, answer) for phase in np.linspace(0, 6, 8)]
model = TSLM(untie_head(random_llama(seed=0)), statistics=False)
recipe = Recipe(parts=dict(encoder=1e-3, projector=1e-3, lm_head=1e-2), batch=16, epochs=6)
Trainer(model, recipe, model.prepare(known)).run()
trained = dict(tree_flatten(model.trainable_parameters()))
found = {name: np.array(value.astype(mx.float32)) for name, value in trained.items()}
"""
ANSWERS = """
found["answers"] = model.generate(known[::4], max_tokens=8)
"""
ARRAYS = "import mlx.core as mx\nfrom mlx.utils import tree_flatten\n"
SNIPPETS = {  # name -> (what it covers, with the old code, with the present code)
    "speed": (
        "a search of 400 rollouts",
        "from specdifftree.engine import dts\n"
        "from specdifftree.prior import GaussianMixture, cosine_alpha_bar\n" + MIXTURE,
        "from specdifftree.search.batched import dts\n"
        "from specdifftree.prior.gaussian_mixture import GaussianMixture\n"
        "from specdifftree.prior.noise_schedule import cosine_alpha_bar\n" + MIXTURE,
    ),
    "diffusion": (
        "60 updates of a small denoiser, 64 samples of the shipped one, two simple forecasts",
        "import numpy as np\n"
        "from specdifftree.diffusion import Config, load_forecaster, train_forecaster\n"
        "from specdifftree.forecast import ForecastPrior\n"
        "from specdifftree.search import snis\n"
        "from specdifftree.series import load, windows\n"
        "from specdifftree.controls import GaussianAR, seasonal_naive\n"
        + ARRAYS
        + HISTORY
        + FORECASTS
        + DENOISING,
        "import numpy as np\n"
        "from specdifftree.prior.denoiser import Config\n"
        "from specdifftree.prior.train_denoiser import load_forecaster, train_forecaster\n"
        "from specdifftree.prior.forecast import ForecastPrior\n"
        "from specdifftree.search.importance import snis\n"
        "from specdifftree.series.tables import load, windows\n"
        "from specdifftree.series.simple_forecasters import GaussianAR, seasonal_naive\n"
        + ARRAYS
        + HISTORY
        + FORECASTS
        + DENOISING,
    ),
    "flow": (
        "24 updates of a small flow of each kind (config: harvest is collect now, held_out is an "
        "entry of its own), two amortised searches of 200 rollouts with the shipped flow",
        "import specdifftree\nimport numpy as np\n"
        "from specdifftree.accel import rng\n"
        "from specdifftree.diffusion import load_forecaster\n"
        "from specdifftree.forecast import ForecastPrior\n"
        "from specdifftree.series import load, windows\n"
        "from specdifftree.tasks import known_total\n"
        "from specdifftree.amortise import (\n"
        "    Chain, Recipe, Training, amortised, fit_drift, queries, training_arrays)\n"
        "def drift_of(few):\n"
        "    chain = Chain(ForecastPrior(forecaster, few.history))\n"
        "    return fit_drift(chain, rng(0, 'drift'), 600)\n"
        "def small(kind):\n"
        f"    return Recipe(kind, harvest=24, {SMALL})\n" + FLOWS + HISTORY + AMORTISED,
        "import specdifftree\nimport numpy as np\n"
        "from specdifftree.machine.seeds import rng\n"
        "from specdifftree.prior.train_denoiser import load_forecaster\n"
        "from specdifftree.prior.forecast import ForecastPrior\n"
        "from specdifftree.series.tables import load, windows\n"
        "from specdifftree.reward.goals import known_total\n"
        "from specdifftree.value.amortised import amortised\n"
        "from specdifftree.value.bellman import queries\n"
        "from specdifftree.value.corrections import fit_drift\n"
        "from specdifftree.value.learned import FlowRecipe, Training, training_arrays\n"
        "def drift_of(few):\n"
        "    chain = ForecastPrior(forecaster, few.history).chain\n"
        "    return fit_drift(chain, rng(0, 'drift'), 600)\n"
        "def small(kind):\n"
        f"    return FlowRecipe(kind, collect=24, {SMALL})\n" + FLOWS + HISTORY + AMORTISED,
    ),
    "step": (
        "six updates beside a small Llama and four answers",
        "import specdifftree\nimport numpy as np\n"
        "from specdifftree.backbone import random_llama\n"
        "from specdifftree.train import Recipe, Trainer, untie_head\n"
        "from specdifftree.tslm import TSLM, Example, Signal\n" + ARRAYS + TRAINING + ANSWERS,
        "import specdifftree\nimport numpy as np\n"
        "from specdifftree.language.backbone import random_llama\n"
        "from specdifftree.language.optimiser import Recipe\n"
        "from specdifftree.language.parts import untie_head\n"
        "from specdifftree.language.train import Trainer\n"
        "from specdifftree.language.model import TSLM\n"
        "from specdifftree.language.examples import Example, Signal\n"
        + ARRAYS
        + TRAINING
        + ANSWERS,
    ),
    "train": (
        "six updates of encoder, projector and head beside a small Llama",
        "import specdifftree\nimport numpy as np\n"
        "from specdifftree.backbone import random_llama\n"
        "from specdifftree.train import Recipe, Trainer, untie_head\n"
        "from specdifftree.tslm import TSLM, Example, Signal\n" + ARRAYS + TRAINING,
        "import specdifftree\nimport numpy as np\n"
        "from specdifftree.language.backbone import random_llama\n"
        "from specdifftree.language.optimiser import Recipe\n"
        "from specdifftree.language.parts import untie_head\n"
        "from specdifftree.language.train import Trainer\n"
        "from specdifftree.language.model import TSLM\n"
        "from specdifftree.language.examples import Example, Signal\n" + ARRAYS + TRAINING,
    ),
}

QUICK = {"scale": "quick"}
FEWER = {"mixture": [40, 40], "gaussian": [40, 40], "tokens": [40, 40]}
FEWER = {"budgets": [50, 200], "runs": FEWER, "contrast": [20, 20], "judged": 8}
SHORT = {  # what `--short` asks of a figure
    "exactness": {"change": FEWER | {"rollouts": 300, "trees": 2}},
    "rollouts": QUICK,
    "speedup": QUICK,
    "table": QUICK,
}


class Differs(Exception):
    """Why a log cannot be carried, in one line."""


# In the process that computes ------------------------------------------------------------------


class Enough(BaseException):
    """Raised when the wanted shards are there, so that the figure's run ends."""


def spread(count, wanted):
    """Numbers of `wanted` shards, from the first to the last of `count`."""
    return sorted({1 + round(j * (count - 1) / max(wanted - 1, 1)) for j in range(wanted)})


def listen(wanted, found, modules):
    """Put a function that computes some shards and stops in the place of those that run all."""

    def some(store, count, work, progress=iter):
        found["count"] = count
        for i in spread(count, wanted):
            found[i] = work(i)
        raise Enough

    for module in modules:
        for runner in RUNNERS:
            if callable(vars(module).get(runner)):
                setattr(module, runner, some)


def figure_shards(name, scale, seed, wanted, change):
    """Some shards of a figure's run, with some settings changed: (what they are, arrays)."""
    module, found = importlib.import_module(f"specdifftree.figures.{name}"), {}
    module.SCALES[scale] |= change
    ours = [m for n, m in sorted(sys.modules.items()) if n.split(".")[0] == "specdifftree"]
    listen(wanted, found, ours)
    try:
        module.compute(scale=scale, seed=seed)
    except Enough:
        pass
    else:
        raise RuntimeError(f"the run of {name} at {scale} scale asks for no shards")
    count = found.pop("count")
    numbers = ("shard " if len(found) == 1 else "shards ") + " and ".join(map(str, found))
    arrays = {f"{i}.{k}": np.asarray(v) for i, shard in found.items() for k, v in shard.items()}
    settings = f" with {json.dumps(change)}" if change else ""
    return f"{numbers} of {count} at {scale} scale{settings}", arrays


def snippet(code):
    """The arrays that a small program leaves in `found`."""
    space = {}
    exec(code, space)
    return {name: np.asarray(value) for name, value in space["found"].items()}


def has_chapters(tree):
    """Whether the modules of a tree lie in chapters."""
    return (Path(tree) / "specdifftree" / "machine" / "code_hash.py").exists()


def hash_of(tree, modules):
    """The hash of modules by the rule of the code itself."""
    name = "specdifftree.machine.code_hash" if has_chapters(tree) else "specdifftree.results"
    return importlib.import_module(name).code_hash(modules)


def check_home(tree):
    """An error where a module of the package came from anywhere but the tree."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.split(".")[0] == "specdifftree" and file:
            assert Path(tree) in Path(file).resolve().parents, f"{name} came from {file}"


def work(job):
    """What the other process was asked for."""
    if "modules" in job:
        return {"hash": np.array(hash_of(job["tree"], job["modules"]))}
    if "code" in job:
        return {"what": np.array(job["what"]), **_named(snippet(job["code"]))}
    what, arrays = figure_shards(*(job[k] for k in ("name", "scale", "seed", "parts", "change")))
    return {"what": np.array(what), **_named(arrays)}


def _named(arrays):
    """The arrays with names that cannot be taken for one of ours."""
    return {f"array {name}": value for name, value in arrays.items()}


# In the process that asks ----------------------------------------------------------------------


def ask(tree, **job):
    """Run a job with the code of a tree, in a process of its own."""
    job["tree"] = str(tree)
    env = {**os.environ, "PYTHONPATH": str(tree), "IN_TEST": "1", "MPLBACKEND": "Agg"}
    command = [sys.executable, __file__, "--job", json.dumps(job)]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it ended"]
        raise Differs(f"the code in {tree} cannot compute it: {lines[-1]}")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as found:
        return dict(found)


def same(one, other):
    """Where two arrays are equal, NaN included."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind not in "fc" or other.dtype.kind not in "fc":
        return one == other
    return (one == other) | (np.isnan(one) & np.isnan(other))


def distance(old, new, count):
    """Largest difference where `count` is true, relative to the largest number of the array."""
    if old.dtype.kind not in "biufc" or not count.any():
        return 0.0 if (same(old, new) | ~count).all() else np.inf
    finite = np.isfinite(old) & np.isfinite(new)
    if not (finite | same(old, new) | ~count).all():
        return np.inf
    there, here = (np.atleast_1d(a)[np.atleast_1d(finite & count)] for a in (old, new))
    if (there == here).all():
        return 0.0
    there, here = (a if a.dtype.kind == "c" else a.astype(float) for a in (there, here))
    gap = np.abs(there - here).max()
    return float(gap / max(np.abs(there).max(initial=0), 1e-300))


def compare(old, again, new, tolerance):
    """(numbers, of them times, largest difference). Raises Differs."""
    names = [name for name in old if name.startswith("array ")]
    if set(names) != {name for name in new if name.startswith("array ")}:
        raise Differs(f"the arrays have other names: {sorted(set(old) ^ set(new))[:3]}")
    numbers, times, worst = 0, 0, 0.0
    for name in names:
        if old[name].shape != new[name].shape:
            raise Differs(f"{name}: shape {old[name].shape} was {new[name].shape}")
        steady = np.asarray(same(old[name], again[name])) & (not name.endswith("seconds"))
        numbers, times = numbers + steady.size, times + int((~steady).sum())
        gap = distance(old[name], new[name], steady)
        if gap > tolerance:
            raise Differs(f"{name} differs by {gap:.1e} of its largest number")
        worst = max(worst, gap)
    if not numbers or times > numbers / 2:
        raise Differs(f"{times} of {numbers} numbers differ between two runs of the old code")
    return numbers, times, worst


def evidence(name, seed, old, new, options):
    """Compute parts of a log with both codes and say how they compare, in one line."""
    if name in SNIPPETS:
        what, before, now = SNIPPETS[name]
        there = now if has_chapters(old) else before
        jobs = [{"code": code, "what": what} for code in (there, there, now)]
    elif name in FIGURES:
        wanted = {"scale": options.scale, "parts": options.parts, "change": options.change}
        wanted |= SHORT.get(name, {}) if options.short else {}
        jobs = [{"name": name, "seed": seed, **wanted}] * 3
    else:
        raise Differs("there is no computation for it in SNIPPETS")
    found = [ask(tree, **job) for tree, job in zip((old, old, new), jobs, strict=True)]
    if str(found[0]["what"]) != str(found[2]["what"]):
        raise Differs(f"{found[0]['what']} became {found[2]['what']}")
    numbers, times, worst = compare(*found, options.tolerance)
    result = "all equal to the last bit" if not worst else f"largest difference {worst:.1e}"
    kept = f"{numbers - times:,} numbers, {times} times left out"
    return f"{found[0]['what']} computed again with both codes: {kept}; {result}"


def carry(path, old, new, options):
    """The log with one more step, or None where it stands at the present code. Raises Differs."""
    sys.path.insert(0, str(new))
    from specdifftree.machine.results import read_result

    result = read_result(path)
    if options.again:
        result = {k: v for k, v in result.items() if k not in ("carried", "modules")}
    name, steps = result["name"], result.get("carried", [])
    stands = steps[-1]["to"] if steps else result["code_hash"]
    before = result.get("modules", BEFORE.get(name, []))
    there = str(ask(old, modules=before)["hash"])
    modules = result.get("modules") or NOW.get(name, [])
    here = str(ask(new, modules=modules)["hash"])
    if here == stands and result.get("modules") == modules:
        return None
    if there != stands:
        raise Differs(f"the log stands at {stands[:12]} and the old code is {there[:12]}")
    found = evidence(name, result["seeds"][0], old, new, options)
    step = {"from": stands, "to": here, "rule": RULE, "evidence": found}
    return {**result, "modules": modules, "carried": [*steps, step]}


def unpacked(old, folder):
    """A folder with the old code: itself, or a git revision of this repository."""
    if Path(old).is_dir():
        return Path(old).resolve()
    command = ["git", "archive", old]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    cache = ROOT / "data" / "cache"
    if cache.is_dir():  # what was fetched need not be fetched again
        (Path(folder) / "data" / "cache").symlink_to(cache)
    return Path(folder).resolve()


def arguments(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", help="a checkout or a git revision with the code of the logs")
    parser.add_argument("names", nargs="*", help="logs to carry (default: all)")
    parser.add_argument("--parts", type=int, default=2, help="shards to compute (default: 2)")
    parser.add_argument("--tolerance", type=float, default=1e-9, help="largest difference allowed")
    parser.add_argument("--scale", choices=("paper", "quick"), default="paper")
    parser.add_argument(
        "--change", type=json.loads, default={}, help="settings as JSON, to compute less"
    )
    parser.add_argument("--again", action="store_true", help="drop the steps of before")
    parser.add_argument("--short", action="store_true", help="compute less, as SHORT says")
    parser.add_argument("--write", action="store_true", help="change the logs")
    return parser.parse_args(argv)


def main(argv=None):
    """Carry the logs; 1 where one could not be carried."""
    options, failed = arguments(argv), 0
    logs = sorted((ROOT / "data" / "results").glob("*.json"))
    with tempfile.TemporaryDirectory() as folder:
        old = unpacked(options.old, folder)
        for path in logs:
            if options.names and path.stem not in options.names:
                continue
            try:
                result = carry(path, old, ROOT, options)
                print(f"{path.stem}: {result['carried'][-1]['evidence'] if result else 'stands'}")
                if result and options.write:
                    from specdifftree.machine.results import write_result

                    write_result(path, result)
            except Differs as error:
                failed = 1
                print(f"{path.stem}: not carried: {error}")
    return failed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        stream, sys.stdout = sys.stdout.buffer, sys.stderr  # only the arrays go out
        asked = json.loads(sys.argv[2])
        arrays = work(asked)
        check_home(asked["tree"])
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        stream.write(buffer.getvalue())
    else:
        sys.exit(main())
