import { defineStep, say } from '../../src/index.ts'

type Input = {
  /** What a reader would otherwise take as proven, such as `whether the release starts`. */
  readonly what: string
  /** The setting that is missing, such as `bundle.dryRun`. */
  readonly setting: string
}

/** Reports what this run does not test because a setting is missing, in preflight and in the evidence. */
export const reportUntested = defineStep<Input, { readonly untested: string }>({
  kind: 'records.report-untested',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ what, setting }) => say`Reports what is not tested, since ${setting} is not set: ${what}.`,
  preflight: async (_look, { what, setting }) => [
    {
      level: 'warn',
      about: say`${setting}`,
      problem: say`not tested, since ${setting} is not set: ${what}`,
      hint: say`to test it, set ${setting} in runbook.config.ts`,
    },
  ],
  run: async (look, { what, setting }) => {
    look.note(`not tested, since ${setting} is not set: ${what}`)
    return { untested: what }
  },
})
