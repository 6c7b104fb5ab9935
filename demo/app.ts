import { existsSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import Database from 'better-sqlite3'
import { place } from './place.ts'

/** How often the shop sells something. Milliseconds. */
const betweenOrders = 150

/** A small shop: an HTTP server that reads its data and keeps writing to it, as production does. */
function serve(): void {
  const database = new Database(place.database, { fileMustExist: true, timeout: 5_000 })
  const sell = database.prepare(
    "insert into orders (customer_id, total_cents, placed_at) values ((select min(id) from customers), 1999, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
  )
  const selling = setInterval(() => sell.run(), betweenOrders)

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/api/health') return answer(response, ...health(database))
    if (pathname === '/api/orders') {
      return answer(
        response,
        200,
        database.prepare('select id, total_cents, placed_at from orders order by id desc limit 10').all(),
      )
    }
    return answer(response, 404, { error: 'not found' })
  })
  server.listen(place.port, '127.0.0.1')

  process.once('SIGTERM', () => {
    clearInterval(selling)
    server.close()
    server.closeAllConnections()
    database.close()
  })
}

/** Healthy means that every order has a total, and that the file `unhealthy` is absent. */
function health(database: Database.Database): readonly [number, object] {
  const count = (sql: string): number => Number(database.prepare(sql).pluck().get())
  const orders = count('select count(*) from orders')
  const worthless = count('select count(*) from orders where total_cents <= 0')
  const revision = database.prepare('select version_num from alembic_version').pluck().get()
  const healthy = worthless === 0 && !existsSync(place.unhealthy)
  return [healthy ? 200 : 500, { status: healthy ? 'ok' : 'broken', orders, worthless, revision }]
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** A smoke test: asks from outside, and reports through its exit code. */
async function smoke(): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${place.port}/api/orders`)
  const orders = (await response.json()) as readonly { readonly total_cents: number }[]
  const sold = response.ok && orders.length > 0 && orders.every((order) => order.total_cents > 0)
  process.stdout.write(
    sold ? `the last ${orders.length} orders have their totals\n` : 'orders lack their totals\n',
  )
  process.exitCode = sold ? 0 : 1
}

if (process.argv[2] === 'smoke') await smoke()
else serve()
