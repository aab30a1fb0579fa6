// The tracks of a score, a row each: whether it is used, what it is, a small picture, and a button that plays it alone.

const PLAY = 'M8 5v14l11-7z', PAUSE = 'M6 5h4v14H6zm8 0h4v14h-4z'
const SPACE = 1000          // width and height of the square in which Python lays out a track's notes

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name])

class Tracks {
  constructor(root) {
    this.host = root.host ?? root
    for (const id of ['list', 'status', 'audio']) this[id] = root.querySelector('#' + id)
    this.audio.onplaying = () => this.say('')
    this.audio.onpause = this.audio.onended = () => this.showPlaying()
    this.audio.onerror = () => { if (this.sounding !== null) this.failed() }
    this.sounding = null
    this.resize = new ResizeObserver(() => this.draw())
    this.resize.observe(this.list)
    this.scheme = matchMedia('(prefers-color-scheme: dark)')
    this.repaint = () => setTimeout(() => this.draw(), 150)
    this.scheme.addEventListener('change', this.repaint)
  }

  dispose() {
    this.resize.disconnect()
    this.scheme.removeEventListener('change', this.repaint)
    this.silence()
  }

  update(data, send) {
    this.send = send
    if (this.data?.source !== data.source) this.silence()
    const rowsMoved = JSON.stringify([this.data?.tracks, this.data?.words]) !== JSON.stringify([data.tracks, data.words])
    this.data = data
    if (rowsMoved) this.build()
    this.showUsed(new Set(data.used))
    this.showPlaying()
    this.draw()
  }

  build() {
    this.list.setAttribute('aria-label', this.data.words.tracks)
    this.rows = this.data.tracks.map((track, index) => this.row(track, index))
    this.list.replaceChildren(...this.rows.map(row => row.item))
  }

  row(track, index) {
    const make = name => document.createElement(name)
    const item = make('li'), label = make('label'), box = make('input'), name = make('span'), facts = make('span')
    const canvas = make('canvas'), button = make('button')
    box.type = 'checkbox'
    box.onchange = () => this.choose()
    name.textContent = track.name
    label.append(box, name)
    facts.className = 'facts'
    facts.textContent = track.facts
    canvas.setAttribute('aria-hidden', 'true')
    button.type = 'button'
    button.setAttribute('aria-label', fill(this.data.words.play_alone, { track: track.name }))
    button.title = button.getAttribute('aria-label')
    button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path></path></svg>'
    button.onclick = () => this.toggle(index)
    item.append(label, facts, canvas, button)
    return { item, box, canvas, button, notes: track.notes }
  }

  // --- which are used ---------------------------------------------------------------------------------------

  choose() {
    const used = this.rows.flatMap((row, index) => row.box.checked ? [index] : [])
    this.showUsed(new Set(used))
    this.send(used)
  }

  showUsed(used) {
    this.rows.forEach((row, index) => {
      row.box.checked = used.has(index)
      row.item.classList.toggle('left-out', !used.has(index))
      const isLast = used.size === 1 && used.has(index)
      row.box.disabled = isLast        // a seed without a track is none
      row.box.title = isLast ? this.data.words.last_track : ''
    })
  }

  // --- sound ------------------------------------------------------------------------------------------------

  toggle(index) {
    if (this.sounding === index && !this.audio.paused) return this.audio.pause()
    if (this.sounding !== index) {
      this.sounding = index
      this.audio.src = this.data.source + '?tracks=' + index
      this.say(this.data.words.preparing)
    }
    this.audio.play().then(() => this.showPlaying()).catch(error => { if (error.name !== 'AbortError') this.failed() })
    this.showPlaying()
  }

  silence() {
    this.sounding = null
    this.audio.pause()
    this.audio.removeAttribute('src')
    this.audio.load()
    this.say('')
  }

  failed() {
    this.silence()
    this.showPlaying()
    this.say(this.data.words.no_sound)
  }

  say(text) { this.status.textContent = text }

  showPlaying() {
    this.rows?.forEach((row, index) => {
      const on = this.sounding === index && !this.audio.paused
      row.button.setAttribute('aria-pressed', String(on))
      row.button.querySelector('path').setAttribute('d', on ? PAUSE : PLAY)
    })
    this.list.dataset.tracks = JSON.stringify({ playing: this.audio.paused ? null : this.sounding,
      used: this.data?.used ?? [], source: this.audio.getAttribute('src') ?? '', time: this.audio.currentTime })
  }

  // --- pictures ---------------------------------------------------------------------------------------------

  draw() {
    if (!this.rows) return
    const style = getComputedStyle(this.list), ratio = devicePixelRatio || 1
    const ink = style.getPropertyValue('--st-text-color').trim() || '#222'
    const shade = style.getPropertyValue('--st-secondary-background-color').trim() || '#eee'
    for (const { canvas, notes } of this.rows) {
      const width = canvas.clientWidth, height = canvas.clientHeight, pen = canvas.getContext('2d')
      if (!width) continue
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
      pen.setTransform(ratio, 0, 0, ratio, 0, 0)
      pen.fillStyle = shade
      pen.fillRect(0, 0, width, height)
      pen.fillStyle = ink
      for (const [left, length, low] of notes) {
        pen.fillRect(left / SPACE * width, (1 - low / SPACE) * (height - 4) + 1, Math.max(1, length / SPACE * width - 0.5), 2)
      }
    }
  }
}

const lists = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let list = lists.get(parentElement)
  if (!list) lists.set(parentElement, list = new Tracks(parentElement))
  list.update(data, value => setTriggerValue('used', value))
  // This is also called for a call that a newer one has replaced; only the end of the element is the end of the list.
  return () => setTimeout(() => { if (!list.host.isConnected) list.dispose() })
}
