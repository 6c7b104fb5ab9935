import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../fixtures/eventually.ts'
import { program } from '../fixtures/requirements.ts'
import { data, release, spotRestore, SpotSite, type FilesOf } from '../fixtures/spot-site.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 180_000 })

const hour = 3_600_000
const ago = (hours: number): Date => new Date(Date.now() - hours * hour)
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`
const passphrase = 'correct-horse-battery-staple'

let site: SpotSite
beforeEach(async () => {
  site = await SpotSite.open({ passphrase: false })
})
afterEach(() => site[Symbol.asyncDispose]())

/** Every file in a folder that holds the text. */
async function holding(folder: string, text: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (entry.isFile() && (await readFile(file)).includes(text)) found.push(file)
  }
  return found
}

describe('restores the newest bundle and the newest archive', () => {
  it('installs, starts, looks, cleans up, and files its evidence under the story', async () => {
    await site.release(ago(30 * 24), { ...release, 'package.json': 'this one is broken' }, '1.0.0')
    const bundle = await site.release(ago(5 * 24))
    await site.archive(ago(30), { files: { 'codex/other': 'an older one' } })
    const archive = await site.archive(ago(3))

    const finished = await site.spotRestore(['--reason', 'November'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await site.left()).toEqual([])
    const report = await readFile(join(await site.evidence(), 'report.md'), 'utf8')
    expect(report).toContain(bundle)
    expect(report).toContain(archive)

    const [line, ...others] = await site.checklist()
    expect(others).toEqual([])
    expect(line).toContain(`| monthly-spot-restore | codex | succeeded | ${archive} |`)

    const story = await site.story()
    expect(story).toMatch(
      /^# Story 3\.10\n\nBackups restore\.\n\n## QA Results\n\n- reviewed once\n- .*`monthly-spot-restore` on `codex`.*\*\*succeeded\*\*.*\n\n## Change log\n\nnone\n$/,
    )
    const link = /\]\((\.\.\/qa\/artifacts\/3\.10\/[^)]+\/report\.md)\)/.exec(story)?.[1] ?? 'no link'
    expect(await readFile(join(site.folder, 'stories', link), 'utf8')).toBe(report)

    // What the commands printed is kept too.
    expect((await holding(await site.evidence(), 'would listen on 11435')).length).toBeGreaterThan(0)
    expect((await site.type(['evidence', 'verify', await site.evidence()])).code).toBe(0)
    expect((await site.type(['evidence', 'story', '3.10'])).code).toBe(0)
    expect(await readFile(join(site.artifacts, '3.10', 'index.md'), 'utf8')).toMatch(
      /1 run, 1 verified\.[^]*\| `monthly-spot-restore` \| `codex` \| succeeded \|.*\| verified \|/,
    )
  })

  it('takes the bundle and the archive that are named', async () => {
    const [older, archive] = [await site.release(ago(5 * 24)), await site.archive(ago(30))]
    await site.release(ago(2), { ...release, 'start.js': 'process.exit(1)\n' }, '2.0.0')
    await site.archive(ago(3), { files: { 'codex/other': '' } })
    const finished = await site.spotRestore(['--bundle', older, '--archive', archive])
    expect(finished.code, whole(finished)).toBe(0)
    expect((await site.checklist())[0]).toContain(archive)
  })

  it.each([
    ['one level, as the script files them', '2026-02-03'],
    ['two levels, as its documentation says', '2026/02-03'],
  ])('from dated folders: %s', async (_, below) => {
    await site.release(ago(24))
    await site.archive(ago(9), { files: { 'codex/other': '' } })
    const archive = await site.archive(ago(2), { below, foreign: true })
    const finished = await site.spotRestore()
    expect(finished.code, whole(finished)).toBe(0)
    expect((await site.checklist())[0]).toContain(archive)
  })

  it('from an archive without one top folder, with the checksum of an absolute path on another machine', async () => {
    await site.release(ago(24))
    const files: FilesOf = Object.fromEntries(
      Object.entries(data).map(([path, body]) => [path.replace('.codex-api/', ''), body]),
    )
    await site.archive(ago(2), { files: { ...files, 'sessions/1.json': '{}' }, foreign: true })
    const finished = await site.spotRestore()
    expect(finished.code, whole(finished)).toBe(0)
  })

  it('tells each run of a story once, in the story and in its index', async () => {
    await site.release(ago(24))
    await site.archive(ago(2))
    expect((await site.spotRestore()).code).toBe(0)
    expect((await site.spotRestore()).code).toBe(0)
    expect((await site.spotRestore(['--dry-run'])).code).toBe(0)
    expect((await site.story()).match(/\*\*succeeded\*\*/g)).toHaveLength(2)
    expect(await site.checklist()).toHaveLength(2)
    await site.type(['evidence', 'story', '3.10'])
    expect(await readFile(join(site.artifacts, '3.10', 'index.md'), 'utf8')).toContain('3 runs, 3 verified.')
  })
})

describe('goes back, leaves staging empty, and tells of it', () => {
  const failsWith = async (finished: Finished, code: number, words: string | RegExp): Promise<void> => {
    expect(whole(finished)).toMatch(words)
    expect(finished.code, whole(finished)).toBe(code)
    expect(await site.left()).toEqual([])
    expect((await site.type(['status'])).stdout).toBe('No open runs.\n')
    expect((await site.type(['evidence', 'verify', await site.evidence()])).code).toBe(0)
    expect((await site.story()).match(/`monthly-spot-restore` on `codex`/g)).toHaveLength(1)
    expect(await site.story()).not.toContain('**succeeded**')
  }

  it.each<[string, number, string | RegExp, FilesOf]>([
    [
      'the bundle cannot be installed',
      10,
      /"npm install .*" ended with exit code 1/,
      {
        ...release,
        'package.json': JSON.stringify({
          name: 'x',
          version: '1.0.0',
          dependencies: { 'no-such-thing-anywhere': '1.0.0' },
        }),
      },
    ],
    [
      'the release does not start',
      10,
      /"npm run start -- --dry-run" ended with exit code 7/,
      { ...release, 'start.js': 'process.exit(7)\n' },
    ],
    ['the bundle is no release', 10, /ended with exit code \d+/, { 'readme.txt': 'nothing else' }],
  ])('%s', async (_, code, words, files) => {
    await site.release(ago(24), files)
    await site.archive(ago(2))
    await failsWith(await site.spotRestore(), code, words)
    expect(await site.checklist()).toHaveLength(1)
  })

  it('key files are missing, too small, unreadable or say something else: all are listed', async () => {
    const files =
      "[{ path: 'codex/none.json', parse: 'json' }, { path: 'codex/small', minBytes: '1KiB' }, { path: 'codex/bad.json', parse: 'json' }, { path: 'codex/bad.yaml', parse: 'yaml' }, { path: 'codex/no.db', parse: 'sqlite' }, { path: 'codex', parse: 'none' }, { path: 'codex/config.toml', parse: 'toml', expect: { model: 'gpt', 'server.port': 80 } }]"
    await site[Symbol.asyncDispose]()
    site = await SpotSite.open({ passphrase: false, keyFiles: files })
    await site.release(ago(24))
    await site.archive(ago(2), {
      files: {
        ...data,
        '.codex-api/codex/small': 'x',
        '.codex-api/codex/bad.json': '{',
        '.codex-api/codex/bad.yaml': 'a: [',
        '.codex-api/codex/no.db': 'no',
      },
    })
    const finished = await site.spotRestore()
    await failsWith(
      finished,
      14,
      /codex\/none\.json is missing; codex\/small has 1 bytes, fewer than 1024; cannot read codex\/bad\.json as json/,
    )
    expect(whole(finished)).toMatch(
      /cannot read codex\/bad\.yaml as yaml: .*; cannot read codex\/no\.db as sqlite: .*; codex is a directory; codex\/config\.toml has server\.port = 11435, expected 80/s,
    )
  })

  describe('an archive that will not do', () => {
    beforeEach(() => site.release(ago(24)))

    it('cut off, its checksum made afterwards', async () => {
      const file = await site.archive(ago(2))
      await truncate(file, Math.floor((await readFile(file)).length * 0.7))
      await site.checksum(file)
      await failsWith(await site.spotRestore(), 14, /codex-api-\S+ is refused/)
    })

    it('one bit flipped', async () => {
      const file = await site.archive(ago(2))
      const bytes = await readFile(file)
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(file, bytes)
      await failsWith(
        await site.spotRestore(),
        14,
        /checksum mismatch in \S+: expected [0-9a-f]{64} \(\S+\.sha256\)/,
      )
      await site.checksum(file)
    })

    it('one bit flipped before its checksum was made', async () => {
      const file = await site.archive(ago(2))
      const bytes = await readFile(file)
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(file, bytes)
      await site.checksum(file)
      await failsWith(await site.spotRestore(), 14, /is refused/)
    })

    it('with a link that leads outside', async () => {
      await site.archive(ago(2), { link: ['secrets', '/etc'] })
      await failsWith(await site.spotRestore(), 14, /is refused: .*(link|secrets)/)
    })

    it('with a path that climbs out', async () => {
      const { execa } = await import('execa')
      const file = await site.archive(ago(2))
      await writeFile(join(site.folder, 'escaped'), 'x')
      await execa('tar', ['-czPf', file, '-C', site.releases, '../escaped'])
      await writeFile(join(site.folder, 'escaped'), 'as it was')
      await site.checksum(file)
      await failsWith(await site.spotRestore(), 14, /is refused: .*\.\./)
      expect(await readFile(join(site.folder, 'escaped'), 'utf8')).toBe('as it was')
    })

    it('empty', async () => {
      const file = await site.archive(ago(2))
      await truncate(file, 0)
      const finished = await site.spotRestore()
      expect(whole(finished)).toMatch(/0 bytes/)
      expect(finished.code).toBe(3)
      expect(await site.left()).toEqual([])
    })
  })
})

describe('refuses before anything is touched', () => {
  const refuses = async (finished: Finished, words: string | RegExp): Promise<void> => {
    expect(whole(finished)).toMatch(words)
    expect(finished.code, whole(finished)).toBe(3)
    expect(await site.left()).toEqual([])
  }

  it('no bundle, no archive, both at once', async () => {
    const finished = await site.spotRestore()
    await refuses(finished, /no backup codex-completions-api-v\*-\{time\}\.tar\.gz in \S+releases/)
    expect(whole(finished)).toMatch(/no backup codex-api-\{time\}\.tar\.gz\* in \S+codex-backups/)
  })

  it('an archive that is too old', async () => {
    await site.release(ago(24))
    await site.archive(ago(50))
    await refuses(await site.spotRestore(), /was taken .*, 2\.1 days ago; at most 1\.1 are allowed/)
  })

  it('a mount that is not there', async () => {
    await site.release(ago(24))
    const { rm } = await import('node:fs/promises')
    await rm(site.archives, { recursive: true })
    await refuses(await site.spotRestore(), /cannot read backup folder \S+codex-backups: no such folder/)
  })
})

describe.skipIf(!program('gpg'))('with encrypted archives', () => {
  beforeEach(async () => {
    await site[Symbol.asyncDispose]()
    site = await SpotSite.open()
    await site.release(ago(24))
  })

  /** Command lines of everything that runs on this machine, while something else does. */
  const watching = async (
    work: PromiseLike<Finished>,
  ): Promise<{ readonly finished: Finished; readonly seen: ReadonlySet<string> }> => {
    const seen = new Set<string>()
    const over = new AbortController()
    const looking = (async () => {
      while (!over.signal.aborted) {
        for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
          seen.add(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
      }
    })()
    const finished = await work
    over.abort()
    await looking
    return { finished, seen }
  }

  it('decrypts with the passphrase of the environment, which shows nowhere', async () => {
    await site.archive(ago(2), { passphrase })
    const { finished, seen } = await watching(
      site.start(spotRestore, { CODEX_BACKUP_GPG_KEY: passphrase }).finished,
    )
    expect(finished.code, whole(finished)).toBe(0)
    expect(await site.left()).toEqual([])
    const lines = [...seen]
    expect(
      lines.some((line) => line.startsWith('gpg\0') || line.includes('/gpg\0') || line.includes('\0gpg\0')),
    ).toBe(true)
    expect(lines.filter((line) => line.includes(passphrase))).toEqual([])
    expect(whole(finished)).not.toContain(passphrase)
    expect(await holding(site.folder, passphrase)).toEqual([])
    expect(await holding(site.folder, Buffer.from(passphrase).toString('base64'))).toEqual([])
    // The release printed its environment: that it holds no passphrase is no merit of masking.
    expect(await holding(await site.evidence(), 'would listen on 11435')).not.toEqual([])
    expect(await holding(await site.evidence(), '[redacted')).toEqual([])
  })

  it('the passphrase is wrong', async () => {
    await site.archive(ago(2), { passphrase })
    const finished = await site.spotRestore([], { CODEX_BACKUP_GPG_KEY: 'wrong-horse-battery-staple' })
    expect(whole(finished)).toMatch(/cannot decrypt \S+: the passphrase is wrong/)
    expect(finished.code).toBe(14)
    expect(await site.left()).toEqual([])
    expect(await holding(site.folder, 'wrong-horse')).toEqual([])
  })

  it('the passphrase is missing: refused before anything is touched', async () => {
    await site.archive(ago(2), { passphrase })
    const finished = await site.spotRestore()
    expect(whole(finished)).toMatch(/CODEX_BACKUP_GPG_KEY is missing/)
    expect(finished.code).toBe(3)
    expect(await site.left()).toEqual([])
  })

  it('the archive is cut off, its checksum made afterwards', async () => {
    const file = await site.archive(ago(2), { passphrase })
    await truncate(file, (await readFile(file)).length - 20)
    await site.checksum(file)
    const finished = await site.spotRestore([], { CODEX_BACKUP_GPG_KEY: passphrase })
    expect(whole(finished)).toMatch(/cannot decrypt \S+: damaged or truncated/)
    expect(finished.code).toBe(14)
    expect(await site.left()).toEqual([])
  })

  it('is killed while it decrypts, and resumed or rolled back: nothing decrypted is left', async () => {
    await site.archive(ago(2), { passphrase })
    for (const way of ['resume', 'rollback']) {
      const running = site.start(spotRestore, { CODEX_BACKUP_GPG_KEY: passphrase })
      await eventually(
        async () =>
          (await readdir(site.staging, { recursive: true }).catch(() => [])).some((name) =>
            name.endsWith('.tar.gz.partial'),
          ),
        'gpg is at work',
      )
      running.child.kill('SIGKILL')
      await running.finished
      const finished = await site.type([way], { CODEX_BACKUP_GPG_KEY: passphrase })
      expect(finished.code, whole(finished)).toBe(0)
      expect(await site.left(), way).toEqual([])
    }
    expect((await site.story()).match(/`monthly-spot-restore` on `codex`/g)).toHaveLength(2)
    expect(await site.checklist()).toHaveLength(2)
  })
})

describe('is killed while it installs', () => {
  beforeEach(async () => {
    await site[Symbol.asyncDispose]()
    site = await SpotSite.open({ passphrase: false, install: "['node', 'install.js']" })
    const gate = JSON.stringify(join(site.folder, 'gate'))
    await site.release(ago(24), {
      ...release,
      'install.js': `const { existsSync } = require('node:fs')\nconsole.log('installing')\nconst wait = () => { if (!existsSync(${gate})) setTimeout(wait, 50) }\nwait()\n`,
    })
    await site.archive(ago(2))
  })

  const killed = async (): Promise<void> => {
    const running = site.start(spotRestore)
    await running.says('installing')
    running.child.kill('SIGKILL')
    await running.finished
    expect(await site.left()).not.toEqual([])
    expect(await site.story()).not.toContain('monthly-spot-restore')
    await writeFile(join(site.folder, 'gate'), '')
  }

  it.each([
    ['resume', '**succeeded**', 'succeeded'],
    ['rollback', '**rolled back**', 'rolled-back'],
  ])('%s', async (way, told, outcome) => {
    await killed()
    const finished = await site.type([way])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await site.left()).toEqual([])
    expect((await site.story()).match(/`monthly-spot-restore` on `codex`/g)).toHaveLength(1)
    expect(await site.story()).toContain(told)
    expect(await site.checklist()).toHaveLength(1)
    expect((await site.checklist())[0]).toContain(`| ${outcome}`)
    expect((await site.type(['evidence', 'verify', await site.evidence()])).code).toBe(0)
  })
})
