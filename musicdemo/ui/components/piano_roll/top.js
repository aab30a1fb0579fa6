// The upper canvas: what moves with the sound or the hand: playhead, sounding notes, selection, chosen note and arcs.

const ARC_LIFT = 0.22, LEAST_LIFT = 16, MOST_LIFT = 110

class Top {
  constructor(canvas) {
    this.canvas = canvas
    this.pen = canvas.getContext('2d')
    this.arcsDrawn = 0
  }

  paint(roll) {
    const pen = this.pen, { frame } = roll
    fitCanvas(this.canvas, pen, frame)
    pen.clearRect(0, 0, frame.width, frame.height)
    const sounding = roll.moving ? roll.index.sounding(roll.time) : []
    this.band(roll)
    pen.save()
    pen.beginPath()
    pen.rect(GUTTER, HEADER, frame.width, frame.height)
    pen.clip()
    this.lit(roll, sounding)
    this.ring(roll)
    this.arcsDrawn = roll.arcs ? this.arcs(roll, sounding) : 0
    pen.restore()
    return this.playhead(roll)
  }

  band({ frame, theme, selection, data }) {
    if (!selection) return
    const pen = this.pen, [from, to] = selectedSeconds(data, selection)
    const left = Math.max(GUTTER, frame.x(from)), right = Math.min(frame.width, frame.x(to))
    if (right <= left) return
    pen.fillStyle = theme.accent
    pen.globalAlpha = 0.16
    pen.fillRect(left, HEADER, right - left, frame.height - HEADER)
    pen.globalAlpha = 0.4
    pen.fillRect(left, 0, right - left, HEADER)
    pen.globalAlpha = 1
    for (const at of [frame.x(from), frame.x(to)]) {
      if (at < GUTTER || at > frame.width) continue
      pen.fillRect(at - 1, 0, 2, frame.height)
      pen.beginPath()
      pen.roundRect(at - 4, 4, 8, HEADER - 8, 3)
      pen.fill()
    }
  }

  lit({ frame, theme, index, tracks }, sounding) {
    this.pen.fillStyle = theme.text
    for (const at of sounding) if (tracks.audible(index.all[at][4])) fillNote(this.pen, frame, index.all[at])
  }

  ring({ frame, theme, index, chosen }) {
    if (chosen === null) return
    const pen = this.pen, [left, top, width, height] = noteBox(frame, index.all[chosen])
    if (!width) return
    pen.strokeStyle = theme.text
    pen.lineWidth = 2
    pen.strokeRect(left - 2, top - 2, width + 4, height + 4)
    pen.lineWidth = 1
  }

  // From the chosen note, or else from each that sounds.
  arcs(roll, sounding) {
    const from = roll.chosen === null ? sounding : [roll.chosen]
    let drawn = 0
    for (const at of from) {
      const reads = roll.inside.reads(at), most = Math.max(...reads.map(([, weight]) => Math.abs(weight)), 1e-9)
      for (const [read, weight] of reads) {
        if (!roll.index.all[read]) continue
        this.arc(roll, at, read, Math.abs(weight) / most)
        drawn++
      }
    }
    this.pen.globalAlpha = this.pen.lineWidth = 1
    return drawn
  }

  arc({ frame, theme, index }, at, read, strength) {
    const pen = this.pen, [x, y] = this.onset(frame, index.all[at]), [toX, toY] = this.onset(frame, index.all[read])
    const lift = clamp(Math.abs(toX - x) * ARC_LIFT, LEAST_LIFT, MOST_LIFT)
    pen.strokeStyle = pen.fillStyle = theme.accent
    pen.globalAlpha = 0.25 + 0.75 * strength
    pen.lineWidth = 1 + 3.5 * strength
    pen.beginPath()
    pen.moveTo(x, y)
    pen.quadraticCurveTo((x + toX) / 2, Math.min(y, toY) - lift, toX, toY)
    pen.stroke()
    pen.beginPath()
    pen.arc(toX, toY, 2 + 2 * strength, 0, 2 * Math.PI)
    pen.fill()
  }

  onset(frame, note) { return [frame.x(note[0]) + 2, frame.top(note) + frame.rowHeight / 2] }

  // Returns where the playhead is, seen or not.
  playhead(roll) {
    const pen = this.pen, { frame, theme } = roll, x = frame.x(roll.time)
    if (!roll.data.source || x < GUTTER - 1 || x > frame.width) return x
    pen.strokeStyle = pen.fillStyle = theme.accent
    pen.lineWidth = 2
    strokeLine(pen, x, 0, frame.height)
    pen.lineWidth = 1
    pen.beginPath()
    pen.moveTo(x - 6, 0)
    pen.lineTo(x + 6, 0)
    pen.lineTo(x, 9)
    pen.fill()
    return x
  }
}
