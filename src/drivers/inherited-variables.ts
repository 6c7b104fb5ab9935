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

/**
 * How this machine reaches the network: proxies and certificate authorities. Only commands of the configuration
 * get them, in upper and lower case: Compose would put them into files, and databases are not behind a proxy.
 */
const network = new Set([
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'NODE_USE_ENV_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'PIP_CERT',
])

/** Secrets that the client of S3 takes from the environment where a store configures no credentials. */
export const foundByClients = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const

type Environment = { readonly [name: string]: string | undefined }

/** The variables of an environment that commands of the configuration get besides those of every program. */
export const networkVariables = (environment: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && network.has(name.toUpperCase()) ? [[name, value] as const] : [],
    ),
  )

/** The variables among them whose value holds a user or password: `http://USER:PASSWORD@HOST`. */
export const credentialVariables = (environment: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(networkVariables(environment)).filter(([, value]) =>
      /^(?:[^/]*:\/\/)?[^/@]+@/.test(value),
    ),
  )
