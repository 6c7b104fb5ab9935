import type { JsonObject } from '../../kernel/json.ts'
import { doctorScope } from '../../run/readiness/examine.ts'
import { protectionOf, type Protection } from '../../run/readiness/protection.ts'
import { viewOf } from '../../drivers/drivers.ts'
import { whyNotOn } from '../commands/drills.ts'
import type { CliContext } from '../context.ts'
import { withSurroundings } from '../examination.ts'
import type { Target } from '../../model/target.ts'
import { lockStandings, type LockStanding } from '../../run/readiness/lock-standing.ts'

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

/** The locks that runs on a target take, and who holds them now, from whatever state folder or machine. */
export async function lookAtLocks(context: CliContext, target: Target): Promise<readonly LockStanding[]> {
  return withSurroundings(context, null, async ({ locks, mask }) => {
    const seen = await lockStandings(target, locks)
    return mask.json(seen as unknown as JsonObject[]) as unknown as readonly LockStanding[]
  })
}
