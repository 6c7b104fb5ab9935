import { describe, expect, it } from 'vitest'
import drill from '../../runbooks/quarterly-full-drill.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import { archiveOf, lay, fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself, type Procedure } from '../fixtures/matrix.ts'
import { archived, codexDrill, drilled, file, live, releases, root, serves } from './fake-drill.ts'
import { kept } from './fake-drive.ts'

const records = ['/artifacts/checklist.md']
const text = ({ disk }: FakeWorld, path: string): string => Buffer.from(disk.files.get(path) ?? []).toString()
const asides = ({ disk }: FakeWorld): readonly string[] =>
  [...disk.folders].filter((path) => /^\/srv\/codex\/\.(codex-api\.|replaced-)[^/]+$/.test(path)).sort()
/** The disk and the services, without what every run records. */
const world = (one: FakeWorld): JsonObject => {
  const { files, ...rest } = one.state() as { readonly files: JsonObject }
  return {
    ...rest,
    files: Object.fromEntries(Object.entries(files).filter(([path]) => !records.includes(path))),
  }
}

const common = { target: codexDrill, book: drill, records }
// The way with every step in it; what is kept is a part of it, and is gone below.
const procedure: Procedure = {
  ...common,
  name: 'quarterly-full-drill',
  world: drilled,
  params: { afterwards: 'put-back' },
  succeeded: (one, { run: id }) => {
    expect(world(one)).toEqual(world(drilled()))
    expect(serves(one)).toBe('version 1.0.2, live data')
    expect(one.disk.permissions.get(`${live}/codex/auth.json`)).toEqual({ mode: 0o640, uid: 1000, gid: 1000 })
    expect(text(one, '/artifacts/checklist.md')).toContain(id)
  },
}
provesItself(procedure)

type Given = {
  readonly params?: JsonObject
  readonly target?: Target
  readonly change?: (world: FakeWorld) => void
  readonly cipher?: 'gpg' | 'age'
}

async function run({ params = {}, target = codexDrill, change = () => undefined, cipher }: Given = {}) {
  const one = drilled(cipher === undefined ? {} : { cipher })
  change(one)
  const before = one.state()
  const machine = fakeMachine(one, { book: drill, target })
  const result = await machine.run({ afterwards: 'put-back', ...params })
  return {
    one,
    machine,
    result,
    told: JSON.stringify(result) + JSON.stringify(machine.entries),
    untouched: () => expect(one.state()).toEqual(before),
  }
}

describe('T.24: two drills on one day', () => {
  it('the naive way moves the second live folder into the first one; ours keeps both', async () => {
    const one = drilled()
    const machine = fakeMachine(one, { book: drill, target: codexDrill })
    expect((await machine.run({ afterwards: 'keep-restored' })).code).toBe('succeeded')
    lay(one.disk, `${live}/sessions/second`, 'after the first drill')
    expect((await machine.run({ afterwards: 'keep-restored' })).code).toBe('succeeded')
    const [first = '', second = ''] = asides(one).filter((path) => path.startsWith(`${live}.`))
    expect(text(one, `${first}/sessions/today`)).toBe('a session of today')
    expect(text(one, `${second}/sessions/second`)).toBe('after the first drill')
    expect(one.disk.folders.has(`${first}/.codex-api`)).toBe(false)
  })

  it('a name that is taken, of whatever origin, is not taken again', async () => {
    const first = await run({ params: { afterwards: 'keep-restored' } })
    const [taken = ''] = asides(first.one)
    // The same run of a twin world finds its name taken.
    const { one, result } = await run({
      params: { afterwards: 'keep-restored' },
      change: ({ disk }) => lay(disk, `${taken}/old`, 'of another'),
    })
    expect(result.code).toBe('succeeded')
    expect(text(one, `${taken}/old`)).toBe('of another')
    expect(text(one, `${taken}-2/sessions/today`)).toBe('a session of today')
  })
})

it('T.8: a drill that is killed before midnight puts the same folder back after midnight', async () => {
  for (const way of ['resume', 'rollback'] as const) {
    const one = drilled()
    one.clock.pass(Date.parse('2026-02-03T23:59:55Z') - one.clock.now().getTime())
    const before = world(one)
    const machine = fakeMachine(one, {
      book: drill,
      target: {
        ...codexDrill,
        data: { ...codexDrill.data, place: { ...codexDrill.data?.place, maxAgeSeconds: 1e6 } },
      } as Target,
    })
    // Killed where nothing is in the live folder's place.
    const moves = 'files.move done'
    one.faults.order(moves, 'kill', 1)
    await expect(machine.run({ afterwards: 'put-back' })).rejects.toThrow()
    const [aside = ''] = asides(one)
    expect(aside).toContain('20260203')
    expect(one.disk.folders.has(live)).toBe(false)
    one.clock.pass(600_000)
    expect(one.clock.now().toISOString()).toContain('2026-02-04')
    // The naive way: the name made anew from today's date is of no folder.
    expect(
      one.disk.folders.has(`${live}.${one.clock.now().toISOString().slice(0, 10).replaceAll('-', '')}`),
    ).toBe(false)
    const result = await machine[way]()
    expect(result.outcome, JSON.stringify(result)).toBe(way === 'resume' ? 'succeeded' : 'rolled-back')
    expect(world(one)).toEqual(before)
  }
})

describe('the drill goes back', () => {
  it.each<[string, Given]>([
    [
      'where the service does not come up on what was restored',
      {
        change: ({ web, fleet, disk }) =>
          web.answers.set('http://codex/healthz', [
            () =>
              serves({ fleet, disk })?.includes('restored') === true ? { status: 500 } : { status: 200 },
          ]),
      },
    ],
    [
      'where the smoke test fails',
      {
        target: {
          ...codexDrill,
          drill: { ...(codexDrill.drill as NonNullable<Target['drill']>), smoke: ['false'] },
        },
        change: ({ programs }) =>
          programs.installed.set('false', { version: '1', run: () => ({ exitCode: 1 }) }),
      },
    ],
    [
      'where an archive lacks its key file',
      {
        change: ({ disk }) =>
          file(
            disk,
            kept,
            'codex-api-20260203T030000Z.tar.gz',
            archiveOf([
              { name: '.codex-api/', kind: 'folder' },
              { name: '.codex-api/other', kind: 'file', body: 'other' },
            ]),
          ),
      },
    ],
    [
      'where the live data belongs to another user than what is restored',
      { change: ({ disk }) => disk.permissions.set(live, { mode: 0o755, uid: 33, gid: 33 }) },
    ],
    [
      'where a bundle would replace the live folder',
      {
        change: ({ disk }) =>
          file(
            disk,
            releases,
            'codex-completions-api-v1.0.3-20260201T120000Z.tar.gz',
            archiveOf([
              { name: 'b/', kind: 'folder' },
              { name: 'b/.codex-api/x', kind: 'file', body: 'x' },
            ]),
          ),
      },
    ],
    [
      'where staging lies on another file system',
      {
        change: ({ disk }) =>
          void disk.mounts.set(`${root}/.staging`, {
            device: 9,
            type: 'tmpfs',
            source: 'tmpfs',
            bytesTotal: 1e9,
            freeBytes: 1e9,
            dead: false,
          }),
      },
    ],
  ])('%s', async (_, given) => {
    const { one, result, told } = await run(given)
    expect(result.outcome, told.slice(0, 2000)).toBe('rolled-back')
    expect(serves(one)).toBe('version 1.0.2, live data')
    expect(asides(one)).toEqual([])
    expect(text(one, `${live}/sessions/today`)).toBe('a session of today')
  })

  it('where somebody wrote into the live data while it was aside: never taken for what it was', async () => {
    const { one, result, told } = await run({
      change: (made) => {
        made.disk.beforeChange = (operation, path) => {
          const [aside] = asides(made)
          if (operation === 'move' && path === `${root}/server.js` && aside !== undefined)
            lay(made.disk, `${aside}/sessions/today`, 'tampered with')
        }
      },
    })
    expect(result.outcome).toBe('needs-human')
    expect(told).toContain('/.codex-api changed: expected ')
    expect(text(one, `${live}/sessions/today`)).toBe('tampered with')
  })
})

describe('what the service accepts on the restored data and release', () => {
  const during = `${live}/sessions/during`
  const upload = `${root}/docs/upload`
  /** A person uses the service while the drill has it up. */
  const accepting = (one: FakeWorld, { smoke = true }: { readonly smoke?: boolean } = {}): void => {
    one.web.answers.set('http://codex/healthz', [
      () => {
        const served = serves(one)
        if (served !== 'version 1.0.1, restored data') return served === null ? 'refused' : { status: 200 }
        for (const path of [during, upload]) {
          lay(one.disk, path, 'accepted by production')
          one.disk.modifiedAt.set(path, one.clock.now())
        }
        return { status: 200 }
      },
    ])
    if (!smoke)
      one.programs.installed.set('npm', {
        version: '11.0.0',
        run: ({ argv }) => ({ exitCode: argv[1] === 'install' ? 0 : 1 }),
      })
  }
  const keptIn = ({ disk }: FakeWorld): readonly string[] =>
    [...disk.files.keys()].filter((path) => path.includes('.kept-')).sort()

  it.each([
    ['is kept when the drill puts everything back', true, 'succeeded'],
    ['is kept when the drill fails and is rolled back', false, 'rolled-back'],
  ] as const)('%s', async (_, smoke, outcome) => {
    const { one, machine, result } = await run({ change: (made) => accepting(made, { smoke }) })
    expect(result.outcome).toBe(outcome)
    expect(serves(one)).toBe('version 1.0.2, live data')
    const [data, code] = [`${live}.kept-${result.run}`, `${root}/.kept-${result.run}/docs`]
    expect(text(one, `${data}/sessions/during`)).toBe('accepted by production')
    expect(text(one, `${code}/upload`)).toBe('accepted by production')
    // What nobody wrote to is removed with staging.
    expect(keptIn(one).some((path) => path.includes('server.js'))).toBe(false)
    const told = JSON.stringify([result, machine.entries])
    expect(told).toContain(
      `what was live as ${live} in this run is kept as ${data}; written to since it went live: sessions/during; copy`,
    )
    expect(told).toContain(`kept as ${code}; written to since it went live: upload; copy`)
  })

  it.each(['resume', 'rollback'] as const)('is kept over a kill in the moves back, by %s', async (way) => {
    for (const nth of [1, 2, 3, 4, 5]) {
      const one = drilled()
      accepting(one)
      const machine = fakeMachine(one, { book: drill, target: codexDrill })
      const wentBack = (path: string): boolean => path.includes('.kept-')
      let left = nth
      one.disk.beforeChange = (operation, path) => {
        if (operation !== 'move' || (left === nth && !wentBack(path))) return
        left -= 1
        if (left === 0) one.faults.order('files.move done', 'kill', 1)
      }
      const ended = await machine.run({ afterwards: 'put-back' }).catch(() => null)
      expect(ended, `no kill at move ${nth}`).toBeNull()
      const result = await machine[way]()
      expect(['succeeded', 'rolled-back'], `${nth}: ${JSON.stringify(result)}`).toContain(result.outcome)
      expect(serves(one)).toBe('version 1.0.2, live data')
      expect(keptIn(one)).toContain(`${live}.kept-${result.run}/sessions/during`)
      expect(keptIn(one)).toContain(`${root}/.kept-${result.run}/docs/upload`)
      expect(JSON.stringify(machine.entries)).toContain(`"${live}.kept-${result.run}`)
    }
  })

  it('is removed with staging where the service wrote nothing', async () => {
    const { one, result } = await run()
    expect(result.outcome).toBe('succeeded')
    expect(keptIn(one)).toEqual([])
  })
})

describe('the drill is refused before it touches anything', () => {
  it.each<[string, Given, RegExp]>([
    [
      'where nobody approves',
      {
        change: (one) => {
          one.person = { ...one.person, confirm: 'yes' }
        },
      },
      /drill codex/,
    ],
    [
      'where nobody is there to document it',
      {
        change: (one) => {
          one.person = { ...one.person, answers: {} }
        },
      },
      /outcome/,
    ],
    [
      'where the archive is encrypted and its passphrase is missing',
      { cipher: 'gpg', change: ({ environment }) => environment.clear() },
      /is encrypted, and secret CODEX_BACKUP_GPG_KEY is not available/,
    ],
    [
      'where the archive is encrypted and no passphrase is configured',
      {
        cipher: 'age',
        target: {
          ...codexDrill,
          data: { ...(codexDrill.data as NonNullable<Target['data']>), passphrase: null },
        },
      },
      /is encrypted, and no passphrase is configured/,
    ],
    [
      'where gpg is missing',
      { cipher: 'gpg', change: ({ programs }) => programs.installed.delete('gpg') },
      /gpg is not installed/,
    ],
    [
      'where the archive is encrypted with age, whose package is missing',
      { cipher: 'age', change: ({ programs }) => programs.packages.delete('age-encryption') },
      /is encrypted, and the npm package age-encryption is not installed/,
    ],
    [
      'where there is no archive',
      {
        change: ({ disk }) => {
          for (const path of disk.files.keys()) if (path.startsWith(kept)) disk.files.delete(path)
        },
      },
      /no backup codex-api/,
    ],
    [
      'where the live folder is gone',
      {
        change: ({ disk }) => {
          for (const path of [...disk.files.keys(), ...disk.folders])
            if (path.startsWith(live)) {
              disk.files.delete(path)
              disk.folders.delete(path)
            }
        },
      },
      /\.codex-api not found/,
    ],
    [
      'where the live folder is a link',
      {
        change: ({ disk }) => {
          for (const path of [...disk.files.keys(), ...disk.folders])
            if (path.startsWith(live)) {
              disk.files.delete(path)
              disk.folders.delete(path)
            }
          disk.links.set(live, '/mnt/data')
        },
      },
      /is a link, not a folder/,
    ],
    [
      'where the smoke test is not installed',
      {
        target: {
          ...codexDrill,
          drill: { ...(codexDrill.drill as NonNullable<Target['drill']>), smoke: ['absent'] },
        },
      },
      /absent is not installed/,
    ],
    [
      'where the code of the service is in its image',
      { change: ({ fleet }) => void Object.assign(fleet.services.get('app')!.instance!, { mounted: {} }) },
      /app mounts no code from \/srv\/codex, so the release bundle is not exercised/,
    ],
    [
      'where the service mounts its data only',
      {
        change: ({ fleet }) =>
          void Object.assign(fleet.services.get('app')!.instance!, { mounted: { '/data': live } }),
      },
      /the release bundle is not exercised/,
    ],
    [
      'where an archive is asked for that is not there',
      { params: { archive: '/nowhere/codex-api-20260101T000000Z.tar.gz' } },
      /nowhere/,
    ],
  ])('%s', async (_, given, why) => {
    const { result, told, untouched } = await run(given)
    expect(['refused', 'usage', 'preflight']).toContain(
      result.outcome === 'refused' ? 'refused' : result.code,
    )
    expect(told).toMatch(why)
    untouched()
  })
})

it.each(['gpg', 'age'] as const)(
  'keeps what was restored from an archive that %s encrypted, and what was there beside it',
  async (cipher) => {
    const { one, result } = await run({ cipher, params: { afterwards: 'keep-restored' } })
    expect(result.code).toBe('succeeded')
    expect(serves(one)).toBe('version 1.0.1, restored data')
    const [aside = '', replaced = ''] = asides(one)
    expect(text(one, `${aside}/sessions/today`)).toBe('a session of today')
    expect(text(one, `${replaced}/server.js`)).toBe('version 1.0.2')
    // Names that are never replaced, and what the bundle does not hold.
    expect(text(one, `${root}/.env`)).toBe('SECRET_OF=the-host')
    expect(text(one, `${root}/.git/HEAD`)).toContain('main')
    expect([...one.disk.files.keys()].filter((path) => path.startsWith(`${root}/.staging/`))).toEqual([])
  },
)

it('a plain archive needs no passphrase and no gpg', async () => {
  const { result } = await run({ change: ({ programs }) => programs.installed.delete('gpg') })
  expect(result.code).toBe('succeeded')
})

it('restores what was asked for, and not what is newer', async () => {
  const other = Buffer.from(
    Buffer.from(archived).toString().replaceAll('# of the archive', '# of the archive, older'),
  )
  const { machine, result } = await run({
    params: { archive: `${kept}/codex-api-20260202T100000Z.tar.gz` },
    change: ({ disk }) => void file(disk, kept, 'codex-api-20260202T100000Z.tar.gz', other),
  })
  expect(result.code).toBe('succeeded')
  expect(JSON.stringify(machine.entries)).toContain('codex-api-20260202T100000Z')
})
