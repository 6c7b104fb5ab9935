import { appendFileSync } from 'node:fs'
import { Client } from 'pg'

// As in selling.ts: imported by name it loads the client of fetch too.
const { createServer, get } = process.getBuiltinModule('node:http')

/**
 * As selling.ts, on Postgres: `serve` sells all the time and writes a receipt for every sale that is committed, outside of the database, naming
 * the data it was sold on; `smoke` asks it from outside.
 */
const { SHOP_URL: url = '', SHOP_PORT: port = '', SHOP_RECEIPTS: receipts = '' } = process.env

async function serve(): Promise<void> {
  const client = new Client({ connectionString: url })
  // A database that is exchanged under it ends it, as it would end any application.
  client.once('error', () => process.exit(1))
  await client.connect()
  const { rows } = await client.query<{ version_num: string }>('select version_num from alembic_version')
  const revision = rows[0]?.version_num ?? ''
  let sold = 0
  const closing = new AbortController()
  const selling = (async () => {
    while (!closing.signal.aborted) {
      sold += 1
      const receipt = `${revision}-${process.pid}-${Date.now()}-${sold}`
      await client.query('insert into orders (customer_id, total_cents, receipt) values (1, 1999, $1)', [
        receipt,
      ])
      appendFileSync(receipts, `${receipt}\n`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ status: 'ok', revision, sold }))
  })
  server.listen(Number(port), '127.0.0.1')
  process.once('SIGTERM', () => {
    closing.abort()
    server.close()
    server.closeAllConnections()
    void selling.finally(() => client.end())
  })
}

if (process.argv[2] === 'smoke')
  get(`http://127.0.0.1:${port}/`, (response) => response.resume()).once('error', () => process.exit(1))
else await serve()
