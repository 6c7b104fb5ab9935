import { expect } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { crash } from './crash.ts'
import type { Kill } from './kill.ts'
import { inLanes } from './lanes.ts'
import type { Case } from './points.ts'
import type { Fate } from './recovery.ts'
import { whole } from './scene.ts'
import { ShopTemplate, SqliteShop, type Breakage } from './sqlite-shop.ts'

type Strategy = 'beside' | 'in-place'
export type Setting = { readonly strategy: Strategy; readonly breakage: Breakage }

const fateOf = ({ breakage }: Setting): Fate =>
  breakage === null ? { outcome: 'succeeded' } : { outcome: 'rolled-back', exit: 10 }
const oneIn = 8

/** full-db-rollback on SQLite and processes, killed at given points, each time in a shop of its own. */
export class SqliteMatrix implements Disposable {
  readonly #template = new ShopTemplate()
  #count = 0
  #notReached = 0

  /** The journal of a run that nobody kills. */
  async reference(setting: Setting): Promise<readonly Stored[]> {
    await using shop = await SqliteShop.open(this.#template, setting.breakage)
    const finished = await shop.scene.type(shop.run(setting.strategy))
    const fate = fateOf(setting)
    expect(finished.code, whole(finished)).toBe(fate.outcome === 'succeeded' ? 0 : fate.exit)
    const entries = await shop.scene.entries()
    await this.#judge(shop, setting.strategy, fate.outcome, entries, true)
    return entries
  }

  /** Fails with every case that does not end as promised. */
  async survives(setting: Setting, cases: readonly (Case & { readonly again?: Kill })[]): Promise<void> {
    expect(cases.length).toBeGreaterThan(0)
    expect(await inLanes(cases, (one) => this.#survive(setting, one))).toEqual([])
  }

  async #survive(setting: Setting, one: Case & { readonly again?: Kill }): Promise<void> {
    this.#count += 1
    const thorough = this.#count % oneIn === 0
    await using shop = await SqliteShop.open(this.#template, setting.breakage)
    const { killed, outcome, entries } = await crash(
      shop.scene,
      shop.run(setting.strategy),
      one,
      fateOf(setting),
      shop.confirm,
    )
    if (!killed) this.#notReached += 1
    await this.#judge(shop, setting.strategy, outcome, entries, thorough)
  }

  async #judge(
    shop: SqliteShop,
    strategy: Strategy,
    outcome: string,
    entries: readonly Stored[],
    thorough: boolean,
  ): Promise<void> {
    const dryRun = thorough ? shop.run('beside', '--dry-run') : null
    if (outcome === 'never begun') await shop.scene.expectNothingOpen(dryRun)
    else await shop.scene.expectSettled(entries, outcome, dryRun)
    if (outcome === 'succeeded')
      await shop.expectData('new', strategy === 'beside' ? ['aside', 'replaced'] : ['before-rollback'])
    else await shop.expectData('old', [])
    if (outcome !== 'never begun') await shop.expectTold(outcome, entries[0]?.run ?? '')
  }

  [Symbol.dispose](): void {
    this.#template[Symbol.dispose]()
    process.stdout.write(
      `full-db-rollback on SQLite and processes: ${this.#count} crashes, of which ${this.#notReached} came too late\n`,
    )
  }
}
