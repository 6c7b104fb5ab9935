import type { Plan } from '../model/plan.ts'
import { oneLine } from '../kernel/sanitize.ts'

/** What applies to sections that are not configured, one line each: what that costs in certainty, and how to configure it. */
export const defaultLines = ({ defaults = [] }: Plan): readonly string[] =>
  defaults.map(({ section, says }) => `${oneLine(says)} (\`runbook help config ${oneLine(section)}\`)`)
