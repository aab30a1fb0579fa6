// The notes of a piece in the order of their starts, so that what sounds or shows at a moment is found by halving.

class NoteIndex {
  constructor(notes) {
    this.all = notes
    this.starts = Float64Array.from(notes, note => note[0])
    this.ends = Float64Array.from(notes, note => note[0] + note[1])
    this.reach = this.ends.slice()     // the latest end so far: ascending, as the ends are not
    for (let at = 1; at < this.reach.length; at++) this.reach[at] = Math.max(this.reach[at], this.reach[at - 1])
  }

  get last() { return this.starts.length ? this.starts[this.starts.length - 1] : 0 }

  // Indexes [from, to) outside of which no note touches the time from `left` to `right`.
  between(left, right) { return [firstAbove(this.reach, left), firstAbove(this.starts, right)] }

  sounding(now) {
    const [from, to] = this.between(now, now), found = []
    for (let at = from; at < to; at++) if (this.ends[at] > now) found.push(at)
    return found
  }
}
