import type { Migrations, MigrationTool, Revision } from '../drivers/migrations.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { FakeServer } from './fake-server.ts'
import type { Disk } from './disk.ts'
import { dumpBytes, readDump, type FakeTables } from './fake-dump.ts'
import type { FakeVolumes } from './volumes.ts'

export type FakeMigration = {
  readonly told: Revision
  /** The tables after the migration. */
  readonly up: (tables: FakeTables) => FakeTables
  /** The tables after it is reverted; throw to refuse. */
  readonly back: (tables: FakeTables) => FakeTables
}

/** Migrations in fake images. */
export type FakeMigrations = {
  /** By image, newest first. */
  readonly images: Map<string, readonly FakeMigration[]>
  /** What they migrate: a database of the server, or a SQLite file in a volume of a service. */
  readonly database: string | { readonly service: string; readonly path: string }
}

export const noMigrations = (): FakeMigrations => ({ images: new Map(), database: 'none' })

export type MigrationParts = {
  readonly migrations: FakeMigrations
  readonly server: FakeServer
  readonly disk: Disk
  readonly volumes: FakeVolumes
  /** The image that the stack's files name for a service. */
  readonly imageOf: (tool: MigrationTool) => string
}

/** Linear histories only. A migration is applied completely or not at all, as in Postgres. */
export function fakeMigrations(parts: MigrationParts): Migrations {
  const { migrations, imageOf } = parts
  const held = (tool: MigrationTool): readonly FakeMigration[] => {
    const image = tool.image ?? imageOf(tool)
    const found = migrations.images.get(image)
    if (found !== undefined) return found
    throw new RunbookError('failed', `image ${image} not found`, {
      hint: 'add it to the migrations of the test',
    })
  }
  const located = (tool: MigrationTool, id: string): FakeMigration => {
    const found = held(tool).find(({ told }) => told.id === id)
    if (found !== undefined) return found
    throw new RunbookError('failed', `Can't locate revision identified by '${id}'`, {
      hint: 'use an image that has it',
    })
  }
  const levelOf = (tables: FakeTables): string =>
    String(tables['alembic_version']?.[0]?.['version_num'] ?? 'base')
  const move = async (
    tool: MigrationTool,
    to: string,
    next: (level: string) => readonly [(tables: FakeTables) => FakeTables, string] | undefined,
  ): Promise<void> => {
    const database = databaseOf(parts, tool)
    if (to !== 'base') located(tool, to)
    let tables = database.read()
    while (levelOf(tables) !== to) {
      const step = next(levelOf(tables))
      if (step === undefined)
        throw new RunbookError('failed', `no path from revision ${levelOf(tables)} to ${to}`)
      tables = { ...step[0](tables), alembic_version: step[1] === 'base' ? [] : [{ version_num: step[1] }] }
    }
    database.write(tables)
  }
  return {
    async current(tool) {
      const level = levelOf(databaseOf(parts, tool).read())
      if (level !== 'base') located(tool, level)
      return level === 'base' ? [] : [level]
    },
    history: async (tool) => ({ revisions: held(tool).map(({ told }) => told) }),
    downgrade: (tool, to) =>
      move(tool, to, (level) => {
        const { back, told } = located(tool, level)
        return [back, told.down[0] ?? 'base']
      }),
    upgrade: (tool, to) =>
      move(tool, to, (level) => {
        const one = held(tool).find(({ told }) => (told.down[0] ?? 'base') === level)
        return one === undefined ? undefined : [one.up, one.told.id]
      }),
  }
}

type Access = { readonly read: () => FakeTables; readonly write: (tables: FakeTables) => void }

function databaseOf(
  { migrations: { database }, server, disk, volumes }: MigrationParts,
  { copy }: MigrationTool,
): Access {
  if (copy !== null) {
    const path = `${copy.folder}/${copy.file}`
    return inFile(path, disk.files.get(path), (body) => disk.files.set(path, body))
  }
  if (typeof database !== 'string') {
    const files = volumes.get(database.service)
    const found = files?.get(database.path)
    return inFile(
      database.path,
      found?.body,
      (body) => found !== undefined && files?.set(database.path, { ...found, body }),
    )
  }
  const found = server.databases.get(database)
  if (found === undefined)
    throw new RunbookError('failed', `database ${database} not found`, {
      hint: 'add it to the server of the test',
    })
  return {
    read: () => found.tables,
    write: (tables) => {
      found.tables = tables
    },
  }
}

function inFile(path: string, body: Uint8Array | undefined, put: (body: Uint8Array) => unknown): Access {
  const dump = readDump(path, body)
  return { read: () => dump.tables, write: (tables) => put(dumpBytes({ ...dump, tables })) }
}
