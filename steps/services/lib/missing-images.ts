import { composeLine, type Finding, type Look, type ServiceGroup } from '../../../src/index.ts'

/**
 * Why containers of these services could not be created at the end of a run: their images are not on this machine, as
 * after `docker image prune --all`, which spares only images that have a container. What cannot be read, other steps
 * report.
 */
export async function missingImages(
  look: Pick<Look, 'services' | 'images'>,
  { stack, names }: ServiceGroup,
  as: 'service' | 'one-off' = 'service',
): Promise<readonly Finding[]> {
  if (stack.kind !== 'compose' || names.length === 0) return []
  try {
    const declared = await look.services.declared({ stack, names })
    const findings = declared.map(async ({ service, image, built }): Promise<readonly Finding[]> => {
      // Compose names an image that it builds after project and service.
      if ((await look.images.find(image ?? `${stack.project}-${service}`)) !== null) return []
      const about = service
      // Of a one-off, an image that can be built is never pulled.
      return image === null || (as === 'one-off' && built === true)
        ? [
            {
              level: 'refuse',
              about,
              problem: `${image === null ? '' : `${image}, `}the image of ${service}${image === null ? '' : ','} is not on this machine, and a run builds none`,
              hint:
                image === null
                  ? composeLine(stack, `build ${service}`)
                  : `${composeLine(stack, `build ${service}`)}; or ${composeLine(stack, `pull ${service}`)}`,
            },
          ]
        : [
            {
              level: 'warn',
              about,
              problem: `${image}, the image of ${service}, is not on this machine: the run fails if Compose cannot pull it then`,
              hint: `get it now: ${composeLine(stack, `pull ${service}`)}; if it is built here: ${composeLine(stack, `build ${service}`)}`,
            },
          ]
    })
    return (await Promise.all(findings)).flat()
  } catch {
    return []
  }
}
