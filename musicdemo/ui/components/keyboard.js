// A piano to play on: by mouse, touch or the computer's keys. It sounds at once, and remembers what was pressed and when.
// Times go to Python in seconds; putting them on a grid is its work.

const LETTERS = ['KeyA', 'KeyW', 'KeyS', 'KeyE', 'KeyD', 'KeyF', 'KeyT', 'KeyG', 'KeyY', 'KeyH', 'KeyU', 'KeyJ', 'KeyK',
  'KeyO', 'KeyL', 'KeyP', 'Semicolon']    // by place, so that other layouts have the same shape
const NAMES = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B']
const BLACK = new Set([1, 3, 6, 8, 10])
const OCTAVE = 12, LOWEST = 24, HIGHEST = 96
const WIDE = 520            // pixels from which on two octaves have keys that a finger meets
const MOST_PRESSES = 2000
const NAMES_SHOWN = 12
const LOOK_AHEAD = 0.12     // seconds by which clicks are scheduled before they sound
const CLICK_EVERY = 25      // milliseconds between two looks ahead

const noteName = pitch => NAMES[pitch % OCTAVE] + (Math.floor(pitch / OCTAVE) - 1)
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name])

class Sound {
  // A triangle wave with the envelope of a plucked string; a compressor keeps chords from clipping.
  get clock() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: 'interactive' })
      this.out = this.context.createDynamicsCompressor()
      this.out.connect(this.context.destination)
    }
    if (this.context.state === 'suspended') this.context.resume()
    return this.context
  }

  get latency() { return this.context ? (this.context.outputLatency || this.context.baseLatency || 0) : 0 }

  start(pitch) {
    const clock = this.clock, now = clock.currentTime
    const wave = new OscillatorNode(clock, { type: 'triangle', frequency: 440 * 2 ** ((pitch - 69) / 12) })
    const gain = new GainNode(clock, { gain: 0 })
    gain.gain.linearRampToValueAtTime(0.35, now + 0.006)
    gain.gain.exponentialRampToValueAtTime(0.01, now + 2.5)
    wave.connect(gain).connect(this.out)
    wave.start(now)
    wave.stop(now + 3)
    return () => {
      const end = clock.currentTime
      gain.gain.cancelScheduledValues(end)
      gain.gain.setTargetAtTime(0, end, 0.05)
      wave.stop(end + 0.4)
    }
  }

  click(when, strong) {
    const clock = this.clock
    const wave = new OscillatorNode(clock, { type: 'square', frequency: strong ? 1600 : 1100 })
    const gain = new GainNode(clock, { gain: 0.12 })
    gain.gain.setTargetAtTime(0, when, 0.012)
    wave.connect(gain).connect(this.out)
    wave.start(when)
    wave.stop(when + 0.08)
  }

  close() { this.context?.close() }
}

class Keyboard {
  constructor(root) {
    this.host = root.host ?? root
    for (const id of ['lower', 'range', 'higher', 'metronome', 'undo', 'clear', 'use', 'board', 'hint', 'status']) {
      this[id] = root.querySelector('#' + id)
    }
    this.sound = new Sound()
    this.presses = []
    this.held = new Map()         // what holds a key down (a pointer or a letter) → { pitch, press, stop }
    this.first = 60
    this.listen()
  }

  listen() {
    this.lower.onclick = () => this.shift(-OCTAVE)
    this.higher.onclick = () => this.shift(OCTAVE)
    this.metronome.onclick = () => this.setMetronome(!this.ticking)
    this.undo.onclick = () => { this.presses.pop(); this.show() }
    this.clear.onclick = () => this.forget()
    this.use.onclick = () => this.send()
    this.board.onpointerdown = event => this.pointer(event)
    this.board.onpointermove = event => { if (this.held.has('p' + event.pointerId)) this.pointer(event) }
    this.board.onpointerup = this.board.onpointercancel = event => this.up('p' + event.pointerId)
    this.board.onlostpointercapture = event => this.up('p' + event.pointerId)
    this.board.oncontextmenu = event => event.preventDefault()
    this.board.onkeydown = event => this.keyDown(event)
    this.board.onkeyup = event => this.up('k' + event.code)
    this.board.onfocusout = () => { for (const holder of [...this.held.keys()]) if (holder[0] !== 'p') this.up(holder) }
    this.resize = new ResizeObserver(() => this.build())
    this.resize.observe(this.board)
  }

  dispose() {
    this.resize.disconnect()
    this.setMetronome(false)
    this.sound.close()
  }

  update(data, send) {
    this.sendValue = send
    const tempoMoved = this.data && this.data.tempo !== data.tempo
    this.data = data
    const words = data.words
    for (const name of ['metronome', 'undo', 'clear', 'use', 'hint']) this[name].textContent = words[name]
    this.lower.setAttribute('aria-label', words.lower)
    this.higher.setAttribute('aria-label', words.higher)
    this.board.setAttribute('aria-label', words.board)
    if (tempoMoved && this.ticking) { this.setMetronome(false); this.setMetronome(true) }
    this.build()
    this.show()
  }

  // --- keys -------------------------------------------------------------------------------------------------

  get count() { return (this.board.clientWidth >= WIDE ? 2 : 1) * OCTAVE + 1 }

  build() {
    if (!this.data || !this.board.clientWidth) return
    const layout = [this.first, this.count].join()
    if (layout === this.layout) return
    this.layout = layout
    const pitches = Array.from({ length: this.count }, (_, index) => this.first + index)
    const whites = pitches.filter(pitch => !BLACK.has(pitch % OCTAVE)).length
    let before = 0
    this.board.replaceChildren(...pitches.map(pitch => {
      const isBlack = BLACK.has(pitch % OCTAVE), key = document.createElement('button')
      const left = isBlack ? before - 0.31 : before++
      key.type = 'button'
      key.className = isBlack ? 'black' : 'white'
      key.dataset.pitch = pitch
      key.tabIndex = pitch === this.first ? 0 : -1
      key.setAttribute('aria-label', noteName(pitch))
      key.textContent = pitch % OCTAVE ? '' : noteName(pitch)
      key.style.left = 100 * left / whites + '%'
      key.style.width = 100 * (isBlack ? 0.62 : 1) / whites + '%'
      return key
    }))
    this.range.textContent = noteName(this.first) + '–' + noteName(this.first + this.count - 1)
    this.lower.disabled = this.first <= LOWEST
    this.higher.disabled = this.first + OCTAVE > HIGHEST - OCTAVE
  }

  shift(semitones) {
    const first = this.first + semitones
    if (first < LOWEST || first > HIGHEST - OCTAVE) return
    for (const holder of [...this.held.keys()]) this.up(holder)
    const hadFocus = this.board.contains(this.board.getRootNode().activeElement)
    this.first = first
    this.build()
    if (hadFocus) this.board.firstElementChild.focus()
    this.report()
  }

  keyAt(pitch) { return this.board.querySelector('[data-pitch="' + pitch + '"]') }

  pointer(event) {
    event.preventDefault()
    const target = this.board.getRootNode().elementFromPoint(event.clientX, event.clientY)
    const pitch = Number(target?.dataset?.pitch), holder = 'p' + event.pointerId
    if (event.type === 'pointerdown') this.board.setPointerCapture(event.pointerId)
    if (!pitch || this.held.get(holder)?.pitch === pitch) return
    this.up(holder)               // a finger that slides plays the next key
    this.down(holder, pitch)
    this.focusKey(pitch)
  }

  focusKey(pitch) {
    const key = this.keyAt(pitch)
    if (!key) return
    for (const other of this.board.children) other.tabIndex = -1
    key.tabIndex = 0
    key.focus({ preventScroll: true })
  }

  keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const letter = LETTERS.indexOf(event.code), on = Number(event.target.dataset?.pitch)
    const actions = {
      KeyZ: () => this.shift(-OCTAVE), KeyX: () => this.shift(OCTAVE), Backspace: () => this.undo.click(),
      ArrowRight: () => this.focusKey(on + 1), ArrowLeft: () => this.focusKey(on - 1),
      Home: () => this.focusKey(this.first), End: () => this.focusKey(this.first + this.count - 1),
      Space: () => this.down('kSpace', on), Enter: () => this.down('kEnter', on),
    }
    if (letter < 0 && !actions[event.code]) return
    event.preventDefault()
    event.stopPropagation()       // a letter that plays must not be a shortcut of the page as well
    if (event.repeat && !event.code.startsWith('Arrow')) return
    if (letter >= 0) this.down('k' + event.code, this.first + letter)
    else actions[event.code]()
  }

  down(holder, pitch) {
    if (this.held.has(holder)) return
    const stop = this.sound.start(pitch)
    const press = { pitch, pressed: performance.now() / 1000, released: null }
    if (this.presses.length < MOST_PRESSES) {
      if (!this.presses.length && !this.ticking) { this.base = null; this.tempo = this.data.tempo }
      this.presses.push(press)
    }
    this.held.set(holder, { pitch, press, stop })
    this.keyAt(pitch)?.classList.add('sounding')
    this.show()
  }

  up(holder) {
    const held = this.held.get(holder)
    if (!held) return
    this.held.delete(holder)
    held.stop()
    held.press.released = performance.now() / 1000
    if (![...this.held.values()].some(other => other.pitch === held.pitch)) {
      this.keyAt(held.pitch)?.classList.remove('sounding')
    }
    this.report()
  }

  // --- metronome --------------------------------------------------------------------------------------------

  setMetronome(on) {
    clearInterval(this.ticking)
    this.ticking = null
    this.metronome.setAttribute('aria-pressed', String(on))
    if (on) this.startTicking()
    if (this.data) this.report()
  }

  startTicking() {
    const clock = this.sound.clock, beat = 60 / this.data.tempo * this.data.beat, bar = beat * this.data.beats
    const start = clock.currentTime + 0.1
    this.tempo = this.data.tempo
    this.base = performance.now() / 1000 + 0.1
    // What was played before keeps its place: the bars are counted from a bar line before it.
    if (this.presses.length) while (this.base > this.presses[0].pressed) this.base -= bar
    let next = 0
    const tick = () => {
      for (; start + next * beat < clock.currentTime + LOOK_AHEAD; next++) {
        this.sound.click(start + next * beat, next % this.data.beats === 0)
      }
    }
    tick()
    this.ticking = setInterval(tick, CLICK_EVERY)
  }

  // --- what was played --------------------------------------------------------------------------------------

  forget() {
    this.presses = []
    if (!this.ticking) this.base = null
    this.show()
  }

  send() {
    for (const holder of [...this.held.keys()]) this.up(holder)
    const counted = this.base !== null && this.base !== undefined
    // A player follows the click that is heard, which is later than the one that was sent. A first note may come a
    // little before its bar line all the same, so a bar stands before what was played.
    const bar = 60 / this.tempo * this.data.beat * this.data.beats
    const zero = counted ? this.base + this.sound.latency - bar : this.presses[0].pressed
    const presses = this.presses.map(({ pitch, pressed, released }) =>
      [pitch, Math.max(0, pressed - zero), Math.max(0, released - zero)])
    this.sendValue({ presses, tempo: this.tempo, metronome: counted })
  }

  show() {
    const count = this.presses.length, words = this.data.words
    for (const control of [this.undo, this.clear, this.use]) control.disabled = count === 0
    const last = this.presses.slice(-NAMES_SHOWN).map(press => noteName(press.pitch)).join(' ')
    this.status.textContent = count
      ? fill(words.played, { count }) + ' ' + (count > NAMES_SHOWN ? '… ' : '') + last : words.nothing_played
    this.report()
  }

  report() {
    this.board.dataset.keyboard = JSON.stringify({ notes: this.presses.length, held: this.held.size, first: this.first,
      ticking: Boolean(this.ticking), audio: this.sound.context?.state ?? '' })
  }
}

const keyboards = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let keyboard = keyboards.get(parentElement)
  if (!keyboard) keyboards.set(parentElement, keyboard = new Keyboard(parentElement))
  keyboard.update(data, value => setTriggerValue('played', value))
  // This is also called for a call that a newer one has replaced; only the end of the element is the end of the keyboard.
  return () => setTimeout(() => { if (!keyboard.host.isConnected) keyboard.dispose() })
}
