import { markdown } from './markup.ts'

/** A document of a runbook for one target. */
export type Document = { readonly path: string; readonly name: string; readonly when: string }

type Documented = {
  readonly target: { readonly name: string; readonly title: string }
  readonly documents: readonly Document[]
}

/** The page that lists the documents of every target, with when to use each. */
export function indexOf(documented: readonly Documented[]): string {
  return [
    '# Runbooks',
    '',
    'Written by `runbook docs`; write it again when a runbook or the configuration changes.',
    '',
    ...documented.flatMap(({ target, documents }) => [
      `## ${markdown(target.title)} (\`${target.name}\`)`,
      '',
      ...(documents.length === 0
        ? ['No runbook fits: `runbook list` says what each needs.']
        : [
            '| runbook | when |',
            '|---|---|',
            ...documents.map(
              ({ path, name, when }) => `| [${markdown(name)}](${path}) | ${markdown(when)} |`,
            ),
          ]),
      '',
    ]),
  ].join('\n')
}
