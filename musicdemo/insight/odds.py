"""The odds of one choice, and what temperature, top-k and top-p make of them; what the choices are it need not know."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicdemo.decoding.sampling import log_probabilities, truncated


@dataclass(frozen=True, eq=False)
class Odds:
    """Logits (V,) of a choice, -inf for what is not allowed."""

    logits: NDArray[np.float64]

    def probabilities(self, temperature: float, *, top_k: int = 0, top_p: float = 1.0) -> NDArray[np.float64]:
        """Return with which probability each value (V,) would be drawn; at temperature 0 the likeliest has them all."""
        weights = np.exp(log_probabilities(self.logits, temperature))
        weights = truncated(weights, 1 if temperature == 0 else top_k, top_p)
        drawn: NDArray[np.float64] = weights / weights.sum()
        return drawn

    def effective_choices(self, temperature: float, *, top_k: int = 0, top_p: float = 1.0) -> float:
        """Return 2^entropy: among how many equally likely values one would be as unsure."""
        odds = self.probabilities(temperature, top_k=top_k, top_p=top_p)
        odds = odds[odds > 0]
        return float(2.0 ** -(odds * np.log2(odds)).sum())
