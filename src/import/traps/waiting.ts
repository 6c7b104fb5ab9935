import { optionsOf } from '../options.ts'
import type { Step } from '../procedure.ts'
import type { StepTrap } from '../trap.ts'

const follows = (step: Step): boolean => {
  const { compose, docker, main } = step
  if (compose?.verb === 'logs') return compose.options.has('f', 'follow')
  if (docker?.verb === 'logs') return docker.options.has('f', 'follow')
  if (docker?.verb === 'stats') return !docker.options.has('no-stream')
  if (docker?.verb === 'events') return !docker.options.has('until')
  if (main.program === 'watch') return true
  if (main.program === 'tail')
    return main.args.some((arg) => /^(-[0-9a-zA-Z]*[fF][0-9a-zA-Z]*|--follow.*)$/.test(arg))
  if (main.program === 'journalctl' || main.program === 'kubectl')
    return optionsOf(main.args, ['unit,u', 'namespace,n']).has('f', 'follow')
  return false
}

/** What comes after it in the pipeline may end it. */
const ends = ({ shell, main }: Step): boolean =>
  main.wrappers.includes('timeout') ||
  shell.stages.some(
    ({ program, args }) =>
      program === 'head' ||
      (program === 'grep' && args.some((arg) => /^(-[a-zA-Z]*[qm].*|--quiet|--max-count.*)$/.test(arg))),
  )

export const neverEnds: StepTrap = {
  name: 'never-ends',
  cure: 'limit it ("--since=10m" without -f, or "timeout 30"); the step scanLogs reads a window of the log and ends',
  find: (steps) =>
    steps.flatMap((at) =>
      follows(at) && !ends(at)
        ? [{ at, reason: 'it follows its source until somebody stops it: no later step begins' }]
        : [],
    ),
}

export const waitsForPerson: StepTrap = {
  name: 'waits-for-editor',
  cure: 'make the change itself a command; the steps setImage, setVariable and replaceConfig change one value and keep the file as it was',
  find: (steps) =>
    steps.flatMap((at) =>
      ['nano', 'vi', 'vim', 'emacs', 'pico'].includes(at.main.program)
        ? [
            {
              at,
              reason:
                'it opens an editor: what is changed depends on who types, and cannot be undone or proven',
            },
          ]
        : [],
    ),
}

export const waitsOnce: StepTrap = {
  name: 'waits-once',
  cure: 'ask again until a limit (curl --retry 30 --retry-delay 2 --retry-all-errors); the step awaitHealthy does',
  find: (steps) =>
    steps.flatMap((at, index) => {
      if (at.main.program !== 'sleep' || at.shell.within.includes('loop')) return []
      const next = steps
        .slice(index + 1)
        .find(({ main }) => main.program !== 'echo' && main.program !== 'printf')
      const probes = next !== undefined && ['curl', 'wget', 'http'].includes(next.program.program)
      return probes && !next.shell.within.includes('loop') && !next.text.includes('--retry')
        ? [
            {
              at,
              reason: `one request after ${at.main.args[0] ?? 'a'} seconds calls a slow start a failure, and a fast one waits for nothing`,
            },
          ]
        : []
    }),
}

const harmless = new Set([
  '',
  'echo',
  'printf',
  'exit',
  'return',
  'set',
  'true',
  'false',
  'test',
  '[',
  'date',
  'whoami',
  'curl',
  'logger',
  'cat',
  'tee',
  ':',
  'trap',
  'cd',
  'sleep',
  'export',
])

/** Whether a command may leave something other than it was. */
const acts = ({ main, compose, docker }: Step): boolean =>
  !harmless.has(main.program) &&
  !['ps', 'logs', 'images', 'config', 'ls'].includes(compose?.verb ?? '') &&
  !['ps', 'logs', 'images', 'inspect', 'stats'].includes(docker?.verb ?? '')

export const leavesHalf: StepTrap = {
  name: 'leaves-half',
  cure: 'put back what was there before it ends; a run rolls its steps back, newest first, and proves each',
  find: (steps) =>
    steps.flatMap((at, index) => {
      const { main, shell } = at
      if (main.program !== 'exit' || (main.args[0] ?? '0') === '0' || shell.branch === null) return []
      const script = (step: Step): boolean => step.block === at.block
      const before = steps
        .slice(0, index)
        .filter((step) => script(step) && step.shell.branch !== shell.branch && acts(step))
      const branch = steps.filter(
        (step) =>
          script(step) &&
          step.shell.branch === shell.branch &&
          step.shell.within.at(-1) === shell.within.at(-1),
      )
      const trapped = steps.some((step) => script(step) && step.program.program === 'trap')
      const [changed] = before
      return changed === undefined || trapped || branch.some(acts)
        ? []
        : [
            {
              at,
              reason: `what was changed since line ${changed.line} stays as it is when this fails: the failed version runs, and edited files stay edited`,
            },
          ]
    }),
}

/** gpg(1): since GnuPG 2.1 --pinentry-mode loopback is needed with --passphrase-fd. */
export const gpgAsks: StepTrap = {
  name: 'gpg-asks',
  cure: 'add --pinentry-mode loopback; the step decryptBackup does, and passes the passphrase on a descriptor of its own',
  find: (steps) =>
    steps.flatMap((at) => {
      const { program, args } = at.program
      return program === 'gpg' &&
        args.some((arg) => arg.startsWith('--passphrase')) &&
        !at.text.includes('loopback')
        ? [{ at, reason: 'some versions of gpg ask their agent for the passphrase all the same, and wait' }]
        : []
    }),
}
