import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { Option, InvalidArgumentError, type Command } from 'commander'
import { systemClock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { systemRandomness } from '../../kernel/randomness.ts'
import type { CliContext } from '../context.ts'

type Flags = { readonly host: string; readonly port: number; readonly metricsToken?: string }

/** Not taken by a service that is widely used. */
const usualPort = 8790

export function serveCommand(program: Command, context: CliContext): void {
  program
    .command('serve')
    .description(
      'show targets, runs, runbooks and evidence as pages for a browser; nothing can be changed there',
    )
    .addOption(
      new Option('--port <port>', 'the port to listen on; 0 chooses a free one')
        .argParser(portOf)
        .default(usualPort),
    )
    .option(
      '--host <host>',
      'the address or name to listen on; others than this machine need it',
      '127.0.0.1',
    )
    .option(
      '--metrics-token <source>',
      'let a program with this bearer token read /metrics: env:VARIABLE or file:PATH',
    )
    .action(async ({ host, port, metricsToken }: Flags) => {
      // A mistake in the configuration is reported here, not on the first page.
      await context.targets()
      const [{ Keys }, { appFor }, { listenOn }, { siteFor }] = await Promise.all([
        import('../../adapters/web/keys.ts'),
        import('../../adapters/web/app.ts'),
        import('../../adapters/web/listen.ts'),
        import('../site/site.ts'),
      ])
      const token = metricsToken === undefined ? null : await tokenFrom(context, metricsToken)
      const keys = new Keys(systemRandomness)
      const stopped = new AbortController()
      let address = ''
      const guarded = {
        keys,
        names: isIP(host) === 0 ? [host.toLowerCase()] : [],
        cookie: () => `runbook-${address.split(':').at(-1) ?? ''}`,
        metricsToken: token,
        onOpened: () =>
          context.terminal.err(`Opened in a browser. For another one: ${linkTo(address, keys.link)}\n`),
      }
      const app = appFor(siteFor(context, systemClock), guarded, {
        clock: systemClock,
        stopped: stopped.signal,
      })
      const asked = signalled()
      const server = await listenOn(app, { host, port, clock: systemClock })
      address = `http://${nameFor(host)}:${server.port}`
      if (!isLoopback(host))
        context.terminal.err(
          'warning: other machines can connect, and what they send and get is not encrypted: put a proxy with TLS before it, or use a tunnel\n',
        )
      context.terminal.out(`${linkTo(address, keys.link)}\n`)
      context.terminal.err('The link works once, for one browser. Ctrl-C ends the server.\n')
      await asked
      stopped.abort()
      await server.close()
      context.terminal.err('Stopped.\n')
      process.exitCode = 0
    })
}

const linkTo = (address: string, token: string): string => `${address}/?token=${token}`

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new InvalidArgumentError('It is not a port: give a number from 0 to 65535.')
}

/** Fewer characters can be guessed. */
const shortestToken = 16

async function tokenFrom(context: CliContext, source: string): Promise<string> {
  const [, kind, name = ''] = /^(env|file):(.+)$/s.exec(source) ?? []
  if (kind === undefined)
    throw new RunbookError('usage', 'cannot take the token of --metrics-token from the command line', {
      hint: 'give env:VARIABLE or file:PATH, so that other accounts do not see it',
    })
  const { secretsFrom } = await import('../../adapters/environment/secrets.ts')
  const { environment, terminal, directory } = context
  const secret = await secretsFrom({
    environment,
    register: (one) => terminal.redactor.add(one),
  }).reveal({
    secret: '--metrics-token',
    from: kind === 'env' ? { env: name } : { file: resolve(directory, name) },
  })
  const token = secret.reveal()
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= shortestToken) return token
  throw new RunbookError(
    'usage',
    `the token of --metrics-token is not usable: it needs at least ${shortestToken} printable ASCII characters without spaces`,
    { hint: 'make one with: openssl rand -hex 32' },
  )
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** What a browser of this machine can open. */
function nameFor(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return isIP(host) === 6 ? `[${host}]` : host
}

/** Resolves when somebody asks the process to end. */
const signalled = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
