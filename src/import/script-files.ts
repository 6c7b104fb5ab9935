import { free, type RunbookDraft } from './draft.ts'
import { titleOf } from './duties.ts'
import { literal } from './literal.ts'
import { scriptName, scriptText, type ScriptFile } from './own-script.ts'
import type { Step } from './procedure.ts'
import { variablesFor, type ShellVariable } from './shell-variables.ts'

export type Scripts = {
  readonly files: readonly ScriptFile[]
  readonly drafted: ReadonlySet<Step>
  write(step: Step): void
}

/** The script steps of one runbook: one file for each command, however often the runbook has it. */
export function scriptsOf(
  draft: RunbookDraft,
  document: string,
  all: readonly Step[],
  names: Set<string>,
): Scripts {
  const files: (ScriptFile & { readonly key: string })[] = []
  const drafted = new Set<Step>()
  return {
    files,
    drafted,
    write(step) {
      drafted.add(step)
      const variables = variablesFor(step, all)
      const key = [step.text, ...variables.map(({ name }) => name)].join('\n')
      const there = files.find((one) => one.key === key)
      const script = there?.name ?? free(scriptName(step), names, String)
      if (there === undefined)
        files.push({ name: script, key, text: scriptText(script, step, document, variables) })
      const fields = [
        `directory: ${draft.need('stack')}.directory`,
        ...given(
          draft,
          'environment',
          variables.filter(({ isSecret }) => !isSecret),
        ),
        ...given(
          draft,
          'secrets',
          variables.filter(({ isSecret }) => isSecret),
        ),
      ]
      draft.add(
        script,
        titleOf(`Run ${step.text.replaceAll(/\s+/g, ' ').trim()}`, step.line),
        `{ ${fields.join(', ')} }`,
      )
    },
  }
}

function given(
  draft: RunbookDraft,
  field: 'environment' | 'secrets',
  variables: readonly ShellVariable[],
): readonly string[] {
  if (variables.length === 0) return []
  return [`${field}: { ${variables.map((one) => `${one.name}: ${valueOf(draft, one)}`).join(', ')} }`]
}

/** The value that the document sets, or a parameter: a secret never stands in a runbook. */
function valueOf(draft: RunbookDraft, { name, value, line, isSecret }: ShellVariable): string {
  if (value !== null && !isSecret) return literal(value)
  const help = literal(
    `${name}, ${line === null ? 'which the document does not set' : `which line ${line} of the document sets`}`,
  )
  const param = name.toLowerCase().replaceAll(/_+(\w|$)/g, (_, letter: string) => letter.toUpperCase())
  return draft.param(
    param,
    isSecret
      ? `param.secret(${help}, { name: ${literal(name.toLowerCase())}, env: ${literal(name)} })`
      : `param.text(${help})`,
  )
}
