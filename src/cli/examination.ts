import { diskFiles } from '../adapters/disk/files.ts'
import { signingKeyFingerprint } from '../adapters/evidence/signing-key.ts'
import { viewJournal } from '../adapters/journal/open.ts'
import { KeptPrograms } from '../adapters/process/kept-programs.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Secret } from '../kernel/secret.ts'
import type { JournalView } from '../run/journal/journal.ts'
import { StopButton } from '../run/engine/stop.ts'
import type { Surroundings } from '../run/readiness/examine.ts'
import { journalFacts } from '../run/readiness/journal-facts.ts'
import type { CliContext } from './context.ts'
import { driversFor } from './drivers.ts'
import { locksFor } from './locks.ts'

/**
 * Chooses the adapters for looks outside a run, reads the journal once, and ends all clients afterwards. Nothing
 * is created: neither a journal nor a key.
 * @param maxBytes larger files are not read to their last byte; null for no limit
 */
export async function withSurroundings<T>(
  context: CliContext,
  maxBytes: number | null,
  work: (around: Surroundings) => Promise<T>,
): Promise<T> {
  const { state, artifacts } = await context.loaded()
  const { redactor } = context.terminal
  const register = (secret: Secret): void => redactor.add(secret)
  const { environment } = context
  const programs = new KeptPrograms()
  const opened: (JournalView & { close(): Promise<void> })[] = []
  const journal = await journalFacts(async () => {
    const view = await viewJournal(state)
    opened.push(view)
    return view
  })
  try {
    return await work({
      drivers: (scope) =>
        driversFor(
          {
            clock: systemClock,
            journal: { read: (run) => journal.read(run) },
            state,
            program: `runbook ${context.version}`,
            environment,
            register,
            programs,
            asks: 'once',
            composeAnswers: new Map(),
            operator: () => ({
              clock: systemClock,
              atTerminal: false,
              confirm: null,
              yes: false,
              answers: {},
              environment: {},
              prompt: () => Promise.reject(new Error('a look asks nobody')),
            }),
          },
          scope,
        ),
      locks: locksFor({ clock: systemClock, register, environment }),
      clock: systemClock,
      mask: redactor,
      stop: new StopButton(),
      host: {
        state,
        artifacts,
        key: async () => {
          const fingerprint = await signingKeyFingerprint(state, diskFiles)
          return { is: fingerprint === null ? 'none' : 'good', fingerprint }
        },
      },
      journal,
      maxBytes,
    })
  } finally {
    await programs.end()
    for (const view of opened) await view.close()
  }
}
