// The instruments: which of them are heard, and the legend in which they are switched.

class Tracks {
  // `tell` is called when other instruments are to be heard.
  constructor(nest, tell) {
    this.nest = nest
    this.tell = tell
    this.shown = ''
    this.reset()
  }

  reset() {
    this.muted = new Set()
    this.solo = new Set()
  }

  audible(track) { return this.solo.size ? this.solo.has(track) : !this.muted.has(track) }
  heard(count) { return Array.from({ length: count }, (_, track) => track).filter(track => this.audible(track)) }

  // The address of what is heard of `source`; "" where nothing is.
  address(source, count) {
    const heard = this.heard(count)
    return heard.length === count ? source : heard.length ? source + '?tracks=' + heard.join(',') : ''
  }

  flip(set, track) {
    if (!set.delete(track)) set.add(track)
    this.tell()
  }

  // Only the sound of a piece that has an address can be had instrument by instrument.
  show(tracks, theme, words, canSwitch) {
    const state = JSON.stringify([tracks, theme.dark, words.solo, canSwitch])
    if (state !== this.shown) {
      this.shown = state
      this.nest.replaceChildren(...tracks.map((track, at) => this.entry(track.name, at, theme, words, canSwitch)))
    }
    this.nest.querySelectorAll('.name').forEach((button, at) => button.setAttribute('aria-pressed', this.audible(at)))
    this.nest.querySelectorAll('.solo').forEach((button, at) => button.setAttribute('aria-pressed', this.solo.has(at)))
  }

  entry(name, at, theme, words, canSwitch) {
    const item = element('li'), swatch = element('i')
    swatch.style.background = theme.track(at)
    if (!canSwitch) {
      item.append(swatch, name)
      return item
    }
    const mute = element('button', 'name'), solo = element('button', 'solo', words.solo)
    mute.append(swatch, name)
    mute.title = words.mute_hint
    mute.onclick = () => this.flip(this.muted, at)
    solo.setAttribute('aria-label', fill(words.solo_of, { name }))
    solo.onclick = () => this.flip(this.solo, at)
    for (const button of [mute, solo]) button.type = 'button'
    item.append(mute, solo)
    return item
  }
}
