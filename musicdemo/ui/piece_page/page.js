// A piece's own page: shows the roll, copies what is to be handed on, and prints the score.
{
  const place = document.getElementById('roll')
  const { data, words } = JSON.parse(document.getElementById('roll-data').textContent)
  place.classList.add('is-there')
  mountRoll(place, data, words)

  const told = document.querySelector('[data-told]')
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', async () => {
      const source = document.getElementById(button.dataset.copy)
      source.select()
      try {
        await navigator.clipboard.writeText(source.value)
        told.textContent = told.dataset.done
      } catch {  // no permission, or a page without https: the text is selected, and a key copies it
        told.textContent = told.dataset.failed
      }
    })
  }

  const print = document.querySelector('[data-print]')
  if (print) {
    print.hidden = false
    print.addEventListener('click', async () => {
      const pages = [...document.querySelectorAll('.pages img')]
      for (const page of pages) page.loading = 'eager'
      await Promise.allSettled(pages.map(page => page.decode()))
      window.print()
    })
  }
}
