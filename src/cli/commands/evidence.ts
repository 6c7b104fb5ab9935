import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { sanitize } from '../../kernel/sanitize.ts'
import { stateOf } from '../../run/journal/state.ts'
import { filesOf } from '../../views/files.ts'
import { showEvidence } from '../../views/show.ts'
import { storyIndexOf } from '../../views/storyline.ts'
import type { CliContext } from '../context.ts'
import { lineOf, readJournal } from '../journal.ts'

type Keys = { readonly keys?: string }

const keysHelp = 'public keys to trust, as a file of allowed signers; default: those of this machine'

export function evidenceCommand(program: Command, desk: CliContext): void {
  const evidence = program.command('evidence').description('show and check what runs have left')
  evidence
    .command('show')
    .description('show the report of a run, and the ends of its logs')
    .argument('<run>', 'a run, or its evidence folder')
    .action(async (given: string) => {
      const { readEvidence } = await import('../../adapters/evidence/read.ts')
      const { record, logs } = await readEvidence(await folderOf(desk, given))
      desk.terminal.out(showEvidence(record, logs))
    })
  evidence
    .command('verify')
    .description(
      'check evidence against itself and the trusted keys; needs no network, and not the machine it was made on',
    )
    .argument('<run>', 'a run, or its evidence folder')
    .option('--keys <file>', keysHelp)
    .option('--json', 'print one JSON object a line, one for each defect')
    .action(async (given: string, { keys, json }: Keys & { readonly json?: true }) => {
      const folder = await folderOf(desk, given)
      const verify = await verifierWith(desk, keys)
      const defects = await verify(folder)
      for (const defect of defects) {
        if (json === true) desk.terminal.json({ event: 'defect', ...defect })
        else
          desk.terminal.out(
            `${defect.reason}${defect.file === '' ? '' : ` (${sanitize(defect.file)})`}: ${sanitize(defect.says)}\n`,
          )
      }
      if (defects.length > 0) {
        throw new RunbookError(
          'verification',
          `the evidence in ${folder} does not hold: ${defects.length === 1 ? 'one defect' : `${defects.length} defects`}`,
          {
            hint: 'compare it with a copy that was kept elsewhere',
          },
        )
      }
      if (json === true) desk.terminal.json({ event: 'verified', folder })
      else desk.terminal.out(`All of it holds: ${folder}\n`)
    })
  evidence
    .command('story')
    .description('check every run of a story, and write the index of its evidence for a reviewer')
    .argument('<story>', 'the story, as given with --story')
    .option('--keys <file>', keysHelp)
    .action(async (story: string, { keys }: Keys) => {
      const [{ storyIndex }, { diskFiles }] = await Promise.all([
        import('../../adapters/evidence/story.ts'),
        import('../../adapters/disk/files.ts'),
      ])
      const verify = await verifierWith(desk, keys)
      const index = await storyIndex((await desk.loaded()).artifacts, story, {
        files: diskFiles,
        verify,
        render: storyIndexOf,
      })
      desk.terminal.out(`${index}\n`)
    })
}

/** A folder is taken as it is, so that evidence can be read on a machine without the journal. */
async function folderOf(desk: CliContext, given: string): Promise<string> {
  if (given.includes('/') || existsSync(given)) return resolve(desk.directory, given)
  return readJournal(
    desk,
    async (journal) => stateOf(await journal.read(lineOf(await journal.runs(), given).run)).opened.evidence,
  )
}

async function verifierWith(desk: CliContext, keys: string | undefined) {
  const [{ verifyEvidence }, { trustedKeys }, { keyFiles }, { diskFiles }] = await Promise.all([
    import('../../adapters/evidence/verify.ts'),
    import('../../adapters/evidence/allowed-signers.ts'),
    import('../../adapters/evidence/signing-key.ts'),
    import('../../adapters/disk/files.ts'),
  ])
  const file =
    keys === undefined ? join((await desk.loaded()).state, keyFiles.trusted) : resolve(desk.directory, keys)
  const trusted = trustedKeys(Buffer.from(await diskFiles.read(file, 1 << 20)).toString('utf8'), file)
  return (folder: string) => verifyEvidence(folder, { trusted, filesOf })
}
