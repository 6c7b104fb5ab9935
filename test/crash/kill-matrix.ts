import { expect } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { crash } from './crash.ts'
import type { Kill } from './kill.ts'
import { inLanes } from './lanes.ts'
import type { Case } from './points.ts'
import type { Fate } from './recovery.ts'
import { whole, type Scene } from './scene.ts'

type Site = AsyncDisposable & {
  readonly scene: Scene
  expectTold(outcome: string, run: string): Promise<void>
}

/** A runbook to kill, each time on a site of its own. */
export type Killed<Setting, S extends Site> = {
  readonly name: string
  open(setting: Setting): Promise<S>
  run(site: S, setting: Setting): readonly string[]
  /** Typed after some of the runs that are over. */
  dryRun(site: S): readonly string[]
  /** What is typed after `resume`. */
  confirm(site: S): readonly string[]
  fate(setting: Setting): Fate
  /** What the site must hold after this outcome. */
  expectLeft(site: S, setting: Setting, outcome: string): Promise<void>
}

/** The last of the real commands are slow, and so asked of one case in so many. */
const oneIn = 8

/** Kills a runbook at given points, types what an operator would type, and holds the site to what is promised. */
export class KillMatrix<Setting, S extends Site> {
  readonly #killed: Killed<Setting, S>
  #count = 0
  #notReached = 0

  constructor(killed: Killed<Setting, S>) {
    this.#killed = killed
  }

  /** The journal of a run that nobody kills. */
  async reference(setting: Setting): Promise<readonly Stored[]> {
    await using site = await this.#killed.open(setting)
    const finished = await site.scene.type(this.#killed.run(site, setting))
    const fate = this.#killed.fate(setting)
    expect(finished.code, whole(finished)).toBe(fate.outcome === 'succeeded' ? 0 : fate.exit)
    const entries = await site.scene.entries()
    await this.#judge(site, setting, fate.outcome, entries, true)
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
    await using site = await this.#killed.open(setting)
    const { killed, outcome, entries } = await crash(
      site.scene,
      this.#killed.run(site, setting),
      one,
      this.#killed.fate(setting),
      this.#killed.confirm(site),
    )
    if (!killed) this.#notReached += 1
    await this.#judge(site, setting, outcome, entries, thorough)
  }

  async #judge(
    site: S,
    setting: Setting,
    outcome: string,
    entries: readonly Stored[],
    thorough: boolean,
  ): Promise<void> {
    const dryRun = thorough ? this.#killed.dryRun(site) : null
    if (outcome === 'never begun') await site.scene.expectNothingOpen(dryRun)
    else await site.scene.expectSettled(entries, outcome, dryRun)
    await this.#killed.expectLeft(site, setting, outcome)
    if (outcome !== 'never begun') await site.expectTold(outcome, entries[0]?.run ?? '')
  }

  /** For the end of the suite. */
  report(): void {
    process.stdout.write(
      `${this.#killed.name}: ${this.#count} crashes, of which ${this.#notReached} came too late\n`,
    )
  }
}
