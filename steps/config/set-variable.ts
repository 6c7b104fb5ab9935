import { defineStep, isPending, say, withVariable } from '../../src/index.ts'
import { editing } from './exchanging.ts'
import { bytesOf, troubleWith, type EditedFile } from './kept-file.ts'

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
  preflight: async (look, { file, name, value, missing }) => {
    if (isPending(file) || isPending(name) || isPending(value) || isPending(missing)) return []
    return troubleWith(file, `cannot set ${name} in ${file}`, async () =>
      withVariable(await bytesOf(look, file), name, value, missing),
    )
  },
  predict: ({ input: { file, name, value }, before }) => ({
    output: before ?? null,
    changes:
      isPending(file) || before === undefined
        ? []
        : before.before === before.after
          ? []
          : [say`${file} says ${name}=${value}`],
  }),
  ...editing<Input>((body, { name, value, missing }) => withVariable(body, name, value, missing)),
})
