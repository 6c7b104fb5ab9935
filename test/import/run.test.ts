import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importOf } from '../../src/import/report.ts'
import type { ImportedFile } from '../../src/import/source.ts'
import { isRunbook, type Runbook } from '../../src/model/runbook.ts'
import {
  dumpBytes,
  emptyDisk,
  emptyStore,
  everyMoment,
  fakeImage,
  fakeMachine,
  fakeServer,
  fakeWorld,
  lay,
  nobody,
  runningFleet,
  runOn,
  targetOf,
  type FakeMachine,
} from '../../src/testing/index.ts'
import { root } from '../docs/pages.ts'
import { badOrders, damagedShop, goodOrders, shop } from '../steps/fake-shop.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(root, 'test', '.imported-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [good, bad] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]
const name = 'registry.example.com/shop/scribe'
let number = 0

/** The runbook that an import writes for commands, as it is written. */
async function imported(
  ...commands: readonly string[]
): Promise<{ text: string; files: readonly ImportedFile[]; book: Runbook }> {
  const markdown = `# Go back\n\n\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n`
  const { files } = importOf('back.md', markdown)
  number += 1
  const at = join(folder, String(number))
  for (const { path, text } of files) {
    mkdirSync(dirname(join(at, path)), { recursive: true })
    const here = text
      .replaceAll(`from 'runbook/steps'`, `from '${join(root, 'steps/index.ts')}'`)
      .replaceAll(`from 'runbook'`, `from '${join(root, 'src/index.ts')}'`)
    writeFileSync(join(at, path), here)
  }
  const url = pathToFileURL(join(at, 'runbooks/go-back.ts')).href
  const module = (await import(url)) as { readonly default: unknown }
  if (!isRunbook(module.default)) throw new Error(`${url} exports no runbook`)
  return { text: files[0]?.text ?? '', files, book: module.default }
}

const target = targetOf(
  {
    targets: {
      shop: {
        stack: { kind: 'compose', project: 'shop', files: ['compose.yml'] },
        writers: ['scribe'],
        app: ['scribe', 'gate'],
      },
    },
  },
  'shop',
)

/** The bad image runs, and the good one has the tag `previous`. */
function machine(book: Runbook, prepare: (fake: FakeMachine) => void = () => undefined): FakeMachine {
  const images = emptyStore()
  images.images.set(good, fakeImage(`${name}:previous`))
  images.images.set(bad, fakeImage(`${name}:latest`))
  images.images.set(`sha256:${'3'.repeat(64)}`, fakeImage('gate:1'))
  const fleet = runningFleet({ scribe: `${name}:latest`, gate: 'gate:1' })
  runOn(fleet, images)
  const made = fakeMachine(fakeWorld({ fleet, images }), { book, target })
  prepare(made)
  return made
}

const runs = ({ world }: FakeMachine): string | undefined =>
  world.fleet.services.get('scribe')?.instance?.imageId

const tag = `docker tag ${name}:previous ${name}:latest`

describe('an imported image rollback runs the image that it goes back to', () => {
  test.each([
    ['docker compose up -d scribe'],
    ['docker compose up -d --build scribe'],
    ['docker compose up -d --force-recreate scribe'],
    ['docker compose up -d --no-deps --build scribe'],
    ['docker compose stop scribe && docker compose up -d scribe'],
    ['docker compose stop scribe && docker compose start scribe'],
    ['docker compose restart scribe'],
    ['docker compose down && docker compose up -d scribe gate'],
    ['docker-compose up --detach scribe'],
  ])('%s', async (start) => {
    const { text, book } = await imported(tag, start)
    expect(text).toContain("proof: 'image'")
    expect(text).not.toContain('startServices(')
    expect(text).not.toContain('runDockerTag')
    const calm = machine(book)
    expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
    expect(runs(calm)).toBe(good)
  })

  test('at every moment, and back', async () => {
    const { book } = await imported(tag, 'docker compose up -d scribe')
    await everyMoment(() => machine(book))
  }, 180_000)

  test('a service that is declared with another name fails the run, which is undone', async () => {
    const { book } = await imported(tag, 'docker compose up -d scribe')
    const other = machine(book, ({ world }) => {
      const service = world.fleet.services.get('scribe')
      if (service === undefined) throw new Error('the fleet has no scribe')
      service.declared = `${name}:stable`
      world.images.images.set(bad, fakeImage(`${name}:latest`, `${name}:stable`))
      runOn(world.fleet, world.images)
    })
    expect(await other.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(runs(other)).toBe(bad)
    expect(world(other)).toEqual([`${name}:latest`, `${name}:stable`])
  })

  test('an image that is only kept under another tag is not what has to run', async () => {
    const { text, book } = await imported(
      `docker tag ${name}:latest ${name}:broken`,
      tag,
      'docker compose up -d scribe',
    )
    expect(text.match(/bringUp\(/g)).toHaveLength(1)
    const calm = machine(book)
    expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
    expect(runs(calm)).toBe(good)
  })
})

const world = ({ world: { images } }: FakeMachine): readonly string[] =>
  images.images.get(bad)?.tags.toSorted() ?? []

describe('a start that says nothing of what was changed before', () => {
  const moved = ({ world: { images } }: FakeMachine): void => {
    images.images.set(good, fakeImage(`${name}:previous`, `${name}:latest`))
    images.images.set(bad, fakeImage())
  }

  test.each([['docker compose up -d scribe'], ['docker compose up -d --force-recreate scribe']])(
    '%s runs what is configured by then',
    async (start) => {
      const { text, book } = await imported(start)
      expect(text).toContain("proof: 'present'")
      const after = machine(book, moved)
      expect(await after.run()).toMatchObject({ outcome: 'succeeded' })
      expect(runs(after)).toBe(good)
    },
  )

  test('containers that are made again although nothing changed are new ones', async () => {
    for (const commands of [
      ['docker compose down', 'docker compose up -d scribe'],
      ['docker compose up -d --force-recreate scribe'],
    ]) {
      const { book } = await imported(...commands)
      const calm = machine(book)
      const before = calm.world.fleet.services.get('scribe')?.instance?.id
      expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
      expect(calm.world.fleet.services.get('scribe')?.instance?.id).not.toBe(before)
    }
  })

  test.each([['docker compose up -d scribe'], ['docker compose up -d --force-recreate scribe']])(
    '%s at every moment, and back',
    async (start) => {
      const { book } = await imported('docker compose stop scribe', start)
      // A container that is made again is another one, as is its log.
      const compare = (state: { readonly [part: string]: unknown }) =>
        JSON.parse(
          JSON.stringify(state)
            .replaceAll(/scribe-\d+/g, 'scribe-n')
            .replaceAll(/(scribe runs [^\\"]+\\n)+/g, 'log')
            .replaceAll(/"made":\d+/g, '"made":0'),
        ) as never
      await everyMoment(() => machine(book, moved), { compare })
    },
    180_000,
  )

  test('files that changed unseen are refused before anything happens', async () => {
    const { book } = await imported('docker compose up -d scribe')
    const edited = machine(book, (fake) => {
      const service = fake.world.fleet.services.get('scribe')
      if (service !== undefined) service.declared = `${name}:previous`
    })
    expect(await edited.run()).toMatchObject({ outcome: 'refused', code: 'preflight' })
    expect(runs(edited)).toBe(bad)
  })

  test('a restart stops what runs', async () => {
    const { book } = await imported('docker compose restart scribe')
    const calm = machine(book)
    const stops: string[] = []
    calm.world.fleet.beforeChange = (operation) => void stops.push(operation)
    expect(await calm.run()).toMatchObject({ outcome: 'succeeded' })
    expect(stops).toEqual(['stop', 'start'])
  })
})

describe('an edit of the environment file', () => {
  test.each([
    ["sed -i 's/^SCRIBE_TAG=.*/SCRIBE_TAG=1.2/' .env"],
    ['sed -i "s|^SCRIBE_TAG=.*$|SCRIBE_TAG=1.2|" deploy/.env'],
    ['echo SCRIBE_TAG=1.2 >> .env'],
  ])('%s chooses the image that has to run', async (edit) => {
    const { text } = await imported(edit, 'docker compose up -d scribe')
    expect(text).toMatch(/chooseTag\(\{ pin: target\.version, to: '1\.2'/)
    expect(text).toContain("proof: 'image'")
    expect(text).not.toMatch(/startServices\(|proof: 'present'/)
  })

  test('so do an exported variable and images that Compose pulls', async () => {
    for (const edit of ['export SCRIBE_TAG=1.2', 'docker compose pull scribe']) {
      const { text } = await imported(edit, 'docker compose up -d scribe')
      expect(text).toContain("proof: 'image'")
      expect(text).not.toMatch(/startServices\(|proof: 'present'/)
    }
  })

  test('a setting is proven by the variables that run', async () => {
    const { text } = await imported("sed -i 's/^MODE=.*/MODE=off/' .env", 'docker compose up -d scribe')
    expect(text).toContain("'Set MODE=off'")
    expect(text).toContain("proof: 'environment'")
  })
})

describe('an imported restore', () => {
  const commands = [
    'docker compose stop web worker',
    'pg_restore --clean -d shop /backups/db/shop-20260203_040000.dump',
    'docker compose up -d web worker',
    'curl -f http://shop/health',
  ]
  const orders = ({ world: { server } }: FakeMachine, of = 'shop') =>
    server.databases.get(of)?.tables['orders']

  test('asks before anything stops, and shows what would be lost; the old data stays, open and counted', async () => {
    const { book } = await imported(...commands)
    const made = fakeMachine(damagedShop(), { book, target: shop })
    expect(await made.run()).toMatchObject({ outcome: 'succeeded' })
    expect(orders(made)).toEqual(goodOrders)
    const aside = [...made.world.server.databases.keys()].find((one) => one.startsWith('shop__'))
    expect(orders(made, aside)).toEqual(badOrders)
    const reached = made.world.faults.reached
    expect(reached.findIndex((moment) => moment.startsWith('person.'))).toBeLessThan(
      reached.findIndex((moment) => moment.startsWith('services.stop')),
    )
    expect(Buffer.from(made.world.disk.files.get('/artifacts/checklist.md') ?? []).toString()).toContain(
      'shop-20260203_040000.dump',
    )
  })

  test('changes nothing without the phrase, and everything goes back where the data does not come up', async () => {
    const { book } = await imported(...commands)
    const refused = fakeMachine(damagedShop(), { book, target: shop })
    refused.world.person = nobody
    const before = refused.world.state()
    expect(await refused.run()).not.toMatchObject({ outcome: 'succeeded' })
    expect(refused.world.state()).toEqual(before)
    const sick = fakeMachine(damagedShop(), { book, target: shop })
    sick.world.web.answers.set('http://shop/health', [{ status: 500 }])
    expect(await sick.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(orders(sick)).toEqual(badOrders)
  })
})

describe('an imported restore of a SQLite file', () => {
  const target = targetOf(
    {
      targets: {
        library: {
          stack: { kind: 'compose', project: 'library', files: ['compose.yml'] },
          writers: ['desk'],
          database: { engine: 'sqlite', file: 'data/books.db' },
          backups: { directory: 'backups', pattern: 'books_{time}.db' },
          assertions: [{ name: 'loans are there', sql: 'select count(*) from loans', atLeast: 1 }],
          health: [{ name: 'desk', url: 'http://127.0.0.1:8931/' }],
        },
      },
    },
    'library',
  )
  const commands = [
    'docker compose stop desk',
    'BACKUP=backups/books_20260203_040000.db',
    'sha256sum -c $BACKUP.sha256',
    'sqlite3 $BACKUP "pragma integrity_check"',
    'cp data/books.db /tmp/books-$(date +%Y%m%d).db',
    'cp $BACKUP data/books.db',
    'rm -f data/books.db-wal data/books.db-shm',
    'docker compose up -d desk',
    'curl -f http://127.0.0.1:8931/',
    'sqlite3 data/books.db "select count(*) from loans"',
  ]
  const [whole, damaged] = [
    {
      loans: [
        { id: 1, reader: 'ann' },
        { id: 2, reader: 'bob' },
      ],
    },
    { loans: [{ id: 1, reader: '' }] },
  ]

  function desk(book: Runbook, status = 200): FakeMachine {
    const dump = dumpBytes({
      engine: 'sqlite',
      major: 3,
      database: 'books',
      takenAt: '2026-02-03T04:00:00Z',
      tables: whole,
      roles: [],
      extensions: [],
    })
    const disk = emptyDisk()
    const file = '/project/backups/books_20260203_040000.db'
    lay(disk, file, dump)
    const sum = createHash('sha256').update(dump).digest('hex')
    lay(disk, `${file}.sha256`, `${sum}  books_20260203_040000.db\n`)
    const server = fakeServer({ books: damaged }, { engine: 'sqlite' })
    const world = fakeWorld({ disk, fleet: runningFleet({ desk: 'desk:1' }), server })
    world.person = { ...nobody, confirm: target.database?.confirmPhrase ?? null }
    world.web.answers.set('http://127.0.0.1:8931/', [{ status }])
    return fakeMachine(world, { book, target })
  }
  const live = ({ world: { server } }: FakeMachine) => server.databases.get('books')?.tables

  test('becomes a proven copy that is swapped in, with a section for each thing that the document says', async () => {
    const { text, files, book } = await imported(...commands)
    expect(text).toContain('swapDatabase(')
    expect(text).not.toMatch(/run[A-Z]\w+\(|openReplaced|dumpDatabase/)
    const config = files.find(({ path }) => path === 'runbook.config.ts')?.text ?? ''
    expect(config).toContain(`database: { engine: 'sqlite', file: 'data/books.db' }`)
    expect(config).toContain(`backups: { directory: 'backups', pattern: 'books_{time}.db' }`)
    expect(config).toContain(`sql: 'select count(*) from loans'`)
    expect(config).toContain(`health: [{ name: 'health', url: 'http://127.0.0.1:8931/' }]`)
    const made = desk(book)
    expect(await made.run()).toMatchObject({ outcome: 'succeeded' })
    expect(live(made)).toEqual(whole)
    const sick = desk(book, 500)
    expect(await sick.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(live(sick)).toEqual(damaged)
  })

  test('at every moment, and back', async () => {
    const { book } = await imported(...commands)
    await everyMoment(() => desk(book), {
      compare: ({ databases, ...rest }) => ({
        ...rest,
        live: JSON.stringify((databases as { readonly books: unknown }).books),
      }),
    })
  }, 180_000)

  test('a copy of the live file is dumped where nothing is restored, and a second database is nobody’s', async () => {
    const kept = await imported(
      'sqlite3 data/books.db ".backup /srv/backups/books.db"',
      'docker compose restart desk',
    )
    expect(kept.text).toContain('dumpDatabase(')
    const { text } = await imported(...commands, 'cp backups/fines.db data/fines.db')
    expect(text).toContain('The runbook is about data/books.db')
    expect(text).toContain('runCpFinesDb(')
  })
})
