// The selected bars, as [first, end) among the bar lines; rolls of a group share them. Playing them over is their loop.

class Selection {
  constructor(roll) {
    this.roll = roll
    this.lines = null
  }

  // Select from one bar line to another, in either order; null for none.
  select(lines) {
    this.set(lines && [Math.min(...lines), Math.max(...lines)])
    for (const other of this.roll.group.others(this.roll)) other.selected.set(this.lines)
  }

  set(lines) {
    const count = this.roll.data.bars.length
    const wanted = lines && lines[0] < count ? [lines[0], Math.min(lines[1], count)] : null
    if (JSON.stringify(wanted) === JSON.stringify(this.lines)) return
    this.lines = wanted
    if (this.roll.player.loop) this.setLoop(true)
    this.roll.tellPage()
    this.roll.stir()
  }

  // From the bar of the playhead on, and up to it.
  begin() {
    const { data, time } = this.roll, bar = barAt(data.bars, time)
    if (data.bars.length) this.select([bar, Math.max(bar + 1, this.lines?.[1] ?? data.bars.length)])
  }

  finish() {
    const { data, time } = this.roll, bar = barAt(data.bars, time)
    if (data.bars.length) this.select([Math.min(bar, this.lines?.[0] ?? 0), bar + 1])
  }

  setLoop(on) {
    this.roll.player.setLoop(on && this.lines ? selectedSeconds(this.roll.data, this.lines) : null)
    this.roll.stir()
  }

  steps() { return this.lines ? this.lines.map(line => this.roll.data.lines[line]) : [0, 0] }
}

function selectedSeconds(data, [first, end]) {
  const last = data.bars[end - 1]
  return [data.bars[first][0], last[0] + last[1]]
}

// The bar that holds a moment; the first or last where none does.
function barAt(bars, seconds) {
  return clamp(firstAbove(bars.map(bar => bar[0]), seconds + 1e-4) - 1, 0, Math.max(0, bars.length - 1))
}
