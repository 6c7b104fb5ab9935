import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Connection from 'better-sqlite3'
import { execa } from 'execa'
import { create } from 'tar'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crash } from '../crash/crash.ts'
import { pointsOfStep } from '../crash/points.ts'
import { Scene, sourceOf, whole } from '../crash/scene.ts'
import { docker } from '../fixtures/requirements.ts'

const patience = 240_000
const repository = `rbtest-prune-${Math.random().toString(36).slice(2, 10)}`
const days = [1, 2, 3]
const bundle = (day: number): string => `${repository}-v1.0.${day}-2026-01-0${day}T000000Z`
const tag = (day: number): string => `${repository}:prod-2026010${day}-000000Z`
const tar = (day: number): string => `${repository}-prod-2026010${day}-000000Z.tar`
const aside = (day: number): string => `shop__old_2026010${day}_000000_k7f2q`
const dump = (day: number): string => `shop-replaced-2026010${day}-000000-k7f2q.db`
const backup = (day: number): string =>
  (day === 2 ? `2026-01-0${day}` : `2026/01-0${day}`) + `/codex-api-2026010${day}T000000Z.tar.gz`

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
const run = async (...args: readonly string[]): Promise<string> => (await execa('docker', args)).stdout.trim()

describe.skipIf(!docker())('prune, on folders, on images of Docker and on databases of SQLite', () => {
  let scene: Scene
  let stocks: string
  const built: string[] = []
  const container = `${repository}-user`
  const consent = ['--confirm', 'prune codex']
  const pruned = ['run', 'prune', ...consent]

  beforeAll(async () => {
    scene = await Scene.make(
      null,
      (folder) => `
import { defineConfig } from ${sourceOf('src/index.ts')}
export default defineConfig({ state: './state', artifacts: './artifacts', runbooks: [${sourceOf('runbooks')}], targets: { codex: {
  stack: { kind: 'compose', project: '${repository}', files: ['./docker-compose.yml'] },
  images: { repository: '${repository}', environments: { prod: { service: 'app', tag: 'latest' } }, snapshots: './now/images', releases: './now/releases', keep: 1 },
  release: { source: '${folder}', name: '${repository}', directory: './now/releases', keep: 1, inUse: ['./now/releases/deployed.path'] },
  data: { directory: './now/data', pattern: 'codex-api-{time}.tar.gz*', keep: 2 , source: './live' },
  database: { engine: 'sqlite', file: './now/db/shop.db' },
  retention: { dumps: './now/dumps', keepOld: '7d' },
} } })
`,
    )
    stocks = scene.path('stocks')
    for (const folder of [
      'images',
      'releases',
      'data/2026/01-01',
      'data/2026-01-02',
      'data/2026/01-03',
      'db',
      'dumps',
    ])
      mkdirSync(join(stocks, folder), { recursive: true })
    writeFileSync(scene.path('docker-compose.yml'), `services: { app: { image: "${repository}:latest" } }\n`)
    const shop = join(stocks, 'db', 'shop.db')
    const connection = new Connection(shop)
    connection.exec(
      "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders VALUES (1, 'kept')",
    )
    connection.close()
    for (const day of days) {
      const id = (
        await execa('docker', ['build', '--quiet', '-'], {
          input: `FROM runbook-test/busybox:1\nLABEL day="${repository}-${day}"\n`,
        })
      ).stdout.trim()
      built.push(id)
      await run('tag', id, tag(day))
      await run('save', '--output', join(stocks, 'images', tar(day)), tag(day))
      for (const copy of [join('db', aside(day)), join('dumps', dump(day))])
        copyFileSync(shop, join(stocks, copy))
      const file = join(stocks, 'releases', `${bundle(day)}.tar.gz`)
      await create({ gzip: true, portable: true, file, cwd: scene.folder }, ['docker-compose.yml'])
      writeFileSync(
        join(stocks, 'releases', `${bundle(day)}.lock.json`),
        JSON.stringify({
          version: `v1.0.${day}`,
          tarball: `${bundle(day)}.tar.gz`,
          tarball_sha256: sha256(file),
        }),
      )
      writeFileSync(join(stocks, 'releases', 'SHA256SUMS'), `${sha256(file)}  ${bundle(day)}.tar.gz\n`, {
        flag: 'a',
      })
      const archive = join(stocks, 'data', backup(day))
      copyFileSync(file, archive)
      writeFileSync(`${archive}.sha256`, `${sha256(archive)}  codex-api-2026010${day}T000000Z.tar.gz\n`)
    }
    // Of the second day, the bundle is deployed and the image is that of a container.
    writeFileSync(join(stocks, 'releases', 'deployed.path'), `releases/${bundle(2)}.tar.gz\n`)
    await run(
      'create',
      '--name',
      container,
      '--label',
      `runbook.test-stack=${process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand'}`,
      tag(2),
      'true',
    )
  }, patience)

  /** Everything as it has grown, again. */
  async function grow(): Promise<void> {
    rmSync(scene.path('now'), { recursive: true, force: true })
    await execa('cp', ['--archive', stocks, scene.path('now')])
    await execa('docker', ['load', '--quiet', '--input', scene.path('now', 'images', tar(1))])
    for (const day of days) await run('tag', built[day - 1] ?? '', tag(day))
  }
  beforeEach(grow, patience)
  afterAll(async () => {
    await execa('docker', ['rm', '--force', container], { reject: false })
    await execa('docker', ['rmi', '--force', ...days.map(tag), ...built], { reject: false })
    await scene[Symbol.asyncDispose]()
  }, patience)

  const state = async () => {
    const files = readdirSync(scene.path('now'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
    return {
      files: files.map((file) => [file.slice(scene.path('now').length + 1), sha256(file)]),
      tags: (await run('image', 'ls', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}', repository))
        .split('\n')
        .sort(),
    }
  }
  const left = async () => {
    const { files, tags } = await state()
    return { files: files.map(([file]) => file), tags: tags.map((line) => line.split(' ')[0]) }
  }
  const removed = [
    `images/${tar(1)}`,
    `releases/${bundle(1)}.tar.gz`,
    `releases/${bundle(1)}.lock.json`,
    `data/${backup(1)}`,
    `data/${backup(1)}.sha256`,
    `db/${aside(1)}`,
    `db/${aside(2)}`,
    `dumps/${dump(1)}`,
    `dumps/${dump(2)}`,
  ]
  async function expectPruned(before: Awaited<ReturnType<typeof left>>, where = ''): Promise<void> {
    const after = await left()
    expect(before.files.filter((file) => !after.files.includes(file)).sort(), where).toEqual(
      removed.toSorted(),
    )
    expect(
      after.files.filter((file) => !before.files.includes(file)),
      where,
    ).toEqual([])
    expect(after.tags, where).toEqual([tag(2), tag(3)])
    // The first image had no other name, and went with it.
    expect(
      (await execa('docker', ['image', 'inspect', built[0] ?? ''], { reject: false })).exitCode,
      where,
    ).toBe(1)
    expect(
      (
        await execa('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
          cwd: scene.path('now', 'releases'),
          reject: false,
        })
      ).exitCode,
      where,
    ).toBe(0)
  }

  it(
    'lists in a dry run what would go, with sizes, and removes nothing; without consent it refuses',
    async () => {
      const before = await state()
      const foretold = await scene.type([...pruned, '--dry-run'])
      expect(foretold.code, whole(foretold)).toBe(0)
      for (const file of removed.filter((name) => !name.startsWith('db/'))) {
        expect(whole(foretold).replaceAll(/\s+/g, ' ')).toContain(
          `${scene.path('now', file)} (${readFileSync(scene.path('now', file)).length} bytes) is removed`,
        )
      }
      expect(whole(foretold)).toContain(aside(2))
      expect(whole(foretold)).toContain(tag(1))
      expect(await state()).toEqual(before)
      const refused = await scene.type(['run', 'prune'])
      expect(refused.code, whole(refused)).toBe(3)
      expect(whole(refused)).toContain("--confirm 'prune codex'")
      expect(await state()).toEqual(before)
    },
    patience,
  )

  it(
    'T.23: removes what is old in pairs; what is in use, and the newest of everything, stays',
    async () => {
      const before = await left()
      const finished = await scene.type(pruned)
      expect(finished.code, whole(finished)).toBe(0)
      await expectPruned(before)
      expect(await run('inspect', '--format', '{{.Image}}', container)).toBe(built[1])
      const again = await scene.type(pruned)
      expect(again.code, whole(again)).toBe(0)
      expect(whole(again)).toContain('nothing is too old')
      await expectPruned(before)
    },
    patience,
  )

  it(
    'keeps the newest that is whole, where newer ones are damaged',
    async () => {
      for (const day of [2, 3])
        writeFileSync(scene.path('now', 'data', backup(day)), 'damaged, and with its old checksum')
      writeFileSync(scene.path('now', 'dumps', dump(3)), 'damaged')
      const finished = await scene.type([...pruned, '--what', 'backups', '--keep', '1'])
      expect(finished.code, whole(finished)).toBe(0)
      expect((await left()).files).toContain(`data/${backup(1)}`)
      const dumps = await scene.type([...pruned, '--what', 'databases'])
      expect(dumps.code, whole(dumps)).toBe(0)
      expect((await left()).files.filter((file) => file?.startsWith('dumps/'))).toEqual([
        `dumps/${dump(2)}`,
        `dumps/${dump(3)}`,
      ])
    },
    patience,
  )

  it(
    'removes the rest and no more, wherever it is killed',
    async () => {
      const reference = await scene.type(pruned)
      expect(reference.code, whole(reference)).toBe(0)
      const entries = await scene.entries()
      const points = ['remove-old-bundles', 'remove-old-image-snapshots', 'drop-old-databases'].flatMap(
        (step, index) =>
          pointsOfStep(entries, step)
            .filter((_, at) => index === 0 || at === 1)
            .map(({ point, kill }) => ({ where: `${step}, ${point}`, kill })),
      )
      expect(points.map(({ where }) => where)).toHaveLength(5)
      for (const { where, kill } of points) {
        await grow()
        const before = await left()
        const crashed = await crash(scene, pruned, { kill, way: 'resume' }, { outcome: 'succeeded' }, [])
        expect(crashed.outcome, where).toBe('succeeded')
        await expectPruned(before, where)
      }
    },
    patience,
  )
})
