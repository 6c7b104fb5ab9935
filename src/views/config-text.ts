import { wrapped, type Width } from './fit.ts'
import type { Group, Setting, Topic } from '../sections/parts/settings.ts'

/** The runbooks that read a section: those that require it, and those that use it where a target has it. */
export type Readers = { readonly needed: readonly string[]; readonly used: readonly string[] }

/** Longer lines are hard to read, however wide the screen is. */
const widest = 100

/** Everything that can be configured, in a line or two each. */
export function configOverview(topics: readonly Topic[], width: Width = null): string {
  const columns = Math.min(width ?? widest, widest)
  const list = (place: Topic['place']): string =>
    topics
      .filter((topic) => topic.place === place)
      .map(({ name, about }) => `  ${name}\n${paragraph(about, 6, columns)}\n`)
      .join('')
  return [
    'runbook.config.ts: export default defineConfig({ …, targets: { NAME: { … } } })',
    paragraph(
      'Relative paths are resolved against the folder of that file; ~ is the home folder.',
      0,
      columns,
    ),
    '',
    'Beside targets:',
    list('configuration'),
    'In each target:',
    list('target'),
    paragraph('Sections of a target, each optional (where one has a default, its page says so):', 0, columns),
    list('section'),
    paragraph('Settings of one section: runbook help config SECTION', 0, columns),
    '',
  ].join('\n')
}

/** One section with every setting. */
export function configTopic(topic: Topic, readers: Readers | undefined, width: Width = null): string {
  const columns = Math.min(width ?? widest, widest)
  return [
    topic.name,
    paragraph(topic.about, 2, columns),
    ...readersLines(readers).map((line) => paragraph(line, 2, columns)),
    ...(topic.otherwise === null ? [] : [paragraph(`Default: ${topic.otherwise}.`, 2, columns)]),
    '',
    ...topic.groups.flatMap((group) => groupLines(topic, group, columns)),
    ...topic.examples.flatMap((example) => ['Example:', indented(example), '']),
    ...[
      "Duration: a number of seconds, or '90s', '5m', '26h', '7d'. Size: a number of bytes, or '64KiB', '10MB'.",
      "Secret: secret('VARIABLE'), or secret({ file: 'PATH' }); the value itself is never written down.",
    ].map((line) => paragraph(line, 0, columns)),
    '',
  ].join('\n')
}

const groupLines = ({ name }: Topic, { title, settings }: Group, columns: number): readonly string[] => [
  ...(title === null ? [] : [`With ${title}`, '']),
  ...settings.flatMap((setting) => [
    ...wrapped(`  ${setting.path}: ${setting.type}, ${givenOrNot(setting)}`, columns, ' '.repeat(8)),
    ...(setting.path === name ? [] : [paragraph(setting.about, 6, columns)]),
  ]),
  '',
]

const givenOrNot = ({ otherwise }: Setting): string =>
  otherwise === null ? 'required' : `default: ${otherwise.replaceAll('`', '')}`

/** @returns one sentence for each kind of reader */
export function readersLines(readers: Readers | undefined): readonly string[] {
  if (readers === undefined) return []
  const { needed, used } = readers
  if (needed.length + used.length === 0) return ['No runbook of this package reads it.']
  return [
    ...(needed.length === 0 ? [] : [`Required by ${needed.join(', ')}.`]),
    ...(used.length === 0 ? [] : [`Used, if configured, by ${used.join(', ')}.`]),
  ]
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ')

/** Broken between words, and without the backquotes of Markdown, which keep what is to be copied on one line. */
const paragraph = (text: string, indent: number, columns: number): string =>
  wrapped(`${' '.repeat(indent)}${text}`, columns, ' '.repeat(indent))
    .join('\n')
    .replaceAll('`', '')
