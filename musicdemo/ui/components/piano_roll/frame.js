// Which part of the piece is seen: seconds to pixels and back, pitches to rows.

const MIN_SCALE = 4, MAX_SCALE = 600   // pixels a second

class Frame {
  constructor() {
    this.scale = 40
    this.offset = 0        // the second at the left edge
    this.width = this.height = 0
    this.data = null
    this.fitted = true     // the whole piece, until a hand zooms
  }

  take(data) {
    this.data = data
    this.rowOfDrum = new Map(data.drums.map(([key], row) => [key, row]))
    this.measure()
  }

  resize(width, height) {
    this.width = width
    this.height = height
    this.measure()
    if (this.fitted) this.fitAll()
  }

  measure() {
    if (!this.data) return
    const { low, high, drums } = this.data
    const pitches = high - low + 1, lane = drums.length ? LANE_GAP : 0
    this.rowHeight = Math.max(1, (this.height - HEADER - lane) / (pitches + drums.length))
    this.drumTop = HEADER + pitches * this.rowHeight + lane
  }

  get span() { return Math.max(0.1, (this.width - GUTTER) / this.scale) }
  x(seconds) { return GUTTER + (seconds - this.offset) * this.scale }
  secondsAt(x) { return this.offset + (x - GUTTER) / this.scale }

  top(note) {
    return this.data.tracks[note[4]].drum
      ? this.drumTop + this.rowOfDrum.get(note[2]) * this.rowHeight
      : HEADER + (this.data.high - note[2]) * this.rowHeight
  }

  fitAll() {
    if (this.data && this.width > GUTTER) {
      this.scale = clamp((this.width - GUTTER - 8) / Math.max(this.data.seconds, 1), MIN_SCALE, MAX_SCALE)
    }
    this.offset = 0
    this.fitted = true
  }

  zoom(factor, anchor) {
    const held = clamp(anchor, this.offset, this.offset + this.span), before = this.x(held)
    this.scale = clamp(this.scale * factor, MIN_SCALE, MAX_SCALE)
    this.scrollTo(held - (before - GUTTER) / this.scale)
    this.fitted = false
  }

  // Returns whether anything moved; so does reveal().
  scrollTo(seconds) {
    const before = this.offset
    this.offset = clamp(seconds, 0, Math.max(0, this.data.seconds - this.span * 0.5))
    return this.offset !== before
  }

  reveal(seconds) {
    if (seconds >= this.offset && seconds <= this.offset + this.span * 0.85) return false
    return this.scrollTo(seconds - this.span * 0.15)
  }
}
