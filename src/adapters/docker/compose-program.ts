import { open, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { shell } from '../process/shell.ts'
import type { Environment } from './endpoint.ts'

export const throughDocker = ['docker', 'compose'] as const

export type Places = {
  /** Where Docker's own packages and its image put the command. */
  readonly docker: readonly string[]
  /** Where `docker` looks for plugins last, in its order (docker/cli, cli-plugins/manager). */
  readonly plugins: readonly string[]
}

const linux: Places = {
  docker: ['/usr/bin/docker', '/usr/local/bin/docker'],
  plugins: ['/usr/local/lib', '/usr/local/libexec', '/usr/lib', '/usr/libexec'].map((folder) =>
    join(folder, 'docker/cli-plugins'),
  ),
}

/**
 * The words that start Compose to read. `docker compose` starts the plugin twice and itself, which takes more than half of most
 * answers, so where it is certain which plugin that is, it is started by itself. It is not certain where `docker` is a script,
 * as Podman's is, or where another packager put it, whose `docker` may look elsewhere.
 */
export async function composeProgram(
  environment: Environment,
  places: Places | null = process.platform === 'linux' ? linux : null,
): Promise<readonly string[]> {
  const docker = places === null ? null : await shell.which('docker')
  if (places === null || docker === null || !(await isOneOf(places.docker, docker))) return throughDocker
  const configuration = environment['DOCKER_CONFIG'] ?? join(environment['HOME'] ?? homedir(), '.docker')
  const more = await extraFolders(configuration)
  if (more === null) return throughDocker
  const folders = [join(configuration, 'cli-plugins'), ...more, ...places.plugins]
  for (const folder of folders) {
    const plugin = await shell.which(join(folder, 'docker-compose'))
    if (plugin !== null) return [plugin]
  }
  return throughDocker
}

/** Whether it is one of these programs, and no script. */
async function isOneOf(programs: readonly string[], path: string): Promise<boolean> {
  try {
    const real = await realpath(path)
    return programs.includes(real) && !(await isScript(real))
  } catch {
    return false
  }
}

async function isScript(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.toString('latin1') === '#!'
  } finally {
    await file.close()
  }
}

/** Null where they cannot be read. */
async function extraFolders(configuration: string): Promise<readonly string[] | null> {
  const text = await readFile(join(configuration, 'config.json'), 'utf8').catch(
    (thrown: NodeJS.ErrnoException) => (thrown.code === 'ENOENT' ? '{}' : null),
  )
  try {
    const { cliPluginsExtraDirs = [] } = JSON.parse(text ?? '') as {
      readonly cliPluginsExtraDirs?: readonly string[]
    }
    return cliPluginsExtraDirs
  } catch {
    return null
  }
}
