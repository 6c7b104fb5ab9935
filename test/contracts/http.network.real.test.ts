import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { httpFor } from '../../src/adapters/http/http.ts'
import { secretsFrom } from '../../src/adapters/environment/secrets.ts'
import { program } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { token } from './http.contract.ts'

const secrets = secretsFrom({ environment: { TOKEN: token }, register: () => undefined })
const options = { timeoutSeconds: 5, bearer: null }
const open: (Server | TcpServer)[] = []

afterEach(async () => {
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listening<S extends Server | TcpServer>(server: S): Promise<string> {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serving = (
  answer: (
    path: string,
    response: ServerResponse,
    authorization: string | undefined,
    request: IncomingMessage,
  ) => unknown,
): Promise<string> =>
  listening(
    createServer((request, response) =>
      answer(request.url ?? '', response, request.headers.authorization, request),
    ),
  )

describe.skipIf(!program('openssl'))('https', () => {
  it('says that TLS failed, for a certificate that nobody vouches for and for plain HTTP', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runbook-tls-'))
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-keyout',
        files.key,
        '-out',
        files.cert,
      ],
      { stdio: 'ignore' },
    )
    const server = createTlsServer(
      { key: readFileSync(files.key), cert: readFileSync(files.cert) },
      (_, response) => void response.end('secret'),
    )
    rmSync(folder, { recursive: true })
    const http = httpFor(watchedScope(), secrets)
    const untrusted = await listening(server)
    await expect(http.get(`https://${untrusted}/`, options)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('TLS failed'),
      hint: expect.stringContaining('openssl s_client'),
    })
    const plain = await serving((_, response) => void response.end())
    await expect(http.get(`https://${plain}/`, options)).rejects.toThrow('TLS failed')
  })
})
