import type { Group, Setting, Topic } from '../sections/parts/settings.ts'

/** The runbooks that read a section: those that require it, and those that use it where a target has it. */
export type Readers = { readonly needed: readonly string[]; readonly used: readonly string[] }

const columns = 100

/** Everything that can be configured, in a line or two each. */
export function configOverview(topics: readonly Topic[]): string {
  const list = (place: Topic['place']): string =>
    topics
      .filter((topic) => topic.place === place)
      .map(({ name, about }) => `  ${name}\n${wrapped(about, 6)}\n`)
      .join('')
  return [
    'runbook.config.ts: export default defineConfig({ …, targets: { NAME: { … } } })',
    'Relative paths are resolved against the folder of that file; ~ is the home folder.',
    '',
    'Beside targets:',
    list('configuration'),
    'In each target:',
    list('target'),
    'Sections of a target, each optional (where one has a default, its page says so):',
    list('section'),
    'Settings of one section: runbook help config SECTION',
    '',
  ].join('\n')
}

/** One section with every setting. */
export function configTopic(topic: Topic, readers: Readers | undefined): string {
  return [
    topic.name,
    wrapped(topic.about, 2),
    ...readersLines(readers).map((line) => wrapped(line, 2)),
    ...(topic.otherwise === null ? [] : [wrapped(`Default: ${topic.otherwise}.`, 2)]),
    '',
    ...topic.groups.flatMap((group) => groupLines(topic, group)),
    ...topic.examples.flatMap((example) => ['Example:', indented(example), '']),
    "Duration: a number of seconds, or '90s', '5m', '26h', '7d'. Size: a number of bytes, or '64KiB', '10MB'.",
    "Secret: secret('VARIABLE'), or secret({ file: 'PATH' }); the value itself is never written down.",
    '',
  ].join('\n')
}

const groupLines = ({ name }: Topic, { title, settings }: Group): readonly string[] => [
  ...(title === null ? [] : [`With ${title}`, '']),
  ...settings.flatMap((setting) => [
    `  ${setting.path}: ${setting.type}, ${givenOrNot(setting)}`,
    ...(setting.path === name ? [] : [wrapped(setting.about, 6)]),
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

/** Wraps a paragraph and strips the backticks of Markdown. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = []
  for (const word of text.replaceAll('`', '').split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || indent + last.length + 1 + word.length > columns) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.map((line) => `${' '.repeat(indent)}${line}`).join('\n')
}
