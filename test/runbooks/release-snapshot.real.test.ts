import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from 'tar'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { boundariesOf } from '../crash/boundaries.ts'
import { ReleaseSite } from '../fixtures/release-site.ts'
import { gitIn } from '../fixtures/repository.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 120_000 })

const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`
const sha256 = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
const ran = (program: string, args: readonly string[], cwd: string): number | null =>
  spawnSync(program, args, { cwd }).status

let site: ReleaseSite
beforeEach(async () => {
  site = await ReleaseSite.open()
})
afterEach(() => site[Symbol.asyncDispose]())

async function made(args: readonly string[] = []): Promise<string> {
  const before = existsSync(site.releases) ? site.bundles() : []
  const finished = await site.snapshot(args)
  expect(finished.code, whole(finished)).toBe(0)
  const [bundle = ''] = site.bundles().filter((name) => !before.includes(name))
  return bundle
}

/** A pair as an earlier snapshot left it. */
async function older(day: string): Promise<string> {
  const name = `codex-completions-api-v1.0.0-2025-09-${day}T101500Z`
  await mkdir(site.releases, { recursive: true })
  await create(
    {
      gzip: true,
      portable: true,
      file: join(site.releases, `${name}.tar.gz`),
      cwd: join(site.checkout, 'src'),
    },
    ['start.js'],
  )
  const sha = await sha256(join(site.releases, `${name}.tar.gz`))
  await site.write({
    [`releases/${name}.lock.json`]: JSON.stringify({
      version: 'v1.0.0',
      tarball: `${name}.tar.gz`,
      tarball_sha256: sha,
    }),
  })
  const sums = existsSync(join(site.releases, 'SHA256SUMS')) ? await site.text('SHA256SUMS') : ''
  await site.write({ 'releases/SHA256SUMS': `${sums}${sha}  ${name}.tar.gz\n` })
  return name
}

describe('a release snapshot', () => {
  it("packs what is tracked, writes the lock file in the teams' format, and is the same bundle when it is made again", async () => {
    const bundle = await made(['--keep', '3'])
    expect(bundle).toMatch(/^codex-completions-api-v1\.0\.1-\d{4}-\d{2}-\d{2}T\d{6}Z\.tar\.gz$/)
    const listing = spawnSync('tar', ['-tzf', join(site.releases, bundle)])
      .stdout.toString()
      .trim()
      .split('\n')
    expect(listing.filter((name) => !name.endsWith('/')).sort()).toEqual([
      './.gitignore',
      './docs/with space.md',
      './package.json',
      './src/start.js',
    ])
    const sha = await sha256(join(site.releases, bundle))
    expect(JSON.parse(await site.text(bundle.replace('.tar.gz', '.lock.json')))).toEqual({
      version: 'v1.0.1',
      env: 'prod',
      git_sha: gitIn(site.checkout, ['rev-parse', 'HEAD']).slice(0, 12),
      created_at: /\d{4}-\d{2}-\d{2}T\d{6}Z/.exec(bundle)?.[0],
      tarball: bundle,
      tarball_sha256: sha,
      docker_tag: null,
      release_url: null,
      keep: 3,
      notes: { output_dir: 'releases', dry_run: false, prune: false },
    })
    const again = await made()
    expect(again).not.toBe(bundle)
    expect(await sha256(join(site.releases, again))).toBe(sha)
  })

  it('changes nothing in a dry run', async () => {
    for (const day of ['01', '02']) await older(day)
    const before = site.state()
    const finished = await site.snapshot(['--prune', '--keep', '1', '--dry-run'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished)).toContain('codex-completions-api-v1.0.0-2025-09-01T101500Z.tar.gz')
    expect(site.state()).toEqual(before)
  })

  it('refuses a checkout that is not what was committed', async () => {
    await site.write({ 'src/start.js': 'changed' })
    const before = site.state()
    const finished = await site.snapshot()
    expect(finished.code, whole(finished)).toBe(3)
    expect(whole(finished)).toContain('--allow-dirty')
    expect(site.state()).toEqual(before)
  })

  it('T.22: writes bare names into SHA256SUMS, which hold wherever the folder is moved; absolute ones do not', async () => {
    const bundle = await made()
    expect(await site.text('SHA256SUMS')).toMatch(
      /^[0-9a-f]{64} {2}codex-completions-api-[^/\n]+\.tar\.gz\n$/,
    )
    await writeFile(
      join(site.releases, 'absolute'),
      `${await sha256(join(site.releases, bundle))}  ${join(site.releases, bundle)}\n`,
    )
    const moved = join(site.folder, 'moved')
    await rename(site.releases, moved)
    expect(ran('sha256sum', ['--check', 'absolute'], moved)).toBe(1)
    expect(ran('sha256sum', ['--check', 'SHA256SUMS'], moved)).toBe(0)
  })

  it('T.23: prunes bundles and lock files as pairs, sparing the one in use; SHA256SUMS holds all along', async () => {
    const [used, gone] = [await older('01'), await older('02')]
    await site.write({ 'releases/deployed.path': `releases/${used}.tar.gz\n` })
    const bundle = await made(['--prune', '--keep', '1'])
    expect(site.bundles()).toEqual([`${used}.tar.gz`, bundle])
    expect(existsSync(join(site.releases, `${used}.lock.json`))).toBe(true)
    expect(existsSync(join(site.releases, `${gone}.lock.json`))).toBe(false)
    expect(ran('sha256sum', ['--check', '--strict', 'SHA256SUMS'], site.releases)).toBe(0)
  })

  it('T.25: is taken by the monthly spot restore, whose staging folder need not be there as it must for tar -C', async () => {
    const bundle = await made()
    expect(
      ran(
        'tar',
        ['-xzf', join(site.releases, bundle), '-C', join(site.folder, 'not/there/yet')],
        site.folder,
      ),
    ).not.toBe(0)
    const data = join(site.folder, 'data')
    await mkdir(data)
    const archive = `data-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.tar.gz`
    await create({ gzip: true, portable: true, file: join(data, archive), cwd: site.checkout }, ['src'])
    await writeFile(join(data, `${archive}.sha256`), `${await sha256(join(data, archive))}  ${archive}\n`)
    const finished = await site.type(['run', 'monthly-spot-restore'])
    expect(finished.code, whole(finished)).toBe(0)
  })
})

describe('goes back', () => {
  it('to what was there, byte by byte, where the bundle turns out to be damaged', async () => {
    await older('01')
    const before = site.state()
    const env = { DAMAGE_AFTER: 'write-the-lock-file-and-sha256sums', DAMAGE_IN: site.releases }
    // The one of September is damaged too, and put back by us.
    const old = await readFile(join(site.releases, site.bundles()[0] ?? ''))
    const finished = await site.snapshot(['--prune', '--keep', '1'], { preload: 'damage.ts', env })
    expect(finished.code, whole(finished)).toBe(14)
    await writeFile(join(site.releases, site.bundles()[0] ?? ''), old)
    expect(site.state()).toEqual(before)
    expect((await site.type(['status'])).stdout).toBe('No open runs.\n')
  })

  it.each(['pack-the-tracked-sources', 'write-the-lock-file-and-sha256sums'])(
    'after a kill at any boundary of %s',
    async (step) => {
      const before = site.state()
      for (const [where, kill] of boundariesOf(step, 8)) {
        expect((await site.snapshot([], { kill })).signal, where).toBe('SIGKILL')
        const back = await site.type(['rollback'])
        expect(back.code, `${where}: ${whole(back)}`).toBe(0)
        expect(site.state(), where).toEqual(before)
      }
    },
  )

  it('or on after a kill at any boundary of the pruning, which is past the point of no return', async () => {
    for (const [where, kill] of boundariesOf('prune-older-bundles', 8)) {
      const gone = await older('01')
      expect((await site.snapshot(['--prune', '--keep', '1'], { kill })).signal, where).toBe('SIGKILL')
      const on = await site.type(['resume'])
      expect(on.code, `${where}: ${whole(on)}`).toBe(0)
      expect(
        existsSync(join(site.releases, `${gone}.tar.gz`)) ||
          existsSync(join(site.releases, `${gone}.lock.json`)),
        where,
      ).toBe(false)
      expect(site.bundles(), where).toHaveLength(1)
      expect(ran('sha256sum', ['--check', '--strict', 'SHA256SUMS'], site.releases), where).toBe(0)
    }
  })
})
