import { emptyAndFull } from '../full-journal.ts'
import type { Row } from '../row.ts'
import { Served } from '../served.ts'

/** Pages of `runbook serve` in Chromium, with an empty journal and with one of many years. */
export const firstPaint: Row = {
  name: 'first-paint',
  title: 'The first paint of a page beside a journal of many runs',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const count = quick ? 10_000 : 100_000
    const served = await Promise.all(
      (await emptyAndFull(folder, count)).map(async ({ name, project, one }) => ({
        name,
        one,
        site: await Served.open(project.folder, process.env['BENCH_CHROMIUM'] ?? '/usr/bin/chromium'),
      })),
    )
    return {
      rounds: quick ? 3 : 9,
      size: `${count.toLocaleString('en')} runs of 3 entries`,
      contestants: served.flatMap(({ name, one, site }) =>
        pagesOf(one).map(([page, path]) => ({
          name: `${page}, ${name}`,
          once: async () => (await site.visit(path)).painted,
        })),
      ),
      close: () => {
        for (const { site } of served) void site[Symbol.asyncDispose]()
      },
    }
  },
}

const pagesOf = (runbook: string): readonly (readonly [page: string, path: string])[] => [
  ['overview', '/'],
  ['target', '/targets/here'],
  ['runbook', `/targets/here/runbooks/${runbook}`],
]
