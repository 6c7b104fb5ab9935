import { defineStep, isPending, say, type Contact, type Level } from '../../src/index.ts'

type Input = { readonly levels: readonly Level[]; readonly contacts: readonly Contact[] }
type Output = { readonly next: string | null }

/** Reports, after a run that did not succeed, who is next on the escalation path. For use in `lastly`. */
export const escalation = defineStep<Input, Output>({
  kind: 'people.escalation',
  version: 1,
  effect: 'observe',
  describe: ({ levels, contacts }) => {
    const opening = 'If the run did not succeed, reports the next level of escalation and whom to call.'
    if (isPending(levels) || isPending(contacts)) return opening
    const path = levels.map(({ what }, index) => `(${index + 1}) ${what}`)
    const people = contacts.map(({ role, reach }) => `${role}: ${reach}`)
    return [
      opening,
      ...(path.length === 0 ? [] : [say`Levels: ${path.join(' ')}`]),
      ...(people.length === 0 ? [] : [`Contacts: ${people.join('; ')}.`]),
    ].join(' ')
  },
  predict: async () => ({ output: null }),
  run: async (look, { levels, contacts }) => {
    const { outcome } = look.run.standing
    const next = outcome === 'succeeded' ? null : nextLevel(look.run.runbook, levels, contacts)
    if (next !== null) look.note(`Next: ${next}`)
    return { next }
  },
})

/** The level after the last one that lists this runbook; the first level for a runbook on none. Pure. */
export function nextLevel(
  runbook: string,
  levels: readonly Level[],
  contacts: readonly Contact[],
): string | null {
  const level = levels[levels.findLastIndex(({ runbooks }) => runbooks.includes(runbook)) + 1]
  if (level === undefined) return null
  const contact = contacts.find(({ role }) => role === level.who)
  return `${level.what}${contact === undefined ? '' : ` (${contact.role}: ${contact.reach})`}`
}
