import { remedies } from './remedies.ts'

/** The exact command line of the first runbook that exists and fits the target; null where none does. */
export function suggestionFor(
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
  const [first] = fitting
  return first === undefined
    ? null
    : {
        runbook: first.runbook,
        command: `runbook run ${first.runbook} --target ${target}${first.flags} --dry-run`,
      }
}
