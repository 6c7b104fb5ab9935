import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import { emptyDisk, lay, fakeWorld, mountOn, noPrograms, type FakeWorld } from '../../src/testing/index.ts'

export const passphrase = 'correct horse battery staple'
export const kept = '/mnt/gdrive/codex-backups'

/** A service whose data folder goes to a mounted drive. */
export const codexData: Target = {
  name: 'codex' as string as Target['name'],
  title: 'codex',
  objectives: { rtoSeconds: null, rpoSeconds: 86_400 },
  data: {
    place: {
      directory: kept,
      pattern: 'codex-api-{time}.tar.gz*',
      maxAgeSeconds: 86_400,
      minBytes: 10,
      checksums: 'required',
    },
    passphrase: { secret: 'CODEX_BACKUP_GPG_KEY', from: { env: 'CODEX_BACKUP_GPG_KEY' } },
    keyFiles: [{ path: 'codex/config.toml', parse: 'toml', minBytes: 1, expect: { model: 'gpt' } }],
    making: {
      source: '/srv/codex/.codex-api',
      name: 'codex-api',
      exclude: ['*.log'],
      minMembers: 2,
      whileChanging: 'refuse',
      encryption: 'gpg',
      layout: 'YYYY/MM-DD',
      keep: 3,
      quotaBytes: 1e9,
      mount: { path: '/mnt/gdrive', sentinel: '/mnt/gdrive/.sentinel', timeoutSeconds: 10 },
    },
  },
  staging: '/srv/staging',
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
}

/** Filed in either layout: the day, the bytes. */
export const older = [
  `${kept}/2026/02-02/codex-api-20260202T020000Z.tar.gz`,
  `${kept}/2026-02-01/codex-api-20260201T020000Z.tar.gz.gpg`,
  `${kept}/2026/01-31/codex-api-20260131T020000Z.tar.gz`,
  `${kept}/2026-01-30/codex-api-20260130T020000Z.tar.gz`,
] as const

export function drive(): FakeWorld {
  const disk = emptyDisk()
  const programs = noPrograms()
  programs.installed.set('gpg', { version: '2.4.0' })
  mountOn(disk, '/mnt/gdrive')
  for (const folder of ['/srv/staging', '/artifacts']) disk.folders.add(folder)
  disk.folders.add('/srv')
  lay(disk, '/mnt/gdrive/.sentinel', 'this is the drive\n')
  lay(disk, '/srv/codex/.codex-api/codex/config.toml', 'model = "gpt"\n')
  lay(disk, '/srv/codex/.codex-api/codex/auth.json', '{}')
  lay(disk, '/srv/codex/.codex-api/today.log', 'noise')
  for (const path of older) {
    lay(disk, path, `an archive as of old: ${path}`)
    lay(
      disk,
      `${path}.sha256`,
      `${sha256(`an archive as of old: ${path}`)}  ${path.slice(path.lastIndexOf('/') + 1)}\n`,
    )
  }
  return fakeWorld({ disk, programs, environment: { CODEX_BACKUP_GPG_KEY: passphrase } })
}
