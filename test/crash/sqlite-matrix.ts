import { KillMatrix } from './kill-matrix.ts'
import { ShopTemplate, SqliteShop, type Breakage } from './sqlite-shop.ts'

type Strategy = 'beside' | 'in-place'
export type Setting = { readonly strategy: Strategy; readonly breakage: Breakage }

/** full-db-rollback on SQLite and processes, each time in a shop of its own. */
export class SqliteMatrix extends KillMatrix<Setting, SqliteShop> implements Disposable {
  readonly #template: ShopTemplate

  constructor(template = new ShopTemplate()) {
    super({
      name: 'full-db-rollback on SQLite and processes',
      open: ({ breakage }) => SqliteShop.open(template, breakage),
      run: (shop, { strategy }) => shop.run(strategy),
      dryRun: (shop) => shop.run('beside', '--dry-run'),
      confirm: (shop) => shop.confirm,
      fate: ({ breakage }) =>
        breakage === null ? { outcome: 'succeeded' } : { outcome: 'rolled-back', exit: 10 },
      expectLeft: (shop, { strategy }, outcome) =>
        outcome === 'succeeded'
          ? shop.expectData('new', strategy === 'beside' ? ['aside', 'replaced'] : ['before-rollback'])
          : shop.expectData('old', []),
    })
    this.#template = template
  }

  [Symbol.dispose](): void {
    this.#template[Symbol.dispose]()
    this.report()
  }
}
