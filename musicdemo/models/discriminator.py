"""The discriminator: does a continuation sound like one that a person wrote? What a generator is trained against.

The generator is any network of recurrent.py; it writes events whose predicted columns are choices (heads.py): in the
forward pass 1 at the value that was drawn, in the backward pass the softmax that it was drawn from. The
discriminator reads the notes before and the continuation as one row of T events. With e_t the sum of the columns'
embeddings and d_rt the distance of a column's value from its reference r, one-hot,

    x_t    = e_t + sum_r D_r d_rt
    x_t   <- x_t + W_l * lrelu(x)   for each layer l, a convolution over the events t - 2^l, t, t + 2^l
    C(x)   = s mean_t (v . lrelu(x_t) + b)   over the events t of the continuation

Each of the matrices E, D_r, W_l and v is divided by its largest singular value (spectral normalisation, Miyato et al.
2018, section 2.1, eq. 8; a kernel is taken as a matrix, as there), so the scale of C is the one number s. Dilated
convolutions over a sequence are those of van den Oord et al. 2016 (WaveNet, section 2.1), but look both ways; a
score for each event, averaged, is the idea of PatchGAN (Isola et al. 2017, section 3.2.2).

Both play the relativistic game (Jolicoeur-Martineau 2019, "The relativistic discriminator", RpGAN, eqs. 7 and 8, with
the logistic loss): real x and written y continue the same notes, and with f(z) = log(1 + exp(-z))

    discriminator: min E f(C(x) - C(y))          generator: min E f(C(y) - C(x))
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from musicdemo.models.base import MAX_LAYERS, MAX_UNITS, ModelConfig
from musicdemo.models.heads import RELATIVE_REACH, Choices, ColumnTables

_SLOPE = 0.1
_KERNEL = 3


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Shape of a discriminator over columns of `sizes` values; `relative` as in ModelConfig.

    A score depends on 2 ** `layers` - 1 events to either side.
    """

    sizes: tuple[int, ...]
    relative: tuple[tuple[int, int], ...] = ()
    units: int = 96
    layers: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.units <= MAX_UNITS or not 1 <= self.layers <= MAX_LAYERS:
            raise ValueError(
                f"a discriminator needs 1-{MAX_UNITS} units and 1-{MAX_LAYERS} layers: {self.units}, {self.layers}"
            )

    @classmethod
    def against(cls, generator: ModelConfig) -> "DiscriminatorConfig":
        """Return the configuration for the events that a generator writes."""
        return cls(generator.sizes, generator.relative)


class Discriminator(nn.Module):
    """Score continuations: the higher, the more like a real one."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        units = config.units
        self.tables = spectral_norm(ColumnTables(config.sizes, units), "table")
        self.distances = nn.ModuleDict(
            {
                f"{column}-{reference}": spectral_norm(nn.Linear(2 * RELATIVE_REACH + 1, units, bias=False))
                for column, reference in config.relative
            }
        )
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv1d(units, units, _KERNEL, dilation=2**layer, padding=2**layer))
            for layer in range(config.layers)
        )
        self.score = spectral_norm(nn.Linear(units, 1))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, events: Tensor, length: int, choices: Choices | None = None) -> Tensor:
        """Score (B,) the last `length` of events (B, T, C); where there are `choices`, they are read instead."""
        vectors = self._embedded(events, choices or {}).transpose(1, 2)  # (B, units, T)
        for layer in self.layers:
            vectors = vectors + layer(functional.leaky_relu(vectors, _SLOPE))
        heard = functional.leaky_relu(vectors[:, :, -length:].transpose(1, 2), _SLOPE)
        scores: Tensor = self.scale * self.score(heard).mean(dim=(1, 2))
        return scores

    def _embedded(self, events: Tensor, choices: Choices) -> Tensor:
        with nn.utils.parametrize.cached():
            vectors: Tensor = self.tables(events, 0, len(self.config.sizes), choices)
        for column, reference in self.config.relative:
            choice = choices.get(column)
            if choice is None:
                choice = functional.one_hot(events[..., column], self.config.sizes[column]).float()
            distance = distances(choice, events[..., reference])
            vectors = vectors + self.distances[f"{column}-{reference}"](distance)
        return vectors


def distances(choice: Tensor, reference: Tensor) -> Tensor:
    """Return the weights of a choice (..., V) by distance from a reference value (...): (..., 2 RELATIVE_REACH + 1).

    All are 0 where the reference is 0, which means that there is none.
    """
    size = choice.shape[-1]
    reach = torch.arange(-RELATIVE_REACH, RELATIVE_REACH + 1, device=choice.device)
    value = reference[..., None] + reach
    exists = (reference[..., None] > 0) & (value >= 0) & (value < size)
    return choice.gather(-1, value.clamp(0, size - 1)) * exists


def relativistic_loss(wanted: Tensor, other: Tensor) -> Tensor:
    """Return the mean of log(1 + exp(other - wanted)) over pairs of scores (B,)."""
    return functional.softplus(other - wanted).mean()
