"""Room for notes, against counting them one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from musicdemo.music.polyphony import Room
from musicdemo.music.vocabulary import MAX_DURATION

quick = settings(max_examples=60, deadline=None, derandomize=True)
notes = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, MAX_DURATION)), max_size=12)


@quick
@given(notes, st.integers(1, 4), st.integers(0, 3000))
def test_a_note_may_begin_and_last_where_fewer_sound_than_the_limit(
    taken: list[tuple[int, int]], limit: int, onset: int
) -> None:
    room = Room(limit)
    for start, duration in taken:
        room.take(start, start + duration)

    def sounding(step: int) -> int:
        return sum(start <= step < start + duration for start, duration in taken)

    steps = range(onset, onset + MAX_DURATION)
    free = [sounding(step) < limit for step in steps]
    assert room.free(steps.start, steps.stop).tolist() == free
    assert room.longest(onset) == (free.index(False) if False in free else MAX_DURATION)
    assert room.is_overfull == any(sounding(start) > limit for start, _ in taken)


def test_a_copy_of_a_room_goes_its_own_way() -> None:
    room = Room(1)
    twin = room.copy()
    twin.take(0, 12)
    assert room.longest(0) == MAX_DURATION and twin.longest(0) == 0
