import { describe, expect, it } from 'vitest'
import book from '../../runbooks/find-good-volume-backup.ts'
import type { Target } from '../../src/model/target.ts'
import {
  dumpBytes,
  emptyDisk,
  fakeMachine,
  fakeServer,
  fakeWorld,
  lay,
  layInVolume,
  noVolumes,
  runningFleet,
  type FakeWorld,
} from '../../src/testing/index.ts'
import type { NewestGood } from '../../steps/bisection/report-good.ts'
import { provesItself } from '../fixtures/matrix.ts'

const checklist = '/artifacts/checklist.md'
const path = '/app/data/kuma.db'
const stack = {
  kind: 'compose',
  project: 'kuma',
  directory: '/srv',
  files: ['/srv/docker-compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const
const target: Target = {
  name: 'kuma' as string as Target['name'],
  title: 'Kuma',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  volumeDatabase: {
    at: { stack, service: 'kuma', path },
    name: 'kuma',
    confirmPhrase: 'restore kuma',
    ownership: { uid: 0, gid: 0, mode: 0o600 },
    passphrase: null,
    business: [],
  },
  backups: {
    directory: '/backups',
    pattern: 'kuma-{time}.db',
    maxAgeSeconds: 86_400,
    minBytes: 10,
    checksums: 'if-present',
  },
  assertions: [{ name: 'no monitor is lost', sql: 'select count(*) from monitor', expect: { atLeast: 2 } }],
  checklist: { file: checklist },
  settings: {},
}

const backup = (monitors: number): Uint8Array =>
  dumpBytes({
    engine: 'sqlite',
    major: 3,
    database: null,
    takenAt: null,
    tables: { monitor: Array.from({ length: monitors }, (_, id) => ({ id })) },
    roles: [],
    extensions: [],
  })
const fileAt = (day: number): string => `/backups/kuma-2026020${day}-020000.db`

/** @param monitors rows in the backup of each day, oldest first */
function world(monitors: readonly number[]): FakeWorld {
  const disk = emptyDisk()
  const volumes = noVolumes()
  for (const folder of ['/backups', '/staging', '/artifacts', '/srv']) disk.folders.add(folder)
  for (const [index, count] of monitors.entries()) lay(disk, fileAt(index + 1), backup(count))
  layInVolume(volumes, 'kuma', path, backup(1), { uid: 0, gid: 0, mode: 0o600 })
  return fakeWorld({
    disk,
    volumes,
    fleet: runningFleet({ kuma: 'kuma:1' }),
    server: fakeServer({}, { engine: 'sqlite' }),
  })
}

provesItself({
  name: 'find-good-volume-backup',
  book,
  target,
  params: {},
  world: () => world([2, 1]),
  records: [checklist],
  succeeded: ({ disk, fleet }) => {
    expect(Buffer.from(disk.files.get(checklist) ?? []).toString()).toContain(`| succeeded | ${fileAt(1)} |`)
    expect(fleet.services.get('kuma')?.instance?.state).toBe('running')
  },
})

describe('find-good-volume-backup', () => {
  it('names the command of sqlite-restore only where the target has what it needs', async () => {
    const restorable: Target = {
      ...target,
      writers: { stack, names: ['kuma'] },
      health: [
        {
          name: 'kuma',
          url: 'http://kuma/',
          status: 200,
          passes: 1,
          withinSeconds: 20,
          everySeconds: 1,
          timeoutSeconds: 1,
          json: {},
          bearer: null,
        },
      ],
      retention: { dumps: '/backups/kept', keepOldSeconds: 1, dumpOld: true },
      staging: '/staging',
    }
    const found = async (of: Target): Promise<NewestGood | undefined> => {
      const machine = fakeMachine(world([2, 3, 1, 1]), { book, target: of })
      expect((await machine.run()).outcome).toBe('succeeded')
      return machine.entries.flatMap(({ entry }) =>
        entry.type === 'ended' && entry.step === 'report-the-newest-good-backup'
          ? [entry.output as unknown as NewestGood]
          : [],
      )[0]
    }
    const lacking = await found(restorable)
    expect(lacking?.file).toBe(fileAt(2))
    expect(lacking?.command).toBeNull()
    expect(lacking?.conclusion.lines.at(-1)).toBe(
      'Restoring it needs `operators`:  runbook help config operators',
    )
    const whole = await found({ ...restorable, operators: { escalation: [], contacts: {} } as never })
    expect(whole?.command).toBe(`runbook run sqlite-restore --target kuma --backup ${fileAt(2)}`)
  })
})
