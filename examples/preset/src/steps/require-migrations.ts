import {
  cannot,
  defineStep,
  isPending,
  say,
  sha256,
  type Finding,
  type Look,
  type ServiceGroup,
} from 'runbook'

type Input = { readonly services: ServiceGroup }

/**
 * Checks that Miniflux upgrades its schema when it starts. A dump is often older than the image, and Miniflux refuses to
 * start on an older schema unless RUN_MIGRATIONS=1 is set (its documentation, "Configuration parameters").
 * @throws RunbookError `preflight` where it is not set
 */
export const requireMigrations = defineStep<Input>()({
  kind: 'miniflux.require-migrations',
  version: 1,
  effect: 'observe',
  leaves: ['processes'],
  describe: ({ services }) =>
    say`Checks that ${isPending(services) ? services : services.names} is declared with RUN_MIGRATIONS=1.`,
  preflight: async (look, { services }) => (isPending(services) ? [] : await lacking(look, services)),
  run: async (look, { services }) => {
    const [finding] = await lacking(look, services)
    if (finding !== undefined)
      throw cannot('restore', finding.about, finding.problem, { code: 'preflight', hint: finding.hint })
    return { migrates: services.names }
  },
})

/** Values are compared by their digests: no look sees the value of a variable. */
async function lacking(look: Look, services: ServiceGroup): Promise<readonly Finding[]> {
  const declared = await look.services.declaredVariables(services)
  return declared
    .filter(({ digests }) => digests['RUN_MIGRATIONS'] !== sha256('1'))
    .map(({ service }) => ({
      level: 'refuse',
      about: service,
      problem: `${service} does not start on the schema of an older dump: RUN_MIGRATIONS is not 1`,
      hint: `set RUN_MIGRATIONS=1 for ${service} in the Compose file`,
    }))
}
