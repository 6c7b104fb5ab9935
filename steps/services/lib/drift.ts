import type { Drift, Finding, Look, ServiceGroup } from '../../../src/index.ts'

/**
 * Why recreating the services would change more than is asked for, such as settings of a file that started
 * them and that the target does not name.
 * @param asked what may change, their images aside
 */
export async function driftFindings(
  look: Pick<Look, 'services'>,
  services: ServiceGroup,
  asked: Drift['kinds'] = [],
): Promise<readonly Finding[]> {
  const drift = await look.services.drift(services)
  return drift.map(({ service, kinds, problem, hint }) => ({
    level: kinds.every((kind) => kind === 'unknown' || asked.includes(kind)) ? 'warn' : 'refuse',
    about: service,
    problem,
    hint,
  }))
}
