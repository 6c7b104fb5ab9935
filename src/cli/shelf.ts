import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nearest } from '../kernel/misspelt.ts'
import type { Loaded } from '../config/load.ts'
import { refuseWritableByAnyone, type Overridden } from '../config/trust.ts'
import { RunbookError } from '../kernel/errors.ts'
import { isRunbook, type Runbook } from '../model/runbook.ts'

/** The team's runbooks: one file each, in the configured folders. */
export class Shelf {
  readonly #loaded: Loaded
  readonly #overridden: Overridden

  constructor(loaded: Loaded, overridden: Overridden) {
    this.#loaded = loaded
    this.#overridden = overridden
  }

  /** All of them, by name. @throws RunbookError `usage` for a file that does not load or is no runbook, or a name used twice */
  async all(): Promise<readonly Runbook[]> {
    const books = new Map<string, { readonly book: Runbook; readonly file: string }>()
    for (const file of await this.#files()) {
      const book = await this.#load(file)
      const other = books.get(book.name)
      if (other !== undefined) {
        throw new RunbookError('usage', `two runbooks are called ${book.name}: ${other.file} and ${file}`, { hint: 'give each a name of its own' })
      }
      books.set(book.name, { book, file })
    }
    return [...books.values()].map(({ book }) => book).sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** One by its name, loading only its own file where that is called after it. @throws RunbookError `usage` for a name that nobody has */
  async find(name: string): Promise<Runbook> {
    const files = await this.#files()
    const own = files.find((file) => basename(file, extname(file)) === name)
    if (own !== undefined) {
      const book = await this.#load(own)
      if (book.name === name) return book
    }
    const all = await this.all()
    const found = all.find((book) => book.name === name)
    if (found !== undefined) return found
    const names = all.map((book) => book.name)
    throw new RunbookError('usage', `there is no runbook "${name}"${nearest(name, names, (best) => `; did you mean "${best}"?`)}`, { hint: '`runbook list` shows all' })
  }

  async #files(): Promise<readonly string[]> {
    const lists = await Promise.all(
      this.#loaded.runbooks.map(async (folder) => {
        if (!existsSync(folder)) {
          throw new RunbookError('usage', `the folder of runbooks ${folder} does not exist`, { hint: `make it, or mend runbooks in ${this.#loaded.file}` })
        }
        const names = await readdir(folder)
        return names.filter((name) => /^[^.].*\.[jt]s$/.test(name) && !/\.(test|d)\.[jt]s$/.test(name)).sort().map((name) => join(folder, name))
      }),
    )
    return lists.flat()
  }

  async #load(file: string): Promise<Runbook> {
    await refuseWritableByAnyone([file, dirname(file)], this.#overridden)
    let exported: unknown
    try {
      exported = ((await import(pathToFileURL(file).href)) as { readonly default?: unknown }).default
    } catch (thrown) {
      throw new RunbookError('usage', `cannot load the runbook file ${file}`, { cause: thrown, hint: 'mend the file; nothing was done' })
    }
    if (isRunbook(exported)) return exported
    throw new RunbookError('usage', `${file} exports no runbook`, { hint: "write `export default runbook('name', …)`, or move other code out of this folder" })
  }
}
