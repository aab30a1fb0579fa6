"""One card a model: what it is, its size, what it learned from, how well it predicts, and how it sounds.

Titles and names of corpora may be a stranger's, from a model of the Hub: they are shown as plain text only.
"""

import streamlit as st

from musicdemo.checkpoint import WEIGHTS, CheckpointInfo
from musicdemo.hub.name import short_name
from musicdemo.ui.models_page.figures import entry, mean_bigram, mean_nats, number, sources, text, told_apart
from musicdemo.ui.models_page.listening import listen
from musicdemo.ui.models_page.tables import tables
from musicdemo.ui.plain_text import escaped
from musicdemo.ui.visit import Visit
from musicdemo.ui.words import say

ORDER = ("rnn", "gru", "lstm", "attention", "gan")
"""From the simplest to those that build on it; what is not named here comes behind."""

EQUATIONS = {
    "rnn_tanh": "hₜ = tanh(W xₜ + U hₜ₋₁ + b)",
    "rnn_relu": "hₜ = max(0, W xₜ + U hₜ₋₁ + b)",
    "gru": "r, z = σ(W xₜ + U hₜ₋₁ + b)\nn = tanh(W xₜ + b + r ⊙ (U hₜ₋₁ + c))\nhₜ = (1 − z) ⊙ n + z ⊙ hₜ₋₁",
    "lstm": "i, f, o = σ(W xₜ + U hₜ₋₁ + b)\ng = tanh(W xₜ + U hₜ₋₁ + b)\ncₜ = f ⊙ cₜ₋₁ + i ⊙ g\nhₜ = o ⊙ tanh(cₜ)",
    "attention": "wₜⱼ = softmaxⱼ(qₜ · kⱼ / √d)\nyₜ = hₜ + W Σⱼ wₜⱼ vⱼ",
    "gan": "D: min E f(C(x) − C(y))\nG: min E f(C(y) − C(x))\nf(z) = log(1 + e⁻ᶻ)",
}
"""As in models/cells.py, attention.py and discriminator.py; in the last, x is people's music and y the network's."""

FROM_RANDOM = "random weights"
"""What metrics.json calls a training that went on from nothing."""


def in_order(names: list[str]) -> list[str]:
    """Sort the names of models as the page shows them."""
    return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def kind_of(info: CheckpointInfo) -> str:
    """Return which of EQUATIONS tells most about a network."""
    if entry(info.metrics, "game") is not None:
        return "gan"
    return "attention" if info.config.attention else info.config.architecture.replace("-", "_")


def card(visit: Visit, name: str, seed_name: str) -> None:
    """Draw the card of one model."""
    info = visit.models[name]
    with st.container(border=True, key=f"card_{name}"):
        st.subheader(escaped(f"{short_name(name)} — {info.title}"), anchor=False)
        kind = kind_of(info)
        st.markdown(say(f"models.kind_{kind}"))
        st.text(EQUATIONS[kind])
        st.text("\n".join(facts(info)))
        listen(visit, name, name, seed_name, short_name(name))
        if st.button(say("models.use", name=short_name(name)), key=f"use_{name}"):
            use(visit, name)
        tables(info)


def use(visit: Visit, name: str) -> None:
    """Choose a model and go to the studio, where the piece that was on the stage still is."""
    st.session_state["model"] = name
    st.switch_page("views/studio.py", query_params={"piece": visit.address} if visit.address else None)


def facts(info: CheckpointInfo) -> list[str]:
    """Say a model's size, training and measured figures, each in one line."""
    config, metrics = info.config, info.metrics
    size = say(
        "models.size",
        parameters=f"{info.parameters:,}",
        layers=config.layers,
        hidden=config.hidden,
        megabytes=f"{(info.folder / WEIGHTS).stat().st_size / 1e6:.1f}",
    )
    return [size, *_learned(metrics), *_trained(metrics), *_measured(metrics)]


def _learned(metrics: dict[str, object]) -> list[str]:
    learned = sources(metrics)
    notes = [source.notes for source in learned]
    if not learned:
        return [say("models.sources_unknown")]
    total = f"{sum(count or 0 for count in notes):,.0f}"
    return [say("models.sources", count=len(learned), notes=total)]


def _trained(metrics: dict[str, object]) -> list[str]:
    parts = []
    events, minutes = number(metrics, "training", "events"), number(metrics, "training", "minutes")
    if events is not None:
        parts.append(say("models.events", count=f"{events / 1e6:.1f}"))
    if minutes is not None:
        parts.append(say("models.minutes", count=f"{minutes:.0f}"))
    for key, most in (("device", 40), ("random_seed", 20), ("commit", 7)):
        value = text(metrics, "training", key)[:most]
        if value:
            parts.append(say(f"models.{key}", value=value))
    begun_from = text(metrics, "training", "begun_from")
    if begun_from and begun_from != FROM_RANDOM:
        parts.append(say("models.begun_from", value=begun_from))
    return [say("models.trained", parts=say("models.comma").join(parts))] if parts else []


def _measured(metrics: dict[str, object]) -> list[str]:
    nats, bigram = mean_nats(metrics), mean_bigram(metrics)
    if nats is None:
        return [say("models.unmeasured")]
    lines = [say("models.nats", nats=f"{nats:.3f}")]
    if bigram is not None:
        lines = [say("models.nats_bigram", nats=f"{nats:.3f}", bigram=f"{bigram:.3f}")]
    accuracies = told_apart(metrics)
    if accuracies:
        before, after = (f"{100 * accuracy:.0f}" for accuracy in accuracies)
        lines.append(say("models.game", before=before, after=after))
    return lines
