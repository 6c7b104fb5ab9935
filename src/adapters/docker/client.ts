import { registerHooks } from 'node:module'
import type Dockerode from 'dockerode'
import type { DockerOptions } from 'dockerode'
import { RunbookError } from '../../kernel/errors.ts'

/** What dockerode requires at once and uses only to build images. It takes longer to load than the rest. */
const forBuilds = ['@balena/dockerignore', '@grpc/grpc-js', '@grpc/proto-loader', 'tar-fs']

/** What docker-modem requires at once and uses only for a daemon that is reached by SSH. */
const forSsh = 'ssh2'

const client = /\/node_modules\/(?:dockerode|docker-modem)\//

/** Loaded in place of a package that is not used: any module of Node. */
const unused = { url: 'node:path', format: 'builtin', shortCircuit: true } as const

let withSsh: boolean | null = null

/** A client of the daemon, loaded without the packages that only other uses of dockerode need. */
export async function dockerClient(options: DockerOptions): Promise<Dockerode> {
  const bySsh = options.protocol === 'ssh'
  withSsh ??= bySsh
  if (bySsh && !withSsh)
    throw new RunbookError('bug', 'cannot use a Docker daemon by SSH after another one in the same process')
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      client.test(context.parentURL ?? '') && (forBuilds.includes(name) || (name === forSsh && !withSsh))
        ? unused
        : next(name, context),
  })
  try {
    const { default: Docker } = await import('dockerode')
    // dockerode takes an omitted option from DOCKER_HOST of this process.
    return new Docker({ host: undefined, socketPath: undefined, ...options })
  } finally {
    hooks.deregister()
  }
}
