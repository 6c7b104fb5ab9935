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

/**
 * Why bringing up the services would not run the intended image: the stack's files name another one.
 * @param services as Compose will read them, with the tag of the release in place
 */
export async function otherDeclared(
  look: Pick<Look, 'services'>,
  services: ServiceGroup,
  imageOf: (service: string) => string,
): Promise<readonly Finding[]> {
  const declared = await look.services.declared(services)
  const { stack } = services
  return declared.flatMap(({ service, image }): readonly Finding[] =>
    // Compose names an image that it builds after project and service.
    fullName(image ?? `${stack.project}-${service}`) === fullName(imageOf(service))
      ? []
      : [
          {
            level: 'refuse',
            about: service,
            problem: `${service} would not run ${imageOf(service)}: the stack's files ${image === null ? 'name no image for it' : `name ${image}`}`,
            hint: `set image: ${imageOf(service)} for ${service} in the Compose file, with the variable in place of its tag; or fix the image in runbook.config.ts`,
          },
        ],
  )
}

/** As Docker completes a name: `shop` and `docker.io/library/shop:latest` are one. */
export const fullName = (image: string): string => {
  const [, rest = image] = /^(?:docker\.io\/)?(?:library\/)?(.+)$/.exec(image) ?? []
  return /[:@]/.test(rest.slice(rest.lastIndexOf('/') + 1)) ? rest : `${rest}:latest`
}
