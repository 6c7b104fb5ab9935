import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { TrustedKey } from '../adapters/evidence/allowed-signers.ts'
import type { Defect } from '../adapters/evidence/verify/defects.ts'
import type { Expected } from '../adapters/evidence/verify.ts'
import { failureOf, RunbookError } from '../kernel/errors.ts'
import { sanitize } from '../kernel/sanitize.ts'
import type { RunSummary } from '../run/journal/journal.ts'
import { stateOf } from '../run/journal/state.ts'
import type { CliContext } from './context.ts'
import { findRun, readJournal } from './journal.ts'

export const keysHelp = 'public keys to trust, as a file of allowed signers; default: those of this machine'

export const defectLine = ({ reason, file, says }: Defect): string =>
  `${reason}${file === '' ? '' : ` (${sanitize(file)})`}: ${sanitize(says)}`

/** A folder is taken as it is, so that evidence can be read on a machine without the journal. */
export async function evidenceOf(
  context: CliContext,
  given: string,
): Promise<{ readonly folder: string; readonly expected: Expected | null }> {
  if (given.includes('/') || existsSync(given))
    return { folder: resolve(context.directory, given), expected: null }
  return readJournal(context, async (journal) => {
    const { run } = await findRun(journal, given)
    const entries = await journal.read(run)
    const { opened, plan } = stateOf(entries)
    const last = entries.at(-1)?.entry
    return {
      folder: opened.evidence,
      expected: {
        run,
        target: String(plan.target['name']),
        digest: last?.type === 'sealed' ? last.digest : null,
      },
    }
  })
}

/**
 * Finds the run of an evidence folder in the journal of this machine, which knows the state of those that are not sealed.
 * Evidence is read without a journal too, so one that cannot be read finds nothing.
 */
export async function runsByFolder(context: CliContext): Promise<(folder: string) => RunSummary | null> {
  const runs = await readJournal(context, (journal) => journal.runs({ pending: true })).catch(() => [])
  const byName = new Map(runs.map((run) => [run.run, run]))
  return (folder) => byName.get(/\d{8}-\d{6}-[a-z0-9]+$/.exec(basename(folder))?.[0] ?? '') ?? null
}

type KeysFound =
  | { readonly trusted: readonly TrustedKey[]; readonly missing: null }
  | { readonly trusted: null; readonly missing: RunbookError }

/** Without keys everything but the signer can be checked. */
export async function keysFrom(context: CliContext, keys: string | undefined): Promise<KeysFound> {
  const [{ trustedKeys }, { keyFiles }, { diskFiles }] = await Promise.all([
    import('../adapters/evidence/allowed-signers.ts'),
    import('../adapters/evidence/signing-key.ts'),
    import('../adapters/disk/files.ts'),
  ])
  try {
    // A reviewer has no configuration, and so no keys of this machine.
    const file =
      keys === undefined
        ? join((await context.loaded()).state, keyFiles.trusted)
        : resolve(context.directory, keys)
    const text = Buffer.from(await diskFiles.read(file, 1 << 20)).toString('utf8')
    return { trusted: trustedKeys(text, file), missing: null }
  } catch (thrown) {
    const { message } = failureOf(thrown)
    return {
      trusted: null,
      missing: new RunbookError('usage', `no trusted keys: ${message}`, {
        hint: 'give the public keys of the machine that signed the evidence with --keys FILE; there it is the file allowed_signers in the state folder',
        cause: thrown,
      }),
    }
  }
}
