import { optionsOf } from '../options.ts'
import type { Step } from '../procedure.ts'
import type { StepTrap } from '../trap.ts'
import { copied } from './sqlite.ts'

const dated = /\$\(date[^)]*\)|`date[^`]*`/
const finerThanDay = /%H|%I|%k|%s|%T|%N|%M|%S|%c|%R|-Is|iso-8601=|-u\s*\)|date\s*\)/

/** Where a command puts something under a new name; a file that it only adds to is not new. */
const madeBy = (step: Step): readonly string[] => {
  const copy = step.main.program === 'mv' ? movedTo(step) : copied(step)?.to
  return [
    ...(copy === undefined ? [] : [copy]),
    ...step.shell.stages.flatMap((call) => [
      ...call.writes.filter((path) => !call.appends.includes(path)),
      ...outputOf(call),
    ]),
    ...outputOf(step.program),
  ]
}

/** The options with which programs name the file that they make. */
const outputs: { readonly [program: string]: RegExp } = {
  pg_dump: /^(-f|--file)$/,
  pg_dumpall: /^(-f|--file)$/,
  gpg: /^(-o|--output)$/,
  age: /^(-o|--output)$/,
  docker: /^(-o|--output)$/,
  openssl: /^-out$/,
  tar: /^-?[a-zA-Z]*c[a-zA-Z]*f$/,
}

function outputOf({
  program,
  args,
}: {
  readonly program: string
  readonly args: readonly string[]
}): readonly string[] {
  if (program === 'tee') return args.some((arg) => /^(-a|--append)$/.test(arg)) ? [] : args
  const option = Object.hasOwn(outputs, program) ? outputs[program] : undefined
  return option === undefined
    ? []
    : args.flatMap((arg, index) => {
        const [, attached] = /^--(?:file|output)=(.+)$/.exec(arg) ?? []
        return attached !== undefined ? [attached] : option.test(arg) ? (args[index + 1] ?? []) : []
      })
}

/** Names with the values of the variables that earlier commands set. */
function named(name: string, before: readonly Step[]): string {
  const values = new Map(
    before.flatMap(({ main }) => (['', 'export'].includes(main.program) ? [...main.variables] : [])),
  )
  let text = name
  for (let depth = 0; depth < 3; depth += 1)
    text = text.replaceAll(
      /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
      (found, braced?: string, bare?: string) => values.get(braced ?? bare ?? '') ?? found,
    )
  return text
}

const movedTo = ({ main }: Step): string | undefined => {
  const operands = main.args.filter((arg) => !arg.startsWith('-'))
  return operands.length === 2 ? operands[1] : undefined
}

export const nameChanges: StepTrap = {
  name: 'name-changes',
  cure: 'set the name once in a variable; a step gets the name that an earlier step returned',
  find: (steps) => {
    const made = new Map<string, Step>()
    return steps.flatMap((at) => {
      const own = madeBy(at)
      const again = at.main.args.find((arg) => dated.test(arg) && made.has(arg) && !own.includes(arg))
      for (const name of own) if (dated.test(name) && !made.has(name)) made.set(name, at)
      return again === undefined
        ? []
        : [
            {
              at,
              reason: `the name is computed again: after midnight it is another one than that of line ${made.get(again)?.line}`,
            },
          ]
    })
  },
}

export const sameDayOverwrites: StepTrap = {
  name: 'same-day',
  cure: 'put the time into the name (date +%Y%m%dT%H%M%S), and use mv -n -T; the steps keep what they replace under a name of the run',
  find: (steps) =>
    steps.flatMap((at, index) => {
      const to = madeBy(at).find((name) => {
        const full = named(name, steps.slice(0, index))
        return dated.test(full) && !finerThanDay.test(full)
      })
      if (to === undefined) return []
      const { main } = at
      if (main.args.some((arg) => /^(-[a-zA-Z]*[nT][a-zA-Z]*|--no-clobber|--no-target-directory)$/.test(arg)))
        return []
      const from =
        main.program === 'mv' ? main.args.findLast((arg) => !arg.startsWith('-') && arg !== to) : undefined
      const folder = from !== undefined && !/[^./]\.[^./]+$/.test(from)
      return [
        {
          at,
          reason: folder
            ? 'a second run on the same day moves the folder into the first copy'
            : 'a second run on the same day replaces the first copy, perhaps the only good one',
        },
      ]
    }),
}

export const replacesNothing: StepTrap = {
  name: 'replaces-nothing',
  cure: 'check first that the line is there (grep -q), and read it back; the steps setImage and setVariable refuse a file without it',
  find: (steps) =>
    steps.flatMap((at) => {
      const { program, args } = at.main
      const inPlace = args.some((arg) => /^(-[a-zA-Z]*i.*|--in-place.*)$/.test(arg))
      const replaces = args.some((arg) => /(^|;|\n)\s*[^a-z]*s([|/#,@!:])/.test(arg))
      const file = args.at(-1)
      if (program !== 'sed' || !inPlace || !replaces || file === undefined) return []
      const checked = steps.some(
        ({ shell, program: { program: other } }) =>
          (other === 'grep' || other === 'diff' || other === 'cmp') && shell.text.includes(file),
      )
      return checked
        ? []
        : [
            {
              at,
              reason:
                'sed succeeds when nothing matches: the old version may stay, and be reported as the new one',
            },
          ]
    }),
}

const extracts = ({ main }: Step): string | null => {
  if (main.program !== 'tar') return null
  const [first = '', ...rest] = main.args
  // `tar xzf FILE`: the first word has options without a dash.
  const args = /^[a-zA-Z]+$/.test(first) ? [`-${first}`, ...rest] : main.args
  const options = optionsOf(args, ['file,f', 'directory,C'])
  return options.has('x', 'extract', 'get') ? options.value('directory', 'C') : null
}

export const folderMissing: StepTrap = {
  name: 'folder-missing',
  cure: 'create it first (mkdir -p), empty; the step unpack uses a new folder of the run and removes it at the end',
  find: (steps) =>
    steps.flatMap((at, index) => {
      const folder = extracts(at)
      // Other folders may well be there: a document does not say.
      if (folder === null || !/^(\/var)?\/tmp\/./.test(folder)) return []
      const made = steps
        .slice(0, index)
        .some(
          ({ main, text }) =>
            ['mkdir', 'install', 'mktemp'].includes(main.program) &&
            text.includes(folder.replace(/\/+$/, '')),
        )
      return made
        ? []
        : [{ at, reason: `tar does not create ${folder}: it fails unless the folder is there` }]
    }),
}

const sums = /^(sha\d+sum|shasum|md5sum|b2sum)$/

export const checksumBound: StepTrap = {
  name: 'checksum-of-a-place',
  cure: 'write and check it in the folder of the file (cd FOLDER && sha256sum FILE); the step verifyBackup looks beside the backup',
  find: (steps) => {
    return steps.flatMap((at, index) => {
      const { program, args, writes } = at.main
      if (!sums.test(program)) return []
      const check = args.some((arg) => /^(-[a-zA-Z]*c[a-zA-Z]*|--check)$/.test(arg))
      const absolute = args.find((arg) => /^(\/|~\/|\$HOME|\$\{HOME\})/.test(arg))
      if (absolute === undefined) return []
      if (!check)
        return writes.length === 0
          ? []
          : [
              {
                at,
                reason:
                  'the list names an absolute path: after a move, or on another machine, it checks the wrong file or none',
              },
            ]
      const folder = absolute.slice(0, absolute.lastIndexOf('/'))
      const there = steps
        .slice(0, index)
        .some(
          ({ main, block }) =>
            main.program === 'cd' && block === at.block && main.args[0]?.replace(/\/$/, '') === folder,
        )
      return there
        ? []
        : [{ at, reason: `names in the list are looked up from the current folder, not from ${folder}` }]
    })
  },
}

export const removesByAge: StepTrap = {
  name: 'removes-by-age',
  cure: 'remove a backup and its checksum together, and never the last good one; the step pruneBackups does, and shows its choice first',
  find: (steps) =>
    steps.flatMap((at) => {
      const [first, ...rest] = at.shell.stages
      const last = rest.at(-1)
      const removes = last?.program === 'xargs' && last.args.includes('rm')
      const byTime = first.program === 'ls' && first.args.some((arg) => /^-[a-zA-Z]*t/.test(arg))
      if (removes && byTime)
        return [
          {
            at,
            reason:
              'each list of files is counted for itself, so archives and their checksums fall out of step, and nothing protects one that is in use',
          },
        ]
      const found =
        first.program === 'find' && first.args.includes('-mtime') && /backup|dump|releases/i.test(at.text)
      return found && (first.args.includes('-delete') || first.args.includes('rm') || removes)
        ? [{ at, reason: 'when backups stop, it goes on removing until none is left' }]
        : []
    }),
}
