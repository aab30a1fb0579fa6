"""Looking inside: what a network thought of each note, what it read, and what went on in its layers.

Only this room knows notes and networks at once without making music; drawing what is found is the page's work.
"""

from musicdemo.insight.gates import LayerStates, layer_states
from musicdemo.insight.gradients import attribution
from musicdemo.insight.join import NextNote, next_note
from musicdemo.insight.maps import MOST_ACROSS, ReadingMap, bar_map, note_map
from musicdemo.insight.names import note_name
from musicdemo.insight.note_events import NoteEvents
from musicdemo.insight.reading import MAX_NOTES, NoteThought, Thoughts, thoughts
from musicdemo.insight.reads import MOST_READS, Reads, all_reads, note_reads

__all__ = [
    "MAX_NOTES",
    "MOST_ACROSS",
    "MOST_READS",
    "LayerStates",
    "NextNote",
    "NoteEvents",
    "NoteThought",
    "ReadingMap",
    "Reads",
    "Thoughts",
    "all_reads",
    "attribution",
    "bar_map",
    "layer_states",
    "next_note",
    "note_map",
    "note_name",
    "note_reads",
    "thoughts",
]
