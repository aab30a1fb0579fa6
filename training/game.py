"""The game of a generator against a discriminator, one step at a time; adversarial.py plays it.

A step: the generator goes on with passages of real pieces, the discriminator learns to tell that from what people
wrote behind the same notes, and the generator learns from

    L = nats per note + weight x relativistic loss

the first on the windows of all corpora, as ever, the second through what it wrote (rollout.py). Likelihood before the
game and in its every step is what lets a GAN learn sequences (Yu et al. 2017, SeqGAN, section 3.3, begins with it;
Nie et al. 2019, RelGAN, section 3, has the relaxation and the relativistic loss).
"""

import copy
import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from musicdemo.models.base import State, reset_rows
from musicdemo.models.discriminator import Discriminator, DiscriminatorConfig, relativistic_loss
from musicdemo.models.recurrent import RecurrentModel
from training.dataset import Sampler
from training.loss import column_losses
from training.passages import LENGTH, Passage, PassageSampler, stacked
from training.rollout import Written, choices, write

FIGURES = ("discriminator", "told_apart", "fooling", "push", "both", "train")
"""Of each step: the discriminator's loss and how often it is right about a pair; the generator's loss against it, the
gradient's norm by that loss alone and by both, and nats per note."""


@dataclass(frozen=True)
class GameConfig:
    """How to play. A run ends after `max_steps` or `max_minutes`, whichever comes first.

    `rows` passages a step; in the first `head_start` steps only the discriminator learns. `weight` is that of the
    relativistic loss; the relaxation falls from 1 to `last_relaxation` by equal factors (RelGAN's to 1/100, but there
    our discriminator ran away). `clip` bounds the gradient's norm, that of the relativistic loss by `weight` x `clip`
    before the other is added. `ema` is the decay of the averaged weights, and `tolerance` is how many nats per note
    they may lose on the validation split.
    """

    rows: int = 24
    head_start: int = 40
    weight: float = 0.1
    last_relaxation: float = 0.1
    learning_rate: float = 3e-4
    discriminator_rate: float = 2e-3
    clip: float = 1.0
    ema: float = 0.99
    tolerance: float = 0.005
    max_steps: int = 100_000
    max_minutes: float = math.inf
    validate_every: int = 50

    def __post_init__(self) -> None:
        if min(self.rows, self.max_steps, self.validate_every) < 1 or self.max_minutes <= 0 or self.head_start < 0:
            raise ValueError(f"rows, steps and minutes must be positive: {self}")
        if not 0 < self.last_relaxation <= 1 or self.weight < 0 or not 0 <= self.ema < 1:
            raise ValueError(f"relaxation must lie in (0, 1], weight be >= 0 and ema lie in [0, 1): {self}")


class Game:
    """A generator, a discriminator, and what they learn from."""

    def __init__(
        self, generator: RecurrentModel, sampler: Sampler, passages: PassageSampler, config: GameConfig
    ) -> None:
        self.config, self.sampler, self.passages = config, sampler, passages
        self.generator, self.average = generator, copy.deepcopy(generator).eval()
        self.discriminator = Discriminator(DiscriminatorConfig.against(generator.config))
        self._learn = torch.optim.AdamW(generator.parameters(), lr=config.learning_rate, betas=(0.9, 0.98))
        self._judge = torch.optim.Adam(self.discriminator.parameters(), config.discriminator_rate, betas=(0.5, 0.99))
        self._state: State | None = None
        self.steps, self.seconds = 0, 0.0
        self.tally: dict[str, list[float]] = {name: [] for name in FIGURES}

    @property
    def done(self) -> float:
        """How much of the run is done, 0-1."""
        return min(1.0, max(self.steps / self.config.max_steps, self.seconds / 60 / self.config.max_minutes))

    def means(self) -> dict[str, float]:
        """Return the mean of each of FIGURES since this was last asked for; NaN where there is none."""
        means = {
            name: round(sum(values) / len(values), 4) if values else math.nan for name, values in self.tally.items()
        }
        self.tally = {name: [] for name in FIGURES}
        return means

    @property
    def relaxation(self) -> float:
        """Temperature of the softmax through which the gradient flows."""
        return float(self.config.last_relaxation**self.done)

    def step(self) -> None:
        """Let the generator write, teach the discriminator by it, then the generator by the discriminator."""
        began = time.monotonic()
        passages = self.passages.draw(self.config.rows)
        alone = self.steps < self.config.head_start
        written = write(self.generator, passages)
        figures = self._teach_discriminator(passages, written)
        if not alone:
            figures |= self._teach_generator(passages, written)
            self._update_average()
        for name, value in figures.items():
            self.tally[name].append(value)
        self.steps += 1
        self.seconds += time.monotonic() - began

    def _teach_discriminator(self, passages: list[Passage], written: Written) -> dict[str, float]:
        real = self.discriminator(stacked(passages), LENGTH)
        fake = self.discriminator(written.events, LENGTH)
        loss = relativistic_loss(real, fake)
        self._judge.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._judge.step()
        return {"discriminator": loss.item(), "told_apart": (real > fake).float().mean().item()}

    def _teach_generator(self, passages: list[Passage], written: Written) -> dict[str, float]:
        with torch.no_grad():
            real = self.discriminator(stacked(passages), LENGTH)
        chosen = choices(self.generator, written, relaxation=self.relaxation)
        fooling = relativistic_loss(self.discriminator(written.events, LENGTH, chosen), real)
        self._learn.zero_grad(set_to_none=True)
        torch.autograd.backward(self.config.weight * fooling)
        push = nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.weight * self.config.clip).item()
        likelihood = self._likelihood_loss()
        torch.autograd.backward(likelihood)
        both = nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.clip).item()
        self._learn.step()
        return {"fooling": fooling.item(), "push": push, "both": both, "train": likelihood.item()}

    def _likelihood_loss(self) -> Tensor:
        """Return the nats per note of the next window of all corpora, as in maximum likelihood training."""
        batch = self.sampler.batch()
        events, begins = torch.from_numpy(batch.events), torch.from_numpy(batch.begins)
        state = self.generator.start(len(begins)) if self._state is None else reset_rows(self._state, begins[:, 0])
        self.generator.train()
        hidden, state = self.generator.read(events[:, :-1], state)
        self._state = tuple(part.detach() for part in state)
        losses = column_losses(self.generator, hidden, events[:, 1:], begins[:, 1:])
        return losses.sum() / max(batch.units, 1)

    @torch.no_grad()
    def _update_average(self) -> None:
        for mean, value in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(value, 1 - self.config.ema)
