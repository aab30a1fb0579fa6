// Rolls that are compared: of those in one group a single one sounds, all share its place and the selection.

const GROUPS = new Map()

class Group {
  static of(name) {
    if (!GROUPS.has(name)) GROUPS.set(name, new Group())
    return GROUPS.get(name)
  }

  constructor() {
    this.rolls = new Set()
    this.leader = null
  }

  join(roll) { this.rolls.add(roll) }

  leave(roll) {
    this.rolls.delete(roll)
    if (this.leader === roll) this.leader = null
  }

  others(roll) { return [...this.rolls].filter(other => other !== roll) }
  leaderOf(roll) { return this.leader !== roll && this.leader?.player.playing ? this.leader : null }

  // Whoever is told to play takes the place of the one that plays.
  lead(roll) {
    const before = this.leaderOf(roll)
    if (before) roll.player.seek(before.player.time)
    this.leader = roll
    for (const other of this.others(roll)) { other.player.pause(); other.stir() }
  }

  // The leader stopped or moved: the others stand where it stands.
  settle(roll) {
    if (this.leader !== roll) return
    for (const other of this.others(roll)) { other.player.seek(roll.player.time); other.stir() }
  }
}
