import { shellWord } from '../kernel/shell-quote.ts'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { diskFiles, unattended } from '../adapters/disk/files.ts'
import type { LookRequest } from '../init/look.ts'
import type { Merged } from '../init/merge.ts'
import type { ProposedTarget, Question } from '../init/proposal.ts'
import { cannot, failureOf, RunbookError } from '../kernel/errors.ts'
import { sanitize } from '../kernel/sanitize.ts'
import type { CliContext } from './context.ts'

export type InitFlags = {
  readonly yes?: true
  readonly json?: true
  readonly tsconfig?: true
  readonly file?: readonly string[]
  readonly project?: string
}

/** The largest configuration that is read. */
const maxBytes = 1024 * 1024

/** Looks, asks, shows and writes. @throws RunbookError `usage` where nothing is found or may be written */
export async function initialise(context: CliContext, flags: InitFlags): Promise<void> {
  const file = configFile(context)
  const folder = dirname(file)
  requireWritable(file)
  const existing = existsSync(file)
    ? Buffer.from(await diskFiles.read(file, maxBytes)).toString('utf8')
    : null
  const [{ proposalOf }, { merged }, { byHandText, guessesIn, nextText, remarksText, tsconfigText }] =
    await Promise.all([
      import('../init/proposal.ts'),
      import('../init/merge.ts'),
      import('../init/report.ts'),
    ])
  const found = proposalOf(
    await lookedAt({
      folder,
      files: (flags.file ?? []).map((path) => resolve(context.directory, path)),
      project: flags.project ?? null,
    }),
  )
  const proposal = {
    ...found,
    remarks: [
      ...found.remarks,
      ...distrust(context, file),
      ...(existing === null ? await notIgnored(folder) : []),
    ],
  }
  if (proposal.targets.length === 0) throw nothingFound(folder, flags, proposal.remarks)
  const asks =
    process.stdin.isTTY === true && process.stderr.isTTY === true && flags.yes !== true && flags.json !== true
  const targets = asks ? await askedAbout(proposal.targets) : proposal.targets
  await requireValid(targets)
  const result = merged(existing, targets)
  const diff = await diffOf(basename(file), existing ?? '', result.text)
  const guesses = guessesIn(targets).filter(({ where }) => isAdded(where, result))
  const changed = result.text !== existing
  if (flags.json !== true) {
    context.terminal.out(sanitize(existing === null ? result.text : diff))
    context.terminal.show(context.asTyped(sanitize(remarksText(proposal, guesses, result))))
    context.terminal.out(sanitize(byHandText(result)))
  }
  const wanted = flags.yes === true || (asks && (!changed || (await agreed(relative('.', file) || file))))
  const written = wanted && changed
  if (written) await write(file, existing, result.text)
  if (wanted && flags.tsconfig === true && !existsSync(join(folder, 'tsconfig.json')))
    await diskFiles.write(join(folder, 'tsconfig.json'), tsconfigText, { mode: 0o644 })
  if (flags.json === true) {
    const { text: _, ...more } = result
    context.json({
      event: 'init',
      file,
      written,
      targets: targets.map(({ name }) => name),
      guessed: guesses,
      remarks: proposal.remarks,
      diff,
      ...more,
    })
    return
  }
  if (!wanted && changed) {
    throw new RunbookError('usage', `nothing is written to ${file}`, {
      hint: 'to write it as shown, type: runbook init --yes',
    })
  }
  const outcome = written ? `Wrote ${file}.` : `${file} has all of it already; nothing is written.`
  context.terminal.show(`${outcome}\n${context.asTyped(nextText(missingPackage(folder), targets))}`)
}

/** `--config FILE`, else the configuration of this folder, else the one to write. */
function configFile(context: CliContext): string {
  const { named, directory } = context
  if (named !== undefined) return resolve(directory, named)
  const names = ['runbook.config.ts', 'runbook.config.mts', 'runbook.config.js', 'runbook.config.mjs']
  return join(directory, names.find((name) => existsSync(join(directory, name))) ?? 'runbook.config.ts')
}

/** @throws RunbookError `usage` before anything is looked at or asked */
function requireWritable(file: string): void {
  for (const path of [dirname(file), ...(existsSync(file) ? [file] : [])]) {
    try {
      accessSync(path, constants.W_OK)
      if (path !== file) readdirSync(path)
    } catch (cause) {
      throw cannot('write', file, null, {
        code: 'usage',
        cause,
        hint: `type it in a folder that you may write, or look: ls -ld ${shellWord(path)}`,
      })
    }
  }
}

/** What is written here would not be loaded if others may write the folder. */
function distrust(context: CliContext, file: string): readonly string[] {
  try {
    context.trust.check(file)
    return []
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return [`the file will not be loaded as it is: ${message}; ${hint ?? ''}`]
  }
}

/** Nothing is added to .gitignore: evidence may belong in the repository. */
async function notIgnored(folder: string): Promise<readonly string[]> {
  const [{ systemGit }, { shell }, { unignoredAdvice }] = await Promise.all([
    import('../adapters/git/git.ts'),
    import('../adapters/process/shell.ts'),
    import('../model/unignored.ts'),
  ])
  const git = systemGit({ shell, scope: unattended })
  const advice = await unignoredAdvice({ git }, join(folder, 'artifacts'), 'the evidence of runs')
  return advice === null ? [] : [advice]
}

async function lookedAt(request: LookRequest) {
  const [{ lookAround }, { dockerProjects }, { httpFor }, { secretsFrom }] = await Promise.all([
    import('../init/look.ts'),
    import('../adapters/docker/projects.ts'),
    import('../adapters/http/http.ts'),
    import('../adapters/environment/secrets.ts'),
  ])
  const secrets = secretsFrom({ environment: {}, register: () => undefined })
  return lookAround(request, {
    projects: dockerProjects({ scope: unattended }),
    files: diskFiles,
    http: httpFor(unattended, secrets),
  })
}

function nothingFound(folder: string, { project }: InitFlags, remarks: readonly string[]): RunbookError {
  const what =
    project === undefined ? 'neither a Compose project nor a SQLite file' : `no Compose project ${project}`
  return new RunbookError('usage', [`found ${what} in ${folder} or running here`, ...remarks].join('\n'), {
    hint: 'type it in the folder of the Compose file or of the SQLite database, or write the file by hand: runbook help config',
  })
}

async function askedAbout(targets: readonly ProposedTarget[]): Promise<readonly ProposedTarget[]> {
  const [{ answered }, { promptOnTerminal }] = await Promise.all([
    import('../init/proposal.ts'),
    import('../adapters/terminal/people.ts'),
  ])
  const answers = new Map<Question, string>()
  for (const target of targets)
    for (const { guessed, questions } of target.sections)
      for (const question of questions) {
        const text = sanitize(`${target.name}: ${question.text}\n  (${guessed})\n`)
        answers.set(question, await prompted(() => promptOnTerminal(text, unattended.signal, question.guess)))
      }
  return targets.map((target) => answered(target, answers))
}

async function agreed(file: string): Promise<boolean> {
  const { promptOnTerminal } = await import('../adapters/terminal/people.ts')
  const text = await prompted(() => promptOnTerminal(`Write ${file}? (yes/no)`, unattended.signal, 'yes'))
  return /^y(?:es)?$/i.test(text.trim())
}

const prompted = (ask: () => Promise<string>): Promise<string> =>
  ask().catch((thrown: unknown) => {
    if (!(thrown instanceof Error) || thrown.name !== 'ExitPromptError') throw thrown
    throw new RunbookError('interrupted', 'cancelled with Ctrl-C; nothing is written')
  })

/** What is written must be what the program reads. @throws RunbookError `usage`, for an answer that does not fit */
async function requireValid(targets: readonly ProposedTarget[]): Promise<void> {
  const [{ configSchema }, { mistakes }, { isEmpty }] = await Promise.all([
    import('../config/schema.ts'),
    import('../config/issues.ts'),
    import('../init/proposal.ts'),
  ])
  const config = {
    targets: Object.fromEntries(
      targets.map(({ name, sections }) => [
        name,
        Object.fromEntries(sections.flatMap((one) => (isEmpty(one) ? [] : [[one.name, one.value]]))),
      ]),
    ),
  }
  const parsed = configSchema.safeParse(config, { jitless: true })
  if (parsed.success) return
  throw new RunbookError('usage', `cannot write this:\n  ${mistakes(parsed.error, config).join('\n  ')}`, {
    hint: 'type `runbook init` again, and correct the answer',
  })
}

async function diffOf(name: string, was: string, is: string): Promise<string> {
  if (was === is) return ''
  const { createTwoFilesPatch } = await import('diff')
  return createTwoFilesPatch(name, name, was, is, undefined, undefined, { context: 2 })
}

const isAdded = (where: string, { added }: Merged): boolean =>
  added.some((one) => where === one || where.startsWith(`${one}.`))

/** @throws RunbookError `failed` if somebody edited the file meanwhile */
async function write(file: string, was: string | null, text: string): Promise<void> {
  const now = existsSync(file) ? Buffer.from(await diskFiles.read(file, maxBytes)).toString('utf8') : null
  if (now !== was)
    throw new RunbookError('failed', `${file} was edited meanwhile; nothing is written`, {
      hint: 'type again: runbook init',
    })
  await diskFiles.write(file, text, { mode: 0o644 })
}

/** Editors need the package for the types; the program itself does not. */
function missingPackage(folder: string): string | null {
  for (let here = folder; ; here = dirname(here)) {
    if (existsSync(join(here, 'node_modules', 'runbook'))) return null
    if (here === dirname(here)) return 'npm install --save-dev runbook'
  }
}
