import { idOf } from '../model/step-id.ts'
import { chaptersIn, ifItFails, isAsked, type Chapter } from './chapters.ts'
import type { Part } from './document.ts'
import { RunbookDraft, type WrittenCall } from './draft.ts'
import { freeName, writeDuty, writeItem, type WrittenDuty } from './duties.ts'
import type { Facts, SectionName } from './facts.ts'
import { comment, literal } from './literal.ts'
import { scriptFile, type ScriptFile } from './own-script.ts'
import type { Procedure, Step } from './procedure.ts'
import type { Recipe } from './recipes/recipe.ts'
import { databases } from './recipes/databases.ts'
import { files, looking } from './recipes/files.ts'
import { releases } from './recipes/releases.ts'
import { services } from './recipes/services.ts'
import type { Recognised } from './recogniser.ts'
import { scriptsOf } from './script-files.ts'

const recipes: ReadonlyMap<string, Recipe> = new Map(
  Object.entries({ ...services, ...databases, ...files, ...looking, ...releases }),
)

/** The steps of the library for which an import writes calls. */
export const writtenSteps: ReadonlySet<string> = new Set(recipes.keys())

/** One runbook of an import, as the text of its file. */
export type Source = {
  readonly name: string
  readonly title: string
  readonly text: string
  readonly sections: readonly SectionName[]
  /** Its commands that no step of the library replaces, each a file of `steps/`. */
  readonly scripts: readonly ScriptFile[]
  /** The commands that these replace. */
  readonly drafted: ReadonlySet<Step>
  readonly duties: readonly WrittenDuty[]
  readonly calls: readonly WrittenCall[]
}

export type ImportedFile = { readonly path: string; readonly text: string }

/**
 * The runbooks that a document becomes, one for each procedure in it that has commands.
 * @param becomes what each command of the document is recognised as
 */
export function sourcesOf(
  name: string,
  document: Procedure,
  becomes: ReadonlyMap<Step, Recognised | null>,
  facts: Facts,
): readonly Source[] {
  const runbooks = new Set<string>()
  // Of all runbooks: a script that several of them call is written for each, since its arguments may differ.
  const scripts = new Set<string>(['runUnpacked', 'runOneOff'])
  return chaptersIn(document, becomes).flatMap((chapter) => {
    const runbook = freeName(idOf(chapter.title), runbooks)
    const source = sourceOf(name, runbook, chapter, { facts, becomes, scripts })
    // Nothing of it needs a step: all of it is left to the rollback.
    return source === null ? [] : [source]
  })
}

/** The files of an import, with paths below its folder. */
export function filesOf(sources: readonly Source[], facts: Facts): readonly ImportedFile[] {
  if (sources.length === 0) return []
  const sections = [...new Set(sources.flatMap((one) => one.sections))]
  return [
    ...sources.map(({ name, text }) => ({ path: `runbooks/${name}.ts`, text })),
    ...sources
      .flatMap((one) => one.scripts)
      .map(({ name, text }) => ({ path: `steps/${scriptFile(name)}.ts`, text })),
    { path: 'runbook.config.ts', text: configText(sections, facts) },
  ]
}

function sourceOf(
  document: string,
  name: string,
  chapter: Chapter,
  {
    facts,
    becomes,
    scripts: names,
  }: {
    readonly facts: Facts
    readonly becomes: ReadonlyMap<Step, Recognised | null>
    readonly scripts: Set<string>
  },
): Source | null {
  const draft = new RunbookDraft(facts)
  const dutyNames = new Set<string>()
  const duties: WrittenDuty[] = []
  const scripts = scriptsOf(draft, document, chapter.steps, names)
  for (const one of inOrder(chapter)) {
    draft.line = one.line
    if ('kind' in one) {
      if (one.kind === 'heading')
        draft.note(`Line ${one.line}: ${'#'.repeat(Math.min(one.depth, 6))} ${one.text}`)
      else if (one.item !== null) duties.push(...writeItem(draft, one, dutyNames))
      else if (isAsked(one) && !chapter.withCommand.has(one))
        duties.push(writeDuty(draft, one.line, one.text, dutyNames))
      else draft.note(`Line ${one.line}: ${one.text.replaceAll(/\s+/g, ' ')}`)
    } else {
      const condition = chapter.parts.find(
        (part) => part.kind === 'prose' && part.item === one.item && isCondition(part),
      )
      writeCommand(draft, one, becomes.get(one) ?? null, {
        all: chapter.steps,
        condition,
        writeScript: scripts.write,
      })
    }
  }
  const { lines: body, steps, sections, params, calls } = draft.written()
  if (steps.length === 0) return null
  const imported = [
    ...(body.some((line) => line.includes('maybe(')) ? ['maybe'] : []),
    ...(params.length > 0 ? ['param'] : []),
    'runbook',
  ]
  const given = [
    ...(params.length > 0 ? ['params'] : []),
    ...(sections.length > 0 ? ['target'] : []),
    'step',
    ...(body.some((line) => line.startsWith('pointOfNoReturn(')) ? ['pointOfNoReturn'] : []),
    ...(body.some((line) => line.startsWith('lastly(')) ? ['lastly'] : []),
  ]
  const library = steps.filter((step) => scripts.files.every((one) => one.name !== step))
  return {
    name,
    title: chapter.title,
    sections,
    scripts: scripts.files,
    drafted: scripts.drafted,
    duties,
    calls,
    text: `import { ${imported.join(', ')} } from 'runbook'
${importOfSteps(library)}${scripts.files.map((one) => `import { ${one.name} } from '../steps/${scriptFile(one.name)}.ts'\n`).join('')}
${comment(`Imported from ${document}, line ${chapter.line}. Read every input before the first run.`)}
export default runbook(
  ${literal(name)},
  {
    title: ${literal(chapter.title)},
    when: ${literal(`Imported from ${document}: ${chapter.title}.`)},
    needs: ${literal(sections)},
    params: {${params.length === 0 ? '' : `\n${params.map((line) => `      ${line}\n`).join('')}    `}},
  },
  ({ ${given.join(', ')} }) => {
${body.map((line) => `    ${line}\n`).join('')}  },
)
`,
  }
}

function importOfSteps(names: readonly string[]): string {
  if (names.length === 0) return ''
  const short = `import { ${names.join(', ')} } from 'runbook/steps'\n`
  return short.length <= 110
    ? short
    : `import {\n${names.map((name) => `  ${name},\n`).join('')}} from 'runbook/steps'\n`
}

/** "If the release had migrated, downgrade:" */
const isCondition = ({ item, text }: Part): boolean =>
  item !== null && /^\s*(?:only\s+)?(?:if|when|in case)\b/i.test(text)

/** The headings, paragraphs, duties and commands of a chapter, as the document has them. */
function inOrder({ line: first, parts, steps }: Chapter): readonly (Part | Step)[] {
  const withCommand = new Set(steps.map(({ item }) => item))
  const shown = parts.filter(
    (part) =>
      (part.kind === 'heading' && part.line !== first) ||
      (part.kind === 'prose' && (part.item === null || !withCommand.has(part.item))),
  )
  return [...shown, ...steps].toSorted((one, other) => one.line - other.line)
}

function writeCommand(
  draft: RunbookDraft,
  step: Step,
  becomes: Recognised | null,
  {
    all,
    condition,
    writeScript,
  }: {
    readonly all: readonly Step[]
    /** The sentence that says when the command is typed; undefined: always. */
    readonly condition: Part | undefined
    readonly writeScript: (step: Step) => void
  },
): void {
  const at = `Line ${step.line}: ${step.text}`
  if (becomes !== null && (becomes.as === 'look' || becomes.as === 'built-in')) {
    draft.note(`${at} (${becomes.as === 'look' ? `only looks: ${becomes.shows}` : becomes.what})`)
    return
  }
  if (ifItFails(step.headings)) {
    draft.note(`${at} (a run that fails rolls back by itself)`)
    return
  }
  draft.note(at)
  if (condition !== undefined) {
    draft.note(`On a condition, which a step does not know: ${condition.text.replaceAll(/\s+/g, ' ').trim()}`)
    writeScript(step)
    return
  }
  const before = draft.size
  const recipe = becomes?.as === 'step' ? recipes.get(becomes.step) : undefined
  const kept = recipe === undefined ? false : recipe(draft, step, all)
  if (kept === undefined) {
    if (draft.size === before) draft.note('A step above does this already.')
    return
  }
  if (becomes?.as === 'step')
    draft.note(
      typeof kept === 'string'
        ? kept
        : `runbook/steps has ${becomes.step} for this; the document does not have all of its inputs.`,
    )
  writeScript(step)
}

/** A section is configured with those that its own settings name. */
const withStack: readonly SectionName[] = ['stack', 'writers']

function configText(needed: readonly SectionName[], facts: Facts): string {
  const names = [...new Set<SectionName>([...withStack, ...needed])]
  const lines = names.flatMap((name) => {
    const { code, guessed } = facts.section(name)
    return [...(guessed === null ? [] : [comment(`guessed: ${guessed}`)]), `${name}: ${code},`]
  })
  return `import { defineConfig } from 'runbook'

// \`runbook help config\` describes every setting.
export default defineConfig({
  targets: {
    production: {
${lines.map((line) => `      ${line}\n`).join('')}    },
  },
})
`
}
