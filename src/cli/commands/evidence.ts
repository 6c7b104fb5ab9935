import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { oneLine } from '../../kernel/sanitize.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import type { CliContext } from '../context.ts'
import { defectLine, evidenceOf, keysFrom, keysHelp, runsByFolder } from '../evidence-folders.ts'
import { evidenceControlsCommand } from './evidence-controls.ts'
import { evidenceIncidentCommand } from './evidence-incident.ts'

type Keys = { readonly keys?: string }

export function evidenceCommand(program: Command, context: CliContext): void {
  const evidence = program.command('evidence').description('show and verify the evidence of runs')
  evidence
    .command('show')
    .description('show the report of a run and the end of each log')
    .argument('<run>', 'a run, or its evidence folder')
    .showHelpAfterError('hint: `runbook history` lists the runs; add --help to see the arguments and flags')
    .action(async (given: string) => {
      const [{ readEvidence }, { evidenceText }] = await Promise.all([
        import('../../adapters/evidence/read.ts'),
        import('../../views/show.ts'),
      ])
      const { record, logs } = await readEvidence((await evidenceOf(context, given)).folder)
      context.terminal.out(evidenceText(context.masked(record), logs, context.terminal.width()))
    })
  evidence
    .command('verify')
    .description(
      'verify evidence offline, on any machine: its digests, and its signature against the trusted keys',
    )
    .argument('<run>', 'a run, or its evidence folder')
    .showHelpAfterError('hint: `runbook history` lists the runs; add --help to see the arguments and flags')
    .option('--keys <file>', keysHelp)
    .option('--json', 'print one JSON object per line, one for each defect')
    .action(async (given: string, { keys, json }: Keys & { readonly json?: true }) => {
      const { folder, expected } = await evidenceOf(context, given)
      const [{ verdictOn }, { filesOf }, { result }] = await Promise.all([
        import('../../adapters/evidence/verify.ts'),
        import('../../views/files.ts'),
        import('../../views/result.ts'),
      ])
      const { trusted, missing } = await keysFrom(context, keys)
      const { defects, record } = await verdictOn(folder, { trusted, filesOf, named: true }, expected)
      for (const defect of defects) {
        if (json === true) context.json({ event: 'defect', ...defect })
        else context.terminal.show(`${defectLine(defect)}\n`)
      }
      if (defects.length > 0) {
        const count = defects.length === 1 ? '1 defect' : `${defects.length} defects`
        const unsealed = defects.some(({ reason }) => reason === 'not-sealed')
        const unread = defects.some(({ reason }) => reason.endsWith('-unreadable'))
        throw new RunbookError('verification', `evidence in ${folder} failed verification: ${count}`, {
          hint: unsealed
            ? 'see whether the run is still open, or has to be sealed: runbook status'
            : unread
              ? `evidence belongs to the user who ran the program; check: ls -la ${shellWord(folder)}`
              : 'compare it with a copy kept elsewhere',
        })
      }
      if (record === null) throw new RunbookError('bug', `no record of ${folder} was verified`)
      const { run, runbook, target, outcome } = record
      const by = expected === null ? 'signature' : 'signature and journal'
      if (missing !== null) {
        const checked = `${run}: its digests, journal and reports agree, but who signed them is not checked`
        throw new RunbookError('usage', `cannot verify ${checked}: ${missing.message}`, {
          hint: 'give the public keys of the machine that signed it with --keys FILE; there it is the file allowed_signers in the state folder',
        })
      }
      if (json === true)
        context.json({
          event: 'verified',
          folder,
          run,
          runbook,
          target,
          outcome,
          mode: record.mode,
          by,
        })
      else
        context.terminal.show(
          `Verified by its ${by}: run ${run}, ${oneLine(runbook)} on ${oneLine(target)}: ${result(record)}\n${folder}\n`,
        )
    })
  evidenceIncidentCommand(evidence, context)
  evidenceControlsCommand(evidence, context)
  evidence
    .command('story')
    .description('verify every run of a story and write an index of its evidence for a reviewer')
    .argument('<story>', 'the story, as given with --story')
    .option('--keys <file>', keysHelp)
    .action(async (story: string, { keys }: Keys) => {
      const [{ storyIndex }, { diskFiles }, { verifyEvidence }, { filesOf, storyFilesOf }] =
        await Promise.all([
          import('../../adapters/evidence/story.ts'),
          import('../../adapters/disk/files.ts'),
          import('../../adapters/evidence/verify.ts'),
          import('../../views/files.ts'),
        ])
      const { trusted, missing } = await keysFrom(context, keys)
      if (missing !== null) throw missing
      const { index, bad } = await storyIndex((await context.loaded()).artifacts, story, {
        files: diskFiles,
        verify: (folder) => verifyEvidence(folder, { trusted, filesOf, named: true }),
        known: await runsByFolder(context),
        render: storyFilesOf,
      })
      // One line, as scripts read it; the page lies beside it.
      context.terminal.out(`${index[0]}\n`)
      if (bad > 0)
        throw new RunbookError(
          'verification',
          `story ${story}: the evidence of ${bad === 1 ? '1 run' : `${bad} runs`} failed verification`,
          { hint: `the last column of ${index[0]} says why` },
        )
    })
}
