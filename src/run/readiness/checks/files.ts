import { shellWord } from '../../../kernel/shell-quote.ts'
import type { Target } from '../../../model/target.ts'
import { Notebook, type Check } from '../check.ts'

export const files: Check = {
  id: 'files',
  of: 'target',
  looksAt: 'The files and folders that the stack and its settings name exist: Compose files, env files.',
  run: async ({ target, look }) => {
    const notes = new Notebook()
    const named = namedBy(target)
    for (const { path, what, kind } of named) {
      const facts = await notes.need(path, () => look.files.stat(path))
      if (facts === undefined) continue
      const hint = `check the path in runbook.config.ts, or create it: ls -la ${shellWord(path)}`
      if (facts === null) notes.refuse(path, `${what} ${path} not found`, hint, sameAs(path))
      else if (facts.kind !== kind && facts.kind !== 'link')
        notes.refuse(path, `${what} ${path} is a ${facts.kind}, not a ${kind}`, hint)
    }
    if (named.length > 0) notes.fact(`${named.length} looked for`)
    return notes.answer
  },
}

/** How others say that a path is missing. */
const sameAs = (path: string): readonly string[] => [
  `${path}: no such file`,
  `${path}: no such folder`,
  `file ${path} not found`,
  `folder ${path} not found`,
  `${path} of `,
]

type Named = {
  readonly path: string
  readonly what: string
  readonly kind: 'file' | 'directory'
}

function namedBy({ stack, configuration }: Target): readonly Named[] {
  const file =
    (what: string) =>
    (path: string): Named => ({ path, what, kind: 'file' })
  return [
    ...(stack === undefined
      ? []
      : [{ path: stack.directory, what: 'folder of the stack', kind: 'directory' as const }]),
    ...(stack?.kind === 'compose'
      ? [...stack.files.map(file('Compose file')), ...stack.envFiles.map(file('env file'))]
      : []),
    ...(configuration === undefined ||
    (stack?.kind === 'compose' && stack.envFiles.includes(configuration.file))
      ? []
      : [file('settings file')(configuration.file)]),
  ]
}
