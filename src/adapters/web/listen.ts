import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Clock } from '../../kernel/clock.ts'
import { cannot } from '../../kernel/errors.ts'

/** Requests are small and from a few people; whoever sends more is disconnected. Bytes and milliseconds. */
const bounds = {
  maxHeaderSize: 16 << 10,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
}
const mostConnections = 128
const mostHeaders = 64
/** Without a byte in either direction; a stream sends one more often. */
const idle = 60_000
/** How long answers that are under way may take when the server stops. */
const grace = 2_000

export type Listening = {
  readonly port: number
  /** Takes no more requests, lets those under way end, then closes what is left. */
  close(): Promise<void>
}

/** @throws RunbookError `usage` if the address cannot be listened on */
export async function listenOn(
  app: Hono,
  { host, port, clock }: { readonly host: string; readonly port: number; readonly clock: Clock },
): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: bounds,
  }) as Server
  server.maxConnections = mostConnections
  server.maxHeadersCount = mostHeaders
  server.timeout = idle
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cannot('listen on', `${host}, port ${port}`, reasons[cause.code ?? ''] ?? cause.message, {
          code: 'usage',
          hint: 'give another one with --port (0 chooses a free one) or --host',
          cause,
        }),
      ),
    )
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      server.closeIdleConnections()
      await Promise.race([closed, clock.sleep(grace)])
      server.closeAllConnections()
      await closed
    },
  }
}

const reasons: { readonly [code: string]: string } = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this account may not',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'the name has no address',
}
