"""From a configuration to the network that it describes."""

from musicdemo.models.attention import AttentionModel
from musicdemo.models.base import ModelConfig
from musicdemo.models.recurrent import RecurrentModel

Network = RecurrentModel | AttentionModel


def build_model(config: ModelConfig) -> Network:
    """Return the network with fresh random weights. Raises ValueError for an unknown architecture."""
    return AttentionModel(config) if config.attention else RecurrentModel(config)
