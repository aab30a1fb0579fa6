"""The door to MIDI: what is written is read back, what players forgive is forgiven, the rest is refused."""

import io
import random
import struct
from collections.abc import Iterable

import mido
import pretty_midi
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musicdemo.errors import MidiError
from musicdemo.music.midi import MidiReport, read_midi, write_midi
from musicdemo.music.score import Meter, MeterChange, Note, Score, TempoChange, Track
from tests.strategies import scores

TICKS = 480
NOTE = ((0, b"\x90\x3c\x40"), (TICKS, b"\x80\x3c\x00"))
END = b"\x00\xff\x2f\x00"

Event = tuple[int, bytes]


def number(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.insert(0, value & 0x7F | 0x80)
    return bytes(octets)


def chunk(body: bytes, *, length: int | None = None) -> bytes:
    return b"MTrk" + struct.pack(">I", len(body) if length is None else length) + body


def body(*events: Event) -> bytes:
    return b"".join(number(delta) + message for delta, message in events)


def midi(*chunks: bytes, division: int = TICKS, midi_type: int = 1) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, midi_type, len(chunks), division) + b"".join(chunks)


def one_track(*events: Event) -> bytes:
    return midi(chunk(body(*events) + END))


def meta(kind: int, content: bytes) -> bytes:
    return bytes((0xFF, kind)) + number(len(content)) + content


def time_signature(numerator: int, power: int) -> bytes:
    return meta(0x58, bytes((numerator, power, 24, 8)))


def all_notes(data: bytes) -> list[Note]:
    return [note for track in read_midi(data).score.tracks for note in track.notes]


def meters_of(data: bytes) -> list[tuple[int, str]]:
    return [(change.onset, str(change.meter)) for change in read_midi(data).score.meters]


class TestRoundTrip:
    @settings(max_examples=60, deadline=None)
    @given(scores())
    @example(Score((Track((Note(0, 60, 12),)),), (MeterChange(0, Meter()),), (TempoChange(0, 10.0),)))
    @example(Score((Track((Note(0, 60, 12),)),), (MeterChange(0, Meter()),), (TempoChange(0, 399.99),)))
    def test_what_is_written_is_read_back_without_a_repair(self, score):
        file = read_midi(write_midi(score))
        assert file.score == score
        assert file.report == MidiReport()

    @settings(max_examples=20, deadline=None)
    @given(scores())
    def test_the_same_score_gives_the_same_bytes(self, score):
        assert write_midi(score) == write_midi(score)

    @settings(max_examples=20, deadline=None)
    @given(scores())
    def test_other_programs_find_the_same_notes(self, score):
        data = write_midi(score)
        assert len(mido.MidiFile(file=io.BytesIO(data)).tracks) == 1 + len(score.tracks)
        parsed = pretty_midi.PrettyMIDI(io.BytesIO(data))
        found = sorted((i.is_drum, i.program, n.pitch, n.velocity) for i in parsed.instruments for n in i.notes)
        assert found == sorted((t.is_drum, t.program, n.pitch, n.velocity) for t in score.tracks for n in t.notes)
        last = max(note.end for instrument in parsed.instruments for note in instrument.notes)
        assert last == pytest.approx(score.seconds_at(score.end), rel=1e-4)

    def test_forty_tracks_and_drums_among_them_stay_apart(self):
        tracks = tuple(
            Track((Note(12 * i, 30 + i, 12),), 0 if i % 4 == 0 else i % 5, i % 4 == 0, name=f"player {i}")
            for i in range(40)
        )
        seen: dict[tuple[bool, int], int] = {}
        numbered = []
        for track in tracks:
            kind = (track.is_drum, track.program)
            numbered.append(Track(track.notes, *kind[::-1], seen.setdefault(kind, 0), track.name))
            seen[kind] += 1
        score = Score(tuple(numbered))
        assert read_midi(write_midi(score)).score == score

    def test_drums_are_on_channel_10_and_nothing_else_is(self):
        players = tuple(Track((Note(0, 60, 12),), program=program) for program in range(20))
        data = write_midi(Score((*players, Track((Note(0, 36, 12),), is_drum=True))))
        channels = [
            {message.channel for message in track if message.type == "note_on"}
            for track in mido.MidiFile(file=io.BytesIO(data)).tracks[1:]
        ]
        assert channels[-1] == {9}
        assert all(9 not in used for used in channels[:-1])

    def test_a_whole_tempo_is_written_as_whole_microseconds(self):
        data = write_midi(Score((Track((Note(0, 60, 12),)),)))
        tempos = [m.tempo for m in mido.MidiFile(file=io.BytesIO(data)).tracks[0] if m.type == "set_tempo"]
        assert tempos == [500_000]

    def test_a_score_beyond_the_limit_of_reading_is_not_written(self):
        with pytest.raises(ValueError, match="20,000 quarter notes"):
            write_midi(Score((Track((Note(240_000, 60, 1),)),)))


class TestGrid:
    def test_onsets_and_ends_are_rounded_halves_up(self):
        # A step is 40 ticks: 19 goes down, 20 goes up; a note never vanishes.
        data = one_track((19, b"\x90\x3c\x40"), (1, b"\x80\x3c\x00"), (0, b"\x90\x3e\x40"), (79, b"\x80\x3e\x00"))
        assert all_notes(data) == [Note(0, 60, 1, 64), Note(1, 62, 1, 64)]

    def test_the_report_says_how_many_notes_moved_and_how_far(self):
        data = one_track((0, b"\x90\x3c\x40"), (480, b"\x80\x3c\x00"), (12, b"\x90\x3e\x40"), (480, b"\x80\x3e\x00"))
        report = read_midi(data).report
        assert report.notes_moved == 1
        assert report.largest_move_quarters == pytest.approx(12 / 480)
        assert report.mean_move_quarters == pytest.approx(6 / 480)

    def test_a_note_struck_twice_at_once_stays_once_with_the_longer_time(self):
        struck = [(0, b"\x90\x3c\x40"), (0, b"\x90\x3c\x50"), (240, b"\x80\x3c\x00"), (240, b"\x80\x3c\x00")]
        file = read_midi(one_track(*struck))
        assert file.score.tracks[0].notes == (Note(0, 60, 12, 80),)
        assert file.report.repairs == ("1 note struck twice at one moment was merged into one",)

    def test_a_note_struck_again_while_it_sounds_ends_there(self):
        data = one_track((0, b"\x90\x3c\x40"), (240, b"\x90\x3c\x50"), (240, b"\x80\x3c\x00"), (480, b"\x80\x3c\x00"))
        file = read_midi(data)
        assert file.score.tracks[0].notes == (Note(0, 60, 6, 64), Note(6, 60, 18, 80))
        assert file.report.repairs == ("1 note struck again while sounding was cut there",)

    def test_one_release_for_two_strikes_ends_both(self):
        data = one_track((0, b"\x90\x3c\x40"), (240, b"\x90\x3c\x50"), (240, b"\x80\x3c\x00"), *NOTE)
        assert all_notes(data) == [Note(0, 60, 6, 64), Note(6, 60, 6, 80), Note(12, 60, 12, 64)]

    def test_a_note_longer_than_eight_bars_is_cut(self):
        file = read_midi(one_track((0, b"\x90\x3c\x40"), (40 * TICKS, b"\x80\x3c\x00")))
        assert file.score.tracks[0].notes == (Note(0, 60, 384, 64),)
        assert file.report.long_notes_cut == 1

    def test_silence_before_the_first_note_stays(self):
        assert all_notes(one_track((4 * TICKS, b"\x90\x3c\x40"), (TICKS, b"\x80\x3c\x00")))[0].onset == 48

    def test_voices_number_the_tracks_of_one_program_in_file_order(self):
        score = read_midi(midi(*(chunk(body((0, b"\xc0\x05"), *NOTE) + END) for _ in range(3)))).score
        assert [(track.program, track.voice) for track in score.tracks] == [(5, 0), (5, 1), (5, 2)]

    def test_voices_beyond_sixteen_join_the_last(self):
        notes = [((0, bytes((0x90, 40 + i, 64))), (TICKS, bytes((0x80, 40 + i, 0)))) for i in range(18)]
        file = read_midi(midi(*(chunk(body(*pair) + END) for pair in notes)))
        assert [len(track.notes) for track in file.score.tracks] == [1] * 15 + [3]
        assert file.report.repairs == ("2 tracks were merged into the last of 16 tracks of the same instrument",)


class TestMeters:
    def test_without_a_time_signature_it_is_four_four(self):
        assert meters_of(one_track(*NOTE)) == [(0, "4/4")]

    @pytest.mark.parametrize(
        ("quarter", "expected"),
        [
            (4, [(0, "4/4"), (48, "3/4")]),
            (5, [(0, "4/4"), (48, "1/4"), (60, "3/4")]),
            (6.5, [(0, "4/4"), (48, "5/8"), (78, "3/4")]),
            (0.75, [(0, "3/16"), (9, "3/4")]),
        ],
    )
    def test_a_change_inside_a_bar_ends_that_bar_early(self, quarter, expected):
        signature = (int(quarter * TICKS), time_signature(3, 2))
        assert meters_of(one_track((0, time_signature(4, 2)), signature, *NOTE)) == expected

    @pytest.mark.parametrize(("step", "line"), [(49, 48), (71, 48), (73, 96), (95, 96), (1, 0)])
    def test_a_change_that_no_short_bar_can_reach_moves_to_the_nearest_bar_line(self, step, line):
        file = read_midi(one_track((step * 40, time_signature(3, 2)), *NOTE))
        assert file.score.meters[-1] == MeterChange(line, Meter(3, 4))
        assert "bar line" in file.report.repairs[0]

    @pytest.mark.parametrize(
        ("numerator", "power", "expected"),
        [(11, 3, "11/8"), (3, 5, "4/4"), (6, 5, "3/16"), (1, 0, "4/4"), (2, 0, "8/4"), (18, 4, "9/8"), (99, 2, "4/4")],
    )
    def test_an_unsupported_metre_becomes_one_with_the_same_bar_or_four_four(self, numerator, power, expected):
        file = read_midi(one_track((0, time_signature(numerator, power)), *NOTE))
        assert str(file.score.meters[0].meter) == expected
        assert bool(file.report.repairs) == (expected != f"{numerator}/{2**power}")

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255), st.integers(0, 9)), max_size=12))
    def test_any_time_signatures_give_a_score(self, signatures):
        events = [(delta, time_signature(numerator, power)) for delta, numerator, power in signatures]
        assert len(all_notes(one_track(*events, *NOTE))) == 1

    def test_many_changes_are_read_in_a_moment_and_told_briefly(self):
        events = [(37 * i % 211, time_signature(2 + i % 5, 3)) for i in range(60_000)]
        assert len(read_midi(one_track(*events, *NOTE)).report.repairs) <= 11


class TestTempos:
    def test_tempos_are_kept_within_bounds_and_without_repetition(self):
        micros = [(0, 500_000), (480, 500_000), (480, 1), (480, 16_000_000)]
        events = [(delta, meta(0x51, value.to_bytes(3))) for delta, value in micros]
        file = read_midi(one_track(*events, *NOTE))
        assert file.score.tempos == (TempoChange(0, 120.0), TempoChange(24, 400.0), TempoChange(36, 10.0))
        assert file.report.repairs == ("2 tempos were brought into 10-400 quarter notes a minute",)

    def test_of_two_tempos_on_one_step_the_last_holds(self):
        events = [(0, meta(0x51, (500_000).to_bytes(3))), (5, meta(0x51, (1_000_000).to_bytes(3)))]
        assert read_midi(one_track(*events, *NOTE)).score.tempos == (TempoChange(0, 60.0),)

    def test_it_is_120_until_the_file_says_otherwise(self):
        file = read_midi(one_track((480, meta(0x51, (1_000_000).to_bytes(3))), *NOTE))
        assert file.score.tempos == (TempoChange(0, 120.0), TempoChange(12, 60.0))


class TestNames:
    @pytest.mark.parametrize("charset", ["utf-8", "cp1252"])
    def test_names_are_read_in_the_common_charsets(self, charset):
        score = read_midi(one_track((0, meta(3, "Flöte".encode(charset))), *NOTE)).score
        assert score.tracks[0].name == "Flöte"

    def test_names_lose_control_and_bidirectional_characters_and_excess(self):
        name = "a\x00\x07\u202eb\n c\u2066 " + "x" * 300
        read = read_midi(one_track((0, meta(3, name.encode())), *NOTE)).score.tracks[0].name
        assert read == ("ab c " + "x" * 300)[:200]

    @pytest.mark.parametrize(("name", "title"), [(b"Minuet in G", "Minuet in G"), (b"Tempo Track", ""), (b"", "")])
    def test_the_title_is_the_name_of_the_first_chunk_if_it_says_something(self, name, title):
        data = midi(chunk(body((0, meta(3, name))) + END), chunk(body(*NOTE) + END))
        assert read_midi(data).score.title == title

    def test_the_name_of_an_instrument_is_no_title(self):
        assert read_midi(one_track((0, meta(3, b"Piano")), *NOTE)).score.title == ""


class TestForgiveness:
    @pytest.mark.parametrize(
        ("data", "repair"),
        [
            (midi(chunk(body(*NOTE))), "end mark"),
            (midi(chunk(body(*NOTE) + END, length=9000)), "wrong length"),
            (midi(chunk(body(*NOTE) + END, length=3), chunk(END)), "wrong length"),
            (midi(chunk(body(*NOTE) + END), midi_type=2), "type 2"),
            (one_track((0, b"\x90\x3c\x40"), (480, b"\xb0\x01\x01")), "never released"),
            (one_track((0, meta(0x51, b"\x00\x00\x00")), *NOTE), "meaningless tempo"),
            (one_track((0, time_signature(0, 2)), *NOTE), "meaningless time signature"),
            (one_track(*NOTE, (0, b"\x90\x3c\xff")), "damaged"),
            (one_track(*NOTE, (0, b"\xff\x01\x7fabc")), "damaged"),
        ],
    )
    def test_what_players_forgive_is_repaired_and_told(self, data, repair):
        file = read_midi(data)
        assert file.score.tracks[0].notes == (Note(0, 60, 12, 64),)
        assert len(file.report.repairs) == 1
        assert repair in file.report.repairs[0]

    @pytest.mark.parametrize(
        "data",
        [
            one_track((0, meta(0x59, b"\x7f\x7f")), *NOTE),
            one_track((0, b"\xf0" + number(3) + b"\x01\x02\xf7"), (0, b"\xf8"), (0, b"\xf1\x03"), *NOTE),
            one_track((0, b"\x90\x3c\x40"), (0, meta(1, b"la")), (TICKS, b"\x3c\x00")),
            midi(b"XFIH" + struct.pack(">I", 2) + b"ab", chunk(body(*NOTE) + END)),
            midi(chunk(body(*NOTE) + END)) + b"some junk behind",
            b"MThd" + struct.pack(">IHHH", 8, 0, 1, TICKS) + b"\0\0" + chunk(body(*NOTE) + END),
            b"RIFF\0\0\0\0RMIDdata" + struct.pack("<I", 36) + midi(chunk(body(*NOTE) + END)),
        ],
    )
    def test_what_means_nothing_for_the_notes_is_passed_over(self, data):
        file = read_midi(data)
        assert file.score.tracks[0].notes == (Note(0, 60, 12, 64),)
        assert file.report.repairs == ()

    def test_controllers_are_left_out_and_told(self):
        report = read_midi(one_track((0, b"\xb0\x40\x7f"), (0, b"\xe0\x00\x40"), *NOTE)).report
        assert report.drops == ("controller, pedal and pitch-bend events are not kept (2)",)


def refusals() -> Iterable[tuple[str, bytes, str]]:
    quarter_million = b"\x00\x90\x3c\x40\x00\x3c\x00" * 101_000
    yield "empty", b"", "not a MIDI file"
    yield "text", b"MThdrum" * 10, "SMPTE|tracks|MIDI"
    yield "header only", b"MThd", "not a MIDI file"
    yield "WAV", b"RIFF\0\0\0\0WAVEfmt " + bytes(64), "not a MIDI file"
    yield "RMID without data", b"RIFF\0\0\0\0RMIDLIST" + bytes(8), "no MIDI data"
    yield "SMPTE", midi(chunk(body(*NOTE) + END), division=0xE728), "SMPTE"
    yield "no division", midi(chunk(body(*NOTE) + END), division=0), "0 ticks"
    yield "no tracks", midi(), "0 tracks"
    yield "257 tracks", midi(*[chunk(body(*NOTE) + END)] * 257), "257 tracks"
    yield "no notes", midi(chunk(END)), "no notes"
    yield "only silent notes", one_track((0, b"\x90\x3c\x00")), "no notes"
    yield "too large", midi(chunk(body(*NOTE) + END)) + bytes(2_000_000), "bytes"
    yield "too many notes", midi(chunk(quarter_million + END)), "100,000 notes"
    yield "too many events", midi(chunk(body(*NOTE) + b"\x00\xc0\x01" + b"\x00\x01" * 300_000 + END)), "300,000 events"
    yield "too long", one_track(*NOTE, (20_000 * TICKS, b"\x80\x3c\x00")), "20,000 quarter notes"
    yield "a long number", midi(chunk(b"\x81\x80\x80\x80\x00" + body(*NOTE) + END)), "4 bytes"
    yield "five hours", one_track((0, meta(0x51, b"\xff\xff\xff")), *NOTE, (5_000 * TICKS, NOTE[0][1])), "3 hours"
    yield (
        "600 instruments",
        one_track(*(e for c in range(8) for p in range(75) for e in ((0, bytes((0xC0 | c, p))), *on(c)))),
        "600 instruments",
    )


def on(channel: int) -> tuple[Event, Event]:
    return (0, bytes((0x90 | channel, 60, 64))), (10, bytes((0x80 | channel, 60, 0)))


class TestRefusals:
    @pytest.mark.parametrize(("data", "reason"), [pytest.param(d, r, id=name) for name, d, r in refusals()])
    def test_what_breaks_a_limit_is_refused_in_one_sentence(self, data, reason):
        with pytest.raises(MidiError, match=reason) as caught:
            read_midi(data)
        assert "\n" not in str(caught.value)

    def test_every_beginning_of_a_file_is_read_or_refused(self):
        tracks = (Track((Note(0, 60, 12), Note(12, 62, 6)), name="one"), Track((Note(0, 36, 3),), is_drum=True))
        data = write_midi(Score(tracks, title="Étude"))
        for length in range(len(data)):
            read_or_refuse(data[:length])

    def test_any_mutation_of_a_file_is_read_or_refused(self):
        chance = random.Random(5)
        tracks = (
            Track(tuple(Note(i, 40 + i, 6) for i in range(30)), 24, name="one"),
            Track((Note(0, 36, 3),), 0, True),
        )
        data = write_midi(Score(tracks, (MeterChange(0, Meter(3, 4)),), title="Étude"))
        for _ in range(400):
            mutated = bytearray(data)
            for _ in range(chance.choice((1, 1, 2, 8))):
                place = chance.randrange(len(mutated))
                match chance.randrange(3):
                    case 0:
                        mutated[place] ^= 1 << chance.randrange(8)
                    case 1:
                        mutated[place:place] = chance.randbytes(chance.randrange(1, 5))
                    case _:
                        del mutated[place : place + chance.randrange(1, 5)]
            read_or_refuse(bytes(mutated))

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=120), st.booleans())
    def test_any_bytes_in_a_track_are_read_or_refused(self, content, with_note):
        read_or_refuse(midi(chunk((body(*NOTE) if with_note else b"") + content)))


def read_or_refuse(data: bytes) -> None:
    """Let read_midi have any bytes; whatever is read can be written and read again."""
    try:
        score = read_midi(data).score
    except MidiError:
        return
    assert read_midi(write_midi(score)).score.note_count == score.note_count
