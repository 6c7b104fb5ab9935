import { isDump, isTransient, pathsIn } from './backup-paths.ts'
import { ownScript } from './own-script.ts'
import type { Procedure, Step } from './procedure.ts'
import { writtenValues } from './shell-variables.ts'

/** Where backups are and how they are called, with what of it the document does not say. */
export type BackupPlace = {
  readonly directory: string
  readonly pattern: string
  readonly guessed: string | null
}

/** The path of one backup: the folder, and its name with `{time}` for a time and `*` for what is not known. */
type Named = { readonly directory: string; readonly pattern: string }

const timeWord = /^(?:time ?stamp|stamp|date|time|datetime|day|when|now|yyyy.*)$/i
const stamp =
  /(?:YYYY|\d{4})(-?)(?:MM|\d\d)\1(?:DD|\d\d)(?:[-_T]?(?:HHMM(?:SS)?|\d{6}|\d{4})Z?|[-_T](?:HH|\d\d)([-:.])(?:MM|\d\d)(?:\2(?:SS|\d\d))?Z?)?(?!\d)/g

/** `{time}` and `*` in place of what the shell or a reader puts in. */
function withPlaceholders(path: string): string {
  const ofWord = (word: string): string => (timeWord.test(word.replaceAll(/[_-]/g, ' ')) ? '{time}' : '*')
  return (
    path
      .replaceAll(/\$\(date\b[^)]*\)|`date\b[^`]*`/g, (date) => (/%[YF]/.test(date) ? '{time}' : '*'))
      .replaceAll(/\$\([^)]*\)|`[^`]*`|\?/g, '*')
      // The shell is read with braces around the name of a placeholder.
      .replaceAll(/<([^<>/]*)>|(?<!\$)\{([A-Za-z][\w -]*)\}/g, (_, angled?: string, braced?: string) =>
        ofWord(angled ?? braced ?? ''),
      )
      .replaceAll(/\$\{?(\w+)[^}/]*\}|\$(\w+)/g, (_, braced?: string, bare?: string) =>
        ofWord(braced ?? bare ?? ''),
      )
      .replaceAll(stamp, '{time}')
  )
}

/** Folders by date are searched below the folder that has them. */
const isDateFolder = (folder: string): boolean => /^(?:\{time\}|\*|YYYY|\d{4})$/.test(folder)

function namedBy(path: string, wanted: (name: string) => boolean): Named | null {
  const filled = withPlaceholders(path)
  if (/[\s:$]|^-/.test(filled)) return null
  const [, above, last = ''] = /^(.*)\/([^/]+)$/.exec(filled) ?? []
  if (above === undefined) return null
  const folders = above.split('/')
  const cut = folders.findIndex(isDateFolder)
  const directory = (cut < 0 ? folders : folders.slice(0, cut)).join('/')
  if (directory === '' || directory.includes('*') || isTransient(directory)) return null
  const name = last.replace(/\.(?:sha(?:256|512)(?:sum)?|md5|sig|asc)$/, '')
  if (name !== '*' && !wanted(name.replaceAll(/\*|\{time\}/g, '0'))) return null
  // One time in a name: what else looks like one is any text.
  const [first = '', ...more] = name.split('{time}')
  const pattern = more.length === 0 ? name : `${first}{time}${more.join('*')}`
  return { directory, pattern: pattern.replaceAll(/\*+/g, '*') }
}

const restoring = new Set(
  'pg_restore psql sqlite3 gpg age gunzip zcat zstd tar cp rsync sha256sum sha512sum md5sum'.split(' '),
)

/** What a command that restores is given; the last operand of a copy is where it goes. */
function readBy(step: Step): readonly string[] {
  const { shell, program, main, docker } = step
  if (ownScript(step) === null && !restoring.has(program.program) && docker?.verb !== 'cp') return []
  const given = [...shell.stages.flatMap((stage) => [...stage.reads, ...stage.args]), ...program.args]
  const copies = docker?.verb === 'cp' || main.program === 'cp' || main.program === 'rsync'
  const goesTo = copies ? given.findLast((one) => !one.startsWith('-')) : undefined
  return given.filter((path) => path !== goesTo)
}

const usedBy = ({ shell, program }: Step): readonly string[] => [
  ...shell.stages.flatMap(({ writes, args }) => [...writes, ...args]),
  ...program.args,
]

/** How much a pattern says of the names of all backups. */
const precision = ({ pattern }: Named): number =>
  pattern.includes('{time}') ? 3 : pattern === '*' ? 0 : pattern.includes('*') ? 2 : 1

const unsaid: readonly (string | null)[] = [
  'how the files in this folder are called',
  'the document names one backup; the others may be called otherwise',
  'where the time is in their names; until {time} stands there, the modification time counts',
  null,
]

/**
 * Where the backups of a document are: in the first folder that its restores read from, else in which its commands write them,
 * else that its prose names. Null: it names none.
 * @param wanted whether a name is that of a backup of the kind in question
 * @param ending of such backups, where the document names only their folder
 */
export function backupPlaceIn(
  { parts, steps }: Procedure,
  wanted = isDump,
  ending = '.dump',
): BackupPlace | null {
  const valueOf = writtenValues(steps)
  const named = (paths: readonly string[]): readonly Named[] =>
    paths.flatMap((path) => namedBy(valueOf(path.replace(/^--?[\w-]+=/, '')), wanted) ?? [])
  const all = [
    ...named(steps.flatMap(readBy)),
    ...named(steps.flatMap(usedBy)),
    ...named(parts.flatMap(({ text }) => pathsIn(text))),
  ]
  const first = all.find((one) => precision(one) > 0) ?? all[0]
  // A folder that a restore reads from is the one, also where only the prose names its files.
  const home =
    all.find((one) => all.some((other) => other.directory === one.directory && precision(other) > 0)) ?? first
  if (home === undefined) return null
  const here = all.filter(({ directory }) => directory === home.directory)
  const [known = home] = here.toSorted((one, other) => precision(other) - precision(one))
  const best = told(known, parts.map(({ text }) => text).join('\n'))
  return {
    directory: best.directory,
    ...calledIn(here, best, ending),
    guessed: unsaid[precision(best)] ?? null,
  }
}

/** `shop-*.dump`, where the document tells elsewhere that such a file is called `shop-<timestamp>.dump`. */
function told(known: Named, text: string): Named {
  const names = (text.match(/[\w.<>*-]+/g) ?? []).map(withPlaceholders)
  const timed = names.find((name) => name.includes('{time}') && name.replace('{time}', '*') === known.pattern)
  return timed === undefined ? known : { ...known, pattern: timed }
}

/** Encrypted ones and open ones of the same name are all of them backups. */
function calledIn(here: readonly Named[], { pattern }: Named, ending: string): { readonly pattern: string } {
  if (pattern === '*') return { pattern: `*${ending}` }
  const open = pattern.replace(/\.(?:gpg|age)$/, '')
  const named = (one: string): boolean => here.some((other) => other.pattern === one)
  const both = named(open) && (named(`${open}.gpg`) || named(`${open}.age`))
  return { pattern: both ? `${open}*` : pattern }
}
