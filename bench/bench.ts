import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { curvesOf } from './curve.ts'
import { markdownOf, reportOf, type Result } from './report.ts'
import { measured, type Row } from './row.ts'
import { archive } from './rows/archive.ts'
import { downtime } from './rows/downtime.ts'
import { encryption } from './rows/encryption.ts'
import { exchange } from './rows/exchange.ts'
import { firstPaint } from './rows/first-paint.ts'
import { imageRollback } from './rows/image-rollback.ts'
import { journaledStep } from './rows/journaled-step.ts'
import { manyRuns } from './rows/many-runs.ts'
import { memory } from './rows/memory.ts'
import { postgres } from './rows/postgres.ts'
import { sqlite } from './rows/sqlite.ts'
import { startUp } from './rows/start-up.ts'
import { verification } from './rows/verification.ts'

/*
 * Measures the program beside its rivals on this machine, and asserts nothing: npm run bench -- [--quick] [--out FILE] [--curves FOLDER] [ROW…]
 * Markdown goes to stdout, JSON with every sample to FILE, curves of rows that have them as SVG to FOLDER. Data is made below the temporary folder (TMPDIR), which
 * has to be on a disk for syncs to mean anything.
 */

const rows: readonly Row[] = [
  startUp,
  journaledStep,
  manyRuns,
  firstPaint,
  archive,
  encryption,
  verification,
  memory,
  sqlite,
  postgres,
  exchange,
  downtime,
  imageRollback,
]

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
    curves: { type: 'string' },
  },
  allowPositionals: true,
})
const unknown = positionals.find((name) => rows.every((row) => row.name !== name))
if (unknown !== undefined) {
  process.stderr.write(`no row ${unknown}; there are ${rows.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}

const results: Result[] = []
for (const row of rows.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  process.stderr.write(`${row.name} …\n`)
  const folder = mkdtempSync(join(tmpdir(), 'runbook-bench-'))
  try {
    const prepared = await row.prepare({ folder, quick: values.quick })
    const { name, title, unit } = row
    const { size, xTitle } = prepared
    try {
      results.push({
        row: name,
        title,
        unit,
        size,
        ...(xTitle === undefined ? {} : { xTitle }),
        measured: await measured(prepared),
      })
    } finally {
      prepared.close?.()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const report = reportOf(results, ['npm run bench --', ...process.argv.slice(2)].join(' '))
process.stdout.write(markdownOf(report))
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`)
if (values.curves !== undefined)
  for (const result of results) {
    const drawn = curvesOf(result)
    if (drawn !== null) writeFileSync(join(values.curves, `${result.row}.svg`), drawn)
  }
