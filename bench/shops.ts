import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { databaseSize, docker, ordersTable, postgresImage, psql, untilReady } from './docker.ts'
import { runbookIn, timed } from './project.ts'

/** Of one recovery, in milliseconds. */
export type Outage = {
  readonly whole: number
  /** From the start until writers write again. */
  readonly recovered: number
  /** The longest time without a write. */
  readonly writersDown: number
  /** The longest time without an answer to a reader that connects again at once. */
  readonly readGap: number
}

type Shop = { readonly name: string; readonly rows: number }

const writer = (name: string): string => `${name}-writer`
const reader = (name: string): string => `${name}-reader`

/**
 * Shops of several sizes on one Postgres server of a Compose stack. Each has a service that writes and one that reads, twenty
 * times a second, in a session that stays connected; what they print are the times of the server.
 */
export class Shops {
  readonly #folder: string
  readonly #project = `runbook-bench-${process.pid}`
  readonly #shops: readonly Shop[]

  private constructor(folder: string, shops: readonly Shop[]) {
    this.#folder = folder
    this.#shops = shops
  }

  static async open(folder: string, shops: readonly Shop[]): Promise<Shops> {
    const opened = new Shops(folder, shops)
    try {
      await opened.#prepare()
      return opened
    } catch (thrown) {
      opened.close()
      throw thrown
    }
  }

  close(): void {
    docker('compose', '-p', this.#project, 'down', '--volumes', '--timeout', '1')
  }

  size = (name: string): string => databaseSize(this.#server, name)

  async #prepare(): Promise<void> {
    const services = Object.fromEntries(
      this.#shops.flatMap(({ name }) => [
        [writer(name), client(name, 'INSERT INTO ticks DEFAULT VALUES RETURNING at')],
        [reader(name), client(name, `SELECT ${now} FROM orders WHERE id = 1`)],
      ]),
    )
    const db = { image: postgresImage, environment: { POSTGRES_PASSWORD: password }, shm_size: '1g' }
    this.#write('compose.yml', JSON.stringify({ services: { db, ...services } }))
    this.#write('runbook.config.ts', configOf(this.#project, this.#shops))
    this.#compose('up', '--detach', 'db')
    await untilReady(this.#server)
    for (const { name, rows } of this.#shops) {
      psql(this.#server, 'postgres', `CREATE DATABASE "${name}"`)
      psql(this.#server, name, `CREATE TABLE ticks (at bigint DEFAULT ${now}); ${ordersTable(rows)}`)
      mkdirSync(join(this.#folder, name), { mode: 0o700 })
      await this.#script(`docker exec ${this.#server} pg_dump -U postgres -Fc ${name} >${dumpOf(name)}`)
    }
    this.#compose('up', '--detach', '--wait')
  }

  rollBack(name: string): Promise<Outage> {
    return this.#outage(name, () =>
      runbookIn(this.#folder, 'run', 'full-db-rollback', '--target', name, '--confirm', `restore ${name}`),
    )
  }

  /** As documents say it: stop, restore over the live database, start. */
  byHand(name: string): Promise<Outage> {
    const compose = `docker compose -p ${this.#project} -f compose.yml`
    return this.#outage(name, () =>
      this.#script(`
        ${compose} stop ${writer(name)}
        docker exec -i ${this.#server} pg_restore -U postgres --clean --if-exists -d ${name} <${dumpOf(name)}
        ${compose} start ${writer(name)}`),
    )
  }

  async #outage(name: string, work: () => Promise<number>): Promise<Outage> {
    const began = Date.now()
    const whole = await work()
    const ended = Date.now()
    const [writes, reads] = [
      await this.#ticks(writer(name), began, ended),
      await this.#ticks(reader(name), began, ended),
    ]
    const down = longestGap(writes)
    this.#forget(name)
    return {
      whole,
      recovered: down.to - began,
      writersDown: down.to - down.from,
      readGap: gapLength(longestGap(reads)),
    }
  }

  /** Times at which the service was served, from a second before the work to its first time after it. */
  async #ticks(service: string, began: number, ended: number): Promise<readonly number[]> {
    const since = new Date(began - 1_000).toISOString()
    for (;;) {
      const ticks = docker('logs', '--since', since, `${this.#project}-${service}-1`)
        .split('\n')
        .filter((line) => /^\d{13}$/.test(line))
        .map(Number)
        .toSorted((one, other) => one - other)
      if ((ticks.at(-1) ?? 0) > ended) return ticks
      await setTimeout(200)
    }
  }

  /** What a recovery keeps would fill the disk. */
  #forget(name: string): void {
    const kept = psql(
      this.#server,
      'postgres',
      `SELECT datname FROM pg_database WHERE datname LIKE '${name}\\_\\_%'`,
    )
    for (const database of kept.split('\n').filter((one) => one !== ''))
      psql(this.#server, 'postgres', `DROP DATABASE "${database}" WITH (FORCE)`)
    rmSync(join(this.#folder, name, 'replaced'), { recursive: true, force: true })
  }

  get #server(): string {
    return `${this.#project}-db-1`
  }

  #compose(...args: readonly string[]): string {
    return docker('compose', '-p', this.#project, '-f', join(this.#folder, 'compose.yml'), ...args)
  }

  #script(text: string): Promise<number> {
    return timed('sh', ['-ec', text], this.#folder)
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text, { mode: 0o600 })
  }
}

const password = 'bench'
const dumpOf = (name: string): string => join(name, `${name}_20260101T000000Z.dump`)

/** In milliseconds since 1970. */
const now = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

const client = (database: string, sql: string): object => {
  const arguments_ = `-qtAX -h db -U postgres -d ${database}`
  // In the background, so that the shell ends at once when it is told to.
  const loop = `trap 'kill $! 2>/dev/null; exit 0' TERM
while :; do printf '%s' "$QUERY \\watch 0.05" | psql ${arguments_} 2>/dev/null & wait $!; sleep 0.02; done`
  return {
    image: postgresImage,
    entrypoint: ['sh', '-c', loop.replaceAll('$', '$$$$')],
    environment: { PGPASSWORD: password, QUERY: sql },
    depends_on: ['db'],
    healthcheck: { test: ['CMD', 'true'], interval: '1s' },
  }
}

const configOf = (project: string, shops: readonly Shop[]): string => `import { defineConfig } from 'runbook'

const stack = { kind: 'compose', project: '${project}', files: ['compose.yml'] } as const

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  targets: {
${shops
  .map(
    ({ name }) => `    '${name}': {
      stack,
      database: { engine: 'postgres', service: 'db', name: '${name}', user: 'postgres', confirmPhrase: 'restore ${name}' },
      writers: ['${writer(name)}'],
      backups: { directory: './${name}', pattern: '${name}_{time}.dump', maxAge: '9999d', checksums: 'if-present' },
      health: [{ name: 'writer', service: '${writer(name)}', passes: 1, every: '200ms' }],
      assertions: [{ name: 'orders', sql: 'SELECT count(*) FROM orders', atLeast: 1 }],
    },`,
  )
  .join('\n')}
  },
})
`

type Gap = { readonly from: number; readonly to: number }

const gapLength = ({ from, to }: Gap): number => to - from

function longestGap(ticks: readonly number[]): Gap {
  const gaps = ticks.slice(1).map((to, at) => ({ from: ticks[at] ?? to, to }))
  const [first, ...others] = gaps
  if (first === undefined) throw new Error('a service was not served during the recovery')
  return others.reduce((longest, one) => (gapLength(one) > gapLength(longest) ? one : longest), first)
}
