import {
  defineStep,
  formerKind,
  isPending,
  say,
  withVariable,
  type ActingStep,
  type VersionPin,
} from '../../src/index.ts'
import { editing } from './lib/edit-file-step.ts'
import { scopeFindings, type EditScope } from './lib/edit-scope.ts'
import { bytesOf, problemWith, type EditedLine } from './lib/edited-file.ts'
import { requireReversible, valueOf } from './lib/line.ts'

type Input = {
  readonly file: string
  readonly name: string
  /** Never a secret: the plan shows it, and the journal keeps the value before it. */
  readonly value: string
  /** What to do where the file does not set the variable. Default `append`. */
  readonly missing?: 'append' | 'refuse'
  /** The choice of the value, and the value that was set then. Missing in older journals. */
  readonly chosen?: { readonly from?: string | null }
  /** What the variable may change in the stack that reads the file; null for a file that no stack reads. */
  readonly scope: EditScope | null
}

/** Stands for a tag that is not known yet: which places the variable reaches does not depend on its value. */
const anyTag = 'next'

const setting: ActingStep<Input, EditedLine, EditedLine> = {
  kind: 'config.set-variable',
  version: 1,
  effect: 'change',
  describe: ({ file, name, value }) =>
    say`Sets ${name} to "${value}" in ${file}; nothing else in it changes.`,
  preflight: async (look, { file, name, value, missing, scope }) => {
    if (isPending(file) || isPending(name) || isPending(missing)) return []
    return problemWith(file, `cannot set ${name} in ${file}`, async () => {
      const body = await bytesOf(look, file)
      const from = valueOf(body, { variable: name })
      const to = isPending(value) ? anyTag : value
      const edit = { file, body: withVariable(body, name, to, missing), variables: [name] }
      if (!isPending(value)) requireReversible(body, file, { variable: name, from, to }, edit.body)
      if (from === to || isPending(scope) || scope === null) return []
      return isPending(value) && scope.of !== 'tag' ? [] : scopeFindings(look, scope, edit)
    })
  },
  predict: ({ input: { file, name, value }, before }) => ({
    output: before ?? null,
    changes:
      isPending(file) || before === undefined || before.before === before.after
        ? []
        : [say`${file} sets ${name}=${value}`],
  }),
  ...editing<Input>({
    place: ({ name }) => ({ variable: name }),
    value: ({ value }) => value,
    shown: ({ chosen }) => chosen?.from,
    missing: ({ missing }) => missing,
    // Journals of earlier versions have none.
    scope: ({ scope }) => scope ?? undefined,
  }),
}

type PinInput = { readonly pin: VersionPin; readonly chosen: { readonly tag: string } }
type PinBefore = { readonly tag: string | null; readonly digest: string; readonly pinned: string }

/**
 * Sets one variable of an env file, which every later Compose command reads, and leaves every other byte, the
 * mode and the owner. Undone to the exact bytes.
 */
export const setVariable = defineStep<Input, EditedLine, EditedLine>({
  ...setting,
  formerly: [
    formerKind(setting, {
      kind: 'releases.pin-tag',
      version: 1,
      input: (then): Input => {
        const { pin, chosen } = then as unknown as PinInput
        return { file: pin.file, name: pin.variable, value: chosen.tag, scope: null }
      },
      before: (saw, { file, name, value }) => {
        const { tag, digest, pinned } = saw as PinBefore
        return { file, line: { variable: name, from: tag, to: value }, before: digest, after: pinned }
      },
      output: ({ file, line: { from, to } }) => ({ file, from, to }),
    }),
  ],
})
