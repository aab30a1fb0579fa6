"""What else a beam search found: heard, kept, gone on from, found again; and how the tree lies in its picture."""

from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from musicdemo.decoding.beam_tree import PROMPT
from musicdemo.errors import GenerationError
from musicdemo.generation import Exploration, GenerationSettings, explore
from musicdemo.jobs import JobControl
from musicdemo.music.instrument_ranges import PitchRange
from musicdemo.music.vocabulary import END, Column
from musicdemo.music.wishes import FixedNote
from musicdemo.store import Piece
from musicdemo.ui import services
from musicdemo.ui.beams.explorations import explorations, is_searched, search_again, settings_of
from musicdemo.ui.beams.tree_chart import COLOURS, stop_title, tree_chart
from musicdemo.ui.beams.tree_layout import fork_of, lanes_of, place_of, stretches_of
from musicdemo.ui.compose import OWN_FILE, Wish, compose
from musicdemo.ui.sections.alternatives import shared_notes
from tests.test_ui import WAIT_SECONDS, own_database
from tests.tiny import tiny_checkpoint, tune

__all__ = ["own_database"]

WIDTH = 3


def searched(beam_kind: str = "diverse") -> Piece:
    """A piece that a beam search wrote, as a visitor's job makes it."""
    asked = GenerationSettings(bars=4, beam_width=WIDTH, beam_kind=beam_kind, random_seed=4)
    seed = services.seeds()["ode-to-joy"]
    return compose(JobControl(), Wish("gru", asked, seed.score, seed.name, seed.title))


def remembered(piece: Piece) -> Exploration:
    found = explorations().get(piece.id)
    assert found is not None
    return found


def section() -> None:
    """Draw the section alone, of the piece that the address names."""
    import streamlit as st

    from musicdemo.ui.pieces import find_piece
    from musicdemo.ui.sections.alternatives import alternatives
    from musicdemo.ui.visit import current_visit

    visit = current_visit()
    if "opened" not in st.session_state:
        st.session_state["opened"] = True
        visit.show(find_piece(st.query_params["piece"]))
    alternatives(visit)


def opened_section(piece: Piece) -> AppTest:
    page = AppTest.from_function(section, default_timeout=WAIT_SECONDS)
    page.query_params["piece"] = piece.id
    page.run()
    assert not page.exception
    return page


def visit_of(page: AppTest):
    return page.session_state["visit"]


# --- the section -----------------------------------------------------------------------------------------------------


def test_every_version_can_be_chosen_and_the_best_is_the_piece():
    piece = searched()
    found = remembered(piece)
    assert found.continuations[0].score == piece.score
    page = opened_section(piece)
    choice = page.radio(key=f"alternative_{piece.id}")
    assert len(choice.options) == len(found.continuations) == WIDTH
    assert choice.value == 0
    assert page.button(key="keep_alternative").disabled, "the piece itself is kept already"


def test_a_version_that_is_kept_is_a_piece_of_its_own_with_its_recipe():
    piece = searched()
    found = remembered(piece)
    page = opened_section(piece)
    page.radio(key=f"alternative_{piece.id}").set_value(2).run()
    page.button(key="keep_alternative").click().run()
    assert not page.exception
    kept = visit_of(page).shown
    assert kept.id != piece.id
    assert services.piece_store().load(kept.id).score == found.continuations[2].score
    assert kept.recipe["alternative"] == 2
    assert kept.recipe["settings"] == piece.recipe["settings"]
    assert kept.recipe["log_prob"] == found.continuations[2].log_prob
    assert page.radio(key=f"alternative_{kept.id}").value == 2, "it knows which one it is"
    assert page.button(key="keep_alternative").disabled


def test_any_place_in_the_tree_can_be_gone_on_from():
    piece = searched()
    found = remembered(piece)
    page = opened_section(piece)
    place = stretches_of(found)[2]
    assert place.node is not None
    page.selectbox(key=f"stop_{piece.id}").select(place.node).run()
    page.button(key="go_on_from_branch").click().run()
    assert not page.exception
    assert visit_of(page).own.seed == found.score_at(place.node), "its end is not cut off"
    assert page.session_state["seed_name"] == OWN_FILE


def test_what_was_forgotten_is_searched_again_and_found_the_same():
    piece = searched("stochastic")
    before = remembered(piece)
    explorations.clear()
    page = opened_section(piece)
    assert not page.radio
    page.button(key="search_again").click().run()
    assert page.session_state["search_again_of"][1].wait(WAIT_SECONDS)
    page.run()
    assert not page.exception
    assert len(page.radio(key=f"alternative_{piece.id}").options) == WIDTH
    assert not page.info
    after = remembered(piece)
    for one, other in zip(before.continuations, after.continuations, strict=True):
        np.testing.assert_array_equal(one.events, other.events)
        assert one.score == other.score


def test_another_finding_than_before_is_said():
    piece = searched()
    changed = services.piece_store().save(
        title=piece.title, score=piece.score, join=piece.join, events=piece.events[:-1], recipe=piece.recipe
    )
    search_again(JobControl(), changed)
    assert len(opened_section(changed).info) == 1


def test_a_search_that_is_stopped_is_not_remembered():
    piece = searched()
    explorations.clear()
    control = JobControl()
    control._stop.set()
    with pytest.raises(GenerationError, match="stopped"):
        search_again(control, piece)
    assert explorations().get(piece.id) is None


@pytest.mark.parametrize("settings", [{"beam_width": 99}, {"beam_width": 2, "fixed": [{"nonsense": 1}]}])
def test_a_recipe_that_cannot_be_followed_is_one_sentence(settings):
    piece = searched()
    wrong = replace(piece, recipe={**piece.recipe, "settings": settings})
    with pytest.raises(GenerationError, match="recipe"):
        search_again(JobControl(), wrong)


def test_settings_come_back_from_a_recipe_as_they_were():
    asked = GenerationSettings(
        bars=4, beam_width=2, fixed=(FixedNote(0, 60, 12),), pitch_ranges=(PitchRange(40, 50, 70),), key="D minor"
    )
    piece = searched()
    kept = services.piece_store().save(
        title="", score=piece.score, join=0, events=piece.events, recipe={"settings": asdict(asked)}
    )
    assert settings_of(kept.recipe) == asked


def test_a_piece_that_was_drawn_has_no_alternatives():
    asked = GenerationSettings(bars=1)
    piece = compose(JobControl(), Wish("gru", asked, None, "nothing", ""))
    assert not is_searched(piece)
    page = opened_section(piece)
    assert not page.radio and not page.subheader


# --- the picture -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["diverse", "stochastic", "plain"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    checkpoint = tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny")
    return explore(checkpoint, GenerationSettings(bars=3, beam_width=6, beam_kind=request.param), seed=tune())


def test_a_branch_is_cut_at_bar_lines_and_no_event_is_lost(found):
    stretches = stretches_of(found)
    for number, branch in enumerate(found.branches):
        own = [each for each in stretches if each.branch == number]
        assert own[0].start == fork_of(found, branch)
        assert own[-1].end == place_of(found, branch.steps[-1])
        assert all(one.end == other.start for one, other in pairwise(own))
        assert all(int(each.start) <= each.end <= int(each.start) + 2 for each in own[1:])
    nodes = {each.node for each in stretches} - {None}
    assert all(found.tree.events[node, Column.PITCH] for node in nodes)


def test_bits_of_the_stretches_are_those_of_the_branches(found):
    for number, branch in enumerate(found.branches):
        own = [each for each in stretches_of(found) if each.branch == number]
        if len(own) == 1 and branch.notes:
            assert own[0].bits * branch.notes == pytest.approx(-sum(branch.log_probs) / np.log(2))


def test_the_join_lies_behind_the_bars_of_the_seed_and_the_end_on_the_last_bar_line(found):
    assert place_of(found, found.seam.join) == 3.0, "the seed has two bars"
    ends = [b for b in found.branches if found.tree.events[b.nodes[-1], Column.TIME] == END]
    assert {place_of(found, branch.steps[-1]) for branch in ends} == {6.0}


def test_no_two_branches_lie_on_each_other(found):
    lanes = lanes_of(found)
    spans = [
        (
            lanes[number],
            max(fork_of(found, branch), place_of(found, branch.steps[0])),
            place_of(found, branch.steps[-1]),
        )
        for number, branch in enumerate(found.branches)
    ]
    for number, (lane, start, end) in enumerate(spans):
        for other_lane, other_start, other_end in spans[:number]:
            assert lane != other_lane or end <= other_start or other_end <= start


def test_the_best_hypothesis_keeps_the_first_lane(found):
    lanes = lanes_of(found)
    assert {lanes[number] for number, branch in enumerate(found.branches) if 0 in branch.hypotheses} == {0}
    assert all(branch.parent == PROMPT or lanes[branch.parent] <= lanes[n] for n, branch in enumerate(found.branches))


def test_every_marker_of_the_chart_is_a_place_to_go_on_from(found):
    (markers,) = [trace for trace in tree_chart(found).data if trace.mode == "markers"]
    assert list(markers.customdata) == [each.node for each in stretches_of(found) if each.node is not None]
    assert set(markers.marker.color) <= set(COLOURS)
    for node in markers.customdata:
        assert found.score_at(int(node)).note_count > tune().note_count


def test_versions_are_numbered_at_their_ends(found):
    numbers = tree_chart(found).layout.annotations
    assert [each.text for each in numbers] == [str(n + 1) for n in range(len(found.continuations))]
    ends = [branch for node in found.nodes for branch in found.branches if branch.nodes[-1] == node]
    assert [each.x for each in numbers] == [place_of(found, branch.steps[-1]) for branch in ends]


def test_a_place_is_named_by_the_last_note_before_it(found):
    for each in stretches_of(found):
        if each.node is not None:
            score = found.score_at(each.node)
            last = max(note.onset for track in score.tracks for note in track.notes)
            bar, beat = divmod(last, 48)
            assert f"bar {bar + 1}, beat {beat // 12 + 1} " in stop_title(found, each)


def test_a_version_shares_all_notes_with_itself_and_the_share_is_one_of_its_notes(found):
    first, last = found.continuations[0], found.continuations[-1]
    assert shared_notes(first, first) == 1
    assert shared_notes(first, last) * first.new_notes == pytest.approx(shared_notes(last, first) * last.new_notes)
