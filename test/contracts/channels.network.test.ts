import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { secretsFrom } from '../../src/adapters/environment/secrets.ts'
import { httpFor } from '../../src/adapters/http/http.ts'
import { smtpMailer } from '../../src/adapters/mail/smtp.ts'
import { processCommands } from '../../src/adapters/process/commands.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Json } from '../../src/kernel/json.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { channelsContract, topic } from './channels.contract.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const secrets = secretsFrom({
  environment: { TOKEN: topic, PASSWORD: 'mail-canary-password' },
  register: () => undefined,
})
const letter = { from: 'runbook@shop.test', to: ['ops@shop.test', 'ada@shop.test'], timeoutSeconds: 5 }
const hook = { bearer: null, body: { text: '{text}' }, reference: null, timeoutSeconds: 5 }

type Received = { id: string; subject: string; text: string; to: readonly string[] }

async function mailServer(received: Received[], answers: string[]): Promise<{ readonly port: number }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onMailFrom: (_, __, done) => {
      if (answers[0] !== 'busy') return done()
      if (answers.length > 1) answers.shift()
      return done(Object.assign(new Error('try again later'), { responseCode: 451 }))
    },
    onRcptTo: ({ address }, _, done) =>
      answers[0] === 'accepted' || (answers[0] === 'one refused' && address === 'ada@shop.test')
        ? done()
        : done(Object.assign(new Error('no such mailbox'), { responseCode: 550 })),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n', 2)
        const header = (name: string): string => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] ?? ''
        received.push({
          id: header('message-id'),
          subject: header('subject'),
          text: body.replaceAll('=\r\n', ''),
          to: session.envelope.rcptTo.map(({ address }) => address),
        })
        done()
      })
    },
  })
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: await portOf(server.server) }
}

channelsContract('with a web server, a mail server and programs on this machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-channels-'))
  closing.push(() => rm(folder, { recursive: true }))
  const posts: { key: string; body: Json }[] = []
  const mails: Received[] = []
  let made = 0
  const server = (port: number) => ({ host: '127.0.0.1', port, tls: 'if-offered' as const, login: null })
  const free = async (): Promise<number> => {
    const taken = createServer()
    const port = await portOf(taken)
    await new Promise((resolve) => taken.close(resolve))
    return port
  }
  return {
    sending: {
      clock: systemClock,
      mask: new Redactor(),
      drivers: (signal) => {
        const scope = { ...watchedScope(), signal }
        return {
          http: httpFor(scope, secrets),
          mail: smtpMailer({ scope, secrets }),
          commands: processCommands({ scope, secrets, environment: process.env }),
        }
      },
    },
    async webhook(...statuses) {
      const left = [...statuses]
      const web = createServer((request, response) => {
        void json(request).then((body) => {
          posts.push({ key: String(request.headers['idempotency-key']), body: body as Json })
          const status = left.length > 1 ? left.shift() : left[0]
          if (typeof status === 'number') response.writeHead(status).end()
        })
      })
      const port = await portOf(web)
      closing.push(async () => {
        web.closeAllConnections()
        await new Promise((resolve) => web.close(resolve))
      })
      return { name: 'webhook-1', by: 'webhook', hook: { ...hook, url: `http://127.0.0.1:${port}/` } }
    },
    async mail(...answers) {
      const { port } = await mailServer(mails, [...answers])
      return { name: 'mail-1', by: 'mail', server: server(port), ...letter }
    },
    async command(...exitCodes) {
      const base = join(folder, `program-${(made += 1)}`)
      await writeFile(`${base}.codes`, exitCodes.join('\n'))
      const script = [
        `env -0 | grep -z ^NEWS_ | tr '\\0' '\\1' >> ${folder}/calls; printf '\\n' >> ${folder}/calls`,
        `code=$(head -n 1 ${base}.codes)`,
        `[ "$(wc -l < ${base}.codes)" = 0 ] || sed -i 1d ${base}.codes`,
        'exit "$code"',
      ].join('\n')
      return {
        name: 'command-1',
        by: 'command',
        argv: ['sh', '-c', script],
        directory: folder,
        secrets: {},
        timeoutSeconds: 5,
      }
    },
    async dead(by) {
      const port = await free()
      return by === 'webhook'
        ? { name: by, by, hook: { ...hook, url: `http://127.0.0.1:${port}/` } }
        : { name: by, by, server: server(port), ...letter }
    },
    received: async () => ({
      posts,
      mails,
      calls: (await readFile(join(folder, 'calls'), 'utf8').catch(() => ''))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) =>
          Object.fromEntries(
            line
              .split('\u0001')
              .filter((one) => one !== '')
              .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
          ),
        ),
    }),
  }
})

describe('mail by SMTP', () => {
  const mail = { from: letter.from, to: letter.to, subject: 'a', text: 'b', key: 'c' }

  it('names who was refused, and is not sent again to those who got it', async () => {
    const received: Received[] = []
    const { port } = await mailServer(received, ['one refused'])
    const sent = smtpMailer({ scope: watchedScope(), secrets }).send(
      { ...mail, server: { host: '127.0.0.1', port, tls: 'if-offered', login: null } },
      { timeoutSeconds: 5 },
    )
    await expect(sent).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('it refused ops@shop.test'),
    })
    expect(received.map(({ to }) => to)).toEqual([['ada@shop.test']])
  })

  it('gives no password to a server that does not offer TLS', async () => {
    const received: Received[] = []
    const { port } = await mailServer(received, ['accepted'])
    const login = { user: 'ops', password: { secret: 'password', from: { env: 'PASSWORD' } } }
    const sent = smtpMailer({ scope: watchedScope(), secrets }).send(
      { ...mail, server: { host: '127.0.0.1', port, tls: 'required', login } },
      { timeoutSeconds: 5 },
    )
    await expect(sent).rejects.toMatchObject({
      code: 'usage',
      message: expect.not.stringContaining('canary'),
      hint: expect.stringContaining('STARTTLS'),
    })
    expect(received).toEqual([])
  })

  it('ends when the step ends, and with its reason', async () => {
    const silent = createServer()
    const port = await portOf(silent)
    silent.removeAllListeners('connection')
    closing.push(() => new Promise((resolve) => silent.close(resolve)))
    const stop = new AbortController()
    const sent = smtpMailer({ scope: { signal: stop.signal }, secrets }).send(
      { ...mail, server: { host: '127.0.0.1', port, tls: 'if-offered', login: null } },
      { timeoutSeconds: 30 },
    )
    stop.abort(new Error('stopped by Ctrl-C'))
    await expect(sent).rejects.toThrow('stopped by Ctrl-C')
  })
})
