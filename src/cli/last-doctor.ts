import { join } from 'node:path'
import { z } from 'zod'
import { diskFiles } from '../adapters/disk/files.ts'
import type { Redactor } from '../kernel/redact.ts'
import type { CheckReport } from '../run/readiness/merge.ts'

const result = z.object({
  at: z.iso.datetime(),
  problems: z.array(z.string()).readonly(),
  warnings: z.number(),
  unchecked: z.number(),
})
const file = z.object({ version: z.literal(1), targets: z.record(z.string(), result) })

/** What `runbook doctor` last found on a target, what it found on the machine included. */
export type LastDoctor = z.infer<typeof result>

/** Findings are lines of text, and a target has dozens. */
const mostBytes = 4 * 1024 * 1024

const pathIn = (state: string): string => join(state, 'doctor.json')

/** Keeps the results for the pages of `serve`, where there is a state folder. What cannot be kept is no problem of a target. */
export async function keepDoctor(
  state: string,
  reports: readonly CheckReport[],
  { at, targets, mask }: { readonly at: Date; readonly targets: readonly string[]; readonly mask: Redactor },
): Promise<void> {
  try {
    if ((await diskFiles.stat(state))?.kind !== 'directory') return
    const known = await read(state)
    const found = targets.map((name) => [name, resultOf(reports, name, at)] as const)
    const kept = { version: 1, targets: { ...known, ...Object.fromEntries(found) } }
    await diskFiles.write(pathIn(state), `${JSON.stringify(mask.json(kept))}\n`, { mode: 0o600 })
  } catch {
    // A full or foreign disk is reported by a check of its own.
  }
}

function resultOf(reports: readonly CheckReport[], target: string, at: Date): LastDoctor {
  const about = reports.filter((report) => report.target === null || report.target === target)
  const findings = about.flatMap((report) => report.findings)
  const problems = findings.filter(({ level }) => level === 'refuse').map(({ problem }) => problem)
  return {
    at: at.toISOString(),
    problems,
    warnings: findings.length - problems.length,
    unchecked: about.reduce((sum, { unchecked }) => sum + unchecked.length, 0),
  }
}

/** Null where it never ran, or what it left cannot be read. */
export const lastDoctor = async (state: string, target: string): Promise<LastDoctor | null> =>
  (await read(state))[target] ?? null

async function read(state: string): Promise<Readonly<Record<string, LastDoctor>>> {
  try {
    return file.parse(
      JSON.parse(Buffer.from(await diskFiles.read(pathIn(state), mostBytes)).toString('utf8')),
    ).targets
  } catch {
    return {}
  }
}
