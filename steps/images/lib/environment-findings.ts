import type { Finding, ImageEnvironment, Look } from '../../../src/index.ts'
import { otherDeclared } from '../../services/lib/declared-images.ts'
import { driftFindings } from '../../services/lib/drift.ts'

/** Why bringing up an environment would not only exchange its image. */
export async function environmentFindings(
  look: Pick<Look, 'services' | 'http'>,
  environment: ImageEnvironment,
): Promise<readonly Finding[]> {
  const { stack, service, canonical } = environment
  const group = { stack, names: [service] }
  return [
    ...(await otherDeclared(look, group, () => canonical)),
    ...(await driftFindings(look, group)),
    ...(await servedElsewhere(look, environment)),
  ]
}

/** A service without a container whose address answers runs somewhere else, and would run twice. */
async function servedElsewhere(
  look: Pick<Look, 'services' | 'http'>,
  { stack, service, health }: ImageEnvironment,
): Promise<readonly Finding[]> {
  const [state] = await look.services.states({ stack, names: [service] })
  if (state?.state !== 'missing') return []
  const answers = await Promise.all(
    health.map(async (check) => ({
      url: check.url,
      ...(await look.http.get(check.url, check).catch(() => null)),
    })),
  )
  return answers
    .filter(({ status }) => status !== undefined)
    .slice(0, 1)
    .map(({ url, status }) => ({
      level: 'refuse',
      about: service,
      problem: `${service} has no container in the project ${stack.project}, and ${url} answers ${status}: something else serves it`,
      hint: `find its project: docker ps --all; then set stack.project, or the address of the health check, in runbook.config.ts`,
    }))
}
