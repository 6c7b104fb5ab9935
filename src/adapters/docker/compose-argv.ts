import type { ComposeStack, InstanceCounts } from '../../drivers/services.ts'
import { throughDocker } from './compose-program.ts'
import type { RunLabels } from './run-labels.ts'

/**
 * `docker compose` on exactly this project and these files, whatever the folder's `.env` sets in COMPOSE_FILE
 * and the like. Without a name, which only reading allows, Compose derives it from the files.
 */
function onStack(stack: ComposeStack): readonly string[] {
  return [
    ...throughDocker,
    '--ansi',
    'never',
    ...(stack.project === '' ? [] : ['--project-name', stack.project]),
    '--project-directory',
    stack.directory,
    ...stack.files.flatMap((file) => ['--file', file]),
    ...stack.envFiles.flatMap((file) => ['--env-file', file]),
    ...stack.profiles.flatMap((profile) => ['--profile', profile]),
  ]
}

/**
 * The resolved configuration, with the services of every profile. It contains secrets: digest it, never show
 * it.
 * @param override merges what is on standard input last
 */
export const configArgv = (stack: ComposeStack, override: 'stdin' | 'none' = 'none'): readonly string[] => [
  ...onStack({
    ...stack,
    files: override === 'stdin' ? [...stack.files, '-'] : stack.files,
    profiles: ['*'],
  }),
  'config',
  '--format',
  'json',
]

/**
 * The configuration with its variables as written. Only so does Compose (2.26) name the `env_file` of a
 * service, which it otherwise merges into `environment`.
 */
export const unexpandedConfigArgv = (stack: ComposeStack): readonly string[] => [
  ...configArgv(stack),
  '--no-interpolate',
]

/**
 * The hash by which Compose recognises a container as up to date, one service per line. From the resolved
 * configuration on standard input: of the files themselves, Compose (2.26) hashes a service with an `env_file`
 * otherwise than it does in `up`.
 */
export const hashesArgv = (stack: ComposeStack): readonly string[] => [
  ...onStack({ ...stack, files: ['-'], profiles: ['*'] }),
  'config',
  '--hash',
  '*',
]

export const versionArgv: readonly string[] = [...throughDocker, 'version', '--short']

/**
 * Never builds: a recovery starts only images that were built and tested before. Without dependencies:
 * Compose would otherwise start writers that a runbook has stopped, or recreate a database.
 */
export const upArgv = (
  stack: ComposeStack,
  services: readonly string[],
  counts: InstanceCounts = {},
): readonly string[] => [
  ...onStack(stack),
  'up',
  '--detach',
  '--no-build',
  '--no-deps',
  '--quiet-pull',
  ...scaleFlags(services, counts),
  '--',
  ...services,
]

/** What Compose says `up` would do, without doing it (`docker compose --dry-run`, since 2.18). */
export const dryRunUpArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
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

/** Without it Compose returns a service that somebody scaled to the number that its files declare. */
const scaleFlags = (services: readonly string[], counts: InstanceCounts): readonly string[] =>
  services.flatMap((service) =>
    counts[service] === undefined ? [] : ['--scale', `${service}=${counts[service]}`],
  )

/** Names of the containers that a dry run of `up` recreates. */
export const recreatedIn = (output: string): readonly string[] =>
  [...output.matchAll(/^\s*DRY-RUN MODE -\s+Container (\S+)\s+Recreate\s*$/gm)].map(([, name]) => name ?? '')

/** As `up`, but also recreates containers that match their declaration. */
export const recreateArgv = (
  stack: ComposeStack,
  services: readonly string[],
  counts: InstanceCounts = {},
): readonly string[] => [
  ...onStack(stack),
  'up',
  '--detach',
  '--no-build',
  '--no-deps',
  '--force-recreate',
  '--quiet-pull',
  ...scaleFlags(services, counts),
  '--',
  ...services,
]

/** Pulls images and touches no container. Services that Compose builds have no image to pull. */
export const pullArgv = (stack: ComposeStack, services: readonly string[]): readonly string[] => [
  ...onStack(stack),
  'pull',
  '--quiet',
  '--ignore-buildable',
  '--',
  ...services,
]

/** Creates missing containers and leaves existing ones as they are. */
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
 * A one-off. `run` has no `--no-build`, so its image must exist. Its container is kept until it was
 * inspected: exit code 137 alone does not say that it ran out of memory.
 */
export const runArgv = (
  stack: ComposeStack,
  service: string,
  command: readonly string[],
  container: string,
  labels: RunLabels,
  override: 'stdin' | 'none' = 'none',
): readonly string[] => [
  // Compose merges the last file last.
  ...onStack(override === 'stdin' ? { ...stack, files: [...stack.files, '-'] } : stack),
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
