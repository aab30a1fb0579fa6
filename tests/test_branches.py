"""Laws of looking at a whole beam search: it is that of generate, and its branches are its tree in musical time."""

import numpy as np
import pytest

from musicdemo.checkpoint import Checkpoint
from musicdemo.decoding.beam_tree import PROMPT
from musicdemo.generation import Branch, Continuation, Exploration, GenerationSettings, Progress, explore, generate
from musicdemo.generation.settings import BEAM_KINDS
from musicdemo.music.score import Meter, MeterChange, Note, Score, Track
from musicdemo.music.vocabulary import END, Column
from tests.tiny import tiny_checkpoint, tune


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny")


def waltz() -> Score:
    """3/4 behind a bar of 4/4."""
    notes = tuple(Note(12 * i, 55 + i, 12) for i in range(4 + 6))
    return Score((Track(notes, program=40),), (MeterChange(0, Meter()), MeterChange(48, Meter(3, 4))))


SEEDS = {"tune": tune(), "waltz": waltz(), "nothing": None}
SEARCHES = [
    GenerationSettings(bars=3, beam_width=width, beam_kind=kind, variations=min(width, 2), random_seed=3)
    for width in (1, 5)
    for kind in BEAM_KINDS
]


@pytest.fixture(scope="module", params=SEARCHES, ids=lambda asked: f"{asked.beam_kind}-{asked.beam_width}")
def asked(request: pytest.FixtureRequest) -> GenerationSettings:
    settings: GenerationSettings = request.param
    return settings


@pytest.fixture(scope="module", params=SEEDS.values(), ids=list(SEEDS))
def seed(request: pytest.FixtureRequest) -> Score | None:
    score: Score | None = request.param
    return score


@pytest.fixture(scope="module")
def found(checkpoint: Checkpoint, asked: GenerationSettings, seed: Score | None) -> Exploration:
    return explore(checkpoint, asked, seed=seed)


def way_to(found: Exploration, branch: Branch) -> list[Branch]:
    """Branches from the join to this one."""
    way = [branch]
    while way[0].parent != PROMPT:
        way.insert(0, found.branches[way[0].parent])
    return way


def assert_same(one: Continuation, other: Continuation) -> None:
    np.testing.assert_array_equal(one.events, other.events)
    assert (one.score, one.log_prob, one.join, one.reason) == (other.score, other.log_prob, other.join, other.reason)


def test_the_first_found_are_what_generate_returns(
    found: Exploration, checkpoint: Checkpoint, asked: GenerationSettings, seed: Score | None
) -> None:
    made = generate(checkpoint, asked, seed=seed)
    assert 1 <= len(made) <= asked.variations
    for one, other in zip(made, found.continuations, strict=False):
        assert_same(one, other)
    assert asked.beam_width is not None and len(made) <= len(found.continuations) <= asked.beam_width


def test_the_score_at_the_end_of_a_hypothesis_is_its_score(found: Exploration) -> None:
    for made, node in zip(found.continuations, found.nodes, strict=True):
        assert found.score_at(node) == made.score


def test_branches_hold_every_event_of_the_tree_once(found: Exploration) -> None:
    nodes = [node for branch in found.branches for node in branch.nodes]
    assert sorted(nodes) == list(range(len(found.tree)))


def test_a_branch_neither_forks_nor_could_be_longer(found: Exploration) -> None:
    children = np.bincount([branch.parent for branch in found.branches if branch.parent != PROMPT], minlength=1)
    assert 1 not in children, "what goes on in one way only is one branch"
    for branch in found.branches:
        for before, node in zip(branch.nodes, branch.nodes[1:], strict=False):
            assert found.tree.parents[node] == before
        first = found.tree.parents[branch.nodes[0]]
        assert first == (PROMPT if branch.parent == PROMPT else found.branches[branch.parent].nodes[-1])


def test_the_way_to_a_branch_costs_what_it_says(found: Exploration) -> None:
    for branch in found.branches:
        way = [nats for part in way_to(found, branch) for nats in part.log_probs]
        assert branch.total == pytest.approx(sum(way))
        assert all(nats <= 0 for nats in way)


def test_hypotheses_come_through_the_branches_that_lead_to_their_ends(found: Exploration) -> None:
    for number, (made, node) in enumerate(zip(found.continuations, found.nodes, strict=True)):
        through = [branch for branch in found.branches if number in branch.hypotheses]
        assert through == way_to(found, through[-1])
        assert through[-1].nodes[-1] == node, "it ends where its last branch does"
        assert sum(branch.notes for branch in through) == made.new_notes
        assert through[-1].total == pytest.approx(made.log_prob)


def test_steps_are_the_onsets_of_the_notes(found: Exploration) -> None:
    for branch in found.branches:
        steps = [step for part in way_to(found, branch) for step in part.steps]
        events = found.tree.hypothesis(branch.nodes[-1]).events
        assert steps == sorted(steps) and len(steps) == len(events)
        new = [note.onset for track in found.score_at(branch.nodes[-1]).tracks for note in track.notes]
        onsets = [step for step, event in zip(steps, events, strict=True) if event[Column.PITCH]]
        assert onsets == sorted(onset for onset in new if onset >= found.seam.join)


def test_the_end_of_the_music_lies_on_the_last_bar_line(found: Exploration, asked: GenerationSettings) -> None:
    line = found.seam.join + asked.bars * found.seam.meter.bar_steps
    ends = [branch for branch in found.branches if found.tree.events[branch.nodes[-1], Column.TIME] == END]
    assert ends
    assert {branch.steps[-1] for branch in ends} == {line}


def test_a_branch_is_kept_until_the_last_event_that_came_of_it(found: Exploration) -> None:
    for number, branch in enumerate(found.branches):
        below = [each.steps[-1] for each in found.branches if number in map(found.branches.index, way_to(found, each))]
        assert branch.kept_until == max(below)


def test_any_branch_can_be_gone_on_from(checkpoint: Checkpoint) -> None:
    found = explore(checkpoint, GenerationSettings(bars=3, beam_width=4, beam_kind="stochastic"), seed=tune())
    given_up = [branch for branch in found.branches if not branch.hypotheses and branch.notes]
    for branch in [*given_up[:2], found.branches[0]]:
        beginning = found.score_at(branch.nodes[-1])
        (made,) = generate(checkpoint, GenerationSettings(bars=1), seed=beginning)
        assert made.join == beginning.bars[-1].end > found.seam.join
        assert made.score.clipped(0, made.join) == beginning


def test_without_beams_there_is_nothing_to_look_at(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match="beam width"):
        explore(checkpoint, GenerationSettings(bars=1))


@pytest.mark.parametrize("node", [PROMPT, 10**6])
def test_a_node_that_is_not_there_is_refused(checkpoint: Checkpoint, node: int) -> None:
    found = explore(checkpoint, GenerationSettings(bars=1, beam_width=2), seed=tune())
    with pytest.raises(ValueError, match="nodes"):
        found.score_at(node)


def test_a_search_that_is_stopped_keeps_what_there_is(checkpoint: Checkpoint) -> None:
    seen: list[Progress] = []

    def stop_at_the_second(progress: Progress) -> bool:
        seen.append(progress)
        return len(seen) < 2

    asked = GenerationSettings(bars=8, beam_width=3)
    found = explore(checkpoint, asked, seed=tune(), on_progress=stop_at_the_second)
    assert found.continuations and not any(made.finished for made in found.continuations)
    assert max(branch.kept_until for branch in found.branches) < found.seam.join + 8 * 48
