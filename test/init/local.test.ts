import { describe, expect, it } from 'vitest'
import { lookAround } from '../../src/init/look.ts'
import { merge } from '../../src/init/merge.ts'
import { configText } from '../../src/init/print.ts'
import { proposalOf } from '../../src/init/proposal.ts'
import type { ProposedSection } from '../../src/init/proposal.ts'
import { nextText } from '../../src/init/report.ts'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { fakeFiles } from '../../src/testing/files.ts'
import { fakeProjects, noProjects } from '../../src/testing/projects.ts'

const sqlite = 'SQLite format 3\0'
const gzip = new Uint8Array([0x1f, 0x8b, 8])

const looked = async (
  files: { readonly [path: string]: string | Uint8Array },
  more: { readonly project?: string; readonly docker?: 'away' | 'running' } = {},
) => {
  const disk = emptyDisk()
  for (const [path, body] of Object.entries(files)) lay(disk, path, body)
  const docker = noProjects()
  if (more.docker === 'running') {
    docker.documents.set('/srv/shop/compose.yml', {
      name: 'shop',
      services: { db: { image: 'postgres:17' } },
    })
    lay(disk, '/srv/shop/compose.yml', '')
    docker.projects.push({
      name: 'shop',
      directory: '/srv/shop',
      files: ['/srv/shop/compose.yml'],
      envFiles: [],
      containers: [],
      labels: {},
    })
  }
  const projects = fakeProjects(docker)
  const facts = await lookAround(
    { folder: '/home/ann/notes', files: [], project: more.project ?? null },
    {
      projects:
        more.docker === 'away'
          ? { ...projects, list: () => Promise.reject(new Error('no permission to use Docker')) }
          : projects,
      files: fakeFiles(disk),
      http: { get: () => Promise.reject(new Error('refused')) },
    },
  )
  return proposalOf(facts)
}

const notes = {
  '/home/ann/notes/data/notes.db': sqlite,
  '/home/ann/notes/backups/notes-20261128.db.gz': gzip,
  '/home/ann/notes/backups/notes-20261129.db.gz': gzip,
}

describe('a SQLite database without containers', () => {
  it('is described with its backups, and it says what cannot be seen', async () => {
    const { targets, remarks } = await looked(notes, { docker: 'away' })
    expect(
      targets.map(({ name, project, sections }) => ({
        name,
        project,
        sections: sections.map((one) => [one.name, one.value]),
      })),
    ).toEqual([
      {
        name: 'notes',
        project: null,
        sections: [
          ['database', { engine: 'sqlite', file: 'data/notes.db' }],
          ['backups', { directory: './backups', pattern: 'notes-{time}.db.gz', checksums: 'if-present' }],
          ['staging', './staging'],
        ],
      },
    ])
    expect(remarks.join('\n')).toContain('how the application is stopped and started cannot be seen')
    expect(nextText(null, targets)).toBe(
      'Next:\n  runbook doctor\n  runbook backups\n  runbook backups find-good\n',
    )
  })

  it('needs no room to unpack backups that are no archives', async () => {
    const { targets } = await looked({
      '/home/ann/notes/notes.db': sqlite,
      '/home/ann/notes/backups/notes-20261129.db': sqlite,
    })
    expect(targets[0]?.sections.map(({ name }) => name)).toEqual(['database', 'backups'])
  })

  it('is not one of its backups, of a package, or of a folder that is hidden, nor a file with that ending only', async () => {
    const { targets } = await looked({
      ...notes,
      '/home/ann/notes/snapshots/old.db': sqlite,
      '/home/ann/notes/notes-20261101.db': sqlite,
      '/home/ann/notes/node_modules/x/cache.db': sqlite,
      '/home/ann/notes/.cache/index.sqlite': sqlite,
      '/home/ann/notes/thumbs.db': 'MZ',
    })
    expect(targets.map(({ name }) => name)).toEqual(['notes'])
  })

  it('is one target each where there are several', async () => {
    const { targets } = await looked({ ...notes, '/home/ann/notes/data/users.sqlite': sqlite })
    expect(targets.map(({ name }) => name)).toEqual(['notes', 'users'])
    expect(nextText('npm install --save-dev runbook', targets)).toBe(
      'Next:\n  npm install --save-dev runbook\n  runbook doctor --all\n  runbook backups --target notes\n  runbook backups find-good --target notes\n',
    )
  })

  it('of several Compose databases, the next commands name one', () => {
    const writers = { name: 'writers', value: ['web'], guessed: null, questions: [] }
    const database = (engine: string) => ({
      name: 'database',
      value: { engine },
      guessed: null,
      questions: [],
    })
    const sections = [writers, database('postgres')]
    const targets = ['shop-db', 'shop-auth'].map((name) => ({ name, project: 'shop', sections }))
    expect(nextText(null, targets)).toBe(
      'Next:\n  runbook doctor --all\n  runbook run restore-test --target shop-db\n  runbook run full-db-rollback --target shop-db --dry-run\n',
    )
    const ofOne = (...own: readonly ProposedSection[]) =>
      nextText(null, [{ name: 'one', project: 'one', sections: own }])
    expect(ofOne(writers, database('sqlite'))).toBe(
      'Next:\n  runbook doctor\n  runbook backups find-good\n  runbook run full-db-rollback --dry-run\n',
    )
    expect(ofOne(writers)).toBe('Next:\n  runbook doctor\n  runbook list\n')
  })

  it('comes before projects that run elsewhere, which it names, unless one is asked for', async () => {
    const { targets, remarks } = await looked(notes, { docker: 'running' })
    expect(targets.map(({ name }) => name)).toEqual(['notes'])
    expect(remarks).toContain('shop: running elsewhere; describe one with --project NAME')
    const named = await looked(notes, { docker: 'running', project: 'shop' })
    expect(named.targets.map(({ project }) => project)).toEqual(['shop'])
  })

  it('keeps what people wrote: a target is known by its file', async () => {
    const { targets } = await looked(notes)
    const first = configText(targets)
    const edited = first.replace('notes: {', 'diary: {\n      title: "My diary",')
    const again = merge(edited, targets)
    expect([again.text, again.added]).toEqual([edited, []])
    const other = edited.replace('data/notes.db', 'data/other.db')
    expect(merge(other, targets).added).toEqual(['notes'])
  })
})
