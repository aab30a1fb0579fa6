"""A peer: a Transformer of six layers of 512 units that writes a flat stream of tokens, by the library that most use.

Its weights are random, which costs the same time as trained ones. Needs requirements-bench.txt.
"""

import importlib
import time

import torch

TOKENS_A_NOTE = 4
"""Position, pitch, velocity, duration (REMI, Huang & Yang 2020, section 3.2); bars and instruments come on top."""

PROMPT_TOKENS, NEW_TOKENS = 256, 128


def gpt2_seconds_a_token() -> float:
    """Seconds for one token of GPT-2's own `generate` with its key-value cache, one row, sampled; the least of 3."""
    transformers = importlib.import_module("transformers")  # only the bench has it
    transformers.logging.set_verbosity_error()
    config = transformers.GPT2Config(vocab_size=512, n_positions=1024, n_embd=512, n_layer=6, n_head=8, bos_token_id=0)
    config.eos_token_id = None
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(config).eval()
    prompt = torch.zeros(1, PROMPT_TOKENS, dtype=torch.long)
    settings = {"do_sample": True, "min_new_tokens": NEW_TOKENS, "max_new_tokens": NEW_TOKENS, "pad_token_id": 0}
    taken: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        with torch.inference_mode():
            written = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
        taken.append((time.perf_counter() - began) / (written.shape[1] - PROMPT_TOKENS))
    return min(taken)
