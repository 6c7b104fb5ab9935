import { oneLine } from '../kernel/sanitize.ts'
import { fitted, type Width } from './fit.ts'

export type Listed = {
  readonly name: string
  /** Whether the team wrote it or it comes with the program. */
  readonly from: 'team' | 'package'
  readonly title: string
  readonly when: string
  readonly targets: readonly { readonly name: string; readonly lacks: readonly string[] }[]
}

/** The list from which an operator chooses. What targets lack is shown only for a runbook that fits none. */
export function listText(listed: readonly Listed[], width: Width = null): string {
  if (listed.length === 0) return 'No runbooks in the configured folders.\n'
  const text = listed
    .map(({ name, from, title, when, targets }) => {
      const fits = targets.filter(({ lacks }) => lacks.length === 0).map((target) => target.name)
      const not = targets
        .filter(({ lacks }) => lacks.length > 0)
        .map((target) => `${target.name} (missing: ${target.lacks.join(', ')})`)
      const lacks = [...new Set(targets.flatMap((target) => target.lacks))]
      return [
        `${oneLine(name)}${from === 'package' ? '  (included)' : ''}`,
        `  ${oneLine(title)}`,
        `  When: ${oneLine(when)}`,
        ...(fits.length === 0 ? [] : [`  Fits: ${fits.join(', ')}`]),
        ...(fits.length > 0 || not.length === 0
          ? []
          : [
              `  Not for: ${not.join(', ')}`,
              `  To configure: ${lacks.map((section) => `runbook help config ${section}`).join('; ')}`,
            ]),
      ].join('\n')
    })
    .join('\n\n')
  return `${fitted(text, width)}\n`
}
