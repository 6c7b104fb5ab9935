import { nearest } from '../../../kernel/did-you-mean.ts'
import type { ComposeStack, ServiceGroup, ServiceState, Stack } from '../../../drivers/services.ts'
import { composeLine } from '../../../model/compose-line.ts'
import {
  dataVolumeFindings,
  runsInService,
  type DatabaseInService,
  type DataVolumeFinding,
} from '../../../model/data-volumes.ts'
import type { Target } from '../../../model/target.ts'
import { restoreOf } from '../cures.ts'
import { bringUpLine, servicesBehind } from '../../../model/behind-address.ts'
import { Notebook, type Check, type Subject } from '../check.ts'

export const services: Check = {
  id: 'services',
  of: 'target',
  looksAt:
    'The services that the target names are declared, run, are healthy, and were created from the present files and images.',
  run: async (subject) => {
    const { target, look } = subject
    const notes = new Notebook()
    const { stack } = target
    if (stack === undefined) return notes.answer
    const facts = await notes.need('stack', () => look.services.facts(stack))
    if (facts === undefined) return notes.answer
    const named = namedBy(target)
    for (const name of named.filter((one) => !facts.services.includes(one)))
      notes.refuse(
        name,
        `${stack.project} declares no service ${name}${nearest(name, facts.services, (best) => `; did you mean ${best}?`)}`,
        'correct the name in runbook.config.ts',
      )
    const names = named.filter((one) => facts.services.includes(one))
    const group: ServiceGroup = { stack, names }
    if (names.length === 0) return notes.answer
    const states = await notes.need('services', () => look.services.states(group))
    const missing = (states ?? []).filter(({ state }) => state === 'missing').map(({ service }) => service)
    const stored = states === undefined ? [] : await judgeData(notes, subject)
    if (stack.kind === 'compose') judgeMissing(notes, subject, stack, missing, stored)
    for (const state of states ?? [])
      if (state.state !== 'missing' || stack.kind !== 'compose') judge(notes, stack, state)
    notes.fact(`${(states ?? []).filter(({ state }) => state === 'running').length} of ${names.length} run`)
    const present = (states ?? [])
      .map(({ service }) => service)
      .filter((service) => !missing.includes(service))
    if (present.length === 0 || stack.kind !== 'compose') return notes.answer
    const running: ServiceGroup = { stack, names: present }
    const drift = await notes.need('drift', () => look.services.drift(running))
    for (const { service, problem, hint, kinds } of drift ?? [])
      if (stored.some(({ finding }) => finding.about === service)) continue
      else if (kinds.every((kind) => kind === 'unknown')) notes.unchecked(service, problem)
      else notes.warn(service, problem, hint)
    const otherImage = await notes.seek('images of the services', () =>
      namesWithOtherImages(look, running, states ?? []),
    )
    for (const service of otherImage ?? [])
      if (drift?.some((one) => one.service === service) !== true)
        notes.warn(
          service,
          `${service} of ${stack.project} runs from another image than the stack's files name now`,
          `see what \`up\` would change, then: ${composeLine(stack, `up --detach ${service}`)}`,
        )
    return notes.answer
  },
}

/**
 * Services that `docker compose up` would recreate, and from another image: it also recreates a service that was created
 * without its dependencies, as a run does it, which is no difference that anybody made. Compose is asked last, since it
 * takes longest and mostly there is nothing to ask.
 */
async function namesWithOtherImages(
  look: Subject['look'],
  running: ServiceGroup,
  states: readonly ServiceState[],
): Promise<readonly string[]> {
  const names: string[] = []
  for (const { service, image, built } of await look.services.declared(running)) {
    const name = built === true ? (image ?? `${running.stack.project}-${service}`) : image
    const id = name === null ? null : ((await look.images.find(name))?.id ?? null)
    const { instances = [] } = states.find((state) => state.service === service) ?? {}
    if (instances.some((one) => one.image !== name || one.imageId !== id)) names.push(service)
  }
  return names.length === 0 ? [] : look.services.outdated({ ...running, names })
}

/** Services that the target's own sections name in its stack. */
function namedBy({ stack, writers, database, app }: Target): readonly string[] {
  const via = database?.engine === 'postgres' ? database.via : undefined
  const inDatabase = via?.kind === 'compose' && via.stack.project === stack?.project ? [via.service] : []
  return [...new Set([...inDatabase, ...(writers?.names ?? []), ...(app?.names ?? [])])]
}

/** Where the files of the database are not, or would not be after `docker compose up`. */
async function judgeData(notes: Notebook, subject: Subject): Promise<readonly DataVolumeFinding[]> {
  const { database } = subject.target
  if (database === undefined || !runsInService(database)) return []
  const found =
    (await notes.seek('volumes of the database', () => dataVolumeFindings(subject.look, database))) ?? []
  for (const { is, finding } of found) {
    const { level, about, problem, hint } = finding
    if (level === 'warn') notes.warn(about, problem, hint)
    else
      notes.refuse(
        about,
        problem,
        is === 'gone' ? await cureOfLoss(subject, database) : hint,
        consequencesOf(database.via.stack, about),
      )
  }
  return found
}

/** What to type, in order: everything that the restore needs, but no writer, and then the restore. */
async function cureOfLoss(subject: Subject, { via: { stack, service } }: DatabaseInService): Promise<string> {
  const { target, look } = subject
  const writers = target.writers?.names ?? []
  const behind = await Promise.all((target.health ?? []).map((check) => servicesBehind(look, stack, check)))
  const needed = [...new Set([service, ...behind.flat().map((state) => state.service)])]
  const names = needed.filter((name) => !writers.includes(name)).join(' ')
  return `${composeLine(stack, `up --detach --wait --no-deps ${names}`)} starts it with an empty database; then: ${restoreOf(subject) ?? 'restore a backup: `runbook list` says what full-db-rollback lacks for it'}`
}

/** A service without a container has no log: what brings it back is said instead. */
function judgeMissing(
  notes: Notebook,
  subject: Subject,
  stack: ComposeStack,
  missing: readonly string[],
  stored: readonly DataVolumeFinding[],
): void {
  const lost = stored.find(({ finding }) => finding.level === 'refuse')
  const names = missing.filter((name) => name !== lost?.finding.about)
  if (names.length === 0) return
  const up = composeLine(stack, `up --detach ${names.join(' ')}`)
  const restore = lost?.is === 'gone' ? restoreOf(subject) : null
  const writers = subject.target.writers?.names ?? []
  notes.refuse(
    names.join(', '),
    names.length === 1
      ? `service ${names.join('')} is missing: it has no container`
      : `services ${names.join(', ')} are missing: they have no containers`,
    restore !== null && names.every((name) => writers.includes(name))
      ? `nothing now: ${restore} starts them`
      : `${lost === undefined ? '' : 'once the database has its data again: '}${up}`,
    names.flatMap((name) => consequencesOf(stack, name)),
  )
}

/** What others say of a service without a container. */
const consequencesOf = ({ project }: ComposeStack, service: string): readonly string[] => [
  `in ${service} of ${project}: no container found`,
  `${service} has no container to start`,
  `${service} has no instance now`,
  `${service} is missing`,
]

function judge(notes: Notebook, stack: Stack, { service, state, health, instances }: ServiceState): void {
  const log =
    stack.kind === 'compose' ? composeLine(stack, `logs ${service}`) : `its log is in ${stack.state}`
  if (state !== 'running') {
    const [last] = instances
    const why =
      last?.outOfMemory === true
        ? ': it was out of memory'
        : last?.exitCode == null
          ? ''
          : `: exit code ${last.exitCode}`
    notes.refuse(
      service,
      `service ${service} is ${state}${why}`,
      `${stack.kind === 'compose' && state !== 'restarting' ? `${bringUpLine(stack, service, state)}; if it does not stay up, ` : ''}find out why: ${log}; or let \`runbook run diagnose\` look`,
    )
    return
  }
  if (health === 'unhealthy')
    notes.refuse(service, `service ${service} is unhealthy by its own check`, `find out why: ${log}`)
}
