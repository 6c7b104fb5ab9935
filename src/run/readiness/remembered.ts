import { viewOf, type Drivers, type Views } from '../../drivers/drivers.ts'
import type { Backup } from '../../drivers/backups.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { canonical, type Json } from '../../kernel/json.ts'
import { shellWord } from '../../kernel/shell-quote.ts'

type Method = (...args: readonly unknown[]) => Promise<unknown>

export type Remembered = {
  readonly look: Views
  /** Messages of the reads that were refused because they are too much for a check that runs on a timer. */
  readonly withheld: ReadonlySet<string>
}

/**
 * Read-only drivers that put each question to the system once: failures are remembered like answers.
 * @param maxBytes larger files and databases are not read to their last byte; null for no limit
 */
export function remembered(drivers: Drivers, maxBytes: number | null): Remembered {
  const withheld = new Set<string>()
  const views = viewOf(drivers)
  const answers = new Map<string, Promise<unknown>>()
  const ask = (port: string, method: string, args: readonly unknown[], call: Method): Promise<unknown> => {
    const key = keyOf(port, method, args)
    const known = key === null ? undefined : answers.get(key)
    if (known !== undefined) return known
    const answer = (async () => {
      if (maxBytes !== null) await refuseIfLarge(views, `${port}.${method}`, args, maxBytes, withheld)
      return call(...args)
    })()
    if (key !== null) answers.set(key, answer)
    return answer
  }
  const ports = Object.entries(views).map(([port, view]) => [
    port,
    Object.fromEntries(
      Object.entries(view as { readonly [method: string]: Method }).map(([method, call]) => [
        method,
        (...args: readonly unknown[]) => ask(port, method, args, call),
      ]),
    ),
  ])
  // A dry run asks nobody, and neither does this: an approval can be given.
  const people = { people: { reachable: async () => 'flag' } }
  return { look: { ...Object.fromEntries(ports), ...people } as unknown as Views, withheld }
}

/** Null for arguments that are not JSON, such as the bytes of an edit: such a question is not remembered. */
function keyOf(port: string, method: string, args: readonly unknown[]): string | null {
  try {
    return canonical([port, method, ...args.filter((arg) => arg !== undefined)] as Json)
  } catch {
    return null
  }
}

/** How many bytes a question makes the drivers read, for those that read files or databases to their end. */
const sizes: {
  readonly [question: string]: (look: Views, args: readonly unknown[]) => Promise<Read>
} = {
  'backups.verify': async (_, [, backup]) => {
    const { file, bytes } = backup as Backup
    return { what: file, bytes }
  },
  'databases.inspect': (look, [, file]) => fileSize(look, file),
  'databases.readBack': (look, [, file]) => fileSize(look, file),
  'archives.inspect': (look, [file]) => fileSize(look, file),
  'archives.find': (look, [file]) => fileSize(look, file),
  'images.archived': (look, [file]) => fileSize(look, file),
  'files.hash': (look, [file]) => fileSize(look, file),
  'files.tree': async (_, [path]) => ({ what: String(path), bytes: null }),
  'databases.fingerprint': async (look, [database, name]) => ({
    what: `the rows of ${String(name)}`,
    bytes: await look.databases.bytes(database as never, String(name)),
  }),
}

/** `bytes`: null if not known without reading. */
type Read = { readonly what: string; readonly bytes: number | null }

async function fileSize(look: Views, file: unknown): Promise<Read> {
  const path = String(file)
  return { what: path, bytes: (await look.files.stat(path))?.bytes ?? 0 }
}

async function refuseIfLarge(
  look: Views,
  question: string,
  args: readonly unknown[],
  maxBytes: number,
  withheld: Set<string>,
): Promise<void> {
  const size = await sizes[question]?.(look, args)
  if (size === undefined || (size.bytes !== null && size.bytes <= maxBytes)) return
  const amount = size.bytes === null ? 'its size is not known' : `${size.bytes} bytes`
  const message = `${size.what.startsWith('/') ? shellWord(size.what) : size.what} was not read to its end: ${amount}`
  withheld.add(message)
  throw new RunbookError('preflight', message, { hint: 'add --deep to read it' })
}
