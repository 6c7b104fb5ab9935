import { fakeLocks, noLocks } from '../../src/testing/locks.ts'
import { locksContract } from './locks.contract.ts'

locksContract('in memory', async () => {
  const kept = noLocks()
  return {
    open: () => fakeLocks(kept),
    part: { kind: 'docker', name: 'service/shop/web', what: 'service web of shop' },
    neighbour: { kind: 'docker', name: 'service/shop/jobs', what: 'service jobs of shop' },
    hold: async (part, holder) => {
      const process = fakeLocks(kept)
      await process.take(part, holder)
      return { kill: async () => process.die() }
    },
    evicts: true,
    close: async () => undefined,
  }
})
