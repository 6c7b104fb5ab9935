import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import { deadly } from '../crash/kill.ts'
import { DataSite, key } from '../fixtures/data-site.ts'
import { LoopDisk } from '../fixtures/loop-disk.ts'
import { canMount, program } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 180_000 })

const backup = ['run', 'data-backup'] as const
const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

describe('data-backup', () => {
  it('files a backup that tar and sha256sum take, wherever the folder is moved (T.22), and prunes in both layouts (T.21)', async () => {
    using site = new DataSite()
    const old = [
      site.old('2026/02-02', '20260202T020000Z'),
      site.old('2026-02-01', '20260201T020000Z'),
      site.old('2026/01-31', '20260131T020000Z'),
    ]
    const dry = site.onDrive()
    expect((await site.type([...backup, '--prune', '--keep', '2', '--dry-run'])).code).toBe(0)
    expect(site.onDrive()).toEqual(dry)
    const finished = await site.type([...backup, '--prune', '--keep', '2'])
    expect(finished.code, whole(finished)).toBe(0)
    const made = site.backups().find((file) => !old.includes(file)) ?? 'none'
    expect(site.backups().toSorted()).toEqual([old[0] ?? '', made].toSorted())
    expect(made).toMatch(/\/\d{4}\/\d\d-\d\d\/codex-api-\d{8}T\d{6}Z\.tar\.gz$/)
    expect(site.staged()).toEqual([])

    const moved = join(site.folder, 'elsewhere')
    renameSync(dirname(made), moved)
    const file = join(moved, basename(made))
    expect(spawnSync('sha256sum', ['--check', `${basename(file)}.sha256`], { cwd: moved }).status).toBe(0)
    // The naive way: the checksum of an absolute path is of no use once it is moved.
    writeFileSync(
      join(moved, 'naive.sha256'),
      `${readFileSync(`${file}.sha256`, 'utf8').slice(0, 64)}  ${made}\n`,
    )
    expect(spawnSync('sha256sum', ['--check', 'naive.sha256'], { cwd: moved }).status).toBe(1)
    // As the document restores it (T.25: tar wants the folder to be there).
    mkdirSync(join(site.folder, 'restored'))
    expect(spawnSync('tar', ['-xzf', file, '-C', join(site.folder, 'restored')]).status).toBe(0)
    expect(spawnSync('diff', ['-r', site.live, join(site.folder, 'restored', '.codex-api')]).status).toBe(0)
  })

  it.skipIf(!program('gpg'))(
    'T.27: encrypts so that the command of the document decrypts it; the key stands nowhere',
    async () => {
      using site = new DataSite()
      const none = await site.type([...backup, '--encrypt'])
      expect(none.code, whole(none)).toBe(3)
      expect(whole(none)).toContain('CODEX_BACKUP_GPG_KEY')
      expect(site.backups()).toEqual([])
      const finished = await site.type([...backup, '--encrypt'], { env: { CODEX_BACKUP_GPG_KEY: key } })
      expect(finished.code, whole(finished)).toBe(0)
      const [made = 'none'] = site.backups()
      expect(made).toMatch(/\.tar\.gz\.gpg$/)
      const home = join(site.folder, 'gnupg')
      mkdirSync(home, { mode: 0o700 })
      const plain = join(site.folder, 'codex-api.tar.gz')
      expect(
        spawnSync('gpg', ['--batch', '--yes', '--passphrase-fd', '0', '-o', plain, made], {
          input: key,
          env: { ...process.env, GNUPGHOME: home },
        }).status,
      ).toBe(0)
      spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
      expect(spawnSync('tar', ['-tzf', plain], { encoding: 'utf8' }).stdout).toContain(
        '.codex-api/codex/config.toml',
      )
      expect(spawnSync('grep', ['-r', '-l', key, site.folder], { encoding: 'utf8' }).stdout).toBe('')
    },
  )

  it('T.16: a folder that has lost its key file is no backup, though its archive would be valid; nothing old goes for it', async () => {
    using site = new DataSite()
    site.old('2026/02-02', '20260202T020000Z')
    rmSync(join(site.live, 'codex', 'config.toml'))
    const before = site.onDrive()
    const finished = await site.type([...backup, '--prune', '--keep', '1'])
    expect(finished.code, whole(finished)).not.toBe(0)
    expect(whole(finished)).toContain('config.toml is missing')
    expect(site.onDrive()).toEqual(before)
    expect(site.staged()).toEqual([])
  })

  it('what no archive can hold is named by the dry run, with its cure, and nothing is touched', async () => {
    using site = new DataSite()
    const folder = join(site.live, 'odd')
    const before = site.onDrive()
    for (const [make, says, cure] of [
      [
        () => writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), '1'),
        'is not valid UTF-8',
        '-inum',
      ],
      [
        () => ['Cafe\u0301', 'Caf\u00e9'].forEach((name) => writeFileSync(join(folder, name), name)),
        'look the same',
        'rename one',
      ],
      [
        () => symlinkSync('host:4711', join(folder, 'lock')),
        'is a link to a missing file, host:4711',
        'exclude it',
      ],
    ] as const) {
      mkdirSync(folder)
      make()
      const finished = await site.type([...backup, '--dry-run'])
      expect(finished.code, whole(finished)).toBe(3)
      expect(whole(finished)).toContain(says)
      expect(whole(finished)).toContain(cure)
      rmSync(folder, { recursive: true })
    }
    expect(site.onDrive()).toEqual(before)
    expect(site.staged()).toEqual([])
  })

  it('a plain folder where the drive should be is refused (TECH-3101)', async () => {
    using site = new DataSite(undefined, true)
    const before = site.onDrive()
    const finished = await site.type(backup)
    expect(finished.code, whole(finished)).toBe(3)
    expect(whole(finished)).toMatch(/nothing is mounted on/)
    expect(site.onDrive()).toEqual(before)
  })

  it.skipIf(!canMount())(
    'files on a drive that is mounted and has its sentinel, and refuses another',
    async () => {
      const disk = new LoopDisk(16)
      try {
        using site = new DataSite(disk.path)
        const finished = await site.type(backup)
        expect(finished.code, whole(finished)).toBe(0)
        expect(site.backups()).toHaveLength(1)
        rmSync(join(disk.path, '.sentinel'))
        const refused = await site.type(backup)
        expect(refused.code).toBe(3)
        expect(whole(refused)).toContain('wrong drive mounted on ')
      } finally {
        disk.destroy()
      }
    },
  )
})

describe('data-backup, killed while it files', () => {
  it.each(crashesIn('file-it-on-the-drive-and-read-it-back', 3))('%s (%j), then %s', async (_, kill, way) => {
    using site = new DataSite()
    site.old('2026/02-02', '20260202T020000Z')
    const before = site.onDrive()
    const { node, env } = deadly(kill)
    const killed = await site.type(backup, { node, env })
    expect(killed.signal, whole(killed)).toBe('SIGKILL')
    const finished = await site.type([way])
    expect(finished.code, whole(finished)).toBe(0)
    expect(site.staged()).toEqual([])
    if (way === 'rollback') expect(site.onDrive()).toEqual(before)
    else expect(site.backups()).toHaveLength(2)
    expect((await site.type(['status'])).stdout).toBe('No open runs.\n')
  })
})
