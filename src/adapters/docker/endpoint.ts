import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DockerOptions } from 'dockerode'
import { cannot } from '../../kernel/errors.ts'

export type Environment = { readonly [name: string]: string | undefined }

/** Where the Docker daemon listens, and the options of dockerode for it. */
export type Endpoint = { readonly host: string; readonly options: DockerOptions }

const standard = 'unix:///var/run/docker.sock'

/**
 * The daemon that the `docker` command would use, so that API and command use the same one. In the command's
 * order: DOCKER_HOST, DOCKER_CONTEXT, the current context of its configuration, the standard socket.
 * @throws RunbookError `preflight` if the context does not exist
 */
export async function findEndpoint(environment: Environment): Promise<Endpoint> {
  const host = environment['DOCKER_HOST']
  if (host !== undefined && host !== '') {
    const folder = environment['DOCKER_CERT_PATH']
    return endpointOf(host, folder === undefined ? null : await certificates(folder), environment)
  }
  const configuration = environment['DOCKER_CONFIG'] ?? join(environment['HOME'] ?? homedir(), '.docker')
  const context = environment['DOCKER_CONTEXT'] ?? (await currentContext(configuration))
  if (context === undefined || context === '' || context === 'default')
    return endpointOf(standard, null, environment)
  return contextEndpoint(configuration, context, environment)
}

type Certificates = Pick<DockerOptions, 'ca' | 'cert' | 'key'>

/** Translates a DOCKER_HOST address into the options of dockerode. */
export function endpointOf(host: string, tls: Certificates | null, environment: Environment = {}): Endpoint {
  const url = new URL(host.includes('://') ? host : `tcp://${host}`)
  if (url.protocol === 'unix:' || url.protocol === 'npipe:')
    return { host, options: { socketPath: decodeURI(url.pathname) } }
  const address = {
    host: url.hostname,
    port: url.port || (url.protocol === 'ssh:' ? 22 : tls === null ? 2375 : 2376),
  }
  if (url.protocol === 'ssh:') {
    const agent = environment['SSH_AUTH_SOCK']
    return {
      host,
      options: {
        ...address,
        protocol: 'ssh',
        username: url.username,
        sshOptions: agent === undefined ? {} : { agent },
      },
    }
  }
  return { host, options: { ...address, protocol: tls === null ? 'http' : 'https', ...tls } }
}

async function currentContext(configuration: string): Promise<string | undefined> {
  const parsed = await readJson(join(configuration, 'config.json'))
  return (parsed as { readonly currentContext?: string } | null)?.currentContext
}

/** Context folders are named by the SHA-256 of the context name (docker/cli, cli/context/store). */
async function contextEndpoint(
  configuration: string,
  context: string,
  environment: Environment,
): Promise<Endpoint> {
  const id = createHash('sha256').update(context).digest('hex')
  const meta = await readJson(join(configuration, 'contexts', 'meta', id, 'meta.json'))
  const host = (meta as { readonly Endpoints?: { readonly docker?: { readonly Host?: string } } } | null)
    ?.Endpoints?.docker?.Host
  if (host === undefined) {
    throw cannot('use', `Docker context ${context}`, 'not found', {
      code: 'preflight',
      hint: 'check: docker context ls',
    })
  }
  const tls = await certificates(join(configuration, 'contexts', 'tls', id, 'docker')).catch(() => null)
  return endpointOf(host, tls, environment)
}

async function certificates(folder: string): Promise<Certificates> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name))),
  )
  return { ca, cert, key } as Certificates
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return null
  }
}
