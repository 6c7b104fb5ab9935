import type { Plan } from '../model/plan.ts'
import { defaultLines } from './defaults.ts'
import { expectations } from './expected.ts'
import { effectOf, outlineOf, type Part } from './outline.ts'
import { takenBy, type ParamLine } from './params.ts'
import { markdown } from './markup.ts'

/** The printable runbook, for following or checking every step on paper. */
export function planMarkdown(
  plan: Plan,
  params: readonly ParamLine[],
  origin: string | null = null,
  past: readonly number[] = [],
): string {
  const { main, lastly } = outlineOf(plan)
  const required = params
    .filter(({ given }) => given === 'required')
    .map(({ flag, value }) => ` ${flag} ${value}`)
    .join('')
  const command = `runbook run ${plan.runbook} --target ${String(plan.target['name'])}${required}`
  return [
    `# ${markdown(plan.title)}`,
    '',
    `**When:** ${markdown(plan.when)}`,
    '',
    `**Target:** ${markdown(String(plan.target['title']))} (\`${String(plan.target['name'])}\`)`,
    '',
    ...(origin === null ? [] : [`**Runbook:** ${markdown(origin)}`, '']),
    ...expectations(plan, past).flatMap(([label, text]) => [`**${label}:** ${markdown(text)}`, '']),
    '```sh',
    `${command} --dry-run`,
    command,
    '```',
    '',
    ...(params.length === 0
      ? []
      : [
          '## Parameters',
          '',
          '| flag | value | meaning | |',
          '|---|---|---|---|',
          ...params.map(
            ({ flag, value, help, given }) =>
              `| \`${flag}\` | ${markdown(value)} | ${markdown(help)} | ${markdown(given)} |`,
          ),
          '',
        ]),
    '## Steps',
    '',
    ...parts(main, params, ''),
    ...(lastly.length === 0
      ? []
      : [
          '',
          '## At the end of every run',
          '',
          'After success and after rollback.',
          '',
          ...parts(lastly, params, ''),
        ]),
    '',
    ...(plan.defaults === undefined
      ? []
      : ['## Not configured', '', ...defaultLines(plan).map((line) => `- ${line}`), '']),
    '## If it fails',
    '',
    'Before the point of no return a failed run rolls back automatically: ' +
      'every step that may have had an effect is undone, newest first, and each undo is checked.',
    'Continue an interrupted run with `runbook resume ID` or `runbook rollback ID`; `runbook status` lists open runs.',
    '',
    `<sub>Plan ${plan.digest.slice(0, 12)}</sub>`,
    '',
  ].join('\n')
}

function parts(list: readonly Part[], params: readonly ParamLine[], indent: string): readonly string[] {
  return list.flatMap((part): readonly string[] => {
    switch (part.is) {
      case 'step': {
        const deep = `${indent}${' '.repeat(String(part.number).length + 2)}`
        return [
          `${indent}${part.number}. **${markdown(part.step.title)}** (${markdown(effectOf(part.step))})  `,
          [part.step.says, ...takenBy(part.step, params)]
            .map((line) => `${deep}${markdown(line)}`)
            .join('  \n'),
        ]
      }
      case 'together':
        return [
          `${indent}- *In parallel: ${markdown(part.title)}*`,
          ...parts(part.parts, params, `${indent}  `),
        ]
      case 'branch':
        return part.cases.flatMap(({ when, parts: inner }) => [
          `${indent}- *Only if ${markdown(part.on)} is ${markdown(when)}*`,
          ...parts(inner, params, `${indent}  `),
        ])
      case 'pivot':
        return [
          '',
          `${indent}---`,
          '',
          `${indent}**Point of no return.** ${markdown(part.because)} From here on failures no longer roll back.`,
          '',
        ]
    }
  })
}
