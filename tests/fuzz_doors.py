"""Good arguments for every public door of the package, for tests/test_fuzz.py.

A name is module.function, module.Class, module.Class.method, or module.Class() for what an object
does when it is called; after a blank stands a word where one door is tried in two ways. The value
makes the call and its arguments anew.
"""

import importlib
import json
import tempfile
from functools import cache
from pathlib import Path

import specdifftree  # noqa: F401  (a fast BLAS must be there before MLX)

import mlx.core as mx
import numpy as np

DOORS, OPEN = {}, {}  # name -> call and arguments; name -> arguments that may be hostile
# what promises an error and is not tried: a module, or a name in it -> why
LEFT_OUT = {
    "machine.checks.fits_memory": "its arguments are checked before",
    "machine.blas": "loads libraries into the process",
    "machine.device.gflops": "measures for seconds",
    "machine.fast_softmax": "parts of a network's inner loop",
    "machine.processes": "starts processes",
    "machine.ranks": "starts processes",
    "machine.results.log_result": "writes into the checkout",
    "series.spectrum.check_magnitude": "its arguments are checked before",
    "series.sources.pip_download": "asks a package index",
    "series.sources.member_of": "asks a package index",
    "series.sources.fetch": "asks a package index",
    "series.tables.load": "asks a package index",
    "prior.protocol.check_stream": "is tried through what calls it",
    "search.batched.check_first_leaves": "belongs to the files of a search",
    "search.batched.load_search": "belongs to the files of a search",
    "search.batched.save_search": "belongs to the files of a search",
    "search.batched.resume": "belongs to the files of a search",
    "search.journal": "belongs to the files of a search",
    "search.lockstep.written_wave": "a part of Search, tried through it",
    "search.lockstep.ask": "an inner loop; the doors around it are tried",
    "search.lockstep.WaveSearch": "a part of Search, tried through it",
    "search.particles.look_ahead": "an inner loop; the doors around it are tried",
    "search.reference.expand": "a part of `grow`",
    "search.reference.back_up_path": "a part of `grow`",
    "search.reference.check_widening": "a part of `grow`",
    "value.bellman": "trains a flow",
    "value.learned.learn": "trains a flow",
    "value.learned.save_training": "trains a flow",
    "value.learned.load_training": "trains a flow",
    "value.lookahead.flow_for": "a part of `lookahead`",
    "value.corrections.read_safetensors": "a part of `load_flow`",
    "language.backbone.trunk": "runs a language model",
    "language.backbone.Backbone": "runs a language model",
    "language.generate.stream_answer": "runs a language model",
    "prior.linear_gaussian.GaussianSeries": "is tried as LinearGaussian",
    "prior.markov_chain.TokenTables": "is tried as MarkovChain",
    "search.result.WeightedSample.weights": "a property",
    "language.backbone.check_backbone": "runs a language model",
    "language.backbone.read_model": "downloads a language model",
    "language.batches": "runs a language model",
    "language.benchmark": "runs a language model",
    "language.checkpoints.load_parts": "changes a language model",
    "language.conv_encoder": "a network",
    "language.device_row": "runs a language model",
    "language.encoder.reference_encoder": "a network",
    "language.examples.list_of": "returns what it is given",
    "language.fast_llama": "runs a language model",
    "language.generate.AnswerWriter": "runs a language model",
    "language.generate.choose_token": "an inner loop",
    "language.generate.force_tokens": "runs a language model",
    "language.generate.generate_answers": "runs a language model",
    "language.gguf.wrap_tokenizer": "needs a tokenizer",
    "language.kv_cache": "runs a language model",
    "language.layout": "needs a tokenizer",
    "language.model.SoftPrompt": "is tried as TSLM",
    "language.model.prepare_examples": "runs a language model",
    "language.model.batch_items": "runs a language model",
    "language.model.shared_beginning": "runs a language model",
    "language.model.summed_loss": "runs a language model",
    "language.opentslm_files": "reads damaged files of its own kind: its notebook does",
    "language.opentslm_load": "changes a language model",
    "language.opentslm_names.check": "its arguments come from a file that its notebook damages",
    "language.parts": "changes a language model",
    "language.prefix": "runs a language model",
    "language.recognition": "runs a language model",
    "language.safe_pickle": "reads damaged files of its own kind: its notebook does",
    "language.torch_archive": "reads damaged files of its own kind: its notebook does",
    "language.trackers": "needs packages that are not installed",
    "language.train.one_step": "runs a language model",
    "language.train.validation_loss": "runs a language model",
    "language.train.train_until": "runs a language model",
    "language.train.save_state": "runs a language model",
    "language.train.restore_state": "runs a language model",
    "language.unpadded_llama": "runs a language model",
    "curriculum.stage.train_stage": "trains a language model",
    "curriculum.stage.evaluate_stage": "runs a language model",
}


def at(name):
    """The object of a dotted name below the package."""
    chapter, module, *rest = name.removesuffix("()").split(".")
    found = importlib.import_module(f"specdifftree.{chapter}.{module}")
    for part in rest:
        found = getattr(found, part)
    return found


def lazy(value):
    """Whether it makes an argument and is none."""
    return getattr(value, "__name__", "") == "<lambda>" or hasattr(value, "cache_info")


def door(name, /, call=None, keep=(), **given):
    """Add a door. Arguments that are lambdas or cached functions are called for their value; those
    to `keep` are a programmer's and not a user's, and are never hostile."""

    def make():
        made = {k: v() if lazy(v) else v for k, v in given.items()}
        return (call() if call else at(name.split(" ")[0])), made

    DOORS[name] = make
    OPEN[name] = [k for k in given if k not in keep]


def plain(x):
    """A reward of samples [n, D]."""
    return -((x.sum(1) - 1) ** 2)


def steep(x):
    """A reward with a slope."""
    return -((x.sum(1) - 1) ** 2)


steep.grad = lambda x: -2 * (x.sum(1, keepdims=True) - 1) * np.ones_like(x)


class Flow:
    """A flow that knows nothing and costs nothing."""

    price = equivalents = 0.0

    def __call__(self, x, t, parent=None):
        return np.zeros(x.shape[:2])


flow = Flow()


def folder():
    """A new, empty folder."""
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir="."))


def fixed(x):
    """An array that cannot be written to: nothing may change what it was given."""
    x = np.array(x)
    x.flags.writeable = False
    return x


STREAM = np.random.default_rng(0)
X, Y, W = fixed(STREAM.normal(size=(7, 3))), fixed([0.1, 0.2, 0.3]), fixed(np.arange(1.0, 8.0))
LONG = fixed(np.sin(np.arange(240) / 3) + 0.3 * STREAM.normal(size=240))
ROWS = fixed(LONG[:96].reshape(4, 24))
SPECTRA = fixed(np.exp(STREAM.normal(size=(4, 6))))
POINTS = fixed(STREAM.normal(size=(9, 2)))
MANY = fixed(STREAM.normal(size=(100, 8)))
SEVEN = fixed(STREAM.normal(size=7))


@cache
def mixture():
    from specdifftree.prior.gaussian_mixture import GaussianMixture
    from specdifftree.prior.noise_schedule import cosine_alpha_bar

    return GaussianMixture([0.5, 0.5], [[-1, -1], [1, 1]], 0.4, cosine_alpha_bar(4))


@cache
def quadratic():
    return at("prior.gaussian_mixture.QuadraticReward")(np.zeros(2), 1.0)


@cache
def normal():
    bar = at("prior.noise_schedule.cosine_alpha_bar")(4)
    return at("prior.linear_gaussian.LinearGaussian")(np.zeros(3), np.eye(3), bar)


@cache
def low_rank():
    return at("prior.linear_gaussian.LowRankReward")(np.eye(3)[:1], np.zeros(1), np.ones(1))


@cache
def chain():
    transition = [[0.7, 0.3], [0.4, 0.6]]
    return at("prior.markov_chain.MarkovChain")([0.5, 0.5], transition, 3)


@cache
def table():
    return at("prior.markov_chain.TableReward")(fixed(np.arange(8.0).reshape(2, 2, 2) / 8))


@cache
def pairs():
    return at("prior.markov_chain.PairReward")(np.zeros((3, 2)), np.zeros((2, 2, 2)))


@cache
def series():
    return at("series.tables.Series").from_array(np.c_[LONG, LONG[::-1]], parts=(140, 50, 50))


@cache
def config():
    sizes = dict(history=24, horizon=8, bands=3, width=8, blocks=1, embed=8, updates=2, batch=4)
    return at("prior.denoiser.Config")(**sizes)


def cut(part):
    return at("series.tables.windows")(series(), part, 24, 8)


@cache
def trained():
    return at("prior.train_denoiser.train_forecaster")(config(), cut("train"), cut("validation"))[0]


@cache
def forecast():
    return at("prior.forecast.ForecastPrior")(trained(), LONG[:24], 3)


@cache
def cosine():
    return at("prior.cosine_chain.cosine_chain")(trained(), LONG[:24], 3)


@cache
def total():
    return at("reward.goals.known_total")(1.0, 2.0, horizon=8)


@cache
def run():
    return at("search.importance.snis")(mixture(), plain, 8)


@cache
def world():
    return at("prior.exact_worlds.world")("mixture")


@cache
def signal():
    return at("language.examples.Signal")(LONG[:20], "load", "MW", 1.0)


def example(label="a"):
    first = 20 * ord(label) - 20 * ord("a")
    values = LONG[first : first + 20]
    one = at("language.examples.Signal")(values, "load")
    return at("language.examples.Example")("What is it?", [one], "Say.", f"label: {label}", label)


@cache
def backbone():
    return at("language.backbone.random_llama")(width=16, layers=1, heads=2, kv_heads=1)


def stage():
    sets = {"training": [example("a")], "validation": [example("b")], "test": [example("c")]}
    return at("curriculum.stage.Stage")(
        "toy",
        sets.get,
        lambda e: "What?",
        lambda e, answer: answer[7:] or None,
        lambda e, words: [],
    )


# --- machine ---------------------------------------------------------------------------------

door("machine.checks.number", keep=("name", "whole", "low"), value=3, name="n", whole=True, low=1)
door(
    "machine.checks.array", keep=("name", "ndim", "shape"), value=X, name="x", ndim=2, shape=(7, 3)
)
door("machine.checks.choice", keep=("name", "known"), value="a", name="letter", known=("a", "b"))
door("machine.checks.text", keep=("name",), value="a", name="letter")
door("machine.checks.instance", keep=("kind", "name"), value=3, kind=int, name="n")
door("machine.checks.switch", keep=("name",), value=True, name="fair")
door("machine.checks.function", keep=("name", "signature"), value=len, name="f", signature="x -> y")
CLAIM = dict(id="a.b", claim="It is so.", paper=1.0, measured=2.0, interval=[1, 3], verdict="holds")
door("machine.claims.Claim", **CLAIM, detail="2 against 1")
door("machine.claims.Claims", claims=lambda: [at("machine.claims.Claim")(**CLAIM)])
door("machine.code_hash.source", module="specdifftree.machine.seeds")
door("machine.files.place", path="a/b")
door("machine.files.read_bytes", path=lambda: _file(b"abc"))
door("machine.files.as_bytes", data=b"abc")
door("machine.files.replace", path=lambda: folder() / "a", data=b"abc")
door("machine.files.parse_json", text='{"a": 1}')
door("machine.files.kind_name", kind="journal")
door("machine.files.canonical", header=lambda: {"a": 1})
door(
    "machine.files.read_head",
    data=lambda: at("machine.files.head")("journal", {"a": 1}),
    kind="journal",
    path="a",
)
door("machine.files.extend", path=lambda: _file(b"abc"), data=b"d", end=3)
door("machine.files.set_aside", path=lambda: _file(b"abc"), why="it is damaged")
door("machine.files.copy_aside", path=lambda: _file(b"abc"))
door("machine.plotting.save_figure", fig=lambda: _figure(), path=lambda: folder() / "a.png")
door("machine.results.shipped_file", kind="weights", name="a.safetensors")
door("machine.results.folder_of", kind="results", scale="quick", out="x")
door("machine.results.places", name="a", scale="quick", out="x")
door("machine.results.plain", value=lambda: {"a": X}, where="config", digits=6, keep=("where",))
door("machine.results.checked_result", found=lambda: dict(_log()))
door("machine.results.write_result", path=lambda: folder() / "a.json", result=lambda: dict(_log()))
door(
    "machine.results.read_result",
    path=lambda: at("machine.results.shipped_file")("results", "collapse.json"),
)
door("machine.results.load_result", name="collapse", scale="paper")
door("machine.results.parted", result=lambda: dict(_log()))
door("machine.seeds.rng", seed=3)
door(
    "machine.seeds.rng keys",
    call=lambda: lambda seed, key: at("machine.seeds.rng")(seed, key),
    seed=3,
    key="a",
)
door("machine.shards.shard_file", folder=lambda: folder(), i=1)
door("machine.shards.Shards.path", call=lambda: _shards().path, i=1)
door("machine.shards.Shards.save", call=lambda: _shards().save, i=1, arrays=lambda: {"a": X})
door("machine.shards.Shards.load", call=lambda: _shards(1).load, i=1)
door("machine.shards.Shards.missing", call=lambda: _shards(1).missing, count=2)
door(
    "machine.shards.shards",
    name="a",
    config=lambda: {"a": 1},
    modules=lambda: ["specdifftree.machine.seeds"],
    out="x",
)
door("machine.shards.as_shard", keep=("names",), i=1, arrays=lambda: {"a": X}, names=lambda: {"a"})
door(
    "machine.shards.run_alone",
    keep=("progress",),
    store=lambda: _shards(),
    count=2,
    work=lambda: _one_array,
    progress=iter,
)
door(
    "machine.storage.Records", path=lambda: folder() / "a", kind="journal", header=lambda: {"a": 1}
)
door("machine.storage.Records.append", call=lambda: _records().append, data=b"abc")
door("machine.storage.Records.clear", call=lambda: _clear, records=lambda: _records())
door("machine.storage.append_line", path=lambda: folder() / "a", text='{"a": 1}')
door("machine.storage.lines", path=lambda: _file(b'{"a": 1}\n'))
door(
    "machine.storage.write_arrays",
    path=lambda: folder() / "a",
    arrays=lambda: {"a": X},
    kind="shard",
    header=lambda: {"a": 1},
)
door("machine.storage.read_arrays", path=lambda: _arrays(), kind="shard", header=lambda: {"a": 1})


def _file(data):
    path = folder() / "file"
    path.write_bytes(data)
    return path


def _figure():
    from matplotlib.figure import Figure

    return Figure(figsize=(1, 1))


@cache
def _log():
    path = at("machine.results.shipped_file")("results", "collapse.json")
    return json.loads(path.read_text(encoding="utf-8"))


def _shards(ready=0):
    store = at("machine.shards.Shards")(folder())
    for i in range(1, ready + 1):
        store.save(i, {"a": X})
    return store


def _one_array(i):
    return {"a": np.arange(3.0)}


def _records():
    return at("machine.storage.Records")(folder() / "a", "journal", {"a": 1})


def _clear(records):
    if isinstance(records, at("machine.storage.Records")):
        records.clear()


def _arrays():
    return at("machine.storage.write_arrays")(folder() / "a", {"a": X}, "shard", {"a": 1})


# --- series ----------------------------------------------------------------------------------

WEIGHED = dict(samples=X, y=Y, weights=W)
door("series.metrics.normalise", keep=("samples",), weights=W, samples=X)
door("series.metrics.samples_of", samples=X)
door("series.metrics.aligned", samples=X, y=Y)
door("series.metrics.crps", **WEIGHED, fair=True)
door("series.metrics.quantile", samples=X, q=[0.1, 0.9], weights=W)
door("series.metrics.pit", **WEIGHED, seed=1)
door("series.metrics.coverage", pits=[0.1, 0.9], level=0.5)
door("series.metrics.check_level", level=0.5, percent=90)
door("series.metrics.time_blocks", position=np.arange(9), block=2)
BLOCKS = dict(position=np.arange(24), block=4, level=0.9, resamples=99, seed=0)
door("series.metrics.bootstrap_t", a=W, b=W + 1, level=0.9, resamples=99, seed=0)
door("series.metrics.paired_ratio", a=LONG[:24] + 3, b=LONG[24:48] + 3, **BLOCKS)
door("series.metrics.block_bootstrap", values=LONG[:24], **BLOCKS)
door("series.metrics.paired_difference", a=LONG[:24], b=LONG[24:48], **BLOCKS)
SIZES = dict(history=ROWS, horizon=4, period=6)
door("series.simple_forecasters.checked", history=ROWS, horizon=3)
door("series.simple_forecasters.seasonal_naive", **SIZES)
door("series.simple_forecasters.seasonal_naive_samples", **SIZES)
door("series.simple_forecasters.climatology_samples", **SIZES)
door("series.simple_forecasters.least_squares", x=LONG, order=2)
door("series.simple_forecasters.FittedAR.fit", series=series, order=2)
door("series.simple_forecasters.FittedAR.impulse", call=lambda: _ar().impulse, horizon=4)
door(
    "series.simple_forecasters.check_channel",
    keep=("rows", "channels"),
    channel=[0, 1, 0, 1],
    rows=4,
    channels=2,
)
AHEAD = dict(history=ROWS, channel=[0, 1, 0, 1], horizon=4)
door("series.simple_forecasters.forecast_marginals", model=lambda: _ar(), **AHEAD)
door("series.simple_forecasters.sample_paths", model=lambda: _ar(), **AHEAD, samples=5, seed=0)
door("series.simple_forecasters.GaussianAR.forecast", call=lambda: _ar().forecast, **AHEAD)
door("series.simple_forecasters.GaussianAR.samples", call=lambda: _ar().samples, **AHEAD, samples=5)
door("series.sources.read_member", archive=lambda: _file(b"abc"), member="a")
door(
    "series.sources.check_sha256",
    keep=("expected", "what"),
    data=b"",
    expected=__import__("hashlib").sha256().hexdigest(),
    what="a",
)
door("series.spectrum.as_series", keep=("least",), x=ROWS, least=4)
door("series.spectrum.sampling_rate", fs=2.0)
door("series.spectrum.periodogram", x=ROWS, fs=2.0)
door("series.spectrum.log_bias_sd", k=[1.0, 2.0])
door("series.spectrum.welch", x=ROWS, nperseg=8, fs=2.0)
door("series.spectrum.dpss_tapers", n=24, nw=2.5, k=4)
door("series.spectrum.multitaper", x=ROWS, nw=2.5, k=4, fs=2.0)
door("series.spectrum.psd", x=ROWS, method="multitaper", fs=1.0)
door("series.spectrum.log_spectral_distance", S=SPECTRA, S_ref=SPECTRA[0])
door("series.spectrum.spec_w1", S=SPECTRA, S_ref=SPECTRA[0], freqs=np.arange(1.0, 7))
MLX = lambda: mx.array(ROWS.astype(np.float32))  # noqa: E731
door("series.spectrum_mlx.multitaper_mx", x=MLX, nw=2.5, k=4, fs=2.0)
door("series.spectrum_mlx.periodogram_mx", x=MLX, fs=2.0)
door("series.spectrum_mlx.welch_mx", x=MLX, nperseg=8, fs=2.0)
door("series.spectrum_mlx.psd_mx", x=MLX, method="periodogram", fs=1.0)
HOURS = np.datetime64("2000-01-01T00") + np.arange(240)
door("series.tables.check_step", step="1h")
door("series.tables.check_times", keep=("rows",), times=HOURS, rows=240)
door("series.tables.check_channels", keep=("count",), channels=("a", "b"), count=2)
door("series.tables.check_parts", keep=("rows",), parts=(3, 2, 1), rows=6)
door("series.tables.check_values", values=ROWS, channels=None)
door("series.tables.regular_times", keep=("rows",), start="2000-01-01", step="1h", rows=3)
door(
    "series.tables.Series",
    name="a",
    values=np.c_[LONG, LONG],
    times=HOURS,
    channels=("a", "b"),
    parts=(140, 50, 50),
    unit="MW",
)
door(
    "series.tables.Series.from_array",
    values=LONG,
    channels=("a",),
    start="2000-01-01",
    step="1h",
    parts=(140, 50, 50),
    name="a",
)
door("series.tables.Scaler.fit", series=series)
door("series.tables.check_sizes", history=3, horizon=2, stride=1)
CUT = dict(part="test", history=24, horizon=8, stride=2)
door("series.tables.windows", series=series, **CUT, channels=("x0",))
door("series.tables.windows array", series=LONG, **CUT)
door("series.tables.window_starts", series=series, **CUT)
door("series.tables.chosen_channels", series=series, channels="x0")
door("series.tables.split", series=series)
door("series.tables.Windows[]", call=lambda: cut("test").__getitem__, index=[0, 1])


@cache
def _ar():
    return at("series.simple_forecasters.GaussianAR").fit(series(), 2)


# --- prior -----------------------------------------------------------------------------------

door("prior.noise_schedule.cosine_alpha_bar", steps=4, last=0.01)
door("prior.noise_schedule.check_alpha_bar", alpha_bar=[1.0, 0.5, 0.1])
door("prior.noise_schedule.ancestral", alpha_bar=[1.0, 0.5, 0.1])
door("prior.protocol.check_prior", prior=mixture)
door("prior.protocol.check_one_query", prior=mixture)
door("prior.protocol.check_t", keep=("low", "high"), t=[1, 2], low=1, high=3)
door("prior.protocol.check_states", prior=mixture, x=POINTS, t=np.full(9, 2))
door("prior.protocol.check_lam", lam=1.0)
door(
    "prior.protocol.rollout",
    prior=mixture,
    x=POINTS,
    t=np.full(9, 2),
    rng=lambda: np.random.default_rng(0),
)
door("prior.protocol.trajectory", prior=mixture, z=np.zeros((2, 5, 3)))
STEP = dict(x=POINTS, t=np.full(9, 2), z=np.zeros((9, 3)))
door(
    "prior.protocol.Counted.step", call=lambda: at("prior.protocol.Counted")(mixture()).step, **STEP
)
door(
    "prior.gaussian_mixture.GaussianMixture",
    weights=[0.5, 0.5],
    means=[[-1, -1], [1, 1]],
    std=0.4,
    alpha_bar=[1.0, 0.5, 0.1],
)
door("prior.gaussian_mixture.GaussianMixture.step", call=lambda: mixture().step, **STEP)
door(
    "prior.gaussian_mixture.GaussianMixture.denoise",
    call=lambda: mixture().denoise,
    x=POINTS,
    t=np.full(9, 2),
)
door(
    "prior.gaussian_mixture.DiffusedMixture.conditional",
    call=lambda: mixture().conditional,
    x=POINTS,
    t=np.full(9, 2),
    u=np.full(9, 1),
)
door("prior.gaussian_mixture.QuadraticReward", centre=[0.0, 1.0], scale=1.0, offset=0.5)
VALUE = dict(x=POINTS, t=np.full(9, 2), lam=1.0)
door("prior.gaussian_mixture.value", prior=mixture, reward=quadratic, **VALUE)
door("prior.gaussian_mixture.log_z", prior=mixture, reward=quadratic, lam=1.0)
door("prior.gaussian_mixture.lam_for", prior=mixture, reward=quadratic, wanted=2.0)
door("prior.linear_gaussian.eigenbasis", mean=np.zeros(3), covariance=np.eye(3))
door(
    "prior.linear_gaussian.LinearGaussian",
    mean=np.zeros(3),
    covariance=np.eye(3),
    alpha_bar=[1.0, 0.5, 0.1],
)
door(
    "prior.linear_gaussian.LinearGaussian.step",
    call=lambda: normal().step,
    x=X,
    t=np.full(7, 2),
    z=np.zeros((7, 3)),
)
door(
    "prior.linear_gaussian.LowRankReward",
    directions=np.eye(3)[:1],
    centre=np.zeros(1),
    strength=np.ones(1),
)
SAME = dict(prior=normal, reward=low_rank, lam=1.0)
door("prior.linear_gaussian.gaussian_value", **SAME, x=X, t=np.full(7, 2))
door("prior.linear_gaussian.gaussian_log_z", **SAME)
door("prior.linear_gaussian.gaussian_posterior", **SAME)
TOKENS = dict(initial=[0.5, 0.5], transition=[[0.7, 0.3], [0.4, 0.6]], length=3)
WORDS = np.array([[0, 1, 0], [1, 1, 1]])
door("prior.markov_chain.token_laws", **TOKENS)
door("prior.markov_chain.MarkovChain", **TOKENS)
door("prior.markov_chain.joint", chain=chain)
door("prior.markov_chain.sequences", chain=chain)
door("prior.markov_chain.check_tokens", x=WORDS, length=3, vocabulary=2)
door("prior.markov_chain.TableReward", table=np.zeros((2, 2, 2)))
door("prior.markov_chain.PairReward", single=np.zeros((3, 2)), pair=np.zeros((2, 2, 2)))
door("prior.markov_chain.table_values", chain=chain, reward=table, lam=1.0)
door("prior.markov_chain.table_value", values=lambda: _table_values(), x=WORDS, t=[1, 1], lam=1.0)
door("prior.markov_chain.pair_values", chain=chain, reward=pairs, lam=1.0)
door(
    "prior.markov_chain.pair_value",
    b=lambda: _pair_values(),
    reward=pairs,
    x=WORDS,
    t=[1, 1],
    lam=1.0,
)
door("prior.markov_chain.pair_marginals", chain=chain)
door("prior.exact_distances.kernel_distance", mixture=mixture, samples=POINTS, scale=1.0, chunk=4)
door("prior.exact_distances.joint_distance", law=np.full((2, 2, 2), 1 / 8), samples=WORDS)
door("prior.exact_distances.pair_distance", pairs=np.full((2, 2, 2), 1 / 4), samples=WORDS)
door("prior.exact_worlds.solve_difficulty", log_z=lambda: _log_z, wanted=2.0)
door("prior.exact_worlds.world", name="mixture", difficulty="mild")
door("prior.linear_forecast.window_units", history=ROWS)
door("prior.linear_forecast.fit_mean", z=ROWS, x=ROWS[:, :3], ridge=1.0)
door("prior.linear_forecast.log_bands", z=ROWS, bands=3)
door("prior.linear_forecast.band_edges", n=24, bands=3)
door(
    "prior.linear_forecast.fit_log_variance",
    f=X,
    R=X**2 + 0.1,
    iterations=3,
    damping=0.5,
    ridge=0.1,
)
door("prior.linear_forecast.wiener", log_var=Y, a=0.5)
door("prior.denoiser.Config", **dict(history=24, horizon=8, bands=3, width=8, blocks=1, embed=8))
door(
    "prior.denoiser.Config training",
    **dict(updates=2, batch=4, rate=1e-3, decay=0.1, seed=0, last=1e-3),
)
door("prior.train_denoiser.fit_linear", model=lambda: _fresh(), z=ROWS[:, :24], X=ROWS[:, :8])
door("prior.train_denoiser.in_cosines", data=lambda: cut("test"))
door(
    "prior.train_denoiser.train_forecaster",
    config=config,
    train=lambda: cut("train"),
    validation=lambda: cut("validation"),
    checks=2,
    patience=2,
)
door("prior.train_denoiser.save_forecaster", model=trained, path=lambda: folder() / "a.safetensors")
door("prior.train_denoiser.load_forecaster", path=lambda: _saved())
door("prior.forecast.warn_unstandardised", history=ROWS)
FORECAST = dict(model=trained, history=ROWS, steps=3)
door("prior.forecast.ForecastPrior", **FORECAST)
door(
    "prior.forecast.ForecastPrior.step",
    call=lambda: forecast().step,
    x=ROWS[:, :8],
    t=[2] * 4,
    z=ROWS[:, :8],
)
door(
    "prior.forecast.ForecastPrior.denoise",
    call=lambda: forecast().denoise,
    x=ROWS[:, :8],
    t=[2] * 4,
)
door(
    "prior.forecast.HistoriesOfForecaster.from_raw",
    call=lambda: at("prior.forecast.ForecastPrior").from_raw,
    **FORECAST,
    mean=0.5,
    std=2.0,
)
door("prior.forecast.sample_windows", **FORECAST, samples=2, seed=0)
door("prior.cosine_chain.checked_histories", model=trained, history=ROWS)
door("prior.cosine_chain.cosine_chain", **FORECAST)
door("prior.cosine_chain.CosineChain.one", call=lambda: cosine().one, q=0)
door(
    "prior.cosine_chain.HistoryChain.step",
    call=lambda: cosine().one().step,
    x=ROWS[:, :8],
    t=np.full(4, 2),
    z=ROWS[:, :8],
)
door(
    "prior.cosine_chain.HistoryChain.denoise",
    call=lambda: cosine().one().denoise,
    x=ROWS[:, :8],
    t=[2] * 4,
)
door("prior.cosine_chain.HistoryUnits.hours", call=lambda: cosine().one().hours, X=ROWS[:, :8])


@cache
def _table_values():
    return at("prior.markov_chain.table_values")(chain(), table())


@cache
def _pair_values():
    return at("prior.markov_chain.pair_values")(chain(), pairs())[0]


def _log_z(lam):
    return lam**2 / 2


def _fresh():
    return at("prior.denoiser.Forecaster")(config())


def _saved():
    return at("prior.train_denoiser.save_forecaster")(trained(), folder() / "a.safetensors")


# --- reward ----------------------------------------------------------------------------------

door("reward.difficulty.sample_difficulty", r=SEVEN, lam=1.0)
door("reward.difficulty.lam_for_difficulty", r=LONG, wanted=2.0, least_ess=5.0)
door("reward.evidence.Units", offset=1.0, gain=2.0, name="MW")
door("reward.evidence.mlx_samples", keep=("horizon",), x=lambda: mx.array(ROWS), horizon=24)
door("reward.evidence.check_horizon", horizon=8)
door("reward.evidence.cosine_matrix", horizon=8)
door("reward.evidence.taper_matrix", horizon=16)
door(
    "reward.evidence.linear_evidence",
    kind="total",
    matrix=np.ones((8, 1)),
    low=0.0,
    high=1.0,
    price=1.0,
    units=lambda: _units(),
    scale=1.0,
)
door(
    "reward.evidence.spectral_evidence",
    centre=np.zeros(8),
    spread=np.ones(8),
    eps=1.0,
    price=1.0,
    horizon=16,
    units=lambda: _units(),
)
door("reward.evidence.quadratic_evidence", mean=Y, slope=Y, curvature=Y)
door("reward.evidence.pieces_of_evidence", reward=total, lam=1.0, units=lambda: _units())
door("reward.evidence.stack_evidence", parts=lambda: [total().evidence(1.0, _units())])
GOAL = dict(horizon=8, units=lambda: _units())
door("reward.goals.known_total", total=1.0, scale=2.0, tolerance=0.1, **GOAL)
door("reward.goals.peak_above", threshold=1.0, scale=2.0, hours=2, **GOAL)
door("reward.goals.stay_within", low=-1.0, high=1.0, scale=2.0, **GOAL)
door("reward.goals.stay_below", bound=1.0, scale=2.0, **GOAL)
door("reward.goals.hours_within", low=-1.0, high=1.0, allowed=1, **GOAL)
door("reward.goals.known_total_from_history", history=LONG, shift=0.5, tolerance=0.1, **GOAL)
door("reward.goals.peak_from_history", history=LONG, margin=0.5, hours=2, **GOAL)
door("reward.goals.bound_from_history", history=LONG, level=0.9, **GOAL)
door("reward.goals.level_reached", plain=LONG.reshape(30, 8), share=0.3, hours=1)
door("reward.goals.standard_tasks", history=LONG, plain=MANY, wanted=2.0)
door("reward.goals.preview", task=total, plain=LONG.reshape(30, 8), far=50.0)
door(
    "reward.goals.Task",
    measure=lambda: at("reward.measures.Total")(),
    low=0.0,
    high=1.0,
    scale=1.0,
    **GOAL,
)
door("reward.goals.Task()", call=total, x=ROWS[:, :8])
door("reward.goals.Task.measured", call=lambda: total().measured, x=ROWS[:, :8])
door("reward.goals.Task.grad", call=lambda: total().grad, x=ROWS[:, :8])
door("reward.goals.Task.mx", call=lambda: total().mx, x=lambda: mx.array(ROWS[:, :8]))
door("reward.measures.Total()", call=lambda: at("reward.measures.Total")(), y=ROWS)
door("reward.measures.KthLargest", k=2)
door("reward.measures.KthLargest()", call=lambda: at("reward.measures.KthLargest")(2), y=ROWS)
door("reward.measures.check_limits", low=0.0, high=1.0)
door("reward.measures.Excess", low=0.0, high=1.0)
door("reward.measures.Excess()", call=lambda: at("reward.measures.Excess")(0, 1), y=ROWS)
door("reward.measures.HoursOutside", low=0.0, high=1.0)
door("reward.measures.check_end", keep=("name",), value=1.0, name="low")
door(
    "reward.measures.HoursOutside()", call=lambda: at("reward.measures.HoursOutside")(0, 1), y=ROWS
)
door("reward.spectral.history_psd", history=LONG, horizon=16, method="multitaper", stride=8)
door("reward.spectral.log_statistics", power=SPECTRA)
door(
    "reward.spectral.literal_spectral_reward",
    history=LONG,
    gamma=1.0,
    horizon=16,
    method="multitaper",
)
door(
    "reward.spectral.predictive_sd",
    var=SPECTRA[0],
    m=5.0,
    exact=SPECTRA[1],
    prior_windows=6.0,
    smooth=3,
    inflate=1.2,
)
CALIBRATE = dict(history=LONG, horizon=16, prior_windows=6.0, smooth=3, inflate=1.2)
door("reward.spectral.calibrate", **CALIBRATE)
door("reward.spectral.spectral_reward", **CALIBRATE, gamma=1.0, eps=1.0)
door("reward.spectral.SpectralReward()", call=lambda: _spectral(), x=LONG[:96].reshape(6, 16))
door(
    "reward.spectral.SpectralReward.mx",
    call=lambda: _spectral().mx,
    x=lambda: mx.array(LONG[:96].reshape(6, 16)),
)
door("reward.spectral.LiteralSpectralReward()", call=lambda: _literal(), x=LONG[:96].reshape(6, 16))
door(
    "reward.sums.sum_rewards",
    call=lambda: (
        lambda first, second, weights: at("reward.sums.sum_rewards")(first, second, weights=weights)
    ),
    first=lambda: plain,
    second=total,
    weights=(1.0, 2.0),
)
door(
    "reward.sums.SumReward()",
    call=lambda: at("reward.sums.sum_rewards")(total(), plain),
    x=ROWS[:, :8],
)
door(
    "reward.sums.SumReward.mx",
    call=lambda: at("reward.sums.sum_rewards")(total()).mx,
    x=lambda: mx.array(ROWS[:, :8]),
)


@cache
def _units():
    return at("reward.evidence.Units")(1.0, 2.0, "MW")


@cache
def _spectral():
    return at("reward.spectral.spectral_reward")(LONG, horizon=16)


@cache
def _literal():
    return at("reward.spectral.literal_spectral_reward")(LONG, horizon=16)


# --- search ----------------------------------------------------------------------------------

ASKED = dict(prior=mixture, reward=lambda: plain, rollouts=6, lam=1.0, seed=0)
SLOPE = ASKED | dict(reward=lambda: steep)
SPELT = dict(prior=chain, reward=table, rollouts=6, lam=1.0, seed=0)
door("search.importance.sample", **ASKED)
door("search.importance.snis", **ASKED)
door("search.importance.snis tokens", **SPELT)
door("search.adaptive.grow_then_draw", **ASKED, epsilon=0.3, rounds=2)
door("search.baselines.best_of_n", **ASKED, n=3)
door("search.baselines.dps", **SLOPE, scale=1.0, limit=2.0)
door("search.baselines.tsdiff", **ASKED, observe=lambda: (np.ones((1, 2)), np.ones(1)), scale=4.0)
door("search.baselines.beam", **SPELT)
door("search.baselines.greedy", **SPELT)
door("search.particles.fk_difference", **ASKED, ess=0.5, temper=2.0)
door("search.particles.fk_max", **ASKED, resample_at=[2, 1], ess=0.5)
door("search.particles.tds", **SLOPE, ess=0.5, temper=2.0, limit=1.0)
door("search.particles.reward_grad", keep=("x",), reward=lambda: steep, x=POINTS)
door("search.particles.check_members", prior=mixture, method="dps")
door("search.particles.check_positive", scale=1.0)
TREE = dict(c=2.0, alpha=0.8, branch_at=[4, 2], walkers=2, batch=64)
door(
    "search.batched.search_queries",
    prior=mixture,
    rewards=lambda: [plain],
    rollouts=6,
    lam=1.0,
    **TREE,
)
door("search.batched.dts", **ASKED, **TREE)
door("search.batched.dts tokens", **SPELT)
door("search.batched.dts files", **ASKED, journal=lambda: folder() / "a")
door("search.batched.dts_star", **ASKED, c_uct=1.0)
door("search.batched.mcts", **ASKED, c_uct=1.0)
door("search.batched.SavedSearch.load", call=lambda: _search().load, path=lambda: _snapshot())
door("search.batched.SavedSearch.save", call=lambda: _search().save, path=lambda: folder() / "a")
TWO = dict(x=POINTS, y=POINTS[:5], wx=W[[0] * 9], wy=W[:5])
door("search.distance.gaussian", scale=1.0)
door("search.distance.mmd", **TWO, scale=1.0)
door("search.distance.mmd2", **TWO, scale=1.0)
door("search.distance.median_scale", y=POINTS, most=5)
door("search.distance.energy_distance", **TWO)
door("search.distance.energy_score", **WEIGHED)
door("search.distance.total_variation", p=[0.5, 0.5], q=[0.2, 0.8])
door("search.distance.kl", p=[0.5, 0.5], q=[0.2, 0.8])
door("search.distance.frequencies", index=[0, 1, 1], size=3, weights=[1.0, 1.0, 2.0])
door("search.distance.tv_floor", p=[0.5, 0.5], n=10)
door("search.distance.distance_features", plain=LONG.reshape(15, 16))
door("search.distance.Features()", call=lambda: _features(), x=LONG.reshape(15, 16))
LAW = dict(samples=LONG.reshape(15, 16), scale=1.0, frequencies=8, seed=0)
door("search.distance.reference_of", **LAW, plain=LONG.reshape(15, 16))
door(
    "search.distance.Reference.embed",
    call=lambda: _reference().embed,
    x=LONG.reshape(15, 16),
)
door(
    "search.distance.Reference.distance",
    call=lambda: _reference().distance,
    x=LONG.reshape(15, 16),
    weights=np.ones(15),
)
door("search.lockstep.check_rewards", prior=mixture, rewards=lambda: [plain])
door(
    "search.lockstep.check_flows",
    keep=("count",),
    flows=lambda: [flow],
    blend=lambda: flow,
    count=1,
)
door("search.lockstep.check_lams", keep=("count",), lam=[1.0, 2.0], count=2)
door("search.many_queries.as_result", found=lambda: at("search.many_queries.as_arrays")(run()))
door(
    "search.methods.Method",
    name="mine",
    run=lambda: at("search.importance.snis"),
    label="mine",
    look=("purple", "-", "o"),
    figures=("rollouts",),
    keys=lambda: {},
)
door("search.methods.priced", found=run, name="mine")
door(
    "search.methods.run_at",
    method=lambda: _method(),
    prior=mixture,
    reward=lambda: plain,
    budgets=[2, 4],
    lam=1.0,
    seed=0,
)
door("search.methods.register", method=lambda: _method())
door("search.methods.forget", name=lambda: at("search.methods.register")(_method()).name)
door("search.methods.methods_in", figure="rollouts")
door("search.methods.seed_of", method=lambda: _method(), figure="rollouts", seed=0)
door("search.methods.first_rollouts", run=run, count=2, steps=4)
door("search.mixture_weights.check_share", epsilon=0.1)
door("search.mixture_weights.check_draws", **ASKED)
door(
    "search.reference.grow", **{k: v for k, v in ASKED.items() if k != "rollouts"}, c=2.0, alpha=0.8
)
LOGS = dict(log_weights=SEVEN)
door("search.result.normalised", **LOGS)
door("search.result.pareto_khat", log_weights=LONG)
door("search.result.weighted_mean", result=run, f=lambda: plain)
door("search.result.redrawn", result=run, n=3, stream=lambda: np.random.default_rng(0))
door("search.result.Result.mean", call=lambda: run().mean, f=lambda: plain)
door(
    "search.result.Result.resample",
    call=lambda: run().resample,
    n=3,
    stream=lambda: np.random.default_rng(0),
)
door("search.streams.evaluate", keep=("x",), reward=lambda: plain, x=POINTS)
door("search.streams.check_rollouts", rollouts=3, prior=mixture)
door("search.streams.check_query", **{k: v for k, v in ASKED.items() if k != "lam"})
door("search.token_tree.tree_proposal", **SPELT, epsilon=0.2, kappa=2.0, batch=4)
door("search.tree_arrays.soft_mean", v=SEVEN, lam=1.0)
door("search.tree_arrays.levels", keep=("steps",), steps=4, branch_at=[3, 1])
door("search.tree_arrays.leaf_measure", tree=lambda: _grown().tree)
door("search.tree_arrays.TreeView.leaves", call=lambda: lambda: _grown().tree.leaves())
door("search.tree_statistics.value_error", t=np.array([1, 1, 2]), v=Y, exact=Y, weights=Y)
door("search.tree_statistics.tree_states", tree=lambda: _grown().tree)
door("search.tree_statistics.tree_stats", tree=lambda: _grown().tree)
door("search.waves.uct", c=1.0)
door("search.waves.epsilon_greedy", eps=0.1)


def _method():
    return at("search.methods.Method")("fuzzed", at("search.importance.snis"))


def _search(path=None):
    found = at("search.batched.Search")(mixture(), [plain], journal=path, walkers=2)
    for _ in found.run(6):
        pass
    return found


def _snapshot():
    return _search().save(folder() / "a")


@cache
def _grown():
    return at("search.batched.dts")(mixture(), plain, 6)


@cache
def _features():
    return at("search.distance.distance_features")(LONG.reshape(15, 16))


@cache
def _reference():
    return at("search.distance.reference_of")(LONG.reshape(15, 16), frequencies=8)


# --- value -----------------------------------------------------------------------------------

AMORTISED = dict(prior=forecast, reward=total, rollouts=6, lam=1.0, seed=0)
door("value.amortised.amortised", **AMORTISED, nets=lambda: {}, candidates=4, endings=4)
door(
    "value.amortised.amortised unseen",
    **AMORTISED | dict(reward=lambda: plain, nets=lambda: {}, pilot=100),
)
door("value.corrections.checked_path", path="a.safetensors")
door("value.corrections.save_flow", nets=lambda: _nets(), path=lambda: folder() / "a.safetensors")
door("value.corrections.load_flow", path=lambda: _flow_file())
door("value.corrections.shipped", path=lambda: _flow_file())
door(
    "value.fitted.fit_quadratic",
    unseen=lambda: (at("reward.evidence.Unseen")(plain, 1.0, "it is hidden"),),
    chain=lambda: cosine().one(),
    draws=100,
    seed=0,
)
door("value.learned.FlowRecipe", kind="total", width=4, updates=2, batch=4, rate=1e-3, seed=0)
door("value.lookahead.history_chain", prior=forecast)
door("value.lookahead.check_nets", nets=lambda: _nets())
door("value.lookahead.lookahead", prior=forecast, reward=total, lam=1.0, nets=lambda: {})
door("value.losses.gumbel", y=Y, f=Y, clip=20.0)
door("value.losses.log_mean", f=X, log_p=X)
door("value.losses.soft_bellman", f=Y, below=X.T, log_p=X.T)
PATH = dict(g=np.zeros((3, 4)), ratio=np.zeros((3, 3)))
door("value.losses.detailed_balance", **PATH)
door("value.losses.sub_balance", **PATH, kappa=0.9)
door("value.losses.relative_balance", log_z=0.0, ratio=X, y=SEVEN)
door("value.losses.batch_log_z", ratio=X, y=SEVEN, weights=W)
door("value.losses.var_grad", ratio=X, y=SEVEN, weights=W)
door("value.losses.log_tilt", f=X, log_p=X)
door("value.losses.published_balance", log_z=0.0, f=X, means=X, y=SEVEN)
door("value.losses.policy_values", log_z=0.0, ratio=X)
door(
    "value.proposal.twisted",
    **ASKED,
    flow=lambda: flow,
    candidates=4,
    endings=4,
    epsilon=0.1,
    first=0.2,
)
door("value.selection.oracle", world=world, sigma=0.1, seed=0)
door("value.selection.published_score", alpha=0.5)
door("value.selection.counted_score", kappa=2.0)
door(
    "value.selection.s_adt_queries",
    prior=mixture,
    rewards=lambda: [plain],
    rollouts=6,
    lam=1.0,
    seed=0,
    flows=lambda: [flow],
)
door("value.selection.s_adt", **ASKED, flow=lambda: flow, alpha=0.5, widening=0.8)
door("value.selection.s_adt_counts", **ASKED, flow=lambda: flow, kappa=2.0)
door("value.selection.twisted_tokens", **SPELT, flow=lambda: flow, epsilon=0.1)


@cache
def _nets():
    nets = {"total": at("value.corrections.Correction")("total", 1, 4, 3)}
    return nets | {"drift": np.zeros((3, 64, 32))}


def _flow_file():
    return at("value.corrections.save_flow")(_nets(), folder() / "a.safetensors")


# --- language --------------------------------------------------------------------------------

door("language.backbone.load_backbone", name="none of them", dequantise=False)
door("language.backbone.bits_of", w=lambda: mx.zeros(3))
door(
    "language.backbone.random_llama",
    seed=0,
    width=16,
    layers=1,
    heads=2,
    kv_heads=1,
    feedforward=16,
    context=64,
)
door(
    "language.checkpoints.write",
    path=lambda: folder() / "a",
    arrays=lambda: {"a": mx.zeros(3)},
    state=lambda: {"a": 1},
)
door("language.checkpoints.read", path=lambda: _checkpoint())
door("language.checkpoints.lines_until", text=b'{"step": 1}\n', step=1)
door("language.checkpoints.append", path=lambda: _file(b"abc"), data=b"abc")
door("language.checkpoints.Lock", folder=lambda: folder())
door(
    "language.encoder.Encoder",
    width=8,
    layers=1,
    heads=2,
    feedforward=8,
    patch=4,
    positions=16,
    seed=0,
)
door("language.examples.Signal", values=SEVEN, label="load", unit="MW", rate=1.0, ddof=1)
door(
    "language.examples.Example",
    pre="What?",
    signals=lambda: [signal()],
    post="Say.",
    answer="a",
    label="a",
)
door("language.examples.picture_of", signals=lambda: [signal()], above="above", below="below")
door("language.examples.standardise", signal=signal, floor=0.1)
door("language.examples.describe_signal", signal=signal, mean=1.0, std=2.0, statistics=True)
door(
    "language.examples.check_template", name="a", words="abc", published=lambda: {"a": (3, "ba78")}
)
door("language.generate.Sampling", temperature=0.5, top_p=0.9, stop=("\n",))
door("language.gguf.halves", w=lambda: mx.zeros((8, 4)), heads=2)
door("language.gguf.read_gguf", path=lambda: _file(b"abc"))
door(
    "language.model.TSLM",
    backbone=backbone,
    encoder=None,
    projector=None,
    mode="native",
    statistics=True,
)
door("language.optimiser.Recipe", parts=lambda: {"encoder": 1e-3}, batch=2, epochs=1, steps=2)
door(
    "language.optimiser.Recipe numbers",
    decay=0.01,
    warmup=0.1,
    clip=1.0,
    patience=2,
    gain=0.0,
    every=1,
    seed=0,
)
door("language.patches.patches", x=ROWS, patch=4, limit=24, lengths=[24, 20, 16, 8])
door("language.patches.whole_sizes", width=3)
door(
    "language.train.Trainer",
    model=lambda: at("language.toy.Toy")(),
    recipe=lambda: at("language.optimiser.Recipe")(steps=1),
    train=lambda: at("language.toy.toy_items")(4),
    validation=lambda: at("language.toy.toy_items")(2),
    folder=lambda: folder(),
    save=2,
)


def _checkpoint():
    path = folder() / "a.safetensors"
    at("language.checkpoints.write")(path, {"a": mx.zeros(3)}, {"a": 1})
    return path


# --- curriculum ------------------------------------------------------------------------------

door(
    "curriculum.scoring.label_after",
    answer="it is. Answer: walking",
    classes=["walking", "sitting"],
    marker="Answer:",
)
door("curriculum.scoring.macro_f1", labels=["a", "b"], said=["a", None])
door(
    "curriculum.scoring.group_interval",
    groups=[0, 0, 1, 2],
    statistic=lambda: np.mean,
    repeats=20,
    seed=0,
)
door("curriculum.scoring.swap_series", examples=lambda: [example("a"), example("b")], seed=0)
door(
    "curriculum.stage.Stage",
    name="toy",
    load=lambda: list,
    prompt=lambda: str,
    score=lambda: str,
    statements=lambda: str,
    start_from=None,
    max_tokens=3,
)
door("curriculum.stage.asked", stage=lambda: stage(), split="training")
door("curriculum.stage.check_stage", stage=lambda: stage())
door("curriculum.stage.course_of", stages=lambda: [stage()])
door("curriculum.stage.course_before", folder=lambda: folder(), name=None)

# doors whose good arguments are refused as well: what they need is not here
REFUSED = {
    "series.sources.read_member",
    "language.backbone.load_backbone",
    "language.gguf.read_gguf",
}
