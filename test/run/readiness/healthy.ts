import { packagedBooks } from '../../../src/cli/catalog.ts'
import type { Runbook } from '../../../src/model/runbook.ts'
import type { Target } from '../../../src/model/target.ts'
import { StopButton } from '../../../src/run/engine/stop.ts'
import type { RunSummary } from '../../../src/run/journal/journal.ts'
import { systemOf } from '../../../src/model/target.ts'
import type { Concern, Host } from '../../../src/run/readiness/check.ts'
import { examine } from '../../../src/run/readiness/examine.ts'
import { matching } from '../../../src/run/journal/history.ts'
import type { JournalFacts } from '../../../src/run/readiness/journal-facts.ts'
import type { CheckReport } from '../../../src/run/readiness/merge.ts'
import { fakeImage, lay, type FakeWorld } from '../../../src/testing/index.ts'
import { fakeLocks } from '../../../src/testing/locks.ts'
import { serverTime } from '../../../src/run/readiness/checks/clock.ts'
import { damagedShop, goodOrders, shop as shopBefore } from '../../steps/fake-shop.ts'

/** The shop with everything that its runbooks ask for. */
export const shop: Target = {
  ...shopBefore,
  restoreTest: {
    image: 'postgres:{major}-alpine',
    user: 'postgres',
    readyWithinSeconds: 60,
    room: 8,
    record: '/artifacts/latest-tested-restore.md',
  },
}

export const passphrase = 'correct horse battery staple'

/** The shop in service: nothing is wrong with it. */
export function healthyShop(): FakeWorld {
  const world = damagedShop()
  const orders = world.server.databases.get('shop')
  if (orders !== undefined) world.server.databases.set('shop', { ...orders, tables: { orders: goodOrders } })
  world.images.images.set(`sha256:${'a1'.repeat(32)}`, fakeImage('postgres:17-alpine'))
  for (const [index, [name, service]] of [...world.fleet.services].entries()) {
    const id = `sha256:${`b${index}`.repeat(32)}`
    world.images.images.set(id, fakeImage(service.declared))
    if (service.instance !== null) service.instance = { ...service.instance, imageId: id }
    void name
  }
  world.server.answers.set(serverTime, () => [{ now: world.clock.now().getTime() / 1000 }])
  lay(world.disk, '/srv/shop/compose.yml', 'services: {}\n')
  world.disk.folders.add('/srv/shop')
  return world
}

/** A run that succeeded, as the journal lists it. */
export const succeeded = (runbook: string, startedAt: string, target = shop): RunSummary => ({
  run: `${runbook}-1`,
  system: systemOf(target),
  runbook,
  target: target.name,
  mode: 'run',
  startedAt,
  outcome: 'succeeded',
  released: false,
  sealed: true,
  story: null,
})

export const journalOf = (runs: readonly RunSummary[], more: Partial<JournalFacts> = {}): JournalFacts => ({
  problem: null,
  total: runs.length,
  runs: async (wanted) => matching(runs, wanted),
  damaged: new Map(),
  checked: runs.length,
  read: async () => [],
  holder: async () => null,
  ...more,
})

export const proven = (world: FakeWorld): readonly RunSummary[] => {
  const at = new Date(world.clock.now().getTime() - 86_400_000).toISOString()
  return ['restore-test', 'monthly-spot-restore', 'quarterly-full-drill'].map((name) => succeeded(name, at))
}

export type Setting = {
  readonly target?: Target
  readonly journal?: JournalFacts
  readonly host?: Partial<Host>
  readonly maxBytes?: number | null
  readonly books?: readonly Runbook[]
}

const books = await packagedBooks()

export async function doctorOn(world: FakeWorld, setting: Setting = {}): Promise<readonly CheckReport[]> {
  const { target = shop, journal = journalOf(proven(world)), maxBytes = 64 << 20 } = setting
  return examine(
    target,
    setting.books ?? books,
    {
      drivers: (scope) => world.drivers(scope),
      locks: fakeLocks(world.locks),
      clock: world.clock,
      mask: world.redactor,
      stop: new StopButton(),
      host: {
        state: '/state',
        artifacts: '/artifacts',
        key: async () => ({ is: 'good', fingerprint: 'SHA256:x' }),
        ...setting.host,
      },
      journal,
      maxBytes,
    },
    true,
  )
}

export const foundBy = (reports: readonly CheckReport[]): readonly (Concern & { readonly check: string })[] =>
  reports.flatMap(({ check, findings }) => findings.map((finding) => ({ check, ...finding })))
