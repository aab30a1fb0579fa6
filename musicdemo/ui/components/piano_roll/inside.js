// What the network thought, fetched when it is first asked for: bits, probability and alternatives of each note, and
// which notes it read. Where reading costs the server a pass for each note, it is asked note by note.

const READS_REMEMBERED = 64

class Inside {
  // `tell` is called with 'changed' or 'failed'.
  constructor(tell) {
    this.tell = tell
    this.take('', 0)
  }

  take(address, count) {
    if (address === this.address && count === this.count) return
    this.abort?.abort()
    this.asking?.abort()
    Object.assign(this, { address, count, answer: null, loading: false, failed: false, asked: null, byNote: new Map() })
  }

  get known() { return this.answer !== null }
  get kind() { return this.answer?.kind }
  note(index) { return this.answer?.notes[index] ?? null }

  async open() {
    if (!this.address || this.answer || this.loading || this.failed) return
    const address = this.address
    this.abort = new AbortController()
    this.loading = true
    this.tell('changed')
    const answer = await fetchJson(address, this.abort.signal)
    if (address !== this.address) return
    this.loading = false
    if (answer?.notes?.length === this.count) this.answer = answer
    else this.failed = true
    this.tell(this.failed ? 'failed' : 'changed')
  }

  retry() { this.failed = false; return this.open() }

  // [[index, weight], ...] that note `index` read; asks for it where that is not known yet.
  reads(index) {
    if (!this.answer) return []
    if (this.answer.reads) return this.answer.reads[index] ?? []
    return this.byNote.get(index) ?? []
  }

  readsAddress(index) {
    const address = new URL(this.address.replace('/inside.json', '/reads.json'), document.baseURI)
    address.searchParams.set('note', index)
    return address.href
  }

  async ask(index) {
    if (!this.answer || this.answer.reads || this.byNote.has(index) || this.asked === index) return
    this.asking?.abort()
    this.asking = new AbortController()
    this.asked = index
    const signal = this.asking.signal
    const answer = await fetchJson(this.readsAddress(index), signal)
    if (signal.aborted) return
    this.asked = null
    this.byNote.set(index, answer?.reads ?? [])
    if (this.byNote.size > READS_REMEMBERED) this.byNote.delete(this.byNote.keys().next().value)
    this.tell(answer ? 'changed' : 'failed')
  }
}

// The JSON at an address, or null where there is none: the caller says so in a sentence.
async function fetchJson(address, signal) {
  try {
    const reply = await fetch(address, { signal })
    return reply.ok ? await reply.json() : null
  } catch {
    return null
  }
}
