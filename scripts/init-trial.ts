import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { parse, parseDocument, visit, isScalar, isPair } from 'yaml'

/*
 * Tries `runbook init` on Compose files that others wrote: the list is init-trial.tsv. Each sample is started with
 * local images under the names of its own, gets a table and three dumps, and then only what init wrote is used:
 * it must name the right database and writers, load, type-check, restore in a test, and plan a rollback.
 *
 *   node scripts/init-trial.ts CLONES [RESULTS] [NAME…]
 *
 * CLONES holds a folder OWNER+NAME for each repository of the list. Needs Docker and test/fixtures/images.
 */

const [clones = '.', results = 'init-trial.results.tsv', ...only] = process.argv.slice(2)
const root = fileURLToPath(new URL('..', import.meta.url))
const prefix = `init-trial-${process.pid}.invalid`
const standIn = `init-trial-stand-in-${process.pid}`

type Sample = {
  readonly repository: string
  readonly path: string
  readonly service: string
  readonly name: string
  readonly user: string
  readonly writers: string
}

type Resolved = {
  readonly name: string
  readonly services: { readonly [name: string]: { readonly image?: string; readonly build?: object } }
  readonly networks?: { readonly [key: string]: { readonly name?: string; readonly external?: boolean } }
}

const samples = (await readFile(new URL('init-trial.tsv', import.meta.url), 'utf8'))
  .split('\n')
  .slice(1)
  .filter((line) => line !== '')
  .map((line): Sample => {
    const [repository = '', path = '', service = '', name = '', user = '', writers = ''] = line.split('\t')
    return { repository, path, service, name, user, writers }
  })
  .filter(({ path }) => only.length === 0 || only.some((part) => path.includes(part)))

const work = await realpath(await mkdtemp(join(tmpdir(), 'init-trial-')))
const tags: string[] = []
const lines: string[] = []
try {
  await buildStandIn()
  for (const sample of samples) {
    const outcome = await tried(sample).catch((thrown: unknown) => ['failed', failureOf(thrown)])
    const line = [sample.repository, sample.path, ...outcome].join('\t').replaceAll('\n', ' ')
    process.stdout.write(`${line}\n`)
    lines.push(line)
    await writeFile(results, `${lines.join('\n')}\n`)
  }
} finally {
  if (tags.length > 0) await execa('docker', ['rmi', ...new Set(tags)], { reject: false })
  await execa('docker', ['rmi', standIn], { reject: false })
  await rm(work, { recursive: true, force: true })
}

/** Serves an empty page at every port that a sample may publish, and ends at once when it is stopped. */
async function buildStandIn(): Promise<void> {
  const context = join(work, 'stand-in')
  const ports = new Set<number>()
  const paths = new Set<string>()
  for (const { repository, path } of samples) {
    const text = await readFile(join(clones, repository.replace('/', '+'), path), 'utf8')
    for (const [, port] of text.matchAll(/:(\d{2,5})(?:\/tcp)?["']?\s*(?:#.*)?$/gm)) ports.add(Number(port))
    for (const [, port] of text.matchAll(/(?:localhost|127\.0\.0\.1):(\d{2,5})/g)) ports.add(Number(port))
    for (const [, one = ''] of text.matchAll(/(?:localhost|127\.0\.0\.1)(?::\d+)?(\/[\w./-]*)/g))
      paths.add(one)
  }
  await mkdir(context, { recursive: true })
  const pages = [...paths].map((path) => (path.endsWith('/') || path === '' ? `${path}index.html` : path))
  const files = ['/index.html', ...pages].map((path) => `/www${path}`)
  const programs = [
    'curl',
    'redis-cli',
    'valkey-cli',
    'mysqladmin',
    'clickhouse-client',
    'python',
    'python3',
    'node',
    'bash',
  ]
  await writeFile(
    join(context, 'start'),
    `#!/bin/sh\n${[...ports]
      .filter((port) => port !== 5432)
      .map((port) => `httpd -p ${port} -h /www 2>/dev/null`)
      .join('\n')}\ntrap 'exit 0' TERM INT\nwhile :; do sleep 1000 & wait $!; done\n`,
    { mode: 0o755 },
  )
  await writeFile(
    join(context, 'Dockerfile'),
    [
      'FROM runbook-test/busybox:1',
      'COPY start /start',
      `RUN ${files.map((file) => `mkdir -p ${dirname(file)} && { [ -e ${file} ] || echo ok > ${file}; }`).join(' ; ')}`,
      `RUN ${programs.map((name) => `printf '#!/bin/sh\\nexit 0\\n' > /bin/${name} && chmod 755 /bin/${name}`).join(' && ')}`,
      'ENTRYPOINT ["/start"]',
    ].join('\n'),
  )
  await execa('docker', ['build', '--quiet', '--tag', standIn, context])
}

async function tried(sample: Sample): Promise<readonly string[]> {
  const source = join(clones, sample.repository.replace('/', '+'), dirname(sample.path))
  const folder = join(work, 'samples', basename(dirname(sample.path)))
  await cp(source, folder, { recursive: true })
  const file = join(folder, basename(sample.path))
  const compose = (...argv: readonly string[]) =>
    execa('docker', ['compose', '--file', file, ...argv], { cwd: folder, env: { DOCKER_BUILDKIT: '0' } })
  await environment(folder)
  const resolved = JSON.parse((await compose('config', '--format', 'json')).stdout) as Resolved
  await withLocalImages(file, resolved)
  const networks = await externalNetworks(resolved)
  const runbook = (...argv: readonly string[]) =>
    execa(process.execPath, [join(root, 'bin', 'runbook.js'), ...argv], {
      cwd: folder,
      reject: false,
      env: { XDG_STATE_HOME: join(folder, '.state') },
    })
  try {
    await compose('up', '--detach', '--no-build')
    await seed(sample, file, compose)
    const init = await runbook('init', '--yes', '--json', ...(isUsual(sample) ? [] : ['--file', file]))
    if (init.exitCode !== 0) return ['init failed', init.stdout.slice(-300)]
    const config = await readFile(join(folder, 'runbook.config.ts'), 'utf8')
    const wrong = await wrongIn(config, sample)
    const types = await typesOf(folder)
    const listed = await runbook('list')
    const test = await runbook('run', 'restore-test')
    const phrase = `restore ${sample.name} on ${hostname()}`
    const dry = await runbook('run', 'full-db-rollback', '--dry-run', '--confirm', phrase)
    return [
      wrong === '' ? 'right' : `wrong: ${wrong}`,
      types === '' && listed.exitCode === 0 ? 'loads' : `does not load: ${types || listed.stderr}`,
      test.exitCode === 0
        ? 'restored'
        : `restore-test ${test.exitCode}: ${reasonOf(test.stderr + test.stdout)}`,
      dry.exitCode === 0 ? 'planned' : `dry run ${dry.exitCode}: ${reasonOf(dry.stderr + dry.stdout)}`,
    ]
  } finally {
    await compose('down', '--volumes', '--timeout', '2', '--remove-orphans').catch(() => undefined)
    if (networks.length > 0) await execa('docker', ['network', 'rm', ...networks], { reject: false })
    await rm(folder, { recursive: true, force: true })
  }
}

function isUsual({ path }: Sample): boolean {
  return /^(?:docker-)?compose\.ya?ml$/.test(basename(path))
}

/** What Docker says last, else the error. */
function failureOf(thrown: unknown): string {
  const { stderr, shortMessage } = thrown as { readonly stderr?: string; readonly shortMessage?: string }
  const last = (stderr ?? '').trim().split('\n').slice(-2).join(' / ')
  return (last === '' ? (shortMessage ?? String(thrown)) : last).slice(0, 300)
}

/** The blockers of a dry run, or the error of a run. */
function reasonOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  const blockers = lines.findIndex((line) => /^Blockers?/.test(line))
  const found =
    blockers === -1 ? lines.filter((line) => /^(?:error|hint|refused|✖)/.test(line)) : lines.slice(blockers)
  return found.slice(0, 5).join(' / ').slice(0, 400)
}

/** What the samples leave to their users, such as where their folders are. */
async function environment(folder: string): Promise<void> {
  const given = await readFile(join(folder, '.env'), 'utf8').catch(() => '')
  await writeFile(join(folder, '.env'), `${given}\nDOCKER_VOLUME_STORAGE=${join(folder, 'volumes')}\n`)
}

/** Networks that somebody else makes, such as that of a proxy; returns those that were missing. */
async function externalNetworks({ networks }: Resolved): Promise<readonly string[]> {
  const made: string[] = []
  for (const [key, { name, external }] of Object.entries(networks ?? {}))
    if (external === true) {
      const { exitCode } = await execa('docker', ['network', 'create', name ?? key], { reject: false })
      if (exitCode === 0) made.push(name ?? key)
    }
  return made
}

/** Each image gets a local one under its own name, below a registry that does not exist. */
async function withLocalImages(file: string, { name, services }: Resolved): Promise<void> {
  const text = await readFile(file, 'utf8')
  const document = parseDocument(text)
  const plain = parse(text, { merge: true }) as {
    readonly services?: { readonly [name: string]: { readonly image?: unknown } }
  }
  const byText = new Map(
    Object.entries(plain.services ?? {}).flatMap(([service, { image }]) =>
      typeof image === 'string' ? [[image, services[service]?.image ?? image] as const] : [],
    ),
  )
  const edits: { readonly from: number; readonly to: number; readonly image: string }[] = []
  visit(document, {
    Pair(_, pair) {
      if (!isPair(pair) || !isScalar(pair.key) || pair.key.value !== 'image' || !isScalar(pair.value)) return
      const { value, range } = pair.value
      if (typeof value !== 'string' || range === null || range === undefined) return
      edits.push({ from: range[0], to: range[1], image: byText.get(value) ?? value })
    },
  })
  let edited = text
  for (const { from, to, image } of edits.toSorted((one, other) => other.from - one.from)) {
    const local = `${prefix}/${image.replace(/@.*$/, '').toLowerCase()}`
    edited = edited.slice(0, from) + local + edited.slice(to)
    await tag(
      /postgres|pgvecto|postgis|timescale/.test(image) && !/backup|exporter|postgrest/.test(image)
        ? 'runbook-test/postgres:17'
        : standIn,
      local,
    )
  }
  for (const [service, { image, build }] of Object.entries(services))
    if (build !== undefined && image === undefined) await tag(standIn, `${name}-${service}`)
  await writeFile(file, edited)
}

async function tag(from: string, to: string): Promise<void> {
  await execa('docker', ['tag', from, to])
  tags.push(to)
}

type ComposeCall = (...argv: readonly string[]) => Promise<unknown>

async function seed({ service, name, user }: Sample, file: string, compose: ComposeCall): Promise<void> {
  const psql = (database: string, sql: string) =>
    compose(
      'exec',
      '--no-TTY',
      service,
      'psql',
      '-U',
      user,
      '-d',
      database,
      '-v',
      'ON_ERROR_STOP=1',
      '-c',
      sql,
    )
  await waitFor(() => compose('exec', '--no-TTY', service, 'pg_isready', '-h', '127.0.0.1', '-U', user))
  await psql(name, 'select 1').catch(() => psql('postgres', `create database "${name}"`))
  await psql(
    name,
    'create table trial as select n as id, md5(n::text) as note from generate_series(1, 500) n',
  )
  const backups = join(dirname(file), 'backups')
  await mkdir(backups, { recursive: true })
  const dump = await execa(
    'docker',
    ['compose', '--file', file, 'exec', '--no-TTY', service, 'pg_dump', '-Fc', '-U', user, name],
    { cwd: dirname(file), encoding: 'buffer' },
  )
  for (const days of [2, 1, 0]) {
    const at = new Date(Date.now() - days * 86_400_000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    await writeFile(join(backups, `${name}_${at}.dump`), dump.stdout)
  }
}

async function waitFor(ready: () => Promise<unknown>): Promise<void> {
  for (let left = 60; ; left--) {
    try {
      await ready()
      return
    } catch (thrown) {
      if (left === 0) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}

async function wrongIn(config: string, { service, name, user, writers }: Sample): Promise<string> {
  const names = writers
    .split(',')
    .filter((one) => one !== '')
    .map((one) => `'${one}'`)
  const wanted = [
    `database: { engine: 'postgres', service: '${service}', name: '${name}', user: '${user}' }`,
    ...(names.length === 0 ? [] : [`writers: [${names.join(', ')}]`]),
    `directory: './backups', pattern: '${name}_{time}.dump', checksums: 'if-present'`,
  ]
  const plain = config
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/,(?= [\]}])/g, '')
    .replaceAll('[ ', '[')
    .replaceAll(' ]', ']')
  return wanted
    .filter((text) => !plain.includes(text))
    .map((text) => `lacks ${text}`)
    .join('; ')
}

/** What the compiler says of the configuration. */
async function typesOf(folder: string): Promise<string> {
  const file = join(folder, 'tsconfig.trial.json')
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: [],
    paths: { runbook: [join(root, 'dist', 'src', 'index.d.ts')] },
  }
  await writeFile(file, JSON.stringify({ compilerOptions, files: ['runbook.config.ts'] }))
  const { exitCode, stdout } = await execa(join(root, 'node_modules', '.bin', 'tsc'), ['--project', file], {
    reject: false,
  })
  return exitCode === 0 ? '' : stdout.slice(0, 300)
}
