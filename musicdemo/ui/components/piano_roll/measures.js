// What the files of the roll share. They are joined into one module (piano_roll.py), so they import nothing.

const GUTTER = 46          // pixels for the keyboard at the left
const HEADER = 24          // pixels for the bar numbers at the top
const LANE_GAP = 6         // pixels between pitches and drums
const DRAG_SLACK = 4       // pixels that a click may wander before it is a drag
const HANDLE_REACH = 8     // pixels around the edge of a selection at which it can be seized
const SHORTEST_NOTE = 3    // pixels
const NAMES = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B']
const BLACK = new Set([1, 3, 6, 8, 10])

const clamp = (value, low, high) => Math.min(high, Math.max(low, value))
const noteName = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1)
const clockText = seconds =>
  Math.floor(seconds / 60) + ':' + String(Math.floor(seconds % 60)).padStart(2, '0')
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name])
const percentText = share => (share >= 0.0995 ? (100 * share).toFixed(0) : (100 * share).toFixed(1))

// The first place in an ascending list that holds more than `value`.
function firstAbove(list, value) {
  let low = 0, high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle] > value) high = middle
    else low = middle + 1
  }
  return low
}

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}
