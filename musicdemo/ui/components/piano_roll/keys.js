// The keyboard on the roll. Signs that a Chinese input method writes instead of , . [ ] do the same.

function keyActions(roll) {
  const { player } = roll, starts = roll.data.bars.map(bar => bar[0])
  const jump = seconds => { roll.moveTo(seconds); roll.reveal(roll.time) }
  const later = () => roll.stepNote(1), earlier = () => roll.stepNote(-1)
  const begin = () => roll.selected.begin(), end = () => roll.selected.finish()
  return {
    ' ': () => roll.toggle(),
    ArrowRight: () => jump(starts.find(start => start > roll.time + 0.05) ?? roll.duration),
    ArrowLeft: () => jump(starts.findLast(start => start < roll.time - 0.05) ?? 0),
    'Alt+ArrowRight': later, '.': later, '。': later,
    'Alt+ArrowLeft': earlier, ',': earlier, '，': earlier,
    Home: () => jump(0),
    End: () => jump(roll.duration),
    Enter: () => { if (roll.chosen !== null) roll.playFrom(roll.index.starts[roll.chosen]) },
    Escape: () => { roll.selected.select(null); roll.choose(null) },
    '[': begin, '【': begin, ']': end, '】': end,
    '+': () => roll.zoom(1.4), '=': () => roll.zoom(1.4), '-': () => roll.zoom(1 / 1.4),
    f: () => roll.setFollow(!roll.following),
    l: () => { if (roll.selection) roll.selected.setLoop(!player.loop) },
    n: () => roll.playNewPart(),
  }
}

function pressKey(roll, event) {
  if (event.ctrlKey || event.metaKey || event.target !== roll.part.view) return
  const action = keyActions(roll)[(event.altKey ? 'Alt+' : '') + event.key]
  if (!action) return
  event.preventDefault()
  action()
}
