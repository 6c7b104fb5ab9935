import { remedies } from './remedies.ts'

/** The exact command line of the first runbook that exists and fits the target; null where none does. */
export function wayTo(
  next: readonly string[],
  target: string,
  sections: readonly string[],
): { readonly runbook: string; readonly command: string } | null {
  const fitting = next.flatMap((given) => {
    const [name = '', ...flags] = given.split(' ')
    const found = remedies.filter(
      ({ runbook, needs }) => runbook === name && needs.every((section) => sections.includes(section)),
    )
    return found.map(({ runbook, flags: usual }) => ({
      runbook,
      flags: flags.length === 0 ? usual : ` ${flags.join(' ')}`,
    }))
  })
  const [way] = fitting
  return way === undefined
    ? null
    : { runbook: way.runbook, command: `runbook run ${way.runbook} --target ${target}${way.flags} --dry-run` }
}
