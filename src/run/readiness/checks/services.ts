import { nearest } from '../../../kernel/did-you-mean.ts'
import type { ServiceGroup, ServiceState, Stack } from '../../../drivers/services.ts'
import type { Target } from '../../../model/target.ts'
import { Notebook, type Check } from '../check.ts'

export const services: Check = {
  id: 'services',
  of: 'target',
  looksAt:
    'The services that the target names are declared, run, are healthy, and were created from the present files and images.',
  run: async ({ target, look }) => {
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
    for (const state of states ?? []) judge(notes, stack, state)
    notes.fact(`${(states ?? []).filter(({ state }) => state === 'running').length} of ${names.length} run`)
    const present = (states ?? []).filter(({ state }) => state !== 'missing').map(({ service }) => service)
    if (present.length === 0 || stack.kind !== 'compose') return notes.answer
    const running: ServiceGroup = { stack, names: present }
    const drift = await notes.need('drift', () => look.services.drift(running))
    for (const { service, problem, hint, kinds } of drift ?? [])
      if (kinds.every((kind) => kind === 'unknown')) notes.unchecked(service, problem)
      else notes.warn(service, problem, hint)
    const outdated = await notes.seek('images of the services', () => look.services.outdated(running))
    for (const service of outdated ?? [])
      if (drift?.some((one) => one.service === service) !== true)
        notes.warn(
          service,
          `${service} of ${stack.project} runs from another image or other files than the stack's files name now`,
          `see what \`up\` would change, then: docker compose up -d ${service}`,
        )
    return notes.answer
  },
}

/** Services that the target's own sections name in its stack. */
function namedBy({ stack, writers, database, app }: Target): readonly string[] {
  const via = database?.engine === 'postgres' ? database.via : undefined
  const inDatabase = via?.kind === 'compose' && via.stack.project === stack?.project ? [via.service] : []
  return [...new Set([...inDatabase, ...(writers?.names ?? []), ...(app?.names ?? [])])]
}

function judge(notes: Notebook, stack: Stack, { service, state, health, instances }: ServiceState): void {
  const log = stack.kind === 'compose' ? `docker compose logs ${service}` : `its log is in ${stack.state}`
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
      `find out why: ${log}; or let \`runbook run diagnose\` look`,
    )
    return
  }
  if (health === 'unhealthy')
    notes.refuse(service, `service ${service} is unhealthy by its own check`, `find out why: ${log}`)
}
