import { relative } from 'node:path'
import { exits } from '../kernel/errors.ts'
import type { Runtime } from '../run/start.ts'
import type { Result } from '../run/engine/ending.ts'
import type { Stored } from '../run/journal/entry.ts'
import { pastSeconds } from '../run/record/durations.ts'
import { measuresOf } from '../run/record/measures.ts'
import { conclusionOf } from '../run/journal/conclusion.ts'
import { stateOf } from '../run/journal/state.ts'
import { dryRunText } from '../views/dry-run.ts'
import { endingText } from '../views/ending.ts'
import { measuredText } from '../views/measured.ts'
import { exitOf } from './error-report.ts'
import type { CliContext } from './context.ts'
import { listenFor } from './signals.ts'
import { wire, type Engine, type RunOptions } from './wire.ts'

/** Runs `work` with signal handlers installed, reports how the run ended, and sets the exit code. */
export async function runSession(
  context: CliContext,
  options: RunOptions,
  work: (runtime: Runtime) => Promise<Result>,
): Promise<Result> {
  const loaded = await context.loaded()
  const engine = await wire(
    loaded,
    context.terminal,
    context.version,
    options,
    (text) => context.asTyped(text),
    async (runbook) => {
      const { file, from } = await (await context.catalog()).find(runbook)
      return { configuration: loaded.file, runbook: from === 'team' ? file : null }
    },
  )
  const signals = listenFor(engine.stop, engine.announce)
  try {
    const result = await work(engine.runtime)
    const entries = await engine.journal.read(result.run)
    await report(context, engine, options, result, entries)
    process.exitCode = exitOf(result.code)
    return result
  } finally {
    engine.endView()
    signals.stopListening()
    await engine.journal.close()
  }
}

async function report(
  context: CliContext,
  engine: Engine,
  options: RunOptions,
  result: Result,
  entries: readonly Stored[],
): Promise<void> {
  if (options.quiet === true) return
  const state = stateOf(entries)
  if (options.json) {
    const conclusion = result.outcome === 'succeeded' ? conclusionOf(state) : null
    context.json({
      event: 'result',
      exit: exits[result.code].exit,
      ...result,
      ...(conclusion === null ? {} : { conclusion }),
    })
    return
  }
  const width = context.terminal.width()
  if (state.opened.mode === 'dry-run')
    context.terminal.show(
      context.asTyped(dryRunText(entries, await pastSeconds(engine.journal, state.plan), width)),
    )
  else if (result.outcome !== 'open' && result.outcome !== 'refused')
    context.terminal.show(measuredText(measuresOf(entries), width))
  context.terminal.show(
    context.asTyped(endingText({ ...result, folder: fromHere(result.folder) }, entries, width)),
  )
}

/** Relative where it is below the current folder, since the next command is typed there. */
function fromHere(folder: string): string {
  const path = relative(process.cwd(), folder)
  return path === '' || path.startsWith('..') ? folder : path
}
