import type { ProcessService, ProcessStack, ServiceGroup } from '../drivers/services.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { composeLine, typedVariable } from './compose-line.ts'

/** Names a service of a process stack in its environment, by which it is found without its pid file. */
export const serviceVariable = 'RUNBOOK_SERVICE'
export const serviceTag = ({ state }: ProcessStack, name: string): string => `${state}/${name}`
export const logFile = ({ state }: ProcessStack, name: string): string => `${state}/${name}.log`

/** What a person types, from any folder, to start services that are stopped. */
export function startLines({ stack, names }: ServiceGroup): readonly string[] {
  if (names.length === 0) return []
  return stack.kind === 'compose'
    ? [composeLine(stack, ['start', ...names.map(shellWord)].join(' '))]
    : names.flatMap((name) => {
        const service = stack.services[name]
        return service === undefined || service.oneOff ? [] : [processLine(stack, name, service)]
      })
}

/** What shows which of them run, and changes nothing. A line that starts a process looks itself. */
export const stateLines = ({ stack, names }: ServiceGroup): readonly string[] =>
  stack.kind === 'compose' && names.length > 0
    ? [composeLine(stack, ['ps', '--all', ...names.map(shellWord)].join(' '))]
    : []

/**
 * A session of its own outlives the terminal, and with its variable the program knows it again. Typed twice, it starts
 * nothing a second time.
 */
function processLine(stack: ProcessStack, name: string, { command, environment }: ProcessService): string {
  const tag = `${serviceVariable}=${serviceTag(stack, name)}`
  const variables = Object.entries(environment).map(([variable, value]) => typedVariable(variable, value))
  return [
    `grep -qszxF ${shellWord(tag)} /proc/[0-9]*/environ ||`,
    `(cd ${shellWord(stack.directory)} &&`,
    'env',
    ...variables,
    shellWord(tag),
    'setsid --fork',
    ...command.map(shellWord),
    `>> ${shellWord(logFile(stack, name))} 2>&1 < /dev/null)`,
  ].join(' ')
}
