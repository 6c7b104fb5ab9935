import type { ComposeStack } from '../../drivers/services.ts'
import type { RunLabels } from './run-labels.ts'

/** `docker compose` on exactly this project and these files, whatever the folder's `.env` says of COMPOSE_FILE and the like. */
function onStack(stack: ComposeStack): readonly string[] {
  return [
    'docker',
    'compose',
    '--ansi',
    'never',
    '--project-name',
    stack.project,
    '--project-directory',
    stack.directory,
    ...stack.files.flatMap((file) => ['--file', file]),
    ...stack.envFiles.flatMap((file) => ['--env-file', file]),
    ...stack.profiles.flatMap((profile) => ['--profile', profile]),
  ]
}

/** The resolved configuration, services of every profile included. It holds secrets: it may be digested, never shown. */
export const configArgv = (stack: ComposeStack): readonly string[] => [
  ...onStack({ ...stack, profiles: ['*'] }),
  'config',
  '--format',
  'json',
]

export const versionArgv: readonly string[] = ['docker', 'compose', 'version', '--short']

/**
 * Never builds: what a recovery starts was made and tested before. Without dependencies, for a step touches the services that it names
 * and no others: Compose would start writers again that a runbook has stopped, or make a database anew.
 */
export const upArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
  ...onStack(stack),
  'up',
  '--detach',
  '--no-build',
  '--no-deps',
  '--quiet-pull',
  '--',
  ...services,
]

/** What `up` would do, by Compose's own judgement; it changes nothing (`docker compose --dry-run`, since 2.18). */
export const foretellUpArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
  ...onStack(stack),
  '--dry-run',
  'up',
  '--detach',
  '--no-build',
  '--no-deps',
  '--quiet-pull',
  '--',
  ...services,
]

/** Names of the containers that a foretold `up` would make anew. */
export const remadeIn = (foretold: string): readonly string[] =>
  [...foretold.matchAll(/^\s*DRY-RUN MODE -\s+Container (\S+)\s+Recreate\s*$/gm)].map(
    ([, name]) => name ?? '',
  )

/** As `up`, and makes anew what is as declared too. */
export const recreateArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
  ...onStack(stack),
  'up',
  '--detach',
  '--no-build',
  '--no-deps',
  '--force-recreate',
  '--quiet-pull',
  '--',
  ...services,
]

/** Fetches images and touches no container. What would be built has none to fetch. */
export const pullArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
  ...onStack(stack),
  'pull',
  '--quiet',
  '--ignore-buildable',
  '--',
  ...services,
]

/** Makes what is missing, and leaves what exists as it is. */
export const createArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
  ...onStack(stack),
  'up',
  '--detach',
  '--no-build',
  '--no-deps',
  '--no-recreate',
  '--quiet-pull',
  '--',
  ...services,
]

/**
 * A one-off. `run` has no `--no-build`, so its image must be there already. Its container is kept until its end has been looked at: an
 * exit code of 137 alone does not say that the memory ran out.
 */
export const runArgv = (
  stack: ComposeStack,
  service: string,
  command: readonly string[],
  container: string,
  labels: RunLabels,
  over: 'stdin' | 'nothing' = 'nothing',
): readonly string[] => [
  // What comes by standard input is merged last.
  ...onStack(over === 'stdin' ? { ...stack, files: [...stack.files, '-'] } : stack),
  'run',
  '--no-deps',
  '--no-TTY',
  '--quiet-pull',
  '--name',
  container,
  ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
  '--env',
  'RUNBOOK_RUN',
  '--env',
  'RUNBOOK_STEP',
  '--',
  service,
  ...command,
]
