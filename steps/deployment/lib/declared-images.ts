import type { Finding, Look, ServiceGroup } from '../../../src/index.ts'

/**
 * Why a service would come up on another image than it runs: an `IMAGE_TAG` given inline to an earlier
 * command is not in the files, so recreating the service brings back the image of the files.
 */
export async function surprises(
  look: Pick<Look, 'services'>,
  services: ServiceGroup,
): Promise<readonly Finding[]> {
  const [states, declared] = await Promise.all([
    look.services.states(services),
    look.services.declared(services),
  ])
  return states.flatMap(({ service, state, instances }): readonly Finding[] => {
    const refuse = (problem: string, hint: string): readonly Finding[] => [
      { level: 'refuse', about: service, problem, hint },
    ]
    if (state !== 'running')
      return refuse(
        `${service} does not run (${state}), so nobody knows with which image it is to be made anew`,
        `start it first, or roll its version back`,
      )
    const named = declared.find((one) => one.service === service)?.image ?? null
    const runs = instances.find(({ image }) => image !== named)
    if (named === null || runs === undefined) return []
    return refuse(
      `${service} runs ${runs.image}, and the stack's files name ${named}: made anew it would run that one`,
      'put the tag that runs into the env file first, as IMAGE_TAG',
    )
  })
}
