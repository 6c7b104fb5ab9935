import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import type { Kill } from '../crash/kill.ts'
import { openContextsafe, type ContextsafeStack } from '../fixtures/contextsafe-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`
const made = `
  create table documents (id text primary key, project_id integer not null references projects (id) on delete cascade, title text);
  create table glossary_entries (id integer primary key, project_id integer not null references projects (id), term text not null);
  insert into projects values (8, 'O''Brien "&" Sons; DROP TABLE documents; --');
  insert into documents values ('d1', 8, null), ('d2', 8, ''), ('d3', 1, 'Kept'); insert into glossary_entries values (1, 8, 'ünï'), (2, 1, 'kept');`
const accident = `
  delete from glossary_entries where project_id = 8; delete from documents where project_id = 8; delete from projects where id = 8;
  update projects set name = 'renamed since' where id = 1;`

describe.skipIf(!docker())(
  'recover-volume-records on Compose, with a project that was deleted from the database in its volume',
  () => {
    let stack: ContextsafeStack
    let saved: string
    let lost: readonly unknown[]

    const python = async (script: string): Promise<string> =>
      (
        await execa('docker', ['exec', '--interactive', await stack.container(), 'python3', '-'], {
          input: `import sqlite3\ndb = sqlite3.connect('/app/data/contextsafe.db', timeout=20)\n${script}`,
        })
      ).stdout
    const work = (sql: string): Promise<string> => python(`db.executescript('''${sql}''')\ndb.close()`)
    const rows = (): Promise<string> =>
      python(
        "for table in ('projects', 'documents', 'glossary_entries'):\n  for row in db.execute(f'select * from {table} order by id'): print(table, row)",
      )
    const running = (): Promise<boolean> =>
      stack.total().then(
        () => true,
        () => false,
      )
    const standing = async (): Promise<readonly unknown[]> => {
      await eventually(running, 'the application answers')
      const files = (
        await execa('docker', [
          'exec',
          await stack.container(),
          'sh',
          '-c',
          'cd /app/data; stat -c "%n %a %u:%g" *.db* | grep -v -e -wal -e -shm',
        ])
      ).stdout
      return [
        await rows(),
        files,
        await readdir(join(stack.folder, 'backups', 'kept')),
        await readdir(join(stack.folder, 'backups', 'staging')),
        await readdir(join(stack.folder, 'export')).catch(() => 'none'),
      ]
    }
    const recover = (
      more: readonly string[] = [],
      healthWord = 'ok',
      kill: Kill | null = null,
    ): Promise<Finished> =>
      stack.type(
        [
          'run',
          'recover-volume-records',
          '--key',
          '8',
          '--export',
          'export',
          '--confirm',
          stack.phrase,
          ...more,
        ],
        healthWord,
        kill,
      )
    const back = async (): Promise<void> => {
      await eventually(running, 'the application answers')
      expect(await rows()).toBe(saved.replace("'project 0'", "'renamed since'"))
      expect((await standing())[1]).toBe(lost[1])
    }

    beforeAll(async () => {
      stack = await openContextsafe()
      await eventually(
        () =>
          stack.total().then(
            (total) => total === 7,
            () => false,
          ),
        'the application answers',
      )
      await work(made)
      saved = await rows()
      await python(
        "copy = sqlite3.connect('/tmp/copy.db')\ndb.backup(copy)\ncopy.execute('pragma journal_mode=delete')\ncopy.close()",
      )
      const stamp = new Date(Date.now() - 3_600_000)
        .toISOString()
        .slice(0, 19)
        .replaceAll(/[-:]/g, '')
        .replace('T', '-')
      await execa('docker', [
        'cp',
        `${await stack.container()}:/tmp/copy.db`,
        join(stack.folder, 'backups', `contextsafe-${stamp}.db`),
      ])
    }, 120_000)
    afterAll(() => stack?.[Symbol.asyncDispose]())
    beforeEach(async () => {
      await eventually(running, 'the application answers')
      await work(accident)
      for (const folder of ['export', 'backups/kept'])
        await rm(join(stack.folder, folder), { recursive: true, force: true })
      await execa('mkdir', [join(stack.folder, 'backups', 'kept')])
      lost = await standing()
    }, 30_000)

    it('foretells it and changes nothing', async () => {
      const finished = await recover(['--dry-run'])
      expect(finished.code, whole(finished)).toBe(0)
      expect(await standing()).toEqual(lost)
    }, 60_000)

    it('brings the project back, and leaves what came after the backup, though that is in the log alone', async () => {
      const finished = await recover()
      expect(finished.code, whole(finished)).toBe(0)
      await back()
      expect(await readdir(join(stack.folder, 'export'))).toHaveLength(3)
      expect(whole(finished)).not.toContain('Sons; DROP')
    }, 90_000)

    it('puts every row and byte back where health never comes', async () => {
      const finished = await recover([], 'never')
      expect(finished.code, whole(finished)).toBe(10)
      // What was live without getting healthy, with what the service wrote to it.
      const folder = join(stack.folder, 'backups', 'kept')
      const [kept, log, ...others] = (await readdir(folder)).sort()
      expect(finished.stdout).toContain(`is kept as ${join(folder, String(kept))}`)
      expect([log, others]).toEqual([`${kept}-wal`, []])
      for (const name of [kept, log]) await rm(join(folder, String(name)))
      expect(await standing()).toEqual(lost)
    }, 90_000)

    it.each([
      ...crashesIn('put-the-copy-in-its-place', 500).filter(
        ([where, , way]) => where !== 'mid-effect' || way === 'rollback',
      ),
      [
        'mid-merge',
        { when: 'during', type: 'intent', step: 'insert-what-is-missing-into-a-copy', wait: 200 },
        'rollback',
      ] as const,
    ])(
      'killed %s (%j), then %s',
      async (_, kill, way) => {
        const killed = await recover([], 'ok', kill)
        expect(killed.signal, whole(killed)).toBe('SIGKILL')
        const finished = await stack.type([way])
        expect(finished.code, whole(finished)).toBe(0)
        if (way === 'rollback') expect(await standing()).toEqual(lost)
        else await back()
      },
      120_000,
    )
  },
)
