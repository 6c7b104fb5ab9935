import type { Revision } from '../drivers/migrations.ts'
import { operationsIn, downgradeIn } from './migration-source.ts'

/** A revision as `alembic history --verbose` reports it. */
export type HistoryRevision = Pick<Revision, 'id' | 'down' | 'head' | 'message'> & {
  readonly path: string | null
}

/**
 * Parses `alembic history --verbose`, newest first. A revision begins with `Rev: ID (head) (branchpoint)`,
 * followed by its fields and its description, indented by four. Output of the application before the first
 * one is ignored.
 */
export function revisionsIn(text: string): readonly HistoryRevision[] {
  const blocks = text.split(/^Rev: /m).slice(1)
  return blocks.map((block) => {
    const [first = '', ...rest] = block.split('\n')
    const field = (name: string): string | null =>
      rest
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2)
        .trim() ?? null
    const down = field('Merges') ?? field('Parent') ?? '<base>'
    return {
      id: first.trim().split(/[\s,]/)[0] ?? '',
      down: down === '<base>' ? [] : down.split(',').map((id) => id.trim()),
      head: /\((?:effective )?head\)/.test(first),
      message: rest.find((line) => line.startsWith('    ') && line.trim() !== '')?.trim() ?? '',
      path: field('Path'),
    }
  })
}

/**
 * Parses the short form of `alembic history`, newest first: `abc123 -> def456 (head), add_glossary_table`.
 */
export function historyLines(text: string): readonly Omit<HistoryRevision, 'path'>[] {
  return text.split('\n').flatMap((line) => {
    const found =
      /^(?<down><base>|[\w.-]+(?:, [\w.-]+)*) -> (?<id>[\w.-]+)(?<marks>(?: \([^)]*\))*), ?(?<message>.*)$/.exec(
        line.trim(),
      )?.groups
    if (found === undefined) return []
    const { down = '', id = '', marks = '', message = '' } = found
    return [
      {
        id,
        down: down === '<base>' ? [] : down.split(', '),
        head: /\((?:effective )?head\)/.test(marks),
        message,
      },
    ]
  })
}

/**
 * Parses `alembic current`, one revision per line: `abc123 (head)`. Lines with more words are output of the
 * application.
 */
export function currentIn(text: string): readonly string[] {
  return text
    .split('\n')
    .flatMap((line) => /^(?<id>[\w.-]+)(?: \([^)]*\))*$/.exec(line.trim())?.groups?.['id'] ?? [])
}

/**
 * Joins the history with the migration files. A revision whose file could not be read counts as having no
 * downgrade.
 */
export function revisionsWith(
  history: readonly HistoryRevision[],
  sources: ReadonlyMap<string, string>,
): readonly Revision[] {
  return history.map(({ path, ...revision }) => {
    const source = path === null ? undefined : sources.get(path)
    return { ...revision, downgrade: downgradeIn(source ?? ''), ...operationsIn(source ?? '') }
  })
}

/** Splits the output of `grep -H '' FILE…` by file: every line is prefixed with its file's name. */
export function filesIn(printed: string, paths: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const line of printed.split('\n')) {
    const path = paths.find((one) => line.startsWith(`${one}:`))
    if (path !== undefined) files.set(path, `${files.get(path) ?? ''}${line.slice(path.length + 1)}\n`)
  }
  return files
}
