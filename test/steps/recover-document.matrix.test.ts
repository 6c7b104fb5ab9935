import { describe, expect, it } from 'vitest'
import recover from '../../runbooks/recover-document.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import type { Target } from '../../src/model/target.ts'
import {
  archiveOf,
  emptyDisk,
  emptyWeb,
  encrypted,
  lay,
  layInVolume,
  fakeMachine,
  fakeWorld,
  noPrograms,
  noVolumes,
  runningFleet,
  somebody,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { newestOf } from '../../steps/backups/lib/choose-tree-path.ts'
import { fits, relativeTo } from '../../steps/documents/find-in-tree.ts'
import { kindOfBytes, kindOfName } from '../../steps/files/lib/file-type.ts'
import { provesItself } from '../fixtures/matrix.ts'

const phrase = 'recover a document on pretended'
const passphrase = 'correct horse battery staple'
const checklist = '/artifacts/checklist.md'
const stack = {
  kind: 'compose',
  project: 'contextsafe',
  directory: '/srv',
  files: ['/srv/docker-compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const good = '%PDF-1.7 whole'
const bad = '%PDF-1.7 cut o'
const owned = { uid: 1000, gid: 1001, mode: 0o640 }

type Where = 'volume' | 'host'

const target = (where: Where): Target => ({
  name: 'contextsafe' as string as Target['name'],
  title: 'ContextSafe',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  documents: {
    at:
      where === 'host'
        ? { inside: null, path: '/srv/documents' }
        : { inside: { stack, service: 'api' }, path: '/app/data/documents' },
    ownership: { uid: 1000, gid: 1000, mode: 0o600 },
    confirmPhrase: phrase,
    passphrase: { secret: 'passphrase', from: { env: 'PASSPHRASE' } },
    backups: {
      directory: '/backups',
      pattern: 'data-*',
      maxAgeSeconds: 86_400,
      minBytes: 10,
      checksums: 'if-present',
    },
  },
  ...(where === 'host'
    ? {}
    : {
        health: [
          {
            name: 'api',
            url: 'http://api/health',
            status: 200,
            passes: 1,
            withinSeconds: 20,
            everySeconds: 1,
            timeoutSeconds: 1,
            json: {},
            bearer: null,
          },
        ],
      }),
  staging: '/backups/staging',
  checklist: { file: checklist },
  settings: {},
})

/** In a volume: backed up as an encrypted archive, and damaged. On the host: backed up as a folder, and gone. */
function world(
  where: Where,
  present: string | null = where === 'volume' ? bad : null,
  others: readonly string[] = ['p1/d10.pdf', 'p2/d2.pdf', 'p3/d2.txt'],
): FakeWorld {
  const disk = emptyDisk()
  const web = emptyWeb()
  const programs = noPrograms()
  const volumes = noVolumes()
  for (const folder of [
    '/backups',
    '/backups/staging',
    '/artifacts',
    '/srv',
    '/srv/documents',
    '/srv/documents/p1',
  ])
    disk.folders.add(folder)
  const members = ['p1/d1.pdf', ...others].map((path) => ({
    name: `data-20240110/documents/${path}`,
    kind: 'file' as const,
    body: path === 'p1/d1.pdf' ? good : 'another',
  }))
  if (where === 'volume') {
    lay(disk, '/backups/data-20240110.tar.gz.gpg', encrypted(archiveOf(members), passphrase))
    layInVolume(volumes, 'api', '/app/data/documents/p1/d10.pdf', 'another', owned)
    if (present !== null) layInVolume(volumes, 'api', '/app/data/documents/p1/d1.pdf', present, owned)
  } else {
    for (const { name, body } of members) lay(disk, `/backups/${name}`, Buffer.from(body))
    if (others.length > 0)
      lay(disk, '/backups/data-20230101/documents/p1/d1.pdf', Buffer.from('%PDF-1.7 too old'))
    if (present !== null) lay(disk, '/srv/documents/p1/d1.pdf', Buffer.from(present))
  }
  web.answers.set('http://api/health', [{ status: 200, json: { ok: true } }])
  programs.installed.set('gpg', { version: '2.4.0' })
  return fakeWorld({
    disk,
    web,
    programs,
    volumes,
    fleet: runningFleet({ api: 'contextsafe/api:0.1.0' }),
    person: somebody(phrase, phrase, phrase, phrase),
    environment: { PASSPHRASE: passphrase },
  })
}

const params = { document: 'd1', project: null, backup: null }

provesItself({
  name: 'recover-document, in a volume',
  book: recover,
  target: target('volume'),
  params,
  world: () => world('volume', bad, []),
  records: [checklist],
  succeeded: ({ volumes, disk }, { run }) => {
    const files = volumes.get('api') ?? new Map()
    expect(files.get('/app/data/documents/p1/d1.pdf')).toMatchObject({ ...owned, body: Buffer.from(good) })
    expect(files.get(`/app/data/documents/p1/corrupt-${run}-d1.pdf`)).toMatchObject({
      ...owned,
      body: Buffer.from(bad),
    })
    expect([...files.values()].filter(({ kind }) => kind === 'file')).toHaveLength(3)
    expect([...disk.folders].filter((path) => path.startsWith('/backups/staging/'))).toEqual([])
  },
})

provesItself({
  name: 'recover-document, on the host',
  book: recover,
  target: target('host'),
  params,
  world: () => world('host', null, []),
  records: [checklist],
  succeeded: ({ disk }) => {
    expect([...disk.files.keys()].filter((path) => path.startsWith('/srv/documents/'))).toEqual([
      '/srv/documents/p1/d1.pdf',
    ])
    expect(Buffer.from(disk.files.get('/srv/documents/p1/d1.pdf') ?? []).toString()).toBe(good)
  },
})

describe('recover-document', () => {
  const run = async (on: FakeWorld, where: Where, over: { readonly [name: string]: string } = {}) => {
    const machine = fakeMachine(on, { book: recover, target: target(where) })
    const before = JSON.stringify([
      on.state()['volumes'],
      [...on.disk.files]
        .filter(([path]) => path.startsWith('/srv/'))
        .map(([path, body]) => [path, sha256(body)]),
    ])
    const result = await machine
      .run({ ...params, ...over })
      .catch((thrown: unknown) => ({ outcome: 'never begun', thrown: String(thrown) }))
    const after = JSON.stringify([
      on.state()['volumes'],
      [...on.disk.files]
        .filter(([path]) => path.startsWith('/srv/'))
        .map(([path, body]) => [path, sha256(body)]),
    ])
    return { result, told: JSON.stringify([result, machine.events]), untouched: before === after }
  }
  const refuses = async (
    on: FakeWorld,
    where: Where,
    over: { readonly [name: string]: string },
    words: RegExp,
  ): Promise<void> => {
    const { result, told, untouched } = await run(on, where, over)
    expect(result.outcome).not.toBe('succeeded')
    expect(told).toMatch(words)
    expect(untouched).toBe(true)
  }

  it('keeps the damaged one on the host too', async () => {
    const on = world('host', bad)
    expect((await run(on, 'host')).result.outcome).toBe('succeeded')
    const kept = [...on.disk.files].filter(([path]) => path.startsWith('/srv/documents/p1/corrupt-'))
    expect(kept.map(([, body]) => Buffer.from(body).toString())).toEqual([bad])
  })

  it('lists what the name may mean, and takes the one of a project', async () => {
    await refuses(
      world('host'),
      'host',
      { document: 'd2' },
      /d2 is ambiguous in the backup \(2 matches\): p2\/d2\.pdf, p3\/d2\.txt/,
    )
    await refuses(
      world('host'),
      'host',
      { document: 'd2', project: 'p3' },
      /folder \/srv\/documents\/p3 not found/,
    )
  })

  it.each(['../d1', '/etc/passwd', '*', 'd1*', '', '.', '..', '-rf', 'a\nb', 'x'.repeat(300)])(
    'refuses the name %j',
    (document) => refuses(world('host'), 'host', { document }, /is not the name of one file|flag|given/),
  )
  it('refuses one that the backup does not have', () =>
    refuses(world('host'), 'host', { document: 'd9' }, /d9 not found in \S+ of the backup/))
  it('refuses one that is the same already', () =>
    refuses(world('volume', good), 'volume', {}, /is identical to the file in the backup/))
  it('refuses a backup that is not there', () =>
    refuses(
      world('host'),
      'host',
      { backup: '/backups/data-19990101' },
      /data-19990101: no such file or folder/,
    ))
  it('refuses an archive that is cut off', () => {
    const on = world('volume')
    lay(
      on.disk,
      '/backups/data-20250101.tar.gz',
      archiveOf([{ name: 'documents/p1/d1.pdf', kind: 'file', body: good }]).subarray(0, 20),
    )
    return refuses(on, 'volume', {}, /verification|damaged|truncated/)
  })

  it.each([
    ['empty', '', /is empty/],
    [
      'of another kind than its name says',
      'garbage',
      /is damaged: its content is of an unknown type, not PDF/,
    ],
  ])('refuses one that is %s in the backup', (_, body, words) => {
    const on = world('host')
    lay(on.disk, '/backups/data-20240110/documents/p1/d1.pdf', Buffer.from(body))
    return refuses(on, 'host', {}, words)
  })

  it('follows no link, neither in the backup nor in its place', async () => {
    const inBackup = world('host')
    inBackup.disk.files.delete('/backups/data-20240110/documents/p1/d1.pdf')
    inBackup.disk.links.set('/backups/data-20240110/documents/p1/d1.pdf', '/etc/passwd')
    await refuses(inBackup, 'host', {}, /it is a link, not a file/)
    const inPlace = world('volume')
    inPlace.volumes.get('api')?.set('/app/data/documents/p1/d1.pdf', {
      kind: 'link',
      link: '/etc/passwd',
      body: new Uint8Array(0),
      ...owned,
    })
    await refuses(inPlace, 'volume', {}, /cannot restore \S+: it is a link, not a file/)
  })

  it('takes the newest by the digits of its name', () => {
    const place = { directory: '/b', pattern: 'data-*' }
    expect(
      newestOf(
        ['data-20240109', 'data-20240111.tar.gz', 'data-20240111.tar.gz.sha256', 'data-20240110', 'other'],
        place,
      ),
    ).toBe('data-20240111.tar.gz')
    expect(() => newestOf(['other'], place)).toThrow(/no backup data-\*/)
  })

  it('knows a document by its id, and where it belongs', () => {
    expect(['p1/d1.pdf', 'p1/d1', 'p1/d1.tar.gz'].map((path) => fits(path, 'd1', null))).toEqual([
      true,
      true,
      true,
    ])
    expect(['p1/d10.pdf', 'p1/d1x', 'p1/corrupt-x-d1.pdf'].map((path) => fits(path, 'd1', null))).toEqual([
      false,
      false,
      false,
    ])
    expect([
      fits('p1/d1.pdf', 'd1', 'p1'),
      fits('p1/d1.pdf', 'd1', 'p2'),
      fits('d1.pdf', 'd1', 'd1.pdf'),
    ]).toEqual([true, false, false])
    expect(relativeTo('/b/data/documents/p1/d1.pdf', '/b/data', 'documents')).toBe('p1/d1.pdf')
    expect(relativeTo('/b/documents/p1/d1.pdf', '/b/documents', 'documents')).toBe('p1/d1.pdf')
    expect(relativeTo('/b/data/p1/d1.pdf', '/b/data', 'documents')).toBeNull()
  })

  it.each([
    ['a.PDF', 'PDF'],
    ['a.docx', 'ZIP'],
    ['a.txt', null],
    ['pdf', 'PDF'],
    ['p/a', null],
  ])('%s promises %s', (name, kind) => expect(kindOfName(name)).toBe(kind))
  it('knows kinds by how they begin', () =>
    expect([
      kindOfBytes(Buffer.from('%PDF-1')),
      kindOfBytes(Buffer.from('')),
      kindOfBytes(Buffer.from([0x50, 0x4b, 3, 4])),
    ]).toEqual(['PDF', null, 'ZIP']))
})

it('the plan reads as the document does', () => {
  expect(planOf(recover, target('volume'), params).plan.steps.map(({ title, phase }) => `${phase}: ${title}`))
    .toMatchInlineSnapshot(`
    [
      "reversible: Choose the backup",
      "reversible: Create a staging folder",
      "reversible: Extract the backup",
      "reversible: Find the document in the backup",
      "reversible: Compare the document with the live one",
      "reversible: Ask the operator",
      "reversible: Restore the document",
      "reversible: Check health",
      "lastly: Clean up staging",
      "lastly: Log the result",
    ]
  `)
})
