import { readFile, rm } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crash } from '../crash/crash.ts'
import { inOneWay, pointsOfStep } from '../crash/points.ts'
import { whole } from '../crash/scene.ts'
import { codexHost, type CodexHost } from '../fixtures/codex-host.ts'
import { docker } from '../fixtures/requirements.ts'

const patience = 240_000

describe.skipIf(!docker())('stack-snapshot and stack-rollback on Compose, prod and dev side by side', () => {
  let host: CodexHost
  let good: string
  let goodDev: string
  let bad: string
  const rollback = (...more: readonly string[]): readonly string[] => ['run', 'stack-rollback', ...more]
  /** All that a rollback or a dry run must leave as it was. */
  const state = async () => ({
    tags: await host.tags(),
    prod: await host.running('prod'),
    dev: await host.running('dev'),
    backups: await host.scene.list('backups'),
    releases: await host.scene.list('releases'),
  })
  const badly = async (): Promise<void> => {
    bad = await host.build('prod', 'bad')
    await host.up('prod')
  }
  beforeAll(async () => {
    host = await codexHost()
    good = await host.build('prod', 'good')
    goodDev = await host.build('dev', 'good-dev')
    await host.up('prod')
    await host.up('dev')
  }, patience)
  afterAll(() => host[Symbol.asyncDispose](), patience)

  it(
    'a snapshot names, saves and points at what runs; a dry run of it changes nothing',
    async () => {
      const before = await state()
      const foretold = await host.scene.type(['run', 'stack-snapshot', '--dry-run'])
      expect(foretold.code, whole(foretold)).toBe(0)
      expect(await state()).toEqual(before)
      const finished = await host.scene.type(['run', 'stack-snapshot'])
      expect(finished.code, whole(finished)).toBe(0)
      expect([await host.pointer('prod.iid'), await host.pointer('dev.iid')]).toEqual([good, goodDev])
      const tag = (await host.pointer('prod.tag')) ?? ''
      expect(await host.image(tag.split(':')[1] ?? '')).toBe(good)
      const { stdout } = await execa('tar', [
        '--extract',
        '--to-stdout',
        '--file',
        (await host.pointer('prod.tarpath')) ?? '',
        'manifest.json',
      ])
      expect(stdout).toContain(tag)
      const lock = await readFile(
        host.scene.path(await readFile(host.scene.path('releases', 'stack-images.latest.path'), 'utf8')),
        'utf8',
      )
      expect(JSON.parse(lock)).toMatchObject({
        images: [
          { env: 'prod', image_id: good },
          { env: 'dev', image_id: goodDev },
        ],
      })
    },
    patience,
  )

  it(
    'a rollback of prod runs the image of the snapshot, and leaves dev alone',
    async () => {
      await badly()
      const before = await state()
      const foretold = await host.scene.type(rollback('--env', 'prod', '--dry-run'))
      expect(foretold.code, whole(foretold)).toBe(0)
      expect(await state()).toEqual(before)
      expect(await host.says('prod')).toBe('bad')
      const finished = await host.scene.type(rollback('--env', 'prod'))
      expect(finished.code, whole(finished)).toBe(0)
      expect([
        await host.says('prod'),
        await host.running('prod'),
        await host.image('latest'),
        await host.running('dev'),
      ]).toEqual(['good', good, good, goodDev])
    },
    patience,
  )

  it(
    'loads the image from its tar where it was pruned, by the lock file too',
    async () => {
      await badly()
      await execa('docker', ['rmi', '--force', good])
      expect(await host.scene.list('backups')).toContainEqual(expect.stringContaining('-prod-'))
      const [lock] = (await host.scene.list('releases')).filter((name) => name.endsWith('.lock.json'))
      const finished = await host.scene.type(
        rollback('--env', 'prod', '--from-lock', host.scene.path('releases', lock ?? '')),
      )
      expect(finished.code, whole(finished)).toBe(0)
      expect([await host.says('prod'), await host.running('prod')]).toEqual(['good', good])
    },
    patience,
  )

  it(
    'puts the bad image, its name and its container back where the wanted one is not healthy',
    async () => {
      const sick = await host.build('prod', 'sick')
      await host.up('prod')
      const taken = await host.scene.type(['run', 'stack-snapshot', '--skip-save'])
      expect(taken.code, whole(taken)).toBe(0)
      expect(await host.pointer('prod.tarpath')).toBeNull()
      await badly()
      const before = await state()
      const finished = await host.scene.type(
        rollback(
          '--env',
          'both',
          '--from-lock',
          host.scene.path(await readFile(host.scene.path('releases', 'stack-images.latest.path'), 'utf8')),
        ),
      )
      expect(finished.code, whole(finished)).toBe(10)
      expect(await host.image('latest')).toBe(bad)
      expect(await state()).toEqual(before)
      expect(sick).not.toBe(bad)
    },
    patience,
  )

  it(
    'T.26: two snapshots after a bad deployment point at the bad image; the good one is named by its time',
    async () => {
      const history = await readFile(host.scene.path('backups', 'codex-image-history.jsonl'), 'utf8')
      const first = (JSON.parse(history.split('\n')[0] ?? '') as { readonly ts: string }).ts
      const taken = await host.scene.type(['run', 'stack-snapshot', '--skip-save'])
      expect(taken.code, whole(taken)).toBe(0)
      expect(await host.pointer('prod.iid')).toBe(bad)
      const refused = await host.scene.type(rollback('--env', 'prod'))
      expect(refused.code, whole(refused)).toBe(3)
      expect(whole(refused)).toContain(`--snapshot ${first}`)
      const finished = await host.scene.type(rollback('--env', 'prod', '--snapshot', first))
      expect(finished.code, whole(finished)).toBe(0)
      expect(await host.running('prod')).toBe(good)
    },
    patience,
  )

  it(
    'is settled after a kill at each boundary of bringing the service up',
    async () => {
      const args = rollback('--env', 'prod', '--image-id', good)
      await badly()
      const reference = await host.scene.type(args)
      expect(reference.code, whole(reference)).toBe(0)
      const points = pointsOfStep(await host.scene.entries(), 'bring-up-the-services-without-building')
      const cases = inOneWay(points)
      expect(cases.length).toBeGreaterThan(3)
      for (const { name, kill, way } of cases) {
        await badly()
        const before = await state()
        const crashed = await crash(host.scene, args, { kill, way }, { outcome: 'succeeded' }, [])
        if (crashed.outcome === 'rolled-back') expect(await state(), name).toEqual(before)
        else
          expect(
            [await host.running('prod'), await host.image('latest'), await host.says('prod')],
            name,
          ).toEqual([good, good, 'good'])
      }
    },
    patience,
  )

  it(
    'refuses, touching nothing, where the image is nowhere',
    async () => {
      await rm(host.scene.path('backups'), { recursive: true })
      const before = await state()
      const finished = await host.scene.type(rollback('--env', 'prod'))
      expect(finished.code, whole(finished)).toBe(3)
      expect(await state()).toEqual(before)
    },
    patience,
  )
})
