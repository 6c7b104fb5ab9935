import { defineStep, failureOf, isPending, say, withVariable, type Finding } from '../../src/index.ts'
import { bytesOf, exchange, fileFound, forget, putBack, surveyed, type EditedFile } from './kept-file.ts'

type Input = {
  readonly file: string
  readonly name: string
  /** Never a secret: it stands in the plan. */
  readonly value: string
  /** What to do where the file does not set it. Default `append`. */
  readonly missing?: 'append' | 'refuse'
}

/** Sets one variable of an env file, and keeps every other byte, the mode and the owner. Undone to the very bytes. */
export const setVariable = defineStep<Input, EditedFile, EditedFile>({
  kind: 'config.set-variable',
  version: 1,
  effect: 'change',
  describe: ({ file, name, value }) => say`Sets ${name} to "${value}" in ${file}, and nothing else in it.`,
  preflight: async (look, { file, name, value, missing }): Promise<readonly Finding[]> => {
    if (isPending(file) || isPending(name) || isPending(value) || isPending(missing)) return []
    try {
      withVariable(await bytesOf(look, file), name, value, missing)
      return []
    } catch (thrown) {
      const { message, hint } = failureOf(thrown)
      return [{ level: 'refuse', about: file, problem: `cannot set ${name} in ${file}: ${message}`, hint: hint ?? 'mend the file' }]
    }
  },
  survey: async (look, { file, name, value, missing }) => surveyed(look, file, withVariable(await bytesOf(look, file), name, value, missing)),
  predict: ({ input: { file, name, value }, before }) => ({
    output: before ?? null,
    changes: isPending(file) || before === undefined ? [] : before.before === before.after ? [] : [say`${file} says ${name}=${value}`],
  }),
  run: async (io, { input: { file, name, value, missing }, before }) => {
    await exchange(io, before, withVariable(await bytesOf(io, file), name, value, missing))
    return before
  },
  probe: (look, { before, way }) => fileFound(look, before, way),
  undo: async (io, { before }) => {
    await putBack(io, before)
    await forget(io, before)
  },
})
