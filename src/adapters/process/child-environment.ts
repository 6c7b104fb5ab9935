/**
 * Variables that a child inherits. An allow list, because a deny list is never complete: NODE_OPTIONS,
 * LD_PRELOAD, BASH_ENV, PGHOST, GNUPGHOME, COMPOSE_FILE and others silently load code into a tool or point it
 * at another target.
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
  // These select the Docker daemon: `docker` and dockerode must use the same one, and ssh:// hosts need the
  // agent.
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'SSH_AUTH_SOCK',
])

const allowedPrefixes = ['LC_', 'XDG_']

/** The allowed part of an environment, overridden by the variables that the caller adds by name. */
export function childEnvironment(
  own: { readonly [name: string]: string | undefined },
  added: { readonly [name: string]: string },
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue
    if (allowed.has(name) || allowedPrefixes.some((prefix) => name.startsWith(prefix)))
      environment[name] = value
  }
  return { ...environment, ...added }
}
