import { createHash } from 'node:crypto'
import type { Timer } from '../drivers/timers.ts'
import { RunbookError } from '../kernel/errors.ts'
import { shellWord } from '../kernel/shell-quote.ts'

const marker = '# runbook timer '

/**
 * A line of a crontab, with the comment before it that names the timer. `%` is escaped, since cron ends the command there
 * (crontab(5)).
 * @throws RunbookError `usage` for a control character, which a line cannot hold
 */
export function cronLines({
  name,
  about,
  every,
  argv,
  directory,
  environment,
  log,
}: Timer): readonly string[] {
  const words = (all: readonly string[]): string => all.map(posixWord).join(' ')
  const start = words([
    'env',
    ...Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    ...argv,
  ])
  const output = words([log])
  const command = `${words(['cd', directory])} && ${
    every === 'minute' ? startedThrice(start, output) : `${start} > ${output} 2>&1`
  }`
  // Spread over the hour, so that not all projects of all machines start at once.
  const minute = (createHash('sha256').update(name).digest()[0] ?? 0) % 60
  return [
    `${marker}${name}: ${about}`,
    `${every === 'minute' ? '*' : minute} ${every === 'day' ? '4' : '*'} * * * ${command.replaceAll('%', String.raw`\%`)}`,
  ]
}

/**
 * cron counts in minutes, and whoever waits for a service that ended waits for its next start. Each start is of its own:
 * one that stays does not begin again what was ended on purpose. The first lines of a service that stays must
 * survive the starts that find it running.
 */
const startedThrice = (start: string, output: string): string =>
  `for wait in 0 20 40; do { sleep $wait; ${start}; } >> ${output} 2>&1 & done; wait`

/** cron gives its commands to `sh`, which has no `$'…'`. */
function posixWord(text: string): string {
  const word = shellWord(text)
  if (word.startsWith('$'))
    throw new RunbookError(
      'usage',
      `${JSON.stringify(text)} has a control character, which a crontab cannot hold`,
      { hint: 'rename it' },
    )
  return word
}

/** The names of the timers in a crontab. */
export const timersIn = (crontab: string): readonly string[] =>
  crontab.split('\n').flatMap((line) => {
    const name = nameIn(line)
    return name === null ? [] : [name]
  })

const nameIn = (line: string): string | null =>
  line.startsWith(marker) ? (line.slice(marker.length).split(':', 1)[0] ?? null) : null

/** The crontab without these timers; every other line stays as it is. */
export function withoutTimers(crontab: string, names: readonly string[]): string {
  const kept: string[] = []
  let skip = false
  for (const line of crontab.split('\n')) {
    const name = nameIn(line)
    if (name !== null && names.includes(name)) skip = true
    else if (skip) skip = false
    else kept.push(line)
  }
  return kept.join('\n')
}

/** The crontab with these timers at its end, instead of those of the same name. */
export function withTimers(crontab: string, timers: readonly Timer[]): string {
  const rest = withoutTimers(
    crontab,
    timers.map(({ name }) => name),
  )
  const lines = timers.flatMap(cronLines)
  return `${rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`}${lines.join('\n')}\n`
}
