// The lower canvas: paper, bars, notes, keyboard and join. It is painted when one of them changed, not for each frame.

const LOUDNESS_CLASSES = 4
const PALETTE_CLASSES = 16     // a colour of the palette is below 7, one of the scale of surprise from 8 on
const UNMEASURED = 7
const FAINT = 0.25             // how strong the notes of a muted instrument are

class Ground {
  constructor(canvas) {
    this.canvas = canvas
    this.pen = canvas.getContext('2d', { alpha: false })
  }

  // Returns how many notes were drawn.
  paint(roll) {
    const { frame, theme } = roll
    fitCanvas(this.canvas, this.pen, frame)
    this.paper(frame, theme)
    this.bars(roll)
    const drawn = this.notes(roll)
    this.keys(roll)
    this.join(roll)
    return drawn
  }

  paper(frame, theme) {
    const pen = this.pen, { low, high, drums } = frame.data
    pen.globalAlpha = 1
    pen.fillStyle = theme.paper
    pen.fillRect(0, 0, frame.width, frame.height)
    pen.fillStyle = theme.shade
    for (let pitch = low; pitch <= high; pitch++) {
      if (BLACK.has(pitch % 12)) pen.fillRect(GUTTER, HEADER + (high - pitch) * frame.rowHeight, frame.width, frame.rowHeight)
    }
    drums.forEach((_, row) => {
      if (row % 2 === 0) pen.fillRect(GUTTER, frame.drumTop + row * frame.rowHeight, frame.width, frame.rowHeight)
    })
  }

  bars({ frame, theme, data }) {
    const pen = this.pen
    pen.strokeStyle = pen.fillStyle = theme.text
    pen.font = theme.font
    pen.textBaseline = 'middle'
    let labelledUntil = -Infinity
    data.bars.forEach(([start, seconds, beats], index) => {
      const x = frame.x(start)
      if (x > frame.width || frame.x(start + seconds) < GUTTER) return
      this.beats(frame, x, seconds, beats)
      if (x >= GUTTER - 1 && x > labelledUntil) {
        pen.globalAlpha = 0.8
        pen.fillText(String(index + 1), x + 4, HEADER / 2)
        labelledUntil = x + 26
      }
    })
    pen.globalAlpha = 1
  }

  beats(frame, x, seconds, beats) {
    const tight = seconds / beats * frame.scale < 14
    for (let beat = 0; beat < (tight ? 1 : beats); beat++) {
      const at = Math.round(x + beat * seconds / beats * frame.scale) + 0.5
      if (at < GUTTER) continue
      this.pen.globalAlpha = beat ? 0.07 : 0.22
      strokeLine(this.pen, at, beat ? HEADER : 0, frame.height)
    }
  }

  // A change of colour costs more than a rectangle: notes are sorted into classes, and each class is painted at once.
  notes(roll) {
    const { frame, index } = roll
    const [from, to] = index.between(frame.offset, frame.secondsAt(frame.width))
    const classes = new Map()
    for (let at = from; at < to; at++) {
      const key = this.classOf(roll, index.all[at], at)
      const members = classes.get(key)
      if (members) members.push(at)
      else classes.set(key, [at])
    }
    for (const [key, members] of classes) this.paintClass(roll, key, members)
    this.pen.globalAlpha = 1
    return to - from
  }

  // colour + 16 × (loudness + 4 × (seed + 2 × muted)); in the colours of surprise the loudness is not shown.
  classOf(roll, note, at) {
    const muted = roll.tracks.audible(note[4]) ? 0 : 1
    if (roll.colour === 'surprise') {
      const bits = roll.inside.note(at)?.[0] ?? null
      return (bits === null ? UNMEASURED : 8 + roll.theme.surpriseClass(bits)) +
        PALETTE_CLASSES * LOUDNESS_CLASSES * 2 * muted
    }
    const loudness = Math.min(LOUDNESS_CLASSES - 1, Math.floor(note[3] / 128 * LOUDNESS_CLASSES))
    const seed = note[0] < roll.data.join - 1e-6 ? 1 : 0
    return note[4] % UNMEASURED + PALETTE_CLASSES * (loudness + LOUDNESS_CLASSES * (seed + 2 * muted))
  }

  paintClass({ theme, frame, index, colour }, key, members) {
    const pen = this.pen, hue = key % PALETTE_CLASSES, rest = Math.floor(key / PALETTE_CLASSES)
    const loudness = (rest % LOUDNESS_CLASSES + 0.5) / LOUDNESS_CLASSES, marks = Math.floor(rest / LOUDNESS_CLASSES)
    if (colour === 'surprise') {
      pen.fillStyle = hue === UNMEASURED ? theme.text : theme.surprise[hue - 8]
      pen.globalAlpha = (hue === UNMEASURED ? 0.25 : 1) * (marks & 2 ? FAINT : 1)
    } else {
      pen.fillStyle = theme.track(hue)
      pen.globalAlpha = (marks & 1 ? 0.34 + 0.16 * loudness : 0.7 + 0.3 * loudness) * (marks & 2 ? FAINT : 1)
    }
    for (const at of members) fillNote(pen, frame, index.all[at])
  }

  keys({ frame, theme, data, words }) {
    const pen = this.pen, { low, high, drums } = data
    pen.fillStyle = theme.paper
    pen.fillRect(0, 0, GUTTER - 1, frame.height)
    pen.fillStyle = theme.text
    for (let pitch = low; pitch <= high; pitch++) {
      const top = HEADER + (high - pitch) * frame.rowHeight
      pen.globalAlpha = BLACK.has(pitch % 12) ? 0.75 : 0.08
      pen.fillRect(GUTTER - 14, top + 0.5, 12, Math.max(1, frame.rowHeight - 1))
      if (pitch % 12 === 0) this.label(noteName(pitch), top + frame.rowHeight / 2)
    }
    if (drums.length) this.label(words.drums, frame.drumTop + drums.length * frame.rowHeight / 2)
    pen.globalAlpha = 1
  }

  label(text, y) {
    this.pen.globalAlpha = 0.85
    this.pen.textAlign = 'right'
    this.pen.fillText(text, text.length > 3 ? GUTTER - 4 : GUTTER - 18, y)
    this.pen.textAlign = 'left'
  }

  join({ frame, theme, data, words }) {
    const pen = this.pen, x = Math.round(frame.x(data.join)) + 0.5
    if (data.join <= 0 || x < GUTTER || x > frame.width) return
    pen.strokeStyle = theme.text
    pen.setLineDash([5, 4])
    strokeLine(pen, x, 0, frame.height)
    pen.setLineDash([])
    this.tag(words.seed, x - 13 - pen.measureText(words.seed).width, frame, theme)
    if (x + 40 < frame.width) this.tag(words.new, x + 5, frame, theme)
  }

  tag(text, x, frame, theme) {
    if (x < GUTTER) return
    const pen = this.pen
    pen.fillStyle = theme.text
    pen.beginPath()
    pen.roundRect(x, frame.height - 20, pen.measureText(text).width + 8, 16, 4)
    pen.fill()
    pen.fillStyle = theme.paper
    pen.fillText(text, x + 4, frame.height - 12)
  }
}

function fitCanvas(canvas, pen, frame) {
  const ratio = devicePixelRatio || 1
  const width = Math.round(frame.width * ratio), height = Math.round(frame.height * ratio)
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
}

function noteBox(frame, note) {
  const start = frame.x(note[0]), left = Math.max(GUTTER, start)
  const right = Math.max(start + SHORTEST_NOTE, frame.x(note[0] + note[1]) - 1)
  return [left, frame.top(note) + 0.5, Math.max(0, right - left), Math.max(2.5, frame.rowHeight - 1)]
}

// Corners are rounded only where one would see it: plain rectangles are several times as quick.
function fillNote(pen, frame, note) {
  const [left, top, width, height] = noteBox(frame, note)
  if (width < 6 || height < 5) return pen.fillRect(left, top, width, height)
  pen.beginPath()
  pen.roundRect(left, top, width, height, 2)
  pen.fill()
}

function strokeLine(pen, x, top, bottom) {
  pen.beginPath()
  pen.moveTo(x, top)
  pen.lineTo(x, bottom)
  pen.stroke()
}
