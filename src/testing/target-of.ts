import type { Config } from '../config/input.ts'
import { parsedConfig } from '../config/parse.ts'
import { targetOf as resolvedTarget } from '../config/target.ts'
import type { Target } from '../model/target.ts'

/** Folders of the pretended machine. */
export interface TargetFolders {
  /** Where relative paths start, as the folder of `runbook.config.ts` does. Default: `/project`. */
  readonly directory?: string
  /** What `~` is. Default: `/home/operator`. */
  readonly home?: string
  /** The state folder of the program. Default: `/state`. */
  readonly state?: string
}

/**
 * A target of a configuration, for `fakeMachine`: checked and resolved as when `runbook.config.ts` is loaded. Reads no
 * file: a Compose stack whose project name stands in a file needs `project`.
 * @throws RunbookError `usage` for a configuration that is not valid, or an unknown name
 */
export function targetOf<C extends Config>(
  config: C,
  name: Extract<keyof C['targets'], string>,
  { directory = '/project', home = '/home/operator', state = '/state' }: TargetFolders = {},
): Target {
  const parsed = parsedConfig(config, 'the configuration')
  return resolvedTarget(parsed, name, { directory, home, state, host: 'pretended' })
}
