import { shellWord } from '../kernel/shell-quote.ts'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nearest } from '../kernel/did-you-mean.ts'
import type { Loaded } from '../config/load.ts'
import type { Trust } from '../config/trust.ts'
import { defaultExport } from '../kernel/default-export.ts'
import { cannot, RunbookError } from '../kernel/errors.ts'
import { isRunbook, type Runbook } from '../model/runbook.ts'
import { missingSections, type Section, type Target } from '../model/target.ts'
import { packagedRunbooks } from './package-root.ts'

/** A runbook and the file that it was loaded from. */
export type CatalogEntry = {
  readonly book: Runbook
  readonly file: string
  readonly from: 'team' | 'package'
}

/** What a list says of a runbook. */
export type ListedBook = {
  readonly name: string
  readonly title: string
  readonly when: string
  readonly needs: readonly Section[]
}

/**
 * The team's runbooks, one file each in the configured folders, and those that come with the program. A
 * team's runbook overrides a packaged one of the same name.
 */
export class RunbookCatalog {
  readonly #loaded: Loaded
  readonly #trust: Pick<Trust, 'check'>

  constructor(loaded: Loaded, trust: Pick<Trust, 'check'>) {
    this.#loaded = loaded
    this.#trust = trust
  }

  /**
   * All runbooks, sorted by name.
   * @throws RunbookError `usage` for a file that does not load or does not export a runbook, or a name used
   * twice
   */
  async all(): Promise<readonly CatalogEntry[]> {
    return this.#sorted(await this.#own(), await this.#packagedFiles())
  }

  /**
   * As `all`, without those of the package that need a section which none of these targets has: to load their steps
   * takes longer than to look at a target.
   * @throws RunbookError as `all`
   */
  async fitting(targets: readonly Target[]): Promise<readonly CatalogEntry[]> {
    const own = await this.#own()
    const files = await this.#packagedFiles()
    const fit = (files.length === 0 ? [] : await packagedSummaries())
      .filter((book) => targets.some((target) => missingSections(book, target).length === 0))
      .map(({ name }) => name)
    const packaged = files.filter((file) => fit.includes(nameOf(file)))
    return this.#sorted(own, packaged)
  }

  /** As `all`, for lists: those of the package are described without being loaded. */
  async listed(): Promise<readonly (ListedBook & { readonly from: CatalogEntry['from'] })[]> {
    const own = (await this.#own()).map(({ book, from }) => ({ ...summaryOf(book), from }))
    const packaged = (await this.#packagedFiles()).length === 0 ? [] : await packagedSummaries()
    const others = packaged.filter(({ name }) => own.every((one) => one.name !== name))
    return [...own, ...others.map((one) => ({ ...one, from: 'package' as const }))].sort((one, other) =>
      one.name < other.name ? -1 : 1,
    )
  }

  /**
   * Finds a runbook by name. Loads only the file of that name where it exists and matches; for a packaged
   * runbook also the team's, since any of them may override it.
   * @throws RunbookError `usage` for an unknown name
   */
  async find(name: string): Promise<CatalogEntry> {
    const named = (await this.#files()).find((file) => nameOf(file) === name)
    if (named !== undefined) {
      const entry = await this.#load(named, 'team')
      if (entry.book.name === name) return entry
    }
    const own = (await this.#own()).find(({ book }) => book.name === name)
    if (own !== undefined) return own
    const packaged = (await this.#packagedFiles()).find((file) => nameOf(file) === name)
    if (packaged !== undefined) return this.#load(packaged, 'package')
    const names = (await this.all()).map(({ book }) => book.name)
    throw new RunbookError(
      'usage',
      `runbook "${name}" not found${nearest(name, names, (best) => `; did you mean "${best}"?`)}`,
      { hint: 'list them: runbook list' },
    )
  }

  /** Whether this is a team's runbook that overrides a packaged one. */
  async overridesPackaged({ book, from }: CatalogEntry): Promise<boolean> {
    return from === 'team' && (await this.#packagedFiles()).some((file) => nameOf(file) === book.name)
  }

  async #own(): Promise<readonly CatalogEntry[]> {
    const books = new Map<string, CatalogEntry>()
    for (const file of await this.#files()) {
      const entry = await this.#load(file, 'team')
      const { name } = entry.book
      const other = books.get(name)
      if (other !== undefined) {
        throw new RunbookError('usage', `runbook name ${name} is used twice: ${other.file} and ${file}`, {
          hint: 'rename one of them',
        })
      }
      books.set(name, entry)
    }
    return [...books.values()]
  }

  /** The team's with those of the package that it does not override. */
  async #sorted(own: readonly CatalogEntry[], files: readonly string[]): Promise<readonly CatalogEntry[]> {
    const packaged = await Promise.all(files.map((file) => this.#load(file, 'package')))
    const others = packaged.filter(({ book }) => own.every((one) => one.book.name !== book.name))
    return [...own, ...others].sort((one, other) => (one.book.name < other.book.name ? -1 : 1))
  }

  /** Empty where the packaged folder is itself configured, as in a checkout of the program. */
  async #packagedFiles(): Promise<readonly string[]> {
    return this.#loaded.runbooks.includes(packagedRunbooks) ? [] : scriptsIn(packagedRunbooks)
  }

  async #files(): Promise<readonly string[]> {
    const lists = await Promise.all(
      this.#loaded.runbooks.map(async (folder) => {
        if (!existsSync(folder)) {
          throw cannot('read', `the runbooks in ${folder}`, 'no such folder', {
            code: 'usage',
            hint: `create it (mkdir -p ${shellWord(folder)}), or fix runbooks in ${this.#loaded.file}`,
          })
        }
        return scriptsIn(folder)
      }),
    )
    return lists.flat()
  }

  async #load(file: string, from: CatalogEntry['from']): Promise<CatalogEntry> {
    if (from === 'team') this.#trust.check(file)
    return loadScript(file, from)
  }
}

async function loadScript(file: string, from: CatalogEntry['from']): Promise<CatalogEntry> {
  let exported: unknown
  try {
    exported = defaultExport(await import(pathToFileURL(file).href))
  } catch (thrown) {
    throw cannot('load', `runbook file ${file}`, null, {
      code: 'usage',
      cause: thrown,
      hint: await hintFor(thrown, file),
    })
  }
  if (isRunbook(exported)) return { book: exported, file, from }
  throw new RunbookError('usage', `${file} does not export a runbook`, {
    hint: "write `export default runbook('name', …)`, or move other code out of this folder",
  })
}

async function hintFor(thrown: unknown, file: string): Promise<string> {
  const { loadHint } = await import('../config/load-hint.ts')
  return loadHint(thrown, file)
}

/** The runbooks that come with the program, by name. */
export async function packagedBooks(): Promise<readonly Runbook[]> {
  const files = await scriptsIn(packagedRunbooks)
  const loaded = await Promise.all(files.map((file) => loadScript(file, 'package')))
  return loaded.map(({ book }) => book)
}

export const summaryOf = ({ name, about: { title, when, needs } }: Runbook): ListedBook => ({
  name,
  title,
  when,
  needs,
})

/** Written by `npm run generate` from the runbooks, since loading them all takes longer than everything else. */
async function packagedSummaries(): Promise<readonly ListedBook[]> {
  const { default: books } = await import('./packaged-runbooks.json', { with: { type: 'json' } })
  return books as readonly ListedBook[]
}

const nameOf = (file: string): string => basename(file, extname(file))

async function scriptsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => /^[^.].*\.[cm]?[jt]s$/.test(name) && !/\.(test|d)\.[cm]?[jt]s$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}
