// The card of a note: what it is, where it stands, and what the network thought of it.

const CARD_GAP = 12

class Card {
  constructor(nest) {
    this.nest = nest
    this.shown = ''
  }

  // Show note `at` near [x, y], or hide where `at` is null.
  show(roll, at, [x, y]) {
    this.nest.hidden = at === null
    if (at === null) { this.shown = ''; return }
    const lines = noteLines(roll, at), alternatives = roll.inside.note(at)?.[2] ?? []
    const state = JSON.stringify([lines, alternatives])
    if (state !== this.shown) this.write(roll.words, lines, alternatives)
    this.shown = state
    this.place(roll.frame, x, y)
  }

  // Everything in it is a stranger's text or a number, so it goes in as text.
  write(words, [name, ...lines], alternatives) {
    this.nest.replaceChildren(element('b', '', name), ...lines.map(line => element('div', '', line)))
    if (!alternatives.length) return
    const list = element('ol')
    for (const [label, share] of alternatives) {
      const item = element('li'), bar = element('i')
      bar.style.width = 100 * share + '%'
      item.append(element('span', '', label), bar, element('span', '', fill(words.percent, { percent: percentText(share) })))
      list.append(item)
    }
    this.nest.append(element('div', '', words.alternatives), list)
  }

  place(frame, x, y) {
    const { offsetWidth: width, offsetHeight: height } = this.nest
    const above = y - height - CARD_GAP, below = y + CARD_GAP + frame.rowHeight
    this.nest.style.left = clamp(x + CARD_GAP, 4, Math.max(4, frame.width - width - 4)) + 'px'
    this.nest.style.top = (above >= 0 ? above : Math.min(below, Math.max(0, frame.height - height))) + 'px'
  }
}

// The lines of a card; a screen reader is told the same.
function noteLines({ index, data, words, inside, frame }, at) {
  const [start, , pitch, velocity, track] = index.all[at], player = data.tracks[track]
  const name = player.drum ? data.drums[frame.rowOfDrum.get(pitch)][1] : noteName(pitch)
  const place = fill(words.at, { ...barAndBeat(data.bars, start), time: clockText(start) })
  const lines = [name + ' · ' + player.name, place + ' · ' + fill(words.velocity, { velocity })]
  if (inside.loading) lines.push(words.thinking)
  if (inside.known) lines.push(thoughtLine(words, inside.note(at)))
  return lines
}

function thoughtLine(words, thought) {
  if (!thought) return words.not_measured
  return fill(words.probability, { percent: percentText(thought[1]), bits: thought[0].toFixed(1) })
}

function barAndBeat(bars, seconds) {
  const bar = barAt(bars, seconds), [start, length, beats] = bars[bar]
  return { bar: bar + 1, beat: Math.round(100 * (1 + (seconds - start) / length * beats)) / 100 }
}
