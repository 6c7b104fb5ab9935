/**
 * What a child may inherit from us. A list of the allowed, for the forbidden cannot be listed: NODE_OPTIONS, LD_PRELOAD, BASH_ENV,
 * PGHOST, GNUPGHOME, COMPOSE_FILE and the like would quietly load code into a tool or point it at another target.
 */
const allowed = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  // Which Docker daemon: `docker` and dockerode must agree on it, and ssh:// hosts need the agent.
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'SSH_AUTH_SOCK',
])

const allowedPrefixes = ['LC_', 'XDG_']

/** The allowed part of an environment; what the caller adds by name always counts. */
export function childEnvironment(
  ours: { readonly [name: string]: string | undefined },
  added: { readonly [name: string]: string },
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(ours)) {
    if (value === undefined) continue
    if (allowed.has(name) || allowedPrefixes.some((prefix) => name.startsWith(prefix)))
      environment[name] = value
  }
  return { ...environment, ...added }
}
