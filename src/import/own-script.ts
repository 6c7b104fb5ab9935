import { idOf } from '../model/step-id.ts'
import { literal } from './literal.ts'
import type { Step } from './procedure.ts'
import type { ShellVariable } from './shell-variables.ts'

const interpreters = new Set(['bash', 'sh', 'zsh', 'python', 'python3', 'node'])
const isFile = (path: string): boolean => /\.(sh|bash|py|ts|js|mjs)$/.test(path)

/** The script of the team that a command calls, such as `scripts/restore.sh`; null for every other command. */
export function ownScript({ main }: Step): string | null {
  if (/^(\.{1,2}|~)?\/.+/.test(main.path) && !main.path.startsWith('/usr/') && !main.path.startsWith('/bin/'))
    return main.path
  if (isFile(main.path)) return main.path
  const [first] = main.args.filter((arg) => !arg.startsWith('-'))
  return interpreters.has(main.program) && first !== undefined && isFile(first) ? first : null
}

/** A step in a file of its own, for a command that no step of the library replaces. */
export type ScriptFile = { readonly name: string; readonly text: string }

/** Words that tell the command from others: the name of its script or program, and its arguments, without folders. */
function wordsOf(step: Step): readonly string[] {
  const script = ownScript(step)
  const { program, args } = script === null ? step.program : { program: script, args: step.main.args }
  const words = args.filter((arg) => arg !== script && /^[\w./-]+$/.test(arg) && !arg.startsWith('-'))
  return [...new Set([program, ...words.slice(0, 2)].flatMap((word) => idOf(baseName(word)).split('-')))]
}

const baseName = (path: string): string =>
  path
    .replace(/\/+$/, '')
    .replace(/^.*\//, '')
    .replace(/\.(?:sh|bash|py|ts|js|mjs)$/, '')

/** The longest name of a step, without `run`. */
const width = 24

/** The name of the step of a command, with words that are complete: `runRestoreDb`. */
export function scriptName(step: Step): string {
  let id = ''
  for (const word of wordsOf(step)) {
    const longer = id === '' ? word.slice(0, width) : `${id}-${word}`
    if (longer.length > width) break
    id = longer
  }
  return `run-${id}`.replaceAll(/-+(\w|$)/g, (_, letter: string) => letter.toUpperCase())
}

/** The name of its file, as that of others in `steps/`. */
export const scriptFile = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The step as TypeScript: planned, and refused until somebody writes its probe and its undo. */
export function scriptText(
  name: string,
  step: Step,
  document: string,
  variables: readonly ShellVariable[],
): string {
  const kind = `imported.${scriptFile(name)}`
  const shown = step.text.replaceAll(/\s+/g, ' ').trim()
  const parts = [
    {
      field: 'environment',
      names: variables.filter(({ isSecret }) => !isSecret).map((one) => one.name),
      type: 'string',
    },
    {
      field: 'secrets',
      names: variables.filter(({ isSecret }) => isSecret).map((one) => one.name),
      type: 'SecretHandle',
    },
  ].filter(({ names }) => names.length > 0)
  const fields = ['directory', ...parts.map(({ field }) => field)].join(', ')
  const types = parts.map(
    ({ field, names, type }) =>
      `  readonly ${field}: { ${names.map((one) => `readonly ${one}: ${type}`).join('; ')} }\n`,
  )
  const input =
    types.length === 0
      ? '{ readonly directory: string }'
      : `{\n  readonly directory: string\n${types.join('')}}`
  const removes = isRemoval(step)
  return `import { defineScript${parts.some(({ type }) => type === 'SecretHandle') ? ', type SecretHandle' : ''} } from 'runbook'

/** Line ${step.line} of ${inComment(document)}. Write its probe and ${removes ? 'irreversible: why what it removes cannot come back' : 'undo'} in place of draft. */
export const ${name} = defineScript<${input}, null>({
  kind: ${literal(kind)},
  version: 1,
  draft: true,${removes ? `\n  effect: 'destroy',` : ''}
  describe: () => ${literal(`Runs ${shown}.`)},
  place: ({ ${fields} }) => ({ ${fields} }),
  run: async ({ $ }) => {
    await $\`${inTemplate(lineOf(step))}\`
    return null
  },
})
`
}

/** What it removes is gone: no undo brings it back. */
const isRemoval = ({ shell: { stages }, compose, docker, text }: Step): boolean =>
  stages.some(({ program, args }) => {
    const words = [program, ...args]
    return (
      ['rm', 'rmdir', 'shred', 'unlink', 'truncate', 'dropdb'].includes(program) ||
      (program === 'find' && words.includes('-delete')) ||
      (['xargs', 'find', 'sudo'].includes(program) && words.includes('rm'))
    )
  }) ||
  (compose?.verb === 'down' && compose.options.has('v', 'volumes')) ||
  (docker !== null &&
    (docker.verb === 'rmi' || /\b(rm|prune)\b/.test([docker.verb, ...docker.operands].join(' ')))) ||
  /\b(drop\s+(database|table|schema)|truncate|delete\s+from)\b/i.test(text)

/** With its here-document, where that is not part of the command's own text. */
function lineOf({ text, main }: Step): string {
  const [, word] = /<<-?\s*['"]?(\w+)/.exec(text) ?? []
  return word === undefined || main.input === null || new RegExp(String.raw`\n\s*${word}\s*$`).test(text)
    ? text
    : `${text}\n${main.input.replace(/\n?$/, '\n')}${word}`
}

const inTemplate = (text: string): string =>
  text
    .replaceAll(/[\\`]|\$(?=\{)/g, String.raw`\$&`)
    .replaceAll(
      /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
      (found) => String.raw`\u` + (found.codePointAt(0) ?? 0).toString(16).padStart(4, '0'),
    )

const inComment = (text: string): string => text.replaceAll(/[^\w. -]/g, '_')
