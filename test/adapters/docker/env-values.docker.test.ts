import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { variablesOf, type EnvVariables } from '../../../src/formats/env-file.ts'
import { envFiles, envValues } from '../../fixtures/env-values.ts'
import { docker } from '../../fixtures/requirements.ts'

const nothing = (): null => null

/** What this program reads; null where it refuses the file. */
function read(file: string): EnvVariables | null {
  try {
    return variablesOf(Buffer.from(file), nothing)
  } catch {
    return null
  }
}

describe.skipIf(!docker())('env files as Docker Compose reads them', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runbook-env-values-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  /** The variables of one service for each file; null where Compose refuses one of them. */
  async function composed(files: readonly string[]): Promise<readonly EnvVariables[] | null> {
    const services = Object.fromEntries(
      files.map((_, at) => [`s${at}`, { image: 'x', env_file: [`${at}.env`] }]),
    )
    await Promise.all(files.map((file, at) => writeFile(join(folder, `${at}.env`), file)))
    await writeFile(join(folder, 'compose.json'), JSON.stringify({ services }))
    const argv = ['compose', '-p', 'env', '-f', 'compose.json', 'config', '--format', 'json']
    const { PATH, HOME } = process.env
    const ended = await execa('docker', argv, {
      cwd: folder,
      reject: false,
      extendEnv: false,
      env: { PATH, HOME },
    })
    if (ended.exitCode !== 0) return null
    const shown = JSON.parse(ended.stdout) as {
      readonly services: { readonly [name: string]: { readonly environment?: EnvVariables } }
    }
    return files.map((_, at) =>
      Object.fromEntries(
        Object.entries(shown.services[`s${at}`]?.environment ?? {}).map(([name, value]) => [
          name,
          value?.replaceAll('$$', '$') ?? null,
        ]),
      ),
    )
  }

  it('gives the values of the table', async () => {
    const accepted = envValues.filter(([, , value]) => value !== undefined)
    const found = await composed(accepted.map(([, file]) => file))
    expect(accepted.map(([name], at) => [name, found?.[at]?.['V'] ?? null])).toEqual(
      accepted.map(([name, , value]) => [name, value]),
    )
    for (const [name, file, value] of envValues)
      if (value === undefined) expect([name, await composed([file])]).toEqual([name, null])
  })

  it('gives the same variables for any file, or refuses it as this program does', async () => {
    const files = fc.sample(envFiles, 600)
    const accepted = files.filter((file) => read(file) !== null)
    expect(accepted.length).toBeGreaterThan(100)
    const together = await composed(accepted)
    if (together === null)
      for (const file of accepted) expect([file, await composed([file])]).toEqual([file, [read(file)]])
    for (const [at, file] of accepted.entries()) expect([file, together?.[at]]).toEqual([file, read(file)])
    for (const file of files.filter((one) => read(one) === null).slice(0, 12)) {
      // Compose accepts a line without a name, but no container starts with such a variable.
      const [unnamed] = (await composed([file])) ?? [{ '': '' }]
      expect([file, Object.keys(unnamed ?? {})]).toEqual([file, expect.arrayContaining([''])])
    }
  })
})
