// The buttons and sliders around the roll: their texts, what they do, and what they say about the state.

const PLAY_ICON = 'M8 5v14l11-7z', PAUSE_ICON = 'M6 5h4v14H6zm8 0h4v14h-4z'
const SETTINGS_KEY = 'musicdemo.player'

class Controls {
  constructor(roll) {
    this.roll = roll
    this.shown = {}
    this.listen(roll.part)
  }

  listen(part) {
    const roll = this.roll
    const actions = {
      link: () => this.copyLink(), play: () => roll.toggle(), skip: () => roll.playNewPart(),
      out: () => roll.zoom(1 / 1.4), in: () => roll.zoom(1.4), fit: () => { roll.frame.fitAll(); roll.touch() },
      follow: () => roll.setFollow(!roll.following), select: () => roll.setSelecting(!roll.selecting),
      gear: () => this.openSettings(part.settings.hidden),
      loop: () => roll.selected.setLoop(!roll.player.loop), goOn: () => roll.goOn(), clear: () => roll.selected.select(null),
      byInstrument: () => roll.setColour('instruments'), bySurprise: () => roll.setColour('surprise'),
      arcs: () => roll.setArcs(!roll.arcs),
    }
    for (const [name, action] of Object.entries(actions)) part[name].onclick = action
    part.seek.oninput = () => { roll.moveTo(part.seek.value / 1000 * roll.duration); roll.reveal(roll.time) }
    part.rate.oninput = () => this.adjust({ rate: Number(part.rate.value) })
    part.volume.oninput = () => this.adjust({ volume: Number(part.volume.value) })
    part.view.onkeydown = event => pressKey(roll, event)
  }

  // Texts of the page's language, where they are not yet there.
  speak(words) {
    if (words === this.words || (this.words && JSON.stringify(words) === JSON.stringify(this.words))) return
    this.words = words
    const each = (name, act) => this.roll.section.parentNode.querySelectorAll('[data-' + name + ']')
      .forEach(node => act(node, words[node.dataset[name]]))
    each('say', (node, text) => { node.textContent = text })
    each('label', (node, text) => node.setAttribute('aria-label', text))
    each('hint', (node, text) => { node.title = text })
    this.roll.part.view.setAttribute('aria-roledescription', words.roll)
    this.roll.part.manyBits.textContent = fill(words.many_bits, { bits: MOST_BITS })
    this.shown = {}
    this.showSettings()
  }

  // What is remembered for later visits; a browser may forbid it.
  restore() {
    try {
      const { rate = 1, volume = 1 } = JSON.parse(localStorage.getItem(SETTINGS_KEY)) ?? {}
      this.roll.player.set({ rate: clamp(Number(rate) || 1, 0.5, 2), volume: clamp(Number(volume), 0, 1) || 0 })
    } catch { /* then the sliders begin in the middle */ }
  }

  adjust(settings) {
    const { player } = this.roll
    player.set(settings)
    this.showSettings()
    this.roll.stir()
    try {
      localStorage.setItem(SETTINGS_KEY, JSON.stringify({ rate: player.rate, volume: player.volume }))
    } catch { /* remembered for this page only */ }
  }

  showSettings() {
    const { part, player } = this.roll
    for (const [name, value, most] of [['rate', player.rate, 2], ['volume', player.volume, 1]]) {
      const text = fill(this.words.tempo_text, { percent: Math.round(100 * value) })
      part[name].value = value
      const { min } = part[name]
      part[name].style.setProperty('--played', 100 * (value - min) / (most - min) + '%')
      part[name].setAttribute('aria-valuetext', text)
      part[name + 'Text'].textContent = text
    }
  }

  openSettings(open) {
    this.roll.part.settings.hidden = !open
    this.roll.part.gear.setAttribute('aria-expanded', open)
  }

  copyLink() {
    const { words, data, part } = this.roll, address = location.origin + data.link
    // The clipboard is closed to pages without https, and may be refused; the address can then be copied by hand.
    const written = navigator.clipboard?.writeText(address) ?? Promise.reject(new Error('no clipboard'))
    written.then(() => { part.status.textContent = fill(words.copied, { address }) })
      .catch(() => { part.status.textContent = fill(words.copy_by_hand, { address }) })
  }

  // Whatever does not change with every frame.
  show() {
    const { part, data, words, player, selection, inside } = this.roll, roll = this.roll
    for (const name of ['play', 'seek', 'skip']) part[name].disabled = !player.ready
    part.header.hidden = !data.title && !data.subtitle && !data.link
    part.title.textContent = data.title
    part.subtitle.textContent = data.subtitle
    part.link.hidden = !data.link
    part.skip.hidden = data.join <= 0 || data.join >= data.seconds
    part.empty.hidden = data.notes.length > 0
    part.view.setAttribute('aria-label', fill(words.description,
      { notes: data.notes.length, tracks: data.tracks.length, bars: data.bars.length }))
    part.icon.setAttribute('d', player.wanted ? PAUSE_ICON : PLAY_ICON)
    part.play.setAttribute('aria-label', player.wanted ? words.pause : words.play)
    for (const [name, on] of [['follow', roll.following], ['select', roll.selecting], ['loop', player.loop !== null],
      ['arcs', roll.arcs], ['bySurprise', roll.colour === 'surprise'], ['byInstrument', roll.colour !== 'surprise']]) {
      part[name].setAttribute('aria-pressed', on)
    }
    this.showSelection(selection, words)
    part.goOn.hidden = !roll.answer?.act || !data.reseeds || data.live
    part.looks.hidden = !inside.address
    part.scale.hidden = roll.colour !== 'surprise'
    part.kind.hidden = !(roll.arcs && inside.known)
    part.kind.textContent = words[inside.kind] ?? ''
  }

  showSelection(selection, words) {
    const { part } = this.roll
    part.selected.hidden = !selection
    if (!selection) return
    const [first, last] = [selection[0] + 1, selection[1]]
    part.selectedText.textContent = fill(first === last ? words.selected_one : words.selected, { first, last })
  }

  // Clock and slider; what has not changed is not written, since a page is laid out anew after each write.
  showTime(time, duration) {
    const { part, words } = this.roll, clock = clockText(time) + ' / ' + clockText(duration)
    const place = duration ? Math.round(1000 * time / duration) : 0
    if (clock !== this.shown.clock) {
      part.clock.textContent = clock
      const spoken = fill(words.position_text, { time: clockText(time), duration: clockText(duration) })
      part.seek.setAttribute('aria-valuetext', spoken)
    }
    if (place !== this.shown.place) {
      part.seek.value = place
      part.seek.style.setProperty('--played', place / 10 + '%')
    }
    this.shown = { clock, place }
  }
}
