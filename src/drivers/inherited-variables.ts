/**
 * Variables that every program started here inherits. An allow list, because a deny list is never complete:
 * NODE_OPTIONS, LD_PRELOAD, BASH_ENV, PGHOST, GNUPGHOME, COMPOSE_FILE and others silently load code into a
 * tool or point it at another target.
 */
const inherited = new Set([
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

const prefixes = ['LC_', 'XDG_']

export const isInherited = (name: string): boolean =>
  inherited.has(name) || prefixes.some((prefix) => name.startsWith(prefix))
