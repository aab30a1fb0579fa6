// The sound: an <audio> deck, and a second one while another sound of the same music takes over at the same place.

const START_SECONDS = 0.06      // what a deck needs to be heard, about
const DRIFT_SECONDS = 0.12      // what a deck that took over may be off before it is set right
const LOOP_SLACK = 0.004

class Player {
  // `tell` is called with 'changed', 'ready', 'failed' (no sound) or 'kept' (another sound failed, this one stays).
  constructor(nest, tell) {
    this.nest = nest
    this.tell = tell
    this.source = ''
    this.rate = this.volume = 1
    this.loop = null            // [start, end] in seconds
    this.growing = false        // more of this music is being made
    this.waiting = false        // the sound ran out while it grew
    this.silent = false
    this.ready = false
    this.deck = this.newDeck()
    this.coming = null
  }

  get playing() { return !this.deck.paused && !this.deck.ended }
  get wanted() { return this.playing || this.waiting }
  get time() { return this.ready ? this.deck.currentTime : 0 }
  get duration() { return this.ready && Number.isFinite(this.deck.duration) ? this.deck.duration : 0 }

  newDeck() {
    const deck = element('audio')
    deck.preload = 'auto'
    for (const name of ['play', 'pause', 'seeked', 'ended', 'error', 'timeupdate']) {
      deck.addEventListener(name, () => { if (deck === this.deck) this.heard(name) })
    }
    this.nest.append(deck)
    return deck
  }

  dress(deck) {
    deck.defaultPlaybackRate = deck.playbackRate = this.rate
    deck.preservesPitch = true
    deck.volume = this.volume
    deck.muted = this.silent
  }

  drop(deck) {
    if (!deck) return
    deck.pause()
    deck.removeAttribute('src')
    deck.load()
    deck.remove()
  }

  heard(name) {
    if (name === 'timeupdate') this.tick()
    else if (name === 'error' && this.ready) { this.ready = false; this.tell('failed') }
    else if (name === 'ended') this.ranOut()
    if (name !== 'timeupdate') this.tell('changed')
  }

  ranOut() {
    if (this.loop) { this.seek(this.loop[0]); this.play() }
    else this.waiting = this.growing
  }

  // Take another sound. One that goes on with the same music keeps the place and whether it plays.
  load(source, goesOn) {
    if (goesOn && (source === this.source || !source)) return
    this.source = source
    if (!goesOn) this.empty()
    if (source) this.fetch(source)
  }

  empty() {
    const old = [this.deck, this.coming]
    this.deck = this.newDeck()
    this.coming = null
    this.ready = this.waiting = false
    old.forEach(deck => this.drop(deck))
    this.tell('changed')
  }

  fetch(source) {
    this.drop(this.coming)
    const deck = this.coming = this.newDeck()
    const current = () => this.coming === deck
    deck.onloadedmetadata = () => { if (current()) this.align(deck) }
    deck.onerror = () => { if (current()) { this.coming = null; this.drop(deck); this.fetchFailed() } }
    deck.src = source
  }

  fetchFailed() {
    if (this.ready) this.source = ''       // so that the same address may be tried again
    this.tell(this.ready ? 'kept' : 'failed')
  }

  align(deck) {
    this.dress(deck)
    deck.currentTime = Math.min(this.time + (this.wanted ? START_SECONDS * this.rate : 0), deck.duration)
    if (!this.wanted || (this.waiting && deck.duration <= this.time + START_SECONDS)) return this.takeOver(deck)
    deck.muted = true
    deck.onplaying = () => { deck.onplaying = null; if (this.coming === deck) this.takeOver(deck) }
    deck.play().catch(() => { if (this.coming === deck) this.takeOver(deck) })
  }

  takeOver(deck) {
    const old = this.deck, time = this.time, paused = this.ready && !this.wanted
    this.deck = deck
    this.coming = null
    this.ready = true
    if (this.playing) this.waiting = false
    if (paused) deck.pause()
    if (old.src && Math.abs(time - deck.currentTime) > DRIFT_SECONDS) deck.currentTime = Math.min(time, deck.duration)
    deck.muted = this.silent
    this.drop(old)
    this.tell('ready')
    this.tell('changed')
  }

  play() {
    this.deck.play().catch(error => { if (error.name !== 'AbortError') this.tell('failed') })
  }

  pause() {
    this.waiting = false
    this.deck.pause()
    this.tell('changed')
  }

  seek(seconds) {
    if (this.ready) this.deck.currentTime = clamp(seconds, 0, this.duration)
    if (this.waiting) { this.waiting = false; this.play() }
  }

  set(settings) {
    Object.assign(this, settings)
    this.dress(this.deck)
  }

  setLoop(range) {
    this.loop = range
    if (range && this.playing && (this.time < range[0] || this.time >= range[1])) this.seek(range[0])
  }

  // Called for each frame, and by the deck itself where the page is not seen and no frames are drawn.
  tick() { if (this.loop && this.playing && this.time >= this.loop[1] - LOOP_SLACK) this.seek(this.loop[0]) }

  dispose() { [this.deck, this.coming].forEach(deck => this.drop(deck)) }
}
