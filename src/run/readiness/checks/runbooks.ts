import { failureOf } from '../../../kernel/errors.ts'
import { flagOf } from '../../../model/param.ts'
import type { Finding } from '../../../model/step.ts'
import type { Check, Concern, Subject, Unchecked } from '../check.ts'

export const runbooks: Check = {
  id: 'runbooks',
  of: 'target',
  looksAt:
    'Each runbook that fits the target can be planned, and its preflight and dry run find nothing against it.',
  run: async (subject) => {
    const findings: Concern[] = subject.unplannable.map(({ runbook, thrown }) => {
      const { message, hint } = failureOf(thrown)
      return {
        level: 'refuse',
        about: runbook,
        problem: message,
        hint: hint ?? 'fix the runbook or its configuration',
        runbooks: [runbook],
      }
    })
    const unchecked: Unchecked[] = []
    const facts = [`${subject.plans.length} runbooks fit`]
    for (const plan of subject.plans) {
      const { name, about } = plan.book
      const { findings: found, deferred } = await subject.ahead(plan)
      const flags = Object.keys(about.params).map(flagOf)
      for (const finding of found) {
        if (flags.includes(finding.about)) continue
        if (notSetUp.test(finding.problem)) {
          facts.push(`${name} is not set up: ${finding.problem}; ${finding.hint}`)
          continue
        }
        const read = whyUnread(subject, finding)
        if (read === null) findings.push({ ...finding, runbooks: [name] })
        else unchecked.push({ about: name, why: read })
      }
      for (const { hint } of deferred) unchecked.push({ about: name, why: hint })
    }
    return { findings, unchecked, facts }
  },
}

/** A part of a section that may be left out, or backups in a store, which few runbooks read: it is not used here. */
const notSetUp =
  /^no .* is configured$|\bis not configured$|, and none is configured$|^not tested, since |^cannot read backups in .*: they are not files of this machine$/

/** A look that was refused since it would read too much says nothing about the system. */
function whyUnread({ withheld }: Subject, { problem }: Finding): string | null {
  const refused = [...withheld].find((message) => problem.includes(message))
  return refused === undefined ? null : `${refused}; add --deep to read it`
}
