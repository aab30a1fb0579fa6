"""The error tree: what went wrong in the world, said in one sentence that a person can act on.

    MusicDemoError
    ├── MidiError         a file is not MIDI, or holds nothing that can be used
    ├── TokenError        a token array breaks the tokenizer's grammar
    ├── CheckpointError   a checkpoint is missing, torn or foreign
    ├── GenerationError   a request that no model can fulfil
    ├── AudioError        sound could not be rendered
    ├── EngravingError    sheet music could not be drawn
    ├── StoreError        a piece could not be saved or found
    └── JobError          the queue is full, or the job was stopped

ValueError is kept for a caller's mistake, assert for our own.
"""


class MusicDemoError(Exception):
    """Root of every error that this package raises about the outside world."""


class MidiError(MusicDemoError):
    """A file is not MIDI, or holds nothing that can be used."""


class TokenError(MusicDemoError):
    """A token array breaks the grammar of the tokenizer."""


class CheckpointError(MusicDemoError):
    """A checkpoint is missing, torn, or made for another tokenizer."""


class GenerationError(MusicDemoError):
    """The request cannot be fulfilled, whatever the model."""


class AudioError(MusicDemoError):
    """Sound could not be rendered."""


class EngravingError(MusicDemoError):
    """Sheet music could not be drawn."""


class StoreError(MusicDemoError):
    """A piece could not be saved or found."""


class JobError(MusicDemoError):
    """A job was refused by the queue, or ended without a result."""
