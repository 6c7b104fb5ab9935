import type { Step } from '../procedure.ts'
import { builtIn, into, shows, type Recogniser } from '../recogniser.ts'

const runs =
  (...programs: readonly string[]) =>
  ({ program }: Step): boolean =>
    programs.includes(program.program)
const printsOnly = (step: Step): boolean => step.main.writes.every((path) => path === '/dev/null')

/** Whether a command asks an address for an answer, and changes nothing there. */
export const asks = ({ program, main }: Step): boolean => {
  const saves = main.args.some(
    (arg, index) =>
      arg === '-O' ||
      arg === '--remote-name' ||
      (/^(-o|--output)$/.test(arg) && main.args[index + 1] !== '/dev/null' && main.args[index + 1] !== '-'),
  )
  if (saves && main.program === 'curl') return false
  const changes = main.args.some((arg, index) => {
    const method = /^(-X|--request)$/.test(arg) ? main.args[index + 1] : undefined
    return (
      (method !== undefined && method !== 'GET' && method !== 'HEAD') ||
      /^(-d|--data.*|-F|--form|-T|--upload-file)$/.test(arg)
    )
  })
  return ['curl', 'wget', 'http', 'GET', 'HEAD'].includes(program.program) && !changes
}

export const looking: readonly Recogniser[] = [
  into('checkMetrics', (step) => asks(step) && /\/metrics\b/.test(step.text)),
  into('checkBusiness', (step) => asks(step) && step.shell.stages.some(({ program }) => program === 'jq')),
  into('checkHealth', (step) => asks(step) && /health|ready|live|ping|status/i.test(step.text)),
  into('checkEndpoints', asks),
  into('confirmVariables', (step) => runs('env', 'printenv')(step)),
  into('inspectPorts', runs('netstat', 'ss', 'lsof')),
  into('checkDestination', runs('mountpoint', 'findmnt')),
  into(
    'recordDeployment',
    (step) =>
      ['echo', 'printf'].includes(step.main.program) &&
      step.main.writes.some((path) => /history|deploy/.test(path)),
  ),
  builtIn('a run logs what it does', (step) => ['echo', 'printf'].includes(step.main.program)),
  builtIn(
    'values are parameters, settings and secrets',
    ({ main }) => main.program === '' || ['export', 'read', 'local', 'declare'].includes(main.program),
  ),
  builtIn('parameters are checked before a run', ({ main }) => ['test', '['].includes(main.program)),
  builtIn('a step that fails ends the run', ({ main }) =>
    ['set', 'exit', 'return', 'trap', 'true', ':'].includes(main.program),
  ),
  builtIn(
    'a runbook needs no mode of its file',
    ({ main }) => main.program === 'chmod' && main.args.some((arg) => arg.includes('x')),
  ),
  shows(
    'a file or folder',
    (step) =>
      runs(
        'ls',
        'cat',
        'head',
        'tail',
        'stat',
        'file',
        'wc',
        'grep',
        'less',
        'diff',
        'realpath',
        'readlink',
      )(step) && printsOnly(step),
  ),
  shows(
    'this machine',
    (step) =>
      runs(
        'df',
        'du',
        'free',
        'uptime',
        'date',
        'whoami',
        'hostname',
        'ps',
        'uname',
        'id',
        'which',
        'command',
        'type',
        'mount',
      )(step) && step.main.args[0] !== '-o',
  ),
  shows(
    'the version of a program',
    ({ main }) => main.args.length === 1 && /^(-v|-V|--version|version)$/.test(main.args[0] ?? ''),
  ),
]
