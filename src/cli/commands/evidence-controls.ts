import { relative } from 'node:path'
import { Option, type Command } from 'commander'
import type { FiledRecord } from '../../run/readiness/controls.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { DrillJournal } from '../../run/readiness/drill-calendar.ts'
import type { RunSummary } from '../../run/journal/journal.ts'
import type { CliContext } from '../context.ts'
import { instantOf } from '../instants.ts'
import { whyNotOn } from './drills.ts'
import { keysFrom, keysHelp } from '../evidence-folders.ts'

type Options = {
  readonly target?: string
  readonly since?: string
  readonly format: 'markdown' | 'json'
  readonly keys?: string
}

export function evidenceControlsCommand(evidence: Command, context: CliContext): void {
  evidence
    .command('controls')
    .description(
      'verify all evidence and print which runs prove which control of ISO 27001 and SOC 2, and the gaps',
    )
    .option('--target <name>', 'only of this target')
    .option('--since <time>', 'list runs since then: 2026-01-01, or a duration such as 365d; default: all')
    .addOption(
      new Option('--format <format>', 'of the export').choices(['markdown', 'json']).default('markdown'),
    )
    .option('--keys <file>', keysHelp)
    .action(async ({ target, since, format, keys }: Options) => {
      const now = new Date()
      const from = since === undefined ? null : (await instantOf(since, 'list runs since', now)).toISOString()
      const targets = target === undefined ? await context.targets() : [await context.target(target)]
      const [
        { drillCalendar },
        { isOnDatabaseOf },
        { provenControls, controls, provesNoControl },
        { controlsAsJson, controlsAsMarkdown },
      ] = await Promise.all([
        import('../../run/readiness/drill-calendar.ts'),
        import('../../run/readiness/own-runs.ts'),
        import('../../run/readiness/controls.ts'),
        import('../../views/controls.ts'),
      ])
      const { verified, unverified, bad } = await allRuns(context, keys, target)
      const books = await (await context.catalog()).listed()
      const calendars = await Promise.all(
        targets.map(async (one) => ({
          target: one.name,
          drills: await drillCalendar(
            one,
            whyNotOn(one, books),
            journalOf(
              verified.filter(
                ({ record }) => record.target === one.name || isOnDatabaseOf(one, record.plan.target),
              ),
            ),
            now,
          ),
        })),
      )
      const listed = verified.filter(({ record }) => from === null || record.startedAt >= from)
      const known = new Set([
        ...provesNoControl,
        ...controls.flatMap(({ proofs }) => proofs.flatMap(({ runbooks }) => runbooks)),
      ])
      const others = listed.filter(
        ({ record }) => record.mode === 'run' && record.outcome === 'succeeded' && !known.has(record.runbook),
      )
      const unlisted = [...new Set(others.map(({ record }) => record.runbook))].sort().map((runbook) => ({
        runbook,
        runs: others.filter(({ record }) => record.runbook === runbook).length,
      }))
      const found = {
        at: now.toISOString(),
        since: from,
        controls: provenControls(listed, calendars),
        unverified,
        unlisted,
      }
      context.terminal.out(format === 'json' ? controlsAsJson(found) : controlsAsMarkdown(found))
      if (bad > 0)
        throw new RunbookError(
          'verification',
          `the evidence of ${bad === 1 ? '1 run' : `${bad} runs`} failed verification, so it proves nothing`,
          { hint: 'the export names it; compare it with a copy kept elsewhere' },
        )
    })
}

type All = {
  readonly verified: readonly FiledRecord[]
  readonly unverified: readonly { readonly folder: string; readonly why: string }[]
  /** Of those, how many are sealed and yet do not verify. */
  readonly bad: number
}

async function allRuns(
  context: CliContext,
  keys: string | undefined,
  target: string | undefined,
): Promise<All> {
  const [{ evidenceFolders, verifiedRun }, { verifyEvidence }, { filesOf }] = await Promise.all([
    import('../../adapters/evidence/filed-runs.ts'),
    import('../../adapters/evidence/verify.ts'),
    import('../../views/files.ts'),
  ])
  const { trusted, missing } = await keysFrom(context, keys)
  if (missing !== null) throw missing
  const { artifacts } = await context.loaded()
  const verified: FiledRecord[] = []
  const unverified: { folder: string; why: string }[] = []
  let bad = 0
  const runs = new Set<string>()
  for (const path of await evidenceFolders(artifacts)) {
    const { record, defects } = await verifiedRun(path, (folder) =>
      verifyEvidence(folder, { trusted, filesOf, named: true }),
    )
    if (target !== undefined && record !== null && record.target !== target) continue
    const folder = relative(artifacts, path)
    const twice = record !== null && runs.has(record.run)
    if (record !== null && defects.length === 0 && !twice) {
      runs.add(record.run)
      verified.push({ folder, record })
      continue
    }
    unverified.push({ folder, why: twice ? 'the same run occurs twice' : defects.join('; ') })
    if (!defects.includes('not-sealed')) bad += 1
  }
  return { verified, unverified, bad }
}

/** The calendar as the verified evidence has it: what is only in the journal proves nothing to others. */
function journalOf(verified: readonly FiledRecord[]): DrillJournal {
  const lines = verified
    .map(({ record }): RunSummary => ({
      run: record.run,
      system: record.plan.system,
      runbook: record.runbook,
      target: record.target,
      mode: record.mode,
      startedAt: record.startedAt,
      outcome: record.outcome === 'open' ? null : record.outcome,
      released: record.released !== null,
      sealed: true,
      story: record.story,
    }))
    .sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1))
  return {
    async runs({ system, mode, outcomes, runbook, runbooks, newest }) {
      return lines
        .filter(
          (line) =>
            (system ?? line.system) === line.system &&
            (mode ?? line.mode) === line.mode &&
            (runbook ?? line.runbook) === line.runbook &&
            (runbooks?.includes(line.runbook) ?? true) &&
            (outcomes === undefined || (line.outcome !== null && outcomes.includes(line.outcome))),
        )
        .slice(0, newest)
    },
    // Their chains were verified.
    read: async () => [],
  }
}
