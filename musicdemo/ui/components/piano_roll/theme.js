// Colours: those of the page around, one for each instrument, and a scale from expected to surprising.

// Okabe & Ito (2008), "Color Universal Design": the hues that stand out from light paper, and from dark.
const ON_LIGHT = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c8c8c']
const ON_DARK = ['#56b4e9', '#e69f00', '#1fc79a', '#e29ac3', '#f0e442', '#f0803c', '#b4b4b4']
// Five anchors of cividis (Nuñez, Anderton & Renslow 2018), which orders alike for all kinds of colour vision.
const CIVIDIS = [[0, 32, 77], [65, 77, 107], [124, 123, 120], [188, 175, 111], [255, 234, 70]]
// The stretch of it that stands out from the paper, from no surprise to the greatest that is told apart.
const STRETCH_ON_LIGHT = [0.64, 0], STRETCH_ON_DARK = [0.36, 1]
const SURPRISE_CLASSES = 8
const MOST_BITS = 12

function cividis(place) {
  const at = clamp(place, 0, 1) * (CIVIDIS.length - 1), left = Math.min(Math.floor(at), CIVIDIS.length - 2)
  const mixed = CIVIDIS[left].map((value, channel) => Math.round(value + (CIVIDIS[left + 1][channel] - value) * (at - left)))
  return 'rgb(' + mixed.join(',') + ')'
}

class Theme {
  // Reading styles makes the browser compute them; this happens when something changed, never for each frame.
  read(section, pen) {
    const style = getComputedStyle(section), css = name => style.getPropertyValue(name).trim()
    this.paper = css('--paper')
    this.text = css('--text')
    this.shade = css('--panel')
    this.accent = css('--accent')
    this.font = '11px ' + style.fontFamily
    pen.fillStyle = this.paper             // the pen turns any CSS colour into #rrggbb
    const light = [1, 3, 5].reduce((sum, at) => sum + parseInt(pen.fillStyle.slice(at, at + 2), 16), 0)
    this.dark = light < 3 * 128
    const [expected, surprising] = this.dark ? STRETCH_ON_DARK : STRETCH_ON_LIGHT
    this.surprise = Array.from({ length: SURPRISE_CLASSES }, (_, step) =>
      cividis(expected + (surprising - expected) * step / (SURPRISE_CLASSES - 1)))
  }

  track(index) { const palette = this.dark ? ON_DARK : ON_LIGHT; return palette[index % palette.length] }
  surpriseClass(bits) { return clamp(Math.floor(bits / MOST_BITS * SURPRISE_CLASSES), 0, SURPRISE_CLASSES - 1) }
  get ramp() { return 'linear-gradient(90deg,' + this.surprise.join(',') + ')' }
}
