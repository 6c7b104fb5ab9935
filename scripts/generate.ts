import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'oxfmt'
import { summaryOf } from '../src/cli/catalog.ts'
import { configHelp } from '../src/cli/commands/help-config.ts'
import options from '../.oxfmtrc.json' with { type: 'json' }
import { configInput } from './config-input.ts'
import { withChecksTable } from './doctor-page.ts'
import { publishedSteps, stepsIndex, stepsPage } from './published-steps.ts'
import { exampleTargets, runbooksPage, withRunbooksTable } from './runbooks-page.ts'
import { remediesFile, shippedRunbooks } from './shipped-runbooks.ts'

/** A generated file, with the text that it should have. */
export type Generated = { readonly file: string; readonly text: string }

/** Generates the index and the catalogue of steps. */
export async function generatedFromSteps(root: string): Promise<readonly Generated[]> {
  const files = await publishedSteps(root)
  return [
    await formatted('steps/index.ts', stepsIndex(files)),
    { file: 'docs/steps.md', text: stepsPage(files) },
  ]
}

/** Generates what depends on the runbooks. They import the index of steps, which must be up to date. */
export async function generatedFromRunbooks(root: string): Promise<readonly Generated[]> {
  const books = await shippedRunbooks(root)
  return [
    await formatted('steps/diagnose/lib/remedies.ts', remediesFile(books)),
    await formatted('src/cli/packaged-runbooks.json', JSON.stringify(books.map(summaryOf), null, 2)),
    { file: 'docs/runbooks.md', text: runbooksPage(books, await exampleTargets(root)) },
    { file: 'README.md', text: withRunbooksTable(readFileSync(join(root, 'README.md'), 'utf8'), books) },
  ]
}

/** Generates the configuration reference, and the types that editors show. */
export async function generatedFromSchemas(): Promise<readonly Generated[]> {
  return [
    { file: 'docs/configuration.md', text: await configHelp(undefined, null) },
    { file: 'src/config/input.ts', text: configInput() },
  ]
}

/** Generates the list of what `runbook doctor` looks at. */
export async function generatedFromChecks(root: string): Promise<readonly Generated[]> {
  const file = 'docs/doctor.md'
  return [{ file, text: withChecksTable(readFileSync(join(root, file), 'utf8')) }]
}

async function formatted(file: string, source: string): Promise<Generated> {
  const { printWidth, semi, singleQuote } = options
  const { code, errors } = await format(file, source, { printWidth, semi, singleQuote })
  if (errors.length > 0)
    throw new Error(`cannot format ${file}: ${errors.map(({ message }) => message).join('; ')}`)
  return { file, text: code }
}

/** Writes every generated file that is stale. */
async function generate(root: string): Promise<void> {
  for (const make of [generatedFromSteps, generatedFromRunbooks, generatedFromSchemas, generatedFromChecks]) {
    for (const { file, text } of await make(root)) {
      const path = join(root, file)
      if (textAt(path) === text) continue
      writeFileSync(path, text)
      process.stdout.write(`wrote ${file}\n`)
    }
  }
}

/** Empty where the file does not exist. */
function textAt(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

if (import.meta.main) await generate(join(import.meta.dirname, '..'))
