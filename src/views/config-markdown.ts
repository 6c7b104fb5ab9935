import type { Group, Topic } from '../sections/parts/settings.ts'
import { readersLines, type Readers } from './config-text.ts'

/** The reference of `runbook.config.ts`: the complete output of `runbook help config` as one document. */
export function configMarkdown(topics: readonly Topic[], readers: ReadonlyMap<string, Readers>): string {
  const chapter = (place: Topic['place'], ...opening: readonly string[]): readonly string[] => {
    const lines = topics
      .filter((topic) => topic.place === place)
      .flatMap((topic) => topicLines(topic, readers.get(topic.name)))
    return lines.length === 0 ? [] : [...opening.flatMap((line) => [line, '']), ...lines]
  }
  return `${[
    '# Configuration',
    '',
    '<!-- Generated from src/sections and src/config/schema.ts by `npm run generate`; do not edit. -->',
    '',
    'This page is generated from the schemas that read `runbook.config.ts`. `runbook help config` prints the same.',
    '',
    'Relative paths are resolved against the folder of `runbook.config.ts`; `~` is the home folder. Types:',
    '',
    "- `Duration`: a number of seconds, or text such as `'90s'`, `'5m'`, `'26h'`, `'7d'`.",
    "- `Size`: a number of bytes, or text such as `'64KiB'`, `'10MB'`.",
    "- `Secret`: `secret('VARIABLE')` or `secret({ file: 'PATH' })`; it names where the value is, which is read when a step needs it.",
    '- `Json`: text, numbers, true, false, null, lists and plain objects.',
    '',
    '`health[].url` is a setting of each item of a list, `environments.NAME` an entry under a name that you choose.',
    '',
    ...chapter('configuration', '## Beside `targets`'),
    ...chapter('target', '## In each target'),
    ...chapter(
      'section',
      '## Sections of a target',
      'Each is optional. A runbook is refused for a target that lacks a section that it needs, unless the section has a default. Plan, dry run and report say which defaults apply, and what they cost in certainty.',
    ),
  ]
    .join('\n')
    .trimEnd()}\n`
}

const topicLines = (topic: Topic, readers: Readers | undefined): readonly string[] => [
  `### ${topic.name}`,
  '',
  topic.about,
  '',
  ...readersLines(readers).flatMap((line) => [line, '']),
  ...(topic.otherwise === null ? [] : [`Default: ${topic.otherwise}.`, '']),
  ...topic.groups.flatMap((group) => groupLines(topic, group)),
  ...topic.examples.flatMap((example) => ['```ts', example, '```', '']),
]

function groupLines({ name }: Topic, { title, settings }: Group): readonly string[] {
  const [only] = settings
  if (only?.path === name && settings.length === 1) {
    return [
      `Type: \`${only.type}\`. ${only.otherwise === null ? '' : `Default: ${only.otherwise}.`}`.trimEnd(),
      '',
    ]
  }
  return [
    ...(title === null ? [] : [`With \`${title}\`:`, '']),
    '| setting | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...settings.map(
      ({ path, type, otherwise, about }) =>
        `| ${[`\`${path}\``, `\`${type}\``, otherwise ?? '**required**', about].map(cell).join(' | ')} |`,
    ),
    '',
  ]
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
