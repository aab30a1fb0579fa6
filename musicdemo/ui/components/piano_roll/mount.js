// The doors of the module: one for Streamlit, one for any other page that holds piano_roll.html.

const ROLLS = new WeakMap()

// Show `data` (roll_data of piano_roll.py) in the roll inside `element`, with the texts of `words`; `answer`, where
// there is a page that listens, has state(selection and note) and act(what was asked for).
export function mountRoll(element, data, words, answer) {
  if (!ROLLS.has(element)) ROLLS.set(element, new Roll(element))
  const roll = ROLLS.get(element)
  roll.update(data, words, answer)
  return roll
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const answer = { state: value => setStateValue('look', value), act: value => setTriggerValue('action', value) }
  const before = ROLLS.get(parentElement)?.data.drawn_at ?? 0
  // While this module is being loaded two calls may overtake each other: the older picture is not drawn.
  if (data.drawn_at >= before) mountRoll(parentElement, data, data.words, answer)
  // This is also called for a call that a newer one has replaced; only the end of the element is the end of the roll.
  return () => setTimeout(() => {
    const roll = ROLLS.get(parentElement)
    if (!roll || roll.host.isConnected) return
    roll.dispose()
    ROLLS.delete(parentElement)
  })
}
