import type { Program } from '../docker.ts'
import { optionsOf, type Options } from '../options.ts'
import type { Step } from '../procedure.ts'
import type { Call } from '../shell.ts'
import type { StepTrap } from '../trap.ts'

const common = ['dbname,d', 'host,h', 'port,p', 'username,U', 'file,f']

/** The options of psql and pg_restore: the same letter may take a value in one and none in the other. */
export const clientOptions = ({ program, args }: Program): Options =>
  optionsOf(
    args,
    program === 'psql'
      ? [...common, 'command,c', 'set,v', 'variable', 'output,o', 'log-file,L']
      : [...common, 'jobs,j', 'table,t', 'schema,n', 'role', 'format,F', 'use-list,L'],
  )

const isClient = (program: string): boolean => ['psql', 'pg_restore'].includes(program)

const restores = ({ program }: Step): boolean => {
  const options = clientOptions(program)
  return (
    program.program === 'pg_restore' && !options.has('list', 'l', 'f', 'file') && options.has('dbname', 'd')
  )
}

const server = /(^|\/)(postgres|postgis|timescaledb)(:|@|$)/

/** Starts a server in the background; `docker run` in the foreground does not return. */
export const startsServer = ({ docker }: Step): boolean =>
  docker?.verb === 'run' &&
  docker.options.has('d', 'detach') &&
  docker.operands.some((image) => server.test(image))

export const rolesMissing: StepTrap = {
  name: 'roles-missing',
  cure: 'pass --no-owner --no-privileges, or create the roles first; the step restoreIntoThrowaway does, and compares rows instead of exit codes',
  find: (steps) => {
    const fresh = steps.findIndex(startsServer)
    if (fresh === -1) return []
    return steps.flatMap((at, index) => {
      if (index < fresh || !restores(at) || clientOptions(at.program).has('no-owner', 'O')) return []
      const made = steps
        .slice(fresh, index)
        .some(({ text }) => /create\s+(role|user)|createuser|globals/i.test(text))
      return made
        ? []
        : [
            {
              at,
              reason:
                'a new server lacks the roles that own the objects of the dump: pg_restore exits with 1 although all rows arrive',
            },
          ]
    })
  },
}

const queries = ({ program }: Step): readonly string[] => {
  const query = program.program === 'psql' ? clientOptions(program).value('command', 'c') : null
  return query === null ? [] : [query]
}

export const provesNothing: StepTrap = {
  name: 'proves-nothing',
  cure: 'compare rows with what the dump holds, and ask a question of the application; the steps requireFit and assertCopy do',
  find: (steps) => {
    const restored = steps.findIndex((step) => restores(step) || plainRestore(step) !== null)
    if (restored === -1) return []
    const after = steps.slice(restored + 1)
    const trivial = (query: string): boolean =>
      /^\s*select\s+(1|true|now\(\)|version\(\))\s*;?\s*$/i.test(query)
    if (after.some((step) => queries(step).some((query) => !trivial(query) && /select/i.test(query))))
      return []
    return after.flatMap((at) =>
      queries(at).some(trivial) && !at.shell.within.includes('loop')
        ? [{ at, reason: 'it succeeds on an empty database too: also after half a restore' }]
        : [],
    )
  },
}

/** The call of psql that reads plain SQL; null if there is none. */
function plainRestore({ shell, program, main }: Step): Call | null {
  if (program.program !== 'psql') return null
  const options = clientOptions(program)
  const piped = shell.stages.indexOf(main) > 0
  return options.has('file', 'f') ||
    main.reads.length > 0 ||
    (piped && options.value('command', 'c') === null)
    ? main
    : null
}

export const errorsIgnored: StepTrap = {
  name: 'errors-ignored',
  cure: 'pass -v ON_ERROR_STOP=1 and --single-transaction, into an empty database; the step restoreBeside does',
  find: (steps) =>
    steps.flatMap((at) =>
      plainRestore(at) !== null && !at.text.includes('ON_ERROR_STOP')
        ? [
            {
              at,
              reason:
                'psql goes on after an error and exits with 0; into a database that is partly there it doubles rows',
            },
          ]
        : [],
    ),
}

const dumps = new Set(['pg_dump', 'pg_dumpall', 'mysqldump', 'mariadb-dump', 'mongodump', 'sqlite3'])

export const failureHidden: StepTrap = {
  name: 'failure-hidden',
  cure: 'write "set -o pipefail" before it, or let the dump write its file itself (pg_dump -Fc -f); the step dumpDatabase does, and proves the file complete',
  find: (steps) =>
    steps.flatMap((at) =>
      at.shell.stages.length > 1 &&
      !at.shell.pipefail &&
      dumps.has(at.program.program) &&
      at.shell.stages[0] === at.main &&
      archives(at)
        ? [
            {
              at,
              reason:
                'a shell takes the exit code of the last program: a failed dump leaves a valid, nearly empty archive',
            },
          ]
        : [],
    ),
}

const packers = new Set([
  'gzip',
  'pigz',
  'zstd',
  'xz',
  'bzip2',
  'gpg',
  'age',
  'openssl',
  'split',
  'aws',
  'rclone',
  'restic',
  'ssh',
  'tee',
])
const archives = ({ shell }: Step): boolean => {
  const last = shell.stages.at(-1)
  return (
    last !== undefined && (packers.has(last.program) || (last.program === 'cat' && last.writes.length > 0))
  )
}

const waits = (step: Step): boolean => {
  const { program } = step.program
  return (
    program === 'pg_isready' ||
    program === 'sleep' ||
    step.shell.within.includes('loop') ||
    step.compose?.options.has('wait') === true ||
    /healthy|pg_isready/.test(step.text)
  )
}

/** What a throwaway server needs, and what is often left out. */
export const serverNotReady: StepTrap = {
  name: 'server-not-ready',
  cure: 'wait for pg_isready; the step startThrowaway waits for its server and removes it at the end of the run, also after a kill',
  find: (steps) =>
    steps.flatMap((at, index) => {
      if (!startsServer(at)) return []
      const after = steps.slice(index + 1)
      const used = after.findIndex(
        ({ program, shell }) => isClient(program.program) && !shell.within.includes('loop'),
      )
      return used === -1 || after.slice(0, used).some(waits)
        ? []
        : [
            {
              at,
              reason: `"docker run -d" returns before the server accepts connections: line ${after[used]?.line} may fail`,
            },
          ]
    }),
}

export const serverLeft: StepTrap = {
  name: 'server-left',
  cure: `add a "trap 'docker rm -f NAME' EXIT"; the step startThrowaway removes its server at the end of every run`,
  find: (steps) =>
    steps.flatMap((at) => {
      if (!startsServer(at) || at.docker?.options.has('rm') !== true) return []
      return steps.some(({ program }) => program.program === 'trap')
        ? []
        : [
            {
              at,
              reason:
                'a failed step ends the procedure before the container is removed: it keeps running, and its name and port are taken',
            },
          ]
    }),
}

export const passwordMissing: StepTrap = {
  name: 'password-missing',
  cure: 'set PGPASSFILE or PGPASSWORD; the steps take the password from the target and pass it outside of arguments',
  find: (steps) => {
    const fresh = steps.findIndex((step) => startsServer(step) && /POSTGRES_PASSWORD/.test(step.text))
    if (fresh === -1) return []
    return steps.flatMap((at, index) => {
      if (index < fresh || !isClient(at.program.program) || at.program.inside !== null) return []
      const options = clientOptions(at.program)
      const given = steps
        .slice(0, index + 1)
        .some(({ text }) => /PGPASSWORD|PGPASSFILE|\.pgpass|postgres(ql)?:\/\//.test(text))
      return options.has('host', 'h') && !given && !options.has('no-password', 'w')
        ? [{ at, reason: 'the server asks for a password, and nobody is there to type it' }]
        : []
    })
  },
}
