import { sha256 } from '../../src/kernel/json.ts'
import type { Target } from '../../src/model/target.ts'
import {
  archiveOf,
  emptyDisk,
  emptyWeb,
  encrypted,
  lay,
  fakeWorld,
  noPrograms,
  nobody,
  runningFleet,
  type Disk,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { codexData, kept, passphrase } from './fake-drive.ts'

export const root = '/srv/codex'
export const live = `${root}/.codex-api`
export const releases = `${root}/releases`

const stack = {
  kind: 'compose',
  project: 'codex',
  directory: root,
  files: [`${root}/docker-compose.yml`],
  envFiles: [],
  profiles: [],
  environment: {},
} as const

/** The service of the document "Stack Recovery", with its data on a drive and its releases beside it. */
export const codexDrill: Target = {
  ...codexData,
  stack,
  bundle: {
    place: {
      directory: releases,
      pattern: 'codex-completions-api-*-{time}.tar.gz',
      maxAgeSeconds: 40 * 86_400,
      minBytes: 1,
      checksums: 'required',
    },
    install: ['npm', 'install', '--omit=dev'],
    dryRun: ['npm', 'run', 'start', '--', '--dry-run'],
    environment: {},
  },
  drill: {
    services: { stack, names: ['app'] },
    into: root,
    keep: ['.env', '.git'],
    smoke: ['npm', 'run', 'smoke:prod'],
    environment: {},
  },
  health: [
    {
      name: 'prod',
      url: 'http://codex/healthz',
      status: 200,
      passes: 2,
      withinSeconds: 20,
      everySeconds: 1,
      timeoutSeconds: 1,
      json: {},
      bearer: null,
    },
  ],
  staging: `${root}/.staging`,
}

/** With its checksum beside it. @returns its path */
export function file(disk: Disk, folder: string, name: string, body: Uint8Array): string {
  lay(disk, `${folder}/${name}`, body)
  lay(disk, `${folder}/${name}.sha256`, `${sha256(body)}  ${name}\n`)
  return `${folder}/${name}`
}

export const archived = archiveOf([
  { name: '.codex-api/', kind: 'folder' },
  { name: '.codex-api/codex/', kind: 'folder' },
  { name: '.codex-api/codex/config.toml', kind: 'file', body: 'model = "gpt"\n# of the archive\n' },
  { name: '.codex-api/codex/auth.json', kind: 'file', body: '{"of":"the archive"}' },
])

/** Replaces one name, adds another, and holds one that is never replaced. */
export const bundled = archiveOf([
  { name: 'codex-completions-api-v1.0.1/', kind: 'folder' },
  { name: 'codex-completions-api-v1.0.1/server.js', kind: 'file', body: 'version 1.0.1' },
  { name: 'codex-completions-api-v1.0.1/docs/guide.md', kind: 'file', body: 'new' },
  { name: 'codex-completions-api-v1.0.1/.env', kind: 'file', body: 'an example' },
])

const text = (disk: Disk, path: string): string => Buffer.from(disk.files.get(path) ?? []).toString()

/** What the service would say of itself: its code and its data; null where it does not run. */
export function serves({ fleet, disk }: Pick<FakeWorld, 'fleet' | 'disk'>): string | null {
  const { instance } = fleet.services.get('app') ?? { instance: null }
  const config = text(disk, `${live}/codex/config.toml`)
  if (instance?.state !== 'running' || config === '') return null
  return `${text(disk, `${root}/server.js`)}, ${config.includes('# of the archive') ? 'restored' : 'live'} data`
}

/** Runs, on live data and a newer release; an archive and a bundle are there. */
export function drilled({ cipher = null }: { readonly cipher?: 'gpg' | 'age' | null } = {}): FakeWorld {
  const disk = emptyDisk()
  const programs = noPrograms()
  const web = emptyWeb()
  const fleet = runningFleet({ app: 'codex:latest', db: 'postgres:17' })
  // Its code is in the checkout, which it mounts.
  Object.assign(fleet.services.get('app')?.instance ?? {}, { mounted: { '/app': root } })
  for (const folder of ['/artifacts', `${root}/.staging`]) disk.folders.add(folder)
  lay(disk, '/mnt/gdrive/.sentinel', 'this is the drive\n')
  lay(disk, `${live}/codex/config.toml`, 'model = "gpt"\n')
  lay(disk, `${live}/codex/auth.json`, '{}')
  lay(disk, `${live}/sessions/today`, 'a session of today')
  lay(disk, `${root}/server.js`, 'version 1.0.2')
  lay(disk, `${root}/.env`, 'SECRET_OF=the-host')
  lay(disk, `${root}/.git/HEAD`, 'ref: refs/heads/main')
  disk.permissions.set(`${live}/codex/auth.json`, { mode: 0o640, uid: 1000, gid: 1000 })
  const archive = 'codex-api-20260202T230000Z.tar.gz'
  if (cipher === null) file(disk, `${kept}/2026/02-02`, archive, archived)
  else file(disk, `${kept}/2026/02-02`, `${archive}.${cipher}`, encrypted(archived, passphrase))
  file(disk, releases, 'codex-completions-api-v1.0.1-20260120T120000Z.tar.gz', bundled)
  programs.installed.set('gpg', { version: '2.4.0' })
  programs.installed.set('npm', {
    version: '11.0.0',
    run: ({ argv, directory }) => {
      const serving =
        argv[1] === 'install'
          ? disk.folders.has(directory)
          : directory === root && serves({ fleet, disk }) === 'version 1.0.1, restored data'
      return { exitCode: serving ? 0 : 1 }
    },
  })
  web.answers.set('http://codex/healthz', [
    () => (serves({ fleet, disk }) === null ? 'refused' : { status: 200 }),
  ])
  const person = { ...nobody, confirm: 'drill codex', answers: { outcome: 'it went well' } }
  return fakeWorld({
    disk,
    programs,
    web,
    fleet,
    person,
    environment: cipher === null ? {} : { CODEX_BACKUP_GPG_KEY: passphrase },
  })
}
