/**
 * Follows a run: shows what the server sends, and loads the page again when the run is over. A lost connection is
 * taken up again by the browser itself.
 */
export const liveScript = `
const shown = document.getElementById('live')
const link = document.getElementById('connection')
const events = new EventSource(location.pathname + '/events')
events.addEventListener('state', (event) => { shown.innerHTML = event.data; link.textContent = 'Live.' })
events.addEventListener('over', () => { events.close(); location.reload() })
events.onerror = () => { link.textContent = 'Connection lost; what is shown may be old. Reload the page if this stays.' }
`
