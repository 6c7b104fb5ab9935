/**
 * Follows a run: shows what the server sends, and loads the page again when the run is over. The browser itself
 * restores a lost connection.
 */
export const liveScript = `
const shown = document.getElementById('live')
const link = document.getElementById('connection')
const events = new EventSource(location.pathname + '/events')
events.addEventListener('state', (event) => { shown.innerHTML = event.data; link.textContent = 'Live.' })
events.addEventListener('over', () => { events.close(); location.reload() })
events.onerror = () => { link.textContent = 'Connection lost; what is shown may be old. Reload the page if this stays.' }
`
