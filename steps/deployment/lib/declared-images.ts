import type { Finding, Look, ServiceGroup } from '../../../src/index.ts'

/**
 * Why a service would come up on another image than it runs: an `IMAGE_TAG` given inline to an earlier
 * command is not in the files, so recreating the service brings back the image of the files.
 */
export async function imageMismatches(
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
        `${service} is ${state}, so the image to recreate it on is unknown`,
        `start it first, or roll its version back`,
      )
    const declaredImage = declared.find((one) => one.service === service)?.image ?? null
    const runs = instances.find(({ image }) => image !== declaredImage)
    if (declaredImage === null || runs === undefined) return []
    return refuse(
      `${service} runs ${runs.image}, and the stack's files name ${declaredImage}: recreated, it would run that one`,
      'first set IMAGE_TAG in the env file to the running tag',
    )
  })
}
