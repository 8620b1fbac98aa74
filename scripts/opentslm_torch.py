"""One training step, or answers, with PyTorch's OpenTSLM on the CPU: prints one line of JSON.

This is the other side of the benchmark in nbs/6_language/step_cost.ipynb, with OpenTSLM 0.1.0 as
published on PyPI. It runs in a Python of its own:

    python3.12 -m venv torch   # any other Python: add --ignore-requires-python in the last line
    torch/bin/pip install torch transformers peft einops   # torch in its CPU build
    torch/bin/pip install --no-deps opentslm==0.1.0
    SPECDIFFTREE_SCALE=paper SPECDIFFTREE_TORCH=torch/bin/python ...  # run the notebook

Everything that is timed is OpenTSLM's own: `OpenTSLMSP` with its encoder, projector,
`pad_and_apply_batch`, `compute_loss`, `generate`, `enable_lora`, and its collate function.
What its trainer does around them is repeated here from its description: AdamW over the groups
encoder (2e-4), projector (1e-4) and LoRA (1e-4) with weight decay 0.01, the gradient clipped to
norm 1, the loss read at each step; evaluation without gradients, one question at a time.

Two things are put in its way, neither of which is timed. `open_flamingo`, which the SP model does
not use, is replaced by an empty module. And its two calls to the hub, for the tokenizer and the
language model, are answered here: a Llama of SmolLM2-135M's shape, and a tokenizer that reads text
as numbers of tokens, so that both sides of the benchmark see the same ones.
"""

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import json
import os
import platform
import resource
import sys
import time
import types
from importlib.metadata import version

SHAPE = dict(
    vocab_size=49152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=8192,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
    rope_theta=100_000.0,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=2,
)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("train", "answer"))
    parser.add_argument(
        "--dtype",
        choices=("float32", "bfloat16"),
        default="float32",
        help="of the language model; encoder and projector are float32, as they are there",
    )
    parser.add_argument(
        "--lora", action="store_true", help="LoRA of rank 16, alpha 32, trained as well"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=3,
        help="timed steps, or passes over the questions, after one that is not timed (default: 3)",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--workload",
        help="JSON file: the language model's shape, and examples of pre, texts, post, answer "
        "(token numbers) and series; default: SmolLM2-135M's, made up",
    )
    parser.add_argument(
        "--weights",
        help="safetensors file with weights by their names in OpenTSLMSP; others stay random",
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=0,
        help="how many of them (default: 4 to train on, 32 to answer)",
    )
    parser.add_argument("--tokens", type=int, default=51, help="length of an answer (default: 51)")
    return parser.parse_args()


class Empty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    "Imports open_flamingo, and whatever is in it, as nothing."

    def find_spec(self, name, path=None, target=None):
        return (
            importlib.machinery.ModuleSpec(name, self, is_package=True)
            if name.split(".")[0] == "open_flamingo"
            else None
        )

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        module.__getattr__ = lambda name: type(name, (), {}) if not name.startswith("__") else None


def build(args, shape):
    "OpenTSLMSP with a random language model, without a hub."
    import torch

    sys.meta_path.insert(0, Empty())
    from opentslm.model.llm import OpenTSLMSP as module
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    def language_model(name, **asked):
        rotary = dict(
            rope_parameters=dict(rope_type="default", rope_theta=shape["rope_theta"])
        )  # transformers 5 reads this, 4 the other
        config = LlamaConfig(**shape, **rotary, attn_implementation=asked["attn_implementation"])
        return LlamaForCausalLM(config).to(getattr(torch, args.dtype)).eval()

    def numbers(name, **asked):
        end = shape[
            "eos_token_id"
        ]  # a special token is found within words, so its name must not be a number
        words = Tokenizer(
            models.WordLevel(
                {"<end>" if i == end else str(i): i for i in range(shape["vocab_size"])},
                unk_token="<end>",
            )
        )
        words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>")

    module.AutoModelForCausalLM = types.SimpleNamespace(from_pretrained=language_model)
    module.AutoTokenizer = types.SimpleNamespace(from_pretrained=numbers)
    torch.manual_seed(0)
    model = module.OpenTSLMSP("none", device="cpu")
    if args.weights:
        load(model, args.weights)
    if args.lora:
        model.enable_lora(lora_r=16, lora_alpha=32)
    return model


def load(model, path):
    "Put weights in by their names. An unknown name or a wrong shape is an error."
    import torch
    from safetensors import safe_open

    own = model.state_dict()
    with safe_open(path, "pt") as file, torch.no_grad():
        for name in file.keys():
            own[name].copy_(file.get_tensor(name))


def made_up(count, tokens):
    "As many examples of 323 prompt tokens, 96 of them soft, and an answer."
    import numpy as np

    rng = np.random.default_rng(0)

    def ids(n):
        return rng.integers(3, SHAPE["vocab_size"], n).tolist()

    pre, texts = ids(140), [ids(10) for _ in range(3)]
    return [
        dict(
            pre=pre,
            texts=texts,
            post=ids(57),
            answer=ids(tokens),
            series=rng.standard_normal((3, 128)).tolist(),
        )
        for _ in range(count)
    ]


def samples(workload):
    "What OpenTSLM's data sets give: texts and series, of which its collate makes tensors."
    from opentslm.time_series_datasets.util import (
        extend_time_series_to_match_patch_size_and_aggregate as collate,
    )

    def text(ids):
        return " ".join(map(str, ids))

    return collate(
        [
            dict(
                pre_prompt=text(e["pre"]),
                time_series_text=[text(t) for t in e["texts"]],
                post_prompt=text(e["post"]),
                answer=text(e["answer"]),
                time_series=e["series"],
            )
            for e in workload
        ]
    )


def train(model, batch, args):
    "Seconds of each step but the first; losses, gradient norms and floating-point operations."
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    groups = [
        (model.encoder.parameters(), 2e-4),
        (model.projector.projector.parameters(), 1e-4),
        (model.get_lora_parameters(), 1e-4),
    ]
    groups = [dict(params=list(params), lr=rate, weight_decay=0.01) for params, rate in groups]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]])
    found = dict(
        seconds=[], losses=[], norms=[], trained=sum(p.numel() for g in groups for p in g["params"])
    )
    model.train()
    for i in range(args.repeats + 1):
        counter = (
            FlopCounterMode(display=False) if not i else contextlib.nullcontext()
        )  # counts what the first step multiplies
        start = time.perf_counter()
        optimizer.zero_grad()
        with counter:
            loss = model.compute_loss(batch)
            loss.backward()
        if not i:
            found["flops"] = counter.get_total_flops()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        found["losses"].append(loss.item())
        found["seconds"].append(time.perf_counter() - start)
        found["norms"].append(norm.item())
    return dict(found, seconds=found["seconds"][1:])


def answer(model, batch, args):
    "Seconds of each pass over the questions, one at a time, and the tokens of the answers."
    import torch

    model.eval()
    found = dict(seconds=[])
    with torch.no_grad():
        model.generate(batch[:1], max_new_tokens=2, min_new_tokens=2)
        for _ in range(args.repeats):
            start = time.perf_counter()
            texts = [
                model.generate([sample], max_new_tokens=args.tokens, min_new_tokens=args.tokens)[0]
                for sample in batch
            ]
            found["seconds"].append(time.perf_counter() - start)
    return dict(found, answers=[[int(word) for word in text.split()] for text in texts])


def main():
    args = arguments()
    os.environ.update(
        HF_HUB_OFFLINE="1",
        TOKENIZERS_PARALLELISM="false",
        **{f"{name}_NUM_THREADS": str(args.threads) for name in ("OMP", "MKL")},
    )
    import torch

    torch.set_num_threads(args.threads)
    count = args.examples or (4 if args.task == "train" else 32)
    shape, workload = SHAPE, None
    if args.workload:
        with open(args.workload) as file:
            given = json.load(file)
        shape, workload = SHAPE | given["shape"], given["examples"][:count]
    workload = workload or made_up(count, args.tokens)
    with contextlib.redirect_stdout(sys.stderr):
        model = build(args, shape)
        built = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = (train if args.task == "train" else answer)(model, samples(workload), args)
    for sample, e in zip(samples(workload), workload):  # that the tokenizer gives what it was given
        ids = [
            model.tokenizer(text).input_ids
            for text in (
                sample["pre_prompt"],
                *sample["time_series_text"],
                sample["post_prompt"],
                sample["answer"],
            )
        ]
        if ids != [e["pre"], *e["texts"], e["post"], e["answer"]]:
            raise RuntimeError("the tokenizer changed the tokens")
    unit = 1 if sys.platform == "darwin" else 1024
    lengths = [
        sum(map(len, [e["pre"], *e["texts"], e["post"]])) + sum(len(s) // 4 for s in e["series"])
        for e in workload
    ]
    found |= dict(
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        built=built * unit,
        prompt=lengths,
        answer=[len(e["answer"]) for e in workload],
        threads=torch.get_num_threads(),
        dtype=args.dtype,
        lora=args.lora,
        versions={
            name: version(name) for name in ("opentslm", "torch", "transformers", "peft", "numpy")
        }
        | {"python": platform.python_version()},
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
