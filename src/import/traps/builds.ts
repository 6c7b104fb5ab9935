import { inContainer } from '../docker.ts'
import { isBackup, isKeptCopy } from '../backup-paths.ts'
import { choosesByVariable, isStarted, serviceOf } from '../configured.ts'
import { ownScript } from '../own-script.ts'
import type { Step } from '../procedure.ts'
import type { StepTrap } from '../trap.ts'
import { startsServer } from './postgres.ts'

/** The services whose images a command builds, all of them where it names none; null: it builds nothing. */
function built({ compose }: Step): readonly string[] | null {
  if (compose?.verb === 'build') return compose.services
  const starts = compose?.verb === 'up' || compose?.verb === 'run' || compose?.verb === 'create'
  return starts && compose.options.has('build') ? compose.services : null
}

/** Sources of another commit: an image that is built from them is the one that is wanted. */
const choosesSources = ({ program: { program, args } }: Step): boolean =>
  program === 'git' &&
  (['pull', 'revert', 'reset', 'switch', 'clone', 'worktree'].includes(args[0] ?? '') ||
    (args[0] === 'checkout' && !args.includes('--')))

const downgrades = ({ program: { program, args } }: Step): boolean =>
  program === 'alembic' && args.includes('downgrade')

/** What a command copies or reads from a backup into the system. */
function restores(step: Step, before: readonly Step[]): boolean {
  const { program, args } = step.program
  if (program === 'pg_restore')
    return !args.some((arg) => arg === '--list' || arg === '-l') && !before.some(startsServer)
  const read = [...step.shell.stages.flatMap((stage) => [...stage.reads, ...stage.args]), ...args]
  if (ownScript(step) !== null || program === 'psql' || program === 'sqlite3') return read.some(isBackup)
  const copies = program === 'cp' || program === 'mv' || ['docker', 'docker-compose'].includes(program)
  const paths = step.main.args.filter((arg) => !arg.startsWith('-'))
  const [from = '', to = ''] = paths.slice(-2)
  return copies && isKeptCopy(from) && !isKeptCopy(to) && (program !== 'docker' || inContainer(to) !== null)
}

/** A name that the stack starts: neither one for keeping nor one for a registry. */
const startsFrom = (image: string, steps: readonly Step[]): boolean =>
  isStarted(image) && !steps.some(({ docker }) => docker?.verb === 'push' && docker.operands.includes(image))

/** How a command goes back to something that was kept, for the services in question; null where it does not. */
function wentBack(
  step: Step,
  {
    before,
    all,
    services,
  }: {
    readonly before: readonly Step[]
    readonly all: readonly Step[]
    readonly services: readonly string[]
  },
): string | null {
  const { docker, compose, program } = step
  const fits = (image: string): boolean => serviceOf(image, services) !== null
  if (docker?.verb === 'load') return 'loads the image that was kept'
  if (docker?.verb === 'tag' && startsFrom(docker.operands[1] ?? '', all))
    return 'points the name at another image'
  if (docker?.verb === 'pull' && docker.operands.some(fits)) return 'fetches the image that is wanted'
  if (compose?.verb === 'pull' && choosesByVariable(step, before)) return 'fetches the image that is wanted'
  if (downgrades(step)) return 'takes the database back to an earlier revision'
  if (program.program === 'git' && program.args[0] === 'checkout' && program.args.includes('--'))
    return 'puts an earlier file back'
  return restores(step, before) ? 'puts back what was kept' : null
}

const back = /roll\s?back|revert|restor|recover/i
const forward = /(?<!\bre-?)deploy|install|set\s?up|upgrad|updat|build/i

/** Where the commands do not tell, the nearest heading that names a direction does; one that names both does not. */
function isCalledBack({ headings }: Step): boolean {
  const nearest = headings.findLast(({ title }) => back.test(title) || forward.test(title))
  return nearest !== undefined && back.test(nearest.title) && !forward.test(nearest.title)
}

export const buildsOnRollback: StepTrap = {
  name: 'builds-on-rollback',
  cure: 'pass --no-build; the step bringUp starts the image that was chosen and never builds one',
  find: (steps) =>
    steps.flatMap((at, index) => {
      const services = built(at)
      const before = steps.slice(0, index)
      if (services === null || before.some(choosesSources)) return []
      const made = 'a new image from the present sources under the same tag, not the one that was good'
      const went = before
        .map((step, position) => ({
          step,
          how: wentBack(step, { before: before.slice(0, position), all: before, services }),
        }))
        .findLast(({ how }) => how !== null)
      if (went !== undefined)
        return [{ at, reason: `line ${went.step.line} ${went.how}, and this makes ${made}` }]
      return isCalledBack(at) ? [{ at, reason: `it makes ${made}` }] : []
    }),
}
