// A piano roll on a canvas whose playhead is the position of an <audio> element.
// One Roll lives as long as its element; each rerun of the page only hands it new data.

const GUTTER = 46          // pixels for the keyboard at the left
const HEADER = 22          // pixels for the bar numbers at the top
const LANE_GAP = 6         // pixels between pitches and drums
const MIN_SCALE = 4, MAX_SCALE = 600   // pixels a second
const DRAG_SLACK = 4       // pixels that a click may wander before it is a drag
const NAMES = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B']
const BLACK = new Set([1, 3, 6, 8, 10])
// Okabe & Ito (2008), "Color Universal Design": the hues that stand out from light paper, and from dark.
const ON_LIGHT = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c8c8c']
const ON_DARK = ['#56b4e9', '#e69f00', '#1fc79a', '#e29ac3', '#f0e442', '#f0803c', '#b4b4b4']
const PLAY_ICON = 'M8 5v14l11-7z', PAUSE_ICON = 'M6 5h4v14H6zm8 0h4v14h-4z'

const clamp = (value, low, high) => Math.min(high, Math.max(low, value))
const noteName = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1)
const clockText = seconds =>
  Math.floor(seconds / 60) + ':' + String(Math.floor(seconds % 60)).padStart(2, '0')

class Roll {
  constructor(root) {
    this.root = root
    this.host = root.host ?? root
    for (const id of ['title', 'subtitle', 'link', 'skip', 'play', 'icon', 'seek', 'clock', 'out', 'in', 'fit', 'follow', 'view', 'canvas', 'tip',
      'empty', 'legend', 'status', 'audio']) this[id] = root.querySelector('#' + id)
    this.pen = this.canvas.getContext('2d')
    this.data = { id: null, notes: [], tracks: [], bars: [], drums: [], low: 48, high: 72, join: 0, seconds: 0 }
    this.scale = 40
    this.offset = 0
    this.following = true
    this.listen()
  }

  listen() {
    this.link.onclick = () => this.copyLink()
    this.play.onclick = () => this.toggle()
    this.skip.onclick = () => this.playNewPart()
    this.out.onclick = () => this.zoom(1 / 1.4)
    this.in.onclick = () => this.zoom(1.4)
    this.fit.onclick = () => { this.fitAll(); this.draw() }
    this.follow.onclick = () => this.setFollow(!this.following)
    this.seek.oninput = () => { this.moveTo(this.seek.value / 1000 * this.duration); this.reveal(this.time) }
    this.audio.onplay = () => { this.showPlaying(true); this.animate() }
    this.audio.onpause = () => { this.showPlaying(false); this.draw() }
    this.audio.onended = () => this.draw()
    this.audio.onseeked = () => this.draw()
    this.audio.onloadedmetadata = () => { this.enable(true); this.status.textContent = ''; this.draw() }
    this.audio.onerror = () => this.soundFailed()
    this.canvas.onpointerdown = event => this.pointerDown(event)
    this.canvas.onpointermove = event => this.pointerMove(event)
    this.canvas.onpointerup = event => this.pointerUp(event)
    this.canvas.onpointercancel = () => { this.drag = null }
    this.canvas.onpointerleave = () => { this.tip.hidden = true }
    this.canvas.addEventListener('wheel', event => this.wheel(event), { passive: false })
    this.view.onkeydown = event => this.key(event)
    this.resize = new ResizeObserver(() => this.resized())
    this.resize.observe(this.canvas)
    this.scheme = matchMedia('(prefers-color-scheme: dark)')
    this.repaint = () => setTimeout(() => this.draw(), 150)
    this.scheme.addEventListener('change', this.repaint)
  }

  dispose() {
    this.resize.disconnect()
    this.scheme.removeEventListener('change', this.repaint)
    this.audio.pause()
    this.audio.removeAttribute('src')
    this.audio.load()
  }

  // --- data -------------------------------------------------------------------------------------------------

  update(data) {
    const another = data.id !== this.data.id
    this.data = data
    this.rowOfDrum = new Map(data.drums.map(([key], row) => [key, row]))
    if (another) { this.offset = 0; this.fitAll() }
    this.setSource(data.source, another)
    if (data.live) this.revealEnd()
    this.title.textContent = data.title
    this.subtitle.textContent = data.subtitle
    this.link.hidden = !data.link
    this.skip.hidden = data.join <= 0 || data.join >= data.seconds
    this.empty.hidden = data.notes.length > 0
    const kind = data.tracks.length === 1 ? ' instrument, ' : ' instruments, '
    this.view.setAttribute('aria-label', 'Piano roll: ' + data.notes.length + ' notes, ' + data.tracks.length + kind +
      data.bars.length + ' bars. Space plays, N plays the new part, arrow keys move by a bar, plus and minus zoom.')
    this.draw()
  }

  setSource(source, another) {
    if (source === this.source && !another) return
    this.source = source
    this.audio.pause()
    this.enable(false)
    this.status.textContent = source ? 'Preparing the sound…' : ''
    if (source) this.audio.src = source
    else { this.audio.removeAttribute('src'); this.audio.load() }
  }

  soundFailed() {
    if (!this.source) return
    this.enable(false)
    this.status.textContent = 'The sound could not be loaded; the MIDI file can still be downloaded.'
  }

  copyLink() {
    const address = location.origin + this.data.link
    // The clipboard is closed to pages without https, and may be refused; the address can then be copied by hand.
    const written = navigator.clipboard?.writeText(address) ?? Promise.reject(new Error('no clipboard'))
    written.then(() => { this.status.textContent = 'Copied: ' + address })
      .catch(() => { this.status.textContent = 'The link is ' + address })
  }

  enable(on) { for (const control of [this.play, this.seek, this.skip]) control.disabled = !on }

  showLegend() {
    const text = JSON.stringify([this.data.tracks, this.dark])
    if (text === this.legendText) return
    this.legendText = text
    this.legend.replaceChildren(...this.data.tracks.map((track, index) => {
      const item = document.createElement('li'), swatch = document.createElement('i')
      swatch.style.background = this.colour(index)
      item.append(swatch, track.name)
      return item
    }))
  }

  // --- playing ----------------------------------------------------------------------------------------------

  get time() { return this.source ? this.audio.currentTime : 0 }
  get duration() { return (this.source && this.audio.duration) || this.data.seconds }

  toggle() {
    if (this.play.disabled) return
    if (this.audio.paused) this.audio.play().catch(() => this.soundFailed())
    else this.audio.pause()
  }

  playNewPart() {
    this.moveTo(this.data.bars.findLast(bar => bar[0] < this.data.join - 0.05)?.[0] ?? 0)
    this.reveal(this.time)
    if (this.audio.paused) this.toggle()
  }

  moveTo(seconds) {
    if (!this.play.disabled) this.audio.currentTime = clamp(seconds, 0, this.duration)
    this.draw()
  }

  showPlaying(on) {
    this.icon.setAttribute('d', on ? PAUSE_ICON : PLAY_ICON)
    this.play.setAttribute('aria-label', on ? 'Pause' : 'Play')
  }

  animate() {
    this.draw()
    if (!this.audio.paused) requestAnimationFrame(() => this.animate())
  }

  // --- what is in sight -------------------------------------------------------------------------------------

  get width() { return this.canvas.clientWidth }
  get span() { return Math.max(0.1, (this.width - GUTTER) / this.scale) }
  x(seconds) { return GUTTER + (seconds - this.offset) * this.scale }

  fitAll() {
    const seconds = Math.max(4, this.data.seconds)
    if (this.width > GUTTER) this.scale = clamp((this.width - GUTTER - 8) / seconds, MIN_SCALE, MAX_SCALE)
    this.fitted = this.width
    this.offset = 0
  }

  resized() {
    if (this.fitted !== undefined && this.offset === 0 && this.fitted !== this.width) this.fitAll()
    this.draw()
  }

  zoom(factor, anchor = this.time) {
    const held = clamp(anchor, this.offset, this.offset + this.span)
    const before = this.x(held)
    this.scale = clamp(this.scale * factor, MIN_SCALE, MAX_SCALE)
    this.scrollTo(held - (before - GUTTER) / this.scale)
    this.fitted = undefined
    this.draw()
  }

  scrollTo(seconds) { this.offset = clamp(seconds, 0, Math.max(0, this.data.seconds - this.span * 0.5)) }

  reveal(seconds) {
    if (seconds > this.offset + this.span * 0.85 || seconds < this.offset) this.scrollTo(seconds - this.span * 0.15)
    this.draw()
  }

  revealEnd() {
    const last = this.data.notes.length ? Math.max(...this.data.notes.map(note => note[0])) : 0
    if (last > this.offset + this.span) this.scrollTo(last - this.span * 0.7)
  }

  setFollow(on) {
    this.following = on
    this.follow.setAttribute('aria-pressed', String(on))
    if (on) this.reveal(this.time)
  }

  // --- hands ------------------------------------------------------------------------------------------------

  place(event) {
    const box = this.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  secondsAt(x) { return this.offset + (x - GUTTER) / this.scale }

  pointerDown(event) {
    const [x] = this.place(event)
    this.drag = { x, offset: this.offset, moved: false }
    this.canvas.setPointerCapture(event.pointerId)
  }

  pointerMove(event) {
    const [x, y] = this.place(event)
    if (this.drag && Math.abs(x - this.drag.x) > DRAG_SLACK) this.drag.moved = true
    if (this.drag?.moved) {
      this.scrollTo(this.drag.offset - (x - this.drag.x) / this.scale)
      this.draw()
    }
    this.showTip(x, y)
  }

  pointerUp(event) {
    const [x] = this.place(event)
    if (this.drag && !this.drag.moved && x >= GUTTER) this.moveTo(this.secondsAt(x))
    this.drag = null
  }

  wheel(event) {
    if (event.ctrlKey) {
      event.preventDefault()
      this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.secondsAt(this.place(event)[0]))
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault()
      this.scrollTo(this.offset + (event.deltaX || event.deltaY) / this.scale)
      this.draw()
    }
  }

  key(event) {
    const starts = this.data.bars.map(bar => bar[0])
    const actions = {
      ' ': () => this.toggle(),
      ArrowRight: () => this.moveTo(starts.find(start => start > this.time + 0.05) ?? this.duration),
      ArrowLeft: () => this.moveTo(starts.findLast(start => start < this.time - 0.05) ?? 0),
      Home: () => this.moveTo(0),
      End: () => this.moveTo(this.duration),
      '+': () => this.zoom(1.4), '=': () => this.zoom(1.4), '-': () => this.zoom(1 / 1.4),
      f: () => this.setFollow(!this.following),
      n: () => { if (!this.skip.hidden && !this.skip.disabled) this.playNewPart() },
    }
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    actions[event.key]()
    if (event.key.length > 1) this.reveal(this.time)
  }

  showTip(x, y) {
    const note = x < GUTTER ? undefined : this.noteAt(x, y)
    this.tip.hidden = !note
    if (!note) return
    const track = this.data.tracks[note[4]]
    const name = track.drum ? this.data.drums[this.rowOfDrum.get(note[2])][1] : noteName(note[2])
    this.tip.textContent = name + ' · ' + track.name + ' · velocity ' + note[3]
    this.tip.style.left = clamp(x + 12, 0, this.width - this.tip.offsetWidth - 4) + 'px'
    this.tip.style.top = Math.max(0, y - 32) + 'px'
  }

  noteAt(x, y) {
    const seconds = this.secondsAt(x)
    return this.data.notes.findLast(note => {
      const [top, height] = this.row(note)
      return y >= top && y <= top + height && seconds >= note[0] &&
        seconds <= note[0] + Math.max(note[1], 4 / this.scale)
    })
  }

  // --- drawing ----------------------------------------------------------------------------------------------

  css(name, fallback) { return getComputedStyle(this.canvas).getPropertyValue(name).trim() || fallback }
  colour(track) { const palette = this.dark ? ON_DARK : ON_LIGHT; return palette[track % palette.length] }

  readTheme() {
    this.ink = {
      paper: this.css('--st-background-color', '#fff'), text: this.css('--st-text-color', '#222'),
      shade: this.css('--st-secondary-background-color', '#eee'), accent: this.css('--st-primary-color', '#c33'),
    }
    this.pen.fillStyle = this.ink.paper      // the pen turns any CSS colour into #rrggbb
    const light = [1, 3, 5].reduce((sum, at) => sum + parseInt(this.pen.fillStyle.slice(at, at + 2), 16), 0)
    this.dark = light < 3 * 128
    this.showLegend()
  }

  measure() {
    const { low, high, drums } = this.data
    const pitches = high - low + 1, lane = drums.length ? LANE_GAP : 0
    this.rowHeight = Math.max(1, (this.canvas.clientHeight - HEADER - lane) / (pitches + drums.length))
    this.drumTop = HEADER + pitches * this.rowHeight + lane
  }

  row(note) {
    const top = this.data.tracks[note[4]].drum
      ? this.drumTop + this.rowOfDrum.get(note[2]) * this.rowHeight
      : HEADER + (this.data.high - note[2]) * this.rowHeight
    return [top, this.rowHeight]
  }

  draw() {
    const pen = this.pen, width = this.width, height = this.canvas.clientHeight, ratio = devicePixelRatio || 1
    if (!width) return
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio)
      this.canvas.height = Math.round(height * ratio)
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    if (this.following && !this.audio.paused &&
        (this.time > this.offset + this.span * 0.85 || this.time < this.offset)) {
      this.scrollTo(this.time - this.span * 0.15)
    }
    this.readTheme()
    this.measure()
    this.drawGround(width, height)
    this.drawBars(width, height)
    const drawn = this.drawNotes(width)
    this.drawKeys(height)
    this.drawJoin(width, height)
    this.drawPlayhead(width, height)
    this.report(drawn)
  }

  drawGround(width, height) {
    const pen = this.pen, { low, high, drums } = this.data
    pen.globalAlpha = 1
    pen.fillStyle = this.ink.paper
    pen.fillRect(0, 0, width, height)
    pen.fillStyle = this.ink.shade
    for (let pitch = low; pitch <= high; pitch++) {
      if (BLACK.has(pitch % 12)) pen.fillRect(GUTTER, HEADER + (high - pitch) * this.rowHeight, width, this.rowHeight)
    }
    drums.forEach((_, row) => {
      if (row % 2 === 0) pen.fillRect(GUTTER, this.drumTop + row * this.rowHeight, width, this.rowHeight)
    })
  }

  drawBars(width, height) {
    const pen = this.pen
    pen.strokeStyle = pen.fillStyle = this.ink.text
    pen.font = '11px ' + this.css('--st-font', 'sans-serif')
    pen.textBaseline = 'middle'
    let labelledUntil = -Infinity
    this.data.bars.forEach(([start, seconds, beats], index) => {
      const x = this.x(start)
      if (x > width || this.x(start + seconds) < GUTTER) return
      for (let beat = 0; beat < beats; beat++) {
        const at = Math.round(x + beat * seconds / beats * this.scale) + 0.5
        const tight = seconds / beats * this.scale < 14
        if (at < GUTTER || (beat && tight)) continue
        pen.globalAlpha = beat ? 0.07 : 0.22
        this.line(at, beat ? HEADER : 0, height)
      }
      if (x >= GUTTER - 1 && x > labelledUntil) {
        pen.globalAlpha = 0.75
        pen.fillText(String(index + 1), x + 4, HEADER / 2)
        labelledUntil = x + 26
      }
    })
    pen.globalAlpha = 1
  }

  drawNotes(width) {
    const pen = this.pen, now = this.time, sounding = !this.audio.paused
    let drawn = 0
    for (const note of this.data.notes) {
      const [start, seconds, , velocity, track] = note
      const left = this.x(start), right = Math.max(left + 3, this.x(start + seconds) - 1)
      if (right < GUTTER || left > width) continue
      const [top, height] = this.row(note)
      const loudness = velocity / 127, lit = sounding && now >= start && now < start + seconds
      const old = start < this.data.join - 1e-6
      pen.globalAlpha = lit ? 1 : old ? 0.34 + 0.16 * loudness : 0.7 + 0.3 * loudness
      pen.fillStyle = lit ? this.ink.text : this.colour(track)
      pen.beginPath()
      pen.roundRect(Math.max(GUTTER, left), top + 0.5, right - Math.max(GUTTER, left), Math.max(2.5, height - 1), 2)
      pen.fill()
      drawn++
    }
    pen.globalAlpha = 1
    return drawn
  }

  drawKeys(height) {
    const pen = this.pen, { low, high, drums } = this.data
    pen.fillStyle = this.ink.paper
    pen.fillRect(0, 0, GUTTER - 1, height)
    for (let pitch = low; pitch <= high; pitch++) {
      const top = HEADER + (high - pitch) * this.rowHeight
      pen.fillStyle = this.ink.text
      pen.globalAlpha = BLACK.has(pitch % 12) ? 0.75 : 0.08
      pen.fillRect(GUTTER - 14, top + 0.5, 12, Math.max(1, this.rowHeight - 1))
      if (pitch % 12 === 0) this.label(noteName(pitch), top + this.rowHeight / 2)
    }
    pen.globalAlpha = 1
    pen.fillStyle = this.ink.text
    if (drums.length) this.label('Drums', this.drumTop + drums.length * this.rowHeight / 2)
  }

  label(text, y) {
    this.pen.globalAlpha = 0.85
    this.pen.textAlign = 'right'
    this.pen.fillText(text, text.length > 3 ? GUTTER - 4 : GUTTER - 18, y)
    this.pen.textAlign = 'left'
  }

  drawJoin(width, height) {
    const x = Math.round(this.x(this.data.join)) + 0.5
    if (this.data.join <= 0 || x < GUTTER || x > width) return
    const pen = this.pen
    pen.strokeStyle = this.ink.text
    pen.setLineDash([5, 4])
    this.line(x, 0, height)
    pen.setLineDash([])
    this.tag('seed', x - 5 - pen.measureText('seed').width - 8, height)
    if (x + 40 < width) this.tag('new', x + 5, height)
  }

  tag(text, x, height) {
    if (x < GUTTER) return
    const pen = this.pen
    pen.fillStyle = this.ink.text
    pen.beginPath()
    pen.roundRect(x, height - 20, pen.measureText(text).width + 8, 16, 4)
    pen.fill()
    pen.fillStyle = this.ink.paper
    pen.fillText(text, x + 4, height - 12)
  }

  drawPlayhead(width, height) {
    const x = this.x(this.time)
    this.playheadX = x
    if (!this.source || x < GUTTER - 1 || x > width) return
    const pen = this.pen
    pen.strokeStyle = pen.fillStyle = this.ink.accent
    pen.lineWidth = 2
    this.line(x, 0, height)
    pen.lineWidth = 1
    pen.beginPath()
    pen.moveTo(x - 6, 0)
    pen.lineTo(x + 6, 0)
    pen.lineTo(x, 9)
    pen.fill()
  }

  line(x, top, bottom) {
    this.pen.beginPath()
    this.pen.moveTo(x, top)
    this.pen.lineTo(x, bottom)
    this.pen.stroke()
  }

  report(drawn) {
    const time = this.time, duration = this.duration
    this.clock.textContent = clockText(time) + ' / ' + clockText(duration)
    this.seek.value = duration ? 1000 * time / duration : 0
    this.seek.style.setProperty('--played', this.seek.value / 10 + '%')
    this.seek.setAttribute('aria-valuetext', clockText(time) + ' of ' + clockText(duration))
    this.host.dataset.roll = JSON.stringify({
      id: this.data.id, notes: this.data.notes.length, drawn, playing: !this.audio.paused, time, duration,
      playhead_x: this.playheadX, ready: !this.play.disabled,
    })
  }
}

const ROLLS = new WeakMap()

export default function ({ data, parentElement }) {
  if (!ROLLS.has(parentElement)) ROLLS.set(parentElement, new Roll(parentElement))
  const roll = ROLLS.get(parentElement)
  // While this module is being loaded two calls may overtake each other: the older picture is not drawn.
  if (data.drawn_at >= (roll.data.drawn_at ?? 0)) roll.update(data)
  // This is also called for a call that a newer one has replaced; only the end of the element is the end of the roll.
  return () => setTimeout(() => { if (!roll.host.isConnected) roll.dispose() })
}
