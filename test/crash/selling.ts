import { appendFileSync, existsSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import Database from 'better-sqlite3'

// Imported by name, or with fetch, it loads the client of fetch too, which costs more than all the rest.
const { createServer, get } = process.getBuiltinModule('node:http')

/**
 * The application of the crash tests: `node selling.ts serve` sells all the time and writes a receipt for every sale that is committed,
 * outside of the database, naming the data it was sold on; `node selling.ts smoke` asks it from outside.
 */
const {
  SHOP_FILE: file = '',
  SHOP_PORT: port = '',
  SHOP_RECEIPTS: receipts = '',
  SHOP_BROKEN: broken = '',
} = process.env

function serve(): void {
  const database = new Database(file, { fileMustExist: true, timeout: 5_000 })
  const revision = String(database.prepare('select version_num from alembic_version').pluck().get())
  const sell = database.prepare('insert into orders (customer_id, total_cents, receipt) values (1, 1999, ?)')
  let sold = 0
  const selling = setInterval(() => {
    const receipt = `${revision}-${process.pid}-${Date.now()}-${(sold += 1)}`
    sell.run(receipt)
    appendFileSync(receipts, `${receipt}\n`)
  }, 15)
  const server = createServer((_, response) => {
    const healthy = !existsSync(`${broken}-health`)
    response.writeHead(healthy ? 200 : 500, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ status: healthy ? 'ok' : 'broken', revision, sold }))
  })
  server.listen(Number(port), '127.0.0.1')
  process.once('SIGTERM', () => {
    clearInterval(selling)
    server.close()
    server.closeAllConnections()
    database.close()
  })
}

async function smoke(): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`http://127.0.0.1:${port}/`, resolve).once('error', reject)
  })
  const { sold } = (await json(answer)) as { readonly sold: number }
  process.stdout.write(`${sold} sold\n`)
  process.exitCode = existsSync(`${broken}-smoke`) ? 1 : 0
}

if (process.argv[2] === 'smoke') await smoke()
else serve()
