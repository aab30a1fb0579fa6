// One roll: it holds the data and the state, and lets the other classes draw, play and listen.
// It lives as long as its element; each rerun of the page only hands it new data.

const NOTHING = { id: null, family: '', notes: [], tracks: [], bars: [], lines: [0], drums: [], low: 48, high: 72, join: 0, seconds: 0 }
const SOUND_PAUSE = 150        // milliseconds of quiet before the sound of other instruments is asked for
const ANSWER_PAUSE = 300       // and before the page hears of another selection or note
const REPORT_PAUSE = 90        // between two reports while it plays

class Roll {
  constructor(root) {
    this.host = root.host ?? root
    this.section = root.querySelector('.roll')
    this.part = Object.fromEntries([...root.querySelectorAll('[data-part]')].map(node => [node.dataset.part, node]))
    Object.assign(this, { data: NOTHING, words: {}, index: new NoteIndex([]), chosen: null, hovered: null,
      pointer: [0, 0], following: true, selecting: false, colour: 'instruments', arcs: false, frames: 0, drawn: 0, stale: true })
    this.frame = new Frame()
    this.theme = new Theme()
    this.group = new Group()
    this.selected = new Selection(this)
    this.ground = new Ground(this.part.ground)
    this.top = new Top(this.part.top)
    this.card = new Card(this.part.card)
    this.player = new Player(this.section, event => this.heard(event))
    this.inside = new Inside(event => this.thought(event))
    this.tracks = new Tracks(this.part.legend, () => this.otherTracks())
    this.hands = new Hands(this, this.part.top)
    this.controls = new Controls(this)
    this.controls.restore()
    this.watch()
  }

  watch() {
    this.resize = new ResizeObserver(() => this.resized())
    this.resize.observe(this.part.view)
    this.section.addEventListener('transitionend', event => { if (event.target === this.section) this.touch() })
  }

  dispose() {
    this.resize.disconnect()
    cancelAnimationFrame(this.pending)
    this.group.leave(this)
    this.inside.take('', 0)
    this.player.dispose()
  }

  // --- data -------------------------------------------------------------------------------------------------

  update(data, words, answer) {
    const another = data.id !== this.data.id, goesOn = !another || Boolean(data.family && data.family === this.data.family)
    const chosenNote = this.chosen === null ? null : JSON.stringify(this.index.all[this.chosen])
    Object.assign(this, { data, words, answer, index: new NoteIndex(data.notes) })
    if (data.height) this.section.style.setProperty('--roll-height', data.height + 'px')
    this.frame.take(data)
    this.joinGroup(data.group)
    this.controls.speak(words)
    if (!goesOn) this.beginAnew()
    else if (this.frame.fitted) this.frame.fitAll()
    if (JSON.stringify(data.notes[this.chosen] ?? null) !== chosenNote) this.chosen = null
    this.hovered = null
    this.inside.take(data.inside ?? '', data.notes.length)
    if (this.colour === 'surprise' || this.arcs) this.inside.open()
    this.player.growing = data.live
    this.loadSound(goesOn)
    if (data.live && !this.player.playing && this.index.last > this.frame.offset + this.frame.span) {
      this.frame.scrollTo(this.index.last - this.frame.span * 0.7)
    }
    this.touch()
  }

  joinGroup(name) {
    if (name === this.groupName) return
    this.groupName = name
    this.group.leave(this)
    this.group = name ? Group.of(name) : new Group()
    this.group.join(this)
  }

  beginAnew() {
    this.frame.fitAll()
    this.chosen = null
    this.tracks.reset()
    this.selected.set(null)
  }

  loadSound(goesOn) {
    const { source, tracks } = this.data, canSwitch = source.startsWith('/p/')
    const address = canSwitch ? this.tracks.address(source, tracks.length) : source
    if (this.player.silent !== (canSwitch && !address)) this.player.set({ silent: canSwitch && !address })
    if (!goesOn || (address && address !== this.player.source)) {
      this.part.status.textContent = address ? this.words.preparing : ''
    }
    this.player.load(address, goesOn)
  }

  otherTracks() {
    clearTimeout(this.soundTimer)
    this.soundTimer = setTimeout(() => this.loadSound(true), SOUND_PAUSE)
    this.touch()
  }

  heard(event) {
    const sentence = { ready: '', failed: this.words.sound_failed, kept: this.words.tracks_failed }[event]
    if (sentence !== undefined) this.part.status.textContent = sentence
    if (event === 'changed') this.group.settle(this)
    this.stir()
  }

  thought(event) {
    const sentence = event === 'failed' ? this.words.inside_failed : this.inside.loading ? this.words.thinking : ''
    this.part.status.textContent = sentence
    if (this.arcs && this.chosen !== null) this.inside.ask(this.chosen)
    this.touch()
  }

  // --- playing ----------------------------------------------------------------------------------------------

  get source() { return this.group.leaderOf(this)?.player ?? this.player }
  get time() { return this.source.time }
  get selection() { return this.selected.lines }
  get moving() { return this.source.playing }
  get duration() { return this.player.duration || this.data.seconds }

  toggle() {
    if (!this.player.ready) return
    if (this.player.wanted) return this.player.pause()
    this.group.lead(this)
    if (this.player.loop) this.player.setLoop(this.player.loop)
    this.player.play()
  }

  playFrom(seconds) {
    this.moveTo(seconds)
    this.reveal(seconds)
    if (!this.player.wanted) this.toggle()
  }

  playNewPart() {
    const { bars, join } = this.data
    if (!this.part.skip.hidden) this.playFrom(bars.findLast(bar => bar[0] < join - 0.05)?.[0] ?? 0)
  }

  moveTo(seconds) {
    const leader = this.group.leaderOf(this)
    ;(leader ?? this).player.seek(seconds)
    if (!leader) this.group.leader = this
    this.stir()
  }

  // --- what is seen -----------------------------------------------------------------------------------------

  resized() {
    this.frame.resize(this.part.view.clientWidth, this.part.view.clientHeight)
    this.touch()
  }

  zoom(factor, anchor = this.time) { this.frame.zoom(factor, anchor); this.touch() }
  reveal(seconds) { if (this.frame.reveal(seconds)) this.touch() }

  setSelecting(on) { this.selecting = on; this.stir() }

  setFollow(on) {
    this.following = on
    if (on) this.reveal(this.time)
    this.touch()
  }

  setColour(colour) {
    this.colour = colour
    if (colour === 'surprise') this.inside.retry()
    this.touch()
  }

  setArcs(on) {
    this.arcs = on
    if (on) this.inside.retry().then(() => { if (this.chosen !== null) this.inside.ask(this.chosen) })
    this.touch()
  }

  // --- notes ------------------------------------------------------------------------------------------------

  hover(at, pointer = this.pointer) {
    this.pointer = pointer
    if (at === this.hovered && at === null) return
    this.hovered = at
    if (at !== null) this.inside.open()
    this.stir()
  }

  choose(at) {
    if (at === this.chosen) return
    this.chosen = at
    if (at !== null) this.inside.open()
    if (at !== null && this.arcs) this.inside.ask(at)
    this.tellPage()
    this.stir()
  }

  stepNote(step) {
    const count = this.data.notes.length
    if (!count) return
    const first = Math.min(count - 1, firstAbove(this.index.starts, this.time - 1e-3))
    this.choose(this.chosen === null ? first : clamp(this.chosen + step, 0, count - 1))
    this.hovered = null
    const start = this.index.starts[this.chosen]
    if (start < this.frame.offset || start > this.frame.offset + this.frame.span * 0.95) this.reveal(start)
  }

  showCard() {
    const at = this.hovered ?? this.chosen
    const [x, y] = this.hovered !== null ? this.pointer : at === null ? [0, 0] : noteBox(this.frame, this.index.all[at])
    const seen = at !== null && x >= GUTTER - 1 && x <= this.frame.width
    this.card.show(this, seen ? at : null, [x, y])
    const spoken = this.chosen === null ? '' : [...noteLines(this, this.chosen), ...this.spokenAlternatives()].join('. ')
    if (this.part.spoken.textContent !== spoken) this.part.spoken.textContent = spoken
  }

  spokenAlternatives() {
    const alternatives = this.inside.note(this.chosen)?.[2] ?? []
    if (!alternatives.length) return []
    const said = alternatives.map(([label, share]) => label + ' ' + fill(this.words.percent, { percent: percentText(share) }))
    return [this.words.alternatives + ' ' + said.join(', ')]
  }

  // --- answers to the page ----------------------------------------------------------------------------------

  tellPage() {
    clearTimeout(this.answerTimer)
    this.answerTimer = setTimeout(() => {
      const [start, end] = this.selected.steps(), state = { id: this.data.id, start, end, note: this.chosen }
      if (JSON.stringify(state) !== JSON.stringify(this.told ?? {})) this.answer?.state?.(state)
      this.told = state
    }, ANSWER_PAUSE)
  }

  goOn() {
    const [start, end] = this.selected.steps()
    this.answer.act({ id: this.data.id, name: 'reseed', start, end })
  }

  // --- frames -----------------------------------------------------------------------------------------------

  // What lies still changed: paint both canvases.
  touch() { this.stale = true; this.stir() }

  // Only what moves changed: paint the upper one. However often it is called, there is one frame.
  stir() { this.pending ??= requestAnimationFrame(now => this.draw(now)) }

  draw(now) {
    this.pending = undefined
    if (!this.frame.width) return
    this.player.tick()
    if (this.following && this.moving && this.frame.reveal(this.time)) this.stale = true
    if (this.stale) this.drawGround()
    this.playheadX = this.top.paint(this)
    this.frames++
    if (!this.moving || now - (this.reportedAt ?? 0) > REPORT_PAUSE || this.moving !== this.movedBefore) this.report(now)
    this.controls.showTime(this.time, this.duration)
    if (this.moving) this.stir()
  }

  drawGround() {
    this.stale = false
    this.theme.read(this.section, this.ground.pen)
    this.tracks.show(this.data.tracks, this.theme, this.words, this.data.source.startsWith('/p/') && this.data.tracks.length > 1)
    this.part.ramp.style.background = this.theme.ramp
    this.drawn = this.ground.paint(this)
  }

  // The page around sees the state, and tests read it.
  report(now) {
    this.reportedAt = now
    this.movedBefore = this.moving
    this.controls.show()
    this.showCard()
    const { data, player, selection, frame } = this, [start, end] = this.selected.steps()
    this.host.dataset.roll = JSON.stringify({
      id: data.id, notes: data.notes.length, drawn: this.drawn, playing: player.playing, time: this.time, duration: this.duration,
      playhead_x: this.playheadX, ready: player.ready, sound: player.source, frames: this.frames, scale: frame.scale, offset: frame.offset,
      selection: selection && { first: selection[0], end: selection[1], start_step: start, end_step: end }, loop: player.loop,
      muted: data.tracks.map((_, track) => track).filter(track => !this.tracks.audible(track)), colour: this.colour, arcs: this.arcs,
      arcs_drawn: this.top.arcsDrawn, chosen: this.chosen, inside: this.inside.known, rate: player.rate, volume: player.volume,
    })
  }
}
