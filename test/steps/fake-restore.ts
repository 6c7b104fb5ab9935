import {
  dumpBytes,
  emptyDisk,
  emptyStore,
  fakeServer,
  lay,
  fakeWorld,
  noContainers,
  fakeImage,
  type FakeDump,
  type FakeWorld,
  type WorldParts,
} from '../../src/testing/index.ts'
import type { Target } from '../../src/model/target.ts'

const stack = {
  kind: 'compose',
  project: 'brace',
  directory: '/srv/brace/infra',
  files: ['/srv/brace/infra/docker-compose.prod.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const

export const record = '/srv/brace/docs/rollback.md'
export const checklist = '/artifacts/checklist.md'
export const image = 'postgres:17-alpine'

/** The shop of document 002, as far as its dumps are concerned. */
export const braceDumps: Target = {
  // No target of this project's own configuration, whose names are a type.
  name: 'pretended-brace' as string as Target['name'],
  title: 'Brace',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  stack,
  database: {
    engine: 'postgres',
    name: 'brace',
    user: 'postgres',
    via: { kind: 'compose', stack, service: 'db' },
    confirmPhrase: 'restore brace',
    fingerprint: 'rows-and-digest',
  },
  backups: {
    directory: '/srv/brace/backups',
    pattern: 'brace_*{time}.dump',
    maxAgeSeconds: 93_600,
    minBytes: 10,
    checksums: 'if-present',
  },
  assertions: [
    {
      name: 'there is one migration level',
      sql: 'select count(*) from alembic_version',
      expect: { equals: 1 },
    },
  ],
  restoreTest: {
    image: 'postgres:{major}-alpine',
    user: 'postgres',
    readyWithinSeconds: 60,
    room: 8,
    record,
  },
  checklist: { file: checklist },
  settings: {},
}

/** As the document has it, with more below. */
export const documented = `# Rollback / Restore Runbook

\`\`\`bash
# latest tested restore
docker run …
\`\`\`

### Latest tested restore
- Date: 2026-02-03
- Dump: \`brace_tg_20260203045206.dump\`
- Steps: temp postgres:17-alpine on :15432

## Full DB rollback (production)
1. Confirm …
`

export const dumped: FakeDump = {
  engine: 'postgres',
  major: 17,
  database: 'brace',
  takenAt: '2026-02-03T04:00:00Z',
  roles: ['brace_user', 'brace_readonly'],
  extensions: [],
  tables: { alembic_version: [{ version_num: 'c3_events' }], orders: [{ id: 1 }, { id: 2 }] },
}

export const dumpFile = '/srv/brace/backups/brace_tg_20260203040000.dump'

export function withDump(dump: FakeDump = dumped, parts: WorldParts = {}): FakeWorld {
  const disk = emptyDisk()
  for (const folder of ['/srv', '/srv/brace', '/srv/brace/docs', '/artifacts']) disk.folders.add(folder)
  lay(disk, record, documented)
  lay(disk, dumpFile, dumpBytes(dump))
  const images = emptyStore()
  images.images.set(`sha256:${'a1'.repeat(32)}`, fakeImage(image))
  return fakeWorld({
    disk,
    images,
    server: fakeServer({ brace: { orders: [{ id: 9 }] } }, { roles: new Set(['postgres']) }),
    containers: noContainers(),
    ...parts,
  })
}
