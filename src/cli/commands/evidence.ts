import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Defect } from '../../adapters/evidence/verify/defects.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { sanitize } from '../../kernel/sanitize.ts'
import { stateOf } from '../../run/journal/state.ts'
import type { CliContext } from '../context.ts'
import { findRun, readJournal } from '../journal.ts'

type Keys = { readonly keys?: string }

const keysHelp = 'public keys to trust, as a file of allowed signers; default: those of this machine'

export function evidenceCommand(program: Command, context: CliContext): void {
  const evidence = program.command('evidence').description('show and verify the evidence of runs')
  evidence
    .command('show')
    .description('show the report of a run and the end of each log')
    .argument('<run>', 'a run, or its evidence folder')
    .action(async (given: string) => {
      const [{ readEvidence }, { showEvidence }] = await Promise.all([
        import('../../adapters/evidence/read.ts'),
        import('../../views/show.ts'),
      ])
      const { record, logs } = await readEvidence(await folderOf(context, given))
      context.terminal.out(showEvidence(record, logs))
    })
  evidence
    .command('verify')
    .description(
      'verify evidence offline, on any machine: its digests, and its signature against the trusted keys',
    )
    .argument('<run>', 'a run, or its evidence folder')
    .option('--keys <file>', keysHelp)
    .option('--json', 'print one JSON object per line, one for each defect')
    .action(async (given: string, { keys, json }: Keys & { readonly json?: true }) => {
      const folder = await folderOf(context, given)
      const verify = await verifierWith(context, keys)
      const defects = await verify(folder)
      for (const defect of defects) {
        if (json === true) context.terminal.json({ event: 'defect', ...defect })
        else context.terminal.out(`${defectLine(defect)}\n`)
      }
      if (defects.length > 0) {
        const count = defects.length === 1 ? '1 defect' : `${defects.length} defects`
        throw new RunbookError('verification', `evidence in ${folder} failed verification: ${count}`, {
          hint: 'compare it with a copy kept elsewhere',
        })
      }
      if (json === true) context.terminal.json({ event: 'verified', folder })
      else context.terminal.out(`Verified: ${folder}\n`)
    })
  evidence
    .command('story')
    .description('verify every run of a story and write an index of its evidence for a reviewer')
    .argument('<story>', 'the story, as given with --story')
    .option('--keys <file>', keysHelp)
    .action(async (story: string, { keys }: Keys) => {
      const [{ storyIndex }, { diskFiles }, { storyIndexOf }] = await Promise.all([
        import('../../adapters/evidence/story.ts'),
        import('../../adapters/disk/files.ts'),
        import('../../views/storyline.ts'),
      ])
      const verify = await verifierWith(context, keys)
      const index = await storyIndex((await context.loaded()).artifacts, story, {
        files: diskFiles,
        verify,
        render: storyIndexOf,
      })
      context.terminal.out(`${index}\n`)
    })
}

const defectLine = ({ reason, file, says }: Defect): string =>
  `${reason}${file === '' ? '' : ` (${sanitize(file)})`}: ${sanitize(says)}`

/** A folder is taken as it is, so that evidence can be read on a machine without the journal. */
async function folderOf(context: CliContext, given: string): Promise<string> {
  if (given.includes('/') || existsSync(given)) return resolve(context.directory, given)
  return readJournal(
    context,
    async (journal) => stateOf(await journal.read(findRun(await journal.runs(), given).run)).opened.evidence,
  )
}

async function verifierWith(context: CliContext, keys: string | undefined) {
  const [{ verifyEvidence }, { trustedKeys }, { keyFiles }, { diskFiles }, { filesOf }] = await Promise.all([
    import('../../adapters/evidence/verify.ts'),
    import('../../adapters/evidence/allowed-signers.ts'),
    import('../../adapters/evidence/signing-key.ts'),
    import('../../adapters/disk/files.ts'),
    import('../../views/files.ts'),
  ])
  const file =
    keys === undefined
      ? join((await context.loaded()).state, keyFiles.trusted)
      : resolve(context.directory, keys)
  const trusted = trustedKeys(Buffer.from(await diskFiles.read(file, 1 << 20)).toString('utf8'), file)
  return (folder: string) => verifyEvidence(folder, { trusted, filesOf })
}
