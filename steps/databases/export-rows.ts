import {
  cannot,
  defineStep,
  isPending,
  say,
  sha256,
  type Copy,
  type Database,
  type Look,
  type TableRows,
} from '../../src/index.ts'
import { csvOf } from './lib/csv.ts'
import { keysIn, malformed, selectedRows, selectionOf } from './lib/row-selection.ts'

type Input = {
  readonly database: Database
  readonly copy: Copy
  readonly tables: string
  /** As `compareRows` takes it. */
  readonly key: string | null
  readonly folder: string
}
type Before = { readonly files: readonly string[]; readonly folderThere: boolean }
type Output = {
  readonly files: readonly { readonly file: string; readonly rows: number; readonly sha256: string }[]
}

/**
 * Writes the selected rows of the backup as CSV, one file per table. They may hold personal data: mode 0600,
 * and no copy elsewhere. Undone by removing the files.
 * @throws RunbookError `failed` where a file exists already
 */
export const exportRows = defineStep<Input, Output, Before>({
  kind: 'databases.export-rows',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database, folder }) => (isPending(database) || isPending(folder) ? null : [folder]),
  describe: ({ tables, folder }) => say`Writes the rows of ${tables} as CSV with headers into ${folder}.`,
  preflight: async (look, { folder, tables, key }) => {
    const found = malformed({ tables, key })
    if (isPending(folder)) return found
    const there = await look.files.stat(folder)
    return there === null || there.kind === 'directory'
      ? found
      : [
          ...found,
          {
            level: 'refuse',
            about: folder,
            problem: `${folder} is not a folder`,
            hint: 'name another one with --export',
          },
        ]
  },
  survey: async (look, { tables, folder }) => {
    const files = fileNamesOf(selectionOf(tables).map(({ table }) => table)).map(
      (name) => `${folder}/${name}-${look.run.id}.csv`,
    )
    for (const file of files)
      if ((await look.files.stat(file)) !== null)
        throw cannot('write', file, 'already exists', {
          code: 'failed',
          hint: 'name another folder with --export',
        })
    return { files, folderThere: (await look.files.stat(folder)) !== null }
  },
  predict: ({ before }) => ({
    output: null,
    changes: (before?.files ?? []).map((file) => `${file} with the rows of the backup`),
  }),
  run: async (io, { input: { database, copy, tables, key, folder }, before }) => {
    if (!before.folderThere) await io.files.makeFolder(folder)
    const files = []
    for (const [index, { columns, rows }] of (await rowsOf(io, { database, copy, tables, key })).entries()) {
      const cells = rows.map((row) => row.map((cell) => (cell === null ? null : cell[1])))
      const body = columns.length === 0 ? '' : csvOf(columns, cells)
      const file = before.files[index] ?? ''
      await io.files.write(file, body)
      files.push({ file, rows: rows.length, sha256: sha256(body) })
    }
    return { files }
  },
  probe: async (look, { input: { database, copy, tables, key, folder }, before, way }) => {
    const there = []
    for (const file of before.files) if ((await look.files.stat(file)) !== null) there.push(file)
    if (
      there.length === 0 &&
      (way === 'forward' || before.folderThere || (await look.files.stat(folder)) === null)
    )
      return { is: 'absent' }
    if (there.length < before.files.length && way === 'forward')
      return { is: 'torn', why: `${there.length} of ${before.files.length} files are written` }
    // An undo removes the files, whatever they hold and whether the copy can still be read.
    if (way === 'back') return { is: 'torn', why: `${there.length} files are written` }
    const files = []
    for (const [index, { rows }] of (await rowsOf(look, { database, copy, tables, key })).entries()) {
      const file = before.files[index] ?? ''
      files.push({ file, rows: rows.length, sha256: await look.files.hash(file) })
    }
    return { is: 'done', output: { files } }
  },
  rerunnable: true,
  undo: async (io, { input: { folder }, before }) => {
    for (const file of before.files) await io.files.removeTree(file)
    if (!before.folderThere) await io.files.removeTree(folder)
  },
})

const rowsOf = async (
  look: Pick<Look, 'databases'>,
  { database, copy, tables, key }: Omit<Input, 'folder'>,
): Promise<readonly TableRows[]> =>
  selectedRows(look, database, copy.name, tables, await keysIn(look, database, copy.name, { tables, key }))

/** Readable and apart, also where two tables differ only in characters that a file name should not have. */
function fileNamesOf(tables: readonly string[]): readonly string[] {
  const plain = tables.map((table) => table.replaceAll(/[^\w.-]/g, '_'))
  return plain.map((name, index) => (plain.indexOf(name) === index ? name : `${name}-${index + 1}`))
}
