import type { JsonObject } from '../../kernel/json.ts'
import { doctorScope } from '../../run/readiness/examine.ts'
import { protectionOf, type Protection } from '../../run/readiness/protection.ts'
import { viewOf } from '../../drivers/drivers.ts'
import { whyNotOn } from '../commands/drills.ts'
import type { CliContext } from '../context.ts'
import { withSurroundings } from '../examination.ts'

/** What protects each target, by drivers that can only look; whatever they started has ended afterwards. */
export async function lookAtProtection(context: CliContext): Promise<readonly Protection[]> {
  const targets = await context.targets()
  const books = await (await context.catalog()).listed()
  return withSurroundings(context, null, async ({ drivers, journal, mask, clock }) => {
    const { scope, end } = doctorScope()
    try {
      const look = viewOf(drivers(scope))
      const all: Protection[] = []
      for (const target of targets)
        all.push(
          await protectionOf(target, { look, journal, now: clock.now(), whyNot: whyNotOn(target, books) }),
        )
      return mask.json(all as unknown as JsonObject[]) as unknown as readonly Protection[]
    } finally {
      end()
    }
  })
}
