import { spawn, type ChildProcess } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { viewJournal } from '../../src/adapters/journal/open.ts'
import type { JournalView, RunSummary } from '../../src/run/journal/journal.ts'
import { stateOf, type RunState } from '../../src/run/journal/state.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { RecordedTerminal } from '../fixtures/recorded-terminal.ts'
import { typed } from '../fixtures/typed.ts'
import { root } from './pages.ts'

const copied = ['bin', 'demo', 'runbooks', 'src', 'steps', 'targets', 'package.json']

/** The demo's shop, with what a night without a person needs. */
const configuration = (chat: string): string => `import { defineConfig } from './src/index.ts'
import demo from './demo.config.ts'

const { demo: shop } = demo.targets

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  targets: {
    demo: {
      ...shop,
      health: [{ ...shop.health[0], within: '20s' }],
      watch: { policy: 'rollback', after: '3s' },
      drills: { 'monthly-spot-restore': { every: '31d' } },
      operators: {
        news: [{ by: 'webhook', name: 'chat', url: '${chat}' }],
        contacts: [{ role: 'on-call', reach: '+1 555 0100' }],
        escalation: [{ what: 'Call', who: 'on-call', after: '10m' }],
      },
    },
  },
})
`

/** `npx runbook` as in a project that has the package, and a shell that shows what is typed and nothing else. */
const shims = {
  npx: `#!/bin/sh
shift
npm_lifecycle_event=npx npm_lifecycle_script=runbook exec node /srv/shop/bin/runbook.js "$@"
`,
  inputrc: 'set enable-bracketed-paste off\nset bell-style none\n',
}

/** `init`: the first process on it, as others see it. */
type Machine = { readonly process: ChildProcess; readonly init: number }

/** A host with a name, processes of its own and the folder as /srv/shop; its network is that of the machine of the tests. */
async function machineFor(folder: string): Promise<Machine> {
  const place = [
    'hostname shop-1',
    'mount -t tmpfs -o mode=755 none /srv',
    'mkdir /srv/shop /srv/node',
    `mount --bind '${folder}' /srv/shop`,
    `mount --bind '${join(root, 'node_modules')}' /srv/shop/node_modules`,
    `mount --bind '${dirname(process.execPath)}' /srv/node`,
    'echo $$',
  ].join(' && ')
  // Ends with whoever started it, and buries processes that lost their parent.
  const script = `${place} && while read -t 0.2 || [ $? -gt 128 ]; do :; done`
  const own = ['--uts', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const child = spawn('unshare', [...own, 'bash', '-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  await eventually(() => out.includes('\n') || child.exitCode !== null, 'the machine of the shop begins')
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return { process: child, init: Number(children.trim()) }
}

/** The demo's shop on a machine of its own. */
export class NightShop implements AsyncDisposable {
  readonly folder: string
  /** What came to the webhook, in order. */
  readonly news: readonly string[]
  readonly #chat: Server
  readonly #environment: Readonly<Record<string, string>>
  readonly #machine: Machine
  readonly #terminals: RecordedTerminal[] = []

  private constructor(
    folder: string,
    chat: { readonly server: Server; readonly news: readonly string[] },
    machine: Machine,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#machine = machine
    this.folder = folder
    this.#chat = chat.server
    this.news = chat.news
    this.#environment = environment
  }

  static async open(): Promise<NightShop> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'night-')))
    for (const name of copied) await cp(join(root, name), join(folder, name), { recursive: true })
    await cp(join(root, 'runbook.config.ts'), join(folder, 'demo.config.ts'))
    await mkdir(join(folder, 'node_modules'))
    const chat = await receiver()
    const { port } = chat.server.address() as AddressInfo
    await writeFile(join(folder, 'runbook.config.ts'), configuration(`http://127.0.0.1:${port}/chat`))
    const programs = join(folder, 'programs')
    await mkdir(programs)
    for (const [name, text] of Object.entries(shims))
      await writeFile(join(programs, name), text, { mode: 0o755 })
    const [shopPort = 0] = await freePorts(1)
    return new NightShop(folder, chat, await machineFor(folder), {
      DEMO_PORT: String(shopPort),
      HOME: '/srv/shop',
      LANG: 'C.UTF-8',
      PATH: `/srv/shop/programs:/srv/node:${process.env['PATH'] ?? ''}`,
      // Who calls the program as root by sudo is who answers.
      SUDO_USER: 'operator',
    })
  }

  /** What runs a command in the shop's folder, on its machine. */
  #inside(...argv: readonly string[]): readonly string[] {
    return [
      'nsenter',
      '--target',
      String(this.#machine.init),
      '--uts',
      '--mount',
      '--pid',
      '--wdns=/srv/shop',
      ...argv,
    ]
  }

  async #run(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await typed(this.#inside(...argv), {
      cwd: this.folder,
      env: this.#environment,
    }).finished
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
    return stdout
  }

  /** The shop, open and selling, with a week of backups. */
  async openShop(): Promise<void> {
    await this.#run(
      'node',
      '--input-type=module',
      '--eval',
      `const { createStack } = await import('/srv/shop/demo/stack.ts')
       const { openShop, health } = await import('/srv/shop/demo/shop.ts')
       createStack(new Date()); await openShop(); await health()`,
    )
  }

  /** What the bad deployment of the demo does to the data. */
  async deployBadly(): Promise<void> {
    const change =
      "update orders set total_cents = 0 where id % 3 = 0; update alembic_version set version_num = 'd4_euros'"
    await this.#run('sqlite3', '-cmd', '.timeout 5000', '.demo/data/shop.db', change)
  }

  /** While it is, the shop says that it is unhealthy, whatever its data is. */
  async unhealthy(is: boolean): Promise<void> {
    const file = join(this.folder, '.demo', 'unhealthy')
    await (is ? writeFile(file, '') : rm(file, { force: true }))
  }

  terminal(): RecordedTerminal {
    const one = new RecordedTerminal(
      this.#inside('setsid', '--ctty', '--wait', 'bash', '--norc', '--noprofile'),
      {
        ...this.#environment,
        INPUTRC: '/srv/shop/programs/inputrc',
      },
    )
    this.#terminals.push(one)
    return one
  }

  async #journal<T>(read: (journal: JournalView) => Promise<T>): Promise<T> {
    const journal = await viewJournal(join(this.folder, 'state'))
    try {
      return await read(journal)
    } finally {
      await journal.close()
    }
  }

  /** Real runs, newest first. */
  async runs(): Promise<readonly RunSummary[]> {
    return (await this.#journal((journal) => journal.runs())).filter(({ mode }) => mode === 'run')
  }

  state(run: string): Promise<RunState> {
    return this.#journal(async (journal) => stateOf(await journal.read(run)))
  }

  /** Kills the process of a run as soon as its journal says so. */
  async killWhen(run: string, is: (state: RunState) => boolean): Promise<void> {
    await this.#journal((journal) =>
      eventually(async () => is(stateOf(await journal.read(run))), `${run} comes so far`),
    )
    // The only one on this machine.
    await this.#run('sh', '-c', 'kill -KILL $(pgrep --full "/bin/runbook[.]js run ")')
  }

  /** @returns a link that lets one browser in */
  async serve(): Promise<string> {
    const [program = '', ...args] = this.#inside('npx', 'runbook', 'serve', '--port', '0')
    const child = spawn(program, args, {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    await eventually(() => out.includes('\n'), 'the pages are served')
    return out.trim()
  }

  read(...names: readonly string[]): Promise<string> {
    return readFile(join(this.folder, ...names), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#terminals) await one[Symbol.asyncDispose]()
    // Everything on it ends with it.
    this.#machine.process.kill('SIGKILL')
    this.#chat.closeAllConnections()
    await new Promise((resolve) => this.#chat.close(resolve))
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** A chat that accepts every message. */
async function receiver(): Promise<{ readonly server: Server; readonly news: readonly string[] }> {
  const news: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      news.push(String((JSON.parse(body) as { readonly text?: unknown }).text))
      response.end()
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return { server, news }
}
