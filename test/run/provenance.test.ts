import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import type { UsedImage } from '../../src/run/journal/provenance.ts'
import { imagesOf, provenanceOf, type Seen } from '../../src/run/record/provenance.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { startRun } from '../../src/run/start.ts'
import { lay } from '../../src/testing/disk.ts'
import { commitOn } from '../../src/testing/git.ts'
import { fakeWorld } from '../../src/testing/index.ts'
import { fakeImage } from '../../src/testing/images.ts'
import { runningFleet } from '../../src/testing/services.ts'
import { reportOf } from '../../src/views/report.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { ended, intent, journalOf, planWith, settled } from '../fixtures/told-run.ts'
import { Machine, runbook, toySteps } from './toy.ts'

const stack = { kind: 'compose', project: 'shop', directory: '/srv/shop' }
const sources = { configuration: '/srv/shop/runbook.config.ts', runbook: '/srv/shop/runbooks/mine.ts' }
const plan = planWith([
  { title: 'Stop', input: { services: { stack, names: ['web'] } } },
  { title: 'Restore', input: { database: { via: { stack, service: 'db' } } } },
])

function shop() {
  const world = fakeWorld({ fleet: runningFleet({ web: 'shop:2', db: 'postgres:17', other: 'x' }) })
  lay(world.disk, sources.configuration, 'export default {}')
  lay(world.disk, sources.runbook, 'export default {}')
  return { world, seen: world.drivers(watchedScope()) }
}

describe('what a run is made from', () => {
  it('is the commit of its configuration and runbook, and what of it is not committed', async () => {
    const { world, seen } = shop()
    const { sha } = commitOn(world.repositories, world.disk, '/srv/shop')
    const clean = await provenanceOf(seen, sources, plan)
    expect(clean.files).toMatchObject([
      { what: 'configuration', commit: sha, tracked: true, changed: [], why: null },
      { what: 'runbook', file: sources.runbook, commit: sha, tracked: true, changed: [], why: null },
    ])
    lay(world.disk, sources.configuration, 'export default { changed: true }')
    lay(world.disk, '/srv/shop/runbooks/new.ts', '')
    const { files } = await provenanceOf(seen, { ...sources, runbook: '/srv/shop/runbooks/new.ts' }, plan)
    expect(files).toMatchObject([
      { commit: sha, tracked: true, changed: ['runbook.config.ts'] },
      { commit: sha, tracked: false, changed: [] },
    ])
  })

  it('says that git does not know a file that it ignores, nor one in a folder that it ignores', async () => {
    const { world, seen } = shop()
    lay(world.disk, '/srv/shop/.gitignore', 'runbook.config.ts\nrunbooks\n')
    const { sha } = commitOn(world.repositories, world.disk, '/srv/shop')
    expect((await provenanceOf(seen, sources, plan)).files).toMatchObject([
      { commit: sha, tracked: false },
      { commit: sha, tracked: false },
    ])
  })

  it('is unknown before the first commit', async () => {
    const { world, seen } = shop()
    world.repositories.set('/srv/shop', [])
    expect((await provenanceOf(seen, sources, plan)).files).toMatchObject([
      { commit: null, tracked: null, why: 'its work tree has no commit yet' },
      { commit: null, tracked: null },
    ])
  })

  it('is unknown without git, and a runbook of the program has no commit', async () => {
    const { seen } = shop()
    expect((await provenanceOf(seen, { ...sources, runbook: null }, plan)).files).toMatchObject([
      { commit: null, tracked: null, why: 'it is in no git work tree' },
      { what: 'runbook', file: null, commit: null, why: 'it comes with the program' },
    ])
  })

  it('is the image of each service that a step names, and of no other', async () => {
    const { seen } = shop()
    const id: unknown = expect.stringMatching(/^[0-9a-f]+$/)
    const { images } = await provenanceOf(seen, sources, plan)
    expect(images).toMatchObject([
      { what: 'db of shop', image: 'postgres:17', id, why: null },
      { what: 'web of shop', image: 'shop:2', id, why: null },
    ])
  })

  it('names each image by the digests that registries know it by, and a process by none', async () => {
    const { world, seen } = shop()
    const { images: before } = await provenanceOf(seen, sources, plan)
    expect(before.map(({ digests }) => digests)).toEqual([null, null])
    const { id } = before[1] ?? {}
    world.images.images.set(id ?? '', { ...fakeImage('shop:2'), digests: ['shop@sha256:9'] })
    const { images } = await provenanceOf(seen, sources, plan)
    expect(images).toMatchObject([{ digests: null }, { id, digests: ['shop@sha256:9'] }])
    const deaf = { ...seen, images: { ...seen.images, digests: () => Promise.reject(new Error('no')) } }
    expect((await provenanceOf(deaf, sources, plan)).images[1]).toMatchObject({ id, digests: null })
  })

  it('is unknown, for its reason, where something does not answer', async () => {
    const dead = () => Promise.reject(new Error('the daemon does not answer'))
    const seen = { git: { workTrees: dead }, services: { states: dead } } as unknown as Seen
    expect(await provenanceOf(seen, sources, plan)).toMatchObject({
      files: [{ commit: null, why: 'the daemon does not answer' }, { commit: null }],
      images: [
        { what: 'db of shop', id: null, why: 'the daemon does not answer' },
        { what: 'web of shop', id: null },
      ],
    })
  })

  it('has the images of throwaway servers at the end', async () => {
    const { world, seen } = shop()
    world.images.images.set('sha256:17', fakeImage('postgres:17'))
    const server = (image: string): Json => ({ container: 'shop-test-1', image })
    const entries = journalOf(plan, [
      [1, intent('Stop', { before: server('postgres:17') })],
      [2, intent('Restore', { before: server('postgres:gone') })],
    ])
    const found = await imagesOf(seen, entries, planWith([]))
    expect(found).toEqual([
      { what: 'throwaway server', image: 'postgres:17', id: 'sha256:17', why: null, digests: [] },
      { what: 'throwaway server', image: 'postgres:gone', id: null, why: 'it is no longer on this machine' },
    ])
  })
})

describe('the journal', () => {
  const image: UsedImage = { what: 'web of shop', image: 'shop:2', id: 'sha256:2', why: null }
  const found = { files: [], images: [image] }

  async function recordedWith(look: () => Promise<typeof found>, mode: 'run' | 'dry-run' = 'run') {
    const machine = new Machine()
    const steps = toySteps(
      () => machine.world,
      () => machine.power,
    )
    const book = runbook('toy', { title: 'Toy', when: 'Never.', needs: [], params: {} }, ({ step }) => {
      step('First', steps.set({ flag: 'first', to: 'new' }))
    })
    const { code } = await startRun(
      { ...machine.around(), provenanceOf: look, imagesOf: async () => (await look()).images },
      machine.order(book, {}, mode),
    )
    expect(code).toBe('succeeded')
    return recordOf(machine.entries).provenance
  }

  it('has it from the beginning, and the images again at the end of a real run', async () => {
    expect(await recordedWith(async () => found)).toEqual({ ...found, imagesAtEnd: [image] })
    expect(await recordedWith(async () => found, 'dry-run')).toEqual(found)
  })

  it('lacks it where it cannot be read, and the run goes on', async () => {
    expect(await recordedWith(() => Promise.reject(new Error('disk')))).toBeUndefined()
  })
})

describe('the report', () => {
  const report = (more: JsonObject, images?: readonly UsedImage[]) =>
    reportOf(
      recordOf(
        journalOf(planWith([{ title: 'Stop' }]), [
          [1, { type: 'preflighted', findings: [], warnings: 0, refusals: 0, ...more }],
          [2, intent('Stop')],
          [3, ended('Stop')],
          [4, { ...settled('succeeded'), ...(images === undefined ? {} : { images }) } as never],
        ]),
      ),
    )
  const file = { what: 'configuration', file: '/srv/c.ts', commit: 'a'.repeat(40), tracked: true, why: null }

  it('names commits, changes and images, before and after', () => {
    const before: UsedImage = { what: 'web of shop', image: 'shop:2', id: 'sha256:2', why: null }
    const files = [
      { ...file, changed: ['c.ts', 'd.ts'] },
      {
        ...file,
        what: 'runbook',
        file: null,
        commit: null,
        tracked: null,
        changed: [],
        why: 'it comes with the program',
      },
    ]
    const text = report({ provenance: { files, images: [before] } }, [
      { ...before, image: 'shop:1', id: 'sha256:1' },
    ])
    expect(text).toContain(
      [
        '## Provenance',
        '',
        '| What | File | Commit | State |',
        '| --- | --- | --- | --- |',
        `| Configuration | \`/srv/c.ts\` | \`${'a'.repeat(40)}\` | **changed since**: \`c.ts\`, \`d.ts\` |`,
        '| Runbook | – | unknown: `it comes with the program` | unknown |',
        '',
        '| Used | Image before the run | Image at its end |',
        '| --- | --- | --- |',
        '| `web of shop` | `shop:2` `sha256:2` | `shop:1` `sha256:1` |',
      ].join('\n'),
    )
  })

  it.each([
    [['shop@sha256:9'], '`shop:2` `sha256:2`, in the registry `shop@sha256:9` |'],
    [[], '`shop:2` `sha256:2`, no registry digest: built or loaded here |'],
    [null, '`shop:2` `sha256:2`, registry digest unknown |'],
  ])('names an image by the digests %j of registries', (digests, shown) => {
    const image: UsedImage = { what: 'web of shop', image: 'shop:2', id: 'sha256:2', why: null, digests }
    expect(report({ provenance: { files: [], images: [image] } })).toContain(shown)
  })

  it('says of a file that git does not know, and of an older journal, what is unknown', () => {
    const text = report({ provenance: { files: [{ ...file, tracked: false, changed: [] }], images: [] } })
    expect(text).toContain('| **the file is not in git** |')
    expect(report({})).toContain('## Provenance\n\nUnknown: the journal of this run does not say.')
  })
})
