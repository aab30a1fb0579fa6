// Mouse, touch and wheel on the roll: scroll, zoom, choose a note, set the playhead, select bars.

class Hands {
  constructor(roll, canvas) {
    this.roll = roll
    this.canvas = canvas
    this.drag = null
    canvas.onpointerdown = event => this.down(event)
    canvas.onpointermove = event => this.move(event)
    canvas.onpointerup = event => this.up(event)
    canvas.onpointercancel = () => { this.drag = null }
    canvas.onpointerleave = () => roll.hover(null)
    canvas.addEventListener('wheel', event => this.wheel(event), { passive: false })
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  down(event) {
    const { roll } = this, [x, y] = this.place(event)
    if (event.button) return
    const edge = roll.data.bars.length ? this.edgeAt(x, y) : null
    const selects = y < HEADER || event.shiftKey || roll.selecting
    this.drag = { x, edge, kind: edge ? 'edge' : selects ? 'select' : 'scroll', offset: roll.frame.offset, moved: false }
    this.canvas.setPointerCapture(event.pointerId)
  }

  // The bar that stays where it is while an edge of the selection under [x, y] is moved: {first} or {end}.
  edgeAt(x, y) {
    const { selection, frame, data, selecting } = this.roll
    if (!selection || (y > HEADER && !selecting)) return null
    const [left, right] = selectedSeconds(data, selection).map(seconds => frame.x(seconds))
    if (Math.abs(x - right) <= HANDLE_REACH) return { fixed: selection[0] }
    return Math.abs(x - left) <= HANDLE_REACH ? { fixed: selection[1] } : null
  }

  move(event) {
    const { roll, drag } = this, [x, y] = this.place(event)
    if (drag && Math.abs(x - drag.x) > DRAG_SLACK) drag.moved = true
    if (drag?.moved) this.pull(x)
    else if (event.pointerType === 'mouse') roll.hover(this.noteAt(x, y), [x, y])
    this.canvas.style.cursor = this.edgeAt(x, y) ? 'ew-resize' : y < HEADER || roll.selecting ? 'text' : 'crosshair'
  }

  pull(x) {
    const { roll, drag } = this, { frame, data } = roll
    if (drag.kind === 'scroll') {
      if (frame.scrollTo(drag.offset - (x - drag.x) / frame.scale)) roll.touch()
    } else if (data.bars.length && drag.kind === 'edge') {
      const line = this.nearestLine(frame.secondsAt(x))
      if (line !== drag.edge.fixed) roll.selected.select([drag.edge.fixed, line])
    } else if (data.bars.length) {
      const [from, to] = [drag.x, x].map(at => barAt(data.bars, frame.secondsAt(Math.max(at, GUTTER))))
      roll.selected.select([Math.min(from, to), Math.max(from, to) + 1])
    }
  }

  // The number of the bar line nearest to a moment; the line behind the last bar counts too.
  nearestLine(seconds) {
    const bars = this.roll.data.bars, bar = barAt(bars, seconds), [start, length] = bars[bar]
    return seconds > start + length / 2 ? bar + 1 : bar
  }

  up(event) {
    const { roll, drag } = this, [x, y] = this.place(event)
    this.drag = null
    if (!drag || drag.moved || x < GUTTER) return
    roll.choose(this.noteAt(x, y))
    roll.moveTo(roll.frame.secondsAt(x))
  }

  wheel(event) {
    const { roll } = this, { frame } = roll
    if (event.ctrlKey) {
      event.preventDefault()
      roll.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, frame.secondsAt(this.place(event)[0]))
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault()
      if (frame.scrollTo(frame.offset + (event.deltaX || event.deltaY) / frame.scale)) roll.touch()
    }
  }

  // The note under a point, the last drawn of several; a finger need not hit it exactly.
  noteAt(x, y) {
    if (x < GUTTER || y < HEADER) return null
    const { index, frame } = this.roll, seconds = frame.secondsAt(x), slack = 4 / frame.scale
    const [from, to] = index.between(seconds - slack, seconds)
    for (let at = to - 1; at >= from; at--) {
      const [, top, , height] = noteBox(frame, index.all[at])
      if (y >= top && y <= top + height && seconds <= Math.max(index.ends[at], index.starts[at] + slack)) return at
    }
    return null
  }
}
