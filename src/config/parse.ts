import { RunbookError } from '../kernel/errors.ts'
import { mistakes } from './issues.ts'
import { configSchema, type ParsedConfig } from './schema.ts'

/**
 * Checks what a configuration file exports.
 * @param name what errors call it: the path of the file
 * @throws RunbookError `usage` with every mistake
 */
export function parsedConfig(config: unknown, name: string): ParsedConfig {
  // It is checked once: compiling the checks takes longer than they do.
  const parsed = configSchema.safeParse(config, { jitless: true })
  if (parsed.success) return parsed.data
  throw new RunbookError(
    'usage',
    `cannot use ${name}:\n${mistakes(parsed.error, config)
      .map((line) => `  ${line}`)
      .join('\n')}`,
    {
      hint: 'fix the settings listed; nothing was done',
    },
  )
}
