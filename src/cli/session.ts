import { relative } from 'node:path'
import { exits } from '../kernel/errors.ts'
import type { Runtime } from '../run/start.ts'
import type { Result } from '../run/engine/ending.ts'
import type { Stored } from '../run/journal/entry.ts'
import { pastSeconds } from '../run/durations.ts'
import { measuresOf } from '../run/record/measures.ts'
import { stateOf } from '../run/journal/state.ts'
import { dryRunText } from '../views/dry-run.ts'
import { endingText } from '../views/ending.ts'
import { measuredText } from '../views/measured.ts'
import { exitOf } from './error-report.ts'
import type { CliContext } from './context.ts'
import { listenFor } from './signals.ts'
import type { Engine, RunOptions } from './wire.ts'

/** Runs `work` with signal handlers installed, reports how the run ended, and sets the exit code. */
export async function runSession(
  desk: CliContext,
  manner: RunOptions,
  work: (around: Runtime) => Promise<Result>,
): Promise<void> {
  const { wire } = await import('./wire.ts')
  const engine = await wire(await desk.loaded(), desk.terminal, desk.version, manner)
  const signals = listenFor(engine.stop, engine.announce)
  try {
    const result = await work(engine.around)
    const entries = await engine.journal.read(result.run)
    await tell(desk, engine, manner, result, entries)
    process.exitCode = exitOf(result.code)
  } finally {
    signals.stopListening()
    await engine.journal.close()
  }
}

async function tell(
  desk: CliContext,
  engine: Engine,
  manner: RunOptions,
  result: Result,
  entries: readonly Stored[],
): Promise<void> {
  const state = stateOf(entries)
  if (manner.json) {
    desk.terminal.json({ event: 'result', exit: exits[result.code].exit, ...result })
    return
  }
  if (state.opened.mode === 'dry-run')
    desk.terminal.out(desk.asTyped(dryRunText(entries, await pastSeconds(engine.journal, state.plan))))
  else if (result.outcome !== 'open' && result.outcome !== 'refused')
    desk.terminal.out(measuredText(measuresOf(entries)))
  desk.terminal.out(desk.asTyped(endingText({ ...result, folder: fromHere(result.folder) }, state)))
}

/** Relative where it is below the current folder, since the next command is typed there. */
function fromHere(folder: string): string {
  const path = relative(process.cwd(), folder)
  return path === '' || path.startsWith('..') ? folder : path
}
