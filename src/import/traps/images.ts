import type { Step } from '../procedure.ts'
import type { StepTrap } from '../trap.ts'

const selects = /TAG|VERSION|IMAGE|DIGEST|^COMPOSE_/

/** Commands of Compose that read the file and may make or start containers from it. */
const deploys = new Set(['up', 'run', 'create', 'pull'])

const selecting = ({ main, compose }: Step): readonly string[] =>
  compose === null || !deploys.has(compose.verb)
    ? []
    : [...main.variables.keys()].filter((name) => selects.test(name))

/** `export` and assignments on lines of their own hold for the commands after them, in the same shell. */
const setsFor = ({ main }: Step): readonly string[] =>
  main.program === '' || main.program === 'export' ? [...main.variables.keys()] : []

export const variableForgotten: StepTrap = {
  name: 'variable-forgotten',
  cure: 'write the version where every command reads it; the steps setImage and bringUp keep it in the Compose or environment file',
  find: (steps) => {
    const inline = new Map<string, Step>()
    const kept = new Set<string>()
    return steps.flatMap((at) => {
      for (const name of setsFor(at)) kept.add(name)
      const given = selecting(at)
      for (const name of given) if (!inline.has(name)) inline.set(name, at)
      if (at.compose === null || !deploys.has(at.compose.verb)) return []
      return [...inline].flatMap(([name, first]) =>
        given.includes(name) || kept.has(name)
          ? []
          : [
              {
                at,
                reason: `${name} was set for line ${first.line} only: here it has its old value, and the version that was left may come back`,
              },
            ],
      )
    })
  },
}

function changesImage(step: Step): boolean {
  const { compose, docker, main } = step
  if (compose?.verb === 'up' && selecting(step).length > 0) return true
  if (docker?.verb === 'tag') return true
  return main.program === 'sed' && main.args.some((arg) => /image:/.test(arg))
}

export const downgradeTooLate: StepTrap = {
  name: 'downgrade-too-late',
  cure: 'downgrade first, with the image that has the migration, then change the image; the runbook migration-downgrade checks which image knows the revision',
  find: (steps) => {
    let changed: Step | null = null
    return steps.flatMap((at) => {
      const { program, args } = at.program
      const before = changed
      if (changesImage(at)) changed = at
      return before !== null && program === 'alembic' && args.includes('downgrade')
        ? [
            {
              at,
              reason: `line ${before.line} deployed another image: an older one lacks the file of the newer revision, so alembic cannot find it`,
            },
          ]
        : []
    })
  },
}

export const latestPointer: StepTrap = {
  name: 'newest-taken',
  cure: 'choose by what was proven good; the steps chooseDump and chooseImage list what there is, with age and proof',
  find: (steps) =>
    steps.flatMap((at) => {
      const [first, ...rest] = at.shell.stages
      const newest =
        first.program === 'ls' &&
        first.args.some((arg) => /^-[a-zA-Z]*t[a-zA-Z]*$/.test(arg) && !/r/.test(arg))
      const one = rest.some(
        ({ program, args }) => program === 'head' && /^(-n ?1|-1|-n 1)$/.test(args.join(' ')),
      )
      return newest && one ? [{ at, reason: 'the newest may have been made after the damage' }] : []
    }),
}
