import { at, preview } from '../../../model/pending.ts'
import { untilOf } from '../../../model/plan.ts'
import { needsOf } from '../../../model/returned.ts'
import type { Need } from '../../../model/step.ts'
import { installedVersion, keyOf, nameOfNeed, needFindings } from '../../engine/requirements.ts'
import { Notebook, type Check, type Concern, type Plannable, type Subject } from '../check.ts'

export const programs: Check = {
  id: 'programs',
  of: 'target',
  looksAt:
    'Docker answers, and the programs and npm packages that the runbooks need are installed in the versions that they need.',
  run: async ({ target: { stack, database }, look, plans }) => {
    const notes = new Notebook()
    if (stack !== undefined) {
      const facts = await notes.need('stack', () => look.services.facts(stack))
      if (facts !== undefined) notes.fact(facts.manager)
    }
    if (database !== undefined) {
      const tools = await notes.seek('database tools', () => look.databases.tools(database))
      for (const tool of tools ?? []) notes.fact(Object.values(tool).map(String).join(' '))
    }
    const missing: Concern[] = []
    for (const { need, runbooks } of neededBy(plans)) {
      const version = await installedVersion(look, need)
      if (version !== null) notes.fact(`${nameOfNeed(need)} ${version}`)
      for (const finding of await needFindings(look, need)) missing.push({ ...finding, runbooks })
    }
    const { findings = [], ...answer } = notes.answer
    return { ...answer, findings: [...findings, ...missing] }
  },
}

type Needed = { readonly need: Need; readonly runbooks: readonly string[] }

/** Programs and packages with the runbooks that need them, each once. */
function neededBy(plans: Subject['plans']): readonly Needed[] {
  const needed = new Map<string, Needed>()
  for (const plan of plans)
    for (const need of needsIn(plan)) {
      const key = keyOf(need)
      const known = needed.get(key)
      const runbooks = new Set([...(known?.runbooks ?? []), plan.book.name])
      needed.set(key, { need: known?.need ?? need, runbooks: [...runbooks].sort() })
    }
  return [...needed.values()]
}

const needsIn = ({ planned: { plan, steps } }: Plannable): readonly Need[] =>
  plan.steps.flatMap(({ id, input }) => {
    const step = steps.get(id)
    // Most steps need none, and their inputs are large.
    if (step?.needs === undefined) return []
    const known = preview(
      input,
      (address) => ('$param' in address ? at(plan.params, [address.$param, ...address.path]) : undefined),
      (address) => untilOf(address, plan.steps),
    )
    return needsOf(step, known)
  })
