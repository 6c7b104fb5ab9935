import { ownScript } from './own-script.ts'
import type { Step } from './procedure.ts'
import type { Recognised, Recogniser } from './recogniser.ts'
import { databases } from './recognisers/databases.ts'
import { files } from './recognisers/files.ts'
import { looking } from './recognisers/looking.ts'
import { services } from './recognisers/services.ts'

/** The first that fits is taken. */
const table: readonly Recogniser[] = [
  ...services,
  ...databases,
  ...files,
  ...looking,
  { as: 'script', when: (step) => ownScript(step) !== null },
]

/** The steps of the library that an import may lead to. */
export const importedSteps: ReadonlySet<string> = new Set(
  table.flatMap((row) => (row.as === 'step' ? [row.step] : [])),
)

const isPrint = ({ main }: Step): boolean => ['echo', 'printf'].includes(main.program)

/** Logs and other places that nothing reads again are left out. */
const writesFile = ({ shell }: Step): boolean =>
  shell.stages
    .flatMap(({ program, args, writes, appends }) => [
      ...writes.filter((path) => !appends.includes(path)),
      ...appends,
      ...(program === 'tee' ? args.filter((arg) => !arg.startsWith('-')) : []),
    ])
    .some((path) => !/^\/dev\/|^&|^\/tmp\/|\.log$|history|\.te?xt$|\.md$/i.test(path))

/**
 * What a command becomes; null if it stays a command.
 * @param before the commands before it in its procedure
 * @param after the commands after it
 */
export function recognise(
  step: Step,
  before: readonly Step[],
  after: readonly Step[] = [],
): Recognised | null {
  const found = table.find(({ when }) => when(step, before, after))
  if (found === undefined) return null
  // What it writes is the effect that the document is after.
  if ((found.as === 'look' || isPrint(step)) && found.as !== 'step' && writesFile(step)) return null
  const { when: _, ...recognised } = found
  return recognised
}
